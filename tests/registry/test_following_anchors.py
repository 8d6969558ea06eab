"""Anchors of heads that a reader has seen: read over HTTP, bound to the head, kept, and what they date."""

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from opentimestamps.core.notary import BitcoinBlockHeaderAttestation
from opentimestamps.core.serialize import BytesDeserializationContext
from opentimestamps.core.timestamp import DetachedTimestampFile

from notary import limits
from notary.registry.core.note import write_note
from notary.registry.core.trusted import TrustedRegistry
from notary.registry.edges.followed import open_followed
from notary.registry.following import Follower, Synced
from notary.registry.heads import State
from tests.conftest import Notary, Result
from tests.registry.claims import Anchors, examined, failures, found, status
from tests.registry.logs import LOG, Keeper, flipped, signed
from tests.registry.office import ORIGIN, Office, row
from tests.registry.published import NOW, Web, applications, rotation, serving
from tests.registry.published import Office as Log

ANOTHER = Keeper("somebody.example/else", b"e" * 32)


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REGISTRY_RETRY_SECONDS", 0.001)


@pytest.fixture
def web(office: Office) -> Iterator[Web]:
    with serving(office.folder) as web:
        yield web


class Examiner:
    """Somebody elsewhere, by the command line; `place` is where the office publishes."""

    def __init__(self, folder: Path, office: Office, place: str) -> None:
        self.folder = folder
        folder.mkdir()
        home = folder / "configuration" / "notary"
        home.mkdir(parents=True)
        members = {"origin": ORIGIN, "url": place, "vkey": office.vkey, "offices": ["XX"]}
        lines = [f"{key} = {json.dumps(value)}" for key, value in members.items()]
        (home / "registries.toml").write_text("\n".join(["[[registry]]", *lines]))

    def sync(self) -> dict[str, Any]:
        done = examined(self.folder, "registry", "sync", "--json")
        assert done.code == 0, done.out
        (one,) = done.json["registries"]
        return dict(one)

    def check(self, number: int, *options: str, network: str = "local") -> Result:
        given = ("--office", "XX", "--number", row(number)["number"], "--network", network, "--offline", *options)
        return examined(self.folder, "registry", "check", *given, "--json")


@pytest.fixture
def examiner(tmp_path: Path, office: Office, web: Web) -> Examiner:
    return Examiner(tmp_path / "examiner", office, web.url)


def anchors(asked: list[str]) -> list[str]:
    return [path for path in asked if path.startswith("anchors/")]


def test_an_anchor_is_waited_for_and_then_asked_for_no_more(office: Office, web: Web, examiner: Examiner) -> None:
    office.add(map(row, range(3)))
    office.publish()
    assert examiner.sync()["notes"] == []
    assert anchors(web.asked()) == ["anchors/3.checkpoint", "anchors/3.checkpoint.ots"]
    waiting = examiner.check(1)
    assert (waiting.code, waiting.json["existed_by"], status(waiting, 11)) == (0, None, "skipped")
    assert "no block attests a checkpoint with it yet" in " ".join(waiting.json["sentences"])
    examiner.sync()
    assert web.asked() == ["checkpoint", "anchors/3.checkpoint.ots"]
    office.publish()  # the calendar has a block by now
    examiner.sync()
    confirmed = ["anchors/3.checkpoint.ots", "anchors/headers.json", "anchors/headers.bin"]
    assert web.asked() == ["checkpoint", *confirmed]
    assert examiner.sync()["notes"] == []
    assert web.asked() == ["checkpoint"]
    # From here on nobody is asked.
    answer = examiner.check(1, "--require", "work")
    assert (answer.code, answer.json["verdict"], answer.json["trust"]) == (0, "verified", "work")
    assert [status(answer, number) for number in (10, 11, 12)] == ["passed"] * 3
    assert web.asked() == []
    claim = examiner.folder / "claim.zip"
    office.done("claim", row(1)["number"], "-o", claim)
    judged = examined(examiner.folder, "registry", "check", claim, "--network", "local", "--offline", "--json").json
    looked_up = json.loads(json.dumps(answer.json).replace("the register's own headers", "the claim's own headers"))
    for key in ("existed_by", "attestation", "trust", "trust_meaning", "network", "test_network"):
        assert looked_up[key] == judged[key]
    checks = [[one for one in each["checks"] if one["number"] in (11, 12)] for each in (looked_up, judged)]
    assert checks[0] == checks[1]
    date = judged["existed_by"]
    assert f"in a checkpoint that existed no later than {date} (UTC), and in a head" in answer.json["sentences"][0]
    said = examined(
        *(examiner.folder, "registry", "check", "--office", "XX", "--number", row(1)["number"], "--network", "local")
    )
    assert said.out.startswith("TEST NETWORK local")


