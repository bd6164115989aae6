//! The sandbox's keys: made at the first start, several at a time, and the same ever after.

use std::{
    collections::HashMap,
    fs,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use anyhow::Context as _;
use connectors::{Account, Connector};
use lifecycle::Secret;
use protocol::{digest, keys::PrivateKey};
use simulator::seed::Seed;

use super::{
    Places,
    folder::{Folder, GATEWAY, write_whole},
};
use crate::output::{advised, say};

/// Every key of a sandbox.
pub struct SandboxKeys {
    /// The gateway's own: signs callbacks and calls to providers.
    pub gateway: PrivateKey,
    /// The seeded merchants', in the seed's order.
    pub merchants: Vec<PrivateKey>,
    /// The imitated providers', in the order of the list of connectors that are imitated.
    pub providers: Vec<PrivateKey>,
}

fn provider_key_name(connector: &dyn Connector) -> String {
    format!("provider-{}", connector.descriptor().name)
}

impl SandboxKeys {
    /// Reads every key, and makes those that are missing.
    pub fn load_or_make(folder: &Folder, seed: &Seed) -> anyhow::Result<Self> {
        let names: Vec<String> = [GATEWAY.to_owned()]
            .into_iter()
            .chain(seed.merchants.iter().map(|merchant| merchant.code.clone()))
            .chain(connectors::imitated().map(provider_key_name))
            .collect();
        let missing: Vec<&String> = names.iter().filter(|name| !folder.private_key(name).exists()).collect();
        make(folder, &missing)?;
        let mut keys = names.iter().map(|name| load(folder, name)).collect::<anyhow::Result<Vec<_>>>()?.into_iter();
        let gateway = keys.next().context("the first key is the gateway's")?;
        let merchants = keys.by_ref().take(seed.merchants.len()).collect();
        Ok(Self { gateway, merchants, providers: keys.collect() })
    }

    /// The gateway's accounts at the imitated providers.
    pub fn accounts(&self, places: &Places) -> anyhow::Result<HashMap<String, Account>> {
        let pairs = connectors::imitated().zip(&self.providers);
        pairs
            .map(|(connector, key)| {
                let name = connector.descriptor().name;
                let address =
                    places.providers.get(name).with_context(|| format!("where {name} listens is not known"))?;
                let base_url = format!("http://{address}");
                let account = Account {
                    pages_url: base_url.clone(),
                    base_url,
                    client_id: client_id(name),
                    client_secret: Secret::new(self.client_secret(name)),
                    merchant_id: merchant_id(name),
                    private_key: self.gateway.clone(),
                    provider_keys: vec![key.public_key().clone()],
                    notice_secret: Some(Secret::new(self.notice_secret(name))),
                    testing: false,
                    profile: None,
                };
                Ok((name.to_owned(), account))
            })
            .collect()
    }

    /// The client secret at a provider: fixed by the gateway's key, so that it needs no file of its own.
    pub fn client_secret(&self, provider: &str) -> String {
        self.secret("client", provider)
    }

    /// What a provider signs its notices with, where that is a secret.
    pub fn notice_secret(&self, provider: &str) -> String {
        self.secret("notice", provider)
    }

    fn secret(&self, kind: &str, provider: &str) -> String {
        let key = self.gateway.to_pem();
        digest::hex(&digest::hmac_sha256(key.as_bytes(), format!("{kind} secret at {provider}").as_bytes()))
    }
}

/// The client id that a provider gave the gateway.
pub fn client_id(provider: &str) -> String {
    format!("gerbang-{provider}")
}

/// The merchant id that a provider gave the gateway: ten digits.
pub fn merchant_id(provider: &str) -> String {
    let sum = provider.bytes().fold(0u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    format!("88{:08}", sum % 100_000_000)
}

fn load(folder: &Folder, name: &str) -> anyhow::Result<PrivateKey> {
    let path = folder.private_key(name);
    let text = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
    let loaded = PrivateKey::load(&text).with_context(|| format!("the key in {}", path.display()))?;
    Ok(loaded.key)
}

/// Makes keys on every core.
fn make(folder: &Folder, names: &[&String]) -> anyhow::Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    say(format!("making {} keys of 2048 bits, once ...", names.len()));
    let next = AtomicUsize::new(0);
    let failure = Mutex::new(None);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..cores.min(names.len()) {
            scope.spawn(|| {
                while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(error) = make_one(folder, name) {
                        *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    }
                }
            });
        }
    });
    match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        None => Ok(()),
        Some(error) => Err(error),
    }
}

fn make_one(folder: &Folder, name: &str) -> anyhow::Result<()> {
    let key = PrivateKey::generate()
        .map_err(|error| advised(format!("no key can be made: {error}"), "the system has no randomness to give"))?;
    // The public half first: a key whose private half is there is complete.
    write_whole(&folder.public_key(name), key.public_key().to_pem().as_bytes())?;
    write_whole(&folder.private_key(name), key.to_pem().as_bytes())
}
