//! Linkage: a customer's wallet or account, linked to a merchant, used, and unlinked (services 07, 09).

use calendar::Instant;

use crate::{
    Answer, Decision, Digest, LinkId, MerchantCode, ProductCode, Reason, Refusal, Secret,
    auth_code::{self, AuthCode, AuthCodeStatus, PAGE_TOKEN_LENGTH},
    decision::Context,
    merchant::BindingFlow,
    notification::{BindingNotice, BindingResult, Notice},
    provider::{Outcome, ProviderLink},
    request::{Request, RequestKey},
    task::{Task, TaskKind},
};

/// The customer's time on the wallet's binding page, in seconds.
pub const CUSTOMER_SECONDS: i64 = 15 * 60;
/// Wait between two questions about a binding that nobody reported, in seconds.
pub const INQUIRY_SECONDS: i64 = 20;
/// A binding whose outcome is unknown is asked about for this long before "not found" is believed, in seconds.
pub const NOT_FOUND_FINAL_SECONDS: i64 = 60;

const ACCOUNT_TOKEN_RANDOM_LENGTH: usize = 17;
const CARD_TOKEN_LENGTH: usize = 64;
const CUSTOMER_TOKEN_LENGTH: usize = 56;

/// The three tokens of a link, shown to the merchant once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// `accountToken`: `ESP`, `yyMMddHHmmss` in Jakarta, 17 letters and digits; for Account Inquiry and Unbinding.
    pub account: Secret,
    /// `bankCardToken`: for Balance Inquiry and Payment.
    pub card: Secret,
    /// `authorizationCustomer`: for Unbinding.
    pub customer: Secret,
}

/// One customer's link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its id, answered as `linkId`.
    pub id: LinkId,
    /// The merchant it was made for.
    pub merchant: MerchantCode,
    /// The product.
    pub product: ProductCode,
    /// The merchant's reference of the binding.
    pub partner_reference: String,
    /// The call that asked for the binding.
    pub request: RequestKey,
    /// The customer's number, where known.
    pub phone: Option<String>,
    /// `id` or `en`.
    pub lang: String,
    /// Where the browser goes after the wallet's page, checked against the merchant's list.
    pub redirect_url: Option<String>,
    /// Under which digest our return page is found.
    pub page: Digest,
    /// Digest of `accountToken`.
    pub account_token: Digest,
    /// Digest of `bankCardToken`, once linked.
    pub card_token: Option<Digest>,
    /// Digest of `authorizationCustomer`, once linked.
    pub customer_token: Option<Digest>,
    /// When the binding was asked for.
    pub created_at: Instant,
    /// Where it stands.
    pub status: LinkStatus,
}

/// Where a link stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkStatus {
    /// The provider is being asked.
    Binding {
        /// The wallet's code, in the flow that has one.
        auth_code: Option<Secret>,
        /// The merchant's `accountToken`, kept until it was handed out for good.
        account_token: Secret,
        /// The token of our return page.
        page: Secret,
    },
    /// The customer is on the wallet's page.
    AwaitingCustomer {
        /// The wallet's page.
        url: String,
        /// The merchant's `accountToken`, kept until the binding notification was written.
        account_token: Secret,
        /// The token of our return page.
        page: Secret,
        /// What the provider gave so far.
        provider: ProviderLink,
        /// What the wallet's page sent back with the customer.
        returned_code: Option<Secret>,
        /// When the customer's time ends.
        expires_at: Instant,
    },
    /// The binding may or may not have happened; the provider is asked until it is known.
    Unknown {
        /// The merchant's `accountToken`.
        account_token: Secret,
        /// What made it unknown.
        evidence: String,
        /// Since when.
        since: Instant,
    },
    /// Linked.
    Active {
        /// What the provider gave us.
        provider: ProviderLink,
        /// Since when.
        since: Instant,
    },
    /// The provider is being asked to end it.
    Unlinking {
        /// What the provider gave us.
        provider: ProviderLink,
        /// The call that asked for it.
        request: RequestKey,
        /// The merchant's reference of that call.
        partner_reference: String,
    },
    /// Ended by the merchant.
    Unlinked {
        /// When.
        at: Instant,
    },
    /// Ended by the wallet.
    Revoked {
        /// When.
        at: Instant,
    },
    /// Never linked.
    Failed {
        /// Why.
        reason: Reason,
        /// When.
        at: Instant,
    },
}

