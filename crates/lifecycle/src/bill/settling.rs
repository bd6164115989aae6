//! What follows the call: what is known of a bill's payment becomes its state, its postings and its answer, from the
//! payment's own answer, from a question about it, or from a notice.
//!
//! The same facts in any order, and repeated, leave the same balances: each order has a [`Fate`] that only moves on, and
//! each step of it posts once. The state that remains is the same too, but for one that a reader could not tell apart
//! either: a success that is heard of only after it was taken back is *failed* instead of *reversed*.

use ledger::{AccountName, Books, Class, Journal, JournalId, JournalKind, LedgerError, Posting, Purpose, Side};
use money::Amount;

use super::{Bill, BillStatus, BillTask, Fate, INQUIRY_WAITS_SECONDS, LATE_TOKEN_SECONDS, SentOrder, paying};
use crate::{
    Answer, Decision, Key, Reason, Refusal,
    biller::Quote,
    case::FIRST_CALL_SECONDS,
    command::{World, account_row, bill_row},
    decision::Context,
    notification::Notice,
    provider::{BillReceipt, Outcome},
    task::{Task, TaskKind},
};

/// A source told something by itself. It is believed as its answer to a question would be.
pub fn noticed(
    about: &BillTask,
    outcome: Outcome,
    world: &dyn World,
    context: &mut Context<'_>,
) -> Result<Decision, Refusal> {
    let mut bill = bill_row(world, &Key::Bill(about.bill)).ok_or(Refusal::BillNotFound)?.clone();
    if bill.task_about(about.attempt, context.merchant).as_ref() != Some(about) {
        // A source's word counts for the orders that it was sent.
        return Err(Refusal::BillNotFound);
    }
    let paid = matches!(outcome, Outcome::BillPaid(_));
    if paid && !bill.was_sent() && matches!(bill.status, BillStatus::Inquired { .. }) {
        // A store that was restored from a backup may know less than the source.
        let (attempt, source) = (bill.attempt, bill.source);
        bill.orders.push(SentOrder { attempt, source, at: context.now, fate: Fate::Open });
        bill.payer = Some(about.payer.clone());
    }
    Ok(payment_reported(&bill, about, None, outcome, world, context))
}

/// What is known of a bill's payment. A task's end without news of an order of this bill only ends the task.
pub fn payment_reported(
    bill: &Bill,
    about: &BillTask,
    task: Option<&Task>,
    outcome: Outcome,
    world: &dyn World,
    context: &mut Context<'_>,
) -> Decision {
    let decision = task.map_or_else(Decision::default, |task| Decision::ending(task.id));
    let Some(index) = bill.orders.iter().position(|order| order.attempt == about.attempt) else { return decision };
    if bill.payer.as_ref() != Some(&about.payer) {
        return decision;
    }
    let unanswered = matches!(bill.status, BillStatus::Sent { .. });
    let settling = Settling { known: bill, bill: bill.clone(), about, index, task, world, decision, unanswered };
    let current = about.attempt == bill.attempt && bill.status.is_open();
    match outcome {
        Outcome::BillPaid(receipt) => settling.paid(*receipt, current, context),
        Outcome::BillReversed => settling.reversed(current, context),
        other if current => settling.reported(other, context),
        // What else an order that is not under way is said to be changes nothing.
        _ => settling.ask_for_token(context),
    }
}

/// A bill whose money is being settled, and the order that something is known of.
struct Settling<'a> {
    /// As it was before.
    known: &'a Bill,
    bill: Bill,
    about: &'a BillTask,
    index: usize,
    task: Option<&'a Task>,
    world: &'a dyn World,
    decision: Decision,
    unanswered: bool,
}

/// Why a success is not believed as it stands.
enum Doubt {
    /// It names another amount.
    OtherAmount(Amount),
    /// What was bought is not there yet.
    NoToken,
}

/// Where the money for what a source delivered comes from, and where it is counted as spent.
struct Parties {
    payer: AccountName,
    spent: AccountName,
}

