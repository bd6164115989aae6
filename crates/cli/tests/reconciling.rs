//! Reconciliation of the whole program: a sandbox's world pays and refunds, its imitations write their settlement files
//! with every fault there is, and operators import them and close what does not agree.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use calendar::Instant;
use client::Client;
use money::Amount;
use serde_json::{Value, json};

use crate::{
    keepings::Keeping,
    support::{World, assert_answer, eventually, gerbang, payment, status},
};

/// Phone credit of Rp 50,000, paid out of our money at an aggregator.
const CREDIT: &str = "SVHTS50";
/// The exit code of a refusal.
const REFUSED: i32 = 3;
/// What the imitated wallets keep, in hundredths of a percent.
const FEE: &str = "150";

/// A product that is linked with an authorisation code.
fn product() -> &'static str {
    connectors::CONNECTORS[0].descriptor().products[0].code
}

fn provider() -> &'static str {
    connectors::CONNECTORS[0].descriptor().name
}

/// Sets the clock to an hour of another day in Jakarta; the date.
fn set_to(world: &World, days: i64, time: &str) -> String {
    let day = world.now().plus_seconds(days * 24 * 3600).wire_text();
    let (date, _) = day.split_once('T').expect("date and time");
    world.operate(&["clock", "set", &format!("{date}T{time}+07:00")]);
    date.to_owned()
}

async fn pay(client: &Client, reference: &str, card: &str, rupiah: u32) {
    let sent = client.send("payment_host_to_host", &payment(product(), reference, card, rupiah)).await.expect("sent");
    assert_answer(&sent, "2005400", &[]);
    eventually(reference, async || (status(client, reference).await == "00").then_some(())).await;
}

async fn refund(client: &Client, reference: &str, number: &str, rupiah: u32) {
    let fields = json!({
        "originalPartnerReferenceNo": reference, "partnerRefundNo": number, "merchantId": "SGWYESSISHOP",
        "refundAmount": {"value": format!("{rupiah}.00"), "currency": "IDR"}, "reason": "returned",
    });
    let sent = client.send("refund", &fields).await.expect("sent");
    assert_answer(&sent, "2005800", &[]);
}

/// An imitation's answer.
async fn get(url: String) -> reqwest::Response {
    let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().expect("a client");
    http.get(url).send().await.expect("an answer")
}

/// Fetches a settlement file over HTTP and keeps it beside the world.
async fn fetch(url: &str, world: &World, query: &str, name: &str) -> PathBuf {
    let response = get(format!("{url}/settlement?{query}")).await;
    assert_eq!(response.status(), 200);
    let path = world.path().join(name);
    std::fs::write(&path, response.bytes().await.expect("a file")).expect("written");
    path
}

fn import(world: &World, file: &std::path::Path, provider: &str, options: &[&str]) -> Value {
    let file = file.display().to_string();
    world.operate(&[&["reconcile", "import", &file, "--provider", provider], options].concat())
}

/// What ended in each bucket.
fn buckets(imported: &Value) -> BTreeMap<String, u64> {
    let all = imported["buckets"].as_object().expect("buckets");
    let counts = all.iter().map(|(bucket, of)| (bucket.clone(), of["items"].as_u64().expect("a number")));
    counts.filter(|(_, count)| *count > 0).collect()
}

fn counts(expected: &[(&str, u64)]) -> BTreeMap<String, u64> {
    expected.iter().map(|(bucket, count)| ((*bucket).to_owned(), *count)).collect()
}

fn exceptions(world: &World, options: &[&str]) -> Vec<Value> {
    let answer = world.operate(&[&["reconcile", "exceptions"], options].concat());
    answer["items"].as_array().expect("items").clone()
}

fn close(world: &World, item: &Value, action: &str) -> Value {
    let id = item["item"].as_str().expect("an id");
    world.operate(&["reconcile", "close", id, "--action", action, "--note", "as agreed with them"])
}

