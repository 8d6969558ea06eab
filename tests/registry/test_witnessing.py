"""Witnesses: they cosign what grows, and nothing else, whatever they are shown and however often they are started."""

import json
import struct
import subprocess
from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from notary import limits
from notary.errors import InputError, SystemFailureError
from notary.registry.core.note import COSIGNATURE, Note, VerifierKey, read_note, write_note
from notary.registry.edges.followed import Followed, open_followed
from notary.registry.edges.log_reader import reader_of
from notary.registry.heads import RegistryError, State
from notary.registry.splits import evidence_path
from notary.registry.witnessing import Cosigned, Witness, cosign_head, witness_target
from tests.conftest import Notary
from tests.registry.logs import LOG, ORIGIN, WITNESSES, Keeper, signed
from tests.registry.published import NOW, Office, applications, rotation, serving, toml
from tests.registry.test_splits import NEXT, evidence_in, office_of, sync, verified_by_others

WITNESS = WITNESSES[0]


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REGISTRY_RETRY_SECONDS", 0.001)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "witness"


def cosigned(
    state: Path, office: Office, keeper: Keeper = WITNESS, now: int = NOW, sign: Callable[[bytes], bytes] | None = None
) -> Cosigned:
    with open_followed(state / "followed.db") as followed:
        witness = Witness(keeper.key, sign or keeper.sign, followed, state / "evidence", lambda: now)
        return cosign_head(witness, office.trusted(), reader_of(str(office.folder)))


def verified(note: bytes, vkey: str) -> int:
    """The time of the cosignature by `vkey` on `note`, as C2SP tlog-cosignature and signed-note have it."""
    text, _, signatures = note.decode().rpartition("\n\n")
    name, key_id, key = vkey.split("+", 2)
    (line,) = [line for line in signatures.splitlines() if line.startswith(f"\u2014 {name} ")]
    data = b64decode(line.split(" ")[2])
    assert data[:4].hex() == key_id
    assert b64decode(key)[0] == 4
    time: int = struct.unpack(">Q", data[4:12])[0]
    message = f"cosignature/v1\ntime {time}\n{text}\n".encode()
    Ed25519PublicKey.from_public_bytes(b64decode(key)[1:]).verify(data[12:], message)
    return time


def refusal(state: Path, office: Office, keeper: Keeper = WITNESS) -> RegistryError:
    with pytest.raises(RegistryError) as caught:
        cosigned(state, office, keeper)
    assert ORIGIN in caught.value.message
    return caught.value


# -- what grows -----------------------------------------------------------------------------------------------------


def test_what_grows_is_cosigned_each_time(state: Path, tmp_path: Path) -> None:
    office = Office(tmp_path / "registry")
    before = None
    for now, size in enumerate((0, 1, 1, 2, 255, 256, 300, 300, 700), NOW):
        office.add(applications(office.size, size))
        found = cosigned(state, office, now=now)
        assert (found.time, found.before, found.head.size) == (now, before, size)
        assert verified(write_note(found.note), str(WITNESS.key)) == now
        assert found.note.signatures[0] == office.note().signatures[0]
        before = size


def test_a_cosignature_takes_the_place_of_the_same_witnesses_only(state: Path, tmp_path: Path) -> None:
    office = office_of(tmp_path / "registry", 3, 3)
    for keeper in WITNESSES:
        office.publish(write_note(cosigned(state, office, keeper).note))
    found = cosigned(state, office, now=NOW + 9)
    assert len(found.note.signatures) == 4
    note = write_note(found.note)
    assert [verified(note, str(one.key)) for one in WITNESSES] == [NOW + 9, NOW, NOW]
    registry = {"witnesses": tuple(one.key for one in WITNESSES), "quorum": 3}
    office.publish(note)
    assert sync(tmp_path / "reader", office, **registry).state is State.FOLLOWED


