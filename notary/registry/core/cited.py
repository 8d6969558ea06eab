"""An entry against what a reader has: the application as a later filing cites it, the document, the priority period.

These are checks 4, 13 and 14 of a claim, and of an application that is looked up. The period is arithmetic on the
entry's filing date; it is reported beside the verdict, and says nothing of what follows.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import date

from notary.core.check import Check, failed, passed, skipped
from notary.errors import InputError
from notary.registry.core.entry import Open
from notary.registry.core.finding import plain
from notary.registry.core.window import Place, Window, place, priority_window

SAME = "the same"
"""Found where what is cited is written as in the entry."""

_NO_ENTRY = "there is no entry to compare with"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the reader wants compared: the application as it is cited, and the later filing's date."""

    office: str | None = None
    number: str | None = None
    filed: date | None = None
    later_filing: date | None = None
    holidays: Set[date] = frozenset()


@dataclass(frozen=True, slots=True)
class Package:
    """A file at hand, by its name and its SHA-256. `is_given` if the reader named it, not the claim."""

    name: str
    digest: bytes
    is_given: bool = False


def lacks_digest(record: Open | None, packages: Sequence[Package]) -> bool:
    """Whether the reader has a document, and the entry nothing to compare it with."""
    return record is not None and record.digest is None and any(one.is_given for one in packages)


def compare_document(record: Open | None, packages: Sequence[Package]) -> Check:  # check 4
    if record is None:
        return skipped(4, _NO_ENTRY)
    if record.digest is None:
        return skipped(4, f"the entry `{record.event}` has no digest; the application's first entry has one")
    expected = f"SHA-256 {record.digest.hex()}, as the entry has it"
    carried = [one.name for one in packages if not one.is_given]
    if len(carried) > 1:
        return failed(4, "one package, as filed", f"several files under data/: {carried[0]}, {carried[1]}")
    wrong = [f"{one.name} has the SHA-256 {one.digest.hex()}" for one in packages if one.digest != record.digest]
    if wrong:
        return failed(4, expected, "; ".join(wrong))
    if not packages:
        return skipped(4, "no document is at hand", expected)
    return passed(4, expected, f"the same: {', '.join(one.name for one in packages)}")


def compare_citation(record: Open | None, asked: Asked) -> Check:  # check 13
    if record is None:
        return skipped(13, _NO_ENTRY)
    triples = (
        ("office", asked.office, record.office),
        ("number", asked.number, record.number),
        ("filing date", asked.filed, record.filing_date),
    )
    cited = [(name, str(said), str(there)) for name, said, there in triples if said is not None]
    if not cited:
        return skipped(13, "nothing that a later filing cites was given")
    expected = ", ".join(f"{name} {said}" for name, said, _ in cited)
    different = [(name, said, there) for name, said, there in cited if said != there]
    if not different:
        return passed(13, expected, SAME)
    found = ", ".join(f"{name} {there}" for name, _, there in different)
    # People leave out blanks and signs of numbers; which ones an office means is not for this program to say.
    if all(name == "number" and plain(said) == plain(there) != "" for name, said, there in different):
        return passed(13, expected, f"the same but for blanks and signs: {found}")
    return failed(13, expected, found)


def find_period(record: Open | None, asked: Asked) -> tuple[Window | None, Place | None, Check]:  # check 14
    """The period that a filing on the entry's filing date opens, and where the later filing lies in it."""
    if record is None:
        return None, None, skipped(14, "there is no entry that gives a filing date")
    try:
        window = priority_window(record.right, record.filing_date, asked.holidays)
    except InputError as error:  # a filing date in the year 9999
        return None, None, skipped(14, error.message)
    if asked.later_filing is None:
        return window, None, skipped(14, f"no later filing was named; {window}" if window else "no later filing")
    where = place(window, asked.later_filing)
    found = where.sentence.removesuffix(".")
    if window is None:
        return None, where, skipped(14, found)
    expected = f"a filing after {window.filing_date}, and no later than {window.last_day}"
    return window, where, (passed if where.is_within else failed)(14, expected, found)
