-- The ledger's first tables. A later change is a migration of its own, not a change here.
CREATE TABLE matters (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE batches (
    id INTEGER PRIMARY KEY,
    head BLOB NOT NULL UNIQUE,
    root BLOB NOT NULL,
    size INTEGER NOT NULL,
    total_bytes INTEGER NOT NULL,
    network TEXT NOT NULL,
    manifest BLOB NOT NULL,
    declared_at TEXT NOT NULL,
    title TEXT,
    matter_id INTEGER REFERENCES matters(id),
    min_calendars INTEGER NOT NULL,
    writes_ots INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('queued', 'pending', 'attested'))
) STRICT;
CREATE TABLE batch_keys (
    batch_id INTEGER PRIMARY KEY REFERENCES batches(id),
    key BLOB NOT NULL
) STRICT;
CREATE TABLE items (
    batch_id INTEGER NOT NULL REFERENCES batches(id),
    item INTEGER NOT NULL,
    digest BLOB NOT NULL,
    record BLOB NOT NULL,
    source BLOB NOT NULL,
    PRIMARY KEY (batch_id, item)
) STRICT, WITHOUT ROWID;
CREATE TABLE submissions (
    batch_id INTEGER NOT NULL REFERENCES batches(id),
    calendar TEXT NOT NULL,
    accepted INTEGER NOT NULL DEFAULT 0,
    answer TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (batch_id, calendar)
) STRICT;
CREATE TABLE proofs (
    batch_id INTEGER PRIMARY KEY REFERENCES batches(id),
    timestamp BLOB NOT NULL
) STRICT;
CREATE TABLE fetches (
    calendar TEXT NOT NULL,
    commitment BLOB NOT NULL,
    asked_at REAL NOT NULL,
    PRIMARY KEY (calendar, commitment)
) STRICT;
CREATE TABLE headers (
    network TEXT NOT NULL,
    height INTEGER NOT NULL,
    header BLOB NOT NULL,
    PRIMARY KEY (network, height, header)
) STRICT, WITHOUT ROWID;
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    batch_id INTEGER REFERENCES batches(id),
    kind TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
    BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER events_are_never_replaced BEFORE INSERT ON events
    WHEN EXISTS (SELECT 1 FROM events WHERE id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER events_are_never_removed BEFORE DELETE ON events
    BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
