//! From a batch to one statement per table, its rows in the order of their keys; two where some rows are new and some
//! are not. A row that is known to be new is inserted without asking whether it is there: that saves a look into every
//! index, and a second record in the log. Were it there after all, a unique key would refuse the whole batch.

use std::collections::{BTreeMap, HashSet};

use ledger::{Account, Entry};
use lifecycle::{
    Row, TaskId,
    account_creation::AccountCreation,
    auth_code::AuthCode,
    bill::Bill,
    case::Case,
    deposit::TopUp,
    endpoint::Endpoint,
    exchange::Exchange,
    invoice::{Invoice, InvoiceBook},
    linkage::Link,
    notification::Notification,
    payment::Payment,
    reconciliation::{ReconciliationItem, SettlementFile},
    refund::Refund,
    request::{Request, RequestKey, StoredAnswer},
    ruling::Ruling,
    task::Task,
};
use uuid::Uuid;

use super::{
    line::{Bound, Param},
    lookups::put,
    statements::{self as sql, Statement},
};
use crate::{
    ProviderNotice, StoreError, Vault, Writes,
    rows::{self, ByTable, Cases, Detailed, FORMAT, sequence_column},
};

/// The statements that write a batch, in the order in which every writer sends them.
pub(super) fn bind<'w>(vault: &Vault, writes: &'w Writes, kept: &Kept) -> Result<Vec<Bound<'w>>, StoreError> {
    let by_table = ByTable::of(writes)?;
    let save = Save { vault, kept };
    let [new_codes, codes] = save.sorted(by_table.auth_codes);
    let [new_payments, payments] = save.sorted(by_table.payments);
    let [new_notifications, notifications] = save.sorted(by_table.notifications);
    let [new_bills, bills] = save.sorted(by_table.bills);
    let (endpoints, new_endpoints) =
        by_table.endpoints.into_iter().partition(|row| kept.may_have(rows::endpoint_id(row)));
    let changes = kept.cases().changes(&writes.rows);
    // One statement takes its rows in no order that it promises, and each of these in the order of their ids.
    let giving_way = by_table.reconciliation_items.partition_point(|item| item.claim.is_none());
    let all = [
        save.requests(&writes.requests)?,
        save.answers(&writes.answers)?,
        save.auth_codes(sql::AUTH_CODE_NEW, &new_codes)?,
        save.auth_codes(sql::AUTH_CODE_SAVE, &codes)?,
        save.links(by_table.links)?,
        save.payments(sql::PAYMENT_NEW, &new_payments)?,
        save.payments(sql::PAYMENT_SAVE, &payments)?,
        save.account_creations(by_table.account_creations)?,
        save.notifications(sql::NOTIFICATION_NEW, &new_notifications)?,
        save.notifications(sql::NOTIFICATION_SAVE, &notifications)?,
        save.bills(sql::BILL_NEW, &new_bills)?,
        save.bills(sql::BILL_SAVE, &bills)?,
        entries(&writes.entries),
        accounts(by_table.accounts),
        save.top_ups(by_table.top_ups)?,
        save.invoices(by_table.invoices)?,
        save.invoice_books(by_table.invoice_books)?,
        save.settlement_files(by_table.settlement_files)?,
        save.reconciliation_items(&by_table.reconciliation_items[..giving_way])?,
        save.reconciliation_items(&by_table.reconciliation_items[giving_way..])?,
        save.refunds(by_table.refunds)?,
        save.rulings(by_table.rulings)?,
        save.endpoints(sql::ENDPOINT_NEW, new_endpoints)?,
        save.endpoints(sql::ENDPOINT_SAVE, endpoints)?,
        cases(sql::CASE_OPEN, &changes.opened),
        cases(sql::CASE_CLOSE, &changes.closed),
        // A task that ended may be scheduled anew.
        ended(&writes.ended),
        save.tasks(&writes.tasks)?,
        save.provider_notices(&writes.provider_notices)?,
        save.exchanges(&writes.exchanges)?,
    ];
    Ok(all.into_iter().flatten().collect())
}

