//! `gerbang migrate`: the schema of a store, before the gateway that needs it starts.

use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::json;
use store::{
    PostgresOptions,
    schema::{self, SchemaStatus},
};

use crate::{EXIT_NO, keeping::StoreUrl, output::data};

/// Bring a store's schema up to date, see what is missing, or try it on a copy
///
/// A gateway does the same when it starts. Steps only go forward, all missing ones in one transaction.
#[derive(clap::Args)]
#[command(after_help = "Exit code 3 from `status`: there are steps to run.

Examples:
  gerbang migrate status --store sqlite:gerbang-sandbox/gateway.db
  gerbang migrate check --store postgres://gerbang@localhost/gerbang
  gerbang migrate up --store postgres://gerbang@localhost/gerbang")]
pub struct Args {
    /// What to do
    #[arg(value_enum)]
    action: Action,
    /// The store: sqlite:PATH or postgres://USER@HOST/DATABASE
    #[arg(long, value_name = "URL", env = "GERBANG_STORE", hide_env_values = true)]
    store: StoreUrl,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Action {
    /// Run the steps that are missing
    Up,
    /// Say which steps are missing; changes nothing
    Status,
    /// Run the missing steps and keep nothing: on a copy of an SQLite file, in a transaction that PostgreSQL undoes
    Check,
}

pub fn run(arguments: Args) -> anyhow::Result<ExitCode> {
    let Args { action, store, json } = arguments;
    let options = PostgresOptions::default();
    let found = match action {
        Action::Up => schema::migrate(store.whole(), &options),
        Action::Status => schema::status(store.whole(), &options),
        Action::Check => {
            let scratch = tempfile::tempdir().context("make a temporary folder")?;
            schema::rehearse(store.whole(), &options, scratch.path())
        }
    };
    let status = found.map_err(|error| store.explain(error))?;
    if json {
        let (engine, done, pending) = (status.engine, &status.done, &status.pending);
        let ran = match action {
            Action::Up => "kept",
            Action::Check => "undone",
            Action::Status => "no",
        };
        data(serde_json::to_string_pretty(&json!({"engine": engine, "done": done, "pending": pending, "ran": ran}))?);
    } else {
        data(told(action, &status));
    }
    let waiting = action == Action::Status && !status.pending.is_empty();
    Ok(if waiting { ExitCode::from(EXIT_NO) } else { ExitCode::SUCCESS })
}

/// One line per step, then what it comes to.
fn told(action: Action, status: &SchemaStatus) -> String {
    let word = match action {
        Action::Up => "ran",
        Action::Status => "missing",
        Action::Check => "would run",
    };
    let done = status.done.iter().map(|name| format!("{:<10} {name}\n", "there"));
    let pending = status.pending.iter().map(|name| format!("{word:<10} {name}\n"));
    let text: String = done.chain(pending).collect();
    let last = match (action, status.pending.len()) {
        (_, 0) => "the schema is up to date".into(),
        (Action::Up, count) => format!("{count} steps were run, the schema is up to date"),
        (Action::Status, count) => format!("{count} steps are missing"),
        (Action::Check, count) => format!("{count} steps would run; nothing was changed"),
    };
    text + &last
}
