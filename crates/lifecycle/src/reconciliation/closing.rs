//! What an operator does about an exception, and what it posts.
//!
//! What a line says moved stands on one side: clearing for what the provider pays us or takes from what it pays, our
//! float there for bills. What we owe the merchant stands on the other. Where the two do not agree, the difference is
//! the provider's debt to us (or, negative, ours to it), or our loss or gain. One sum serves every bucket.

use ledger::{AccountName, Books, Class, Journal, JournalId, JournalKind, Posting, Purpose, Side, words};
use money::Amount;

use super::{
    Bucket, Expectation, ItemState, ItemStep, ReconciliationItem, SettlementLine, SubjectKind, TEXT_MAX, expecting,
};
use crate::{
    BillId, Decision, Key, PaymentId, RefundId, Refusal, Row,
    command::{World, account_row, payment_row, reconciliation_item_row},
    decision::Context,
    payment::{self, PaymentStatus},
    provider::Outcome,
};

words!(
    /// What an operator does about an open item.
    Action {
        /// Take the provider's word: a payment that we did not believe succeeded (late), a fee is ours to pay, a line of
        /// another day counts now.
        Adopt = "adopt",
        /// Take the line's amount and fee as the right ones; of a bill that the provider never took, that it was not.
        CorrectAmount = "correct_amount",
        /// The provider owes us the difference, or we owe it to the provider.
        Claim = "claim",
        /// The difference is our loss or gain.
        WriteOff = "write_off",
        /// The provider paid twice and gets it back: we owe it until it has it.
        DuplicateReturned = "duplicate_returned",
        /// No money moved; there is nothing to post. What is missing at the provider may be dismissed once it was taken back,
        /// and nothing else may be done about it then.
        Dismiss = "dismiss",
        /// Stays open, another day longer.
        Wait = "wait",
    }
);

/// How much longer an item may wait each time, in seconds.
const WAIT_SECONDS: i64 = 24 * 60 * 60;

impl Action {
    /// What may be done about an item.
    pub fn allowed(item: &ReconciliationItem) -> Vec<Self> {
        let (kind, has_line) = (item.kind(), item.line.as_ref().is_some_and(|line| line.settled));
        let adoptable = match kind {
            SubjectKind::Payment => item.expectation.is_some(),
            SubjectKind::Fee => true,
            SubjectKind::Refund | SubjectKind::Bill => false,
        };
        let all: &[Self] = match item.bucket {
            Bucket::Matched => &[],
            Bucket::MissingHere if adoptable && has_line => {
                &[Self::Adopt, Self::Claim, Self::WriteOff, Self::Dismiss, Self::Wait]
            }
            Bucket::MissingHere => &[Self::Claim, Self::WriteOff, Self::Dismiss, Self::Wait],
            Bucket::MissingThere if kind == SubjectKind::Bill => {
                &[Self::CorrectAmount, Self::Claim, Self::WriteOff, Self::Dismiss, Self::Wait]
            }
            Bucket::MissingThere => &[Self::Claim, Self::WriteOff, Self::Dismiss, Self::Wait],
            Bucket::AmountDiffers => &[Self::CorrectAmount, Self::Claim, Self::WriteOff, Self::Wait],
            Bucket::DateLine if has_line => &[Self::Adopt, Self::Claim, Self::WriteOff, Self::Wait],
            Bucket::DateLine => &[Self::Claim, Self::WriteOff, Self::Wait],
            Bucket::Duplicate => &[Self::DuplicateReturned, Self::WriteOff, Self::Dismiss, Self::Wait],
        };
        all.to_vec()
    }
}

/// Does something about an open item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    /// The item as the operator saw it.
    pub item: Box<ReconciliationItem>,
    /// What to do.
    pub action: Action,
    /// Why, 1 to [`TEXT_MAX`] bytes.
    pub note: String,
    /// Who.
    pub by: String,
}

