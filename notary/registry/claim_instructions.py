"""VERIFY.txt of a claim: how to check it by hand, with its own values filled in."""

from collections.abc import Sequence

from notary.core.header import NETWORKS
from notary.core.ots import Attestation
from notary.core.shown import shown_text
from notary.edges.header_files import HeaderRun
from notary.instructions import block_lines
from notary.registry.core.checkpoint import Checkpoint
from notary.registry.core.claim import Claim


def claim_instructions(
    claim: Claim,
    checkpoint: Checkpoint,
    attestations: Sequence[Attestation],
    runs: Sequence[HeaderRun],
    network: str,
    package: str | None,
) -> bytes:
    """How to check this claim without our software; `package` is the filed package's name in the bag."""
    record = claim.record
    digest = record.digest.hex() if record.digest else "none"
    return _TEMPLATE.format(
        test=f"TEST NETWORK {network}: THIS PROVES NOTHING.\n\n" if NETWORKS[network].is_test else "",
        origin=claim.origin,
        index=claim.index,
        size=checkpoint.size,
        link=claim.link,
        event=record.event,
        right=record.right,
        office=record.office,
        number=shown_text(record.number),
        filing_date=record.filing_date,
        digest=digest,
        sealed=_SEALED if claim.is_sealed else "",
        bag=_WITH_PACKAGE.format(package=package) if package else _WITHOUT_PACKAGE,
        program="".join(f"   {line}\n" if line else "\n" for line in _PROGRAM.splitlines()),
        blocks=block_lines(attestations, runs, "registry/headers.bin"),
    ).encode()


_TEMPLATE = """\
HOW TO CHECK THIS CLAIM WITHOUT THE SOFTWARE THAT MADE IT

{test}It says that entry {index}, counted from 0, of the register

   {origin}

is this, as its keeper asserted it:

   {event}, {right}, office {office}, number {number}, filing date {filing_date}
   SHA-256 of the package as filed: {digest}

and that the entry was there when the register had {size} entries. Its link is

   {link}
{sealed}
1. THE BAG. In the folder that holds this file:

   sha256sum -c tagmanifest-sha256.txt
{bag}
2. THE ENTRY IN THE REGISTER. registry/entry.tlog-proof (C2SP tlog-proof) has the hashes from the entry to the root in
   the register's checkpoint. These lines of Python compute the root from registry/claim.json and compare:

{program}
3. WHOSE REGISTER. The checkpoint at the end of that file is a signed note (C2SP signed-note, tlog-checkpoint). Check
   its signature by the key of {origin} that you have from a channel you trust: nothing in this bag says whose
   key it is. Lines by other names are cosignatures of witnesses (C2SP tlog-cosignature).

4. SINCE WHEN. registry/checkpoint is the same checkpoint as it was anchored: its text, up to the empty line, is that in
   registry/entry.tlog-proof. With the OpenTimestamps client (`pip install opentimestamps-client`):

   ots verify -f registry/checkpoint registry/checkpoint.ots
   ots info registry/checkpoint.ots

   `ots verify` asks a Bitcoin node of your own. Without a node, `ots info` prints the merkle root of the block that
   the proof leads to; compare it with that block's on any two public block explorers.

5. THE BLOCKS that the proof leads to:

{blocks}

WHAT THIS DOES NOT PROVE: that what the entry says is true, or that anybody has a right. It shows that the keeper of the
register had asserted it no later than the block.
"""

_SEALED = """
The entry is sealed: the register shows a commitment only, and this claim is what opens it. Whoever has the claim can
read the record; give it to those who may.
"""

_WITH_PACKAGE = """\
   sha256sum -c manifest-sha256.txt

   {package} is the package as filed: its SHA-256 in manifest-sha256.txt is the one above.
"""

_WITHOUT_PACKAGE = """\
   The package as filed is not in this bag. If you have it, compare what `sha256sum FILE` prints with the SHA-256 above.
"""

_PROGRAM = """\
import base64, hashlib, json
def H(*parts): return hashlib.sha256(b"".join(parts)).digest()
def rfc8785(value): return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
claim = json.load(open("registry/claim.json", encoding="utf-8"))
if "t" in claim:
    commitment = H(b"\\5", bytes.fromhex(claim["t"]), rfc8785(claim["record"]))
    entry = {"commitment": commitment.hex(), "format": claim["record"]["format"]}
else:
    entry = claim["entry"]
node = H(b"\\0", rfc8785(entry))
head, checkpoint = open("registry/entry.tlog-proof", encoding="utf-8").read().split("\\n\\n", 1)
_, index, *hashes = head.split("\\n")
origin, size, root = checkpoint.split("\\n")[:3]
at, last = int(index.split()[1]), int(size) - 1
for other in map(base64.b64decode, hashes):
    if at % 2 or at == last:
        node = H(b"\\1", other, node)
        while at and not at % 2: at, last = at // 2, last // 2
    else:
        node = H(b"\\1", node, other)
    at, last = at // 2, last // 2
print("the entry is in the checkpoint of" if node == base64.b64decode(root) else "IT IS NOT IN", origin)
"""
