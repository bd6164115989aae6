//! Why: `lifecycle` knows no wire format, so the written form of every row is here, one file per table, checked by the
//! compiler against the lifecycle's own type: a new field or state does not compile until it is written down.
//!
//! The whole row is in its sealed detail. Columns beside it only find it; what the code believes is what was sealed.

mod account_creation;
mod auth_code;
mod bill;
mod by_table;
mod cases;
mod deposit;
mod endpoint;
mod exchange;
mod invoice;
pub(crate) mod kept;
mod ledger;
mod link;
mod merchant;
mod notification;
mod payment;
mod reconciliation;
mod refund;
mod ruling;
mod shared;
mod task;

use aws_lc_rs::digest;
use calendar::Instant;
use lifecycle::{
    Digest, Merchant, MerchantCode, ProductCode, RequestId, TaskId,
    account_creation::AccountCreation,
    auth_code::AuthCode,
    bill::{Bill, BillTask, Hold, SentOrder},
    biller::Source,
    deposit::TopUp,
    endpoint::Endpoint,
    exchange::Exchange,
    invoice::{Invoice, InvoiceBook, InvoicePayment},
    linkage::Link,
    merchant::BillerAccess,
    notification::Notification,
    payment::Payment,
    provider::{BillDue, BillReceipt},
    reconciliation::{Expectation, ItemStep, ReconciliationItem, SettlementFile, SettlementLine},
    refund::{Refund, RefundTask},
    request::{Request, RequestKey, ServiceCode, StoredAnswer},
    ruling::Ruling,
    task::{Task, TaskKind},
};
use serde::{Deserializer, Serializer};

pub(crate) use self::{
    by_table::ByTable,
    cases::{CaseChanges, Cases, open_page},
    endpoint::{EndpointColumns, endpoint_id, seal_endpoint},
    exchange::{ExchangeColumns, seal_exchange},
    ledger::{AccountColumns, EntryColumns, sequence_column},
    notification::{fitting_page, halted, halted_name},
};

use crate::{
    ProviderNotice, StoreError, Vault,
    intern::intern,
    rows::kept::{Kept, Put, Taken},
    vault::VaultError,
};

/// The form in which details are written now. A change that an older gateway cannot read takes the next number.
pub(crate) const FORMAT: i64 = 1;

/// A row that is kept as columns that find it and a sealed detail that is it.
pub(crate) trait Detailed: Kept {
    /// The table.
    const TABLE: &'static str;
    /// About how long a detail is, in bytes.
    const LENGTH_HINT: usize;
    /// The primary key's bytes.
    fn id(&self) -> [u8; 16];
    /// The one word for its state.
    fn state(&self) -> &'static str;
}

macro_rules! detailed {
    ($($name:ident: $row:path, $table:literal, $length:literal, $state:expr;)+) => {
        $(
            kept_by!($name, $row);

            impl Detailed for $name {
                const TABLE: &'static str = $table;
                const LENGTH_HINT: usize = $length;

                fn id(&self) -> [u8; 16] {
                    self.id.bits().to_be_bytes()
                }

                fn state(&self) -> &'static str {
                    let state: fn(&$name) -> &'static str = $state;
                    state(self)
                }
            }
        )+
    };
}

macro_rules! kept_by {
    ($name:ident, $row:path) => {
        impl Kept for $name {
            fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                <$row>::serialize(self, serializer)
            }

            fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <$row>::deserialize(deserializer)
            }
        }
    };
}

