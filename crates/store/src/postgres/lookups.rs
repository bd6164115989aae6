//! From keys to their rows: the keys sorted out into one statement per table, the rows found handed back to the keys
//! that lead to them.

use std::collections::HashMap;

use calendar::JakartaDay;
use ledger::{Account, Entry};
use lifecycle::{
    Key, MerchantCode, Row as Kept,
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
use tokio_postgres::{
    Row,
    types::{FromSql, ToSql},
};
use uuid::Uuid;

use super::{
    line::{Bound, Param},
    statements::{self as sql, Statement},
};
use crate::{
    StoreError, Vault,
    rows::{
        self, AccountColumns, DetailColumns, Detailed, EndpointColumns, EntryColumns, ExchangeColumns, RequestColumns,
        TaskColumns, broken,
    },
};

/// Whether rows are locked until the transaction ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Hold {
    /// Nobody else changes them meanwhile.
    Locked,
    /// Only looked at.
    Read,
}

/// How the rows of one statement are opened.
type Open = fn(&Vault, &Row) -> Result<Kept, StoreError>;

/// The statements that find the rows of some keys.
pub(super) struct Lookup<'k> {
    pub(super) flight: Vec<Bound<'k>>,
    open: Vec<Open>,
}

/// The keys of every table, one list per column.
#[derive(Default)]
struct Columns<'k> {
    requests: (Vec<i64>, Vec<&'k str>, Vec<&'k str>),
    references: (Vec<&'k str>, Vec<&'k str>, Vec<&'k str>),
    auth_codes: (Vec<Uuid>, Vec<&'k [u8]>, Vec<&'k [u8]>),
    links: Links<'k>,
    links_by_phone: ByPhone<'k>,
    payments: (Vec<Uuid>, Vec<&'k [u8]>),
    payments_by_reference: (Vec<&'k str>, Vec<&'k str>),
    creations: (Vec<Uuid>, Vec<&'k [u8]>),
    creations_by_phone: ByPhone<'k>,
    notifications: Vec<Uuid>,
    bills: Bills,
    accounts: Vec<String>,
    top_ups: (Vec<Uuid>, Vec<&'k str>, Vec<&'k str>),
    invoices: Vec<Uuid>,
    invoice_books: Vec<&'k str>,
    settlement_files: Vec<Uuid>,
    reconciliation_items: (Vec<Uuid>, Vec<&'k str>, Vec<&'k str>),
    refunds: Refunds<'k>,
    rulings: (Vec<Uuid>, Vec<Uuid>),
    endpoints: (Vec<&'k str>, Vec<&'k str>),
}

/// By id; by merchant, kind and reference.
#[derive(Default)]
struct Refunds<'k>(Vec<Uuid>, Vec<&'k str>, Vec<&'k str>, Vec<&'k str>);

/// By id, order, and order that was taken.
#[derive(Default)]
struct Bills(Vec<Uuid>, Vec<Uuid>, Vec<Uuid>);

/// By id, account token, card token, page.
#[derive(Default)]
struct Links<'k>(Vec<Uuid>, Vec<&'k [u8]>, Vec<&'k [u8]>, Vec<&'k [u8]>);

/// By merchant, product, and a number's blind index.
#[derive(Default)]
struct ByPhone<'k>(Vec<&'k str>, Vec<&'k str>, Vec<Vec<u8>>);

impl<'k> ByPhone<'k> {
    fn push(&mut self, merchant: &'k str, product: &'k str, index: [u8; 32]) {
        self.0.push(merchant);
        self.1.push(product);
        self.2.push(index.to_vec());
    }
}

impl<'k> Lookup<'k> {
    /// The statements for these keys; none when there are no keys.
    pub(super) fn of(keys: &'k [Key], hold: Hold, vault: &Vault) -> Self {
        let mut columns = Columns::default();
        for key in keys {
            columns.add(key, vault);
        }
        columns.bind(hold)
    }

