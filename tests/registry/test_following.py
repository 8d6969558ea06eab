"""Following registries: what is kept of good ones, what is said of bad ones, and that nothing is read twice."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from notary import limits
from notary.errors import InputError, SystemFailureError
from notary.registry.core.checkpoint import Checkpoint, sign_checkpoint
from notary.registry.core.cosignature import cosign
from notary.registry.core.entry import Open
from notary.registry.core.note import Note, sign_text, write_note
from notary.registry.core.tiles import ENTRIES, Tile, tiles_of
from notary.registry.core.trusted import TrustedRegistry
from notary.registry.edges.followed import Followed, Seen, open_followed
from notary.registry.following import Follower, Synced
from notary.registry.heads import State
from tests.conftest import Notary
from tests.registry.logs import LOG, ORIGIN, WITNESSES, Keeper, Rfc6962, entries_of, flipped, sha256, signed
from tests.registry.published import NOW, Office, Web, applications, rotation, serving, toml

DAY = 24 * 60 * 60
NEXT, LAST = Keeper(ORIGIN, b"n" * 32), Keeper(ORIGIN, b"l" * 32)


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REGISTRY_RETRY_SECONDS", 0.001)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path / "registry")


@pytest.fixture
def web(office: Office) -> Iterator[Web]:
    office.folder.mkdir()
    with serving(office.folder) as web:
        yield web


class Reader:
    """Somebody who follows, with a file of his own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "followed.db"

    def all(self, *registries: TrustedRegistry, now: int = NOW, accepted: tuple[str, ...] = ()) -> list[Synced]:
        with open_followed(self.file) as followed:
            follower = Follower(followed, self.folder / "evidence", now)
            return list(follower.sync(registries, frozenset(accepted)))

    def sync(self, registry: TrustedRegistry, **given: Any) -> Synced:
        return self.all(registry, **given)[0]

    def entries(self) -> list[bytes]:
        """What is kept, by SQLite alone."""
        with sqlite3.connect(self.file) as connection:
            return [row[0] for row in connection.execute("SELECT data FROM entry ORDER BY position")]


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(tmp_path / "reader")


def seen_of(synced: Synced) -> Seen:
    assert synced.seen is not None
    return synced.seen


def said(synced: Synced) -> str:
    assert synced.problem is not None
    assert synced.problem.message.startswith(synced.registry.origin)
    assert synced.problem.message.isprintable()
    return synced.problem.message


# -- a good registry ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 600])
def test_all_entries_are_read_and_are_those_under_the_head(office: Office, reader: Reader, size: int) -> None:
    office.add(applications(0, size))
    synced = reader.sync(office.trusted())
    assert (synced.state, synced.added, synced.problem) == (State.FOLLOWED, size, None)
    kept = reader.entries()
    assert kept == office.entries
    assert seen_of(synced).head.root == Rfc6962(kept).root(0, size)
    assert seen_of(synced).is_whole


