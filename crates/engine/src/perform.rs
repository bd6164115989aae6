//! Does the work that decisions asked for, and queues what came of it as the next command.

use std::sync::Arc;

use connectors::Capability;
use lifecycle::{
    Command, MerchantCode, ProductCode, Row,
    account_creation::AccountCreation,
    bill::{Bill, BillStatus, BillTask},
    linkage::{Link, LinkStatus},
    notification::NotificationStatus,
    payment::{Payment, PaymentStatus},
    provider::{AccountInfo, AccountStatus, BillOrder, Charge, Outcome, ProviderCall, ProviderLink, RefundOrder},
    refund::Refund,
    task::{Task, TaskKind},
};

use crate::{
    Engine, Partner,
    batch::Unstored,
    evidence::{About, Evidence},
    lanes,
};

/// A task to perform, with what the batch had at hand.
pub struct Work {
    /// The task; its attempt is counted already.
    pub task: Task,
    /// The merchant concerned, if known.
    pub partner: Option<Arc<Partner>>,
    /// The rows that it needs, as far as known.
    pub rows: Vec<Row>,
    /// What must not be stored.
    pub unstored: Option<Unstored>,
}

/// What a task's call is, once its rows are there.
pub(crate) enum Call {
    /// At the connector of this name.
    Provider(String, ProviderCall),
    /// Wherever this product is asked for.
    Product(ProductCode, ProviderCall),
    /// Where this payment was asked to be charged.
    Charged(Box<Payment>, ProviderCall),
    AskMerchant(Box<Payment>),
    /// Nothing to do any more, or nothing that may be done again: this is the outcome.
    Settled(Outcome),
}

impl Call {
    /// A call about the charge of this payment.
    fn charged(payment: &Payment, call: ProviderCall) -> Self {
        Self::Charged(Box::new(payment.clone()), call)
    }

    /// What a provider is asked, if one is.
    fn of_provider(&self) -> Option<&ProviderCall> {
        match self {
            Self::Provider(_, call) | Self::Product(_, call) | Self::Charged(_, call) => Some(call),
            Self::AskMerchant(_) | Self::Settled(_) => None,
        }
    }

    /// A call about this product.
    fn of_product(product: &ProductCode, call: ProviderCall) -> Self {
        Self::Product(product.clone(), call)
    }
}

/// Performs one task to the end.
pub(crate) async fn perform(engine: Engine, mut work: Work) {
    engine.gather(&mut work).await;
    let Some(partner) =
        work.partner.clone().or_else(|| merchant_of(&work).and_then(|merchant| engine.partner(merchant.as_str())))
    else {
        tracing::error!(task = %work.task.id, kind = work.task.kind.name(), "a task belongs to no merchant; it stays due");
        return;
    };
    match &work.task.kind {
        TaskKind::RunLane { kind, .. } => return lanes::run(&engine, partner, *kind).await,
        TaskKind::Notify(_) => {
            if let Some(Row::Notification(row)) = work.rows.first()
                && let NotificationStatus::Pending { .. } = row.status
            {
                return lanes::notify(&engine, partner, &work.task, (**row).clone()).await;
            }
        }
        _ => {}
    }
    if lifecycle::planted!(LeaseForgotten) && work.task.attempts > 1 {
        return;
    }
    let crash = engine.crash_point();
    let call = call_of(&engine, &work);
    #[cfg(feature = "plants")]
    let call = crate::plant::misnamed(call, &work.task);
    let mut evidence = Evidence::default();
    let line = match &call {
        Call::Provider(connector, _) => engine.lines().line(connector),
        Call::Product(product, _) => engine.lines().of_product(product),
        Call::Charged(payment, _) => engine.lines().of_payment(payment),
        Call::AskMerchant(_) | Call::Settled(_) => None,
    };
    let outcome = match &call {
        Call::Settled(outcome) => outcome.clone(),
        Call::Provider(_, call) | Call::Product(_, call) | Call::Charged(_, call) => {
            crash.pass("before_call");
            let outcome = engine.call_line_seen(line, call, &mut evidence).await;
            crash.pass("after_call");
            outcome
        }
        Call::AskMerchant(payment) => {
            crash.pass("before_callback");
            engine.merchant_line().inquire(&partner, payment, &mut evidence).await
        }
    };
    #[cfg(feature = "plants")]
    let outcome = crate::plant::misread(outcome, &work.task.kind);
    tracing::info!(task.id = %work.task.id, kind = work.task.kind.name(), attempts = work.task.attempts, outcome = outcome_name(&outcome), "performed");
    let link = work.rows.iter().find_map(|row| match row {
        Row::Payment(payment) => payment.link,
        _ => None,
    });
    let connector = connector_of(&engine, &work);
    let about = About {
        task: &work.task,
        merchant: &partner.merchant.code,
        provider: line.map(|line| (line.connector.descriptor().name, &line.account)),
        call: call.of_provider(),
        outcome: &outcome,
    };
    let exchanges = engine.kept(evidence, &about);
    let command = Command::TaskEnded { task: work.task, outcome, link };
    engine.feed_back(partner, command, connector.as_deref(), exchanges).await;
}

