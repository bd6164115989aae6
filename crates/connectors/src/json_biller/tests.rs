//! What a profile may say, and what is refused in one.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use lifecycle::{
    Reason,
    biller::{Category, Pricing},
    provider::{BillOrder, Outcome, ProviderCall},
};
use money::Amount;

use super::{JsonBiller, Profile, default_profile, wire};
use crate::{Account, CallContext, Connector, HttpRequest, HttpResponse, Step, tests::world};

const DEFAULT: &str = include_str!("default.toml");
const NOW: i64 = 1_763_600_000_000_000;

/// A biller that is spoken to in every other way.
const OTHER: &str = r#"
time_budget_ms = 4000
amounts = "sen"
[headers]
X-Merchant = "{merchant_id}"
[auth]
kind = "header"
header = "Authorization"
value = "Bearer {secret}"
[pay]
path = "/pay"
[pay.body]
id = "{reference}"
item = "{sku}/{customer}"
total = "{amount}"
months = "{additional.month}"
live = true
version = 2
[pay.answer]
word = "/code"
reference = "/id"
cost = "/taken"
provider_reference = "/no"
[pay.words]
"00" = "done"
"77" = "timed_out"
[status]
path = "/ask"
body = { id = "{reference}" }
answer = { word = "/code", reference = "/id" }
words = { "00" = "done", "77" = "timed_out", "14" = "customer_unknown" }
[balance]
path = "/left"
answer = { word = "/code", balance = "/left" }
words = { "00" = "done" }
"#;

fn account(profile: Option<&str>) -> Account {
    Account { profile: profile.map(Into::into), ..world::account() }
}

fn order() -> BillOrder {
    let bill = lifecycle::BillId::from_bits(7);
    BillOrder {
        bill,
        reference: format!("A{}", bill.characters()),
        sku: "water".into(),
        category: Category::Pdam,
        pricing: Pricing::Due,
        admin_included: false,
        order_id: "10202001".into(),
        bill_amount: Some(Amount::rupiah(50_000)),
        additional: vec![("month".into(), "2".into())],
        inquired: false,
        due: None,
        notify_url: String::new(),
    }
}

fn context(account: &Account) -> CallContext<'_> {
    CallContext { account, now: calendar::Instant::from_micros(NOW), token: None, external_id: "1" }
}

fn read(account: &Account, call: &ProviderCall, body: &str) -> Outcome {
    match JsonBiller.proceed(call, &[], &HttpResponse::json(200, body), &context(account)) {
        Step::Done(outcome) => outcome,
        Step::Send(request) => panic!("{request:?}"),
    }
}

#[test]
fn the_default_profile_can_be_read() {
    assert_eq!(default_profile().time_budget_ms, 20_000);
    assert_eq!(Profile::parse(DEFAULT).map(|_| ()), Ok(()));
    assert_eq!(JsonBiller.check_account(&account(None)), Ok(()));
}

