"""`notary registry check` and `notary verify` with claims: sound ones, and every kind of altered one."""

import hashlib
import io
import json
import stat
import zipfile
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from dateutil.relativedelta import relativedelta
from opentimestamps.core.notary import BitcoinBlockHeaderAttestation
from opentimestamps.core.serialize import StreamDeserializationContext
from opentimestamps.core.timestamp import DetachedTimestampFile

from notary.core.facts import Policy
from notary.core.header import NETWORKS
from notary.core.verdict import Outcome
from notary.edges.checkpoints import shipped_checkpoints
from notary.headers import HeaderSources
from notary.registry.checking import Trusted, check_claim
from notary.registry.core.cited import Asked
from notary.registry.core.claim import write_claim
from notary.registry.core.note import Note, Signature, write_note
from notary.registry.core.terms import Right
from notary.registry.core.tlog_proof import write_tlog_proof
from notary.registry.core.trusted import read_trusted
from tests.conftest import Notary, Result
from tests.registry.claims import (
    INDEX,
    PACKAGE,
    SEALED,
    SIZE,
    Anchors,
    Files,
    Register,
    examined,
    failures,
    found,
    packed,
    record,
    registries,
    rezipped,
    status,
)
from tests.registry.logs import LOG, ORIGIN, WITNESSES, Keeper, flipped, signed
from tests.registry.register import FILING_DATE

LOCAL = ("--network", "local", "--offline")
STRANGER = Keeper(seed=b"stranger".ljust(32))
"""Another key of the register's name."""


@dataclass(frozen=True)
class Case:
    """A folder with a register's claims, and the examiner's registries.toml."""

    folder: Path
    register: Register

    def check(self, files: Files | bytes, *options: str | Path, trusts: str | None = None) -> Result:
        """What `notary registry check` says of a claim, as JSON."""
        (self.folder / "claim.zip").write_bytes(files if isinstance(files, bytes) else packed(files))
        (self.folder / "trusted.toml").write_text(registries() if trusts is None else trusts)
        given = ("--registries", "trusted.toml", *LOCAL, "--json", *options)
        return examined(self.folder, "registry", "check", "claim.zip", *given)

    def holidays(self, *days: date) -> Path:
        path = self.folder / "holidays.txt"
        path.write_text("".join(f"{day}  # closed\n" for day in days))
        return path


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    folder = tmp_path_factory.mktemp("claims")
    (folder / "package.pdf").write_bytes(PACKAGE)
    (folder / "other.pdf").write_bytes(PACKAGE + b" ")
    return Case(folder, Register(Anchors(folder)))


# -- sound ones -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_sealed", [False, True])
@pytest.mark.parametrize("package", [None, PACKAGE])
def test_a_sound_claim(case: Case, is_sealed: bool, package: bytes | None) -> None:
    files = case.register.files(is_sealed=is_sealed, package=package)
    answer = case.check(files, "--document", "package.pdf", "--later-filing", "2027-03-12")
    assert (answer.code, answer.json["verdict"]) == (0, "verified")
    assert answer.json["asserted_by"] == "office-asserted"
    entry = answer.json["entry"]
    assert (entry["origin"], entry["index"]) == (ORIGIN, SEALED if is_sealed else INDEX)
    assert (entry["sealed"], entry["record"]["number"]) == (is_sealed, record().number)
    (block,) = [
        row
        for row in case.register.anchors.network.blocks()
        if answer.json["attestation"]["block_hash"]
        == (hashlib.sha256(hashlib.sha256(row[:80]).digest()).digest()[::-1].hex())
    ]
    moment = int.from_bytes(block[68:72], "little")
    assert date.fromisoformat(answer.json["existed_by"]) >= date(1970, 1, 1) + timedelta(seconds=moment)
    assert {one["number"]: one["status"] for one in answer.json["checks"]} == {
        **dict.fromkeys(range(1, 15), "passed"),
        13: "skipped",
    }
    assert len({one["name"] for one in answer.json["checks"]}) == 14


