"""A claim's statement read out of its bag; and what its issuer found, read back out of certificate.json, which anybody
may have written."""

import hashlib
from collections.abc import Mapping
from typing import Any

from notary import limits
from notary.certificate import DATA_NAME, Issue
from notary.certificate_reading import (
    member,
    one_of,
    read_attached,
    read_found,
    read_issued_at,
    read_list_name,
    read_party,
)
from notary.core.bag import PAYLOAD
from notary.core.ots import read_proof
from notary.core.strict_json import quoted
from notary.edges.archive import Container, read_small
from notary.edges.header_files import parse_runs
from notary.errors import FormatError
from notary.registry.checking import ANCHOR_FILE, CHECKPOINT_FILE, HEADERS_FILE, HEADERS_INDEX, PROOF_FILE
from notary.registry.claim_certificate import ClaimFound, ClaimStatement, Missing, Signer
from notary.registry.core.claim import CLAIM_FILE, read_claim
from notary.registry.core.note import COSIGNATURE, ED25519, VerifierKey, read_note, read_vkey
from notary.registry.core.tlog_proof import read_tlog_proof
from notary.registry.core.trusted import Asserter


def read_claim_statement(container: Container) -> ClaimStatement:
    """What the claim states of itself. It has been checked: what cannot be read raises FormatError all the same."""
    anchored = read_small(container, CHECKPOINT_FILE, limits.NOTE_BYTES)
    proof = read_tlog_proof(read_small(container, PROOF_FILE, limits.TLOG_PROOF_BYTES))
    runs = None
    if {HEADERS_FILE, HEADERS_INDEX} <= container.numbers.keys():
        index = read_small(container, HEADERS_INDEX, limits.HEADERS_INDEX_BYTES)
        runs = parse_runs(index, read_small(container, HEADERS_FILE, limits.TREE_BYTES))
    packages = sorted(name for name in container.numbers if name.startswith(PAYLOAD))
    return ClaimStatement(
        read_claim(read_small(container, CLAIM_FILE, limits.REGISTRY_CLAIM_BYTES), CLAIM_FILE),
        (read_note(anchored), proof.note),
        hashlib.sha256(anchored).digest(),
        read_proof(read_small(container, ANCHOR_FILE, limits.PROOF_BYTES)),
        runs.network if runs else None,
        packages[0] if packages else None,
    )


def read_claim_issue(data: Mapping[str, Any]) -> Issue:
    """What its issuer added. Raises FormatError."""
    return Issue(
        read_issued_at(data),
        "issue",
        member(data, "software", str),
        member(data, "matter", str, is_optional=True),
        read_party(data),
        bundle=read_attached(data, "claim"),
    )


def read_claim_found(data: Mapping[str, Any]) -> ClaimFound:
    """What its issuer found. Raises FormatError."""
    missing = tuple(one_of(Missing, word) for word in _texts(data, "missing"))
    return ClaimFound(read_found(data), member(data, "network", str), missing, _signer(data))


def _signer(data: Mapping[str, Any]) -> Signer | None:
    signed, witnesses = (member(data, key, dict, is_optional=True) for key in ("signed", "witnesses"))
    if signed is None or witnesses is None:
        return None
    others = [member(signed, name, str, is_optional=True) for name in ("successor_of", "predecessor_of")]
    successor_of, predecessor_of = (None if other is None else _key(other, ED25519) for other in others)
    key = _key(member(signed, "key", str), ED25519)
    if None not in others or key in (successor_of, predecessor_of):
        raise FormatError(f"{DATA_NAME}: one key, and not {quoted(key.name)} itself, is listed")
    listed, quorum = _texts(witnesses, "listed"), member(witnesses, "quorum", int)
    if not 0 <= quorum <= len(listed):
        raise FormatError(f"{DATA_NAME}: quorum is no number from 0 to {len(listed)}")
    return Signer(
        key,
        read_list_name(signed, "listed_in"),
        one_of(Asserter, member(signed, "asserted_by", str)),
        successor_of,
        predecessor_of,
        tuple(_key(one, COSIGNATURE) for one in listed),
        quorum,
    )


def _texts(data: Mapping[str, Any], key: str) -> list[str]:
    texts: list[Any] = member(data, key, list)
    if len(texts) > limits.REGISTRY_WITNESSES or not all(isinstance(one, str) for one in texts):
        raise FormatError(f"{DATA_NAME}: {key} is no list of up to {limits.REGISTRY_WITNESSES} texts")
    return texts


def _key(text: str, type_: int) -> VerifierKey:
    key = read_vkey(text)
    if key.type != type_:
        raise FormatError(f"{DATA_NAME}: a key of type {key.type} in place of {type_}")
    return key