detailed!(
    AuthCode: auth_code::AuthCodeRow, "auth_codes", 640, |row| auth_code::state_name(&row.status);
    Link: link::LinkRow, "links", 1024, |row| row.status.name();
    Payment: payment::PaymentRow, "payments", 768, |row| row.status.name();
    AccountCreation: account_creation::AccountCreationRow, "account_creations", 1024,
        |row| row.status.name();
    Notification: notification::NotificationRow, "notifications", 1024,
        |row| row.status.name();
    Bill: bill::BillRow, "bills", 1024, |row| row.status.name();
    TopUp: deposit::TopUpRow, "top_ups", 256, |row| row.status.name();
    Invoice: invoice::InvoiceRow, "invoices", 512, |row| row.state_name();
    Refund: refund::RefundRow, "refunds", 640, |row| row.status.name();
    Ruling: ruling::RulingRow, "rulings", 4096, |row| row.status.name();
    SettlementFile: reconciliation::SettlementFileRow, "settlement_files", 640, |row| row.state_name();
    ReconciliationItem: reconciliation::ReconciliationItemRow, "reconciliation_items", 768, |row| row.state.name();
);
kept_by!(BillDue, bill::BillDueRow);
kept_by!(BillReceipt, bill::BillReceiptRow);
kept_by!(BillTask, task::BillTaskRow);
kept_by!(BillerAccess, merchant::BillerAccessRow);
kept_by!(Expectation, reconciliation::ExpectationRow);
kept_by!(Endpoint, endpoint::EndpointRow);
kept_by!(Exchange, exchange::ExchangeRow);
kept_by!(Hold, bill::HoldRow);
kept_by!(InvoiceBook, invoice::InvoiceBookRow);
kept_by!(InvoicePayment, invoice::InvoicePaymentRow);
kept_by!(ItemStep, reconciliation::ItemStepRow);
kept_by!(Merchant, merchant::MerchantRow);
kept_by!(RefundTask, refund::RefundTaskRow);
kept_by!(SentOrder, bill::SentOrderRow);
kept_by!(SettlementLine, reconciliation::SettlementLineRow);
kept_by!(Source, bill::SourceRow);
kept_by!(TaskKind, task::TaskKindRow);

/// Seals any kept value for its place.
pub(crate) fn seal_value<T: Kept>(
    vault: &Vault,
    table: &'static str,
    id: &[u8],
    value: &T,
    length_hint: usize,
) -> Result<Vec<u8>, StoreError> {
    vault.seal_with(table, id, length_hint, |buffer| {
        serde_json::to_writer(buffer, &Put(value))
            .map_err(|error| StoreError::BrokenRow { table, why: error.to_string() })
    })
}

/// Opens a kept value from its place.
pub(crate) fn open_value<T: Kept>(
    vault: &Vault,
    table: &'static str,
    id: &[u8],
    sealed: &[u8],
) -> Result<T, StoreError> {
    let text = vault.unseal(table, id, sealed).map_err(|error| broken(table, error.to_string()))?;
    match serde_json::from_slice::<Taken<T>>(&text) {
        Ok(taken) => Ok(taken.0),
        // Only where, never what: the message of a parser quotes the text.
        Err(error) => Err(broken(table, format!("the detail does not read at column {}", error.column()))),
    }
}

/// Seals a row's detail.
pub(crate) fn seal<T: Detailed>(vault: &Vault, row: &T) -> Result<Vec<u8>, StoreError> {
    seal_value(vault, T::TABLE, &row.id(), row, T::LENGTH_HINT)
}

/// Opens a row's detail and compares it with the columns beside it.
fn open<T: Detailed>(vault: &Vault, id: [u8; 16], state: &str, format: i64, sealed: &[u8]) -> Result<T, StoreError> {
    check_format(T::TABLE, format)?;
    let row: T = open_value(vault, T::TABLE, &id, sealed)?;
    if row.id() != id || row.state() != state {
        return Err(broken(T::TABLE, format!("the columns say {state}, the detail {}", row.state())));
    }
    Ok(row)
}

/// Seals what a task is to do.
pub(crate) fn seal_task(vault: &Vault, task: &Task) -> Result<Vec<u8>, StoreError> {
    let id = task.id.bits().to_be_bytes();
    seal_value(vault, "tasks", &id, &task.kind, 192)
}

/// Opens what a task is to do.
fn open_task(vault: &Vault, id: [u8; 16], format: i64, sealed: &[u8]) -> Result<TaskKind, StoreError> {
    check_format("tasks", format)?;
    open_value(vault, "tasks", &id, sealed)
}

/// Seals a merchant.
pub(crate) fn seal_merchant(vault: &Vault, merchant: &Merchant) -> Result<Vec<u8>, StoreError> {
    let place = merchant.code.as_str().as_bytes();
    seal_value(vault, "merchants", place, merchant, 2048)
}

