//! `gerbang call`: one operation, built, signed, sent and explained.

use std::{io::Read, process::ExitCode};

use anyhow::Context as _;
use client::{Client, Outcome, Sent};
use serde_json::Value;

use super::runtime;
use crate::{
    EXIT_NO, EXIT_UNKNOWN,
    credentials::Credentials,
    output::{advised, data, say},
};

/// Send one operation to a gateway, signed, and say what came of it
#[derive(clap::Args)]
#[command(after_help = "Examples:
  gerbang call --list
  gerbang call inquiry_merchant_info
  gerbang call inquiry_status --json '{\"partnerServiceId\":\"   ESPAY\",
      \"customerNo\":\"SGWYESSISHOP\",\"virtualAccountNo\":\"INV-0001\"}'
  gerbang call payment_host_to_host --json @payment.json --ready-file ready.json
  gerbang call account_inquiry --sample

The answer's JSON goes to standard output. Exit code 0: done; 3: refused; 4: the outcome is not
known, so ask with debit_status before you do anything else.")]
pub struct Args {
    /// The operation; see --list
    #[arg(required_unless_present = "list")]
    operation: Option<String>,
    /// The fields: JSON, @FILE, or - for standard input; Merchant Info takes the API key by itself
    #[arg(long, value_name = "JSON")]
    json: Option<String>,
    /// List the operations
    #[arg(long)]
    list: bool,
    /// Print a request that the sandbox accepts, and send nothing
    #[arg(long, conflicts_with = "json")]
    sample: bool,
    /// Show the request with its headers as it was sent
    #[arg(long, short)]
    verbose: bool,
    #[command(flatten)]
    credentials: Credentials,
}

pub fn run(arguments: Args) -> anyhow::Result<ExitCode> {
    if arguments.list {
        for operation in contract::operations() {
            let (service, method, path) = (operation.service().0, operation.method(), operation.paths()[0]);
            data(format!("{:<24} {service}  {method:<4} {path}", operation.name()));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let name = arguments.operation.clone().unwrap_or_default();
    let operation = contract::operation(&name)
        .ok_or_else(|| advised(format!("there is no operation {name:?}"), "`gerbang call --list` names them all"))?;
    if arguments.sample {
        data(operation.sample().trim_end());
        return Ok(ExitCode::SUCCESS);
    }
    let merchant = arguments.credentials.merchant()?;
    let mut fields = fields(arguments.json.as_deref())?;
    if operation.trust() == contract::Trust::ApiKey && fields.get("key").is_none() {
        fields["key"] = Value::String(merchant.api_key.clone());
    }
    let client = Client::new(merchant)?.with_clock(arguments.credentials.clock());
    let sent = runtime()?.block_on(client.send(&name, &fields))?;
    if arguments.verbose {
        say(&sent.request);
    }
    Ok(tell(&sent))
}

fn fields(text: Option<&str>) -> anyhow::Result<Value> {
    let text = match text {
        None => "{}".to_owned(),
        Some("-") => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).context("read standard input")?;
            text
        }
        Some(text) => match text.strip_prefix('@') {
            Some(file) => std::fs::read_to_string(file).with_context(|| format!("read {file}"))?,
            None => text.to_owned(),
        },
    };
    let value: Value = serde_json::from_str(&text)
        .map_err(|error| advised(format!("the fields are not JSON: {error}"), "put them into single quotes"))?;
    match value.is_object() {
        true => Ok(value),
        false => Err(advised("the fields are not a JSON object", "write them like '{\"partnerReferenceNo\":\"1\"}'")),
    }
}

fn tell(sent: &Sent) -> ExitCode {
    if let Some(answer) = &sent.response {
        let text = sent.reply().and_then(|reply| serde_json::to_string_pretty(&reply).ok());
        data(text.unwrap_or_else(|| String::from_utf8_lossy(&answer.body).into_owned()));
    }
    match &sent.outcome {
        Outcome::Succeeded => ExitCode::SUCCESS,
        Outcome::Refused { code, message } => {
            say(format!("refused: {code} {message}"));
            explain(sent);
            ExitCode::from(EXIT_NO)
        }
        Outcome::Unknown { why } => {
            say(format!("the outcome is not known: {why}"));
            say(
                "hint: ask with `gerbang call debit_status` before you do anything else; never send it as a new request",
            );
            ExitCode::from(EXIT_UNKNOWN)
        }
    }
}

/// The sandbox's own explanation of a refusal, in words.
fn explain(sent: &Sent) {
    let Some(reply) = sent.reply() else { return };
    let info = &reply["additionalInfo"];
    if let Some(reason) = info["reason"].as_str() {
        say(format!("reason: {reason}"));
    }
    let debug = &info["debug"];
    for (name, words) in [
        ("stringToSign", "the gateway signs      "),
        ("bodySha256", "body SHA-256           "),
        ("pathUsed", "path                   "),
        ("skewSeconds", "clock skew in seconds  "),
    ] {
        match &debug[name] {
            Value::Null => {}
            Value::String(text) => say(format!("{words}{text}")),
            other => say(format!("{words}{other}")),
        }
    }
    if let Some(signed) = debug["verdict"]["signedString"].as_str() {
        say(format!("you signed             {signed}"));
    }
    if let Some(hint) = debug["hint"].as_str() {
        say(format!("hint: {hint}"));
    }
}
