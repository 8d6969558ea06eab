"""A verifier of claims, written from notary/FORMAT.md section 7 alone, and from C2SP's pages that it names.

It shares no line with notary. The bag, JSON and blocks are those of the reader of bundles beside it; Ed25519 is
`cryptography`'s. The numbers of checks are those of *Claims*.

    verify("claim.zip", "registries.toml", network="local")
"""

import re
import struct
import tomllib
import unicodedata
from calendar import monthrange
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, TypeVar

from tests.independent.logs import COSIGNS, SIGNS, Key, Note, Proof, read_key, read_note, read_proof_of_entry
from tests.independent.proofs import PENDING, read_proof
from tests.independent.reader import (
    HEX16,
    HEX32,
    canonical,
    check_bag,
    has_work,
    is_int,
    latest_of,
    load_json,
    matches,
    open_bundle,
    read_headers,
    record_hash,
)
from tests.independent.steps import Failure, Files, Refused, need, sha256

FORMAT, CLAIM_FORMAT = "notary-registry/v1", "notary-registry-claim/v1"
EVENTS = "filed|corrected|published|granted|refused|withdrawn|assigned|licensed|lapsed"
MONTHS = {"patent": 12, "utility-model": 12, "design": 6, "trademark": 6, "other": None}
NEEDED = {"format", "event", "office", "number", "right", "filing_date"}
OPTIONAL = {"digest", "date", "to", "st13", "references", "object", "previous", "t", "record"}
ORIGIN = r"(?=.{1,255}\Z)[A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*"
NO_TEXT = "[\0-\x1f\x7f-\x9f\u2028\u2029]"
URL = r"https?://[^\x00-\x20\x7f-\uffff@/?#]+([/?#][!-~]*)?"
MIXED = "(?=[0-9]*[A-Za-z])(?=[A-Za-z]*[0-9])"
CODE_BEHIND = rf".*.([ ,;:|#=\\(\[]|[/._-]{MIXED})[0-9A-Za-z]{{4}}[\])]?"

T = TypeVar("T")


class Skipped(Exception):  # noqa: N818
    """A check that there is nothing to make of."""


@dataclass
class Verdict:
    """What a claim shows. `period` is where a later filing lies; `why` says why checks did not pass."""

    outcome: str = "failed"
    asserted_by: str | None = None
    existed_by: date | None = None
    checks: dict[int, str] = field(default_factory=dict)
    cosigned: int = 0
    origin: str | None = None
    index: int | None = None
    leaf: str | None = None
    period: dict[str, Any] | None = None
    why: list[str] = field(default_factory=list)


# ---- Entries and claims --------------------------------------------------------------------------------------------


def is_text(value: Any, longest: int) -> bool:
    """Whether it is a text that an entry may have."""
    if not isinstance(value, str) or not 0 < len(value.encode()) <= longest:
        return False
    if value != value.strip(" ") or re.search(NO_TEXT, value):
        return False
    return not re.search(r"(?a)(?i:access|das)[^0-9A-Za-z]{0,3}(?i:code)", value)


def is_day(value: Any) -> bool:
    """Whether it is a day of the calendar."""
    try:
        return matches(value, "[0-9]{4}-[0-9]{2}-[0-9]{2}") and bool(date.fromisoformat(value))
    except ValueError:
        return False


def check_references(references: Any) -> None:
    """The references of an entry."""
    kinds = {"das", "case", "pct", "madrid", "hague", "url"}
    need(isinstance(references, dict) and references and references.keys() <= kinds, "no references")
    for kind, text in references.items():
        need(is_text(text, 2000 if kind == "url" else 1000), f"no text of {kind}")
        need(kind != "url" or matches(text, URL), "no address")
        if kind == "das":
            need(matches(text, "[A-Z]{2} [^ ].*"), "no DAS number")
            need(not re.fullmatch(CODE_BEHIND, text[3:]), "an access code behind a number")