    /// The row of every key, in the order of the keys, from the answers to the statements.
    pub(super) fn rows(
        &self,
        keys: &[Key],
        answers: &[Vec<Row>],
        vault: &Vault,
    ) -> Result<Vec<Option<Kept>>, StoreError> {
        if keys.is_empty() {
            return Ok(vec![]);
        }
        let mut by_key: HashMap<Key, usize> = HashMap::new();
        let mut found = vec![];
        for (open, rows) in self.open.iter().zip(answers) {
            for row in rows {
                let row = open(vault, row)?;
                // In the order of ids, so that the last under a phone number is the newest.
                by_key.extend(row.keys().into_iter().map(|key| (key, found.len())));
                found.push(row);
            }
        }
        Ok(keys.iter().map(|key| by_key.get(key).map(|&place| found[place].clone())).collect())
    }

    fn push(&mut self, used: bool, hold: Hold, statements: [Statement; 2], open: Open, params: Vec<Param<'k>>) {
        if used {
            let [locked, read] = statements;
            self.flight.push(if hold == Hold::Locked { locked } else { read }.with(params));
            self.open.push(open);
        }
    }
}

impl<'k> Columns<'k> {
    fn add(&mut self, key: &'k Key, vault: &Vault) {
        match key {
            Key::Request(key) => {
                self.requests.0.push(i64::from(key.day.number()));
                self.requests.1.push(key.merchant.as_str());
                self.requests.2.push(&key.external_id);
            }
            Key::Reference(merchant, service, reference) => {
                self.references.0.push(merchant.as_str());
                self.references.1.push(service.0);
                self.references.2.push(reference);
            }
            Key::AuthCode(id) => self.auth_codes.0.push(Uuid::from_u128(id.bits())),
            Key::AuthCodeByCode(code) => self.auth_codes.1.push(&code.0),
            Key::AuthCodeByPage(page) => self.auth_codes.2.push(&page.0),
            Key::Link(id) => self.links.0.push(Uuid::from_u128(id.bits())),
            Key::LinkByAccountToken(token) => self.links.1.push(&token.0),
            Key::LinkByCardToken(token) => self.links.2.push(&token.0),
            Key::LinkByPage(page) => self.links.3.push(&page.0),
            Key::LinkByPhone(merchant, product, phone) => {
                self.links_by_phone.push(merchant.as_str(), product.as_str(), vault.blind_index(phone));
            }
            Key::Payment(id) => self.payments.0.push(Uuid::from_u128(id.bits())),
            Key::PaymentByPage(page) => self.payments.1.push(&page.0),
            Key::PaymentByReference(merchant, reference) => {
                self.payments_by_reference.0.push(merchant.as_str());
                self.payments_by_reference.1.push(reference);
            }
            Key::AccountCreation(id) => self.creations.0.push(Uuid::from_u128(id.bits())),
            Key::AccountCreationByPage(page) => self.creations.1.push(&page.0),
            Key::AccountCreationByPhone(merchant, product, phone) => {
                self.creations_by_phone.push(merchant.as_str(), product.as_str(), vault.blind_index(phone));
            }
            Key::Notification(id) => self.notifications.push(Uuid::from_u128(id.bits())),
            Key::Bill(id) => self.bills.0.push(Uuid::from_u128(id.bits())),
            Key::BillByOrder(merchant, product, order_id) => {
                self.bills.1.push(Uuid::from_bytes(rows::order_index(vault, merchant, product, order_id)));
            }
            Key::BillTaken(merchant, product, order_id) => {
                self.bills.2.push(Uuid::from_bytes(rows::order_index(vault, merchant, product, order_id)));
            }
            Key::Account(name) => self.accounts.push(name.to_string()),
            Key::TopUp(id) => self.top_ups.0.push(Uuid::from_u128(id.bits())),
            Key::TopUpByReference(merchant, reference) => {
                self.top_ups.1.push(merchant.as_str());
                self.top_ups.2.push(reference);
            }
            Key::Invoice(id) => self.invoices.push(Uuid::from_u128(id.bits())),
            Key::InvoiceBook(merchant) => self.invoice_books.push(merchant.as_str()),
            Key::Refund(id) => self.refunds.0.push(Uuid::from_u128(id.bits())),
            Key::RefundByReference(merchant, kind, reference) => {
                self.refunds.1.push(merchant.as_str());
                self.refunds.2.push(kind.name());
                self.refunds.3.push(reference);
            }
            Key::Ruling(id) => self.rulings.0.push(Uuid::from_u128(id.bits())),
            Key::RulingOpen(about) => self.rulings.1.push(Uuid::from_u128(*about)),
            Key::Endpoint(merchant, kind) => {
                self.endpoints.0.push(merchant.as_str());
                self.endpoints.1.push(kind.name());
            }
            Key::SettlementFile(id) => self.settlement_files.push(Uuid::from_u128(id.bits())),
            Key::ReconciliationItem(id) => self.reconciliation_items.0.push(Uuid::from_u128(id.bits())),
            Key::ReconciliationClaim(provider, claim) => {
                self.reconciliation_items.1.push(provider);
                self.reconciliation_items.2.push(claim);
            }
        }
    }

