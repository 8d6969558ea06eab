"""Searching the registries that are followed: by office, number, digest or reference, or by a link.

A hit is an object, with its whole history. Only entries that were proven to be under a head signed by a key that the
reader trusts are looked at, and none of a registry that is refused.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from notary import limits
from notary.core.strict_json import quoted
from notary.errors import EvidenceError, InputError, NotReadyError
from notary.registry.core.entry import Entry, Open, Sealed
from notary.registry.core.finding import numbers, plain, term, words
from notary.registry.core.history import Happened, History, Logged, Restated, history, restated
from notary.registry.core.links import Link
from notary.registry.core.trusted import Asserter, TrustedRegistry, asserted_by, trusted_for
from notary.registry.doubting import doubt_about, rolled_back
from notary.registry.edges.followed import Fetched, Followed, Seen
from notary.registry.following import freshness
from notary.registry.heads import RegistryError


@dataclass(frozen=True, slots=True)
class Hit:
    """An object of a registry that is followed, or an entry of none.

    `found` is the entry that fits first, `is_exact` whether one fits to the letter. `object` is the leaf hash of the
    object's first entry; `entries` are all of it, in the log's order, and `history` is what they make; all three empty
    for an entry that is about no object. `record` is what `found` says, None while that is sealed; of one that was
    sealed then, what the entry `opened_by` shows it to have held. `asserted_by` is whose word that is.
    """

    seen: Seen
    found: Logged
    is_exact: bool
    object: bytes | None = None
    entries: tuple[Logged, ...] = ()
    history: History | None = None
    record: Open | None = None
    opened_by: int | None = None
    asserted_by: Asserter = Asserter.APPLICANT

    @property
    def origin(self) -> str:
        return self.seen.origin

    @property
    def link(self) -> Link:
        return self.link_to(self.found)

    @property
    def restated(self) -> tuple[Restated, ...]:
        """What states something else than `record` of the object: later corrections, and what came before."""
        if self.history is None:
            return ()
        return tuple(restated(self.history, Happened(self.found.index, self.record)))

    def link_to(self, one: Logged) -> Link:
        """The link to an entry of the object."""
        return Link(self.origin, one.index, one.leaf)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A registry that was not looked at, and why, as what follows its name."""

    origin: str
    reason: str


def look_up(followed: Followed, office: str, number: str, registries: Sequence[TrustedRegistry]) -> tuple[Hit, ...]:
    """The objects with this office and number, over all registries that are followed, those that are written so first.

    At most `limits.REGISTRY_HITS`. Several are not unusual: two registries may have one application.
    """

    def fits(entry: Entry) -> bool | None:
        of_office = [written for where, written in numbers(entry) if where == office]
        if number in of_office:
            return True
        return False if plain(number) in map(plain, of_office) else None

    return _sorted(_found(followed, registries, number, fits))


def search(followed: Followed, query: str, registries: Sequence[TrustedRegistry]) -> tuple[Hit, ...]:
    """The objects that `query` is the office, a number, a digest, or a reference of; those that are written so first.

    Raises InputError where there is nothing in it to search for.
    """
    if not term(query) or len(query) > limits.REGISTRY_QUERY:
        raise InputError(
            f"nothing can be searched by {quoted(query)}", "by an office, a number, a digest, a reference or a link"
        )

    def fits(entry: Entry) -> bool | None:
        found = set(words(entry))
        if query in found:
            return True
        return False if plain(query) in map(plain, found) else None

    return _sorted(_found(followed, registries, query, fits))


def follow_link(followed: Followed, link: Link, registries: Sequence[TrustedRegistry]) -> Hit:
    """The entry that `link` leads to, and its object.

    Raises EvidenceError where another entry stands there; NotReadyError where it has not been read; InputError where
    its registry is not followed.
    """
    registry = trusted_for(registries, link.origin)
    if registry is None:
        raise InputError(f"{link.origin} is no registry that you follow", "registries.toml lists them")
    seen = _usable(followed, registry)
    if isinstance(seen, Skipped):
        raise NotReadyError(f"{link.origin} {seen.reason}", "notary registry sync")
    found = followed.entry(seen, link.index)
    if found is None:
        raise NotReadyError(f"{link.origin} has been read up to entry {seen.entries - 1:,}", "notary registry sync")
    if found.leaf != link.leaf:
        raise EvidenceError(
            f"entry {link.index} of {link.origin} is not the one that the link names:"
            f" its leaf hash is {found.leaf.hex()}; expected {link.leaf.hex()}"
        )
    if found.entry is None:
        raise EvidenceError(f"entry {link.index} of {link.origin} is there, and is no entry that can be read")
    return _hit(followed, seen, registry, Logged(found.index, found.leaf, found.entry), True)


