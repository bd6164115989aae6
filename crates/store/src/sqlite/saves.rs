//! From a batch to its rows, one function per table, so that a batch is written table by table with one prepared
//! statement each.

use ledger::{Account, Entry};
use lifecycle::{
    Row, TaskId,
    account_creation::AccountCreation,
    auth_code::AuthCode,
    bill::Bill,
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
use rusqlite::{Connection, params};

use super::{
    lookups::{Lookup, id_bytes},
    statements as sql,
};
use crate::{
    ProviderNotice, StoreError, Vault, Writes,
    rows::{self, ByTable, CaseChanges, Cases, Detailed, FORMAT, broken, sequence_column},
};

/// Another call took the external id.
#[derive(Debug, thiserror::Error)]
#[error("the merchant's external id or partner reference is taken")]
struct Taken;

/// Writes everything of a batch into the open transaction.
pub(super) fn save(connection: &Connection, vault: &Vault, writes: &Writes, cases: &Cases) -> Result<(), StoreError> {
    let save = Save { connection, vault };
    let by_table = ByTable::of(writes)?;
    save.requests(&writes.requests)?;
    save.answers(&writes.answers)?;
    save.auth_codes(&by_table.auth_codes)?;
    save.links(&by_table.links)?;
    save.payments(&by_table.payments)?;
    save.account_creations(&by_table.account_creations)?;
    save.notifications(&by_table.notifications)?;
    save.bills(&by_table.bills)?;
    save.entries(&writes.entries)?;
    save.accounts(&by_table.accounts)?;
    save.top_ups(&by_table.top_ups)?;
    save.invoices(&by_table.invoices)?;
    save.invoice_books(&by_table.invoice_books)?;
    save.settlement_files(&by_table.settlement_files)?;
    save.reconciliation_items(&by_table.reconciliation_items)?;
    save.refunds(&by_table.refunds)?;
    save.rulings(&by_table.rulings)?;
    save.endpoints(&by_table.endpoints)?;
    save.cases(&cases.changes(&writes.rows))?;
    // A task that ended may be scheduled anew.
    save.ended(&writes.ended)?;
    save.tasks(&writes.tasks)?;
    save.provider_notices(&writes.provider_notices)?;
    save.exchanges(&writes.exchanges)
}

#[derive(Clone, Copy)]
struct Save<'a> {
    connection: &'a Connection,
    vault: &'a Vault,
}

