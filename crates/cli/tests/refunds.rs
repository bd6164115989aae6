//! Money goes back once: in full, in parts, whoever asks at once, whatever gets lost, and wherever the gateway dies.

use std::collections::BTreeMap;

use client::{Client, Sent};
use lifecycle::merchant::BindingFlow;
use serde_json::{Value, json};

use crate::{
    keepings::Keeping,
    support::{World, eventually, payment, status},
};

/// What a payment is over that no table of magic amounts names, in rupiah.
const RUPIAH: u32 = 60_000;
/// A refund of this amount is carried out; its answer is lost.
const LOST: u32 = 20_599;
/// A refund of this amount is in progress until it is asked about for the third time.
const PENDING: u32 = 20_403;
/// A refund of this amount is refused.
const REFUSED: u32 = 20_015;
/// A refund of this amount is answered with an error and not carried out until it is asked for again.
const DROPPED: u32 = 20_500;
/// How a gateway of several is started.
const GATEWAY: &[&str] = &["--providers-elsewhere", "--lease-seconds", "4"];

/// A product whose provider cancels what is paid; the second of the register.
fn product() -> &'static str {
    connectors::CONNECTORS[1].descriptor().products[0].code
}

/// The first product whose provider gives nothing back.
fn giving_nothing_back() -> &'static str {
    let keeps = |connector: &&&dyn connectors::Connector| {
        let capabilities = connector.descriptor().capabilities;
        capabilities.contains(&connectors::Capability::Charge)
            && !capabilities.contains(&connectors::Capability::Refund)
    };
    let found = connectors::CONNECTORS.iter().filter(keeps).find_map(|one| one.descriptor().products.first());
    found.expect("a product").code
}

/// Pays; the customer confirms where the wallet asks.
async fn paid(world: &World, card: &str, reference: &str, rupiah: u32) {
    let client = world.client();
    let sent = client.send("payment_host_to_host", &payment(product(), reference, card, rupiah)).await.expect("sent");
    let page = sent.text("webRedirectUrl").unwrap_or_else(|| panic!("a page: {:?}", sent.reply()));
    if status(&client, reference).await != "00" {
        world.visit(&page).await;
    }
    eventually("paid", async || (status(&client, reference).await == "00").then_some(())).await;
}

/// A payment that waits on our checkout page; its page.
async fn at_checkout(world: &World, product: &str, reference: &str) -> String {
    let fields = json!({
        "partnerReferenceNo": reference, "merchantId": "SGWYESSISHOP",
        "amount": {"value": format!("{RUPIAH}.00"), "currency": "IDR"},
        "urlParam": {"url": "https://www.yourdomain.com/paid", "type": "PAY_RETURN", "isDeeplink": "N"},
        "additionalInfo": {"productCode": product},
    });
    let sent = world.client().send("payment_host_to_host", &fields).await.expect("sent");
    sent.text("webRedirectUrl").expect("a page")
}

fn refund_fields(reference: &str, refund: &str, rupiah: Option<u32>) -> Value {
    let mut fields = json!({
        "originalPartnerReferenceNo": reference, "partnerRefundNo": refund, "merchantId": "SGWYESSISHOP",
        "reason": "returned goods",
    });
    if let Some(rupiah) = rupiah {
        fields["refundAmount"] = json!({"value": format!("{rupiah}.00"), "currency": "IDR"});
    }
    fields
}

async fn refund(client: &Client, reference: &str, refund: &str, rupiah: Option<u32>) -> Sent {
    client.send("refund", &refund_fields(reference, refund, rupiah)).await.expect("sent")
}

async fn cancel(client: &Client, reference: &str) -> Sent {
    client.send("cancel", &json!({"originalPartnerReferenceNo": reference})).await.expect("sent")
}

#[track_caller]
fn code(sent: &Sent) -> String {
    sent.code().unwrap_or_else(|| panic!("{:?}", sent.outcome))
}

