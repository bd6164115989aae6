//! What no provider tells: a charge whose wallet goes away while it is being asked. Listed, shown with all that was said,
//! and settled by two operators; over real HTTP, on both keepings.

use std::path::PathBuf;

use crate::{
    keepings::Keeping,
    support::{World, eventually, payment, status},
};
use serde_json::Value;

const GATEWAY: &[&str] = &["--providers-elsewhere", "--lease-seconds", "4"];
/// Charged, and the answer comes after 8 seconds: in them the wallet goes away.
const SLOW: u32 = 10_504;

/// A refund of this amount is in progress until it is asked about for the third time.
const PENDING: u32 = 20_403;

/// A product that is linked with an authorisation code, and charges without asking the customer.
fn product() -> &'static str {
    connectors::CONNECTORS[0].descriptor().products[0].code
}

/// A world with a payment that the wallet took up and never told the outcome of; the payment's case.
async fn with_an_unknown_payment(keeping: Keeping, reference: &str) -> (World, Value) {
    let mut world = World::new(keeping);
    world.start_providers();
    world.start_gateway(GATEWAY);
    let card = world.link(product()).await;
    let client = world.client();
    let operation = contract::operation("payment_host_to_host").expect("an operation");
    let request = client::prepare(operation, &payment(product(), reference, &card, SLOW)).expect("fields");
    let sending = tokio::spawn(async move { client.send_prepared(request, false).await.code() });
    eventually("the wallet is asked", async || {
        world.charges(product()).await.iter().any(|charge| charge["requests"] == 1).then_some(())
    })
    .await;
    world.providers = None;
    let _ = sending.await.expect("an answer");
    let case = eventually("it is listed", async || {
        let listed = world.operate(&["unknown", "list"]);
        listed["cases"].as_array().and_then(|cases| cases.first().cloned())
    })
    .await;
    (world, case)
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_else(|| panic!("{name}: {value}"))
}

/// Proposed by `operator`, approved by `checker`; the ruling.
fn settle(world: &World, case: &str, verdict: &str) -> Value {
    let evidence: PathBuf = world.path().join("statement.txt");
    std::fs::write(&evidence, "page 3").expect("a file");
    let file = evidence.display().to_string();
    let proposed = world.operate(&["unknown", "settle", case, "--as", verdict, "--evidence", &file]);
    let ruling = text(&proposed, "ruling").to_owned();
    let (code, _, told) = world.run(&["unknown", "approve", &ruling]);
    assert!(code == Some(3) && told.contains("same_person"), "{code:?}: {told}");
    let checker = world.path().join("keys").join("checker.token").display().to_string();
    let approved = world.operate(&["unknown", "approve", &ruling, "--token-file", &checker]);
    assert_eq!((text(&approved, "approved_by"), text(&approved, "proposed_by")), ("checker", "operator"));
    approved
}

async fn what_a_wallet_never_told_is_settled_by_two(keeping: Keeping) {
    let (world, case) = with_an_unknown_payment(keeping, "UNKNOWN-1").await;
    let id = text(&case, "case").to_owned();
    assert_eq!(
        (text(&case, "kind"), text(&case, "state"), text(&case, "reserved")),
        ("payment", "unknown", "10504.00")
    );
    assert!(case["next_check_at"].is_string() && case["evidence"].is_string(), "{case}");
    let shown = world.operate(&["unknown", "show", &id]);
    let exchanges = shown["exchanges"].as_array().expect("what was said");
    let charge = exchanges.iter().find(|said| said["purpose"] == "charge" && said["error"].is_string());
    let charge = charge.unwrap_or_else(|| panic!("the charge without an answer: {shown}"));
    let request = text(charge, "request");
    assert!(request.starts_with("POST ") && request.contains(&id) && request.contains("10504"), "{request}");
    assert!(request.contains("(secret)") && !request.contains("Bearer "), "{request}");
    assert_eq!(status(&world.client(), "UNKNOWN-1").await, "03", "not known, and said so");

    settle(&world, &id, "succeeded");
    assert_eq!(status(&world.client(), "UNKNOWN-1").await, "00");
    assert_eq!(world.operate(&["unknown", "list"])["cases"], serde_json::json!([]));
    let status = world.operate(&["status"]);
    assert_eq!(status["unknown"]["payment"]["cases"], 0);
    let verified = world.run(&["ledger", "verify"]);
    assert_eq!(verified.0, Some(0), "{verified:?}");
}

