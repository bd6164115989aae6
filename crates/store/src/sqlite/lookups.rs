//! From a key to its row, the same for the writer and for readers.

use calendar::JakartaDay;
use ledger::{Account, AccountName, Entry};
use lifecycle::{
    Key, MerchantCode, ProductCode, Row,
    account_creation::AccountCreation,
    auth_code::AuthCode,
    bill::Bill,
    deposit::TopUp,
    endpoint::Endpoint,
    exchange::Exchange,
    invoice::Invoice,
    linkage::Link,
    notification::Notification,
    payment::Payment,
    reconciliation::{ReconciliationItem, SettlementFile},
    refund::Refund,
    request::RequestKey,
    ruling::Ruling,
    task::Task,
};
use rusqlite::{Connection, Params, params};

use super::statements::{self as sql, Statement};
use crate::{
    StoreError, Vault,
    rows::{
        self, AccountColumns, DetailColumns, Detailed, EndpointColumns, EntryColumns, ExchangeColumns, RequestColumns,
        TaskColumns,
    },
};

/// Where rows are looked up.
#[derive(Clone, Copy)]
pub(super) struct Lookup<'a> {
    pub(super) connection: &'a Connection,
    pub(super) vault: &'a Vault,
}

impl Lookup<'_> {
    /// The row of a key.
    pub(super) fn row(self, key: &Key) -> Result<Option<Row>, StoreError> {
        match key {
            Key::Request(key) => {
                self.request(sql::REQUEST_BY_KEY, params![key.day.number(), key.merchant.as_str(), key.external_id])
            }
            Key::Reference(merchant, service, reference) => {
                self.request(sql::REQUEST_BY_REFERENCE, params![merchant.as_str(), service.0, reference])
            }
            Key::AuthCode(id) => self.one::<AuthCode>(sql::AUTH_CODE_BY_ID, [id_bytes(id.bits())]),
            Key::AuthCodeByCode(code) => self.one::<AuthCode>(sql::AUTH_CODE_BY_CODE, [code.0]),
            Key::AuthCodeByPage(page) => self.one::<AuthCode>(sql::AUTH_CODE_BY_PAGE, [page.0]),
            Key::Link(id) => self.one::<Link>(sql::LINK_BY_ID, [id_bytes(id.bits())]),
            Key::LinkByAccountToken(token) => self.one::<Link>(sql::LINK_BY_ACCOUNT_TOKEN, [token.0]),
            Key::LinkByCardToken(token) => self.one::<Link>(sql::LINK_BY_CARD_TOKEN, [token.0]),
            Key::LinkByPage(page) => self.one::<Link>(sql::LINK_BY_PAGE, [page.0]),
            Key::LinkByPhone(merchant, product, phone) => {
                self.one::<Link>(sql::LINK_BY_PHONE, params![merchant.as_str(), product.as_str(), self.index(phone)])
            }
            Key::Payment(id) => self.one::<Payment>(sql::PAYMENT_BY_ID, [id_bytes(id.bits())]),
            Key::PaymentByPage(page) => self.one::<Payment>(sql::PAYMENT_BY_PAGE, [page.0]),
            Key::PaymentByReference(merchant, reference) => {
                self.one::<Payment>(sql::PAYMENT_BY_REFERENCE, params![merchant.as_str(), reference])
            }
            Key::AccountCreation(id) => self.one::<AccountCreation>(sql::ACCOUNT_CREATION_BY_ID, [id_bytes(id.bits())]),
            Key::AccountCreationByPage(page) => self.one::<AccountCreation>(sql::ACCOUNT_CREATION_BY_PAGE, [page.0]),
            Key::AccountCreationByPhone(merchant, product, phone) => self.one::<AccountCreation>(
                sql::ACCOUNT_CREATION_BY_PHONE,
                params![merchant.as_str(), product.as_str(), self.index(phone)],
            ),
            Key::Notification(id) => self.one::<Notification>(sql::NOTIFICATION_BY_ID, [id_bytes(id.bits())]),
            Key::Bill(id) => self.one::<Bill>(sql::BILL_BY_ID, [id_bytes(id.bits())]),
            Key::BillByOrder(merchant, product, order_id) => {
                self.one::<Bill>(sql::BILL_BY_ORDER, [self.order_index(merchant, product, order_id)])
            }
            Key::BillTaken(merchant, product, order_id) => {
                self.one::<Bill>(sql::BILL_BY_ORDER_TAKEN, [self.order_index(merchant, product, order_id)])
            }
            Key::Account(name) => self.account(name),
            Key::TopUp(id) => self.one::<TopUp>(sql::TOP_UP_BY_ID, [id_bytes(id.bits())]),
            Key::TopUpByReference(merchant, reference) => {
                self.one::<TopUp>(sql::TOP_UP_BY_REFERENCE, params![merchant.as_str(), reference])
            }
            Key::Invoice(id) => self.one::<Invoice>(sql::INVOICE_BY_ID, [id_bytes(id.bits())]),
            Key::InvoiceBook(merchant) => self.invoice_book(merchant),
            Key::Refund(id) => self.one::<Refund>(sql::REFUND_BY_ID, [id_bytes(id.bits())]),
            Key::RefundByReference(merchant, kind, reference) => {
                self.one::<Refund>(sql::REFUND_BY_REFERENCE, params![merchant.as_str(), kind.name(), reference])
            }
            Key::Ruling(id) => self.one::<Ruling>(sql::RULING_BY_ID, [id_bytes(id.bits())]),
            Key::RulingOpen(about) => self.one::<Ruling>(sql::RULING_BY_CASE, [id_bytes(*about)]),
            Key::Endpoint(merchant, kind) => {
                let found = self.endpoints(sql::ENDPOINT_BY_KEY, params![merchant.as_str(), kind.name()])?;
                Ok(found.into_iter().next().map(Row::from))
            }
            Key::SettlementFile(id) => self.one::<SettlementFile>(sql::SETTLEMENT_FILE_BY_ID, [id_bytes(id.bits())]),
            Key::ReconciliationItem(id) => {
                self.one::<ReconciliationItem>(sql::RECONCILIATION_ITEM_BY_ID, [id_bytes(id.bits())])
            }
            Key::ReconciliationClaim(provider, claim) => {
                self.one::<ReconciliationItem>(sql::RECONCILIATION_ITEM_BY_CLAIM, [provider, claim])
            }
        }
    }

    fn one<T>(self, statement: Statement, params: impl Params) -> Result<Option<Row>, StoreError>
    where
        T: Detailed,
        Row: From<T>,
    {
        let columns = statement.first(self.connection, params, detail_columns)?;
        columns.map(|columns| columns.open::<T>(self.vault).map(Row::from)).transpose()
    }

    /// Every row of a statement that gives details.
    pub(super) fn many<T: Detailed>(self, statement: Statement, params: impl Params) -> Result<Vec<T>, StoreError> {
        let found = statement.all(self.connection, params, detail_columns)?;
        found.into_iter().map(|columns| columns.open(self.vault)).collect()
    }

    /// Every task of a statement that gives tasks.
    pub(super) fn tasks(self, statement: Statement, params: impl Params) -> Result<Vec<Task>, StoreError> {
        let found = statement.all(self.connection, params, |row| {
            Ok(TaskColumns {
                id: row.get(0)?,
                due_at: row.get(1)?,
                attempts: row.get(2)?,
                format: row.get(3)?,
                detail: row.get(4)?,
            })
        })?;
        found.into_iter().map(|columns| columns.open(self.vault)).collect()
    }

    fn account(self, name: &AccountName) -> Result<Option<Row>, StoreError> {
        let found = self.accounts(sql::ACCOUNT_BY_NAME, [name.to_string()])?;
        Ok(found.into_iter().next().map(Row::from))
    }

    /// Every account of a statement that gives accounts.
    pub(super) fn accounts(self, statement: Statement, params: impl Params) -> Result<Vec<Account>, StoreError> {
        let found = statement.all(self.connection, params, |row| {
            Ok(AccountColumns {
                name: row.get(0)?,
                balance: row.get(1)?,
                held: row.get(2)?,
                sequence: row.get(3)?,
                digest: row.get(4)?,
            })
        })?;
        found.into_iter().map(AccountColumns::open).collect()
    }

    /// Every entry of a statement that gives entries.
    pub(super) fn entries(self, statement: Statement, params: impl Params) -> Result<Vec<Entry>, StoreError> {
        let found = statement.all(self.connection, params, |row| {
            Ok(EntryColumns {
                account: row.get(0)?,
                sequence: row.get(1)?,
                journal: row.get(2)?,
                kind: row.get(3)?,
                purpose: row.get(4)?,
                subject: row.get(5)?,
                created_at: row.get(6)?,
                change: row.get(7)?,
                held_change: row.get(8)?,
                balance: row.get(9)?,
                held: row.get(10)?,
                digest: row.get(11)?,
            })
        })?;
        found.into_iter().map(EntryColumns::open).collect()
    }

    fn invoice_book(self, merchant: &MerchantCode) -> Result<Option<Row>, StoreError> {
        let found: Option<(String, i64, Vec<u8>)> =
            sql::INVOICE_BOOK_BY_MERCHANT
                .first(self.connection, [merchant.as_str()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let open = |(merchant, format, detail): (String, i64, Vec<u8>)| {
            rows::open_invoice_book(self.vault, &merchant, format, &detail)
        };
        Ok(found.map(open).transpose()?.map(Row::from))
    }

    /// Every endpoint of a statement that gives endpoints.
    pub(super) fn endpoints(self, statement: Statement, params: impl Params) -> Result<Vec<Endpoint>, StoreError> {
        let found = statement.all(self.connection, params, |row| {
            Ok(EndpointColumns {
                merchant: row.get(0)?,
                kind: row.get(1)?,
                state: row.get(2)?,
                format: row.get(3)?,
                detail: row.get(4)?,
            })
        })?;
        found.into_iter().map(|columns| columns.open(self.vault)).collect()
    }

    /// Every exchange of a statement that gives exchanges.
    pub(super) fn exchanges(self, statement: Statement, params: impl Params) -> Result<Vec<Exchange>, StoreError> {
        let found = statement.all(self.connection, params, |row| {
            Ok(ExchangeColumns { id: row.get(0)?, format: row.get(1)?, detail: row.get(2)? })
        })?;
        found.into_iter().map(|columns| columns.open(self.vault)).collect()
    }

    /// Every row of a statement that gives details, as a row of any kind.
    pub(super) fn rows<T>(self, statement: Statement, params: impl Params) -> Result<Vec<Row>, StoreError>
    where
        T: Detailed,
        Row: From<T>,
    {
        Ok(self.many::<T>(statement, params)?.into_iter().map(Row::from).collect())
    }

    fn order_index(self, merchant: &MerchantCode, product: &ProductCode, order_id: &str) -> [u8; 16] {
        rows::order_index(self.vault, merchant, product, order_id)
    }

    fn index(self, phone: &str) -> [u8; 32] {
        self.vault.blind_index(phone)
    }

    fn request(self, statement: Statement, params: impl Params) -> Result<Option<Row>, StoreError> {
        let found = statement.first(self.connection, params, request_columns)?;
        found.map(|columns| columns.open(self.vault).map(Row::from)).transpose()
    }
}

/// A row's primary key as it stands in a column; its order is the order of the ids.
pub(super) fn id_bytes(bits: u128) -> [u8; 16] {
    bits.to_be_bytes()
}

fn detail_columns(row: &rusqlite::Row<'_>) -> rusqlite::Result<DetailColumns> {
    Ok(DetailColumns { id: row.get(0)?, state: row.get(1)?, format: row.get(2)?, detail: row.get(3)? })
}

fn request_columns(row: &rusqlite::Row<'_>) -> rusqlite::Result<RequestColumns> {
    let status: Option<u16> = row.get(10)?;
    let body: Option<Vec<u8>> = row.get(11)?;
    Ok(RequestColumns {
        key: RequestKey {
            day: JakartaDay::from_number(row.get(0)?),
            merchant: MerchantCode::new(row.get::<_, String>(1)?),
            external_id: row.get(2)?,
        },
        id: row.get(3)?,
        service: row.get(4)?,
        operation: row.get(5)?,
        partner_reference: row.get(6)?,
        digest: row.get(7)?,
        received_at: row.get(8)?,
        replay: row.get(9)?,
        answer: status.zip(body),
    })
}
