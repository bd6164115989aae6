//! A bill is paid once wherever the gateway dies. Aggregators live on in a process of their own; the gateway is killed at
//! every labelled place again and again, with payments under way, and started again. In the end every bill that the
//! gateway or an aggregator knows is decided, what was delivered was paid for, and every reservation is gone with its
//! bill.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
};

use serde_json::Value;

use crate::{
    keepings::Keeping,
    support::{
        World,
        biller::{Form, Reply, Sender, Service},
        eventually,
    },
};

/// Paid without an inquiry; the customer's number is its order.
const DIRECT: &str = "STBIDV";
/// What the merchant pays for it beside its amount, in sen.
const DIRECT_FEE: i64 = 250_000;
/// Inquired first.
const INQUIRED: &str = "SVHTS50";
/// The places that one bill payment passes.
const LABELS: [&str; 6] = ["received", "before_commit", "after_commit", "before_call", "after_call", "before_reply"];
/// Payments under way in every life of the gateway.
const PAYMENTS: usize = 6;
/// How a gateway of these tests is started.
const GATEWAY: &[&str] = &["--providers-elsewhere", "--lease-seconds", "2"];

/// One payment that somebody tried.
struct Tried {
    product: &'static str,
    order: String,
    form: Form,
    /// The answer, where one came before the gateway died.
    reply: Option<Reply>,
}

/// Draws customers' numbers, each once, none of which is magic.
#[derive(Default)]
struct Numbers(AtomicUsize);

impl Numbers {
    fn next(&self) -> String {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        format!("08121{:03}{:04}", number / 8_000, 2_000 + number % 8_000)
    }
}

/// Begins payments until the gateway dies; one that did not die by then goes on with more.
async fn pay_until_death(world: &mut World, sender: &Sender, numbers: &Numbers, tried: &mut Vec<Tried>) {
    for _ in 0..20 {
        let paying: Vec<_> = (0..PAYMENTS)
            .map(|place| {
                let (sender, order) = (sender.clone(), numbers.next());
                tokio::spawn(async move { pay(&sender, if place % 2 == 0 { DIRECT } else { INQUIRED }, order).await })
            })
            .collect();
        for payment in paying {
            tried.extend(payment.await.expect("an end"));
        }
        if world.is_dead() {
            return;
        }
    }
    panic!("the gateway does not die");
}

/// One payment; none when the gateway died before anything could be paid.
async fn pay(sender: &Sender, product: &'static str, order: String) -> Option<Tried> {
    let amount = match product {
        DIRECT => "10000000".to_owned(),
        _ => {
            let form = sender.form(Service::Inquiry, &[("product_code", product), ("order_id", &order)]);
            let inquired = sender.try_post(Service::Inquiry, &form).await.ok()?;
            assert_eq!(inquired.code(), "0000", "{}", inquired.body);
            inquired.text("amount")
        }
    };
    let fields = [("product_code", product), ("order_id", order.as_str()), ("amount", amount.as_str())];
    let form = sender.form(Service::Payment, &fields);
    let reply = sender.try_post(Service::Payment, &form).await.ok();
    Some(Tried { product, order, form, reply })
}

/// The same payment under the same `rq_uuid`: what had not been kept is carried out now, what had is refused as known.
async fn repeat(sender: &Sender, tried: &Tried) -> Reply {
    sender.post(Service::Payment, &tried.form).await
}

async fn dies_everywhere(keeping: Keeping, kills: usize) {
    let mut world = World::new(keeping);
    world.start_providers();
    world.start_gateway(GATEWAY);
    let sender = world.sender();
    world.gateway = None;
    let numbers = Numbers::default();
    let mut tried: Vec<Tried> = vec![];
    for kill in 0..kills {
        // Every label at its first passing, its second one, and so on: the payments stand at different places then.
        let label = format!("{}:{}", LABELS[kill % LABELS.len()], 1 + (kill / LABELS.len()) % (2 * PAYMENTS));
        if !world.start_mortal_gateway(&[GATEWAY, &["--crash-at", &label]].concat()) {
            // It died over what its last life had left behind.
            world.gateway = None;
            continue;
        }
        let sender = Sender { base_url: world.sender().base_url, ..sender.clone() };
        pay_until_death(&mut world, &sender, &numbers, &mut tried).await;
        world.await_death();
    }
    world.start_gateway(GATEWAY);
    let sender = world.sender();
    let mut paid = BTreeMap::new();
    for payment in &tried {
        let ended = settle(&sender, payment).await;
        assert!(paid.insert(payment.order.clone(), ended).is_none(), "{} was drawn once", payment.order);
    }
    agree(&world, &tried, &paid).await;
}

