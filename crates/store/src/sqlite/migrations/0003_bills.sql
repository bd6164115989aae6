-- An order (merchant, product, customer's number) is found by its blind index. One index answers both questions, the
-- newest bill of an order and the newest that was taken, so that a bill costs one random page.
CREATE TABLE bills (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    merchant TEXT NOT NULL,
    order_index BLOB NOT NULL CHECK (length(order_index) = 16),
    taken INTEGER NOT NULL CHECK (taken IN (0, 1)),
    state TEXT NOT NULL CHECK (state IN ('inquiring', 'inquired', 'sent', 'in_process', 'unknown', 'succeeded',
        'succeeded_late', 'failed', 'reversed')),
    format INTEGER NOT NULL,
    detail BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX bills_by_order ON bills (order_index, taken, id);

-- The ledger stands in the clear: whoever may read the database may add it up.
CREATE TABLE ledger_accounts (
    name TEXT NOT NULL PRIMARY KEY,
    class TEXT NOT NULL CHECK (class IN ('deposit', 'receivable', 'float', 'fee', 'clearing')),
    merchant TEXT NOT NULL CHECK (merchant <> '' AND instr(merchant, ':') = 0),
    provider TEXT CHECK (provider <> ''),
    balance_sen INTEGER NOT NULL,
    held_sen INTEGER NOT NULL CHECK (held_sen >= 0),
    sequence INTEGER NOT NULL CHECK (sequence >= 1),
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    CHECK (name = class || ':' || merchant || ifnull(':' || provider, '')),
    CHECK ((class = 'float') = (provider IS NOT NULL)),
    CHECK (class <> 'deposit' OR balance_sen >= held_sen)
) STRICT, WITHOUT ROWID;

-- An account's entries stand together, in their order; they are only ever inserted. The digest is SHA-256 over the digest before it and every field.
CREATE TABLE ledger_entries (
    account TEXT NOT NULL,
    sequence INTEGER NOT NULL CHECK (sequence >= 1),
    journal BLOB NOT NULL CHECK (length(journal) = 16),
    kind TEXT NOT NULL,
    purpose TEXT NOT NULL,
    subject BLOB NOT NULL CHECK (length(subject) = 16),
    created_at INTEGER NOT NULL,
    change_sen INTEGER NOT NULL,
    held_change_sen INTEGER NOT NULL,
    balance_sen INTEGER NOT NULL,
    held_sen INTEGER NOT NULL CHECK (held_sen >= 0),
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    PRIMARY KEY (account, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE top_ups (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    merchant TEXT NOT NULL,
    reference TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('requested', 'confirmed')),
    format INTEGER NOT NULL,
    detail BLOB NOT NULL,
    UNIQUE (merchant, reference)
) STRICT;

-- No entry of a receivable is the first of two invoices.
CREATE TABLE invoices (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    merchant TEXT NOT NULL,
    from_sequence INTEGER NOT NULL CHECK (from_sequence >= 1),
    state TEXT NOT NULL CHECK (state IN ('issued', 'part_paid', 'paid')),
    format INTEGER NOT NULL,
    detail BLOB NOT NULL,
    UNIQUE (merchant, from_sequence)
) STRICT;

CREATE TABLE invoice_books (
    merchant TEXT NOT NULL PRIMARY KEY,
    format INTEGER NOT NULL,
    detail BLOB NOT NULL
) STRICT;
