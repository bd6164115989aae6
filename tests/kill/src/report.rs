//! What came of a run.

use std::{fmt, time::Duration};

use serde::Serialize;

/// How long something took, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Times {
    /// How often it was measured.
    pub count: usize,
    /// The shortest.
    pub min_micros: u64,
    /// Half of them were not longer.
    pub p50_micros: u64,
    /// All but one in a hundred were not longer.
    pub p99_micros: u64,
    /// The longest.
    pub max_micros: u64,
}

impl Times {
    /// Of these durations.
    pub fn of(mut durations: Vec<Duration>) -> Self {
        durations.sort_unstable();
        let micros =
            |place: usize| durations.get(place).map_or(0, |found| u64::try_from(found.as_micros()).unwrap_or(u64::MAX));
        let count = durations.len();
        // The smallest that so many hundredths are not above.
        let hundredths = |part: usize| micros((count * part).div_ceil(100).saturating_sub(1));
        Self {
            count,
            min_micros: micros(0),
            p50_micros: hundredths(50),
            p99_micros: hundredths(99),
            max_micros: micros(count.saturating_sub(1)),
        }
    }
}

/// Three books, compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// Requests of either kind that were sent.
    pub requests: u64,
    /// Those that were answered with success.
    pub acknowledged: u64,
    /// Those that were answered that they are being worked on.
    pub pending: u64,
    /// Those that were refused.
    pub refused: u64,
    /// Those that got no answer: the gateway died.
    pub unanswered: u64,
    /// Payments that succeeded in the end.
    pub payments: u64,
    /// Bills that were paid in the end.
    pub bills: u64,
    /// What the gateway does not know in the end, because it died before it kept anything.
    pub never_kept: u64,
    /// What was acknowledged and is not there, or moved money that nobody knows of; each in words.
    pub lost: Vec<String>,
    /// What happened twice; each in words.
    pub doubled: Vec<String>,
    /// Everything else that does not agree; each in words.
    pub wrong: Vec<String>,
}

/// What came of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The program that was killed.
    pub program: String,
    /// Its version.
    pub version: String,
    /// What kept its store.
    pub engine: &'static str,
    /// What the random moments were drawn from.
    pub seed: u64,
    /// How often it was killed.
    pub kills: u32,
    /// How many of these came before it was ready.
    pub killed_before_ready: u32,
    /// How long all of it took, in seconds.
    pub seconds: u64,
    /// From the start of the process to the first request that it accepted.
    pub restart: Times,
    /// The books.
    pub books: Compared,
}

impl Report {
    /// Whether nothing was lost, doubled or otherwise wrong.
    pub fn is_clean(&self) -> bool {
        let Compared { lost, doubled, wrong, .. } = &self.books;
        lost.is_empty() && doubled.is_empty() && wrong.is_empty()
    }
}

/// Milliseconds with one decimal.
fn ms(micros: u64) -> String {
    format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { books, restart, .. } = self;
        writeln!(f, "gerbang {} on {}, seed {}", self.version, self.engine, self.seed)?;
        writeln!(
            f,
            "killed                  {} times in {} s, {} of them before it was ready",
            self.kills, self.seconds, self.killed_before_ready
        )?;
        writeln!(
            f,
            "start to first request  min {}, p50 {}, p99 {}, max {} ({} starts)",
            ms(restart.min_micros),
            ms(restart.p50_micros),
            ms(restart.p99_micros),
            ms(restart.max_micros),
            restart.count
        )?;
        writeln!(
            f,
            "requests                {}: {} acknowledged, {} pending, {} refused, {} without an answer",
            books.requests, books.acknowledged, books.pending, books.refused, books.unanswered
        )?;
        writeln!(
            f,
            "in the end              {} payments and {} bills succeeded, {} requests had not been kept",
            books.payments, books.bills, books.never_kept
        )?;
        writeln!(f, "lost                    {}", books.lost.len())?;
        writeln!(f, "doubled                 {}", books.doubled.len())?;
        writeln!(f, "otherwise wrong         {}", books.wrong.len())?;
        for line in books.lost.iter().chain(&books.doubled).chain(&books.wrong) {
            writeln!(f, "  {line}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_what_was_measured() {
        let of = |count: u64| Times::of((1..=count).rev().map(Duration::from_micros).collect());
        assert_eq!(Times::of(vec![]), Times::default());
        assert_eq!(of(1), Times { count: 1, min_micros: 1, p50_micros: 1, p99_micros: 1, max_micros: 1 });
        assert_eq!(of(200), Times { count: 200, min_micros: 1, p50_micros: 100, p99_micros: 198, max_micros: 200 });
    }

    #[test]
    fn anything_wrong_is_not_clean() {
        let clean = Report {
            program: "gerbang".into(),
            version: "0".into(),
            engine: "SQLite",
            seed: 1,
            kills: 1,
            killed_before_ready: 0,
            seconds: 1,
            restart: Times::default(),
            books: Compared::default(),
        };
        assert!(clean.is_clean());
        let something = || vec!["KILL-1".to_owned()];
        for books in [
            Compared { lost: something(), ..Compared::default() },
            Compared { doubled: something(), ..Compared::default() },
            Compared { wrong: something(), ..Compared::default() },
        ] {
            let report = Report { books, ..clean.clone() };
            assert!(!report.is_clean() && report.to_string().contains("  KILL-1\n"));
        }
    }
}
