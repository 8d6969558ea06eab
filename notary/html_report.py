"""The report of a verification as one web page: no script, nothing from outside, readable on a phone and on paper.

The page shows what report.json says, in the order in which a reader asks: the verdict, what was checked by what, each
check, the block, the files, what was only declared, what is not proven.

Whatever is not `Markup` is text, and is escaped where it enters an element. No data ever stands in an attribute, a
style or a link, and the page forbids scripts and foreign resources itself (Content-Security-Policy), so that a hostile
name is only ever read. Fixed words are the same as those of the typeset report (notary/templates/words.en.typ).
"""

import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import Any

from notary.core.shown import shown_text
from notary.reporting import plural

Report = Mapping[str, Any]


class Markup(str):
    """HTML that was written here."""


_DIGEST = re.compile(r"\b([0-9a-f]{64}\b[,.;]?)")  # a sign after it stays on its line

_VERDICTS = {
    "verified": ("\u2713", "Verified", "good"),
    "pending": ("\u2026", "Pending", "doubt"),
    "unconfirmed": ("?", "Not confirmed", "doubt"),
    "failed": ("\u2717", "Failed", "bad"),
}
_GOOD, _BAD, _NEITHER = ("\u2713", "good"), ("\u2717", "bad"), ("\u2013", "soft")
_STATUSES = {
    **{"passed": _GOOD, "failed": _BAD, "skipped": _NEITHER},
    **{"matches": _GOOD, "differs": _BAD, "not at hand": _NEITHER},
}
_WITHHELD = Markup("<em>name withheld</em>")


def html_report(report: Report) -> str:
    """The page for `report`, whose members are those of `reporting.verdict_json`, and where they are known:

    `made_at` (RFC 3339, UTC), `checked_by`, `software`, `inputs` (`name`, `kind`, `size` in bytes or None, `sha256` or
    None), `offline`, `header_source`, `confirmations`, `not_proven` (ends of a sentence), `declared` (`title`,
    `declared_at`, `tool`), `banner`, `items_listed` (`index` from 0, `name` or None, `sha256`, `status`). A claim's are
    those of `registry.claim_report`: without `items`, with `asserted` and `period`.
    """
    style = files("notary").joinpath("templates", "report.css").read_text("utf-8")
    policy = f"default-src 'none'; style-src 'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'"
    title = shown_text(f"{_VERDICTS[report['verdict']][1]}: {report['target']} - verification report")
    head = _element(
        "head",
        Markup('<meta charset="utf-8">'),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{policy}">'),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Markup('<meta name="color-scheme" content="light dark">'),
        Markup(f"<title>{escape(title)}</title>"),
        _element("style", Markup(style)),
    )
    parts = (
        _verdict,
        _circumstances,
        _asserted,
        _period,
        _inputs,
        _checks,
        _attestation,
        _further,
        _witnesses,
        _items,
        _declared,
        _not_proven,
    )
    sections = (section for part in parts for section in part(report))
    page = _element("html", head, _element("body", _element("main", *sections)), lang="en")
    return f"<!DOCTYPE html>\n{page}\n"


# -- the parts of the page ------------------------------------------------------------------------------------------


def _verdict(report: Report) -> Iterator[Markup]:
    symbol, word, tone = _VERDICTS[report["verdict"]]
    if report["test_network"] and tone == "good":
        word, tone = "Verified on a test network", "doubt"  # what proves nothing is not green
    first, *rest = report["sentences"]
    yield _element("p", "Verification report", class_="kicker")
    if report.get("banner"):
        yield _element("p", report["banner"], class_="banner", role="note")
    yield _element(
        "header",
        _element("h1", _symbol(symbol), " ", word),
        _element("p", re.sub("^the ", "The ", first), class_="answer"),
        *(_element("p", sentence) for sentence in rest),
        class_=f"verdict {tone}",
    )


