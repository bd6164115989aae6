//! Questions that change nothing: Account Inquiry (08), Balance Inquiry (11), Inquiry Status (26), Debit Status (55).
//! They are recorded like every call, because their external ids count too.

use crate::{
    Answer, Decision, Digest, Key, NotificationId, ProductCode, Refusal,
    account_creation::{AccountCreation, AccountCreationStatus},
    command::{World, notification_row},
    decision::Context,
    endpoint::Lane,
    linkage::{self, Link, LinkStatus},
    notification::{self, NoticeKind, Subject},
    payment::Payment,
    provider::{AccountInfo, AccountStatus, Outcome},
    refund::Refund,
    request::{Request, RequestKey},
    task::{Task, TaskKind},
};

/// Account Inquiry as a merchant asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InquireAccount {
    /// The call.
    pub request: Request,
    /// `additionalInfo.productCode`.
    pub product: ProductCode,
    /// `additionalInfo.phoneNo`.
    pub phone: Option<String>,
    /// Digest of `additionalInfo.accountToken`.
    pub account_token: Option<Digest>,
}

/// Asks the provider about an account; a link that is not active is answered from our own state. `link` is the one that
/// the account token or the number names.
pub fn inquire_account(
    command: InquireAccount,
    link: Option<&Link>,
    creation: Option<&AccountCreation>,
    context: &mut Context<'_>,
) -> Result<Decision, Refusal> {
    if !context.merchant.has(&command.product) {
        return Err(Refusal::ProductNotAllowed);
    }
    let mut asked_link = None;
    let mut known = None;
    let mine = link.filter(|link| link.merchant == context.merchant.code && link.product == command.product);
    if command.account_token.is_some() && mine.is_none() {
        return Err(Refusal::TokenUnknown);
    }
    if let Some(link) = mine {
        match &link.status {
            LinkStatus::Active { .. } => asked_link = Some(link.id),
            LinkStatus::Binding { .. } | LinkStatus::AwaitingCustomer { .. } | LinkStatus::Unknown { .. } => {
                known = Some(AccountStatus::Pending);
            }
            LinkStatus::Unlinking { .. }
            | LinkStatus::Unlinked { .. }
            | LinkStatus::Revoked { .. }
            | LinkStatus::Failed { .. } => {
                // A number says nothing of a link that ended: the provider may know the account all the same.
                known = command.account_token.map(|_| AccountStatus::Inactive);
            }
        }
    }
    let opening = creation.is_some_and(|creation| {
        matches!(creation.status, AccountCreationStatus::AwaitingPin | AccountCreationStatus::Creating { .. })
    });
    if opening && known.is_none() && asked_link.is_none() {
        known = Some(AccountStatus::Pending);
    }
    let key = command.request.key.clone();
    let mut decision = Decision::recording(command.request);
    match known {
        Some(status) => {
            decision.answer(key, Answer::Account(AccountInfo { status, level: '0', message: String::new() }))
        }
        None => {
            let kind = TaskKind::InquireAccount {
                request: key,
                product: command.product,
                phone: command.phone,
                link: asked_link,
            };
            decision.perform(context, kind);
        }
    }
    Ok(decision)
}

/// Balance Inquiry as a merchant asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadBalance {
    /// The call.
    pub request: Request,
    /// `partnerReferenceNo`.
    pub partner_reference: String,
    /// Digest of `bankCardToken`.
    pub card_token: Digest,
    /// `additionalInfo.productCode`, where sent.
    pub product: Option<ProductCode>,
}

/// Asks the provider for a linked account's balances.
pub fn read_balance(command: ReadBalance, link: Option<&Link>, context: &mut Context<'_>) -> Result<Decision, Refusal> {
    let (link, _) = linkage::usable(link, context)?;
    if command.product.is_some_and(|product| product != link.product) {
        return Err(Refusal::TokenUnknown);
    }
    let kind = TaskKind::ReadBalance {
        request: command.request.key.clone(),
        link: link.id,
        partner_reference: command.partner_reference,
    };
    let mut decision = Decision::recording(command.request);
    decision.perform(context, kind);
    Ok(decision)
}

