//! What is IAK's own: every code of its two pages, the trap of its prices, and what a question proves.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use lifecycle::{
    Reason,
    biller::{Category, Pricing},
    provider::{BillOrder, Outcome, ProviderCall},
};
use money::Amount;
use serde_json::{Value, json};

use super::{Iak, mapping};
use crate::{CallContext, Connector, HttpResponse, Step, tests::world::account};

/// Codes of purchases: those that a payment is refused with are failures that are known.
const PREPAID: &str = "00 06 07 10 12 13 14 16 17 18 19 20 21 39 102 106 107 110 117 118 121 131 132 141 142 143 201 202 \
                       203 204 205 206 207";
/// Codes of bills.
const POSTPAID: &str = "00 01 02 03 04 05 06 07 08 09 10 11 13 14 15 16 17 20 30 31 32 33 34 35 36 37 38 39 40 41 42 43 91 \
                        92 93 94 100 101 102 103 105 106 107 108 109 110 117 118 201";
/// After a payment these leave open whether it was made: answers that may be about our own payment, general trouble, and
/// time-outs that are called failures.
const OPEN_BILLS: &[&str] = &["01", "02", "09", "34", "40", "42", "91", "92", "103", "105"];
const OPEN_PURCHASES: &[&str] = &["06", "143"];
const NOW: i64 = 1_763_600_000_000_000;

fn order(pricing: Pricing) -> BillOrder {
    let bill = lifecycle::BillId::from_bits(7);
    BillOrder {
        bill,
        reference: format!("A{}", bill.characters()),
        sku: "hpln20000".into(),
        category: Category::MobilePostpaid,
        pricing,
        admin_included: false,
        order_id: "08991234501".into(),
        bill_amount: Some(Amount::rupiah(10_000)),
        additional: vec![],
        inquired: true,
        due: None,
        notify_url: String::new(),
    }
}

fn denomination() -> Pricing {
    Pricing::Denomination { face: Amount::rupiah(20_000), bill_amount: Amount::rupiah(20_000) }
}

fn outcome(call: &ProviderCall, data: &Value, seconds_later: i64) -> Outcome {
    let account = account();
    let now = calendar::Instant::from_micros(NOW).plus_seconds(seconds_later);
    let context = CallContext { account: &account, now, token: None, external_id: "1" };
    let response = HttpResponse::json(200, json!({"data": data}).to_string());
    // The inquiry inside of the payment was answered.
    match Iak.proceed(call, std::slice::from_ref(&response), &response, &context) {
        Step::Done(outcome) => outcome,
        Step::Send(request) => panic!("{request:?}"),
    }
}

fn question(order: &BillOrder) -> ProviderCall {
    ProviderCall::InquireBillPayment { order: order.clone(), sent_at: calendar::Instant::from_micros(NOW) }
}

#[test]
fn every_code_has_a_row() {
    let rows = |table: &[crate::aggregator::Row]| table.iter().map(|row| row.code).collect::<Vec<_>>().join(" ");
    assert_eq!(rows(mapping::PREPAID), PREPAID);
    assert_eq!(rows(mapping::POSTPAID), POSTPAID);
}

#[test]
fn every_code_of_a_purchase_proves_what_it_can() {
    let order = order(denomination());
    let pay = ProviderCall::PayBill(order.clone());
    for code in PREPAID.split_whitespace() {
        let status = match code {
            "00" => 1,
            "39" | "201" => 0,
            _ => 2,
        };
        let with = json!({"ref_id": order.reference, "rc": code, "status": status, "price": 19850, "tr_id": 1});
        let without = json!({"ref_id": order.reference, "rc": code});
        let (paid, asked) = (outcome(&pay, &with, 0), outcome(&question(&order), &with, 60));
        let door = outcome(&question(&order), &without, 60);
        let good = match code {
            "00" => matches!((&paid, &asked), (Outcome::BillPaid(_), Outcome::BillPaid(_))),
            "39" | "201" => paid == Outcome::Pending && asked == Outcome::Pending,
            "06" => matches!(paid, Outcome::Unknown(_)) && asked == Outcome::NotFound,
            _ if OPEN_PURCHASES.contains(&code) => matches!(paid, Outcome::Unknown(_)),
            // A question that was refused says nothing about the order.
            _ => matches!(paid, Outcome::Refused(_)) && matches!(door, Outcome::Unknown(_)),
        };
        assert!(good, "{code}: {paid:?}, {asked:?}, {door:?}");
    }
}

