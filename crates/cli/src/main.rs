//! The one executable `gerbang`: reads settings, builds everything, runs one command.
//!
//! Data goes to standard output, everything else to standard error. Exit codes: 0 done; 1 it could not be done; 2 the
//! command line is wrong; 3 the answer is no (refused, not verified, not held); 4 the outcome is not known; 5 a bill is
//! known not to have been paid.

mod bench;
mod commands;
mod credentials;
mod demo;
mod keeping;
mod operator_door;
mod output;
mod replay;
mod sandbox;
mod seller;
mod settings;
mod table;

use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

/// Answered: the answer is no.
pub const EXIT_NO: u8 = 3;
/// The outcome is not known.
pub const EXIT_UNKNOWN: u8 = 4;
/// A bill is known not to have been paid.
pub const EXIT_FAILED: u8 = 5;

const EXIT_CODES: &str = "Exit codes:
  0  done
  1  it could not be done; standard error says why
  2  the command line is wrong
  3  the answer is no: refused, not verified, or not held
  4  the outcome is not known: ask before anything else
  5  a bill is known not to have been paid

Environment:
  GERBANG_LOG    what is logged to standard error, like `info` or `engine=debug` (default: warn)
  GERBANG_STORE  the store where --store is left out: a URL with a password is not seen by others here";

/// A payment gateway in one program: links wallets and accounts, charges them, and plays the whole world around it.
#[derive(Parser)]
#[command(name = "gerbang", version, after_help = EXIT_CODES, max_term_width = 100)]
struct Gerbang {
    #[command(subcommand)]
    command: commands::Command,
}

fn main() -> ExitCode {
    let arguments = Gerbang::parse();
    let filter = EnvFilter::try_from_env("GERBANG_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match arguments.command.run() {
        Ok(code) => code,
        Err(error) => {
            output::report(&error);
            ExitCode::FAILURE
        }
    }
}
