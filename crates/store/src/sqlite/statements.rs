//! Why: every statement is declared here, once, with a name. The functions that run statements take this list's type,
//! so a text that is not in the list cannot be run, and one test prepares them all on an empty migrated database.
//!
//! Parameters are numbered in the order of their first use: SQLite numbers `$n` by first appearance, PostgreSQL by `n`,
//! and only in that order do the two agree. A test holds it.

use rusqlite::{CachedStatement, Connection, ErrorCode, Params, Row};

use crate::StoreError;

/// A statement of the list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Statement {
    name: &'static str,
    text: &'static str,
}

macro_rules! statements {
    ($($name:ident = $text:literal;)+) => {
        $(pub(super) const $name: Statement = Statement { name: stringify!($name), text: $text };)+

        /// Every statement there is.
        #[cfg(test)]
        const ALL: &[Statement] = &[$($name),+];
    };
}

statements!(
    BEGIN = "BEGIN IMMEDIATE";
    BEGIN_READ = "BEGIN DEFERRED";
    COMMIT = "COMMIT";
    ROLLBACK = "ROLLBACK";
    QUICK_CHECK = "PRAGMA quick_check(1)";
    INTEGRITY_CHECK = "PRAGMA integrity_check(20)";
    FOREIGN_KEY_CHECK = "PRAGMA foreign_key_check";
    CHECKPOINT_PASSIVE = "PRAGMA wal_checkpoint(PASSIVE)";
    CHECKPOINT_TRUNCATE = "PRAGMA wal_checkpoint(TRUNCATE)";

    REQUEST_BY_KEY = "SELECT day, merchant, external_id, id, service, operation, partner_reference, digest, \
        received_at, replay, answer_status, answer_body FROM requests \
        WHERE day = $1 AND merchant = $2 AND external_id = $3";
    REQUEST_BY_REFERENCE = "SELECT day, merchant, external_id, id, service, operation, partner_reference, digest, \
        received_at, replay, answer_status, answer_body FROM requests \
        WHERE merchant = $1 AND service = $2 AND partner_reference = $3";
    REQUEST_INSERT = "INSERT INTO requests (day, merchant, external_id, id, service, operation, partner_reference, \
        digest, received_at, replay, answer_status, answer_body) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING";
    REQUEST_ANSWER = "UPDATE requests SET answer_status = $1, answer_body = $2 \
        WHERE day = $3 AND merchant = $4 AND external_id = $5";

    AUTH_CODE_BY_ID = "SELECT id, state, format, detail FROM auth_codes WHERE id = $1";
    AUTH_CODE_BY_CODE = "SELECT id, state, format, detail FROM auth_codes WHERE code = $1";
    AUTH_CODE_BY_PAGE = "SELECT id, state, format, detail FROM auth_codes WHERE page = $1";
    AUTH_CODE_SAVE = "INSERT INTO auth_codes (id, code, page, state, format, detail) \
        VALUES ($1, $2, $3, $4, $5, $6) \
        ON CONFLICT (id) DO UPDATE SET state = excluded.state, format = excluded.format, detail = excluded.detail";

    LINK_BY_ID = "SELECT id, state, format, detail FROM links WHERE id = $1";
    LINK_BY_ACCOUNT_TOKEN = "SELECT id, state, format, detail FROM links WHERE account_token = $1";
    LINK_BY_CARD_TOKEN = "SELECT id, state, format, detail FROM links WHERE card_token = $1";
    LINK_BY_PAGE = "SELECT id, state, format, detail FROM links WHERE page = $1";
    LINK_BY_PHONE = "SELECT id, state, format, detail FROM links \
        WHERE merchant = $1 AND product = $2 AND phone_index = $3 ORDER BY id DESC LIMIT 1";
    LINK_SAVE = "INSERT INTO links (id, merchant, product, phone_index, page, account_token, card_token, created_at, \
        state, format, detail) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
        ON CONFLICT (id) DO UPDATE SET phone_index = excluded.phone_index, card_token = excluded.card_token, \
        state = excluded.state, format = excluded.format, detail = excluded.detail";
    LINK_COUNTS = "SELECT product, state, count(*) FROM links GROUP BY product, state ORDER BY product, state";

    PAYMENT_BY_ID = "SELECT id, state, format, detail FROM payments WHERE id = $1";
    PAYMENT_BY_PAGE = "SELECT id, state, format, detail FROM payments WHERE page = $1";
    PAYMENT_BY_REFERENCE = "SELECT id, state, format, detail FROM payments WHERE id = \
        (SELECT id FROM requests WHERE merchant = $1 AND service = '54' AND partner_reference = $2)";
    PAYMENT_SAVE = "INSERT INTO payments (id, merchant, page, amount_sen, created_at, state, format, detail) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
        ON CONFLICT (id) DO UPDATE SET state = excluded.state, format = excluded.format, detail = excluded.detail";
    PAYMENTS_OF_MERCHANT = "SELECT id, state, format, detail FROM payments \
        WHERE id > $1 AND merchant = $2 ORDER BY id LIMIT $3";

    ACCOUNT_CREATION_BY_ID = "SELECT id, state, format, detail FROM account_creations WHERE id = $1";
    ACCOUNT_CREATION_BY_PAGE = "SELECT id, state, format, detail FROM account_creations WHERE page = $1";
    ACCOUNT_CREATION_BY_PHONE = "SELECT id, state, format, detail FROM account_creations \
        WHERE merchant = $1 AND product = $2 AND phone_index = $3 ORDER BY id DESC LIMIT 1";
    ACCOUNT_CREATION_SAVE = "INSERT INTO account_creations (id, merchant, product, phone_index, page, state, format, \
        detail) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
        ON CONFLICT (id) DO UPDATE SET state = excluded.state, format = excluded.format, detail = excluded.detail";

    NOTIFICATION_BY_ID = "SELECT id, state, format, detail FROM notifications WHERE id = $1";
    NOTIFICATION_SAVE = "INSERT INTO notifications (id, merchant, kind, subject, created_at, state, halted, format, \
        detail) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
        ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, subject = excluded.subject, state = excluded.state, \
        halted = excluded.halted, format = excluded.format, detail = excluded.detail";
    NOTIFICATIONS_BY_FILTER = "SELECT id, state, format, detail FROM notifications WHERE id > $1 \
        AND ($2 IS NULL OR merchant = $2) AND ($3 IS NULL OR kind IS NULL OR kind = $3) \
        AND ($4 IS NULL OR state = $4) ORDER BY id LIMIT $5";
    NOTIFICATIONS_WAITING_BY_ENDPOINT = "SELECT id, state, format, detail FROM notifications \
        WHERE halted = 'waiting' AND merchant = $1 AND kind = $2 \
        ORDER BY id LIMIT $3";
    NOTIFICATIONS_HALTED = "SELECT merchant, kind, halted, count(*) FROM notifications \
        WHERE halted IS NOT NULL GROUP BY halted, merchant, kind ORDER BY merchant, kind, halted";
    NOTIFICATIONS_BY_SUBJECT = "SELECT id, state, format, detail FROM notifications WHERE subject = $1 \
        ORDER BY id DESC LIMIT $2";

    REFUND_BY_ID = "SELECT id, state, format, detail FROM refunds WHERE id = $1";
    REFUND_BY_REFERENCE = "SELECT id, state, format, detail FROM refunds \
        WHERE merchant = $1 AND kind = $2 AND reference = $3";
    REFUND_SAVE = "INSERT INTO refunds (id, merchant, payment, kind, reference, amount_sen, state, format, detail) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
        ON CONFLICT (id) DO UPDATE SET state = excluded.state, format = excluded.format, detail = excluded.detail";
    REFUNDS_BY_PAYMENT = "SELECT id, state, format, detail FROM refunds WHERE payment = $1 ORDER BY id";
    REFUNDS_BY_MERCHANT = "SELECT id, state, format, detail FROM refunds \
        WHERE merchant = $1 AND id > $2 ORDER BY id LIMIT $3";

    RULING_BY_ID = "SELECT id, state, format, detail FROM rulings WHERE id = $1";
    RULING_BY_CASE = "SELECT id, state, format, detail FROM rulings \
        WHERE about = $1 AND state <> 'withdrawn' ORDER BY id DESC LIMIT 1";
    RULING_SAVE = "INSERT INTO rulings (id, merchant, about, state, format, detail) \
        VALUES ($1, $2, $3, $4, $5, $6) \
        ON CONFLICT (id) DO UPDATE SET state = excluded.state, format = excluded.format, detail = excluded.detail";
    RULINGS = "SELECT id, state, format, detail FROM rulings WHERE id > $1 AND ($2 IS NULL OR state = $2) \
        ORDER BY id LIMIT $3";

    ENDPOINT_BY_KEY = "SELECT merchant, kind, state, format, detail FROM endpoints WHERE merchant = $1 AND kind = $2";
    ENDPOINT_SAVE = "INSERT INTO endpoints (merchant, kind, state, format, detail) VALUES ($1, $2, $3, $4, $5) \
        ON CONFLICT (merchant, kind) DO UPDATE SET state = excluded.state, format = excluded.format, \
        detail = excluded.detail";
    ENDPOINTS = "SELECT merchant, kind, state, format, detail FROM endpoints WHERE (merchant, kind) > ($1, $2) \
        ORDER BY merchant, kind LIMIT $3";

    EXCHANGE_INSERT = "INSERT INTO exchanges (id, about, at, format, detail) VALUES ($1, $2, $3, $4, $5) \
        ON CONFLICT (id) DO NOTHING";
    EXCHANGES_BY_SUBJECT = "SELECT id, format, detail FROM exchanges WHERE about = $1 AND id > $2 ORDER BY id LIMIT $3";
    EXCHANGES_DELETE = "DELETE FROM exchanges WHERE id IN (SELECT o.id FROM ( \
        SELECT id, at FROM exchanges ORDER BY id LIMIT $1) AS o WHERE o.at < $2)";

    CASE_OPEN = "INSERT INTO open_cases (kind, id) VALUES ($1, $2) ON CONFLICT (kind, id) DO NOTHING";
    CASE_CLOSE = "DELETE FROM open_cases WHERE kind = $1 AND id = $2";
    CASES_BY_KIND_PAYMENT = "SELECT t.id, t.state, t.format, t.detail FROM open_cases c CROSS JOIN payments t \
        WHERE c.kind = 'payment' AND c.id > $1 AND t.id = c.id ORDER BY c.id LIMIT $2";
    CASES_BY_KIND_REFUND = "SELECT t.id, t.state, t.format, t.detail FROM open_cases c CROSS JOIN refunds t \
        WHERE c.kind = 'refund' AND c.id > $1 AND t.id = c.id ORDER BY c.id LIMIT $2";
    CASES_BY_KIND_BILL = "SELECT t.id, t.state, t.format, t.detail FROM open_cases c CROSS JOIN bills t \
        WHERE c.kind = 'bill' AND c.id > $1 AND t.id = c.id ORDER BY c.id LIMIT $2";
    CASES_BY_KIND_LINK = "SELECT t.id, t.state, t.format, t.detail FROM open_cases c CROSS JOIN links t \
        WHERE c.kind = 'link' AND c.id > $1 AND t.id = c.id ORDER BY c.id LIMIT $2";
    CASES_BY_KIND_ACCOUNT_CREATION = "SELECT t.id, t.state, t.format, t.detail FROM open_cases c \
        CROSS JOIN account_creations t WHERE c.kind = 'account_creation' AND c.id > $1 AND t.id = c.id \
        ORDER BY c.id LIMIT $2";

    BILL_BY_ID = "SELECT id, state, format, detail FROM bills WHERE id = $1";
    BILL_BY_ORDER = "SELECT id, state, format, detail FROM bills WHERE id = (SELECT max(n.id) FROM ( \
        SELECT max(id) AS id FROM bills WHERE order_index = $1 AND taken = 0 UNION ALL \
        SELECT max(id) FROM bills WHERE order_index = $1 AND taken = 1) n)";
    BILL_BY_ORDER_TAKEN = "SELECT id, state, format, detail FROM bills WHERE id = \
        (SELECT max(id) FROM bills WHERE order_index = $1 AND taken = 1)";
    BILL_SAVE = "INSERT INTO bills (id, merchant, order_index, taken, state, format, detail) \
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE SET taken = excluded.taken, \
        state = excluded.state, format = excluded.format, detail = excluded.detail";
    BILLS_OF_MERCHANT = "SELECT id, state, format, detail FROM bills \
        WHERE id > $1 AND merchant = $2 ORDER BY id LIMIT $3";
    BILLS_BY_OPEN_CASE = "SELECT t.id, t.state, t.format, t.detail FROM open_cases c CROSS JOIN bills t \
        WHERE c.kind = 'bill' AND c.id > $1 AND t.id = c.id AND t.state IN ('sent', 'in_process', 'unknown') \
        ORDER BY c.id LIMIT $2";

    ACCOUNT_BY_NAME = "SELECT name, balance_sen, held_sen, sequence, digest FROM ledger_accounts WHERE name = $1";
    ACCOUNT_SAVE = "INSERT INTO ledger_accounts (name, class, merchant, provider, balance_sen, held_sen, sequence, \
        digest) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
        ON CONFLICT (name) DO UPDATE SET balance_sen = excluded.balance_sen, held_sen = excluded.held_sen, \
        sequence = excluded.sequence, digest = excluded.digest";
    ACCOUNTS = "SELECT name, balance_sen, held_sen, sequence, digest FROM ledger_accounts \
        WHERE name > $1 ORDER BY name LIMIT $2";
    ENTRY_INSERT = "INSERT INTO ledger_entries (account, sequence, journal, kind, purpose, subject, created_at, \
        change_sen, held_change_sen, balance_sen, held_sen, digest) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    ENTRIES_BY_ACCOUNT = "SELECT account, sequence, journal, kind, purpose, subject, created_at, change_sen, \
        held_change_sen, balance_sen, held_sen, digest FROM ledger_entries \
        WHERE account = $1 AND sequence > $2 ORDER BY sequence LIMIT $3";
    ENTRY_COUNT = "SELECT count(*) FROM ledger_entries";

    TOP_UP_BY_ID = "SELECT id, state, format, detail FROM top_ups WHERE id = $1";
    TOP_UP_BY_REFERENCE = "SELECT id, state, format, detail FROM top_ups WHERE merchant = $1 AND reference = $2";
    TOP_UP_SAVE = "INSERT INTO top_ups (id, merchant, reference, state, format, detail) \
        VALUES ($1, $2, $3, $4, $5, $6) \
        ON CONFLICT (id) DO UPDATE SET state = excluded.state, format = excluded.format, detail = excluded.detail";
    TOP_UPS_OF_MERCHANT = "SELECT id, state, format, detail FROM top_ups \
        WHERE merchant = $1 AND id > $2 ORDER BY id LIMIT $3";

    INVOICE_BY_ID = "SELECT id, state, format, detail FROM invoices WHERE id = $1";
    INVOICE_SAVE = "INSERT INTO invoices (id, merchant, from_sequence, state, format, detail) \
        VALUES ($1, $2, $3, $4, $5, $6) \
        ON CONFLICT (id) DO UPDATE SET state = excluded.state, format = excluded.format, detail = excluded.detail";
    INVOICES_OF_MERCHANT = "SELECT id, state, format, detail FROM invoices \
        WHERE merchant = $1 AND id > $2 ORDER BY id LIMIT $3";
    INVOICE_BOOK_BY_MERCHANT = "SELECT merchant, format, detail FROM invoice_books WHERE merchant = $1";
    INVOICE_BOOK_SAVE = "INSERT INTO invoice_books (merchant, format, detail) VALUES ($1, $2, $3) \
        ON CONFLICT (merchant) DO UPDATE SET format = excluded.format, detail = excluded.detail";

    SETTLEMENT_FILE_BY_ID = "SELECT id, state, format, detail FROM settlement_files WHERE id = $1";
    SETTLEMENT_FILE_SAVE = "INSERT INTO settlement_files (id, provider, day, state, format, detail) \
        VALUES ($1, $2, $3, $4, $5, $6) \
        ON CONFLICT (id) DO UPDATE SET state = excluded.state, format = excluded.format, detail = excluded.detail";
    SETTLEMENT_FILES = "SELECT id, state, format, detail FROM settlement_files \
        WHERE id > $1 AND day >= $2 ORDER BY id LIMIT $3";
    RECONCILIATION_ITEM_BY_ID = "SELECT id, state, format, detail FROM reconciliation_items WHERE id = $1";
    RECONCILIATION_ITEM_BY_CLAIM = "SELECT id, state, format, detail FROM reconciliation_items \
        WHERE provider = $1 AND claim = $2";
    RECONCILIATION_ITEM_SAVE = "INSERT INTO reconciliation_items (id, provider, file, claim, bucket, state, format, \
        detail) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO UPDATE SET claim = excluded.claim, \
        state = excluded.state, format = excluded.format, detail = excluded.detail";
    RECONCILIATION_ITEMS_BY_FILE = "SELECT id, state, format, detail FROM reconciliation_items \
        WHERE file = $1 AND id > $2 ORDER BY id LIMIT $3";
    RECONCILIATION_ITEMS_OPEN = "SELECT id, state, format, detail FROM reconciliation_items \
        WHERE state = 'open' AND id > $1 ORDER BY id LIMIT $2";
    RECONCILIATION_EXCEPTIONS = "SELECT id, state, format, detail FROM reconciliation_items \
        WHERE id > $1 AND bucket <> 'matched' ORDER BY id LIMIT $2";
    REFUNDS_BETWEEN = "SELECT id, state, format, detail FROM refunds \
        WHERE id >= $1 AND id < $2 ORDER BY id LIMIT $3";
    PAYMENTS_BETWEEN = "SELECT id, state, format, detail FROM payments \
        WHERE id >= $1 AND id < $2 ORDER BY id LIMIT $3";
    BILLS_BETWEEN = "SELECT id, state, format, detail FROM bills \
        WHERE id >= $1 AND id < $2 ORDER BY id LIMIT $3";

    TASK_BY_ID = "SELECT id, due_at, attempts, format, detail FROM tasks WHERE id = $1";
    TASK_INSERT = "INSERT INTO tasks (id, due_at, attempts, format, detail) VALUES ($1, $2, $3, $4, $5) \
        ON CONFLICT (id) DO NOTHING";
    TASK_DELETE = "DELETE FROM tasks WHERE id = $1";
    TASKS_DUE = "SELECT id, due_at, attempts, format, detail FROM tasks WHERE due_at <= $1 \
        ORDER BY due_at, id LIMIT $2";
    TASK_LEASE = "UPDATE tasks SET due_at = $1, attempts = $2 WHERE id = $3";
    TASKS_RELEASE = "UPDATE tasks SET due_at = $1 WHERE attempts > 0 AND due_at > $1";
    TASKS_UNFINISHED = "SELECT id, due_at, attempts, format, detail FROM tasks ORDER BY id LIMIT $1";
    TASK_NEXT_DUE = "SELECT min(due_at) FROM tasks";

    PROVIDER_NOTICE_INSERT = "INSERT INTO provider_notices (id, connector, received_at, raw) \
        VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING";

    MERCHANT_SAVE = "INSERT INTO merchants (code, format, detail) VALUES ($1, $2, $3) \
        ON CONFLICT (code) DO UPDATE SET format = excluded.format, detail = excluded.detail";
    MERCHANTS = "SELECT code, format, detail FROM merchants ORDER BY code";

    // Changes nothing but the log, which then holds a later commit than the one in doubt.
    SETTLE = "UPDATE vault_check SET number = number";
    VAULT_CHECK = "SELECT sealed FROM vault_check";
    VAULT_CHECK_INSERT = "INSERT INTO vault_check (number, sealed) VALUES (1, $1)";

    MIGRATIONS_TABLE = "CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER PRIMARY KEY, \
        name TEXT NOT NULL, checksum BLOB NOT NULL) STRICT";
    MIGRATIONS_KNOWN = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schema_migrations'";
    COPY_KNOWN = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'store_copy'";
    MIGRATIONS_DONE = "SELECT version, checksum FROM schema_migrations ORDER BY version";
    MIGRATION_INSERT = "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)";
);

