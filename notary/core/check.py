"""One check of a verification: its number and name, whether it passed, what was expected and what was found."""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


NAMES = {
    1: "container",
    2: "bag manifests",
    3: "manifest",
    4: "files against digests",
    5: "records",
    6: "tree, root and size",
    7: "signature",
    8: "head",
    9: "TSA token",
    10: "OpenTimestamps path",
    11: "block header",
    12: "place in the chain",
    13: "not before",
    14: "certificate's data",
    15: "certificate's pages",
    16: "line of batches",
}
"""DESIGN section 4; 14 and 15 are of certificates only, 16 of bundles that list the batches before theirs."""

OF_CERTIFICATES = frozenset({14, 15})

NOT_IN_A_PROOF = "not part of a plain proof"


@dataclass(frozen=True, slots=True)
class Check:
    """One numbered check: what was expected, what was found."""

    number: int
    status: Status
    expected: str
    found: str

    @property
    def name(self) -> str:
        return NAMES[self.number]


def passed(number: int, expected: str, found: str) -> Check:
    return Check(number, Status.PASSED, expected, found)


def failed(number: int, expected: str, found: str) -> Check:
    return Check(number, Status.FAILED, expected, found)


def skipped(number: int, found: str, expected: str = "") -> Check:
    return Check(number, Status.SKIPPED, expected, found)
