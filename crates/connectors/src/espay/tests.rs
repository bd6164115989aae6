//! What the fixtures cannot say: whose notices are believed, what is asked without a product, which codes have a meaning.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use calendar::Instant;
use lifecycle::{
    Reason, Secret,
    provider::{Outcome, ProviderCall},
};
use protocol::{biller_codes, signature};
use serde_json::{Value, json};

use super::{
    ESPAY,
    biller_answer::{Answer, Standing},
    credentials::Credentials,
};
use crate::{CallContext, Connector, HttpRequest, HttpResponse, Notice, NoticeRefused, Step, tests::world};

const NOW: &str = "2026-11-20T10:00:00+07:00";

/// A notice as it arrives, signed at this time, read now.
fn noticed(body: &Value, signed_at: &str, sign: bool) -> Result<Notice, NoticeRefused> {
    let body = body.to_string().into_bytes();
    let signature = signature::sign_asymmetric(world::provider_key(), "POST", "/notices/espay", &body, signed_at);
    let mut headers = vec![("X-TIMESTAMP".to_owned(), signed_at.to_owned())];
    headers.extend(sign.then(|| ("X-SIGNATURE".to_owned(), signature)));
    let request = HttpRequest { method: "POST", url: "/notices/espay".into(), headers, body };
    let account = world::account();
    let context = CallContext { account: &account, now: Instant::parse(NOW).unwrap(), token: None, external_id: "1" };
    ESPAY.notice(&request, &context)
}

fn paid(merchant: &str) -> Value {
    let amount = json!({"value": "150000.00", "currency": "IDR"});
    json!({
        "customerNo": merchant, "virtualAccountNo": "00000000000000000000000004", "trxId": "ESP1",
        "paymentRequestId": "P1", "paidAmount": amount, "totalAmount": amount,
        "additionalInfo": {"transactionStatus": "S"},
    })
}

#[test]
fn a_notice_is_believed_only_when_it_is_espays_timely_and_about_us() {
    assert!(noticed(&paid("gateway-client"), NOW, true).unwrap().event.is_some());
    for (body, signed_at, sign, status) in [
        (paid("gateway-client"), NOW, false, 400),
        (paid("gateway-client"), "2026-11-20T09:54:59+07:00", true, 401),
        (paid("SOMEBODY"), NOW, true, 404),
        (json!({"hello": "there"}), NOW, true, 400),
        (json!({"merchantId": "SOMEBODY", "availableBalance": {"value": "1.00", "currency": "IDR"}}), NOW, true, 404),
        (json!({"merchantId": "MERCHANT01", "availableBalance": {"value": "x", "currency": "IDR"}}), NOW, true, 400),
    ] {
        let refused = noticed(&body, signed_at, sign).unwrap_err();
        assert_eq!(refused.response.status, status, "{body}: {}", refused.why);
    }
}

#[test]
fn an_inquiry_before_a_charge_is_not_answered_with_a_yes() {
    for (merchant, code) in [("gateway-client", "4042412"), ("SOMEBODY", "4042408")] {
        let body = json!({"customerNo": merchant, "virtualAccountNo": "INV1", "inquiryRequestId": "P1"});
        let refused = noticed(&body, NOW, true).unwrap_err();
        let answer: Value = serde_json::from_slice(&refused.response.body).unwrap();
        assert_eq!(answer["responseCode"], code);
    }
}

#[test]
fn a_wallet_is_asked_only_about_a_product_that_is_carried() {
    let account = world::account();
    let context = CallContext { account: &account, now: Instant::parse(NOW).unwrap(), token: None, external_id: "1" };
    let call = ProviderCall::InquireAccount { phone: Some("6281234567001".into()), provider: None };
    assert!(matches!(ESPAY.begin(&call, &context), Step::Done(Outcome::Refused(Reason::NotPermitted))));
    let carried = ESPAY.carrying("GOPAYLINK").unwrap();
    assert!(matches!(carried.begin(&call, &context), Step::Send(_)));
    assert_eq!(carried.descriptor().name, ESPAY.descriptor().name);
    for product in ["OVOLINK", "SLYLPO", ""] {
        assert!(ESPAY.carrying(product).is_none(), "{product}");
    }
    for product in crate::CONNECTORS.iter().flat_map(|connector| connector.descriptor().products) {
        let by_code = product.binding == lifecycle::merchant::BindingFlow::AuthCode;
        assert_eq!(ESPAY.carrying(product.code).is_some(), by_code, "{}", product.code);
    }
}

#[test]
fn one_file_holds_every_secret() {
    let mut account = world::account();
    let shown = |account: &crate::Account| {
        let found = Credentials::of(account);
        let secrets = [&found.api_key, &found.basic_password, &found.password, &found.key];
        (found.username, found.sender_id, secrets.map(|secret| secret.expose().to_owned()))
    };
    let whole = "client-secret-4711".to_owned();
    let names = ("MERCHANT01".to_owned(), "MERCHANT01".to_owned());
    assert_eq!(shown(&account), (names.0, names.1.clone(), [whole.clone(), whole.clone(), whole.clone(), whole]));
    let lines = "api_key = a\nusername = user\nbasic_password = b=c\npassword = d\nkey = e\n";
    account.client_secret = Secret::new(lines);
    assert_eq!(shown(&account), ("user".into(), names.1, ["a", "b=c", "d", "e"].map(str::to_owned)));
}

/// Every code of our own table but the one of success: known, and with other words than ours known only where Espay's own
/// documents have it.
#[test]
fn every_code_has_a_meaning_and_only_with_its_words() {
    let standing = |case: &protocol::codes::Case, words: &str| {
        let body = json!({"error_code": case.case, "error_desc": words}).to_string();
        Answer::read(&HttpResponse::json(200, body)).unwrap().standing()
    };
    let documented = ["210", "405", "610", "800"];
    for case in biller_codes::CASES.iter().filter(|case| case.case != "0000") {
        let (ours, other) = (standing(case, &case.message(Some("x"))), standing(case, "Sedang diproses"));
        let unknown = ["902", "9999", "EX"].contains(&case.case);
        assert_eq!(ours == Standing::Unknown, unknown, "{}: {ours:?}", case.case);
        assert_eq!(other != Standing::Unknown, documented.contains(&case.case), "{}: {other:?}", case.case);
        assert_ne!(ours, Standing::Done, "{}", case.case);
    }
}