impl Close {
    /// The rows that it works on.
    pub fn keys(&self) -> Vec<Key> {
        let own = std::iter::once(Key::ReconciliationItem(self.item.id)).chain(self.subject());
        own.chain(self.accounts().into_iter().map(Key::Account)).collect()
    }

    /// What was not believed when the item was opened.
    fn disbelieved(&self) -> Option<&Expectation> {
        let known = self.item.expectation.as_ref()?;
        (self.item.bucket == Bucket::MissingHere && !known.believed).then_some(known)
    }

    /// What was believed when the item was opened, and what no file has.
    fn missed(&self) -> Option<&Expectation> {
        let known = self.item.expectation.as_ref()?;
        (self.item.bucket == Bucket::MissingThere && known.believed).then_some(known)
    }

    /// The row of either: more may be known since.
    fn subject(&self) -> Option<Key> {
        let known = self.disbelieved().or_else(|| self.missed())?;
        match known.kind {
            SubjectKind::Payment => Some(Key::Payment(PaymentId::from_bits(known.subject))),
            SubjectKind::Refund => Some(Key::Refund(RefundId::from_bits(known.subject))),
            SubjectKind::Bill => Some(Key::Bill(BillId::from_bits(known.subject))),
            SubjectKind::Fee => None,
        }
    }

    /// The payment that it makes succeed.
    fn payment(&self) -> Option<PaymentId> {
        let known = self.disbelieved().filter(|_| self.action == Action::Adopt)?;
        (known.kind == SubjectKind::Payment).then(|| PaymentId::from_bits(known.subject))
    }

    /// What was not believed when the item was opened, and is believed now.
    fn believed_since(&self, world: &dyn World) -> Option<Expectation> {
        self.now(self.disbelieved()?, world).filter(|now| now.believed)
    }

    /// Whether what was believed when the item was opened was taken back since: then nothing is missing.
    fn is_taken_back(&self, world: &dyn World) -> bool {
        self.missed().is_some_and(|known| self.now(known, world).is_some_and(|now| !now.believed))
    }

    /// What is expected by now.
    fn now(&self, known: &Expectation, world: &dyn World) -> Option<Expectation> {
        match world.row(&self.subject()?)? {
            Row::Payment(row) => expecting::of_payment(row),
            Row::Refund(row) => Some(expecting::of_refund(row)),
            Row::Bill(row) => {
                let mut orders = expecting::of_bill(row).into_iter().map(|(_, order)| order);
                orders.find(|order| order.reference == known.reference)
            }
            _ => None,
        }
    }

    fn accounts(&self) -> Vec<AccountName> {
        let merchant = self.item.merchant();
        let own = [Class::Clearing, Class::FeeRevenue, Class::MerchantPayable];
        let provider = self.item.provider.as_str();
        let theirs = [AccountName::float(merchant, provider), AccountName::claim(merchant, provider)];
        own.map(|class| AccountName::of(class, merchant)).into_iter().chain(theirs).collect()
    }
}

/// Does it, and posts what follows. The context's merchant is the item's, the house where it is nobody's.
pub fn close(command: Close, world: &dyn World, context: &mut Context<'_>) -> Result<Decision, Refusal> {
    let stored = reconciliation_item_row(world, &Key::ReconciliationItem(command.item.id));
    let unchanged = stored.is_some_and(|stored| *stored == *command.item);
    let noted = (1..=TEXT_MAX).contains(&command.note.len());
    if !unchanged || command.item.state != ItemState::Open || !noted {
        return Err(Refusal::StepImpossible);
    }
    if !Action::allowed(&command.item).contains(&command.action) {
        return Err(Refusal::StepImpossible);
    }
    let mut item = (*command.item).clone();
    let (at, by) = (context.now, command.by.clone());
    item.owner.clone_from(&by);
    item.steps.push(ItemStep { at, by, action: command.action, note: command.note.clone() });
    if command.action == Action::Wait {
        item.deadline = item.deadline.max(context.now).plus_seconds(WAIT_SECONDS);
        return Ok(Decision { rows: vec![item.into()], ..Decision::default() });
    }
    if command.missed().is_some() && (command.action == Action::Dismiss) != command.is_taken_back(world) {
        return Err(Refusal::StepImpossible);
    }
    let since = command.believed_since(world);
    let kept = since.as_ref().is_some_and(|known| known.kind != SubjectKind::Bill);
    if command.action == Action::Dismiss && kept {
        // Money moved after all, and it is in nobody's account yet.
        return Err(Refusal::StepImpossible);
    }
    let mut decision = believe(&command, world, context)?;
    let journal = post(&command, since, world, &mut decision, context)?;
    item.state = ItemState::Closed { at: context.now, journal };
    decision.rows.push(item.into());
    Ok(decision)
}

