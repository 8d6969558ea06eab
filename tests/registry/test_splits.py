"""Registries that show two histories, or go back: refused until the user decides; what diverges is evidence to all."""

import json
import subprocess
import sys
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Any

import pytest

from notary import limits
from notary.errors import EvidenceError, FormatError, NotReadyError
from notary.registry.core.note import Note, write_note
from notary.registry.core.split import Split, read_split, write_split
from notary.registry.edges.followed import open_followed
from notary.registry.edges.log_reader import reader_of
from notary.registry.following import Follower, Synced
from notary.registry.heads import RegistryError, State
from notary.registry.searching import search, skipped
from notary.registry.splits import check_continues, find_split
from tests.conftest import Notary
from tests.registry.logs import LOG, ORIGIN, WITNESSES, Keeper, Rfc6962, flipped, signed
from tests.registry.published import NOW, Office, applications, rotation, serving, toml

NEXT = Keeper(ORIGIN, b"n" * 32)

# What anybody can write who has the format's description, RFC 9162 and a library of Ed25519: nothing of ours in it.
VERIFIER = r"""
import base64, hashlib, json, sys
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()

evidence = json.load(open(sys.argv[1], encoding="utf-8"))
assert evidence["format"] == "notary-registry-split/v1"
heads = []
for vkey, note in zip(evidence["vkeys"], evidence["heads"], strict=True):
    name, key_id, key = vkey.split("+", 2)
    key = base64.b64decode(key)
    assert key[0] == 1
    assert hashlib.sha256(name.encode() + b"\n" + key).hexdigest()[:8] == key_id
    text, _, signatures = note.rpartition("\n\n")
    text += "\n"
    lines = [line.split(" ") for line in signatures.splitlines()]
    mine = [base64.b64decode(line[2]) for line in lines if line[1] == name]
    mine = [one[4:] for one in mine if one[:4].hex() == key_id]
    Ed25519PublicKey.from_public_bytes(key[1:]).verify(mine[0], text.encode())
    origin, size, root = text.splitlines()[:3]
    assert origin == evidence["origin"]
    heads.append((int(size), base64.b64decode(root)))
(old, old_root), (new, new_root) = heads
proof = [bytes.fromhex(one) for one in evidence["proof"]]
if old == new:
    assert not proof and old_root != new_root
else:
    assert 0 < old < new
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = proof[0]
    for one in proof[1:]:
        assert sn
        if fn & 1 or fn == sn:
            fr, sr = node(one, fr), node(one, sr)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, one)
        fn, sn = fn >> 1, sn >> 1
    assert sn == 0 and sr == new_root and fr != old_root
print("split")
"""


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REGISTRY_RETRY_SECONDS", 0.001)


@pytest.fixture
def reader(tmp_path: Path) -> Path:
    return tmp_path / "reader"


def sync(reader: Path, office: Office, *, accepted: bool = False, **given: Any) -> Synced:
    with open_followed(reader / "followed.db") as followed:
        follower = Follower(followed, reader / "evidence", NOW)
        return next(follower.sync([office.trusted(**given)], frozenset({ORIGIN} if accepted else ())))


def office_of(folder: Path, same: int, size: int, mark: str = "", **given: Any) -> Office:
    """A registry whose first `same` entries are those of any other such, and the rest, with a mark, its own."""
    office = Office(folder, **given)
    office.add([*applications(0, same), *applications(same, size, mark)])
    return office


def verified_by_others(evidence: Path) -> bool:
    done = subprocess.run([sys.executable, "-c", VERIFIER, evidence], capture_output=True, text=True, check=False)
    return done.stdout == "split\n"


def evidence_in(reader: Path) -> list[Path]:
    return sorted((reader / "evidence").glob("*")) if (reader / "evidence").exists() else []


# -- forks ----------------------------------------------------------------------------------------------------------

FORKS = [(2, 3, 3), (2, 3, 5), (0, 1, 1), (0, 1, 2), (3, 4, 9), (250, 256, 300), (200, 300, 700), (511, 512, 513)]


