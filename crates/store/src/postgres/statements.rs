//! Why: every statement is declared here, once, with a name and the types that go in and come out. A connection
//! prepares this list and runs nothing else; one test prepares it on an empty migrated database and compares types.
//!
//! A batch is a few statements whatever its size: keys and rows go in as one array per column. Rows are locked, and new
//! ones written, in the order of their keys, so that two writers wait for each other in one direction only.
//!
//! A statement whose count of rows matters divides by whether it is right: the server itself then refuses the
//! transaction, and the commit may travel in the same packet as the writes.

use tokio_postgres::types::Type;

/// A statement of the list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Statement {
    pub(super) name: &'static str,
    pub(super) text: &'static str,
    pub(super) takes: &'static [Type],
    /// Read by the test that compares them with the server's.
    #[cfg_attr(not(test), expect(dead_code, reason = "only a test compares them"))]
    pub(super) gives: &'static [Type],
}

macro_rules! statements {
    ($($name:ident ($($takes:ident),*) -> ($($gives:ident),*) = $text:expr;)+) => {
        $(pub(super) const $name: Statement = Statement {
            name: stringify!($name),
            text: $text,
            takes: &[$(Type::$takes),*],
            gives: &[$(Type::$gives),*],
        };)+

        /// Every statement there is.
        pub(super) const ALL: &[Statement] = &[$($name),+];
    };
}

/// A call found by its key and by its reference comes twice; that costs less than telling whether it does.
macro_rules! requests_found {
    () => {
        "SELECT r.day, r.merchant, r.external_id, r.id, r.service, r.operation, r.partner_reference, r.digest, \
         r.received_at, r.replay, r.answer_status, r.answer_body FROM ( \
         SELECT unnest($1::bigint[]) AS d, unnest($2::text[]) COLLATE \"C\" AS m, unnest($3::text[]) COLLATE \"C\" AS e \
         UNION ALL SELECT q.day, q.merchant, q.external_id FROM ( \
         SELECT unnest($4::text[]) AS m, unnest($5::text[]) AS s, unnest($6::text[]) AS p) AS k \
         JOIN requests q ON q.merchant = k.m AND q.service = k.s AND q.partner_reference = k.p \
         AND q.partner_reference IS NOT NULL) AS k \
         JOIN requests r ON r.day = k.d AND r.merchant = k.m AND r.external_id = k.e \
         ORDER BY r.day, r.merchant, r.external_id"
    };
}

macro_rules! auth_codes_found {
    () => {
        "SELECT t.id, t.state, t.format, t.detail FROM auth_codes t WHERE t.id IN (SELECT unnest($1::uuid[]) UNION \
         SELECT q.id FROM unnest($2::bytea[]) AS k(v) JOIN auth_codes q ON q.code = k.v UNION \
         SELECT q.id FROM unnest($3::bytea[]) AS k(v) JOIN auth_codes q ON q.page = k.v) ORDER BY t.id"
    };
}

macro_rules! links_found {
    () => {
        "SELECT t.id, t.state, t.format, t.detail FROM links t WHERE t.id IN (SELECT unnest($1::uuid[]) UNION \
         SELECT q.id FROM unnest($2::bytea[]) AS k(v) JOIN links q ON q.account_token = k.v UNION \
         SELECT q.id FROM unnest($3::bytea[]) AS k(v) JOIN links q ON q.card_token = k.v UNION \
         SELECT q.id FROM unnest($4::bytea[]) AS k(v) JOIN links q ON q.page = k.v UNION \
         SELECT n.id FROM unnest($5::text[], $6::text[], $7::bytea[]) AS k(m, p, i) CROSS JOIN LATERAL ( \
         SELECT q.id FROM links q WHERE q.merchant = k.m AND q.product = k.p AND q.phone_index = k.i \
         AND q.phone_index IS NOT NULL ORDER BY q.id DESC LIMIT 1) AS n) ORDER BY t.id"
    };
}

macro_rules! payments_found {
    () => {
        "SELECT t.id, t.state, t.format, t.detail FROM payments t WHERE t.id IN (SELECT unnest($1::uuid[]) UNION \
         SELECT q.id FROM unnest($2::bytea[]) AS k(v) JOIN payments q ON q.page = k.v UNION \
         SELECT q.id FROM unnest($3::text[], $4::text[]) AS k(m, p) JOIN requests q ON q.merchant = k.m \
         AND q.service = '54' AND q.partner_reference = k.p AND q.partner_reference IS NOT NULL) ORDER BY t.id"
    };
}

macro_rules! account_creations_found {
    () => {
        "SELECT t.id, t.state, t.format, t.detail FROM account_creations t WHERE t.id IN ( \
         SELECT unnest($1::uuid[]) UNION \
         SELECT q.id FROM unnest($2::bytea[]) AS k(v) JOIN account_creations q ON q.page = k.v UNION \
         SELECT n.id FROM unnest($3::text[], $4::text[], $5::bytea[]) AS k(m, p, i) CROSS JOIN LATERAL ( \
         SELECT q.id FROM account_creations q WHERE q.merchant = k.m AND q.product = k.p AND q.phone_index = k.i \
         ORDER BY q.id DESC LIMIT 1) AS n) ORDER BY t.id"
    };
}

macro_rules! notifications_found {
    () => {
        "SELECT t.id, t.state, t.format, t.detail FROM notifications t \
         WHERE t.id IN (SELECT unnest($1::uuid[])) ORDER BY t.id"
    };
}

