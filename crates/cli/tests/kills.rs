//! A short run of `tests/kill` on both keepings. The long one is `tests/kill/run`; its report is under docs/reports.

use std::path::PathBuf;

use kill::Options;

use crate::keepings::Keeping;

/// How often the gateway is killed here.
const KILLS: u32 = 25;

async fn kills_lose_and_double_nothing(keeping: Keeping) {
    let store = match &keeping {
        Keeping::Sqlite => None,
        Keeping::Postgres(database) => Some(database.url().to_owned()),
    };
    let program = PathBuf::from(env!("CARGO_BIN_EXE_gerbang"));
    let options = Options { kills: KILLS, store, payments: 4, bills: 2, seed: 25, ..Options::new(program) };
    let report = kill::run(&options, &mut |line| println!("{line}")).await.expect("the run comes to its end");
    println!("{report}");
    assert!(report.is_clean(), "{report}");
    assert!(report.books.payments > u64::from(KILLS) && report.books.bills > 0, "there was a load: {report}");
    assert!(report.books.unanswered > 0, "something was under way when it was killed: {report}");
}

on_both_keepings! { kills_lose_and_double_nothing }