def test_the_earliest_that_is_confirmed_dates_an_entry(office: Office, web: Web, examiner: Examiner) -> None:
    """Heads that the reader was never shown are none of his; one that stays pending is passed over."""
    for number in range(4):
        office.add([row(number)])
        office.publish()
        if number != 1:
            examiner.sync()
    office.publish()
    examiner.sync()
    asked = web.asked()
    assert not [path for path in asked if path.startswith("anchors/2.")]
    assert len([path for path in asked if path == "anchors/headers.bin"]) <= 4
    assert [examiner.check(number).json["anchor"] for number in range(4)] == [1, 3, 3, 4]
    with sqlite3.connect(examiner.folder / "ledger" / "registries" / "followed.db") as connection:
        connection.execute("UPDATE anchor SET headers = NULL, headers_index = NULL WHERE size = 1")
    answer = examiner.check(0)
    assert (answer.json["anchor"], answer.json["verdict"]) == (3, "verified")
    assert answer.json["existed_by"] is not None


def test_what_came_after_the_date_is_said_to_have(office: Office, examiner: Examiner) -> None:
    office.add([row(1), row(2)])
    office.publish()
    office.publish()
    examiner.sync()
    office.add([row(1, event="corrected", date="2026-05-01", filing_date="2026-03-01", digest="")])
    office.publish()
    examiner.sync()
    words = {number: " ".join(examiner.check(number).json["sentences"]) for number in (1, 2)}
    assert "What the register says of it since, up to entry 2, is not in that checkpoint" in words[1]
    assert "since" not in words[2]


def test_a_look_up_needs_no_anchor_unless_one_is_demanded(office: Office, examiner: Examiner) -> None:
    office.add([row(1)])
    office.publish()
    for path in (office.folder / "anchors").iterdir():
        path.unlink()
    (note,) = examiner.sync()["notes"]
    assert "anchors/1.checkpoint is not there" in note
    answer = examiner.check(1)
    assert (answer.code, answer.json["verdict"], answer.json["existed_by"]) == (0, "verified", None)
    demanding = examiner.check(1, "--require", "work")
    assert (demanding.code, demanding.json["verdict"], demanding.json["existed_by"]) == (3, "unconfirmed", None)


def test_a_block_that_does_not_bear_the_anchor_out(office: Office, examiner: Examiner) -> None:
    """As of a claim: a header with work, of another block than the proof leads to, refutes it."""
    office.add([row(1)])
    office.publish()
    office.publish()
    examiner.sync()
    with sqlite3.connect(examiner.folder / "ledger" / "registries" / "followed.db") as connection:
        ((index, headers),) = connection.execute("SELECT headers_index, headers FROM anchor").fetchall()
        one = json.loads(index)
        assert len(headers) > 80
        one["runs"] = [{"start": one["runs"][0]["start"] - 1, "count": one["runs"][0]["count"]}]
        connection.execute("UPDATE anchor SET headers_index = ?", (json.dumps(one).encode(),))
    answer = examiner.check(1)
    assert (answer.code, answer.json["verdict"], failures(answer)) == (1, "failed", {11})
    assert (answer.json["existed_by"], answer.json["asserted_by"]) == (None, None)
    with sqlite3.connect(examiner.folder / "ledger" / "registries" / "followed.db") as connection:
        connection.execute("UPDATE anchor SET checkpoint = ?", (b"another file",))
    answer = examiner.check(1)
    assert 10 in failures(answer)
    assert "anchors/1.checkpoint" in next(one["expected"] for one in answer.json["checks"] if one["number"] == 10)
    assert found(answer, 10).startswith("a proof of ")


