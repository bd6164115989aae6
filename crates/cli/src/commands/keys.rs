//! `gerbang keys`: make a pair, or say what a file holds.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use protocol::keys::{KeyFound, PrivateKey, PublicKey};

use crate::{
    EXIT_NO,
    output::{advised, data, say},
};

/// Make a key pair, or say what a key file holds
#[derive(clap::Args)]
#[command(after_help = "Examples:
  gerbang keys generate --out keys/shop
  gerbang keys inspect keys/shop.public.pem")]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Make a pair of 2048 bits: OUT.private.pem (PKCS#8) and OUT.public.pem
    Generate {
        /// Where, without `.private.pem`
        #[arg(long, value_name = "OUT")]
        out: PathBuf,
        /// Replace files that are there
        #[arg(long)]
        force: bool,
    },
    /// Say what a file holds: encoding, length, fingerprint. Exit code 3 when it holds no usable key
    Inspect {
        /// The file
        file: PathBuf,
    },
}

pub fn run(arguments: Args) -> anyhow::Result<ExitCode> {
    match arguments.action {
        Action::Generate { out, force } => generate(&out, force),
        Action::Inspect { file } => inspect(&file),
    }
}

fn generate(out: &Path, force: bool) -> anyhow::Result<ExitCode> {
    let with = |ending: &str| PathBuf::from(format!("{}.{ending}", out.display()));
    let (private, public) = (with("private.pem"), with("public.pem"));
    if let Some(there) = [&private, &public].into_iter().find(|path| path.exists())
        && !force
    {
        return Err(advised(format!("{} is there already", there.display()), "replace it with --force"));
    }
    if let Some(folder) = out.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    }
    let key = PrivateKey::generate()?;
    // A file made by the writer is readable by its owner only.
    crate::sandbox::write_whole(&private, key.to_pem().as_bytes())?;
    crate::sandbox::write_whole(&public, key.public_key().to_pem().as_bytes())?;
    data(key.public_key().fingerprint());
    say(format!("wrote {} and {}", private.display(), public.display()));
    say("hint: register the public one with the gateway; nobody else ever needs the private one");
    Ok(ExitCode::SUCCESS)
}

fn inspect(file: &Path) -> anyhow::Result<ExitCode> {
    let text = std::fs::read(file).with_context(|| format!("read {}", file.display()))?;
    let public = match PublicKey::load(&text) {
        Ok(loaded) => {
            tell("public key", &loaded.found);
            return Ok(ExitCode::SUCCESS);
        }
        Err(error) => error,
    };
    match PrivateKey::load(&text) {
        Ok(loaded) => {
            tell("private key", &loaded.found);
            Ok(ExitCode::SUCCESS)
        }
        Err(private) => {
            data(format!("no usable key: as a public key: {public}; as a private key: {private}"));
            Ok(ExitCode::from(EXIT_NO))
        }
    }
}

fn tell(what: &str, found: &KeyFound) {
    data(format!("{what}: {found}"));
}
