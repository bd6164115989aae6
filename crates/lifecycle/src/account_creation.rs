//! Account creation (service 06): the merchant sends who the customer is, the customer chooses PIN and password on our
//! page, the provider opens the account. PIN and password pass through memory only.

use calendar::Instant;

use crate::{
    AccountCreationId, Answer, Decision, Digest, MerchantCode, ProductCode, Reason, Refusal,
    auth_code::PAGE_TOKEN_LENGTH,
    decision::Context,
    provider::{AccountStatus, Outcome},
    request::Request,
    ruling::Verdict,
    task::{Task, TaskKind},
};

/// The customer's time to choose a PIN, in seconds: a day.
pub const CUSTOMER_SECONDS: i64 = 24 * 3600;
/// Wait between two questions about an account creation whose outcome is unknown, in seconds.
pub const INQUIRY_SECONDS: i64 = 20;

/// Who the customer is: the first request table of Account Creation. Texts as the merchant sent them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// `name`.
    pub name: String,
    /// `phoneNo`, `62...`.
    pub phone: String,
    /// `email`.
    pub email: String,
    /// `customerId`.
    pub customer_id: String,
    /// The members of `additionalInfo` other than `productCode`, by their names on the wire.
    pub details: Vec<(String, String)>,
}

/// One opening of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountCreation {
    /// Its id.
    pub id: AccountCreationId,
    /// The merchant that asked.
    pub merchant: MerchantCode,
    /// The product.
    pub product: ProductCode,
    /// The merchant's reference.
    pub partner_reference: String,
    /// `referenceNo`, a UUID's text.
    pub reference: String,
    /// Under which digest our create-PIN page is found.
    pub page: Digest,
    /// Who the customer is.
    pub person: Person,
    /// When the customer's time ends.
    pub expires_at: Instant,
    /// Where it stands.
    pub status: AccountCreationStatus,
}

/// Where an account creation stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountCreationStatus {
    /// The customer has not chosen a PIN.
    AwaitingPin,
    /// The provider is being asked, or was asked and its answer is unknown.
    Creating {
        /// Since when.
        since: Instant,
    },
    /// The account is open.
    Created {
        /// The provider's id of it.
        account_id: Option<String>,
        /// When.
        at: Instant,
    },
    /// No account was opened.
    Failed {
        /// Why.
        reason: Reason,
        /// When.
        at: Instant,
    },
}

impl AccountCreationStatus {
    /// The one word for this state in table, log and page.
    pub fn name(&self) -> &'static str {
        match self {
            Self::AwaitingPin => "awaiting_pin",
            Self::Creating { .. } => "creating",
            Self::Created { .. } => "created",
            Self::Failed { .. } => "failed",
        }
    }
}

/// Account Creation as a merchant asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Create {
    /// The call.
    pub request: Request,
    /// `additionalInfo.productCode`.
    pub product: ProductCode,
    /// Who the customer is.
    pub person: Person,
}

/// Records who the customer is and leads to our create-PIN page.
pub fn create(command: Create, context: &mut Context<'_>) -> Result<Decision, Refusal> {
    if !context.merchant.has(&command.product) {
        return Err(Refusal::ProductNotAllowed);
    }
    let id = AccountCreationId::from_bits(context.fresh.id());
    let (page, page_digest) = context.secret(PAGE_TOKEN_LENGTH);
    let reference = uuid_text(context.fresh.id());
    let phone = command.person.phone.clone();
    let key = command.request.key.clone();
    let partner_reference = command.request.partner_reference.clone().unwrap_or_default();
    let mut decision = Decision::recording(command.request);
    decision.rows.push(
        AccountCreation {
            id,
            merchant: context.merchant.code.clone(),
            product: command.product,
            partner_reference,
            reference: reference.clone(),
            page: page_digest,
            person: command.person,
            expires_at: context.now.plus_seconds(CUSTOMER_SECONDS),
            status: AccountCreationStatus::AwaitingPin,
        }
        .into(),
    );
    decision.answer(key, Answer::CreationPending { phone, reference, page });
    Ok(decision)
}

fn uuid_text(bits: u128) -> String {
    let hex = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// The customer chose PIN and password: the intent to open the account is committed, without them.
pub fn pin_chosen(creation: Option<&AccountCreation>, context: &mut Context<'_>) -> Result<Decision, Refusal> {
    let creation = creation
        .filter(|creation| creation.status == AccountCreationStatus::AwaitingPin && context.now < creation.expires_at)
        .ok_or(Refusal::PageGone)?;
    let mut decision = Decision::default();
    let status = AccountCreationStatus::Creating { since: context.now };
    decision.rows.push(AccountCreation { status, ..creation.clone() }.into());
    decision.perform(context, TaskKind::CreateAccount(creation.id));
    Ok(decision)
}

/// Operators ruled about an opening whose outcome nobody told.
pub(crate) fn ruled(
    creation: &AccountCreation,
    verdict: Verdict,
    account_id: Option<String>,
    context: &mut Context<'_>,
) -> Decision {
    let at = context.now;
    let status = match verdict {
        Verdict::Succeeded => AccountCreationStatus::Created { account_id, at },
        Verdict::Failed => AccountCreationStatus::Failed { reason: Reason::DoNotHonor, at },
    };
    Decision { rows: vec![AccountCreation { status, ..creation.clone() }.into()], ..Decision::default() }
}

/// What came of asking the provider to open the account, or of asking whether it is open.
pub fn creation_ended(
    creation: &AccountCreation,
    task: &Task,
    outcome: Outcome,
    context: &mut Context<'_>,
) -> Decision {
    let mut decision = Decision::ending(task.id);
    let AccountCreationStatus::Creating { .. } = creation.status else {
        return decision;
    };
    let created = |account_id| AccountCreationStatus::Created { account_id, at: context.now };
    let status = match outcome {
        Outcome::AccountOpened { account_id, .. } => created(account_id),
        Outcome::Account(info) if info.status != AccountStatus::NotRegistered => created(None),
        // The provider is sure that there is no account: the customer may choose a PIN again.
        Outcome::Account(_) | Outcome::NotFound => AccountCreationStatus::AwaitingPin,
        Outcome::Refused(reason) => AccountCreationStatus::Failed { reason, at: context.now },
        _ => {
            let due_at = context.now.plus_seconds(INQUIRY_SECONDS);
            decision.repeat(context, TaskKind::InquireCreation(creation.id), due_at);
            return decision;
        }
    };
    decision.rows.push(AccountCreation { status, ..creation.clone() }.into());
    decision
}