/// The rows of a batch, one array per column. Arrays side by side in a select list cost half of what they cost as a
/// table, which is filled before it is read.
macro_rules! rows_of {
    (requests) => {
        "INSERT INTO requests (day, merchant, external_id, id, service, operation, partner_reference, digest, \
         received_at, replay, answer_status, answer_body) SELECT unnest($1::bigint[]), unnest($2::text[]), \
         unnest($3::text[]), unnest($4::uuid[]), unnest($5::text[]), unnest($6::text[]), unnest($7::text[]), \
         unnest($8::bytea[]), unnest($9::bigint[]), unnest($10::boolean[]), unnest($11::bigint[]), \
         unnest($12::bytea[])"
    };
    (auth_codes) => {
        "INSERT INTO auth_codes (id, code, page, state, format, detail) SELECT unnest($1::uuid[]), \
         unnest($2::bytea[]), unnest($3::bytea[]), unnest($4::text[]), unnest($5::bigint[]), unnest($6::bytea[])"
    };
    (links) => {
        "INSERT INTO links (id, merchant, product, phone_index, page, account_token, card_token, created_at, state, \
         format, detail) SELECT unnest($1::uuid[]), unnest($2::text[]), unnest($3::text[]), unnest($4::bytea[]), \
         unnest($5::bytea[]), unnest($6::bytea[]), unnest($7::bytea[]), unnest($8::bigint[]), unnest($9::text[]), \
         unnest($10::bigint[]), unnest($11::bytea[])"
    };
    (payments) => {
        "INSERT INTO payments (id, merchant, page, amount_sen, created_at, state, format, detail) SELECT \
         unnest($1::uuid[]), unnest($2::text[]), unnest($3::bytea[]), unnest($4::bigint[]), unnest($5::bigint[]), \
         unnest($6::text[]), unnest($7::bigint[]), unnest($8::bytea[])"
    };
    (account_creations) => {
        "INSERT INTO account_creations (id, merchant, product, phone_index, page, state, format, detail) SELECT \
         unnest($1::uuid[]), unnest($2::text[]), unnest($3::text[]), unnest($4::bytea[]), unnest($5::bytea[]), \
         unnest($6::text[]), unnest($7::bigint[]), unnest($8::bytea[])"
    };
    (notifications) => {
        "INSERT INTO notifications (id, merchant, kind, subject, created_at, state, halted, format, detail) SELECT \
         unnest($1::uuid[]), unnest($2::text[]), unnest($3::text[]), unnest($4::uuid[]), unnest($5::bigint[]), \
         unnest($6::text[]), unnest($7::text[]), unnest($8::bigint[]), unnest($9::bytea[])"
    };
    (refunds) => {
        "INSERT INTO refunds (id, merchant, payment, kind, reference, amount_sen, state, format, detail) SELECT \
         unnest($1::uuid[]), unnest($2::text[]), unnest($3::uuid[]), unnest($4::text[]), unnest($5::text[]), \
         unnest($6::bigint[]), unnest($7::text[]), unnest($8::bigint[]), unnest($9::bytea[])"
    };
    (rulings) => {
        "INSERT INTO rulings (id, merchant, about, state, format, detail) SELECT unnest($1::uuid[]), \
         unnest($2::text[]), unnest($3::uuid[]), unnest($4::text[]), unnest($5::bigint[]), unnest($6::bytea[])"
    };
    (endpoints) => {
        "INSERT INTO endpoints (merchant, kind, state, format, detail) SELECT unnest($1::text[]), unnest($2::text[]), \
         unnest($3::text[]), unnest($4::bigint[]), unnest($5::bytea[])"
    };
    (exchanges) => {
        "INSERT INTO exchanges (id, about, at, format, detail) SELECT unnest($1::uuid[]), unnest($2::uuid[]), \
         unnest($3::bigint[]), unnest($4::bigint[]), unnest($5::bytea[])"
    };
    (open_cases) => {
        "INSERT INTO open_cases (kind, id) SELECT unnest($1::text[]), unnest($2::uuid[])"
    };
    (bills) => {
        "INSERT INTO bills (id, merchant, order_index, taken, state, format, detail) SELECT unnest($1::uuid[]), \
         unnest($2::text[]), unnest($3::uuid[]), unnest($4::boolean[]), unnest($5::text[]), unnest($6::bigint[]), \
         unnest($7::bytea[])"
    };
    (ledger_entries) => {
        "INSERT INTO ledger_entries (account, sequence, journal, kind, purpose, subject, created_at, change_sen, \
         held_change_sen, balance_sen, held_sen, digest) SELECT unnest($1::text[]), unnest($2::bigint[]), \
         unnest($3::uuid[]), unnest($4::text[]), unnest($5::text[]), unnest($6::uuid[]), unnest($7::bigint[]), \
         unnest($8::bigint[]), unnest($9::bigint[]), unnest($10::bigint[]), unnest($11::bigint[]), \
         unnest($12::bytea[])"
    };
    (ledger_accounts) => {
        "INSERT INTO ledger_accounts (name, class, merchant, provider, balance_sen, held_sen, sequence, digest) \
         SELECT unnest($1::text[]), unnest($2::text[]), unnest($3::text[]), unnest($4::text[]), \
         unnest($5::bigint[]), unnest($6::bigint[]), unnest($7::bigint[]), unnest($8::bytea[])"
    };
    (top_ups) => {
        "INSERT INTO top_ups (id, merchant, reference, state, format, detail) SELECT unnest($1::uuid[]), \
         unnest($2::text[]), unnest($3::text[]), unnest($4::text[]), unnest($5::bigint[]), unnest($6::bytea[])"
    };
    (invoices) => {
        "INSERT INTO invoices (id, merchant, from_sequence, state, format, detail) SELECT unnest($1::uuid[]), \
         unnest($2::text[]), unnest($3::bigint[]), unnest($4::text[]), unnest($5::bigint[]), unnest($6::bytea[])"
    };
    (invoice_books) => {
        "INSERT INTO invoice_books (merchant, format, detail) SELECT unnest($1::text[]), unnest($2::bigint[]), \
         unnest($3::bytea[])"
    };
    (settlement_files) => {
        "INSERT INTO settlement_files (id, provider, day, state, format, detail) SELECT unnest($1::uuid[]), \
         unnest($2::text[]), unnest($3::bigint[]), unnest($4::text[]), unnest($5::bigint[]), unnest($6::bytea[])"
    };
    (reconciliation_items) => {
        "INSERT INTO reconciliation_items (id, provider, file, claim, bucket, state, format, detail) SELECT \
         unnest($1::uuid[]), unnest($2::text[]), unnest($3::uuid[]), unnest($4::text[]), unnest($5::text[]), \
         unnest($6::text[]), unnest($7::bigint[]), unnest($8::bytea[])"
    };
    (tasks) => {
        "INSERT INTO tasks (id, due_at, attempts, format, detail) SELECT unnest($1::uuid[]), unnest($2::bigint[]), \
         unnest($3::bigint[]), unnest($4::bigint[]), unnest($5::bytea[])"
    };
    (provider_notices) => {
        "INSERT INTO provider_notices (id, connector, received_at, raw) SELECT unnest($1::uuid[]), unnest($2::text[]), \
         unnest($3::bigint[]), unnest($4::bytea[])"
    };
}

