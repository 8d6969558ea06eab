"""Real proofs of real files on the main chain, with the real headers: what each says is what the reference found.

Nothing outside this machine is asked: peers that serve the real headers answer on loopback.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from notary import limits
from tests.conftest import SHARED_DATA, Notary, Result
from tests.core.reference import BITCOIN, attested_by_reference
from tests.parties import peer as peers
from tests.parties.esplora import Esplora, shown
from tests.parties.peer import MAINNET as MAGIC
from tests.parties.peer import Peer, block_hash
from tests.scenarios.test_trust import LEVELS, check, here, told

MAINNET = SHARED_DATA / "mainnet"
START = 586_655
"""A checkpoint; the headers that follow lead to the next one and beyond."""
ANCHORED = range(586_696, 588_405)
"""The blocks of that row in which files were anchored."""
CHECKPOINT = 588_671
PROOF = MAINNET / "proofs" / "deep-review-47b31b2c-index.html.ots"
HEIGHT = 586_696
"""The lowest block that PROOF leads to."""

# What the reference client's finding means in our words, where no header counts for more than its own work.
EXPECTED = {
    "VERIFIED": ("unconfirmed", "passed"),
    "MERKLE-MISMATCH": ("failed", "failed"),
    "FILE-MISMATCH": ("failed", "skipped"),
    "PENDING": ("pending", "skipped"),
    "PENDING + unverifiable UNK": ("pending", "skipped"),
    "UNVERIFIABLE UNK": ("unconfirmed", "skipped"),
}


def cases() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((MAINNET / "proofs.json").read_text())
    assert len(found) > 20
    return found


def row() -> list[bytes]:
    """The headers from START on."""
    data = (MAINNET / "headers" / "mainnet-586655-589289.bin").read_bytes()
    return [data[at : at + 80] for at in range(0, len(data), 80)]


def lowest(case: dict[str, Any]) -> int | None:
    """The lowest block of the row that the proof leads to, if the path does not go over SHA-1."""
    if case.get("file_hash") == "sha1" or case["verdict"] != "VERIFIED":
        return None
    heights = [one["height"] for one in case["attestations"] if one["kind"] == "BTC"]
    return min((one for one in heights if one in ANCHORED), default=None)


def linked_cases() -> list[tuple[str, int]]:
    return [(case["name"], height) for case in cases() if (height := lowest(case)) is not None]


def by_hand(height: int) -> tuple[str, str, str]:
    """A block's hash, its clock, and the day by which what it holds existed; from the raw headers."""
    window = row()[height - START : height - START + 12]
    clocks = [int.from_bytes(raw[68:72], "little") for raw in window]
    day = datetime.fromtimestamp(max(clocks), UTC) + timedelta(hours=2)
    clock = datetime.fromtimestamp(clocks[0], UTC)
    return shown(window[0]), f"{clock:%Y-%m-%dT%H:%M:%SZ}", f"{day:%Y-%m-%d}"


def write_headers(folder: Path, headers: list[bytes]) -> Path:
    """As a bundle would carry them: the row, and the headers of single blocks before it."""
    found = json.loads((MAINNET / "headers.json").read_text())
    single = sorted((int(height), bytes.fromhex(one["hex80"])) for height, one in found.items())
    single = [(height, raw) for height, raw in single if height < START]
    (folder / "headers.bin").write_bytes(b"".join([*(raw for _, raw in single), *headers]))
    runs = [*({"start": height, "count": 1} for height, _ in single), {"start": START, "count": len(headers)}]
    (folder / "headers.json").write_text(json.dumps({"network": "bitcoin", "runs": runs}))
    return folder / "headers.bin"


@pytest.fixture
def headers(tmp_path: Path) -> Path:
    return write_headers(tmp_path, row())


# -- with the headers at hand ---------------------------------------------------------------------------------------


