//! What is the same in every run and made once: keys, accounts, merchants; and the world that a run begins with, in which
//! every wallet is linked and deposits are filled.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use calendar::Instant;
use catalogue::Catalogue;
use client::BillerCredentials;
use connectors::{
    Account, Connector,
    imitation::{Customer, Setup},
};
use lifecycle::{
    Merchant, MerchantCode, Secret,
    merchant::{BillerAccess, LateSuccess, Mechanism, Strictness},
};
use money::Amount;
use protocol::{digest, keys::PrivateKey};
use store::{SqliteStore, Vault};

use super::{
    chance::Chance,
    shop::{Linked, Shop},
};
use crate::demo_merchant::DemoMerchant;

/// Where every gateway of a run is reached.
pub(crate) const HOST: &str = "gateway.sim";
/// The same as the base of addresses.
pub(crate) const BASE_URL: &str = "http://gateway.sim";
/// Where merchants send customers' browsers back to.
pub(crate) const SHOP_ORIGIN: &str = "https://www.shop.sim";
/// The time at which the world before every run stands.
pub(crate) const BEFORE: &str = "2026-03-02T08:00:00+07:00";
/// What a merchant with a deposit begins with, in rupiah.
pub(crate) const DEPOSIT: u32 = 3_000_000;

const VAULT_KEY: [u8; 32] = [7; 32];

/// What is the same in every run.
pub(crate) struct Fixed {
    /// Everybody's key: a signature is as good with one as with ten.
    pub(crate) key: PrivateKey,
    /// What is sold.
    pub(crate) catalogue: Arc<Catalogue>,
}

/// The world that runs begin with.
pub(crate) struct Template {
    /// The store.
    pub(crate) store: SqliteStore,
    /// What the providers remember, by name.
    pub(crate) saved: BTreeMap<&'static str, String>,
    /// The links of each merchant, in the order of the merchants.
    pub(crate) links: Vec<Vec<Linked>>,
}

/// A vault whose nonces come from the seed.
pub(crate) fn vault(seed: u64) -> Vault {
    let chance = std::sync::Mutex::new(Chance::new(seed, "vault"));
    Vault::new(
        VAULT_KEY,
        Box::new(move |bytes| {
            let mut chance = chance.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            for piece in bytes.chunks_mut(8) {
                piece.copy_from_slice(&chance.next().to_le_bytes()[..piece.len()]);
            }
            Ok(())
        }),
    )
}

/// The numbers of the customers.
pub(crate) const PHONES: [&str; 4] = ["6281234510001", "6281234510002", "6281234510003", "6281234510004"];

impl Fixed {
    /// Loads the published test key.
    pub(crate) fn load() -> Self {
        let pem = include_bytes!("../../../../docs/reference/signing/test_private.pem");
        let key = PrivateKey::load(pem).expect("the published key is a key").key;
        Self { key, catalogue: Arc::new(Catalogue::builtin().without_cut_offs()) }
    }

    /// Where a provider is.
    pub(crate) fn provider_url(name: &str) -> String {
        format!("http://{}.sim", name.replace('_', "-"))
    }

