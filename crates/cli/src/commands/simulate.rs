//! `gerbang simulate`: many days of a gateway among providers, merchants and customers that behave badly, on virtual time
//! and a seed; and whether everything held.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    ops::RangeInclusive,
    path::PathBuf,
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use serde_json::json;
use simulator::simulation::{Fault, Options, Shrunk, Simulator, Summary, command, run_many, shortened, shrink};

use crate::{
    EXIT_NO,
    output::{advised, data, say},
};

/// How often progress is told, in seconds.
const PROGRESS_SECONDS: u64 = 10;
/// How many runs that broke a rule are made small and shown.
const SHOWN_MAX: usize = 3;

/// Run the gateway through seeded days of faults and check that money never lies; exit code 3 when it did
#[derive(clap::Args)]
#[command(after_help = "Example:
  gerbang simulate --seeds 1..1000 --report report.md
  gerbang simulate --seed 17 --history

Faults: request-lost, answer-lost, late, doubled, reordered, nonsense, wrong-amount, down, slow, forgetful, belated,
crash, crash-in-recovery, store-busy, store-full, commit-unknown, clock-back, two-nodes, merchants, customers; or none.")]
pub struct Args {
    /// One seed
    #[arg(long, value_name = "N", conflicts_with = "seeds")]
    seed: Option<u64>,
    /// A range of seeds, both ends included
    #[arg(long, value_name = "A..B", value_parser = seeds)]
    seeds: Option<RangeInclusive<u64>>,
    /// The kinds of faults that may strike, with commas between them; all unless named
    #[arg(long, value_name = "KINDS", value_parser = faults)]
    faults: Option<Faults>,
    /// How long merchants and customers act in each run, in minutes of its time
    #[arg(long, value_name = "M", default_value_t = Options::default().minutes)]
    minutes: u64,
    /// On how many cores; all of them unless named
    #[arg(long, value_name = "N")]
    cores: Option<usize>,
    /// Write what was found to a file, as Markdown
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
    /// Print the whole history of the run; with one seed
    #[arg(long, requires = "seed")]
    history: bool,
    #[cfg(feature = "plants")]
    #[command(flatten)]
    plant: plant::PlantArgs,
}

/// Kinds of faults.
#[derive(Clone, Debug)]
struct Faults(BTreeSet<Fault>);

fn faults(text: &str) -> Result<Faults, String> {
    if text == "none" {
        return Ok(Faults(BTreeSet::new()));
    }
    let named = |name: &str| Fault::named(name).ok_or_else(|| format!("there is no fault {name}"));
    text.split(',').map(named).collect::<Result<_, _>>().map(Faults)
}

fn seeds(text: &str) -> Result<RangeInclusive<u64>, String> {
    let (first, last) = text.split_once("..").ok_or("write it like 1..1000")?;
    let number = |text: &str| text.trim_start_matches('=').parse::<u64>().map_err(|_| format!("{text} is no number"));
    let (first, last) = (number(first)?, number(last)?);
    if first > last { Err("the first seed is larger than the last".into()) } else { Ok(first..=last) }
}

pub fn run(arguments: Args) -> anyhow::Result<ExitCode> {
    let seeds = match (arguments.seed, &arguments.seeds) {
        (Some(seed), _) => seed..=seed,
        (None, Some(seeds)) => seeds.clone(),
        (None, None) => return Err(advised("there is no seed", "say --seed N or --seeds A..B")),
    };
    let options = arguments.options();
    let simulator = Simulator::new();
    if arguments.history {
        let report = simulator.run(*seeds.start(), &options);
        report.history.iter().for_each(data);
    }
    let cores =
        arguments.cores.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get));
    let summary = run_all(&simulator, seeds.clone(), &options, cores);
    let shrunk: Vec<Shrunk> =
        summary.failures.values().take(SHOWN_MAX).map(|report| shrink(&simulator, report, &options)).collect();
    let text = markdown(&seeds, &options, &summary, &shrunk);
    match arguments.json {
        true => data(as_json(&seeds, &options, &summary).to_string()),
        false => data(&text),
    }
    if let Some(file) = &arguments.report {
        std::fs::write(file, &text).with_context(|| format!("write {}", file.display()))?;
    }
    Ok(if summary.broken == 0 { ExitCode::SUCCESS } else { ExitCode::from(EXIT_NO) })
}

impl Args {
    fn options(&self) -> Options {
        let mut options = Options { minutes: self.minutes, history: self.history, ..Options::default() };
        if let Some(Faults(faults)) = &self.faults {
            options.faults.clone_from(faults);
        }
        #[cfg(feature = "plants")]
        options.plant.clone_from(&self.plant.plant);
        options
    }
}

/// The switch that plants a mistake, in builds for tests.
#[cfg(feature = "plants")]
mod plant {
    use simulator::simulation::Plant;

    /// Which mistake.
    #[derive(clap::Args)]
    pub struct PlantArgs {
        /// Plant a classic mistake
        #[arg(long, value_name = "NAME", value_parser = plant)]
        pub plant: Option<Plant>,
    }