macro_rules! bills_found {
    () => {
        "SELECT t.id, t.state, t.format, t.detail FROM bills t WHERE t.id IN (SELECT unnest($1::uuid[]) UNION \
         SELECT n.id FROM unnest($2::uuid[]) AS k(o) CROSS JOIN LATERAL (SELECT q.id FROM ( \
         (SELECT b.id FROM bills b WHERE b.order_index = k.o AND NOT b.taken ORDER BY b.id DESC LIMIT 1) UNION ALL \
         (SELECT b.id FROM bills b WHERE b.order_index = k.o AND b.taken ORDER BY b.id DESC LIMIT 1)) AS q \
         ORDER BY q.id DESC LIMIT 1) AS n UNION \
         SELECT n.id FROM unnest($3::uuid[]) AS k(o) CROSS JOIN LATERAL ( \
         SELECT b.id FROM bills b WHERE b.order_index = k.o AND b.taken ORDER BY b.id DESC LIMIT 1) AS n) \
         ORDER BY t.id"
    };
}

macro_rules! accounts_found {
    () => {
        "SELECT t.name, t.balance_sen, t.held_sen, t.sequence, t.digest FROM ledger_accounts t \
         WHERE t.name IN (SELECT unnest($1::text[])) ORDER BY t.name"
    };
}

macro_rules! top_ups_found {
    () => {
        "SELECT t.id, t.state, t.format, t.detail FROM top_ups t WHERE t.id IN (SELECT unnest($1::uuid[]) UNION \
         SELECT q.id FROM unnest($2::text[], $3::text[]) AS k(m, r) JOIN top_ups q ON q.merchant = k.m \
         AND q.reference = k.r) ORDER BY t.id"
    };
}

macro_rules! invoices_found {
    () => {
        "SELECT t.id, t.state, t.format, t.detail FROM invoices t \
         WHERE t.id IN (SELECT unnest($1::uuid[])) ORDER BY t.id"
    };
}

macro_rules! invoice_books_found {
    () => {
        "SELECT t.merchant, t.format, t.detail FROM invoice_books t \
         WHERE t.merchant IN (SELECT unnest($1::text[])) ORDER BY t.merchant"
    };
}

macro_rules! settlement_files_found {
    () => {
        "SELECT t.id, t.state, t.format, t.detail FROM settlement_files t \
         WHERE t.id IN (SELECT unnest($1::uuid[])) ORDER BY t.id"
    };
}

macro_rules! reconciliation_items_found {
    () => {
        "SELECT t.id, t.state, t.format, t.detail FROM reconciliation_items t WHERE t.id IN ( \
         SELECT unnest($1::uuid[]) UNION \
         SELECT q.id FROM unnest($2::text[], $3::text[]) AS k(p, c) JOIN reconciliation_items q ON q.provider = k.p \
         AND q.claim = k.c) ORDER BY t.id"
    };
}

macro_rules! refunds_found {
    () => {
        "SELECT t.id, t.state, t.format, t.detail FROM refunds t WHERE t.id IN (SELECT unnest($1::uuid[]) UNION \
         SELECT q.id FROM unnest($2::text[], $3::text[], $4::text[]) AS k(m, n, r) JOIN refunds q \
         ON q.merchant = k.m AND q.kind = k.n AND q.reference = k.r) ORDER BY t.id"
    };
}

macro_rules! rulings_found {
    () => {
        "SELECT t.id, t.state, t.format, t.detail FROM rulings t WHERE t.id IN (SELECT unnest($1::uuid[]) UNION \
         SELECT n.id FROM unnest($2::uuid[]) AS k(a) CROSS JOIN LATERAL (SELECT q.id FROM rulings q \
         WHERE q.about = k.a AND q.state <> 'withdrawn' ORDER BY q.id DESC LIMIT 1) AS n) ORDER BY t.id"
    };
}

macro_rules! endpoints_found {
    () => {
        "SELECT t.merchant, t.kind, t.state, t.format, t.detail FROM unnest($1::text[], $2::text[]) AS k(m, n) \
         JOIN endpoints t ON t.merchant = k.m AND t.kind = k.n ORDER BY t.merchant, t.kind"
    };
}

/// A page of the rows of a table that are open cases of a kind.
macro_rules! open_cases_found {
    ($kind:ident, $table:literal, $more:literal) => {
        concat!(
            "SELECT t.id, t.state, t.format, t.detail FROM open_cases c JOIN ",
            $table,
            " t ON t.id = c.id WHERE c.kind = '",
            stringify!($kind),
            "' AND c.id > $1",
            $more,
            " ORDER BY c.id LIMIT $2"
        )
    };
}

/// Microseconds since the epoch by the server's clock; tells only how old a session is.
macro_rules! server_micros {
    () => {
        "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
    };
}

