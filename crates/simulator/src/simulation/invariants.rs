//! What must hold after a run, whatever went wrong in it.

use std::collections::{BTreeMap, BTreeSet};

use calendar::Instant;
use connectors::imitation::Books;
use lifecycle::{
    Key, MerchantCode,
    bill::{Bill, BillStatus},
    merchant::LateSuccess,
    payment::{Payment, PaymentStatus},
    refund::RefundStatus,
    task::Task,
};
use money::Amount;
use store::{Reader, Store, StoreError};

use super::{keeping::Keeping, shop::Told, world::Outside};
use crate::{bill_books, books};

/// How many tasks are looked at.
const TASKS_MAX: usize = 10_000;

/// What a run came to, for the summary.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Payments, bills and what else there is, by state.
    pub states: BTreeMap<String, u64>,
}

/// Checks everything; what is broken is written down in the world.
pub(crate) fn check(outside: &Outside, keeping: &Keeping) -> Result<Tally, StoreError> {
    let reader = keeping.store().reader()?;
    let merchants: Vec<MerchantCode> = outside.shops.iter().map(|shop| shop.merchant.code.clone()).collect();
    let payments = books::payments(reader.as_ref(), &merchants)?;
    let tasks = reader.unfinished_tasks(TASKS_MAX)?;
    let providers: Vec<Books> = outside
        .providers()
        .iter()
        .filter_map(|name| outside.with_provider(name, |provider| provider.books()))
        .collect();
    let mut tally = Tally::default();
    check_ledger(outside, reader.as_ref())?;
    check_payments(outside, &payments, &providers, &mut tally);
    check_refunds(outside, reader.as_ref(), &payments, &providers, &mut tally)?;
    check_bills(outside, reader.as_ref(), &merchants, &providers, &mut tally)?;
    check_links(outside, reader.as_ref(), &providers, &mut tally)?;
    check_series(outside, &payments);
    check_told(outside, &payments);
    check_open(outside, reader.as_ref(), &payments, &tasks)?;
    Ok(tally)
}

fn check_ledger(outside: &Outside, reader: &dyn Reader) -> Result<(), StoreError> {
    let verified = reader.verify_ledger(&mut |_| std::ops::ControlFlow::Continue(()));
    if let Err(error) = verified {
        outside.broken("the ledger verifies", format!("{error}: {error:?}"), vec![]);
    }
    let held = reader.held_by_bills()?;
    let mut after = None;
    loop {
        let page = reader.accounts(after.as_ref(), 500)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.name.clone());
        for account in &page {
            let by_bills = held.get(&account.name).copied().unwrap_or_default();
            if account.held != by_bills {
                let text = format!("{} holds {} sen, its open bills {by_bills}", account.name, account.held);
                outside.broken("no hold without an owner", text, vec![]);
            }
        }
    }
}

fn check_payments(outside: &Outside, payments: &[Payment], providers: &[Books], tally: &mut Tally) {
    let mut references = BTreeSet::new();
    for payment in payments {
        *tally.states.entry(format!("payment {}", payment.status.name())).or_default() += 1;
        if !references.insert((payment.merchant.clone(), payment.partner_reference.clone())) {
            let text = format!("two payments of {} under {}", payment.merchant, payment.partner_reference);
            outside.broken("one payment per reference", text, about(payment));
        }
    }
    compare_charges(outside, payments, providers);
}

