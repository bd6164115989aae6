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

/// Inquiry and payment of a bill go under one reference: a question may be answered with the inquiry's success.
#[test]
fn a_success_without_the_billers_reference_does_not_prove_a_payment_that_is_asked_about() {
    let (order, pay, ask) = calls(Pricing::Due);
    let data = |sn: &str| {
        let data = json!({"ref_id": order.reference, "customer_no": order.order_id, "rc": "00", "status": "Sukses",
            "admin": 1000, "price": 10500, "selling_price": 11000, "sn": sn});
        HttpResponse::json(200, json!({"data": data}).to_string())
    };
    assert!(matches!(outcome(&ask, &data(""), 1), Outcome::Unknown(_)));
    assert!(matches!(outcome(&ask, &data("S1234554321N"), 1), Outcome::BillPaid(_)));
    assert!(matches!(outcome(&pay, &data(""), 0), Outcome::BillPaid(_)), "it answers the payment itself");
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

/// What became of a published number: the amounts of its inquiry, and every outcome until it is final.
fn played(sku: &str, number: &str, pricing: Pricing) -> (Option<(i64, i64, u32)>, Vec<Outcome>) {
    let mut world = World::new(&Digiflazz);
    world.account.testing = true;
    let category = if matches!(pricing, Pricing::Due) { Category::PlnPostpaid } else { Category::MobilePrepaid };
    let mut ready = BillOrder { sku: sku.into(), order_id: number.into(), category, ..order(pricing) };
    let mut sums = None;
    if ready.pricing == Pricing::Due {
        let due = match world.run(&ProviderCall::InquireBill(ready.clone())) {
            Outcome::BillDue(due) => *due,
            other => return (None, vec![other]),
        };
        let rupiah = |amount: Option<Amount>| amount.unwrap().sen() / 100;
        sums = Some((due.bill_amount.sen() / 100 + rupiah(due.admin_fee), rupiah(due.cost), due.bills));
        ready = BillOrder { bill_amount: Some(due.bill_amount), inquired: true, due: Some(due), ..ready };
    }
    let mut outcomes = vec![world.run(&ProviderCall::PayBill(ready.clone()))];
    while outcomes.last() == Some(&Outcome::Pending) {
        let sent_at = world.clock.now;
        outcomes.push(world.run(&ProviderCall::InquireBillPayment { order: ready.clone(), sent_at }));
    }
    (sums, outcomes)
}

#[test]
fn the_published_numbers_end_as_published() {
    let failed = || Outcome::Refused(Reason::DoNotHonor);
    let paid = |outcome: &Outcome, reference: &str, cost: Option<u32>| {
        let Outcome::BillPaid(receipt) = outcome else { panic!("{outcome:?}") };
        assert_eq!(receipt.provider_reference, reference);
        assert!(cost.is_none() || receipt.cost == cost.map(Amount::rupiah), "{receipt:?}");
    };
    let (_, outcomes) = played("xld10", "087800001230", denomination());
    paid(&outcomes[0], "1234567890", Some(10_000));
    let (_, outcomes) = played("xld10", "087800001233", denomination());
    assert!(outcomes.len() > 1);
    paid(outcomes.last().unwrap(), "1234567890", Some(10_000));
    assert_eq!(played("xld10", "087800001232", denomination()).1, [failed()]);
    assert_eq!(played("xld10", "087800001234", denomination()).1.last(), Some(&failed()));
    // Customer's total, what is taken of our deposit, bills.
    for (sku, number, sums) in [
        ("pln", "530000000001", (11_000, 10_000, 1)),
        ("pln", "530000000002", (25_000, 23_000, 2)),
        ("pdam", "1013226", (12_500, 11_500, 1)),
        ("internet", "6391601001", (24_500, 22_500, 2)),
        ("bpjs", "8801234560001", (25_000, 24_700, 1)),
        ("pgas", "0110014601", (100_000, 99_500, 1)),
        ("tv", "127246500101", (101_500, 100_500, 1)),
        ("bpjstk", "8102051011270001", (17_500, 16_500, 1)),
        ("hp", "081234554320", (12_500, 11_000, 1)),
    ] {
        let (told, outcomes) = played(sku, number, Pricing::Due);
        assert_eq!(told, Some(sums), "{sku} {number}");
        paid(&outcomes[0], "S1234554321N", Some(sums.1.try_into().unwrap()));
    }
    for (sku, number) in [("pln", "530000000003"), ("tv", "127246500102"), ("hp", "081234554321")] {
        assert_eq!(played(sku, number, Pricing::Due), (None, vec![failed()]), "{sku} {number}");
    }
    // This number is magic too; under testing the page counts.
    for (sku, number) in
        [("pln", "530000000006"), ("tv", "127246500105"), ("samsat", "9658548523568705,0212502110170100")]
    {
        let (told, outcomes) = played(sku, number, Pricing::Due);
        assert!(told.is_some() && outcomes == [failed()], "{sku} {number}: {outcomes:?}");
    }
    for (sku, number, ends_well) in [("pln", "630000000002", true), ("bpjs", "9801234560005", false)] {
        let (_, outcomes) = played(sku, number, Pricing::Due);
        assert!(outcomes.len() > 1, "{sku} {number}");
        match ends_well {
            true => paid(outcomes.last().unwrap(), "S1234554321N", None),
            false => assert_eq!(outcomes.last(), Some(&failed()), "{sku} {number}"),
        }
    }
}

#[test]
fn without_testing_a_published_number_is_one_like_any_other() {
    let mut world = World::new(&Digiflazz);
    let order = BillOrder { sku: "pln".into(), order_id: "530000000003".into(), ..order(Pricing::Due) };
    let outcome = world.run(&ProviderCall::InquireBill(order));
    assert!(matches!(outcome, Outcome::BillDue(_)), "{outcome:?}");
}

#[test]
fn the_price_list_is_given_once_in_five_minutes() {
    let mut world = World::new(&Digiflazz);
    let limit = Outcome::Refused(Reason::ProviderRejectedCall("83".into()));
    assert!(matches!(world.run(&ProviderCall::ListPrices), Outcome::Prices(_)));
    let saved = world.imitation.save();
    world.clock.now = world.clock.now.plus_seconds(299);
    assert_eq!(world.run(&ProviderCall::ListPrices), limit);
    world.imitation.restore(&saved).unwrap();
    assert_eq!(world.run(&ProviderCall::ListPrices), limit);
    world.clock.now = world.clock.now.plus_seconds(1);
    let Outcome::Prices(prices) = world.run(&ProviderCall::ListPrices) else { panic!("no prices") };
    let catalogue = catalogue::Catalogue::builtin();
    let token = catalogue.product("SLYLPR200").unwrap();
    let sku = &token.sources.iter().find(|source| source.connector == "digiflazz").unwrap().sku;
    let listed = prices.iter().find(|price| price.sku == *sku).unwrap();
    assert!(listed.cut_off.is_some() && listed.cut_off == token.cut_off, "{listed:?}");
}

/// Without a secret anybody may send anything: what is about none of our orders is not even kept.
#[test]
fn an_unsigned_notice_is_at_most_a_hint_about_an_order_of_ours() {
    let mut world = World::new(&Digiflazz);
    world.account.notice_secret = None;
    let mut read = |reference: &str| {
        let body = json!({"data": {"ref_id": reference, "rc": "00", "status": "Sukses", "sn": "1", "price": 1}});
        let body = body.to_string().into_bytes();
        world.notices =
            vec![crate::HttpRequest { method: "POST", url: "/notices/digiflazz".into(), headers: vec![], body }];
        world.read_notices().pop().unwrap()
    };
    assert!(matches!(read(&order(denomination()).reference).unwrap().event, Some(NoticeEvent::AskBill { .. })));
    assert_eq!(read("another").unwrap_err().response.status, 200);
}
