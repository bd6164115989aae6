-- What a refund is found by is its payment, its merchant's reference, and its merchant.
CREATE TABLE refunds (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    merchant TEXT NOT NULL,
    payment BLOB NOT NULL CHECK (length(payment) = 16),
    kind TEXT NOT NULL CHECK (kind IN ('cancel', 'refund')),
    reference TEXT NOT NULL,
    amount_sen INTEGER NOT NULL CHECK (amount_sen >= 0),
    state TEXT NOT NULL CHECK (state IN ('refunding', 'unknown', 'owed', 'succeeded', 'failed')),
    format INTEGER NOT NULL,
    detail BLOB NOT NULL,
    UNIQUE (merchant, kind, reference)
) STRICT;

CREATE INDEX refunds_by_payment ON refunds (payment, id);

CREATE INDEX refunds_by_merchant ON refunds (merchant, id);

CREATE TABLE rulings (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    merchant TEXT NOT NULL,
    about BLOB NOT NULL CHECK (length(about) = 16),
    state TEXT NOT NULL CHECK (state IN ('proposed', 'approved', 'contradicted', 'closed', 'withdrawn')),
    format INTEGER NOT NULL,
    detail BLOB NOT NULL
) STRICT;

CREATE INDEX rulings_by_case ON rulings (about, id) WHERE state <> 'withdrawn';

-- Two gateways cannot propose two rulings about one case.
CREATE UNIQUE INDEX rulings_proposed ON rulings (about) WHERE state = 'proposed';

CREATE TABLE endpoints (
    merchant TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'failing', 'recovering', 'paused', 'gone')),
    format INTEGER NOT NULL,
    detail BLOB NOT NULL,
    PRIMARY KEY (merchant, kind)
) STRICT;

-- Only ever inserted, and deleted by age.
CREATE TABLE exchanges (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    about BLOB NOT NULL CHECK (length(about) = 16),
    at INTEGER NOT NULL,
    format INTEGER NOT NULL,
    detail BLOB NOT NULL
) STRICT;

CREATE INDEX exchanges_by_subject ON exchanges (about, id);

-- What somebody must watch: outcomes that are not known, money that waits in clearing. A row of its own rather than an
-- index over states, because most payments are never one: they then cost nothing here.
CREATE TABLE open_cases (
    kind TEXT NOT NULL CHECK (kind IN ('payment', 'refund', 'bill', 'link', 'account_creation')),
    id BLOB NOT NULL CHECK (length(id) = 16),
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

-- Of bills that were paid late only some have money in clearing; which ones is known when they are next read.
INSERT INTO open_cases (kind, id) SELECT 'payment', id FROM payments WHERE state = 'unknown';

INSERT INTO open_cases (kind, id)
SELECT 'bill', id FROM bills WHERE state IN ('sent', 'in_process', 'unknown', 'succeeded_late');

INSERT INTO open_cases (kind, id) SELECT 'link', id FROM links WHERE state IN ('binding', 'unknown');

INSERT INTO open_cases (kind, id) SELECT 'account_creation', id FROM account_creations WHERE state = 'creating';

-- Which callback it is and what it is about; none of those that an earlier gateway kept, whose details alone tell.
CREATE TABLE notifications_with_subjects (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    merchant TEXT NOT NULL,
    kind TEXT,
    subject BLOB CHECK (length(subject) = 16),
    created_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'waiting', 'delivered', 'acknowledged', 'exhausted')),
    halted TEXT CHECK (halted IN ('waiting', 'exhausted')),
    format INTEGER NOT NULL,
    detail BLOB NOT NULL
) STRICT;

INSERT INTO notifications_with_subjects (id, merchant, created_at, state, format, detail)
SELECT id, merchant, created_at, state, format, detail FROM notifications ORDER BY rowid;

DROP TABLE notifications;

ALTER TABLE notifications_with_subjects RENAME TO notifications;

CREATE INDEX notifications_by_subject ON notifications (subject, id) WHERE subject IS NOT NULL;

-- What waits for its endpoint, and what was given up on: the queue of each endpoint, and what operators count.
CREATE INDEX notifications_halted ON notifications (halted, merchant, kind, id) WHERE halted IS NOT NULL;
