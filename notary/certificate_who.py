"""Who signed, a second clock, and what came before: as a certificate has them.

Keys, times and hashes are the bundle's. Whose keys and roots those are, and that the chain has the block which the
manifest names, is the word of the certificate's issuer: no bundle bears it out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from notary import limits
from notary.core.header import CLOCK_SLACK, Trust, shown
from notary.core.manifest import MOMENT, Manifest
from notary.core.shown import escaped, shown_text
from notary.core.signature import read_signature
from notary.core.time_stamp import read_token

if TYPE_CHECKING:
    from notary.core.verdict import Verdict

ISSUERS_NODE = "the issuer's own node"
"""In place of its address, which concerns nobody."""

_QUOTATION_MARKS = frozenset('"\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033\u2036')


@dataclass(frozen=True, slots=True)
class Vouched:
    """What an issuer vouches for, by files and sources of their own.

    `names` are those of the key in the list `names_from`, both None where no list was given; `root` is where the
    token's certificate leads, of those in `roots_from`. `block_time` is the clock of the block that the manifest names,
    if `source` has it in the chain.
    """

    names: tuple[str, ...] | None = None
    names_from: str | None = None
    root: str | None = None
    roots_from: str | None = None
    block_time: str | None = None
    trust: Trust = Trust.NONE
    source: str | None = None


def list_name(name: str) -> str:
    """The name of a file that is a list of the issuer's own, fit to stand between quotation marks on a page."""
    shown_name = "".join(escaped(ord(one)) if one in _QUOTATION_MARKS else one for one in shown_text(name))
    return shown_name[: limits.LIST_NAME]


def vouched_by(verdict: Verdict) -> Vouched:
    """What a verification found by the verifier's own means. Files are named without their folders."""
    vouched = Vouched()
    if (signer := verdict.signed_by) and signer.file:
        vouched = replace(vouched, names=signer.principals, names_from=list_name(PurePath(signer.file).name))
    if (stamped := verdict.stamped_by) and stamped.root:
        vouched = replace(vouched, root=stamped.root, roots_from=list_name(PurePath(stamped.file).name))
    if found := verdict.beginning:
        source = ISSUERS_NODE if found.trust is Trust.NODE else found.source
        vouched = replace(vouched, block_time=found.time, trust=found.trust, source=source)
    return vouched


def signature_member(manifest: Manifest, signature: bytes | None, vouched: Vouched) -> dict[str, Any] | None:
    """The signature that `signature` has, which holds; none where there is none."""
    if signature is None:
        return None
    read, stated = read_signature(signature), manifest.signer
    return {
        "key": read.key.line,
        "fingerprint": read.key.fingerprint,
        "did": read.key.did,
        "algorithm": read.algorithm,
        "declared_name": stated and stated.name,
        "declared_organisation": stated and stated.organisation,
        "listed_as": None if vouched.names is None else list(vouched.names),
        "listed_in": vouched.names_from,
    }


def token_member(token: bytes | None, vouched: Vouched) -> dict[str, Any] | None:
    """What the token says, which holds; none where there is none."""
    if token is None:
        return None
    read = read_token(token)
    return {
        "authority": read.tsa_name,
        "time": read.gen_time.astimezone(UTC).strftime(MOMENT),
        "certificate_expires": read.not_after.astimezone(UTC).strftime(MOMENT),
        "root": vouched.root,
        "roots_from": vouched.roots_from,
    }


def named_block_member(manifest: Manifest, vouched: Vouched, meaning: str) -> dict[str, Any] | None:
    """The block that the manifest names, and the day before which nobody knew it, if the issuer has it in the chain."""
    named = manifest.not_before
    if named is None:
        return None
    return {
        "network": named.network,
        "height": named.height,
        "block_hash": shown(named.hash),
        "block_time": vouched.block_time,
        "date": vouched.block_time and first_day(vouched.block_time),
        "source": vouched.source,
        "trust": vouched.trust.word,
        "trust_meaning": meaning,
    }


def first_day(block_time: str) -> str:
    """The day (UTC) before which nobody can have known a block with this clock, which may run ahead."""
    return (datetime.fromisoformat(block_time) - CLOCK_SLACK).date().isoformat()
