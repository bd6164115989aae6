//! A bill: inquired, reserved and sent, then paid or not, each known or not known.
//!
//! ```text
//! inquiring -> inquired -> sent -> succeeded -> reversed
//!     |            |         |  |-> failed ----> succeeded_late -> reversed
//!     v            v         |  `-> sent (to the next source)
//!   failed    (expires)      `-> in_process | unknown -> succeeded | failed
//! ```
//! Money is reserved in the commit that precedes the first call to a biller and stays reserved until it is *known*
//! whether the bill was paid. A source is left for the next one only when it is known that it did not take the order.
//! *In process* is not success, and a product that delivers a token is not delivered before its token is there.
//!
//! `asking` holds the questions that move no money, `paying` what precedes the call, `settling` what follows it.

mod asking;
mod paying;
mod quoting;
mod settling;

use calendar::Instant;
use ledger::{AccountName, Class};
use money::Amount;

pub use asking::{AskStatus, Asked, Inquire, inquire, inquiry_ended, list_products, read_deposit, status};
pub use paying::{Pay, pay};
pub use settling::{noticed, payment_reported};

use crate::{
    BillId, Key, MerchantCode, ProductCode, Reason, Refusal, TaskId,
    biller::{BillerProduct, Category, Price, Pricing, Quote, Source},
    decision::Context,
    merchant::{BillerAccess, Merchant},
    provider::{BillDue, BillReceipt},
    request::RequestKey,
};

/// How long an inquiry locks its amount, in seconds.
pub const QUOTE_SECONDS: i64 = 15 * 60;
/// How long the same order, product and amount is not taken again, in seconds.
pub const SAME_TRANSACTION_SECONDS: i64 = 5 * 60;
/// Waits between questions about a bill whose outcome is not known, in seconds; the last one repeats for ever. The
/// aggregators ask for at most one question a minute after the first ones.
pub const INQUIRY_WAITS_SECONDS: [i64; 8] = [2, 5, 10, 30, 60, 60, 300, 1800];
/// The wait between questions about the token of a bill that turned out late to be paid, in seconds.
pub const LATE_TOKEN_SECONDS: i64 = 300;
/// The most references that one bill may draw: each begins with another letter.
pub const ATTEMPTS_MAX: u8 = 26;

/// One bill of one merchant's customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bill {
    /// Its id, the bits of the id of the call that began it.
    pub id: BillId,
    /// The merchant that sells it.
    pub merchant: MerchantCode,
    /// The product.
    pub product: ProductCode,
    /// Its category; decides what a delivered product must carry.
    pub category: Category,
    /// `order_id`: the customer's number.
    pub order_id: String,
    /// `additional_data`, name and value.
    pub additional: Vec<(String, String)>,
    /// The call that is answered next: the inquiry, then the payment.
    pub request: RequestKey,
    /// Where its amount comes from, as the product said when the bill began.
    pub pricing: Pricing,
    /// What the merchant pays beside it, as agreed when the bill began.
    pub price: Price,
    /// Whether what is due holds the admin fee already.
    pub admin_included: bool,
    /// The amount that the customer chose, where it is open.
    pub chosen: Option<Amount>,
    /// What it costs; none until it is known.
    pub quote: Option<Quote>,
    /// What the biller said at inquiry.
    pub due: Option<BillDue>,
    /// Who can deliver it, in order of preference, as the product said when the bill began.
    pub sources: Vec<Source>,
    /// The source that is asked now, an index into the sources.
    pub source: usize,
    /// Counts the references under which sources were asked, from 0: each names one order at one source.
    pub attempt: u8,
    /// Whether the source was inquired under this reference; what it said is then `due`.
    pub inquired: bool,
    /// The account that pays for it; none until its payment was asked for.
    pub payer: Option<AccountName>,
    /// What is reserved for it: exactly while the outcome of its payment is open.
    pub hold: Option<Hold>,
    /// Every order that a source was asked to take, the newest last.
    pub orders: Vec<SentOrder>,
    /// The one task whose end schedules the next question. Any other task's end says what it knows and schedules none,
    /// so that there is always one of them and never two.
    pub asker: Option<TaskId>,
    /// Payments of the same order that were known to be made shortly before this one began: amount and when.
    pub recent: Vec<(Amount, Instant)>,
    /// When it began.
    pub created_at: Instant,
    /// Where it stands.
    pub status: BillStatus,
}

