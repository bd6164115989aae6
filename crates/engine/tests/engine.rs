//! The engine over a real store of either kind: copies, repeats, restarts, commits in doubt, two gateways on one
//! database.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

/// Every test of this kind on both.
macro_rules! on_both_engines {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name(super::Kind::Sqlite).await; })+
        }

        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name(super::Kind::Postgres).await; })+
        }
    };
}

mod bills;
mod outage;
mod refunds;
mod scenarios;
mod support;
mod telling;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use calendar::Instant;
use connectors::HttpRequest;
use engine::{Engine, digest};
use lifecycle::{
    Command, Key, MerchantCode, PaymentId, ProductCode, Refusal, RequestId, Row,
    enquiry::InquireAccount,
    payment::{Pay, PaymentStatus},
    request::{Request, RequestKey, ServiceCode},
};
use money::Amount;
use postgres_harness::{Between, Trouble};
use protocol::signature;
use support::{Home, Kind, TurnedClock, private_key, start, start_at};

on_both_engines!(
    a_hundred_copies_are_one_payment,
    a_reference_is_unique_for_ever_and_an_external_id_for_a_day,
    what_is_scheduled_survives_a_restart,
    a_notice_counts_only_from_the_payments_own_provider_and_with_its_amount,
    what_strangers_send_as_notices_does_not_fill_the_store,
    a_bank_notifies_under_a_token_that_we_issued,
    an_answer_finds_its_caller_whoever_commits_it,
);

static CALLS: AtomicU64 = AtomicU64::new(1);

/// A call; every one has an id of its own, also a copy.
fn call(code: &str, external_id: &str, now: Instant) -> Request {
    Request {
        key: RequestKey { merchant: MerchantCode::new(code), day: now.jakarta_day(), external_id: external_id.into() },
        id: RequestId::from_bits(u128::from(CALLS.fetch_add(1, Ordering::Relaxed))),
        service: ServiceCode("54"),
        operation: "payment_host_to_host",
        partner_reference: None,
        digest: digest(external_id),
        received_at: now,
        replay: code == "REPLAY",
        answer: None,
    }
}

fn pay(code: &str, external_id: &str, reference: &str, rupiah: u32, now: Instant) -> Command {
    Command::Pay(Pay {
        request: Request {
            partner_reference: Some(reference.into()),
            digest: digest(&format!("{reference} {rupiah}")),
            ..call(code, external_id, now)
        },
        amount: Amount::rupiah(rupiah),
        product: None,
        card_token: None,
        phone: None,
        return_url: None,
        valid_until: None,
    })
}

async fn payments(engine: &Engine, code: &str) -> Vec<lifecycle::payment::Payment> {
    let code = MerchantCode::new(code);
    engine.read(move |reader| reader.payments(&code, None, 1_000)).await.unwrap()
}