@pytest.mark.shared_data
def test_the_headers_are_what_they_should_be() -> None:
    found = row()
    assert len(found) == 2635
    assert all(after[4:36] == block_hash(before) for before, after in pairwise(found))
    singles = json.loads((MAINNET / "headers.json").read_text())
    for height, one in singles.items():
        if int(height) >= START:
            assert found[int(height) - START].hex() == one["hex80"]


@pytest.mark.shared_data
def test_real_proofs(notary: Notary, headers: Path) -> None:
    seen = set()
    for case in cases():
        file = MAINNET / "proofs" / case["name"]
        answer = here(notary, "verify", f"{file}.ots", "--offline", "--headers", headers, "--json")
        if case["verdict"].startswith("MALFORMED"):
            assert answer.code == 2, case["name"]
            continue
        seen.add(case["verdict"])
        statuses = {one["number"]: one["status"] for one in answer.json["checks"]}
        height = lowest(case)
        if height is not None:
            hash_, clock, day = by_hand(height)
            assert (answer.code, answer.json["verdict"], answer.json["trust"]) == (0, "verified", "checkpoint")
            attestation = answer.json["attestation"]
            assert (attestation["network"], attestation["height"]) == ("bitcoin", height)
            assert (attestation["block_hash"], attestation["block_time"]) == (hash_, clock)
            assert answer.json["existed_by"] == day
            assert {statuses[number] for number in (4, 10, 11, 12)} == {"passed"}
            continue
        verdict, block = EXPECTED[case["verdict"]]
        if any(name in file.name for name in ("sha1-collision", "bitcoin.pdf")):
            block = "skipped"  # a path over SHA-1 never counts
        assert (answer.json["verdict"], statuses[11]) == (verdict, block), case["name"]
        assert (answer.json["trust"], answer.json["existed_by"]) == ("none", None)
    assert seen == set(EXPECTED)
    heights = [height for _, height in linked_cases()]
    assert len(heights) >= 5
    assert (min(heights), max(heights)) == (HEIGHT, 588_398)


@pytest.mark.shared_data
def test_the_reference_leads_to_the_same_roots() -> None:
    headers = row()
    met = set()
    for name, height in linked_cases():
        found = attested_by_reference((MAINNET / "proofs" / f"{name}.ots").read_bytes())
        assert found is not None
        roots = {end: message for message, tag, end in found if tag == BITCOIN}
        assert roots[height] == headers[height - START][36:68]
        met.add(height)
    assert len(met) >= 4


@pytest.mark.shared_data
def test_in_words(notary: Notary, headers: Path) -> None:
    proof = MAINNET / "proofs" / "rootstock-3defccfb-manuscript.pdf.ots"
    _, _, day = by_hand(588_252)
    answer = notary("verify", proof, "--offline", "--headers", headers)
    assert answer.code == 0
    first, second, *_ = answer.out.splitlines()
    assert first == (f"VERIFIED: rootstock-3defccfb-manuscript.pdf existed, byte for byte, no later than {day} (UTC).")
    assert second == "Bitcoin block 588,252; linked to a checkpoint in this release."
    assert "TEST NETWORK" not in answer.out


@pytest.mark.shared_data
def test_more_trust_than_a_checkpoint_gives(notary: Notary, headers: Path) -> None:
    for level in LEVELS:
        options = ("--offline", "--headers", headers, "--require", level)
        for name, _ in linked_cases():
            answer = here(notary, "verify", MAINNET / "proofs" / f"{name}.ots", *options, "--json")
            is_enough = level in ("work", "checkpoint")
            assert (answer.code, answer.json["verdict"]) == ((0, "verified") if is_enough else (3, "unconfirmed"))
            assert (answer.json["existed_by"] is None) == (not is_enough)
            assert answer.json["trust"] == "checkpoint"