/// Money reserved for a bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Of which account.
    pub account: AccountName,
    /// How much: amount and fee.
    pub amount: Amount,
}

/// One order at one source, under one reference of the bill's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentOrder {
    /// Which reference.
    pub attempt: u8,
    /// Which source, an index into the bill's sources.
    pub source: usize,
    /// When the intent was committed.
    pub at: Instant,
    /// What is known of it.
    pub fate: Fate,
}

/// What is known of an order. A fate only ever gives way to one further down this list, so that the same words of a
/// source in any order, and repeated, leave the same fate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nothing: it may not even have arrived.
    Open,
    /// The source said that it has it: that it knows nothing of it is not believed any more.
    Taken,
    /// Not taken, or taken and not paid.
    Refused,
    /// Said to be paid, over another amount than the bill's.
    OtherAmount(Amount),
    /// Paid: the one that counts.
    Paid,
    /// Paid besides the one that counts: what it took from our float waits in clearing.
    PaidBeside {
        /// What it delivered.
        receipt: Box<BillReceipt>,
        /// What it took from our float.
        cost: Amount,
    },
    /// Taken back by the source: our float has its money again, if it was ever taken.
    Reversed,
}

impl Fate {
    /// The one word for it in table, log and page.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Taken => "taken",
            Self::Refused => "refused",
            Self::OtherAmount(_) => "other_amount",
            Self::Paid => "paid",
            Self::PaidBeside { .. } => "paid_beside",
            Self::Reversed => "reversed",
        }
    }
}

/// Where a bill stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BillStatus {
    /// The biller is being asked what is due.
    Inquiring,
    /// The amount is locked until then.
    Inquired {
        /// When the lock ends.
        expires_at: Instant,
    },
    /// Reserved; the source is being asked to take the order.
    Sent {
        /// When the intent was committed.
        sent_at: Instant,
    },
    /// The source says that it is working on it.
    InProcess {
        /// When the intent was committed.
        sent_at: Instant,
        /// How often the source was asked since.
        checks: u32,
    },
    /// The source may have taken the order; it is asked until it is known.
    Unknown {
        /// What made it unknown.
        evidence: String,
        /// When the intent was committed.
        sent_at: Instant,
        /// Since when it is unknown.
        since: Instant,
        /// How often the source was asked.
        checks: u32,
    },
    /// Paid and delivered.
    Succeeded {
        /// What was delivered.
        receipt: BillReceipt,
        /// When it was known.
        at: Instant,
    },
    /// Paid after we had said that it failed and had given the reservation back: charged to the merchant's deposit or
    /// credit where that suffices, else to clearing until an operator settles it.
    SucceededLate {
        /// What was delivered; a token may still be owed.
        receipt: BillReceipt,
        /// When it was known.
        at: Instant,
        /// Why it was believed to have failed.
        failed_because: Reason,
        /// Where the money was taken from.
        charged: AccountName,
    },
    /// Known not to have been paid.
    Failed {
        /// Why.
        reason: Reason,
        /// When it was known.
        at: Instant,
    },
    /// The source took its success back: the merchant has its money again.
    Reversed {
        /// What was delivered before.
        receipt: BillReceipt,
        /// When it was known.
        at: Instant,
    },
}