def _circumstances(report: Report) -> Iterator[Markup]:
    trust = report["trust"]
    asked = {None: None, True: "none were asked (offline)", False: "could be asked"}[report.get("offline")]
    yield _element("h2", "This verification")
    yield _facts(
        ("Existed no later than", report["existed_by"] and f"{_moment(report['existed_by'])} (UTC)"),
        ("Checked", report["target"]),
        ("Checked at", _moment(report.get("made_at"))),
        ("Checked by", report.get("checked_by") and f"{report['checked_by']} (as declared)"),
        ("Checked with", report.get("software")),
        ("Files", _compared(report.get("items"))),
        ("Network", report["network"] + (" (a test network)" if report["test_network"] else "")),
        ("Trust required", report["required_trust"]),
        ("Trust reached", f"{trust}: {report['trust_meaning']}" if report["trust_meaning"] else trust),
        ("Outside sources", asked),
    )
    relied_on = "Anybody can edit this page. To rely on what it says, check the inputs again."
    yield _element("p", relied_on, class_="note")


def _compared(items: Report | None) -> str | None:
    if items is None:
        return None
    differing = f"; {plural(items['failed'], 'differs', 'differ')}" if items["failed"] else ""
    shown = f"{items['disclosed']:,} shown, in a batch of {items['of']:,}"
    return f"{items['matched']:,} compared and alike, of {shown}{differing}"


def _asserted(report: Report) -> Iterator[Markup]:
    """Of a claim: what the register says."""
    if asserted := report.get("asserted"):
        yield _boxed(asserted["heading"], asserted["standing"], _told(asserted["stated"]))
        yield _told(asserted["register"])


def _period(report: Report) -> Iterator[Markup]:
    """Of a claim: where the later filing lies, if one was named."""
    if period := report.get("period"):
        yield _element("h2", "The priority period")
        note = "Arithmetic on the filing date that the entry gives. It is no part of the verdict, and says nothing of"
        yield _element("p", f"{note} what follows.")
        yield _element("p", _element("strong", period["sentence"]))
        yield _told(period["facts"])


def _told(pairs: Iterable[tuple[str, str]]) -> Markup:
    return _facts(*((name, _moment(value)) for name, value in pairs))


def _inputs(report: Report) -> Iterator[Markup]:
    if inputs := report.get("inputs"):
        rows = ((one["name"], one["kind"], _size(one["size"]), one["sha256"] or "not one file") for one in inputs)
        yield _element("h2", "Inputs")
        yield _table("What this report speaks of, identified by SHA-256.", ("Input", "Kind", "Size", "SHA-256"), rows)


def _checks(report: Report) -> Iterator[Markup]:
    rows = (
        (str(one["number"]), one["name"], _status(one["status"]), one["expected"], one["found"])
        for one in report["checks"]
    )
    yield _element("h2", "Checks")
    yield _table(
        "Each check that the verdict is made of, by its number. One that was skipped does not apply here, or could not"
        " be made for the reason given.",
        ("No.", "Check", "Result", "Expected", "Found"),
        rows,
        class_="results",
    )


def _attestation(report: Report) -> Iterator[Markup]:
    block, tried, confirmations = report["attestation"], report["tried"], report.get("confirmations")
    if block:
        yield _element("h2", "The attesting block")
        yield _facts(
            ("Block", f"{block['network'] if report['test_network'] else 'Bitcoin'} block {block['height']:,}"),
            ("Block hash", block["block_hash"]),
            ("Block time", _moment(block["block_time"])),
            ("Confirmations", None if confirmations is None else f"{confirmations:,}"),
            ("Source of the header", report.get("header_source") or block["source"]),
        )
    if tried:
        yield _element("h2", "Sources that did not help")
        yield _list(tried)


