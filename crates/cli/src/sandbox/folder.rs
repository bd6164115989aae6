//! The data folder: what is where, and the ready file.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::output::advised;

/// The name of the gateway's key pair.
pub const GATEWAY: &str = "gateway";

/// A data folder.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

/// What a program needs to use the sandbox; the ready file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ready {
    /// Where the gateway is.
    pub base_url: String,
    /// The merchant to be.
    pub merchant: ReadyMerchant,
    /// The codes of every product.
    pub products: Vec<String>,
    /// A customer whom every wallet knows.
    pub customer: ReadyCustomer,
    /// The merchant that sells bills from a deposit.
    pub biller: ReadyBiller,
    /// The merchant that sells bills by invoice.
    pub biller_invoiced: ReadyBiller,
    /// The operator's door.
    pub operator: ReadyOperator,
    /// Where the sandbox's clock is kept; a gateway that is not a sandbox has none.
    #[serde(default)]
    pub clock_file: Option<PathBuf>,
}

/// The credentials of a merchant that sells bills.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReadyBiller {
    /// `sender_id`.
    pub sender_id: String,
    /// User name of the Basic authentication.
    pub username: String,
    /// Its password.
    pub basic_password: String,
    /// `password` of the form.
    pub password: String,
    /// The key of the hash signature.
    pub key: String,
    /// `deposit` or `invoicing`.
    pub mechanism: String,
}

/// The operator's door.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReadyOperator {
    /// Where it is.
    pub url: String,
    /// The bearer token of the operator `operator`.
    pub token: String,
    /// The bearer token of the operator `checker`, who approves what the other proposes.
    #[serde(default)]
    pub checker_token: String,
}

/// A merchant's credentials.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReadyMerchant {
    /// `X-PARTNER-ID`.
    pub partner_id: String,
    /// `key` of Merchant Info, `subMerchantId` of Payment Host to Host.
    pub api_key: String,
    /// The key to sign with, PKCS#8 PEM.
    pub private_key_file: String,
    /// The key to verify callbacks with, PEM.
    pub gateway_public_key_file: String,
}

/// A customer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReadyCustomer {
    /// `62...`.
    pub phone_no: String,
    /// The one-time code that wallets send.
    pub otp: String,
    /// The PIN.
    pub pin: String,
}

impl Folder {
    /// The folder at this path, which need not exist.
    pub fn new(path: &Path) -> Self {
        Self(std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
    }

    /// Makes the folder, readable by its owner only, and checks that it can be written.
    ///
    /// # Errors
    /// With advice, when it cannot.
    pub fn prepare(&self) -> anyhow::Result<()> {
        let refused = |error: io::Error| {
            let what = format!("the data folder {} cannot be written: {error}", self.0.display());
            advised(what, "choose another folder with --data-dir")
        };
        for folder in [self.0.clone(), self.0.join("keys"), self.0.join("providers")] {
            fs::create_dir_all(&folder).map_err(refused)?;
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(&self.0, fs::Permissions::from_mode(0o700)).map_err(refused)?;
        }
        let probe = self.0.join(".probe");
        fs::write(&probe, b"").and_then(|()| fs::remove_file(&probe)).map_err(refused)
    }

    /// Its path, for people.
    pub fn display(&self) -> std::path::Display<'_> {
        self.0.display()
    }

    /// A private key, PKCS#8 PEM.
    pub fn private_key(&self, name: &str) -> PathBuf {
        self.0.join("keys").join(format!("{name}.private.pem"))
    }

    /// A public key, PEM.
    pub fn public_key(&self, name: &str) -> PathBuf {
        self.0.join("keys").join(format!("{name}.public.pem"))
    }

    /// The key that the store seals with.
    pub fn vault_key(&self) -> PathBuf {
        self.0.join("keys").join("store.key")
    }

    /// The token of an operator of the door.
    pub fn operator_token(&self, name: &str) -> PathBuf {
        self.0.join("keys").join(format!("{name}.token"))
    }

    /// The gateway's store.
    pub fn database(&self) -> PathBuf {
        self.0.join("gateway.db")
    }

    /// How far the clock was turned.
    pub fn clock(&self) -> PathBuf {
        self.0.join("clock.json")
    }

    /// Where everything listens, and the API keys.
    pub fn places(&self) -> PathBuf {
        self.0.join("sandbox.json")
    }

    /// What an imitated provider remembers.
    pub fn provider_state(&self, name: &str) -> PathBuf {
        self.0.join("providers").join(format!("{name}.json"))
    }

    /// Held while the imitated providers run.
    pub fn providers_lock(&self) -> PathBuf {
        self.0.join("providers").join("lock")
    }

    /// The demo merchant's book.
    pub fn merchant_journal(&self) -> PathBuf {
        self.0.join("demo-merchant.journal")
    }

    /// The ready file of the folder itself, besides the one that was asked for.
    pub fn ready(&self) -> PathBuf {
        self.0.join("ready.json")
    }
}

impl Ready {
    /// Reads a ready file.
    ///
    /// # Errors
    /// With advice, when there is none or it does not make sense.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path).map_err(|error| {
            let what = format!("the ready file {} cannot be read: {error}", path.display());
            advised(what, "start a gateway with `gerbang sandbox`, or name its ready file with --ready-file")
        })?;
        serde_json::from_str(&text).with_context(|| format!("{} is not a ready file", path.display()))
    }

    /// The clock of its gateway: requests that carry another time are refused.
    pub fn clock(&self) -> client::Clock {
        self.clock_file.clone().map_or_else(client::Clock::default, super::clock::of_file)
    }

    /// Writes it whole or not at all.
    ///
    /// # Errors
    /// When the folder does not take it.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        write_whole(path, &serde_json::to_vec_pretty(self)?)
    }
}

/// Writes a file so that it is either the old or the new one, never half.
///
/// # Errors
/// When the folder does not take it.
pub fn write_whole(path: &Path, text: &[u8]) -> anyhow::Result<()> {
    let attempt = || format!("write {}", path.display());
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut fresh = tempfile::NamedTempFile::new_in(parent).with_context(attempt)?;
    io::Write::write_all(&mut fresh, text).with_context(attempt)?;
    fresh.persist(path).map(drop).with_context(attempt)
}