# -- what is there and is no anchor ---------------------------------------------------------------------------------


@pytest.fixture
def log(tmp_path: Path) -> Log:
    log = Log(tmp_path / "log")
    log.add(applications(0, 5))
    return log


class Reader:
    """Who follows `log` within this process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def sync(self, registry: TrustedRegistry) -> Synced:
        with open_followed(self.folder / "followed.db") as followed:
            (synced,) = Follower(followed, self.folder / "evidence", NOW).sync([registry])
            return synced

    def anchor(self, size: int) -> dict[str, Any]:
        """What SQLite alone shows."""
        with sqlite3.connect(self.folder / "followed.db") as connection:
            connection.row_factory = sqlite3.Row
            return dict(connection.execute("SELECT * FROM anchor WHERE size = ?", (size,)).fetchone())


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(tmp_path / "reader")


@pytest.fixture
def published(log: Log, tmp_path: Path) -> dict[str, bytes]:
    """What a sound anchor of the log consists of; the proof by the reference library."""
    chain = Anchors(tmp_path)
    checkpoint = write_note(log.note())
    proof = chain.proof(checkpoint)
    headers, index = chain.headers()
    return {
        "5.checkpoint": checkpoint,
        "5.checkpoint.ots": proof,
        "headers.bin": headers,
        "headers.json": index,
    }


def write(log: Log, files: dict[str, bytes]) -> None:
    folder = log.folder / "anchors"
    folder.mkdir(exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)


def read(proof: bytes) -> list[tuple[bytes, Any]]:
    """The attestations, as the reference library reads them."""
    file = DetachedTimestampFile.deserialize(BytesDeserializationContext(proof))
    return list(file.timestamp.all_attestations())


def blocks(proof: bytes) -> set[tuple[int, bytes]]:
    """The blocks that it names, with their merkle roots."""
    return {(one.height, root) for root, one in read(proof) if isinstance(one, BitcoinBlockHeaderAttestation)}


def test_a_sound_one_is_kept_as_it_came(log: Log, reader: Reader, published: dict[str, bytes]) -> None:
    write(log, published)
    synced = reader.sync(log.trusted())
    assert (synced.state, synced.notes) == (State.FOLLOWED, ())
    kept = reader.anchor(5)
    assert (kept["checkpoint"], kept["proof"]) == (published["5.checkpoint"], published["5.checkpoint.ots"])
    # Of the headers, those from the attested block on.
    (run,) = json.loads(kept["headers_index"])["runs"]
    assert kept["headers"] == published["headers.bin"][80 * (run["start"] - 1) :]
    (height,) = {one.height for _, one in read(kept["proof"]) if isinstance(one, BitcoinBlockHeaderAttestation)}
    assert (kept["is_open"], run["start"]) == (0, height)


@pytest.mark.parametrize("name", ["5.checkpoint", "5.checkpoint.ots", "headers.bin", "headers.json"])
def test_damaged_ones_are_notes(log: Log, reader: Reader, published: dict[str, bytes], name: str) -> None:
    for data in (b"", b"\xff" * 100, published[name][:-1], published[name] + b"no", flipped(published[name], 45)):
        write(log, published | {name: data})
        synced = reader.sync(log.trusted())
        assert (synced.state, synced.added > 0) == (State.FOLLOWED, data == b"")
        assert len(synced.notes) == 1, data
        kept = reader.anchor(5)
        assert (kept["headers"], kept["is_open"]) == (None, 1)
        # What is wrong with headers takes nothing of what is sound away, and is asked for again as often as it takes.
        if name.startswith("headers"):
            assert (kept["proof"], kept["misses"]) == (published["5.checkpoint.ots"], 0)
    write(log, published)
    assert reader.sync(log.trusted()).notes == ()
    assert reader.anchor(5)["is_open"] == 0


def told(headers: bytes, **changes: Any) -> bytes:
    """headers.json of these headers in one run."""
    run = {"start": changes.pop("start", 1), "count": len(headers) // 80}
    return json.dumps({"network": "local", "runs": [run], **changes}).encode()


def mined(header: bytes) -> bytes:
    """The header with another time, and a nonce by which it meets its own easy target."""
    for nonce in range(2**16):
        one = header[:68] + bytes([header[68] ^ 1]) + header[69:76] + nonce.to_bytes(4, "little")
        if hashlib.sha256(hashlib.sha256(one).digest()).digest()[31] < 0x7F:
            return one
    raise AssertionError


@pytest.mark.parametrize("lie", ["bitcoin", "nonsense", "start", "random", "no work", "other chain", "broken after"])
def test_a_lie_about_headers_takes_no_date_away(
    log: Log, reader: Reader, published: dict[str, bytes], tmp_path: Path, lie: str
) -> None:
    """An anchor is closed by headers that bear its block out, on the network that they say, and by nothing else."""
    headers = published["headers.bin"]
    ((height, _),) = blocks(published["5.checkpoint.ots"])
    at = 80 * (height - 1)
    one, after = headers[at : at + 80], headers[at + 80 :]
    hard = one[:72] + (0x1D00FFFF).to_bytes(4, "little") + one[76:]
    weak = next(
        each
        for nonce in range(2**16)
        if hashlib.sha256(hashlib.sha256(each := one[:76] + nonce.to_bytes(4, "little")).digest()).digest()[31] >= 0x80
    )
    lies = {
        "bitcoin": (headers, told(headers, network="bitcoin")),
        "nonsense": (headers, told(headers, network="nonsense")),
        "start": (headers, told(headers, start=height + 1000)),
        "random": (hashlib.shake_256(headers).digest(len(headers)), published["headers.json"]),
        "no work": (weak, told(weak, start=height)),
        "other chain": (hard, told(hard, start=height)),
        "broken after": (one + mined(one), told(one * 2, start=height)),
    }
    data, index = lies[lie]
    write(log, published | {"headers.bin": data, "headers.json": index})
    for _ in range(2 * limits.REGISTRY_ANCHOR_MISSES):
        synced = reader.sync(log.trusted())
        assert (synced.state, len(synced.notes)) == (State.FOLLOWED, 1)
        kept = reader.anchor(5)
        assert (kept["is_open"], kept["proof"]) == (1, published["5.checkpoint.ots"])
        assert kept["headers"] == (one if lie == "broken after" else None)
    write(log, published)
    assert reader.sync(log.trusted()).notes == ()
    kept = reader.anchor(5)
    assert (kept["is_open"], kept["headers"]) == (0, one + after)


def test_files_that_are_too_large_or_no_files(log: Log, reader: Reader, published: dict[str, bytes]) -> None:
    for name in published:
        write(log, published | {name: bytes(9_000_000)})
        (note,) = reader.sync(log.trusted()).notes
        assert "bytes" in note
        assert not any(reader.anchor(5)[key] for key in ("headers", "headers_index"))
        (log.folder / "anchors" / name).unlink()
        (log.folder / "anchors" / name).mkdir()
        synced = reader.sync(log.trusted())
        assert (synced.state, len(synced.notes)) == (State.FOLLOWED, 1)
        (log.folder / "anchors" / name).rmdir()


def test_an_anchor_of_something_else(log: Log, reader: Reader, published: dict[str, bytes], tmp_path: Path) -> None:
    older = signed(3, b"r" * 32)
    others = {
        "not signed by": write_note(signed(5, log.root, ANOTHER)),
        "is of another checkpoint: of 6": write_note(signed(6, log.root)),
        "proof of": write_note(log.note().with_signature(older.signatures[0])),
    }
    for words, data in others.items():
        write(log, published | {"5.checkpoint": data})
        synced = reader.sync(log.trusted())
        assert synced.state is State.FOLLOWED
        assert any(words in note or "does not verify" in note or "read here" in note for note in synced.notes), words
        assert reader.anchor(5)["proof"] is None


def test_an_anchored_checkpoint_of_another_history_is_evidence(
    log: Log, reader: Reader, published: dict[str, bytes], notary: Notary
) -> None:
    """The keeper anchors another head of the same size than he shows: both are signed by his key."""
    write(log, published | {"5.checkpoint": write_note(signed(5, b"r" * 32))})
    synced = reader.sync(log.trusted())
    assert synced.state is State.FORKED
    (evidence,) = (reader.folder / "evidence").glob("*.split.json")
    assert notary("registry", "verify-split", evidence).code == 0


def test_what_is_never_there_is_asked_for_some_times(log: Log, reader: Reader) -> None:
    with serving(log.folder) as web:
        registry = log.trusted(url=web.url)
        for _ in range(limits.REGISTRY_ANCHOR_MISSES):
            assert len(reader.sync(registry).notes) == 1
            assert web.asked()[-1] == "anchors/5.checkpoint"
        assert reader.sync(registry).notes == ()
        assert web.asked() == ["checkpoint"]
        for size in range(6, 6 + 2 * limits.REGISTRY_ANCHORS_OPEN):
            log.add(applications(size - 1, size))
            reader.sync(registry)
        web.asked()
        reader.sync(registry)
        assert len(web.asked()) == 1 + limits.REGISTRY_ANCHORS_OPEN


def test_one_file_that_is_at_fault_hinders_no_other_anchor(
    log: Log, reader: Reader, published: dict[str, bytes]
) -> None:
    log.add(applications(5, 6))
    with serving(log.folder) as web:
        registry = log.trusted(url=web.url)
        reader.sync(registry)
        write(log, {"6.checkpoint": bytes(2_000_000)})
        reader.sync(registry)
        log.add(applications(6, 7))
        write(log, {"7.checkpoint": write_note(log.note())})
        (note,) = reader.sync(registry).notes
        assert "head of 6 entries" in note
        assert reader.anchor(7)["checkpoint"] is not None


def broken(name: str, handler: SimpleHTTPRequestHandler, path: str) -> bool:
    if path.endswith(name):
        handler.send_error(503)
    return path.endswith(name)


def test_a_server_that_breaks_off_fails_no_sync(log: Log, reader: Reader, published: dict[str, bytes]) -> None:
    write(log, published)
    for name in published:
        with serving(log.folder) as web:
            web.answer = partial(broken, name)
            synced = reader.sync(log.trusted(url=web.url))
            assert (synced.state, len(synced.notes)) == (State.FOLLOWED, 1)
            assert "503" in synced.notes[0]
    assert reader.sync(log.trusted()).notes == ()


def test_headers_are_read_again_where_the_two_files_do_not_fit(
    log: Log, reader: Reader, published: dict[str, bytes]
) -> None:
    write(log, published | {"headers.bin": published["headers.bin"][80:]})
    with serving(log.folder) as web:
        reads: list[str] = []

        def answer(handler: Any, path: str) -> bool:
            if path == "anchors/headers.json":
                if reads:  # the keeper is through
                    write(log, published)
                reads.append(path)
            return False

        web.answer = answer
        assert reader.sync(log.trusted(url=web.url)).notes == ()
        assert len(reads) == 2
    assert reader.anchor(5)["is_open"] == 0


def test_a_file_of_an_older_release_goes_on(log: Log, reader: Reader, published: dict[str, bytes]) -> None:
    """It has no table of anchors: those of heads seen before are none, the one that is shown now is asked for."""
    reader.sync(log.trusted())
    with sqlite3.connect(reader.folder / "followed.db") as connection:
        connection.execute("DROP TABLE anchor")
        connection.execute("DROP TABLE doubt")
    write(log, published)
    synced = reader.sync(log.trusted())
    assert (synced.state, synced.added, synced.notes) == (State.FOLLOWED, 0, ())
    assert reader.anchor(5)["is_open"] == 0


def test_anchors_under_a_key_that_took_over(log: Log, reader: Reader, published: dict[str, bytes]) -> None:
    """Those of the old key's heads stay what they are; of larger ones the new key's count."""
    new = replace(LOG, seed=b"n" * 32)
    write(log, published)
    reader.sync(log.trusted())
    log.add([rotation(new.key)])
    write(log, {"6.checkpoint": write_note(log.note())})
    assert reader.sync(log.trusted()).notes == ()
    log.keeper = new
    log.add(applications(6, 8))
    write(log, {"8.checkpoint": write_note(log.note())})
    assert reader.sync(log.trusted()).notes == ()
    assert [reader.anchor(size)["checkpoint"] is not None for size in (5, 6, 8)] == [True] * 3