@pytest.mark.shared_data
@pytest.mark.parametrize("place", [0, 4, 36, 67, 68, 72, 76, 79])
def test_an_attested_header_with_one_byte_changed_fails(notary: Notary, tmp_path: Path, place: int) -> None:
    changed = row()
    raw = bytearray(changed[HEIGHT - START])
    raw[place] ^= 1
    changed[HEIGHT - START] = bytes(raw)
    for level in LEVELS:
        answer = here(
            notary,
            *("verify", only(HEIGHT, tmp_path), MAINNET / "proofs" / PROOF.stem, "--offline", "--json"),
            *("--headers", write_headers(tmp_path, changed), "--require", level),
        )
        assert (answer.json["trust"], answer.json["existed_by"]) == ("none", None)
        # One that follows nothing is not taken for one of the row.
        expected = (3, "skipped") if place == 4 else (1, "failed")
        assert (answer.code, check(answer, 11)["status"]) == expected


def only(height: int, folder: Path) -> Path:
    """PROOF, as far as it leads to this block and to no other."""
    from opentimestamps.core.notary import BitcoinBlockHeaderAttestation
    from opentimestamps.core.serialize import BytesDeserializationContext, BytesSerializationContext
    from opentimestamps.core.timestamp import DetachedTimestampFile, Timestamp

    def thinned(timestamp: Any) -> bool:
        """Whether something is left."""
        timestamp.attestations = {
            one
            for one in timestamp.attestations
            if isinstance(one, BitcoinBlockHeaderAttestation) and one.height == height
        }
        for step, after in list(timestamp.ops.items()):
            if not thinned(after):
                del timestamp.ops[step]
        return bool(timestamp.attestations or timestamp.ops)

    whole = DetachedTimestampFile.deserialize(BytesDeserializationContext(PROOF.read_bytes()))
    assert isinstance(whole.timestamp, Timestamp)
    assert thinned(whole.timestamp)
    context = BytesSerializationContext()
    whole.serialize(context)
    (folder / "only.ots").write_bytes(context.getbytes())
    return folder / "only.ots"


@pytest.mark.shared_data
@pytest.mark.parametrize("height", [HEIGHT + 1, HEIGHT + 5, CHECKPOINT - 1, CHECKPOINT])
def test_a_changed_header_on_the_way_to_the_checkpoint(notary: Notary, tmp_path: Path, height: int) -> None:
    changed = row()
    changed[height - START] = peers.without_work(changed[height - START])
    options = ("--offline", "--json", "--headers", write_headers(tmp_path, changed))
    answer = here(notary, "verify", PROOF, *options)
    assert answer.code in (1, 3)
    assert (answer.json["trust"], answer.json["existed_by"]) == ("none", None)


@pytest.mark.shared_data
def test_headers_that_end_before_the_checkpoint(notary: Notary, tmp_path: Path) -> None:
    for last in (HEIGHT, HEIGHT + 12, CHECKPOINT - 1):
        file = write_headers(tmp_path, row()[: last - START + 1])
        answer = here(notary, "verify", PROOF, "--offline", "--headers", file, "--json")
        assert (answer.code, answer.json["verdict"], answer.json["trust"]) == (3, "unconfirmed", "none")
    whole = write_headers(tmp_path, row()[: CHECKPOINT - START + 1])
    assert here(notary, "verify", PROOF, "--offline", "--headers", whole).code == 0


@pytest.mark.shared_data
def test_a_proof_over_a_broken_hash_says_why(notary: Notary, headers: Path) -> None:
    for letter in "ab":
        proof = MAINNET / "proofs" / f"ex-sha1-collision-{letter}.ots"
        answer = notary("verify", proof, "--offline", "--headers", headers)
        assert answer.code == 3
        assert "two different files can be made with one sha1 digest" in answer.out


# -- on a connected machine -----------------------------------------------------------------------------------------


def verify(notary: Notary, party: Peer | str, *options: str | Path) -> Result:
    notary.environment["NOTARY_PEERS"] = party if isinstance(party, str) else party.address
    return here(notary, "verify", PROOF, "--json", *options)


