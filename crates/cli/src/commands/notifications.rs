//! `gerbang notifications`: what merchants are told, what waits and why, over the operator's door.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::{
    operator_door::DoorCommand,
    table::{Table, cell, left, right},
};

/// The callbacks that are delivered until they are accepted.
const KINDS: [&str; 5] = ["payment", "binding", "low_balance", "refund", "bill"];
/// The states of a notification.
const STATES: [&str; 5] = ["pending", "waiting", "delivered", "acknowledged", "exhausted"];

/// See what merchants are told, send it again, pause and resume their endpoints
#[derive(clap::Args)]
#[command(after_help = "Examples:
  gerbang notifications list --state exhausted
  gerbang notifications show ntf_01JD4Z0000000000000000000A
  gerbang notifications resend ntf_01JD4Z0000000000000000000A
  gerbang notifications replay --since 2026-11-21T09:00:00+07:00 --merchant SGWYESSISHOP
  gerbang notifications endpoints
  gerbang notifications pause SGWYESSISHOP payment
  gerbang notifications resume SGWYESSISHOP payment

A notification is tried over three days until the merchant answers as the documents say that it accepts.
An endpoint that takes nothing is probed; what is for it waits and delays nobody else. None is dropped.")]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// List notifications, oldest first
    List {
        #[command(flatten)]
        wanted: Wanted,
        /// Decided on at this time or later, like 2026-11-21T09:00:00+07:00
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
        #[command(flatten)]
        door: DoorCommand,
    },
    /// Show a notification with every attempt: what was sent and what came back
    Show {
        /// ntf_...
        notification: String,
        #[command(flatten)]
        door: DoorCommand,
    },
    /// Send one again, whatever became of it
    Resend {
        /// ntf_...
        notification: String,
        #[command(flatten)]
        door: DoorCommand,
    },
    /// Send everything since a time again, accepted ones too unless a state is named
    Replay {
        /// Decided on at this time or later, like 2026-11-21T09:00:00+07:00
        #[arg(long, value_name = "TIME")]
        since: String,
        #[command(flatten)]
        wanted: Wanted,
        #[command(flatten)]
        door: DoorCommand,
    },
    /// List endpoints that fail, recover, are paused or gone, or for which something waits
    Endpoints {
        /// Only this merchant's
        #[arg(long, value_name = "CODE")]
        merchant: Option<String>,
        #[command(flatten)]
        door: DoorCommand,
    },
    /// Send nothing to an endpoint until it is resumed; what is for it waits
    Pause(Endpoint),
    /// Try an endpoint again, from one at a time
    Resume(Endpoint),
}

/// Which notifications.
#[derive(clap::Args)]
struct Wanted {
    /// Only this merchant's
    #[arg(long, value_name = "CODE")]
    merchant: Option<String>,
    /// Only this callback's
    #[arg(long, value_parser = KINDS)]
    kind: Option<String>,
    /// Only those in this state
    #[arg(long, value_parser = STATES)]
    state: Option<String>,
}

#[derive(clap::Args)]
struct Endpoint {
    /// The merchant's code
    merchant: String,
    /// Which of its addresses
    #[arg(value_parser = KINDS)]
    kind: String,
    #[command(flatten)]
    door: DoorCommand,
}

impl Wanted {
    fn fields(&self, since: Option<&str>) -> Value {
        json!({ "merchant": self.merchant, "kind": self.kind, "state": self.state, "since": since })
    }
}

pub fn run(arguments: Args) -> anyhow::Result<ExitCode> {
    match arguments.action {
        Action::List { wanted, since, door } => {
            door.ask_all("notification.list", wanted.fields(since.as_deref()), "notifications", listed)
        }
        Action::Show { notification, door } => {
            door.ask("notification.show", json!({ "notification": notification }), shown)
        }
        Action::Resend { notification, door } => {
            door.ask("notification.resend", json!({ "notification": notification }), resent)
        }
        Action::Replay { since, wanted, door } => {
            door.ask("notification.replay", wanted.fields(Some(&since)), |answer| match answer["replayed"].as_u64() {
                Some(0) | None => "nothing was decided on since then".into(),
                Some(1) => "1 notification is sent again".into(),
                Some(replayed) => format!("{replayed} notifications are sent again"),
            })
        }
        Action::Endpoints { merchant, door } => {
            door.ask("notification.endpoints", json!({ "merchant": merchant }), endpoints)
        }
        Action::Pause(endpoint) => endpoint.take("notification.pause"),
        Action::Resume(endpoint) => endpoint.take("notification.resume"),
    }
}

