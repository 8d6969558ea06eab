"""Searching what was followed: by any writing of a number, by office, digest, reference and link; with the history."""

import hashlib
import unicodedata
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notary import limits
from notary.errors import EvidenceError, InputError, NotReadyError
from notary.registry.core.entry import Open, Opening, Sealed, check_entry, write_entry
from notary.registry.core.finding import plain, term, terms
from notary.registry.core.history import Oddity
from notary.registry.core.links import Link
from notary.registry.core.log import leaf_hash
from notary.registry.core.terms import Event
from notary.registry.core.trusted import Asserter, TrustedRegistry
from notary.registry.edges.followed import open_followed
from notary.registry.following import Follower
from notary.registry.searching import Hit, follow_link, look_up, outdated, search, skipped
from tests.conftest import Notary
from tests.registry.logs import ORIGIN, Keeper
from tests.registry.published import NOW, Office, applications, rotation, toml
from tests.registry.register import FILING_DATE, T, filed, later, leaf
from tests.registry.test_splits import NEXT

OTHER = Keeper("other.example/register", b"o" * 32)
WIDE = "特願" + "".join(chr(ord(one) + 0xFEE0) for one in "2026-000123")  # as East Asian keyboards write it
ST13 = "DE102026000000412"
REFERENCES = (("das", "DE 102026000412"), ("pct", "PCT/EP2026/050123"), ("url", "https://office.example/x?y=1"))


class Followed:
    """Somebody who follows some registries, and searches them."""

    def __init__(self, folder: Path, *offices: Office) -> None:
        self.file = folder / "followed.db"
        self.folder = folder
        self.registries: tuple[TrustedRegistry, ...] = tuple(
            office.trusted(origin=office.keeper.name, key=office.keeper.key) for office in offices
        )
        self.sync()

    def sync(self) -> None:
        with open_followed(self.file) as followed:
            list(Follower(followed, self.folder / "evidence", NOW).sync(self.registries))

    def search(self, query: str) -> tuple[Hit, ...]:
        with open_followed(self.file) as followed:
            return search(followed, query, self.registries)

    def look_up(self, office: str, number: str) -> tuple[Hit, ...]:
        with open_followed(self.file) as followed:
            return look_up(followed, office, number, self.registries)

    def follow(self, link: Link) -> Hit:
        with open_followed(self.file) as followed:
            return follow_link(followed, link, self.registries)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path / "registry")


def following(tmp_path: Path, *offices: Office) -> Followed:
    return Followed(tmp_path / "reader", *offices)


# -- by what is written ---------------------------------------------------------------------------------------------


def test_by_every_writing_of_everything(office: Office, tmp_path: Path) -> None:
    entry = filed(st13=ST13, references=REFERENCES, digest=hashlib.sha256(b"one of its own").digest())
    office.add([entry, *applications(500, 520)])
    reader = following(tmp_path, office)
    exact = [entry.number, ST13, entry.digest.hex() if entry.digest else "", *(text for _, text in REFERENCES)]
    for query in exact:
        (hit,) = [one for one in reader.search(query) if one.is_exact]
        assert hit.found.entry == entry
        assert hit.link == Link(ORIGIN, 0, leaf(entry))
    other = [
        "1020260004125",
        "10-2026/000412,5",
        "10 2026 000412 5",
        "pct ep2026 050123",
        "de102026000412",
        ST13.lower(),
    ]
    for query in other:
        hits = reader.search(query)
        assert [(one.found.index, one.is_exact) for one in hits] == [(0, False)], query
    assert len(reader.search("DE")) == 21
    for query in ("10 2026 000412", "412", "000412.5", "nothing", "XX", "10 2026 000412.55"):
        assert reader.search(query) == ()


def test_what_is_written_so_comes_first(office: Office, tmp_path: Path) -> None:
    numbers = ["12-34", "1234", "1/234", "12 34"]
    office.add([filed(number=number) for number in numbers])
    reader = following(tmp_path, office)
    for number in numbers:
        hits = reader.search(number)
        assert hits[0].record is not None
        assert hits[0].record.number == number
        assert [hit.is_exact for hit in hits] == [True, False, False, False]
        assert reader.look_up("DE", number) == hits