impl LinkStatus {
    /// The one word for this state in table, log and page.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Binding { .. } => "binding",
            Self::AwaitingCustomer { .. } => "awaiting_customer",
            Self::Unknown { .. } => "unknown",
            Self::Active { .. } => "active",
            Self::Unlinking { .. } => "unlinking",
            Self::Unlinked { .. } => "unlinked",
            Self::Revoked { .. } => "revoked",
            Self::Failed { .. } => "failed",
        }
    }
}

/// Account Binding as a merchant asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bind {
    /// The call; its partner reference names the binding.
    pub request: Request,
    /// `additionalInfo.productCode`; may be left out when the auth code says it.
    pub product: Option<ProductCode>,
    /// How the product is linked; none when the product is left out.
    pub flow: Option<BindingFlow>,
    /// Digest of `authCode`.
    pub auth_code: Option<Digest>,
    /// The customer's number, `62...`.
    pub phone: Option<String>,
    /// Where the browser goes after the wallet's page.
    pub redirect_url: Option<String>,
    /// `id` or `en`.
    pub lang: String,
}

/// Begins a binding: the intent is committed before the provider is asked.
pub fn bind(
    command: Bind,
    auth_code: Option<&AuthCode>,
    active: Option<&Link>,
    context: &mut Context<'_>,
) -> Result<Decision, Refusal> {
    let redeemed = match command.auth_code {
        Some(_) => Some(auth_code::redeemable(auth_code, command.product.as_ref(), context)?),
        None if command.flow == Some(BindingFlow::AuthCode) => {
            return Err(Refusal::AuthCodeNotAuthorised);
        }
        None => None,
    };
    let product = match (&command.product, redeemed) {
        (Some(product), _) => product.clone(),
        (None, Some((_, product, _))) => product.clone(),
        (None, None) => return Err(Refusal::ProductNotAllowed),
    };
    if !context.merchant.has(&product) {
        return Err(Refusal::ProductNotAllowed);
    }
    if active.is_some_and(|link| matches!(link.status, LinkStatus::Active { .. } | LinkStatus::Unlinking { .. })) {
        return Err(Refusal::AlreadyLinked);
    }
    let id = LinkId::from_bits(context.fresh.id());
    let account_token = new_account_token(context);
    let (page, page_digest) = context.secret(PAGE_TOKEN_LENGTH);
    let phone = command.phone.or_else(|| redeemed.and_then(|(code, ..)| code.phone.clone()));
    let link = Link {
        id,
        merchant: context.merchant.code.clone(),
        product,
        partner_reference: command.request.partner_reference.clone().unwrap_or_default(),
        request: command.request.key.clone(),
        phone,
        lang: command.lang,
        redirect_url: command.redirect_url,
        page: page_digest,
        account_token: context.fresh.digest(account_token.expose()),
        card_token: None,
        customer_token: None,
        created_at: context.now,
        status: LinkStatus::Binding {
            auth_code: redeemed.map(|(_, _, provider_code)| provider_code.clone()),
            account_token,
            page,
        },
    };
    let mut decision = Decision::recording(command.request);
    if let Some((code, ..)) = redeemed {
        decision.rows.push(AuthCode { plain: None, status: AuthCodeStatus::Used { link: id }, ..code.clone() }.into());
    }
    decision.rows.push(link.into());
    decision.perform(context, TaskKind::Bind(id));
    Ok(decision)
}

fn new_account_token(context: &mut Context<'_>) -> Secret {
    let random = context.fresh.text(ACCOUNT_TOKEN_RANDOM_LENGTH);
    Secret::new(format!("ESP{}{random}", context.now.stamp()))
}

