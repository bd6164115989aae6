//! One payment is one charge: however many copies arrive at once, and wherever the gateway dies.

use std::collections::BTreeMap;

use crate::{
    keepings::Keeping,
    support::{World, eventually, payment, status},
};
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

/// Providers and merchant on their own, and the gateways that the keeping allows: one over a file, two over a database.
/// A task of a gateway that died is left to it for a few seconds only.
fn gateways(keeping: Keeping) -> World {
    let both = matches!(keeping, Keeping::Postgres(_));
    let mut world = World::new(keeping);
    world.start_providers();
    world.start_gateway(GATEWAY);
    if both {
        world.start_second_gateway(&GATEWAY[1..]);
    }
    world
}

/// How a gateway of several is started.
const GATEWAY: &[&str] = &["--providers-elsewhere", "--lease-seconds", "4"];

async fn a_hundred_copies_at_once_are_one_charge(keeping: Keeping) {
    let world = gateways(keeping);
    let card = world.link(product()).await;
    let client = world.client();
    let other = if world.second.is_some() { world.second_client() } else { client.clone() };
    // Half of them are the very same request, half come with external ids of their own; of each, half go to either
    // gateway.
    let same = prepare("COPIES-1", &card);
    let sendings: Vec<_> = (0..100)
        .map(|number| {
            let own = prepare("COPIES-1", &card).external_id;
            let external_id = if number % 2 == 0 { same.external_id.clone() } else { own };
            let client = if number % 4 < 2 { client.clone() } else { other.clone() };
            let request = Prepared { external_id, ..same.clone() };
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

/// The gateway dies at a labelled place while it is paying; providers and merchant live on. Where it is alone it is
/// started again, where there are two the other one takes up its work when the lease ends. The payment is settled, and
/// the three books agree.
async fn survives(keeping: Keeping, label: &str) {
    let mut world = gateways(keeping);
    let card = world.link(product()).await;
    eventually("the binding is notified", async || {
        let status = world.book().await["links"]["SGWYESSISHOP"][format!("BIND-{}", product())]["status"].clone();
        (status == "LINKED").then_some(())
    })
    .await;
    world.gateway = None;
    world.start_gateway(&[GATEWAY, &["--crash-at", label]].concat());
    let request = prepare("CRASH-1", &card);
    let first = world.client().send_prepared(request.clone(), false).await;
    world.await_death();
    let client = if world.second.is_some() {
        world.second_client()
    } else {
        world.start_gateway(GATEWAY);
        world.client()
    };
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
    let paid = ended != "06";
    agree(&world, "CRASH-1", usize::from(paid), paid).await;
}

/// How many payments are under way when a gateway is killed.
const LOAD: usize = 40;
/// How many of them are answered before.
const ANSWERED: usize = 5;

/// A gateway is killed while many payments are under way, here and at the other gateway where there is one. What it was
/// doing is taken up; what it had not kept is sent again. Every payment is decided once.
async fn a_kill_under_load_loses_and_doubles_nothing(keeping: Keeping) {
    let mut world = gateways(keeping);
    let card = world.link(product()).await;
    let first = world.client();
    let other = if world.second.is_some() { world.second_client() } else { first.clone() };
    let references: Vec<String> = (0..LOAD).map(|number| format!("LOAD-{number}")).collect();
    let (told, mut answers) = tokio::sync::mpsc::channel(LOAD);
    let sendings: Vec<_> = references
        .iter()
        .enumerate()
        .map(|(number, reference)| {
            let client = if number % 2 == 0 { first.clone() } else { other.clone() };
            let (request, told) = (prepare(reference, &card), told.clone());
            tokio::spawn(async move {
                client.send_prepared(request, false).await;
                told.send(()).await.expect("somebody listens");
            })
        })
        .collect();
    for _ in 0..ANSWERED {
        answers.recv().await.expect("an answer");
    }
    world.gateway = None;
    for sending in sendings {
        sending.await.expect("an end");
    }
    let client = match world.second {
        Some(_) => other,
        None => {
            world.start_gateway(GATEWAY);
            world.client()
        }
    };
    let mut paid = 0;
    for reference in &references {
        let ended = eventually("the payment is decided", async || {
            let status = status(&client, reference).await;
            if status == "4045501" {
                client.send_prepared(prepare(reference, &card), false).await;
            }
            ["00", "06"].contains(&status.as_str()).then_some(status)
        })
        .await;
        paid += usize::from(ended == "00");
        eventually("the merchant is told", async || {
            let order = world.order(reference).await;
            let once = order["notifications"].as_array().map(Vec::len) == Some(1);
            (once && order["paid"].is_string() == (ended == "00")).then_some(())
        })
        .await;
    }
    let charges = world.charges(product()).await;
    assert_eq!(charges.iter().filter(|charge| charge["charged"] == true).count(), paid, "{charges:?}");
    assert!(charges.iter().all(|charge| charge["requests"].as_u64() <= Some(1)), "{charges:?}");
    assert!(paid >= ANSWERED, "what was answered was paid");
}

/// Everything in one process dies at once, the providers' books included; started again, nothing was forgotten.
async fn survives_the_death_of_the_whole_sandbox(keeping: Keeping) {
    let mut world = World::sandbox(keeping);
    let card = world.link(product()).await;
    eventually("the binding is notified", async || {
        let links = world.book().await["links"]["SGWYESSISHOP"].clone();
        links[format!("BIND-{}", product())]["tokens"].is_object().then_some(())
    })
    .await;
    for (number, label) in ["after_commit", "after_call", "before_reply"].into_iter().enumerate() {
        let reference = format!("CRASH-{number}");
        // What is left to do would be done first, and die there.
        eventually("nothing is left to be told", async || {
            let pending = world.operate(&["notifications", "list", "--state", "pending"]);
            pending["notifications"].as_array().is_some_and(Vec::is_empty).then_some(())
        })
        .await;
        world.gateway = None;
        world.start_gateway(&["--lease-seconds", "4", "--crash-at", label]);
        world.client().send_prepared(prepare(&reference, &card), false).await;
        world.await_death();
        world.start_gateway(&["--lease-seconds", "4"]);
        let client = world.client();
        eventually("the payment succeeded", async || (status(&client, &reference).await == "00").then_some(())).await;
        agree(&world, &reference, number + 1, true).await;
    }
}

/// The provider charged so many times in all, the merchant was told whether this order is paid, and nothing was asked
/// for twice.
async fn agree(world: &World, reference: &str, charged: usize, paid: bool) {
    let charges = world.charges(product()).await;
    let moved = charges.iter().filter(|charge| charge["charged"] == true).count();
    assert_eq!(moved, charged, "{charges:?}");
    assert!(charges.iter().all(|charge| charge["requests"].as_u64() <= Some(1)), "{charges:?}");
    let order = eventually("the merchant is told", async || {
        let order = world.order(reference).await;
        (order["notifications"].as_array().map(Vec::len) == Some(1)).then_some(order)
    })
    .await;
    assert_eq!(order["paid"].is_string(), paid, "{order}");
}

on_both_keepings! {
    a_hundred_copies_at_once_are_one_charge,
    a_kill_under_load_loses_and_doubles_nothing,
    survives_the_death_of_the_whole_sandbox,
}

macro_rules! crash_points {
    ($($test:ident = $label:literal),+ $(,)?) => {
        mod alone {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() {
                    super::survives(super::Keeping::Sqlite, $label).await;
                }
            )+
        }

        mod beside_another {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() {
                    super::survives(super::Keeping::postgres(), $label).await;
                }
            )+
        }

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