/// How many statements a connection keeps prepared: all of them.
pub(super) const CACHE_CAPACITY: usize = 192;

impl Statement {
    /// What the database said about this statement.
    pub(super) fn failed(self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
        let (statement, source) = (self.name, source.into());
        let code = source.downcast_ref::<rusqlite::Error>().and_then(rusqlite::Error::sqlite_error_code);
        match code {
            Some(ErrorCode::DiskFull | ErrorCode::ReadOnly | ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => {
                StoreError::Unwritable { statement, source }
            }
            _ => StoreError::Statement { statement, source },
        }
    }

    /// The prepared statement; a loop over rows asks for it once.
    pub(super) fn prepare(self, connection: &Connection) -> Result<Prepared<'_>, StoreError> {
        let inner = connection.prepare_cached(self.text).map_err(|error| self.failed(error))?;
        Ok(Prepared { statement: self, inner })
    }

    /// Runs it and gives the database's own error, for a caller that tells one from another.
    pub(super) fn run(self, connection: &Connection) -> rusqlite::Result<()> {
        connection.prepare_cached(self.text)?.execute([]).map(drop)
    }

    /// Runs it, giving the number of rows that changed.
    pub(super) fn execute(self, connection: &Connection, params: impl Params) -> Result<usize, StoreError> {
        self.prepare(connection)?.execute(params)
    }