    fn bind(mut self, hold: Hold) -> Lookup<'k> {
        let mut lookup = Lookup { flight: vec![], open: vec![] };
        self.bind_accounts(&mut lookup, hold);
        self.bind_bills(&mut lookup, hold);
        self.bind_reconciliation(&mut lookup, hold);
        self.bind_cases(&mut lookup, hold);
        let ((days, merchants, external_ids), (r_merchants, services, references)) = (self.requests, self.references);
        let used = !days.is_empty() || !references.is_empty();
        let params =
            params([put(days), put(merchants), put(external_ids), put(r_merchants), put(services), put(references)]);
        lookup.push(used, hold, [sql::REQUESTS_LOCK, sql::REQUESTS_READ], open_request, params);

        let (ids, codes, pages) = self.auth_codes;
        let used = !ids.is_empty() || !codes.is_empty() || !pages.is_empty();
        let statements = [sql::AUTH_CODES_LOCK, sql::AUTH_CODES_READ];
        lookup.push(used, hold, statements, open::<AuthCode>, self::params([put(ids), put(codes), put(pages)]));

        let Links(ids, account_tokens, card_tokens, pages) = self.links;
        let ByPhone(merchants, products, phones) = self.links_by_phone;
        let used = [account_tokens.len(), card_tokens.len(), pages.len(), phones.len(), ids.len()] != [0; 5];
        let params = self::params([
            put(ids),
            put(account_tokens),
            put(card_tokens),
            put(pages),
            put(merchants),
            put(products),
            put(phones),
        ]);
        lookup.push(used, hold, [sql::LINKS_LOCK, sql::LINKS_READ], open::<Link>, params);

        let ((ids, pages), (merchants, references)) = (self.payments, self.payments_by_reference);
        let used = !ids.is_empty() || !pages.is_empty() || !references.is_empty();
        let params = self::params([put(ids), put(pages), put(merchants), put(references)]);
        lookup.push(used, hold, [sql::PAYMENTS_LOCK, sql::PAYMENTS_READ], open::<Payment>, params);

        let (ids, pages) = self.creations;
        let ByPhone(merchants, products, phones) = self.creations_by_phone;
        let used = !ids.is_empty() || !pages.is_empty() || !phones.is_empty();
        let params = self::params([put(ids), put(pages), put(merchants), put(products), put(phones)]);
        let statements = [sql::ACCOUNT_CREATIONS_LOCK, sql::ACCOUNT_CREATIONS_READ];
        lookup.push(used, hold, statements, open::<AccountCreation>, params);

        let statements = [sql::NOTIFICATIONS_LOCK, sql::NOTIFICATIONS_READ];
        let used = !self.notifications.is_empty();
        lookup.push(used, hold, statements, open::<Notification>, self::params([put(self.notifications)]));
        lookup
    }
}

impl<'k> Columns<'k> {
    /// The accounts come before everything else: whoever waits for a merchant's account reads the rest afterwards, as
    /// the batch that held the account left it. So "no bill of this order was taken" stays true until the commit of
    /// whoever takes money for one.
    fn bind_accounts(&mut self, lookup: &mut Lookup<'k>, hold: Hold) {
        let names = std::mem::take(&mut self.accounts);
        let statements = [sql::ACCOUNTS_LOCK, sql::ACCOUNTS_READ];
        lookup.push(!names.is_empty(), hold, statements, open_account_row, params([put(names)]));
    }