@pytest.mark.parametrize("first", [0, 1, 200, 256, 511, 512])
@pytest.mark.parametrize("step", [1, 100, 256, 700])
def test_only_what_is_new_is_read(office: Office, web: Web, reader: Reader, first: int, step: int) -> None:
    office.add(applications(0, first))
    registry = office.trusted(url=web.url)
    reader.sync(registry)
    web.asked()
    assert reader.sync(registry).added == 0
    # This registry has no anchors; each is asked for some more times.
    assert web.asked() == ["checkpoint", *([f"anchors/{first}.checkpoint"] if first else [])]
    office.add(applications(first, first + step))
    synced = reader.sync(registry)
    assert (synced.state, synced.added) == (State.FOLLOWED, step)
    everything = web.asked()
    anchors = [path for path in everything if path.startswith("anchors")]
    assert anchors == [f"anchors/{size}.checkpoint" for size in (first, first + step) if size]
    asked = [path for path in everything if path not in anchors]
    last = first + step
    bundles = [path for path in asked if path.startswith("tile/entries")]
    spans = range(first // 256, -(-last // 256))
    expected = [f"tile/entries/{at:03}" + ("" if 256 * (at + 1) <= last else f".p/{last % 256}") for at in spans]
    assert sorted(bundles) == sorted(expected)
    hashes = [path for path in asked if path.startswith("tile/") and path not in bundles]
    assert len(hashes) == len(set(hashes)) <= 4  # two for each level of tiles
    assert len(asked) == 1 + len(bundles) + len(hashes)
    assert reader.entries() == office.entries


def test_the_tiles_of_what_was_read_are_those_of_the_log(office: Office, reader: Reader) -> None:
    for start, end in ((0, 1), (1, 300), (300, 512), (512, 70_000)):
        office.add(entries_of(70_000)[start:end])
        synced = reader.sync(office.trusted())
    with open_followed(reader.file) as followed:
        read = followed.tiles(seen_of(synced))
        assert all(read(tile) == office.store.files[tile.path] for tile in tiles_of(70_000))
        assert read(Tile(1, 0, 3)) == office.store.files["tile/1/000"][:96]
        assert len(read(Tile(ENTRIES, 0, 3))) == 6 + sum(map(len, office.entries[:3]))


def test_partial_tiles_that_are_gone_are_not_missed(office: Office, web: Web, reader: Reader) -> None:
    """The keeper publishes more, and tidies up, between a reader's checkpoint and his tiles."""
    office.add(applications(0, 300))
    old = (office.folder / "checkpoint").read_bytes()
    partial = [tile for tile in office.store.files if ".p/" in tile]
    office.add(applications(300, 600))
    (office.folder / "checkpoint").write_bytes(old)
    for path in partial:
        if path.startswith(("tile/entries", "tile/0")):
            (office.folder / path).unlink()
    synced = reader.sync(office.trusted(url=web.url))
    assert (synced.state, synced.added) == (State.FOLLOWED, 300)
    assert reader.entries() == office.entries[:300]


def test_entries_of_no_kind_that_is_known_are_kept_and_found_by_nothing(office: Office, reader: Reader) -> None:
    office.add([b"", b"{}", b"\xff" * 300, b'{"format":"notary-registry/v2"}', *applications(0, 2)])
    synced = reader.sync(office.trusted())
    assert (synced.state, synced.added) == (State.FOLLOWED, 6)
    with open_followed(reader.file) as followed:
        found = [followed.entry(seen_of(synced), index) for index in range(7)]
        assert [one and one.entry is not None for one in found] == [False] * 4 + [True] * 2 + [None]
        assert isinstance(found[4] and found[4].entry, Open)


def test_the_file_is_its_owners_alone(office: Office, reader: Reader) -> None:
    office.add(applications(0, 1))
    reader.sync(office.trusted())
    assert reader.file.stat().st_mode & 0o077 == 0


def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"no database at all " * 100)
    with sqlite3.connect(tmp_path / "other") as connection:
        connection.execute("CREATE TABLE something (x)")
    with open_followed(tmp_path / "newer"):
        pass
    with sqlite3.connect(tmp_path / "newer") as connection:
        connection.execute("PRAGMA user_version = 99")
    for name in ("text", "other", "newer"):
        with pytest.raises(InputError, match=name), open_followed(tmp_path / name):
            pass
    with pytest.raises(SystemFailureError, match="followed"), open_followed(tmp_path / "text" / "followed"):
        pass


# -- heads that are not taken ---------------------------------------------------------------------------------------


def other_key() -> Note:
    return sign_checkpoint(Checkpoint(ORIGIN, 0, sha256()), NEXT.key, NEXT.sign)


def other_origin() -> Note:
    keeper = Keeper("other.example/register")
    return signed(0, sha256(), keeper)


def our_name_other_origin() -> Note:
    text = str(Checkpoint("other.example/register", 0, sha256()))
    return Note(text, (sign_text(text, LOG.key, LOG.sign),))


def damaged_signature() -> Note:
    note = signed(0, sha256())
    one = note.signatures[0]
    return Note(note.text, (type(one)(one.name, one.key_id, flipped(one.signature, 5)),))


@pytest.mark.parametrize("forge", [other_key, other_origin, our_name_other_origin, damaged_signature])
def test_a_head_that_the_trusted_key_did_not_sign(office: Office, reader: Reader, forge: Any) -> None:
    office.add([])
    office.publish(write_note(forge()))
    synced = reader.sync(office.trusted())
    assert (synced.state, synced.seen) == (State.UNSIGNED, None)
    said(synced)
    office.publish()
    before = seen_of(reader.sync(office.trusted()))
    office.publish(write_note(forge()))
    synced = reader.sync(office.trusted())
    assert (synced.state, synced.seen) == (State.UNSIGNED, before)


