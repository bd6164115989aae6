//! `gerbang refund`: what goes back to customers, over the operator's door.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::{
    operator_door::DoorCommand,
    table::{Table, cell, left, money, right},
};

/// Look at refunds and cancellations
#[derive(clap::Args)]
#[command(after_help = "Examples:
  gerbang refund list SGWYESSISHOP
  gerbang refund show ref_00000000000000000000000007")]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// List a merchant's refunds and cancellations, the oldest first
    List {
        /// The merchant code
        merchant: String,
        /// Begin after this refund
        #[arg(long, value_name = "ID")]
        after: Option<String>,
        #[command(flatten)]
        door: DoorCommand,
    },
    /// Show one, its payment, and whether more went back than was paid
    Show {
        /// Its id
        refund: String,
        #[command(flatten)]
        door: DoorCommand,
    },
}

pub fn run(arguments: Args) -> anyhow::Result<ExitCode> {
    match arguments.action {
        Action::List { merchant, after, door } => {
            let mut fields = json!({ "merchant": merchant });
            if let Some(after) = after {
                fields["after"] = after.into();
            }
            door.ask("refund.list", fields, list)
        }
        Action::Show { refund, door } => door.ask("refund.show", json!({ "refund": refund }), show),
    }
}

fn list(answer: &Value) -> String {
    let columns = [
        left("refund"),
        left("kind"),
        left("reference"),
        right("amount"),
        left("state"),
        left("by"),
        left("asked for"),
    ];
    let mut table = Table::new(&columns);
    for row in answer["refunds"].as_array().into_iter().flatten() {
        let [refund, kind, reference, state, by, at] =
            ["refund", "kind", "reference", "state", "begun_by", "created_at"].map(|member| cell(row, member));
        table.row([refund, kind, reference, money(row, "amount"), state, by, at]);
    }
    table.text()
}

fn show(answer: &Value) -> String {
    let of = &answer["of"];
    let mut text = format!(
        "{} {} of {}: {}, {}\nof payment {} ({}): paid {}, on its way back {}, back {}, left {}",
        cell(answer, "kind"),
        cell(answer, "refund"),
        money(answer, "amount"),
        cell(answer, "state"),
        answer["status"],
        cell(of, "reference"),
        cell(of, "state"),
        money(of, "amount"),
        money(of, "refunding"),
        money(of, "refunded"),
        money(of, "left"),
    );
    if of["over_refunded"] == true {
        text.push_str("\nmore went back than was paid: claim it from the provider or from the customer");
    }
    text
}
