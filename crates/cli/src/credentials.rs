//! Which merchant a command speaks for: that of a ready file, or that of the options.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use client::Merchant;
use protocol::keys::{PrivateKey, PublicKey};

use crate::{
    commands::DATA_DIR,
    output::advised,
    sandbox::{Folder, Ready},
};

/// Which merchant to be.
#[derive(Args, Debug)]
pub struct Credentials {
    /// The ready file of a running sandbox (default: that of the sandbox in ./gerbang-sandbox)
    #[arg(long, value_name = "FILE", env = "GERBANG_READY_FILE")]
    ready_file: Option<PathBuf>,
    /// The gateway's address, instead of a ready file's
    #[arg(long, value_name = "URL", requires = "partner_id", requires = "key")]
    base_url: Option<String>,
    /// The merchant code, instead of a ready file's
    #[arg(long, value_name = "CODE", requires = "key")]
    partner_id: Option<String>,
    /// The merchant's private key, instead of a ready file's
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The merchant's API key, instead of a ready file's
    #[arg(long, value_name = "HEX")]
    api_key: Option<String>,
}

impl Credentials {
    /// The clock of the gateway: a sandbox's may have been turned.
    pub fn clock(&self) -> client::Clock {
        let ready = self.base_url.is_none().then(|| Ready::read(&self.ready_path()).ok()).flatten();
        ready.map_or_else(client::Clock::default, |ready| ready.clock())
    }

    fn ready_path(&self) -> PathBuf {
        self.ready_file.clone().unwrap_or_else(|| Folder::new(DATA_DIR.as_ref()).ready())
    }

    /// The merchant.
    ///
    /// # Errors
    /// With advice, when a file is missing or holds something else.
    pub fn merchant(&self) -> anyhow::Result<Merchant> {
        if let (Some(base_url), Some(partner_id), Some(key)) = (&self.base_url, &self.partner_id, &self.key) {
            let private_key = private_key(key)?;
            return Ok(Merchant {
                base_url: base_url.clone(),
                partner_id: partner_id.clone(),
                api_key: self.api_key.clone().unwrap_or_default(),
                // Calls are not answered with callbacks here; nothing is verified with it.
                gateway_public_key: private_key.public_key().clone(),
                private_key,
            });
        }
        let ready = Ready::read(&self.ready_path())?;
        let private_key = private_key(self.key.as_ref().unwrap_or(&PathBuf::from(&ready.merchant.private_key_file)))?;
        Ok(Merchant {
            base_url: ready.base_url,
            partner_id: self.partner_id.clone().unwrap_or(ready.merchant.partner_id),
            api_key: self.api_key.clone().unwrap_or(ready.merchant.api_key),
            private_key,
            gateway_public_key: public_key(&PathBuf::from(&ready.merchant.gateway_public_key_file))?,
        })
    }
}

/// Reads a private key in any of the usual forms.
///
/// # Errors
/// With advice, when the file holds something else.
pub fn private_key(path: &std::path::Path) -> anyhow::Result<PrivateKey> {
    let text = std::fs::read(path).with_context(|| format!("read {}", path.display()))?;
    match PrivateKey::load(&text) {
        Ok(loaded) => Ok(loaded.key),
        Err(error) => Err(advised(
            format!("{} is no private key: {error}", path.display()),
            "`gerbang keys inspect` says what the file holds, `gerbang keys generate` makes a pair",
        )),
    }
}

/// Reads a public key in any of the usual forms.
///
/// # Errors
/// With advice, when the file holds something else.
pub fn public_key(path: &std::path::Path) -> anyhow::Result<PublicKey> {
    let text = std::fs::read(path).with_context(|| format!("read {}", path.display()))?;
    match PublicKey::load(&text) {
        Ok(loaded) => Ok(loaded.key),
        Err(error) => Err(advised(
            format!("{} is no public key: {error}", path.display()),
            "`gerbang keys inspect` says what the file holds",
        )),
    }
}
