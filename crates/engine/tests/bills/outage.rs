//! A source that breaks down: nothing more is reserved for it, what is open is asked about and never bought again, and it
//! is used again once it answers.

use super::*;
use lifecycle::breaker::{Limits, State};

on_both_engines!(a_source_that_breaks_down_is_left_alone_before_money_is_reserved, the_next_source_is_asked_at_once);

const LIMITS: Limits = Limits { failures_in_a_row: 3, ..Limits::USUAL };

/// A shop whose source is left alone after three failures.
fn shop(kind: Kind) -> Shop {
    let (home, clock) = (Home::new(kind), TurnedClock::new());
    let source = Source::start(&clock, true);
    let store = open(&home, &home.url());
    store.save_merchant(&seller(Callbacks::default())).unwrap();
    let mut options = options(&clock);
    options.accounts.insert(source.name.to_owned(), source.account());
    options.breaker = LIMITS;
    let engine = Engine::start(options, store).unwrap();
    Shop { home, clock, source, engine }
}

fn breaker(shop: &Shop) -> State {
    shop.engine.providers().into_iter().find(|known| known.name == shop.source.name).unwrap().load.breaker
}

async fn entries(shop: &Shop) -> usize {
    let name = AccountName::of(Class::MerchantDeposit, CODE);
    shop.engine.read(move |reader| reader.entries(&name, 0, 1_000)).await.unwrap().len()
}

async fn a_source_that_breaks_down_is_left_alone_before_money_is_reserved(kind: Kind) {
    let shop = shop(kind);
    shop.top_up(1_000_000).await;
    shop.source.break_down(true);
    let orders = ["081218810001", "081218810002", "081218810003"];
    for (number, order) in orders.iter().enumerate() {
        assert!(shop.pay(&format!("r{number}"), order).await.is_ok());
        assert!(matches!(shop.bill(order).await.status, BillStatus::Unknown { .. }));
    }
    assert!(matches!(breaker(&shop), State::Open { .. }), "{:?}", breaker(&shop));

    let (deposit, posted, asked) = (shop.deposit().await, entries(&shop).await, shop.source.requests());
    assert_eq!((deposit, asked), ((1_000_000, 3 * i64::from(PRICE)), 3));
    let order = "081218810004";
    for attempt in 0..5 {
        assert_eq!(shop.pay(&format!("again{attempt}"), order).await, Err(Refusal::ProviderDown));
    }
    let key = Key::BillByOrder(MerchantCode::new(CODE), shop.product().code, order.into());
    assert_eq!(shop.engine.row(key).await, None, "nothing is kept of it");
    assert_eq!((shop.deposit().await, entries(&shop).await, shop.source.requests()), (deposit, posted, asked));
    // What was refused is not a call that was made: a call that was answered before is told apart from it.
    assert_eq!(shop.pay("r0", orders[0]).await, Err(Refusal::ExternalIdUsed));

    // It works again: a question finds out, and everything that was open is settled, each under its one reference.
    shop.source.break_down(false);
    for order in orders {
        let bill = shop.becomes(order, "succeeded").await;
        assert_eq!(bill.orders.len(), 1, "never ordered under another reference");
    }
    assert_eq!(breaker(&shop), State::Closed);
    assert!(shop.pay("again0", order).await.is_ok(), "the same call may be made again");
    assert_eq!(shop.deposit().await, (1_000_000 - 4 * i64::from(PRICE), 0));
    shop.agrees(4).await;
    shop.engine.stop().await;
}

/// A product with two sources, the first of which is down: the second one sells it, and the first one is not asked.
async fn the_next_source_is_asked_at_once(kind: Kind) {
    let shop = shop(kind);
    shop.top_up(1_000_000).await;
    shop.source.break_down(true);
    for number in 0..3 {
        assert!(shop.pay(&format!("r{number}"), &format!("08121881000{number}")).await.is_ok());
    }
    let asked = shop.source.requests();
    let mut product = shop.product();
    let second = connectors::CONNECTORS
        .iter()
        .map(|known| known.descriptor())
        .find(|known| known.capabilities.contains(&connectors::Capability::PayBill) && known.name != shop.source.name);
    product.sources.push(Sold { connector: second.unwrap().name.into(), ..product.sources[0].clone() });
    // Nobody is behind the second one's address: it is known not to have been reached, and the first was passed over.
    let order = "081218810009";
    let refused = shop.pay_for(product, "r9", order).await.unwrap();
    let bill = shop.bill(order).await;
    assert_eq!((bill.status.name(), bill.orders.len()), ("failed", 2), "{}", String::from_utf8_lossy(&refused.body));
    assert_eq!(shop.source.requests(), asked);
    assert_eq!(shop.deposit().await, (1_000_000, 3 * i64::from(PRICE)), "what was reserved for it is free again");
    shop.engine.stop().await;
}
