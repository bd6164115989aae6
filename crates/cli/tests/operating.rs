//! An operator and a merchant at the command line: merchants, deposits, invoices, the ledger; bills sold and asked for;
//! each refusal in words and by its exit code.

use serde_json::Value;

use crate::{
    keepings::Keeping,
    support::{World, gerbang},
};

/// Runs it and checks how it ends and what it says, to either side.
fn check(world: &World, arguments: &[&str], code: i32, words: &str) -> String {
    let (ended, told, error) = world.run(arguments);
    assert_eq!(ended, Some(code), "{arguments:?}: {told}{error}");
    assert!(told.contains(words) || error.contains(words), "{arguments:?}: {words} is not in {told}{error}");
    told
}

async fn a_merchant_is_registered_filled_changed_and_suspended(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let add = ["merchant", "add", "WARUNG", "--name", "Warung Ibu Sri", "--deposit", "--low-balance", "100000"];
    let told = check(&world, &add, 0, "not shown again");
    for name in ["basic_password", "password", "key", "sender_id", "username"] {
        assert!(told.contains(name), "{name} is missing in {told}");
    }
    check(&world, &add, 3, "merchant_exists");
    let top_up = |step, amount| ["merchant", "deposit", step, "WARUNG", "--amount", amount, "--reference", "TRF-1"];
    check(&world, &top_up("confirm", "1000000"), 3, "no top-up was announced");
    check(&world, &top_up("add", "1000000"), 0, "requested");
    check(&world, &top_up("add", "2000000"), 3, "reference_differs");
    check(&world, &top_up("confirm", "1000000"), 0, "Rp 1.000.000 available");
    check(&world, &top_up("confirm", "1000000"), 0, "Rp 1.000.000 available");
    check(&world, &top_up("add", "1.000.000"), 2, "whole rupiah");
    check(&world, &["merchant", "list"], 0, "WARUNG");
    check(&world, &["merchant", "show", "WARUNG"], 0, "Rp 1.000.000");
    check(&world, &["merchant", "show", "NOBODY"], 3, "not_found");
    check(&world, &["merchant", "products", "WARUNG", "--category", "pln_prepaid"], 0, "SLYLPR20");
    let price = r#"{"product":"SVHTS50","admin_fee":"3500.00","margin":"500.00"}"#;
    check(&world, &["merchant", "products", "WARUNG", "--product", "SVHTS50", "--price", price], 0, "Rp 500");
    check(&world, &["merchant", "products", "WARUNG", "--product", "NOSUCH"], 3, "there is no product NOSUCH");
    check(&world, &["merchant", "keys", "WARUNG", "--new-signature-key"], 0, "2 keys of the hash signature");
    check(&world, &["merchant", "keys", "WARUNG", "--drop-old-signature-key"], 0, "1 keys of the hash signature");
    check(&world, &["merchant", "suspend", "WARUNG"], 0, "is suspended");
    check(&world, &["merchant", "suspend", "WARUNG", "--lift"], 0, "may call");
    check(&world, &["ledger", "statement", "deposit:WARUNG"], 0, "top_up");
    check(&world, &["ledger", "statement", "deposit:NOBODY"], 3, "not_found");
    check(&world, &["ledger", "accounts"], 0, "deposit:SANDBOX");
    check(&world, &["ledger", "verify"], 0, "the ledger is right");
    check(&world, &["status"], 0, "ledger");
}

async fn a_month_is_billed_shown_and_paid(keeping: Keeping) {
    let world = World::sandbox(keeping);
    check(&world, &["invoice", "issue", "SANDBOXINV"], 3, "nothing_to_bill");
    for order in ["081218816222", "081218816223"] {
        check(&world, &["biller", "pay", "SVHTS50", order, "--invoiced"], 0, "ref_id");
    }
    let issued = world.operate(&["invoice", "issue", "SANDBOXINV"]);
    let number = issued["number"].as_str().expect("a number");
    assert_eq!((&issued["state"], &issued["total"]), (&"issued".into(), &"106000.00".into()));
    let shown = world.operate(&["invoice", "show", number]);
    let sen = |value: &Value| value.as_str().unwrap_or_default().replace('.', "").parse::<i64>().expect("an amount");
    let lines = shown["lines"].as_array().expect("lines");
    assert_eq!((lines.len(), lines.iter().map(|line| sen(&line["total"])).sum()), (2, sen(&issued["total"])));
    check(&world, &["invoice", "show", number], 0, "SVHTS50");
    let csv = check(&world, &["invoice", "show", number, "--format", "csv"], 0, "ref_id,kind,product");
    assert_eq!(csv.lines().count(), 3, "{csv}");
    check(&world, &["invoice", "show", number, "--format", "pdf"], 1, "name a file with --output");
    let file = world.path().join("invoice.pdf");
    let output = file.to_str().expect("a path that is text");
    check(&world, &["invoice", "show", number, "--format", "pdf", "--output", output], 0, "PDF");
    assert!(std::fs::read(&file).expect("the file").starts_with(b"%PDF-"));
    let pay = |amount, reference| ["invoice", "pay", number, "--amount", amount, "--reference", reference];
    check(&world, &pay("6000", "TRF-1"), 0, "part_paid");
    check(&world, &pay("6000", "TRF-1"), 0, "Rp 100.000 outstanding");
    check(&world, &pay("200000", "TRF-2"), 3, "not more than is outstanding");
    check(&world, &pay("100000", "TRF-2"), 0, "paid");
    check(&world, &["invoice", "list", "SANDBOXINV"], 0, number);
    check(&world, &["invoice", "issue", "SANDBOX"], 3, "not_invoiced");
    check(&world, &["invoice", "issue", "SANDBOXINV", "--month", "2026-13"], 2, "no month");
    check(&world, &["ledger", "verify"], 0, "the ledger is right");
}