fn merchant_of(work: &Work) -> Option<MerchantCode> {
    match &work.task.kind {
        TaskKind::InquireAccount { request, .. } | TaskKind::ReadBalance { request, .. } => {
            return Some(request.merchant.clone());
        }
        TaskKind::PayBill(about) | TaskKind::InquireBillPayment { bill: about, .. } => {
            return Some(about.merchant.clone());
        }
        TaskKind::RunLane { merchant, .. } => return Some(merchant.clone()),
        _ => {}
    }
    work.rows.first().and_then(|row| match row {
        Row::Payment(row) => Some(row.merchant.clone()),
        Row::Link(row) => Some(row.merchant.clone()),
        Row::AccountCreation(row) => Some(row.merchant.clone()),
        Row::Notification(row) => Some(row.merchant.clone()),
        Row::AuthCode(row) => Some(row.merchant.clone()),
        Row::Request(row) => Some(row.key.merchant.clone()),
        Row::Bill(row) => Some(row.merchant.clone()),
        Row::TopUp(row) => Some(row.merchant.clone()),
        Row::Invoice(row) => Some(row.merchant.clone()),
        Row::InvoiceBook(row) => Some(row.merchant.clone()),
        Row::Refund(row) => Some(row.merchant.clone()),
        Row::Ruling(row) => Some(row.merchant.clone()),
        Row::Endpoint(row) => Some(row.merchant.clone()),
        // Nothing is performed about an account or a reconciliation.
        Row::Account(_) | Row::SettlementFile(_) | Row::ReconciliationItem(_) => None,
    })
}

/// The connector whose word counts for the task.
fn connector_of(engine: &Engine, work: &Work) -> Option<String> {
    let seller = |product: &ProductCode| engine.lines().seller(product).map(str::to_owned);
    if let TaskKind::PayBill(about) | TaskKind::InquireBillPayment { bill: about, .. } = &work.task.kind {
        return Some(about.connector.clone());
    }
    work.rows.iter().find_map(|row| match row {
        Row::Payment(row) => engine.lines().charged_by(row).map(str::to_owned),
        Row::Link(row) => seller(&row.product),
        Row::Bill(row) => row.source().map(|source| source.connector.clone()),
        _ => None,
    })
}

