//! Merchants: who may call, with what keys, for what, and on what terms.

pub mod add;
pub mod keys;
pub mod list;
pub mod products;
pub mod show;
pub mod suspend;

use engine::{StartError, SystemFresh};
use lifecycle::{
    Fresh, Merchant, MerchantCode, Secret,
    merchant::{BillerAccess, Mechanism},
};
use serde_json::{Map, Value, json};

use crate::{
    door::Door,
    fault::Fault,
    input::{Field, Kind},
    limits::{KEY_LENGTH, MERCHANT_CODE_MAX, PASSWORD_LENGTH},
    view,
};

/// The field that names a merchant.
pub(crate) const MERCHANT: Field = Field::mandatory("merchant", Kind::Text(MERCHANT_CODE_MAX), "The merchant's code.");

/// Whether a merchant's code can go into accounts' names, numbers of invoices and headers.
fn is_code(code: &str) -> bool {
    code.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

/// What is made once and shown once.
#[derive(Default)]
struct Shown(Map<String, Value>);

impl Shown {
    fn make(&mut self, fresh: &mut SystemFresh, name: &str, length: usize) -> Secret {
        let text = fresh.text(length);
        self.0.insert(name.to_owned(), text.clone().into());
        Secret::new(text)
    }

    fn password(&mut self, fresh: &mut SystemFresh, name: &str) -> Secret {
        self.make(fresh, name, PASSWORD_LENGTH)
    }

    fn key(&mut self, fresh: &mut SystemFresh) -> Secret {
        self.make(fresh, "key", KEY_LENGTH)
    }
}

/// A key under which a merchant asks for its own information: 32 hexadecimal characters.
fn new_api_key(fresh: &mut SystemFresh) -> String {
    let digest = engine::digest(&fresh.text(KEY_LENGTH)).0;
    // A digest begins with what is not secret.
    digest[digest.len() / 2..].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Keeps a registration.
async fn register(door: &Door, merchant: Merchant) -> Result<(), Fault> {
    door.engine.register(merchant).await.map_err(|error| match error {
        StartError::Settings(why) => Fault::conflict("registration_refused", why),
        StartError::Store(_) => Fault::unavailable(),
    })
}

/// What lets the merchant sell bills.
fn access(merchant: &Merchant) -> Result<&BillerAccess, Fault> {
    let none = || Fault::conflict("no_biller_access", format!("{} does not sell bills", merchant.code));
    merchant.biller.as_ref().ok_or_else(none)
}

/// How the merchant pays for bills, as text.
fn mechanism(access: &BillerAccess) -> Value {
    match &access.mechanism {
        Mechanism::Deposit { low_balance } => {
            json!({ "mechanism": "deposit", "low_balance": low_balance.map(view::amount) })
        }
        Mechanism::Invoicing { credit_limit, payment_days } => {
            json!({ "mechanism": "invoicing", "credit_limit": view::amount(*credit_limit), "payment_days": payment_days })
        }
    }
}

/// A merchant in a list.
fn summary(merchant: &Merchant) -> Value {
    json!({
        "merchant": merchant.code.as_str(),
        "name": merchant.name,
        "suspended": merchant.suspended,
        "wallet_products": merchant.products.len(),
        "biller": merchant.biller.as_ref().map(|access| access.mechanism.name()),
    })
}

/// The account that pays a merchant's bills, as it stands.
pub(crate) async fn standing(door: &Door, code: &MerchantCode, access: &BillerAccess) -> Result<Value, Fault> {
    let name = access.mechanism.payer(code);
    let account = match door.row(lifecycle::Key::Account(name.clone())).await? {
        Some(lifecycle::Row::Account(account)) => *account,
        _ => ledger::Account::new(name),
    };
    let mut standing = view::account(&account);
    standing["available"] = view::sen(access.mechanism.limit().available(&account));
    Ok(standing)
}
