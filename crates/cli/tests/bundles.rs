//! Everything about one case in one file, nothing secret in it; and the same case played again from that file alone.

use serde_json::Value;

use crate::{
    keepings::Keeping,
    support::{World, eventually, gerbang, payment, status},
};

/// A payment of this amount is charged; the answer is lost.
const LOST: u32 = 10_599;
/// A bill of an order that ends so is delivered; the answer is lost.
const LOST_ORDER: &str = "081218810999";

fn product() -> &'static str {
    connectors::CONNECTORS[0].descriptor().products[0].code
}

/// The bundle of a case, written to a file; its text.
fn bundle(world: &World, case: &str) -> (String, String) {
    let file = world.path().join("case.json").display().to_string();
    let (code, told, error) = world.run(&["bundle", case, "--output", &file]);
    assert_eq!(code, Some(0), "{told}{error}");
    let text = std::fs::read_to_string(&file).expect("the file");
    (file, text)
}

fn members<'v>(bundle: &'v Value, member: &str, of: &str) -> Vec<&'v str> {
    let all = bundle[member].as_array().unwrap_or_else(|| panic!("{member} in {bundle}"));
    all.iter().filter_map(|one| one[of].as_str()).collect()
}

/// A command that needs no gateway.
fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = gerbang().args(arguments).output().expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Plays it again: it must end as it did, and this much of the record must have been said again.
fn play_again(file: &str, said_min: usize) -> Value {
    let (code, told, error) = run(&["bundle", "replay", file, "--json"]);
    assert_eq!(code, Some(0), "{told}{error}");
    let report: Value = serde_json::from_str(&told).expect("JSON");
    let said = report["said"].as_array().expect("a list");
    let recorded = said.iter().filter(|said| !said["recorded"].is_null()).count();
    assert!(recorded >= said_min, "{report}");
    report
}

async fn a_payment_whose_answer_was_lost_is_shown_whole_and_played_again(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let card = world.link(product()).await;
    let client = world.client();
    let sent = client.send("payment_host_to_host", &payment(product(), "CASE-1", &card, LOST)).await.expect("sent");
    let id = sent.text("referenceNo").expect("our id");
    eventually("known", async || (status(&client, "CASE-1").await == "00").then_some(())).await;
    let delivered = eventually("told", async || {
        let (_, text) = bundle(&world, &id);
        text.contains("\"delivered\"").then_some(text)
    });
    let text = delivered.await;
    assert!(!text.contains(&card), "the customer's token is in {text}");
    let bundle: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((&bundle["case"]["kind"], &bundle["case"]["state"]), (&"payment".into(), &"succeeded".into()));
    assert_eq!(members(&bundle, "calls", "operation"), ["payment_host_to_host"]);
    let purposes = members(&bundle, "exchanges", "purpose");
    for purpose in ["charge", "inquire_charge", "notification"] {
        assert!(purposes.contains(&purpose), "{purpose} in {purposes:?}");
    }
    assert_eq!(members(&bundle, "exchanges", "silence").len(), 1, "{text}");
    let file = world.path().join("case.json").display().to_string();
    let report = play_again(&file, 2);
    assert_eq!((&report["ended"], &report["replayed"]), (&"succeeded".into(), &"succeeded".into()));
}

async fn a_bill_whose_answer_was_lost_is_shown_whole_and_played_again(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let sender = world.sender();
    let paid = sender.buy("SVHTS50", LOST_ORDER).await;
    let ref_id = paid.text("ref_id");
    let settled = sender.settled(&ref_id).await;
    assert!(settled.succeeded(), "{}", settled.body);
    let (file, text) = bundle(&world, &ref_id);
    let bundle: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((&bundle["case"]["kind"], &bundle["case"]["state"]), (&"bill".into(), &"succeeded".into()));
    let kinds = members(&bundle, "entries", "kind");
    assert!(kinds.contains(&"reservation") && kinds.contains(&"bill_paid"), "{kinds:?}");
    assert!(members(&bundle, "exchanges", "purpose").contains(&"pay_bill"), "{text}");
    play_again(&file, 1);
}

async fn what_cannot_be_shown_or_played_is_said_in_words(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let check = |arguments: &[&str], code: i32, words: &str| {
        let (ended, told, error) = world.run(arguments);
        assert_eq!(ended, Some(code), "{arguments:?}: {told}{error}");
        assert!(error.contains(words), "{arguments:?}: {words} is not in {error}");
    };
    check(&["bundle", "pay_00000000000000000000000007"], 3, "not_found");
    check(&["bundle", "7"], 3, "case");
    let nothing = world.path().join("nothing.json");
    std::fs::write(&nothing, "{}").expect("written");
    let replay = |file: &str| run(&["bundle", "replay", file]);
    let (code, _, error) = replay(&nothing.display().to_string());
    assert!(code == Some(1) && error.contains("this is no bundle"), "{error}");
    let (code, _, error) = replay("nowhere.json");
    assert!(code == Some(1) && error.contains("nowhere.json"), "{error}");
}

on_both_keepings! {
    a_payment_whose_answer_was_lost_is_shown_whole_and_played_again,
    a_bill_whose_answer_was_lost_is_shown_whole_and_played_again,
    what_cannot_be_shown_or_played_is_said_in_words,
}
