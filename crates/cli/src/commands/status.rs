//! `gerbang status`: how a gateway is, over the operator's door.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::{
    operator_door::DoorCommand,
    table::{Table, left},
};

/// Say how a running gateway is: its ledger, open bills, work to do, money at aggregators
#[derive(clap::Args)]
#[command(after_help = "Example:
  gerbang status
  gerbang status --operator http://127.0.0.1:8701 --token-file operator.token --json")]
pub struct Args {
    #[command(flatten)]
    door: DoorCommand,
}

pub fn run(arguments: Args) -> anyhow::Result<ExitCode> {
    arguments.door.ask("status", json!({}), |answer| {
        let mut table = Table::new(&[left("what"), left("how")]);
        tell(&mut table, "", answer);
        table.text()
    })
}

/// A line for every value, named by the way to it.
fn tell(table: &mut Table, name: &str, value: &Value) {
    let below = |member: &str| format!("{name} {}", member.replace('_', " ")).trim().to_owned();
    match value {
        Value::Object(members) if !members.is_empty() => {
            members.iter().for_each(|(member, value)| tell(table, &below(member), value));
        }
        Value::Array(list) if list.iter().any(Value::is_object) => {
            for (number, value) in list.iter().enumerate() {
                tell(table, &below(&(number + 1).to_string()), value);
            }
        }
        Value::Array(list) => {
            let texts: Vec<String> = list.iter().map(plain).collect();
            table.row([name.to_owned(), texts.join(", ")]);
        }
        other => table.row([name.to_owned(), plain(other)]),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "-".into(),
        Value::Bool(true) => "yes".into(),
        Value::Bool(false) => "no".into(),
        Value::Object(_) => "none".into(),
        other => other.to_string(),
    }
}
