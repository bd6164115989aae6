//! `bills`: bills. Every bill is written three or four times, so what is empty is left out.

use calendar::Instant;
use ledger::AccountName;
use lifecycle::{
    BillId, MerchantCode, ProductCode, Reason, Secret, TaskId,
    bill::{Bill, BillStatus, Fate, Hold, SentOrder},
    biller::{Category, Price, Pricing, Quote, Source},
    provider::{BillDue, BillReceipt},
    request::RequestKey,
};
use money::Amount;
use serde::{Deserialize, Serialize};

use super::{
    kept,
    shared::{ReasonRow, RequestKeyRow},
};

/// A bill as it is written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Bill")]
pub(crate) struct BillRow {
    #[serde(with = "kept")]
    id: BillId,
    #[serde(with = "kept")]
    merchant: MerchantCode,
    #[serde(with = "kept")]
    product: ProductCode,
    #[serde(with = "kept")]
    category: Category,
    order_id: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    additional: Vec<(String, String)>,
    #[serde(with = "RequestKeyRow")]
    request: RequestKey,
    #[serde(with = "PricingRow")]
    pricing: Pricing,
    #[serde(with = "kept")]
    price: Price,
    admin_included: bool,
    #[serde(default, with = "kept::option", skip_serializing_if = "Option::is_none")]
    chosen: Option<Amount>,
    #[serde(default, with = "kept::option", skip_serializing_if = "Option::is_none")]
    quote: Option<Quote>,
    #[serde(default, with = "kept::option", skip_serializing_if = "Option::is_none")]
    due: Option<BillDue>,
    #[serde(with = "kept::list")]
    sources: Vec<Source>,
    source: usize,
    attempt: u8,
    inquired: bool,
    #[serde(default, with = "kept::option", skip_serializing_if = "Option::is_none")]
    payer: Option<AccountName>,
    #[serde(default, with = "kept::option", skip_serializing_if = "Option::is_none")]
    hold: Option<Hold>,
    #[serde(default, with = "kept::list", skip_serializing_if = "Vec::is_empty")]
    orders: Vec<SentOrder>,
    #[serde(default, with = "kept::option", skip_serializing_if = "Option::is_none")]
    asker: Option<TaskId>,
    #[serde(default, with = "kept::list", skip_serializing_if = "Vec::is_empty")]
    recent: Vec<(Amount, Instant)>,
    #[serde(with = "kept")]
    created_at: Instant,
    #[serde(with = "BillStatusRow")]
    status: BillStatus,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Pricing", rename_all = "snake_case")]
enum PricingRow {
    Denomination {
        #[serde(with = "kept")]
        face: Amount,
        #[serde(with = "kept")]
        bill_amount: Amount,
    },
    Due,
    Open {
        #[serde(with = "kept")]
        min: Amount,
        #[serde(with = "kept")]
        max: Amount,
    },
}

/// A source, as it is written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Source")]
pub(crate) struct SourceRow {
    connector: String,
    sku: String,
}

/// What is reserved for a bill, as it is written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Hold")]
pub(crate) struct HoldRow {
    #[serde(with = "kept")]
    account: AccountName,
    #[serde(with = "kept")]
    amount: Amount,
}

/// An order at a source, as it is written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "SentOrder")]
pub(crate) struct SentOrderRow {
    attempt: u8,
    source: usize,
    #[serde(with = "kept")]
    at: Instant,
    #[serde(with = "FateRow")]
    fate: Fate,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Fate", rename_all = "snake_case")]
enum FateRow {
    Open,
    Taken,
    Refused,
    OtherAmount(#[serde(with = "kept")] Amount),
    Paid,
    PaidBeside {
        #[serde(with = "kept")]
        receipt: Box<BillReceipt>,
        #[serde(with = "kept")]
        cost: Amount,
    },
    Reversed,
}

/// What a biller said at inquiry, as it is written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "BillDue")]
pub(crate) struct BillDueRow {
    #[serde(with = "kept")]
    bill_amount: Amount,
    #[serde(default, with = "kept::option", skip_serializing_if = "Option::is_none")]
    admin_fee: Option<Amount>,
    #[serde(default, with = "kept::option", skip_serializing_if = "Option::is_none")]
    cost: Option<Amount>,
    bills: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    customer_name: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    fields: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    provider_reference: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "BillReceipt")]
pub(crate) struct BillReceiptRow {
    provider_reference: String,
    #[serde(default, with = "kept::option", skip_serializing_if = "Option::is_none")]
    bill_amount: Option<Amount>,
    #[serde(default, with = "kept::option", skip_serializing_if = "Option::is_none")]
    cost: Option<Amount>,
    #[serde(default, with = "kept::option", skip_serializing_if = "Option::is_none")]
    token: Option<Secret>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    fields: Vec<(String, String)>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "BillStatus", rename_all = "snake_case")]
enum BillStatusRow {
    Inquiring,
    Inquired {
        #[serde(with = "kept")]
        expires_at: Instant,
    },
    Sent {
        #[serde(with = "kept")]
        sent_at: Instant,
    },
    InProcess {
        #[serde(with = "kept")]
        sent_at: Instant,
        checks: u32,
    },
    Unknown {
        evidence: String,
        #[serde(with = "kept")]
        sent_at: Instant,
        #[serde(with = "kept")]
        since: Instant,
        checks: u32,
    },
    Succeeded {
        #[serde(with = "BillReceiptRow")]
        receipt: BillReceipt,
        #[serde(with = "kept")]
        at: Instant,
    },
    SucceededLate {
        #[serde(with = "BillReceiptRow")]
        receipt: BillReceipt,
        #[serde(with = "kept")]
        at: Instant,
        #[serde(with = "ReasonRow")]
        failed_because: Reason,
        #[serde(with = "kept")]
        charged: AccountName,
    },
    Failed {
        #[serde(with = "ReasonRow")]
        reason: Reason,
        #[serde(with = "kept")]
        at: Instant,
    },
    Reversed {
        #[serde(with = "BillReceiptRow")]
        receipt: BillReceipt,
        #[serde(with = "kept")]
        at: Instant,
    },
}