def skipped(followed: Followed, registries: Sequence[TrustedRegistry]) -> tuple[Skipped, ...]:
    """The registries that are not looked at."""
    return tuple(one for one in (_usable(followed, registry) for registry in registries) if isinstance(one, Skipped))


def outdated(followed: Followed, registries: Sequence[TrustedRegistry], now: int) -> Iterator[RegistryError]:
    """What is wrong with the registries that are looked at: heads in doubt, older ones that were
    shown since, or older than the user allows."""
    for registry in registries:
        seen = _usable(followed, registry)
        if isinstance(seen, Seen):
            problems = doubt_about(followed, seen), rolled_back(seen), freshness(seen, registry, now).problem
            yield from (one for one in problems if one is not None)


def _usable(followed: Followed, registry: TrustedRegistry) -> Seen | Skipped:
    seen = followed.seen(registry.origin)
    if seen is None:
        return Skipped(registry.origin, "has not been synced yet")
    if seen.refusal is not None:
        return Skipped(registry.origin, f"is refused: {seen.refusal}")
    if registry.key not in seen.keys:
        return Skipped(registry.origin, "was synced under another key than registries.toml now names")
    return seen


def _found(
    followed: Followed, registries: Sequence[TrustedRegistry], word: str, fits: Callable[[Entry], bool | None]
) -> Iterator[Hit]:
    """A hit for each object with an entry that fits: `fits` says True to the letter, False but for blanks and signs."""
    for registry in registries:
        seen = _usable(followed, registry)
        if isinstance(seen, Skipped):
            continue
        for one, is_exact in _first_of_each(followed.with_term(seen, term(word)), fits):
            yield _hit(followed, seen, registry, one, is_exact, fits)


def _first_of_each(entries: Iterator[Fetched], fits: Callable[[Entry], bool | None]) -> Iterator[tuple[Logged, bool]]:
    """The first entry of each object that fits, and whether one does to the letter; of as many objects as are shown."""
    first: dict[bytes, tuple[Logged, bool]] = {}
    for one in entries:
        is_exact = None if one.entry is None else fits(one.entry)
        if one.entry is None or is_exact is None:
            continue
        logged = Logged(one.index, one.leaf, one.entry)
        known, was_exact = first.get(_object_of(logged) or one.leaf, (logged, False))
        first[_object_of(logged) or one.leaf] = known, was_exact or is_exact
        if len(first) == limits.REGISTRY_HITS:
            break
    yield from first.values()


def _object_of(one: Logged) -> bytes | None:
    """The leaf of the object's first entry; None for an entry that is about none."""
    if isinstance(one.entry, Open):
        return one.entry.object or one.leaf
    return one.leaf if isinstance(one.entry, Sealed) else None


def _hit(
    followed: Followed,
    seen: Seen,
    registry: TrustedRegistry,
    one: Logged,
    is_exact: bool,
    fits: Callable[[Entry], bool | None] = lambda entry: None,
) -> Hit:
    """The object of `one`, found by its first entry that fits, at the place where that was sealed; else by `one`."""
    object_leaf = _object_of(one)
    if object_leaf is None:
        return Hit(seen, one, is_exact)
    entries = followed.of_object(seen, object_leaf)
    if isinstance(one.entry, Sealed) and len(entries) == 1:
        object_leaf = followed.opener(seen, one.entry.commitment) or object_leaf
        entries = followed.of_object(seen, object_leaf)
    told = history(entries[: limits.REGISTRY_HISTORY])
    fitting = (event for event in told.events if event.record is not None and fits(event.record) is not None)
    itself = Happened(one.index, one.entry if isinstance(one.entry, Open) else None)
    event = next(fitting, None) or next((event for event in told.events if event.index == one.index), itself)
    found = next((entry for entry in entries if entry.index == event.index), one)
    asserter = Asserter.APPLICANT if event.record is None else asserted_by(registry, event.record.office)
    return Hit(seen, found, is_exact, object_leaf, entries, told, event.record, event.opened_by, asserter)


def _sorted(hits: Iterator[Hit]) -> tuple[Hit, ...]:
    return tuple(sorted(hits, key=lambda hit: not hit.is_exact))[: limits.REGISTRY_HITS]
