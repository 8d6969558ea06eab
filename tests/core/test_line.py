"""core.line: a line of batches holds as it was written, and in no other way; signatures are by real keys."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from notary import limits
from notary.core.check import Status
from notary.core.line import Line, LineEntry, check_entry, follow, read_entry, write_entry
from notary.core.manifest import StatedSigner, write_manifest
from notary.core.openssh import read_public_key
from notary.core.signature import Signer, sign
from notary.core.verdict import judge
from notary.errors import EvidenceError, FormatError
from tests.core.lines import Batches, entry_of, line_of, manifest_of, signer_at, with_entry
from tests.core.test_verdict import BUNDLE, BUNDLED, POLICY
from tests.parties.openssh import new_key, signed


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return signer_at(tmp_path_factory.mktemp("key") / "key")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return signer_at(tmp_path_factory.mktemp("other") / "key")


@pytest.fixture(scope="module")
def batches(signer: Signer) -> Batches:
    return line_of(5, signer)


# -- sound ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_signed", [True, False])
def test_a_line_leads_back_to_its_first_batch(signer: Signer, is_signed: bool) -> None:
    made = line_of(6, signer if is_signed else None)
    assert follow(made.newest, made.lines) == Line(5, made.entries[0].manifest.declared_at, None)


def test_the_first_batch_has_an_empty_line(signer: Signer) -> None:
    first = line_of(1, signer)
    assert follow(first.newest, []) == Line(0, None, None)


@pytest.mark.parametrize("kept", [0, 1, 3])
def test_a_shorter_line_says_what_is_missing(batches: Batches, kept: int) -> None:
    line = follow(batches.newest, batches.lines[:kept])
    assert line.count == kept
    assert line.missing == batches.entries[-2 - kept].head


def test_a_batch_that_was_signed_without_naming_its_signer(signer: Signer) -> None:
    """What is signed holds, even where the manifest does not say by whom."""
    first = manifest_of(0, None, None)
    data = write_manifest(first)
    entry = LineEntry(data, sign(signer, data))
    last = manifest_of(1, None, entry.head)
    assert follow(last, [write_entry(entry)[:-1]]).count == 1


def test_an_entry_round_trips(batches: Batches) -> None:
    for entry in (*batches.entries, LineEntry('{"é": "\\"\n"}'.encode(), None)):
        written = write_entry(entry)
        assert written.endswith(b"\n")
        assert written.count(b"\n") == 1
        assert read_entry(written[:-1], 1) == entry


def test_a_signature_by_ssh_keygen_counts(tmp_path: Path) -> None:
    path = new_key(tmp_path / "key", "nistp256")
    public = read_public_key(path.with_suffix(".pub").read_text().strip())
    manifest = replace(manifest_of(0, None, None), signer=StatedSigner(public.line, public.did))
    data = write_manifest(manifest)
    entry = LineEntry(data, signed(path, data, "notary-manifest@v1"))
    assert check_entry(entry, entry.head, "bitcoin", public.line) == manifest


# -- altered --------------------------------------------------------------------------------------------------------


def lines_with(batches: Batches, number: int, entry: LineEntry) -> list[bytes]:
    return with_entry(batches, number, entry).lines


ALTERED: dict[str, Callable[[Batches, Signer, Signer], list[bytes]]] = {
    "reordered": lambda made, mine, yours: [made.lines[1], made.lines[0], *made.lines[2:]],
    "one left out": lambda made, mine, yours: [made.lines[0], *made.lines[2:]],
    "the newest left out": lambda made, mine, yours: made.lines[1:],
    "one twice": lambda made, mine, yours: [made.lines[0], *made.lines],
    "lengthened": lambda made, mine, yours: [*made.lines, write_entry(entry_of(manifest_of(9, mine, None), mine))[:-1]],
    "the oldest twice": lambda made, mine, yours: [*made.lines, made.lines[-1]],
    "itself": lambda made, mine, yours: [write_entry(made.entries[-1])[:-1], *made.lines],
    "a title added": lambda made, mine, yours: lines_with(
        made, 2, entry_of(replace(made.entries[2].manifest, title="more"), mine)
    ),
    "a blank added": lambda made, mine, yours: lines_with(
        made, 2, replace(made.entries[2], manifest_bytes=made.entries[2].manifest_bytes + b" ")
    ),
    "no signature": lambda made, mine, yours: lines_with(made, 2, replace(made.entries[2], signature=None)),
    "another batch's signature": lambda made, mine, yours: lines_with(
        made, 2, replace(made.entries[2], signature=made.entries[1].signature)
    ),
    "another signer's batch": lambda made, mine, yours: lines_with(
        made, 2, entry_of(replace(manifest_of(2, yours, made.entries[1].head)), yours)
    ),
}


@pytest.mark.parametrize("how", ALTERED)
def test_an_altered_line_is_refused(batches: Batches, signer: Signer, other: Signer, how: str) -> None:
    with pytest.raises(EvidenceError):
        follow(batches.newest, ALTERED[how](batches, signer, other))


def test_no_bit_of_a_line_can_be_turned(batches: Batches) -> None:
    """White space outside of the two texts apart, and how JSON writes a character."""
    whole = batches.lines
    line = whole[1]
    for at in range(0, len(line), 7):
        changed = bytearray(line)
        changed[at] ^= 1
        try:
            found = follow(batches.newest, [whole[0], bytes(changed), *whole[2:]])
        except (EvidenceError, FormatError):
            continue
        pytest.fail(f"byte {at} of {line!r} does not count: {found}")


def linked_to(entry: LineEntry, signer: Signer | None, network: str = "bitcoin") -> tuple[LineEntry, list[bytes]]:
    """A batch that names this one, and the line of it: whoever forges a line can make heads agree."""
    return entry_of(manifest_of(7, signer, entry.head, network), signer), [write_entry(entry)[:-1]]


def test_another_signers_batch_is_no_part_of_the_line(signer: Signer, other: Signer) -> None:
    newest, lines = linked_to(entry_of(manifest_of(1, other, None), other), signer)
    with pytest.raises(EvidenceError, match="another signer"):
        follow(newest.manifest, lines)
    newest, lines = linked_to(entry_of(manifest_of(1, None, None), None), signer)
    with pytest.raises(EvidenceError, match="another signer"):
        follow(newest.manifest, lines)


def test_another_networks_batch_is_no_part_of_the_line(signer: Signer) -> None:
    newest, lines = linked_to(entry_of(manifest_of(1, signer, None, "local"), signer), signer)
    with pytest.raises(EvidenceError, match="network local"):
        follow(newest.manifest, lines)


def test_a_batch_signed_with_another_key_than_it_names(signer: Signer, other: Signer) -> None:
    """Its head is what it is, so this is how it was stamped; still nobody has signed it who is said to have."""
    data = write_manifest(manifest_of(1, signer, None))
    newest, lines = linked_to(LineEntry(data, sign(other, data)), signer)
    with pytest.raises(EvidenceError, match="another key"):
        follow(newest.manifest, lines)


def test_a_batch_whose_did_is_another_keys(signer: Signer, other: Signer) -> None:
    manifest = replace(manifest_of(1, signer, None), signer=StatedSigner(signer.public.line, other.public.did))
    newest, lines = linked_to(entry_of(manifest, signer), signer)
    with pytest.raises(EvidenceError, match="another key"):
        follow(newest.manifest, lines)


def test_a_batch_that_names_a_signer_and_is_not_signed(signer: Signer) -> None:
    newest, lines = linked_to(LineEntry(write_manifest(manifest_of(1, signer, None)), None), signer)
    with pytest.raises(EvidenceError, match="not signed"):
        follow(newest.manifest, lines)


def test_a_signature_over_something_else(signer: Signer, tmp_path: Path) -> None:
    data = write_manifest(manifest_of(1, signer, None))
    own = new_key(tmp_path / "key", "ed25519")
    for signature in (
        sign(signer, data + b" "),
        signed(own, data, "file"),
        b"-----BEGIN SSH SIGNATURE-----\n",
        b"",
        b"x" * limits.SIGNATURE_BYTES,
    ):
        newest, lines = linked_to(LineEntry(data, signature), signer)
        with pytest.raises(EvidenceError, match="the signature of batch"):
            follow(newest.manifest, lines)


# -- hostile --------------------------------------------------------------------------------------------------------

MANIFEST = write_manifest(manifest_of(0, None, None)).decode()


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff",
        b"{" * 100_000,
        json.dumps({"manifest": 5}).encode(),
        json.dumps({"manifest": None}).encode(),
        json.dumps({"manifest": MANIFEST, "signature": None}).encode(),
        json.dumps({"manifest": MANIFEST, "signature": 1}).encode(),
        json.dumps({"manifest": MANIFEST, "more": "x"}).encode(),
        json.dumps({"signature": "x"}).encode(),
        json.dumps({"manifest": MANIFEST}).encode() + b"{}",
        b'{"manifest": "\\ud800"}',
        b'{"manifest": "a", "manifest": "a"}',
        json.dumps({"manifest": " " * limits.LINE_ENTRY_BYTES}).encode(),
    ],
    ids=range(16),
)
def test_a_line_that_is_none(line: bytes) -> None:
    with pytest.raises(FormatError, match="line 3 of"):
        read_entry(line, 3)


@pytest.mark.parametrize("text", ["", "{}", "x", MANIFEST + "{}", "[" * 9000])
def test_a_manifest_that_is_none(batches: Batches, text: str) -> None:
    with pytest.raises(FormatError):
        follow(batches.newest, [json.dumps({"manifest": text}).encode()])


def test_a_line_without_end(monkeypatch: pytest.MonkeyPatch, signer: Signer) -> None:
    monkeypatch.setattr(limits, "LINE_ENTRIES", 3)
    made = line_of(5, signer)
    assert follow(made.newest, made.lines[:3]).count == 3
    with pytest.raises(FormatError, match="over 3 lines"):
        follow(made.newest, made.lines)


# -- check 16 -------------------------------------------------------------------------------------------------------


def status(line: Line | None, fault: str | None = None) -> tuple[Status, str]:
    facts = replace(BUNDLED, bundle=replace(BUNDLE, line=line, line_fault=fault))
    check = judge(facts, POLICY).check(16)
    return check.status, check.found


def test_what_a_line_means_for_the_verdict() -> None:
    assert all(check.number != 16 for check in judge(BUNDLED, POLICY).checks), "a bundle without a line"
    at = "2026-01-01T00:00:00Z"
    assert status(Line(4, at, None)) == (
        Status.PASSED,
        f"4 before this one, the oldest declared {at}, which names none before it",
    )
    assert status(Line(0, None, None)) == (Status.PASSED, "it is the first batch of its line")
    shortened, found = status(Line(4, at, bytes(32)))
    assert shortened is Status.SKIPPED
    assert "000000000000 before it, which is not listed" in found
    assert status(None, "line 2 is none") == (Status.FAILED, "line 2 is none")


def test_an_emptied_line_is_not_a_first_batch() -> None:
    """Cut down to nothing, a line must not speak for the batch that it was taken from."""
    emptied, found = status(Line(0, None, bytes(32)))
    assert emptied is Status.SKIPPED
    assert "first batch" not in found
