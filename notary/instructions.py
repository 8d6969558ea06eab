"""VERIFY.txt: how to verify a bundle without our software, with its own values filled in."""

from collections.abc import Iterable, Sequence

from notary.core.chain import boundary
from notary.core.header import NETWORKS, block_time, existed_by, shown
from notary.core.ots import Attestation, Kind
from notary.edges.header_files import HeaderRun
from notary.edges.ledger import Batch


def instructions(
    batch: Batch,
    count: int,
    has_files: bool,
    with_proofs: bool,
    attestations: Iterable[Attestation],
    runs: Sequence[HeaderRun],
) -> bytes:
    """How to verify this bundle without our software, with its own values filled in."""
    network = NETWORKS[batch.network]
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
                    f"   notary/headers.bin leads from it, each header naming the one before, to block {last},",
                    f"   with the hash {run.headers[last - run.start].shown_hash}:",
                    "   whoever confirms that hash confirms the block",
                ]
        blocks.append("\n".join(lines))
    return (
        _TEMPLATE.format(
            test="" if not network.is_test else f"TEST NETWORK {batch.network}: THIS PROVES NOTHING.\n\n",
            count=f"{count:,}",
            of=f"{batch.size:,}",
            head=batch.head.hex(),
            root=batch.root.hex(),
            bag=_BAG_OF_FILES if has_files else _BAG_WITHOUT_FILES,
            proof=_WITH_PROOFS if with_proofs else _WITHOUT_PROOFS,
            blocks="\n".join(blocks) or "   none yet: the proof is pending; calendars complete it within hours",
        )
    ).encode()


_TEMPLATE = """\
HOW TO VERIFY THIS BUNDLE WITHOUT THE SOFTWARE THAT MADE IT

{test}It shows {count} of the {of} files of one batch. They are committed to by one number, the head:

   {head}

The head was submitted to OpenTimestamps calendars, which put it into a block of a public chain. Whoever follows the
steps below trusts SHA-256 and that chain, and neither notary nor its makers.

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

   and the root with notary/manifest.json gives the head.

WHAT THIS DOES NOT PROVE: who wrote, owns or invented anything; that anything in the files is true, new or lawfully
acquired; that no earlier version exists; that the batch is all there is. It proves that these bytes existed no later
than the block. Names, times and titles in notary/ are what somebody declared; the batch commits to them, and nothing
checks them.
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