@pytest.mark.parametrize(("same", "old", "new"), FORKS)
def test_another_history_is_refused_and_kept_as_evidence(
    reader: Path, tmp_path: Path, same: int, old: int, new: int
) -> None:
    one, other = office_of(tmp_path / "a", same, old, "a"), office_of(tmp_path / "b", same, new, "b")
    before = sync(reader, one).seen
    found = sync(reader, other)
    assert found.state is State.FORKED
    assert found.seen is not None
    assert before is not None
    assert (found.seen.note, found.seen.entries) == (before.note, old)
    assert found.seen.other == other.note()
    (evidence,) = evidence_in(reader)
    assert found.seen.evidence == str(evidence)
    assert found.problem is not None
    assert str(evidence) in " ".join(found.problem.hints)
    assert verified_by_others(evidence)
    split = read_split(evidence.read_bytes())
    assert split.heads == (one.note(), other.note())
    assert [head.size for head in split.verify()] == [old, new]


@pytest.mark.parametrize(("same", "old", "new"), [(2, 5, 3), (0, 9, 1), (250, 300, 256), (200, 700, 300)])
def test_a_smaller_head_of_another_history_is_evidence_too(
    reader: Path, tmp_path: Path, same: int, old: int, new: int
) -> None:
    sync(reader, office_of(tmp_path / "a", same, old, "a"))
    assert sync(reader, office_of(tmp_path / "b", same, new, "b")).state is State.FORKED
    (evidence,) = evidence_in(reader)
    assert verified_by_others(evidence)
    assert [head.size for head in read_split(evidence.read_bytes()).verify()] == [new, old]


def test_a_fork_that_no_witness_cosigned_is_evidence_all_the_same(reader: Path, tmp_path: Path) -> None:
    quorum = {"witnesses": tuple(one.key for one in WITNESSES), "quorum": 2}
    one = office_of(tmp_path / "a", 2, 3, "a", witnesses=WITNESSES)
    other = office_of(tmp_path / "b", 2, 5, "b")
    assert sync(reader, one, **quorum).state is State.FOLLOWED
    assert sync(reader, other, **quorum).state is State.FORKED
    assert verified_by_others(evidence_in(reader)[0])
    # To go on from it, witnesses are needed as ever.
    assert sync(reader, other, accepted=True, **quorum).state is State.NOT_COSIGNED
    assert sync(reader, one, **quorum).state is State.REFUSED
    other.witnesses = WITNESSES[1:]
    other.publish()
    assert sync(reader, other, accepted=True, **quorum).state is State.FOLLOWED


def test_a_fork_across_a_rotation_names_both_keys(reader: Path, tmp_path: Path) -> None:
    one = office_of(tmp_path / "a", 0, 3)
    sync(reader, one)
    one.add([rotation(NEXT.key)])
    sync(reader, one)
    other = office_of(tmp_path / "b", 2, 9, "b", keeper=NEXT)
    assert sync(reader, other).state is State.FORKED
    (evidence,) = evidence_in(reader)
    assert read_split(evidence.read_bytes()).keys == (LOG.key, NEXT.key)
    assert verified_by_others(evidence)


def test_honest_logs_never_make_evidence(tmp_path: Path) -> None:
    sizes = [0, 1, 2, 3, 4, 5, 8, 9, 255, 256, 257, 300]
    folder, notes = tmp_path / "log", {}
    office = Office(folder)
    for size in sizes:
        office.add(applications(office.size, size))
        notes[size] = office.note()
        office.store.publish(folder / str(size), write_note(notes[size]))
    for old, new in combinations_with_replacement(sizes, 2):
        read = reader_of(str(folder / str(new))).tile
        check_continues(notes[old], notes[new], read)
        assert find_split(notes[old], notes[new], read, [LOG.key]) is None


