"""VERIFY.txt: how to verify a bundle without our software, with its own values filled in."""

from collections.abc import Iterable, Sequence

from notary.core.chain import boundary
from notary.core.header import NETWORKS, block_time, existed_by, shown
from notary.core.ots import Attestation, Kind
from notary.edges.header_files import HeaderRun
from notary.edges.ledger import Batch
from notary.instructions_who import further_steps


def instructions(
    batch: Batch,
    count: int,
    has_files: bool,
    with_proofs: bool,
    attestations: Iterable[Attestation],
    runs: Sequence[HeaderRun],
    has_line: bool,
) -> bytes:
    """How to verify this bundle without our software, with its own values filled in."""
    network = NETWORKS[batch.network]
    steps = enumerate(further_steps(batch, runs, has_line), start=5)
    return (
        _TEMPLATE.format(
            test="" if not network.is_test else f"TEST NETWORK {batch.network}: THIS PROVES NOTHING.\n\n",
            count=f"{count:,}",
            of=f"{batch.size:,}",
            head=batch.head.hex(),
            root=batch.root.hex(),
            bag=_BAG_OF_FILES if has_files else _BAG_WITHOUT_FILES,
            proof=_WITH_PROOFS if with_proofs else _WITHOUT_PROOFS,
            submitted=_HEAD_SUBMITTED if batch.token is None else _SEAL_SUBMITTED,
            stated="notary/manifest.json" + (" and notary/manifest.sig" if batch.signature is not None else ""),
            further="".join(f"{number}. {step}\n" for number, step in steps),
            blocks=block_lines(attestations, runs, "notary/headers.bin"),
        )
    ).encode()


def block_lines(attestations: Iterable[Attestation], runs: Sequence[HeaderRun], headers: str) -> str:
    """The blocks that a proof leads to, and how they may be confirmed; `headers` is the bundle's file of headers."""
    blocks = []
    for one in attestations:
        if one.kind is not Kind.BITCOIN or one.height is None:
            continue
        lines = [f"   block {one.height}, merkle root {shown(one.message)}"]
        run = next((run for run in runs if run.start <= one.height < run.start + len(run.headers)), None)
        if run is not None:
            at = one.height - run.start
            header = run.headers[at]
            by = existed_by([each.time for each in run.headers[at:]])
            lines += [
                f"   its hash {header.shown_hash}",
                f"   its own clock says {block_time(header)}; allowing for loose clocks: no later than {by} (UTC)",
            ]
            last = boundary(one.height)
            if last < run.start + len(run.headers):
                lines += [
                    f"   {headers} leads from it, each header naming the one before, to block {last},",
                    f"   with the hash {run.headers[last - run.start].shown_hash}:",
                    "   whoever confirms that hash confirms the block",
                ]
        blocks.append("\n".join(lines))
    return "\n".join(blocks) or "   none yet: the proof is pending; calendars complete it within hours"


_TEMPLATE = """\
HOW TO VERIFY THIS BUNDLE WITHOUT THE SOFTWARE THAT MADE IT

{test}It shows {count} of the {of} files of one batch. They are committed to by one number, the head:

   {head}

{submitted}
The page verify.html beside this file checks the bundle in a browser, without a network. Whoever forges a bundle can
forge its page too: take the page from a release of notary instead, and compare its SHA-256 with what
`notary page --sha256` prints.

1. THE BAG. In the folder that holds this file:

   sha256sum -c tagmanifest-sha256.txt
{bag}
2. THE PROOF, with the OpenTimestamps client (`pip install opentimestamps-client`):

{proof}
   `ots verify` asks a Bitcoin node of your own. Without a node, `ots info` prints the merkle root of the block that
   the proof leads to; compare it with that block's on any two public block explorers.

3. THE BLOCKS that the proof leads to:

{blocks}

4. THE TREE, if "{count} of {of}" matters to you. A plain .ots proof cannot show an item's place in its batch. The
   file FORMAT.md of notary describes the commitment; with it, notary/items.jsonl and notary/tree.bin give the root

   {root}

   and the root with {stated} gives the head.

{further}WHAT THIS DOES NOT PROVE: who wrote, owns or invented anything; that anything in the files is true, new or
lawfully acquired; that no earlier version exists; that the batch is all there is. It proves that these bytes existed no
later than the block. Names, times and titles in notary/ are what somebody declared; the batch commits to them, and
nothing checks them.
"""

_HEAD_SUBMITTED = """\
The head was submitted to OpenTimestamps calendars, which put it into a block of a public chain. Whoever follows the
steps below trusts SHA-256 and that chain, and neither notary nor its makers.
"""

_SEAL_SUBMITTED = """\
Joined to a time-stamping authority's token in one more number, the seal (see THE SECOND CLOCK), it was submitted to
OpenTimestamps calendars, which put that into a block of a public chain. Whoever follows the steps below trusts SHA-256
and that chain, and neither notary nor its makers.
"""

_BAG_OF_FILES = "   sha256sum -c manifest-sha256.txt\n"

_BAG_WITHOUT_FILES = """\
   Its files are not in this bundle. The SHA-256 of each is in notary/items.jsonl, under "digest"; compare it with
   what `sha256sum FILE` prints.
"""

_WITH_PROOFS = """\
   ots verify -f FILE proofs/FILE.ots
   ots info proofs/FILE.ots

   for each FILE. A file data/PATH has its proof as proofs/PATH.ots.
"""

_WITHOUT_PROOFS = """\
   ots verify -d HEAD notary/head.ots
   ots info notary/head.ots

   with the number above for HEAD. Proofs of single files are not in this bundle.
"""
