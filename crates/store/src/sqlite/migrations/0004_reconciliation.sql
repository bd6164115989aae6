-- Accounts of two more classes: what merchants are owed for settled payments, and what providers owe. The table is made
-- anew because a check of a table cannot be changed; every row is carried over as it is.
CREATE TABLE ledger_accounts_wider (
    name TEXT NOT NULL PRIMARY KEY,
    class TEXT NOT NULL CHECK (class IN ('deposit', 'receivable', 'float', 'fee', 'clearing', 'payable', 'claim')),
    merchant TEXT NOT NULL CHECK (merchant <> '' AND instr(merchant, ':') = 0),
    provider TEXT CHECK (provider <> ''),
    balance_sen INTEGER NOT NULL,
    held_sen INTEGER NOT NULL CHECK (held_sen >= 0),
    sequence INTEGER NOT NULL CHECK (sequence >= 1),
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    CHECK (name = class || ':' || merchant || ifnull(':' || provider, '')),
    CHECK ((class IN ('float', 'claim')) = (provider IS NOT NULL)),
    CHECK (class <> 'deposit' OR balance_sen >= held_sen)
) STRICT, WITHOUT ROWID;

INSERT INTO ledger_accounts_wider (name, class, merchant, provider, balance_sen, held_sen, sequence, digest)
    SELECT name, class, merchant, provider, balance_sen, held_sen, sequence, digest FROM ledger_accounts;
DROP TABLE ledger_accounts;
ALTER TABLE ledger_accounts_wider RENAME TO ledger_accounts;

-- The id is the beginning of the digest of what the file says: the same content is the same row.
CREATE TABLE settlement_files (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    provider TEXT NOT NULL,
    day INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('importing', 'imported')),
    format INTEGER NOT NULL,
    detail BLOB NOT NULL
) STRICT;

-- At most one item of a provider accounts for one thing.
CREATE TABLE reconciliation_items (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    provider TEXT NOT NULL,
    file BLOB NOT NULL CHECK (length(file) = 16),
    claim TEXT,
    bucket TEXT NOT NULL CHECK (bucket IN ('matched', 'missing_here', 'missing_there', 'amount_differs', 'date_line',
        'duplicate')),
    state TEXT NOT NULL CHECK (state IN ('open', 'settled', 'moved', 'closed')),
    format INTEGER NOT NULL,
    detail BLOB NOT NULL,
    UNIQUE (provider, claim)
) STRICT, WITHOUT ROWID;

CREATE INDEX reconciliation_items_by_file ON reconciliation_items (file, id);
CREATE INDEX reconciliation_items_open ON reconciliation_items (id) WHERE state = 'open';
