//! `gerbang unknown`: what no provider has told the outcome of, and what two operators do about it.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use lifecycle::ruling::EVIDENCE_BYTES_MAX;
use serde_json::{Value, json};

use crate::{
    operator_door::{DoorCommand, write_output},
    output::{advised, say},
    table::{Table, cell, left, right},
};

/// See and settle what is not known: payments, refunds, bills, links and account openings without an outcome
#[derive(clap::Args)]
#[command(after_help = "Examples:
  gerbang unknown list
  gerbang unknown show pay_01JD4Z0000000000000000000A
  gerbang unknown settle pay_01JD4Z0000000000000000000A --as succeeded --evidence statement.pdf
  gerbang unknown evidence rul_01JD4Z0000000000000000000B --output statement.pdf
  gerbang unknown approve rul_01JD4Z0000000000000000000B --token-file gerbang-sandbox/keys/checker.token

No timer ever makes anything fail: the provider is asked on until it tells. Where it never will, one
operator proposes what the evidence says and another one, with a token of their own, approves it. Money
moves by the same postings as the provider's word would have moved it, and the merchant is told.")]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// List what is open, oldest first
    List {
        /// Only this merchant's
        #[arg(long, value_name = "CODE")]
        merchant: Option<String>,
        /// Only cases of this kind
        #[arg(long, value_parser = ["payment", "refund", "bill", "link", "account_creation"])]
        kind: Option<String>,
        #[command(flatten)]
        door: DoorCommand,
    },
    /// Show a case with every message that was exchanged about it
    Show {
        /// pay_..., ref_..., bill_... or TX..., link_..., acct_...
        case: String,
        #[command(flatten)]
        door: DoorCommand,
    },
    /// Propose what became of a case; another operator must approve it
    Settle {
        /// pay_..., ref_..., bill_... or TX..., link_..., acct_...
        case: String,
        /// What is known to have happened
        #[arg(long = "as", value_parser = ["succeeded", "failed"])]
        verdict: String,
        /// The file that shows it, at most 256 KiB
        #[arg(long, value_name = "FILE")]
        evidence: PathBuf,
        /// The provider's reference, where the evidence names one
        #[arg(long, value_name = "REFERENCE")]
        provider_reference: Option<String>,
        /// The file with the electricity token that the customer is owed, where the evidence names it
        #[arg(long, value_name = "FILE")]
        delivered_token_file: Option<PathBuf>,
        #[command(flatten)]
        door: DoorCommand,
    },
    /// Read the evidence of a ruling
    Evidence {
        /// rul_...
        ruling: String,
        /// Where to write it
        #[arg(long, short, value_name = "FILE")]
        output: PathBuf,
        #[command(flatten)]
        door: DoorCommand,
    },
    /// Approve what another operator proposed: it is carried out
    Approve {
        /// rul_...
        ruling: String,
        #[command(flatten)]
        door: DoorCommand,
    },
    /// Take a proposal back
    Withdraw {
        /// rul_...
        ruling: String,
        #[command(flatten)]
        door: DoorCommand,
    },
    /// Close the contradiction of a ruling, once people have looked
    Close {
        /// rul_...
        ruling: String,
        #[command(flatten)]
        door: DoorCommand,
    },
}

pub fn run(arguments: Args) -> anyhow::Result<ExitCode> {
    match arguments.action {
        Action::List { merchant, kind, door } => {
            door.ask("unknown.list", json!({"merchant": merchant, "kind": kind, "limit": 1_000}), list)
        }
        Action::Show { case, door } => door.ask("unknown.show", json!({"case": case}), show),
        Action::Settle { case, verdict, evidence, provider_reference, delivered_token_file, door } => {
            let name = evidence.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let token = delivered_token_file.as_deref().map(read_token).transpose()?;
            let fields = json!({
                "case": case,
                "as": verdict,
                "evidence": STANDARD.encode(read_evidence(&evidence)?),
                "evidence_name": name,
                "provider_reference": provider_reference,
                "token": token,
            });
            door.ask("unknown.settle", fields, |answer| {
                say(format!(
                    "hint: another operator approves it: gerbang unknown approve {} --token-file FILE",
                    cell(answer, "ruling")
                ));
                ruling(answer)
            })
        }
        Action::Evidence { ruling, output, door } => door.run(async |open| {
            let bytes = open.call("unknown.evidence", &json!({"ruling": ruling})).await?;
            write_output(&output, &bytes)?;
            say(format!("{} bytes are in {}", bytes.len(), output.display()));
            Ok(ExitCode::SUCCESS)
        }),
        Action::Approve { ruling: id, door } => door.ask("unknown.approve", json!({"ruling": id}), ruling),
        Action::Withdraw { ruling: id, door } => door.ask("unknown.withdraw", json!({"ruling": id}), ruling),
        Action::Close { ruling: id, door } => door.ask("unknown.close", json!({"ruling": id}), ruling),
    }
}

