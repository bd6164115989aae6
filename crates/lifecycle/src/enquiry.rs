//! Questions that change nothing: Account Inquiry (08), Balance Inquiry (11), Inquiry Status (26), Debit Status (55).
//! They are recorded like every call, because their external ids count too.

use crate::{
    Answer, Decision, Digest, ProductCode, Refusal,
    account_creation::{AccountCreation, AccountCreationStatus},
    decision::Context,
    linkage::{self, Link, LinkStatus},
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
    /// The payment's refunds, as `engine` found them before: their present states are told.
    pub refunds: Vec<crate::RefundId>,
}

/// Answers where a payment stands.
pub fn payment_status(
    command: AskPaymentStatus,
    payment: Option<&Payment>,
    refunds: Vec<Refund>,
    context: &Context<'_>,
) -> Result<Decision, Refusal> {
    let payment = payment
        .filter(|payment| {
            payment.merchant == context.merchant.code && command.payment.is_none_or(|id| id == payment.id)
        })
        .ok_or(Refusal::PaymentNotFound)?;
    let key = command.request.key.clone();
    let mut decision = Decision::recording(command.request);
    let mut refunds: Vec<Refund> = refunds.into_iter().filter(|refund| refund.payment == payment.id).collect();
    refunds.sort_by_key(|refund| (refund.created_at, refund.id));
    decision.answer(key, Answer::PaymentStatus { payment: Box::new(payment.clone()), refunds });
    Ok(decision)
}
