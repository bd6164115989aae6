//! From a key to its row, the same for the writer and for readers.

use calendar::{Instant, JakartaDay};
use lifecycle::{
    Digest, Key, MerchantCode, RequestId, Row, TaskId,
    account_creation::AccountCreation,
    auth_code::AuthCode,
    linkage::Link,
    notification::Notification,
    payment::Payment,
    request::{Request, RequestKey, ServiceCode, StoredAnswer},
    task::Task,
};
use rusqlite::{Connection, Params, params};

use super::statements::{self as sql, Statement};
use crate::{
    StoreError, Vault,
    intern::intern,
    rows::{self, Detailed, broken},
};

/// Where rows are looked up.
#[derive(Clone, Copy)]
pub(super) struct Lookup<'a> {
    pub(super) connection: &'a Connection,
    pub(super) vault: &'a Vault,
}

/// A detail's columns as they stand in the table.
pub(super) struct Columns {
    id: [u8; 16],
    state: String,
    format: i64,
    detail: Vec<u8>,
}

/// A task's columns as they stand in the table.
struct TaskColumns {
    id: [u8; 16],
    due_at: i64,
    attempts: u32,
    format: i64,
    detail: Vec<u8>,
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
        columns.map(|columns| self.open::<T>(columns).map(Row::from)).transpose()
    }

    /// Every row of a statement that gives details.
    pub(super) fn many<T: Detailed>(self, statement: Statement, params: impl Params) -> Result<Vec<T>, StoreError> {
        let found = statement.all(self.connection, params, detail_columns)?;
        found.into_iter().map(|columns| self.open(columns)).collect()
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
        found.into_iter().map(|columns| self.open_task(&columns)).collect()
    }

    fn open<T: Detailed>(self, columns: Columns) -> Result<T, StoreError> {
        rows::open(self.vault, columns.id, &columns.state, columns.format, &columns.detail)
    }

    fn open_task(self, columns: &TaskColumns) -> Result<Task, StoreError> {
        Ok(Task {
            id: TaskId::from_bits(u128::from_be_bytes(columns.id)),
            kind: rows::open_task(self.vault, columns.id, columns.format, &columns.detail)?,
            due_at: Instant::from_micros(columns.due_at),
            attempts: columns.attempts,
        })
    }

    fn index(self, phone: &str) -> [u8; 32] {
        self.vault.blind_index(phone)
    }

    fn request(self, statement: Statement, params: impl Params) -> Result<Option<Row>, StoreError> {
        let found = statement.first(self.connection, params, request_columns)?;
        let Some((mut request, service, operation, answer)) = found else {
            return Ok(None);
        };
        let known = |text: &str| intern(text).ok_or_else(|| broken("requests", "more names than our code ever wrote"));
        request.service = ServiceCode(known(&service)?);
        request.operation = known(&operation)?;
        if let (Some(status), Some(sealed)) = answer {
            let body = self
                .vault
                .unseal("requests", &rows::request_place(&request.key), &sealed)
                .map_err(|error| broken("requests", error.to_string()))?;
            request.answer = Some(StoredAnswer { status, body: body.to_vec() });
        }
        Ok(Some(request.into()))
    }
}

/// A row's primary key as it stands in a column; its order is the order of the ids.
pub(super) fn id_bytes(bits: u128) -> [u8; 16] {
    bits.to_be_bytes()
}

fn detail_columns(row: &rusqlite::Row<'_>) -> rusqlite::Result<Columns> {
    Ok(Columns { id: row.get(0)?, state: row.get(1)?, format: row.get(2)?, detail: row.get(3)? })
}

type Answered = (Option<u16>, Option<Vec<u8>>);

/// The call, its service and operation still to be named, and its answer still sealed.
fn request_columns(row: &rusqlite::Row<'_>) -> rusqlite::Result<(Request, String, String, Answered)> {
    let request = Request {
        key: RequestKey {
            day: JakartaDay::from_number(row.get(0)?),
            merchant: MerchantCode::new(row.get::<_, String>(1)?),
            external_id: row.get(2)?,
        },
        id: RequestId::from_bits(u128::from_be_bytes(row.get(3)?)),
        service: ServiceCode(""),
        operation: "",
        partner_reference: row.get(6)?,
        digest: Digest(row.get(7)?),
        received_at: Instant::from_micros(row.get(8)?),
        replay: row.get(9)?,
        answer: None,
    };
    Ok((request, row.get(4)?, row.get(5)?, (row.get(10)?, row.get(11)?)))
}
