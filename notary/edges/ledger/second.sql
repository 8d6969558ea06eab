-- Items by the million: what a record is made of stands in columns, folders in a table of their own; what somebody
-- declared, load files, and the trees' block roots beside them; and views for people.
ALTER TABLE batches ADD COLUMN first_item INTEGER NOT NULL DEFAULT 0;
ALTER TABLE items RENAME TO items_before;
CREATE TABLE folders (
    id INTEGER PRIMARY KEY,
    batch_id INTEGER NOT NULL REFERENCES batches(id),
    recorded ANY NOT NULL,
    source ANY NOT NULL
) STRICT;
CREATE INDEX folders_by_batch ON folders (batch_id, recorded);
-- A batch's items are those from batches.first_item on, as many as batches.size; names are text where they are UTF-8.
CREATE TABLE items (
    id INTEGER PRIMARY KEY,
    folder_id INTEGER NOT NULL REFERENCES folders(id),
    name ANY NOT NULL,
    size INTEGER NOT NULL,
    mtime INTEGER,
    mtime_ns INTEGER,
    digest BLOB NOT NULL
) STRICT;
CREATE TABLE declarations (
    item_id INTEGER PRIMARY KEY REFERENCES items(id),
    exhibit TEXT,
    custodian TEXT,
    bates TEXT,
    description TEXT,
    source TEXT
) STRICT;
CREATE INDEX declarations_by_exhibit ON declarations (exhibit) WHERE exhibit IS NOT NULL;
CREATE INDEX declarations_by_bates ON declarations (bates) WHERE bates IS NOT NULL;
CREATE TABLE trees (
    batch_id INTEGER PRIMARY KEY REFERENCES batches(id),
    block_roots BLOB NOT NULL
) STRICT;
CREATE TABLE load_files (
    batch_id INTEGER PRIMARY KEY REFERENCES batches(id),
    name ANY NOT NULL,
    dialect TEXT NOT NULL,
    encoding TEXT NOT NULL,
    has_bom INTEGER NOT NULL,
    newline TEXT NOT NULL,
    columns TEXT NOT NULL
) STRICT;
CREATE TABLE load_rows (
    batch_id INTEGER NOT NULL REFERENCES load_files(batch_id),
    row INTEGER NOT NULL,
    item_id INTEGER REFERENCES items(id),
    cells TEXT NOT NULL,
    PRIMARY KEY (batch_id, row)
) STRICT, WITHOUT ROWID;
