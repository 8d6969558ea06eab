"""Following registries: their heads verified, each the continuation of the last, and every entry under a head proven.

One registry is followed so (`_follow`):

1. A refused one is left alone until the user decides.
2. Its checkpoint is fetched, and is signed by the key in force: the one that the user trusts, or the one that followed
   it (FORMAT.md, "Rotation").
3. It continues the last head that was seen. If it cannot, that is a split, whoever cosigned it: both heads and the
   proof go into an evidence file, and the registry is refused. A smaller head of the same log is only an old one: it
   is said, the newer one stays, and the next that continues it is taken. Where it cannot be told whether two heads are
   of one log, the new one is in doubt (`doubting`), and the old one stays.
4. Enough witnesses cosigned it, none of them with the key that signed.
5. The head is kept, on the disk, before anything under it is read: it is what the next one is compared with.
6. New entries are read in steps. Each step is kept once the root over all entries so far, recomputed, is the head's, or
   is proven to be that of the head's beginning. Whatever happens, what was kept is not read again.
7. The head is stale where more days than the user allows have passed since it was certainly the newest: since enough
   witnesses cosigned it, by their clocks; without witnesses, since this reader first saw it. An anchor says nothing of
   that: anybody can have an old checkpoint anchored anew.
8. Heads that were in doubt are compared with what was read, and anchors of heads are fetched (`following_anchors`).

A rotation is followed if its entry comes after the head at which the user's key was first trusted, and not else: an
older one may be a thief's, which the keeper has since disowned elsewhere.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from notary import limits
from notary.errors import EvidenceError, FormatError, InputError, NotReadyError
from notary.registry.core.checkpoint import Checkpoint, read_checkpoint
from notary.registry.core.cosignature import Cosignature
from notary.registry.core.entry import KeyRotation
from notary.registry.core.log import Appender, TiledTree, leaf_hash, verify_consistency
from notary.registry.core.note import Note, VerifierKey, read_note
from notary.registry.core.split import Split
from notary.registry.core.tiles import ENTRIES, WIDTH, Tile, read_bundle, tile_at
from notary.registry.core.trusted import TrustedRegistry
from notary.registry.doubting import doubt_about, doubt_head, rolled_back
from notary.registry.edges.followed import Fetched, Followed, Seen, entry_of
from notary.registry.edges.log_reader import DownError, LogReader, reader_of
from notary.registry.heads import RegistryError, State, check_quorum, counted, keys_in_force, signed_by
from notary.registry.splits import check_continues, find_split, keep_evidence

_DAY = 24 * 60 * 60


def place_of(registry: TrustedRegistry) -> str:
    """The address or the folder of a registry."""
    return registry.url or registry.folder or ""


def with_folders(registries: Iterable[TrustedRegistry], file: Path) -> tuple[TrustedRegistry, ...]:
    """The same, where their folders begin in that of `file`, their registries.toml. Raises InputError."""

    def absolute(folder: str) -> str:
        try:
            return str((file.parent / Path(folder).expanduser()).absolute())
        except RuntimeError:
            raise InputError(f"{file}: the folder {folder!r} begins with the home of nobody") from None

    return tuple(one if one.folder is None else replace(one, folder=absolute(one.folder)) for one in registries)


Progress = Callable[[int, int], None]
"""Told how many entries have been read, and of how many."""


@dataclass(frozen=True, slots=True)
class Synced:
    """What became of one registry. `seen` is what is kept of it, if anything; `added` entries are new.

    `rotations` are keys that have now taken over; `notes` say what was wrong with anchors, which is no problem of the
    registry's.
    """

    registry: TrustedRegistry
    seen: Seen | None
    added: int = 0
    freshness: "Freshness | None" = None
    rotations: tuple[VerifierKey, ...] = ()
    problem: RegistryError | None = None
    notes: tuple[str, ...] = ()

    @property
    def state(self) -> State:
        return State.FOLLOWED if self.problem is None else self.problem.state


@dataclass(frozen=True, slots=True)
class Follower:
    """Where and when a reader follows: his file, the folder for evidence, the time in seconds since 1970."""

    followed: Followed
    evidence: Path
    now: int
    progress: Progress = lambda read, size: None

    def sync(self, registries: Iterable[TrustedRegistry], accepted: frozenset[str] = frozenset()) -> Iterator[Synced]:
        """Each registry in turn; a fault of one is no fault of the others.

        `accepted` are the origins of those that are refused, in doubt or set back, which the user lets go on: if it
        continues what was seen, from there, else anew from what it shows now.
        """
        for registry in registries:
            yield self._synced(registry, registry.origin in accepted)

    def _synced(self, registry: TrustedRegistry, is_accepted: bool) -> Synced:
        before = self.followed.seen(registry.origin)
        problem: RegistryError | None = None
        notes: list[str] = []
        try:
            reader = reader_of(place_of(registry))
            self._follow(registry, reader, before, is_accepted)
            notes += self._settle(registry, reader)
        except RegistryError as error:
            problem = error
        except DownError as error:
            problem = RegistryError(State.DOWN, f"{registry.origin}: {error.message}", *error.hints)
        except (FormatError, EvidenceError) as error:
            problem = RegistryError(State.DAMAGED, f"{registry.origin}: {error.message}", *error.hints)
        seen = self.followed.seen(registry.origin)
        if seen is None:
            return Synced(registry, None, problem=problem)
        known = before.keys if before is not None and before.keys[0] == seen.keys[0] else seen.keys[:1]
        fresh = freshness(seen, registry, self.now)
        return Synced(
            registry,
            seen,
            seen.entries - (before.entries if before is not None and before.id == seen.id else 0),
            fresh,
            seen.keys[len(known) :],
            problem or doubt_about(self.followed, seen) or fresh.problem,
            tuple(notes),
        )

    # -- one registry -----------------------------------------------------------------------------------------------

    def _follow(self, registry: TrustedRegistry, reader: LogReader, seen: Seen | None, is_accepted: bool) -> None:
        is_refused = seen is not None and seen.refusal is not None
        if seen is not None and is_refused and not is_accepted:  # 1
            raise RegistryError(
                State.REFUSED,
                f"{registry.origin} is refused: {seen.refusal}",
                f"if you know why, go on from what it shows: notary registry sync --accept {registry.origin}",
            )
        note = read_note(reader.checkpoint())
        try:
            key = signed_by(note, registry, keys_in_force(registry, seen, note))  # 2
        except EvidenceError:
            if seen is None or seen.is_whole:
                raise
            # The entry that names the new key may be among those that were not read when the line broke.
            self._read(reader, seen)
            seen = self.followed.seen(registry.origin)
            key = signed_by(note, registry, keys_in_force(registry, seen, note))
        is_open = seen is not None and (seen.other is not None or bool(self.followed.doubts.of(seen.id)))
        seen = self._kept(registry, reader, seen, note, key, is_accepted and (is_refused or is_open))
        self._read(reader, seen)

    def _kept(
        self,
        registry: TrustedRegistry,
        reader: LogReader,
        seen: Seen | None,
        note: Note,
        key: VerifierKey,
        is_accepted: bool,
    ) -> Seen:
        """Steps 3 to 5."""
        head = read_checkpoint(note.text)
        if head.size > limits.REGISTRY_FOLLOWED_ENTRIES:
            most = f"{limits.REGISTRY_FOLLOWED_ENTRIES:,} can be followed"
            raise RegistryError(State.DAMAGED, f"{registry.origin} has {head.size:,} entries; {most}")
        if seen is not None:
            try:
                self._compare(registry, reader, seen, note, key)
            except RegistryError as error:
                if not is_accepted or error.state not in (State.FORKED, State.ROLLED_BACK, State.NOT_CONTINUED):
                    raise
                seen = None
        check_quorum(note, registry, key)  # 4
        if seen is None:
            self.followed.begin(note, tuple(dict.fromkeys((registry.key, key))), self.now)
        else:
            if registry.key not in seen.keys or (is_accepted and key == registry.key != seen.keys[-1]):
                self.followed.trust(seen, registry.key, head.size)
            self.followed.advance(seen, note, self.now)
            for doubt in self.followed.doubts.of(seen.id) if is_accepted else ():
                self.followed.doubts.settle(seen.id, doubt.note)
        kept = self.followed.seen(registry.origin)
        assert kept is not None  # noqa: S101 (it was kept in the line before)
        return kept

    def _compare(self, registry: TrustedRegistry, reader: LogReader, seen: Seen, note: Note, key: VerifierKey) -> None:
        """Step 3: that the head of `note` continues the last one.

        Raises RegistryError, and refuses the registry, has the head in doubt, or puts it aside where it is an old one.
        """
        keys = (key, registry.key, *seen.keys)
        old, new = seen.head.size, read_checkpoint(note.text).size
        split: Split | None = None
        try:
            check_continues(seen.note, note, reader.tile)
            return
        except (EvidenceError, FormatError, DownError) as error:
            fault = error
        if old > new and self._is_of_the_log(note, seen):
            raise self._rolled_back(seen, note)
        if old > new:
            split = find_split(note, seen.note, self.followed.tiles(seen), keys) if seen.is_whole else None
        else:
            with suppress(FormatError, DownError):
                split = find_split(seen.note, note, reader.tile, keys)
        if split is None:
            raise doubt_head(self.followed, seen, note, fault, self.evidence, self.now)
        raise self._forked(seen, note, split)

    def _is_of_the_log(self, note: Note, seen: Seen) -> bool:
        """Whether what was read here shows that a smaller head is one of the log that was seen."""
        head = read_checkpoint(note.text)
        if head.size > seen.entries:
            return False
        return TiledTree(head.size, self.followed.tiles(seen), seen.entries).root == head.root

    def _rolled_back(self, seen: Seen, note: Note) -> RegistryError:
        """Puts an old head aside."""
        if seen.refusal is None:
            self.followed.put_aside(seen, note)
        kept = self.followed.seen(seen.origin)
        said = None if kept is None else rolled_back(kept)
        return said or RegistryError(State.ROLLED_BACK, f"{seen.origin}: it shows fewer entries than before")

    def _forked(self, seen: Seen, note: Note, split: Split) -> RegistryError:
        """Refuses a registry of which `note` is another history's head than the last one, and keeps the evidence."""
        path = keep_evidence(split, self.evidence)
        sizes = f"{seen.head.size:,} and {read_checkpoint(note.text).size:,}"
        why = f"its heads of {sizes} entries, both signed, are not of one log"
        self.followed.refuse(seen, why, note, str(path))
        return RegistryError(
            State.FORKED,
            f"{seen.origin}: {why}",
            f"{path} shows it to anybody: notary registry verify-split {path}",
            "nothing of it is taken or shown until you decide; ask its keeper, and others who follow it",
            f"to go on from what it shows now: notary registry sync --accept {seen.origin}",
        )

    def _settle(self, registry: TrustedRegistry, reader: LogReader) -> list[str]:
        """Step 8. Returns what was wrong with anchors."""
        # Look-ups use this module too, and fetch nothing: what this one imports is a tenth of their time.
        from notary.registry.following_anchors import fetch_anchors

        seen = self.followed.seen(registry.origin)
        assert seen is not None  # noqa: S101 (it has just been followed)
        for doubt in self.followed.doubts.of(seen.id):
            try:
                self.compare(registry, doubt.note)
            except NotReadyError:
                continue
            except RegistryError as error:
                if error.state is not State.UNSIGNED:  # by a key that the reader has replaced meanwhile
                    raise
                continue
            self.followed.doubts.settle(seen.id, doubt.note)
        return fetch_anchors(self.followed, seen, reader, lambda note: self.compare(registry, note))

    # -- others' heads ----------------------------------------------------------------------------------------------

    def compare(self, registry: TrustedRegistry, note: Note) -> None:
        """That a head which somebody else was shown is one of the log that this reader was shown.

        Raises RegistryError where its key did not sign it, or where the two diverge: then the registry is refused, as
        by `sync`; and NotReadyError where that cannot be said yet, as one of the two has not been read so far.
        """
        seen = self.followed.seen(registry.origin)
        if seen is None or registry.key not in seen.keys:
            raise NotReadyError(f"{registry.origin} has not been synced yet", "notary registry sync")
        keys = tuple(dict.fromkeys((registry.key, *seen.keys)))
        signed_by(note, registry, keys)
        theirs, mine = read_checkpoint(note.text), seen.head
        if theirs.size == mine.size:
            split = find_split(seen.note, note, self.followed.tiles(seen), keys)
        elif theirs.size < mine.size and seen.is_whole:
            split = find_split(note, seen.note, self.followed.tiles(seen), keys)
        else:
            raise NotReadyError(
                f"{registry.origin}: somebody was shown {theirs.size:,} entries, and {seen.entries:,} were read here",
                "sync, and compare again; if it stays so, what is newer is kept from you",
            )
        if split is not None:
            raise self._forked(seen, note, split)

    # -- entries ----------------------------------------------------------------------------------------------------

    def _read(self, reader: LogReader, seen: Seen) -> None:
        """Step 6: reads what is not here of the entries under the head that was kept."""
        head, mine = seen.head, self.followed.tiles(seen)
        tree = TiledTree(head.size, reader.tile)
        appender = Appender(seen.entries, mine)
        while appender.size < head.size:
            first = appender.size
            entries, tiles = list[Fetched](), list[tuple[Tile, bytes]]()
            for data in _step(reader, first, head.size):
                start = appender.size
                tiles += [one for one in appender.add(data) if one[0].level > 0]
                entries += [Fetched(at, leaf_hash(one), one, entry_of(one)) for at, one in enumerate(data, start)]
            self._check(tree, head, appender, first)
            tiles += [one for one in appender.edge() if one[0].level > 0]
            rotations = [
                one.entry.next_key for one in entries if isinstance(one.entry, KeyRotation) and one.index >= seen.since
            ]
            self.followed.append(seen, entries, tiles, rotations[-1:], head.size)
            self.progress(appender.size, head.size)

    def _check(self, tree: TiledTree, head: Checkpoint, appender: Appender, first: int) -> None:
        """That the entries so far are those under `head`. Raises RegistryError."""
        try:
            proof = tree.consistency_proof(appender.size)
            verify_consistency(appender.size, appender.root, head.size, head.root, proof)
        except EvidenceError as error:
            raise RegistryError(
                State.DAMAGED,
                f"{head.origin}: entries {first:,} to {appender.size - 1:,}, or the tiles over them, do not lead to the"
                f" root that it signed: {error.message}",
                "none of them was kept; the server may be at fault: try again, or tell its keeper",
            ) from None


