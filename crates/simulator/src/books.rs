//! Three books that must agree: what the gateway says was paid and went back, what providers took and gave back, what the
//! merchant was told.

use std::collections::BTreeMap;

use connectors::imitation::Books;
use lifecycle::{
    MerchantCode, PaymentId, RefundId,
    payment::{Payment, PaymentStatus},
    refund::{Refund, RefundKind, RefundStatus},
};
use money::Amount;
use serde::Serialize;
use store::{Reader, StoreError};

use crate::demo_merchant::Book;

/// How many payments are read at once.
const PAGE: usize = 500;

/// What one book says about one product.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Total {
    /// How many payments.
    pub count: u64,
    /// Their sum, in sen.
    pub sum_sen: i64,
}

/// One row of the comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The product.
    pub product: String,
    /// The gateway's payments that succeeded.
    pub gateway: Total,
    /// The provider's charges where money moved.
    pub provider: Total,
    /// The merchant's orders that are paid.
    pub merchant: Total,
    /// What the gateway says went back of them, cancellations included.
    pub gateway_refunded: Total,
    /// What the provider gave back.
    pub provider_refunded: Total,
    /// What the merchant was told went back.
    pub merchant_refunded: Total,
}

/// The comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// One line per product.
    pub lines: Vec<Line>,
    /// Everything that differs, named.
    pub differences: Vec<String>,
    /// Payments that are not decided yet.
    pub undecided: Vec<String>,
}

impl Comparison {
    /// Whether the books agree and nothing is open.
    pub fn agree(&self) -> bool {
        self.differences.is_empty() && self.undecided.is_empty()
    }
}

/// Every payment of these merchants.
///
/// # Errors
/// [`StoreError`] of the first question that was not answered.
pub fn payments(reader: &dyn Reader, merchants: &[MerchantCode]) -> Result<Vec<Payment>, StoreError> {
    let mut all: Vec<Payment> = vec![];
    for merchant in merchants {
        let mut after: Option<PaymentId> = None;
        loop {
            let page = reader.payments(merchant, after, PAGE)?;
            after = page.last().map(|payment| payment.id);
            let last = page.len() < PAGE;
            all.extend(page);
            if last {
                break;
            }
        }
    }
    Ok(all)
}

/// Every refund and cancellation of these merchants.
///
/// # Errors
/// [`StoreError`] of the first question that was not answered.
pub fn refunds(reader: &dyn Reader, merchants: &[MerchantCode]) -> Result<Vec<Refund>, StoreError> {
    let mut all: Vec<Refund> = vec![];
    for merchant in merchants {
        let mut after: Option<RefundId> = None;
        loop {
            let page = reader.refunds(merchant, after, PAGE)?;
            after = page.last().map(|refund| refund.id);
            let last = page.len() < PAGE;
            all.extend(page);
            if last {
                break;
            }
        }
    }
    Ok(all)
}

/// Compares payment by payment and refund by refund, and sums up by product.
pub fn compare(payments: &[Payment], refunds: &[Refund], providers: &[Books], merchant: &Book) -> Comparison {
    let mut comparison = Comparison::default();
    let mut lines: BTreeMap<String, Line> = BTreeMap::new();
    let mut charges: BTreeMap<&str, (Amount, u32)> = BTreeMap::new();
    for books in providers {
        for charge in &books.charges {
            if charge.charged && charges.insert(&charge.reference, (charge.amount, charge.requests)).is_some() {
                comparison.differences.push(format!("two providers charged {}", charge.reference));
            }
            if charge.requests > 1 {
                let (times, reference) = (charge.requests, &charge.reference);
                comparison
                    .differences
                    .push(format!("{} was asked {times} times to charge {reference}", books.provider));
            }
        }
    }
    for payment in payments {
        let product = payment.product.as_ref().map_or_else(|| "(none)".to_owned(), ToString::to_string);
        let line = lines.entry(product.clone()).or_insert_with(|| Line { product, ..Line::default() });
        compare_one(payment, charges.remove(payment.id.to_string().as_str()), merchant, line, &mut comparison);
    }
    for (reference, (amount, _)) in charges {
        comparison
            .differences
            .push(format!("a provider charged {amount:?} for {reference}, which the gateway does not know"));
    }
    compare_refunds(payments, refunds, providers, merchant, &mut lines, &mut comparison);
    comparison.lines = lines.into_values().collect();
    comparison
}