fn read_evidence(file: &Path) -> anyhow::Result<Vec<u8>> {
    let bytes = std::fs::read(file).map_err(|error| {
        let what = format!("the evidence {} cannot be read: {error}", file.display());
        advised(what, "name the file that shows what happened: a statement, an answer in writing")
    })?;
    match bytes.len() {
        0 => Err(advised(format!("{} is empty", file.display()), "evidence says something")),
        length if length > EVIDENCE_BYTES_MAX => Err(advised(
            format!("{} has {length} bytes, and at most {EVIDENCE_BYTES_MAX} are kept", file.display()),
            "keep the page that matters",
        )),
        _ => Ok(bytes),
    }
}

fn read_token(file: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        let what = format!("the token file {} cannot be read: {error}", file.display());
        advised(what, "it holds the 20 digits that the source gave you")
    })?;
    Ok(text.trim().to_owned())
}

fn list(answer: &Value) -> String {
    let columns = ["case", "kind", "merchant", "state", "provider", "evidence"].map(left);
    let numbers = ["age", "reserved", "checks"].map(right);
    let last = ["next check", "ruling"].map(left);
    let mut table = Table::new(&[&columns[..], &numbers[..], &last[..]].concat());
    let cases = answer["cases"].as_array().into_iter().flatten();
    for case in cases {
        let text = |name: &str| cell(case, name);
        let proposed = case["ruling"]["ruling"].as_str().map(|id| {
            format!("{id}: {} by {}", cell(&case["ruling"], "verdict"), cell(&case["ruling"], "proposed_by"))
        });
        table.row([
            text("case"),
            text("kind"),
            text("merchant"),
            if case["waits_in_clearing"] == true { "in clearing".into() } else { text("state") },
            text("provider"),
            clipped(&text("evidence")),
            age(case["age_seconds"].as_i64().unwrap_or_default()),
            text("reserved"),
            text("checks"),
            text("next_check_at"),
            proposed.unwrap_or_default(),
        ]);
    }
    let mut out = table.text();
    for row in answer["contradictions"].as_array().into_iter().flatten() {
        out.push_str(&format!(
            "\n{} contradicts {}: {} was ruled {}, and then: {}",
            "the provider",
            cell(row, "ruling"),
            cell(row, "case"),
            cell(row, "verdict"),
            cell(row, "provider_said"),
        ));
    }
    if answer["more"] == true {
        out.push_str("\nthere are more: settle the oldest first, or name a merchant or a kind");
    }
    out
}

fn age(seconds: i64) -> String {
    match seconds {
        0..=119 => format!("{seconds}s"),
        120..=7_199 => format!("{}m", seconds / 60),
        7_200..=172_799 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

fn clipped(text: &str) -> String {
    const LENGTH: usize = 48;
    match text.char_indices().nth(LENGTH) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

fn show(answer: &Value) -> String {
    let mut table = Table::new(&[left("what"), left("how")]);
    let names =
        ["case", "kind", "merchant", "state", "since", "reserved", "provider", "evidence", "checks", "next_check_at"];
    for name in names.into_iter().filter(|name| !answer[*name].is_null()) {
        table.row([name.replace('_', " "), cell(answer, name)]);
    }
    let mut out = table.text();
    for row in answer["rulings"].as_array().into_iter().flatten() {
        out.push_str("\n\n");
        out.push_str(&ruling(row));
    }
    for row in answer["exchanges"].as_array().into_iter().flatten() {
        let duration = row["duration_us"].as_u64().unwrap_or_default();
        out.push_str(&format!(
            "\n\n--- {} {} with {}, {}.{:03} ms\n{}\n",
            cell(row, "at"),
            cell(row, "purpose"),
            cell(row, "with"),
            duration / 1_000,
            duration % 1_000,
            cell(row, "request"),
        ));
        match row["answer"].as_str() {
            Some(text) => out.push_str(&format!("\n{text}")),
            None => out.push_str(&format!("\nno answer: {}", cell(row, "error"))),
        }
    }
    out
}

fn ruling(answer: &Value) -> String {
    let mut table = Table::new(&[left("ruling"), left("")]);
    let names = [
        "ruling",
        "case",
        "verdict",
        "state",
        "provider_reference",
        "proposed_by",
        "proposed_at",
        "approved_by",
        "approved_at",
        "withdrawn_by",
        "withdrawn_at",
        "provider_said",
        "provider_said_at",
        "closed_by",
        "closed_at",
    ];
    for name in names.into_iter().filter(|name| !answer[*name].is_null()) {
        table.row([name.replace('_', " "), cell(answer, name)]);
    }
    let evidence = &answer["evidence"];
    let digest = cell(evidence, "sha256");
    table.row(["evidence".into(), format!("{}, {} bytes", cell(evidence, "name"), cell(evidence, "bytes"))]);
    table.row(["evidence sha256".into(), digest]);
    table.text()
}
