//! `gerbang store`: a whole gateway from one engine to the other; whether a file is whole; a copy of it.

use std::{ops::ControlFlow, path::PathBuf, process::ExitCode};

use money::Amount;
use store::{
    Damaged, PostgresOptions, StoreError,
    copy::{CopyError, CopyPhase, CopyProgress, CopyReport, copy},
};

use crate::{
    EXIT_NO,
    keeping::StoreUrl,
    output::{advised_because, data, report, say},
};

/// Move a gateway's store between SQLite and PostgreSQL, check its file, back it up
#[derive(clap::Args)]
#[command(after_help = "Example:
  gerbang store copy --from sqlite:gerbang-sandbox/gateway.db --to postgres://gerbang@localhost/gerbang")]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Copy every row as it stands, compare both sides, and say what was copied
    ///
    /// No gateway may be running on either store. The target is empty or the incomplete copy of the same gateway,
    /// which is gone on with; until it is complete no gateway starts on it. The source is not changed, and must not be
    /// used any more once a gateway runs on the target. The key that seals the store is not in the store: move it too.
    #[command(after_help = "Exit code 3: both sides were compared and differ.

Example:
  gerbang store copy --from sqlite:gateway.db --to postgres://gerbang@localhost/gerbang --json")]
    Copy(CopyArgs),
    /// Read all of an SQLite file and compare what can be compared, also while a gateway is at work
    #[command(
        after_help = "Exit code 3: the file is damaged. What is in its rows is the matter of `gerbang ledger verify`.

Example:
  gerbang store check --store sqlite:gerbang-sandbox/gateway.db"
    )]
    Check(CheckArgs),
    /// Copy an SQLite file as it is at one moment, also while a gateway is at work, and check the copy
    ///
    /// The key that seals the store is not in it: keep a copy of that apart from this one.
    #[command(after_help = "Example:
  gerbang store backup --store sqlite:gerbang-sandbox/gateway.db --to backup.db")]
    Backup(BackupArgs),
}

#[derive(clap::Args)]
struct CheckArgs {
    /// The store: sqlite:PATH
    #[arg(long, value_name = "URL", env = "GERBANG_STORE", hide_env_values = true)]
    store: StoreUrl,
}

#[derive(clap::Args)]
struct BackupArgs {
    /// The store: sqlite:PATH
    #[arg(long, value_name = "URL", env = "GERBANG_STORE", hide_env_values = true)]
    store: StoreUrl,
    /// Where the copy goes; nothing may be there
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

#[derive(clap::Args)]
struct CopyArgs {
    /// Where the gateway is: sqlite:PATH or postgres://USER@HOST/DATABASE
    #[arg(long, value_name = "URL", env = "GERBANG_FROM", hide_env_values = true)]
    from: StoreUrl,
    /// Where it goes: a file that need not exist, or a database that must
    #[arg(long, value_name = "URL", env = "GERBANG_TO", hide_env_values = true)]
    to: StoreUrl,
    /// Print the tables, their digests and the books as one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: Args) -> anyhow::Result<ExitCode> {
    match arguments.action {
        Action::Copy(arguments) => run_copy(arguments),
        Action::Check(CheckArgs { store }) => run_check(&store),
        Action::Backup(BackupArgs { store, to }) => {
            store::back_up(store.whole(), &to).map_err(|error| store.explain(error))?;
            say(format!("{} is a copy of {}; keep a copy of its key apart from it", to.display(), store.shown()));
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn run_check(url: &StoreUrl) -> anyhow::Result<ExitCode> {
    match store::check(url.whole()) {
        Ok(()) => {
            say(format!("{} is whole", url.shown()));
            Ok(ExitCode::SUCCESS)
        }
        Err(StoreError::Open(source)) if source.is::<Damaged>() => {
            report(&url.explain(StoreError::Open(source)));
            Ok(ExitCode::from(EXIT_NO))
        }
        Err(error) => Err(url.explain(error)),
    }
}

fn run_copy(arguments: CopyArgs) -> anyhow::Result<ExitCode> {
    let CopyArgs { from, to, json } = arguments;
    let mut last = None;
    let copied = copy(from.whole(), to.whole(), &PostgresOptions::default(), &mut |progress| {
        tell(&mut last, progress);
        ControlFlow::Continue(())
    });
    match copied {
        Ok(copied) if json => data(serde_json::to_string_pretty(&copied)?),
        Ok(copied) => data(table(&copied)),
        Err(error @ CopyError::Differs { .. }) => {
            report(&explain(error, &from, &to));
            return Ok(ExitCode::from(EXIT_NO));
        }
        Err(error) => return Err(explain(error, &from, &to)),
    }
    Ok(ExitCode::SUCCESS)
}

/// A line for every tenth of a table, and for its beginning.
fn tell(last: &mut Option<(CopyPhase, &'static str, u64)>, progress: CopyProgress) {
    let CopyProgress { phase, table, rows, of } = progress;
    let tenth = (rows * 10).checked_div(of).unwrap_or(10);
    if last.replace((phase, table, tenth)) == Some((phase, table, tenth)) {
        return;
    }
    let verb = match phase {
        CopyPhase::Copying => "copy",
        CopyPhase::Comparing => "compare",
    };
    say(format!("{verb:<8} {table:<18} {rows} of {of}"));
}

fn table(copied: &CopyReport) -> String {
    let mut text = format!("{:<18} {:>12}  sha256, the same on both sides\n", "table", "rows");
    for table in &copied.tables {
        text.push_str(&format!("{:<18} {:>12}  {}\n", table.name, table.rows, table.sha256));
    }
    for book in &copied.books {
        let sum = i64::try_from(book.sum_sen).ok().and_then(|sen| Amount::from_sen(sen).ok());
        let sum = sum.map_or_else(|| format!("{} sen", book.sum_sen), Amount::display_text);
        text.push_str(&format!("{} {}: {} payments for {sum}\n", book.merchant, book.state, book.payments));
    }
    text.push_str("the copy is complete; start the gateway on it, and not on the source any more");
    text
}

/// What the store said, with advice.
fn explain(error: CopyError, from: &StoreUrl, to: &StoreUrl) -> anyhow::Error {
    let advice = match &error {
        CopyError::Store(..) | CopyError::Stopped => "what was copied stays; the same command goes on with it",
        CopyError::NoGateway => "name the store that a gateway was started on",
        CopyError::OldSchema => "run `gerbang migrate up` on the source first",
        CopyError::InUse(_) => "stop every gateway on both stores first",
        CopyError::Occupied => "name an empty database, or a file that does not exist",
        CopyError::Differs { .. } => "a gateway has used the source meanwhile: empty the target and copy again",
    };
    let what = format!("{} was not copied to {}", from.shown(), to.shown());
    advised_because(error, what, advice)
}
