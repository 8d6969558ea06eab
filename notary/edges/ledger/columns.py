"""What some columns of the ledger hold, and the indices on items."""

import sqlite3


def text_or_bytes(name: bytes) -> str | bytes:
    """A file name as the ledger stores it: text where it is UTF-8, so that any SQLite tool shows it."""
    try:
        return name.decode()
    except UnicodeDecodeError:
        return name


def as_bytes(name: str | bytes) -> bytes:
    """What `text_or_bytes` stored."""
    return name.encode() if isinstance(name, str) else name


def index_items(connection: sqlite3.Connection) -> None:
    """The indices on items; made anew after a large batch, since that sorts once what would be inserted anywhere."""
    connection.execute("CREATE INDEX items_by_folder ON items (folder_id)")
    connection.execute("CREATE INDEX items_by_digest ON items (substr(digest, 1, 8))")