    fn bind_bills(&mut self, lookup: &mut Lookup<'k>, hold: Hold) {
        let Bills(ids, orders, taken) = std::mem::take(&mut self.bills);
        let used = !ids.is_empty() || !orders.is_empty() || !taken.is_empty();
        let statements = [sql::BILLS_LOCK, sql::BILLS_READ];
        lookup.push(used, hold, statements, open::<Bill>, params([put(ids), put(orders), put(taken)]));

        let (ids, merchants, references) = std::mem::take(&mut self.top_ups);
        let used = !ids.is_empty() || !references.is_empty();
        let statements = [sql::TOP_UPS_LOCK, sql::TOP_UPS_READ];
        lookup.push(used, hold, statements, open::<TopUp>, params([put(ids), put(merchants), put(references)]));

        let ids = std::mem::take(&mut self.invoices);
        let statements = [sql::INVOICES_LOCK, sql::INVOICES_READ];
        lookup.push(!ids.is_empty(), hold, statements, open::<Invoice>, params([put(ids)]));

        let merchants = std::mem::take(&mut self.invoice_books);
        let statements = [sql::INVOICE_BOOKS_LOCK, sql::INVOICE_BOOKS_READ];
        lookup.push(!merchants.is_empty(), hold, statements, open_invoice_book, params([put(merchants)]));
    }

    fn bind_reconciliation(&mut self, lookup: &mut Lookup<'k>, hold: Hold) {
        let ids = std::mem::take(&mut self.settlement_files);
        let statements = [sql::SETTLEMENT_FILES_LOCK, sql::SETTLEMENT_FILES_READ];
        lookup.push(!ids.is_empty(), hold, statements, open::<SettlementFile>, params([put(ids)]));

        let (ids, providers, claims) = std::mem::take(&mut self.reconciliation_items);
        let used = !ids.is_empty() || !claims.is_empty();
        let statements = [sql::RECONCILIATION_ITEMS_LOCK, sql::RECONCILIATION_ITEMS_READ];
        let params = params([put(ids), put(providers), put(claims)]);
        lookup.push(used, hold, statements, open::<ReconciliationItem>, params);
    }
}

impl<'k> Columns<'k> {
    fn bind_cases(&mut self, lookup: &mut Lookup<'k>, hold: Hold) {
        let Refunds(ids, merchants, kinds, references) = std::mem::take(&mut self.refunds);
        let used = !ids.is_empty() || !references.is_empty();
        let params = params([put(ids), put(merchants), put(kinds), put(references)]);
        lookup.push(used, hold, [sql::REFUNDS_LOCK, sql::REFUNDS_READ], open::<Refund>, params);

        let (ids, about) = std::mem::take(&mut self.rulings);
        let used = !ids.is_empty() || !about.is_empty();
        let params = self::params([put(ids), put(about)]);
        lookup.push(used, hold, [sql::RULINGS_LOCK, sql::RULINGS_READ], open::<Ruling>, params);

        let (merchants, kinds) = std::mem::take(&mut self.endpoints);
        let used = !merchants.is_empty();
        let params = self::params([put(merchants), put(kinds)]);
        lookup.push(used, hold, [sql::ENDPOINTS_LOCK, sql::ENDPOINTS_READ], open_endpoint_row, params);
    }
}

/// A parameter.
pub(super) fn put<'p, T: ToSql + Sync + Send + 'p>(value: T) -> Param<'p> {
    Box::new(value)
}

fn params<'p, const N: usize>(params: [Param<'p>; N]) -> Vec<Param<'p>> {
    params.into()
}

/// A column's value; a value of another type is a row that does not make sense.
pub(super) fn take<'r, T: FromSql<'r>>(table: &'static str, row: &'r Row, column: usize) -> Result<T, StoreError> {
    row.try_get(column).map_err(|error| broken(table, error.to_string()))
}

fn open<T>(vault: &Vault, row: &Row) -> Result<Kept, StoreError>
where
    T: Detailed,
    Kept: From<T>,
{
    open_detail::<T>(vault, row).map(Kept::from)
}

/// A row kept as columns and a detail.
pub(super) fn open_detail<T: Detailed>(vault: &Vault, row: &Row) -> Result<T, StoreError> {
    let columns = DetailColumns {
        id: take::<Uuid>(T::TABLE, row, 0)?.into_bytes(),
        state: take(T::TABLE, row, 1)?,
        format: take(T::TABLE, row, 2)?,
        detail: take(T::TABLE, row, 3)?,
    };
    columns.open(vault)
}