/// Opens a merchant.
pub(crate) fn open_merchant(vault: &Vault, code: &str, format: i64, sealed: &[u8]) -> Result<Merchant, StoreError> {
    check_format("merchants", format)?;
    open_value(vault, "merchants", code.as_bytes(), sealed)
}

/// Seals a merchant's book of invoices.
pub(crate) fn seal_invoice_book(vault: &Vault, book: &InvoiceBook) -> Result<Vec<u8>, StoreError> {
    seal_value(vault, "invoice_books", book.merchant.as_str().as_bytes(), book, 256)
}

/// Opens a merchant's book of invoices.
pub(crate) fn open_invoice_book(
    vault: &Vault,
    merchant: &str,
    format: i64,
    sealed: &[u8],
) -> Result<InvoiceBook, StoreError> {
    check_format("invoice_books", format)?;
    open_value(vault, "invoice_books", merchant.as_bytes(), sealed)
}

/// What stands in a column for an order of a biller product: a customer's number is found and not read, like a phone
/// number. 16 bytes: whoever has no key cannot look for two orders that share them, and a row that is found tells its
/// own order.
pub(crate) fn order_index(vault: &Vault, merchant: &MerchantCode, product: &ProductCode, order_id: &str) -> [u8; 16] {
    let mut text = String::with_capacity(96);
    for part in [merchant.as_str(), product.as_str(), order_id] {
        text.push_str(part);
        text.push('\0');
    }
    let mut index = [0; 16];
    index.copy_from_slice(&vault.blind_index(&text)[..16]);
    index
}

/// The place of a call's answer: what makes the call unique.
fn request_place(key: &RequestKey) -> Vec<u8> {
    let mut place = Vec::with_capacity(96);
    place.extend_from_slice(&key.day.number().to_be_bytes());
    place.extend_from_slice(key.merchant.as_str().as_bytes());
    place.push(0);
    place.extend_from_slice(key.external_id.as_bytes());
    place
}

/// A call's columns as they stand in the table.
pub(crate) struct RequestColumns {
    pub(crate) key: RequestKey,
    pub(crate) id: [u8; 16],
    pub(crate) service: String,
    pub(crate) operation: String,
    pub(crate) partner_reference: Option<String>,
    pub(crate) digest: [u8; 32],
    pub(crate) received_at: i64,
    pub(crate) replay: bool,
    pub(crate) answer: Option<(u16, Vec<u8>)>,
}

impl RequestColumns {
    /// The call, with its answer opened.
    pub(crate) fn open(self, vault: &Vault) -> Result<Request, StoreError> {
        let known = |text: &str| intern(text).ok_or_else(|| broken("requests", "more names than our code ever wrote"));
        let open = |(status, sealed): (u16, Vec<u8>)| {
            let body = vault
                .unseal("requests", &request_place(&self.key), &sealed)
                .map_err(|error| broken("requests", error.to_string()))?;
            Ok::<_, StoreError>(StoredAnswer { status, body: body.to_vec() })
        };
        Ok(Request {
            id: RequestId::from_bits(u128::from_be_bytes(self.id)),
            service: ServiceCode(known(&self.service)?),
            operation: known(&self.operation)?,
            partner_reference: self.partner_reference,
            digest: Digest(self.digest),
            received_at: Instant::from_micros(self.received_at),
            replay: self.replay,
            answer: self.answer.map(open).transpose()?,
            key: self.key,
        })
    }
}

/// A detail's columns as they stand in the table.
pub(crate) struct DetailColumns {
    pub(crate) id: [u8; 16],
    pub(crate) state: String,
    pub(crate) format: i64,
    pub(crate) detail: Vec<u8>,
}

impl DetailColumns {
    /// The row.
    pub(crate) fn open<T: Detailed>(&self, vault: &Vault) -> Result<T, StoreError> {
        open(vault, self.id, &self.state, self.format, &self.detail)
    }
}

/// A task's columns as they stand in the table.
pub(crate) struct TaskColumns {
    pub(crate) id: [u8; 16],
    pub(crate) due_at: i64,
    pub(crate) attempts: u32,
    pub(crate) format: i64,
    pub(crate) detail: Vec<u8>,
}