impl Settling<'_> {
    fn fate(&mut self) -> &mut Fate {
        &mut self.bill.orders[self.index].fate
    }

    /// Paid, says the source.
    fn paid(mut self, mut receipt: BillReceipt, current: bool, context: &mut Context<'_>) -> Decision {
        match self.fate() {
            Fate::Paid if crate::planted!(DoublePostOnNotice) => {
                return self.succeed_late(receipt, Reason::Expired, context);
            }
            Fate::Paid => return self.bring_token(receipt, context),
            Fate::PaidBeside { .. } | Fate::Reversed => return self.ask_for_token(context),
            Fate::Open | Fate::Taken | Fate::Refused | Fate::OtherAmount(_) => {}
        }
        let doubt = self.doubt(&receipt, &self.bill.orders[self.index].fate);
        if let Some(Doubt::OtherAmount(named)) = doubt {
            receipt.bill_amount = Some(named);
        }
        match (&self.bill.status, doubt) {
            (_, None) if current => self.succeed(receipt, context),
            (_, Some(Doubt::NoToken)) if current => {
                self.acknowledge();
                self.remain_in_process(context)
            }
            (_, Some(Doubt::OtherAmount(named))) if current => {
                *self.fate() = Fate::OtherAmount(named);
                let evidence = format!("the source names another amount, {}", named.snap_text());
                self.remain_unknown(evidence, context)
            }
            (BillStatus::Failed { reason, .. }, None | Some(Doubt::NoToken)) => {
                let reason = reason.clone();
                self.succeed_late(receipt, reason, context)
            }
            (BillStatus::Inquired { .. }, None | Some(Doubt::NoToken)) => {
                self.succeed_late(receipt, Reason::Expired, context)
            }
            // Another order counts already or is under way, or nobody can say what was paid: people settle it.
            _ => self.pay_beside(receipt, context),
        }
    }

    /// Taken back, says the source.
    fn reversed(mut self, current: bool, context: &mut Context<'_>) -> Decision {
        match self.fate().clone() {
            Fate::Reversed => self.ask_for_token(context),
            Fate::Paid => self.take_back(context),
            Fate::PaidBeside { cost, .. } => {
                let parties = self.parties_beside();
                if self.post_cost(JournalKind::Reversal, &parties.spent, &parties.payer, cost, context).is_ok() {
                    *self.fate() = Fate::Reversed;
                }
                self.end()
            }
            Fate::Open | Fate::Taken | Fate::Refused | Fate::OtherAmount(_) => {
                *self.fate() = Fate::Reversed;
                if current { self.close(Reason::DoNotHonor, context) } else { self.end() }
            }
        }
    }

    /// The source said something else about the order under way.
    fn reported(mut self, outcome: Outcome, context: &mut Context<'_>) -> Decision {
        let asked = self.task.is_some_and(|task| task.kind.asks_about_the_past());
        match outcome {
            Outcome::Pending => {
                self.acknowledge();
                self.remain_in_process(context)
            }
            Outcome::Refused(Reason::RepeatedAtSource) => {
                self.remain_unknown("the source knows the reference already".into(), context)
            }
            Outcome::Refused(reason) if asked && is_about_the_question(&reason) => {
                self.remain_unknown(format!("the source refused the question: {reason:?}"), context)
            }
            Outcome::Refused(reason) if self.is_overtaken() && reason.is_of_the_source() => {
                self.remain_unknown(format!("refused after it was taken for lost: {reason:?}"), context)
            }
            Outcome::Refused(reason) => self.refused(reason, context),
            Outcome::NotFound if self.not_found_is_final(context) => self.close(Reason::ProviderUnreachable, context),
            Outcome::NotFound => self.remain_unknown("the source does not know the order".into(), context),
            Outcome::Unknown(_) if crate::planted!(HoldReleasedOnTimeout) => {
                self.close(Reason::ProviderUnreachable, context)
            }
            Outcome::Unknown(evidence) => self.remain_unknown(evidence, context),
            _ => self.remain_unknown("an answer that means nothing for a bill".into(), context),
        }
    }

    /// The source has the order.
    fn acknowledge(&mut self) {
        if *self.fate() == Fate::Open {
            *self.fate() = Fate::Taken;
        }
    }

    /// That a source knows nothing of an order proves that it never took it, unless it said before that it has it, and
    /// not before its window is over.
    fn not_found_is_final(&mut self, context: &Context<'_>) -> bool {
        let from = self.bill.orders[self.index].at.plus_seconds(context.not_found_final_seconds);
        *self.fate() == Fate::Open && context.now >= from
    }

    fn doubt(&self, receipt: &BillReceipt, fate: &Fate) -> Option<Doubt> {
        let expected = self.bill.quote.map(|quote| quote.bill_amount);
        match (receipt.bill_amount, fate) {
            (Some(named), _) if Some(named) != expected => return Some(Doubt::OtherAmount(named)),
            // A later word that names no amount does not make the earlier one right.
            (None, Fate::OtherAmount(named)) => return Some(Doubt::OtherAmount(*named)),
            _ => {}
        }
        self.bill.lacks_token(receipt).then_some(Doubt::NoToken)
    }

    /// Definitely refused: the next source's turn, where the fault is this one's own.
    fn refused(mut self, reason: Reason, context: &mut Context<'_>) -> Decision {
        let delivered = self.bill.orders.iter().any(|order| matches!(order.fate, Fate::PaidBeside { .. }));
        // A caller that was told already that the outcome is open is not surprised by another source hours later.
        if !self.unanswered || delivered || !reason.is_of_the_source() {
            return self.close(reason, context);
        }
        let mut bill =
            Bill { source: self.bill.source + 1, attempt: self.bill.attempt + 1, inquired: false, ..self.bill.clone() };
        bill.orders[self.index].fate = Fate::Refused;
        if !paying::send(&mut bill, &mut self.decision, context) {
            return self.close(reason, context);
        }
        self.bill = bill;
        self.end()
    }

    /// The order under way is known not to be paid. The bill is not either, unless a source that had refused it before
    /// delivered it after all.
    fn close(mut self, reason: Reason, context: &mut Context<'_>) -> Decision {
        if matches!(self.fate(), Fate::Open | Fate::Taken) {
            *self.fate() = Fate::Refused;
        }
        let beside = self.bill.orders.iter().enumerate().find_map(|(index, order)| match &order.fate {
            Fate::PaidBeside { receipt, cost } if self.doubt(receipt, &order.fate).is_none() => {
                Some((index, (**receipt).clone(), *cost))
            }
            _ => None,
        });
        match beside {
            Some((index, receipt, cost)) => {
                let clearing = self.parties_beside().payer;
                self.index = index;
                self.settle_hold(receipt, cost, clearing, context)
            }
            None => self.fail(reason, context),
        }
    }

    fn succeed(self, receipt: BillReceipt, context: &mut Context<'_>) -> Decision {
        let [_, float, _, _] = self.about.accounts();
        let cost = self.cost(&receipt);
        self.settle_hold(receipt, cost, float, context)
    }

    /// Uses the reservation up for what was delivered.
    fn settle_hold(
        mut self,
        receipt: BillReceipt,
        cost: Amount,
        spent: AccountName,
        context: &mut Context<'_>,
    ) -> Decision {
        let Some(hold) = self.bill.hold.clone() else {
            return self.remain_unknown("paid, and nothing is reserved for it".into(), context);
        };
        let parties = Parties { payer: hold.account.clone(), spent };
        let used_up = Some((&hold.account, hold.amount));
        let posted = self
            .split(&parties, cost)
            .and_then(|postings| self.post(JournalKind::BillPaid, postings, used_up, context).map(drop));
        if let Err(error) = posted {
            // Never seen; the money stays reserved and people look.
            return self.remain_unknown(format!("paid, and the ledger refused it: {error}"), context);
        }
        self.bill.hold = None;
        *self.fate() = Fate::Paid;
        self.bill.status = BillStatus::Succeeded { receipt, at: context.now };
        self.end()
    }

    /// Paid, though we had said that it failed: the merchant pays for it where its deposit or credit suffices, else it
    /// waits in clearing for an operator.
    fn succeed_late(mut self, receipt: BillReceipt, failed_because: Reason, context: &mut Context<'_>) -> Decision {
        let [payer, spent, _, clearing] = self.about.accounts();
        let reserved = self.bill.quote.and_then(|quote| quote.reserved().ok());
        let before = account_row(self.world, &payer);
        let access = context.merchant.biller.as_ref().filter(|access| {
            let available = access.mechanism.limit().available(&before);
            let pays = access.mechanism.payer(&self.bill.merchant) == payer;
            pays && reserved.is_some_and(|amount| available >= amount.sen())
        });
        let charged = if access.is_some() { payer.clone() } else { clearing };
        let parties = Parties { payer: charged.clone(), spent };
        let cost = self.cost(&receipt);
        let posted = self
            .split(&parties, cost)
            .and_then(|postings| self.post(JournalKind::BillPaidLate, postings, None, context));
        // Never seen; the source's word is in the log, and the accounts stay as they are.
        let Ok(after) = posted else { return self.end() };
        if let Some(access) = access {
            paying::warn_when_low(access, &before, &after, &mut self.decision, context.now);
        }
        *self.fate() = Fate::Paid;
        self.bill.status = BillStatus::SucceededLate { receipt, at: context.now, failed_because, charged };
        if self.bill.owes_token() && self.bill.asked_since(self.about).is_some() {
            self.schedule(LATE_TOKEN_SECONDS, context);
        }
        self.end()
    }

    /// A source delivered besides the order that counts: what it takes from our float waits in clearing for an operator.
    /// The merchant pays once.
    fn pay_beside(mut self, receipt: BillReceipt, context: &mut Context<'_>) -> Decision {
        let cost = self.cost(&receipt);
        let Parties { payer, spent } = self.parties_beside();
        if self.post_cost(JournalKind::BillPaidLate, &payer, &spent, cost, context).is_ok() {
            *self.fate() = Fate::PaidBeside { receipt: Box::new(receipt), cost };
        }
        if let BillStatus::Inquired { .. } = self.bill.status {
            // Its reference is spent: what was inquired is not paid under it any more.
            self.bill.status = BillStatus::Failed { reason: Reason::AmountInvalid, at: context.now };
        }
        self.end()
    }

    /// The source took back the success that counts: every posting is taken back.
    fn take_back(mut self, context: &mut Context<'_>) -> Decision {
        let [_, spent, _, _] = self.about.accounts();
        let (receipt, payer) = match &self.bill.status {
            BillStatus::Succeeded { receipt, .. } => (receipt.clone(), self.about.payer.clone()),
            BillStatus::SucceededLate { receipt, charged, .. } => (receipt.clone(), charged.clone()),
            _ => return self.end(),
        };
        let cost = self.cost(&receipt);
        let posted = self.split(&Parties { payer, spent }, cost).and_then(|mut postings| {
            for posting in &mut postings {
                posting.side = match posting.side {
                    Side::Debit => Side::Credit,
                    Side::Credit => Side::Debit,
                };
            }
            self.post(JournalKind::Reversal, postings, None, context)
        });
        if posted.is_ok() {
            *self.fate() = Fate::Reversed;
            self.bill.status = BillStatus::Reversed { receipt, at: context.now };
        }
        self.end()
    }

    fn fail(mut self, reason: Reason, context: &mut Context<'_>) -> Decision {
        if let Some(hold) = &self.bill.hold {
            let mut books = Books::over([account_row(self.world, &hold.account)]);
            let journal = JournalId(context.fresh.id());
            let (bill, now) = (self.bill.id.bits(), context.now);
            if let Err(error) = books.release(&hold.account, hold.amount, JournalKind::Void, journal, bill, now) {
                // Never seen; nothing is given back that is not there, and people look.
                return self.remain_unknown(format!("failed, and the ledger refused it: {error}"), context);
            }
            self.decision.keep(books);
        }
        self.bill.hold = None;
        self.bill.status = BillStatus::Failed { reason, at: context.now };
        self.end()
    }

    fn remain_in_process(mut self, context: &mut Context<'_>) -> Decision {
        let sent_at = self.bill.orders[self.index].at;
        let checks = self.ask_again(context);
        self.bill.status = BillStatus::InProcess { sent_at, checks };
        self.end()
    }

    fn remain_unknown(mut self, evidence: String, context: &mut Context<'_>) -> Decision {
        let sent_at = self.bill.orders[self.index].at;
        let since = match &self.bill.status {
            BillStatus::Unknown { since, .. } => *since,
            _ => context.now,
        };
        let checks = self.ask_again(context);
        self.bill.status = BillStatus::Unknown { evidence, sent_at, since, checks };
        self.end()
    }

    /// The token of a bill that turned out late to be paid may come later still; the first one that comes stays.
    fn bring_token(mut self, brought: BillReceipt, context: &mut Context<'_>) -> Decision {
        if self.bill.owes_token()
            && !self.bill.lacks_token(&brought)
            && let BillStatus::SucceededLate { receipt, .. } = &mut self.bill.status
        {
            receipt.token = brought.token;
            receipt.fields = brought.fields;
            return self.end();
        }
        self.ask_for_token(context)
    }

    /// Nothing changes; a question after a token that is owed is asked again.
    fn ask_for_token(mut self, context: &mut Context<'_>) -> Decision {
        let asks = self.is_asker() && self.bill.owes_token() && self.bill.asked_since(self.about).is_some();
        if !asks {
            return self.decision;
        }
        self.schedule(LATE_TOKEN_SECONDS, context);
        self.end()
    }

    /// Whether the end of this task schedules the next question.
    fn is_asker(&self) -> bool {
        self.task.is_some_and(|task| task.kind.asks_again() && self.bill.asker == Some(task.id))
    }

    /// Whether this is the end of a task that was taken for lost: its order is asked about since, and where asking is
    /// sending it again, what refused the first copy does not speak for the others.
    fn is_overtaken(&self) -> bool {
        self.task.is_some_and(|task| !task.kind.asks_about_the_past() && self.bill.asker != Some(task.id))
    }

    /// Schedules the next question and counts the one that ended.
    fn ask_again(&mut self, context: &mut Context<'_>) -> u32 {
        let checks = match &self.bill.status {
            BillStatus::InProcess { checks, .. } | BillStatus::Unknown { checks, .. } => *checks,
            _ => 0,
        };
        if !self.is_asker() {
            return checks;
        }
        let asked = self.task.is_some_and(|task| task.kind.asks_about_the_past());
        let checks = checks.saturating_add(u32::from(asked));
        self.schedule(INQUIRY_WAITS_SECONDS[(checks as usize).min(INQUIRY_WAITS_SECONDS.len() - 1)], context);
        checks
    }

    fn schedule(&mut self, wait_seconds: i64, context: &mut Context<'_>) {
        let kind = TaskKind::InquireBillPayment { bill: Box::new(self.about.clone()), recurring: true };
        self.bill.asker = Some(self.decision.repeat(context, kind, context.now.plus_seconds(wait_seconds)));
    }

    /// Answers the call that waits, if nothing was said to it yet and there is something to say, and keeps the bill.
    fn end(mut self) -> Decision {
        // What is decided is asked about no more, whoever told.
        if !self.bill.status.is_open()
            && !self.bill.owes_token()
            && let Some(asker) = self.bill.asker.take()
            && self.task.is_none_or(|task| task.id != asker)
        {
            self.decision.ended.push(asker);
        }
        if self.unanswered && !matches!(self.bill.status, BillStatus::Sent { .. }) {
            let answer = match &self.bill.status {
                BillStatus::Failed { reason, .. } => Answer::Refused(Refusal::Provider(reason.clone())),
                _ => Answer::BillPayment(Box::new(self.bill.clone())),
            };
            self.decision.answer(self.bill.request.clone(), answer);
        }
        if self.is_news() {
            self.decision.notices.push(Notice::Bill(Box::new(self.bill.clone())));
        }
        self.decision.rows.push(self.bill.into());
        self.decision
    }

    /// Whether the merchant must be told: it is decided, or decided otherwise, after its call was answered, or after so
    /// long that whoever called was told that it is not known yet.
    fn is_news(&self) -> bool {
        let called = match self.known.status {
            BillStatus::Sent { sent_at } => Some(sent_at),
            _ => None,
        };
        let ended = match &self.bill.status {
            BillStatus::Succeeded { at, .. }
            | BillStatus::SucceededLate { at, .. }
            | BillStatus::Failed { at, .. }
            | BillStatus::Reversed { at, .. } => *at,
            _ => return false,
        };
        let waited = called.is_none_or(|sent_at| ended.seconds_since(sent_at) >= FIRST_CALL_SECONDS);
        waited && self.bill.status != self.known.status
    }

    /// What the source takes from our float: as it says now, as it said when it was inquired under this reference, or
    /// the bill's amount.
    fn cost(&self, receipt: &BillReceipt) -> Amount {
        let inquired = self.bill.inquired && self.about.attempt == self.bill.attempt;
        let said = || self.bill.due.as_ref().filter(|_| inquired)?.cost;
        let bill_amount = self.bill.quote.map_or(Amount::ZERO, |quote| quote.bill_amount);
        receipt.cost.or_else(said).unwrap_or(bill_amount)
    }

    fn parties_beside(&self) -> Parties {
        let [_, spent, _, clearing] = self.about.accounts();
        Parties { payer: clearing, spent }
    }

    /// Every part of a paid bill: the payer pays amount and fee and keeps its margin, the source takes its cost, the
    /// rest is ours, or is what it cost us.
    fn split(&self, parties: &Parties, cost: Amount) -> Result<Vec<Posting>, LedgerError> {
        let Quote { amount, fee, margin, .. } = self.bill.quote.ok_or(LedgerError::Overflow)?;
        let Parties { payer, spent } = parties;
        let revenue = AccountName::of(Class::FeeRevenue, self.bill.merchant.as_str());
        let posting =
            |account: &AccountName, side, amount, purpose| Posting { account: account.clone(), side, amount, purpose };
        let sen = |amount: Amount| i128::from(amount.sen());
        let rest = sen(amount) + sen(fee) - sen(margin) - sen(cost);
        let side = if rest < 0 { Side::Debit } else { Side::Credit };
        let rest = i64::try_from(rest.abs()).ok().and_then(|rest| Amount::from_sen(rest).ok());
        Ok(vec![
            posting(payer, Side::Debit, amount, Purpose::Bill),
            posting(payer, Side::Debit, fee, Purpose::Fee),
            posting(payer, Side::Credit, margin, Purpose::Margin),
            posting(spent, Side::Credit, cost, Purpose::Cost),
            posting(&revenue, side, rest.ok_or(LedgerError::Overflow)?, Purpose::Fee),
        ])
    }

    /// Moves what a source took from one account to another.
    fn post_cost(
        &mut self,
        kind: JournalKind,
        debit: &AccountName,
        credit: &AccountName,
        cost: Amount,
        context: &mut Context<'_>,
    ) -> Result<(), LedgerError> {
        if cost == Amount::ZERO {
            return Ok(());
        }
        let posting = |account: &AccountName, side| {
            let account = account.clone();
            Posting { account, side, amount: cost, purpose: Purpose::Cost }
        };
        let postings = vec![posting(debit, Side::Debit), posting(credit, Side::Credit)];
        self.post(kind, postings, None, context).map(drop)
    }

    /// Posts the one journal of this decision; gives the payer's account as it stands afterwards.
    fn post(
        &mut self,
        kind: JournalKind,
        postings: Vec<Posting>,
        used_up: Option<(&AccountName, Amount)>,
        context: &mut Context<'_>,
    ) -> Result<ledger::Account, LedgerError> {
        let mut books = Books::over(self.about.accounts().map(|name| account_row(self.world, &name)));
        let id = JournalId(context.fresh.id());
        let journal = Journal { id, kind, subject: self.bill.id.bits(), at: context.now, postings };
        books.post(&journal, used_up)?;
        let payer = books.account(&self.about.payer);
        self.decision.keep(books);
        Ok(payer)
    }
}

/// Whether a source that refused a question with this reason refused the question and not the order asked about.
fn is_about_the_question(reason: &Reason) -> bool {
    matches!(reason, Reason::ProviderUnreachable | Reason::ProviderRejectedCall(_) | Reason::FloatInsufficient)
}