/// The status of a payment's refunds, as Debit Status lists them.
async fn history(client: &Client, reference: &str) -> Vec<String> {
    let fields = json!({"originalPartnerReferenceNo": reference, "serviceCode": "54"});
    let reply = client.send("debit_status", &fields).await.expect("sent").reply().unwrap_or_default();
    let listed = reply["refundHistory"].as_array().cloned().unwrap_or_default();
    listed.iter().map(|entry| entry["refundStatus"].as_str().unwrap_or_default().to_owned()).collect()
}

/// What providers of the product gave back, and how often they were asked to.
async fn given_back(world: &World, product: &str) -> Vec<(String, u64)> {
    let refunds = world.refunds(product).await;
    let done = refunds.iter().filter(|refund| refund["done"] == true);
    done.map(|refund| {
        (refund["amount"].as_str().unwrap_or_default().to_owned(), refund["requests"].as_u64().unwrap_or_default())
    })
    .collect()
}

/// The merchant is told once what came of each of so many refunds of an order.
async fn told(world: &World, reference: &str, given_back: usize, failed: usize) -> Value {
    eventually("the merchant is told", async || {
        let order = world.order(reference).await;
        let count = |member: &str| order[member].as_object().map_or(0, serde_json::Map::len);
        ((count("refunds"), count("refund_failures")) == (given_back, failed)).then_some(order)
    })
    .await
}

async fn three_parts_and_not_a_rupiah_more_also_when_the_link_is_gone(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let client = world.client();
    let card = world.link(product()).await;
    paid(&world, &card, "PARTS-1", RUPIAH).await;
    let tokens = eventually("the tokens come", async || {
        let link = world.book().await["links"]["SGWYESSISHOP"][format!("BIND-{}", product())].clone();
        link["tokens"]["account"].as_str().map(str::to_owned)
    })
    .await;
    let unbinding = json!({
        "partnerReferenceNo": "UNBIND-1", "merchantId": "SGWYESSISHOP", "additionalInfo": {
            "productCode": product(), "accountToken": tokens,
        },
    });
    assert_eq!(code(&client.send("account_unbinding", &unbinding).await.expect("sent")), "2000900");
    assert_eq!(code(&refund(&client, "PARTS-1", "P-1", Some(25_000)).await), "2005800");
    assert_eq!(status(&client, "PARTS-1").await, "00", "a part of it went back");
    assert_eq!(code(&refund(&client, "PARTS-1", "P-2", Some(25_000)).await), "2005800");
    assert_eq!(code(&refund(&client, "PARTS-1", "P-3", Some(10_001)).await), "4045813");
    let rest = refund(&client, "PARTS-1", "P-3", None).await;
    assert_eq!((code(&rest), rest.text("refundAmount.value").as_deref()), ("2005800".into(), Some("10000.00")));
    assert_eq!(code(&refund(&client, "PARTS-1", "P-4", None).await), "4045800");
    assert_eq!(code(&cancel(&client, "PARTS-1").await), "4045700", "nothing is left to be cancelled");
    assert_eq!(status(&client, "PARTS-1").await, "04");
    assert_eq!(history(&client, "PARTS-1").await, ["00", "00", "00"]);
    let mut back = given_back(&world, product()).await;
    back.sort();
    assert_eq!(back, [("10000.00".into(), 1), ("25000.00".into(), 1), ("25000.00".into(), 1)]);
    let order = told(&world, "PARTS-1", 3, 0).await;
    assert_eq!(order["repeats"], 0);
    let question = json!({"partnerServiceId": "   ESPAY", "customerNo": "SGWYESSISHOP", "virtualAccountNo": "PARTS-1"});
    let sent = client.send("inquiry_status", &question).await.expect("sent");
    assert_eq!(sent.text("virtualAccountData.additionalInfo.refundedAmount.value").as_deref(), Some("60000.00"));
}