impl Endpoint {
    fn take(self, operation: &str) -> anyhow::Result<ExitCode> {
        let Self { merchant, kind, door } = self;
        door.ask(operation, json!({ "merchant": merchant, "kind": kind }), |answer| {
            let [merchant, kind, state, waiting] =
                ["merchant", "kind", "state", "waiting"].map(|member| cell(answer, member));
            format!("{merchant} {kind}: {state}, {waiting} waiting")
        })
    }
}

fn listed(answer: &Value) -> String {
    let rows = answer["notifications"].as_array().map(Vec::as_slice).unwrap_or_default();
    if rows.is_empty() {
        return "no notification".into();
    }
    let mut table = Table::new(&[
        left("notification"),
        left("merchant"),
        left("kind"),
        left("about"),
        left("state"),
        right("attempts"),
        left("created"),
        left("last error"),
    ]);
    for row in rows {
        let [id, merchant, kind, about, state, attempts, created, error] =
            ["notification", "merchant", "kind", "about", "state", "attempts", "created_at", "last_error"]
                .map(|member| cell(row, member));
        let state = if row["suspect"] == true { format!("{state}, suspect") } else { state };
        table.row([id, merchant, kind, about, state, attempts, created, error]);
    }
    table.text()
}

fn head(answer: &Value) -> String {
    let [id, merchant, kind, about, state, attempts] =
        ["notification", "merchant", "kind", "about", "state", "attempts"].map(|member| cell(answer, member));
    let suspect = if answer["suspect"] == true { ", suspect" } else { "" };
    let about = if about == "-" { String::new() } else { format!(" about {about}") };
    format!("{id}: {kind}{about} to {merchant}, {state}{suspect}, {attempts} attempts")
}

fn resent(answer: &Value) -> String {
    let waits = match answer["endpoint"].as_str() {
        Some("paused") => "\nits endpoint is paused: it waits until it is resumed",
        Some("gone") => "\nits endpoint is gone: it waits until it is resumed",
        _ => "",
    };
    format!("{}{waits}", head(answer))
}

fn shown(answer: &Value) -> String {
    let mut text = head(answer);
    let tries = answer["tries"].as_array().map(Vec::as_slice).unwrap_or_default();
    if tries.is_empty() {
        text.push_str("\nno attempt yet");
    }
    for one in tries {
        let [at, took] = ["at", "duration_ms"].map(|member| cell(one, member));
        text.push_str(&format!("\n\n{at}, {took} ms\n"));
        text.push_str(&indented(one["request"].as_str().unwrap_or_default(), "> "));
        let answer = one["answer"].as_str().or(one["error"].as_str()).unwrap_or_default();
        text.push_str(&format!("\n{}", indented(answer, "< ")));
    }
    text
}

fn indented(text: &str, mark: &str) -> String {
    text.lines().map(|line| format!("{mark}{line}")).collect::<Vec<_>>().join("\n")
}

fn endpoints(answer: &Value) -> String {
    let rows = answer["endpoints"].as_array().map(Vec::as_slice).unwrap_or_default();
    if rows.is_empty() {
        return "every endpoint is open and nothing waits".into();
    }
    let mut table = Table::new(&[
        left("merchant"),
        left("kind"),
        left("state"),
        left("since"),
        right("failures"),
        left("next probe"),
        right("waiting"),
        right("exhausted"),
        left("url"),
    ]);
    for row in rows {
        table.row(
            ["merchant", "kind", "state", "since", "failures", "probe_at", "waiting", "exhausted", "url"]
                .map(|member| cell(row, member)),
        );
    }
    table.text()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_lists_say_so() {
        assert_eq!(listed(&json!({ "notifications": [] })), "no notification");
        assert_eq!(endpoints(&json!({ "endpoints": [] })), "every endpoint is open and nothing waits");
        let fresh = json!({ "notification": "ntf_1", "merchant": "M", "kind": "payment", "about": "pay_1",
            "state": "waiting", "attempts": 0, "tries": [] });
        assert_eq!(shown(&fresh), "ntf_1: payment about pay_1 to M, waiting, 0 attempts\nno attempt yet");
    }
}
