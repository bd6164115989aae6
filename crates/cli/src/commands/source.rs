//! `gerbang source`: whom bills are bought at, what is left of our money there, and whether their prices allow ours, over
//! the operator's door.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::{
    operator_door::DoorCommand,
    table::{Table, cell, left, money, right},
};

/// Ask the sources of bills: list them, compare our money there with the ledger, and their prices with ours
#[derive(clap::Args)]
#[command(after_help = "Examples:
  gerbang source list
  gerbang source float SOURCE
  gerbang source prices SOURCE --warnings")]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// List the sources that there is an account at, and how they answer
    List(DoorCommand),
    /// Ask a source what is left of our money there, beside what the ledger says; posts nothing
    Float {
        /// Its name, as the list has it
        source: String,
        #[command(flatten)]
        door: DoorCommand,
    },
    /// Ask a source for its price list, beside what we sell of it; sources limit how often, some to once in five minutes
    Prices {
        /// Its name, as the list has it
        source: String,
        /// Only products with a warning
        #[arg(long)]
        warnings: bool,
        #[command(flatten)]
        door: DoorCommand,
    },
}

pub fn run(arguments: Args) -> anyhow::Result<ExitCode> {
    match arguments.action {
        Action::List(door) => door.ask("source.list", json!({}), list),
        Action::Float { source, door } => door.ask("source.float", json!({"source": source}), float),
        Action::Prices { source, warnings, door } => {
            door.ask("source.prices", json!({"source": source, "warnings": warnings}), prices)
        }
    }
}

/// A list of texts in one cell.
fn texts(row: &Value, member: &str) -> String {
    let texts: Vec<&str> = row[member].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    texts.join(", ")
}

fn list(answer: &Value) -> String {
    let columns = [
        left("source"),
        left("name"),
        right("products"),
        left("answers"),
        left("called"),
        left("last answer"),
        left("silence"),
    ];
    let mut table = Table::new(&columns);
    for row in answer["sources"].as_array().into_iter().flatten() {
        let health = &row["health"];
        let [source, title, products] = ["source", "title", "products"].map(|member| cell(row, member));
        let [state, answered, silence] = ["state", "answered_at", "silence"].map(|member| cell(health, member));
        let line = &row["line"];
        let called = match line["until"].as_str() {
            Some(until) => format!("not before {until}"),
            None if line["breaker"] == "closed" => "yes".to_owned(),
            None => "to find out".to_owned(),
        };
        table.row([source, title, products, state.replace('_', " "), called, answered, silence]);
    }
    let mut text = table.text();
    for row in answer["sources"].as_array().into_iter().flatten() {
        let capabilities = texts(row, "capabilities").replace('_', " ");
        text.push_str(&format!("\n{} can be asked: {capabilities}", cell(row, "source")));
    }
    text
}

fn float(answer: &Value) -> String {
    let mut table =
        Table::new(&[left("asked"), left("at"), right("at the source"), right("in the ledger"), right("difference")]);
    for (asked, said) in [("before", &answer["before"]), ("now", answer)] {
        if !said.is_null() {
            let [float, ledger, difference] = ["float", "ledger", "difference"].map(|member| money(said, member));
            table.row([asked.to_owned(), cell(said, "at"), float, ledger, difference]);
        }
    }
    let words = match answer["moved"].as_str() {
        None => "asked for the first time since the gateway started; ask again later to see what moved".to_owned(),
        Some("0.00") => "nothing moved there that the ledger does not know".to_owned(),
        Some(_) => {
            let moved = money(answer, "moved");
            format!("moved by {moved}: a top-up there, bills under way, or something to look into")
        }
    };
    format!("{}\n{words}", table.text())
}

fn prices(answer: &Value) -> String {
    let mut table = Table::new(&[
        left("product"),
        left("code there"),
        left("on sale"),
        right("cost"),
        right("admin"),
        right("commission"),
        right("left to us"),
        left("closed here"),
        left("closed there"),
        left("warnings"),
    ]);
    for row in answer["products"].as_array().into_iter().flatten() {
        let [product, sku, available] = ["product", "sku", "available"].map(|member| cell(row, member));
        let [cost, admin, commission, left] = ["cost", "admin", "commission", "left"].map(|member| money(row, member));
        let [here, there] = ["cut_off", "source_cut_off"].map(|member| cell(row, member));
        let losing = texts(row, "merchants_at_a_loss");
        let losing = if losing.is_empty() { losing } else { format!(" (also {losing})") };
        let warnings = format!("{}{losing}", texts(row, "warnings").replace('_', " "));
        table.row([product, sku, available, cost, admin, commission, left, here, there, warnings]);
    }
    let (listed, ours) = (cell(answer, "listed"), cell(answer, "products_of_source"));
    format!(
        "{}\n{listed} products listed there, {ours} of ours name this source, {} with warnings",
        table.text(),
        cell(answer, "products_with_warnings")
    )
}
