-- What a refund is found by is its payment, its merchant's reference, and its merchant.
CREATE TABLE refunds (
    id UUID NOT NULL PRIMARY KEY,
    merchant TEXT COLLATE "C" NOT NULL,
    payment UUID NOT NULL,
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('cancel', 'refund')),
    reference TEXT COLLATE "C" NOT NULL,
    amount_sen BIGINT NOT NULL CHECK (amount_sen >= 0),
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('refunding', 'unknown', 'owed', 'succeeded', 'failed')),
    format BIGINT NOT NULL,
    detail BYTEA NOT NULL,
    UNIQUE (merchant, kind, reference)
) WITH (fillfactor = 80);

CREATE INDEX refunds_by_payment ON refunds (payment, id);

CREATE INDEX refunds_by_merchant ON refunds (merchant, id);

CREATE TABLE rulings (
    id UUID NOT NULL PRIMARY KEY,
    merchant TEXT COLLATE "C" NOT NULL,
    about UUID NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('proposed', 'approved', 'contradicted', 'closed',
        'withdrawn')),
    format BIGINT NOT NULL,
    detail BYTEA NOT NULL
) WITH (fillfactor = 80);

CREATE INDEX rulings_by_case ON rulings (about, id) WHERE state <> 'withdrawn';

-- Two gateways cannot propose two rulings about one case.
CREATE UNIQUE INDEX rulings_proposed ON rulings (about) WHERE state = 'proposed';

CREATE TABLE endpoints (
    merchant TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('open', 'failing', 'recovering', 'paused', 'gone')),
    format BIGINT NOT NULL,
    detail BYTEA NOT NULL,
    PRIMARY KEY (merchant, kind)
) WITH (fillfactor = 50);

-- Only ever inserted, and deleted by age.
CREATE TABLE exchanges (
    id UUID NOT NULL PRIMARY KEY,
    about UUID NOT NULL,
    at BIGINT NOT NULL,
    format BIGINT NOT NULL,
    detail BYTEA NOT NULL
);

CREATE INDEX exchanges_by_subject ON exchanges (about, id);

-- What somebody must watch: outcomes that are not known, money that waits in clearing. A row of its own rather than an
-- index over states: most payments are never one and then cost nothing here, and an index that looks at the state would
-- have every change of it write into all the other indexes too.
CREATE TABLE open_cases (
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('payment', 'refund', 'bill', 'link', 'account_creation')),
    id UUID NOT NULL,
    PRIMARY KEY (kind, id)
);

-- Of bills that were paid late only some have money in clearing; which ones is known when they are next read.
INSERT INTO open_cases (kind, id) SELECT 'payment', id FROM payments WHERE state = 'unknown';

INSERT INTO open_cases (kind, id)
SELECT 'bill', id FROM bills WHERE state IN ('sent', 'in_process', 'unknown', 'succeeded_late');

INSERT INTO open_cases (kind, id) SELECT 'link', id FROM links WHERE state IN ('binding', 'unknown');

INSERT INTO open_cases (kind, id) SELECT 'account_creation', id FROM account_creations WHERE state = 'creating';

-- Which callback it is and what it is about; none of those that an earlier gateway kept, whose details alone tell.
ALTER TABLE notifications ADD COLUMN kind TEXT COLLATE "C";

ALTER TABLE notifications ADD COLUMN subject UUID;

ALTER TABLE notifications DROP CONSTRAINT notifications_state_check;

ALTER TABLE notifications ADD CONSTRAINT notifications_state_check
CHECK (state IN ('pending', 'waiting', 'delivered', 'acknowledged', 'exhausted'));

CREATE INDEX notifications_by_subject ON notifications (subject, id) WHERE subject IS NOT NULL;

-- The state where nothing of its own goes on. A column of its own: an index over the state itself would have every
-- delivery write into all the other indexes too.
ALTER TABLE notifications ADD COLUMN halted TEXT COLLATE "C" CHECK (halted IN ('waiting', 'exhausted'));

-- What waits for its endpoint, and what was given up on: the queue of each endpoint, and what operators count.
CREATE INDEX notifications_halted ON notifications (halted, merchant, kind, id) WHERE halted IS NOT NULL;