def test_divergence_is_found_at_whatever_entry_it_begins(tmp_path: Path) -> None:
    size = 11
    theirs = office_of(tmp_path / "b", 0, size, "b")
    read = reader_of(str(theirs.folder)).tile
    for old in range(1, size + 1):
        for at in range(old):
            mine = [*theirs.entries[:old]]
            mine[at] += b" "
            note = signed(old, Rfc6962(mine).root(0, old))
            with pytest.raises(EvidenceError):
                check_continues(note, theirs.note(), read)
            split = find_split(note, theirs.note(), read, [LOG.key])
            assert split is not None
            split.verify()


# -- going back -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 256, 299])
def test_an_old_head_is_said_and_is_no_evidence(reader: Path, tmp_path: Path, size: int) -> None:
    sync(reader, office_of(tmp_path / "a", 300, 300))
    found = sync(reader, office_of(tmp_path / "b", size, size))
    assert found.state is State.ROLLED_BACK
    assert found.problem is not None
    assert f"it shows {size} entries, which is fewer than on " in found.problem.message
    assert found.seen is not None
    assert found.seen.entries == 300
    assert evidence_in(reader) == []


# -- heads that others were shown -----------------------------------------------------------------------------------


def compare(reader: Path, office: Office, note: Note, **given: Any) -> None:
    with open_followed(reader / "followed.db") as followed:
        Follower(followed, reader / "evidence", NOW).compare(office.trusted(**given), note)


@pytest.mark.parametrize("size", [0, 1, 255, 256, 299, 300])
def test_a_head_of_the_same_history(reader: Path, tmp_path: Path, size: int) -> None:
    one = office_of(tmp_path / "a", 300, 300)
    sync(reader, one)
    compare(reader, one, office_of(tmp_path / "b", size, size).note())
    assert sync(reader, one).state is State.FOLLOWED


@pytest.mark.parametrize(("same", "size"), [(0, 1), (250, 255), (256, 300)])
def test_a_head_of_another_history_that_somebody_else_was_shown(
    reader: Path, tmp_path: Path, same: int, size: int
) -> None:
    one = office_of(tmp_path / "a", 300, 300)
    sync(reader, one)
    with pytest.raises(RegistryError) as caught:
        compare(reader, one, office_of(tmp_path / "b", same, size, "b").note())
    assert caught.value.state is State.FORKED
    assert verified_by_others(evidence_in(reader)[0])
    assert sync(reader, one).state is State.REFUSED


def test_a_head_that_cannot_be_compared(reader: Path, tmp_path: Path) -> None:
    one = office_of(tmp_path / "a", 3, 3)
    with pytest.raises(NotReadyError, match="not been synced"):
        compare(reader, one, one.note())
    sync(reader, one)
    with pytest.raises(NotReadyError, match="somebody was shown 5 entries, and 3 were read here"):
        compare(reader, one, office_of(tmp_path / "b", 3, 5, "b").note())
    with pytest.raises(NotReadyError, match="not been synced"):
        compare(reader, one, one.note(), key=NEXT.key)
    with pytest.raises(RegistryError, match="not signed by a key"):
        compare(reader, one, office_of(tmp_path / "c", 2, 3, "c", keeper=NEXT).note())
    assert sync(reader, one).state is State.FOLLOWED
    assert evidence_in(reader) == []


# -- refused until the user decides ---------------------------------------------------------------------------------


def refused(reader: Path, tmp_path: Path, new: int = 9) -> tuple[Office, Office]:
    one, other = office_of(tmp_path / "a", 3, 5, "a"), office_of(tmp_path / "b", 3, new, "b" if new > 5 else "a")
    sync(reader, one)
    assert sync(reader, other).state in (State.FORKED, State.ROLLED_BACK)
    return one, other