# -- what does not --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("same", "old", "new"), [(2, 3, 3), (2, 3, 5), (0, 1, 1), (250, 256, 300), (3, 4, 9)])
def test_another_history_is_not_cosigned_and_kept_as_evidence(
    state: Path, tmp_path: Path, same: int, old: int, new: int
) -> None:
    one, other = office_of(tmp_path / "a", same, old, "a"), office_of(tmp_path / "b", same, new, "b")
    cosigned(state, one)
    assert refusal(state, other).state is State.FORKED
    (evidence,) = evidence_in(state)
    assert verified_by_others(evidence)
    # Neither history goes on until the witness has decided; then the first one does, the other one never.
    one.add(applications(old, old + 1))
    for office in (one, other):
        refused = refusal(state, office)
        assert (refused.state, str(evidence) in refused.message) == (State.REFUSED, True)
    evidence.rename(state / "decided.json")
    assert cosigned(state, one).before == old
    assert refusal(state, other).state in (State.FORKED, State.ROLLED_BACK)


def test_evidence_about_another_registry_hinders_none(state: Path, tmp_path: Path) -> None:
    one, other = office_of(tmp_path / "a", 3, 5, "a"), office_of(tmp_path / "b", 3, 9, "b")
    cosigned(state, one)
    assert refusal(state, other).state is State.FORKED
    (evidence,) = evidence_in(state)
    elsewhere = evidence_path(tmp_path / "elsewhere", "a.example/b", "1.split.json")
    assert elsewhere == evidence_path(tmp_path / "elsewhere", "a.example_b", "1.split.json")
    evidence.rename(evidence.with_name(elsewhere.name))
    with open_followed(state / "followed.db") as followed:
        witness = Witness(WITNESS.key, WITNESS.sign, followed, state / "evidence", lambda: NOW)
        trusted = replace(one.trusted(), origin="a.example/b")
        with pytest.raises(RegistryError) as caught:  # its folder is another registry's
            cosign_head(witness, trusted, reader_of(str(one.folder)))
    assert caught.value.state is State.UNSIGNED


@pytest.mark.parametrize("size", [0, 1, 4])
def test_it_never_goes_back(state: Path, tmp_path: Path, size: int) -> None:
    cosigned(state, office_of(tmp_path / "a", 5, 5))
    assert refusal(state, office_of(tmp_path / "b", size, size)).state is State.ROLLED_BACK
    assert evidence_in(state) == []


def test_tiles_that_do_not_bear_the_head_out(state: Path, tmp_path: Path) -> None:
    office = office_of(tmp_path / "a", 5, 5)
    cosigned(state, office)
    office.add(applications(5, 9))
    tile = office.folder / "tile" / "0" / "000.p" / "9"
    tile.write_bytes(bytes(len(tile.read_bytes())))
    assert refusal(state, office).state is State.DAMAGED
    assert evidence_in(state) == []
    office.publish()
    assert cosigned(state, office).before == 5


def test_a_head_that_the_registry_did_not_sign(state: Path, tmp_path: Path) -> None:
    office = office_of(tmp_path / "a", 5, 5)
    office.publish(write_note(signed(office.size, office.root, NEXT)))
    assert refusal(state, office).state is State.UNSIGNED
    with open_followed(state / "followed.db") as followed:
        assert followed.witnessed(WITNESS.key.public_key, ORIGIN) is None


def test_a_registry_is_no_witness_of_its_own(state: Path, tmp_path: Path) -> None:
    office = office_of(tmp_path / "a", 5, 5)
    with pytest.raises(InputError, match="registry's own"):
        cosigned(state, office, Keeper("witness.example/self", LOG.seed, COSIGNATURE))


def test_what_is_refused_by_the_reader_is_not_cosigned(state: Path, tmp_path: Path) -> None:
    one, other = office_of(tmp_path / "a", 3, 5, "a"), office_of(tmp_path / "b", 3, 9, "b")
    sync(state, one)
    sync(state, other)
    assert refusal(state, one).state is State.REFUSED


