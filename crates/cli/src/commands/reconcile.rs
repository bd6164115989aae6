//! `gerbang reconcile`: providers' settlement files against what the gateway believes, over the operator's door.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use clap::ValueEnum;
use lifecycle::reconciliation::{Action as ClosingAction, Bucket};
use serde_json::{Value, json};

use crate::{
    operator_door::{DoorCommand, write_output},
    output::{advised, say},
    table::{Table, cell, left, money, right},
};

/// Hold providers' settlement files against what the gateway believes
#[derive(clap::Args)]
#[command(after_help = "Examples:
  gerbang reconcile import settlement.csv --provider wallet
  gerbang reconcile import statement.csv --provider bank --mapping bank.toml --day 2026-11-21
  gerbang reconcile status
  gerbang reconcile exceptions --open --bucket missing_here
  gerbang reconcile close rec_... --action claim --note 'asked them by mail'
  gerbang reconcile report --format xlsx --output reconciliation.xlsx --file stl_...

Every line of a file, and everything that it should have held, ends in one bucket:
  matched         both say the same; posted with the import
  missing_here    the provider knows it, the gateway does not, or does not believe it
  missing_there   the gateway believes it, the file does not hold it
  amount_differs  both know it, over another amount or fee
  date_line       both know it, on either side of the end of a day: waits for the next file
  duplicate       another line has settled it already")]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Import a settlement file; the same content again changes nothing
    Import(ImportArgs),
    /// Show which files were imported, and what is open
    Status {
        /// Files of business days from this one on, like 2026-11-01 (default: a month)
        #[arg(long, value_name = "DAY")]
        since: Option<String>,
        #[command(flatten)]
        door: DoorCommand,
    },
    /// List what files and the gateway do not agree about
    Exceptions {
        /// Only of this bucket
        #[arg(long, value_parser = bucket)]
        bucket: Option<String>,
        /// Only what is open
        #[arg(long)]
        open: bool,
        /// Only of this provider
        #[arg(long)]
        provider: Option<String>,
        /// Print nothing but their ids, one a line
        #[arg(long, conflicts_with = "json")]
        ids: bool,
        #[command(flatten)]
        door: DoorCommand,
    },
    /// Do something about an exception, and post what follows
    Close(CloseArgs),
    /// Write a reconciliation as a table
    Report(ReportArgs),
}

#[derive(clap::Args)]
struct ImportArgs {
    /// The file
    file: PathBuf,
    /// Whose file: the name of the provider's connector
    #[arg(long)]
    provider: String,
    /// How it looks, where it is not in the connector's own form: a mapping in TOML
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// The business day that it is about, like 2026-11-21 (default: that of most lines)
    #[arg(long)]
    day: Option<String>,
    /// What the provider keeps of a payment by contract, in hundredths of a percent
    #[arg(long, value_name = "POINTS")]
    fee_basis_points: Option<u32>,
    #[command(flatten)]
    door: DoorCommand,
}

#[derive(clap::Args)]
struct CloseArgs {
    /// Its id, rec_...
    item: String,
    /// What to do: adopt, correct_amount, claim, write_off, duplicate_returned, dismiss or wait
    #[arg(long, value_parser = action)]
    action: String,
    /// Why, for whoever reads it later
    #[arg(long, value_name = "TEXT")]
    note: String,
    #[command(flatten)]
    door: DoorCommand,
}

#[derive(clap::Args)]
struct ReportArgs {
    /// As text or as a workbook
    #[arg(long, value_enum)]
    format: Format,
    /// Write it here
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// The file's id, stl_... (default: every exception of every file)
    #[arg(long, value_name = "ID")]
    file: Option<String>,
    #[command(flatten)]
    door: DoorCommand,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// A line of text each
    Csv,
    /// A workbook
    Xlsx,
}

pub fn run(arguments: Args) -> anyhow::Result<ExitCode> {
    match arguments.action {
        Action::Import(import) => import.run(),
        Action::Status { since, door } => door.ask("reconcile.status", json!({"since": since}), status),
        Action::Exceptions { bucket, open, provider, ids: only_ids, door } => {
            let fields = json!({"bucket": bucket, "open": open, "provider": provider});
            door.ask_all("reconcile.exceptions", fields, "items", if only_ids { ids } else { exceptions })
        }
        Action::Close(CloseArgs { item, action, note, door }) => {
            let fields = json!({"item": item, "action": action, "note": note});
            door.ask("reconcile.close", fields, closed)
        }
        Action::Report(report) => report.run(),
    }
}

fn bucket(word: &str) -> Result<String, String> {
    let words = Bucket::ALL.iter().filter(|bucket| **bucket != Bucket::Matched).map(|bucket| bucket.name());
    one_of(word, words)
}

fn action(word: &str) -> Result<String, String> {
    one_of(word, ClosingAction::ALL.iter().map(|action| action.name()))
}

fn one_of(word: &str, words: impl Iterator<Item = &'static str>) -> Result<String, String> {
    let words: Vec<&str> = words.collect();
    match words.contains(&word) {
        true => Ok(word.to_owned()),
        false => Err(format!("it is {}", words.join(", "))),
    }
}

impl ImportArgs {
    fn run(self) -> anyhow::Result<ExitCode> {
        let Self { file, provider, mapping, day, fee_basis_points, door } = self;
        let content = std::fs::read(&file).with_context(|| format!("read {}", file.display()))?;
        if content.len() > connectors::settlement::FILE_BYTES_MAX {
            let most = connectors::settlement::FILE_BYTES_MAX / (1024 * 1024);
            return Err(advised(
                format!("{} is larger than {most} MiB", file.display()),
                "import it in parts: what is about one payment belongs into one part",
            ));
        }
        let read = |path: &PathBuf| std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()));
        let mapping = mapping.as_ref().map(read).transpose()?;
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let fields = json!({
            "provider": provider, "name": name, "content": STANDARD.encode(content), "mapping": mapping, "day": day,
            "fee_basis_points": fee_basis_points,
        });
        door.ask("reconcile.import", fields, imported)
    }
}

