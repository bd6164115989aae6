-- An order (merchant, product, customer's number) is found by its blind index. One index answers both questions, the
-- newest bill of an order and the newest that was taken. A bill is written three or four times within seconds: its page
-- has room for that.
CREATE TABLE bills (
    id UUID NOT NULL PRIMARY KEY,
    merchant TEXT COLLATE "C" NOT NULL,
    order_index UUID NOT NULL,
    taken BOOLEAN NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('inquiring', 'inquired', 'sent', 'in_process', 'unknown',
        'succeeded', 'succeeded_late', 'failed', 'reversed')),
    format BIGINT NOT NULL,
    detail BYTEA NOT NULL
) WITH (fillfactor = 60);

CREATE INDEX bills_by_order ON bills (order_index, taken, id);

-- The ledger stands in the clear: whoever may read the database may add it up.
CREATE TABLE ledger_accounts (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    class TEXT COLLATE "C" NOT NULL CHECK (class IN ('deposit', 'receivable', 'float', 'fee', 'clearing')),
    merchant TEXT COLLATE "C" NOT NULL CHECK (merchant <> '' AND position(':' IN merchant) = 0),
    provider TEXT COLLATE "C" CHECK (provider <> ''),
    balance_sen BIGINT NOT NULL,
    held_sen BIGINT NOT NULL CHECK (held_sen >= 0),
    sequence BIGINT NOT NULL CHECK (sequence >= 1),
    digest BYTEA NOT NULL CHECK (octet_length(digest) = 32),
    CHECK (name = class || ':' || merchant || coalesce(':' || provider, '')),
    CHECK ((class = 'float') = (provider IS NOT NULL)),
    CHECK (class <> 'deposit' OR balance_sen >= held_sen)
) WITH (fillfactor = 50);

-- Only ever inserted. The digest is SHA-256 over the digest before it and every field, so that a changed, missing or
-- added row is found; no trigger is needed for that, and none of the engines that speak the protocol must have them. Two writers that continue one account from the same
-- place meet at the primary key.
CREATE TABLE ledger_entries (
    account TEXT COLLATE "C" NOT NULL,
    sequence BIGINT NOT NULL CHECK (sequence >= 1),
    journal UUID NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    purpose TEXT COLLATE "C" NOT NULL,
    subject UUID NOT NULL,
    created_at BIGINT NOT NULL,
    change_sen BIGINT NOT NULL,
    held_change_sen BIGINT NOT NULL,
    balance_sen BIGINT NOT NULL,
    held_sen BIGINT NOT NULL CHECK (held_sen >= 0),
    digest BYTEA NOT NULL CHECK (octet_length(digest) = 32),
    PRIMARY KEY (account, sequence)
);

CREATE TABLE top_ups (
    id UUID NOT NULL PRIMARY KEY,
    merchant TEXT COLLATE "C" NOT NULL,
    reference TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('requested', 'confirmed')),
    format BIGINT NOT NULL,
    detail BYTEA NOT NULL,
    UNIQUE (merchant, reference)
) WITH (fillfactor = 80);

-- No entry of a receivable is the first of two invoices.
CREATE TABLE invoices (
    id UUID NOT NULL PRIMARY KEY,
    merchant TEXT COLLATE "C" NOT NULL,
    from_sequence BIGINT NOT NULL CHECK (from_sequence >= 1),
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('issued', 'part_paid', 'paid')),
    format BIGINT NOT NULL,
    detail BYTEA NOT NULL,
    UNIQUE (merchant, from_sequence)
) WITH (fillfactor = 80);

CREATE TABLE invoice_books (
    merchant TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    format BIGINT NOT NULL,
    detail BYTEA NOT NULL
);
