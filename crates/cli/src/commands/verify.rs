//! `gerbang verify`: whether a signature is right, offline, as the gateway reads it.

use std::{path::PathBuf, process::ExitCode};

use protocol::signature::{self, PathRule, SignedMessage};

use super::sign::MessageArgs;
use crate::{
    EXIT_NO,
    credentials::public_key,
    output::{data, say},
};

/// Say whether a signature is right; exit code 3 when it is not
#[derive(clap::Args)]
#[command(after_help = "Example:
  gerbang verify --public-key shop.public.pem --path /apimerchant/v1.0/debit/status \\
      --body body.json --timestamp 2024-03-14T07:49:28+07:00 --signature jaCU...")]
pub struct Args {
    #[command(flatten)]
    message: MessageArgs,
    #[command(flatten)]
    claim: ClaimArgs,
    /// Only the path with its query, not the path alone
    #[arg(long)]
    strict: bool,
}

/// What a message claims.
#[derive(clap::Args, Debug)]
pub struct ClaimArgs {
    /// A public key that may have signed; may be given twice
    #[arg(long = "public-key", value_name = "FILE", required = true)]
    pub public_keys: Vec<PathBuf>,
    /// The text of X-TIMESTAMP
    #[arg(long, value_name = "TIME")]
    pub timestamp: String,
    /// The text of X-SIGNATURE
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub signature: String,
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
    let rule = if arguments.strict { PathRule::Exact } else { PathRule::LenientBarePath };
    match signature::verify_asymmetric(&message, &keys, rule) {
        Ok(verified) => {
            data(format!("right, made by {}", keys[verified.key_index].fingerprint()));
            Ok(ExitCode::SUCCESS)
        }
        Err(fault) => {
            data(format!("wrong: {fault}"));
            say("hint: `gerbang explain` with the same options says what differs");
            Ok(ExitCode::from(EXIT_NO))
        }
    }
}