@pytest.mark.parametrize("query", ["", " ", ".-/", "\u00a0", "x" * 301])
def test_nothing_to_search_by(office: Office, tmp_path: Path, query: str) -> None:
    office.add(applications(0, 1))
    with pytest.raises(InputError, match="nothing can be searched by"):
        following(tmp_path, office).search(query)


def test_long_numbers_are_told_apart_to_their_end(office: Office, tmp_path: Path) -> None:
    numbers = [f"{'7' * 100}{at}" for at in range(4)]
    assert len({term(number) for number in numbers}) == 1
    office.add([filed(number=number) for number in numbers])
    reader = following(tmp_path, office)
    for at, number in enumerate(numbers):
        assert [hit.found.index for hit in reader.look_up("DE", number)] == [at]


@given(st.text(max_size=40) | st.text(st.characters(max_codepoint=127)))
def test_plain_is_plain(word: str) -> None:
    folded = unicodedata.normalize("NFKC", word).casefold()
    assert plain(word) == "".join(one for one in folded if one.isalnum())
    assert plain(plain(word)) == plain(word)
    assert plain(f" {word}-") == plain(word)
    assert all(one.isalnum() for one in plain(word))
    assert term(word) == plain(word)[: len(term(word))]


def test_full_width_and_other_digits_are_digits(office: Office, tmp_path: Path) -> None:
    office.add([filed(number=WIDE)])
    reader = following(tmp_path, office)
    assert [hit.is_exact for hit in reader.look_up("DE", "特願2026-000123")] == [False]
    assert [hit.is_exact for hit in reader.look_up("DE", WIDE)] == [True]


def test_office_and_number_go_together(office: Office, tmp_path: Path) -> None:
    office.add([filed(), filed(office="FR"), filed(number="DE")])
    reader = following(tmp_path, office)
    assert [hit.found.index for hit in reader.look_up("FR", filed().number)] == [1]
    assert reader.look_up("XX", filed().number) == ()
    assert [hit.found.index for hit in reader.look_up("DE", "DE")] == [2]
    assert len(reader.search("DE")) == 2