#[test]
fn a_profile_says_how_a_biller_is_spoken_to() {
    let account = account(Some(OTHER));
    assert_eq!(JsonBiller.check_account(&account), Ok(()));
    assert_eq!(JsonBiller.time_budget_ms(&account), 4_000);
    let order = order();
    let pay = ProviderCall::PayBill(order.clone());
    let Step::Send(request) = JsonBiller.begin(&pay, &context(&account)) else { panic!("nothing is sent") };
    assert_eq!(request.url, "https://api.wallet.example/pay");
    assert_eq!(request.header("Authorization"), Some("Bearer client-secret-4711"));
    assert_eq!(request.header("X-Merchant"), Some("MERCHANT01"));
    let body = String::from_utf8(request.body).unwrap();
    let expected = format!(
        r#"{{"id":"{}","item":"water/10202001","live":true,"months":"2","total":50000,"version":2}}"#,
        order.reference
    );
    assert_eq!(body, expected);
    let answer = format!(r#"{{"code":"00","id":"{}","taken":4950000,"no":12}}"#, order.reference);
    let Outcome::BillPaid(receipt) = read(&account, &pay, &answer) else { panic!("not paid") };
    assert_eq!((receipt.cost, receipt.provider_reference.as_str()), (Some(Amount::rupiah(49_500)), "12"));
    assert_eq!(
        read(&account, &ProviderCall::ReadFloat, r#"{"code":"00","left":150}"#),
        Outcome::Float(Amount::from_sen(150).unwrap())
    );
}

#[test]
fn words_prove_what_the_profile_says_and_others_nothing() {
    let account = account(Some(OTHER));
    let order = order();
    let answer = |code: &str, id: &str| format!(r#"{{"code":"{code}","id":"{id}"}}"#);
    let pay = ProviderCall::PayBill(order.clone());
    let asked = |days: i64| ProviderCall::InquireBillPayment {
        order: order.clone(),
        sent_at: calendar::Instant::from_micros(NOW).plus_seconds(-days * 24 * 3600),
    };
    let unknown = |outcome: Outcome| assert!(matches!(outcome, Outcome::Unknown(_)), "{outcome:?}");
    unknown(read(&account, &pay, &answer("77", &order.reference)));
    unknown(read(&account, &pay, &answer("14", &order.reference)));
    unknown(read(&account, &pay, &answer("00", "another")));
    unknown(read(&account, &pay, r#"{"code":"00"}"#));
    unknown(read(&account, &asked(0), &answer("77", &order.reference)));
    assert_eq!(read(&account, &asked(1), &answer("77", &order.reference)), Outcome::Refused(Reason::DoNotHonor));
    assert_eq!(read(&account, &asked(0), &answer("14", &order.reference)), Outcome::Refused(Reason::CustomerUnknown));
}

#[test]
fn without_an_inquiry_only_denominations_can_be_inquired() {
    let account = account(Some(OTHER));
    let Step::Done(outcome) = JsonBiller.begin(&ProviderCall::InquireBill(order()), &context(&account)) else {
        panic!("it asks")
    };
    assert_eq!(outcome, Outcome::Refused(Reason::ProductUnavailable));
    let pricing = Pricing::Denomination { face: Amount::rupiah(10_000), bill_amount: Amount::rupiah(9_900) };
    let token = BillOrder { pricing, category: Category::PlnPrepaid, ..order() };
    let step = JsonBiller.begin(&ProviderCall::InquireBill(token), &context(&account));
    assert!(matches!(step, Step::Done(Outcome::BillDue(_))), "{step:?}");
}

#[test]
fn a_slip_in_a_profile_is_told() {
    for (wrong, what) in [
        (DEFAULT.replace("{reference}", "{referense}"), "there is no placeholder {referense}"),
        (DEFAULT.replace("path = \"/v1/payments\"", "path = \"v1/payments\""), "path begins with a slash"),
        (DEFAULT.replace("word = \"/status\"", "word = \"status\""), "is not a JSON pointer"),
        (DEFAULT.replace("PAID = \"done\"", "PAID = \"pending\""), "no word means done"),
        (DEFAULT.replace("\"nothing_due\"", "\"nothing\""), "unknown variant"),
        (DEFAULT.replace("time_budget_ms = 20000", "time_budget_ms = 1"), "time_budget_ms"),
        (DEFAULT.replace("time_budget_ms", "time_budget"), "time_budget"),
        (DEFAULT.replace("balance = \"/balance\"", ""), "balance.answer"),
        (DEFAULT.replace("{timestamp}", "{clock}"), "there is no placeholder {clock}"),
        (OTHER.replace("reference = \"/id\"\n", ""), "our reference"),
        (OTHER.replace("path = \"/pay\"", "path = \"/pay\"\ninquire_first = true"), "inquire_first"),
        ("#".repeat(70_000), "at most"),
        ("not toml".into(), ""),
    ] {
        let why = Profile::parse(&wrong).map(|_| ()).expect_err(what);
        assert!(why.contains(what), "{why:?} does not say {what:?}");
        let account = account(Some(&wrong));
        assert!(JsonBiller.check_account(&account).is_err());
        let step = JsonBiller.begin(&ProviderCall::ReadFloat, &context(&account));
        assert!(matches!(step, Step::Done(Outcome::Refused(Reason::ProviderRejectedCall(_)))), "{step:?}");
        let told = read(&account, &ProviderCall::PayBill(order()), "{}");
        assert!(matches!(told, Outcome::Unknown(_)), "{told:?}");
        let notice = HttpRequest { method: "POST", url: "/notices/json_biller".into(), headers: vec![], body: vec![] };
        assert_eq!(JsonBiller.notice(&notice, &context(&account)).unwrap_err().response.status, 503);
        assert_eq!(JsonBiller.time_budget_ms(&account), 20_000);
    }
}

#[test]
fn every_word_of_a_profile_is_in_the_readme() {
    let readme = include_str!("README.md");
    for name in wire::PLACEHOLDERS {
        assert!(readme.contains(&format!("`{{{name}}}`")), "{name}");
    }
}
