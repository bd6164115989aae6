//! What an imitated wallet remembers, and how that is written to JSON.

use std::collections::{BTreeMap, BTreeSet};

use calendar::Instant;
use money::Amount;
use serde::{Deserialize, Serialize};

use super::Setup;

/// How amounts and instants are written: sen and microseconds, whole numbers.
pub(super) mod stored {
    macro_rules! whole {
        ($name:ident, $type:ty, $write:expr, $read:expr) => {
            pub mod $name {
                use serde::{Deserialize, Deserializer, Serializer};

                pub fn serialize<S: Serializer>(value: &$type, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.serialize_i64($write(*value))
                }

                pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<$type, D::Error> {
                    $read(i64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
                }
            }
        };
    }
    whole!(amount, money::Amount, money::Amount::sen, money::Amount::from_sen);
    whole!(instant, calendar::Instant, calendar::Instant::micros, |micros| {
        Ok::<_, std::convert::Infallible>(calendar::Instant::from_micros(micros))
    });
}

/// Everything that is remembered.
#[derive(Default, Serialize, Deserialize)]
pub struct State {
    /// By number.
    pub accounts: BTreeMap<String, Account>,
    /// By the gateway's reference.
    pub links: BTreeMap<String, Link>,
    /// By the code.
    pub auth_codes: BTreeMap<String, AuthCode>,
    /// By the gateway's reference.
    pub charges: BTreeMap<String, Charge>,
    /// Refunds by the gateway's reference, cancellations by [`Refund::key_of_cancellation`].
    #[serde(default)]
    pub refunds: BTreeMap<String, Refund>,
    /// By the random part of its address.
    pub sessions: BTreeMap<String, Session>,
    /// B2B tokens, the newest last.
    pub tokens: Vec<B2bToken>,
    /// External ids of the day, by Jakarta day.
    pub external_ids: BTreeSet<(u32, String)>,
}

impl State {
    /// What is known from the start.
    pub fn seeded(setup: &Setup) -> Self {
        let accounts = setup.customers.iter().map(|customer| {
            let account = Account {
                name: customer.name.clone(),
                opening: customer.cash,
                cash: customer.cash,
                points: customer.points,
                blocked: false,
            };
            (customer.phone.clone(), account)
        });
        Self { accounts: accounts.collect(), ..Self::default() }
    }
}

/// A customer's account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Account {
    /// Whose.
    pub name: String,
    /// Money at the start.
    #[serde(with = "stored::amount")]
    pub opening: Amount,
    /// Money now.
    #[serde(with = "stored::amount")]
    pub cash: Amount,
    /// Points now.
    #[serde(with = "stored::amount")]
    pub points: Amount,
    /// Closed to every use.
    pub blocked: bool,
}

/// A link between an account and the gateway.
#[derive(Clone, Serialize, Deserialize)]
pub struct Link {
    /// The gateway's reference, or our own id where the gateway gave none.
    pub reference: String,
    /// Whose account.
    pub phone: String,
    /// Our id of it.
    pub id: String,
    /// The customer's token.
    pub token: String,
    /// What renews it.
    pub refresh_token: String,
    /// When it was asked for.
    #[serde(with = "stored::instant")]
    pub created_at: Instant,
    /// Where it stands.
    pub status: LinkStatus,
}

/// Where a link stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinkStatus {
    /// The customer is on our page.
    Waiting,
    /// Usable.
    Active,
    /// Ended by the gateway.
    Unbound,
    /// Ended by the customer or by us.
    Revoked,
    /// Never made.
    Failed(PageFault),
}

/// An authorisation code.
#[derive(Clone, Serialize, Deserialize)]
pub struct AuthCode {
    /// Whose account; none until the customer proved it.
    pub phone: Option<String>,
    /// The link that it belongs to, where binding came first.
    pub link: Option<String>,
    /// When it was issued.
    #[serde(with = "stored::instant")]
    pub issued_at: Instant,
    /// Whether it was exchanged.
    pub used: bool,
}

/// A charge that the gateway asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Charge {
    /// The gateway's reference.
    pub reference: String,
    /// Ours.
    pub provider_reference: String,
    /// How much.
    #[serde(with = "stored::amount")]
    pub amount: Amount,
    /// Whose account; none until the customer said so.
    pub phone: Option<String>,
    /// The link that it was asked under.
    pub link: Option<String>,
    /// What the customer sees.
    pub description: String,
    /// When it was asked for.
    #[serde(with = "stored::instant")]
    pub created_at: Instant,
    /// When the last change was.
    #[serde(with = "stored::instant")]
    pub changed_at: Instant,
    /// When the customer's time ends.
    #[serde(with = "stored::instant")]
    pub valid_until: Instant,
    /// How often it was asked for.
    pub requests: u32,
    /// How often its status was asked for.
    pub questions: u32,
    /// Where it stands.
    pub status: ChargeStatus,
}