def test_the_sentence_that_comes_first(case: Case, tmp_path: Path) -> None:
    """By the program as users run it, from a folder with nothing but the claim, the document and what they trust."""
    examiner = Notary(tmp_path)
    (tmp_path / "claim.zip").write_bytes(packed(case.register.files()))
    (tmp_path / "filed.pdf").write_bytes(PACKAGE)
    (tmp_path / "trusted.toml").write_text(registries())
    options = ("--document", "filed.pdf", "--later-filing", "2027-03-12", "--registries", "trusted.toml")
    answer = examiner("registry", "check", "claim.zip", *options, *LOCAL)
    assert answer.code == 0, answer.err
    banner, sentence, *rest = answer.out.splitlines()
    assert "TEST NETWORK" in banner
    told = case.check(case.register.files()).json
    assert sentence == (
        f"VERIFIED: the record of the patent application DE {record().number}, filed on {FILING_DATE}, is entry {INDEX}"
        f" of the register of {ORIGIN}, asserted by the office (its key is trusted for DE), cosigned by 2 of 3"
        f" witnesses, in a checkpoint that existed no later than {told['existed_by']} (UTC); the document is the one"
        " as filed; the later filing of 2027-03-12 lies within the 12 months of Article 4C of the Paris Convention:"
        f" the 12 months from {FILING_DATE} end on Friday 2027-03-12; no holidays of 2027 were given, so only weekends"
        " are left out."
    )
    assert [line.split()[0] for line in rest[3:]] == [str(number) for number in range(1, 15)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["claim.zip", "filed.pdf", "trusted.toml"]


def test_an_unpacked_claim(case: Case, tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(packed(case.register.files()))) as archive:
        archive.extractall(tmp_path / "bag")
    (tmp_path / "trusted.toml").write_text(registries())
    answer = examined(tmp_path, "registry", "check", "bag", "--registries", "trusted.toml", *LOCAL, "--json")
    assert (answer.code, answer.json["verdict"]) == (0, "verified")
    # Here nobody is trusted, and the document is another.
    assert examined(tmp_path, "verify", "bag", *LOCAL, "--json").json["verdict"] == "unconfirmed"
    assert failures(examined(tmp_path, "verify", "bag", "trusted.toml", *LOCAL, "--json")) == {4}


def test_verify_says_the_same(case: Case) -> None:
    answer = case.check(case.register.files(), "--document", "package.pdf")
    home = case.folder / "configuration" / "notary"
    home.mkdir(parents=True, exist_ok=True)
    (home / "registries.toml").write_text(registries())
    verified = examined(case.folder, "verify", "claim.zip", "package.pdf", *LOCAL, "--json")
    assert (verified.code, verified.json["checks"][3]) == (0, answer.json["checks"][3])
    same = {key: value for key, value in verified.json.items() if key != "checks"}
    assert same == {key: value for key, value in answer.json.items() if key != "checks"}
    assert examined(case.folder, "verify", "claim.zip", "other.pdf", *LOCAL).code == 1
    assert examined(case.folder, "verify", "claim.zip", "package.pdf", "other.pdf", *LOCAL).code == 2
    info = examined(case.folder, "info", "claim.zip", "--json")
    assert (info.code, info.json["kind"]) == (0, "claim")
    assert info.json["entry"] == answer.json["entry"]


# -- altered ones ---------------------------------------------------------------------------------------------------


def proof_of(register: Register, **changes: Any) -> bytes:
    return write_tlog_proof(replace(register.proof(), **changes))


def edited(data: bytes, **changes: Any) -> bytes:
    """claim.json with other members; those of the entry by `entry__KEY`."""
    members = json.loads(data)
    for key, value in changes.items():
        *path, last = key.split("__")
        target = members
        for one in path:
            target = target[one]
        target[last] = value
    return json.dumps(members).encode()


def without(register: Register, *keepers: Keeper) -> bytes:
    """The proof without the signature lines of these."""
    names = {one.name for one in keepers}
    kept = tuple(one for one in register.note.signatures if one.name not in names)
    return proof_of(register, note=replace(register.note, signatures=kept))


def turned(note: Note, keeper: Keeper, at: int) -> Note:
    """The note with a bit of this keeper's signature turned over: behind the key's ID, `at` from its end."""

    def line(one: Signature) -> Signature:
        return replace(one, signature=flipped(one.signature, -at)) if one.name == keeper.name else one

    return replace(note, signatures=tuple(map(line, note.signatures)))


def spoiled(register: Register, keeper: Keeper, at: int) -> bytes:
    """The proof with such a checkpoint."""
    return proof_of(register, note=turned(register.note, keeper, at))


def on(register: Register, **changes: bytes | None) -> Files:
    return register.files(package=PACKAGE, **changes)


def claim_json(register: Register, is_sealed: bool = False, **changes: Any) -> bytes:
    return edited(write_claim(register.claim(is_sealed=is_sealed)), **changes)


def remined(header: bytes, merkle_root: bytes) -> bytes:
    """The header with another merkle root, and as much work as its network asks for."""
    target = 0x7FFFFF << 232
    for nonce in range(2**32):
        made = header[:36] + merkle_root + header[68:76] + nonce.to_bytes(4, "little")
        if int.from_bytes(hashlib.sha256(hashlib.sha256(made).digest()).digest(), "little") <= target:
            return made
    raise AssertionError("no nonce does it")


def headers_with(register: Register, change: Callable[[bytes], bytes]) -> bytes:
    """headers.bin with another header of block 101, the first after the embedded chain's funding blocks."""
    data, _ = register.anchors.headers()
    at = 80 * 100
    return data[:at] + change(data[at : at + 80]) + data[at + 80 :]


ALTERED: dict[str, tuple[Callable[[Register], Files], set[int]]] = {
    "number": (lambda r: on(r, claim_json=claim_json(r, entry__number="10 2026 000413.5")), {5}),
    "filing date": (lambda r: on(r, claim_json=claim_json(r, entry__filing_date="2026-03-11")), {5}),
    "digest": (lambda r: on(r, claim_json=claim_json(r, entry__digest="ab" * 32)), {4, 5}),
    "event": (lambda r: on(r, claim_json=claim_json(r, entry__event="granted", entry__date="2026-05-05")), {5}),
    "index": (lambda r: on(r, claim_json=claim_json(r, index=INDEX + 1)), {5}),
    "origin": (lambda r: on(r, claim_json=claim_json(r, origin="other.example/register")), {5}),
    "not a day": (lambda r: on(r, claim_json=claim_json(r, entry__filing_date="2026-02-30")), {3}),
    "access code": (lambda r: on(r, claim_json=claim_json(r, entry__access_code="A1B2")), {3}),
    "version": (lambda r: on(r, claim_json=claim_json(r, format="notary-registry-claim/v2")), {3}),
    "no JSON": (lambda r: on(r, claim_json=b"{"), {3}),
    "too long": (lambda r: on(r, claim_json=claim_json(r) + b" " * 70_000), {3}),
    "t": (lambda r: r.files(is_sealed=True, claim_json=claim_json(r, True, t="00" * 16)), {5}),
    "record": (lambda r: r.files(is_sealed=True, claim_json=claim_json(r, True, record__right="design")), {5}),
    "the open one for the sealed": (lambda r: r.files(is_sealed=True, claim_json=claim_json(r)), {5}),
    "of the neighbour": (lambda r: on(r, entry_tlog_proof=write_tlog_proof(r.proof(INDEX + 1))), {5}),
    "proof's index": (lambda r: on(r, entry_tlog_proof=proof_of(r, index=INDEX ^ 1)), {5}),
    "a hash less": (lambda r: on(r, entry_tlog_proof=proof_of(r, hashes=r.proof().hashes[:-1])), {5}),
    "a hash more": (lambda r: on(r, entry_tlog_proof=proof_of(r, hashes=(*r.proof().hashes, bytes(32)))), {5}),
    "no proof": (lambda r: on(r, entry_tlog_proof=None), {5}),
    "no C2SP proof": (lambda r: on(r, entry_tlog_proof=b"c2sp.org/tlog-proof@v2\nindex 1\n\n"), {5}),
    "no checkpoint": (lambda r: on(r, checkpoint=None), {6}),
    "a note of something else": (lambda r: on(r, checkpoint=b"hello\n\n\xe2\x80\x94 a AAAAAAAA\n"), {6, 10}),
    "another size, signed": (lambda r: on(r, checkpoint=write_note(signed(SIZE + 1, bytes(32)))), {6, 10}),
    "another root in the proof": (
        lambda r: on(r, entry_tlog_proof=proof_of(r, note=signed(SIZE, bytes(32)))),
        {5, 6},
    ),
    "signature in the proof": (lambda r: on(r, entry_tlog_proof=spoiled(r, LOG, 1)), {7}),
    "signature on what is anchored": (
        lambda r: on(r, checkpoint=write_note(turned(r.anchored, LOG, 1))),
        {7, 10},
    ),
    "cosignature": (lambda r: on(r, entry_tlog_proof=spoiled(r, WITNESSES[0], 1)), {8}),
    "cosignature's time": (lambda r: on(r, entry_tlog_proof=spoiled(r, WITNESSES[1], 8 * 64 + 1)), {8}),
    "anchor of another file": (lambda r: on(r, checkpoint_ots=r.anchors.proof(b"something else")), {10}),
    "no anchor": (lambda r: on(r, checkpoint_ots=None), {10}),
    "no OpenTimestamps proof": (lambda r: on(r, checkpoint_ots=b"\x00OpenTimestamps"), {10}),
    "header": (lambda r: on(r, headers_bin=headers_with(r, lambda h: flipped(h, 8 * 40))), {11}),
    "header with work": (lambda r: on(r, headers_bin=headers_with(r, lambda h: remined(h, bytes(32)))), {11}),
    "package": (lambda r: r.files(package=PACKAGE + b"."), {4}),
    "two packages": (lambda r: {"data/second.pdf": PACKAGE, **on(r)}, {4}),
    "a bundle too": (lambda r: {"notary/manifest.json": b"{}", **on(r)}, {3}),
}


@pytest.mark.parametrize("name", ALTERED)
def test_what_was_altered_fails(case: Case, name: str) -> None:
    """Its bag manifests are those of the altered files: whoever alters a claim writes them anew."""
    make, failed = ALTERED[name]
    files = make(case.register)
    assert files != case.register.files(package=PACKAGE)
    answer = case.check(files)
    assert (answer.code, answer.json["verdict"], failures(answer)) == (1, "failed", failed), answer.out
    assert (answer.json["asserted_by"], answer.json["existed_by"]) == (None, None)
    assert "VERIFIED" not in answer.out


def test_each_hash_of_the_proof_counts(case: Case) -> None:
    hashes = case.register.proof().hashes
    assert len(hashes) == 10
    for at in range(len(hashes)):
        wrong = (*hashes[:at], flipped(hashes[at], 37 * at), *hashes[at + 1 :])
        answer = case.check(case.register.files(entry_tlog_proof=proof_of(case.register, hashes=wrong)))
        assert failures(answer) == {5}


@pytest.mark.parametrize("name", ["claim.json", "entry.tlog-proof", "checkpoint", "checkpoint.ots"])
def test_no_altered_byte_is_verified(case: Case, tmp_path: Path, name: str) -> None:
    """Two of three witnesses are asked for, and two cosigned: so every byte of these files counts."""
    trusted = Trusted(tmp_path / "trusted.toml", read_trusted(registries().encode(), "trusted.toml"))
    chain = NETWORKS["local"]
    policy = Policy(chain, chain.least_trust, shipped_checkpoints(chain))
    files = case.register.files(is_sealed=True)

    def outcome() -> Outcome:
        (tmp_path / "claim.zip").write_bytes(packed(files))
        return check_claim(tmp_path / "claim.zip", None, Asked(), trusted, policy, HeaderSources()).outcome

    assert outcome() is Outcome.VERIFIED
    sound = files[f"registry/{name}"]
    said = set()
    for at in range(0, len(sound), 2):
        # What counts is what is said, not how: of claim.json a blank may be another.
        if name == "claim.json" and sound[at : at + 1].isspace():
            continue
        files[f"registry/{name}"] = flipped(sound, 8 * at + at % 8)
        said.add(outcome())
    assert said <= {Outcome.FAILED, Outcome.UNCONFIRMED, Outcome.PENDING}


def test_what_the_bag_manifests_do_not_list(case: Case) -> None:
    sound = packed(case.register.files(package=PACKAGE))
    for more in ("registry/other.json", "data/second.pdf", "VERIFY.html"):
        answer = case.check(rezipped(sound, lambda name, data: data, {more: b"more"}))
        assert answer.code == 1
        assert 2 in failures(answer)
        assert more in found(answer, 2)
    for name in case.register.files(package=PACKAGE):
        changed = rezipped(sound, lambda at, data, name=name: data + b"\n" if at == name else data)  # type: ignore[misc]
        assert 2 in failures(case.check(changed)), name
        if name != "registry/claim.json":  # without it, it is no claim
            left_out = rezipped(sound, lambda at, data, name=name: None if at == name else data)  # type: ignore[misc]
            assert 2 in failures(case.check(left_out)), name


def hostile(files: Files, name: str, mode: int = stat.S_IFREG | 0o644) -> bytes:
    """The claim with one entry more, of this name, as no honest writer would."""
    stream = io.BytesIO(packed(files))
    with zipfile.ZipFile(stream, "a") as archive:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = mode << 16
        archive.writestr(entry, b"hostile")
    return stream.getvalue()


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("claim/../../outside", stat.S_IFREG | 0o644),
        ("/etc/passwd", stat.S_IFREG | 0o644),
        ("claim/registry/claim.json", stat.S_IFREG | 0o644),
        ("claim/registry\\claim.json", stat.S_IFREG | 0o644),
        ("second/bagit.txt", stat.S_IFREG | 0o644),
        ("claim/data/link", stat.S_IFLNK | 0o777),
    ],
)
def test_hostile_names_are_refused(case: Case, name: str, mode: int) -> None:
    answer = case.check(hostile(case.register.files(), name, mode))
    assert (answer.code, failures(answer)) == (1, {1})
    assert {one["status"] for one in answer.json["checks"][1:]} == {"skipped"}