/// What a transaction knows of the rows that are kept already.
pub(super) enum Kept {
    /// Nothing was looked up: any row may be there.
    Unknown,
    /// Every row that the batch changes was looked up, and of those that have an id besides calls these were found, and
    /// these cases were open.
    Found(HashSet<[u8; 16]>, Cases),
}

impl Kept {
    /// What a look-up found.
    pub(super) fn of(rows: &[Option<Row>]) -> Self {
        let id = |row: &Row| match row {
            // Found by what names them, and saved whether or not they are there.
            Row::Request(_) | Row::Account(_) | Row::InvoiceBook(_) => None,
            Row::Endpoint(row) => Some(rows::endpoint_id(row)),
            Row::AuthCode(row) => Some(row.id()),
            Row::Link(row) => Some(row.id()),
            Row::Payment(row) => Some(row.id()),
            Row::AccountCreation(row) => Some(row.id()),
            Row::Notification(row) => Some(row.id()),
            Row::Bill(row) => Some(row.id()),
            Row::TopUp(row) => Some(row.id()),
            Row::Invoice(row) => Some(row.id()),
            Row::SettlementFile(row) => Some(row.id()),
            Row::ReconciliationItem(row) => Some(row.id()),
            Row::Refund(row) => Some(row.id()),
            Row::Ruling(row) => Some(row.id()),
        };
        Self::Found(rows.iter().flatten().filter_map(id).collect(), Cases::of(rows))
    }

    fn cases(&self) -> &Cases {
        match self {
            Self::Unknown => &Cases::Unknown,
            Self::Found(_, cases) => cases,
        }
    }

    fn may_have(&self, id: [u8; 16]) -> bool {
        match self {
            Self::Unknown => true,
            Self::Found(ids, _) => ids.contains(&id),
        }
    }
}

#[derive(Clone, Copy)]
struct Save<'a> {
    vault: &'a Vault,
    kept: &'a Kept,
}

type Maybe<'w> = Result<Option<Bound<'w>>, StoreError>;

/// One column of the rows.
fn column<'r, R, T>(rows: &[&'r R], value: impl Fn(&'r R) -> T) -> Vec<T> {
    rows.iter().map(|row| value(row)).collect()
}

fn ids<T: Detailed>(rows: &[&T]) -> Vec<Uuid> {
    rows.iter().map(|row| Uuid::from_bytes(row.id())).collect()
}

fn states<T: Detailed>(rows: &[&T]) -> Vec<&'static str> {
    rows.iter().map(|row| row.state()).collect()
}

fn formats<T>(rows: &[T]) -> Vec<i64> {
    vec![FORMAT; rows.len()]
}

fn sort<T: Detailed>(rows: &mut [&T]) {
    rows.sort_unstable_by_key(|row| row.id());
}

fn unless_empty<'w, T>(rows: &[T], bound: impl FnOnce() -> Result<Bound<'w>, StoreError>) -> Maybe<'w> {
    if rows.is_empty() { Ok(None) } else { bound().map(Some) }
}

fn count<T>(rows: &[T]) -> i64 {
    i64::try_from(rows.len()).unwrap_or(i64::MAX)
}

fn ended<'w>(tasks: &[TaskId]) -> Option<Bound<'w>> {
    let mut ids: Vec<Uuid> = tasks.iter().map(|task| Uuid::from_u128(task.bits())).collect();
    ids.sort_unstable();
    (!ids.is_empty()).then(|| sql::TASK_DELETE.with(vec![put(ids)]))
}

/// Before the accounts: where two writers begin one account, the second is refused here.
fn entries(entries: &[Entry]) -> Option<Bound<'_>> {
    let mut sorted: Vec<&Entry> = entries.iter().collect();
    sorted.sort_unstable_by_key(|entry| (&entry.account, entry.sequence));
    (!sorted.is_empty()).then(|| {
        sql::ENTRY_INSERT.with(vec![
            put(column(&sorted, |row| row.account.to_string())),
            put(column(&sorted, |row| sequence_column(row.sequence))),
            put(column(&sorted, |row| Uuid::from_u128(row.journal.0))),
            put(column(&sorted, |row| row.kind.name())),
            put(column(&sorted, |row| row.purpose.name())),
            put(column(&sorted, |row| Uuid::from_u128(row.subject))),
            put(column(&sorted, |row| row.at.micros())),
            put(column(&sorted, |row| row.change)),
            put(column(&sorted, |row| row.held_change)),
            put(column(&sorted, |row| row.balance)),
            put(column(&sorted, |row| row.held)),
            put(column(&sorted, |row| &row.digest[..])),
        ])
    })
}