@pytest.mark.parametrize("data", [b"", b"\xff", b"text\n", b"a\n\nb\n", bytes(300_000)])
def test_a_head_that_is_no_note(office: Office, reader: Reader, data: bytes) -> None:
    office.add([])
    office.publish(data)
    assert reader.sync(office.trusted()).state in (State.DAMAGED, State.DOWN)


def test_a_registry_of_more_entries_than_anybody_keeps(office: Office, reader: Reader) -> None:
    office.add(applications(0, 1))
    office.publish(write_note(signed(limits.REGISTRY_FOLLOWED_ENTRIES + 1, office.root)))
    synced = reader.sync(office.trusted())
    assert (synced.state, synced.seen) == (State.DAMAGED, None)
    assert "can be followed" in said(synced)


def test_a_registry_that_is_down_or_slow_hinders_no_other(
    office: Office, reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "READ_SECONDS", 0.2)
    office.add(applications(0, 3))
    with serving(office.folder) as gone:
        url = gone.url
    with serving(office.folder) as slow:
        slow.answer = lambda handler, path: slow.stop.wait(3) or True
        keys = [Keeper(f"{name}.example/x", bytes([n]) * 32) for n, name in enumerate(("down", "slow"), 7)]
        registries = [
            office.trusted(origin=keys[0].name, key=keys[0].key, url=url),
            office.trusted(origin=keys[1].name, key=keys[1].key, url=slow.url),
            office.trusted(),
        ]
        found = reader.all(*registries)
        slow.stop.set()
    assert [one.state for one in found] == [State.DOWN, State.DOWN, State.FOLLOWED]
    assert f"{url}: " in said(found[0])
    assert f"{slow.url}: " in said(found[1])
    assert ["could not be reached" in said(found[0]), "sent nothing" in said(found[1])] == [True, True]


# -- witnesses ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cosigners", [0, 1, 2, 3])
def test_a_quorum_of_witnesses(office: Office, reader: Reader, cosigners: int) -> None:
    office.witnesses = WITNESSES[:cosigners]
    office.add(applications(0, 2))
    registry = office.trusted(witnesses=tuple(one.key for one in WITNESSES), quorum=2)
    synced = reader.sync(registry)
    if cosigners < 2:
        assert (synced.state, synced.seen) == (State.NOT_COSIGNED, None)
        assert f"cosigned by {cosigners} of 3 witnesses; 2 are needed" in said(synced)
    else:
        assert synced.state is State.FOLLOWED
        assert synced.freshness is not None
        assert [one.witness for one in synced.freshness.cosignatures] == [one.key for one in office.witnesses]


def test_a_cosignature_that_does_not_verify(office: Office, reader: Reader) -> None:
    office.add(applications(0, 2))
    note = office.note()
    other = cosign(signed(1, office.root).text, NOW, WITNESSES[0].key, WITNESSES[0].sign)
    office.publish(write_note(note.with_signature(other)))
    for quorum in (0, 1):
        synced = reader.sync(office.trusted(witnesses=(WITNESSES[0].key,), quorum=quorum))
        assert (synced.state, synced.seen) == (State.NOT_COSIGNED, None)
    # To whom does not know the witness it is one of many signatures that he ignores.
    assert reader.sync(office.trusted()).state is State.FOLLOWED
    assert reader.sync(office.trusted(witnesses=(WITNESSES[0].key,), quorum=0)).state is State.NOT_COSIGNED


def test_a_witness_whose_key_became_the_registrys_counts_no_more(office: Office, reader: Reader) -> None:
    insider = Keeper(ORIGIN, WITNESSES[0].seed)
    office.witnesses = WITNESSES[:2]
    registry = office.trusted(witnesses=tuple(one.key for one in WITNESSES), quorum=2)
    office.add(applications(0, 2))
    assert reader.sync(registry).state is State.FOLLOWED
    office.add([rotation(insider.key)])
    assert reader.sync(registry).rotations == (insider.key,)
    office.keeper = insider
    office.add(applications(3, 4))
    assert "cosigned by 1 of 3 witnesses" in said(reader.sync(registry))
    office.witnesses = WITNESSES
    office.publish()
    assert reader.sync(registry).state is State.FOLLOWED