/// Where an account stands, in sen.
fn balance(world: &World, account: &str) -> i64 {
    let merchant = account.split(':').nth(1).expect("a merchant");
    let listed = world.operate(&["ledger", "accounts"]);
    let accounts = listed["accounts"].as_array().expect("accounts");
    assert!(accounts.iter().any(|row| row["account"].as_str().is_some_and(|name| name.contains(merchant))));
    let found = accounts.iter().find(|row| row["account"] == account);
    let text = found.map_or("0.00", |row| row["balance"].as_str().expect("an amount"));
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |text| (-1, text));
    sign * Amount::parse_snap(text).expect("an amount").sen()
}

/// The books add up, and every chain leads to where its account stands.
fn verified(world: &World) {
    let report = world.operate(&["ledger", "verify"]);
    assert_eq!(report["verified"], true, "{report}");
}

fn books_total(world: &World) -> i64 {
    let listed = world.operate(&["ledger", "accounts"]);
    let sum = |row: &Value| {
        let account = row["account"].as_str().expect("a name");
        let class = account.split(':').next().expect("a class");
        let debit = matches!(class, "receivable" | "float" | "clearing" | "claim");
        let sen = balance(world, account);
        if debit { sen } else { -sen }
    };
    listed["accounts"].as_array().expect("accounts").iter().map(sum).sum()
}

async fn every_fault_of_a_file_ends_in_its_bucket_and_can_be_closed(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let date = set_to(&world, 1, "10:00:00");
    let card = world.link(product()).await;
    let client = world.client();
    let mut references = vec![];
    for number in 0..7u32 {
        pay(&client, &format!("SETTLE-{number}"), &card, 20_000 + number * 1_000).await;
        let charges = world.charges(product()).await;
        let new = charges.iter().map(|charge| charge["reference"].as_str().expect("a reference").to_owned());
        let known = references.clone();
        references.extend(new.filter(|reference| !known.contains(reference)));
    }
    // Two refunds of one payment, before it settles: each is a line of its own.
    refund(&client, "SETTLE-6", "BACK-1", 4_000).await;
    refund(&client, "SETTLE-6", "BACK-2", 6_000).await;
    let [missing, amount, fee, shift, double, good, refunded] = &references[..] else { panic!("{references:?}") };
    set_to(&world, 1, "08:00:00");
    let url = world.provider_url(product());
    let faults = format!("missing={missing}&amount={amount}&fee={fee}&shift={shift}&double={double}&extra=12345");
    let file = fetch(&url, &world, &format!("date={date}&{faults}"), "first.csv").await;
    assert!(!good.is_empty() && !refunded.is_empty());

    let imported = import(&world, &file, provider(), &["--fee-basis-points", FEE]);
    let expected = [
        ("matched", 5), // good, one of the doubled, the refunded one, and its two refunds
        ("missing_here", 1),
        ("missing_there", 1),
        ("amount_differs", 2),
        ("date_line", 1),
        ("duplicate", 1),
    ];
    assert_eq!(buckets(&imported), counts(&expected), "{imported}");
    assert_eq!((&imported["day"], &imported["known_before"]), (&json!(date), &json!(false)));
    // Merchants are owed what was matched: 24,000 + 25,000 + 26,000, less 10,000 that went back.
    assert_eq!(balance(&world, "payable:SGWYESSISHOP"), 6_500_000);
    verified(&world);

    // Again, under another name: nothing.
    let renamed = world.path().join("renamed.csv");
    std::fs::copy(&file, &renamed).expect("copied");
    let accounts = world.operate(&["ledger", "accounts"]);
    let again = import(&world, &renamed, provider(), &["--fee-basis-points", FEE]);
    assert_eq!((&again["known_before"], &again["file"]), (&json!(true), &imported["file"]));
    assert_eq!(world.operate(&["ledger", "accounts"]), accounts);
    assert_eq!(exceptions(&world, &["--open"]).len(), 6);

    close_all(&world);
    // What waits for the next file closes itself when it comes.
    assert_eq!(exceptions(&world, &["--open"]).len(), 1);
    set_to(&world, 1, "08:00:00");
    let next = world.now().plus_seconds(-24 * 3600).wire_text();
    let next = next.split_once('T').expect("a date").0.to_owned();
    let file = fetch(&url, &world, &format!("date={next}&shift={shift}"), "next.csv").await;
    let imported = import(&world, &file, provider(), &["--fee-basis-points", FEE]);
    assert_eq!(buckets(&imported), counts(&[("matched", 1)]), "{imported}");
    assert!(exceptions(&world, &["--open"]).is_empty());
    assert_eq!(exceptions(&world, &["--bucket", "date_line"])[0]["state"], "moved");
    books_agree(&world);
    reports(&world, imported["file"].as_str().expect("an id"));
}

