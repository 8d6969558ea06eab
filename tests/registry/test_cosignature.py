"""Cosignatures: those of real witnesses, ours before another program, and who counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tlog_scales.signing import Ed25519CosignatureVerifier, MLDSA44CosignatureSigner, NoteSignature, Vkey
from tlog_scales.tlog import Checkpoint as ScalesCheckpoint

from notary import limits
from notary.errors import EvidenceError, InputError
from notary.registry.core.cosignature import Cosignature, Quorum, cosign, cosignatures, cosigned_message
from notary.registry.core.note import COSIGNATURE, Note, Signature, read_note, read_vkey, write_note
from tests.registry.logs import LOG, WITNESSES, Keeper, flipped, sha256, signed
from tests.registry.public_logs import ARCHE, ARCHE_WITNESSES, C2SP_COSIGNED_MESSAGE, published

W1, W2, W3 = WITNESSES
KEYS = tuple(one.key for one in WITNESSES)
NOTE = signed(1000, sha256(b"root"))
NOON = 1_790_000_000


def cosigned_by(*witnesses: Keeper, time: int = NOON) -> Note:
    note = NOTE
    for one in witnesses:
        note = note.with_signature(cosign(note.text, time, one.key, one.sign))
    return note


def test_the_message_of_the_specification_s_example() -> None:
    note = read_note(published("c2sp-cosigned.note"))
    time = int.from_bytes(note.signatures[1].signature[:8], "big")
    assert cosigned_message(note.text, time) == C2SP_COSIGNED_MESSAGE


def test_cosignatures_of_public_witnesses() -> None:
    data = published("arche2025h1.note")
    found = cosignatures(read_note(data), map(read_vkey, ARCHE_WITNESSES))
    assert tuple(str(one.witness) for one in found) == ARCHE_WITNESSES
    theirs = ScalesCheckpoint.from_text(data.decode())
    for one in found:
        verifier = Ed25519CosignatureVerifier(Vkey.from_string(str(one.witness)))
        line = next(line for line in theirs.signatures if line.name == one.witness.name)
        verifier.verify_note(line, theirs)
        assert one.time == verifier.get_timestamp(line.payload)


@pytest.mark.parametrize("vkey", ARCHE_WITNESSES)
def test_every_bit_of_a_cosignature_counts(vkey: str) -> None:
    note, witness = read_note(published("arche2025h1.note")), read_vkey(vkey)
    at = next(at for at, one in enumerate(note.signatures) if one.name == witness.name)
    one = note.signatures[at]
    for bit in range(8 * len(one.signature)):
        bad = Signature(one.name, one.key_id, flipped(one.signature, bit))
        with pytest.raises(EvidenceError, match=r"the cosignature by .* does not verify"):
            cosignatures(note.with_signature(bad), [witness])
    for text in (note.text.replace("1432088532", "1432088533"), note.text + "extension\n"):
        with pytest.raises(EvidenceError):
            cosignatures(Note(text, note.signatures), [witness])


@pytest.mark.parametrize("length", [1, 7, 8, 9, 64, 71, 73])
def test_a_cosignature_has_one_length(length: int) -> None:
    whole = cosign(NOTE.text, NOON, W1.key, W1.sign)
    short = Signature(whole.name, whole.key_id, (whole.signature + b"\0")[:length])
    with pytest.raises(EvidenceError):
        cosignatures(NOTE.with_signature(short), [W1.key])


@given(st.integers(0, limits.LOG_SIZE))
def test_another_program_verifies_ours(time: int) -> None:
    note = cosigned_by(W1, time=time)
    text = write_note(note).decode()
    verifier = Ed25519CosignatureVerifier(Vkey.from_string(str(W1.key)))
    line = NoteSignature.from_line(text.splitlines()[-1])
    verifier.verify_note(line, ScalesCheckpoint.from_text(text))
    assert verifier.get_timestamp(line.payload) == time
    assert cosignatures(note, [W1.key]) == (Cosignature(W1.key, time),)


def test_a_time_beyond_the_format_is_refused() -> None:
    for time in (-1, limits.LOG_SIZE + 1):
        with pytest.raises(InputError):
            cosign(NOTE.text, time, W1.key, W1.sign)
    late = limits.LOG_SIZE + 1
    stamped = late.to_bytes(8, "big") + W1.sign(cosigned_message(NOTE.text, late))
    with pytest.raises(EvidenceError):
        cosignatures(NOTE.with_signature(Signature(W1.name, W1.key.id, stamped)), [W1.key])


def test_a_post_quantum_cosignature_by_the_same_name_is_ignored() -> None:
    """A real one, by another program: witnesses put both on a checkpoint."""
    note = cosigned_by(W1)
    signer = MLDSA44CosignatureSigner(W1.name, bytes(32))
    line = signer.sign(ScalesCheckpoint.from_text(write_note(note).decode()))
    both = read_note(write_note(note) + f"{line.serialize()}\n".encode())
    assert len(both.signatures[-1].signature) == 8 + 2420
    assert cosignatures(both, KEYS) == (Cosignature(W1.key, NOON),)


def test_the_log_s_signature_is_no_cosignature_and_the_other_way_round() -> None:
    """One public key, one name, two types: the message differs, and the ID."""
    same = Keeper(LOG.name, LOG.seed, COSIGNATURE)
    assert cosignatures(NOTE, [same.key]) == ()
    moved = Signature(same.name, same.key.id, bytes(8) + NOTE.signatures[0].signature)
    with pytest.raises(EvidenceError):
        cosignatures(NOTE.with_signature(moved), [same.key])


def test_nobody_cosigns_with_the_key_of_another() -> None:
    with pytest.raises(InputError, match=r"not the one of witness\.example/w1"):
        cosign(NOTE.text, NOON, W1.key, W2.sign)
    with pytest.raises(InputError, match="type 1"):
        cosign(NOTE.text, NOON, LOG.key, LOG.sign)
    with pytest.raises(InputError, match="type 1"):
        cosignatures(NOTE, [LOG.key])


# -- quorums --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("needed", range(4))
@pytest.mark.parametrize("signing", [(), (W1,), (W3, W1), (W2, W3, W1)])
def test_a_quorum_is_met_by_as_many_witnesses(needed: int, signing: tuple[Keeper, ...]) -> None:
    quorum, note = Quorum(needed, KEYS), cosigned_by(*signing)
    assert [one.witness for one in quorum.cosigned(note)] == [one.key for one in signing]
    if len(signing) >= needed:
        assert quorum.verify(note) == quorum.cosigned(note)
    else:
        with pytest.raises(EvidenceError, match=f"cosigned by {len(signing)} of 3 witnesses; {needed} are needed"):
            quorum.verify(note)


def test_a_witness_counts_once_with_its_last_time() -> None:
    lines = [cosign(NOTE.text, time, W1.key, W1.sign) for time in (NOON, NOON + 60, NOON - 60)]
    often = Note(NOTE.text, (*NOTE.signatures, *lines))
    assert len(cosignatures(often, KEYS)) == 3
    assert Quorum(1, KEYS).verify(often) == (Cosignature(W1.key, NOON + 60),)
    with pytest.raises(EvidenceError, match="1 of 3"):
        Quorum(2, KEYS).verify(often)


def test_a_failing_cosignature_of_a_known_witness_rejects_the_note() -> None:
    bad = Signature(W3.name, W3.key.id, bytes(72))
    note = cosigned_by(W1, W2).with_signature(bad)
    assert len(Quorum(2, KEYS[:2]).verify(note)) == 2
    with pytest.raises(EvidenceError, match="w3"):
        Quorum(2, KEYS).verify(note)


def test_strangers_do_not_count() -> None:
    strangers = [Keeper(f"witness.example/{n}", bytes([n]) * 32, COSIGNATURE) for n in range(4, 20)]
    same_name = Keeper(W2.name, b"another key".ljust(32), COSIGNATURE)
    with pytest.raises(EvidenceError, match="1 of 3"):
        Quorum(2, KEYS).verify(cosigned_by(*strangers, W1, same_name))


def test_quorums_that_cannot_be() -> None:
    twin = Keeper("witness.example/twin", W1.seed, COSIGNATURE)
    for needed, witnesses, reason in (
        (4, KEYS, "can never"),
        (-1, KEYS, "can never"),
        (1, (), "can never"),
        (1, (W1.key, twin.key), "two witnesses"),
        (1, (W1.key, W1.key), "two witnesses"),
        (1, (read_vkey(ARCHE),), "no witness's"),
    ):
        with pytest.raises(InputError, match=reason):
            Quorum(needed, witnesses)
    assert Quorum().verify(NOTE) == ()