def test_what_is_no_claim(case: Case, tmp_path: Path) -> None:
    files = case.register.files(claim_json=None)
    answer = case.check(files)
    assert (answer.code, "no claim" in answer.json["error"]) == (2, True)
    for data in (b"", b"no zip", packed(case.register.files())[:500]):
        assert case.check(data).code == 2
    assert examined(tmp_path, "registry", "check", "missing.zip", *LOCAL).code == 2
    assert examined(tmp_path, "registry", "check", *LOCAL).code == 2


def test_text_of_a_claim_is_shown_harmless(tmp_path: Path) -> None:
    register = Register(Anchors(tmp_path), entry=record(number="1\u202e2"))
    case = Case(tmp_path, register)
    answer = case.check(register.files(), "--number", "12")
    assert "\u202e" not in "".join(answer.json["sentences"])
    (tmp_path / "trusted.toml").write_text(registries())
    said = examined(tmp_path, "registry", "check", "claim.zip", "--registries", "trusted.toml", *LOCAL)
    assert said.code == 0
    assert "\\u202e" in said.out
    assert "\u202e" not in said.out


# -- whom the reader trusts -----------------------------------------------------------------------------------------


def test_a_registry_that_is_not_trusted(case: Case) -> None:
    answer = case.check(case.register.files(), trusts="")
    assert (answer.code, answer.json["verdict"], failures(answer)) == (3, "unconfirmed", set())
    assert (answer.json["asserted_by"], answer.json["existed_by"]) == ("applicant-asserted", None)
    assert "no key that you trust speaks for it" in answer.json["sentences"][0]
    assert "not proven" in answer.json["sentences"][0]
    said = examined(case.folder, "registry", "check", "claim.zip", "--registries", "trusted.toml", *LOCAL)
    assert "hint: have the vkey of log.example/register" in said.err


