//! What is Digiflazz' own: every code of its page, the age at which a question becomes a purchase, and its amounts.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use lifecycle::{
    Reason,
    biller::{Category, Pricing},
    provider::{BillOrder, Outcome, ProviderCall},
};
use money::Amount;
use serde_json::json;

use super::{Digiflazz, mapping};
use crate::{
    CallContext, Connector, HttpResponse, NoticeEvent, Step,
    tests::world::{World, account},
};

/// Every code of the page: its `status`, and whether a transaction is written under the reference.
const CODES: &[(&str, &str, bool)] = &[
    ("00", "Sukses", true),
    ("01", "Gagal", true),
    ("02", "Gagal", true),
    ("03", "Pending", true),
    ("40", "Gagal", false),
    ("41", "Gagal", false),
    ("42", "Gagal", false),
    ("43", "Gagal", false),
    ("44", "Gagal", false),
    ("45", "Gagal", false),
    ("47", "Gagal", false),
    ("49", "Gagal", false),
    ("50", "Gagal", true),
    ("51", "Gagal", true),
    ("52", "Gagal", true),
    ("53", "Gagal", true),
    ("54", "Gagal", true),
    ("55", "Gagal", true),
    ("56", "Gagal", false),
    ("57", "Gagal", true),
    ("58", "Gagal", true),
    ("59", "Gagal", true),
    ("60", "Gagal", true),
    ("61", "Gagal", false),
    ("62", "Gagal", false),
    ("63", "Gagal", false),
    ("64", "Gagal", false),
    ("65", "Gagal", false),
    ("66", "Gagal", false),
    ("67", "Gagal", false),
    ("68", "Gagal", false),
    ("69", "Gagal", false),
    ("70", "Gagal", true),
    ("71", "Gagal", true),
    ("72", "Gagal", true),
    ("73", "Gagal", true),
    ("74", "Gagal", true),
    ("80", "Gagal", false),
    ("81", "Gagal", false),
    ("82", "Gagal", false),
    ("83", "Gagal", false),
    ("84", "Gagal", true),
    ("85", "Gagal", true),
    ("86", "Gagal", true),
    ("87", "Gagal", false),
    ("88", "Gagal", false),
    ("99", "Pending", true),
];

const HOUR: i64 = 3600;

fn order(pricing: Pricing) -> BillOrder {
    let bill = lifecycle::BillId::from_bits(7);
    BillOrder {
        bill,
        reference: format!("A{}", bill.characters()),
        sku: "xld10".into(),
        category: Category::MobilePrepaid,
        pricing,
        admin_included: false,
        order_id: "087800001230".into(),
        bill_amount: Some(Amount::rupiah(10_000)),
        additional: vec![],
        inquired: true,
        due: None,
        notify_url: String::new(),
    }
}

fn denomination() -> Pricing {
    Pricing::Denomination { face: Amount::rupiah(10_000), bill_amount: Amount::rupiah(10_000) }
}

fn answer(order: &BillOrder, rc: &str, status: &str) -> HttpResponse {
    let data = json!({
        "ref_id": order.reference, "customer_no": order.order_id, "buyer_sku_code": order.sku, "message": "",
        "status": status, "rc": rc, "sn": "1234567890", "price": 10000, "selling_price": 11000, "admin": 1000,
    });
    HttpResponse::json(200, json!({"data": data}).to_string())
}

fn outcome(call: &ProviderCall, response: &HttpResponse, hours_later: i64) -> Outcome {
    let account = account();
    let now = calendar::Instant::from_micros(0).plus_seconds(hours_later * HOUR);
    let context = CallContext { account: &account, now, token: None, external_id: "1" };
    match Digiflazz.proceed(call, &[], response, &context) {
        Step::Done(outcome) => outcome,
        Step::Send(request) => panic!("{request:?}"),
    }
}

fn calls(pricing: Pricing) -> (BillOrder, ProviderCall, ProviderCall) {
    let order = order(pricing);
    let sent_at = calendar::Instant::from_micros(0);
    let question = ProviderCall::InquireBillPayment { order: order.clone(), sent_at };
    (order.clone(), ProviderCall::PayBill(order), question)
}