/// The gateway says paid exactly where a provider took the money, once, and that much.
fn compare_charges(outside: &Outside, payments: &[Payment], providers: &[Books]) {
    const RULE: &str = "three books of payments agree";
    let mut charges: BTreeMap<&str, (Amount, u32)> = BTreeMap::new();
    for books in providers {
        for charge in &books.charges {
            let about = vec![charge.reference.clone()];
            if charge.charged && charges.insert(&charge.reference, (charge.amount, charge.requests)).is_some() {
                outside.broken(
                    "at most one charge",
                    format!("two providers charged {}", charge.reference),
                    about.clone(),
                );
            }
            if charge.requests > 1 {
                let (provider, times, reference) = (&books.provider, charge.requests, &charge.reference);
                let text = format!("{provider} was asked {times} times to charge {reference}");
                outside.broken("at most one charge", text, about);
            }
        }
    }
    let called_off = called_off(providers);
    for payment in payments {
        let charge = charges.remove(payment.id.to_string().as_str()).map(|(amount, _)| amount);
        let paid = is_paid(payment).then_some(payment.amount);
        // Paid in the moment in which it was called off: the customer has everything back, and nobody was paid.
        let back = !is_paid(payment) && called_off.contains(payment.id.to_string().as_str());
        if paid != charge && !back {
            let (reference, state) = (&payment.partner_reference, payment.status.name());
            let text = format!(
                "{reference} ({}) is {state} over {:?}, the provider took {charge:?}",
                payment.id, payment.amount
            );
            outside.broken(RULE, text, about(payment));
        }
    }
    for (reference, (amount, _)) in charges {
        let text = format!("a provider took {amount:?} for {reference}, which the gateway does not know");
        outside.broken(RULE, text, vec![reference.to_owned()]);
    }
}

/// The charges that a provider called off, whether money had moved or not.
fn called_off(providers: &[Books]) -> BTreeSet<&str> {
    let refunds = providers.iter().flat_map(|books| &books.refunds);
    refunds.filter(|refund| refund.done && refund.cancels).map(|refund| refund.charge.as_str()).collect()
}

fn is_paid(payment: &Payment) -> bool {
    matches!(payment.status, PaymentStatus::Succeeded { .. } | PaymentStatus::SucceededLate { .. })
}

/// What went back is never more than was paid, and is what the provider gave back; each end of a refund is told once.
fn check_refunds(
    outside: &Outside,
    reader: &dyn Reader,
    payments: &[Payment],
    providers: &[Books],
    tally: &mut Tally,
) -> Result<(), StoreError> {
    let called_off = called_off(providers);
    let mut given: BTreeMap<&str, i64> = BTreeMap::new();
    for refund in providers.iter().flat_map(|books| &books.refunds).filter(|refund| refund.done) {
        *given.entry(&refund.charge).or_default() += refund.amount.sen();
    }
    for payment in payments {
        let refunds = reader.refunds_of(payment.id)?;
        let mut back = 0;
        for refund in &refunds {
            *tally.states.entry(format!("{} {}", refund.kind.name(), refund.status.name())).or_default() += 1;
            let words = vec![refund.id.to_string(), refund.partner_reference.clone(), payment.id.to_string()];
            if matches!(refund.status, RefundStatus::Succeeded { .. }) {
                back += refund.amount.sen();
            }
            if refund.is_open() {
                let text = format!("the refund {} is {}", refund.id, refund.status.name());
                outside.broken("everything comes to an end", text, words.clone());
            }
            let Some(shop) = outside.shop(payment.merchant.as_str()) else { continue };
            let series = shop.ledger().series.get(&refund.id.to_string()).cloned().unwrap_or_default();
            for (says, ids) in &series {
                if ids.len() > 1 {
                    let text = format!("{}: {says} was told under {} notifications", refund.id, ids.len());
                    outside.broken("one notification series per end", text, words.clone());
                }
            }
            let wanted = match refund.status {
                RefundStatus::Succeeded { .. } => "given back",
                RefundStatus::Failed { .. } => "not given back",
                _ => continue,
            };
            if !series.contains_key(wanted) {
                let told: Vec<&str> = series.keys().copied().collect();
                let text = format!("the refund {} is {} and {told:?} was told", refund.id, refund.status.name());
                outside.broken("every end is told once", text, words);
            }
        }
        let by_provider = given.remove(payment.id.to_string().as_str()).unwrap_or_default();
        let by_us = if is_paid(payment) { back } else { 0 };
        let nobody_paid = !is_paid(payment) && called_off.contains(payment.id.to_string().as_str());
        if by_us != by_provider && !nobody_paid {
            let text = format!("of {} we gave {by_us} sen back, the provider {by_provider}", payment.partner_reference);
            outside.broken("refunds agree", text, about(payment));
        }
        if by_provider > payment.amount.sen() {
            let text =
                format!("{by_provider} sen went back of {} sen of {}", payment.amount.sen(), payment.partner_reference);
            outside.broken("never more back than was paid", text, about(payment));
        }
    }
    Ok(())
}

