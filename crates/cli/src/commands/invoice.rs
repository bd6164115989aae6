//! `gerbang invoice`: what merchants on credit are billed and have paid, over the operator's door.

use std::{path::PathBuf, process::ExitCode};

use clap::ValueEnum;
use serde_json::{Value, json};

use crate::{
    operator_door::{DoorCommand, write_output},
    output::{advised, say},
    table::{Table, cell, left, money, right, typed_rupiah},
};

/// Bill merchants that pay by invoice, and enter what they paid
#[derive(clap::Args)]
#[command(after_help = "Examples:
  gerbang invoice issue SANDBOXINV
  gerbang invoice issue SANDBOXINV --month 2026-10
  gerbang invoice list SANDBOXINV
  gerbang invoice show INV/2026/11/SANDBOXINV/1 --format pdf --output invoice.pdf
  gerbang invoice pay INV/2026/11/SANDBOXINV/1 --amount 250000 --reference TRF-0002")]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Bill everything up to now, or up to the end of a month, that was not billed yet
    Issue(IssueArgs),
    /// List a merchant's invoices
    List {
        /// The merchant's code
        merchant: String,
        #[command(flatten)]
        door: DoorCommand,
    },
    /// Show an invoice with its lines
    Show(ShowArgs),
    /// Enter a payment of an invoice, in full or in part
    Pay(PayArgs),
}

#[derive(clap::Args)]
struct IssueArgs {
    /// The merchant's code
    merchant: String,
    /// Up to the end of this month, like 2026-10, which must be over
    #[arg(long, value_name = "MONTH", conflicts_with = "until", value_parser = month_end)]
    month: Option<String>,
    /// Up to this time, not included (default: now)
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    #[command(flatten)]
    door: DoorCommand,
}

#[derive(clap::Args)]
struct ShowArgs {
    /// Its number, INV/2026/11/SANDBOXINV/1, or its id
    invoice: String,
    /// As a table or --json, as CSV, or as PDF
    #[arg(long, value_enum, default_value_t = Format::Json)]
    format: Format,
    /// Write it here instead of to standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    door: DoorCommand,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The lines as they are, for people unless --json is given
    Json,
    /// A line of text each
    Csv,
    /// Pages to print
    Pdf,
}

#[derive(clap::Args)]
struct PayArgs {
    /// Its number, or its id
    invoice: String,
    /// How much
    #[arg(long, value_name = "RUPIAH", value_parser = typed_rupiah)]
    amount: String,
    /// The reference of the bank transfer: a repeat has no second effect
    #[arg(long)]
    reference: String,
    #[command(flatten)]
    door: DoorCommand,
}

pub fn run(arguments: Args) -> anyhow::Result<ExitCode> {
    match arguments.action {
        Action::Issue(IssueArgs { merchant, month, until, door }) => {
            let period_end = month.or(until).unwrap_or_else(|| door.clock().now().wire_text_millis());
            door.ask("invoice.issue", json!({"merchant": merchant, "period_end": period_end}), head)
        }
        Action::List { merchant, door } => {
            door.ask_all("invoice.list", json!({"merchant": merchant}), "invoices", listed)
        }
        Action::Show(show) => show.run(),
        Action::Pay(PayArgs { invoice, amount, reference, door }) => {
            let fields = json!({"invoice": invoice, "amount": amount, "reference": reference});
            door.ask("invoice.pay", fields, head)
        }
    }
}

/// The first instant after a month of Jakarta's calendar.
fn month_end(month: &str) -> Result<String, String> {
    let wrong = || format!("{month} is no month: write it like 2026-10");
    let (year, month_number) = month.split_once('-').filter(|(year, _)| year.len() == 4).ok_or_else(wrong)?;
    let (year, number): (u16, u8) = (year.parse().map_err(|_| wrong())?, month_number.parse().map_err(|_| wrong())?);
    match number {
        1..=11 => Ok(format!("{year:04}-{:02}-01T00:00:00+07:00", number + 1)),
        12 => Ok(format!("{:04}-01-01T00:00:00+07:00", year + 1)),
        _ => Err(wrong()),
    }
}

impl ShowArgs {
    fn run(self) -> anyhow::Result<ExitCode> {
        let Self { invoice, format, output, door: command } = self;
        if format == Format::Pdf && output.is_none() {
            return Err(advised("a PDF is not for the terminal", "name a file with --output"));
        }
        command.run(async |door| {
            let (name, fields) = match format {
                Format::Json => {
                    let answer = door.ask_all("invoice.show", json!({"invoice": invoice}), "lines").await?;
                    match &output {
                        None => command.print(&answer, shown)?,
                        Some(file) => write_output(file, &serde_json::to_vec_pretty(&answer)?)?,
                    }
                    return Ok(ExitCode::SUCCESS);
                }
                Format::Csv => ("CSV", json!({"invoice": invoice, "format": "csv"})),
                Format::Pdf => ("PDF", json!({"invoice": invoice, "format": "pdf"})),
            };
            let answer = door.call("invoice.show", &fields).await?;
            match &output {
                None => std::io::Write::write_all(&mut std::io::stdout(), &answer)?,
                Some(file) => {
                    write_output(file, &answer)?;
                    say(format!("{}: {name}, {} bytes", file.display(), answer.len()));
                }
            }
            Ok(ExitCode::SUCCESS)
        })
    }
}

fn head(answer: &Value) -> String {
    let [number, state, due] = ["number", "state", "due_at"].map(|member| cell(answer, member));
    let (total, outstanding) = (money(answer, "total"), money(answer, "outstanding"));
    let overdue = if answer["overdue"] == true { ", overdue" } else { "" };
    format!("{number}: {state}{overdue}, {total}, {outstanding} outstanding, due {due}")
}

fn listed(answer: &Value) -> String {
    let mut table = Table::new(&[
        left("number"),
        left("state"),
        right("total"),
        right("outstanding"),
        left("issued"),
        left("due"),
        left("overdue"),
    ]);
    for row in answer["invoices"].as_array().into_iter().flatten() {
        let [number, state, issued, due, overdue] =
            ["number", "state", "issued_at", "due_at", "overdue"].map(|member| cell(row, member));
        table.row([number, state, money(row, "total"), money(row, "outstanding"), issued, due, overdue]);
    }
    table.text()
}

fn shown(answer: &Value) -> String {
    let mut table = Table::new(&[
        left("time"),
        left("ref_id"),
        left("kind"),
        left("product"),
        left("order"),
        right("amount"),
        right("fee"),
        right("margin"),
        right("total"),
    ]);
    for row in answer["lines"].as_array().into_iter().flatten() {
        let [at, ref_id, kind, product, order] =
            ["at", "ref_id", "kind", "product", "order_id"].map(|member| cell(row, member));
        let [amount, fee, margin, total] = ["amount", "fee", "margin", "total"].map(|member| money(row, member));
        table.row([at, ref_id, kind, product, order, amount, fee, margin, total]);
    }
    let payments =
        answer["payments"].as_array().into_iter().flatten().map(|row| {
            format!("\npaid {} at {} under {}", money(row, "amount"), cell(row, "at"), cell(row, "reference"))
        });
    format!("{}\n{}{}", head(answer), table.text(), payments.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_ends_where_the_next_one_begins() {
        assert_eq!(month_end("2026-10").as_deref(), Ok("2026-11-01T00:00:00+07:00"));
        assert_eq!(month_end("2026-12").as_deref(), Ok("2027-01-01T00:00:00+07:00"));
        for wrong in ["2026-13", "2026-00", "26-10", "2026", "october"] {
            assert!(month_end(wrong).is_err(), "{wrong}");
        }
    }
}