#[test]
fn every_code_has_a_row_and_no_other_one_has() {
    let rows: Vec<&str> = mapping::ROWS.iter().map(|row| row.code).collect();
    let codes: Vec<&str> = CODES.iter().map(|(code, ..)| *code).collect();
    assert_eq!(rows, codes);
}

#[test]
fn every_code_proves_what_it_can() {
    for pricing in [denomination(), Pricing::Due] {
        let (order, pay, question) = calls(pricing);
        for (code, status, written) in CODES {
            let response = answer(&order, code, status);
            let paid = outcome(&pay, &response, 0);
            let asked = outcome(&question, &response, 1);
            let refused = |outcome: &Outcome| matches!(outcome, Outcome::Refused(_));
            let unknown = |outcome: &Outcome| matches!(outcome, Outcome::Unknown(_));
            let good = match (*code, *status, *written) {
                ("00", ..) => matches!((&paid, &asked), (Outcome::BillPaid(_), Outcome::BillPaid(_))),
                (_, "Pending", _) => paid == Outcome::Pending && asked == Outcome::Pending,
                // Time-outs by another name.
                ("01" | "70", ..) => unknown(&paid) && unknown(&asked) && refused(&outcome(&question, &response, 24)),
                // Money came back after it had gone.
                ("74", ..) => paid == Outcome::BillReversed && asked == Outcome::BillReversed,
                ("50", ..) => refused(&paid) && asked == Outcome::NotFound,
                ("49", ..) => paid == Outcome::Refused(Reason::RepeatedAtSource) && unknown(&asked),
                (_, _, true) => refused(&paid) && paid == asked,
                (_, _, false) => refused(&paid) && unknown(&asked),
            };
            assert!(good, "{code}: paid {paid:?}, asked {asked:?}");
        }
    }
}

#[test]
fn what_is_the_sources_own_fault_goes_to_the_next_source() {
    let (order, pay, _) = calls(denomination());
    let own = ["40", "41", "42", "43", "44", "45", "50", "53", "55", "56", "58", "59", "61", "62", "63", "64", "65"];
    let own = [&own[..], &["66", "67", "68", "69", "71", "80", "81", "82", "83", "85", "86", "87", "88"]].concat();
    for (code, status, _) in CODES {
        if let Outcome::Refused(reason) = outcome(&pay, &answer(&order, code, status), 0) {
            assert_eq!(reason.is_of_the_source(), own.contains(code), "{code}: {reason:?}");
        }
    }
}

#[test]
fn a_code_that_nobody_knows_and_a_status_that_contradicts_are_unknown() {
    let (order, pay, question) = calls(denomination());
    for (code, status) in [
        ("46", "Gagal"),
        ("100", "Gagal"),
        ("", "Gagal"),
        ("00", "Gagal"),
        ("00", "Pending"),
        ("02", "Sukses"),
        ("54", "Pending"),
        ("03", "Sukses"),
    ] {
        for call in [&pay, &question] {
            let told = outcome(call, &answer(&order, code, status), 0);
            assert!(matches!(told, Outcome::Unknown(_)), "{code} {status}: {told:?}");
        }
    }
}

#[test]
fn an_answer_about_another_order_or_customer_is_unknown() {
    let (order, pay, _) = calls(denomination());
    let other = BillOrder { reference: "A000".into(), ..order.clone() };
    let stranger = BillOrder { order_id: "087800009999".into(), ..order };
    for named in [other, stranger] {
        let told = outcome(&pay, &answer(&named, "00", "Sukses"), 0);
        assert!(matches!(told, Outcome::Unknown(_)), "{told:?}");
    }
}