@pytest.mark.parametrize("new", [6, 9])
def test_a_refused_registry_is_asked_nothing_and_shown_nowhere(reader: Path, tmp_path: Path, new: int) -> None:
    one, other = refused(reader, tmp_path, new)
    with serving(one.folder) as web:
        again = sync(reader, one, url=web.url)
        assert web.paths == []
    assert again.state is State.REFUSED
    assert again.problem is not None
    assert f"--accept {ORIGIN}" in " ".join(again.problem.hints)
    assert sync(reader, other).state is State.REFUSED
    with open_followed(reader / "followed.db") as followed:
        assert search(followed, "DE", [one.trusted()]) == ()
        (left_out,) = skipped(followed, [one.trusted()])
        assert "refused" in left_out.reason


@pytest.mark.parametrize("new", [4, 9])
def test_accepted_it_goes_on_from_what_it_was_if_it_can(reader: Path, tmp_path: Path, new: int) -> None:
    one, _ = refused(reader, tmp_path, new)
    one.add(applications(5, 7))
    with serving(one.folder) as web:
        found = sync(reader, one, accepted=True, url=web.url)
        bundles = [path for path in web.paths if "entries" in path]
    assert (found.state, found.added, bundles) == (State.FOLLOWED, 2, ["tile/entries/000.p/7"])
    assert found.seen is not None
    assert (found.seen.refusal, found.seen.other, found.seen.evidence) == (None, None, None)
    assert sync(reader, one).state is State.FOLLOWED


@pytest.mark.parametrize("new", [4, 9])
def test_accepted_it_begins_anew_where_it_cannot(reader: Path, tmp_path: Path, new: int) -> None:
    one, other = refused(reader, tmp_path, new)
    kept = evidence_in(reader)
    found = sync(reader, other, accepted=True)
    assert (found.state, found.added) == (State.FOLLOWED, new)
    assert sync(reader, other).state is State.FOLLOWED
    assert evidence_in(reader)[: len(kept)] == kept
    # What it was before is now the other history, or the same, grown.
    assert sync(reader, one).state is (State.FORKED if new == 9 else State.FOLLOWED)


@pytest.mark.parametrize("goes_on", [True, False])
def test_accepted_after_a_rotation_the_new_key_stays(reader: Path, tmp_path: Path, goes_on: bool) -> None:
    one = office_of(tmp_path / "a", 3, 3)
    sync(reader, one)
    one.add([rotation(NEXT.key)])
    sync(reader, one)
    one.keeper = NEXT
    one.add(applications(4, 6))
    sync(reader, one)
    other = office_of(tmp_path / "b", 3, 9, "b", keeper=NEXT)
    assert sync(reader, other).state is State.FORKED
    chosen = one if goes_on else other
    assert sync(reader, chosen, accepted=True).state is State.FOLLOWED
    chosen.add(applications(chosen.size, chosen.size + 1))
    assert sync(reader, chosen).state is State.FOLLOWED
    chosen.keeper = LOG
    chosen.add(applications(chosen.size, chosen.size + 1))
    assert sync(reader, chosen).state is State.UNSIGNED


def test_to_accept_what_is_not_refused_changes_nothing(reader: Path, tmp_path: Path) -> None:
    one = office_of(tmp_path / "a", 3, 5)
    sync(reader, one)
    assert sync(reader, one, accepted=True).added == 0
    # A split that is only now seen is not what the user decided on.
    assert sync(reader, office_of(tmp_path / "b", 3, 9, "b"), accepted=True).state is State.FORKED


# -- the evidence file ----------------------------------------------------------------------------------------------


@pytest.fixture
def evidence(reader: Path, tmp_path: Path) -> Path:
    refused(reader, tmp_path)
    return evidence_in(reader)[0]