async fn a_reference_is_one_refund(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let client = world.client();
    let card = world.link(product()).await;
    paid(&world, &card, "REF-1", RUPIAH).await;
    paid(&world, &card, "REF-2", RUPIAH).await;
    assert_eq!(code(&refund(&client, "REF-1", "R-1", Some(10_000)).await), "2005800");
    for (reference, amount, expected) in
        [("REF-1", 10_000, "4095801"), ("REF-1", 10_001, "4045818"), ("REF-2", 10_000, "4045818")]
    {
        assert_eq!(code(&refund(&client, reference, "R-1", Some(amount)).await), expected, "{reference} {amount}");
    }
    assert_eq!(code(&refund(&client, "REF-1", "late_1", None).await), "4045818");
    assert_eq!(given_back(&world, product()).await, [("10000.00".into(), 1)]);
    // Nobody else's payment.
    let stranger = world.client_as("SGWDIGALLERY");
    let mut fields = refund_fields("REF-1", "R-9", None);
    fields["merchantId"] = "SGWDIGALLERY".into();
    assert_eq!(code(&stranger.send("refund", &fields).await.expect("sent")), "4045801");
    assert_eq!(code(&cancel(&stranger, "REF-1").await), "4045701");
}

/// Two gateways where the keeping allows it, providers on their own: a hundred refunds at once, each for everything.
async fn a_hundred_at_once_for_the_last_rupiah_are_one(keeping: Keeping) {
    let both = matches!(keeping, Keeping::Postgres(_));
    let mut world = World::new(keeping);
    world.start_providers();
    world.start_gateway(GATEWAY);
    if both {
        world.start_second_gateway(&GATEWAY[1..]);
    }
    let card = world.link(product()).await;
    paid(&world, &card, "RACE-1", RUPIAH).await;
    let client = world.client();
    let other = if both { world.second_client() } else { client.clone() };
    let sendings: Vec<_> = (0..100)
        .map(|number| {
            let client = if number % 2 == 0 { client.clone() } else { other.clone() };
            // A third of them cancel the payment, which is everything too.
            tokio::spawn(async move {
                match number % 3 {
                    0 => code(&cancel(&client, "RACE-1").await),
                    _ => code(&refund(&client, "RACE-1", &format!("RACE-{number}"), Some(RUPIAH)).await),
                }
            })
        })
        .collect();
    let mut codes: BTreeMap<String, usize> = BTreeMap::new();
    for sending in sendings {
        *codes.entry(sending.await.expect("an answer")).or_default() += 1;
    }
    let done: usize = ["2005800", "2005700"].iter().filter_map(|code| codes.get(*code)).sum();
    assert_eq!(done, 1, "exactly one gives everything back: {codes:?}");
    let defined = ["2005800", "2005700", "4045800", "4045700", "4095700", "4095701"];
    assert!(codes.keys().all(|code| defined.contains(&code.as_str())), "{codes:?}");
    assert_eq!(given_back(&world, product()).await, [(format!("{RUPIAH}.00"), 1)]);
    told(&world, "RACE-1", 1, 0).await;
}

/// The answer is lost, is an error, or does not come: the amount stays reserved, the provider is asked until it says what
/// became of it, and the merchant hears that once.
async fn what_is_not_known_is_asked_about_until_it_is(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let client = world.client();
    let card = world.link(product()).await;
    for (number, amount) in [LOST, PENDING, DROPPED].into_iter().enumerate() {
        let reference = format!("UNKNOWN-{number}");
        paid(&world, &card, &reference, RUPIAH).await;
        let asked = refund(&client, &reference, &format!("U-{number}"), Some(amount)).await;
        assert_eq!(code(&asked), "2025800", "{amount}");
        let more = refund(&client, &reference, &format!("M-{number}"), Some(RUPIAH - amount + 1)).await;
        assert_eq!(code(&more), "4045813", "{amount}: it stays reserved");
        eventually("it is known", async || (history(&client, &reference).await == ["00"]).then_some(())).await;
        told(&world, &reference, 1, 0).await;
    }
    let mut back = given_back(&world, product()).await;
    back.sort();
    let amounts: Vec<&str> = back.iter().map(|(amount, _)| amount.as_str()).collect();
    assert_eq!(amounts, ["20403.00", "20500.00", "20599.00"]);
    // A refusal is known at once, and what it had reserved can go back.
    paid(&world, &card, "DENIED-1", RUPIAH).await;
    assert_eq!(code(&refund(&client, "DENIED-1", "N-1", Some(REFUSED)).await), "4035815");
    assert_eq!(code(&refund(&client, "DENIED-1", "N-2", None).await), "2005800");
    assert_eq!(history(&client, "DENIED-1").await, ["06", "00"]);
    told(&world, "DENIED-1", 1, 1).await;
}

