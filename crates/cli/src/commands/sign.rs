//! `gerbang sign`: the string to sign and the signature of a request, offline.

use std::{path::PathBuf, process::ExitCode};

use protocol::{digest, signature};
use serde_json::json;

use crate::{credentials::private_key, output::data, sandbox};

/// Sign a request and print the signature
#[derive(clap::Args)]
#[command(after_help = "Examples:
  gerbang sign --key shop.private.pem --path /apimerchant/v1.0/debit/status --body body.json
  printf '' | gerbang sign --key shop.private.pem --method GET --body - \\
      --path '/apidirectdebit/v1.0/get-auth-code?state=1' --timestamp 2024-03-14T07:49:28+07:00")]
pub struct Args {
    #[command(flatten)]
    message: MessageArgs,
    /// The private key, PEM or Base64
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The time in the text that is signed (default: now)
    #[arg(long, value_name = "TIME")]
    timestamp: Option<String>,
    /// Print signature, time, string to sign and body hash as JSON
    #[arg(long)]
    json: bool,
}

/// What is signed.
#[derive(clap::Args, Debug)]
pub struct MessageArgs {
    /// The HTTP method
    #[arg(long, default_value = "POST")]
    pub method: String,
    /// The path with its query, as it is sent
    #[arg(long, value_name = "PATH")]
    pub path: String,
    /// The body: a file, or - for standard input; left out: no body
    #[arg(long, value_name = "FILE")]
    pub body: Option<String>,
}

impl MessageArgs {
    /// The body's bytes.
    pub fn body(&self) -> anyhow::Result<Vec<u8>> {
        use anyhow::Context as _;
        match self.body.as_deref() {
            None => Ok(vec![]),
            Some("-") => {
                let mut bytes = vec![];
                std::io::Read::read_to_end(&mut std::io::stdin(), &mut bytes).context("read standard input")?;
                Ok(bytes)
            }
            Some(file) => std::fs::read(file).with_context(|| format!("read {file}")),
        }
    }
}

pub fn run(arguments: Args) -> anyhow::Result<ExitCode> {
    let key = private_key(&arguments.key)?;
    let body = arguments.message.body()?;
    let timestamp = arguments.timestamp.unwrap_or_else(|| sandbox::now().wire_text());
    let (method, path) = (&arguments.message.method, &arguments.message.path);
    let hash = digest::sha256_hex(&body);
    let text = signature::asymmetric_string_to_sign(method, path, &hash, &timestamp);
    let signed = signature::sign_asymmetric(&key, method, path, &body, &timestamp);
    if arguments.json {
        let all = json!({"signature": signed, "timestamp": timestamp, "stringToSign": text, "bodySha256": hash});
        data(serde_json::to_string_pretty(&all)?);
    } else {
        crate::output::say(format!("string to sign  {text}"));
        crate::output::say(format!("X-TIMESTAMP     {timestamp}"));
        data(signed);
    }
    Ok(ExitCode::SUCCESS)
}