#[test]
fn price_is_ours_and_selling_price_the_customers() {
    let (order, pay, _) = calls(Pricing::Due);
    let Outcome::BillPaid(receipt) = outcome(&pay, &answer(&order, "00", "Sukses"), 0) else { panic!("not paid") };
    assert_eq!((receipt.bill_amount, receipt.cost), (Some(Amount::rupiah(10_000)), Some(Amount::rupiah(10_000))));
    let with_admin = ProviderCall::PayBill(BillOrder { admin_included: true, ..order.clone() });
    let Outcome::BillPaid(receipt) = outcome(&with_admin, &answer(&order, "00", "Sukses"), 0) else {
        panic!("not paid")
    };
    assert_eq!(receipt.bill_amount, Some(Amount::rupiah(11_000)));
}

#[test]
fn a_purchase_is_not_asked_about_when_the_question_would_buy_it_again() {
    let (_, _, question) = calls(denomination());
    let account = account();
    for (days, asks) in [(0, true), (89, true), (90, false), (400, false)] {
        let now = calendar::Instant::from_micros(0).plus_seconds(days * 24 * HOUR);
        let context = CallContext { account: &account, now, token: None, external_id: "1" };
        let step = Digiflazz.begin(&question, &context);
        assert_eq!(matches!(step, Step::Send(_)), asks, "{days} days: {step:?}");
        assert!(asks || matches!(step, Step::Done(Outcome::Unknown(_))), "{step:?}");
    }
}

#[test]
fn testing_is_a_setting_of_the_account() {
    let mut account = account();
    let (_, pay, _) = calls(denomination());
    for testing in [false, true] {
        account.testing = testing;
        let context =
            CallContext { account: &account, now: calendar::Instant::from_micros(0), token: None, external_id: "1" };
        let Step::Send(request) = Digiflazz.begin(&pay, &context) else { panic!("nothing is sent") };
        assert_eq!(String::from_utf8(request.body).unwrap().contains("\"testing\":true"), testing);
    }
}

#[test]
fn a_notice_says_what_it_can_and_leads_to_a_question_otherwise() {
    let mut world = World::new(&Digiflazz);
    let secret = world.account.notice_secret.clone().unwrap();
    let reference = order(denomination()).reference;
    let mut read = |data: serde_json::Value| {
        let body = json!({"data": data}).to_string().into_bytes();
        let headers = vec![("X-Hub-Signature".to_owned(), super::wire::notice_signature(&secret, &body))];
        world.notices = vec![crate::HttpRequest { method: "POST", url: "/notices/digiflazz".into(), headers, body }];
        world.read_notices().pop().unwrap().unwrap().event
    };
    let said = |event: Option<NoticeEvent>| match event {
        Some(NoticeEvent::Bill { outcome: Outcome::BillPaid(receipt), .. }) => {
            receipt.token.map_or("serial", |_| "token")
        }
        Some(NoticeEvent::Bill { outcome: Outcome::Refused(_), .. }) => "refused",
        Some(NoticeEvent::Bill { outcome: Outcome::Pending, .. }) => "pending",
        Some(NoticeEvent::Bill { outcome: Outcome::BillReversed, .. }) => "reversed",
        Some(NoticeEvent::AskBill { .. }) => "ask",
        other => panic!("{other:?}"),
    };
    let data = |rc: &str, status: &str, sn: &str| json!({"ref_id": reference, "rc": rc, "status": status, "sn": sn, "price": 10000});
    for (rc, status, sn, expected) in [
        ("00", "Sukses", "1234567890", "serial"),
        ("00", "Sukses", "1234-5678-9012-3456-7890/NAMA/R1M/900/13,50.", "token"),
        // A serial of a phone, or a token without its name: only the order tells.
        ("00", "Sukses", "12345678901234567890", "ask"),
        ("02", "Gagal", "", "refused"),
        ("03", "Pending", "", "pending"),
        ("74", "Gagal", "", "reversed"),
        ("01", "Gagal", "", "ask"),
        ("44", "Gagal", "", "ask"),
        ("50", "Gagal", "", "ask"),
        ("00", "Gagal", "", "ask"),
        ("12", "Gagal", "", "ask"),
    ] {
        assert_eq!(said(read(data(rc, status, sn))), expected, "{rc} {status} {sn}");
    }
    let mut bill = data("00", "Sukses", "S1234554321N");
    bill["selling_price"] = json!(11000);
    assert_eq!(said(read(bill)), "ask");
}