def check_entry(entry: Any, is_inner: bool = False) -> None:
    """An open entry."""
    need(isinstance(entry, dict) and NEEDED <= entry.keys() <= NEEDED | OPTIONAL, "an entry with other keys")
    need(entry["format"] == FORMAT and matches(entry["event"], EVENTS), "no format, or no event")
    need(matches(entry["office"], "[A-Z]{2}") and is_text(entry["number"], 128), "no office, or no number")
    need(
        isinstance(entry["right"], str) and entry["right"] in MONTHS and is_day(entry["filing_date"]), "no right or day"
    )
    event, keys = entry["event"], entry.keys()
    need(("date" in keys) == (event != "filed") and is_day(entry.get("date", "2026-01-01")), "a date too many, or none")
    need("digest" in keys or event != "filed", "filed without a digest")
    need(all(matches(entry[key], HEX32) for key in {"digest", "object", "previous"} & keys), "no hash")
    need(("object" in keys) == ("previous" in keys), "object or previous alone")
    need("to" not in keys or (event in ("assigned", "licensed") and is_text(entry["to"], 1000)), "to")
    need("st13" not in keys or matches(entry["st13"], "([A-Z]{2})?[0-9]{15}"), "no ST.13 number")
    if "references" in keys:
        check_references(entry["references"])
    need(("t" in keys) == ("record" in keys), "t or record alone")
    if "record" in keys:
        need(event == "published" and "object" in keys and not is_inner, "a record in another entry")
        need(matches(entry["t"], HEX16), "no t")
        check_entry(entry["record"], is_inner=True)
        need(entry["record"]["event"] != "published", "a published entry that was sealed")


def read_claim(files: Files) -> dict[str, Any]:
    """Check 3."""
    need(not any(name.startswith("notary/") for name in files), "a bundle's files")
    data = files["registry/claim.json"]
    need(len(data) <= 65_536, "a claim that is too long")
    claim: dict[str, Any] = load_json(data)
    need(isinstance(claim, dict) and claim.get("format") == CLAIM_FORMAT, "another format")
    shown = {"entry"} if "entry" in claim else {"record", "t"}
    need(claim.keys() == {"format", "origin", "index"} | shown, "other keys")
    need(matches(claim["origin"], ORIGIN) and is_int(claim["index"], 0, 1 << 53), "no origin, or no index")
    check_entry(claim["entry" if "entry" in claim else "record"])
    need("entry" in claim or (matches(claim["t"], HEX16) and claim["record"]["event"] != "published"), "nothing sealed")
    return claim


def leaf_of(claim: Mapping[str, Any]) -> bytes:
    """The leaf hash of the entry that is claimed."""
    if "entry" in claim:
        return sha256(b"\0", canonical(claim["entry"]))
    commitment = record_hash(bytes.fromhex(claim["t"]), canonical(claim["record"])).hex()
    return sha256(b"\0", canonical({"commitment": commitment, "format": FORMAT}))


# ---- The reader's side ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trusted:
    """A registry of registries.toml."""

    key: Key
    offices: frozenset[str]
    witnesses: tuple[Key, ...]
    quorum: int


def read_registries(path: Path | None) -> dict[str, Trusted]:
    """Whom the reader trusts, by origin."""
    tables = tomllib.loads(path.read_text("utf-8")).get("registry", []) if path else []
    return {
        one["origin"]: Trusted(
            read_key(one["vkey"], SIGNS),
            frozenset(one["offices"]),
            tuple(read_key(vkey, COSIGNS) for vkey in one.get("witnesses", [])),
            one.get("quorum", 0),
        )
        for one in tables
    }


def is_same_number(one: str, other: str) -> bool:
    """Check 13: by letters and digits."""

    def plain(text: str) -> str:
        return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))

    return one == other or plain(one) == plain(other) != ""


def period_of(record: Mapping[str, Any], later: date, holidays: frozenset[date]) -> dict[str, Any]:
    """Where a later filing lies (*The priority period*)."""
    first, months = date.fromisoformat(record["filing_date"]), MONTHS[record["right"]]
    if months is None:
        return {"months": None, "last_day": None, "where": "undefined", "days_outside": 0}
    year, month = first.year + (first.month + months - 1) // 12, (first.month + months - 1) % 12 + 1
    last = date(year, month, min(first.day, monthrange(year, month)[1]))
    while last.isoweekday() > 5 or last in holidays:
        last += timedelta(1)
    where = "before" if later < first else "same day" if later == first else "within" if later <= last else "after"
    outside = {"before": first - later, "after": later - last}.get(where, timedelta())
    return {"months": months, "last_day": last.isoformat(), "where": where, "days_outside": outside.days}