impl BillStatus {
    /// The one word for this state in table, log and page.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Inquiring => "inquiring",
            Self::Inquired { .. } => "inquired",
            Self::Sent { .. } => "sent",
            Self::InProcess { .. } => "in_process",
            Self::Unknown { .. } => "unknown",
            Self::Succeeded { .. } => "succeeded",
            Self::SucceededLate { .. } => "succeeded_late",
            Self::Failed { .. } => "failed",
            Self::Reversed { .. } => "reversed",
        }
    }

    /// Whether it was paid or may have been: the same order is then not taken again for a while.
    pub fn is_taken(&self) -> bool {
        match self {
            Self::Succeeded { .. } | Self::SucceededLate { .. } => true,
            _ => self.is_open(),
        }
    }

    /// Whether a source was asked for it and the outcome is not known yet.
    pub fn is_open(&self) -> bool {
        self.sent_at().is_some()
    }

    /// When the source was asked for the order, while its outcome is not final.
    pub fn sent_at(&self) -> Option<Instant> {
        match self {
            Self::Sent { sent_at } | Self::InProcess { sent_at, .. } | Self::Unknown { sent_at, .. } => Some(*sent_at),
            Self::Inquiring
            | Self::Inquired { .. }
            | Self::Succeeded { .. }
            | Self::SucceededLate { .. }
            | Self::Failed { .. }
            | Self::Reversed { .. } => None,
        }
    }
}

impl Bill {
    /// `ref_id`: what the merchant asks the status with. `TX` and the 26 characters of the id.
    pub fn ref_id(&self) -> String {
        format!("TX{}", self.id.characters())
    }

    /// The bill of a `ref_id`.
    pub fn id_of_ref(ref_id: &str) -> Option<BillId> {
        BillId::from_characters(ref_id.strip_prefix("TX")?)
    }

    /// Our reference of the present order at the present source: 27 letters and digits, a letter that counts the
    /// references of this bill first.
    pub fn reference(&self) -> String {
        format!("{}{}", char::from(b'A' + self.attempt.min(ATTEMPTS_MAX - 1)), self.id.characters())
    }

    /// The bill, and which of its references this is.
    pub fn id_of_reference(reference: &str) -> Option<(BillId, u8)> {
        let letter = *reference.as_bytes().first().filter(|letter| letter.is_ascii_uppercase())?;
        Some((BillId::from_characters(reference.get(1..)?)?, letter - b'A'))
    }

    /// The source that is asked now.
    pub fn source(&self) -> Option<&Source> {
        self.sources.get(self.source)
    }

    /// Whether what a source took for it waits in clearing until an operator says who bears it.
    pub fn waits_in_clearing(&self) -> bool {
        let late =
            matches!(&self.status, BillStatus::SucceededLate { charged, .. } if charged.class() == Class::Clearing);
        late || self.orders.iter().any(|order| matches!(order.fate, Fate::PaidBeside { .. }))
    }

    /// Whether its payment was ever asked for.
    pub fn was_sent(&self) -> bool {
        !self.orders.is_empty()
    }

    /// What a task about its present order needs; none without a payer or a source.
    pub fn task(&self) -> Option<BillTask> {
        Some(BillTask {
            bill: self.id,
            merchant: self.merchant.clone(),
            payer: self.payer.clone()?,
            connector: self.source()?.connector.clone(),
            attempt: self.attempt,
        })
    }

    /// What a notice about the order under this reference needs: its source and who pays for it, from the bill's own
    /// record. An inquired bill that no order is known of answers for the reference that it would be paid under: a store
    /// that was restored from a backup may have forgotten the payment.
    pub fn task_about(&self, attempt: u8, merchant: &Merchant) -> Option<BillTask> {
        let access = || merchant.biller.as_ref().map(|access| access.mechanism.payer(&self.merchant));
        let source = match self.orders.iter().find(|order| order.attempt == attempt) {
            Some(order) => self.sources.get(order.source),
            None => self.source().filter(|_| !self.was_sent() && attempt == self.attempt),
        };
        Some(BillTask {
            bill: self.id,
            merchant: self.merchant.clone(),
            payer: self.payer.clone().or_else(access)?,
            connector: source?.connector.clone(),
            attempt,
        })
    }

