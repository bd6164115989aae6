//! Merchants with their keys parsed once, as an immutable snapshot.

use std::{collections::HashMap, sync::Arc};

use lifecycle::Merchant;
use protocol::keys::PublicKey;

/// A merchant and its parsed keys.
#[derive(Debug)]
pub struct Partner {
    /// The merchant as registered.
    pub merchant: Merchant,
    /// Its live keys, the newest first; none when it only sells bills.
    pub keys: Vec<PublicKey>,
}

/// Every merchant.
#[derive(Debug, Default)]
pub struct Merchants {
    by_code: HashMap<String, Arc<Partner>>,
    by_api_key: HashMap<String, Arc<Partner>>,
    by_biller_username: HashMap<String, Arc<Partner>>,
}

impl Merchants {
    /// Parses the keys of every merchant; the error names the merchant and what is wrong with it.
    pub fn load(merchants: Vec<Merchant>) -> Result<Self, String> {
        let mut snapshot = Self::default();
        for merchant in merchants {
            let keys = merchant
                .public_keys
                .iter()
                .map(|pem| PublicKey::load(pem.as_bytes()).map(|loaded| loaded.key))
                .collect::<Result<Vec<_>, _>>()
                .map_err(|error| format!("public key of merchant {}: {error}", merchant.code))?;
            let partner = Arc::new(Partner { merchant, keys });
            snapshot.name(&partner)?;
            snapshot.by_code.insert(partner.merchant.code.as_str().to_owned(), partner);
        }
        Ok(snapshot)
    }

    /// Enters the names under which a merchant calls. Whoever shares one with another could not be told from it.
    fn name(&mut self, partner: &Arc<Partner>) -> Result<(), String> {
        let Merchant { code, api_key, biller, .. } = &partner.merchant;
        // A merchant that only sells bills has no API key.
        if !api_key.is_empty() {
            self.by_api_key.insert(api_key.clone(), partner.clone());
        }
        let Some(access) = biller else { return Ok(()) };
        match self.by_biller_username.insert(access.username.clone(), partner.clone()) {
            None => Ok(()),
            Some(other) => Err(format!("merchants {} and {code} have one biller user name", other.merchant.code)),
        }
    }

    /// Everybody, as registered, by code.
    pub fn registered(&self) -> Vec<Arc<Partner>> {
        let mut all: Vec<_> = self.by_code.values().cloned().collect();
        all.sort_unstable_by(|one, other| one.merchant.code.cmp(&other.merchant.code));
        all
    }

    /// The merchant of this code.
    pub fn partner(&self, code: &str) -> Option<&Arc<Partner>> {
        self.by_code.get(code)
    }

    /// The merchant of this API key.
    pub fn partner_by_api_key(&self, key: &str) -> Option<&Arc<Partner>> {
        self.by_api_key.get(key)
    }

    /// The merchant whose calls of the biller services carry this user name.
    pub fn partner_by_biller_username(&self, username: &str) -> Option<&Arc<Partner>> {
        self.by_biller_username.get(username)
    }
}
