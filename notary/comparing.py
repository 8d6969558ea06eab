"""Comparing: a certificate with the bundle that it carries; and what certificates of claims are compared by too.

What is printed on a certificate proves nothing. What counts is the bundle inside; so the certificate is made again,
from that bundle and from what its issuer declared, and has to be the same: its data, and its pages.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from notary import __version__
from notary.certificate import (
    CLAIM_FORMAT,
    DATA_NAME,
    TABLE_NAME,
    Attached,
    Issue,
    certificate,
    facts_only,
    shown_name,
)
from notary.certificate_possible import refuse_impossible
from notary.certificate_reading import members_of, read_attached, read_found, read_issue
from notary.core.facts import CertificateFacts
from notary.core.strict_json import quoted
from notary.edges.archive import open_container
from notary.edges.files import read_whole
from notary.edges.pdf_reading import PdfReading
from notary.errors import FormatError, InputError, NotaryError
from notary.printing import print_certificate
from notary.reporting import plural
from notary.stating import pdf_facts, read_statement


@dataclass(frozen=True, slots=True)
class Carried:
    """What a certificate carries: its data, and the bundle or claim, laid down as a file of its own for now."""

    pdf: Path
    data: bytes
    bundle: Path
    bundle_name: str
    content: bytes
    table: bytes | None


@contextmanager
def carried_by(pdf: Path) -> Iterator[Carried]:
    """What is attached to the certificate at `pdf`. Raises InputError where it is none, or carries no bag in a zip."""
    with PdfReading() as reading:
        attachments = reading.attachments(pdf)
    data = attachments.get(DATA_NAME)
    if data is None:
        raise InputError(
            f"{pdf}: a PDF, but no certificate of notary: nothing called {DATA_NAME} is attached to it",
            "if it is evidence, give the bundle or the .ots file first",
        )
    bundles = [name for name, content in attachments.items() if content.startswith(b"PK")]
    if len(bundles) != 1:
        what = _kind(data)
        how_many = f"several {what}s" if bundles else f"no {what}"
        raise InputError(f"{pdf}: this certificate carries {how_many}", *_bag_apart(data, what))
    with TemporaryDirectory(prefix="notary-") as folder:
        bundle = Path(folder) / "bundle.zip"
        content = attachments[bundles[0]]
        bundle.write_bytes(content)
        yield Carried(pdf, data, bundle, bundles[0], content, attachments.get(TABLE_NAME))


def _kind(data: bytes) -> str:
    """What a certificate with these data is about."""
    try:
        return "claim" if members_of(data).get("format") == CLAIM_FORMAT else "bundle"
    except FormatError:
        return "bundle"


def _bag_apart(data: bytes, what: str) -> list[str]:
    """Which bundle or claim the certificate is about, as far as its data say."""
    try:
        given = read_attached(members_of(data), what)
    except FormatError:
        return []
    if given is None:
        return [f"it was made of an unpacked bag: verify that, or the {what} that it came from"]
    return [f"verify the {what} itself: {quoted(given.name)}, SHA-256 {given.sha256}"]


def compare(carried: Carried) -> CertificateFacts:
    """How the certificate compares with the bundle, which has been verified and is sound."""
    try:
        given = members_of(carried.data)
        found, issue = read_found(given), read_issue(given)
    except FormatError as error:
        return CertificateFacts(fault=error.message)
    issue = replace(issue, bundle=Attached.of(carried.bundle_name, carried.content))
    with open_container(carried.bundle) as container:
        stated = read_statement(container)
        read_again = {one["index"]: one for one in pdf_facts(container, stated.items, {})}
    try:
        refuse_impossible(stated, found, issue)
        made = json.loads(json.dumps(certificate(stated, found, issue)))
    except (NotaryError, ValueError) as error:
        return CertificateFacts(fault=f"no certificate says what its data say: {error}")
    if differs := difference("the bundle", given, made, issue):
        return CertificateFacts(differs=differs)
    if carried.table != stated.table:
        return CertificateFacts(differs=f"{TABLE_NAME} is not the table of the bundle's items")
    if issue.basis != "issue":
        return CertificateFacts(differs="its time of issue is said to be something else")
    names = {item.index: shown_name(item) for item in stated.items}
    told = {one["index"]: one for one in issue.pdf_facts}
    if len(told) < len(issue.pdf_facts) or any(names.get(at, 0) != one["name"] for at, one in told.items()):
        return CertificateFacts(differs="pdf_facts are not of its exhibits")
    for at, one in read_again.items():
        if _but_for_words(one) != _but_for_words(told.get(at, {})):
            return CertificateFacts(differs=f"pdf_facts of item {at} are not what the file says")
    pages, uncompared = compare_pages(
        carried.pdf,
        issue,
        lambda at, only_own: print_certificate(given, at, carried.table, carried.content, only_own_fonts=only_own),
    )
    return CertificateFacts(
        existed_by=None if found.existed_by is None else date.fromisoformat(found.existed_by),
        block_hash=found.block_hash,
        height=found.height,
        merkle_root=found.merkle_root,
        block_time=found.block_time,
        named_block_time=found.vouched.block_time,
        wording_of=None if is_ours(issue) else issue.software,
        pages=pages,
        uncompared=uncompared,
    )


def _but_for_words(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What is wrong with a broken file each release of pypdf says in words of its own."""
    return {**facts, "fault": bool(facts.get("fault"))}


