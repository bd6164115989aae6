//! The file that describes a biller: read strictly, so that a slip in it is told at start and not found in an answer.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use lifecycle::{Reason, Secret};
use protocol::digest;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::aggregator::Meaning;

/// Every profile is at most this long, in bytes.
const PROFILE_BYTES_MAX: usize = 64 * 1024;

/// How one biller is spoken to.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// How long a call may take, in milliseconds.
    pub time_budget_ms: u64,
    /// How amounts are written in answers.
    #[serde(default)]
    pub(super) amounts: Amounts,
    /// Headers of every request.
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    pub(super) auth: Auth,
    /// Asks what is due; without it only denominations are sold.
    pub(super) inquire: Option<Call>,
    pub(super) pay: Call,
    pub(super) status: Call,
    pub(super) balance: Call,
    pub(super) notice: Option<NoticeForm>,
}

/// How amounts are written in answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Amounts {
    /// In rupiah, with at most two decimals.
    #[default]
    Rupiah,
    /// In sen, whole.
    Sen,
}

/// How a request is trusted.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Auth {
    /// A header that carries a text, `{secret}` in it.
    Header { header: String, value: String },
    /// A header that carries the HMAC-SHA256 of a text.
    HmacSha256 { header: String, text: String, encoding: Encoding },
}

/// How an HMAC is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Encoding {
    /// Lower-case hexadecimal digits.
    Hex,
    /// Base64 with padding.
    Base64,
}

/// One kind of request and how its answer is read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Call {
    pub path: String,
    /// Whether a bill is inquired under the same reference before this.
    #[serde(default)]
    pub inquire_first: bool,
    #[serde(default)]
    pub body: BTreeMap<String, toml::Value>,
    pub answer: Answer,
    /// Further fields of `data`, by JSON pointer.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
    pub words: BTreeMap<String, Word>,
}

/// Where an answer says what, as JSON pointers.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Answer {
    /// The word that says what came of it.
    pub word: String,
    /// Our reference.
    pub reference: Option<String>,
    /// The customer's number.
    pub customer: Option<String>,
    pub bill_amount: Option<String>,
    pub admin_fee: Option<String>,
    pub cost: Option<String>,
    pub bills: Option<String>,
    pub customer_name: Option<String>,
    pub penalty: Option<String>,
    pub period: Option<String>,
    pub provider_reference: Option<String>,
    pub token: Option<String>,
    pub serial: Option<String>,
    pub balance: Option<String>,
}

/// How a notice is read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoticeForm {
    /// Where our reference is.
    pub reference: String,
    /// Where its HMAC is.
    pub header: Option<String>,
}

/// What a biller's word proves, in the words of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Word {
    Done,
    Pending,
    Unknown,
    NotFound,
    Reversed,
    TimedOut,
    Rejected,
    Repeated,
    Failed,
    CustomerUnknown,
    BillPaidAlready,
    NothingDue,
    CutOff,
    ProductUnavailable,
    FloatInsufficient,
    AmountInvalid,
    AccountBlocked,
    LimitExceeded,
    NotPermitted,
}

impl Word {
    /// What it means.
    pub(super) fn meaning(self) -> Meaning {
        let reason = match self {
            Self::Done => return Meaning::Done,
            Self::Pending => return Meaning::Pending,
            Self::Unknown => return Meaning::Unknown,
            Self::NotFound => return Meaning::NotFound,
            Self::Reversed => return Meaning::Reversed,
            Self::TimedOut => return Meaning::TimedOut,
            Self::Rejected => return Meaning::Rejected,
            Self::Repeated => Reason::RepeatedAtSource,
            Self::Failed => Reason::DoNotHonor,
            Self::CustomerUnknown => Reason::CustomerUnknown,
            Self::BillPaidAlready => Reason::BillPaidAlready,
            Self::NothingDue => Reason::NothingDue,
            Self::CutOff => Reason::CutOff,
            Self::ProductUnavailable => Reason::ProductUnavailable,
            Self::FloatInsufficient => Reason::FloatInsufficient,
            Self::AmountInvalid => Reason::AmountInvalid,
            Self::AccountBlocked => Reason::AccountBlocked,
            Self::LimitExceeded => Reason::AccountLimitExceeded,
            Self::NotPermitted => Reason::NotPermitted,
        };
        Meaning::Refused(reason)
    }
}