def test_no_more_hits_than_anybody_reads(office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REGISTRY_HITS", 7)
    office.add(applications(0, 20))
    assert len(following(tmp_path, office).search("DE")) == 7


# -- all registries together ----------------------------------------------------------------------------------------


def test_over_all_registries_and_whose_word_it_is(office: Office, tmp_path: Path) -> None:
    other = Office(tmp_path / "other", OTHER)
    office.add([filed()])
    other.add([*applications(0, 3), filed()])
    reader = following(tmp_path, office, other)
    reader.registries = (reader.registries[0], replace(reader.registries[1], offices=frozenset({"FR"})))
    hits = reader.look_up("DE", filed().number)
    assert [(hit.origin, hit.link.index, hit.asserted_by) for hit in hits] == [
        (ORIGIN, 0, Asserter.OFFICE),
        (OTHER.name, 3, Asserter.APPLICANT),
    ]
    reader.registries = reader.registries[1:]
    assert [hit.origin for hit in reader.look_up("DE", filed().number)] == [OTHER.name]


def test_what_cannot_be_trusted_is_left_out_and_said(office: Office, tmp_path: Path) -> None:
    office.add([filed()])
    reader = following(tmp_path, office)
    fine, link = reader.registries[0], Link(ORIGIN, 0, leaf(filed()))
    reader.registries = (replace(fine, key=NEXT.key), office.trusted(origin=OTHER.name, key=OTHER.key))
    assert reader.search("DE") == ()
    with open_followed(reader.file) as followed:
        reasons = [one.reason for one in skipped(followed, reader.registries)]
    assert reasons == ["was synced under another key than registries.toml now names", "has not been synced yet"]
    with pytest.raises(NotReadyError, match="another key"):
        reader.follow(link)


def test_stale_registries_are_searched_and_said_to_be_stale(office: Office, tmp_path: Path) -> None:
    office.add([filed()])
    reader = following(tmp_path, office)
    registries = (replace(reader.registries[0], stale_after=30),)
    with open_followed(reader.file) as followed:
        assert list(outdated(followed, registries, NOW + 30 * 86400)) == []
        (problem,) = outdated(followed, registries, NOW + 31 * 86400)
    assert f"{ORIGIN} is stale" in problem.message


# -- histories ------------------------------------------------------------------------------------------------------


def test_an_object_is_one_hit_with_its_whole_history(office: Office, tmp_path: Path) -> None:
    first = filed()
    start = leaf(first)
    granted = later(Event.GRANTED, date(2027, 5, 1), start, start)
    assigned = later(Event.ASSIGNED, date(2028, 5, 1), leaf(granted), start, to="Muster AG")
    office.add([*applications(0, 3), first, *applications(5, 300), granted, assigned])
    reader = following(tmp_path, office)
    (hit,) = reader.search(first.number)
    assert [one.entry for one in hit.entries] == [first, granted, assigned]
    assert hit.history is not None
    assert hit.history.findings == ()
    assert "assigned to Muster AG" in hit.history.state
    assert (hit.link, hit.object, hit.record) == (Link(ORIGIN, 3, start), start, first)
    # Whichever of them the link leads to.
    for one in hit.entries:
        assert reader.follow(hit.link_to(one)).entries == hit.entries


def test_gaps_forks_and_disorder_are_reported(office: Office, tmp_path: Path) -> None:
    first = filed()
    start = leaf(first)
    forked = [later(Event.GRANTED, date(2027, 5, day), start, start) for day in (1, 2)]
    gap = later(Event.LAPSED, date(2026, 1, 1), b"\1" * 32, start)
    office.add([first, *forked, gap])
    (hit,) = following(tmp_path, office).search(first.number)
    assert hit.history is not None
    assert {one.oddity for one in hit.history.findings} >= {Oddity.FORK, Oddity.GAP, Oddity.ORDER}


def opening_of(record: Open, sealed: Sealed, on: date = date(2027, 9, 12), **changes: Any) -> Open:
    start = leaf(sealed)
    return later(Event.PUBLISHED, on, start, start, number=record.number, opening=Opening(T, record), **changes)


def test_a_sealed_entry_is_found_once_it_is_opened(office: Office, tmp_path: Path) -> None:
    record = filed(references=REFERENCES)
    sealed = Sealed(Opening(T, record).commitment)
    office.add([*applications(0, 2), sealed])
    reader = following(tmp_path, office)
    assert reader.search(record.number) == ()
    hit = reader.follow(Link(ORIGIN, 2, leaf(sealed)))
    assert (hit.record, hit.history and hit.history.events[0].record) == (None, None)
    opening = opening_of(record, sealed)
    assert check_entry(opening)
    office.add([opening])
    reader.sync()
    for query in (record.number, *(text for _, text in REFERENCES), record.digest.hex() if record.digest else ""):
        hits = [one for one in reader.search(query) if one.object == leaf(sealed)]
        assert [one.entry for one in hits[0].entries] == [sealed, opening]
    for link in (Link(ORIGIN, 2, leaf(sealed)), Link(ORIGIN, 3, leaf(opening))):
        hit = reader.follow(link)
        assert hit.history is not None
        assert [(event.record and event.record.event, event.opened_by) for event in hit.history.events] == [
            (Event.FILED, 3),
            (Event.PUBLISHED, None),
        ]


def test_a_later_event_that_was_sealed_is_part_of_its_objects_history(office: Office, tmp_path: Path) -> None:
    first = filed()
    start = leaf(first)
    secret = later(Event.ASSIGNED, date(2026, 5, 1), start, start, to="Muster AG")
    sealed = Sealed(Opening(T, secret).commitment)
    opening = later(Event.PUBLISHED, date(2027, 9, 12), leaf(sealed), start, opening=Opening(T, secret))
    office.add([first, *applications(1, 3), sealed, opening])
    reader = following(tmp_path, office)
    (hit,) = reader.search(first.number)
    assert [one.index for one in hit.entries] == [0, 3, 4]
    assert hit.history is not None
    assert hit.history.events[1].record == secret
    assert hit.history.findings == ()
    assert reader.follow(Link(ORIGIN, 3, leaf(sealed))).entries == hit.entries


def test_an_opening_of_something_else_opens_nothing(office: Office, tmp_path: Path) -> None:
    record = filed()
    sealed = Sealed(Opening(T, record).commitment)
    office.add([sealed, opening_of(filed(number="another"), sealed)])
    (hit,) = following(tmp_path, office).search("another")
    assert hit.history is not None
    assert hit.history.events[0].record is None
    assert Oddity.OPENING in {one.oddity for one in hit.history.findings}


# -- links ----------------------------------------------------------------------------------------------------------


def test_a_link_is_checked_when_it_is_followed(office: Office, tmp_path: Path) -> None:
    office.add([*applications(0, 5), rotation(NEXT.key), b"{}"])
    reader = following(tmp_path, office)
    for index, entry in enumerate(office.entries[:6]):
        good = Link(ORIGIN, index, leaf_hash(entry))
        hit = reader.follow(good)
        assert write_entry(hit.found.entry) == entry
        wrong = leaf_hash(office.entries[(index + 1) % 7])
        with pytest.raises(EvidenceError, match=f"entry {index} of {ORIGIN} is not the one"):
            reader.follow(replace(good, leaf=wrong))
    assert hit.history is None  # of a new key
    with pytest.raises(EvidenceError, match="no entry that can be read"):
        reader.follow(Link(ORIGIN, 6, leaf_hash(b"{}")))
    with pytest.raises(NotReadyError, match="up to entry 6"):
        reader.follow(Link(ORIGIN, 7, bytes(32)))
    with pytest.raises(InputError, match="no registry that you follow"):
        reader.follow(Link(OTHER.name, 0, bytes(32)))


# -- the command ----------------------------------------------------------------------------------------------------


def test_the_command(office: Office, notary: Notary, tmp_path: Path) -> None:
    first = filed()
    start = leaf(first)
    office.add([first, later(Event.GRANTED, date(2027, 5, 1), start, start), rotation(NEXT.key)])
    file = tmp_path / "registries.toml"
    file.write_text(toml(office.trusted()))
    command = ("registry", "search", "--registries", file)
    before = notary(*command, "x", "--json")
    assert (before.code, before.json["hits"], len(before.json["left_out"])) == (0, [], 1)
    assert notary("registry", "sync", "--registries", file).code == 0
    (hit,) = notary(*command, "1020260004125", "--json").json["hits"]
    assert hit["link"] == f"notary:{ORIGIN}/0#{start.hex()}"
    assert hit["link"].endswith(hashlib.sha256(b"\0" + office.entries[0]).hexdigest())
    assert [one["entry"]["event"] for one in hit["history"]] == ["filed", "granted"]
    assert hit["findings"] == []
    found = notary(*command, "--office", "DE", "--number", first.number)
    assert f"DE {first.number}, patent, filed {FILING_DATE}\n" in found.out
    assert "entry 1: asserted granted on 2027-05-01" in found.out
    assert notary(*command, hit["link"]).code == 0
    (key,) = notary(*command, f"notary:{ORIGIN}/2#{leaf_hash(office.entries[2]).hex()}", "--json").json["hits"]
    assert key["history"] == []
    assert notary(*command, "nothing like it").out == "nothing was found\n"
    assert notary(*command, "DE", "--quiet").out == ""
    assert notary(*command, f"{hit['link'][:-1]}{(int(hit['link'][-1], 16) + 1) % 16:x}").code == 1
    assert notary(*command, f"notary:{ORIGIN}/9#{'0' * 64}").code == 3
    for wrong in (
        (),
        ("x", "--office", "DE"),
        ("--office", "DE"),
        ("notary:x",),
        ("x", "--office", "DE", "--number", "1"),
    ):
        assert notary(*command, *wrong).code == 2
    assert terms(None) == frozenset()