    fn plant(name: &str) -> Result<Plant, String> {
        Plant::named(name).ok_or_else(|| {
            let names: Vec<&str> = Plant::ALL.iter().map(|plant| plant.name()).collect();
            format!("there is no mistake {name}; there are {}", names.join(", "))
        })
    }
}

fn run_all(simulator: &Simulator, seeds: RangeInclusive<u64>, options: &Options, cores: usize) -> Summary {
    let options = Options { history: false, ..options.clone() };
    let total = seeds.end() - seeds.start() + 1;
    let (began, told_at) = (Instant::now(), AtomicU64::new(0));
    let told = |done: u64, broken: u64| {
        let seconds = began.elapsed().as_secs();
        if seconds >= told_at.load(Ordering::Relaxed) + PROGRESS_SECONDS {
            told_at.store(seconds, Ordering::Relaxed);
            say(format!(
                "{done} of {total} seeds, {broken} with a broken rule, {} a minute",
                done * 60 / seconds.max(1)
            ));
        }
        true
    };
    run_many(simulator, seeds, &options, cores, &told)
}

fn days(seconds: u64) -> String {
    format!("{} days {} hours", seconds / 86_400, seconds % 86_400 / 3600)
}

fn markdown(seeds: &RangeInclusive<u64>, options: &Options, summary: &Summary, shrunk: &[Shrunk]) -> String {
    let mut text = String::new();
    let Summary { runs, took, cores, virtual_seconds, broken, .. } = summary;
    let _ = writeln!(text, "# Simulation of the seeds {} to {}\n", seeds.start(), seeds.end());
    let _ = writeln!(
        text,
        "| | |\n| --- | --- |\n| runs | {runs} |\n| runs with a broken rule | {broken} |\n| took | {} s on {cores} cores, {} runs a minute |",
        took.as_secs(),
        summary.per_minute()
    );
    let _ = writeln!(
        text,
        "| time covered | {}, {} minutes of action in each run |",
        days(*virtual_seconds),
        options.minutes
    );
    let _ = writeln!(text, "| slowest | seed {}, {} ms |\n", summary.slowest.0, summary.slowest.1.as_millis());
    table(&mut text, "fault", "struck", summary.faults.iter().map(|(name, count)| ((*name).to_owned(), *count)));
    table(&mut text, "in the end", "how many", summary.states.clone());
    if *broken > 0 {
        table(&mut text, "broken rule", "runs", summary.rules.iter().map(|(rule, count)| ((*rule).to_owned(), *count)));
    }
    for Shrunk { faults, report } in shrunk {
        let _ = writeln!(text, "## Seed {}\n", report.seed);
        for violation in &report.violations {
            let _ = writeln!(text, "- {}: {}", violation.rule, violation.text);
        }
        let again = command(report.seed, faults, options.minutes);
        let _ = writeln!(text, "\n```sh\n{again} --history\n```\n\n```text\n{}\n```\n", shortened(report).join("\n"));
    }
    let others: Vec<String> = summary.failures.keys().skip(shrunk.len()).map(u64::to_string).collect();
    if !others.is_empty() {
        let _ = writeln!(text, "Other seeds: {}\n", others.join(", "));
    }
    text
}

fn table(text: &mut String, left: &str, right: &str, rows: impl IntoIterator<Item = (String, u64)>) {
    let _ = writeln!(text, "| {left} | {right} |\n| --- | ---: |");
    for (name, count) in rows {
        let _ = writeln!(text, "| {name} | {count} |");
    }
    text.push('\n');
}

fn as_json(seeds: &RangeInclusive<u64>, options: &Options, summary: &Summary) -> serde_json::Value {
    let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let failures: BTreeMap<String, Vec<String>> = summary
        .failures
        .iter()
        .map(|(seed, report)| {
            (seed.to_string(), report.violations.iter().map(|one| format!("{}: {}", one.rule, one.text)).collect())
        })
        .collect();
    json!({
        "seeds": [seeds.start(), seeds.end()], "runs": summary.runs, "broken": summary.broken,
        "took_ms": millis(summary.took), "cores": summary.cores, "per_minute": summary.per_minute(),
        "minutes": options.minutes, "virtual_seconds": summary.virtual_seconds, "faults": summary.faults,
        "states": summary.states, "rules": summary.rules, "failures": failures,
        "slowest": {"seed": summary.slowest.0, "ms": millis(summary.slowest.1)},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_and_faults_are_read_or_refused() {
        assert_eq!(seeds("3..7"), Ok(3..=7));
        assert_eq!(seeds("3..=7"), Ok(3..=7));
        for wrong in ["3", "7..3", "a..b", ".."] {
            assert!(seeds(wrong).is_err(), "{wrong}");
        }
        assert_eq!(faults("none").map(|faults| faults.0.len()), Ok(0));
        assert_eq!(faults("crash,late").map(|faults| faults.0), Ok([Fault::Crash, Fault::Late].into()));
        assert!(faults("crash,unknown").is_err());
    }

    #[test]
    fn the_help_names_every_fault() {
        let help = <Args as clap::Args>::augment_args(clap::Command::new("simulate")).render_long_help().to_string();
        for fault in Fault::ALL {
            assert!(help.contains(fault.name()), "{} is not in {help}", fault.name());
        }
    }
}
