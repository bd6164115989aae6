//! What becomes of a payment that was charged after the merchant was told that it failed: the customer gets the money back,
//! once, however often the provider says so and however long it is not reached; or the merchant keeps it, by its rule.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use connectors::{HttpRequest, HttpResponse};
use engine::{Engine, Network, Party, TransportError};
use lifecycle::{
    Merchant, PaymentId,
    merchant::LateSuccess,
    payment::{Payment, PaymentStatus},
    refund::{Refund, RefundKind, RefundStatus},
};
use money::Amount;

use crate::{
    payments,
    scenarios::{RUPIAH, notice, waiting},
    support::{Home, Kind, TurnedClock, merchant, open, options},
};

on_both_engines!(
    a_late_success_goes_back_once_as_soon_as_the_provider_is_reached,
    a_late_success_that_the_merchant_takes_is_kept,
);

/// The wallet's side of the network: not reached at first, then it gives back whatever it is asked to.
#[derive(Default)]
struct Wallet {
    reached: AtomicBool,
    asked: Mutex<Vec<HttpRequest>>,
}

impl Network for Wallet {
    fn send<'a>(
        &'a self,
        _: Party<'a>,
        request: HttpRequest,
        _: Duration,
        _: usize,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<HttpResponse, TransportError>> + Send + 'a>> {
        Box::pin(async move {
            if !self.reached.load(Ordering::SeqCst) {
                return Err(TransportError::NotReached("nobody is there".into()));
            }
            self.asked.lock().unwrap().push(request);
            let answer = r#"{"responseCode":"2005800","responseMessage":"Successful","refundNo":"R1"}"#;
            Ok(HttpResponse::json(200, answer))
        })
    }
}

/// How long a test waits for what it was promised, in real time.
const PATIENCE: Duration = Duration::from_secs(60);
/// A provider that answers without a token of its own being fetched first.
const PROVIDER: usize = 1;

fn start(home: &Home, clock: &TurnedClock, wallet: &Arc<Wallet>, late_success: LateSuccess) -> Engine {
    let store = open(home, &home.url());
    store.save_merchant(&Merchant { late_success, ..merchant("STRICT", false) }).unwrap();
    let mut options = options(clock);
    options.network = wallet.clone();
    Engine::start(options, store).unwrap()
}

/// A payment that expired at checkout and that the provider says was charged, three times.
async fn charged_late(engine: &Engine, clock: &TurnedClock) -> PaymentId {
    let own = connectors::CONNECTORS[PROVIDER].descriptor();
    let id = waiting(engine, own.products[0].code, "late-1").await;
    clock.turn(lifecycle::payment::VALID_SECONDS);
    engine.decided(id, 20_000).await;
    for _ in 0..3 {
        assert_eq!(engine.notice(own.name, notice(id, RUPIAH, "00", engine)).await.status, 200);
    }
    id
}

async fn stands(engine: &Engine, id: PaymentId) -> (Payment, Vec<Refund>) {
    let payment = payments(engine, "STRICT").await.into_iter().find(|payment| payment.id == id).unwrap();
    let refunds = engine.read(move |reader| reader.refunds_of(id)).await.unwrap();
    (payment, refunds)
}

async fn a_late_success_goes_back_once_as_soon_as_the_provider_is_reached(kind: Kind) {
    let home = Home::new(kind);
    let (clock, wallet) = (TurnedClock::new(), Arc::new(Wallet::default()));
    let engine = start(&home, &clock, &wallet, LateSuccess::RefundDue);
    let id = charged_late(&engine, &clock).await;
    let (payment, refunds) = stands(&engine, id).await;
    assert!(matches!(payment.status, PaymentStatus::SucceededLate { .. }));
    let [refund] = refunds.as_slice() else { panic!("{refunds:?}") };
    assert_eq!((refund.kind, refund.amount, &refund.request), (RefundKind::Refund, payment.amount, &None));
    assert_eq!((payment.refunding, payment.refunded), (payment.amount, Amount::ZERO));
    wallet.reached.store(true, Ordering::SeqCst);
    // However long it was not reached, it is tried again when its time has come.
    let deadline = std::time::Instant::now() + PATIENCE;
    let (payment, refunds) = loop {
        let (_, refunds) = stands(&engine, id).await;
        match refunds[0].status {
            // The two are read one after the other.
            RefundStatus::Succeeded { .. } => break stands(&engine, id).await,
            RefundStatus::Refunding { sent_at } if sent_at > engine.now() => {
                clock.turn(sent_at.unix_seconds() - engine.now().unix_seconds() + 1);
            }
            // It is being sent.
            _ => tokio::task::yield_now().await,
        }
        assert!(std::time::Instant::now() < deadline, "{refunds:?}");
    };
    assert_eq!((payment.refunding, payment.refunded, refunds.len()), (Amount::ZERO, payment.amount, 1));
    let own = connectors::CONNECTORS[PROVIDER].descriptor();
    assert_eq!(engine.notice(own.name, notice(id, RUPIAH, "00", &engine)).await.status, 200);
    assert_eq!(stands(&engine, id).await, (payment, refunds), "nothing of it changes any more");
    engine.stop().await;
    let asked = wallet.asked.lock().unwrap();
    assert_eq!(asked.len(), 1, "the provider is asked for one refund, once: {asked:?}");
}

async fn a_late_success_that_the_merchant_takes_is_kept(kind: Kind) {
    let home = Home::new(kind);
    let (clock, wallet) = (TurnedClock::new(), Arc::new(Wallet::default()));
    let engine = start(&home, &clock, &wallet, LateSuccess::Accept);
    let id = charged_late(&engine, &clock).await;
    let (payment, refunds) = stands(&engine, id).await;
    assert!(matches!(payment.status, PaymentStatus::SucceededLate { .. }));
    assert_eq!((payment.refunding, payment.refunded, refunds), (Amount::ZERO, Amount::ZERO, vec![]));
    engine.stop().await;
}