# -- how old --------------------------------------------------------------------------------------------------------


def test_without_witnesses_a_head_is_as_old_as_it_was_seen(office: Office, reader: Reader) -> None:
    office.add(applications(0, 2))
    registry = office.trusted(stale_after=30)
    assert reader.sync(registry).state is State.FOLLOWED
    assert reader.sync(registry, now=NOW + 30 * DAY).state is State.FOLLOWED
    stale = reader.sync(registry, now=NOW + 30 * DAY + 1)
    assert stale.state is State.STALE
    assert "30 days have passed since it was first seen here; registries.toml allows 30" in said(stale)
    assert reader.sync(office.trusted(), now=NOW + 9999 * DAY).state is State.FOLLOWED
    office.add(applications(2, 3))
    assert reader.sync(registry, now=NOW + 31 * DAY).state is State.FOLLOWED


def test_with_witnesses_a_head_is_as_old_as_what_enough_of_them_say(office: Office, reader: Reader) -> None:
    keys = tuple(one.key for one in WITNESSES)
    office.witnesses = WITNESSES[:2]
    office.add(applications(0, 2))
    registry = office.trusted(witnesses=keys, quorum=2, stale_after=30)
    assert reader.sync(registry, now=NOW + 30 * DAY).state is State.FOLLOWED
    late = reader.sync(registry, now=NOW + 31 * DAY)
    assert late.state is State.STALE
    assert late.added == 0
    assert "since enough witnesses cosigned it" in said(late)
    # One alone does not keep it fresh; a second one does. Neither needs a new entry.
    office.cosigned_at, office.witnesses = NOW + 31 * DAY, WITNESSES[:1]
    older = [cosign(office.note().text, NOW, one.key, one.sign) for one in WITNESSES[1:2]]
    office.publish(write_note(office.note().with_signature(older[0])))
    assert reader.sync(registry, now=NOW + 31 * DAY).state is State.STALE
    office.witnesses = WITNESSES[:2]
    office.publish()
    fresh = reader.sync(registry, now=NOW + 31 * DAY)
    assert fresh.state is State.FOLLOWED
    assert fresh.freshness is not None
    assert fresh.freshness.at == NOW + 31 * DAY


def test_a_witness_in_the_future_makes_nothing_fresher_than_now(office: Office, reader: Reader) -> None:
    office.witnesses, office.cosigned_at = WITNESSES[:1], NOW + 10_000 * DAY
    office.add(applications(0, 2))
    registry = office.trusted(witnesses=(WITNESSES[0].key,), quorum=1, stale_after=1)
    synced = reader.sync(registry)
    assert synced.freshness is not None
    assert synced.freshness.at == NOW


def test_what_is_new_in_a_stale_registry_is_read_all_the_same(office: Office, reader: Reader) -> None:
    office.witnesses = WITNESSES[:1]
    office.add(applications(0, 2))
    registry = office.trusted(witnesses=(WITNESSES[0].key,), quorum=1, stale_after=1)
    synced = reader.sync(registry, now=NOW + 9 * DAY)
    assert (synced.state, synced.added) == (State.STALE, 2)


# -- tampering ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2])
def test_whatever_byte_is_changed_nothing_false_is_kept(office: Office, reader: Reader, size: int) -> None:
    office.add(applications(0, size))
    good = {path: path.read_bytes() for path in office.folder.rglob("*") if path.is_file()}
    assert len(good) == 3  # the checkpoint, a bundle, a tile
    refused = 0
    for path, data in good.items():
        for at in range(len(data)):
            path.write_bytes(data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :])
            synced = reader.sync(office.trusted())
            assert synced.state in (State.DAMAGED, State.UNSIGNED, State.DOWN, State.FOLLOWED)
            if synced.state is State.FOLLOWED:
                assert path.parent.parent.name == "0"  # which no first reader needs
            refused += synced.state is not State.FOLLOWED
            assert reader.entries() in ([], office.entries)
            if synced.state is State.FOLLOWED:
                reader.file.unlink()
        for data_cut in (data[:-1], data + b"\n", b""):
            path.write_bytes(data_cut)
            reader.sync(office.trusted())
            assert reader.entries() in ([], office.entries)
        path.write_bytes(data)
    assert refused > 100
    assert reader.sync(office.trusted()).state is State.FOLLOWED
    assert reader.entries() == office.entries


