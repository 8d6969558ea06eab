"""Who signed a manifest: whether the signature holds, by which key, and whose the verifier says that it is (check 7).

A signature shows that whoever held the key made it over these bytes. Only the verifier's own list names anybody.
"""

from dataclasses import dataclass
from datetime import datetime

from notary.core.block import Block
from notary.core.check import Check, failed, passed, skipped
from notary.core.facts import BundleFacts, SignerPolicy
from notary.core.openssh import PublicKey, UnsupportedKeyError, read_public_key
from notary.core.signature import NAMESPACE, Signature, read_signature, verify_signature
from notary.core.signers import matches_list, principals_of
from notary.errors import FormatError, NotaryError


@dataclass(frozen=True, slots=True)
class SignedBy:
    """The key of a signature that holds; `name` and `organisation` are only declared.

    `principals` are its names in the verifier's file `file` at the time of the block; none while there is no block.
    """

    key: PublicKey
    algorithm: str
    name: str | None
    organisation: str | None
    principals: tuple[str, ...]
    file: str


def find_signer(bundle: BundleFacts, block: Block | None, policy: SignerPolicy) -> tuple[SignedBy | None, Check]:
    """Check 7, and the signer if the signature holds."""
    manifest = bundle.manifest
    stated = manifest.signer if manifest else None
    expected = "a signature over the manifest by the key that it names"
    if manifest is None:
        return None, skipped(7, "there is no manifest that could be signed")
    if bundle.signature is None:
        if stated:
            return None, failed(7, expected, "the manifest names a signer, and there is no signature")
        if policy.is_required or policy.required:
            return None, failed(7, "a signature: your policy demands one", "no signature in this bundle")
        return None, skipped(7, "no signature in this bundle")
    try:
        signature = read_signature(bundle.signature)
        verify_signature(signature, bundle.manifest_bytes)
    except UnsupportedKeyError as error:
        if policy.is_required or policy.required or policy.algorithms is not None:
            return None, failed(7, "a signature that your policy accepts", error.message)
        if stated and _can_be_checked(stated.key):
            return None, failed(7, f"{expected}, {stated.key}", f"it is by another key: {error.message}")
        return None, skipped(7, f"not checked: {error.message}", expected)
    except NotaryError as error:
        return None, failed(7, expected, error.message)
    if stated and (stated.key, stated.did) != (signature.key.line, signature.key.did):
        return None, failed(7, f"{expected}, {stated.key}", f"it is by the key {signature.key.fingerprint}")
    if policy.algorithms is not None and signature.algorithm not in policy.algorithms:
        unfit = f"the algorithm {signature.algorithm} is not among {', '.join(sorted(policy.algorithms))}"
        return None, failed(7, "a signature that your policy accepts", unfit)
    principals: tuple[str, ...] = ()
    if block:
        principals = principals_of(policy.known or (), signature.key, NAMESPACE, datetime.fromisoformat(block.time))
        if fault := _unmet(signature, principals, block.time, policy):
            return None, failed(7, "a signature that your policy accepts", fault)
    name, organisation = (stated.name, stated.organisation) if stated else (None, None)
    signer = SignedBy(signature.key, signature.algorithm, name, organisation, principals, policy.file)
    found = f"signed with the {signature.key.kind} key {signature.key.fingerprint}"
    if principals:
        found += f", which {policy.file} lists as {', '.join(principals)}"
    elif policy.known is not None and block:
        found += f", which {policy.file} does not list for {block.time}"
    elif policy.known is not None:
        # A list holds for some time, and so far only a stranger's clock says when this was.
        found += f"; no block dates it yet: then {policy.file} is asked whose it was at that time"
        return signer, skipped(7, found, expected)
    return signer, passed(7, expected, found)


def _can_be_checked(key: str) -> bool:
    try:
        read_public_key(key)
    except FormatError:
        return False
    return True


def _unmet(signature: Signature, principals: tuple[str, ...], at: str, policy: SignerPolicy) -> str | None:
    """What a policy demands of the signer and this signature does not meet."""
    if policy.is_required and policy.known is not None and not principals:
        return f"by the key {signature.key.fingerprint}, which {policy.file} does not list for {at}"
    if policy.required and not any(matches_list(name, principals) for name in policy.required):
        wanted = " or ".join(policy.required)
        return f"by the key {signature.key.fingerprint}, which is not that of {wanted} in {policy.file}"
    return None
