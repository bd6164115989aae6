//! Reconciliation: what a provider says it settled, held against what we believe.
//!
//! A provider's file is read into [`SettlementLine`]s, what we believe into [`Expectation`]s, and [`reconcile`] puts
//! every line and every expectation that is due into exactly one [`Bucket`]. What is matched enters the ledger with the
//! import; what is not is an exception that stays open until an operator closes it with an [`Action`], which posts.
//!
//! ```text
//! matched              closed with the import
//! missing_here         a line about money that we do not believe in
//! missing_there        money that we believe in, not in the file that should have it
//! amount_differs       both know it, over another amount or fee
//! date_line            both know it, on either side of the end of a day: waits for the next file
//! duplicate            a line about what another line has settled already
//! ```
//! Nothing is overwritten: a later line that brings what was missed closes the earlier item and opens one of its own.
//!
//! `expecting` says what we believe, `matching` holds what finds the buckets, `importing` what keeps them, `closing` what ends them.

mod closing;
pub mod expecting;
mod importing;
mod matching;

use std::fmt::Write as _;

use calendar::{Instant, JakartaDay};
use ledger::{JournalId, words};
use money::Amount;

pub use closing::{Action, Close, close};
pub use importing::{FINDINGS_PER_COMMIT_MAX, KeepFindings, keep_findings, portions};
pub use matching::{Finding, Matching, claims_of, reconcile};

use crate::{MerchantCode, ReconciliationItemId, SettlementFileId};

/// The most lines of one file.
pub const LINES_MAX: usize = 200_000;
/// The longest reference, note or name, in bytes.
pub const TEXT_MAX: usize = 256;
const SECONDS_PER_DAY: i64 = 24 * 60 * 60;

words!(
    /// What a line or an expectation is about.
    SubjectKind {
        /// A customer's payment: the provider pays us.
        Payment = "payment",
        /// Money given back to a customer: the provider takes it from what it pays us.
        Refund = "refund",
        /// A bill or product that was paid out of our money at the provider.
        Bill = "bill",
        /// What the provider takes for its services, about nothing in particular.
        Fee = "fee",
    }
);

words!(
    /// Where a line or an expectation ends. Exactly one each.
    Bucket {
        /// Both say the same.
        Matched = "matched",
        /// The provider knows it, we do not, or do not believe it.
        MissingHere = "missing_here",
        /// We believe it, the provider's file does not hold it.
        MissingThere = "missing_there",
        /// Both know it, over another amount or fee.
        AmountDiffers = "amount_differs",
        /// Both know it, on either side of the end of a day.
        DateLine = "date_line",
        /// Another line has settled it already.
        Duplicate = "duplicate",
    }
);

/// One line of a settlement file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SettlementLine {
    /// Its row in the file, from 1; no part of what it says.
    pub row: u32,
    /// What it is about.
    pub kind: SubjectKind,
    /// Our reference, where the file has one.
    pub reference: Option<String>,
    /// The provider's reference, where the file has one.
    pub provider_reference: Option<String>,
    /// How much, before any fee; of a bill: what was taken from our money.
    pub amount: Amount,
    /// What the provider keeps of it.
    pub fee: Amount,
    /// When, by the provider's clock.
    pub at: Instant,
    /// Whether money moved, by the provider's word; a line that says no is only information.
    pub settled: bool,
}

impl SettlementLine {
    /// What it says, as one text: equal texts say the same, whatever the row.
    fn said(&self) -> String {
        let mut text = format!("{}|", self.kind.name());
        for reference in [&self.reference, &self.provider_reference] {
            // With its length, so that no reference reads as two.
            let reference = reference.as_deref();
            let _ = write!(text, "{}:{}|", reference.map_or(-1, length), reference.unwrap_or_default());
        }
        let (amount, fee, at) = (self.amount.sen(), self.fee.sen(), self.at.micros());
        let _ = write!(text, "{amount}|{fee}|{at}|{}", self.settled);
        text
    }

    /// The money that it says moved: amount and fee, nothing where it says that none did.
    pub fn moved(&self) -> (Amount, Amount) {
        if self.settled { (self.amount, self.fee) } else { (Amount::ZERO, Amount::ZERO) }
    }
}

fn length(text: &str) -> i64 {
    i64::try_from(text.len()).unwrap_or(i64::MAX)
}

