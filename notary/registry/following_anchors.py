"""The anchors of the heads that a reader has seen, read where the registry is published, and kept.

A static server lists nothing: of the sizes of its checkpoints a reader knows those that he was shown. For each he asks
for the checkpoint as it was anchored and for its proof, and once that names a block, for headers. What is kept is bound
to the head: the checkpoint's text is the head's, a key of the registry's signed it, the proof is of that very file.
Whether a block bears it out is decided when somebody looks an entry up.

Headers are verified before they are kept: the block's merkle root is the proof's, and it has the work that its network
demands. Until then an anchor stays open, whatever headers.json says; it closes where all its headers are sound.

Nothing here fails a sync: an anchor that is missing or damaged is a note, and is asked for again. But a checkpoint
there, signed by the registry's key, that is not the head's, is handed on: it may be of another history.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from notary import limits
from notary.core.chain import last_wanted, sound_row
from notary.core.digest import digest_of
from notary.core.header import HEADER_BYTES, NETWORKS, Header, Network, has_work, linked
from notary.core.ots import Proof, read_proof
from notary.core.strict_json import quoted, read_object
from notary.edges.header_files import HeaderRun, HeaderRuns, parse_runs
from notary.errors import EvidenceError, FormatError, NotaryError, NotReadyError
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
            found, fault = _asked(one, seen, reader, published, compare)
            notes += [f"{what}: {fault}"] if fault else []
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
) -> tuple[KeptAnchor, str | None]:
    """What is known of an anchor after its files were asked for, and what is wrong with headers, if anything.

    Raises DownError, FormatError, EvidenceError where the checkpoint or the proof cannot be taken.
    """
    path = f"anchors/{one.size}.checkpoint"
    data = one.checkpoint or reader.optional(path, limits.NOTE_BYTES)
    if data is None:
        raise EvidenceError(f"{path} is not there")
    _check_checkpoint(data, one, path, seen, compare)
    found = replace(one, checkpoint=data)
    written = reader.optional(f"{path}.ots", limits.PROOF_BYTES)
    if written is None:  # no calendar has it yet
        return found, None
    proof = _proof_of(data, written, path)
    blocks = blocks_of(proof.attestations)[: limits.HEIGHTS]
    if not blocks:
        return replace(found, proof=found.proof or written), None
    found = replace(found, proof=written)
    try:
        made_on, runs, fault = published.runs_for(blocks)
    except (DownError, FormatError) as error:
        return found, error.message
    data = b"".join(header.raw for run in runs for header in run.headers)
    if runs and (fault is None or len(data) > len(found.headers or b"")):
        found = replace(found, is_open=fault is not None, headers_index=headers_index(made_on, runs), headers=data)
    return found, fault


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
        self._told: tuple[tuple[int, int], ...] = ()
        """Of each run, damaged or not, its first height and the one after its last, as headers.json has them."""
        self._fault: NotaryError | None = None
        self._is_read = False

    def runs_for(self, blocks: list[tuple[int, bytes]]) -> tuple[str, list[HeaderRun], str | None]:
        """The network, the headers from those of `blocks` on whose header is there and sound, to the last of use to a
        proof; and what is wrong with others, if anything is.

        Raises DownError; FormatError where the two files are malformed, or do not fit.
        """
        if not self._is_read:
            self._is_read = True
            try:
                self._all = self._read(is_last=False)
            except (DownError, FormatError) as error:
                self._fault = error
        if self._fault is not None:
            raise self._fault
        if self._all is None:
            return "", [], "headers.json or headers.bin is not there"
        network = NETWORKS.get(self._all.network or "")
        if network is None:
            return "", [], f"headers.json names no network that is known: {quoted(self._all.network or '')}"
        runs: list[HeaderRun] = []
        faults: list[str] = []
        for height, root in blocks:
            wanted = last_wanted(height) - height + 1
            headers = linked(self._all.at(height, wanted))
            fault = _fault_of(height, root, headers, network)
            if fault is not None:
                faults.append(fault)
                continue
            sound = sound_row(headers, network)
            if sound != headers or (len(headers) < wanted and self._is_told_of(height + len(headers))):
                faults.append(f"after block {height + len(sound) - 1:,} its headers are damaged")
            if not any(sound[-1] in run.headers and sound[0] in run.headers for run in runs):
                runs.append(HeaderRun(height, sound))
        return network.name, runs, "; ".join(faults) or None

    def _is_told_of(self, height: int) -> bool:
        return any(first <= height < end for first, end in self._told)

    def _read(self, *, is_last: bool) -> HeaderRuns | None:
        index = self._reader.optional("anchors/headers.json", limits.HEADERS_INDEX_BYTES)
        if index is None:
            return None
        data = self._reader.optional("anchors/headers.bin", limits.HEADERS * HEADER_BYTES)
        if data is None:
            return None
        try:
            runs = parse_runs(index, data)
        except FormatError:  # the keeper may have been writing: they are two files
            if is_last:
                raise
            return self._read(is_last=True)
        told = read_object(index, "headers.json", limits.HEADERS_INDEX_BYTES)["runs"]
        self._told = tuple((run["start"], run["start"] + run["count"]) for run in told)
        return runs


def _fault_of(height: int, root: bytes, headers: Sequence[Header], network: Network) -> str | None:
    """Why the first of `headers` does not bear out that block `height` has this merkle root."""
    if not headers:
        return f"there is no header of block {height:,}"
    one = headers[0]
    if one.merkle_root != root:
        return (
            f"the header there of block {height:,} has the merkle root {one.merkle_root.hex()}; expected {root.hex()}"
        )
    # Where nothing retargets, all bits are the first block's: a header of another chain may have all the more work.
    is_other = not network.retargets and one.bits != Header(network.genesis).bits
    if is_other or not has_work(one, network):
        return f"the header there of block {height:,} is none of the network {network.name}, by its work"
    return None
