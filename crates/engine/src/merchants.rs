//! Merchants with their keys parsed once, as an immutable snapshot.

use std::{collections::HashMap, sync::Arc};

use lifecycle::Merchant;
use protocol::keys::PublicKey;

/// A merchant and its parsed keys.
#[derive(Debug)]
pub struct Partner {
    /// The merchant as registered.
    pub merchant: Merchant,
    /// Its live keys, the newest first.
    pub keys: Vec<PublicKey>,
}

/// Every merchant.
#[derive(Debug, Default)]
pub struct Merchants {
    by_code: HashMap<String, Arc<Partner>>,
    by_api_key: HashMap<String, Arc<Partner>>,
}

impl Merchants {
    /// Parses the keys of every merchant; the error names the merchant and what is wrong with its key.
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
            snapshot.by_api_key.insert(partner.merchant.api_key.clone(), partner.clone());
            snapshot.by_code.insert(partner.merchant.code.as_str().to_owned(), partner);
        }
        Ok(snapshot)
    }

    /// The merchant of this code.
    pub fn partner(&self, code: &str) -> Option<&Arc<Partner>> {
        self.by_code.get(code)
    }

    /// The merchant of this API key.
    pub fn partner_by_api_key(&self, key: &str) -> Option<&Arc<Partner>> {
        self.by_api_key.get(key)
    }
}