/// The gateway, providers and merchant agree on what went back, and nobody gave back what nobody asked for.
fn compare_refunds(
    payments: &[Payment],
    refunds: &[Refund],
    providers: &[Books],
    merchant: &Book,
    lines: &mut BTreeMap<String, Line>,
    comparison: &mut Comparison,
) {
    // A cancellation has no reference of its own at a provider: the charge's names it.
    let mut booked: BTreeMap<(String, bool), Amount> = BTreeMap::new();
    for refund in providers.iter().flat_map(|books| &books.refunds).filter(|refund| refund.done) {
        if booked.insert((refund.reference.clone(), refund.cancels), refund.amount).is_some() {
            comparison.differences.push(format!("two providers gave back {}", refund.reference));
        }
    }
    let payments: BTreeMap<PaymentId, &Payment> = payments.iter().map(|payment| (payment.id, payment)).collect();
    for refund in refunds {
        let Some(payment) = payments.get(&refund.payment) else {
            comparison.differences.push(format!("{} is of a payment that is not here", refund.id));
            continue;
        };
        let product = payment.product.as_ref().map_or_else(|| "(none)".to_owned(), ToString::to_string);
        let line = lines.entry(product.clone()).or_insert_with(|| Line { product, ..Line::default() });
        let reference = match refund.kind {
            RefundKind::Cancel => payment.id.to_string(),
            RefundKind::Refund => refund.id.to_string(),
        };
        let provider = booked.remove(&(reference, refund.kind == RefundKind::Cancel));
        compare_refund(refund, payment, provider, merchant, line, comparison);
    }
    for ((reference, _), amount) in booked {
        let amount = amount.display_text();
        comparison.differences.push(format!("a provider gave back {amount} for {reference}, which nobody asked for"));
    }
}

fn compare_refund(
    refund: &Refund,
    payment: &Payment,
    provider: Option<Amount>,
    merchant: &Book,
    line: &mut Line,
    comparison: &mut Comparison,
) {
    let id = refund.id.to_string();
    let order = merchant.find(payment.merchant.as_str(), &payment.partner_reference);
    let told = order.and_then(|order| order.refunds.get(&id)).and_then(|text| Amount::parse_snap(text).ok());
    let done = match refund.status {
        RefundStatus::Succeeded { .. } => Some(refund.amount),
        RefundStatus::Failed { .. } => None,
        RefundStatus::Refunding { .. } | RefundStatus::Unknown { .. } | RefundStatus::Owed { .. } => {
            comparison.undecided.push(format!("{} is {}", refund.partner_reference, refund.status.name()));
            None
        }
    };
    // Of what was called off before it was charged, nothing went back.
    let moved = done.map(|amount| if is_charged(payment) { amount } else { Amount::ZERO });
    for (total, amount) in [
        (&mut line.gateway_refunded, moved),
        (&mut line.provider_refunded, provider),
        (&mut line.merchant_refunded, told.and(moved)),
    ] {
        if let Some(amount) = amount {
            total.count += 1;
            total.sum_sen = total.sum_sen.saturating_add(amount.sen());
        }
    }
    if moved != provider || done != told {
        let text = |amount: Option<Amount>| amount.map_or_else(|| "nothing".to_owned(), Amount::display_text);
        let (gateway, provider, told) = (text(moved), text(provider), text(told));
        comparison.differences.push(format!(
            "{} ({id}): back by the gateway {gateway}, provider {provider}, merchant {told}",
            refund.partner_reference
        ));
    }
}

fn is_charged(payment: &Payment) -> bool {
    matches!(payment.status, PaymentStatus::Succeeded { .. } | PaymentStatus::SucceededLate { .. })
}

fn compare_one(
    payment: &Payment,
    charge: Option<(Amount, u32)>,
    merchant: &Book,
    line: &mut Line,
    comparison: &mut Comparison,
) {
    let (id, reference) = (payment.id.to_string(), &payment.partner_reference);
    let order = merchant.find(payment.merchant.as_str(), reference);
    let told =
        order.filter(|order| order.payment_request_id.as_deref() == Some(&id)).and_then(|order| order.paid.clone());
    let told = told.and_then(|text| Amount::parse_snap(&text).ok());
    // A late success that goes back is told as what it is, and is no income.
    let told = told.or_else(|| order.filter(|order| order.refund_due.contains(&id)).map(|_| payment.amount));
    let succeeded = match payment.status {
        PaymentStatus::Succeeded { .. } | PaymentStatus::SucceededLate { .. } => Some(payment.amount),
        PaymentStatus::Failed { .. } => None,
        PaymentStatus::Checkout | PaymentStatus::AwaitingCustomer { .. } if charge.is_none() => None,
        _ => {
            comparison.undecided.push(format!("{reference} is {}", payment.status.name()));
            None
        }
    };
    for (total, amount) in [
        (&mut line.gateway, succeeded),
        (&mut line.provider, charge.map(|(amount, _)| amount)),
        (&mut line.merchant, told),
    ] {
        if let Some(amount) = amount {
            total.count += 1;
            total.sum_sen = total.sum_sen.saturating_add(amount.sen());
        }
    }
    let text = |amount: Option<Amount>| amount.map_or_else(|| "nothing".to_owned(), Amount::display_text);
    if succeeded != charge.map(|(amount, _)| amount) || succeeded != told {
        let (gateway, provider, told) = (text(succeeded), text(charge.map(|(amount, _)| amount)), text(told));
        comparison
            .differences
            .push(format!("{reference} ({id}): gateway {gateway}, provider {provider}, merchant {told}"));
    }
}
