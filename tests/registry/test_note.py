"""Signed notes: those of other implementations and of public logs, and what is refused."""

from base64 import b64encode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tlog_scales.signing import NoteSignature, PlainEd25519Verifier, Vkey
from tlog_scales.tlog import Checkpoint as ScalesCheckpoint

from notary import limits
from notary.errors import EvidenceError, FormatError, InputError
from notary.registry.core.note import (
    COSIGNATURE,
    ED25519,
    Note,
    Signature,
    VerifierKey,
    read_base64,
    read_note,
    read_vkey,
    sign_text,
    signers,
    write_note,
)
from tests.registry.logs import LOG, Keeper, flipped, sha256, signed
from tests.registry.public_logs import ARCHE, ARCHE_WITNESSES, ENOCH, GO_SUM, PETER, PETER_SEED, REKOR, published

NOTES = ["go-note.note", "c2sp-note.note", "c2sp-cosigned.note", "go-sum.note", "arche2025h1.note"]
VKEYS = [PETER, ENOCH, GO_SUM, ARCHE, *ARCHE_WITNESSES, REKOR]
DASH = "\u2014"


def signed_by(data: bytes, *vkeys: str) -> list[str]:
    return [str(key) for key in signers(read_note(data), map(read_vkey, vkeys))]


# -- what others have made ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NOTES)
def test_notes_of_others_are_read_and_written_as_they_were(name: str) -> None:
    note = read_note(published(name))
    assert write_note(note) == published(name)
    assert published(name).startswith(note.text.encode() + b"\n" + DASH.encode())


def test_the_text_may_have_empty_lines() -> None:
    assert read_note(published("c2sp-note.note")).text.endswith("sole:\n\ned è subito sera.\n")


def test_signatures_of_go_s_note_package() -> None:
    data = published("go-note.note")
    assert signed_by(data, PETER, ENOCH) == signed_by(data, ENOCH, PETER) == [PETER, ENOCH]
    assert signed_by(data, PETER) == [PETER]
    assert signed_by(data, GO_SUM) == signed_by(data) == []
    assert signed_by(published("go-sum.note"), GO_SUM) == [GO_SUM]
    assert signed_by(published("arche2025h1.note"), ARCHE) == [ARCHE]


def test_the_same_signature_as_go_s_note_package_makes() -> None:
    theirs = read_note(published("go-note.note"))
    peter = Keeper("PeterNeumann", PETER_SEED)
    assert str(peter.key) == PETER
    assert sign_text(theirs.text, peter.key, peter.sign) == theirs.signatures[0]


@pytest.mark.parametrize("vkey", VKEYS)
def test_vkeys_of_public_logs_and_witnesses(vkey: str) -> None:
    key, theirs = read_vkey(vkey), Vkey.from_string(vkey)
    assert str(key) == vkey
    assert (key.name, key.type, key.public_key) == (theirs.name, theirs.sig_type, theirs.pubkey)
    assert key.id == Vkey(key.name, None, key.type, key.public_key).key_id.to_bytes(4, "big")


def test_another_program_verifies_what_we_sign() -> None:
    text = write_note(signed(7, sha256(b"root"))).decode()
    theirs = ScalesCheckpoint.from_text(text)
    verifier = PlainEd25519Verifier(Vkey.from_string(str(LOG.key)))
    verifier.verify_note(NoteSignature.from_line(text.splitlines()[-1]), theirs)


# -- keys -----------------------------------------------------------------------------------------------------------


def test_no_piece_of_a_vkey_is_one() -> None:
    """As Go's own test does it; and each character one further on."""
    for start in range(len(PETER) + 1):
        for end in range(start, len(PETER) + 1):
            if (start, end) != (0, len(PETER)):
                with pytest.raises(FormatError):
                    read_vkey(PETER[start:end])
    for at, character in enumerate(PETER):
        with pytest.raises(FormatError):
            read_vkey(PETER[:at] + chr(ord(character) + 1) + PETER[at + 1 :])


@pytest.mark.parametrize(
    "vkey",
    [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",  # Go's: a key that is too long
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",  # Go's: a type that nobody knows
        "bananas.sigstore.dev+12344556",  # this and the rest are of transparency-dev/formats, note_cosigv1_test.go
        "rekor.sigstore.dev+12345678+THIS_IS_NOT_BASE64!",
        "rekor.sigstore.dev+12345678+AwEB",
        PETER.replace("c74f20a3", "C74F20A3"),
        PETER.replace("c74f20a3", "00000000"),
        PETER.replace("+ARpc", "++ARpc"),
        f"{PETER}\n",
        f" {PETER}",
        "+".join(["name", "0" * 8, ""]),
        "",
        "++",
        "\ud800+00000000+AQ==",
    ],
)
def test_vkeys_that_are_none(vkey: str) -> None:
    with pytest.raises(FormatError):
        read_vkey(vkey)