def read_holidays(path: Path | None) -> frozenset[date]:
    """The days of a list."""
    lines = path.read_text("utf-8").split("\n") if path else []
    return frozenset(date.fromisoformat(day) for line in lines if (day := line.partition("#")[0].strip()))


# ---- Verification --------------------------------------------------------------------------------------------------


def verify(
    path: Path,
    registries: Path | None = None,
    document: Path | None = None,
    network: str = "bitcoin",
    asked: Mapping[str, str] | None = None,
    holidays: Path | None = None,
) -> Verdict:
    """Judge a claim, or raise Refused. `asked` has any of office, number, filed and later_filing."""
    verdict, cited = Verdict(), dict(asked or {})

    def check(number: int, make: Callable[[], T]) -> T | None:
        try:
            made = make()
        except (Failure, UnicodeError, struct.error) as error:
            verdict.checks[number] = "failed"
            verdict.why.append(f"{number}: {error}")
            return None
        except Skipped as error:
            verdict.checks[number] = "skipped"
            verdict.why.append(f"{number}: {error}")
            return None
        verdict.checks[number] = "passed"
        return made

    files = check(1, lambda: open_bundle(path))
    if files is None:
        verdict.checks |= dict.fromkeys(range(2, 15), "skipped")
        return verdict
    if "registry/claim.json" not in files:
        raise Refused("no claim")
    check(2, lambda: check_bag(files))
    claim = check(3, lambda: read_claim(files))
    proof = check(5, lambda: read_proof_of_entry(files.get("registry/entry.tlog-proof")))
    note = check(6, lambda: read_note(files.get("registry/checkpoint")))
    if claim is None:
        record, trusted = None, None
    else:
        record, trusted = claim.get("entry") or claim["record"], read_registries(registries).get(claim["origin"])
        verdict.origin, verdict.index, verdict.leaf = claim["origin"], claim["index"], leaf_of(claim).hex()
    if proof is not None:
        check(5, lambda: _included(claim, proof))
    if note is not None:
        check(6, lambda: _same(note, proof))
    notes = [one for one in (note, proof.note if proof else None) if one]
    check(4, lambda: _document(record, files, document))
    check(7, lambda: _signed(trusted, notes))
    check(8, lambda: _cosigned(verdict, trusted, notes))
    stands = all(verdict.checks[number] == "passed" for number in (5, 6, 7))
    check(9, lambda: _word(record, trusted, stands))
    blocks = _anchored(check, files, network)
    check(13, lambda: _as_cited(record, cited))
    check(14, lambda: _in_period(verdict, record, cited, read_holidays(holidays)))

    if "failed" in [status for number, status in verdict.checks.items() if number != 14]:
        return verdict
    assert record is not None
    is_office = verdict.checks[9] == "passed"
    verdict.asserted_by = "office-asserted" if is_office else "applicant-asserted"
    is_vouched = trusted is not None and verdict.checks[7] == "passed" and verdict.cosigned >= trusted.quorum
    if not is_vouched or (document and "digest" not in record):
        verdict.outcome = "unconfirmed"
    else:
        verdict.outcome = blocks.outcome
        verdict.existed_by = blocks.day if blocks.outcome == "verified" else None
    return verdict


def _document(record: Mapping[str, Any] | None, files: Files, document: Path | None) -> None:  # 4
    if record is None or "digest" not in record:
        raise Skipped("nothing to compare with")
    carried = [data for name, data in files.items() if name.startswith("data/")]
    need(len(carried) < 2, "several files under data/")
    packages = [*carried, *([document.read_bytes()] if document else [])]
    need(all(sha256(one).hex() == record["digest"] for one in packages), "another document")
    if not packages:
        raise Skipped("no document")