/// What came of asking the provider to link, or of asking what became of it.
pub fn binding_ended(link: &Link, task: &Task, outcome: Outcome, context: &mut Context<'_>) -> Decision {
    let mut decision = Decision::ending(task.id);
    let asked_at_once = matches!(link.status, LinkStatus::Binding { .. });
    let (account_token, page) = match &link.status {
        LinkStatus::Binding { account_token, page, .. } | LinkStatus::AwaitingCustomer { account_token, page, .. } => {
            (account_token.clone(), Some(page.clone()))
        }
        LinkStatus::Unknown { account_token, .. } => (account_token.clone(), None),
        LinkStatus::Active { .. }
        | LinkStatus::Unlinking { .. }
        | LinkStatus::Unlinked { .. }
        | LinkStatus::Revoked { .. }
        | LinkStatus::Failed { .. } => return decision,
    };
    match outcome {
        Outcome::Linked(provider) => activate(link, account_token, provider, asked_at_once, &mut decision, context),
        Outcome::CustomerNeeded { url, provider, .. } => {
            let (LinkStatus::Binding { .. }, Some(page)) = (&link.status, page) else {
                return ask_again(link, task, decision, context);
            };
            decision.answer(link.request.clone(), pending_answer(link, &account_token, url.clone()));
            let expires_at = context.now.plus_seconds(CUSTOMER_SECONDS);
            let status =
                LinkStatus::AwaitingCustomer { url, account_token, page, provider, returned_code: None, expires_at };
            decision.rows.push(Link { status, ..link.clone() }.into());
            return ask_again(link, task, decision, context);
        }
        Outcome::Refused(reason) => fail(link, reason, asked_at_once, &mut decision, context),
        Outcome::NotFound => return still_open(link, NOT_FOUND_FINAL_SECONDS, task, decision, context),
        Outcome::Pending if !asked_at_once => return still_open(link, CUSTOMER_SECONDS, task, decision, context),
        other => {
            let evidence = match other {
                Outcome::Unknown(evidence) => evidence,
                Outcome::Pending => "the provider is still working on it".into(),
                _ => "an answer that means nothing for a binding".into(),
            };
            if !asked_at_once {
                return ask_again(link, task, decision, context);
            }
            decision.answer(link.request.clone(), pending_answer(link, &account_token, String::new()));
            let status = LinkStatus::Unknown { account_token, evidence, since: context.now };
            decision.rows.push(Link { status, ..link.clone() }.into());
            decision.repeat(
                context,
                TaskKind::InquireBinding { link: link.id, recurring: true },
                context.now.plus_seconds(1),
            );
        }
    }
    decision
}

/// Operators ruled that a binding whose outcome nobody told did not happen.
pub(crate) fn ruled_out(link: &Link, context: &mut Context<'_>) -> Decision {
    let mut decision = Decision::default();
    if let LinkStatus::Unknown { .. } = link.status {
        fail(link, Reason::DoNotHonor, false, &mut decision, context);
    }
    decision
}

fn pending_answer(link: &Link, account_token: &Secret, redirect_url: String) -> Answer {
    Answer::BindingPending {
        link: link.id,
        partner_reference: link.partner_reference.clone(),
        account_token: account_token.clone(),
        redirect_url,
    }
}

fn ask_again(link: &Link, task: &Task, mut decision: Decision, context: &mut Context<'_>) -> Decision {
    if task.kind.asks_again() {
        let due_at = context.now.plus_seconds(INQUIRY_SECONDS);
        decision.repeat(context, TaskKind::InquireBinding { link: link.id, recurring: true }, due_at);
    }
    decision
}