fn call_of(engine: &Engine, work: &Work) -> Call {
    let mut again = lifecycle::planted!(RetryChargeAfterCrash);
    if lifecycle::planted!(NewReferenceOnRetry) {
        again = matches!(work.task.kind, TaskKind::Charge(_));
    }
    if work.task.attempts > 1 && !work.task.kind.safe_to_repeat() && !again {
        return Call::Settled(Outcome::Unknown("the gateway stopped while it was being done".into()));
    }
    let mut payment = None;
    let mut link = None;
    let mut creation = None;
    let mut bill = None;
    let mut refund = None;
    for row in &work.rows {
        match row {
            Row::Payment(row) => payment = Some(row.as_ref()),
            Row::Link(row) => link = Some(row.as_ref()),
            Row::AccountCreation(row) => creation = Some(row.as_ref()),
            Row::Bill(row) => bill = Some(row.as_ref()),
            Row::Refund(row) => refund = Some(row.as_ref()),
            Row::AuthCode(_)
            | Row::Notification(_)
            | Row::Request(_)
            | Row::Account(_)
            | Row::TopUp(_)
            | Row::Invoice(_)
            | Row::InvoiceBook(_)
            | Row::SettlementFile(_)
            | Row::ReconciliationItem(_)
            | Row::Ruling(_)
            | Row::Endpoint(_) => {}
        }
    }
    let call = match &work.task.kind {
        TaskKind::Bind(_) => link.and_then(|link| bind_call(engine, link)),
        TaskKind::InquireBinding { .. } => link.and_then(inquire_binding_call),
        TaskKind::Unbind(_) => link.and_then(unbind_call),
        TaskKind::InquireAccount { product, phone, .. } => {
            Some(inquire_account_call(engine, product, phone.as_ref(), link))
        }
        TaskKind::ReadBalance { .. } => link.and_then(read_balance_call),
        TaskKind::CreateAccount(_) => creation.and_then(|creation| create_call(creation, work.unstored.clone())),
        TaskKind::InquireCreation(_) => creation.map(inquire_creation_call),
        TaskKind::ConfirmWithMerchant(_) => payment.map(|payment| Call::AskMerchant(Box::new(payment.clone()))),
        TaskKind::Charge(_) => payment.and_then(|payment| charge_call(engine, payment, link)),
        TaskKind::InquireCharge { .. } => payment.and_then(inquire_charge_call),
        TaskKind::ExpireCheckout(_) => Some(Call::Settled(Outcome::Pending)),
        TaskKind::InquireBill(_) => bill.and_then(|bill| inquire_bill_call(engine, bill)),
        TaskKind::PayBill(about) => bill.and_then(|bill| pay_bill_call(engine, bill, about)),
        TaskKind::InquireBillPayment { bill: about, .. } => {
            bill.and_then(|bill| inquire_bill_payment_call(engine, bill, about))
        }
        TaskKind::Refund(_) => refund_order(refund, payment, link)
            .and_then(|(payment, order)| refund_call(engine, payment, ProviderCall::Refund(order))),
        TaskKind::InquireRefund(_) => refund_order(refund, payment, link)
            .zip(refund.and_then(|refund| refund.status.sent_at()))
            .map(|((payment, order), sent_at)| Call::charged(payment, ProviderCall::InquireRefund { order, sent_at })),
        // A notification that is not to be tried any more comes here.
        TaskKind::Notify(_) | TaskKind::RunLane { .. } => None,
    };
    call.unwrap_or_else(|| Call::Settled(Outcome::Unknown("the state that it belongs to has moved on".into())))
}

/// Whether the provider of this product tells the state of an account.
/// A provider that cannot be asked about the account is answered for from our own book: linked or not.
fn inquire_account_call(engine: &Engine, product: &ProductCode, phone: Option<&String>, link: Option<&Link>) -> Call {
    let provider = link.and_then(provider_of).cloned();
    let phone = phone.or_else(|| link.and_then(|link| link.phone.as_ref())).cloned();
    let (status, level) =
        if provider.is_some() { (AccountStatus::Active, '2') } else { (AccountStatus::NotRegistered, '0') };
    let call = ProviderCall::InquireAccount { phone, provider };
    let seller = engine.lines().seller(product).and_then(connectors::connector);
    let can_tell = seller.is_some_and(|seller| seller.descriptor().capabilities.contains(&Capability::of(&call)));
    if can_tell {
        Call::of_product(product, call)
    } else {
        Call::Settled(Outcome::Account(AccountInfo { status, level, message: String::new() }))
    }
}

fn provider_of(link: &Link) -> Option<&ProviderLink> {
    match &link.status {
        LinkStatus::Active { provider, .. }
        | LinkStatus::Unlinking { provider, .. }
        | LinkStatus::AwaitingCustomer { provider, .. } => Some(provider),
        LinkStatus::Binding { .. }
        | LinkStatus::Unknown { .. }
        | LinkStatus::Unlinked { .. }
        | LinkStatus::Revoked { .. }
        | LinkStatus::Failed { .. } => None,
    }
}

fn bind_call(engine: &Engine, link: &Link) -> Option<Call> {
    let LinkStatus::Binding { auth_code, page, .. } = &link.status else {
        return None;
    };
    let call = ProviderCall::Bind {
        link: link.id,
        phone: link.phone.clone(),
        auth_code: auth_code.clone(),
        return_url: format!("{}/binding/{}/return", engine.base_url(), page.expose()),
        lang: link.lang.clone(),
    };
    Some(Call::of_product(&link.product, call))
}