async fn a_payment_is_cancelled_before_and_after_it_is_paid(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let client = world.client();
    // Before the customer chose: at once, and the page is over.
    let page = at_checkout(&world, product(), "EARLY-1").await;
    assert_eq!(code(&cancel(&client, "EARLY-1").await), "2005700");
    assert_eq!(status(&client, "EARLY-1").await, "05");
    assert_eq!(code(&cancel(&client, "EARLY-1").await), "4095701");
    world.visit(&page).await;
    assert!(world.charges(product()).await.is_empty(), "nothing was charged");
    eventually("the merchant is told", async || {
        let order = world.order("EARLY-1").await;
        (order["failures"].as_object().map(serde_json::Map::len) == Some(1)).then_some(())
    })
    .await;
    // After it was paid: everything goes back.
    let card = world.link(product()).await;
    paid(&world, &card, "AFTER-1", RUPIAH).await;
    let wrong = json!({
        "originalPartnerReferenceNo": "AFTER-1", "amount": {"value": "1.00", "currency": "IDR"},
    });
    assert_eq!(code(&client.send("cancel", &wrong).await.expect("sent")), "4045713");
    let cancelled = cancel(&client, "AFTER-1").await;
    assert_eq!(code(&cancelled), "2005700");
    assert!(cancelled.text("cancelTime").is_some() && cancelled.text("transactionDate").is_some());
    assert_eq!(status(&client, "AFTER-1").await, "05");
    assert_eq!(code(&refund(&client, "AFTER-1", "A-1", None).await), "4045800");
    assert_eq!(given_back(&world, product()).await, [(format!("{RUPIAH}.00"), 1)]);
    told(&world, "AFTER-1", 1, 0).await;
    assert_eq!(code(&cancel(&client, "NOBODY-1").await), "4045701");
}

/// The customer pays while the merchant cancels: whoever is first, in the end nobody has paid for nothing.
async fn a_cancellation_races_the_customer(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let client = world.client();
    for number in 0..4 {
        let reference = format!("CLOSE-{number}");
        let page = at_checkout(&world, product(), &reference).await;
        let cancelling = {
            let (client, reference) = (client.clone(), reference.clone());
            tokio::spawn(async move {
                // The later ones come when the customer is further on.
                for _ in 0..number * 4 {
                    status(&client, &reference).await;
                }
                code(&cancel(&client, &reference).await)
            })
        };
        let (answered, _) = tokio::join!(cancelling, world.visit(&page));
        let answered = answered.expect("an answer");
        assert!(["2005700", "2025700", "4035715"].contains(&answered.as_str()), "{answered}");
        let ended = eventually("it is decided", async || {
            let status = status(&client, &reference).await;
            ["00", "05", "06"].contains(&status.as_str()).then_some(status)
        })
        .await;
        if answered == "2005700" {
            assert_eq!(ended, "05", "what was answered is so");
        }
        eventually("what is not paid in the end is not charged in the end", async || {
            let charged = world.charges(product()).await.iter().filter(|charge| charge["charged"] == true).count();
            let back = given_back(&world, product()).await;
            let moved = back.iter().filter(|(amount, _)| amount != "0.00").count();
            let mut standing = 0;
            for earlier in 0..=number {
                standing += usize::from(status(&client, &format!("CLOSE-{earlier}")).await == "00");
            }
            (charged - moved == standing).then_some(())
        })
        .await;
    }
}