/// The provider answered a question: pass it on.
pub fn answered(request: &RequestKey, task: &Task, outcome: Outcome) -> Decision {
    let mut decision = Decision::ending(task.id);
    let answer = match outcome {
        Outcome::Account(info) => Answer::Account(info),
        Outcome::Balance(lines) => {
            let partner_reference = match &task.kind {
                TaskKind::ReadBalance { partner_reference, .. } => partner_reference.clone(),
                _ => String::new(),
            };
            Answer::Balance { partner_reference, lines }
        }
        Outcome::Refused(reason) => Answer::Refused(Refusal::Provider(reason)),
        _ => Answer::Refused(Refusal::ProviderSilent),
    };
    decision.answer(request.clone(), answer);
    decision
}

/// Inquiry Status (26) and Debit Status (55): our own state, no provider asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskPaymentStatus {
    /// The call.
    pub request: Request,
    /// The merchant's reference of the payment asked about.
    pub payment_reference: String,
    /// Our reference of it, where sent: must be the same payment.
    pub payment: Option<crate::PaymentId>,
    /// `isPaymentNotif`, where sent.
    pub wish: Option<NotificationWish>,
    /// The newest notification of the payment's outcome, as `engine` found it before.
    pub told: Option<NotificationId>,
    /// The payment's refunds, as `engine` found them before: their present states are told.
    pub refunds: Vec<crate::RefundId>,
}

/// What is to become of the notification of a payment's outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotificationWish {
    /// `Y`: send it again.
    Resend,
    /// `N`: the merchant knows the outcome, and is not to be told any more. No money is changed by that.
    Acknowledge,
}

impl AskPaymentStatus {
    pub(crate) fn payment_key(&self) -> Key {
        Key::PaymentByReference(self.request.key.merchant.clone(), self.payment_reference.clone())
    }

    /// The rows that the answer needs.
    pub(crate) fn keys(&self) -> Vec<Key> {
        let endpoint = || Key::Endpoint(self.request.key.merchant.clone(), NoticeKind::Payment);
        let resends = self.wish == Some(NotificationWish::Resend);
        let told = self.told.map(Key::Notification);
        let refunds = self.refunds.iter().map(|id| Key::Refund(*id));
        [self.payment_key()].into_iter().chain(refunds).chain(told).chain(resends.then(endpoint)).collect()
    }
}

/// Answers where a payment stands, and does what is wished of the notification of its outcome.
pub fn payment_status(
    command: AskPaymentStatus,
    payment: Option<&Payment>,
    refunds: Vec<Refund>,
    world: &dyn World,
    context: &Context<'_>,
) -> Result<Decision, Refusal> {
    let payment = payment
        .filter(|payment| {
            payment.merchant == context.merchant.code && command.payment.is_none_or(|id| id == payment.id)
        })
        .ok_or(Refusal::PaymentNotFound)?;
    let told = command.told.and_then(|id| notification_row(world, &Key::Notification(id)));
    let notification = told.filter(|row| row.subject == Subject::Payment(payment.id));
    let mut suspect = notification.is_some_and(|row| row.status.is_suspect());
    let mut decision = match (command.wish, notification) {
        (Some(NotificationWish::Resend), Some(row)) => {
            let mut lane = Lane::of(row.merchant.clone(), row.kind, world);
            lane.resend(row, context);
            lane.decision
        }
        (Some(NotificationWish::Acknowledge), Some(row)) => {
            suspect = false;
            let mut decision = Decision::default();
            notification::acknowledge(row, &mut decision, context.now);
            decision
        }
        (None, _) | (_, None) => Decision::default(),
    };
    let key = command.request.key.clone();
    decision.request = Some(command.request);
    let mut refunds: Vec<Refund> = refunds.into_iter().filter(|refund| refund.payment == payment.id).collect();
    refunds.sort_by_key(|refund| (refund.created_at, refund.id));
    decision.answer(key, Answer::PaymentStatus { payment: Box::new(payment.clone()), refunds, suspect });
    Ok(decision)
}
