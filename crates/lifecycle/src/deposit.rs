//! A top-up of a merchant's deposit: asked for under a reference, then confirmed once the money is there. Either step
//! may be repeated without a second effect.

use calendar::Instant;
use ledger::{AccountName, Books, Class, Journal, JournalId, JournalKind, Posting, Purpose, Side};
use money::Amount;

use crate::{
    Decision, Key, MerchantCode, Refusal, TopUpId,
    command::{World, account_row, top_up_row},
    decision::Context,
    merchant::Mechanism,
};

/// One top-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopUp {
    /// Its id.
    pub id: TopUpId,
    /// Whose deposit.
    pub merchant: MerchantCode,
    /// The operator's reference, unique per merchant: that of the bank transfer.
    pub reference: String,
    /// How much.
    pub amount: Amount,
    /// When it was asked for.
    pub created_at: Instant,
    /// Where it stands.
    pub status: TopUpStatus,
}

/// Where a top-up stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopUpStatus {
    /// Waits for its confirmation; nothing was posted.
    Requested,
    /// Posted.
    Confirmed {
        /// When.
        at: Instant,
    },
}

impl TopUpStatus {
    /// The one word for this state in table, log and page.
    pub fn name(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Confirmed { .. } => "confirmed",
        }
    }
}

/// The operator's two steps, both with everything that they mean: a second person types it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopUpStep {
    /// Whose deposit.
    pub merchant: MerchantCode,
    /// The reference.
    pub reference: String,
    /// How much.
    pub amount: Amount,
}

impl TopUpStep {
    /// The row that the step is about.
    pub fn key(&self) -> Key {
        Key::TopUpByReference(self.merchant.clone(), self.reference.clone())
    }

    /// The accounts that a confirmation posts to.
    pub fn accounts(&self) -> [AccountName; 2] {
        let merchant = self.merchant.as_str();
        [AccountName::of(Class::MerchantDeposit, merchant), AccountName::of(Class::Clearing, merchant)]
    }
}

fn has_deposit(step: &TopUpStep, context: &Context<'_>) -> Result<(), Refusal> {
    if step.merchant != context.merchant.code {
        return Err(Refusal::StepImpossible);
    }
    let mechanism = context.merchant.biller.as_ref().map(|access| &access.mechanism);
    matches!(mechanism, Some(Mechanism::Deposit { .. })).then_some(()).ok_or(Refusal::NoDeposit)
}

/// The first step.
pub fn request(step: TopUpStep, world: &dyn World, context: &mut Context<'_>) -> Result<Decision, Refusal> {
    has_deposit(&step, context)?;
    if step.amount == Amount::ZERO || step.reference.is_empty() {
        return Err(Refusal::StepImpossible);
    }
    if let Some(known) = top_up_row(world, &step.key()) {
        return if known.amount == step.amount { Ok(Decision::default()) } else { Err(Refusal::ReferenceDiffers) };
    }
    let mut decision = Decision::default();
    decision.rows.push(
        TopUp {
            id: TopUpId::from_bits(context.fresh.id()),
            merchant: step.merchant,
            reference: step.reference,
            amount: step.amount,
            created_at: context.now,
            status: TopUpStatus::Requested,
        }
        .into(),
    );
    Ok(decision)
}

/// The second step: posts the money.
pub fn confirm(step: TopUpStep, world: &dyn World, context: &mut Context<'_>) -> Result<Decision, Refusal> {
    has_deposit(&step, context)?;
    let known = top_up_row(world, &step.key()).ok_or(Refusal::StepImpossible)?;
    if known.amount != step.amount {
        return Err(Refusal::ReferenceDiffers);
    }
    let mut decision = Decision::default();
    if let TopUpStatus::Confirmed { .. } = known.status {
        return Ok(decision);
    }
    let [deposit, clearing] = step.accounts();
    let mut books = Books::over([account_row(world, &deposit), account_row(world, &clearing)]);
    let posting = |account, side| Posting { account, side, amount: step.amount, purpose: Purpose::Payment };
    let journal = Journal {
        id: JournalId(context.fresh.id()),
        kind: JournalKind::TopUp,
        subject: known.id.bits(),
        at: context.now,
        postings: vec![posting(clearing, Side::Debit), posting(deposit, Side::Credit)],
    };
    books.post(&journal, None).map_err(|_| Refusal::StepImpossible)?;
    decision.rows.push(TopUp { status: TopUpStatus::Confirmed { at: context.now }, ..known.clone() }.into());
    decision.keep(books);
    Ok(decision)
}
