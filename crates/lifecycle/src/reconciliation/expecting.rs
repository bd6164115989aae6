//! What we believe, as a provider's file would say it. What is open or has failed is named too: a line may be about it.

use money::Amount;

use super::{Expectation, SubjectKind};
use crate::{
    bill::{Bill, BillStatus, Fate},
    payment::{Payment, PaymentStatus},
    refund::{Refund, RefundKind, RefundStatus},
};

/// What is expected of a payment's provider; nothing before it was asked to charge.
pub fn of_payment(payment: &Payment) -> Option<Expectation> {
    let (provider_reference, at) = match &payment.status {
        PaymentStatus::Succeeded { provider_reference, at }
        | PaymentStatus::SucceededLate { provider_reference, at, .. } => (Some(provider_reference.clone()), *at),
        PaymentStatus::Checkout | PaymentStatus::Confirming => return None,
        _ => (None, payment.created_at),
    };
    Some(Expectation {
        kind: SubjectKind::Payment,
        subject: payment.id.bits(),
        merchant: payment.merchant.clone(),
        reference: payment.id.to_string(),
        believed: provider_reference.is_some(),
        provider_reference: provider_reference.filter(|reference| !reference.is_empty()),
        amount: payment.amount,
        at,
    })
}

/// What is expected of a refund's provider. A cancellation has no reference of its own there.
pub fn of_refund(refund: &Refund) -> Expectation {
    let (provider_reference, at) = match &refund.status {
        RefundStatus::Succeeded { provider_reference, at } => (Some(provider_reference.clone()), *at),
        _ => (None, refund.created_at),
    };
    Expectation {
        kind: SubjectKind::Refund,
        subject: refund.id.bits(),
        merchant: refund.merchant.clone(),
        reference: match refund.kind {
            RefundKind::Refund => refund.id.to_string(),
            RefundKind::Cancel => refund.payment.to_string(),
        },
        believed: provider_reference.is_some(),
        provider_reference: provider_reference.filter(|reference| !reference.is_empty()),
        amount: refund.amount,
        at,
    }
}

/// What is expected of every source that was asked for a bill, with the source.
pub fn of_bill(bill: &Bill) -> Vec<(String, Expectation)> {
    let expectation = |order: &crate::bill::SentOrder| {
        let source = bill.sources.get(order.source)?;
        let (amount, provider_reference) = match &order.fate {
            Fate::PaidBeside { receipt, cost } => (*cost, Some(receipt.provider_reference.clone())),
            Fate::Paid => (counted_cost(bill, order.attempt), counted_reference(bill)),
            _ => (agreed_cost(bill, order.attempt), None),
        };
        let asked = Bill { attempt: order.attempt, ..bill.clone() };
        let expectation = Expectation {
            kind: SubjectKind::Bill,
            subject: bill.id.bits(),
            merchant: bill.merchant.clone(),
            reference: asked.reference(),
            provider_reference: provider_reference.filter(|reference| !reference.is_empty()),
            amount,
            at: order.at,
            believed: matches!(order.fate, Fate::Paid | Fate::PaidBeside { .. }),
        };
        Some((source.connector.clone(), expectation))
    };
    bill.orders.iter().filter_map(expectation).collect()
}

/// What the order that counts took from our float: what was posted when it was paid.
fn counted_cost(bill: &Bill, attempt: u8) -> Amount {
    let told = match &bill.status {
        BillStatus::Succeeded { receipt, .. } | BillStatus::SucceededLate { receipt, .. } => receipt.cost,
        _ => None,
    };
    told.unwrap_or_else(|| agreed_cost(bill, attempt))
}

fn counted_reference(bill: &Bill) -> Option<String> {
    match &bill.status {
        BillStatus::Succeeded { receipt, .. } | BillStatus::SucceededLate { receipt, .. } => {
            Some(receipt.provider_reference.clone())
        }
        _ => None,
    }
}

/// What the source said when it was inquired under this reference, else the bill's amount.
fn agreed_cost(bill: &Bill, attempt: u8) -> Amount {
    let inquired = bill.inquired && attempt == bill.attempt;
    let said = bill.due.as_ref().filter(|_| inquired).and_then(|due| due.cost);
    said.unwrap_or_else(|| bill.quote.map_or(Amount::ZERO, |quote| quote.bill_amount))
}