    /// When the order that a question is about was sent, while it may be asked about: its outcome is open, or it is paid
    /// and its token is owed. Where asking is sending the order again, it could place it. So a source that refused an
    /// order is not asked about it, nor is one that the order is only being sent to: the two would meet there.
    pub fn asked_since(&self, about: &BillTask) -> Option<Instant> {
        let order = self.orders.iter().find(|order| order.attempt == about.attempt && order.attempt == self.attempt)?;
        let token_owed = order.fate == Fate::Paid && self.owes_token();
        let is_open = self.status.is_open() && !matches!(self.status, BillStatus::Sent { .. });
        (is_open || token_owed).then_some(order.at)
    }

    /// Whether it is known to be paid and what was bought has not come yet.
    pub fn owes_token(&self) -> bool {
        matches!(&self.status, BillStatus::SucceededLate { receipt, .. } if self.lacks_token(receipt))
    }

    /// What of it waits in clearing, and since when.
    pub fn in_clearing(&self) -> Option<(Instant, Amount)> {
        let beside = self.orders.iter().filter_map(|order| match &order.fate {
            Fate::PaidBeside { cost, .. } => Some((order.at, *cost)),
            _ => None,
        });
        let late = match &self.status {
            BillStatus::SucceededLate { at, charged, .. } if charged.class() == Class::Clearing => {
                let quote = self.quote?;
                let net = quote.reserved().ok()?.checked_sub(quote.margin).ok()?;
                Some((*at, net))
            }
            _ => None,
        };
        late.into_iter()
            .chain(beside)
            .reduce(|(one, sum), (other, more)| (one.min(other), sum.checked_add(more).unwrap_or(sum)))
    }

    pub(crate) fn lacks_token(&self, receipt: &BillReceipt) -> bool {
        let empty = receipt.token.as_ref().is_none_or(|token| token.expose().is_empty());
        self.category == Category::PlnPrepaid && empty
    }

    /// Every key that leads to it.
    pub fn keys(&self) -> Vec<Key> {
        let order = || (self.merchant.clone(), self.product.clone(), self.order_id.clone());
        let (merchant, product, order_id) = order();
        let mut keys = vec![Key::Bill(self.id), Key::BillByOrder(merchant, product, order_id)];
        if self.status.is_taken() {
            let (merchant, product, order_id) = order();
            keys.push(Key::BillTaken(merchant, product, order_id));
        }
        keys
    }
}

/// What a task about a bill needs to find its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillTask {
    /// Which bill.
    pub bill: BillId,
    /// The merchant.
    pub merchant: MerchantCode,
    /// The account that pays.
    pub payer: AccountName,
    /// The source's connector.
    pub connector: String,
    /// Under which of the bill's references.
    pub attempt: u8,
}

impl BillTask {
    /// The accounts that settling may touch: payer, float, fee revenue, clearing.
    pub fn accounts(&self) -> [AccountName; 4] {
        let merchant = self.merchant.as_str();
        [
            self.payer.clone(),
            AccountName::float(merchant, self.connector.as_str()),
            AccountName::of(Class::FeeRevenue, merchant),
            AccountName::of(Class::Clearing, merchant),
        ]
    }
}

/// Whether the customer may choose this amount, where the product leaves that open. Sources take whole rupiah.
fn may_be_chosen(pricing: Pricing, amount: Amount) -> bool {
    match pricing {
        Pricing::Open { min, max } => (min..=max).contains(&amount) && amount.sen() % SEN_PER_RUPIAH == 0,
        Pricing::Denomination { .. } | Pricing::Due => true,
    }
}

/// Sen in a rupiah.
const SEN_PER_RUPIAH: i64 = 100;

/// What lets the merchant sell this product.
fn access<'m>(
    context: &Context<'m>,
    product: &BillerProduct,
    closed: Option<&String>,
) -> Result<&'m BillerAccess, Refusal> {
    let access = context.merchant.biller.as_ref().ok_or(Refusal::ProductNotAllowed)?;
    if !access.has(&product.code) || product.sources.is_empty() {
        return Err(Refusal::ProductNotAllowed);
    }
    match closed {
        Some(until) => Err(Refusal::ProductClosed(until.clone())),
        None => Ok(access),
    }
}
