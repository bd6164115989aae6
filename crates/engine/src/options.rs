//! What the engine is told at start.

use std::{collections::HashMap, sync::Arc};

use catalogue::Catalogue;
use connectors::Account;
use protocol::keys::PrivateKey;

use crate::{
    Clock, CrashPoint, Record,
    fresh::{Entropy, SystemEntropy},
    network::{HttpNetwork, Network},
};

/// Where the gateway runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// Imitated providers; refusals explain themselves.
    Sandbox,
    /// Real money; refusals say no more than they must.
    Production,
}

/// On which threads the engine works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Threads {
    /// Writers have threads of their own, and the store is read beside the runtime's.
    #[default]
    Own,
    /// Everything runs on the caller's runtime, one thing after the other: for a simulation, which must come to the same
    /// end whenever it is run. There is one writer.
    Inline,
}

/// What the engine is told at start.
#[derive(Clone)]
pub struct EngineOptions {
    /// Where the gateway runs.
    pub environment: Environment,
    /// Our public address, scheme and host, no slash at the end.
    pub base_url: String,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// What identities, secrets and numbers are drawn from.
    pub entropy: Arc<dyn Entropy>,
    /// What carries requests to providers and merchants.
    pub network: Arc<dyn Network>,
    /// On which threads the engine works.
    pub threads: Threads,
    /// What signs our callbacks to merchants.
    pub private_key: PrivateKey,
    /// Addresses and credentials by connector name. A connector without an account is not offered.
    pub accounts: HashMap<String, Account>,
    /// Products that are not asked for at their own connector but at another one that carries them too, by product code:
    /// the name of that connector.
    pub carriers: HashMap<String, String>,
    /// Every biller product that is sold.
    pub catalogue: Arc<Catalogue>,
    /// How many writers share the queue, each with a connection; never more than the store has. A second one decides
    /// while the first waits for its commit; more than a few only make batches smaller.
    pub writers: usize,
    /// The most commands that share a commit.
    pub batch_commands_max: usize,
    /// The most commands that wait; more are refused with 429.
    pub queue_commands_max: usize,
    /// How long a caller waits for an answer that depends on the outside, in milliseconds; then the answer is that it
    /// is being worked on.
    pub answer_wait_ms: u64,
    /// The same for the inquiry and the payment of a bill, which several sources may be asked for one after the other: a
    /// caller is to hear a payment's `ref_id` rather than that it is being worked on. The door must wait longer.
    pub biller_answer_wait_ms: u64,
    /// The most calls to one provider at once; more wait, within the time of their call.
    pub calls_per_provider_max: usize,
    /// The most calls that wait for a place at one provider; what comes besides is told at once that nothing was done.
    pub calls_per_provider_waiting_max: usize,
    /// When a provider that does not answer is left alone, and for how long.
    pub breaker: lifecycle::breaker::Limits,
    /// How long a merchant's callback may take, in milliseconds.
    pub callback_budget_ms: u64,
    /// How long after its first attempt a task without outcome is taken up again, in seconds.
    pub lease_seconds: i64,
    /// Overrides every connector's own window in which "not found" proves nothing, in seconds.
    pub not_found_final_seconds: Option<i64>,
    /// The longest that due work goes unnoticed, in milliseconds.
    pub tick_ms: u64,
    /// How often the ledger's new entries are verified and the merchants read again, in seconds.
    pub housekeeping_seconds: u64,
    /// Below this much room on the store's file system, in bytes, no new money is taken: what is under way needs the
    /// rest. Looked at with every housekeeping; 0: no floor. A database that is a server's own has none.
    pub store_free_bytes_min: u64,
    /// Which messages exchanged with the outside are kept as evidence.
    pub record: Record,
    /// For how long they are kept, in days; at least one.
    pub exchanges_days: i64,
    /// Where to die, for tests of exactly that.
    pub crash_point: CrashPoint,
}

/// For how long messages exchanged with the outside are kept unless somebody decides otherwise, in days.
pub const EXCHANGES_DAYS: i64 = 180;

impl EngineOptions {
    /// Options with the usual limits.
    pub fn new(environment: Environment, base_url: String, clock: Arc<dyn Clock>, private_key: PrivateKey) -> Self {
        Self {
            environment,
            base_url,
            clock,
            entropy: Arc::new(SystemEntropy),
            network: Arc::new(match environment {
                Environment::Sandbox => HttpNetwork::default(),
                Environment::Production => HttpNetwork::guarded(),
            }),
            threads: Threads::default(),
            private_key,
            accounts: HashMap::new(),
            carriers: HashMap::new(),
            catalogue: Catalogue::builtin(),
            writers: 2,
            batch_commands_max: 256,
            queue_commands_max: 4096,
            answer_wait_ms: 25_000,
            biller_answer_wait_ms: 75_000,
            calls_per_provider_max: 1024,
            calls_per_provider_waiting_max: 1024,
            breaker: lifecycle::breaker::Limits::USUAL,
            callback_budget_ms: 8_000,
            lease_seconds: 120,
            not_found_final_seconds: None,
            tick_ms: 250,
            housekeeping_seconds: 10,
            store_free_bytes_min: 128 * 1024 * 1024,
            record: Record::default(),
            exchanges_days: EXCHANGES_DAYS,
            crash_point: CrashPoint::default(),
        }
    }
}
