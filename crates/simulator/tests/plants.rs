//! The simulation finds mistakes: each classic one is planted, and must break a rule within so many seeds; without it the
//! very seed that found it is clean.

#![cfg(feature = "plants")]

use simulator::simulation::{Options, Plant, Simulator};

/// Within how many seeds, from 1, each is found.
const FOUND_WITHIN: &[(Plant, u64)] = &[
    (Plant::FailByAge, 100),
    (Plant::EnqueueAfterCommit, 10),
    (Plant::NewReferenceOnRetry, 50),
    (Plant::RetryChargeAfterCrash, 10),
    (Plant::NoRowLock, 10),
    (Plant::UnknownCodeReadAsFailed, 50),
    (Plant::AskErrorFailsPayment, 50),
    (Plant::NotFoundBelievedAtOnce, 100),
    (Plant::EventRowReadAsDelivered, 50),
    (Plant::NoticeAmountNotChecked, 100),
    (Plant::RepeatNotChecked, 10),
    (Plant::HoldReleasedOnTimeout, 10),
    (Plant::DoublePostOnNotice, 300),
    (Plant::LeaseForgotten, 10),
    (Plant::AcknowledgeBeforeCommit, 300),
    (Plant::NotificationRebuilt, 10),
    (Plant::SuccessUndone, 50),
    (Plant::LateSuccessIgnored, 300),
];

#[test]
fn every_planted_mistake_is_found_and_nothing_else_is() {
    let simulator = Simulator::new();
    let mut missed = vec![];
    for plant in Plant::ALL {
        let (_, within) = FOUND_WITHIN.iter().find(|(known, _)| known == plant).expect("every mistake has its number");
        let planted = Options { plant: Some(*plant), ..Options::default() };
        let found = (1..=*within).find(|seed| !simulator.run(*seed, &planted).violations.is_empty());
        let Some(seed) = found else {
            missed.push(format!("{} is not found within {within} seeds", plant.name()));
            continue;
        };
        let rule = simulator.run(seed, &planted).violations[0].rule;
        println!("{} breaks {rule:?} of seed {seed}", plant.name());
        let clean = simulator.run(seed, &Options::default());
        if !clean.violations.is_empty() {
            missed.push(format!("seed {seed} is broken without {}: {:?}", plant.name(), clean.violations));
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}