async fn a_proposal_survives_a_restart_and_is_taken_back(keeping: Keeping) {
    let (mut world, case) = with_an_unknown_payment(keeping, "UNKNOWN-2").await;
    let id = text(&case, "case").to_owned();
    let evidence = world.path().join("statement.txt");
    std::fs::write(&evidence, "page 4").expect("a file");
    let file = evidence.display().to_string();
    let proposed = world.operate(&["unknown", "settle", &id, "--as", "failed", "--evidence", &file]);
    let ruling = text(&proposed, "ruling").to_owned();
    world.gateway = None;
    world.start_gateway(GATEWAY);
    let listed = world.operate(&["unknown", "list", "--kind", "payment"]);
    assert_eq!(listed["cases"][0]["ruling"]["ruling"], ruling.as_str(), "{listed}");
    let copy = world.path().join("copy.txt").display().to_string();
    let read = world.run(&["unknown", "evidence", &ruling, "--output", &copy]);
    assert_eq!((read.0, std::fs::read_to_string(&copy).expect("the evidence")), (Some(0), "page 4".into()));
    let checker = world.path().join("keys").join("checker.token").display().to_string();
    let withdrawn = world.operate(&["unknown", "withdraw", &ruling, "--token-file", &checker]);
    assert_eq!(text(&withdrawn, "withdrawn_by"), "checker");
    let (code, _, told) = world.run(&["unknown", "approve", &ruling, "--token-file", &checker]);
    assert_eq!(code, Some(3), "{told}");
    let shown = world.operate(&["unknown", "show", &id]);
    assert_eq!((&shown["open"], &shown["rulings"][0]["state"]), (&true.into(), &"withdrawn".into()), "{shown}");
}

/// Where a refund of this payment stands, as Debit Status lists it.
async fn refund_status(world: &World, reference: &str) -> Value {
    let fields = serde_json::json!({"originalPartnerReferenceNo": reference, "serviceCode": "54"});
    let reply = world.client().send("debit_status", &fields).await.expect("sent").reply().unwrap_or_default();
    reply["refundHistory"][0]["refundStatus"].clone()
}

async fn a_refund_that_no_wallet_told_of_is_settled_by_two(keeping: Keeping) {
    let mut world = World::new(keeping);
    world.start_providers();
    world.start_gateway(GATEWAY);
    let card = world.link(product()).await;
    let client = world.client();
    client.send("payment_host_to_host", &payment(product(), "BACK-1", &card, 60_000)).await.expect("sent");
    eventually("paid", async || (status(&client, "BACK-1").await == "00").then_some(())).await;
    let fields = serde_json::json!({
        "originalPartnerReferenceNo": "BACK-1", "partnerRefundNo": "R-1", "merchantId": "SGWYESSISHOP",
        "refundAmount": {"value": format!("{PENDING}.00"), "currency": "IDR"}, "reason": "returned goods",
    });
    let asked = client.send("refund", &fields).await.expect("sent");
    assert_eq!(asked.code().as_deref(), Some("2025800"), "{:?}", asked.reply());
    world.providers = None;
    let listed = world.operate(&["unknown", "list", "--kind", "refund"]);
    let case = &listed["cases"][0];
    assert_eq!((text(case, "state"), text(case, "reserved")), ("unknown", format!("{PENDING}.00").as_str()));
    settle(&world, text(case, "case"), "succeeded");
    assert_eq!(refund_status(&world, "BACK-1").await, "00");
    let shown = world.operate(&["refund", "show", text(case, "case")]);
    assert_eq!(text(&shown, "state"), "succeeded", "{shown}");
    assert_eq!(world.operate(&["unknown", "list"])["cases"], serde_json::json!([]));
}

on_both_keepings! {
    a_refund_that_no_wallet_told_of_is_settled_by_two,
    what_a_wallet_never_told_is_settled_by_two,
    a_proposal_survives_a_restart_and_is_taken_back,
}