@pytest.mark.parametrize(
    "name", ["", "a b", "a+b", "a\tb", "a\nb", "a\u00a0b", "a\u3000b", "a\u2028b", "\ud800", "a" * 256]
)
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(FormatError):
        VerifierKey(name, ED25519, bytes([4]) * 32)
    with pytest.raises(FormatError):
        Signature(name, bytes(4), b"signature")


@pytest.mark.parametrize(
    "public_key", [bytes(32), b"\1" + bytes(31), b"\xec" + b"\xff" * 30 + b"\x7f", b"\xff" * 32], ids=bytes.hex
)
def test_keys_by_which_any_signature_passes_are_none(public_key: bytes) -> None:
    """Points of small order, and one that is written in a second way (see tests/core/test_openssh.py)."""
    with pytest.raises(FormatError, match="no proper point"):
        VerifierKey("name", ED25519, public_key)


def test_a_key_that_is_no_point_verifies_nothing() -> None:
    assert not VerifierKey("name", ED25519, sha256(b"any")).verifies(bytes(64), b"message")
    assert not LOG.key.verifies(b"", b"message")
    assert not LOG.key.verifies(LOG.sign(b"message") + b"\0", b"message")


def test_nobody_signs_with_the_key_of_another() -> None:
    with pytest.raises(InputError, match=r"not the one of log\.example"):
        sign_text("text\n", LOG.key, Keeper(seed=bytes([9]) * 32).sign)
    with pytest.raises(InputError, match="type 4"):
        sign_text("text\n", Keeper(type=COSIGNATURE).key, LOG.sign)


# -- which signatures count -----------------------------------------------------------------------------------------


def test_a_signature_of_a_known_key_that_fails_rejects_the_note() -> None:
    note = read_note(published("go-note.note"))
    for bit in range(0, 8 * 64, 5):
        for at, vkey in enumerate((PETER, ENOCH)):
            signatures = list(note.signatures)
            bad = Signature(signatures[at].name, signatures[at].key_id, flipped(signatures[at].signature, bit))
            for changed in ([bad, signatures[1 - at]], [*signatures, bad], [bad, *signatures]):
                with pytest.raises(EvidenceError, match="does not verify"):
                    signers(Note(note.text, tuple(changed)), [read_vkey(PETER), read_vkey(ENOCH)])
            assert signers(Note(note.text, (bad,)), [read_vkey((ENOCH, PETER)[at])]) == ()
            with pytest.raises(EvidenceError):
                signers(Note(flipped(note.text.encode(), 3).decode(), note.signatures), [read_vkey(vkey)])


def test_who_shares_only_a_name_or_an_id_is_unknown() -> None:
    line = read_note(published("go-note.note")).signatures[0]
    text = "something else\n"
    for stranger in (Signature("Peter", line.key_id, b"?"), Signature(line.name, flipped(line.key_id, 0), b"?")):
        assert signers(Note(text, (stranger,)), [read_vkey(PETER)]) == ()
    with pytest.raises(EvidenceError):
        signers(Note(text, (Signature(line.name, line.key_id, b"?"),)), [read_vkey(PETER)])


def test_who_signs_twice_counts_once() -> None:
    note = read_note(published("go-note.note"))
    twice = Note(note.text, (*note.signatures, *note.signatures))
    assert signed_by(write_note(twice), PETER, PETER) == [PETER]


def test_a_key_of_another_type_is_not_taken_for_one() -> None:
    with pytest.raises(InputError, match="type 4"):
        signers(read_note(published("arche2025h1.note")), map(read_vkey, ARCHE_WITNESSES))


def test_keys_that_cannot_be_told_apart_are_refused() -> None:
    """Two keys with one name and one ID: any two of 2**16 will do."""
    seen: dict[bytes, VerifierKey] = {}
    for number in range(2**20):
        key = VerifierKey("name", ED25519, (2 + number).to_bytes(32, "little"))
        other = seen.setdefault(key.id, key)
        if other != key:
            break
    with pytest.raises(InputError, match="two keys are named name"):
        signers(read_note(published("go-note.note")), [key, other])


def test_a_signature_takes_the_place_of_the_same_key_s() -> None:
    note = read_note(published("go-note.note"))
    peter, enoch = note.signatures
    again = Signature(peter.name, peter.key_id, b"new")
    assert note.with_signature(again).signatures == (enoch, again)
    other = Signature(peter.name, enoch.key_id, b"new")
    assert note.with_signature(other).signatures == (peter, enoch, other)


# -- what is no note ------------------------------------------------------------------------------------------------

TEXT, PETER_LINE, ENOCH_LINE = (
    read_note(published("go-note.note")).text,
    *(f"{one}\n" for one in read_note(published("go-note.note")).signatures),
)


