//! What is written: journals, and the entries that they leave in accounts.

use aws_lc_rs::digest::{Context, SHA256};
use calendar::Instant;
use money::Amount;

use crate::AccountName;

/// 128 bits that name a journal; later ones sort later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JournalId(pub u128);

/// Debit or credit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Left.
    Debit,
    /// Right.
    Credit,
}

/// Makes an enumeration of words: each has one name for tables, logs, reports and commands, and is found by it.
#[macro_export]
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $word:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$word_doc])* $word,)+
        }

        impl $name {
            /// Each of them.
            pub const ALL: &'static [Self] = &[$(Self::$word,)+];

            /// The one word for it in tables, logs, reports and commands.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$word => $text,)+
                }
            }

            /// The one of this name.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|word| word.name() == text)
            }
        }
    };
}

words!(
    /// Why a journal was written.
    JournalKind {
        /// A merchant paid into its deposit.
        TopUp = "top_up",
        /// Money was reserved for a bill; no balance changed.
        Reservation = "reservation",
        /// A reservation was given back because the bill definitely failed; no balance changed.
        Void = "void",
        /// A reservation was given back because its time ended before anything was sent; no balance changed.
        Expiry = "expiry",
        /// A bill was paid; its reservation was used up.
        BillPaid = "bill_paid",
        /// A bill turned out to be paid after its reservation had been given back.
        BillPaidLate = "bill_paid_late",
        /// A journal was taken back.
        Reversal = "reversal",
        /// A merchant paid an invoice, in full or in part.
        InvoicePaid = "invoice_paid",
        /// A provider's settlement held what we expected of it.
        Settled = "settled",
        /// A settlement held money for what we had not believed, and an operator took its word.
        Adopted = "adopted",
        /// A settlement held another amount, and an operator took it as the right one.
        Corrected = "corrected",
        /// An operator took a difference between a settlement and us as the provider's debt, or as ours to it.
        Claimed = "claimed",
        /// An operator took a difference between a settlement and us as our loss or gain.
        WriteOff = "write_off",
    }
);

words!(
    /// What an entry's money is for.
    Purpose {
        /// The bill itself, admin fee included.
        Bill = "bill",
        /// Our fee beyond that.
        Fee = "fee",
        /// The merchant's share of the fee.
        Margin = "margin",
        /// What the provider takes.
        Cost = "cost",
        /// Money paid in.
        Payment = "payment",
        /// Money reserved or given back.
        Hold = "hold",
        /// What a provider's settlement and we do not agree about.
        Difference = "difference",
    }
);

/// One line of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    /// Which account.
    pub account: AccountName,
    /// Which side.
    pub side: Side,
    /// How much.
    pub amount: Amount,
    /// What for.
    pub purpose: Purpose,
}

/// Postings that balance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journal {
    /// Its id.
    pub id: JournalId,
    /// Why.
    pub kind: JournalKind,
    /// What it is about: the bits of a bill's, top-up's or invoice's id, of a settlement file's or of an
    /// item of a reconciliation.
    pub subject: u128,
    /// When.
    pub at: Instant,
    /// Its lines.
    pub postings: Vec<Posting>,
}

/// What a journal or a hold left in one account. Never changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which account.
    pub account: AccountName,
    /// Its number in the account, from 1, without gaps.
    pub sequence: u64,
    /// The journal.
    pub journal: JournalId,
    /// Why.
    pub kind: JournalKind,
    /// What for.
    pub purpose: Purpose,
    /// What the journal is about.
    pub subject: u128,
    /// When.
    pub at: Instant,
    /// Change of the balance, in sen on the class's normal side.
    pub change: i64,
    /// Change of what is held, in sen.
    pub held_change: i64,
    /// The balance afterwards, in sen.
    pub balance: i64,
    /// What is held afterwards, in sen.
    pub held: i64,
    /// The digest of the entry and of the one before it.
    pub digest: [u8; 32],
}

impl Entry {
    /// The digest that the entry must carry after an entry with the digest `before` (zeros before the first).
    /// SHA-256 over `before` and every field in the order of the type, numbers big-endian, texts with their length.
    pub fn chained(&self, before: &[u8; 32]) -> [u8; 32] {
        let mut context = Context::new(&SHA256);
        context.update(before);
        let account = self.account.to_string();
        for text in [account.as_str(), self.kind.name(), self.purpose.name()] {
            context.update(&(text.len() as u64).to_be_bytes());
            context.update(text.as_bytes());
        }
        context.update(&self.sequence.to_be_bytes());
        context.update(&self.journal.0.to_be_bytes());
        context.update(&self.subject.to_be_bytes());
        for number in [self.at.micros(), self.change, self.held_change, self.balance, self.held] {
            context.update(&number.to_be_bytes());
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(context.finish().as_ref());
        digest
    }
}
