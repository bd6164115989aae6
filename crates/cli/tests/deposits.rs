//! A deposit is never spent twice: however many buy at once, exactly what it pays for is bought.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    keepings::Keeping,
    support::{World, biller::Reply},
};

/// Rp 50,000 of phone credit, billed as Rp 49,500 with Rp 3,500 on top.
const PRODUCT: &str = "SVHTS50";
/// What is topped up, in sen.
const DEPOSIT: i64 = 100_000_000;
/// How many buy at once, each for a number of its own, none of which is magic.
const BUYERS: usize = 200;

fn sen(value: &Value) -> i64 {
    let text = value.as_str().unwrap_or_else(|| panic!("{value} is an amount")).replace('.', "");
    text.parse().unwrap_or_else(|_| panic!("{value} is an amount"))
}

async fn two_hundred_buyers_get_exactly_what_the_deposit_pays_for(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let added = world.operate(&["merchant", "add", "KIOSK", "--name", "Kiosk", "--deposit"]);
    for step in ["add", "confirm"] {
        world.operate(&["merchant", "deposit", step, "KIOSK", "--amount", "1000000", "--reference", "TRF-1"]);
    }
    let sender = world.sender_of(&added);
    let mut inquired = vec![];
    for number in 0..BUYERS {
        let reply = sender.inquire(PRODUCT, &format!("08121{:07}", 2_000 + number), None).await;
        assert_eq!(reply.code(), "0000", "{}", reply.body);
        inquired.push(reply);
    }
    let price = inquired[0].sen("amount");
    let affordable = usize::try_from(DEPOSIT / price).expect("a count");
    assert!(affordable < BUYERS);
    let buying: Vec<_> = inquired
        .into_iter()
        .map(|inquired| {
            let sender = sender.clone();
            tokio::spawn(async move { sender.pay_inquired(PRODUCT, &inquired, None).await })
        })
        .collect();
    let mut codes: BTreeMap<String, usize> = BTreeMap::new();
    let mut sold: Vec<Reply> = vec![];
    for buyer in buying {
        let reply = buyer.await.expect("an answer");
        *codes.entry(reply.code()).or_default() += 1;
        sold.extend(reply.succeeded().then_some(reply));
    }
    assert_eq!(codes, BTreeMap::from([("0000".to_owned(), affordable), ("800".to_owned(), BUYERS - affordable)]));
    assert_eq!(sold.len(), affordable);
    let delivered: Vec<Value> =
        world.bill_orders().await.into_iter().filter(|order| order["delivered"] == true).collect();
    assert_eq!(delivered.len(), affordable, "the aggregators delivered what was sold");
    assert!(delivered.iter().all(|order| order["requests"] == 1), "each was asked for once: {delivered:?}");
    never_below_zero(&world, affordable, price);
}

/// Every entry of the deposit's statement leaves something to spend or nothing, and the whole ledger verifies.
fn never_below_zero(world: &World, affordable: usize, price: i64) {
    let statement = world.operate(&["ledger", "statement", "deposit:KIOSK", "--all"]);
    let entries = statement["entries"].as_array().expect("entries");
    // The top-up; for every bill its reservation and what it cost: bill, fee and margin where there are any.
    assert!(entries.len() > 2 * affordable, "{}", entries.len());
    for entry in entries {
        let (balance, held) = (sen(&entry["balance"]), sen(&entry["held"]));
        assert!(held >= 0 && balance - held >= 0, "below zero at {entry}");
    }
    let last = entries.last().expect("an entry");
    let spent = i64::try_from(affordable).expect("a count") * price;
    assert_eq!((sen(&last["balance"]), sen(&last["held"])), (DEPOSIT - spent, 0));
    let verified = world.operate(&["ledger", "verify"]);
    assert_eq!(verified["verified"], true, "{verified}");
}

on_both_keepings! {
    two_hundred_buyers_get_exactly_what_the_deposit_pays_for,
}