def _step(reader: LogReader, first: int, size: int) -> Iterator[list[bytes]]:
    """The entries from `first` on, bundle by bundle: up to `limits.REGISTRY_STEP_ENTRIES`, or about so many bytes."""
    index, held = first // WIDTH, 0
    last = min(-(-size // WIDTH), index + limits.REGISTRY_STEP_ENTRIES // WIDTH)
    while index < last and held < limits.REGISTRY_STEP_BYTES:
        tiles = [tile_at(size, ENTRIES, at) for at in range(index, min(last, index + limits.REGISTRY_BUNDLES_AT_ONCE))]
        for tile, data in zip(tiles, reader.tiles(tiles), strict=True):
            held += len(data)
            try:
                entries = read_bundle(data, tile.width)
            except FormatError as error:
                raise RegistryError(State.DAMAGED, f"{reader.place}: {tile.path}: {error.message}") from None
            yield list(entries[max(first - tile.index * WIDTH, 0) :])
        index += len(tiles)


# -- how old --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Freshness:
    """Step 7: who cosigned a head, of those who count; the last time at which it was certainly the newest, in seconds
    since 1970; and what is wrong with that, if anything."""

    cosignatures: tuple[Cosignature, ...]
    at: int
    problem: RegistryError | None


def freshness(seen: Seen, registry: TrustedRegistry, now: int) -> Freshness:
    """How fresh the head is that was seen last, at the time `now`."""
    try:
        cosignatures = counted(seen.note, registry, seen.keys)
    except EvidenceError:  # by a witness that was not trusted yet when the head was taken
        cosignatures = ()
    # Of several witnesses the time by which as many as are needed had cosigned; no clock's future.
    times = sorted((min(one.time, now) for one in cosignatures), reverse=True)
    needed = max(registry.quorum, 1)
    is_cosigned = len(times) >= needed
    at = times[needed - 1] if is_cosigned else seen.seen_at
    if registry.stale_after is None or now - at <= registry.stale_after * _DAY:
        return Freshness(cosignatures, at, None)
    since = "enough witnesses cosigned it" if is_cosigned else "it was first seen here"
    problem = RegistryError(
        State.STALE,
        f"{seen.origin} is stale: {(now - at) // _DAY:,} days have passed since {since};"
        f" registries.toml allows {registry.stale_after:,}",
        "what is newer may be kept from you; ask its keeper",
    )
    return Freshness(cosignatures, at, problem)