/// Has a payment succeed that we did not believe in: the provider's word is believed as one about a charge always is.
fn believe(command: &Close, world: &dyn World, context: &mut Context<'_>) -> Result<Decision, Refusal> {
    let Some(id) = command.payment() else { return Ok(Decision::default()) };
    let payment = payment_row(world, &Key::Payment(id)).ok_or(Refusal::PaymentNotFound)?;
    let line = command.item.line.as_ref().ok_or(Refusal::StepImpossible)?;
    if payment.amount != line.amount {
        // What was paid is not what was asked for: that is for people to correct, not for a state.
        return Err(Refusal::BillAmountDiffers);
    }
    let provider_reference = line.provider_reference.clone().unwrap_or_default();
    match payment.status {
        PaymentStatus::Succeeded { .. } | PaymentStatus::SucceededLate { .. } => Ok(Decision::default()),
        _ => {
            let decision = payment::charge_reported(payment, None, Outcome::Charged { provider_reference }, context);
            let believed = decision.rows.iter().any(|row| match row {
                Row::Payment(row) => expecting::of_payment(row).is_some_and(|known| known.believed),
                _ => false,
            });
            // It was called off: nobody is owed money that went back.
            if believed { Ok(decision) } else { Err(Refusal::PaymentStateConflict) }
        }
    }
}

/// `since` is what is believed of the item by now, where it was not when the item was opened.
fn post(
    command: &Close,
    since: Option<Expectation>,
    world: &dyn World,
    decision: &mut Decision,
    context: &mut Context<'_>,
) -> Result<Option<JournalId>, Refusal> {
    let known = since.or_else(|| command.item.expectation.clone());
    let item = ReconciliationItem { expectation: known, ..(*command.item).clone() };
    let postings = posted(&Moves::of(&item, command.action))?;
    if postings.is_empty() {
        return Ok(None);
    }
    let kind = match command.action {
        Action::Adopt => JournalKind::Adopted,
        Action::CorrectAmount => JournalKind::Corrected,
        Action::Claim | Action::DuplicateReturned => JournalKind::Claimed,
        Action::WriteOff | Action::Dismiss | Action::Wait => JournalKind::WriteOff,
    };
    let mut books = Books::over(command.accounts().into_iter().map(|name| account_row(world, &name)));
    let id = JournalId(context.fresh.id());
    let journal = Journal { id, kind, subject: command.item.id.bits(), at: context.now, postings };
    books.post(&journal, None).map_err(|_| Refusal::StepImpossible)?;
    decision.keep(books);
    Ok(Some(id))
}

/// What moves, debits positive, before it is written as postings; several lines of one merchant add up.
#[derive(Default)]
pub(super) struct Moves(Vec<(AccountName, i128, Purpose)>);

impl Moves {
    fn add(&mut self, account: AccountName, debit: i128, purpose: Purpose) {
        match self.0.iter_mut().find(|(known, _, what)| *known == account && *what == purpose) {
            Some((_, sum, _)) => *sum += debit,
            None => self.0.push((account, debit, purpose)),
        }
    }