/// Closes everything but what waits for the next file.
fn close_all(world: &World) {
    for item in exceptions(world, &["--open"]) {
        let action = match item["bucket"].as_str().expect("a bucket") {
            "missing_here" => "write_off",
            "missing_there" => "claim",
            "amount_differs" => "correct_amount",
            "duplicate" => "duplicate_returned",
            "date_line" => continue,
            other => panic!("{other}"),
        };
        let closed = close(world, &item, action);
        assert_eq!((&closed["state"], closed["journal"].is_string()), (&json!("closed"), true), "{closed}");
        // Once.
        let id = item["item"].as_str().expect("an id");
        let arguments = ["reconcile", "close", id, "--action", action, "--note", "again"];
        let (code, _, told) = world.run(&arguments);
        assert!(code == Some(REFUSED) && told.contains("item_closed"), "{code:?} {told}");
    }
}

fn books_agree(world: &World) {
    verified(world);
    assert_eq!(books_total(world), 0);
    // Every payment's money is owed to the merchant, less a rupiah that was corrected, and less what went back.
    let paid: i64 = (0..7).map(|number| 2_000_000 + number * 100_000).sum();
    assert_eq!(balance(world, "payable:SGWYESSISHOP"), paid - 100 - 1_000_000);
    // One payment was not in any file, one came twice (24,000 of 150 points less).
    assert_eq!(balance(world, &format!("claim:SGWYESSISHOP:{}", provider())), 2_000_000 - 2_400_000);
    // What nobody knows is the house's.
    assert_eq!(balance(world, "fee:(house)"), 1_234_500 - 18_517);
}

fn reports(world: &World, file: &str) {
    let path = |name: &str| world.path().join(name).display().to_string();
    let (csv, xlsx) = (path("report.csv"), path("report.xlsx"));
    world.operate(&["reconcile", "report", "--format", "csv", "--output", &csv]);
    let text = std::fs::read_to_string(&csv).expect("a report");
    assert!(text.starts_with("item,provider,file,row,bucket,state,"), "{text}");
    assert_eq!(text.lines().count(), 1 + 6, "{text}");
    assert!(text.contains("as agreed with them") && !text.contains("matched"), "{text}");
    world.operate(&["reconcile", "report", "--format", "xlsx", "--output", &xlsx, "--file", file]);
    let bytes = std::fs::read(&xlsx).expect("a report");
    assert!(bytes.starts_with(b"PK\x03\x04") && bytes.len() > 2_000);
}

/// What the guide's walk begins with: its files, in the folder in which its commands are run.
pub async fn guide_files(world: &World) {
    let date = set_to(world, 1, "10:00:00");
    let card = world.link(product()).await;
    let client = world.client();
    for number in 0..4 {
        pay(&client, &format!("GUIDE-{number}"), &card, 20_000).await;
    }
    let charges = world.charges(product()).await;
    let reference = |place: usize| charges[place]["reference"].as_str().expect("a reference").to_owned();
    set_to(world, 1, "08:00:00");
    let query = format!("date={date}&missing={}&amount={}&extra=12345", reference(0), reference(1));
    fetch(&world.provider_url(product()), world, &query, "settlement.csv").await;
    let guide = include_str!("../../../docs/guides/reconcile.md");
    let mapping = guide.split("```toml\n").nth(1).and_then(|rest| rest.split_once("```")).expect("a mapping").0;
    std::fs::write(world.path().join("bank.toml"), mapping).expect("written");
    let statement = "Tanggal;No Transaksi;Berita;Nominal;Biaya;Status\n21/11/2026;B1;;25.000,00;;BERHASIL\n";
    std::fs::write(world.path().join("statement.csv"), statement).expect("written");
}