impl ReportArgs {
    fn run(self) -> anyhow::Result<ExitCode> {
        let Self { format, output, file, door: command } = self;
        command.run(async |door| {
            let (format, name) = match format {
                Format::Csv => ("csv", "CSV"),
                Format::Xlsx => ("xlsx", "XLSX"),
            };
            let answer = door.call("reconcile.report", &json!({"format": format, "file": file})).await?;
            write_output(&output, &answer)?;
            match command.json {
                true => command.print(&json!({"output": output, "bytes": answer.len()}), |_| String::new())?,
                false => say(format!("{}: {name}, {} bytes", output.display(), answer.len())),
            }
            Ok(ExitCode::SUCCESS)
        })
    }
}

fn imported(answer: &Value) -> String {
    let [file, provider, day] = ["file", "provider", "day"].map(|member| cell(answer, member));
    let again = if answer["known_before"] == true { ", imported before: nothing changed" } else { "" };
    let mut table = Table::new(&[left("bucket"), right("items"), right("lines"), right("amount"), right("fee")]);
    for bucket in Bucket::ALL {
        let of = &answer["buckets"][bucket.name()];
        if of["items"] != 0 {
            let counts = ["items", "lines"].map(|member| cell(of, member));
            table.row(
                [bucket.name().to_owned()].into_iter().chain(counts).chain([money(of, "amount"), money(of, "fee")]),
            );
        }
    }
    let total = &answer["total"];
    let counts = ["lines", "lines"].map(|member| cell(total, member));
    table.row(["all lines".to_owned()].into_iter().chain(counts).chain([money(total, "amount"), money(total, "fee")]));
    format!("{file}: {provider}, {day}{again}\n{}", table.text())
}

fn status(answer: &Value) -> String {
    let rows = |member: &str| answer[member].as_array().cloned().unwrap_or_default();
    let mut files = Table::new(&[
        left("day"),
        left("provider"),
        left("file"),
        left("state"),
        right("lines"),
        right("matched"),
        right("exceptions"),
        right("amount"),
        left("name"),
    ]);
    for row in rows("files") {
        let [day, provider, file, state, name] = ["day", "provider", "file", "state", "name"].map(|m| cell(&row, m));
        let of = |bucket: &Bucket| row["buckets"][bucket.name()]["items"].as_u64().unwrap_or_default();
        let exceptions: u64 = Bucket::ALL.iter().filter(|bucket| **bucket != Bucket::Matched).map(of).sum();
        let (lines, matched) = (cell(&row["total"], "lines"), of(&Bucket::Matched).to_string());
        let amount = money(&row["total"], "amount");
        files.row([day, provider, file, state, lines, matched, exceptions.to_string(), amount, name]);
    }
    let mut open =
        Table::new(&[left("provider"), left("bucket"), right("open"), right("late"), right("ours"), right("theirs")]);
    for row in rows("open") {
        let [provider, bucket, items, late] = ["provider", "bucket", "items", "late"].map(|m| cell(&row, m));
        open.row([provider, bucket, items, late, money(&row, "ours"), money(&row, "theirs")]);
    }
    let files = match rows("files").is_empty() {
        true => "no settlement file was imported in this time".to_owned(),
        false => files.text(),
    };
    let open = match rows("open").is_empty() {
        true => "nothing is open".to_owned(),
        false => open.text(),
    };
    format!("{files}\n\n{open}")
}

fn exceptions(answer: &Value) -> String {
    let rows = answer["items"].as_array().cloned().unwrap_or_default();
    if rows.is_empty() {
        return "there is no such exception".to_owned();
    }
    let mut table = Table::new(&[
        left("item"),
        left("bucket"),
        left("state"),
        left("kind"),
        left("reference"),
        right("ours"),
        right("theirs"),
        left("deadline"),
        left("owner"),
        left("actions"),
    ]);
    for row in &rows {
        let [item, bucket, state, kind, owner] = ["item", "bucket", "state", "kind", "owner"].map(|m| cell(row, m));
        let (ours, theirs) = (&row["ours"], &row["line"]);
        let named = if ours["reference"].is_string() { ours } else { theirs };
        let reference = if named["reference"].is_string() { "reference" } else { "provider_reference" };
        let late = if row["late"] == true { " (late)" } else { "" };
        let actions: Vec<&str> = row["actions"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        table.row([
            item,
            bucket,
            state,
            kind,
            cell(named, reference),
            money(ours, "amount"),
            money(theirs, "amount"),
            format!("{}{late}", cell(row, "deadline")),
            owner,
            actions.join(" "),
        ]);
    }
    table.text()
}

fn ids(answer: &Value) -> String {
    let ids: Vec<String> = answer["items"].as_array().into_iter().flatten().map(|row| cell(row, "item")).collect();
    ids.join("\n")
}

fn closed(answer: &Value) -> String {
    let [item, bucket, state, journal] = ["item", "bucket", "state", "journal"].map(|member| cell(answer, member));
    let posted = if journal == "-" { "nothing was posted".to_owned() } else { format!("posted as journal {journal}") };
    match answer["state"] == "open" {
        true => format!("{item}: {bucket}, stays open until {}", cell(answer, "deadline")),
        false => format!("{item}: {bucket}, {state}; {posted}"),
    }
}
