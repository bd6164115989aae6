//! Double entry, and nothing else moves money. A [`Journal`] balances or is refused; [`Books`] applies journals and
//! holds to the accounts that a decision loaded and gives back the changed accounts and the new entries, to be
//! committed together. Entries are never changed: what was wrong is reversed by a new journal.
//!
//! Every account belongs to one merchant, the internal ones too (each merchant has its own part of the fee revenue and
//! of a provider's float): merchants then never wait for each other's rows, and a total is a sum over a class.
//!
//! The entries of an account form a chain of digests, so that a row that was changed, left out or put in is found
//! ([`verify`]).

mod account;
mod books;
mod journal;
pub mod verify;

pub use account::{Account, AccountName, Class, HOUSE, NameError};
pub use books::{Books, Limit};
pub use journal::{Entry, Journal, JournalId, JournalKind, Posting, Purpose, Side};

/// Why books were not changed. Nothing of the journal or hold was applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// Debits and credits differ, or there are none.
    #[error("the journal does not balance: debits {debits} sen, credits {credits} sen")]
    Unbalanced {
        /// Sum of debits, in sen.
        debits: i64,
        /// Sum of credits, in sen.
        credits: i64,
    },
    /// The account's limit does not allow it.
    #[error("only {available} sen are available")]
    Insufficient {
        /// What could be held or taken, in sen; may be negative.
        available: i64,
    },
    /// More was to be released than is held: a mistake of ours.
    #[error("only {held} sen are held")]
    NotHeld {
        /// What is held, in sen.
        held: i64,
    },
    /// A sum does not fit.
    #[error("the sum does not fit")]
    Overflow,
}