async fn what_was_not_believed_is_adopted(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let date = set_to(&world, 1, "10:00:00");
    let card = world.link(product()).await;
    let client = world.client();
    // Charged, and the answer is lost: unknown, until it is asked about.
    let fields = payment(product(), "LOST-1", &card, 10_599);
    client.send("payment_host_to_host", &fields).await.expect("sent");
    let file = fetch(&world.provider_url(product()), &world, &format!("date={date}"), "lost.csv").await;
    let imported = import(&world, &file, provider(), &[]);
    let found = buckets(&imported);
    // The gateway may have asked meanwhile.
    if found == counts(&[("missing_here", 1)]) {
        let item = exceptions(&world, &["--open"]).remove(0);
        let closed = close(&world, &item, "adopt");
        assert_eq!(closed["state"], "closed", "{closed}");
    } else {
        assert_eq!(found, counts(&[("matched", 1)]));
    }
    assert_eq!(status(&client, "LOST-1").await, "00");
    assert_eq!(balance(&world, "payable:SGWYESSISHOP"), 1_059_900);
    verified(&world);
}

async fn bills_are_held_against_our_money_at_their_source(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let date = set_to(&world, 1, "10:00:00");
    let sender = world.sender();
    for number in ["081218812001", "081218812002", "081218812003"] {
        let bought = sender.buy(CREDIT, number).await;
        assert!(bought.succeeded(), "{bought:?}");
    }
    let places = world.json("sandbox.json");
    let mut files = vec![];
    for (name, place) in places["providers"].as_object().expect("providers") {
        let url = format!("http://{}", place.as_str().expect("an address"));
        let books: Value = get(format!("{url}/books")).await.json().await.expect("json");
        let orders = books["orders"].as_array().cloned().unwrap_or_default();
        if orders.len() == 3 {
            files.push((name.clone(), url, orders));
        }
    }
    let [(source, url, orders)] = &files[..] else { panic!("one source took all: {files:?}") };
    let reference = |place: usize| orders[place]["reference"].as_str().expect("a reference");
    let before = world.operate(&["ledger", "accounts"]);
    set_to(&world, 1, "08:00:00");
    let query = format!("date={date}&missing={}&amount={}", reference(0), reference(1));
    let imported = import(&world, &fetch(url, &world, &query, "bills.csv").await, source, &[]);
    let expected = [("matched", 1), ("missing_there", 1), ("amount_differs", 1)];
    assert_eq!(buckets(&imported), counts(&expected), "{imported}");
    // What was paid was posted when it was paid.
    assert_eq!(world.operate(&["ledger", "accounts"]), before);
    for item in exceptions(&world, &["--open", "--provider", source]) {
        close(&world, &item, "correct_amount");
    }
    // Our float is what the source says: it took one order, and another for a rupiah less.
    let cost =
        |place: usize| Amount::parse_snap(orders[place]["cost"].as_str().expect("a cost")).expect("a cost").sen();
    let taken = cost(1) - 100 + cost(2);
    let float = balance(&world, &format!("float:SANDBOX:{source}"));
    let opened = before["accounts"].as_array().expect("accounts").iter();
    assert!(opened.clone().any(|row| row["account"] == format!("float:SANDBOX:{source}")));
    assert_eq!(float, -taken);
    verified(&world);
}

