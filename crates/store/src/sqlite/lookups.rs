//! From a key to its row, the same for the writer and for readers.

use calendar::JakartaDay;
use lifecycle::{
    Key, MerchantCode, Row, account_creation::AccountCreation, auth_code::AuthCode, linkage::Link,
    notification::Notification, payment::Payment, request::RequestKey, task::Task,
};
use rusqlite::{Connection, Params, params};

use super::statements::{self as sql, Statement};
use crate::{
    StoreError, Vault,
    rows::{DetailColumns, Detailed, RequestColumns, TaskColumns},
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