#[test]
fn every_code_of_a_bill_proves_what_it_can() {
    let order = order(Pricing::Due);
    let pay = ProviderCall::PayBill(order.clone());
    for code in POSTPAID.split_whitespace() {
        let data = json!({"ref_id": order.reference, "response_code": code, "price": 11000, "admin": 1000, "selling_price": 10500});
        let asked = outcome(&question(&order), &data, 60);
        let paid = outcome(&pay, &data, 0);
        let good = match code {
            "00" => matches!((&paid, &asked), (Outcome::BillPaid(_), Outcome::BillPaid(_))),
            "05" | "39" | "201" => paid == Outcome::Pending && asked == Outcome::Pending,
            "11" => paid == Outcome::Refused(Reason::RepeatedAtSource),
            "02" | "42" => matches!(paid, Outcome::Unknown(_)) && asked == Outcome::NotFound,
            _ if OPEN_BILLS.contains(&code) => {
                matches!(paid, Outcome::Unknown(_)) && !matches!(asked, Outcome::Refused(_))
            }
            _ => matches!(paid, Outcome::Refused(_)) && !matches!(asked, Outcome::Refused(_)),
        };
        assert!(good, "{code}: {paid:?}, {asked:?}");
    }
}

#[test]
fn a_failure_that_a_question_reports_is_believed_with_its_status_alone() {
    let order = order(Pricing::Due);
    let data = |code: &str, status: i64| json!({"ref_id": order.reference, "response_code": code, "status": status});
    let told = |code, status, seconds| outcome(&question(&order), &data(code, status), seconds);
    assert_eq!(told("07", 2, 60), Outcome::Refused(Reason::DoNotHonor));
    assert!(matches!(told("07", 1, 60), Outcome::Unknown(_)));
    assert!(matches!(told("00", 2, 60), Outcome::Unknown(_)));
    assert!(matches!(told("39", 1, 60), Outcome::Unknown(_)));
    // A time-out that is called a failure: believed after a day.
    assert!(matches!(told("105", 2, 3600), Outcome::Unknown(_)));
    assert_eq!(told("105", 2, 24 * 3600), Outcome::Refused(Reason::DoNotHonor));
    assert!(matches!(told("999", 2, 60), Outcome::Unknown(_)));
    // Our money there ran out when the order's turn came: that is no trouble with the question.
    assert_eq!(told("17", 2, 60), Outcome::Refused(Reason::ProductUnavailable));
}

#[test]
fn price_is_the_customers_and_selling_price_ours() {
    let order = order(Pricing::Due);
    let data = json!({"ref_id": order.reference, "response_code": "00", "price": 11000, "admin": 1000, "selling_price": 10500});
    let Outcome::BillPaid(receipt) = outcome(&ProviderCall::PayBill(order), &data, 0) else { panic!("not paid") };
    assert_eq!((receipt.bill_amount, receipt.cost), (Some(Amount::rupiah(10_000)), Some(Amount::rupiah(10_500))));
}

#[test]
fn an_answer_about_another_order_or_customer_is_unknown() {
    let order = order(denomination());
    for data in [
        json!({"ref_id": "A000", "rc": "00", "status": 1}),
        json!({"ref_id": order.reference, "rc": "00", "status": 1, "hp": "089900000000"}),
        json!({"rc": "00", "status": 1}),
    ] {
        let told = outcome(&ProviderCall::PayBill(order.clone()), &data, 0);
        assert!(matches!(told, Outcome::Unknown(_)), "{told:?}");
    }
}

#[test]
fn bills_have_a_host_of_their_own() {
    let account = account();
    let context =
        CallContext { account: &account, now: calendar::Instant::from_micros(NOW), token: None, external_id: "1" };
    for (pricing, host) in [(denomination(), &account.base_url), (Pricing::Due, &account.pages_url)] {
        let Step::Send(request) = Iak.begin(&question(&order(pricing)), &context) else { panic!("nothing is sent") };
        assert!(request.url.starts_with(host.as_str()), "{request:?}");
    }
    let Step::Send(request) = Iak.begin(&ProviderCall::ReadFloat, &context) else { panic!("nothing is sent") };
    assert_eq!(String::from_utf8(request.body).unwrap().matches("sign").count(), 1);
}