def test_a_key_that_may_not_speak_for_the_office(case: Case) -> None:
    for offices in ([], ["FR", "EP"]):
        answer = case.check(case.register.files(), trusts=registries(offices=offices))
        assert (answer.code, answer.json["verdict"], answer.json["asserted_by"]) == (
            0,
            "verified",
            "applicant-asserted",
        )
        assert status(answer, 9) == "skipped"
        assert "applicant-asserted (its key is not trusted for DE)" in answer.json["sentences"][0]
        assert "by the office" not in answer.json["sentences"][0]


def test_a_key_that_may_be_newer(case: Case) -> None:
    answer = case.check(case.register.files(), trusts=registries(STRANGER))
    assert (answer.code, answer.json["verdict"], failures(answer)) == (3, "unconfirmed", set())
    assert LOG.key.id.hex() in found(answer, 7)
    assert "newer" in found(answer, 7)
    said = examined(case.folder, "registry", "check", "claim.zip", "--registries", "trusted.toml", *LOCAL)
    assert "`notary registry sync`" in said.err
    assert "new vkey" in said.err


def test_somebody_else_s_signature_in_the_registry_s_name(case: Case) -> None:
    """Beside the registry's own it means nothing; alone it proves nothing."""
    register = case.register
    forged = signed(SIZE, register.store.append(SIZE, []).root, STRANGER)
    both = replace(register.note, signatures=(*forged.signatures, *register.note.signatures))
    assert case.check(register.files(entry_tlog_proof=proof_of(register, note=both))).code == 0
    alone = proof_of(register, note=forged)
    answer = case.check(register.files(entry_tlog_proof=alone))
    assert (answer.code, status(answer, 7)) == (3, "skipped")


