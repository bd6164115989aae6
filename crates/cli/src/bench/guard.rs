//! Whether anybody else was at work: a figure that was taken beside a compiler says nothing. Whatever is measured is
//! measured again when other processes took too much of the computer meanwhile, and how much they took is reported.
//!
//! It reads Linux's `/proc`. Where there is none, nothing is known and nothing is repeated.

use std::{
    collections::HashMap,
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;

use super::load::Measured;

/// More than this, in hundredths of a core, and a measurement is repeated.
pub const OTHERS_MAX: u64 = 20;
/// How often something is measured before the least disturbed measurement is taken.
const TRIES_MAX: u32 = 4;
/// How long a quiet moment is waited for before something is measured again.
const QUIET_WAIT: Duration = Duration::from_secs(45);
/// How long it must be quiet for that.
const QUIET: Duration = Duration::from_secs(1);
/// What the kernel counts in, in milliseconds.
const TICK_MS: u64 = 10;

/// Knows who belongs to the measurement: this process, those that it started, and those of the servers that it started.
pub struct Guard {
    /// Processes whose children belong too.
    roots: Vec<u32>,
}

/// What was used so far, in ticks.
#[derive(Clone, Copy)]
struct Used {
    at: Instant,
    everybody: u64,
    ours: u64,
}

/// A process as `/proc` shows it.
struct Process {
    parent: u32,
    /// Its own time and that of children that ended.
    ticks: u64,
}

impl Guard {
    /// For this process and these servers.
    pub fn new(servers: impl IntoIterator<Item = u32>) -> Self {
        Self { roots: servers.into_iter().chain([std::process::id()]).collect() }
    }

    /// Measures; again, up to a few times, while others were at work. The measurement is told which try it is.
    pub fn measure(&self, mut measure: impl FnMut(u32) -> Result<Measured>) -> Result<Measured> {
        let mut best: Option<Measured> = None;
        for attempt in 0..TRIES_MAX {
            let before = self.used();
            let mut measured = measure(attempt)?;
            measured.others = before.and_then(|before| Some(others(before, self.used()?))).unwrap_or(0);
            if best.is_none_or(|best| measured.others < best.others) {
                best = Some(measured);
            }
            if measured.others <= OTHERS_MAX {
                break;
            }
            eprintln!("  others used {} of a core", decimal(measured.others));
            self.wait_for_quiet();
        }
        Ok(best.unwrap_or_default())
    }

    fn wait_for_quiet(&self) {
        let deadline = Instant::now() + QUIET_WAIT;
        while Instant::now() < deadline {
            let Some(before) = self.used() else { return };
            thread::sleep(QUIET);
            if self.used().is_none_or(|after| others(before, after) <= OTHERS_MAX) {
                return;
            }
        }
    }

    fn used(&self) -> Option<Used> {
        let everybody = everybodys_ticks(&fs::read_to_string("/proc/stat").ok()?)?;
        let processes = processes(Path::new("/proc"));
        let ours = processes.keys().filter(|id| self.is_ours(**id, &processes)).map(|id| processes[id].ticks).sum();
        Some(Used { at: Instant::now(), everybody, ours })
    }

    fn is_ours(&self, id: u32, processes: &HashMap<u32, Process>) -> bool {
        let mut next = id;
        while !self.roots.contains(&next) {
            match processes.get(&next) {
                Some(process) if process.parent != 0 => next = process.parent,
                _ => return false,
            }
        }
        true
    }
}

/// What others used between two looks, in hundredths of a core.
fn others(before: Used, after: Used) -> u64 {
    let everybody = after.everybody.saturating_sub(before.everybody);
    let ours = after.ours.saturating_sub(before.ours);
    let elapsed = u64::try_from((after.at - before.at).as_millis()).unwrap_or(u64::MAX).max(1);
    everybody.saturating_sub(ours) * TICK_MS * 100 / elapsed
}

/// Hundredths as a decimal.
pub fn decimal(hundredths: u64) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// The ticks in which all cores together were not idle: user, nice, system, irq, softirq, steal.
fn everybodys_ticks(stat: &str) -> Option<u64> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks: Vec<u64> = line.split_whitespace().filter_map(|field| field.parse().ok()).collect();
    [0, 1, 2, 5, 6, 7].into_iter().map(|place| ticks.get(place).copied()).sum()
}

fn processes(proc: &Path) -> HashMap<u32, Process> {
    let entries = fs::read_dir(proc).into_iter().flatten().flatten();
    let found = entries.filter_map(|entry| {
        let id = entry.file_name().to_str()?.parse().ok()?;
        Some((id, process(&fs::read_to_string(entry.path().join("stat")).ok()?)?))
    });
    found.collect()
}

/// Fields 4 and 14 to 17 of a process's `stat`; the name before them may hold anything, and ends with the last `)`.
fn process(stat: &str) -> Option<Process> {
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = fields.get(11..15)?.iter().map(|field| field.parse::<u64>().ok()).sum::<Option<u64>>()?;
    Some(Process { parent: fields.get(1)?.parse().ok()?, ticks })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_whatever_its_name_is() {
        let read = process("42 (a) b (c) S 7 42 42 0 -1 4194560 1 0 0 0 11 22 33 44 20 0 1 0").expect("a process");
        assert_eq!((read.parent, read.ticks), (7, 110));
        assert!(process("42 (a) S 7").is_none());
    }

    #[test]
    fn idle_time_and_waiting_are_nobodys() {
        let stat = "cpu  1 2 4 1000 1000 8 16 32 64 64\ncpu0 1 1 1 1 1 1 1 1 1 1\n";
        assert_eq!(everybodys_ticks(stat), Some(63));
    }

    #[test]
    fn what_others_used_is_what_is_left() {
        let at = Instant::now();
        let before = Used { at, everybody: 1_000, ours: 100 };
        let after = Used { at: at + Duration::from_secs(2), everybody: 1_400, ours: 460 };
        // 40 ticks of 10 milliseconds in 2 seconds.
        assert_eq!(others(before, after), 20);
        assert_eq!(decimal(20), "0.20");
    }

    #[test]
    fn children_of_ours_are_ours() {
        let guard = Guard { roots: vec![10] };
        let processes = [(10, 1), (11, 10), (12, 11), (13, 1), (1, 0)]
            .map(|(id, parent)| (id, Process { parent, ticks: 0 }))
            .into_iter()
            .collect();
        let ours: Vec<u32> = (1..20).filter(|id| guard.is_ours(*id, &processes)).collect();
        assert_eq!(ours, [10, 11, 12]);
    }
}