fn about(payment: &Payment) -> Vec<String> {
    vec![payment.id.to_string(), payment.partner_reference.clone(), payment.request.external_id.clone()]
}

fn check_bills(
    outside: &Outside,
    reader: &dyn Reader,
    merchants: &[MerchantCode],
    providers: &[Books],
    tally: &mut Tally,
) -> Result<(), StoreError> {
    let bills = bill_books::read(reader, merchants)?;
    let sold: Vec<_> = outside.shops.iter().flat_map(super::shop::Shop::sold).collect();
    for bill in &bills.bills {
        *tally.states.entry(format!("bill {}", bill.status.name())).or_default() += 1;
        if bill.hold.is_some()
            && !matches!(
                bill.status,
                BillStatus::Sent { .. } | BillStatus::InProcess { .. } | BillStatus::Unknown { .. }
            )
        {
            let text = format!("{} is {} and holds money", bill.ref_id(), bill.status.name());
            outside.broken("no hold without an owner", text, vec![bill.id.to_string()]);
        }
        check_bill_told(outside, bill);
    }
    let since = Instant::parse(super::template::BEFORE).expect("the constant is a time");
    let comparison = bill_books::compare(&bills, providers, &sold, since);
    for text in comparison.differences {
        let concerned =
            bills.bills.iter().filter(|bill| text.contains(&bill.ref_id()) || text.contains(&bill.reference()));
        let about = concerned
            .flat_map(|bill| vec![bill.id.to_string(), bill.ref_id(), bill.order_id.clone(), bill.reference()])
            .collect();
        outside.broken("three books of bills agree", text, about);
    }
    Ok(())
}

/// A merchant that was told of a bill's end by a notification was told of its last one.
fn check_bill_told(outside: &Outside, bill: &Bill) {
    let word = match &bill.status {
        BillStatus::SucceededLate { .. } if bill.owes_token() => "IN_PROCESS",
        BillStatus::Succeeded { .. } | BillStatus::SucceededLate { .. } => "SUCCESS",
        BillStatus::Failed { .. } => "FAILED",
        BillStatus::Reversed { .. } => "REVERSED",
        _ => return,
    };
    let Some(shop) = outside.shop(bill.merchant.as_str()) else { return };
    let told =
        shop.ledger().book.bills.get(bill.merchant.as_str()).and_then(|bills| bills.get(&bill.ref_id())).cloned();
    let Some(told) = told else { return };
    if !told.values().any(|said| said == word) {
        let text = format!("{} is {} and {:?} was told", bill.ref_id(), bill.status.name(), told.values());
        outside.broken("every end is told once", text, vec![bill.id.to_string(), bill.ref_id()]);
    }
}

/// The gateway only believes in links that their provider keeps. A link whose tokens were lost on their way is the
/// provider's alone: nobody can use it.
fn check_links(
    outside: &Outside,
    reader: &dyn Reader,
    providers: &[Books],
    tally: &mut Tally,
) -> Result<(), StoreError> {
    let mut active: BTreeMap<&str, usize> = BTreeMap::new();
    for (product, state, count) in reader.link_counts()? {
        *tally.states.entry(format!("link {state}")).or_default() += count;
        if let (Some((connector, _)), "active") = (connectors::product(product.as_str()), state.as_str()) {
            *active.entry(connector.descriptor().name).or_default() += usize::try_from(count).unwrap_or_default();
        }
    }
    for books in providers {
        let ours = active.get(books.provider.as_str()).copied().unwrap_or_default();
        if ours > books.links_active && outside.told_everything() {
            let text = format!("{} keeps {} links, the gateway {ours}", books.provider, books.links_active);
            outside.broken("links agree", text, vec!["link_".into()]);
        }
    }
    Ok(())
}