@pytest.mark.parametrize(
    ("names", "quorum", "code"),
    [((), 2, 3), ((0,), 2, 3), ((0, 1), 2, 0), ((0, 1), 3, 3), ((0, 1, 2), 3, 0), ((), 0, 0), ((2,), 1, 0)],
)
def test_witnesses(case: Case, names: tuple[int, ...], quorum: int, code: int) -> None:
    note = case.register.cosigned(*(WITNESSES[at] for at in names))
    files = case.register.files(entry_tlog_proof=proof_of(case.register, note=note))
    answer = case.check(files, trusts=registries(quorum=quorum))
    assert (answer.code, failures(answer)) == (code, set())
    assert answer.json["witnesses"] == {"cosigned": len(names), "of": 3, "quorum": quorum}
    assert f"cosigned by {len(names)} of 3" in answer.json["sentences"][0]


def test_witnesses_that_the_reader_does_not_know(case: Case) -> None:
    strangers = [Keeper(one.name, b"other".ljust(32), one.type) for one in WITNESSES[:2]]
    note = case.register.cosigned(*strangers)
    answer = case.check(case.register.files(entry_tlog_proof=proof_of(case.register, note=note)))
    assert (answer.code, answer.json["witnesses"]["cosigned"]) == (3, 0)


def test_where_the_reader_says_whom_he_trusts(case: Case, tmp_path: Path) -> None:
    examiner = Notary(tmp_path)
    (tmp_path / "claim.zip").write_bytes(packed(case.register.files()))
    command = ("registry", "check", "claim.zip", *LOCAL)
    assert examiner(*command).code == 3
    (tmp_path / "mine.toml").write_text(registries())
    examiner.environment["NOTARY_REGISTRIES"] = "mine.toml"
    assert examiner(*command).code == 0
    assert examiner(*command, "--registries", "none.toml").code == 2
    examiner.environment["NOTARY_REGISTRIES"] = "none.toml"
    assert examiner(*command).code == 2
    del examiner.environment["NOTARY_REGISTRIES"]
    folder = tmp_path / "configuration" / "notary"
    folder.mkdir(parents=True)
    (tmp_path / "mine.toml").rename(folder / "registries.toml")
    assert examiner(*command).code == 0