def is_linked(answer: Result) -> bool:
    hash_, _, day = by_hand(HEIGHT)
    found = (answer.code, answer.json["verdict"], answer.json["trust"], answer.json["existed_by"])
    return found == (0, "verified", "checkpoint", day) and answer.json["attestation"]["block_hash"] == hash_


def is_unconfirmed(answer: Result) -> bool:
    found = (answer.code, answer.json["verdict"], answer.json["trust"], answer.json["existed_by"])
    return found == (3, "unconfirmed", "none", None)


@pytest.mark.shared_data
def test_a_peer_gives_the_headers_that_are_missing(notary: Notary) -> None:
    with Peer(row(), MAGIC, start=START) as party:
        notary.environment["NOTARY_PEERS"] = party.address
        for name, height in linked_cases():
            answer = notary("verify", MAINNET / "proofs" / f"{name}.ots", "--json")
            hash_, _, day = by_hand(height)
            assert (answer.code, answer.json["trust"], answer.json["existed_by"]) == (0, "checkpoint", day)
            assert answer.json["attestation"]["block_hash"] == hash_
            assert answer.json["attestation"]["source"] == f"the peer {party.address}"
        assert party.complaints == []
        assert party.connections == len(linked_cases())
        asked = {one for locator in party.getheaders for one in locator}
        assert asked == {block_hash(row()[0]), block_hash(row()[2000])}, "what is asked for tells of no proof"


@pytest.mark.shared_data
def test_one_peer_of_several_is_enough(notary: Notary) -> None:
    with (
        Peer(row(), MAGIC, start=START, behaviour=peers.flipped(HEIGHT)) as liar,
        Peer(row(), MAGIC, start=START, behaviour=peers.nothing_new) as short,
        Peer(row(), MAGIC, start=START) as honest,
    ):
        parties = (liar, short, honest)
        for turn in range(3):
            order = [*parties[turn:], *parties[:turn]]
            answer = verify(notary, " ".join(["127.0.0.1:9", *(one.address for one in order)]))
            assert is_linked(answer)
            assert answer.json["attestation"]["source"] == f"the peer {honest.address}"
        assert honest.complaints == []


@pytest.mark.shared_data
@pytest.mark.parametrize("height", [START + 1, HEIGHT - 1, HEIGHT, HEIGHT + 1, CHECKPOINT - 1, CHECKPOINT])
def test_a_peer_with_a_changed_header(notary: Notary, height: int) -> None:
    with Peer(row(), MAGIC, start=START, behaviour=peers.flipped(height)) as party:
        answer = verify(notary, party)
        assert party.address in told(answer)
    assert is_unconfirmed(answer)
    assert f"header {height:,} breaks the chain" in told(answer)


@pytest.mark.shared_data
@pytest.mark.parametrize("height", [HEIGHT, HEIGHT + 1, CHECKPOINT])
def test_a_peer_mends_what_a_damaged_file_of_headers_lacks(notary: Notary, tmp_path: Path, height: int) -> None:
    changed = row()
    changed[height - START] = peers.without_work(changed[height - START])
    with Peer(row(), MAGIC, start=START) as party:
        assert is_linked(verify(notary, party, "--headers", write_headers(tmp_path, changed)))


@pytest.mark.shared_data
def test_a_peer_on_a_chain_of_its_own(notary: Notary) -> None:
    ours = row()[: HEIGHT - START]
    ours += peers.mine_chain(2000, after=ours[-1], time=int.from_bytes(ours[-1][68:72], "little") + 600)
    with Peer(ours, MAGIC, start=START) as party:
        answer = verify(notary, party)
    assert is_unconfirmed(answer)
    assert f"header {HEIGHT:,} breaks the chain" in told(answer)


@pytest.mark.shared_data
def test_a_dead_peer(notary: Notary) -> None:
    answer = verify(notary, "127.0.0.1:9")
    assert is_unconfirmed(answer)
    assert "the peer 127.0.0.1:9 could not be reached" in told(answer)
    words = notary("verify", PROOF)
    assert words.code == 3
    assert "127.0.0.1:9 could not be reached" in words.out