def _further(report: Report) -> Iterator[Markup]:
    """Who signed, a second clock, and what came before."""
    parts = [part(report[key]) for key, part in _FURTHER.items() if report.get(key)]
    if parts:
        yield _element("h2", "Further facts about the batch")
    for heading, note, facts in parts:
        yield _element("h3", heading)
        yield _element("p", note)
        yield facts


def _signature(signature: Report) -> tuple[str, str, Markup]:
    listed, file = None, signature["listed_in"]
    if file is not None:
        names = ", ".join(signature["listed_as"])
        listed = f"{names}, in {file}, {_OWN_LIST}" if names else f"not listed in {file}, {_OWN_LIST}"
    note = (
        "Whoever held this key signed the batch\u2019s statement. The head binds the signature too, so it was"
        " there when the head was anchored. Whose key it is, a signature does not say."
    )
    facts = _facts(
        ("Key", signature["fingerprint"]),
        ("Algorithm", signature["algorithm"]),
        ("The same as did:key", signature["did"]),
        ("Name (declared)", signature["declared_name"]),
        ("Organisation (declared)", signature["declared_organisation"]),
        ("Listed as", listed),
    )
    return "Signature", note, facts


def _token(token: Report) -> tuple[str, str, Markup]:
    leads = f"whose it is was not checked: no {_OWN_LIST.removeprefix('a ')} was given"
    if token["root"] is not None:
        leads = f"leads to {token['root']}, in {token['roots_from']}, {_OWN_LIST}"
    note = (
        "A time-stamping authority signed the head, with the time by its own clock. The seal binds what it signed,"
        " so that whatever attests the seal shows that this was there already."
    )
    facts = _facts(
        ("Time", _moment(token["time"])),
        ("Authority, as it names itself", token["authority"]),
        ("Its certificate", leads),
        ("Valid until", _moment(token["certificate_expires"])),
    )
    return "A second clock", note, facts


def _not_before(named: Report) -> tuple[str, str, Markup]:
    chain = "Bitcoin" if named["network"] == "bitcoin" else f"test network {named['network']}"
    note = (
        "The batch\u2019s statement names a block whose hash nobody knew before that block was found. So the"
        " statement was made later. Two hours are taken off, since a block\u2019s own clock is loose."
    )
    facts = _facts(
        ("Named block", f"{chain} block {named['height']:,}"),
        ("Block hash", named["block_hash"]),
        ("Block time", _moment(named["block_time"])),
        ("Made no earlier than", f"{_moment(named['date'])} (UTC)"),
        ("Source of the header", named["source"]),
    )
    return "Not before", note, facts


def _previous(head: str) -> tuple[str, str, Markup]:
    note = (
        "The batch\u2019s statement names the head of the batch that was stamped before it, in the same ledger and"
        " with the same key, or with none. So whatever attests this batch attests that one too."
    )
    return "The batch before", note, _facts(("Its head", head))


_OWN_LIST = "a list of the verifier\u2019s own"

_FURTHER: dict[str, Callable[[Any], tuple[str, str, Markup]]] = {
    "signature": _signature,
    "token": _token,
    "not_before": _not_before,
    "previous": _previous,
}


def _witnesses(report: Report) -> Iterator[Markup]:
    if witnesses := report.get("countersignatures"):
        yield _element("h2", "Countersignatures")
        yield _element("p", "What a witness\u2019s own bundle shows of this one, each checked as this one was.")
        yield from (_element("p", " ".join(one["sentences"])) for one in witnesses)


def _items(report: Report) -> Iterator[Markup]:
    if listed := report.get("items_listed"):
        disclosed = report["items"]["disclosed"]
        some = "" if len(listed) == disclosed else f" These are {len(listed):,} of the {disclosed:,} that are shown."
        caption = f"A file with the same SHA-256 digest is the same file, byte for byte.{some}"
        rows = (
            (f"{one['index'] + 1:,}", one["name"] or _WITHHELD, _status(one["status"]), one["sha256"]) for one in listed
        )
        yield _element("h2", "Files")
        yield _table(caption, ("No.", "File", "Result", "SHA-256"), rows, class_="results")


