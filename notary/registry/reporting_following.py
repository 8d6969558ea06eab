"""What was followed and found, in words and as JSON. Text from registries is shown with control characters escaped."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from notary.core.manifest import MOMENT
from notary.core.shown import shown_text
from notary.registry.core.entry import members_of
from notary.registry.core.history import Restated
from notary.registry.core.note import write_note
from notary.registry.core.split import Split
from notary.registry.core.trusted import Asserter
from notary.registry.following import Synced, place_of
from notary.registry.searching import Hit
from notary.registry.witnessing import Cosigned
from notary.reporting import plural

NOT_CHECKED = "An entry says what the register's keeper asserted; whether it is true, nobody has checked."


def moment(seconds: int) -> str:
    """A POSIX time in RFC 3339, UTC; beyond the year 9999, as a number."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime(MOMENT)
    except (ValueError, OverflowError, OSError):
        return str(seconds)


# -- sync -----------------------------------------------------------------------------------------------------------


def synced_lines(one: Synced) -> Iterator[str]:
    """What became of a registry."""
    yield f"{one.registry.origin}: {one.state}"
    seen = one.seen
    if seen is not None:
        read = "" if seen.is_whole else f", {seen.entries:,} of them read"
        yield f"  {plural(seen.head.size, 'entry', 'entries')}{read}, {one.added:,} new"
        if one.registry.witnesses and one.freshness is not None:
            counted = len(one.freshness.cosignatures)
            yield f"  cosigned by {counted} of {plural(len(one.registry.witnesses), 'witness', 'witnesses')}"
        for key in one.rotations:
            yield f"  its key has changed: a rotation, signed by the key before, names {shown_text(str(key))}"
            yield "  compare it with what the keeper says elsewhere; then put it into registries.toml"
    yield from (f"  {shown_text(note)}" for note in one.notes)
    if one.problem is not None:
        yield f"  {shown_text(one.problem.message)}"
        yield from (f"  hint: {shown_text(hint)}" for hint in one.problem.hints)


def synced_json(one: Synced) -> dict[str, Any]:
    seen = one.seen
    problem = {} if one.problem is None else {"error": one.problem.message, "hints": list(one.problem.hints)}
    kept: dict[str, Any] = {}
    if seen is not None and one.freshness is not None:
        by = one.freshness.cosignatures
        kept = {
            "size": seen.head.size,
            "root": seen.head.root.hex(),
            "entries": seen.entries,
            "added": one.added,
            "vkey": str(seen.keys[-1]),
            "rotations": [str(key) for key in one.rotations],
            "cosigned_by": [{"witness": str(each.witness), "time": moment(each.time)} for each in by],
            "fresh_at": moment(one.freshness.at),
            "checkpoint": write_note(seen.note).decode(),
            "refused_head": None if seen.other is None or seen.refusal is None else write_note(seen.other).decode(),
            "older_head": None if seen.other is None or seen.refusal is not None else write_note(seen.other).decode(),
            "evidence": seen.evidence,
            "notes": list(one.notes),
        }
    return {"origin": one.registry.origin, "place": place_of(one.registry), "state": one.state, **kept, **problem}


# -- search ---------------------------------------------------------------------------------------------------------


def hit_lines(hit: Hit) -> Iterator[str]:
    """An object, its history, and what is odd about it."""
    record = hit.record
    if record is None:
        yield f"{hit.origin}: entry {hit.found.index}, of which nothing is shown"
    else:
        about = "" if hit.is_exact else "  (not written as searched for)"
        yield f"{record.office} {shown_text(record.number)}, {record.right}, filed {record.filing_date}{about}"
        who = "the office" if hit.asserted_by is Asserter.OFFICE else "a registry that may not speak for the office"
        yield f"  asserted by {who}, in the register of {hit.origin} ({hit.asserted_by})"
        if hit.opened_by is not None:
            yield f"  sealed then, opened by entry {hit.opened_by}"
        yield from (f"  but {one}" for one in hit.restated)
    yield f"  {hit.link}"
    if hit.history is not None:
        yield from (f"  {shown_text(str(event))}" for event in hit.history.events)
        yield from (f"  {finding.oddity}: {shown_text(finding.sentence)}" for finding in hit.history.findings)
        yield f"  state: {shown_text(hit.history.state)}"


def restated_json(one: Restated) -> dict[str, Any]:
    changes = [{"member": name, "stated": now, "instead_of": other} for name, now, other in one.changes]
    return {"index": one.index, "event": one.record.event, "date": one.record.happened.isoformat(), "changes": changes}


def hit_json(hit: Hit) -> dict[str, Any]:
    told = hit.history
    opened = {} if told is None else {event.index: event for event in told.events}
    return {
        "origin": hit.origin,
        "link": str(hit.link),
        "object": hit.object and hit.object.hex(),
        "exact": hit.is_exact,
        "asserted_by": hit.asserted_by,
        "record": None if hit.record is None else members_of(hit.record),
        "opened_by": hit.opened_by,
        "restated": list(map(restated_json, hit.restated)),
        "state": None if told is None else told.state,
        "history": [
            {
                "index": one.index,
                "link": str(hit.link_to(one)),
                "entry": members_of(one.entry),
                "opened_by": opened[one.index].opened_by,
                "words": str(opened[one.index]),
            }
            for one in hit.entries[: len(opened)]
        ],
        "findings": []
        if told is None
        else [
            {"finding": one.oddity, "index": one.index, "other": one.other, "words": one.sentence}
            for one in told.findings
        ],
    }


# -- witnesses and splits -------------------------------------------------------------------------------------------


def cosigned_lines(one: Cosigned, name: str) -> Iterator[str]:
    since = "the first that this key cosigns" if one.before is None else f"consistent with that of {one.before:,}"
    yield f"{shown_text(one.head.origin)}: {plural(one.head.size, 'entry', 'entries')}, {since}"
    yield f"cosigned as {shown_text(name)} at {moment(one.time)}"


def cosigned_json(one: Cosigned, witness: str) -> dict[str, Any]:
    return {
        "origin": one.head.origin,
        "size": one.head.size,
        "root": one.head.root.hex(),
        "before": one.before,
        "witness": witness,
        "time": moment(one.time),
    }


def split_lines(split: Split, trusts: bool | None) -> Iterator[str]:
    """A split that was verified; `trusts` says whether its keys are those that the reader trusts, None where none."""
    sizes = [int(head.text.split("\n")[1]) for head in split.heads]
    yield f"SPLIT: the registry {split.origin} signed two histories"
    yield f"  one of {plural(sizes[0], 'entry', 'entries')}, and one of {sizes[1]:,} that does not begin with it"
    yield from (f"  signed by {shown_text(str(key))}" for key in dict.fromkeys(split.keys))
    if trusts:
        yield "  which is the key that registries.toml has for it"
    else:
        elsewhere = "which registries.toml does not have" if trusts is None else "NOT the key that registries.toml has"
        yield f"  {elsewhere}: whether it is the registry's own, compare with what its keeper says elsewhere"
