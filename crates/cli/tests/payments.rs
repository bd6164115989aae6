//! One payment is one charge: however many copies arrive at once, and wherever the gateway dies.

use std::collections::BTreeMap;

use crate::support::{World, eventually, payment, status};
use client::Prepared;

const RUPIAH: u32 = 25_000;

/// A product that is linked with an authorisation code, and charges this amount without asking the customer.
fn product() -> &'static str {
    connectors::CONNECTORS[0].descriptor().products[0].code
}

fn prepare(reference: &str, card: &str) -> Prepared {
    let operation = contract::operation("payment_host_to_host").expect("an operation");
    client::prepare(operation, &payment(product(), reference, card, RUPIAH)).expect("fields")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_copies_at_once_are_one_charge() {
    let world = World::sandbox();
    let card = world.link(product()).await;
    let client = world.client();
    // Half of them are the very same request, half come with external ids of their own.
    let same = prepare("COPIES-1", &card);
    let sendings: Vec<_> = (0..100)
        .map(|number| {
            let own = prepare("COPIES-1", &card).external_id;
            let external_id = if number % 2 == 0 { same.external_id.clone() } else { own };
            let (client, request) = (client.clone(), Prepared { external_id, ..same.clone() });
            tokio::spawn(async move { client.send_prepared(request, false).await.code().unwrap_or_default() })
        })
        .collect();
    let mut codes: BTreeMap<String, usize> = BTreeMap::new();
    for sending in sendings {
        *codes.entry(sending.await.expect("an answer")).or_default() += 1;
    }
    assert_eq!(codes.get("2005400"), Some(&1), "exactly one copy is the payment: {codes:?}");
    let defined = codes.keys().all(|code| ["2005400", "4095400", "4095401"].contains(&code.as_str()));
    assert!(defined, "{codes:?}");
    assert_eq!(codes.values().sum::<usize>(), 100);
    eventually("paid", async || (status(&client, "COPIES-1").await == "00").then_some(())).await;
    let charges = world.charges(product()).await;
    assert_eq!(charges.len(), 1, "{charges:?}");
    assert_eq!((&charges[0]["requests"], &charges[0]["charged"]), (&1.into(), &true.into()), "{charges:?}");
    let order = eventually("the merchant is told", async || {
        let order = world.order("COPIES-1").await;
        order["paid"].is_string().then_some(order)
    })
    .await;
    assert_eq!(order["notifications"].as_array().map(Vec::len), Some(1), "{order}");
}

/// The gateway dies at a labelled place while it is paying; the providers live on. Started again, it settles the
/// payment, and the three books agree.
async fn survives(label: &str) {
    let mut world = World::new();
    world.start_providers();
    world.start_gateway(&["--providers-elsewhere"]);
    let card = world.link(product()).await;
    eventually("the binding is notified", async || {
        let status = world.book().await["links"]["SGWYESSISHOP"][format!("BIND-{}", product())]["status"].clone();
        (status == "LINKED").then_some(())
    })
    .await;
    world.gateway = None;
    world.start_gateway(&["--providers-elsewhere", "--crash-at", label]);
    let request = prepare("CRASH-1", &card);
    let first = world.client().send_prepared(request.clone(), false).await;
    world.await_death();
    world.start_gateway(&["--providers-elsewhere"]);
    let client = world.client();
    let ended = eventually("the payment is decided", async || {
        let status = status(&client, "CRASH-1").await;
        ["00", "06", "4045501"].contains(&status.as_str()).then_some(status)
    })
    .await;
    if ended == "4045501" {
        // Nothing of it was kept: it never happened anywhere, and the same request is as good as new.
        assert!(!first.outcome.succeeded());
        assert!(world.charges(product()).await.is_empty(), "charged without being known");
        let repeated = client.send_prepared(request, true).await;
        assert_eq!(repeated.code().as_deref(), Some("2005400"), "{:?}", repeated.reply());
    }
    agree(&world, if ended == "06" { 0 } else { 1 }).await;
}

/// Everything in one process dies at once, the providers' books included; started again, nothing was forgotten.
#[tokio::test(flavor = "multi_thread")]
async fn survives_the_death_of_the_whole_sandbox() {
    for label in ["after_commit", "after_call", "before_reply"] {
        let mut world = World::sandbox();
        let card = world.link(product()).await;
        eventually("the binding is notified", async || {
            let links = world.book().await["links"]["SGWYESSISHOP"].clone();
            links[format!("BIND-{}", product())]["tokens"].is_object().then_some(())
        })
        .await;
        world.gateway = None;
        world.start_gateway(&["--crash-at", label]);
        world.client().send_prepared(prepare("CRASH-1", &card), false).await;
        world.await_death();
        world.start_gateway(&[]);
        let client = world.client();
        eventually("the payment succeeded", async || (status(&client, "CRASH-1").await == "00").then_some(())).await;
        agree(&world, 1).await;
    }
}

/// The provider charged so many times, the merchant was told the same, and nothing was asked for twice.
async fn agree(world: &World, charged: usize) {
    let charges = world.charges(product()).await;
    let moved = charges.iter().filter(|charge| charge["charged"] == true).count();
    assert_eq!(moved, charged, "{charges:?}");
    assert!(charges.iter().all(|charge| charge["requests"].as_u64() <= Some(1)), "{charges:?}");
    let order = eventually("the merchant is told", async || {
        let order = world.order("CRASH-1").await;
        (order["notifications"].as_array().map(Vec::len) == Some(1)).then_some(order)
    })
    .await;
    assert_eq!(order["paid"].is_string(), charged == 1, "{order}");
}

macro_rules! crash_points {
    ($($test:ident = $label:literal),+ $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                survives($label).await;
            }
        )+

        #[test]
        fn every_crash_point_has_its_test() {
            assert_eq!([$($label),+].as_slice(), engine::crash::CRASH_POINTS);
        }
    };
}

crash_points! {
    survives_death_when_received = "received",
    survives_death_before_the_commit = "before_commit",
    survives_death_after_the_commit = "after_commit",
    survives_death_before_the_call = "before_call",
    survives_death_after_the_call = "after_call",
    survives_death_before_the_callback = "before_callback",
    survives_death_after_the_callback = "after_callback",
    survives_death_before_the_reply = "before_reply",
}
