//! `gerbang ledger`: what every account holds, how it came to be, and whether it is right, over the operator's door.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::{
    EXIT_NO,
    operator_door::DoorCommand,
    table::{Table, cell, left, money, right},
};

/// Look at the ledger: verify it, list its accounts, read their statements
#[derive(clap::Args)]
#[command(after_help = "Examples:
  gerbang ledger verify
  gerbang ledger accounts --merchant SANDBOX
  gerbang ledger statement deposit:SANDBOX --from 2026-11-01T00:00:00+07:00 --all")]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Recompute the whole ledger from its entries, and name the first difference; exit code 3 when there is one
    Verify(DoorCommand),
    /// List the accounts
    Accounts {
        /// Only this merchant's
        #[arg(long, value_name = "CODE")]
        merchant: Option<String>,
        #[command(flatten)]
        door: DoorCommand,
    },
    /// Show an account's entries
    Statement(StatementArgs),
}

#[derive(clap::Args)]
struct StatementArgs {
    /// Like deposit:SANDBOX, receivable:SANDBOXINV, float:SANDBOX:PROVIDER
    account: String,
    /// Entries from this time on
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Entries before this time
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// The most entries
    #[arg(long, default_value_t = 100, conflicts_with = "all")]
    limit: u64,
    /// All of them
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    door: DoorCommand,
}

pub fn run(arguments: Args) -> anyhow::Result<ExitCode> {
    match arguments.action {
        Action::Verify(command) => command.run(async |door| {
            let answer = door.ask("ledger.verify", &json!({})).await?;
            command.print(&answer, verified)?;
            Ok(if answer["verified"] == true { ExitCode::SUCCESS } else { ExitCode::from(EXIT_NO) })
        }),
        Action::Accounts { merchant: Some(merchant), door } => {
            door.ask("ledger.accounts", json!({"merchant": merchant}), accounts)
        }
        Action::Accounts { merchant: None, door } => door.ask_all("ledger.accounts", json!({}), "accounts", accounts),
        Action::Statement(StatementArgs { account, from, until, limit, all, door }) => {
            let mut fields = json!({"account": account, "from": from, "until": until});
            if all {
                return door.ask_all("ledger.statement", fields, "entries", statement);
            }
            fields["limit"] = limit.into();
            door.ask("ledger.statement", fields, statement)
        }
    }
}

fn verified(answer: &Value) -> String {
    if answer["verified"] != true {
        return format!("the ledger is not as it must be: {}", cell(answer, "difference"));
    }
    let mut table = Table::new(&[left("class"), right("accounts"), right("balance"), right("held")]);
    for row in answer["classes"].as_array().into_iter().flatten() {
        table.row([cell(row, "class"), cell(row, "accounts"), money(row, "balance"), money(row, "held")]);
    }
    let (accounts, entries, holds) = (cell(answer, "accounts"), cell(answer, "entries"), cell(answer, "holds"));
    format!(
        "{}\n{accounts} accounts, {entries} entries, {holds} open bills that hold money: the ledger is right",
        table.text()
    )
}

fn accounts(answer: &Value) -> String {
    let mut table = Table::new(&[left("account"), right("balance"), right("held"), right("entries")]);
    for row in answer["accounts"].as_array().into_iter().flatten() {
        table.row([cell(row, "account"), money(row, "balance"), money(row, "held"), cell(row, "entries")]);
    }
    table.text()
}

fn statement(answer: &Value) -> String {
    let mut table = Table::new(&[
        right("no"),
        left("time"),
        left("kind"),
        left("purpose"),
        left("about"),
        right("change"),
        right("held"),
        right("balance"),
        right("held in all"),
    ]);
    for row in answer["entries"].as_array().into_iter().flatten() {
        let [number, at, kind, purpose, subject] =
            ["sequence", "at", "kind", "purpose", "subject"].map(|member| cell(row, member));
        let [change, held_change, balance, held] =
            ["change", "held_change", "balance", "held"].map(|member| money(row, member));
        table.row([number, at, kind, purpose, subject, change, held_change, balance, held]);
    }
    let stands = |which: &str| format!("{}, {} held", money(&answer[which], "balance"), money(&answer[which], "held"));
    let mut text = format!("opening  {}\n{}\nclosing  {}", stands("opening"), table.text(), stands("closing"));
    if !answer["next"].is_null() {
        text.push_str("\nhint: there are more; --all shows all of them");
    }
    text
}
