//! What strangers' servers answer and send: every connector has an outcome for every answer, and none that the answer
//! does not carry.

mod calls;

use std::sync::OnceLock;

use calendar::Instant;
use connectors::{
    Account, CallContext, Capability, Connector, HttpRequest, HttpResponse, Notice, NoticeEvent, NoticeRefused, Step,
};
use lifecycle::{
    Secret,
    provider::{Outcome, ProviderCall},
};
use protocol::{digest, keys::PrivateKey, signature};
use serde_json::Value;

/// Between two answers.
const SEPARATOR: u8 = 0x1e;
/// The most requests that one call may become.
const REQUESTS_MAX: usize = 8;
/// The longest evidence of an unknown outcome, in characters.
const EVIDENCE_LENGTH_MAX: usize = 500;
/// From this choice on the input is a notice, not the answer to a call.
const NOTICES_FROM: u8 = 0xe0;
/// The statuses that an answer's first byte chooses from.
const STATUSES: [u16; 16] = [200, 201, 202, 204, 302, 400, 401, 403, 404, 409, 422, 429, 500, 502, 503, 504];

const NOW: &str = "2026-11-20T10:00:00+07:00";

/// The first byte chooses the connector, the second the call, the rest are answers, each led by a byte that chooses its
/// status.
pub fn check(data: &[u8]) {
    let [connector, choice, rest @ ..] = data else { return };
    let connectors = everyone();
    let connector = connectors[usize::from(*connector) % connectors.len()];
    if *choice >= NOTICES_FROM {
        return check_notice(connector, *choice, rest);
    }
    let calls = calls::all();
    let (name, call) = &calls[usize::from(*choice) % calls.len()];
    check_call(connector, name, call, rest);
}

/// Every connector, and those that it carries other products with.
fn everyone() -> &'static [&'static dyn Connector] {
    static ALL: OnceLock<Vec<&'static dyn Connector>> = OnceLock::new();
    ALL.get_or_init(|| {
        let products = || connectors::CONNECTORS.iter().flat_map(|connector| connector.descriptor().products);
        let carried = connectors::CONNECTORS.iter().flat_map(|connector| {
            products().filter_map(|product| connector.carrying(product.code)).collect::<Vec<_>>()
        });
        connectors::CONNECTORS.iter().copied().chain(carried).collect()
    })
}

fn key() -> &'static PrivateKey {
    static KEY: OnceLock<PrivateKey> = OnceLock::new();
    let pem = include_bytes!("../../../docs/reference/signing/test_private.pem");
    KEY.get_or_init(|| PrivateKey::load(pem).expect("the sample key is a key").key)
}

fn account(notice_secret: bool) -> &'static Account {
    static ACCOUNTS: OnceLock<[Account; 2]> = OnceLock::new();
    let with = |notice_secret| Account {
        base_url: "https://api.wallet.example".into(),
        pages_url: "https://pages.wallet.example".into(),
        client_id: "gateway-client".into(),
        client_secret: Secret::new("client-secret-4711"),
        merchant_id: "MERCHANT01".into(),
        private_key: key().clone(),
        provider_keys: vec![key().public_key().clone()],
        notice_secret,
        testing: false,
        profile: None,
    };
    &ACCOUNTS.get_or_init(|| [with(None), with(Some(Secret::new("notice-secret-4712")))])[usize::from(notice_secret)]
}

fn now() -> Instant {
    Instant::parse(NOW).expect("a time")
}