@pytest.mark.parametrize(
    "text", ["[[registry]]\n", "registry = 1", "[registry", registries(quorum=4), registries(offices=["de"]), "\udcff"]
)
def test_a_malformed_registries_file(case: Case, text: str) -> None:
    (case.folder / "claim.zip").write_bytes(packed(case.register.files()))
    (case.folder / "bad.toml").write_bytes(text.encode(errors="surrogateescape"))
    answer = examined(case.folder, "registry", "check", "claim.zip", "--registries", "bad.toml", *LOCAL, "--json")
    assert (answer.code, "bad.toml" in answer.json["error"]) == (2, True)


# -- the anchor -----------------------------------------------------------------------------------------------------


def test_a_claim_whose_anchor_waits(tmp_path: Path) -> None:
    case = Case(tmp_path, Register(Anchors(tmp_path), is_mined=False))
    answer = case.check(case.register.files())
    assert (answer.code, answer.json["verdict"], failures(answer)) == (3, "pending", set())
    assert answer.json["asserted_by"] == "office-asserted"
    assert "no block attests" in answer.json["sentences"][0]


def test_headers_that_are_missing(case: Case) -> None:
    files = case.register.files(headers_bin=None, headers_json=None)
    answer = case.check(files)
    assert (answer.code, answer.json["verdict"]) == (3, "unconfirmed")
    assert "no header of block 101" in answer.json["sentences"][0]
    for name, data in case.register.files().items():
        if name.startswith("registry/headers"):
            (case.folder / name.rpartition("/")[2]).write_bytes(data)
    assert case.check(files, "--headers", "headers.bin").code == 0
    malformed = case.check(case.register.files(headers_json=b"{}"))
    assert (malformed.code, "headers.json" in found(malformed, 11)) == (3, True)


def test_a_claim_of_a_test_network_counts_only_if_asked_for(case: Case) -> None:
    answer = case.check(case.register.files(), "--network", "bitcoin")
    assert (answer.code, answer.json["verdict"], answer.json["existed_by"]) == (3, "unconfirmed", None)
    assert "made on the network local" in answer.json["sentences"][0]


def test_more_trust_than_the_claim_brings(case: Case) -> None:
    answer = case.check(case.register.files(), "--require", "node")
    assert (answer.code, answer.json["verdict"], status(answer, 12)) == (3, "unconfirmed", "skipped")


# -- documents and citations ----------------------------------------------------------------------------------------