statements!(
    BEGIN () -> () = "BEGIN";
    COMMIT () -> () = "COMMIT";
    ROLLBACK () -> () = "ROLLBACK";

    SERVER () -> (TEXT, TEXT, TEXT, TEXT, TEXT) = "SELECT current_setting('transaction_read_only'), \
        current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit'), \
        current_setting('server_encoding')";

    SESSION_OPEN (UUID) -> () = concat!(
        "INSERT INTO writer_sessions (id, batches, closed, changed_at) VALUES ($1, 0, false, ", server_micros!(), ")");
    SESSIONS_PRUNE (INT8) -> () = concat!(
        "DELETE FROM writer_sessions WHERE changed_at < ", server_micros!(), " - $1");
    SESSION_COUNT (INT8, UUID) -> (INT4) = concat!(
        "WITH counted AS (UPDATE writer_sessions SET batches = $1, changed_at = ", server_micros!(),
        " WHERE id = $2 AND NOT closed RETURNING 1) SELECT 1 / (count(*) = 1)::int FROM counted");
    SESSION_CLOSE (UUID) -> (INT8) = "UPDATE writer_sessions SET closed = true WHERE id = $1 RETURNING batches";

    REQUESTS_LOCK (INT8_ARRAY, TEXT_ARRAY, TEXT_ARRAY, TEXT_ARRAY, TEXT_ARRAY, TEXT_ARRAY)
        -> (INT8, TEXT, TEXT, UUID, TEXT, TEXT, TEXT, BYTEA, INT8, BOOL, INT8, BYTEA)
        = concat!(requests_found!(), " FOR UPDATE OF r");
    REQUESTS_READ (INT8_ARRAY, TEXT_ARRAY, TEXT_ARRAY, TEXT_ARRAY, TEXT_ARRAY, TEXT_ARRAY)
        -> (INT8, TEXT, TEXT, UUID, TEXT, TEXT, TEXT, BYTEA, INT8, BOOL, INT8, BYTEA) = requests_found!();
    AUTH_CODES_LOCK (UUID_ARRAY, BYTEA_ARRAY, BYTEA_ARRAY) -> (UUID, TEXT, INT8, BYTEA)
        = concat!(auth_codes_found!(), " FOR UPDATE OF t");
    AUTH_CODES_READ (UUID_ARRAY, BYTEA_ARRAY, BYTEA_ARRAY) -> (UUID, TEXT, INT8, BYTEA) = auth_codes_found!();
    LINKS_LOCK (UUID_ARRAY, BYTEA_ARRAY, BYTEA_ARRAY, BYTEA_ARRAY, TEXT_ARRAY, TEXT_ARRAY, BYTEA_ARRAY)
        -> (UUID, TEXT, INT8, BYTEA) = concat!(links_found!(), " FOR UPDATE OF t");
    LINKS_READ (UUID_ARRAY, BYTEA_ARRAY, BYTEA_ARRAY, BYTEA_ARRAY, TEXT_ARRAY, TEXT_ARRAY, BYTEA_ARRAY)
        -> (UUID, TEXT, INT8, BYTEA) = links_found!();
    PAYMENTS_LOCK (UUID_ARRAY, BYTEA_ARRAY, TEXT_ARRAY, TEXT_ARRAY) -> (UUID, TEXT, INT8, BYTEA)
        = concat!(payments_found!(), " FOR UPDATE OF t");
    PAYMENTS_READ (UUID_ARRAY, BYTEA_ARRAY, TEXT_ARRAY, TEXT_ARRAY) -> (UUID, TEXT, INT8, BYTEA)
        = payments_found!();
    ACCOUNT_CREATIONS_LOCK (UUID_ARRAY, BYTEA_ARRAY, TEXT_ARRAY, TEXT_ARRAY, BYTEA_ARRAY)
        -> (UUID, TEXT, INT8, BYTEA) = concat!(account_creations_found!(), " FOR UPDATE OF t");
    ACCOUNT_CREATIONS_READ (UUID_ARRAY, BYTEA_ARRAY, TEXT_ARRAY, TEXT_ARRAY, BYTEA_ARRAY)
        -> (UUID, TEXT, INT8, BYTEA) = account_creations_found!();
    NOTIFICATIONS_LOCK (UUID_ARRAY) -> (UUID, TEXT, INT8, BYTEA)
        = concat!(notifications_found!(), " FOR UPDATE OF t");
    NOTIFICATIONS_READ (UUID_ARRAY) -> (UUID, TEXT, INT8, BYTEA) = notifications_found!();

    BILLS_LOCK (UUID_ARRAY, UUID_ARRAY, UUID_ARRAY) -> (UUID, TEXT, INT8, BYTEA)
        = concat!(bills_found!(), " FOR UPDATE OF t");
    BILLS_READ (UUID_ARRAY, UUID_ARRAY, UUID_ARRAY) -> (UUID, TEXT, INT8, BYTEA) = bills_found!();
    ACCOUNTS_LOCK (TEXT_ARRAY) -> (TEXT, INT8, INT8, INT8, BYTEA)
        = concat!(accounts_found!(), " FOR UPDATE OF t");
    ACCOUNTS_READ (TEXT_ARRAY) -> (TEXT, INT8, INT8, INT8, BYTEA) = accounts_found!();
    TOP_UPS_LOCK (UUID_ARRAY, TEXT_ARRAY, TEXT_ARRAY) -> (UUID, TEXT, INT8, BYTEA)
        = concat!(top_ups_found!(), " FOR UPDATE OF t");
    TOP_UPS_READ (UUID_ARRAY, TEXT_ARRAY, TEXT_ARRAY) -> (UUID, TEXT, INT8, BYTEA) = top_ups_found!();
    INVOICES_LOCK (UUID_ARRAY) -> (UUID, TEXT, INT8, BYTEA) = concat!(invoices_found!(), " FOR UPDATE OF t");
    INVOICES_READ (UUID_ARRAY) -> (UUID, TEXT, INT8, BYTEA) = invoices_found!();
    SETTLEMENT_FILES_LOCK (UUID_ARRAY) -> (UUID, TEXT, INT8, BYTEA)
        = concat!(settlement_files_found!(), " FOR UPDATE OF t");
    SETTLEMENT_FILES_READ (UUID_ARRAY) -> (UUID, TEXT, INT8, BYTEA) = settlement_files_found!();
    RECONCILIATION_ITEMS_LOCK (UUID_ARRAY, TEXT_ARRAY, TEXT_ARRAY) -> (UUID, TEXT, INT8, BYTEA)
        = concat!(reconciliation_items_found!(), " FOR UPDATE OF t");
    RECONCILIATION_ITEMS_READ (UUID_ARRAY, TEXT_ARRAY, TEXT_ARRAY) -> (UUID, TEXT, INT8, BYTEA)
        = reconciliation_items_found!();
    INVOICE_BOOKS_LOCK (TEXT_ARRAY) -> (TEXT, INT8, BYTEA) = concat!(invoice_books_found!(), " FOR UPDATE OF t");
    INVOICE_BOOKS_READ (TEXT_ARRAY) -> (TEXT, INT8, BYTEA) = invoice_books_found!();

    REFUNDS_LOCK (UUID_ARRAY, TEXT_ARRAY, TEXT_ARRAY, TEXT_ARRAY) -> (UUID, TEXT, INT8, BYTEA)
        = concat!(refunds_found!(), " FOR UPDATE OF t");
    REFUNDS_READ (UUID_ARRAY, TEXT_ARRAY, TEXT_ARRAY, TEXT_ARRAY) -> (UUID, TEXT, INT8, BYTEA) = refunds_found!();
    RULINGS_LOCK (UUID_ARRAY, UUID_ARRAY) -> (UUID, TEXT, INT8, BYTEA)
        = concat!(rulings_found!(), " FOR UPDATE OF t");
    RULINGS_READ (UUID_ARRAY, UUID_ARRAY) -> (UUID, TEXT, INT8, BYTEA) = rulings_found!();
    ENDPOINTS_LOCK (TEXT_ARRAY, TEXT_ARRAY) -> (TEXT, TEXT, TEXT, INT8, BYTEA)
        = concat!(endpoints_found!(), " FOR UPDATE OF t");
    ENDPOINTS_READ (TEXT_ARRAY, TEXT_ARRAY) -> (TEXT, TEXT, TEXT, INT8, BYTEA) = endpoints_found!();

    REQUEST_INSERT (INT8_ARRAY, TEXT_ARRAY, TEXT_ARRAY, UUID_ARRAY, TEXT_ARRAY, TEXT_ARRAY, TEXT_ARRAY, BYTEA_ARRAY,
        INT8_ARRAY, BOOL_ARRAY, INT8_ARRAY, BYTEA_ARRAY, INT8) -> (INT4)
        = concat!("WITH kept AS (", rows_of!(requests), " ON CONFLICT (day, merchant, external_id) \
        DO UPDATE SET id = excluded.id WHERE requests.id = excluded.id RETURNING 1) \
        SELECT 1 / (count(*) = $13)::int FROM kept");
    REQUEST_NEW (INT8_ARRAY, TEXT_ARRAY, TEXT_ARRAY, UUID_ARRAY, TEXT_ARRAY, TEXT_ARRAY, TEXT_ARRAY, BYTEA_ARRAY,
        INT8_ARRAY, BOOL_ARRAY, INT8_ARRAY, BYTEA_ARRAY) -> () = rows_of!(requests);
    REQUEST_ANSWER (INT8_ARRAY, TEXT_ARRAY, TEXT_ARRAY, INT8_ARRAY, BYTEA_ARRAY, INT8) -> (INT4)
        = "WITH answered AS (UPDATE requests r SET answer_status = k.status, answer_body = k.body \
        FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::bytea[]) AS k(d, m, e, status, body) \
        WHERE r.day = k.d AND r.merchant = k.m AND r.external_id = k.e RETURNING 1) \
        SELECT 1 / (count(*) = $6)::int FROM answered";

    AUTH_CODE_SAVE (UUID_ARRAY, BYTEA_ARRAY, BYTEA_ARRAY, TEXT_ARRAY, INT8_ARRAY, BYTEA_ARRAY) -> ()
        = concat!(rows_of!(auth_codes), " ON CONFLICT (id) DO UPDATE SET state = excluded.state, format = \
        excluded.format, detail = excluded.detail");
    AUTH_CODE_NEW (UUID_ARRAY, BYTEA_ARRAY, BYTEA_ARRAY, TEXT_ARRAY, INT8_ARRAY, BYTEA_ARRAY) -> ()
        = rows_of!(auth_codes);
    LINK_SAVE (UUID_ARRAY, TEXT_ARRAY, TEXT_ARRAY, BYTEA_ARRAY, BYTEA_ARRAY, BYTEA_ARRAY, BYTEA_ARRAY, INT8_ARRAY,
        TEXT_ARRAY, INT8_ARRAY, BYTEA_ARRAY) -> ()
        = concat!(rows_of!(links), " ON CONFLICT (id) DO UPDATE SET phone_index = excluded.phone_index, card_token = \
        excluded.card_token, state = excluded.state, format = excluded.format, detail = excluded.detail");
    PAYMENT_SAVE (UUID_ARRAY, TEXT_ARRAY, BYTEA_ARRAY, INT8_ARRAY, INT8_ARRAY, TEXT_ARRAY, INT8_ARRAY, BYTEA_ARRAY) ->
        ()
        = concat!(rows_of!(payments), " ON CONFLICT (id) DO UPDATE SET state = excluded.state, format = \
        excluded.format, detail = excluded.detail");
    PAYMENT_NEW (UUID_ARRAY, TEXT_ARRAY, BYTEA_ARRAY, INT8_ARRAY, INT8_ARRAY, TEXT_ARRAY, INT8_ARRAY, BYTEA_ARRAY) ->
        ()
        = rows_of!(payments);
    ACCOUNT_CREATION_SAVE (UUID_ARRAY, TEXT_ARRAY, TEXT_ARRAY, BYTEA_ARRAY, BYTEA_ARRAY, TEXT_ARRAY, INT8_ARRAY,
        BYTEA_ARRAY) -> ()
        = concat!(rows_of!(account_creations), " ON CONFLICT (id) DO UPDATE SET state = excluded.state, format = \
        excluded.format, detail = excluded.detail");
    NOTIFICATION_SAVE (UUID_ARRAY, TEXT_ARRAY, TEXT_ARRAY, UUID_ARRAY, INT8_ARRAY, TEXT_ARRAY, TEXT_ARRAY, INT8_ARRAY,
        BYTEA_ARRAY) -> ()
        = concat!(rows_of!(notifications), " ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, subject = \
        excluded.subject, state = excluded.state, halted = excluded.halted, format = excluded.format, \
        detail = excluded.detail");
    NOTIFICATION_NEW (UUID_ARRAY, TEXT_ARRAY, TEXT_ARRAY, UUID_ARRAY, INT8_ARRAY, TEXT_ARRAY, TEXT_ARRAY, INT8_ARRAY,
        BYTEA_ARRAY) -> ()
        = rows_of!(notifications);
    REFUND_SAVE (UUID_ARRAY, TEXT_ARRAY, UUID_ARRAY, TEXT_ARRAY, TEXT_ARRAY, INT8_ARRAY, TEXT_ARRAY, INT8_ARRAY,
        BYTEA_ARRAY) -> ()
        = concat!(rows_of!(refunds), " ON CONFLICT (id) DO UPDATE SET state = excluded.state, format = \
        excluded.format, detail = excluded.detail");
    RULING_SAVE (UUID_ARRAY, TEXT_ARRAY, UUID_ARRAY, TEXT_ARRAY, INT8_ARRAY, BYTEA_ARRAY) -> ()
        = concat!(rows_of!(rulings), " ON CONFLICT (id) DO UPDATE SET state = excluded.state, format = \
        excluded.format, detail = excluded.detail");
    ENDPOINT_SAVE (TEXT_ARRAY, TEXT_ARRAY, TEXT_ARRAY, INT8_ARRAY, BYTEA_ARRAY) -> ()
        = concat!(rows_of!(endpoints), " ON CONFLICT (merchant, kind) DO UPDATE SET state = excluded.state, format = \
        excluded.format, detail = excluded.detail");
    ENDPOINT_NEW (TEXT_ARRAY, TEXT_ARRAY, TEXT_ARRAY, INT8_ARRAY, BYTEA_ARRAY) -> () = rows_of!(endpoints);
    EXCHANGE_INSERT (UUID_ARRAY, UUID_ARRAY, INT8_ARRAY, INT8_ARRAY, BYTEA_ARRAY) -> ()
        = concat!(rows_of!(exchanges), " ON CONFLICT (id) DO NOTHING");
    EXCHANGES_DELETE (INT8, INT8) -> (INT8)
        = "WITH gone AS (DELETE FROM exchanges WHERE id IN (SELECT o.id FROM ( \
        SELECT id, at FROM exchanges ORDER BY id LIMIT $1) AS o WHERE o.at < $2) RETURNING 1) \
        SELECT count(*) FROM gone";
    CASE_OPEN (TEXT_ARRAY, UUID_ARRAY) -> () = concat!(rows_of!(open_cases), " ON CONFLICT (kind, id) DO NOTHING");
    CASE_CLOSE (TEXT_ARRAY, UUID_ARRAY) -> ()
        = "DELETE FROM open_cases c USING unnest($1::text[], $2::uuid[]) AS k(n, i) \
        WHERE c.kind = k.n AND c.id = k.i";
    BILL_SAVE (UUID_ARRAY, TEXT_ARRAY, UUID_ARRAY, BOOL_ARRAY, TEXT_ARRAY, INT8_ARRAY, BYTEA_ARRAY) -> ()
        = concat!(rows_of!(bills), " ON CONFLICT (id) DO UPDATE SET taken = excluded.taken, state = excluded.state, \
        format = excluded.format, detail = excluded.detail");
    BILL_NEW (UUID_ARRAY, TEXT_ARRAY, UUID_ARRAY, BOOL_ARRAY, TEXT_ARRAY, INT8_ARRAY, BYTEA_ARRAY) -> ()
        = rows_of!(bills);
    ENTRY_INSERT (TEXT_ARRAY, INT8_ARRAY, UUID_ARRAY, TEXT_ARRAY, TEXT_ARRAY, UUID_ARRAY, INT8_ARRAY, INT8_ARRAY,
        INT8_ARRAY, INT8_ARRAY, INT8_ARRAY, BYTEA_ARRAY) -> () = rows_of!(ledger_entries);
    ACCOUNT_SAVE (TEXT_ARRAY, TEXT_ARRAY, TEXT_ARRAY, TEXT_ARRAY, INT8_ARRAY, INT8_ARRAY, INT8_ARRAY, BYTEA_ARRAY)
        -> () = concat!(rows_of!(ledger_accounts), " ON CONFLICT (name) DO UPDATE SET balance_sen = \
        excluded.balance_sen, held_sen = excluded.held_sen, sequence = excluded.sequence, digest = excluded.digest");
    TOP_UP_SAVE (UUID_ARRAY, TEXT_ARRAY, TEXT_ARRAY, TEXT_ARRAY, INT8_ARRAY, BYTEA_ARRAY) -> ()
        = concat!(rows_of!(top_ups), " ON CONFLICT (id) DO UPDATE SET state = excluded.state, format = \
        excluded.format, detail = excluded.detail");
    INVOICE_SAVE (UUID_ARRAY, TEXT_ARRAY, INT8_ARRAY, TEXT_ARRAY, INT8_ARRAY, BYTEA_ARRAY) -> ()
        = concat!(rows_of!(invoices), " ON CONFLICT (id) DO UPDATE SET state = excluded.state, format = \
        excluded.format, detail = excluded.detail");
    INVOICE_BOOK_SAVE (TEXT_ARRAY, INT8_ARRAY, BYTEA_ARRAY) -> ()
        = concat!(rows_of!(invoice_books), " ON CONFLICT (merchant) DO UPDATE SET format = excluded.format, \
        detail = excluded.detail");
    SETTLEMENT_FILE_SAVE (UUID_ARRAY, TEXT_ARRAY, INT8_ARRAY, TEXT_ARRAY, INT8_ARRAY, BYTEA_ARRAY) -> ()
        = concat!(rows_of!(settlement_files), " ON CONFLICT (id) DO UPDATE SET state = excluded.state, format = \
        excluded.format, detail = excluded.detail");
    RECONCILIATION_ITEM_SAVE (UUID_ARRAY, TEXT_ARRAY, UUID_ARRAY, TEXT_ARRAY, TEXT_ARRAY, TEXT_ARRAY, INT8_ARRAY,
        BYTEA_ARRAY) -> () = concat!(rows_of!(reconciliation_items), " ON CONFLICT (id) DO UPDATE SET claim = \
        excluded.claim, state = excluded.state, format = excluded.format, detail = excluded.detail");
    TASK_INSERT (UUID_ARRAY, INT8_ARRAY, INT8_ARRAY, INT8_ARRAY, BYTEA_ARRAY) -> ()
        = concat!(rows_of!(tasks), " ON CONFLICT (id) DO NOTHING");
    TASK_NEW (UUID_ARRAY, INT8_ARRAY, INT8_ARRAY, INT8_ARRAY, BYTEA_ARRAY) -> ()
        = rows_of!(tasks);
    TASK_DELETE (UUID_ARRAY) -> () = "DELETE FROM tasks WHERE id IN (SELECT unnest($1::uuid[]))";
    PROVIDER_NOTICE_INSERT (UUID_ARRAY, TEXT_ARRAY, INT8_ARRAY, BYTEA_ARRAY) -> ()
        = concat!(rows_of!(provider_notices), " ON CONFLICT (id) DO NOTHING");

    TASKS_CLAIM (INT8, INT8, INT8) -> (UUID, INT8, INT8, INT8, BYTEA)
        = "WITH due AS MATERIALIZED (SELECT id, due_at FROM tasks WHERE due_at <= $1 ORDER BY due_at, id LIMIT $2 \
        FOR UPDATE SKIP LOCKED), \
        taken AS (UPDATE tasks t SET due_at = $3, attempts = t.attempts + 1 FROM due WHERE t.id = due.id \
        RETURNING t.id, t.due_at, t.attempts, t.format, t.detail, due.due_at AS was_due_at) \
        SELECT id, due_at, attempts, format, detail FROM taken ORDER BY was_due_at, id";
    TASKS_UNFINISHED (INT8) -> (UUID, INT8, INT8, INT8, BYTEA)
        = "SELECT id, due_at, attempts, format, detail FROM tasks ORDER BY id LIMIT $1";
    TASK_NEXT_DUE () -> (INT8) = "SELECT min(due_at) FROM tasks";

    PAYMENTS_OF_MERCHANT (UUID, TEXT, INT8) -> (UUID, TEXT, INT8, BYTEA)
        = "SELECT id, state, format, detail FROM payments WHERE id > $1 AND merchant = $2 ORDER BY id LIMIT $3";
    PAYMENTS_OF_MERCHANT_FIRST (TEXT, INT8) -> (UUID, TEXT, INT8, BYTEA)
        = "SELECT id, state, format, detail FROM payments WHERE merchant = $1 ORDER BY id LIMIT $2";
    BILLS_OF_MERCHANT (UUID, TEXT, INT8) -> (UUID, TEXT, INT8, BYTEA)
        = "SELECT id, state, format, detail FROM bills WHERE id > $1 AND merchant = $2 ORDER BY id LIMIT $3";
    BILLS_OPEN (UUID, INT8) -> (UUID, TEXT, INT8, BYTEA)
        = open_cases_found!(bill, "bills", " AND t.state IN ('sent', 'in_process', 'unknown')");
    CASES_PAYMENT (UUID, INT8) -> (UUID, TEXT, INT8, BYTEA) = open_cases_found!(payment, "payments", "");
    CASES_REFUND (UUID, INT8) -> (UUID, TEXT, INT8, BYTEA) = open_cases_found!(refund, "refunds", "");
    CASES_BILL (UUID, INT8) -> (UUID, TEXT, INT8, BYTEA) = open_cases_found!(bill, "bills", "");
    CASES_LINK (UUID, INT8) -> (UUID, TEXT, INT8, BYTEA) = open_cases_found!(link, "links", "");
    CASES_ACCOUNT_CREATION (UUID, INT8) -> (UUID, TEXT, INT8, BYTEA)
        = open_cases_found!(account_creation, "account_creations", "");
    REFUNDS_OF_PAYMENT (UUID) -> (UUID, TEXT, INT8, BYTEA)
        = "SELECT id, state, format, detail FROM refunds WHERE payment = $1 ORDER BY id";
    REFUNDS_OF_MERCHANT (TEXT, UUID, INT8) -> (UUID, TEXT, INT8, BYTEA)
        = "SELECT id, state, format, detail FROM refunds WHERE merchant = $1 AND id > $2 ORDER BY id LIMIT $3";
    RULINGS (UUID, TEXT, INT8) -> (UUID, TEXT, INT8, BYTEA)
        = "SELECT id, state, format, detail FROM rulings WHERE id > $1 AND ($2::text IS NULL OR state = $2) \
        ORDER BY id LIMIT $3";
    ENDPOINTS (TEXT, TEXT, INT8) -> (TEXT, TEXT, TEXT, INT8, BYTEA)
        = "SELECT merchant, kind, state, format, detail FROM endpoints WHERE (merchant, kind) > ($1, $2) \
        ORDER BY merchant, kind LIMIT $3";
    EXCHANGES (UUID, UUID, INT8) -> (UUID, INT8, BYTEA)
        = "SELECT id, format, detail FROM exchanges WHERE about = $1 AND id > $2 ORDER BY id LIMIT $3";
    NOTIFICATIONS (UUID, TEXT, TEXT, TEXT, INT8) -> (UUID, TEXT, INT8, BYTEA)
        = "SELECT id, state, format, detail FROM notifications WHERE id > $1 \
        AND ($2::text IS NULL OR merchant = $2) AND ($3::text IS NULL OR kind IS NULL OR kind = $3) \
        AND ($4::text IS NULL OR state = $4) ORDER BY id LIMIT $5";
    NOTIFICATIONS_WAITING (TEXT, TEXT, INT8) -> (UUID, TEXT, INT8, BYTEA)
        = "SELECT id, state, format, detail FROM notifications \
        WHERE halted = 'waiting' AND merchant = $1 AND kind = $2 \
        ORDER BY id LIMIT $3";
    NOTIFICATIONS_HALTED () -> (TEXT, TEXT, TEXT, INT8)
        = "SELECT merchant, kind, halted, count(*) FROM notifications \
        WHERE halted IS NOT NULL GROUP BY halted, merchant, kind ORDER BY merchant, kind, halted";
    NOTIFICATIONS_ABOUT (UUID, INT8) -> (UUID, TEXT, INT8, BYTEA)
        = "SELECT id, state, format, detail FROM notifications WHERE subject = $1 AND subject IS NOT NULL \
        ORDER BY id DESC LIMIT $2";
    TASK (UUID) -> (UUID, INT8, INT8, INT8, BYTEA)
        = "SELECT id, due_at, attempts, format, detail FROM tasks WHERE id = $1";
    ACCOUNTS (TEXT, INT8) -> (TEXT, INT8, INT8, INT8, BYTEA)
        = "SELECT name, balance_sen, held_sen, sequence, digest FROM ledger_accounts \
        WHERE name > $1 ORDER BY name LIMIT $2";
    ENTRIES (TEXT, INT8, INT8)
        -> (TEXT, INT8, UUID, TEXT, TEXT, UUID, INT8, INT8, INT8, INT8, INT8, BYTEA)
        = "SELECT account, sequence, journal, kind, purpose, subject, created_at, change_sen, held_change_sen, \
        balance_sen, held_sen, digest FROM ledger_entries \
        WHERE account = $1 AND sequence > $2 ORDER BY sequence LIMIT $3";
    ENTRY_COUNT () -> (INT8) = "SELECT count(*) FROM ledger_entries";
    TOP_UPS_OF_MERCHANT (TEXT, UUID, INT8) -> (UUID, TEXT, INT8, BYTEA)
        = "SELECT id, state, format, detail FROM top_ups WHERE merchant = $1 AND id > $2 ORDER BY id LIMIT $3";
    INVOICES_OF_MERCHANT (TEXT, UUID, INT8) -> (UUID, TEXT, INT8, BYTEA)
        = "SELECT id, state, format, detail FROM invoices WHERE merchant = $1 AND id > $2 ORDER BY id LIMIT $3";
    SETTLEMENT_FILES (UUID, INT8, INT8) -> (UUID, TEXT, INT8, BYTEA)
        = "SELECT id, state, format, detail FROM settlement_files WHERE id > $1 AND day >= $2 ORDER BY id LIMIT $3";
    RECONCILIATION_ITEMS_OF_FILE (UUID, UUID, INT8) -> (UUID, TEXT, INT8, BYTEA)
        = "SELECT id, state, format, detail FROM reconciliation_items \
        WHERE file = $1 AND id > $2 ORDER BY id LIMIT $3";
    RECONCILIATION_ITEMS_OPEN (UUID, INT8) -> (UUID, TEXT, INT8, BYTEA)
        = "SELECT id, state, format, detail FROM reconciliation_items \
        WHERE state = 'open' AND id > $1 ORDER BY id LIMIT $2";
    RECONCILIATION_EXCEPTIONS (UUID, INT8) -> (UUID, TEXT, INT8, BYTEA)
        = "SELECT id, state, format, detail FROM reconciliation_items \
        WHERE id > $1 AND bucket <> 'matched' ORDER BY id LIMIT $2";
    REFUNDS_BETWEEN (UUID, UUID, INT8) -> (UUID, TEXT, INT8, BYTEA)
        = "SELECT id, state, format, detail FROM refunds WHERE id >= $1 AND id < $2 ORDER BY id LIMIT $3";
    PAYMENTS_BETWEEN (UUID, UUID, INT8) -> (UUID, TEXT, INT8, BYTEA)
        = "SELECT id, state, format, detail FROM payments WHERE id >= $1 AND id < $2 ORDER BY id LIMIT $3";
    BILLS_BETWEEN (UUID, UUID, INT8) -> (UUID, TEXT, INT8, BYTEA)
        = "SELECT id, state, format, detail FROM bills WHERE id >= $1 AND id < $2 ORDER BY id LIMIT $3";
    SNAPSHOT_BEGIN () -> () = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    SNAPSHOT_MAY_TAKE_LONG () -> () = "SET LOCAL statement_timeout = 0";
    LINK_COUNTS () -> (TEXT, TEXT, INT8)
        = "SELECT product, state, count(*) FROM links GROUP BY product, state ORDER BY product, state";

    MERCHANT_SAVE (TEXT, INT8, BYTEA) -> () = "INSERT INTO merchants (code, format, detail) VALUES ($1, $2, $3) \
        ON CONFLICT (code) DO UPDATE SET format = excluded.format, detail = excluded.detail";
    MERCHANTS () -> (TEXT, INT8, BYTEA) = "SELECT code, format, detail FROM merchants ORDER BY code";

    VAULT_CHECK_INSERT (BYTEA) -> ()
        = "INSERT INTO vault_check (number, sealed) VALUES (1, $1) ON CONFLICT (number) DO NOTHING";
    VAULT_CHECK () -> (BYTEA) = "SELECT sealed FROM vault_check";
);

