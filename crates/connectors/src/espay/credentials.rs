//! The secrets of an Espay account: a merchant for linkage and a sender for bills have several, kept in one file.

use lifecycle::Secret;

use crate::Account;

/// Our account's secrets and names at Espay.
pub(super) struct Credentials {
    /// The merchant code: `X-PARTNER-ID`, `merchantId`, `customerNo`.
    pub merchant_code: String,
    /// The API key: `subMerchantId`.
    pub api_key: Secret,
    /// `sender_id` of the biller services.
    pub sender_id: String,
    /// The user of the Basic authentication.
    pub username: String,
    /// The password of the Basic authentication.
    pub basic_password: Secret,
    /// `password` of the forms.
    pub password: Secret,
    /// The key of the hash signature.
    pub key: Secret,
}

impl Credentials {
    /// Reads an account. Its client secret holds lines of `name = value` (`api_key`, `username`, `basic_password`,
    /// `password`, `key`); a name that is missing, or a secret without names, stands for itself as a whole. The merchant
    /// id is the `sender_id`, and the user's name unless there is a line for it.
    pub fn of(account: &Account) -> Self {
        let text = account.client_secret.expose();
        let value = |name: &str| {
            let mut lines = text.lines().filter_map(|line| line.split_once('='));
            lines.find(|(known, _)| known.trim() == name).map(|(_, value)| value.trim().to_owned())
        };
        let secret = |name: &str| Secret::new(value(name).unwrap_or_else(|| text.trim().to_owned()));
        Self {
            merchant_code: account.client_id.clone(),
            api_key: secret("api_key"),
            sender_id: account.merchant_id.clone(),
            username: value("username").unwrap_or_else(|| account.merchant_id.clone()),
            basic_password: secret("basic_password"),
            password: secret("password"),
            key: secret("key"),
        }
    }
}