fn inquire_binding_call(link: &Link) -> Option<Call> {
    let (provider, returned_code) = match &link.status {
        LinkStatus::AwaitingCustomer { provider, returned_code, .. } => (provider.clone(), returned_code.clone()),
        LinkStatus::Unknown { .. } => (ProviderLink::default(), None),
        _ => return None,
    };
    let call = ProviderCall::InquireBinding { link: link.id, phone: link.phone.clone(), provider, returned_code };
    Some(Call::of_product(&link.product, call))
}

fn unbind_call(link: &Link) -> Option<Call> {
    let LinkStatus::Unlinking { provider, .. } = &link.status else {
        return None;
    };
    let call = ProviderCall::Unbind { link: link.id, provider: provider.clone(), phone: link.phone.clone() };
    Some(Call::of_product(&link.product, call))
}

fn read_balance_call(link: &Link) -> Option<Call> {
    let call = ProviderCall::ReadBalance { provider: provider_of(link)?.clone(), phone: link.phone.clone() };
    Some(Call::of_product(&link.product, call))
}

fn inquire_creation_call(creation: &AccountCreation) -> Call {
    let call = ProviderCall::InquireAccount { phone: Some(creation.person.phone.clone()), provider: None };
    Call::of_product(&creation.product, call)
}

fn create_call(creation: &AccountCreation, unstored: Option<Unstored>) -> Option<Call> {
    let Unstored { pin, password } = unstored?;
    let call =
        ProviderCall::CreateAccount { creation: creation.id, person: Box::new(creation.person.clone()), pin, password };
    Some(Call::of_product(&creation.product, call))
}

fn charge_call(engine: &Engine, payment: &Payment, link: Option<&Link>) -> Option<Call> {
    let PaymentStatus::Charging { .. } = payment.status else {
        return None;
    };
    let connector = engine.lines().charged_by(payment)?;
    let provider = link.and_then(provider_of).cloned();
    if payment.link.is_some() && provider.is_none() {
        return Some(Call::Settled(Outcome::Refused(lifecycle::Reason::CustomerTokenInvalid)));
    }
    let call = ProviderCall::Charge(Charge {
        payment: payment.id,
        reference: payment.id.to_string(),
        amount: payment.amount,
        provider,
        phone: payment.phone.clone(),
        return_url: format!("{}/pay/{}/return", engine.base_url(), payment.page_token.expose()),
        notify_url: format!("{}/notices/{connector}", engine.base_url()),
        valid_until: payment.valid_until,
        description: payment.partner_reference.clone(),
    });
    Some(Call::charged(payment, call))
}

fn inquire_charge_call(payment: &Payment) -> Option<Call> {
    let (charged_at, provider_reference) = match &payment.status {
        PaymentStatus::AwaitingCustomer { charged_at, provider_reference, .. } => {
            (*charged_at, provider_reference.clone())
        }
        PaymentStatus::Charging { charged_at } | PaymentStatus::Unknown { charged_at, .. } => (*charged_at, None),
        // Called off, and said to be charged all the same.
        PaymentStatus::Failed { .. } if payment.asker.is_some() => (payment.created_at, None),
        _ => return None,
    };
    let call = ProviderCall::InquireCharge {
        reference: payment.id.to_string(),
        provider_reference,
        amount: payment.amount,
        charged_at,
    };
    Some(Call::charged(payment, call))
}

/// A refund as the provider is asked for it, and the payment whose provider that is. A link that is gone is not needed: no
/// provider wants the customer's token for giving money back.
fn refund_order<'p>(
    refund: Option<&Refund>,
    payment: Option<&'p Payment>,
    link: Option<&Link>,
) -> Option<(&'p Payment, RefundOrder)> {
    let (refund, payment) = refund.zip(payment)?;
    if !refund.is_open() {
        return None;
    }
    let (charged_at, provider_reference) = match &payment.status {
        PaymentStatus::Succeeded { provider_reference, .. }
        | PaymentStatus::SucceededLate { provider_reference, .. } => {
            (payment.created_at, Some(provider_reference.clone()))
        }
        PaymentStatus::AwaitingCustomer { charged_at, provider_reference, .. } => {
            (*charged_at, provider_reference.clone())
        }
        PaymentStatus::Charging { charged_at } | PaymentStatus::Unknown { charged_at, .. } => (*charged_at, None),
        PaymentStatus::Checkout | PaymentStatus::Confirming | PaymentStatus::Failed { .. } => {
            (payment.created_at, None)
        }
    };
    let order = RefundOrder {
        refund: refund.id,
        reference: refund.id.to_string(),
        kind: refund.kind,
        charge_reference: payment.id.to_string(),
        charge_provider_reference: provider_reference,
        charged_at,
        charged: payment.amount,
        amount: refund.amount,
        reason: refund.reason.clone(),
        provider: link.and_then(provider_of).cloned(),
    };
    Some((payment, order))
}

