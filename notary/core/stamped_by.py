"""The second clock: what a time-stamping authority's token says of the head, and whose word that is (check 9).

The seal commits to the token, so a block attests it too: what the certificates were worth is judged at the time that
the token names, and that time is borne out by the block.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from notary.core.block import Block
from notary.core.check import Check, failed, passed, skipped
from notary.core.facts import BundleFacts, TokenPolicy
from notary.core.header import mined_after
from notary.core.manifest import MOMENT
from notary.core.merkle import steps_to_seal
from notary.core.not_before import Beginning
from notary.core.ots import Proof, leading_steps
from notary.core.rfc3161 import Trusted, verify_integrity, verify_token
from notary.errors import NotaryError


@dataclass(frozen=True, slots=True)
class StampedBy:
    """A token that holds: its authority by its own name, its time, and the root that the verifier trusts, if any."""

    authority: str
    at: str
    root: str | None
    expires: datetime
    file: str


def find_authority(
    bundle: BundleFacts, proof: Proof | None, block: Block | None, beginning: Beginning | None, policy: TokenPolicy
) -> tuple[StampedBy | None, Check]:
    """Check 9, and the authority if the token holds. `block` attests it, `beginning` is the block that is named."""
    if bundle.token is None:
        if policy.is_required:
            return None, failed(9, "a token: your policy demands one", "no token in this bundle")
        return None, skipped(9, "no token in this bundle")
    if proof is None or bundle.head is None:
        return None, skipped(9, "there is no proof to compare with")
    sealing = steps_to_seal(bundle.token)
    if leading_steps(proof, len(sealing)) != sealing:
        return None, failed(9, "a proof that seals the token together with the head", "the proof does not lead past it")
    expected = f"a token over the head {bundle.head.hex()}, given before the block"
    sealed_by = datetime.fromtimestamp(block.latest_clock, UTC) if block else None
    trusted = None
    try:
        token = verify_integrity(bundle.token, bundle.head, at=sealed_by)
        if policy.roots:
            trusted = verify_token(bundle.token, bundle.head, policy.roots, at=sealed_by)
    except NotaryError as error:
        return None, failed(9, expected, error.message)
    said = f"{token.tsa_name} says {_moment(token.gen_time)}"
    if policy.policies and token.policy not in policy.policies:
        return None, failed(9, "a token that your policy accepts", f"{said}, under the policy {token.policy}")
    if beginning and token.gen_time + timedelta(seconds=token.accuracy or 0) < mined_after(beginning.header):
        why = f"the manifest names block {beginning.height:,}, mined later: {beginning.time}"
        return None, failed(9, expected, f"{said}, and {why}")
    root = trusted.root_name if trusted else None
    stamped = StampedBy(token.tsa_name, _moment(token.gen_time), root, token.not_after, policy.file)
    if trusted is None:
        doubt = "whose word that is was not checked, and anybody can have made it: no roots were given"
    elif block is None:
        return stamped, skipped(9, f"intact; {said}; no block seals it yet: its certificates are judged then", expected)
    elif trusted.sealed_while_valid is False:
        doubt = f"its certificates expired on {_moment(trusted.valid_until)}, before the block that seals it"
    else:
        return stamped, passed(9, expected, f"{said}; {_leads(trusted, block, policy.file)}")
    if policy.is_required:
        return None, failed(9, "a token that your policy accepts", f"{said}; {doubt}")
    return stamped, skipped(9, f"intact; {said}; {doubt}", expected)


def _leads(trusted: Trusted, block: Block, file: str) -> str:
    """Whose word it is, and what the sealing is for: the block shows that the token was there while that was valid."""
    found = f"its certificate leads to {trusted.root_name}, of {file}, valid until {_moment(trusted.valid_until)}"
    return f"{found}; block {block.height:,} sealed it before that"


def _moment(time: datetime) -> str:
    return time.astimezone(UTC).strftime(MOMENT)
