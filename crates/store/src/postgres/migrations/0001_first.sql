-- What both engines share: money and time are integers (sen, microseconds since the epoch), ids 16 bytes that sort by
-- time, digests 32 bytes, states short texts, everything else sealed in a detail; only lookups that are needed have an
-- index. Texts are compared byte by byte, whatever the database's language. Rows that are written a second time soon
-- after the first leave room for it on their page.

-- The day comes first: the part of the index that is written today stays together.
CREATE TABLE requests (
    day BIGINT NOT NULL,
    merchant TEXT COLLATE "C" NOT NULL,
    external_id TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    service TEXT COLLATE "C" NOT NULL,
    operation TEXT COLLATE "C" NOT NULL,
    partner_reference TEXT COLLATE "C",
    digest BYTEA NOT NULL CHECK (octet_length(digest) = 32),
    received_at BIGINT NOT NULL,
    replay BOOLEAN NOT NULL,
    answer_status BIGINT,
    answer_body BYTEA,
    PRIMARY KEY (day, merchant, external_id),
    CHECK ((answer_status IS NULL) = (answer_body IS NULL))
) WITH (fillfactor = 80);

CREATE UNIQUE INDEX requests_by_reference ON requests (merchant, service, partner_reference)
WHERE partner_reference IS NOT NULL;

CREATE TABLE auth_codes (
    id UUID NOT NULL PRIMARY KEY,
    code BYTEA NOT NULL UNIQUE CHECK (octet_length(code) = 32),
    page BYTEA NOT NULL UNIQUE CHECK (octet_length(page) = 32),
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('issued', 'authorised', 'denied', 'used')),
    format BIGINT NOT NULL,
    detail BYTEA NOT NULL
) WITH (fillfactor = 80);

-- A phone number is found by its blind index and never stands here in the clear.
CREATE TABLE links (
    id UUID NOT NULL PRIMARY KEY,
    merchant TEXT COLLATE "C" NOT NULL,
    product TEXT COLLATE "C" NOT NULL,
    phone_index BYTEA CHECK (octet_length(phone_index) = 32),
    page BYTEA NOT NULL UNIQUE CHECK (octet_length(page) = 32),
    account_token BYTEA NOT NULL UNIQUE CHECK (octet_length(account_token) = 32),
    card_token BYTEA UNIQUE CHECK (octet_length(card_token) = 32),
    created_at BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('binding', 'awaiting_customer', 'unknown', 'active',
        'unlinking', 'unlinked', 'revoked', 'failed')),
    format BIGINT NOT NULL,
    detail BYTEA NOT NULL
) WITH (fillfactor = 80);

CREATE INDEX links_by_phone ON links (merchant, product, phone_index, id) WHERE phone_index IS NOT NULL;

-- A payment bears the id of the call that asked for it, so its reference is found, and unique, through requests.
CREATE TABLE payments (
    id UUID NOT NULL PRIMARY KEY,
    merchant TEXT COLLATE "C" NOT NULL,
    page BYTEA NOT NULL UNIQUE CHECK (octet_length(page) = 32),
    amount_sen BIGINT NOT NULL CHECK (amount_sen >= 0),
    created_at BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('checkout', 'confirming', 'charging', 'awaiting_customer',
        'unknown', 'succeeded', 'succeeded_late', 'failed')),
    format BIGINT NOT NULL,
    detail BYTEA NOT NULL
) WITH (fillfactor = 80);

CREATE TABLE account_creations (
    id UUID NOT NULL PRIMARY KEY,
    merchant TEXT COLLATE "C" NOT NULL,
    product TEXT COLLATE "C" NOT NULL,
    phone_index BYTEA NOT NULL CHECK (octet_length(phone_index) = 32),
    page BYTEA NOT NULL UNIQUE CHECK (octet_length(page) = 32),
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('awaiting_pin', 'creating', 'created', 'failed')),
    format BIGINT NOT NULL,
    detail BYTEA NOT NULL
) WITH (fillfactor = 80);

CREATE INDEX account_creations_by_phone ON account_creations (merchant, product, phone_index, id);

CREATE TABLE notifications (
    id UUID NOT NULL PRIMARY KEY,
    merchant TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('pending', 'delivered')),
    format BIGINT NOT NULL,
    detail BYTEA NOT NULL
) WITH (fillfactor = 80);

-- Small and short-lived. A task that somebody performs is due again when that somebody's lease ends.
CREATE TABLE tasks (
    id UUID NOT NULL PRIMARY KEY,
    due_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL CHECK (attempts >= 0),
    format BIGINT NOT NULL,
    detail BYTEA NOT NULL
) WITH (fillfactor = 80);

CREATE INDEX tasks_by_due ON tasks (due_at);

CREATE TABLE provider_notices (
    id UUID NOT NULL PRIMARY KEY,
    connector TEXT COLLATE "C" NOT NULL,
    received_at BIGINT NOT NULL,
    raw BYTEA NOT NULL
);

CREATE TABLE merchants (
    code TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    format BIGINT NOT NULL,
    detail BYTEA NOT NULL
);

-- Opens only under the key that this database was begun with.
CREATE TABLE vault_check (
    number BIGINT PRIMARY KEY CHECK (number = 1),
    sealed BYTEA NOT NULL
);

-- One row per connection that writes, on this engine only: how many batches of it are kept. Every batch counts itself
-- in its own transaction, so that after a commit in doubt the count tells; closing the row first makes sure that a
-- batch that is still on its way cannot be kept any more.
CREATE TABLE writer_sessions (
    id UUID NOT NULL PRIMARY KEY,
    batches BIGINT NOT NULL,
    closed BOOLEAN NOT NULL,
    changed_at BIGINT NOT NULL
) WITH (fillfactor = 50);
