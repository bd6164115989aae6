//! `kill`: kills the real gateway under load again and again, then compares every book.

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;
use kill::{Options, Report};

/// Books that do not agree.
const EXIT_VIOLATED: u8 = 3;

/// Kill the real gateway with SIGKILL at random moments under load, start it again each time, and compare the merchant's,
/// the gateway's and the providers' books at the end
#[derive(Parser)]
#[command(after_help = "Exit code 3: something was lost or happened twice.

Examples:
  tests/kill/run
  tests/kill/run --kills 100 --store postgres://gerbang@localhost/gerbang --json")]
struct Args {
    /// The gateway's program
    #[arg(long, value_name = "FILE", default_value = "target/release/gerbang")]
    program: PathBuf,
    /// How often it is killed
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    kills: u32,
    /// The gateway's store, instead of an SQLite file; empty
    #[arg(long, value_name = "URL")]
    store: Option<String>,
    /// How long the gateway lives at most after its first accepted request, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 300)]
    life_ms_max: u64,
    /// Merchants' payments under way at any time
    #[arg(long, value_name = "N", default_value_t = 8)]
    payments: usize,
    /// Merchants' bills under way at any time
    #[arg(long, value_name = "N", default_value_t = 2)]
    bills: usize,
    /// What the random moments are drawn from; drawn itself when left out
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Print the report as one JSON object
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = Args::parse();
    let mut options = Options::new(arguments.program);
    options.kills = arguments.kills;
    options.store = arguments.store;
    options.life_ms_max = arguments.life_ms_max;
    options.payments = arguments.payments;
    options.bills = arguments.bills;
    options.seed = arguments.seed.unwrap_or_else(kill::drawn_seed);
    let report: Report = kill::run(&options, &mut |line| eprintln!("{line}")).await?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{report}");
    }
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::from(EXIT_VIOLATED) })
}