fn with_context<T>(account: &Account, act: impl FnOnce(&CallContext<'_>) -> T) -> T {
    let token = Secret::new("b2b-token");
    act(&CallContext { account, now: now(), token: Some(&token), external_id: "20261120100000000001" })
}

/// The call from its first request on, as long as there are answers and it wants more. Total and always the same.
fn check_call(connector: &'static dyn Connector, name: &str, call: &ProviderCall, answers: &[u8]) {
    let account = account(true);
    if !matches!(with_context(account, |context| connector.begin(call, context)), Step::Send(_)) {
        return;
    }
    let mut before: Vec<HttpResponse> = vec![];
    for answer in answers.split(|byte| *byte == SEPARATOR) {
        let Some((status, body)) = answer.split_first() else { return };
        let status = STATUSES[usize::from(*status) % STATUSES.len()];
        let response = HttpResponse { status, headers: vec![], body: body.to_vec() };
        check_token(connector, &response);
        let step = || with_context(account, |context| connector.proceed(call, &before, &response, context));
        match (step(), step()) {
            (Step::Done(outcome), Step::Done(again)) => {
                assert_eq!(outcome, again, "{}: two outcomes of one answer", connector.descriptor().name);
                return check_outcome(connector, (name, call), &response, &outcome);
            }
            (Step::Send(one), Step::Send(other)) => assert_eq!((one.url, one.method), (other.url, other.method)),
            (one, other) => panic!("{}: {one:?}, then {other:?}", connector.descriptor().name),
        }
        before.push(response);
        assert!(before.len() < REQUESTS_MAX, "{} {name}: a call without an end", connector.descriptor().name);
    }
}

/// A token is one that a header can carry, and an answer that has one is no refusal of one.
fn check_token(connector: &dyn Connector, response: &HttpResponse) {
    let name = connector.descriptor().name;
    if let Ok(token) = connector.read_token(response) {
        let text = token.token.expose();
        let fits = !text.is_empty() && text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        assert!(fits, "{name}: a token that no header can carry: {text:?}");
        assert!(token.expires_in_seconds >= 0, "{name}: a token that ended before it began");
        assert!((200..300).contains(&response.status), "{name}: a token out of status {}", response.status);
    }
    let expired = connector.token_expired(response);
    assert!(!expired || (400..500).contains(&response.status), "{name}: status {} and a new token", response.status);
}

/// What is known to have happened.
fn is_success(outcome: &Outcome) -> bool {
    !matches!(outcome, Outcome::Unknown(_) | Outcome::Refused(_) | Outcome::Pending | Outcome::NotFound)
}

fn check_outcome(
    connector: &dyn Connector,
    (name, call): (&str, &ProviderCall),
    response: &HttpResponse,
    outcome: &Outcome,
) {
    let who = format!("{} {name} {}", connector.descriptor().name, response.status);
    if is_success(outcome) {
        let object = serde_json::from_slice::<Value>(&response.body).is_ok_and(|body| body.is_object());
        assert!(object && response.status < 500, "{who}: {outcome:?} out of an answer that says nothing");
        assert!(answers(call, outcome), "{who}: {outcome:?} is no answer to the question");
    }
    assert!(
        !connector.token_expired(response) || !is_success(outcome),
        "{who}: {outcome:?}, and again with a new token"
    );
    match outcome {
        Outcome::Unknown(evidence) => {
            assert!(!evidence.is_empty() && evidence.chars().count() <= EVIDENCE_LENGTH_MAX, "{who}: {evidence:?}");
            assert!(!evidence.chars().any(char::is_control), "{who}: {evidence:?}");
        }
        Outcome::Charged { provider_reference } | Outcome::Refunded { provider_reference } => {
            assert!(!provider_reference.trim().is_empty(), "{who}: done under no reference");
        }
        Outcome::AuthoriseAt { url } | Outcome::CustomerNeeded { url, .. } => check_address(&who, url),
        Outcome::BillPaid(receipt) => {
            let token = receipt.token.as_ref().map(Secret::expose);
            let printable =
                token.is_none_or(|token| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()));
            assert!(printable, "{who}: a token that nobody can type");
        }
        _ => {}
    }
}

/// The customer's browser is sent there: a whole address, nothing in it that a header cannot carry.
fn check_address(who: &str, url: &str) {
    let scheme = url.split_once("://").map(|(scheme, _)| scheme).unwrap_or_default();
    let known = scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)) && !scheme.is_empty();
    assert!(known && !scheme.eq_ignore_ascii_case("javascript"), "{who}: the browser is sent to {url:?}");
    assert!(url.bytes().all(|byte| byte.is_ascii_graphic()), "{who}: the browser is sent to {url:?}");
}