def test_the_new_key_counts_for_a_witness_who_follows(state: Path, tmp_path: Path) -> None:
    office = office_of(tmp_path / "a", 3, 3)
    sync(state, office)
    cosigned(state, office)
    office.add([rotation(NEXT.key)])
    cosigned(state, office)
    sync(state, office)
    office.keeper = NEXT
    office.add(applications(4, 6))
    assert cosigned(state, office).before == 4
    # And evidence names the key of each head.
    other = office_of(tmp_path / "b", 3, 7, "b", keeper=NEXT)
    assert refusal(state, other).state is State.FORKED
    assert verified_by_others(evidence_in(state)[0])


# -- what it remembers ----------------------------------------------------------------------------------------------


def test_it_remembers_before_it_signs(state: Path, tmp_path: Path) -> None:
    one, other = office_of(tmp_path / "a", 3, 5, "a"), office_of(tmp_path / "b", 3, 9, "b")

    def killed(message: bytes) -> bytes:
        with open_followed(state / "followed.db") as followed:  # by another connection: it is on the disk
            seen = followed.witnessed(WITNESS.key.public_key, ORIGIN)
            assert seen is not None
            assert seen.note == one.note()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cosigned(state, one, sign=killed)
    assert refusal(state, other).state is State.FORKED


def test_two_at_once_cannot_cosign_two_histories(state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = office_of(tmp_path / "a", 3, 5, "a"), office_of(tmp_path / "b", 3, 9, "b")
    original = Followed.witness

    def witness(self: Followed, *given: object) -> None:
        monkeypatch.setattr(Followed, "witness", original)
        cosigned(state, other)
        original(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(Followed, "witness", witness)
    with pytest.raises(SystemFailureError, match="another process"):
        cosigned(state, one)


def test_each_key_remembers_for_itself(state: Path, tmp_path: Path) -> None:
    one, other = office_of(tmp_path / "a", 3, 5, "a"), office_of(tmp_path / "b", 3, 9, "b")
    cosigned(state, one, WITNESSES[0])
    cosigned(state, other, WITNESSES[1])
    assert refusal(state, other, WITNESSES[0]).state is State.FORKED
    for evidence in evidence_in(state):
        evidence.unlink()
    # Another name for the same key is the same witness.
    alias = Keeper("witness.example/alias", WITNESSES[0].seed, COSIGNATURE)
    assert refusal(state, other, alias).state is State.FORKED


# -- whose registry it is -------------------------------------------------------------------------------------------


def test_a_registry_is_named_by_its_origin_its_address_or_its_folder(tmp_path: Path) -> None:
    office = office_of(tmp_path / "a", 3, 3)
    trusted = office.trusted()
    with serving(office.folder) as web:
        for target in (ORIGIN, web.url, str(office.folder)):
            registry, reader = witness_target(target, (trusted,), None)
            assert registry == trusted
            assert reader.checkpoint() == write_note(office.note())
        for target in (web.url, str(office.folder)):
            with pytest.raises(InputError, match="nothing here says what its key is"):
                witness_target(target, (), None)
            assert witness_target(target, (), LOG.key)[0].key == LOG.key
            assert witness_target(target, (trusted,), NEXT.key)[0].key == NEXT.key
    with pytest.raises(SystemFailureError):
        witness_target(str(tmp_path / "nowhere"), (trusted,), None)
    for address in ("http://user:password@localhost/", "http://localhost/?x", "https:"):
        with pytest.raises(InputError, match="the registry is not an http or https address"):
            witness_target(address, (trusted,), None)


def key_file(notary: Notary, name: str) -> str:
    assert notary("key", "new", name, "--no-passphrase").code == 0
    return name


def test_the_command_in_another_process(notary: Notary, tmp_path: Path) -> None:
    office = office_of(tmp_path / "registry", 3, 3)
    key = key_file(notary, "witness-key")
    with serving(office.folder) as web:
        command = ("registry", "witness", web.url, "--key", key, "--name", "w.example/one", "--vkey", str(LOG.key))
        found = notary(*command, "-o", "cosigned", "--json")
        assert found.code == 0, found.err
        members = found.json["cosigned"]
        note = (tmp_path / "cosigned").read_bytes()
        assert (members["note"].encode(), members["origin"], members["size"]) == (note, ORIGIN, 3)
        assert verified(note, members["witness"]) > 0
        printed = notary(*command)
        assert verified(printed.out.encode(), members["witness"]) > 0
        assert members["witness"] in printed.err
        office.add(applications(3, 9))
        assert notary(*command, "--quiet").out == ""
        assert notary(*command, "--json").json["cosigned"]["before"] == 9
        other = office_of(tmp_path / "other", 1, 12, "b")
    (tmp_path / "registries.toml").write_text(toml(other.trusted()))
    command = (
        "registry",
        "witness",
        ORIGIN,
        "--registries",
        "registries.toml",
        "--key",
        key,
        "--name",
        "w.example/one",
    )
    refused = notary(*command, "-o", "second")
    assert refused.code == 1
    assert "does not continue" in refused.err
    assert not (tmp_path / "second").exists()
    evidence = evidence_in(Path(notary.environment["NOTARY_LEDGER"]).parent / "registries")
    assert [verified_by_others(one) for one in evidence] == [True]


def test_keys_and_names_that_no_witness_has(notary: Notary, tmp_path: Path) -> None:
    office = office_of(tmp_path / "registry", 3, 3)
    key = key_file(notary, "witness-key")
    subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", tmp_path / "ecdsa"], check=True)
    command = ("registry", "witness", office.folder, "--vkey", str(LOG.key))
    assert notary(*command, "--key", "ecdsa", "--name", "w.example").code == 2
    assert notary(*command, "--key", "nowhere", "--name", "w.example").code == 2
    assert notary(*command, "--key", key, "--name", "two words").code == 2
    assert notary(*command[:3], "--key", key, "--name", "w.example").code == 2
    assert notary(*command[:3], "--vkey", "x", "--key", key, "--name", "w.example").code == 2
    witness = VerifierKey("x", COSIGNATURE, LOG.key.public_key)
    assert notary(*command[:3], "--vkey", str(witness), "--key", key, "--name", "w.example").code == 2


def test_a_keeper_publishes_what_a_witness_cosigned(notary: Notary, tmp_path: Path) -> None:
    """The office, a witness and a reader, by the commands alone."""
    notary.environment["NOTARY_NETWORK"] = "local"
    made = notary("registry", "init", "published", "--origin", "office.example/ip", "--no-passphrase", "--json").json
    rows = "office,number,right,filing_date,digest\n" + f"DE,10 2026 000412.5,patent,2026-03-12,{'ab' * 32}\n"
    (tmp_path / "rows.csv").write_text(rows)
    assert notary("registry", "add", "published", "--csv", "rows.csv").code == 0
    assert notary("registry", "publish", "published").code == 0
    key = key_file(notary, "witness-key")
    with serving(tmp_path / "published") as web:
        command = ("registry", "witness", web.url, "--key", key, "--name", "w.example/one", "--vkey", made["vkey"])
        witness = notary(*command, "-o", "cosigned", "--json").json["cosigned"]["witness"]
        place = f'url = "{web.url}"\nvkey = "{made["vkey"]}"\noffices = ["DE"]\nwitnesses = ["{witness}"]\nquorum = 1\n'
        (tmp_path / "registries.toml").write_text(f'[[registry]]\norigin = "office.example/ip"\n{place}')
        follow = ("registry", "sync", "--registries", "registries.toml", "--json")
        assert notary(*follow).json["registries"][0]["state"] == "not cosigned"
        publish = notary("registry", "publish", "published", "--witness", witness, "--cosigned", "cosigned")
        assert publish.code == 0, publish.err
        (registry,) = notary(*follow).json["registries"]
    assert (registry["state"], [one["witness"] for one in registry["cosigned_by"]]) == ("followed", [witness])
    found = notary("registry", "search", "DE102026000412", "--registries", "registries.toml", "--json")
    assert json.loads(found.out)["hits"] == []
    found = notary("registry", "search", "1020260004125", "--registries", "registries.toml", "--json")
    (hit,) = json.loads(found.out)["hits"]
    assert (hit["asserted_by"], hit["exact"], hit["record"]["office"]) == ("office-asserted", False, "DE")
    assert isinstance(read_note((tmp_path / "cosigned").read_bytes()), Note)
