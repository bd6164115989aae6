//! `gerbang clock`: the sandbox's clock, shown and turned, so that what takes three days can be watched in seconds.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    operator_door::{DoorCommand, DoorError, OperatorDoor},
    output::{advised, say},
    table::{Table, cell, left},
};

/// How long work that fell due may take before a turn in steps goes on, in seconds.
const PATIENCE_SECONDS: u64 = 120;
/// How often it is looked at, in milliseconds.
const LOOK_EVERY_MS: u64 = 50;

/// Turn the clock of a sandbox: token lives, expiries, midnights, cut-offs and days of repeats in seconds
#[derive(clap::Args)]
#[command(after_help = "Examples:
  gerbang clock show
  gerbang clock advance 3h
  gerbang clock advance 2d4h30m --stepwise
  gerbang clock set 2026-11-22T00:00:00+07:00
  gerbang clock reset

Whatever the sandbox plays shows the same time: gateway, pages, wallets, billers and demo merchant; so
do `gerbang call` and `gerbang biller`. A program of yours must send it as X-TIMESTAMP; every answer
carries it. Calls that are under way keep their time budgets of real seconds.")]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Show the time, by how much it is ahead of the computer's, and what waits for it
    Show(DoorCommand),
    /// Turn it forward, and say what that made due
    Advance {
        /// How far: 45s, 30m, 3h, 2d4h30m
        #[arg(value_parser = duration)]
        by: u64,
        /// Stop at everything that falls due on the way, and have it done first, as time would have
        #[arg(long)]
        stepwise: bool,
        #[command(flatten)]
        door: DoorCommand,
    },
    /// Turn it to a time, forward or back
    Set {
        /// Which time, with its offset
        #[arg(value_name = "TIME")]
        to: String,
        #[command(flatten)]
        door: DoorCommand,
    },
    /// Have it show the computer's time again
    Reset(DoorCommand),
}

pub fn run(arguments: Args) -> anyhow::Result<ExitCode> {
    match arguments.action {
        Action::Show(door) => {
            turn(&door, async |open| open.ask("clock.show", &json!({})).await.map_err(Into::into), show)
        }
        Action::Advance { by, stepwise: true, door } => turn(&door, async |open| stepwise(open, by).await, turned),
        Action::Advance { by, stepwise: false, door } => {
            let fields = json!({"seconds": by});
            turn(&door, async |open| open.ask("clock.advance", &fields).await.map_err(Into::into), turned)
        }
        Action::Set { to, door } => {
            let fields = json!({"to": to});
            turn(&door, async |open| open.ask("clock.set", &fields).await.map_err(Into::into), turned)
        }
        Action::Reset(door) => {
            turn(&door, async |open| open.ask("clock.reset", &json!({})).await.map_err(Into::into), turned)
        }
    }
}

fn turn(
    door: &DoorCommand,
    ask: impl AsyncFnOnce(&OperatorDoor) -> anyhow::Result<Value>,
    people: impl FnOnce(&Value) -> String,
) -> anyhow::Result<ExitCode> {
    door.run(async |open| {
        let answer = ask(&open).await.inspect_err(|error| {
            let refused = error.downcast_ref::<DoorError>();
            if matches!(refused, Some(DoorError::Refused { code, .. }) if code == "operation_unknown") {
                say("hint: only the clock of a sandbox can be turned");
            }
        })?;
        door.print(&answer, people)?;
        Ok(ExitCode::SUCCESS)
    })
}

/// Goes from one thing that is due to the next and waits until it is done, as time would have gone.
async fn stepwise(door: &OperatorDoor, by: u64) -> anyhow::Result<Value> {
    let mut rest = by;
    let mut all: Option<Value> = None;
    let mut steps = 0_u64;
    loop {
        let next = settled(door).await?["tasks"]["next_due_in_seconds"].as_u64();
        if rest == 0 && all.is_some() {
            break;
        }
        let step = next.unwrap_or(rest).min(rest);
        let answer = door.ask("clock.advance", &json!({"seconds": step})).await?;
        rest -= step;
        steps += 1;
        match &mut all {
            None => all = Some(answer),
            Some(all) => add(all, answer),
        }
    }
    let mut all = all.unwrap_or_default();
    all["steps"] = steps.into();
    Ok(all)
}

/// What two turns one after the other are together.
fn add(all: &mut Value, mut next: Value) {
    for member in ["at", "computer", "ahead_seconds"] {
        all[member] = next[member].take();
    }
    all["midnights"] = (all["midnights"].as_u64().unwrap_or(0) + next["midnights"].as_u64().unwrap_or(0)).into();
    for row in next["became_due"].as_array().into_iter().flatten() {
        let kinds = all["became_due"].as_array_mut().into_iter().flatten();
        match kinds.into_iter().find(|known| known["kind"] == row["kind"]) {
            Some(known) => {
                known["tasks"] = (known["tasks"].as_u64().unwrap_or(0) + row["tasks"].as_u64().unwrap_or(0)).into();
            }
            None => all["became_due"].as_array_mut().into_iter().for_each(|kinds| kinds.push(row.clone())),
        }
    }
    if let (Some(known), Some(more)) = (all["invoices_overdue"].as_array_mut(), next["invoices_overdue"].as_array()) {
        known.extend(more.iter().cloned());
    }
}

