-- What both engines share: money and time are integers (sen, microseconds since the epoch), ids 16 bytes that sort by
-- time, digests 32 bytes, states short texts, everything else sealed in a detail. Tables keep their rows in the order
-- in which they came, so that a new row lands on the page that the batch writes anyway; only lookups that are needed
-- have an index, because each one costs a random page per new row.

-- The day comes first: the part of the index that is written today stays together.
CREATE TABLE requests (
    day INTEGER NOT NULL,
    merchant TEXT NOT NULL,
    external_id TEXT NOT NULL,
    id BLOB NOT NULL CHECK (length(id) = 16),
    service TEXT NOT NULL,
    operation TEXT NOT NULL,
    partner_reference TEXT,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    received_at INTEGER NOT NULL,
    replay INTEGER NOT NULL CHECK (replay IN (0, 1)),
    answer_status INTEGER,
    answer_body BLOB,
    PRIMARY KEY (day, merchant, external_id),
    CHECK ((answer_status IS NULL) = (answer_body IS NULL))
) STRICT;

CREATE UNIQUE INDEX requests_by_reference ON requests (merchant, service, partner_reference)
WHERE partner_reference IS NOT NULL;

CREATE TABLE auth_codes (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    code BLOB NOT NULL UNIQUE CHECK (length(code) = 32),
    page BLOB NOT NULL UNIQUE CHECK (length(page) = 32),
    state TEXT NOT NULL CHECK (state IN ('issued', 'authorised', 'denied', 'used')),
    format INTEGER NOT NULL,
    detail BLOB NOT NULL
) STRICT;

-- A phone number is found by its blind index and never stands here in the clear.
CREATE TABLE links (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    merchant TEXT NOT NULL,
    product TEXT NOT NULL,
    phone_index BLOB CHECK (length(phone_index) = 32),
    page BLOB NOT NULL UNIQUE CHECK (length(page) = 32),
    account_token BLOB NOT NULL UNIQUE CHECK (length(account_token) = 32),
    card_token BLOB UNIQUE CHECK (length(card_token) = 32),
    created_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('binding', 'awaiting_customer', 'unknown', 'active', 'unlinking',
        'unlinked', 'revoked', 'failed')),
    format INTEGER NOT NULL,
    detail BLOB NOT NULL
) STRICT;

CREATE INDEX links_by_phone ON links (merchant, product, phone_index, id) WHERE phone_index IS NOT NULL;

-- A payment bears the id of the call that asked for it, so its reference is found, and unique, through requests.
CREATE TABLE payments (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    merchant TEXT NOT NULL,
    page BLOB NOT NULL UNIQUE CHECK (length(page) = 32),
    amount_sen INTEGER NOT NULL CHECK (amount_sen >= 0),
    created_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('checkout', 'confirming', 'charging', 'awaiting_customer', 'unknown',
        'succeeded', 'succeeded_late', 'failed')),
    format INTEGER NOT NULL,
    detail BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE account_creations (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    merchant TEXT NOT NULL,
    product TEXT NOT NULL,
    phone_index BLOB NOT NULL CHECK (length(phone_index) = 32),
    page BLOB NOT NULL UNIQUE CHECK (length(page) = 32),
    state TEXT NOT NULL CHECK (state IN ('awaiting_pin', 'creating', 'created', 'failed')),
    format INTEGER NOT NULL,
    detail BLOB NOT NULL
) STRICT;

CREATE INDEX account_creations_by_phone ON account_creations (merchant, product, phone_index, id);

CREATE TABLE notifications (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    merchant TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'delivered')),
    format INTEGER NOT NULL,
    detail BLOB NOT NULL
) STRICT;

-- Small and short-lived, so the row may be in the tree of its key. A task that somebody performs is due again when
-- that somebody's lease ends.
CREATE TABLE tasks (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    format INTEGER NOT NULL,
    detail BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX tasks_by_due ON tasks (due_at);

CREATE TABLE provider_notices (
    number INTEGER PRIMARY KEY,
    connector TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    raw BLOB NOT NULL
) STRICT;

CREATE TABLE merchants (
    code TEXT NOT NULL PRIMARY KEY,
    format INTEGER NOT NULL,
    detail BLOB NOT NULL
) STRICT;

-- Opens only under the key that this database was begun with.
CREATE TABLE vault_check (
    number INTEGER PRIMARY KEY CHECK (number = 1),
    sealed BLOB NOT NULL
) STRICT;