def _declared(report: Report) -> Iterator[Markup]:
    if declared := report.get("declared"):
        made = _moment(declared["declared_at"])
        facts = _facts(("Title", declared["title"]), ("Made", made), ("Made with", declared["tool"]))
        yield _boxed("Declared, not proven", "The batch says of itself:", facts)


def _not_proven(report: Report) -> Iterator[Markup]:
    if limits := report.get("not_proven"):
        yield _boxed("What this does not prove", "This report does not prove:", _list(limits))


# -- the means ------------------------------------------------------------------------------------------------------


def _element(tag: str, *content: str | None, **attributes: str) -> Markup:
    """One element. Text is escaped, None left out; `attributes` are words of this module, never data."""
    written = "".join(f' {name.rstrip("_").replace("_", "-")}="{value}"' for name, value in attributes.items())
    inner = "".join(one if isinstance(one, Markup) else _text(one) for one in content if one is not None)
    return Markup(f"<{tag}{written}>{inner}</{tag}>")


def _text(text: str) -> Markup:
    """Text with what hides or means something in HTML escaped, and the hashes in it in groups."""
    parts = _DIGEST.split(shown_text(text))  # every second one is a hash
    return Markup("".join(_hash(part) if at % 2 else escape(part) for at, part in enumerate(parts)))


def _hash(digits: str) -> Markup:
    """Groups that the style sets apart: no blanks, so that it is copied as one word."""
    groups = (f"<span>{group}</span>" for group in re.findall("." * 8, digits))  # as many as an eye takes in at once
    return Markup(f'<code class="hash">{"<wbr>".join(groups)}{digits[64:]}</code>')


def _symbol(symbol: str) -> Markup:
    return _element("span", symbol, class_="symbol", aria_hidden="true")  # the word beside it says the same


def _status(status: str) -> Markup:
    symbol, tone = _STATUSES[status]
    return _element("span", _symbol(symbol), " ", status, class_=f"status {tone}")


def _facts(*pairs: tuple[str, str | None]) -> Markup:
    known = ((name, value) for name, value in pairs if value is not None)
    return _element("dl", *(_element("div", _element("dt", name), _element("dd", value)) for name, value in known))


def _list(lines: Iterable[str]) -> Markup:
    return _element("ul", *(_element("li", line) for line in lines))


def _boxed(heading: str, opening: str, content: Markup) -> Markup:
    return _element("section", _element("h2", heading), _element("p", opening), content, class_="box")


def _table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str | None]], **attributes: str) -> Markup:
    """A table. The roles repeat what the elements say, for readers that lose it where a phone stacks the cells."""

    def cells(row: Sequence[str | None]) -> Iterator[Markup]:
        first, *rest = row
        yield _element("th", first, scope="row", role="rowheader")
        for head, cell in zip(heads[1:], rest, strict=True):
            yield _element("td", cell, role="cell", data_label=head)

    columns = (_element("th", head, scope="col", role="columnheader") for head in heads)
    return _element(
        "table",
        _element("caption", caption),
        _element("thead", _element("tr", *columns, role="row"), role="rowgroup"),
        _element("tbody", *(_element("tr", *cells(row), role="row") for row in rows), role="rowgroup"),
        role="table",
        **attributes,
    )


def _size(count: int | None) -> str | None:
    return None if count is None else plural(count, "byte")


def _moment(written: str | None) -> str | None:
    """A date, or a moment in UTC, as report.json writes it, in words; anything else as it is."""
    for pattern, words in (("%Y-%m-%dT%H:%M:%SZ", "%B %Y, %H:%M:%S UTC"), ("%Y-%m-%d", "%B %Y")):
        with suppress(ValueError):
            moment = datetime.strptime(written or "", pattern)
            return f"{moment.day} {moment:{words}}"
    return written
