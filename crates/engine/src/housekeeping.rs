//! What is looked after while nobody asks: the ledger's new entries are verified as they come, and merchants that were
//! registered at another gateway of the same store become known here, and the room on the store's disk is looked at.

use std::collections::{HashMap, HashSet};

use calendar::Instant;
use ledger::{
    Account, AccountName, JournalId,
    verify::{Difference, Verifier},
};

use crate::{Engine, lanes};

/// How many accounts or entries are read at once.
const PAGE_ROWS: usize = 512;

/// Messages that are deleted at once.
const FORGET_ROWS: usize = 256;
/// Portions of them in one pass.
const FORGET_PORTIONS: usize = 64;

/// What the continuous check of the ledger found since the gateway was started. It begins with every entry there is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerHealth {
    /// How many entries were found to be right.
    pub verified_entries: u64,
    /// When the last pass over every account ended; none: the first one is under way.
    pub at: Option<Instant>,
    /// The first thing that is not as it must be. Nothing more is verified once there is one.
    pub difference: Option<String>,
}

impl LedgerHealth {
    /// The same as lines of metrics, in the text form of Prometheus.
    pub fn metrics(&self) -> String {
        let Self { verified_entries, at, difference } = self;
        let at = at.map_or(0, Instant::unix_seconds);
        let differs = u8::from(difference.is_some());
        format!(
            "# TYPE gerbang_ledger_verified_entries counter\ngerbang_ledger_verified_entries {verified_entries}\n\
             # TYPE gerbang_ledger_verified_at_seconds gauge\ngerbang_ledger_verified_at_seconds {at}\n\
             # TYPE gerbang_ledger_differs gauge\ngerbang_ledger_differs {differs}\n"
        )
    }
}

/// Why a pass did not end well.
enum Broken {
    /// The store could not be asked; the next pass goes on.
    Unasked,
    /// The ledger is not as it must be.
    Differs(Difference),
}

impl From<Difference> for Broken {
    fn from(difference: Difference) -> Self {
        Self::Differs(difference)
    }
}

/// How far the ledger was verified.
#[derive(Default)]
struct Check {
    verifier: Verifier,
    reached: HashMap<AccountName, Account>,
    /// Journals that did not balance when the last pass ended: another account may have been read before they came.
    open: HashSet<JournalId>,
}

impl Check {
    /// Walks over what every account gained since the last pass.
    async fn pass(&mut self, engine: &Engine) -> Result<(), Broken> {
        let mut after: Option<AccountName> = None;
        loop {
            let asked = after.take();
            let page = engine.read(move |reader| reader.accounts(asked.as_ref(), PAGE_ROWS)).await;
            let page = page.ok_or(Broken::Unasked)?;
            let Some(last) = page.last() else { break };
            after = Some(last.name.clone());
            for kept in &page {
                self.catch_up(engine, kept).await?;
            }
        }
        let still_open = self.verifier.open_journals().filter(|(journal, _)| self.open.contains(journal)).min();
        if let Some((JournalId(journal), difference)) = still_open {
            return Err(Difference::Journal { journal, difference }.into());
        }
        self.open = self.verifier.open_journals().map(|(journal, _)| journal).collect();
        Ok(())
    }

    /// Walks over the entries of an account up to where it stood when it was read.
    async fn catch_up(&mut self, engine: &Engine, kept: &Account) -> Result<(), Broken> {
        let known = self.reached.get(&kept.name).cloned();
        let mut reached = known.unwrap_or_else(|| Account::new(kept.name.clone()));
        while reached.sequence < kept.sequence {
            let (name, after) = (kept.name.clone(), reached.sequence);
            let rows = usize::try_from(kept.sequence - after).unwrap_or(PAGE_ROWS).min(PAGE_ROWS);
            let page = engine.read(move |reader| reader.entries(&name, after, rows)).await.ok_or(Broken::Unasked)?;
            if page.is_empty() {
                break;
            }
            let mut walk = self.verifier.resume(reached);
            for entry in &page {
                walk.entry(entry)?;
            }
            reached = walk.reached().clone();
            self.reached.insert(kept.name.clone(), reached.clone());
        }
        if reached != *kept {
            let account = kept.name.to_string();
            return Err(Difference::Account { account, sequence: reached.sequence }.into());
        }
        Ok(())
    }
}

/// Looks after things until the engine stops.
pub(crate) async fn run(engine: Engine) {
    let mut ticks = tokio::time::interval(engine.housekeeping_interval());
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut check = Check::default();
    loop {
        tokio::select! {
            biased;
            () = engine.stopping() => return,
            _ = ticks.tick() => {}
        }
        tokio::select! {
            biased;
            () = engine.stopping() => return,
            () = verify(&engine, &mut check) => {}
        }
        lanes::refresh(&engine).await;
        let looking = engine.clone();
        let looked = engine.beside(move || looking.measure_store()).await;
        if let Err(error) = looked {
            tracing::error!(%error, "the look at the store's disk broke down");
        }
        tokio::select! {
            () = forget(&engine) => {}
            () = engine.stopping() => return,
        }
        let reloading = engine.clone();
        let reloaded = engine.beside(move || reloading.reload_merchants()).await;
        if let Ok(Err(error)) = reloaded {
            tracing::error!(error = %crate::batch::chain(&error), "could not read the merchants again; they stay as they were");
        }
    }
}

/// Deletes messages that were kept long enough, in small portions: writers go first.
async fn forget(engine: &Engine) {
    for _ in 0..FORGET_PORTIONS {
        let forgetting = engine.clone();
        let portion = engine.beside(move || forgetting.delete_old_exchanges(FORGET_ROWS)).await;
        match portion {
            Ok(Ok(FORGET_ROWS)) => {}
            Ok(Ok(_)) | Err(_) => return,
            Ok(Err(error)) => {
                tracing::warn!(error = %crate::batch::chain(&error), "old messages were not deleted; the next pass goes on");
                return;
            }
        }
    }
}

async fn verify(engine: &Engine, check: &mut Check) {
    let before = engine.ledger_health();
    if before.difference.is_some() {
        return;
    }
    let passed = check.pass(engine).await;
    let mut health = LedgerHealth { verified_entries: check.verifier.entries(), ..(*before).clone() };
    match passed {
        Ok(()) => health.at = Some(engine.now()),
        Err(Broken::Unasked) => {}
        Err(Broken::Differs(difference)) => {
            tracing::error!(%difference, "the ledger is not as it must be");
            health.difference = Some(difference.to_string());
        }
    }
    engine.keep_ledger_health(health);
}