/// Every fact about a payment was told under one notification, and no two facts contradict each other.
fn check_series(outside: &Outside, payments: &[Payment]) {
    for payment in payments {
        let Some(shop) = outside.shop(payment.merchant.as_str()) else { continue };
        let ledger = shop.ledger();
        let series = ledger.series.get(&payment.id.to_string()).cloned().unwrap_or_default();
        drop(ledger);
        let told: Vec<&str> = series.keys().copied().collect();
        // Without a product nobody is asked to pay, and nobody is told.
        let expected: &[&[&str]] = match (&payment.status, &payment.product) {
            (PaymentStatus::Succeeded { .. }, _) => &[&["paid"]],
            (PaymentStatus::SucceededLate { .. }, _) => match shop.merchant.late_success {
                LateSuccess::Accept => &[&["failed", "paid late"]],
                LateSuccess::RefundDue => &[&["failed", "refund due"]],
            },
            (PaymentStatus::Failed { .. }, Some(_)) => &[&["failed"]],
            _ => &[&[]],
        };
        let expected = &expected[0];
        if told != **expected {
            let text = format!("{} is {} and {told:?} was told", payment.partner_reference, payment.status.name());
            outside.broken("every end is told once", text, about(payment));
        }
        for (says, ids) in &series {
            if ids.len() > 1 {
                let text = format!("{}: {says} was told under {} notifications", payment.partner_reference, ids.len());
                outside.broken("one notification series per end", text, about(payment));
            }
        }
    }
}

/// What was acknowledged is there, and is what was acknowledged.
fn check_told(outside: &Outside, payments: &[Payment]) {
    for shop in &outside.shops {
        let ledger = shop.ledger();
        let told = ledger.told.clone();
        drop(ledger);
        for (reference, heard) in told {
            let payment = payments
                .iter()
                .find(|payment| payment.merchant == shop.merchant.code && payment.partner_reference == reference);
            let Some(payment) = payment else {
                let text = format!("{reference} was acknowledged ({heard:?}) and is not there");
                outside.broken("nothing acknowledged is lost", text, vec![reference]);
                continue;
            };
            for (_, told) in &heard {
                let holds = match told {
                    Told::Accepted(amount) => payment.amount == *amount,
                    Told::Paid => {
                        matches!(payment.status, PaymentStatus::Succeeded { .. } | PaymentStatus::SucceededLate { .. })
                    }
                    Told::Failed(_) => {
                        matches!(payment.status, PaymentStatus::Failed { .. } | PaymentStatus::SucceededLate { .. })
                    }
                    Told::Open => true,
                };
                if !holds {
                    let text = format!("{reference} was told to be {told:?} and is {:?}", payment.status.name());
                    outside.broken("what was acknowledged stays true", text, about(payment));
                }
            }
        }
    }
}

/// Nothing is open without somebody who asks about it, and nothing is due and left alone.
fn check_open(outside: &Outside, reader: &dyn Reader, payments: &[Payment], tasks: &[Task]) -> Result<(), StoreError> {
    let watched: BTreeSet<String> =
        tasks.iter().filter_map(|task| task.kind.subject()).map(|key| format!("{key:?}")).collect();
    let now = outside.time.now();
    for task in tasks {
        if now.seconds_since(task.due_at) > 600 {
            let text =
                format!("{} {} was due {} seconds ago", task.kind.name(), task.id, now.seconds_since(task.due_at));
            outside.broken("nothing waits for ever", text, vec![task.id.to_string()]);
        }
    }
    for payment in payments {
        let open = !matches!(
            payment.status,
            PaymentStatus::Succeeded { .. } | PaymentStatus::SucceededLate { .. } | PaymentStatus::Failed { .. }
        );
        if open {
            let seen = watched.contains(&format!("{:?}", Key::Payment(payment.id)));
            let text = format!("{} is {} (asked about: {seen})", payment.partner_reference, payment.status.name());
            outside.broken("everything comes to an end", text, about(payment));
        }
    }
    for (_, state, count) in reader.link_counts()? {
        if matches!(state.as_str(), "binding" | "unknown" | "unlinking" | "awaiting_customer") {
            outside.broken("everything comes to an end", format!("{count} links are {state}"), vec![]);
        }
    }
    for bill in reader.open_bills(None, 100)? {
        // Some sources take a question for a new order: what is not known of one stays so, is asked about, and is an
        // operator's to settle.
        let seen = watched.contains(&format!("{:?}", Key::Bill(bill.id)));
        if seen {
            continue;
        }
        let text = format!("{} ({}) is {} (asked about: {seen})", bill.ref_id(), bill.order_id, bill.status.name());
        outside.broken("everything comes to an end", text, vec![bill.id.to_string(), bill.order_id.clone()]);
    }
    Ok(())
}