/// What a new connection is told, as one text. The plans of the list find rows by index whatever the statistics say:
/// a plan made while a table was empty would read all of it when it is full.
pub(super) fn set_up(statement_timeout_ms: u64, lock_timeout_ms: u64, idle_timeout_ms: u64) -> String {
    format!(
        "SET client_min_messages = warning; SET default_transaction_isolation = 'read committed'; \
         SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off; \
         SET statement_timeout = {statement_timeout_ms}; SET lock_timeout = {lock_timeout_ms}; \
         SET idle_in_transaction_session_timeout = {idle_timeout_ms}"
    )
}

/// The statements of the migration's runner, which runs before the list can be prepared.
pub(super) mod migration {
    /// Keeps other gateways from migrating until the transaction ends.
    pub(in crate::postgres) const LOCK: &str = "SELECT pg_advisory_xact_lock(7453010114)";
    /// The record of steps.
    pub(in crate::postgres) const TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migrations \
        (version BIGINT PRIMARY KEY, name TEXT NOT NULL, checksum BYTEA NOT NULL)";
    /// Whether there is a record of steps.
    pub(in crate::postgres) const KNOWN: &str = "SELECT to_regclass('schema_migrations') IS NOT NULL";
    /// The steps that were run.
    pub(in crate::postgres) const DONE: &str = "SELECT version, checksum FROM schema_migrations ORDER BY version";
    /// Records a step.
    pub(in crate::postgres) const INSERT: &str =
        "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)";
}