def test_the_document(case: Case) -> None:
    answer = case.check(case.register.files(), "--document", "other.pdf")
    assert (answer.code, failures(answer)) == (1, {4})
    assert hashlib.sha256(PACKAGE + b" ").hexdigest() in found(answer, 4)
    assert case.check(case.register.files(), "--document", "missing.pdf").code == 2
    assert status(case.check(case.register.files()), 4) == "skipped"


@pytest.mark.parametrize(
    ("options", "code", "result"),
    [
        (("--filed", str(FILING_DATE)), 0, "passed"),
        (("--filed", "2026-03-13"), 1, "failed"),
        (("--office", "DE", "--number", "10 2026 000412.5"), 0, "passed"),
        (("--number", "1020260004125"), 0, "passed"),
        (("--number", "10 2026 000412.6"), 1, "failed"),
        (("--office", "FR"), 1, "failed"),
        (("--office", "FR", "--number", "1020260004125"), 1, "failed"),
        (("--number", "--"), 1, "failed"),
        ((), 0, "skipped"),
    ],
)
def test_what_the_later_filing_cites(case: Case, options: tuple[str, ...], code: int, result: str) -> None:
    answer = case.check(case.register.files(), *options)
    assert (answer.code, status(answer, 13)) == (code, result)
    for malformed in ("2026-02-30", "12.3.2026", "2026-3-12", ""):
        assert case.check(case.register.files(), "--filed", malformed).code == 2


# -- the priority period --------------------------------------------------------------------------------------------

MONTHS = {Right.PATENT: 12, Right.UTILITY_MODEL: 12, Right.DESIGN: 6, Right.TRADEMARK: 6}


@contextmanager
def period_of(folder: Path, right: Right, filed: date) -> Iterator[Callable[..., Result]]:
    case = Case(folder, Register(Anchors(folder), entry=record(right=right, filing_date=filed)))

    def judged(later: date, *closed: date) -> Result:
        return case.check(
            case.register.files(),
            "--later-filing",
            str(later),
            *(("--holidays", case.holidays(*closed)) if closed else ()),
        )

    yield judged


@pytest.mark.parametrize("right", Right)
def test_the_period_is_reported_beside_the_verdict(tmp_path: Path, right: Right) -> None:
    """The months are counted by dateutil; 2025-09-17 plus 12 is a Thursday, plus 6 a Tuesday."""
    filed = date(2025, 9, 17)
    with period_of(tmp_path, right, filed) as judged:
        if right not in MONTHS:
            answer = judged(date(2026, 9, 17))
            assert (answer.code, answer.json["window"]["where"], status(answer, 14)) == (0, "undefined", "skipped")
            assert "no priority period is counted" in answer.json["sentences"][0]
            return
        last = filed + relativedelta(months=MONTHS[right])
        assert last.weekday() < 5
        places = {
            filed - timedelta(days=3): ("before", 3, "failed"),
            filed: ("same day", 0, "failed"),
            filed + timedelta(days=1): ("within", 0, "passed"),
            last: ("within", 0, "passed"),
            last + timedelta(days=1): ("after", 1, "failed"),
            last + relativedelta(years=1): ("after", 365, "failed"),
        }
        for later, (where, days, result) in places.items():
            answer = judged(later)
            window = answer.json["window"]
            assert (window["where"], window["days_outside"], status(answer, 14)) == (where, days, result)
            assert (window["months"], window["last_day"]) == (MONTHS[right], str(last))
            # It is arithmetic, and no part of the verdict.
            assert (answer.code, answer.json["verdict"]) == (0, "verified")
            assert f"{MONTHS[right]} months of Article 4C" in answer.json["sentences"][0]


def test_a_last_day_on_which_nobody_files(tmp_path: Path) -> None:
    filed = date(2025, 8, 31)  # six months on: 28 February 2026, a Saturday
    with period_of(tmp_path, Right.DESIGN, filed) as judged:
        nominal = filed + relativedelta(months=6)
        assert (nominal.weekday(), nominal.day) == (5, 28)
        monday = nominal + timedelta(days=2)
        answer = judged(monday)
        assert (answer.json["window"]["last_day"], answer.json["window"]["moved_from"]) == (str(monday), str(nominal))
        assert status(answer, 14) == "passed"
        assert status(judged(monday + timedelta(days=1)), 14) == "failed"
        closed = judged(monday + timedelta(days=1), monday)
        assert (status(closed, 14), closed.json["window"]["knows_holidays"]) == ("passed", True)
        assert closed.json["window"]["last_day"] == str(monday + timedelta(days=1))
        assert judged(monday + timedelta(days=2), monday).json["window"]["days_outside"] == 1


