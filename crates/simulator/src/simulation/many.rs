//! Many runs on every core, what they came to together, and how a run that broke a rule is made small.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    ops::RangeInclusive,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::{Fault, Options, Report, Simulator};

/// How many runs that broke a rule are kept; the others are only counted.
const KEPT_MAX: usize = 20;
/// How many lines of a history are shown, at most.
const LINES_MAX: usize = 120;

/// What many runs came to.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// How many runs were made.
    pub runs: u64,
    /// How long it took.
    pub took: Duration,
    /// On how many cores.
    pub cores: usize,
    /// How much time the runs covered together, in seconds.
    pub virtual_seconds: u64,
    /// How often each kind of fault struck.
    pub faults: BTreeMap<&'static str, u64>,
    /// What became of everything.
    pub states: BTreeMap<String, u64>,
    /// How many runs broke a rule.
    pub broken: u64,
    /// How often each rule was broken.
    pub rules: BTreeMap<&'static str, u64>,
    /// The first runs that broke a rule, by seed.
    pub failures: BTreeMap<u64, Report>,
    /// The run that took longest, and how long.
    pub slowest: (u64, Duration),
}

impl Summary {
    fn add(&mut self, report: Report, took: Duration) {
        self.runs += 1;
        self.virtual_seconds += report.virtual_seconds;
        for (fault, times) in &report.faults {
            *self.faults.entry(fault.name()).or_default() += times;
        }
        for (state, count) in &report.tally.states {
            *self.states.entry(state.clone()).or_default() += count;
        }
        if took > self.slowest.1 {
            self.slowest = (report.seed, took);
        }
        if !report.violations.is_empty() {
            self.broken += 1;
            let rules: BTreeSet<&str> = report.violations.iter().map(|violation| violation.rule).collect();
            for rule in rules {
                *self.rules.entry(rule).or_default() += 1;
            }
            self.failures.insert(report.seed, report);
            while self.failures.len() > KEPT_MAX {
                self.failures.pop_last();
            }
        }
    }

    /// How many runs a minute.
    pub fn per_minute(&self) -> u64 {
        let millis = u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX).max(1);
        self.runs.saturating_mul(60_000) / millis
    }
}

/// Runs every seed of a range, one after the other on each core. `told` hears now and then how many are done and how many
/// of them broke a rule; when it says no, nothing new is begun.
pub fn run_many(
    simulator: &Simulator,
    seeds: RangeInclusive<u64>,
    options: &Options,
    cores: usize,
    told: &(dyn Fn(u64, u64) -> bool + Sync),
) -> Summary {
    let began = Instant::now();
    let next = AtomicU64::new(*seeds.start());
    let goes_on = AtomicBool::new(true);
    let summary = Mutex::new(Summary { cores, ..Summary::default() });
    std::thread::scope(|scope| {
        for _ in 0..cores.max(1) {
            scope.spawn(|| {
                while goes_on.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed > *seeds.end() {
                        return;
                    }
                    let run_began = Instant::now();
                    let report = simulator.run(seed, options);
                    let mut summary = summary.lock().unwrap_or_else(PoisonError::into_inner);
                    summary.add(report, run_began.elapsed());
                    if !told(summary.runs, summary.broken) {
                        goes_on.store(false, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let mut summary = summary.into_inner().unwrap_or_else(PoisonError::into_inner);
    summary.took = began.elapsed();
    summary
}

/// A run that broke a rule, made small.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The kinds of faults without which it does not happen.
    pub faults: BTreeSet<Fault>,
    /// The run, with its history.
    pub report: Report,
}

/// Leaves out one kind of fault after the other while the same rule is still broken.
pub fn shrink(simulator: &Simulator, report: &Report, options: &Options) -> Shrunk {
    let rules: BTreeSet<&str> = report.violations.iter().map(|violation| violation.rule).collect();
    let breaks = |faults: &BTreeSet<Fault>| {
        let options = Options { faults: faults.clone(), history: false, ..options.clone() };
        simulator.run(report.seed, &options).violations.iter().any(|violation| rules.contains(violation.rule))
    };
    let mut faults = options.faults.clone();
    for fault in Fault::ALL {
        let mut fewer = faults.clone();
        if fewer.remove(fault) && breaks(&fewer) {
            faults = fewer;
        }
    }
    let options = Options { faults: faults.clone(), history: true, ..options.clone() };
    Shrunk { report: simulator.run(report.seed, &options), faults }
}

/// The lines of a history that are about whom a violation is about, and those about everybody.
pub fn shortened(report: &Report) -> Vec<String> {
    let about: BTreeSet<&str> =
        report.violations.iter().flat_map(|violation| &violation.about).map(String::as_str).collect();
    let everybody = [
        "gateway 0 dies",
        "gateway 1 dies",
        " starts, life",
        "the store is full",
        "the clock of",
        "faults are over",
        "BROKEN",
    ];
    let concerns = |line: &&String| {
        everybody.iter().any(|text| line.contains(text))
            || about.iter().any(|word| !word.is_empty() && line.contains(word))
    };
    let mut lines: Vec<String> = report.history.iter().filter(concerns).cloned().collect();
    if lines.len() > LINES_MAX {
        let left_out = lines.len() - LINES_MAX;
        lines.splice(LINES_MAX / 2..LINES_MAX / 2 + left_out, [format!("... {left_out} lines ...")]);
    }
    lines
}

/// The command that makes a run again.
pub fn command(seed: u64, faults: &BTreeSet<Fault>, minutes: u64) -> String {
    let mut text = format!("gerbang simulate --seed {seed}");
    if faults.len() < Fault::ALL.len() {
        let names: Vec<&str> = faults.iter().map(|fault| fault.name()).collect();
        let names = if names.is_empty() { "none".to_owned() } else { names.join(",") };
        let _ = write!(text, " --faults {names}");
    }
    if minutes != Options::default().minutes {
        let _ = write!(text, " --minutes {minutes}");
    }
    text
}