fn cases<'w>(statement: Statement, cases: &[Case]) -> Option<Bound<'w>> {
    (!cases.is_empty()).then(|| {
        statement.with(vec![
            put(cases.iter().map(|(kind, _)| kind.name()).collect::<Vec<_>>()),
            put(cases.iter().map(|(_, bits)| Uuid::from_u128(*bits)).collect::<Vec<_>>()),
        ])
    })
}

fn accounts(mut accounts: Vec<&Account>) -> Option<Bound<'_>> {
    accounts.sort_unstable_by_key(|account| &account.name);
    (!accounts.is_empty()).then(|| {
        sql::ACCOUNT_SAVE.with(vec![
            put(column(&accounts, |row| row.name.to_string())),
            put(column(&accounts, |row| row.name.class().name())),
            put(column(&accounts, |row| row.name.merchant())),
            put(column(&accounts, |row| row.name.provider())),
            put(column(&accounts, |row| row.balance)),
            put(column(&accounts, |row| row.held)),
            put(column(&accounts, |row| sequence_column(row.sequence))),
            put(column(&accounts, |row| &row.digest[..])),
        ])
    })
}

impl Save<'_> {
    /// Those that are new, and those that may be there, each in the order of their ids.
    fn sorted<T: Detailed>(self, mut rows: Vec<&T>) -> [Vec<&T>; 2] {
        sort(&mut rows);
        let (kept, new) = rows.into_iter().partition(|row| self.kept.may_have(row.id()));
        [new, kept]
    }

    fn details<T: Detailed>(self, rows: &[&T]) -> Result<Vec<Vec<u8>>, StoreError> {
        rows.iter().map(|row| rows::seal(self.vault, *row)).collect()
    }

    fn requests(self, requests: &[Request]) -> Maybe<'_> {
        if requests.is_empty() {
            return Ok(None);
        }
        let mut sorted: Vec<&Request> = requests.iter().collect();
        sorted.sort_unstable_by_key(|request| (request.key.day, &request.key.merchant, &request.key.external_id));
        let seal = |request: &Request| {
            let answer = request.answer.as_ref();
            answer.map(|answer| rows::seal_answer(self.vault, &request.key, answer)).transpose()
        };
        let bodies: Vec<Option<Vec<u8>>> = sorted.iter().map(|request| seal(request)).collect::<Result<_, _>>()?;
        let mut params: Vec<Param<'_>> = vec![
            put(column(&sorted, |row| i64::from(row.key.day.number()))),
            put(column(&sorted, |row| row.key.merchant.as_str())),
            put(column(&sorted, |row| row.key.external_id.as_str())),
            put(column(&sorted, |row| Uuid::from_u128(row.id.bits()))),
            put(column(&sorted, |row| row.service.0)),
            put(column(&sorted, |row| row.operation)),
            put(column(&sorted, |row| row.partner_reference.as_deref())),
            put(column(&sorted, |row| &row.digest.0[..])),
            put(column(&sorted, |row| row.received_at.micros())),
            put(column(&sorted, |row| row.replay)),
            put(column(&sorted, |row| row.answer.as_ref().map(|answer| i64::from(answer.status)))),
            put(bodies),
        ];
        Ok(Some(match self.kept {
            Kept::Unknown => {
                params.push(put(count(requests)));
                sql::REQUEST_INSERT.with(params)
            }
            Kept::Found(..) => sql::REQUEST_NEW.with(params),
        }))
    }

    fn answers(self, answers: &[(RequestKey, StoredAnswer)]) -> Maybe<'_> {
        // The last answer of a call counts, and a statement changes a row once.
        let last: BTreeMap<_, _> =
            answers.iter().map(|(key, answer)| ((key.day, &key.merchant, &key.external_id), (key, answer))).collect();
        if last.is_empty() {
            return Ok(None);
        }
        let sorted: Vec<(&RequestKey, &StoredAnswer)> = last.into_values().collect();
        let bodies: Vec<Vec<u8>> =
            sorted.iter().map(|(key, answer)| rows::seal_answer(self.vault, key, answer)).collect::<Result<_, _>>()?;
        Ok(Some(sql::REQUEST_ANSWER.with(vec![
            put(sorted.iter().map(|(key, _)| i64::from(key.day.number())).collect::<Vec<_>>()),
            put(sorted.iter().map(|(key, _)| key.merchant.as_str().to_owned()).collect::<Vec<_>>()),
            put(sorted.iter().map(|(key, _)| key.external_id.clone()).collect::<Vec<_>>()),
            put(sorted.iter().map(|(_, answer)| i64::from(answer.status)).collect::<Vec<_>>()),
            put(bodies),
            put(count(&sorted)),
        ])))
    }

    fn auth_codes<'w>(self, statement: Statement, codes: &[&'w AuthCode]) -> Maybe<'w> {
        unless_empty(codes, || {
            Ok(statement.with(vec![
                put(ids(codes)),
                put(column(codes, |row| &row.code.0[..])),
                put(column(codes, |row| &row.page.0[..])),
                put(states(codes)),
                put(formats(codes)),
                put(self.details(codes)?),
            ]))
        })
    }

    fn links<'w>(self, mut links: Vec<&'w Link>) -> Maybe<'w> {
        if links.is_empty() {
            return Ok(None);
        }
        sort(&mut links);
        let phone = |row: &Link| row.phone.as_ref().map(|phone| self.vault.blind_index(phone).to_vec());
        Ok(Some(sql::LINK_SAVE.with(vec![
            put(ids(&links)),
            put(column(&links, |row| row.merchant.as_str())),
            put(column(&links, |row| row.product.as_str())),
            put(column(&links, phone)),
            put(column(&links, |row| &row.page.0[..])),
            put(column(&links, |row| &row.account_token.0[..])),
            put(column(&links, |row| row.card_token.as_ref().map(|token| &token.0[..]))),
            put(column(&links, |row| row.created_at.micros())),
            put(states(&links)),
            put(formats(&links)),
            put(self.details(&links)?),
        ])))
    }

    fn payments<'w>(self, statement: Statement, payments: &[&'w Payment]) -> Maybe<'w> {
        unless_empty(payments, || {
            Ok(statement.with(vec![
                put(ids(payments)),
                put(column(payments, |row| row.merchant.as_str())),
                put(column(payments, |row| &row.page.0[..])),
                put(column(payments, |row| row.amount.sen())),
                put(column(payments, |row| row.created_at.micros())),
                put(states(payments)),
                put(formats(payments)),
                put(self.details(payments)?),
            ]))
        })
    }

    fn account_creations<'w>(self, mut creations: Vec<&'w AccountCreation>) -> Maybe<'w> {
        if creations.is_empty() {
            return Ok(None);
        }
        sort(&mut creations);
        Ok(Some(sql::ACCOUNT_CREATION_SAVE.with(vec![
            put(ids(&creations)),
            put(column(&creations, |row| row.merchant.as_str())),
            put(column(&creations, |row| row.product.as_str())),
            put(column(&creations, |row| self.vault.blind_index(&row.person.phone).to_vec())),
            put(column(&creations, |row| &row.page.0[..])),
            put(states(&creations)),
            put(formats(&creations)),
            put(self.details(&creations)?),
        ])))
    }

    fn notifications<'w>(self, statement: Statement, notifications: &[&'w Notification]) -> Maybe<'w> {
        unless_empty(notifications, || {
            Ok(statement.with(vec![
                put(ids(notifications)),
                put(column(notifications, |row| row.merchant.as_str())),
                put(column(notifications, |row| row.kind.name())),
                put(column(notifications, |row| row.subject.bits().map(Uuid::from_u128))),
                put(column(notifications, |row| row.created_at.micros())),
                put(states(notifications)),
                put(column(notifications, |row| rows::halted_name(&row.status))),
                put(formats(notifications)),
                put(self.details(notifications)?),
            ]))
        })
    }

    fn bills<'w>(self, statement: Statement, bills: &[&'w Bill]) -> Maybe<'w> {
        let order = |row: &Bill| rows::order_index(self.vault, &row.merchant, &row.product, &row.order_id);
        unless_empty(bills, || {
            Ok(statement.with(vec![
                put(ids(bills)),
                put(column(bills, |row| row.merchant.as_str())),
                put(column(bills, |row| Uuid::from_bytes(order(row)))),
                put(column(bills, |row| row.status.is_taken())),
                put(states(bills)),
                put(formats(bills)),
                put(self.details(bills)?),
            ]))
        })
    }

    fn top_ups<'w>(self, mut top_ups: Vec<&'w TopUp>) -> Maybe<'w> {
        sort(&mut top_ups);
        unless_empty(&top_ups, || {
            Ok(sql::TOP_UP_SAVE.with(vec![
                put(ids(&top_ups)),
                put(column(&top_ups, |row| row.merchant.as_str())),
                put(column(&top_ups, |row| row.reference.as_str())),
                put(states(&top_ups)),
                put(formats(&top_ups)),
                put(self.details(&top_ups)?),
            ]))
        })
    }

    fn invoices<'w>(self, mut invoices: Vec<&'w Invoice>) -> Maybe<'w> {
        sort(&mut invoices);
        unless_empty(&invoices, || {
            Ok(sql::INVOICE_SAVE.with(vec![
                put(ids(&invoices)),
                put(column(&invoices, |row| row.merchant.as_str())),
                put(column(&invoices, |row| sequence_column(row.from_sequence))),
                put(states(&invoices)),
                put(formats(&invoices)),
                put(self.details(&invoices)?),
            ]))
        })
    }

    fn invoice_books<'w>(self, mut books: Vec<&'w InvoiceBook>) -> Maybe<'w> {
        books.sort_unstable_by_key(|book| &book.merchant);
        unless_empty(&books, || {
            let details = books.iter().map(|book| rows::seal_invoice_book(self.vault, book));
            let details: Vec<Vec<u8>> = details.collect::<Result<_, _>>()?;
            let merchants = column(&books, |row| row.merchant.as_str());
            Ok(sql::INVOICE_BOOK_SAVE.with(vec![put(merchants), put(formats(&books)), put(details)]))
        })
    }

    fn settlement_files<'w>(self, mut files: Vec<&'w SettlementFile>) -> Maybe<'w> {
        sort(&mut files);
        unless_empty(&files, || {
            Ok(sql::SETTLEMENT_FILE_SAVE.with(vec![
                put(ids(&files)),
                put(column(&files, |row| row.provider.as_str())),
                put(column(&files, |row| i64::from(row.day.number()))),
                put(states(&files)),
                put(formats(&files)),
                put(self.details(&files)?),
            ]))
        })
    }

    fn reconciliation_items<'w>(self, items: &[&'w ReconciliationItem]) -> Maybe<'w> {
        unless_empty(items, || {
            Ok(sql::RECONCILIATION_ITEM_SAVE.with(vec![
                put(ids(items)),
                put(column(items, |row| row.provider.as_str())),
                put(column(items, |row| Uuid::from_u128(row.file.bits()))),
                put(column(items, |row| row.claim.as_deref())),
                put(column(items, |row| row.bucket.name())),
                put(states(items)),
                put(formats(items)),
                put(self.details(items)?),
            ]))
        })
    }

    fn refunds<'w>(self, mut refunds: Vec<&'w Refund>) -> Maybe<'w> {
        sort(&mut refunds);
        unless_empty(&refunds, || {
            Ok(sql::REFUND_SAVE.with(vec![
                put(ids(&refunds)),
                put(column(&refunds, |row| row.merchant.as_str())),
                put(column(&refunds, |row| Uuid::from_u128(row.payment.bits()))),
                put(column(&refunds, |row| row.kind.name())),
                put(column(&refunds, |row| row.partner_reference.as_str())),
                put(column(&refunds, |row| row.amount.sen())),
                put(states(&refunds)),
                put(formats(&refunds)),
                put(self.details(&refunds)?),
            ]))
        })
    }

    fn rulings<'w>(self, mut rulings: Vec<&'w Ruling>) -> Maybe<'w> {
        sort(&mut rulings);
        unless_empty(&rulings, || {
            Ok(sql::RULING_SAVE.with(vec![
                put(ids(&rulings)),
                put(column(&rulings, |row| row.merchant.as_str())),
                put(column(&rulings, |row| Uuid::from_u128(row.about))),
                put(states(&rulings)),
                put(formats(&rulings)),
                put(self.details(&rulings)?),
            ]))
        })
    }

    fn endpoints<'w>(self, statement: Statement, mut endpoints: Vec<&'w Endpoint>) -> Maybe<'w> {
        endpoints.sort_unstable_by_key(|endpoint| (&endpoint.merchant, endpoint.kind.name()));
        unless_empty(&endpoints, || {
            let details = endpoints.iter().map(|endpoint| rows::seal_endpoint(self.vault, endpoint));
            let details: Vec<Vec<u8>> = details.collect::<Result<_, _>>()?;
            Ok(statement.with(vec![
                put(column(&endpoints, |row| row.merchant.as_str())),
                put(column(&endpoints, |row| row.kind.name())),
                put(column(&endpoints, |row| row.status.name())),
                put(formats(&endpoints)),
                put(details),
            ]))
        })
    }

    fn exchanges(self, exchanges: &[Exchange]) -> Maybe<'_> {
        let mut sorted: Vec<&Exchange> = exchanges.iter().collect();
        sorted.sort_unstable_by_key(|exchange| exchange.id);
        unless_empty(&sorted, || {
            let details = sorted.iter().map(|exchange| rows::seal_exchange(self.vault, exchange));
            let details: Vec<Vec<u8>> = details.collect::<Result<_, _>>()?;
            Ok(sql::EXCHANGE_INSERT.with(vec![
                put(column(&sorted, |row| Uuid::from_u128(row.id.bits()))),
                put(column(&sorted, |row| Uuid::from_u128(row.about))),
                put(column(&sorted, |row| row.at.micros())),
                put(formats(&sorted)),
                put(details),
            ]))
        })
    }

    fn tasks(self, tasks: &[Task]) -> Maybe<'_> {
        if tasks.is_empty() {
            return Ok(None);
        }
        let mut sorted: Vec<&Task> = tasks.iter().collect();
        sorted.sort_unstable_by_key(|task| task.id);
        let details: Vec<Vec<u8>> =
            sorted.iter().map(|task| rows::seal_task(self.vault, task)).collect::<Result<_, _>>()?;
        let statement = match self.kept {
            Kept::Unknown => sql::TASK_INSERT,
            Kept::Found(..) => sql::TASK_NEW,
        };
        Ok(Some(statement.with(vec![
            put(column(&sorted, |task| Uuid::from_u128(task.id.bits()))),
            put(column(&sorted, |task| task.due_at.micros())),
            put(column(&sorted, |task| i64::from(task.attempts))),
            put(formats(&sorted)),
            put(details),
        ])))
    }

    fn provider_notices(self, notices: &[ProviderNotice]) -> Maybe<'_> {
        if notices.is_empty() {
            return Ok(None);
        }
        let sorted: BTreeMap<Uuid, &ProviderNotice> =
            notices.iter().map(|notice| (Uuid::from_bytes(rows::notice_id(notice)), notice)).collect();
        let raw: Vec<Vec<u8>> =
            sorted.values().map(|notice| rows::seal_notice(self.vault, notice)).collect::<Result<_, _>>()?;
        Ok(Some(sql::PROVIDER_NOTICE_INSERT.with(vec![
            put(sorted.keys().copied().collect::<Vec<_>>()),
            put(sorted.values().map(|notice| notice.connector).collect::<Vec<_>>()),
            put(sorted.values().map(|notice| notice.received_at.micros()).collect::<Vec<_>>()),
            put(raw),
        ])))
    }
}