@pytest.mark.parametrize(("old", "new"), [(3, 5), (4, 6), (255, 258), (256, 300)])
def test_tiles_that_were_changed_do_not_pass_for_growth(
    office: Office, reader: Reader, tmp_path: Path, old: int, new: int
) -> None:
    office.add(applications(0, old))
    before = seen_of(reader.sync(office.trusted()))
    office.add(applications(old, new))
    file = reader.file.read_bytes()
    for path in [one for one in office.folder.rglob("*") if one.is_file() and one.name != "checkpoint"]:
        data = path.read_bytes()
        for at in range(0, len(data), max(1, len(data) // 23)):
            path.write_bytes(flipped(data, 8 * at + at % 8))
            synced = reader.sync(office.trusted())
            assert synced.state in (State.FOLLOWED, State.DAMAGED, State.NOT_CONTINUED)
            assert seen_of(synced).refusal is None
            assert reader.entries() in (office.entries[:old], office.entries)
            assert seen_of(synced).entries == len(reader.entries())
            reader.file.write_bytes(file)
        path.write_bytes(data)
    assert not list((reader.folder / "evidence").glob("*.split.json"))
    assert seen_of(reader.sync(office.trusted())).head.size == new > before.head.size


# -- broken lines ---------------------------------------------------------------------------------------------------


def fail_after(web: Web, count: int) -> None:
    """Lets so many bundles through."""
    left = [count]

    def answer(handler: SimpleHTTPRequestHandler, path: str) -> bool:
        if not path.startswith("tile/entries"):
            return False
        left[0] -= 1
        if left[0] < 0:
            handler.send_error(503)
        return left[0] < 0

    web.answer = answer


def test_what_was_read_before_the_line_broke_is_not_read_again(
    office: Office, web: Web, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "REGISTRY_STEP_ENTRIES", 512)
    monkeypatch.setattr(limits, "REGISTRY_BUNDLES_AT_ONCE", 2)
    office.add(applications(0, 2000))
    registry = office.trusted(url=web.url)
    fail_after(web, 5)
    synced = reader.sync(registry)
    assert (synced.state, synced.added, seen_of(synced).entries) == (State.DOWN, 1024, 1024)
    assert reader.entries() == office.entries[:1024]
    web.asked()
    # Meanwhile the registry grows.
    office.add(applications(2000, 2100))
    fail_after(web, 1000)
    synced = reader.sync(registry)
    assert (synced.state, synced.added) == (State.FOLLOWED, 1076)
    bundles = [path for path in web.asked() if path.startswith("tile/entries")]
    assert sorted(bundles) == [*(f"tile/entries/00{at}" for at in range(4, 8)), "tile/entries/008.p/52"]
    assert reader.entries() == office.entries


def test_a_step_is_bounded_in_bytes(office: Office, reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REGISTRY_STEP_BYTES", 1)
    monkeypatch.setattr(limits, "REGISTRY_BUNDLES_AT_ONCE", 1)
    office.add(applications(0, 700))
    steps: list[tuple[int, int]] = []
    with open_followed(reader.file) as followed:
        follower = Follower(followed, reader.folder, NOW, lambda read, size: steps.append((read, size)))
        assert [one.added for one in follower.sync([office.trusted()])] == [700]
    assert steps == [(256, 700), (512, 700), (700, 700)]


_SYNC = "from notary import limits; limits.REGISTRY_STEP_ENTRIES = 256; from notary.cli.app import run; import sys;"


def test_a_reader_that_is_killed_goes_on_where_it_was(office: Office, web: Web, notary: Notary, tmp_path: Path) -> None:
    office.add(applications(0, 1500))
    (tmp_path / "registries.toml").write_text(toml(office.trusted(url=web.url)))

    def answer(handler: SimpleHTTPRequestHandler, path: str) -> bool:
        if path != "tile/entries/004":
            return False
        web.stop.wait(30)
        return True

    web.answer = answer
    arguments = ["registry", "sync", "--registries", "registries.toml"]
    command = [sys.executable, "-c", f"{_SYNC} sys.exit(run({arguments!r}))"]
    options = {key: value for key, value in notary.options().items() if key in ("cwd", "env")}
    with subprocess.Popen(command, **options) as process:
        while "tile/entries/004" not in web.paths:
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(0.3)  # so that it waits for that one only
        os.kill(process.pid, signal.SIGKILL)
    web.answer = lambda handler, path: False
    file = Path(notary.environment["NOTARY_LEDGER"]).parent / "registries" / "followed.db"
    with open_followed(file) as followed:
        before = followed.seen(ORIGIN)
        assert before is not None
        assert (before.entries, before.head.size) == (1024, 1500)
    web.asked()
    done = notary(*arguments, "--json")
    assert done.code == 0, done.err
    assert [(one["entries"], one["added"]) for one in done.json["registries"]] == [(1500, 476)]
    bundles = [path for path in web.asked() if path.startswith("tile/entries")]
    assert sorted(bundles) == ["tile/entries/004", "tile/entries/005.p/220"]
    reader = Reader(file.parent)
    assert reader.entries() == office.entries


def test_two_at_once_do_not_keep_the_same_twice(
    office: Office, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.add(applications(0, 10))
    synced = reader.sync(office.trusted())
    office.add(applications(10, 20))
    with open_followed(reader.file) as one:
        follower = Follower(one, reader.folder, NOW)
        original = Followed.append

        def append(self: Followed, *given: Any) -> None:
            monkeypatch.setattr(Followed, "append", original)
            reader.sync(office.trusted())
            original(self, *given)

        monkeypatch.setattr(Followed, "append", append)
        with pytest.raises(SystemFailureError, match="another process"):
            list(follower.sync([office.trusted()]))
    assert seen_of(synced).entries == 10
    assert reader.entries() == office.entries


# -- rotations ------------------------------------------------------------------------------------------------------


def test_a_new_key_takes_over_from_the_one_that_named_it(office: Office, reader: Reader) -> None:
    office.add(applications(0, 3))
    reader.sync(office.trusted())
    office.add([rotation(NEXT.key), *applications(3, 5)])
    told = reader.sync(office.trusted())
    assert (told.state, told.rotations) == (State.FOLLOWED, (NEXT.key,))
    # The head under which it stands may be signed by either, or both.
    old = office.note()
    office.keeper = NEXT
    for note in (office.note(), old, old.with_signature(office.note().signatures[0])):
        office.publish(write_note(note))
        again = reader.sync(office.trusted())
        assert (again.state, again.rotations) == (State.FOLLOWED, ())
    office.add(applications(5, 6))
    assert reader.sync(office.trusted()).state is State.FOLLOWED
    office.add(applications(6, 7))
    good = office.note()
    office.publish(write_note(signed(office.size, office.root, LOG)))
    assert reader.sync(office.trusted()).state is State.UNSIGNED
    office.publish(write_note(good))
    assert reader.sync(office.trusted()).added == 1
    # The reader's file names either; the last key is in force.
    assert reader.sync(office.trusted(key=NEXT.key)).state is State.FOLLOWED
    assert reader.sync(office.trusted()).state is State.FOLLOWED
    office.add([rotation(LAST.key)])
    assert reader.sync(office.trusted(key=NEXT.key)).rotations == (LAST.key,)
    office.keeper = LAST
    office.add(applications(7, 9))
    for key in (LOG, NEXT, LAST):
        assert reader.sync(office.trusted(key=key.key)).state is State.FOLLOWED


def test_a_rotation_before_the_first_head_is_history(office: Office, reader: Reader) -> None:
    """It may be a thief's: whoever comes later has the key that the keeper names elsewhere."""
    office.add([*applications(0, 3), rotation(NEXT.key)])
    synced = reader.sync(office.trusted())
    assert (synced.state, synced.rotations) == (State.FOLLOWED, ())
    office.add(applications(3, 4))
    assert reader.sync(office.trusted()).state is State.FOLLOWED
    office.keeper = NEXT
    office.add(applications(4, 5))
    late = reader.sync(office.trusted())
    assert late.state is State.UNSIGNED
    assert late.problem is not None
    assert any("registries.toml" in hint for hint in late.problem.hints)


def test_a_key_that_the_reader_puts_in_by_hand(office: Office, reader: Reader) -> None:
    office.add(applications(0, 3))
    reader.sync(office.trusted())
    # The old one is lost: no entry names the new one, and the log goes on.
    office.keeper = NEXT
    office.add(applications(3, 5))
    assert reader.sync(office.trusted()).state is State.UNSIGNED
    synced = reader.sync(office.trusted(key=NEXT.key))
    assert (synced.state, synced.added, seen_of(synced).keys) == (State.FOLLOWED, 2, (NEXT.key,))
    # The old one does not come back by itself.
    office.keeper = LOG
    office.add(applications(5, 6))
    assert reader.sync(office.trusted(key=NEXT.key)).state is State.UNSIGNED


def test_a_rotation_behind_a_broken_line_is_found(
    office: Office, web: Web, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "REGISTRY_STEP_ENTRIES", 256)
    registry = office.trusted(url=web.url)
    office.add(applications(0, 1))
    reader.sync(registry)
    office.add([*applications(1, 900), rotation(NEXT.key)])
    fail_after(web, 2)
    assert reader.sync(registry).state is State.DOWN
    # By the next time the old head is gone.
    office.keeper = NEXT
    office.add(applications(901, 1300))
    remove_old = [path for path in office.folder.rglob("*") if path.is_file() and path.parent.name == "003.p"]
    for path in remove_old:
        path.unlink()
    fail_after(web, 1000)
    synced = reader.sync(registry)
    assert (synced.state, synced.rotations) == (State.FOLLOWED, (NEXT.key,))
    assert reader.entries() == office.entries


def test_of_many_new_keys_the_last_is_in_force(office: Office, reader: Reader) -> None:
    office.add(applications(0, 3))
    reader.sync(office.trusted())
    office.add([rotation(NEXT.key), rotation(LAST.key)])
    assert reader.sync(office.trusted()).rotations == (LAST.key,)
    size, root = office.size, office.root
    office.keeper = NEXT
    office.add(applications(5, 6))
    assert reader.sync(office.trusted()).state is State.UNSIGNED
    office.keeper = LAST
    office.publish()
    assert reader.sync(office.trusted()).state is State.FOLLOWED
    # And back to the first.
    office.add([rotation(LOG.key)])
    reader.sync(office.trusted())
    office.keeper = LOG
    office.add(applications(7, 8))
    assert reader.sync(office.trusted()).state is State.FOLLOWED
    # An old head is an old head, whichever key signed it.
    office.publish(write_note(signed(size, root, LOG)))
    assert reader.sync(office.trusted()).state is State.ROLLED_BACK


# -- the command ----------------------------------------------------------------------------------------------------


def test_the_command_says_how_each_was_found(office: Office, notary: Notary, tmp_path: Path) -> None:
    office.witnesses = WITNESSES[:1]
    office.cosigned_at = int(time.time()) - 40 * DAY
    office.add(applications(0, 3))
    other = Office(tmp_path / "other", Keeper("other.example/x", b"o" * 32))
    other.add(applications(0, 2))
    stale = office.trusted(witnesses=(WITNESSES[0].key,), quorum=1, stale_after=30)
    fine = other.trusted(origin=other.keeper.name, key=other.keeper.key)
    file = tmp_path / "registries.toml"
    command = ("registry", "sync", "--registries", file)
    file.write_text(toml(fine))
    assert notary(*command).code == 0
    file.write_text(toml(fine, stale))
    found = notary(*command, "--json")
    assert found.code == 3
    assert [(one["origin"], one["state"], one["size"]) for one in found.json["registries"]] == [
        (fine.origin, "followed", 2),
        (ORIGIN, "stale", 3),
    ]
    for path in other.folder.rglob("checkpoint"):
        path.unlink()
    down = notary(*command)
    assert down.code == 4
    assert f"{fine.origin}: down" in down.out
    office.publish(b"nothing\n")
    assert notary(*command).code == 1
    assert notary(*command, "--quiet").out == ""
    assert notary(*command, "--accept", "nobody.example").code == 2


def test_nobody_to_follow(notary: Notary, tmp_path: Path) -> None:
    for command in (("sync",), ("search", "1")):
        found = notary("registry", *command)
        assert found.code == 2
        assert "names no registry to follow" in found.err
    assert notary("registry", "sync", "--registries", tmp_path / "none.toml").code == 2


def test_a_folder_begins_beside_the_file(office: Office, notary: Notary, tmp_path: Path) -> None:
    office.add(applications(0, 3))
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "registries.toml").write_text(toml(office.trusted(folder="../registry")))
    assert notary("registry", "sync", "--registries", "sub/registries.toml").code == 0