@pytest.mark.parametrize(
    "note",
    [
        # Those of Go's own test.
        TEXT,
        TEXT + "\n",
        TEXT + "\n" + PETER_LINE[:-1],
        "\x01" + TEXT + "\n" + PETER_LINE,
        TEXT + "\n" + PETER_LINE.replace("PeterNeumann", "Bad Name"),
        TEXT + "\n" + PETER_LINE + "Unexpected line.\n",
        # And more.
        "",
        "\n",
        "\n\n",
        "\n" + PETER_LINE,
        PETER_LINE,
        TEXT + PETER_LINE,
        TEXT + "\n" + PETER_LINE + "\n",
        TEXT + "\n" + PETER_LINE + "\n" + TEXT,
        TEXT + "\n" + PETER_LINE.replace(DASH, "-"),
        TEXT + "\n" + PETER_LINE.replace(DASH, "\u2013"),
        TEXT + "\n" + PETER_LINE.replace(f"{DASH} ", DASH),
        TEXT + "\n" + PETER_LINE.replace(f"{DASH} ", f"{DASH}  "),
        TEXT + "\n" + PETER_LINE.replace("Neumann", "+Neumann"),
        TEXT + "\n" + PETER_LINE.replace("Neumann", "\u3000Neumann"),
        TEXT + "\n" + PETER_LINE.replace("Neumann ", "Neumann\u00a0"),
        TEXT + "\n" + PETER_LINE.replace("\n", " \n"),
        TEXT + "\n" + PETER_LINE.replace("\n", "\r\n"),
        TEXT.replace("\n", "\r\n") + "\n" + PETER_LINE,
        TEXT + "\t\n\n" + PETER_LINE,
        TEXT + "\n" + PETER_LINE.replace("AM=", "AN="),  # spare bits
        TEXT + "\n" + PETER_LINE.replace("AM=", "AM"),
        TEXT + "\n" + PETER_LINE.replace("AM=", "AM=="),
        TEXT + "\n" + PETER_LINE.replace("x08go/", "x08go_"),
        TEXT + "\n" + PETER_LINE.replace("x08go/", "x08\u0661o/"),
        TEXT + "\n" + f"{DASH} PeterNeumann x08gow==\n",  # a key ID, and no signature
        TEXT + "\n" + f"{DASH} PeterNeumann x08=\n",
        TEXT + "\n" + f"{DASH} PeterNeumann \n",
        TEXT + "\n" + PETER_LINE * (limits.NOTE_SIGNATURES + 1),
        "x" * limits.NOTE_BYTES + "\n\n" + PETER_LINE,
    ],
)
def test_notes_that_are_none(note: str) -> None:
    with pytest.raises(FormatError):
        read_note(note.encode())


@pytest.mark.parametrize("data", [b"\xff" + published("go-note.note"), b"\xed\xa0\x80\n\n" + PETER_LINE.encode()])
def test_what_is_not_utf_8_is_no_note(data: bytes) -> None:
    with pytest.raises(FormatError, match="UTF-8"):
        read_note(data)


def test_notes_that_cannot_be_written() -> None:
    line = Signature("name", bytes(4), b"signature")
    for text in ("", "no end", "a\rb\n", "\ud800\n"):
        with pytest.raises(FormatError):
            Note(text, (line,))
    for count in (0, limits.NOTE_SIGNATURES + 1):
        with pytest.raises(FormatError):
            Note("text\n", (line,) * count)
    with pytest.raises(FormatError):
        write_note(Note("x" * limits.NOTE_BYTES + "\n", (line,)))


def test_sixteen_post_quantum_signatures_are_taken() -> None:
    """Verifiers must take so many, of nearly 5 kB each."""
    lines = tuple(Signature(f"witness.example/{n}", bytes([n]) * 4, bytes(5000)) for n in range(16))
    note = Note(TEXT, lines)
    assert read_note(write_note(note)) == note


def read_or_none(data: bytes) -> Note | None:
    try:
        return read_note(data)
    except FormatError:
        return None


@pytest.mark.parametrize("name", NOTES)
def test_a_note_cut_short_is_none_or_has_fewer_signatures(name: str) -> None:
    whole = published(name)
    for end in range(len(whole)):
        note = read_or_none(whole[:end])
        if note:
            assert whole[end - 1 : end] == b"\n"
            assert note.text == read_note(whole).text
            assert note.signatures == read_note(whole).signatures[: len(note.signatures)]


@given(st.binary(max_size=200), st.integers(0, 10**6), st.integers(0, 100))
@example(b"", 0, 0)
def test_whatever_is_read_is_written_the_same(noise: bytes, at: int, cut: int) -> None:
    data = published("arche2025h1.note")
    at %= len(data)
    for changed in (noise, data[:at] + noise + data[at + cut :], noise + b"\n\n" + PETER_LINE.encode()):
        note = read_or_none(changed)
        assert note is None or write_note(note) == changed


@given(st.binary(min_size=1, max_size=40))
def test_base64_has_one_form(data: bytes) -> None:
    text = b64encode(data).decode()
    assert read_base64(text, "it") == data
    others = {f"{text}\n", f" {text}", f"{text}=", text.rstrip("="), text[:-1], f"{text[:2]} {text[2:]}"} - {text}
    for other in others:
        with pytest.raises(FormatError, match="it is not base64"):
            read_base64(other, "it")
