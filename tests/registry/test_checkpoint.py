"""Checkpoints: those of public logs, and what is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tlog_scales.signing import Vkey
from tlog_scales.tlog import Checkpoint as ScalesCheckpoint

from notary import limits
from notary.errors import EvidenceError, FormatError, InputError
from notary.registry.core.checkpoint import (
    Checkpoint,
    read_checkpoint,
    read_decimal,
    sign_checkpoint,
    verify_checkpoint,
)
from notary.registry.core.log import EMPTY_ROOT
from notary.registry.core.note import Note, Signature, read_note, read_vkey, sign_text, write_note
from tests.registry.logs import LOG, ORIGIN, WITNESSES, Keeper, flipped, sha256, signed
from tests.registry.public_logs import ARCHE, ARCHE_WITNESSES, GO_SUM, REKOR, published

ROOT = sha256(b"root")
BODY = read_note(published("c2sp-cosigned.note")).text
HASH = BODY.splitlines()[2]


def test_the_specification_s_example() -> None:
    found = read_checkpoint(BODY)
    assert str(found) == BODY
    assert (found.origin, found.size, found.extensions) == ("example.com/behind-the-sofa", 20852163, ())


@pytest.mark.parametrize(
    ("name", "origin", "vkey"),
    [
        ("go-sum.note", "go.sum database tree", GO_SUM),
        ("arche2025h1.note", "arche2025h1.staging.ct.transparency.dev", ARCHE),
    ],
)
def test_checkpoints_of_public_logs(name: str, origin: str, vkey: str) -> None:
    note = read_note(published(name))
    found = verify_checkpoint(note, origin, [read_vkey(REKOR), read_vkey(vkey)])
    theirs = ScalesCheckpoint.from_text(published(name).decode())
    theirs.verify(Vkey.from_string(vkey))
    assert (found.origin, found.size, found.root) == (theirs.origin, theirs.size, theirs.root_hash)
    with pytest.raises(EvidenceError, match="not signed by a key of the log"):
        verify_checkpoint(note, origin, [read_vkey(REKOR)])
    with pytest.raises(EvidenceError, match="expected one of another"):
        verify_checkpoint(note, "another", [read_vkey(vkey)])
    with pytest.raises(EvidenceError, match="does not verify"):
        verify_checkpoint(Note(note.text.replace("8", "9"), note.signatures), origin, [read_vkey(vkey)])


def test_a_witness_s_key_does_not_speak_for_the_log() -> None:
    with pytest.raises(InputError, match="type 4"):
        verify_checkpoint(read_note(published("arche2025h1.note")), "any", map(read_vkey, ARCHE_WITNESSES))


@given(st.integers(1, limits.LOG_SIZE), st.binary(min_size=32, max_size=32))
def test_another_program_reads_and_verifies_ours(size: int, root: bytes) -> None:
    theirs = ScalesCheckpoint.from_text(write_note(signed(size, root)).decode())
    theirs.verify(Vkey.from_string(str(LOG.key)))
    assert (theirs.origin, theirs.size, theirs.root_hash) == (ORIGIN, size, root)


def test_every_bit_of_a_signed_checkpoint_counts() -> None:
    note = signed(256, ROOT)
    assert verify_checkpoint(note, ORIGIN, [LOG.key]) == Checkpoint(ORIGIN, 256, ROOT)
    data = write_note(note)
    for bit in range(8 * len(data)):
        with pytest.raises((EvidenceError, FormatError)):
            verify_checkpoint(read_note(flipped(data, bit)), ORIGIN, [LOG.key])


def test_a_log_with_a_new_key_may_sign_with_both() -> None:
    new = Keeper(seed=b"new key".ljust(32))
    note = signed(3, ROOT)
    both = note.with_signature(sign_text(note.text, new.key, new.sign))
    for keys in ([LOG.key], [new.key], [LOG.key, new.key]):
        assert verify_checkpoint(both, ORIGIN, keys).size == 3
    failing = note.with_signature(Signature(new.name, new.key.id, bytes(64)))
    assert verify_checkpoint(failing, ORIGIN, [LOG.key]).size == 3
    with pytest.raises(EvidenceError):
        verify_checkpoint(failing, ORIGIN, [LOG.key, new.key])


def test_a_log_s_key_is_named_as_the_log_is() -> None:
    with pytest.raises(InputError, match="not named as the log is"):
        sign_checkpoint(Checkpoint("other.example", 3, ROOT), LOG.key, LOG.sign)
    with pytest.raises(InputError, match="type 4"):
        sign_checkpoint(Checkpoint(WITNESSES[0].name, 3, ROOT), WITNESSES[0].key, WITNESSES[0].sign)


def test_a_signed_text_that_is_no_checkpoint() -> None:
    text = "just a text\n"
    with pytest.raises(FormatError):
        verify_checkpoint(Note(text, (sign_text(text, LOG.key, LOG.sign),)), ORIGIN, [LOG.key])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "Log\n",
        "Log\n123\n",
        f"Log\n123\n{HASH}",
        f"\n123\n{HASH}\n",
        f"Log\n\n{HASH}\n",
        f"Log\n123\n{HASH}\n\n",
        f"Log\n123\n{HASH}\n\nextension\n",
        f"Log\n123\n{HASH}\nextension",
        f"Log\n0123\n{HASH}\n",
        f"Log\n00\n{HASH}\n",
        f"Log\n+1\n{HASH}\n",
        f"Log\n-1\n{HASH}\n",
        f"Log\n 1\n{HASH}\n",
        f"Log\n1_000\n{HASH}\n",
        f"Log\n1e3\n{HASH}\n",
        f"Log\n0x10\n{HASH}\n",
        f"Log\n\u0661\n{HASH}\n",
        f"Log\nbananas\n{HASH}\n",
        f"Log\n{limits.LOG_SIZE + 1}\n{HASH}\n",
        f"Log\n{'9' * 100_000}\n{HASH}\n",
        "Log\n123\n\n",
        "Log\n123\nYmFuYW5hcw==\n",
        "Log\n123\nThisIsn'tBase64\n",
        f"Log\n123\n{HASH[:-1]}\n",
        f"Log\n123\n{HASH}=\n",
        f"Log\n123\n{HASH[:-2]}J=\n",
        f"Log\n123\n{HASH} \n",
        f"Log\n0\n{HASH}\n",
    ],
)
def test_texts_that_are_no_checkpoint(text: str) -> None:
    with pytest.raises(FormatError):
        read_checkpoint(text)


def test_an_empty_log_has_one_root() -> None:
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert read_checkpoint(str(Checkpoint("Log", 0, EMPTY_ROOT))).size == 0


def test_checkpoints_that_cannot_be_written() -> None:
    for origin, size, root, extensions in (
        ("", 1, ROOT, ()),
        ("a\nb", 1, ROOT, ()),
        ("a", -1, ROOT, ()),
        ("a", limits.LOG_SIZE + 1, ROOT, ()),
        ("a", 1, ROOT[1:], ()),
        ("a", 0, ROOT, ()),
        ("a", 1, ROOT, ("",)),
        ("a", 1, ROOT, ("one\n",)),
    ):
        with pytest.raises(FormatError):
            Checkpoint(origin, size, root, extensions)


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\n"), min_size=1),
    st.integers(1, limits.LOG_SIZE),
    st.binary(min_size=32, max_size=32),
    st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n"), min_size=1), max_size=3),
)
def test_a_checkpoint_is_read_as_written(origin: str, size: int, root: bytes, extensions: list[str]) -> None:
    checkpoint = Checkpoint(origin, size, root, tuple(extensions))
    assert read_checkpoint(str(checkpoint)) == checkpoint


@given(st.text())
def test_whatever_is_read_is_written_the_same(text: str) -> None:
    for body in (text, f"Log\n{text}\n{HASH}\n", f"Log\n1\n{text}\n", f"{text}\n1\n{HASH}\n{text}"):
        try:
            found = read_checkpoint(body)
        except FormatError:
            continue
        assert str(found) == body


@given(st.integers(0, limits.LOG_SIZE))
def test_decimals(number: int) -> None:
    assert read_decimal(str(number), "it") == number
    for other in (f"0{number}", str(limits.LOG_SIZE + 1 + number)):
        with pytest.raises(FormatError, match="it is no decimal"):
            read_decimal(other, "it")