async fn a_hundred_copies_are_one_payment(kind: Kind) {
    for code in ["STRICT", "REPLAY"] {
        let home = Home::new(kind);
        let clock = TurnedClock::new();
        let engine = start(&home, &clock);
        let partner = engine.partner(code).unwrap();
        let copies: Vec<_> = (0..100)
            .map(|_| {
                let (engine, partner) = (engine.clone(), partner.clone());
                let command = pay(code, "e1", "order-1", 50_000, engine.now());
                tokio::spawn(async move { engine.submit(&partner, command).await })
            })
            .collect();
        let mut bodies = vec![];
        let mut refused = 0;
        for copy in copies {
            match copy.await.unwrap() {
                Ok(reply) => {
                    assert_eq!(reply.status, 200);
                    bodies.push(reply.body);
                }
                Err(refusal) => {
                    assert_eq!(refusal, Refusal::ExternalIdUsed);
                    refused += 1;
                }
            }
        }
        bodies.dedup();
        assert_eq!(bodies.len(), 1, "every copy that is answered gets the same answer");
        assert!(code == "REPLAY" || refused == 99, "{code}: {refused} copies were refused");
        assert_eq!(payments(&engine, code).await.len(), 1);
        engine.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_gateways_on_one_database_are_one() {
    let home = Home::new(Kind::Postgres);
    let clock = TurnedClock::new();
    let gateways = [start(&home, &clock), start(&home, &clock)];
    for code in ["STRICT", "REPLAY"] {
        let copies: Vec<_> = (0..400)
            .map(|copy: usize| {
                let engine = gateways[copy % 2].clone();
                let partner = engine.partner(code).unwrap();
                // Eight copies of each of fifty payments, half of them at the other gateway.
                let name = copy / 8;
                let command = pay(code, &format!("e{name}"), &format!("order-{name}"), 50_000, engine.now());
                tokio::spawn(async move { (name, engine.submit(&partner, command).await) })
            })
            .collect();
        let mut bodies = std::collections::BTreeMap::new();
        for copy in copies {
            let (name, result) = copy.await.unwrap();
            match result {
                Ok(reply) => assert_eq!(bodies.entry(name).or_insert_with(|| reply.body.clone()), &reply.body),
                Err(refusal) => assert_eq!((refusal, code), (Refusal::ExternalIdUsed, "STRICT")),
            }
        }
        assert_eq!(bodies.len(), 50, "every payment is answered at least once");
        for engine in &gateways {
            assert_eq!(payments(engine, code).await.len(), 50);
        }
    }
    for engine in &gateways {
        engine.stop().await;
    }
}

/// Whatever becomes of the commit's answer, the caller gets the payment's answer and there is one payment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_in_doubt_is_settled_before_the_caller_is_answered() {
    for trouble in [Trouble::AnswersVanish, Trouble::CutAtTheAnswer, Trouble::RequestsHeld] {
        let home = Home::new(Kind::Postgres);
        let clock = TurnedClock::new();
        let database = home.database.as_ref().unwrap();
        let between = Between::to(database);
        let engine = start_at(&home, &database.url_through(between.port()), &clock);
        let partner = engine.partner("STRICT").unwrap();
        // Only what writes the call down names its operation.
        between.trouble_at("payment_host_to_host", trouble);
        let reply = engine.submit(&partner, pay("STRICT", "e1", "order-1", 50_000, engine.now())).await.unwrap();
        assert_eq!(reply.status, 200, "{trouble:?}");
        assert!(between.is_sprung(), "{trouble:?}");
        between.release();
        let kept = payments(&engine, "STRICT").await;
        assert_eq!(kept.len(), 1, "{trouble:?}");
        let again = engine.submit(&partner, pay("STRICT", "e1", "order-1", 50_000, engine.now())).await;
        assert_eq!(again.unwrap_err(), Refusal::ExternalIdUsed, "{trouble:?}");
        engine.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_gone_is_refused_at_once_and_used_again_when_it_is_back() {
    let home = Home::new(Kind::Postgres);
    let clock = TurnedClock::new();
    let database = home.database.as_ref().unwrap();
    let between = Between::to(database);
    let engine = start_at(&home, &database.url_through(between.port()), &clock);
    let partner = engine.partner("STRICT").unwrap();
    between.refuse(true);
    let submit =
        |reference: &'static str| engine.submit(&partner, pay("STRICT", reference, reference, 50_000, engine.now()));
    assert_eq!(submit("order-1").await.unwrap_err(), Refusal::StoreUnavailable);
    between.refuse(false);
    assert_eq!(submit("order-1").await.unwrap().status, 200);
    engine.stop().await;
}

/// A doubt that cannot be settled keeps nobody waiting, and not the engine's end either.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_doubt_that_stays_is_told_and_does_not_keep_the_engine_from_stopping() {
    let home = Home::new(Kind::Postgres);
    let clock = TurnedClock::new();
    let database = home.database.as_ref().unwrap();
    let between = Between::to(database);
    let engine = start_at(&home, &database.url_through(between.port()), &clock);
    let partner = engine.partner("STRICT").unwrap();
    between.gone_at("payment_host_to_host", Trouble::AnswersVanish);
    let result = engine.submit(&partner, pay("STRICT", "e1", "order-1", 50_000, engine.now())).await;
    assert_eq!(result.unwrap_err(), Refusal::StillWorking);
    engine.stop().await;

    // It had been kept, and the next run goes on with it.
    let engine = start(&home, &clock);
    assert_eq!(payments(&engine, "STRICT").await.len(), 1);
    engine.stop().await;
}

async fn a_reference_is_unique_for_ever_and_an_external_id_for_a_day(kind: Kind) {
    let home = Home::new(kind);
    let clock = TurnedClock::new();
    let engine = start(&home, &clock);
    let submit = async |code: &str, external_id: &str, reference: &str, rupiah: u32| {
        let partner = engine.partner(code).unwrap();
        engine.submit(&partner, pay(code, external_id, reference, rupiah, engine.now())).await.map(|reply| reply.status)
    };
    assert_eq!(submit("STRICT", "e1", "order-1", 50_000).await, Ok(200));
    assert_eq!(submit("STRICT", "e1", "order-2", 50_000).await, Err(Refusal::ExternalIdUsed));
    assert_eq!(submit("STRICT", "e2", "order-1", 50_000).await, Err(Refusal::ReferenceUsed));
    assert_eq!(submit("STRICT", "e3", "order-1", 50_001).await, Err(Refusal::ReferenceInconsistent));
    assert_eq!(submit("REPLAY", "e1", "order-1", 50_000).await, Ok(200), "another merchant's ids are its own");
    clock.turn(24 * 3600);
    assert_eq!(submit("STRICT", "e1", "order-1", 50_000).await, Err(Refusal::ReferenceUsed));
    assert_eq!(submit("STRICT", "e1", "order-3", 50_000).await, Ok(200), "a new day, a new use of the id");
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_in_production_does_not_start_with_a_clock_that_can_be_turned() {
    let home = Home::new(Kind::Sqlite);
    let under = TurnedClock::new();
    let clock = engine::TurnableClock::new(Arc::new(under.clone()), 0, |_| Ok(()));
    let mut options = support::options(&under);
    options.environment = engine::Environment::Production;
    options.clock = Arc::new(clock);
    let refused = Engine::start(options.clone(), support::open(&home, &home.url()));
    let why = refused.err().expect("it does not start").to_string();
    assert!(why.contains("nobody turns the clock"), "{why}");
    options.environment = engine::Environment::Sandbox;
    Engine::start(options, support::open(&home, &home.url())).unwrap().stop().await;
}

async fn what_is_scheduled_survives_a_restart(kind: Kind) {
    let home = Home::new(kind);
    let clock = TurnedClock::new();
    let engine = start(&home, &clock);
    let partner = engine.partner("STRICT").unwrap();
    engine.submit(&partner, pay("STRICT", "e1", "order-1", 50_000, engine.now())).await.unwrap();
    let id = payments(&engine, "STRICT").await[0].id;
    engine.stop().await;
    drop(engine);

    clock.turn(lifecycle::payment::VALID_SECONDS);
    let engine = start(&home, &clock);
    engine.decided(id, 20_000).await;
    assert!(matches!(status(&engine, id).await, PaymentStatus::Failed { reason: lifecycle::Reason::Expired, .. }));
    engine.stop().await;
}

async fn status(engine: &Engine, id: PaymentId) -> PaymentStatus {
    match engine.row(Key::Payment(id)).await {
        Some(Row::Payment(payment)) => payment.status,
        other => panic!("{other:?}"),
    }
}

/// A provider's notice that a payment was charged, signed or not.
fn charged_notice(payment: PaymentId, rupiah: u32, now: Instant, signed: bool) -> HttpRequest {
    let body = format!(
        r#"{{"originalPartnerReferenceNo":"{payment}","originalReferenceNo":"P1","merchantId":"MERCHANT01",
            "amount":{{"value":"{rupiah}.00","currency":"IDR"}},"latestTransactionStatus":"00","filler":"{}"}}"#,
        "a".repeat(50_000)
    );
    let timestamp = now.wire_text();
    let signature = match signed {
        true => signature::sign_asymmetric(&private_key(), "POST", "/notices/wallet", body.as_bytes(), &timestamp),
        false => "bm90aGluZw==".into(),
    };
    let headers = vec![("X-TIMESTAMP".into(), timestamp), ("X-SIGNATURE".into(), signature)];
    HttpRequest { method: "POST", url: "/notices/wallet".into(), headers, body: body.into_bytes() }
}

async fn a_notice_counts_only_from_the_payments_own_provider_and_with_its_amount(kind: Kind) {
    let home = Home::new(kind);
    let engine = start(&home, &TurnedClock::new());
    let [own, other] = [0, 1].map(|place: usize| connectors::CONNECTORS[place].descriptor());
    let Command::Pay(asked) = pay("STRICT", "e1", "order-1", 50_000, engine.now()) else { panic!("a payment") };
    let command = Command::Pay(Pay { product: Some(ProductCode::new(own.products[0].code)), ..asked });
    engine.submit(&engine.partner("STRICT").unwrap(), command).await.unwrap();
    let id = payments(&engine, "STRICT").await[0].id;
    for (name, rupiah, signed, answered, status) in [
        (own.name, 50_000, false, 401, "checkout"),
        (own.name, 50_001, true, 200, "checkout"),
        (other.name, 50_000, true, 200, "checkout"),
        (own.name, 50_000, true, 200, "succeeded"),
        (own.name, 50_000, true, 200, "succeeded"),
    ] {
        let response = engine.notice(name, charged_notice(id, rupiah, engine.now(), signed)).await;
        assert_eq!(response.status, answered, "{name} {rupiah}");
        assert_eq!(self::status(&engine, id).await.name(), status, "{name} {rupiah}");
    }
    engine.stop().await;
}

async fn what_strangers_send_as_notices_does_not_fill_the_store(kind: Kind) {
    let home = Home::new(kind);
    let engine = start(&home, &TurnedClock::new());
    let size = || home.size();
    let before: u64 = size();
    let name = connectors::CONNECTORS[0].descriptor().name;
    for number in 0..40 {
        let notice = charged_notice(PaymentId::from_bits(number), 1, engine.now(), false);
        assert_eq!(engine.notice(name, notice).await.status, 401);
    }
    let after: u64 = size();
    assert!(after - before < 200_000, "{before} -> {after} bytes");
    engine.stop().await;
}

/// Who shares a secret with us may ask for a token and notify with it; the token is ours alone to make, and a restart
/// does not end it.
async fn a_bank_notifies_under_a_token_that_we_issued(kind: Kind) {
    let home = Home::new(kind);
    let clock = TurnedClock::new();
    let engine = start(&home, &clock);
    let at = engine.now().wire_text();
    let sign = signature::sign_token(&private_key(), "client", &at);
    let headers = [("X-TIMESTAMP", at.as_str()), ("X-CLIENT-KEY", "client"), ("X-SIGNATURE", &sign)];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let body = br#"{"grantType":"client_credentials"}"#.to_vec();
    let request = HttpRequest { method: "POST", url: "/notices/bank/v1.0/access-token/b2b".into(), headers, body };
    let descriptors = || connectors::CONNECTORS.iter().map(|connector| connector.descriptor());
    let issued: Vec<_> = descriptors()
        .map(|known| (known, engine.notice_token(known.name, &request)))
        .filter(|(_, a)| a.status == 200)
        .collect();
    let [(bank, answer)] = issued.as_slice() else { panic!("{} issue tokens", issued.len()) };
    let answer = String::from_utf8(answer.body.clone()).unwrap();
    let token = answer.split_once(r#""accessToken":""#).unwrap().1.split('"').next().unwrap();
    assert_eq!(engine.notice_token("nobody", &request).status, 404);

    let Command::Pay(asked) = pay("STRICT", "e1", "order-1", 50_000, engine.now()) else { panic!("a payment") };
    let command = Command::Pay(Pay { product: Some(ProductCode::new(bank.products[0].code)), ..asked });
    engine.submit(&engine.partner("STRICT").unwrap(), command).await.unwrap();
    let id = payments(&engine, "STRICT").await[0].id;
    engine.stop().await;
    drop(engine);
    let engine = start(&home, &clock);
    for (token, secret, answered, state) in [
        ("1700000000.00", "secret", 401, "checkout"),
        (token, "another", 401, "checkout"),
        (token, "secret", 200, "succeeded"),
        (token, "secret", 200, "succeeded"),
    ] {
        let mut notice = charged_notice(id, 50_000, engine.now(), false);
        let at = engine.now().wire_text();
        let sign = signature::sign_symmetric(secret.as_bytes(), "POST", "/notices/wallet", token, &notice.body, &at);
        notice.headers = vec![
            ("X-TIMESTAMP".into(), at),
            ("X-SIGNATURE".into(), sign),
            ("Authorization".into(), format!("Bearer {token}")),
        ];
        assert_eq!(engine.notice(bank.name, notice).await.status, answered, "{secret}");
        assert_eq!(status(&engine, id).await.name(), state, "{secret}");
    }
    engine.stop().await;
}

/// The provider is not there, and says so at once: whoever of the writers takes the outcome, the caller hears of it long
/// before it would be told that the work goes on.
async fn an_answer_finds_its_caller_whoever_commits_it(kind: Kind) {
    let home = Home::new(kind);
    let engine = start(&home, &TurnedClock::new());
    let partner = engine.partner("STRICT").unwrap();
    let able = |connector: &&&dyn connectors::Connector| {
        connector.descriptor().capabilities.contains(&connectors::Capability::InquireAccountByPhone)
    };
    let product = connectors::CONNECTORS.iter().find(able).unwrap().descriptor().products[0].code;
    let calls: Vec<_> = (0..200)
        .map(|number| {
            let service = ServiceCode("08");
            let request = call("STRICT", &format!("e{number}"), engine.now());
            let command = Command::InquireAccount(InquireAccount {
                request: Request { service, operation: "account_inquiry", ..request },
                product: ProductCode::new(product),
                phone: Some(format!("62811{number:07}")),
                account_token: None,
            });
            let (engine, partner) = (engine.clone(), partner.clone());
            tokio::spawn(async move { engine.submit(&partner, command).await })
        })
        .collect();
    for call in calls {
        let answer = call.await.unwrap();
        assert!(answer.is_ok(), "{answer:?}");
    }
    engine.stop().await;
}
