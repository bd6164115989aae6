//! `gerbang explain`: what is wrong with a signature, offline, as the sandbox explains it.

use std::process::ExitCode;

use protocol::{
    explain::{self, Verdict},
    headers::WINDOW_SECONDS_DEFAULT,
    signature::SignedMessage,
};

use super::{sign::MessageArgs, verify::ClaimArgs};
use crate::{EXIT_NO, credentials::public_key, output::data};

/// Say what is wrong with a signature, and which mistake would have made it right
#[derive(clap::Args)]
#[command(after_help = "Example:
  gerbang explain --public-key shop.public.pem --path /apimerchant/v1.0/debit/status \\
      --body body.json --timestamp 2024-03-14T07:49:28+07:00 --signature jaCU...

Nothing is sent anywhere. Exit code 3 when the signature is not right.")]
pub struct Args {
    #[command(flatten)]
    message: MessageArgs,
    #[command(flatten)]
    claim: ClaimArgs,
    /// Print the whole explanation as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: Args) -> anyhow::Result<ExitCode> {
    let body = arguments.message.body()?;
    let keys = arguments.claim.public_keys.iter().map(|path| public_key(path)).collect::<anyhow::Result<Vec<_>>>()?;
    let message = SignedMessage {
        method: &arguments.message.method,
        target: &arguments.message.path,
        body: &body,
        timestamp: &arguments.claim.timestamp,
        signature: &arguments.claim.signature,
    };
    let explanation = explain::explain(&message, &keys, None, WINDOW_SECONDS_DEFAULT);
    if arguments.json {
        data(serde_json::to_string_pretty(&explanation)?);
    } else {
        data(explanation.to_string().trim_end());
    }
    let right = matches!(explanation.verdict, Verdict::Verified { .. });
    Ok(if right { ExitCode::SUCCESS } else { ExitCode::from(EXIT_NO) })
}