impl TaskColumns {
    /// The task.
    pub(crate) fn open(&self, vault: &Vault) -> Result<Task, StoreError> {
        Ok(Task {
            id: TaskId::from_bits(u128::from_be_bytes(self.id)),
            kind: open_task(vault, self.id, self.format, &self.detail)?,
            due_at: Instant::from_micros(self.due_at),
            attempts: self.attempts,
        })
    }
}

/// Seals a call's answer.
pub(crate) fn seal_answer(vault: &Vault, key: &RequestKey, answer: &StoredAnswer) -> Result<Vec<u8>, StoreError> {
    Ok(vault.seal("requests", &request_place(key), &answer.body)?)
}

/// Seals a provider's notice.
pub(crate) fn seal_notice(vault: &Vault, notice: &ProviderNotice) -> Result<Vec<u8>, StoreError> {
    Ok(vault.seal("provider_notices", &notice_place(notice), &notice.raw)?)
}

/// The id of a provider's notice: what it is about, then the beginning of the digest of who says what. However often a
/// provider repeats it, it is one.
pub(crate) fn notice_id(notice: &ProviderNotice) -> [u8; 16] {
    let (about, event) = &notice.event;
    let mut text = digest::Context::new(&digest::SHA256);
    text.update(notice.connector.as_bytes());
    text.update(&[0]);
    text.update(event);
    let mut id = [0; 16];
    id[..8].copy_from_slice(about);
    id[8..].copy_from_slice(&text.finish().as_ref()[..8]);
    id
}

/// The place of a provider's notice: who sent it and when.
fn notice_place(notice: &ProviderNotice) -> Vec<u8> {
    let mut place = notice.received_at.micros().to_be_bytes().to_vec();
    place.extend_from_slice(notice.connector.as_bytes());
    place
}

fn check_format(table: &'static str, format: i64) -> Result<(), StoreError> {
    if format == FORMAT { Ok(()) } else { Err(broken(table, format!("it is in format {format}"))) }
}

/// The error of a row that breaks what the code believes.
pub(crate) fn broken(table: &'static str, why: impl Into<String>) -> StoreError {
    StoreError::BrokenRow { table, why: why.into() }
}

impl From<VaultError> for StoreError {
    fn from(error: VaultError) -> Self {
        Self::Statement { statement: "seal", source: Box::new(error) }
    }
}

#[cfg(test)]
mod tests {
    use ::ledger::{AccountName, Class, Entry, JournalId, JournalKind, Purpose};
    use calendar::{Instant, JakartaDay};
    use lifecycle::{
        BillId, Digest, MerchantCode, PaymentId, Reason, Secret,
        bill::BillStatus,
        biller::{Category, Price, Pricing, Quote},
        merchant::{Callbacks, LateSuccess, Mechanism, Strictness},
        payment::PaymentStatus,
    };
    use money::Amount;
    use proptest::prelude::*;

    use super::*;

    fn vault() -> Vault {
        Vault::new([3; 32], Box::new(|_| Ok(())))
    }

    fn payment(id: u128, text: &str, sen: i64, page: [u8; 32], at: i64) -> Payment {
        Payment {
            id: PaymentId::from_bits(id),
            merchant: MerchantCode::new(text),
            partner_reference: text.into(),
            request: RequestKey {
                merchant: MerchantCode::new(text),
                day: JakartaDay::from_number(20_240_314),
                external_id: text.into(),
            },
            amount: Amount::from_sen(sen).unwrap(),
            product: None,
            link: None,
            phone: Some(text.into()),
            return_url: None,
            page: Digest(page),
            page_token: Secret::new(text),
            created_at: Instant::from_micros(at),
            valid_until: Instant::from_micros(at),
            asker: Some(TaskId::from_bits(id)),
            provider: Some(text.into()),
            refunding: Amount::from_sen(sen).unwrap(),
            refunded: Amount::from_sen(sen).unwrap(),
            status: PaymentStatus::Failed {
                reason: Reason::MerchantDeclined(text.into()),
                at: Instant::from_micros(at),
            },
        }
    }