/// The provider has nothing to report: believed once the time for it is over. `believed_after_seconds` is that time for
/// a binding whose own answer was lost.
fn still_open(
    link: &Link,
    believed_after_seconds: i64,
    task: &Task,
    mut decision: Decision,
    context: &mut Context<'_>,
) -> Decision {
    let over = match &link.status {
        LinkStatus::AwaitingCustomer { expires_at, .. } => context.now >= *expires_at,
        LinkStatus::Unknown { since, .. } => context.now >= since.plus_seconds(believed_after_seconds),
        LinkStatus::Binding { .. } => true,
        _ => return decision,
    };
    if !over {
        return ask_again(link, task, decision, context);
    }
    let asked_at_once = matches!(link.status, LinkStatus::Binding { .. });
    fail(link, Reason::Expired, asked_at_once, &mut decision, context);
    decision
}

fn activate(
    link: &Link,
    account: Secret,
    provider: ProviderLink,
    answer_request: bool,
    decision: &mut Decision,
    context: &mut Context<'_>,
) {
    let (card, card_digest) = context.secret(CARD_TOKEN_LENGTH);
    let (customer, customer_digest) = context.secret(CUSTOMER_TOKEN_LENGTH);
    let tokens = Tokens { account, card, customer };
    decision.rows.push(
        Link {
            card_token: Some(card_digest),
            customer_token: Some(customer_digest),
            status: LinkStatus::Active { provider, since: context.now },
            ..link.clone()
        }
        .into(),
    );
    notify(link, BindingResult::Linked(tokens.clone()), decision, context);
    if answer_request {
        decision.answer(
            link.request.clone(),
            Answer::Linked { link: link.id, partner_reference: link.partner_reference.clone(), tokens },
        );
    }
}

fn fail(link: &Link, reason: Reason, answer_request: bool, decision: &mut Decision, context: &mut Context<'_>) {
    let status = LinkStatus::Failed { reason: reason.clone(), at: context.now };
    decision.rows.push(Link { status, ..link.clone() }.into());
    if answer_request {
        decision.answer(link.request.clone(), Answer::Refused(Refusal::Provider(reason)));
    } else {
        notify(link, BindingResult::Failed(reason), decision, context);
    }
}

fn notify(link: &Link, result: BindingResult, decision: &mut Decision, context: &Context<'_>) {
    decision.notices.push(Notice::Binding(BindingNotice {
        link: link.id,
        partner_reference: link.partner_reference.clone(),
        product: link.product.clone(),
        phone: link.phone.clone(),
        result,
        at: context.now,
    }));
}

/// The customer's browser came back from the wallet's binding page: ask the provider at once.
pub fn customer_returned(
    link: Option<&Link>,
    returned_code: Option<Secret>,
    context: &mut Context<'_>,
) -> Result<Decision, Refusal> {
    let link = link.ok_or(Refusal::PageGone)?;
    let mut decision = Decision::default();
    if let LinkStatus::AwaitingCustomer { url, account_token, page, provider, returned_code: earlier, expires_at } =
        &link.status
    {
        let status = LinkStatus::AwaitingCustomer {
            url: url.clone(),
            account_token: account_token.clone(),
            page: page.clone(),
            provider: provider.clone(),
            // A wallet's notice, which brings none, may come after the customer did.
            returned_code: returned_code.or_else(|| earlier.clone()),
            expires_at: *expires_at,
        };
        decision.rows.push(Link { status, ..link.clone() }.into());
        decision.perform(context, TaskKind::InquireBinding { link: link.id, recurring: false });
    }
    Ok(decision)
}

/// Account Unbinding as a merchant asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unbind {
    /// The call.
    pub request: Request,
    /// Digest of `additionalInfo.accountToken`.
    pub account_token: Digest,
    /// Digest of `authorizationCustomer`, where sent.
    pub customer_token: Option<Digest>,
    /// The product that the merchant names.
    pub product: ProductCode,
}