def test_whatever_is_changed_in_it_it_is_no_evidence(evidence: Path) -> None:
    data = evidence.read_bytes()
    assert write_split(read_split(data)) == data
    members = json.loads(data)
    plain = json.dumps(members, ensure_ascii=False).encode()
    read_split(plain).verify()
    for at in range(len(plain)):
        for bit in (0, at % 7 + 1):
            changed = flipped(plain, 8 * at + bit)
            try:
                again = read_split(changed)
            except FormatError:
                continue
            try:
                again.verify()
            except (EvidenceError, FormatError):
                continue
            # White space, and the name and the ID of nothing.
            assert again == read_split(plain)
    for key in members:
        with pytest.raises(FormatError):
            read_split(json.dumps({name: value for name, value in members.items() if name != key}).encode())
    for change in (
        {"more": 1},
        {"format": "notary-registry-split/v2"},
        {"vkeys": members["vkeys"][:1]},
        {"heads": members["heads"] * 2},
        {"heads": "x"},
        {"proof": [1]},
        {"proof": ["0"]},
        {"proof": ["00"]},
        {"proof": members["proof"] * 30},
        {"origin": "no origin"},
    ):
        with pytest.raises(FormatError):
            read_split(json.dumps(members | change).encode())
    with pytest.raises(FormatError):
        read_split(b" " * (limits.REGISTRY_SPLIT_BYTES + 1))


def test_two_heads_of_one_log_are_no_split(tmp_path: Path) -> None:
    one = office_of(tmp_path / "a", 3, 3)
    old = one.note()
    one.add(applications(3, 5))
    consistent = Rfc6962(one.entries).proof(3, 5)
    for heads, proof in (((old, one.note()), consistent), ((old, old), []), ((one.note(), old), consistent)):
        with pytest.raises(EvidenceError):
            Split(ORIGIN, (LOG.key, LOG.key), heads, tuple(proof)).verify()


def test_the_command_verifies_it_and_says_whose_key_it_is(evidence: Path, tmp_path: Path, notary: Notary) -> None:
    command = ("registry", "verify-split", evidence)
    found = notary(*command)
    assert found.code == 0
    assert found.out.startswith(f"SPLIT: the registry {ORIGIN} signed two histories")
    assert "which registries.toml does not have" in found.out
    file = tmp_path / "registries.toml"
    for key, trusts in ((LOG.key, True), (NEXT.key, False)):
        file.write_text(toml(Office(tmp_path / "a").trusted(key=key)))
        found = notary(*command, "--registries", file, "--json")
        assert found.json["trusted_key"] is trusts
        assert [head["size"] for head in found.json["heads"]] == [5, 9]
    members = json.loads(evidence.read_bytes())
    members["heads"] = members["heads"][:1] * 2
    evidence.write_text(json.dumps(members))
    assert notary(*command).code == 1
    assert not verified_by_others(evidence)
    evidence.write_text("{}")
    assert notary(*command).code == 2
    assert notary("registry", "verify-split", tmp_path / "nowhere").code == 2


def test_the_commands_tell_the_whole_story(reader: Path, tmp_path: Path, notary: Notary) -> None:
    one, other = office_of(tmp_path / "a", 3, 5, "a"), office_of(tmp_path / "b", 3, 9, "b")
    file = tmp_path / "registries.toml"
    file.write_text(toml(one.trusted()))
    sync_all = ("registry", "sync", "--registries", file)
    assert notary(*sync_all).code == 0
    (tmp_path / "theirs").write_bytes(write_note(one.note()))
    assert "is of the same history" in notary(*sync_all, "--head", "theirs").out
    file.write_text(toml(other.trusted()))
    found = notary(*sync_all, "--json")
    assert found.code == 1
    (registry,) = found.json["registries"]
    assert registry["state"] == "forked"
    assert registry["refused_head"].encode() == write_note(other.note())
    assert verified_by_others(Path(registry["evidence"]))
    assert notary("registry", "verify-split", registry["evidence"], "--registries", file).code == 0
    assert notary(*sync_all, "--json").json["registries"][0]["state"] == "refused"
    hidden = notary("registry", "search", "DE", "--registries", file, "--json")
    assert hidden.json["hits"] == []
    assert "refused" in hidden.json["left_out"][0]["reason"]
    assert "is refused" in hidden.err
    assert notary(*sync_all, "--accept", ORIGIN).code == 0
    assert len(notary("registry", "search", "DE", "--registries", file, "--json").json["hits"]) == 9