/// Whether the outcome is about what was asked.
fn answers(call: &ProviderCall, outcome: &Outcome) -> bool {
    use Outcome as O;
    match Capability::of(call) {
        Capability::StartAuthorisation => matches!(outcome, O::AuthoriseAt { .. }),
        Capability::Bind => matches!(outcome, O::Linked(_) | O::CustomerNeeded { .. }),
        Capability::InquireBinding => matches!(outcome, O::Linked(_) | O::CustomerNeeded { .. } | O::Unlinked),
        Capability::InquireAccount | Capability::InquireAccountByPhone => matches!(outcome, O::Account(_)),
        Capability::ReadBalance => matches!(outcome, O::Balance(_)),
        Capability::Charge => matches!(outcome, O::Charged { .. } | O::CustomerNeeded { .. }),
        Capability::InquireCharge => matches!(outcome, O::Charged { .. }),
        Capability::Refund | Capability::Cancel | Capability::InquireRefund => matches!(outcome, O::Refunded { .. }),
        Capability::Unbind => matches!(outcome, O::Unlinked),
        Capability::CreateAccount => matches!(outcome, O::AccountOpened { .. }),
        Capability::InquireBill => matches!(outcome, O::BillDue(_)),
        Capability::PayBill | Capability::InquireBillPayment => matches!(outcome, O::BillPaid(_) | O::BillReversed),
        Capability::ReadFloat => matches!(outcome, O::Float(_)),
        Capability::ListPrices => matches!(outcome, O::Prices(_)),
    }
}

/// A notice: its body is the input, signed by the provider or not.
fn check_notice(connector: &'static dyn Connector, choice: u8, body: &[u8]) {
    let signed = choice.is_multiple_of(2);
    let account = account(choice % 4 < 2);
    let request = notice(body, signed);
    let name = connector.descriptor().name;
    let read = || with_context(account, |context| connector.notice(&request, context));
    let (one, other) = (read(), read());
    let told = |read: &Result<Notice, NoticeRefused>| read.as_ref().ok().map(|notice| notice.event.clone());
    assert_eq!(told(&one), told(&other), "{name}: two readings of one notice");
    match one {
        Ok(notice) => {
            assert!(notice.response.status < 300, "{name}: a notice that was taken is refused");
            if !signed {
                assert!(
                    !is_believed(notice.event.as_ref()),
                    "{name}: believed without a signature: {:?}",
                    notice.event
                );
            }
        }
        Err(refused) => {
            assert!(!refused.why.is_empty(), "{name}: refused without a reason");
            assert!((200..600).contains(&refused.response.status));
        }
    }
}

/// Whether an event changes something without anybody being asked.
fn is_believed(event: Option<&NoticeEvent>) -> bool {
    match event {
        Some(NoticeEvent::Charge { outcome, .. } | NoticeEvent::Bill { outcome, .. }) => {
            !matches!(outcome, Outcome::Unknown(_) | Outcome::Pending)
        }
        Some(NoticeEvent::Binding { .. } | NoticeEvent::AskBill { .. }) | None => false,
        // Whatever is not named here as a hint is believed.
        Some(_) => true,
    }
}

/// The headers of every way in which a notice can be signed.
fn notice(body: &[u8], signed: bool) -> HttpRequest {
    let target = "/notices/wallet";
    let mut headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
    headers.push(("X-TIMESTAMP".into(), NOW.into()));
    let (secret, right) = (b"notice-secret-4712", if signed { body } else { b"another body" });
    headers.push(("X-SIGNATURE".into(), signature::sign_asymmetric(key(), "POST", target, right, NOW)));
    let sha1 = digest::hex(&digest::hmac_sha1(secret, right));
    headers.push(("X-Hub-Signature".into(), format!("sha1={sha1}")));
    headers.push(("X-Signature-256".into(), digest::hex(&digest::hmac_sha256(secret, right))));
    HttpRequest { method: "POST", url: target.into(), headers, body: body.to_vec() }
}
