"""How a certificate compares with the bundle or the claim that it carries: its data, and its pages. Pure.

What is printed proves nothing, so that neither check can make a verdict better.
"""

from notary.core.block import Block
from notary.core.check import Check, failed, passed, skipped
from notary.core.facts import CertificateFacts
from notary.core.header import shown
from notary.core.not_before import Beginning


def compare_data(
    number: int,
    source: str,
    certificate: CertificateFacts,
    block: Block | None,
    beginning: Beginning | None,
    issuers_word: str,
) -> Check:
    """Its data against what the `source` gives, and against the blocks that verification found."""
    expected = f"what {source} in it gives"
    wrong = certificate.fault or certificate.differs
    if wrong is not None:
        return failed(number, expected, wrong)
    if block and certificate.block_hash is not None and certificate.block_hash != block.header.shown_hash:
        return failed(number, f"block {block.header.shown_hash}", f"block {certificate.block_hash}")
    if block and certificate.height not in (None, block.height):
        return failed(number, f"the height {block.height:,}", f"the height {certificate.height:,}")
    root = shown(block.header.merkle_root) if block else None
    if root and certificate.merkle_root not in (None, root):
        return failed(number, f"the Merkle root {root}", f"the Merkle root {certificate.merkle_root}")
    if block and certificate.block_time is not None and certificate.block_time != block.time:
        return failed(number, f"the block's time {block.time}", certificate.block_time)
    if block and certificate.existed_by is not None and certificate.existed_by < block.existed_by:
        return failed(number, f"no date before {block.existed_by}", f"the date {certificate.existed_by}")
    named_time = certificate.named_block_time
    if beginning and named_time not in (None, beginning.time):
        return failed(number, f"the time {beginning.time} of the block that the manifest names", str(named_time))
    if certificate.existed_by is not None and block is None:
        what = f"the same, but no header is here to compare its date {certificate.existed_by} with"
        return skipped(number, what, expected)
    if named_time is not None and beginning is None:
        what = f"the same, but nothing here confirms the block of {named_time} that the manifest names"
        return skipped(number, what, expected)
    if certificate.wording_of is not None:
        what = f"the same facts; its sentences, by {certificate.wording_of}, were not compared"
        return skipped(number, what, expected)
    return passed(number, expected, f"the same; {issuers_word} are its issuer's word")


def compare_pages(number: int, certificate: CertificateFacts) -> Check:
    """Its pages against those that its data give."""
    expected = "pages that say what its data say"
    if certificate.pages is not None:
        return failed(number, expected, certificate.pages)
    if certificate.uncompared is not None:
        return skipped(number, certificate.uncompared, expected)
    return passed(number, expected, "the same, typeset again from the data")