impl Save<'_> {
    fn requests(self, requests: &[Request]) -> Result<(), StoreError> {
        if requests.is_empty() {
            return Ok(());
        }
        let mut insert = sql::REQUEST_INSERT.prepare(self.connection)?;
        for request in requests {
            let answer = request
                .answer
                .as_ref()
                .map(|answer| rows::seal_answer(self.vault, &request.key, answer))
                .transpose()?;
            let new = insert.execute(params![
                request.key.day.number(),
                request.key.merchant.as_str(),
                request.key.external_id,
                id_bytes(request.id.bits()),
                request.service.0,
                request.operation,
                request.partner_reference,
                request.digest.0,
                request.received_at.micros(),
                request.replay,
                request.answer.as_ref().map(|answer| answer.status),
                answer,
            ])?;
            if new == 0 && !self.is_repeat(request)? {
                // The batch was decided without that call: it is to be decided again.
                return Err(StoreError::Retry { statement: "REQUEST_INSERT", source: Box::new(Taken) });
            }
        }
        Ok(())
    }

    /// Whether the row that is in the way is this very call: then a commit of unknown outcome is being repeated.
    fn is_repeat(self, request: &Request) -> Result<bool, StoreError> {
        let lookup = Lookup { connection: self.connection, vault: self.vault };
        let kept = lookup.row(&lifecycle::Key::Request(request.key.clone()))?;
        Ok(matches!(kept, Some(Row::Request(kept)) if kept.id == request.id))
    }

    fn answers(self, answers: &[(RequestKey, StoredAnswer)]) -> Result<(), StoreError> {
        if answers.is_empty() {
            return Ok(());
        }
        let mut update = sql::REQUEST_ANSWER.prepare(self.connection)?;
        for (key, answer) in answers {
            let changed = update.execute(params![
                answer.status,
                rows::seal_answer(self.vault, key, answer)?,
                key.day.number(),
                key.merchant.as_str(),
                key.external_id,
            ])?;
            if changed != 1 {
                return Err(broken("requests", "an answer to a call that is not recorded"));
            }
        }
        Ok(())
    }

    fn auth_codes(self, codes: &[&AuthCode]) -> Result<(), StoreError> {
        if codes.is_empty() {
            return Ok(());
        }
        let mut save = sql::AUTH_CODE_SAVE.prepare(self.connection)?;
        for code in codes {
            save.execute(params![
                code.id(),
                code.code.0,
                code.page.0,
                code.state(),
                FORMAT,
                rows::seal(self.vault, *code)?,
            ])?;
        }
        Ok(())
    }

    fn links(self, links: &[&Link]) -> Result<(), StoreError> {
        if links.is_empty() {
            return Ok(());
        }
        let mut save = sql::LINK_SAVE.prepare(self.connection)?;
        for link in links {
            let phone = link.phone.as_ref().map(|phone| self.vault.blind_index(phone));
            save.execute(params![
                link.id(),
                link.merchant.as_str(),
                link.product.as_str(),
                phone,
                link.page.0,
                link.account_token.0,
                link.card_token.map(|token| token.0),
                link.created_at.micros(),
                link.state(),
                FORMAT,
                rows::seal(self.vault, *link)?,
            ])?;
        }
        Ok(())
    }

    fn payments(self, payments: &[&Payment]) -> Result<(), StoreError> {
        if payments.is_empty() {
            return Ok(());
        }
        let mut save = sql::PAYMENT_SAVE.prepare(self.connection)?;
        for payment in payments {
            save.execute(params![
                payment.id(),
                payment.merchant.as_str(),
                payment.page.0,
                payment.amount.sen(),
                payment.created_at.micros(),
                payment.state(),
                FORMAT,
                rows::seal(self.vault, *payment)?,
            ])?;
        }
        Ok(())
    }

    fn account_creations(self, creations: &[&AccountCreation]) -> Result<(), StoreError> {
        if creations.is_empty() {
            return Ok(());
        }
        let mut save = sql::ACCOUNT_CREATION_SAVE.prepare(self.connection)?;
        for creation in creations {
            save.execute(params![
                creation.id(),
                creation.merchant.as_str(),
                creation.product.as_str(),
                self.vault.blind_index(&creation.person.phone),
                creation.page.0,
                creation.state(),
                FORMAT,
                rows::seal(self.vault, *creation)?,
            ])?;
        }
        Ok(())
    }

    fn notifications(self, notifications: &[&Notification]) -> Result<(), StoreError> {
        if notifications.is_empty() {
            return Ok(());
        }
        let mut save = sql::NOTIFICATION_SAVE.prepare(self.connection)?;
        for notification in notifications {
            save.execute(params![
                notification.id(),
                notification.merchant.as_str(),
                notification.kind.name(),
                notification.subject.bits().map(id_bytes),
                notification.created_at.micros(),
                notification.state(),
                rows::halted_name(&notification.status),
                FORMAT,
                rows::seal(self.vault, *notification)?,
            ])?;
        }
        Ok(())
    }

    fn bills(self, bills: &[&Bill]) -> Result<(), StoreError> {
        if bills.is_empty() {
            return Ok(());
        }
        let mut save = sql::BILL_SAVE.prepare(self.connection)?;
        for bill in bills {
            save.execute(params![
                bill.id(),
                bill.merchant.as_str(),
                rows::order_index(self.vault, &bill.merchant, &bill.product, &bill.order_id),
                bill.status.is_taken(),
                bill.state(),
                FORMAT,
                rows::seal(self.vault, *bill)?,
            ])?;
        }
        Ok(())
    }

    fn entries(self, entries: &[Entry]) -> Result<(), StoreError> {
        if entries.is_empty() {
            return Ok(());
        }
        let mut insert = sql::ENTRY_INSERT.prepare(self.connection)?;
        for entry in entries {
            insert.execute(params![
                entry.account.to_string(),
                sequence_column(entry.sequence),
                id_bytes(entry.journal.0),
                entry.kind.name(),
                entry.purpose.name(),
                id_bytes(entry.subject),
                entry.at.micros(),
                entry.change,
                entry.held_change,
                entry.balance,
                entry.held,
                entry.digest,
            ])?;
        }
        Ok(())
    }

    fn accounts(self, accounts: &[&Account]) -> Result<(), StoreError> {
        if accounts.is_empty() {
            return Ok(());
        }
        let mut save = sql::ACCOUNT_SAVE.prepare(self.connection)?;
        for account in accounts {
            save.execute(params![
                account.name.to_string(),
                account.name.class().name(),
                account.name.merchant(),
                account.name.provider(),
                account.balance,
                account.held,
                sequence_column(account.sequence),
                account.digest,
            ])?;
        }
        Ok(())
    }

    fn top_ups(self, top_ups: &[&TopUp]) -> Result<(), StoreError> {
        if top_ups.is_empty() {
            return Ok(());
        }
        let mut save = sql::TOP_UP_SAVE.prepare(self.connection)?;
        for top_up in top_ups {
            save.execute(params![
                top_up.id(),
                top_up.merchant.as_str(),
                top_up.reference,
                top_up.state(),
                FORMAT,
                rows::seal(self.vault, *top_up)?,
            ])?;
        }
        Ok(())
    }

    fn invoices(self, invoices: &[&Invoice]) -> Result<(), StoreError> {
        if invoices.is_empty() {
            return Ok(());
        }
        let mut save = sql::INVOICE_SAVE.prepare(self.connection)?;
        for invoice in invoices {
            save.execute(params![
                invoice.id(),
                invoice.merchant.as_str(),
                sequence_column(invoice.from_sequence),
                invoice.state(),
                FORMAT,
                rows::seal(self.vault, *invoice)?,
            ])?;
        }
        Ok(())
    }

    fn invoice_books(self, books: &[&InvoiceBook]) -> Result<(), StoreError> {
        if books.is_empty() {
            return Ok(());
        }
        let mut save = sql::INVOICE_BOOK_SAVE.prepare(self.connection)?;
        for book in books {
            let detail = rows::seal_invoice_book(self.vault, book)?;
            save.execute(params![book.merchant.as_str(), FORMAT, detail])?;
        }
        Ok(())
    }

    fn settlement_files(self, files: &[&SettlementFile]) -> Result<(), StoreError> {
        if files.is_empty() {
            return Ok(());
        }
        let mut save = sql::SETTLEMENT_FILE_SAVE.prepare(self.connection)?;
        for file in files {
            save.execute(params![
                file.id(),
                file.provider,
                file.day.number(),
                file.state(),
                FORMAT,
                rows::seal(self.vault, *file)?,
            ])?;
        }
        Ok(())
    }

    fn reconciliation_items(self, items: &[&ReconciliationItem]) -> Result<(), StoreError> {
        if items.is_empty() {
            return Ok(());
        }
        let mut save = sql::RECONCILIATION_ITEM_SAVE.prepare(self.connection)?;
        for item in items {
            save.execute(params![
                item.id(),
                item.provider,
                id_bytes(item.file.bits()),
                item.claim,
                item.bucket.name(),
                item.state(),
                FORMAT,
                rows::seal(self.vault, *item)?,
            ])?;
        }
        Ok(())
    }

    fn refunds(self, refunds: &[&Refund]) -> Result<(), StoreError> {
        if refunds.is_empty() {
            return Ok(());
        }
        let mut save = sql::REFUND_SAVE.prepare(self.connection)?;
        for refund in refunds {
            save.execute(params![
                refund.id(),
                refund.merchant.as_str(),
                id_bytes(refund.payment.bits()),
                refund.kind.name(),
                refund.partner_reference,
                refund.amount.sen(),
                refund.state(),
                FORMAT,
                rows::seal(self.vault, *refund)?,
            ])?;
        }
        Ok(())
    }

    fn rulings(self, rulings: &[&Ruling]) -> Result<(), StoreError> {
        if rulings.is_empty() {
            return Ok(());
        }
        let mut save = sql::RULING_SAVE.prepare(self.connection)?;
        for ruling in rulings {
            save.execute(params![
                ruling.id(),
                ruling.merchant.as_str(),
                id_bytes(ruling.about),
                ruling.state(),
                FORMAT,
                rows::seal(self.vault, *ruling)?,
            ])?;
        }
        Ok(())
    }

    fn endpoints(self, endpoints: &[&Endpoint]) -> Result<(), StoreError> {
        if endpoints.is_empty() {
            return Ok(());
        }
        let mut save = sql::ENDPOINT_SAVE.prepare(self.connection)?;
        for endpoint in endpoints {
            let detail = rows::seal_endpoint(self.vault, endpoint)?;
            let (merchant, kind) = (endpoint.merchant.as_str(), endpoint.kind.name());
            save.execute(params![merchant, kind, endpoint.status.name(), FORMAT, detail])?;
        }
        Ok(())
    }

    fn cases(self, changes: &CaseChanges) -> Result<(), StoreError> {
        for (statement, cases) in [(sql::CASE_OPEN, &changes.opened), (sql::CASE_CLOSE, &changes.closed)] {
            if cases.is_empty() {
                continue;
            }
            let mut change = statement.prepare(self.connection)?;
            for (kind, bits) in cases {
                change.execute(params![kind.name(), id_bytes(*bits)])?;
            }
        }
        Ok(())
    }

    fn exchanges(self, exchanges: &[Exchange]) -> Result<(), StoreError> {
        if exchanges.is_empty() {
            return Ok(());
        }
        let mut insert = sql::EXCHANGE_INSERT.prepare(self.connection)?;
        for exchange in exchanges {
            insert.execute(params![
                id_bytes(exchange.id.bits()),
                id_bytes(exchange.about),
                exchange.at.micros(),
                FORMAT,
                rows::seal_exchange(self.vault, exchange)?,
            ])?;
        }
        Ok(())
    }

    fn tasks(self, tasks: &[Task]) -> Result<(), StoreError> {
        if tasks.is_empty() {
            return Ok(());
        }
        let mut insert = sql::TASK_INSERT.prepare(self.connection)?;
        for task in tasks {
            insert.execute(params![
                id_bytes(task.id.bits()),
                task.due_at.micros(),
                task.attempts,
                FORMAT,
                rows::seal_task(self.vault, task)?,
            ])?;
        }
        Ok(())
    }

    fn ended(self, ended: &[TaskId]) -> Result<(), StoreError> {
        if ended.is_empty() {
            return Ok(());
        }
        let mut delete = sql::TASK_DELETE.prepare(self.connection)?;
        for task in ended {
            delete.execute([id_bytes(task.bits())])?;
        }
        Ok(())
    }

    fn provider_notices(self, notices: &[ProviderNotice]) -> Result<(), StoreError> {
        if notices.is_empty() {
            return Ok(());
        }
        let mut insert = sql::PROVIDER_NOTICE_INSERT.prepare(self.connection)?;
        for notice in notices {
            insert.execute(params![
                rows::notice_id(notice),
                notice.connector,
                notice.received_at.micros(),
                rows::seal_notice(self.vault, notice)?,
            ])?;
        }
        Ok(())
    }
}