/// What a provider cannot do is refused before anything is reserved.
async fn a_provider_that_gives_nothing_back_is_not_asked(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let client = world.client();
    let product = giving_nothing_back();
    let (connector, sold) = connectors::product(product).expect("a product");
    assert_ne!((connector.descriptor().name, sold.binding), ("", BindingFlow::AuthCode));
    let page = at_checkout(&world, product, "KEEPS-1").await;
    world.visit(&page).await;
    eventually("paid", async || (status(&client, "KEEPS-1").await == "00").then_some(())).await;
    assert_eq!(code(&refund(&client, "KEEPS-1", "K-1", None).await), "4055800");
    assert_eq!(code(&cancel(&client, "KEEPS-1").await), "4055700");
    assert_eq!((status(&client, "KEEPS-1").await, history(&client, "KEEPS-1").await), ("00".into(), vec![]));
}

/// The gateway dies at a labelled place while it gives money back. Where it is alone it is started again, where there are
/// two the other one takes up its work. The provider is asked once, and the books agree.
async fn survives(keeping: Keeping, label: &str) {
    let both = matches!(keeping, Keeping::Postgres(_));
    let mut world = World::new(keeping);
    world.start_providers();
    world.start_gateway(GATEWAY);
    if both {
        world.start_second_gateway(&GATEWAY[1..]);
    }
    let card = world.link(product()).await;
    paid(&world, &card, "CRASH-1", RUPIAH).await;
    eventually("the payment is told", async || world.order("CRASH-1").await["paid"].is_string().then_some(())).await;
    world.gateway = None;
    world.start_gateway(&[GATEWAY, &["--crash-at", label]].concat());
    let client = world.client();
    let fields = refund_fields("CRASH-1", "C-1", None);
    let request = client::prepare(contract::operation("refund").expect("an operation"), &fields).expect("fields");
    client.send_prepared(request.clone(), false).await;
    if !dies(label) {
        // Nothing of a refund passes there: no merchant is asked whether it is right.
        world.gateway = None;
    } else {
        world.await_death();
    }
    let client = if both {
        world.second_client()
    } else {
        world.start_gateway(GATEWAY);
        world.client()
    };
    let ended = eventually("the refund is decided", async || {
        let history = history(&client, "CRASH-1").await;
        match history.first().map(String::as_str) {
            None => Some("unknown"),
            Some("00") => Some("given back"),
            Some("06") => Some("failed"),
            Some(_) => None,
        }
    })
    .await;
    if ended != "given back" {
        // Nothing of it was kept, or it is known that nothing went back.
        assert!(given_back(&world, product()).await.is_empty(), "{ended}");
        let again = refund(&client, "CRASH-1", "C-2", None).await;
        assert_eq!(code(&again), "2005800", "{:?}", again.reply());
    }
    let back = given_back(&world, product()).await;
    assert_eq!(back.len(), 1, "{back:?}");
    told(&world, "CRASH-1", 1, usize::from(ended == "failed")).await;
    assert_eq!(status(&client, "CRASH-1").await, "04");
}

fn dies(label: &str) -> bool {
    label != "before_callback"
}

on_both_keepings! {
    three_parts_and_not_a_rupiah_more_also_when_the_link_is_gone,
    a_reference_is_one_refund,
    a_hundred_at_once_for_the_last_rupiah_are_one,
    what_is_not_known_is_asked_about_until_it_is,
    a_payment_is_cancelled_before_and_after_it_is_paid,
    a_cancellation_races_the_customer,
    a_provider_that_gives_nothing_back_is_not_asked,
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
