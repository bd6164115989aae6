-- Accounts of two more classes: what merchants are owed for settled payments, and what providers owe.
ALTER TABLE ledger_accounts DROP CONSTRAINT ledger_accounts_class_check;
ALTER TABLE ledger_accounts ADD CONSTRAINT ledger_accounts_class_check
    CHECK (class IN ('deposit', 'receivable', 'float', 'fee', 'clearing', 'payable', 'claim'));
ALTER TABLE ledger_accounts DROP CONSTRAINT ledger_accounts_check1;
ALTER TABLE ledger_accounts ADD CONSTRAINT ledger_accounts_check1
    CHECK ((class IN ('float', 'claim')) = (provider IS NOT NULL));

-- The id is the beginning of the digest of what the file says: the same content is the same row.
CREATE TABLE settlement_files (
    id UUID NOT NULL PRIMARY KEY,
    provider TEXT COLLATE "C" NOT NULL,
    day BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('importing', 'imported')),
    format BIGINT NOT NULL,
    detail BYTEA NOT NULL
) WITH (fillfactor = 80);

-- At most one item of a provider accounts for one thing.
CREATE TABLE reconciliation_items (
    id UUID NOT NULL PRIMARY KEY,
    provider TEXT COLLATE "C" NOT NULL,
    file UUID NOT NULL,
    claim TEXT COLLATE "C",
    bucket TEXT COLLATE "C" NOT NULL CHECK (bucket IN ('matched', 'missing_here', 'missing_there', 'amount_differs',
        'date_line', 'duplicate')),
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('open', 'settled', 'moved', 'closed')),
    format BIGINT NOT NULL,
    detail BYTEA NOT NULL,
    UNIQUE (provider, claim)
) WITH (fillfactor = 80);

CREATE INDEX reconciliation_items_by_file ON reconciliation_items (file, id);
CREATE INDEX reconciliation_items_open ON reconciliation_items (id) WHERE state = 'open';