impl Profile {
    /// Reads a profile.
    ///
    /// # Errors
    /// What is wrong with it, and where, for the operator.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > PROFILE_BYTES_MAX {
            return Err(format!("a profile is at most {PROFILE_BYTES_MAX} bytes long"));
        }
        let profile: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        if !(100..=300_000).contains(&profile.time_budget_ms) {
            return Err("time_budget_ms is from 100 to 300000".into());
        }
        let calls =
            [("pay", Some(&profile.pay)), ("status", Some(&profile.status)), ("balance", Some(&profile.balance))];
        for (name, call) in calls.into_iter().chain([("inquire", profile.inquire.as_ref())]) {
            if let Some(call) = call {
                call.check(&profile).map_err(|why| format!("{name}: {why}"))?;
            }
        }
        let needs = |call: &Call| call.answer.reference.is_some();
        if !needs(&profile.pay) || !needs(&profile.status) {
            return Err(
                "pay.answer and status.answer say where our reference is: an answer is not believed without it".into(),
            );
        }
        if profile.balance.answer.balance.is_none() {
            return Err("balance.answer says where the balance is".into());
        }
        if profile.pay.inquire_first && profile.inquire.is_none() {
            return Err("pay.inquire_first wants a section inquire".into());
        }
        let texts = profile.headers.values().chain(match &profile.auth {
            Auth::Header { value, .. } => Some(value),
            Auth::HmacSha256 { text, .. } => Some(text),
        });
        texts.map(String::as_str).try_for_each(check_placeholders)?;
        Ok(profile)
    }
}

impl Call {
    fn check(&self, profile: &Profile) -> Result<(), String> {
        if !self.path.starts_with('/') {
            return Err("path begins with a slash".into());
        }
        if !self.words.values().any(|word| *word == Word::Done) {
            return Err("no word means done".into());
        }
        let answer = &self.answer;
        let optional = [
            &answer.reference,
            &answer.customer,
            &answer.bill_amount,
            &answer.admin_fee,
            &answer.cost,
            &answer.bills,
            &answer.customer_name,
            &answer.penalty,
            &answer.period,
            &answer.provider_reference,
            &answer.token,
            &answer.serial,
            &answer.balance,
        ];
        let own = optional.into_iter().flatten().chain(self.fields.values()).chain([&answer.word]);
        let noticed = profile.notice.as_ref().map(|notice| &notice.reference);
        for pointer in own.chain(noticed) {
            if !pointer.starts_with('/') {
                return Err(format!("{pointer:?} is not a JSON pointer: it begins with a slash"));
            }
        }
        self.body.values().filter_map(toml::Value::as_str).try_for_each(check_placeholders)
    }
}

/// What may stand between braces in a profile, besides `additional.` and the name of a field of `additional_data`.
pub(super) const PLACEHOLDERS: &[&str] = &[
    "reference",
    "sku",
    "customer",
    "category",
    "amount",
    "face",
    "inquiry",
    "client_id",
    "merchant_id",
    "secret",
    "timestamp",
    "method",
    "path",
    "body",
];

fn check_placeholders(text: &str) -> Result<(), String> {
    for part in text.split('{').skip(1) {
        let name = part.split_once('}').map_or(part, |(name, _)| name);
        if !PLACEHOLDERS.contains(&name) && !name.starts_with("additional.") {
            return Err(format!("there is no placeholder {{{name}}}"));
        }
    }
    Ok(())
}

/// Puts values in place of `{name}`; none when one of them has no value.
pub(super) fn fill(text: &str, value: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let mut parts = text.split('{');
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}')?;
        filled.push_str(&value(name)?);
        filled.push_str(rest);
    }
    Some(filled)
}

/// A body: texts filled in, those without a value left out; an amount that stands alone is a number.
pub(super) fn body(form: &BTreeMap<String, toml::Value>, value: &dyn Fn(&str) -> Option<String>) -> Vec<u8> {
    let members = form.iter().filter_map(|(name, member)| {
        let member = match member {
            toml::Value::String(text) => {
                let filled = fill(text, value)?;
                let number =
                    matches!(text.as_str(), "{amount}" | "{face}").then(|| filled.parse::<i64>().ok()).flatten();
                number.map_or(Value::from(filled), Value::from)
            }
            toml::Value::Integer(number) => Value::from(*number),
            toml::Value::Boolean(flag) => Value::from(*flag),
            _ => return None,
        };
        Some((name.clone(), member))
    });
    Value::Object(members.collect()).to_string().into_bytes()
}

/// An HMAC-SHA256 as it is written.
pub(super) fn hmac(secret: &Secret, text: &[u8], encoding: Encoding) -> String {
    let mac = digest::hmac_sha256(secret.expose().as_bytes(), text);
    match encoding {
        Encoding::Hex => digest::hex(&mac),
        Encoding::Base64 => STANDARD.encode(mac),
    }
}

/// The default profile's inquiry and payment, as the imitation reads them.
#[derive(Serialize, Deserialize)]
pub(super) struct DefaultOrder {
    pub reference: String,
    pub product: String,
    pub category: String,
    pub customer: String,
    #[serde(default)]
    pub amount: Option<i64>,
    /// The face value of a denomination, in rupiah.
    #[serde(default)]
    pub face: Option<i64>,
    #[serde(default)]
    pub inquiry: Option<String>,
}

/// The default profile's question about a payment.
#[derive(Serialize, Deserialize)]
pub(super) struct DefaultQuestion {
    pub reference: String,
}