/// Begins to end a link.
pub fn unbind(command: Unbind, link: Option<&Link>, context: &mut Context<'_>) -> Result<Decision, Refusal> {
    let link = link
        .filter(|link| link.merchant == context.merchant.code && link.product == command.product)
        .ok_or(Refusal::TokenUnknown)?;
    let provider = match &link.status {
        LinkStatus::Active { provider, .. } => provider.clone(),
        LinkStatus::Unlinked { .. } | LinkStatus::Revoked { .. } | LinkStatus::Failed { .. } => {
            return Err(Refusal::TokenUnknown);
        }
        LinkStatus::Binding { .. }
        | LinkStatus::AwaitingCustomer { .. }
        | LinkStatus::Unknown { .. }
        | LinkStatus::Unlinking { .. } => {
            return Err(Refusal::LinkNotActive);
        }
    };
    if command.customer_token.is_some() && command.customer_token != link.customer_token {
        return Err(Refusal::CustomerTokenMismatch);
    }
    let partner_reference = command.request.partner_reference.clone().unwrap_or_default();
    let request = command.request.key.clone();
    let mut decision = Decision::recording(command.request);
    decision
        .rows
        .push(Link { status: LinkStatus::Unlinking { provider, request, partner_reference }, ..link.clone() }.into());
    decision.perform(context, TaskKind::Unbind(link.id));
    Ok(decision)
}

/// What came of asking the provider to end the link. While it is not known, it is asked again: ending twice is ending.
pub fn unbinding_ended(link: &Link, task: &Task, outcome: Outcome, context: &mut Context<'_>) -> Decision {
    let mut decision = Decision::ending(task.id);
    let LinkStatus::Unlinking { provider, request, partner_reference } = &link.status else {
        return decision;
    };
    match outcome {
        Outcome::Unlinked
        | Outcome::NotFound
        | Outcome::Refused(Reason::CustomerTokenInvalid | Reason::AccountNotFound) => {
            decision.rows.push(Link { status: LinkStatus::Unlinked { at: context.now }, ..link.clone() }.into());
            let partner_reference = partner_reference.clone();
            decision.answer(request.clone(), Answer::Unlinked { link: link.id, partner_reference });
        }
        // An earlier try may have ended it, and only the provider can say that none did.
        Outcome::Refused(reason) if !proves_nothing(&reason) => {
            let status = LinkStatus::Active { provider: provider.clone(), since: context.now };
            decision.rows.push(Link { status, ..link.clone() }.into());
            decision.answer(request.clone(), Answer::Refused(Refusal::Provider(reason)));
        }
        _ => {
            decision.repeat(context, TaskKind::Unbind(link.id), context.now.plus_seconds(INQUIRY_SECONDS));
        }
    }
    decision
}

/// Whether a refusal leaves open what an earlier try did: the provider was not reached, or did not accept the call as ours.
/// Whether there was an earlier try that nobody heard the end of is not remembered.
fn proves_nothing(reason: &Reason) -> bool {
    matches!(reason, Reason::ProviderUnreachable | Reason::ProviderRejectedCall(_))
}

/// The wallet says that the link ended. Payments under way are not touched.
pub fn revoked_by_wallet(link: &Link, context: &mut Context<'_>) -> Decision {
    let mut decision = Decision::default();
    if let LinkStatus::Active { .. } = link.status {
        decision.rows.push(Link { status: LinkStatus::Revoked { at: context.now }, ..link.clone() }.into());
        notify(link, BindingResult::Revoked, &mut decision, context);
    }
    decision
}

/// The link that a token names, if this merchant may use it now.
pub fn usable<'a>(link: Option<&'a Link>, context: &Context<'_>) -> Result<(&'a Link, &'a ProviderLink), Refusal> {
    let link = link.filter(|link| link.merchant == context.merchant.code).ok_or(Refusal::TokenUnknown)?;
    match &link.status {
        LinkStatus::Active { provider, .. } => Ok((link, provider)),
        LinkStatus::Unlinked { .. } | LinkStatus::Revoked { .. } | LinkStatus::Failed { .. } => {
            Err(Refusal::TokenUnknown)
        }
        LinkStatus::Binding { .. }
        | LinkStatus::AwaitingCustomer { .. }
        | LinkStatus::Unknown { .. }
        | LinkStatus::Unlinking { .. } => Err(Refusal::LinkNotActive),
    }
}
