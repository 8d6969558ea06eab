CREATE TABLE register (
    origin TEXT NOT NULL,
    network TEXT                        -- on which it is anchored; NULL until it is
);

CREATE TABLE keys (
    number INTEGER PRIMARY KEY,
    file TEXT NOT NULL,                 -- beside this database
    vkey TEXT NOT NULL,
    rotation INTEGER                    -- the index of the entry that names it; NULL for the first
);

CREATE TABLE witnesses (vkey TEXT PRIMARY KEY);

CREATE TABLE entries (
    number INTEGER PRIMARY KEY,         -- the index, from 0
    leaf BLOB NOT NULL,
    data BLOB NOT NULL
);

CREATE TABLE objects (
    first INTEGER PRIMARY KEY,          -- index of its first entry
    last INTEGER NOT NULL,              -- index of its last
    leaf BLOB NOT NULL                  -- of the first
);
CREATE INDEX objects_leaf ON objects (leaf);

CREATE TABLE names (                    -- what an object is called, before a correction and after it
    office TEXT NOT NULL,
    number TEXT NOT NULL,
    first INTEGER NOT NULL,
    PRIMARY KEY (number, office, first)
) WITHOUT ROWID;

CREATE TABLE secrets (                  -- what sealed entries hold
    number INTEGER PRIMARY KEY,         -- the entry's index
    object INTEGER NOT NULL,
    t BLOB NOT NULL,
    record BLOB NOT NULL,
    opened INTEGER                      -- index of the entry that opens it
);
CREATE INDEX secrets_object ON secrets (object);

CREATE TABLE checkpoints (
    size INTEGER PRIMARY KEY,
    note BLOB NOT NULL,                 -- with the cosignatures known by now
    anchored BLOB NOT NULL,             -- as it was when it was signed: what its proof is over
    nonce BLOB NOT NULL,
    taken TEXT NOT NULL,                -- calendars that took it, a line each
    timestamp BLOB,                     -- serialised, of SHA-256(SHA-256(anchored) || nonce)
    status TEXT NOT NULL,
    is_complete INTEGER NOT NULL        -- attested, and no more headers can be had
);