/// A task.
pub(super) fn open_task(vault: &Vault, row: &Row) -> Result<Task, StoreError> {
    let table = "tasks";
    let attempts: i64 = take(table, row, 2)?;
    let columns = TaskColumns {
        id: take::<Uuid>(table, row, 0)?.into_bytes(),
        due_at: take(table, row, 1)?,
        attempts: u32::try_from(attempts).map_err(|error| broken(table, error.to_string()))?,
        format: take(table, row, 3)?,
        detail: take(table, row, 4)?,
    };
    columns.open(vault)
}

/// An account of the ledger.
pub(super) fn open_account(row: &Row) -> Result<Account, StoreError> {
    let table = "ledger_accounts";
    let columns = AccountColumns {
        name: take(table, row, 0)?,
        balance: take(table, row, 1)?,
        held: take(table, row, 2)?,
        sequence: take(table, row, 3)?,
        digest: take_digest(table, row, 4)?,
    };
    columns.open()
}

/// An endpoint.
pub(super) fn open_endpoint(vault: &Vault, row: &Row) -> Result<Endpoint, StoreError> {
    let table = "endpoints";
    let columns = EndpointColumns {
        merchant: take(table, row, 0)?,
        kind: take(table, row, 1)?,
        state: take(table, row, 2)?,
        format: take(table, row, 3)?,
        detail: take(table, row, 4)?,
    };
    columns.open(vault)
}

fn open_endpoint_row(vault: &Vault, row: &Row) -> Result<Kept, StoreError> {
    open_endpoint(vault, row).map(Kept::from)
}

/// An exchange.
pub(super) fn open_exchange(vault: &Vault, row: &Row) -> Result<Exchange, StoreError> {
    let table = "exchanges";
    let columns = ExchangeColumns {
        id: take::<Uuid>(table, row, 0)?.into_bytes(),
        format: take(table, row, 1)?,
        detail: take(table, row, 2)?,
    };
    columns.open(vault)
}

fn open_account_row(_: &Vault, row: &Row) -> Result<Kept, StoreError> {
    open_account(row).map(Kept::from)
}

/// An entry of the ledger.
pub(super) fn open_entry(row: &Row) -> Result<Entry, StoreError> {
    let table = "ledger_entries";
    let columns = EntryColumns {
        account: take(table, row, 0)?,
        sequence: take(table, row, 1)?,
        journal: take::<Uuid>(table, row, 2)?.into_bytes(),
        kind: take(table, row, 3)?,
        purpose: take(table, row, 4)?,
        subject: take::<Uuid>(table, row, 5)?.into_bytes(),
        created_at: take(table, row, 6)?,
        change: take(table, row, 7)?,
        held_change: take(table, row, 8)?,
        balance: take(table, row, 9)?,
        held: take(table, row, 10)?,
        digest: take_digest(table, row, 11)?,
    };
    columns.open()
}

fn take_digest(table: &'static str, row: &Row, column: usize) -> Result<[u8; 32], StoreError> {
    let digest: &[u8] = take(table, row, column)?;
    digest.try_into().map_err(|_| broken(table, "a digest is 32 bytes"))
}

fn open_invoice_book(vault: &Vault, row: &Row) -> Result<Kept, StoreError> {
    let table = "invoice_books";
    let detail: &[u8] = take(table, row, 2)?;
    rows::open_invoice_book(vault, take(table, row, 0)?, take(table, row, 1)?, detail).map(Kept::from)
}

fn open_request(vault: &Vault, row: &Row) -> Result<Kept, StoreError> {
    let table = "requests";
    let number = |error: std::num::TryFromIntError| broken(table, error.to_string());
    let status: Option<i64> = take(table, row, 10)?;
    let body: Option<Vec<u8>> = take(table, row, 11)?;
    let columns = RequestColumns {
        key: RequestKey {
            day: JakartaDay::from_number(u32::try_from(take::<i64>(table, row, 0)?).map_err(number)?),
            merchant: MerchantCode::new(take::<String>(table, row, 1)?),
            external_id: take(table, row, 2)?,
        },
        id: take::<Uuid>(table, row, 3)?.into_bytes(),
        service: take(table, row, 4)?,
        operation: take(table, row, 5)?,
        partner_reference: take(table, row, 6)?,
        digest: take_digest(table, row, 7)?,
        received_at: take(table, row, 8)?,
        replay: take(table, row, 9)?,
        answer: status.map(u16::try_from).transpose().map_err(number)?.zip(body),
    };
    columns.open(vault).map(Kept::from)
}