def _included(claim: dict[str, Any] | None, proof: Proof) -> None:  # 5
    if claim is None:
        raise Skipped("no claim")
    need((proof.index, proof.note.origin) == (claim["index"], claim["origin"]), "a proof of something else")
    need(proof.root_from(leaf_of(claim)) == proof.note.root, "another root")


def _same(note: Note, proof: Proof | None) -> None:  # 6
    if proof is None:
        raise Skipped("no proof")
    need(note.text == proof.note.text, "another checkpoint")


def _signed(trusted: Trusted | None, notes: list[Note]) -> None:  # 7
    if trusted is None:
        raise Skipped("nobody is trusted")
    signed = [one.is_signed(trusted.key) for one in notes]
    if not signed or not all(signed):
        raise Skipped("not signed by that key")


def _cosigned(verdict: Verdict, trusted: Trusted | None, notes: list[Note]) -> None:  # 8
    if trusted is None or not trusted.witnesses:
        raise Skipped("no witnesses")
    # Every line of every witness is looked at: one that is wrong fails the check, whatever others there are.
    found = {witness for one in notes for witness in trusted.witnesses if one.is_cosigned(witness)}
    verdict.cosigned = len(found)
    if len(found) < trusted.quorum:
        raise Skipped("too few witnesses")


def _word(record: Mapping[str, Any] | None, trusted: Trusted | None, stands: bool) -> None:  # 9
    if record is None or trusted is None or not stands or record["office"] not in trusted.offices:
        raise Skipped("applicant-asserted")


@dataclass(frozen=True)
class Blocks:
    """What the anchor comes to if nothing failed, and its day."""

    outcome: str
    day: date | None = None


def _anchored(check: Callable[[int, Callable[[], Any]], Any], files: Files, network: str) -> Blocks:  # 10 to 12
    proof = check(10, lambda: read_proof(files.get("registry/checkpoint.ots")))
    counting = [each for each in proof.attestations if each.counts] if proof else []
    wanted = [(each.height, each.place.path[-1]) for each in counting if each.height is not None]
    if proof and not counting:
        check(10, lambda: _skip("no attestation that counts"))
    if proof and "registry/checkpoint" in files:
        digest = sha256(files["registry/checkpoint"])
        if (proof.file_hash, proof.digest) != (0x08, digest):
            check(10, lambda: need(False, "a proof of another file"))
    own = read_headers({name.replace("registry/", "notary/"): data for name, data in files.items()}, network)
    seen = [(height, own[height], root) for height, root in wanted if height in own]
    good = sorted(height for height, header, root in seen if header[36:68] == root and has_work(header, network))
    if not good:
        check(11, lambda: need(False, "no such block") if seen else _skip("no header"))
        check(12, lambda: _skip("no header"))
        is_promised = not wanted and any(each.tag == PENDING for each in counting)
        return Blocks("pending" if is_promised else "unconfirmed")
    check(11, lambda: None)
    if network == "bitcoin":
        check(12, lambda: _skip("this reader has no checkpoints of bitcoin's chain"))
        return Blocks("unconfirmed")
    check(12, lambda: None)
    return Blocks("verified", latest_of(good[0], own.get, network).date())


def _skip(why: str) -> None:
    raise Skipped(why)


def _as_cited(record: Mapping[str, Any] | None, cited: Mapping[str, str]) -> None:  # 13
    if record is None or not {"office", "number", "filed"} & cited.keys():
        raise Skipped("nothing was cited")
    need(cited.get("office", record["office"]) == record["office"], "another office")
    need(cited.get("filed", record["filing_date"]) == record["filing_date"], "another filing date")
    need(is_same_number(cited.get("number", record["number"]), record["number"]), "another number")


def _in_period(
    verdict: Verdict, record: Mapping[str, Any] | None, cited: Mapping[str, str], holidays: frozenset[date]
) -> None:  # 14
    if record is None or "later_filing" not in cited:
        raise Skipped("no later filing")
    verdict.period = period_of(record, date.fromisoformat(cited["later_filing"]), holidays)
    if verdict.period["where"] == "undefined":
        raise Skipped("no period")
    need(verdict.period["where"] == "within", f"the later filing lies {verdict.period['where']}")