/// Where a charge stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChargeStatus {
    /// The customer is on our page of this session.
    Waiting {
        /// The random part of its address.
        session: String,
    },
    /// Being worked on.
    Pending,
    /// Money moved.
    Charged,
    /// Money moved, and all of it went back in refunds.
    Refunded,
    /// Money moved, and went back when the charge was called off.
    Reversed,
    /// Refused: HTTP status and case of the refusal.
    Refused(u16, String),
    /// The customer cancelled, or did nothing in time.
    Cancelled,
}

/// A refund or cancellation that the gateway asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Refund {
    /// The gateway's reference of the refund; of a cancellation: its reference of the charge.
    pub reference: String,
    /// Ours.
    pub provider_reference: String,
    /// The charge, by the gateway's reference.
    pub charge: String,
    /// Whether the charge was called off.
    pub cancels: bool,
    /// How much.
    #[serde(with = "stored::amount")]
    pub amount: Amount,
    /// When the last change was.
    #[serde(with = "stored::instant")]
    pub changed_at: Instant,
    /// How often it was asked for.
    pub requests: u32,
    /// How often it was asked about, or asked for again.
    pub questions: u32,
    /// Where it stands.
    pub status: RefundStatus,
}

impl Refund {
    /// Under which key the cancellation of a charge is found: it has no reference of its own.
    pub fn key_of_cancellation(charge: &str) -> String {
        format!("cancel/{charge}")
    }
}

/// Where a refund stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefundStatus {
    /// Never taken: as if it had not been asked for, except that the next request is carried out.
    Dropped,
    /// Being worked on.
    Pending,
    /// The customer has the money.
    Done,
    /// Refused: HTTP status and case of the refusal.
    Refused(u16, String),
}

/// A B2B token that we issued.
#[derive(Clone, Serialize, Deserialize)]
pub struct B2bToken {
    /// The token.
    pub token: String,
    /// When.
    #[serde(with = "stored::instant")]
    pub issued_at: Instant,
}

/// A customer on our pages.
#[derive(Clone, Serialize, Deserialize)]
pub struct Session {
    /// What for.
    pub purpose: Purpose,
    /// Who.
    pub phone: Option<String>,
    /// `id` or `en`.
    pub lang: String,
    /// Where the browser goes afterwards.
    pub return_url: String,
    /// What the customer must still do, the first one now.
    pub steps: Vec<Step>,
    /// When the one-time code was sent.
    #[serde(with = "stored::instant")]
    pub otp_sent_at: Instant,
    /// Wrong one-time codes and PINs so far.
    pub tries: u32,
    /// When the customer's time ends.
    #[serde(with = "stored::instant")]
    pub expires_at: Instant,
    /// What was wrong with the last entry.
    pub error: Option<EntryError>,
    /// How it ended; none while it is open.
    pub over: Option<Result<Option<String>, PageFault>>,
}

/// What a session is for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// To get an authorisation code.
    Authorise {
        /// The gateway's state, handed back.
        state: String,
        /// The code that waits for the customer, where one was handed out before.
        code: Option<String>,
    },
    /// To link.
    Link {
        /// The link.
        reference: String,
        /// Whether the page hands out a code that completes the link, instead of completing it.
        gives_code: bool,
    },
    /// To confirm a charge.
    Pay {
        /// The charge.
        reference: String,
    },
}

/// What the customer does on a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// Says the number.
    Phone,
    /// Enters the one-time code.
    Otp,
    /// Enters the PIN.
    Pin,
}

/// What was wrong with an entry; the customer may try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EntryError {
    /// Not a number.
    PhoneMalformed,
    /// Nobody has an account with it.
    PhoneUnknown,
    /// Wrong one-time code.
    OtpWrong,
    /// One-time code too old.
    OtpExpired,
    /// Another one-time code cannot be sent yet.
    ResendTooSoon,
    /// Wrong PIN.
    PinWrong,
}

/// Why a page ended without success.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PageFault {
    /// The customer pressed cancel.
    Cancelled,
    /// The customer's time ended.
    Expired,
    /// Nobody has an account with the number.
    AccountNotFound,
    /// The account is blocked.
    AccountBlocked,
    /// Too many wrong entries.
    TooManyTries,
    /// Not enough money.
    InsufficientFunds,
}

impl PageFault {
    /// HTTP status and case of the standard's code for it.
    pub fn code(self) -> (u16, &'static str) {
        match self {
            Self::Cancelled => (404, "04"),
            Self::Expired => (403, "00"),
            Self::AccountNotFound => (404, "11"),
            Self::AccountBlocked => (403, "05"),
            Self::TooManyTries => (403, "04"),
            Self::InsufficientFunds => (403, "14"),
        }
    }
}