async fn an_import_that_died_half_way_is_finished_by_importing_again(keeping: Keeping) {
    const GATEWAY: &[&str] = &["--providers-elsewhere"];
    let mut world = World::new(keeping);
    world.start_providers();
    // The third commit of whatever it does is in the middle of the import: five portions.
    assert!(world.start_mortal_gateway(&[GATEWAY, &["--crash-at", "after_commit:3"]].concat()));
    let day = Instant::from_micros(world.now().micros() - 24 * 3_600 * 1_000_000).wire_text();
    let day = day.split_once('T').expect("a date").0;
    let mapping = world.path().join("bank.toml");
    let text = "times = \"year_first\"\n[columns]\nprovider_reference = \"id\"\namount = \"amount\"\nat = \"at\"\n";
    std::fs::write(&mapping, text).expect("written");
    let rows: String = (1..=900).map(|row| format!("{day} 12:00:00,{row}.00,T{row}\n")).collect();
    let file = world.path().join("bank.csv");
    std::fs::write(&file, format!("at,amount,id\n{rows}")).expect("written");
    let (file, mapping) = (file.display().to_string(), mapping.display().to_string());
    let arguments = ["reconcile", "import", &file, "--provider", provider(), "--mapping", &mapping];
    let (code, told, _) = world.run(&arguments);
    assert_ne!(code, Some(0), "{told}");
    world.await_death();
    world.start_gateway(GATEWAY);
    let half = world.operate(&["reconcile", "status"]);
    assert_eq!(half["files"][0]["state"], "importing", "{half}");
    let kept = half["files"][0]["buckets"]["missing_here"]["items"].as_u64().expect("a number");
    assert!((200..900).contains(&kept), "{half}");
    let finished = world.operate(&arguments);
    assert_eq!((&finished["state"], &finished["known_before"]), (&json!("imported"), &json!(false)));
    assert_eq!(buckets(&finished), counts(&[("missing_here", 900)]));
    assert_eq!(finished["buckets"]["missing_here"]["amount"], finished["total"]["amount"]);
    assert_eq!(exceptions(&world, &["--open"]).len(), 900);
}

async fn a_gateway_without_files_says_so_and_what_is_wrong_is_named(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let empty = world.run(&["reconcile", "status"]);
    assert_eq!(
        (empty.0, empty.1.contains("no settlement file"), empty.1.contains("nothing is open")),
        (Some(0), true, true)
    );
    assert!(world.run(&["reconcile", "exceptions", "--open"]).1.contains("there is no such exception"));
    let file = world.path().join("nonsense.csv");
    std::fs::write(&file, "a,b\n1,2\n").expect("written");
    let file = file.display().to_string();
    let check = |arguments: &[&str], code: i32, expected: &str| {
        let (ended, told, error) = world.run(&[&["reconcile"], arguments].concat());
        assert!(ended == Some(code) && error.contains(expected), "{arguments:?}: {ended:?} {told} {error}");
    };
    check(&["import", &file, "--provider", provider()], REFUSED, "row 1, column");
    check(&["import", &file, "--provider", "nobody"], REFUSED, "there is no provider nobody");
    check(&["import", &file, "--provider", provider(), "--day", "yesterday"], REFUSED, "write it like 2026-11-21");
    check(&["close", "rec_00000000000000000000000007", "--action", "wait", "--note", "x"], REFUSED, "there is no item");
    check(&["report", "--format", "csv", "--output", &file, "--file", "nonsense"], REFUSED, "file:");
    let output = gerbang().args(["reconcile", "close", "x", "--action", "gift", "--note", "x"]).output().expect("run");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && told.contains("it is adopt, correct_amount, claim"), "{told}");
}

on_both_keepings!(
    every_fault_of_a_file_ends_in_its_bucket_and_can_be_closed,
    what_was_not_believed_is_adopted,
    bills_are_held_against_our_money_at_their_source,
    an_import_that_died_half_way_is_finished_by_importing_again,
    a_gateway_without_files_says_so_and_what_is_wrong_is_named,
);