    /// The first row, if there is one.
    pub(super) fn first<T>(
        self,
        connection: &Connection,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, StoreError> {
        self.prepare(connection)?.first(params, read)
    }

    /// Every row.
    pub(super) fn all<T>(
        self,
        connection: &Connection,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let mut prepared = self.prepare(connection)?;
        prepared.inner.query_map(params, read).and_then(Iterator::collect).map_err(|error| self.failed(error))
    }
}

/// A statement of the list, prepared.
pub(super) struct Prepared<'c> {
    statement: Statement,
    inner: CachedStatement<'c>,
}

impl Prepared<'_> {
    /// Runs it, giving the number of rows that changed.
    pub(super) fn execute(&mut self, params: impl Params) -> Result<usize, StoreError> {
        self.inner.execute(params).map_err(|error| self.statement.failed(error))
    }

    /// The first row, if there is one.
    fn first<T>(
        &mut self,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, StoreError> {
        let statement = self.statement;
        let mut rows = self.inner.query(params).map_err(|error| statement.failed(error))?;
        match rows.next().map_err(|error| statement.failed(error))? {
            Some(row) => read(row).map(Some).map_err(|error| statement.failed(error)),
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_statement_prepares_on_an_empty_migrated_database() {
        let mut connection = Connection::open_in_memory().unwrap();
        super::super::migrations::migrate(&mut connection).unwrap();
        for statement in ALL {
            let prepared = connection.prepare(statement.text);
            assert!(prepared.is_ok(), "{statement:?}: {:?}", prepared.err());
        }
        assert!(ALL.len() <= CACHE_CAPACITY);
    }

    #[test]
    fn parameters_are_numbered_in_the_order_of_their_first_use() {
        for statement in ALL {
            let mut highest = 0;
            for part in statement.text.split('$').skip(1) {
                let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
                let number: u32 = digits.parse().unwrap();
                assert!(number <= highest + 1, "{statement:?}");
                highest = highest.max(number);
            }
        }
    }

    #[test]
    fn names_are_unique_and_lookups_use_an_index() {
        let mut connection = Connection::open_in_memory().unwrap();
        super::super::migrations::migrate(&mut connection).unwrap();
        for statement in ALL {
            let same = ALL.iter().filter(|other| other.text == statement.text);
            assert_eq!(same.count(), 1, "{statement:?}");
            if !statement.name.contains("_BY_") && !statement.name.starts_with("PAYMENTS_") {
                continue;
            }
            let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {}", statement.text)).unwrap();
            let count = plan.parameter_count();
            let steps: Vec<String> = plan
                .query_map(rusqlite::params_from_iter(vec![1; count]), |row| row.get(3))
                .unwrap()
                .collect::<Result<_, _>>()
                .unwrap();
            assert!(!steps.iter().any(|step| step.starts_with("SCAN")), "{statement:?}: {steps:?}");
        }
    }
}