/// The text whose digest is the identity of a file: the same lines in any order and under any name are the same file.
pub fn content(provider: &str, day: JakartaDay, lines: &[SettlementLine]) -> String {
    let mut said: Vec<String> = lines.iter().map(SettlementLine::said).collect();
    said.sort_unstable();
    let mut text = format!("settlement|{provider}\n");
    if said.is_empty() {
        // Nothing happened on many days.
        let _ = write!(text, "{}", day.number());
    }
    for line in said {
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// What we believe of one thing that a provider will settle; made from a payment, a refund or a bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// What it is about.
    pub kind: SubjectKind,
    /// The bits of its id.
    pub subject: u128,
    /// Whose.
    pub merchant: MerchantCode,
    /// Our reference at the provider.
    pub reference: String,
    /// The provider's reference, where known.
    pub provider_reference: Option<String>,
    /// How much.
    pub amount: Amount,
    /// When it happened, by our clock.
    pub at: Instant,
    /// Whether we believe that money moved. What is open or failed here is nothing that we expect, but what a line of
    /// the provider's may be about.
    pub believed: bool,
}

/// When and how a provider settles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettlementRule {
    /// When its business day begins, in minutes after Jakarta's midnight.
    pub day_begins_minute: u16,
    /// How long after the end of a business day everything of it must have been in a file, in seconds.
    pub deadline_seconds: i64,
    /// What happens this shortly before the end of a day may be in the next day's file, in seconds.
    pub date_line_seconds: i64,
    /// What the provider keeps of a payment, in hundredths of a percent, fractions of a sen left out; none: whatever the
    /// file says is right.
    pub fee_basis_points: Option<u32>,
}

impl SettlementRule {
    /// Settles the day after, everything within two days, and keeps what it says.
    pub const NEXT_DAY: Self = Self {
        day_begins_minute: 0,
        deadline_seconds: 2 * SECONDS_PER_DAY,
        date_line_seconds: 60 * 60,
        fee_basis_points: None,
    };

    /// What is kept of a payment of this amount, where that is agreed.
    pub fn fee(&self, kind: SubjectKind, amount: Amount) -> Option<Amount> {
        let points = self.fee_basis_points.filter(|_| kind == SubjectKind::Payment)?;
        let sen = i128::from(amount.sen()) * i128::from(points) / 10_000;
        Amount::from_sen(i64::try_from(sen).ok()?).ok()
    }

    /// The business day in which an instant falls.
    pub fn day(&self, at: Instant) -> JakartaDay {
        at.plus_seconds(-60 * i64::from(self.day_begins_minute)).jakarta_day()
    }

    /// A business day's beginning and its end, which is not part of it.
    pub fn period(&self, day: JakartaDay) -> (Instant, Instant) {
        let begin = day_begin(day).plus_seconds(60 * i64::from(self.day_begins_minute));
        (begin, begin.plus_seconds(SECONDS_PER_DAY))
    }

    /// Until when something that happened then must have been in a file.
    pub fn deadline(&self, at: Instant) -> Instant {
        self.period(self.day(at)).1.plus_seconds(self.deadline_seconds)
    }
}

/// Jakarta's midnight at the beginning of a day.
fn day_begin(day: JakartaDay) -> Instant {
    let number = day.number();
    let text = format!("{:04}-{:02}-{:02}T00:00:00+07:00", number / 10_000, number / 100 % 100, number % 100);
    Instant::parse(&text).unwrap_or(Instant::from_micros(0))
}

/// The business day that most lines are of, the earliest where several are; none without lines.
pub fn day_of(lines: &[SettlementLine], rule: &SettlementRule) -> Option<JakartaDay> {
    let mut counts = std::collections::BTreeMap::<u32, usize>::new();
    for line in lines {
        *counts.entry(rule.day(line.at).number()).or_default() += 1;
    }
    let most = counts.values().copied().max()?;
    counts.into_iter().find(|(_, count)| *count == most).map(|(day, _)| JakartaDay::from_number(day))
}

/// How many lines and items ended in a bucket, and the lines' money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Items, those without a line included.
    pub items: u32,
    /// Lines.
    pub lines: u32,
    /// Sum of the lines' amounts, in sen.
    pub amount_sen: i64,
    /// Sum of the lines' fees, in sen.
    pub fee_sen: i64,
}

impl Tally {
    fn add(&mut self, line: Option<&SettlementLine>) {
        self.items = self.items.saturating_add(1);
        if let Some(line) = line {
            self.lines = self.lines.saturating_add(1);
            self.amount_sen = self.amount_sen.saturating_add(line.amount.sen());
            self.fee_sen = self.fee_sen.saturating_add(line.fee.sen());
        }
    }