async fn a_bill_is_sold_from_the_command_line(keeping: Keeping) {
    let world = World::sandbox(keeping);
    check(&world, &["biller", "products"], 0, "SLYLPR200");
    check(&world, &["biller", "inquire", "SLYLPR200", "520520795556"], 0, "RAISA");
    check(&world, &["biller", "balance"], 0, "Rp 1.000.000.000");
    let told = check(&world, &["biller", "pay", "SLYLPR200", "520520795556", "--json"], 0, "\"ref_id\"");
    let paid: Value = serde_json::from_str(&told).expect("JSON");
    let ref_id = paid["ref_id"].as_str().expect("a ref_id");
    check(&world, &["biller", "status", ref_id], 0, "SUCCESS");
    check(&world, &["biller", "status", "--order", "520520795556", "--product", "SLYLPR200"], 0, ref_id);
    check(&world, &["biller", "pay", "SLYLPR200", "520520795556"], 3, "610");
    check(&world, &["biller", "pay", "NOSUCH", "520520795556"], 3, "refused, nothing was begun: 405");
    check(&world, &["biller", "pay", "SVHTS50", "081218810037"], 5, "failed, known not to have been paid: 510");
    check(&world, &["biller", "pay", "SVHTS50", "081218810039"], 4, "in process");
    check(&world, &["biller", "pay", "SVHTS50", "081218810500"], 4, "the outcome is not known");
    check(&world, &["biller", "pay", "STBIDV", "401101338833", "--amount", "1000000"], 0, "401101338833");
    let additional = ["biller", "pay", "SVHGJ000", "081218816222", "--additional", r#"{"amount":"10000000"}"#];
    check(&world, &additional, 0, "ref_id");
    check(&world, &["biller", "balance", "--invoiced"], 3, "125");
    let form = "rq_uuid=U1&rq_datetime=2026-11-21%2012:00:00&sender_id=SANDBOX&password=test";
    let signature = check(&world, &["biller", "sign", "biller_balance", "--form", form], 0, "##SANDBOX##U1##<KEY>##");
    let signed = format!("{form}&signature={}", signature.trim());
    check(&world, &["biller", "explain", "biller_balance", "--form", &signed], 0, "the signature is right");
    let other = signed.replace("rq_uuid=U1", "rq_uuid=U2");
    check(&world, &["biller", "explain", "biller_balance", "--form", &other], 3, "string to hash");
    check(&world, &["biller", "sign", "nothing", "--form", form], 1, "there is no service");
    let added = world.operate(&["merchant", "add", "KIOSK", "--name", "Kiosk", "--deposit"]);
    let file = world.path().join("kiosk.json");
    std::fs::write(&file, added.to_string()).expect("a file");
    let credentials = ["--credentials", file.to_str().expect("a path that is text")];
    check(&world, &[["biller", "balance"], credentials].concat(), 0, "Rp 0");
    check(&world, &[["biller", "pay"], ["SVHTS50", "081218816222"], credentials].concat(), 3, "800");
}

#[test]
fn what_cannot_be_asked_is_explained() {
    let folder = tempfile::tempdir().expect("a folder");
    let token = folder.path().join("token");
    std::fs::write(&token, "0".repeat(64)).expect("a file");
    let (token, closed) = (token.display().to_string(), "http://127.0.0.1:1");
    let world = World::sandbox(Keeping::Sqlite);
    let ready = world.json("ready.json");
    let open = ready["operator"]["url"].as_str().expect("an address");
    for (arguments, words) in [
        (vec!["status", "--ready", "/nowhere/ready.json"], "cannot be read"),
        (vec!["status", "--operator", closed, "--token-file", &token], "no gateway opens its operator's door"),
        (vec!["status", "--operator", open, "--token-file", &token], "does not know this token"),
        (vec!["status", "--operator", open, "--token-file", "/nowhere/token"], "cannot be read"),
        (vec!["biller", "balance", "--ready", "/nowhere/ready.json"], "cannot be read"),
    ] {
        let output = gerbang().args(&arguments).output().expect("the program runs");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {error}");
        assert!(error.contains(words) && error.contains("hint: "), "{arguments:?}: {error}");
    }
}

on_both_keepings! {
    a_merchant_is_registered_filled_changed_and_suspended,
    a_month_is_billed_shown_and_paid,
    a_bill_is_sold_from_the_command_line,
}
