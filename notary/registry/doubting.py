"""Heads in doubt: signed by the registry's key, and not shown to continue the head that was seen.

That proves nothing: a server may be at fault, or in the middle of being copied; and it may have forked, and keep back
the tiles that would prove it. So the old head stays, look-ups say so, and both signed heads are put where they can be
handed to others, who may have seen which history the new one is of. A later head that continues the old one settles
what is not larger than it: of the same log, or of another, which is a split with its evidence.

An older head of the same log is no doubt: whoever has an old copy can show it. The newer one stays; look-ups say so.
"""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

from notary.edges.files import written_whole
from notary.errors import NotaryError
from notary.registry.core.checkpoint import read_checkpoint
from notary.registry.core.note import Note, write_note
from notary.registry.edges.followed import Followed, Seen
from notary.registry.heads import RegistryError, State
from notary.registry.splits import evidence_path


def doubt_head(
    followed: Followed, seen: Seen, note: Note, fault: NotaryError, evidence: Path, now: int
) -> RegistryError:
    """Keeps `note` as a head in doubt because of `fault`, and both heads in the folder `evidence`; the error to raise.

    Raises SystemFailureError where the files cannot be written.
    """
    followed.doubts.keep(seen.id, note, now)
    for head in (seen.note, *(one.note for one in followed.doubts.of(seen.id))):
        path = _path(head, evidence)
        if not path.exists():
            with written_whole(path) as stream:
                stream.write(write_note(head))
    kept = [str(path) for path in (_path(seen.note, evidence), _path(note, evidence)) if path.exists()]
    return RegistryError(
        State.NOT_CONTINUED,
        f"{seen.origin}: {_what(seen, note)}: {fault.message}",
        *_hints(seen),
        f"as they are signed: {' and '.join(kept)}",
    )


def doubt_about(followed: Followed, seen: Seen) -> RegistryError | None:
    """What is to be said of a registry while a head of it is in doubt."""
    doubts = followed.doubts.of(seen.id)
    if not doubts:
        return None
    return RegistryError(State.NOT_CONTINUED, f"{seen.origin}: {_what(seen, doubts[-1].note)}", *_hints(seen))


def rolled_back(seen: Seen) -> RegistryError | None:
    """What is to be said of a registry that showed an older head last than it had before."""
    if seen.other is None or seen.refusal is not None:
        return None
    theirs, mine = read_checkpoint(seen.other.text).size, seen.head.size
    day = datetime.fromtimestamp(seen.seen_at, UTC).date()
    return RegistryError(
        State.ROLLED_BACK,
        f"{seen.origin}: it shows {theirs:,} entries, which is fewer than on {day}, when it had {mine:,}",
        f"what you have seen stays, and look-ups go on from it: its head of {mine:,} entries",
        "an old copy is shown, by its server or by a cache between; the next head that continues yours is taken",
        "if it stays so, what is newer is kept from you: ask its keeper, and others who follow it",
        f"if its keeper has set it back, and you know why: notary registry sync --accept {seen.origin}",
    )


def _what(seen: Seen, note: Note) -> str:
    theirs, mine = read_checkpoint(note.text).size, seen.head.size
    if theirs < mine:
        return (
            f"it shows a head of {theirs:,} entries, fewer than the {mine:,} that it has signed before, of which too"
            " few have been read here to say whether both are of one log"
        )
    return (
        f"it does not show that its head of {theirs:,} entries, which it has signed, continues the one of {mine:,} that"
        " you have seen"
    )


def _hints(seen: Seen) -> tuple[str, ...]:
    return (
        f"what you have seen still holds, and is what is shown: its head of {seen.head.size:,} entries",
        "its server may be at fault, or being copied; or it shows two histories, and keeps back what would prove it",
        "compare with others who follow it, by their checkpoint's file: notary registry sync --head FILE",
        f"if you know why, go on from what it shows now: notary registry sync --accept {seen.origin}",
    )


def _path(note: Note, evidence: Path) -> Path:
    head = read_checkpoint(note.text)
    mark = hashlib.sha256(note.text.encode()).hexdigest()[:12]
    return evidence_path(evidence, head.origin, f"{head.size}-{mark}.checkpoint")