    /// Of these lines.
    pub fn of<'l>(lines: impl IntoIterator<Item = &'l SettlementLine>) -> Self {
        let mut tally = Self::default();
        lines.into_iter().for_each(|line| tally.add(Some(line)));
        tally
    }
}

/// One settlement file of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettlementFile {
    /// The first half of its content's digest: the same content is the same file.
    pub id: SettlementFileId,
    /// SHA-256 of [`content`].
    pub digest: [u8; 32],
    /// Whose.
    pub provider: String,
    /// What it was called when it was first imported.
    pub name: String,
    /// The business day that it is about.
    pub day: JakartaDay,
    /// When its import began.
    pub imported_at: Instant,
    /// Who imported it.
    pub by: String,
    /// All of its lines.
    pub total: Tally,
    /// What was kept of it so far, by bucket in the order of [`Bucket::ALL`].
    pub buckets: [Tally; Bucket::ALL.len()],
    /// Whether all of it was kept. An import that ended half-way is finished by importing the file again.
    pub complete: bool,
}

impl SettlementFile {
    /// How many items were kept of it so far.
    pub fn kept(&self) -> u32 {
        self.buckets.iter().map(|tally| tally.items).fold(0, u32::saturating_add)
    }

    /// The one word for where it stands in table, log and report: `importing`, `imported`.
    pub fn state_name(&self) -> &'static str {
        if self.complete { "imported" } else { "importing" }
    }
}

/// Where one line, or one thing that should have been a line, ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReconciliationItem {
    /// Its id.
    pub id: ReconciliationItemId,
    /// Whose file.
    pub provider: String,
    /// The file whose import opened it.
    pub file: SettlementFileId,
    /// The line; none where the file should have held one.
    pub line: Option<SettlementLine>,
    /// What we know of it; none where nothing here has the line's reference.
    pub expectation: Option<Expectation>,
    /// What it accounts for: at most one item of a provider does under a text. What repeats another line, or is about
    /// nothing that has a name, accounts for its row. None: another item took its place.
    pub claim: Option<String>,
    /// Where it ended.
    pub bucket: Bucket,
    /// When it was opened.
    pub opened_at: Instant,
    /// Until when it may stay open before it is late.
    pub deadline: Instant,
    /// Whose work it is: who imported the file, then who dealt with it last.
    pub owner: String,
    /// What was done about it, oldest first.
    pub steps: Vec<ItemStep>,
    /// Where it stands.
    pub state: ItemState,
}

/// One thing that was done about an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemStep {
    /// When.
    pub at: Instant,
    /// Who.
    pub by: String,
    /// What.
    pub action: Action,
    /// Why, in the operator's words.
    pub note: String,
}

/// Where an item stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemState {
    /// Waits for an operator, or for a later file.
    Open,
    /// Both sides agreed: posted with the import. None of nothing to post: a bill was posted when it was paid.
    Settled {
        /// What it was posted with, together with others.
        journal: Option<JournalId>,
    },
    /// A later line or the end of its time moved it to another item.
    Moved {
        /// When.
        at: Instant,
        /// Which item accounts for it since.
        to: ReconciliationItemId,
    },
    /// An operator closed it by the last of its steps.
    Closed {
        /// When.
        at: Instant,
        /// What was posted; none: nothing had to be.
        journal: Option<JournalId>,
    },
}

impl ItemState {
    /// The one word for it in table, log and report.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Settled { .. } => "settled",
            Self::Moved { .. } => "moved",
            Self::Closed { .. } => "closed",
        }
    }

    /// The journal that it was posted with.
    pub fn journal(&self) -> Option<JournalId> {
        match self {
            Self::Settled { journal } | Self::Closed { journal, .. } => *journal,
            Self::Open | Self::Moved { .. } => None,
        }
    }
}

impl ReconciliationItem {
    /// What it is about.
    pub fn kind(&self) -> SubjectKind {
        let line = self.line.as_ref().map(|line| line.kind);
        line.or(self.expectation.as_ref().map(|expectation| expectation.kind)).unwrap_or(SubjectKind::Fee)
    }

    /// Whose money it is about; the house's where nobody knows.
    pub fn merchant(&self) -> &str {
        self.expectation.as_ref().map_or(ledger::HOUSE, |expectation| expectation.merchant.as_str())
    }

    /// Whether it is open and its time is over.
    pub fn is_late(&self, now: Instant) -> bool {
        self.state == ItemState::Open && self.deadline <= now
    }
}
