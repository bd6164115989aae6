//! Every magic customer number of the reference does what its row says, over real HTTP to the merchant and to the
//! aggregators behind.

use connectors::imitation::magic::{BILLS, Bill};
use serde_json::Value;

use crate::{
    keepings::Keeping,
    support::{
        World,
        biller::{Reply, Sender},
        eventually,
    },
};

/// Phone credit: an order without an inquiry at the aggregator. Numbers begin with this.
const CREDIT: (&str, &str) = ("SVHTS50", "08121881");
/// An electricity bill: inquired at the aggregator.
const BILL: (&str, &str) = ("SLYLPO", "53000000");
/// An electricity token.
const TOKEN: (&str, &str) = ("SLYLPR20", "53000000");

/// What the merchant sees of a magic number.
struct Seen {
    product: (&'static str, &'static str),
    /// The code at once: of the inquiry where that refuses, else of the payment.
    at_once: &'static [&'static str],
    /// The code in the end.
    in_the_end: &'static str,
    /// How often aggregators say that they delivered in the end.
    delivered: usize,
}

fn seen(what: Bill) -> Seen {
    let of = |product, at_once, in_the_end, delivered| Seen { product, at_once, in_the_end, delivered };
    match what {
        Bill::UnknownCustomer => of(CREDIT, &["310"], "310", 0),
        // An aggregator that does not tell the two apart says that nothing is due.
        Bill::PaidAlready => of(BILL, &["311", "312"], "312", 0),
        Bill::NothingDue => of(BILL, &["312"], "312", 0),
        Bill::CutOff => of(CREDIT, &["406"], "406", 0),
        Bill::Unavailable | Bill::FloatShort => of(CREDIT, &["407"], "407", 0),
        // The next source may answer that it is at work first.
        Bill::OutOfStockAtFirst => of(CREDIT, &["0000", "0000 Inproses"], "0000", 1),
        Bill::Slow | Bill::NoticedTwice => of(CREDIT, &["0000"], "0000", 1),
        Bill::Failed => of(CREDIT, &["510"], "510", 0),
        Bill::FailedThenDelivered => of(CREDIT, &["510"], "0000", 1),
        Bill::InProcess => of(CREDIT, &["0000 Inproses"], "0000", 1),
        Bill::InProcessThenFailed => of(CREDIT, &["0000 Inproses"], "510", 0),
        Bill::TokenLate => of(TOKEN, &["0000 Inproses"], "0000", 1),
        Bill::Lost | Bill::ErrorDelivered | Bill::Nonsense => of(CREDIT, &["9999"], "0000", 1),
        Bill::NeverTaken => of(CREDIT, &["9999"], "0000", 1),
        Bill::WrongAmount => of(BILL, &["9999"], "0000", 1),
        Bill::Refunded => of(CREDIT, &["0000"], "126", 0),
    }
}

/// The code, with the word that tells a success that is not final.
fn told(reply: &Reply) -> String {
    if reply.in_process() { "0000 Inproses".into() } else { reply.code() }
}

/// Buys for a magic number; what does not come as its row says.
async fn buy(sender: Sender, end: &str, what: Bill, text: &str) -> Result<(), String> {
    let seen = seen(what);
    let (product, begin) = seen.product;
    let first = sender.buy(product, &format!("{begin}{end}")).await;
    let at_once = told(&first);
    if !seen.at_once.contains(&at_once.as_str()) {
        return Err(format!("{end} ({text}): at once {at_once}, not {:?}: {}", seen.at_once, first.body));
    }
    let ref_id = first.text("ref_id");
    if at_once == seen.in_the_end && !matches!(what, Bill::Refunded | Bill::FailedThenDelivered) {
        return Ok(());
    }
    let fields = [("product_code", product), ("order_id", &format!("{begin}{end}"))];
    let ended = eventually(text, async || {
        // A refusal has no ref_id: its bill is asked for by the order.
        let reply = match ref_id.is_empty() {
            true => sender.call(crate::support::biller::Service::Status, &fields).await,
            false => sender.status(&ref_id).await,
        };
        (told(&reply) == seen.in_the_end).then_some(reply)
    })
    .await;
    if what == Bill::TokenLate && ended.body["data"]["token"].as_str().is_none_or(|token| token.len() < 20) {
        return Err(format!("{end}: the token is late and did not come: {}", ended.body));
    }
    Ok(())
}

async fn every_magic_number_does_what_its_row_says(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let before = world.operate(&["ledger", "statement", "deposit:SANDBOX", "--all"]);
    let mut buying = tokio::task::JoinSet::new();
    for (end, what, text) in BILLS {
        buying.spawn(buy(world.sender(), end, *what, text));
    }
    let failures: Vec<String> = buying.join_all().await.into_iter().filter_map(Result::err).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    let orders = world.bill_orders().await;
    for (end, what, text) in BILLS {
        let seen = seen(*what);
        let number = format!("{}{end}", seen.product.1);
        let delivered = |order: &&Value| order["order_id"] == number.as_str() && order["delivered"] == true;
        assert_eq!(orders.iter().filter(delivered).count(), seen.delivered, "{end} ({text}): {orders:#?}");
    }
    let verified = world.operate(&["ledger", "verify"]);
    assert_eq!((&verified["verified"], &verified["holds"]), (&true.into(), &0.into()), "{verified}");
    let after = world.operate(&["ledger", "accounts", "--merchant", "SANDBOX"]);
    assert_ne!(before["closing"], after["accounts"], "something was paid");
}

/// A failure gives the money back: the deposit stands as before, and the next buyer can spend it.
async fn what_failed_costs_nothing(keeping: Keeping) {
    let world = World::sandbox(keeping);
    for sender in [world.sender(), world.invoiced_sender()] {
        let account = if sender.sender_id == "SANDBOX" { "deposit:SANDBOX" } else { "receivable:SANDBOXINV" };
        let standing = || {
            let merchant = account.rsplit(':').next().unwrap_or_default();
            let accounts = world.operate(&["ledger", "accounts", "--merchant", merchant]);
            let all = accounts["accounts"].as_array().cloned().unwrap_or_default();
            let own = all.into_iter().find(|row| row["account"] == account);
            own.map(|row| (row["balance"].clone(), row["held"].clone()))
        };
        let paid = sender.buy(CREDIT.0, "081218817777").await;
        assert!(paid.succeeded(), "{}", paid.body);
        let before = standing();
        let failed = sender.buy(CREDIT.0, "081218810037").await;
        assert_eq!(failed.code(), "510", "{}", failed.body);
        assert_eq!(standing(), before);
        let later = sender.buy(CREDIT.0, "081218811039").await;
        assert!(later.in_process(), "{}", later.body);
        assert_ne!(standing(), before, "money is held while it is in process");
        assert_eq!(sender.settled(&later.text("ref_id")).await.code(), "510");
        assert_eq!(standing(), before);
    }
}

on_both_keepings! {
    every_magic_number_does_what_its_row_says,
    what_failed_costs_nothing,
}