def is_ours(issue: Issue) -> bool:
    """Whether this very release made it: sentences of another are not compared, nor its pages typeset."""
    return issue.software == f"notary {__version__}"


def difference(source: str, given: Mapping[str, Any], made: Mapping[str, Any], issue: Issue) -> str | None:
    """Where a certificate's data differ from those made again of `source`, as far as they can be compared."""
    one, other = (given, made) if is_ours(issue) else (facts_only(given), facts_only(made))
    return None if one == other else _narrowed(source, one, other, DATA_NAME)


def _narrowed(source: str, given: object, made: object, key: str) -> str:
    """Where two values differ, narrowed down to the least part."""
    while isinstance(given, dict) and isinstance(made, dict):
        if made.keys() != given.keys():
            return f"{key} has other members: {', '.join(map(quoted, sorted(made.keys() ^ given.keys())))}"
        part = next(part for part in made if made[part] != given[part])
        key, given, made = f"{key}.{part}", given[part], made[part]
    if isinstance(given, list) and isinstance(made, list) and len(given) == len(made):
        at = next(at for at, pair in enumerate(zip(given, made, strict=True)) if pair[0] != pair[1])
        return _narrowed(source, given[at], made[at], f"{key}[{at}]")
    return f"{key} is {quoted(given)}; {source} gives {quoted(made)}"


def compare_pages(pdf: Path, issue: Issue, printed: Callable[[datetime, bool], bytes]) -> tuple[str | None, str | None]:
    """How the pages differ from what the data give, or why that cannot be told.

    `printed` typesets the data again, as of a time in UTC, with Typst's own fonts only or with any.
    """
    at = datetime.fromisoformat(issue.at).astimezone(UTC)
    is_portable = True
    try:
        again = printed(at, True)
    except NotaryError:
        is_portable = False
        try:
            again = printed(at, False)
        except NotaryError as error:
            return None, f"the pages were not typeset again: {error.message}"
    if again == read_whole(pdf, len(again) + 1):
        return None, None
    if not is_ours(issue):
        return None, f"made by {issue.software}, whose pages this release, {__version__}, does not typeset"
    # Another machine has other fonts: then the words have to be the same.
    with TemporaryDirectory(prefix="notary-") as folder, PdfReading() as reading:
        fresh = Path(folder) / "again.pdf"
        fresh.write_bytes(again)
        try:
            expected, own_marks = _words(reading.page_texts(fresh)), reading.page_marks(fresh)
        except FormatError as error:
            return None, f"there is too much on them to be compared: {error.message.removeprefix(f'{fresh}: ')}"
        try:
            found, marks = _words(reading.page_texts(pdf)), reading.page_marks(pdf)
        except FormatError as error:
            return error.message.removeprefix(f"{pdf}: "), None
    if found != expected:
        return _first_difference(found, expected), None
    laid_over = sum(one.annotations for one in marks) - sum(one.annotations for one in own_marks)
    if laid_over > 0:
        return f"{plural(laid_over, 'annotation')} laid over them", None
    if marks == own_marks:
        return None, None
    if is_portable or len(marks) != len(own_marks):
        return "the same words, but drawn otherwise, or something drawn over them", None
    return None, "they say the same, but are drawn otherwise than this machine draws them"


def _words(pages: Sequence[str]) -> list[str]:
    """All words in their order, wherever lines and pages end."""
    return [word for page in pages for word in page.split()]


def _first_difference(printed: Sequence[str], expected: Sequence[str]) -> str:
    at = next((at for at, pair in enumerate(zip(printed, expected, strict=False)) if pair[0] != pair[1]), None)
    if at is None:
        return f"{len(printed)} words in place of {len(expected)}"
    return f"{quoted(' '.join(printed[at : at + 5]))} in place of {quoted(' '.join(expected[at : at + 5]))}"