    fn bill(id: u128, text: &str, sen: i64, numbers: [u32; 2], at: i64) -> Bill {
        let amount = Amount::from_sen(sen).unwrap();
        let price = Price { admin_fee_sen: sen, admin_fee_bp: numbers[0], fee_sen: 0, margin_sen: -sen };
        let at = Instant::from_micros(at);
        Bill {
            id: BillId::from_bits(id),
            merchant: MerchantCode::new(text),
            product: ProductCode::new(text),
            category: Category::ALL[numbers[0] as usize % Category::ALL.len()],
            order_id: text.into(),
            additional: vec![(text.into(), text.into())],
            request: payment(id, text, sen, [0; 32], 1).request,
            pricing: Pricing::Denomination { face: amount, bill_amount: amount },
            price,
            admin_included: numbers[0].is_multiple_of(2),
            chosen: Some(amount),
            quote: Some(Quote { bill_amount: amount, admin_fee: amount, amount, fee: amount, margin: Amount::ZERO }),
            due: None,
            sources: vec![Source { connector: text.into(), sku: text.into() }],
            source: numbers[1] as usize,
            attempt: 255,
            inquired: numbers[1].is_multiple_of(2),
            payer: Some(AccountName::float("M", "kiosk")),
            hold: Some(Hold { account: AccountName::of(Class::MerchantDeposit, "M"), amount }),
            orders: vec![],
            asker: Some(TaskId::from_bits(id)),
            recent: vec![(amount, at)],
            created_at: at,
            status: BillStatus::Unknown { evidence: text.into(), sent_at: at, since: at, checks: numbers[1] },
        }
    }

    fn columns(entry: &Entry) -> EntryColumns {
        EntryColumns {
            account: entry.account.to_string(),
            sequence: sequence_column(entry.sequence),
            journal: entry.journal.0.to_be_bytes(),
            kind: entry.kind.name().into(),
            purpose: entry.purpose.name().into(),
            subject: entry.subject.to_be_bytes(),
            created_at: entry.at.micros(),
            change: entry.change,
            held_change: entry.held_change,
            balance: entry.balance,
            held: entry.held,
            digest: entry.digest,
        }
    }

    proptest! {
        #[test]
        fn whatever_is_written_of_a_bill_and_its_task_is_read_back(
            id: u128, text: String, sen in 0..i64::MAX, numbers: [u32; 2], at: i64,
        ) {
            let bill = bill(id, &text, sen, numbers, at);
            let sealed = seal(&vault(), &bill).unwrap();
            let read: Bill = open(&vault(), bill.id(), "unknown", FORMAT, &sealed).unwrap();
            prop_assert_eq!(&read, &bill);
            let about = BillTask {
                bill: bill.id,
                merchant: bill.merchant.clone(),
                payer: AccountName::of(Class::MerchantReceivable, "M"),
                connector: text,
                attempt: 7,
            };
            let kind = TaskKind::InquireBillPayment { bill: Box::new(about), recurring: numbers[0].is_multiple_of(2) };
            let task = Task { id: TaskId::from_bits(id), kind, due_at: bill.created_at, attempts: 1 };
            let read = open_task(&vault(), id.to_be_bytes(), FORMAT, &seal_task(&vault(), &task).unwrap()).unwrap();
            prop_assert_eq!(read, task.kind);
        }

        #[test]
        fn whatever_is_written_of_an_entry_is_read_back(
            merchant in "[A-Z]{1,20}", provider in "[a-z:]{1,9}", ids: [u128; 2], sequence in 1..i64::MAX as u64,
            numbers: [i64; 5], words: [u8; 2], digest: [u8; 32],
        ) {
            let entry = Entry {
                account: AccountName::float(merchant, provider),
                sequence,
                journal: JournalId(ids[0]),
                kind: JournalKind::ALL[words[0] as usize % JournalKind::ALL.len()],
                purpose: Purpose::ALL[words[1] as usize % Purpose::ALL.len()],
                subject: ids[1],
                at: Instant::from_micros(numbers[0]),
                change: numbers[1],
                held_change: numbers[2],
                balance: numbers[3],
                held: numbers[4],
                digest,
            };
            prop_assert_eq!(columns(&entry).open().unwrap(), entry);
        }

        #[test]
        fn whatever_is_written_is_read_back(
            id: u128, text: String, sen in 0..i64::MAX, page: [u8; 32], at: i64,
        ) {
            let payment = payment(id, &text, sen, page, at);
            let sealed = seal(&vault(), &payment).unwrap();
            let read: Payment = open(&vault(), payment.id(), "failed", FORMAT, &sealed).unwrap();
            prop_assert_eq!(read, payment);
        }
    }

