//! Tests of the shared client side.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use lifecycle::{Reason, provider::Outcome};
use protocol::codes;

use super::answer::{self, Asked, Meaning, TABLE, meaning};
use crate::{HttpResponse, NoticeEvent};

fn asked(service: &str, how: Asked, status: u16, code: &str) -> Result<(), Outcome> {
    let response = HttpResponse::json(status, format!(r#"{{"responseCode":"{code}","responseMessage":"x"}}"#));
    answer::done(&[], service, how, &response).map(|_| ())
}

#[test]
fn the_standards_cases_have_a_meaning() {
    let refused = |reason| Err(Outcome::Refused(reason));
    for (code, expected) in [
        ("2005400", Ok(())),
        ("2025400", Err(Outcome::Pending)),
        ("4035400", refused(Reason::Expired)),
        ("4035402", refused(Reason::AmountLimitExceeded)),
        ("4035403", refused(Reason::SuspectedFraud)),
        ("4035404", refused(Reason::TooManyTries)),
        ("4035405", refused(Reason::AccountBlocked)),
        ("4035407", refused(Reason::AccountBlocked)),
        ("4035409", refused(Reason::AccountInactive)),
        ("4035411", refused(Reason::TooManyTries)),
        ("4035412", refused(Reason::OtpExpired)),
        ("4035414", refused(Reason::InsufficientFunds)),
        ("4035415", refused(Reason::NotPermitted)),
        ("4035418", refused(Reason::AccountInactive)),
        ("4035420", refused(Reason::AccountLimitExceeded)),
        ("4035423", refused(Reason::AccountLimitExceeded)),
        ("4045401", Err(Outcome::NotFound)),
        ("4045404", refused(Reason::Cancelled)),
        ("4045411", refused(Reason::AccountNotFound)),
        ("4045413", refused(Reason::AmountInvalid)),
        ("4045415", refused(Reason::WrongOtp)),
        ("4015402", refused(Reason::CustomerTokenInvalid)),
        ("4015404", refused(Reason::CustomerTokenInvalid)),
        ("4295400", refused(Reason::ProviderUnreachable)),
    ] {
        let http = code[..3].parse().unwrap();
        assert_eq!(asked("54", Asked::This, http, code), expected, "{code}");
    }
    for code in ["4005400", "4005402", "4015400", "4055401"] {
        let expected = refused(Reason::ProviderRejectedCall(code.into()));
        assert_eq!(asked("54", Asked::This, code[..3].parse().unwrap(), code), expected, "{code}");
    }
}

#[test]
fn what_may_have_happened_is_unknown() {
    for code in
        ["4095400", "4095401", "4045400", "4045414", "4035477", "4045477", "4175400", "2005401", "2005500", "1005400"]
    {
        let outcome = asked("54", Asked::This, 200, code);
        assert!(matches!(outcome, Err(Outcome::Unknown(_))), "{code}: {outcome:?}");
    }
    for status in [500, 502, 504, 599] {
        let outcome = asked("54", Asked::This, status, "2005400");
        assert!(matches!(outcome, Err(Outcome::Unknown(_))), "{status}: {outcome:?}");
    }
    // A reference is ours alone: that the provider has it under other parameters says that something was asked before.
    for code in ["4040718", "4045418"] {
        assert!(matches!(asked(&code[3..5], Asked::This, 404, code), Err(Outcome::Unknown(_))), "{code}");
    }
}

#[test]
fn a_refused_question_proves_nothing_about_the_past() {
    for code in ["4005500", "4015500", "4015502", "4035505", "4055500", "4295500"] {
        let outcome = asked("55", Asked::Past, 200, code);
        assert!(matches!(outcome, Err(Outcome::Unknown(_))), "{code}: {outcome:?}");
    }
    assert_eq!(asked("55", Asked::Past, 404, "4045501"), Err(Outcome::NotFound));
}

#[test]
fn the_table_covers_the_registry_and_never_fails_a_server_error() {
    for case in codes::CASES {
        let meaning = meaning(&[], "54", case.http, case.case);
        if case.http >= 500 {
            assert_eq!(meaning, Meaning::Unknown, "{case}");
        }
        // Every case of the standard below 500 was decided, in a row of its own or of its class.
        let decided = TABLE.iter().any(|row| row.http == case.http && (row.case.is_empty() || row.case == case.case));
        assert!(decided || case.http >= 500, "{case}");
    }
}

#[test]
fn own_rows_come_first_and_only_for_their_service() {
    let own = [answer::row_of("07", 403, "15", Meaning::Refused(Reason::AlreadyLinked))];
    assert_eq!(meaning(&own, "07", 403, "15"), Meaning::Refused(Reason::AlreadyLinked));
    assert_eq!(meaning(&own, "54", 403, "15"), Meaning::Refused(Reason::NotPermitted));
}

#[test]
fn tokens_are_read_with_text_or_number_and_their_end_is_recognised() {
    let token = |body: &str| super::read_token(&HttpResponse::json(200, body)).map(|token| token.expires_in_seconds);
    assert_eq!(token(r#"{"responseCode":"2007300","accessToken":"a","expiresIn":"900"}"#), Ok(900));
    assert_eq!(token(r#"{"responseCode":2007300,"accessToken":"a","expiresIn":3600}"#), Ok(3600));
    for bad in [
        r#"{"responseCode":"4017300"}"#,
        r#"{"responseCode":"2007300","accessToken":"a"}"#,
        r#"{"responseCode":"2007300","accessToken":"a","expiresIn":"soon"}"#,
        r#"{"responseCode":"2007300","expiresIn":"900"}"#,
        "",
    ] {
        assert!(token(bad).is_err(), "{bad}");
    }
    for (code, expired) in
        [("4015401", true), ("4010703", true), ("4015400", false), ("4015402", false), ("2005400", false)]
    {
        let response = HttpResponse::json(401, format!(r#"{{"responseCode":"{code}"}}"#));
        assert_eq!(super::token_expired(&response), expired && code != "2005400", "{code}");
        // A request that may have been carried out is not made again.
        for status in [200, 202, 500, 503] {
            assert!(!super::token_expired(&HttpResponse { status, ..response.clone() }), "{code} {status}");
        }
    }
}

#[test]
fn the_words_tell_what_is_wrong_with_a_code() {
    for (message, reason) in [
        ("Unauthorized. Auth Code Used", Reason::AuthCodeUsed),
        ("authCode has EXPIRED", Reason::AuthCodeExpired),
        ("", Reason::AuthCodeInvalid),
    ] {
        assert_eq!(answer::auth_code_reason(message), reason, "{message}");
    }
}

#[test]
fn a_notice_of_failure_keeps_the_reason_that_it_names() {
    let message = serde_json::json!({
        "originalPartnerReferenceNo": "pay_00000000000000000000000004",
        "latestTransactionStatus": 6,
        "originalResponseCode": 4035414,
    });
    let mut notice: super::wire::NotifyRequest = serde_json::from_value(message).unwrap();
    notice.latest_transaction_status = "06".into();
    let Some(NoticeEvent::Charge { outcome, .. }) = super::notice::read_payment(&notice, "M").unwrap().event else {
        panic!("about a charge")
    };
    assert_eq!(outcome, Outcome::Refused(Reason::InsufficientFunds));
}

fn a_charge(linked: bool) -> lifecycle::provider::Charge {
    lifecycle::provider::Charge {
        payment: lifecycle::PaymentId::from_bits(4),
        reference: "pay_00000000000000000000000004".into(),
        amount: money::Amount::rupiah(150_000),
        provider: linked.then(lifecycle::provider::ProviderLink::default),
        phone: None,
        return_url: String::new(),
        notify_url: String::new(),
        valid_until: calendar::Instant::from_micros(0),
        description: String::new(),
    }
}

#[test]
fn a_charge_is_done_only_by_an_answer_to_it_that_asks_nobody_to_confirm() {
    const OURS: &str = r#""partnerReferenceNo":"pay_00000000000000000000000004""#;
    let answered = |linked: bool, rest: &str| {
        let body = format!(r#"{{"responseCode":"2005400","responseMessage":"Successful",{rest}}}"#);
        answer::charged(&[], &a_charge(linked), &HttpResponse::json(200, body))
    };
    let charged = Outcome::Charged { provider_reference: "P1".into() };
    assert_eq!(answered(true, &format!(r#""referenceNo":"P1",{OURS}"#)), charged);
    assert_eq!(answered(true, r#""referenceNo":"P1""#), charged);
    let others = r#""referenceNo":"P1","partnerReferenceNo":"pay_00000000000000000000000005""#;
    assert!(matches!(answered(true, others), Outcome::Unknown(_)), "the answer to another charge");
    // Nobody said who pays, and no page asks for it: nothing can have been taken yet.
    assert!(matches!(answered(false, r#""referenceNo":"P1""#), Outcome::Unknown(_)));
    for (rest, page) in [
        (r#""referenceNo":"P1","webRedirectUrl":"","appRedirectUrl":"wallet://pay/1""#, "wallet://pay/1"),
        (
            r#""webRedirectUrl":"https://wallet.example/1","appRedirectUrl":"wallet://pay/1""#,
            "https://wallet.example/1",
        ),
    ] {
        for linked in [true, false] {
            let outcome = answered(linked, rest);
            assert!(matches!(&outcome, Outcome::CustomerNeeded { url, .. } if url == page), "{rest}: {outcome:?}");
        }
    }
}

#[test]
fn a_notice_is_believed_only_when_it_is_about_our_own_merchant() {
    let read = |merchant: Option<&str>, status: &str| {
        let message = serde_json::json!({
            "originalPartnerReferenceNo": "pay_00000000000000000000000004",
            "originalReferenceNo": "P1",
            "merchantId": merchant,
            "amount": {"value": "150000.00", "currency": "IDR"},
            "latestTransactionStatus": status,
        });
        let notice: super::wire::NotifyRequest = serde_json::from_value(message).unwrap();
        super::notice::read_payment(&notice, "MERCHANT01").map(|notice| match notice.event {
            Some(NoticeEvent::Charge { outcome, .. }) => outcome,
            other => panic!("{other:?}"),
        })
    };
    assert_eq!(read(Some("MERCHANT01"), "00").unwrap(), Outcome::Charged { provider_reference: "P1".into() });
    // A provider signs with one key for all of its merchants, and each of them may name our address for its notices.
    for status in ["00", "05", "06"] {
        let refused = read(Some("ANOTHER"), status).unwrap_err();
        assert_eq!(refused.response.status, 404, "{}", refused.why);
    }
    assert!(matches!(read(None, "00").unwrap(), Outcome::Unknown(_)), "money without a merchant: ask");
    assert_eq!(read(None, "06").unwrap(), Outcome::Refused(Reason::DoNotHonor));
}

#[test]
fn a_charge_that_failed_for_want_of_room_has_failed() {
    let reason = answer::reason_of(&[], "4295400");
    assert_eq!(reason, Some(Reason::ProviderUnreachable));
    // That reason, in an answer to a question, would say that the question was not heard.
    assert_eq!(answer::transaction_status("06", "P1", reason), Outcome::Refused(Reason::DoNotHonor));
}

#[test]
fn signatures_may_be_written_in_hexadecimal_digits() {
    use super::*;
    static PROFILE: Profile = Profile {
        scheme: Scheme::Symmetric,
        timestamp: TimestampForm::UtcSeconds,
        encoding: SignatureEncoding::Hex,
        empty_body: EmptyBody::Nothing,
        customer_token: CustomerTokenPlace::Authorization,
        partner_id: PartnerId::MerchantId,
        token_path: None,
        services: &[Service { code: "55", path: "/status", channel_id: "12345" }],
        extra_headers: &[("X-DEVICE-ID", "gateway")],
    };
    let account = crate::tests::world::account();
    let now = calendar::Instant::parse("2026-11-20T10:00:00+07:00").unwrap();
    let (b2b, customer) = (Secret::new("b2b"), Secret::new("customer"));
    let context = CallContext { account: &account, now, token: Some(&b2b), external_id: "1" };
    let request = PROFILE.post("55", &serde_json::json!({"a": "b c"}), Some(&customer), &context);
    // The customer's token takes the place of the B2B token, and is what is signed.
    let text = protocol::signature::symmetric_string_to_sign(
        "POST",
        "/status",
        "customer",
        &digest::sha256_hex(br#"{"a":"b c"}"#),
        "2026-11-20T03:00:00Z",
    );
    let expected = digest::hex(&digest::hmac_sha512(b"client-secret-4711", text.as_bytes()));
    assert_eq!(request.header("x-signature"), Some(expected.as_str()));
    for (name, value) in [
        ("Authorization", Some("Bearer customer")),
        ("Authorization-Customer", None),
        ("X-PARTNER-ID", Some("MERCHANT01")),
        ("X-TIMESTAMP", Some("2026-11-20T03:00:00Z")),
        ("X-DEVICE-ID", Some("gateway")),
    ] {
        assert_eq!(request.header(name), value, "{name}");
    }
    assert!(PROFILE.token_request(&context).is_none());
    let get = PROFILE.get("55", &[("a", "b c"), ("d", "e&f")], &context);
    assert_eq!((get.method, get.target()), ("GET", "/status?a=b+c&d=e%26f"));
}
