//! Scenarios about what providers say: in any order, too late, while the store is gone, and without a secret to believe
//! them by. Which scenario is shown where stands in `docs/reports/scenarios.md`.

use connectors::HttpRequest;
use engine::Engine;
use lifecycle::{
    Command, PaymentId, ProductCode,
    payment::{Pay, PaymentStatus},
};
use postgres_harness::Between;
use protocol::signature;

use crate::{
    pay, payments, status,
    support::{Home, Kind, TurnedClock, options, private_key, start, start_at},
};

/// What the tests' payments are over, in rupiah.
pub const RUPIAH: u32 = 50_000;

on_both_engines!(
    notices_in_any_order_end_in_one_state,
    a_success_after_the_checkout_expired_is_late_and_counted_once,
    without_a_secret_no_notice_is_believed,
);

/// Every order of these.
fn orders<T: Clone>(of: &[T]) -> Vec<Vec<T>> {
    if of.is_empty() {
        return vec![vec![]];
    }
    let mut all = vec![];
    for place in 0..of.len() {
        let mut rest = of.to_vec();
        let first = rest.remove(place);
        all.extend(orders(&rest).into_iter().map(|order| [vec![first.clone()], order].concat()));
    }
    all
}

/// A signed notice about a payment: how much, and the status of the national standard.
pub fn notice(payment: PaymentId, rupiah: u32, status: &str, engine: &Engine) -> HttpRequest {
    let body = format!(
        r#"{{"originalPartnerReferenceNo":"{payment}","originalReferenceNo":"P{payment}","merchantId":"MERCHANT01",
            "amount":{{"value":"{rupiah}.00","currency":"IDR"}},"latestTransactionStatus":"{status}"}}"#
    );
    let timestamp = engine.now().wire_text();
    let signed = signature::sign_asymmetric(&private_key(), "POST", "/notices/wallet", body.as_bytes(), &timestamp);
    let headers = vec![("X-TIMESTAMP".into(), timestamp), ("X-SIGNATURE".into(), signed)];
    HttpRequest { method: "POST", url: "/notices/wallet".into(), headers, body: body.into_bytes() }
}

/// A payment of a product that waits for its customer.
pub async fn waiting(engine: &Engine, product: &str, reference: &str) -> PaymentId {
    let Command::Pay(asked) = pay("STRICT", reference, reference, RUPIAH, engine.now()) else { panic!("a payment") };
    let command = Command::Pay(Pay { product: Some(ProductCode::new(product)), ..asked });
    engine.submit(&engine.partner("STRICT").unwrap(), command).await.unwrap();
    let made = payments(engine, "STRICT").await;
    made.into_iter().find(|payment| payment.partner_reference == reference).unwrap().id
}

/// The same five notices in each of their hundred and twenty orders: a success, the same again, an older state, another
/// amount, and another provider's word.
async fn notices_in_any_order_end_in_one_state(kind: Kind) {
    let home = Home::new(kind);
    let engine = start(&home, &TurnedClock::new());
    let [own, other] = [0, 1].map(|place: usize| connectors::CONNECTORS[place].descriptor());
    let events = [
        (own.name, RUPIAH, "00"),
        (own.name, RUPIAH, "00"),
        (own.name, RUPIAH, "03"),
        (own.name, RUPIAH + 1, "00"),
        (other.name, RUPIAH, "00"),
    ];
    for (number, order) in orders(&events).into_iter().enumerate() {
        let id = waiting(&engine, own.products[0].code, &format!("order-{number}")).await;
        for (name, rupiah, status) in &order {
            let answered = engine.notice(name, notice(id, *rupiah, status, &engine)).await;
            assert_eq!(answered.status, 200, "{order:?}");
        }
        match status(&engine, id).await {
            PaymentStatus::Succeeded { provider_reference, .. } => {
                assert_eq!(provider_reference, format!("P{id}"), "{order:?}");
            }
            other => panic!("{order:?} ended in {other:?}"),
        }
    }
    engine.stop().await;
}

async fn a_success_after_the_checkout_expired_is_late_and_counted_once(kind: Kind) {
    let home = Home::new(kind);
    let clock = TurnedClock::new();
    let engine = start(&home, &clock);
    let own = connectors::CONNECTORS[0].descriptor();
    let id = waiting(&engine, own.products[0].code, "late-1").await;
    clock.turn(lifecycle::payment::VALID_SECONDS);
    engine.decided(id, 20_000).await;
    assert!(matches!(status(&engine, id).await, PaymentStatus::Failed { reason: lifecycle::Reason::Expired, .. }));
    for _ in 0..2 {
        assert_eq!(engine.notice(own.name, notice(id, RUPIAH, "00", &engine)).await.status, 200);
        assert_eq!(status(&engine, id).await.name(), "succeeded_late");
    }
    engine.stop().await;
}

/// Keys and secrets of every account are missing: a gateway that was set up so believes nobody, rather than everybody.
async fn without_a_secret_no_notice_is_believed(kind: Kind) {
    let home = Home::new(kind);
    let clock = TurnedClock::new();
    let mut options = options(&clock);
    for account in options.accounts.values_mut() {
        account.provider_keys.clear();
        account.notice_secret = None;
    }
    start(&home, &clock).stop().await;
    let engine = Engine::start(options, crate::support::open(&home, &home.url())).unwrap();
    for (number, connector) in connectors::CONNECTORS.iter().enumerate() {
        let descriptor = connector.descriptor();
        let Some(product) = descriptor.products.first() else { continue };
        let id = waiting(&engine, product.code, &format!("secret-{number}")).await;
        let signed = notice(id, RUPIAH, "00", &engine);
        let bare = HttpRequest { headers: vec![], ..signed.clone() };
        for request in [signed, bare] {
            let answered = engine.notice(descriptor.name, request).await;
            assert_eq!(status(&engine, id).await.name(), "checkout", "{}: {}", descriptor.name, answered.status);
            assert_ne!(answered.status, 200, "{}", descriptor.name);
        }
    }
    engine.stop().await;
}

/// A provider is not told "accepted" while nobody can write it down; it sends its notice again, and that counts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notice_that_cannot_be_kept_is_not_acknowledged() {
    let home = Home::new(Kind::Postgres);
    let between = Between::to(home.database.as_ref().unwrap());
    let engine = start_at(&home, &home.database.as_ref().unwrap().url_through(between.port()), &TurnedClock::new());
    let own = connectors::CONNECTORS[0].descriptor();
    let id = waiting(&engine, own.products[0].code, "kept-1").await;
    between.refuse(true);
    assert_eq!(engine.notice(own.name, notice(id, RUPIAH, "00", &engine)).await.status, 503);
    between.refuse(false);
    assert_eq!(status(&engine, id).await.name(), "checkout");
    assert_eq!(engine.notice(own.name, notice(id, RUPIAH, "00", &engine)).await.status, 200);
    assert_eq!(status(&engine, id).await.name(), "succeeded");
    engine.stop().await;
}
