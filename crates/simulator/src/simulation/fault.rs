//! What can go wrong, by name; and how often it does in one run.

use std::{
    collections::BTreeSet,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use super::chance::Chance;

macro_rules! faults {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// A kind of fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Fault {
            $($(#[$doc])* $variant,)*
        }

        impl Fault {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name on the command line.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

faults!(
    /// A request is lost on its way.
    RequestLost = "request-lost",
    /// An answer is lost on its way back: what was asked is done.
    AnswerLost = "answer-lost",
    /// A request, an answer or a notice comes late.
    Late = "late",
    /// A request of a merchant, a notice or a callback arrives twice.
    Doubled = "doubled",
    /// Notices overtake each other.
    Reordered = "reordered",
    /// An answer is nonsense.
    Nonsense = "nonsense",
    /// A provider's notice names another amount.
    WrongAmount = "wrong-amount",
    /// A provider is not reached for a while.
    Down = "down",
    /// A provider answers slowly for a while.
    Slow = "slow",
    /// A provider does not know for a while what it did.
    Forgetful = "forgetful",
    /// A provider charges long after it was asked to, and tells of it.
    Belated = "belated",
    /// A gateway dies, at a labelled place or at any time.
    Crash = "crash",
    /// A gateway dies again soon after it was started.
    CrashInRecovery = "crash-in-recovery",
    /// The store sends a batch back because somebody else was in the way, and does not answer a question.
    StoreBusy = "store-busy",
    /// The store keeps nothing for a while.
    StoreFull = "store-full",
    /// The store does not say whether it kept a batch.
    Doubt = "commit-unknown",
    /// A gateway's clock steps back, and later forward again.
    ClockBack = "clock-back",
    /// Two gateways share the store.
    TwoNodes = "two-nodes",
    /// Merchants repeat, change and hurry their calls, and their callback addresses are dead, slow or confused.
    Merchants = "merchants",
    /// Customers leave, cancel, return twice, end links in their wallet and use codes again.
    Customers = "customers",
);

impl Fault {
    /// The kind of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|fault| fault.name() == name)
    }
}

/// The faults of one run.
pub(crate) struct Faults {
    /// Each with its stream and how many times out of a thousand it strikes; 0: never in this run.
    kinds: Vec<Mutex<(Chance, u64)>>,
    struck: Vec<AtomicU64>,
    over: AtomicBool,
}

impl Faults {
    /// Chooses about half of the kinds that are allowed, each with a rate of its own: runs in which everything goes wrong
    /// at once end too early to see what two faults do together.
    pub(crate) fn new(seed: u64, allowed: &BTreeSet<Fault>) -> Self {
        let kind = |fault: &Fault| {
            let mut chance = Chance::new(seed, fault.name());
            let chosen = chance.permille(500);
            let rate = *chance.pick(&[10, 30, 60, 120, 250]);
            Mutex::new((chance, if chosen && allowed.contains(fault) { rate } else { 0 }))
        };
        Self {
            kinds: Fault::ALL.iter().map(kind).collect(),
            struck: Fault::ALL.iter().map(|_| AtomicU64::new(0)).collect(),
            over: AtomicBool::new(false),
        }
    }

    /// Whether a fault strikes now.
    pub(crate) fn strikes(&self, fault: Fault) -> bool {
        self.strikes_times(fault, 1)
    }

    /// Whether a fault strikes now that strikes so many times as often here as elsewhere.
    pub(crate) fn strikes_times(&self, fault: Fault, times: u64) -> bool {
        if self.over.load(Ordering::Relaxed) {
            return false;
        }
        let mut kind = self.kinds[fault as usize].lock().unwrap_or_else(PoisonError::into_inner);
        let rate = kind.1;
        let strikes = rate > 0 && kind.0.permille(rate * times);
        drop(kind);
        if strikes {
            self.count(fault);
        }
        strikes
    }

    /// Whether a kind may strike in this run at all.
    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.kinds[fault as usize].lock().unwrap_or_else(PoisonError::into_inner).1 > 0
    }

    /// A number that a fault needs, from its own stream.
    pub(crate) fn between(&self, fault: Fault, least: u64, most: u64) -> u64 {
        self.kinds[fault as usize].lock().unwrap_or_else(PoisonError::into_inner).0.between(least, most)
    }

    /// One of several for a fault, from its own stream.
    pub(crate) fn pick<'a, T>(&self, fault: Fault, of: &'a [T]) -> &'a T {
        self.kinds[fault as usize].lock().unwrap_or_else(PoisonError::into_inner).0.pick(of)
    }

    pub(crate) fn count(&self, fault: Fault) {
        self.struck[fault as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Nothing goes wrong any more.
    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// Whether nothing goes wrong any more.
    pub(crate) fn are_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// How often each kind struck.
    pub(crate) fn struck(&self) -> Vec<(Fault, u64)> {
        Fault::ALL.iter().map(|fault| (*fault, self.struck[*fault as usize].load(Ordering::Relaxed))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_that_is_not_allowed_never_strikes_and_names_are_unique() {
        let names: BTreeSet<&str> = Fault::ALL.iter().map(|fault| fault.name()).collect();
        assert_eq!(names.len(), Fault::ALL.len());
        for (place, fault) in Fault::ALL.iter().enumerate() {
            assert_eq!((*fault as usize, Fault::named(fault.name())), (place, Some(*fault)));
        }
        for seed in 0..50 {
            let faults = Faults::new(seed, &BTreeSet::from([Fault::Late]));
            assert!((0..200).all(|_| !faults.strikes(Fault::Crash)));
        }
        let all: BTreeSet<Fault> = Fault::ALL.iter().copied().collect();
        let faults = Faults::new(3, &all);
        faults.end();
        assert!(Fault::ALL.iter().all(|fault| !faults.strikes_times(*fault, 1000)));
    }
}