/// A provider that cannot do it is known not to have done it.
fn refund_call(engine: &Engine, payment: &Payment, call: ProviderCall) -> Option<Call> {
    let provider = engine.lines().charged_by(payment).and_then(connectors::connector)?;
    if !provider.descriptor().capabilities.contains(&Capability::of(&call)) {
        return Some(Call::Settled(Outcome::Refused(lifecycle::Reason::NotPermitted)));
    }
    Some(Call::charged(payment, call))
}

/// The bill as its present source is asked for it, and that source's connector.
fn bill_order(engine: &Engine, bill: &Bill) -> Option<(String, BillOrder)> {
    let source = bill.source()?;
    let order = BillOrder {
        bill: bill.id,
        reference: bill.reference(),
        sku: source.sku.clone(),
        category: bill.category,
        pricing: bill.pricing,
        admin_included: bill.admin_included,
        order_id: bill.order_id.clone(),
        bill_amount: bill.quote.map(|quote| quote.bill_amount).or(bill.chosen),
        additional: bill.additional.clone(),
        inquired: bill.inquired,
        due: bill.due.clone().filter(|_| bill.inquired),
        notify_url: format!("{}/notices/{}", engine.base_url(), source.connector),
    };
    Some((source.connector.clone(), order))
}

fn inquire_bill_call(engine: &Engine, bill: &Bill) -> Option<Call> {
    if bill.status != BillStatus::Inquiring {
        return None;
    }
    let (connector, order) = bill_order(engine, bill)?;
    Some(Call::Provider(connector, ProviderCall::InquireBill(order)))
}

/// The order under which the task was begun; none when the bill has left it for another.
fn present_order(engine: &Engine, bill: &Bill, about: &BillTask) -> Option<(String, BillOrder)> {
    bill_order(engine, bill).filter(|(connector, _)| bill.attempt == about.attempt && *connector == about.connector)
}

fn pay_bill_call(engine: &Engine, bill: &Bill, about: &BillTask) -> Option<Call> {
    let BillStatus::Sent { .. } = bill.status else {
        return None;
    };
    let (connector, order) = present_order(engine, bill, about)?;
    Some(Call::Provider(connector, ProviderCall::PayBill(order)))
}

fn inquire_bill_payment_call(engine: &Engine, bill: &Bill, about: &BillTask) -> Option<Call> {
    let sent_at = bill.asked_since(about)?;
    let (connector, order) = present_order(engine, bill, about)?;
    Some(Call::Provider(connector, ProviderCall::InquireBillPayment { order, sent_at }))
}

pub(crate) fn outcome_name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::AuthoriseAt { .. } => "authorise_at",
        Outcome::Linked(_) => "linked",
        Outcome::CustomerNeeded { .. } => "customer_needed",
        Outcome::Pending => "pending",
        Outcome::Account(_) => "account",
        Outcome::Balance(_) => "balance",
        Outcome::Charged { .. } => "charged",
        Outcome::Refunded { .. } => "refunded",
        Outcome::NotFound => "not_found",
        Outcome::Unlinked => "unlinked",
        Outcome::AccountOpened { .. } => "account_opened",
        Outcome::MerchantExpects { .. } => "merchant_expects",
        Outcome::BillDue(_) => "bill_due",
        Outcome::BillPaid(_) => "bill_paid",
        Outcome::BillReversed => "bill_reversed",
        Outcome::Float(_) => "float",
        Outcome::Prices(_) => "prices",
        Outcome::Refused(_) => "refused",
        Outcome::Unknown(_) => "unknown",
    }
}