    #[test]
    fn an_entry_that_is_not_of_this_ledger_is_named() {
        let books = || {
            let mut books = ::ledger::Books::default();
            let account = AccountName::of(Class::MerchantReceivable, "M");
            let limit = ::ledger::Limit::Credit(1);
            books
                .hold(&account, Amount::from_sen(1).unwrap(), limit, JournalId(1), 2, Instant::from_micros(3))
                .unwrap();
            columns(&books.into_changes().1[0])
        };
        assert!(books().open().is_ok());
        let check = |columns: EntryColumns, expected: &str| {
            let told = columns.open().unwrap_err().to_string();
            assert!(told.contains("ledger_entries") && told.contains(expected), "{told}");
        };
        check(EntryColumns { kind: "gift".into(), ..books() }, "no kind of ours");
        check(EntryColumns { purpose: "gift".into(), ..books() }, "no purpose of ours");
        check(EntryColumns { account: "receivable".into(), ..books() }, "names no account");
        check(EntryColumns { sequence: -1, ..books() }, "out of range");
    }

    /// What a gateway before the biller line wrote of a merchant.
    #[test]
    fn a_merchant_of_an_earlier_gateway_is_read() {
        let merchant = Merchant {
            code: MerchantCode::new("M"),
            alias: None,
            name: "Toko".into(),
            api_key: String::new(),
            products: vec![],
            public_keys: vec![],
            redirect_origins: vec![],
            allow_local_redirects: false,
            allowed_addresses: vec![],
            time_window_seconds: 300,
            replay: true,
            strictness: Strictness::Lenient,
            callbacks: Callbacks::default(),
            biller: None,
            late_success: LateSuccess::RefundDue,
            suspended: false,
        };
        let written = serde_json::to_string(&Put(&merchant)).unwrap();
        let earlier = written.replace(",\"low_balance_url\":null", "");
        assert!(!["low_balance", "biller", "late_success"].iter().any(|word| earlier.contains(word)), "{earlier}");
        let sealed = vault().seal("merchants", b"M", earlier.as_bytes()).unwrap();
        assert_eq!(open_merchant(&vault(), "M", FORMAT, &sealed).unwrap(), merchant);

        let mechanism = Mechanism::Deposit { low_balance: None };
        let biller = BillerAccess {
            sender_id: "S".into(),
            username: "u".into(),
            basic_password: Secret::new("b"),
            password: Secret::new("p"),
            keys: vec![],
            mechanism,
            products: None,
            prices: vec![],
        };
        let selling = Merchant { biller: Some(biller), ..merchant };
        let sealed = seal_merchant(&vault(), &selling).unwrap();
        assert_eq!(open_merchant(&vault(), "M", FORMAT, &sealed).unwrap(), selling);
    }

    #[test]
    fn what_does_not_read_is_named_without_being_quoted() {
        let id = 7u128.to_be_bytes();
        let check = |text: &str| {
            let sealed = vault().seal("payments", &id, text.as_bytes()).unwrap();
            let error = open::<Payment>(&vault(), id, "failed", FORMAT, &sealed).unwrap_err();
            assert!(matches!(error, StoreError::BrokenRow { table: "payments", .. }));
            let told = error.to_string();
            assert!(told.contains("does not read"), "{told}");
            assert!(!told.contains("hidden"), "{told}");
        };
        check(r#"{"id":"hidden"}"#);
        check(r#"{"page":"hidden"}"#);
        check(r#"{"amount":-1,"hidden":1}"#);
        check("hidden");
        check("");
        let written = payment(7, "x", 1, [0; 32], 1);
        let json = serde_json::to_string(&Put(&written)).unwrap();
        check(&json.replace("merchant_declined", "hidden"));
        check(&json.replace(&"0".repeat(64), &"é".repeat(32)));
        check(&json.replace("pay_", "link_"));
    }
}