def test_a_period_that_the_calendar_has_no_room_for(tmp_path: Path) -> None:
    with period_of(tmp_path, Right.PATENT, date(9999, 6, 1)) as judged:
        answer = judged(date(9999, 12, 31))
        assert (answer.code, status(answer, 14), answer.json["window"]) == (0, "skipped", None)


def test_malformed_dates_and_holidays(case: Case) -> None:
    (case.folder / "bad.txt").write_text("2026-12-25\nChristmas\n")
    answer = case.check(case.register.files(), "--holidays", "bad.txt")
    assert (answer.code, "bad.txt, line 2" in answer.json["error"]) == (2, True)
    assert case.check(case.register.files(), "--later-filing", "tomorrow").code == 2


# -- by another hand ------------------------------------------------------------------------------------------------


def test_a_claim_verified_by_the_document_alone(case: Case) -> None:
    """FORMAT's steps with hashlib, cryptography and the reference OpenTimestamps library; none of our code."""
    for is_sealed in (False, True):
        with zipfile.ZipFile(io.BytesIO(packed(case.register.files(is_sealed=is_sealed, package=PACKAGE)))) as archive:
            files = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
        claim = json.loads(files["registry/claim.json"])  # 1

        def plain(value: object) -> bytes:
            return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

        entry = claim.get("entry")
        if entry is None:  # 2
            record_bytes = plain(claim["record"])
            commitment = hashlib.sha256(b"\x05" + bytes.fromhex(claim["t"]) + record_bytes).hexdigest()
            entry = {"commitment": commitment, "format": "notary-registry/v1"}
        node = hashlib.sha256(b"\0" + plain(entry)).digest()

        head, _, note = files["registry/entry.tlog-proof"].partition(b"\n\n")  # 3
        header, index_line, *hashes = head.decode().split("\n")
        assert (header, index_line) == ("c2sp.org/tlog-proof@v1", f"index {claim['index']}")
        text, _, lines = note.decode().rpartition("\n\n")
        text += "\n"
        origin, size, root = text.splitlines()
        assert origin == claim["origin"]
        at, last = claim["index"], int(size) - 1  # RFC 9162, section 2.1.3.2
        for sibling in map(b64decode, hashes):
            if at % 2 or at == last:
                node = hashlib.sha256(b"\1" + sibling + node).digest()
                while at % 2 == 0 and at:
                    at, last = at >> 1, last >> 1
            else:
                node = hashlib.sha256(b"\1" + node + sibling).digest()
            at, last = at >> 1, last >> 1
        assert (last, b64encode(node).decode()) == (0, root)

        def by(keeper: Keeper, lines: str = lines) -> bytes:  # 4
            (line,) = [one for one in lines.splitlines() if one.split(" ")[1] == keeper.name]
            return b64decode(line.split(" ")[2])[4:]

        public = {one.name: one.private.public_key().public_bytes_raw() for one in (LOG, *WITNESSES)}
        Ed25519PublicKey.from_public_bytes(public[LOG.name]).verify(by(LOG), text.encode())
        for witness in WITNESSES[:2]:
            time, signature = by(witness)[:8], by(witness)[8:]
            message = f"cosignature/v1\ntime {int.from_bytes(time, 'big')}\n{text}".encode()
            Ed25519PublicKey.from_public_bytes(public[witness.name]).verify(signature, message)

        anchored = files["registry/checkpoint"]  # 5
        assert anchored.decode().rpartition("\n\n")[0] + "\n" == text
        stream = StreamDeserializationContext(io.BytesIO(files["registry/checkpoint.ots"]))
        detached = DetachedTimestampFile.deserialize(stream)
        assert detached.file_digest == hashlib.sha256(anchored).digest()
        (attested,) = [
            (message, one.height)
            for message, one in detached.timestamp.all_attestations()
            if isinstance(one, BitcoinBlockHeaderAttestation)
        ]
        (run,) = json.loads(files["registry/headers.json"])["runs"]
        block = files["registry/headers.bin"][80 * (attested[1] - run["start"]) :][:80]
        assert block[36:68] == attested[0]
        assert (
            hashlib.sha256(files["data/package.pdf"]).hexdigest() == claim.get("entry", claim.get("record"))["digest"]
        )