# No rule forbids these.
INNOCENT = {"100 kB of agent", "escapes in its agent", "absurd numbers", "an ancient version"}


@pytest.mark.shared_data
@pytest.mark.parametrize("how", peers.MISBEHAVIOURS)
def test_a_misbehaving_peer(notary: Notary, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.setattr(limits, "CONNECT_SECONDS", 0.4)
    monkeypatch.setattr(limits, "PEER_SECONDS", 0.4)
    with Peer(row(), MAGIC, start=START, behaviour=peers.MISBEHAVIOURS[how]) as party:
        answer = verify(notary, party)
        address = party.address
    assert is_linked(answer) if how in INNOCENT else is_unconfirmed(answer), answer.out
    assert address in (told(answer) + str(answer.json["attestation"])), "why the peer did not help is not told"
    assert told(answer).isprintable()
    assert len(told(answer)) < 1000
    assert party.sent < 20_000_000


def _with_headers(notary: Notary, tmp_path: Path) -> tuple[str | Path, ...]:
    return ("--headers", write_headers(tmp_path, row()))


def _offline(notary: Notary, tmp_path: Path) -> tuple[str | Path, ...]:
    return ("--offline",)


@pytest.mark.shared_data
@pytest.mark.parametrize("why", [_with_headers, _offline])
def test_nobody_is_asked_who_is_not_needed(
    notary: Notary, tmp_path: Path, why: Callable[[Notary, Path], tuple[str | Path, ...]]
) -> None:
    with Peer(row(), MAGIC, start=START) as party, Esplora(row(), start=START) as explorer:
        notary.environment |= {"NOTARY_EXPLORERS": explorer.url, "NOTARY_MIN_EXPLORERS": "1"}
        answer = verify(notary, party, *why(notary, tmp_path))
        assert is_linked(answer) == (why is _with_headers)
        assert (party.connections, explorer.requests) == (0, [])
        if why is _offline:
            assert answer.json["tried"] == []
            verify(notary, party, "--offline", "--require", "explorers")
            assert (party.connections, explorer.requests) == (0, [])
            return
        # More trust than a checkpoint is not for a peer to give: the explorers are asked, and no peer.
        verify(notary, party, "--require", "explorers")
        assert party.connections == 0
        assert explorer.requests
        asked = len(explorer.requests)
        verify(notary, party)
        assert party.connections == 1
        assert len(explorer.requests) == asked, "the peer was enough"


@pytest.mark.shared_data
def test_explorers_of_the_main_chain(notary: Notary) -> None:
    """Two have the real headers and the real genesis block, one only headers; a dead peer does not stop them."""
    genesis = (MAINNET / "headers" / "mainnet-000000-004100.bin").read_bytes()[:80]
    found = row()

    def real(exchange: Any) -> None:
        at_genesis = exchange.path == "/api/block-height/0"
        exchange.answer(shown(genesis) if at_genesis else exchange.look_up())

    with (
        Esplora(found, start=START, behaviour=real) as first,
        Esplora(found, start=START, behaviour=real) as second,
        Esplora(found, start=START) as foreign,
    ):
        notary.environment["NOTARY_EXPLORERS"] = f"{first.url} {second.url} {foreign.url}"
        answer = verify(notary, "127.0.0.1:9")
        assert (answer.code, answer.json["trust"]) == (0, "explorers")
        assert answer.json["existed_by"] == by_hand(HEIGHT)[2]
        assert "127.0.0.1:9 could not be reached" in told(answer)
        heights = {int(one.rpartition("/")[2]) for one in first.requests if "block-height" in one}
        assert heights == {0, *range(HEIGHT, HEIGHT + 12)}
        notary.environment["NOTARY_MIN_EXPLORERS"] = "3"
        assert is_unconfirmed(verify(notary, "127.0.0.1:9"))