    /// Our accounts at every provider.
    pub(crate) fn accounts(&self) -> HashMap<String, Account> {
        let account = |connector: &'static dyn Connector| {
            let name = connector.descriptor().name;
            let account = Account {
                base_url: Self::provider_url(name),
                pages_url: Self::provider_url(name),
                client_id: format!("gerbang-{name}"),
                client_secret: Secret::new(secret("client", name)),
                merchant_id: merchant_id(name),
                private_key: self.key.clone(),
                provider_keys: vec![self.key.public_key().clone()],
                notice_secret: Some(Secret::new(secret("notice", name))),
                testing: false,
                profile: None,
            };
            (name.to_owned(), account)
        };
        connectors::imitated().map(account).collect()
    }

    /// The other side of an account.
    pub(crate) fn setup(&self, connector: &dyn Connector) -> Setup {
        let name = connector.descriptor().name;
        let customer = |phone: &&str| Customer {
            phone: (*phone).to_owned(),
            name: "Pelanggan".into(),
            cash: Amount::rupiah(10_000_000),
            points: Amount::rupiah(1_000),
        };
        Setup {
            base_url: Self::provider_url(name),
            client_id: format!("gerbang-{name}"),
            client_secret: secret("client", name),
            merchant_id: merchant_id(name),
            gateway_key: self.key.public_key().clone(),
            private_key: self.key.clone(),
            notice_url: format!("{BASE_URL}/notices/{name}"),
            customers: PHONES.iter().map(customer).collect(),
            notice_secret: Some(secret("notice", name)),
            products: self.catalogue.products().cloned().collect(),
        }
    }

    /// The merchants: one with a deposit whose Inquiry is asked, one on credit that is given answers again.
    pub(crate) fn shops(&self, _seed: u64) -> Vec<Shop> {
        ["TOKOSATU", "TOKODUA"].into_iter().map(|code| self.shop(code)).collect()
    }

    fn shop(&self, code: &str) -> Shop {
        let first = code == "TOKOSATU";
        let api_key = digest::sha256_hex(code.as_bytes())[..32].to_owned();
        let mut callbacks = DemoMerchant::callbacks_at(&format!("http://{}.sim", code.to_lowercase()), code);
        if !first {
            callbacks.inquiry_url = None;
        }
        let mechanism = if first {
            Mechanism::Deposit { low_balance: Some(Amount::rupiah(1_000_000)) }
        } else {
            Mechanism::Invoicing { credit_limit: Amount::rupiah(2_000_000), payment_days: 14 }
        };
        let access = BillerAccess {
            sender_id: code.to_owned(),
            username: code.to_lowercase(),
            basic_password: Secret::new("basic"),
            password: Secret::new("password"),
            keys: vec![Secret::new("k3y")],
            mechanism,
            products: None,
            prices: vec![],
        };
        let products = connectors::CONNECTORS.iter().flat_map(|connector| connector.descriptor().products);
        let merchant = Merchant {
            code: MerchantCode::new(code),
            alias: None,
            name: format!("Toko {code}"),
            api_key: api_key.clone(),
            products: products.map(connectors::Product::product_code).collect(),
            public_keys: vec![self.key.public_key().to_pem()],
            redirect_origins: vec![SHOP_ORIGIN.into()],
            allow_local_redirects: false,
            allowed_addresses: vec![],
            time_window_seconds: 300,
            replay: !first,
            strictness: Strictness::Lenient,
            callbacks,
            biller: Some(access),
            late_success: if first { LateSuccess::RefundDue } else { LateSuccess::Accept },
            suspended: false,
        };
        let credentials = client::Merchant {
            base_url: BASE_URL.into(),
            partner_id: code.to_owned(),
            api_key,
            private_key: self.key.clone(),
            gateway_public_key: self.key.public_key().clone(),
        };
        let biller = BillerCredentials {
            base_url: BASE_URL.into(),
            sender_id: code.to_owned(),
            username: code.to_lowercase(),
            basic_password: "basic".into(),
            password: "password".into(),
            key: "k3y".into(),
        };
        Shop::new(merchant, credentials, biller)
    }

    /// When a run begins: some days after the world before it, at any time of day, often minutes before midnight in
    /// Jakarta.
    pub(crate) fn start(seed: u64) -> Instant {
        let mut chance = Chance::new(seed, "start");
        let before = Instant::parse(BEFORE).expect("the constant is a time");
        let days = chance.between(1, 3);
        let seconds = if chance.permille(300) {
            // 08:00 and 15 hours and 50 minutes.
            57_000 + chance.below(600)
        } else {
            chance.below(86_400)
        };
        before.plus_seconds(i64::try_from(days * 86_400 + seconds).unwrap_or_default())
    }
}

fn secret(kind: &str, provider: &str) -> String {
    digest::sha256_hex(format!("{kind} secret at {provider}").as_bytes())
}

/// The merchant id that a provider gave the gateway: ten digits.
fn merchant_id(provider: &str) -> String {
    let sum = provider.bytes().fold(0u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    format!("88{:08}", sum % 100_000_000)
}