    /// A line that both sides agree about: the provider pays what is left after its fee, the merchant is owed all of it.
    pub(super) fn settled(&mut self, merchant: &str, line: &SettlementLine) {
        let owed = sen(line.moved().0);
        self.paid(merchant, Some(line), sign(line.kind), owed);
    }

    /// Money through clearing: what a line says moved, its fee, and what the merchant is owed for it.
    fn paid(&mut self, merchant: &str, line: Option<&SettlementLine>, sign: i128, owed: i128) {
        let (amount, fee) = line.map_or((0, 0), |line| (sen(line.moved().0), sen(line.moved().1)));
        let of = |class| AccountName::of(class, merchant);
        self.add(of(Class::Clearing), sign * amount - fee, Purpose::Payment);
        self.add(of(Class::FeeRevenue), fee, Purpose::Cost);
        self.add(of(Class::MerchantPayable), -sign * owed, Purpose::Payment);
    }

    /// What an action makes of an item.
    fn of(item: &ReconciliationItem, action: Action) -> Self {
        let mut moves = Self::default();
        if matches!(action, Action::Dismiss | Action::Wait) {
            return moves;
        }
        let merchant = item.merchant();
        let sign = sign(item.kind());
        let line = item.line.as_ref();
        let (said, fee) = line.map_or((0, 0), |line| (sen(line.moved().0), sen(line.moved().1)));
        // What is believed of it and not accounted for by another item.
        let ours = item.expectation.as_ref().filter(|known| known.believed && item.bucket != Bucket::Duplicate);
        let expected = ours.map_or(0, |known| sen(known.amount));
        let counts = matches!(action, Action::Adopt | Action::CorrectAmount) && item.bucket != Bucket::Duplicate;
        let difference = match item.kind() {
            SubjectKind::Payment | SubjectKind::Refund => {
                let owed = if counts { said } else { expected };
                moves.paid(merchant, line, sign, owed);
                sign * (owed - said)
            }
            SubjectKind::Bill => {
                // The float gave what we had expected when the bill was paid.
                let float = AccountName::float(merchant, item.provider.as_str());
                moves.add(float, expected - said - fee, Purpose::Cost);
                moves.add(AccountName::of(Class::FeeRevenue, merchant), fee, Purpose::Cost);
                said - expected
            }
            SubjectKind::Fee => {
                moves.add(AccountName::of(Class::Clearing, merchant), -(said + fee), Purpose::Payment);
                said + fee
            }
        };
        let other = match action {
            Action::Claim | Action::DuplicateReturned => AccountName::claim(merchant, item.provider.as_str()),
            _ => AccountName::of(Class::FeeRevenue, merchant),
        };
        moves.add(other, difference, Purpose::Difference);
        moves
    }
}

/// Whether money comes to us or leaves us.
fn sign(kind: SubjectKind) -> i128 {
    match kind {
        SubjectKind::Payment => 1,
        SubjectKind::Refund | SubjectKind::Bill | SubjectKind::Fee => -1,
    }
}

fn sen(amount: Amount) -> i128 {
    i128::from(amount.sen())
}

/// The moves as postings, those of nothing left out.
pub(super) fn posted(moves: &Moves) -> Result<Vec<Posting>, Refusal> {
    let moving = moves.0.iter().filter(|(_, debit, _)| *debit != 0);
    let posting = |(account, debit, purpose): &(AccountName, i128, Purpose)| {
        let side = if *debit > 0 { Side::Debit } else { Side::Credit };
        let amount = i64::try_from(debit.abs()).ok().and_then(|sen| Amount::from_sen(sen).ok());
        let amount = amount.ok_or(Refusal::StepImpossible)?;
        Ok(Posting { account: account.clone(), side, amount, purpose: *purpose })
    };
    moving.map(posting).collect()
}