/// Waits until nothing is due and nothing under way.
async fn settled(door: &OperatorDoor) -> anyhow::Result<Value> {
    let deadline = Instant::now() + Duration::from_secs(PATIENCE_SECONDS);
    loop {
        let shown = door.ask("clock.show", &json!({})).await?;
        let tasks = &shown["tasks"];
        if tasks["due"] == 0 && tasks["under_way"] == 0 {
            return Ok(shown);
        }
        if Instant::now() >= deadline {
            return Err(advised(
                format!("work that fell due is still under way after {PATIENCE_SECONDS} seconds"),
                "`gerbang status` says how the gateway is; without --stepwise the clock is turned all the same",
            ));
        }
        tokio::time::sleep(Duration::from_millis(LOOK_EVERY_MS)).await;
    }
}

/// `2d4h30m` in seconds.
fn duration(text: &str) -> Result<u64, String> {
    let wrong = || "write it like 45s, 30m, 3h or 2d4h30m".to_owned();
    let mut seconds = 0_u64;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit()).ok_or_else(wrong)?;
        let (number, unit) = rest.split_at(digits);
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let unit_seconds = match unit.chars().next() {
            Some('d') => 24 * 3600,
            Some('h') => 3600,
            Some('m') => 60,
            Some('s') => 1,
            _ => return Err(wrong()),
        };
        seconds = number.checked_mul(unit_seconds).and_then(|part| seconds.checked_add(part)).ok_or_else(wrong)?;
        rest = &unit[1..];
    }
    if text.is_empty() { Err(wrong()) } else { Ok(seconds) }
}

/// Seconds as people say them: `2d 4h 30m`.
fn spoken(seconds: i64) -> String {
    let mut rest = seconds.unsigned_abs();
    let mut parts = vec![];
    for (unit, length) in [("d", 24 * 3600), ("h", 3600), ("m", 60), ("s", 1)] {
        if rest / length > 0 {
            parts.push(format!("{}{unit}", rest / length));
            rest %= length;
        }
    }
    if parts.is_empty() { "nothing".into() } else { parts.join(" ") }
}

fn hands(table: &mut Table, answer: &Value) {
    let ahead = answer["ahead_seconds"].as_i64().unwrap_or_default();
    let way = if ahead < 0 { "behind" } else { "ahead of" };
    table.row(["time".into(), cell(answer, "at")]);
    table.row(["".into(), format!("{} {way} the computer's", spoken(ahead))]);
}

fn show(answer: &Value) -> String {
    let mut table = Table::new(&[left("what"), left("how")]);
    hands(&mut table, answer);
    let tasks = &answer["tasks"];
    for (name, member) in [("due now", "due"), ("under way", "under_way"), ("next due", "next_due")] {
        table.row([name.into(), cell(tasks, member)]);
    }
    table.text()
}

fn turned(answer: &Value) -> String {
    let mut table = Table::new(&[left("what"), left("how")]);
    table.row(["before".into(), cell(answer, "before")]);
    hands(&mut table, answer);
    let kinds = answer["became_due"].as_array().into_iter().flatten();
    let kinds: Vec<String> = kinds.map(|row| format!("{} {}", cell(row, "tasks"), cell(row, "kind"))).collect();
    table.row(["became due".into(), if kinds.is_empty() { "nothing".into() } else { kinds.join(", ") }]);
    let invoices = answer["invoices_overdue"].as_array().into_iter().flatten();
    for number in invoices.filter_map(Value::as_str) {
        table.row(["overdue".into(), number.into()]);
    }
    if answer["midnights"].as_u64().is_some_and(|midnights| midnights > 0) {
        let midnights = cell(answer, "midnights");
        table.row(["midnights".into(), format!("{midnights} in Jakarta: an X-EXTERNAL-ID may be used again")]);
    }
    table.text()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read_and_said() {
        for (text, seconds, said) in [
            ("45s", 45, "45s"),
            ("3h", 10_800, "3h"),
            ("2d4h30m", 189_000, "2d 4h 30m"),
            ("90m", 5_400, "1h 30m"),
            ("0s", 0, "nothing"),
        ] {
            assert_eq!(duration(text), Ok(seconds));
            assert_eq!(spoken(i64::try_from(seconds).expect("small")), said);
        }
        for wrong in ["", "3", "h", "3 h", "-3h", "3x", "1h3", "99999999999999999999h", "9999999999999999d"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn turns_one_after_the_other_add_up() {
        let turn = |at: &str, kind: &str| {
            json!({"before": "t0", "at": at, "computer": at, "ahead_seconds": 1, "midnights": 1,
                   "became_due": [{"kind": kind, "tasks": 2}], "invoices_overdue": [at]})
        };
        let mut all = turn("t1", "notify");
        add(&mut all, turn("t2", "notify"));
        add(&mut all, turn("t3", "charge"));
        assert_eq!((&all["before"], &all["at"], &all["midnights"]), (&json!("t0"), &json!("t3"), &json!(3)));
        let due = json!([{"kind": "notify", "tasks": 4}, {"kind": "charge", "tasks": 2}]);
        assert_eq!((&all["became_due"], &all["invoices_overdue"]), (&due, &json!(["t1", "t2", "t3"])));
    }
}
