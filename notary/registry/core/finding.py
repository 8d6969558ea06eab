"""By what an entry is found: its office, numbers, digests and references, as written or with blanks and signs left out.

Offices write `10 2026 000412.5`, and people `1020260004125`: an entry is kept under its words' letters and digits
alone, and whoever finds it is told whether it is written as he wrote it.
"""

import re
import unicodedata
from collections.abc import Iterator

from notary.registry.core.entry import Entry, Open

_SIGNS = re.compile("[^0-9a-z]+")
_KEPT = 32
"""Characters of a word by which it is kept. Longer ones are compared in full when they are found."""


def plain(word: str) -> str:
    """`word` in lower case, without anything but its letters and digits (of any script, by NFKC)."""
    if word.isascii():
        return _SIGNS.sub("", word.lower())
    folded = unicodedata.normalize("NFKC", word).casefold()
    return "".join(one for one in folded if one.isalnum())


def term(word: str) -> str:
    """The term under which an entry with `word` is kept; empty where there is nothing to find it by."""
    return plain(word)[:_KEPT]


def words(entry: Entry | None) -> Iterator[str]:
    """What an entry can be found by: none of a sealed one, and of one that opens another also what that held."""
    if not isinstance(entry, Open):
        return
    yield from (entry.office, entry.number)
    if entry.st13 is not None:
        yield entry.st13
    if entry.digest is not None:
        yield entry.digest.hex()
    yield from (value for _, value in entry.references)
    if entry.opening is not None:
        yield from words(entry.opening.record)


def terms(entry: Entry | None) -> frozenset[str]:
    """The terms under which an entry is kept."""
    return frozenset(term(word) for word in words(entry)) - {""}


def numbers(entry: Entry | None) -> frozenset[tuple[str, str]]:
    """The offices and numbers, as written, of an entry, and of what it opens."""
    if not isinstance(entry, Open):
        return frozenset()
    opened = numbers(entry.opening.record) if entry.opening is not None else frozenset()
    return frozenset({(entry.office, entry.number)}) | opened