/// Asks by the order, as one does who never got a `ref_id`, until it is decided. What the gateway does not know is sent
/// again as it was.
async fn settle(sender: &Sender, payment: &Tried) -> Reply {
    eventually("the bill is decided", async || {
        let fields = [("product_code", payment.product), ("order_id", payment.order.as_str())];
        let reply = sender.call(Service::Status, &fields).await;
        match reply.code().as_str() {
            // Not kept: it never happened anywhere, and the same request is as good as new.
            "124" => {
                assert!(!payment.reply.as_ref().is_some_and(Reply::succeeded), "it was answered and is not known");
                let repeated = repeat(sender, payment).await;
                assert!(["0000", "121", "9999"].contains(&repeated.code().as_str()), "{}", repeated.body);
                // The inquiry was not kept either, or is older than the death: nothing can be paid by it.
                (repeated.code() == "121").then_some(repeated)
            }
            "9999" => None,
            "0000" if reply.in_process() => None,
            _ => Some(reply),
        }
    })
    .await
}

/// What was answered is as it was answered; what succeeded was delivered, once; nothing else was; nothing is held.
async fn agree(world: &World, tried: &[Tried], paid: &BTreeMap<String, Reply>) {
    let verified = world.operate(&["ledger", "verify"]);
    assert_eq!((&verified["verified"], &verified["holds"]), (&true.into(), &0.into()), "{verified}");
    let mut delivered: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let mut taken = 0;
    for order in world.bill_orders().await {
        taken += sen(&order["cost"]);
        if order["delivered"] == true {
            delivered.entry(order["order_id"].as_str().unwrap_or_default().to_owned()).or_default().push(order);
        }
    }
    for payment in tried {
        let ended = &paid[&payment.order];
        let times = delivered.remove(&payment.order).unwrap_or_default();
        assert_eq!(times.len(), usize::from(ended.succeeded()), "{}: {} {times:?}", payment.order, ended.body);
        if let Some(reply) = payment.reply.as_ref().filter(|reply| reply.succeeded()) {
            assert_eq!(reply.text("ref_id"), ended.text("ref_id"), "{}", payment.order);
            assert!(ended.succeeded(), "{} was paid: {}", payment.order, ended.body);
        }
    }
    assert!(delivered.is_empty(), "delivered to nobody who asked: {delivered:?}");
    let succeeded = paid.values().filter(|reply| reply.succeeded()).count();
    assert!(succeeded * 2 > tried.len(), "most of them were paid in the end: {succeeded} of {}", tried.len());
    let sold = tried.iter().map(|payment| (payment.product, &paid[&payment.order]));
    let fee = |product| if product == DIRECT { DIRECT_FEE } else { 0 };
    let costs: i64 =
        sold.filter(|(_, reply)| reply.succeeded()).map(|(product, reply)| reply.sen("amount") + fee(product)).sum();
    let statement = world.operate(&["ledger", "statement", "deposit:SANDBOX", "--all"]);
    assert_eq!(sen(&statement["closing"]["balance"]), 100_000_000_000 - costs, "every paid bill was paid for once");
    assert_eq!(sen(&statement["closing"]["held"]), 0);
    let accounts = world.operate(&["ledger", "accounts", "--merchant", "SANDBOX"]);
    let rows = accounts["accounts"].as_array().expect("accounts").iter();
    let floats = rows.filter(|row| row["account"].as_str().is_some_and(|name| name.starts_with("float:")));
    assert_eq!(
        floats.map(|row| sen(&row["balance"])).sum::<i64>(),
        -taken,
        "the aggregators took what the ledger says"
    );
}

/// An amount as the wire has it, in sen.
fn sen(value: &Value) -> i64 {
    let text = value.as_str().unwrap_or_else(|| panic!("{value} is an amount"));
    text.replace('.', "").parse().unwrap_or_else(|_| panic!("{value} is an amount"))
}

#[test]
fn every_crash_point_of_a_bill_is_died_at() {
    let others = ["before_callback", "after_callback"];
    let all: Vec<&str> = engine::crash::CRASH_POINTS.iter().copied().filter(|label| !others.contains(label)).collect();
    assert_eq!(LABELS.as_slice(), all, "a bill calls no merchant; every other place is here");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_deaths_lose_and_double_nothing_on_sqlite() {
    dies_everywhere(Keeping::Sqlite, 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deaths_lose_and_double_nothing_on_postgres() {
    dies_everywhere(Keeping::postgres(), 36).await;
}
