"""The anchors of the heads that a reader has seen, read where the registry is published, and kept.

A static server lists nothing: of the sizes of its checkpoints a reader knows those that he was shown. For each he asks
for the checkpoint as it was anchored and for its proof, and once that names a block, for headers. What is kept is bound
to the head: the checkpoint's text is the head's, a key of the registry's signed it, the proof is of that very file.
Whether a block bears it out is decided when somebody looks an entry up.

Nothing here fails a sync: an anchor that is missing or damaged is a note, and is asked for again. But a checkpoint
there, signed by the registry's key, that is not the head's, is handed on: it may be of another history.
"""

from collections.abc import Callable
from dataclasses import replace

from notary import limits
from notary.core.chain import last_wanted
from notary.core.digest import digest_of
from notary.core.header import HEADER_BYTES, linked
from notary.core.ots import Proof, read_proof
from notary.edges.header_files import HeaderRun, HeaderRuns, parse_runs
from notary.errors import EvidenceError, FormatError, NotReadyError
from notary.headers import blocks_of
from notary.keeping import headers_index
from notary.registry.core.checkpoint import read_checkpoint
from notary.registry.core.note import Note, read_note, signers
from notary.registry.edges.followed import Followed, Seen
from notary.registry.edges.followed_anchors import KeptAnchor
from notary.registry.edges.log_reader import DownError, LogReader
from notary.registry.heads import RegistryError, State


def fetch_anchors(followed: Followed, seen: Seen, reader: LogReader, compare: Callable[[Note], None]) -> list[str]:
    """Asks for the anchors of heads that were seen of a registry, as far as they are open; what was wrong with them.

    `compare` gets a checkpoint of another text that the registry's key signed; it raises RegistryError where that is
    of another history, which is all that is raised here.
    """
    notes: list[str] = []
    unread = 0
    published = _PublishedHeaders(reader)
    for one in followed.anchors.open(seen.id):
        what = f"the anchor of its head of {one.size:,} entries"
        try:
            found = _asked(one, seen, reader, published, compare)
        except (DownError, FormatError, EvidenceError, NotReadyError) as error:
            if isinstance(error, RegistryError) and error.state is State.FORKED:
                raise
            notes.append(f"{what} was not taken: {error.message}")
            found = replace(one, misses=one.misses + 1)
            unread += isinstance(error, DownError)
        if found != one:
            followed.anchors.keep(seen.id, found)
        if unread > 1:  # one file may be at fault; two are the server, which is not waited for again and again
            break
    return notes


def anchored_headers(anchor: KeptAnchor) -> HeaderRuns | None:
    """The headers that were kept with an anchor, if there are any."""
    if anchor.headers_index is None or anchor.headers is None:
        return None
    return parse_runs(anchor.headers_index, anchor.headers)


def _asked(
    one: KeptAnchor, seen: Seen, reader: LogReader, published: "_PublishedHeaders", compare: Callable[[Note], None]
) -> KeptAnchor:
    """What is known of an anchor after its files were asked for. Raises DownError, FormatError, EvidenceError."""
    path = f"anchors/{one.size}.checkpoint"
    data = one.checkpoint or reader.optional(path, limits.NOTE_BYTES)
    if data is None:
        raise EvidenceError(f"{path} is not there")
    _check_checkpoint(data, one, path, seen, compare)
    found = replace(one, checkpoint=data)
    written = reader.optional(f"{path}.ots", limits.PROOF_BYTES)
    if written is None:  # no calendar has it yet
        return found
    proof = _proof_of(data, written, path)
    blocks = blocks_of(proof.attestations)[: limits.HEIGHTS]
    if not blocks:
        return replace(found, proof=found.proof or written)
    found = replace(found, proof=written)
    made_on, runs = published.runs_for(blocks)
    if not runs:
        return found
    data = b"".join(header.raw for run in runs for header in run.headers)
    return replace(found, is_open=False, headers_index=headers_index(made_on, runs), headers=data)


def _check_checkpoint(data: bytes, one: KeptAnchor, path: str, seen: Seen, compare: Callable[[Note], None]) -> None:
    note = read_note(data)
    if not signers(note, dict.fromkeys(seen.keys)):
        raise EvidenceError(f"{path} is not signed by the key that signed the head")
    if note.text != one.text:
        compare(note)
        head = read_checkpoint(note.text)
        raise EvidenceError(f"{path} is of another checkpoint: of {head.size:,} entries, root {head.root.hex()}")


def _proof_of(checkpoint: bytes, data: bytes, path: str) -> Proof:
    try:
        proof = read_proof(data)
    except FormatError as error:
        raise FormatError(f"{path}.ots: {error.message}") from None
    digest = digest_of(checkpoint)
    if (proof.hash_name, proof.digest) != ("sha256", digest):
        raise EvidenceError(f"{path}.ots is a proof of {proof.digest.hex()}; expected {digest.hex()}")
    return proof


class _PublishedHeaders:
    """headers.json and headers.bin as they are published, read when they are needed first, and once."""

    def __init__(self, reader: LogReader) -> None:
        self._reader = reader
        self._all: HeaderRuns | None = None
        self._is_read = False

    def runs_for(self, blocks: list[tuple[int, bytes]]) -> tuple[str, list[HeaderRun]]:
        """The network, and the headers from those of `blocks` on whose header is there, to the last of use to a proof.

        Raises DownError; FormatError where the two files are malformed, or do not fit.
        """
        if not self._is_read:
            self._is_read = True
            self._all = self._read(is_last=False)
        if self._all is None or self._all.network is None:
            return "", []
        runs: list[HeaderRun] = []
        for height, root in blocks:
            headers = linked(self._all.at(height, last_wanted(height) - height + 1))
            is_there = bool(headers) and headers[0].merkle_root == root
            if is_there and not any(headers[-1] in run.headers and headers[0] in run.headers for run in runs):
                runs.append(HeaderRun(height, headers))
        return self._all.network, runs

    def _read(self, *, is_last: bool) -> HeaderRuns | None:
        index = self._reader.optional("anchors/headers.json", limits.HEADERS_INDEX_BYTES)
        if index is None:
            return None
        data = self._reader.optional("anchors/headers.bin", limits.HEADERS * HEADER_BYTES)
        if data is None:
            return None
        try:
            return parse_runs(index, data)
        except FormatError:  # the keeper may have been writing: they are two files
            if is_last:
                raise
            return self._read(is_last=True)
