"""The manifest: the small JSON statement about a batch (DESIGN section 2). It is written once and kept as bytes."""

import json
import re
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from notary import limits
from notary.core.digest import DIGEST_BYTES
from notary.core.header import shown
from notary.core.strict_json import hex_field, quoted, read_object
from notary.errors import FormatError

FORMAT = "notary/v1"

MOMENT = "%Y-%m-%dT%H:%M:%SZ"
"""How times are written: RFC 3339, UTC, to the second."""

_REQUIRED = frozenset({"format", "root", "size", "network", "declared_at", "tool"})
_OPTIONAL = frozenset({"title", "previous", "not_before", "signer", "policy"})
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:\d\dZ", re.ASCII)


class UnknownVersionError(FormatError):
    """A manifest of a format that this release does not know."""


@dataclass(frozen=True, slots=True)
class NamedBlock:
    """A block that the manifest names: nobody knew its hash before it was mined. `hash` is in the order of headers."""

    network: str
    height: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class StatedSigner:
    """Who signed, as the manifest states it: the key as OpenSSH writes it, its did:key, and what is only declared."""

    key: str
    did: str
    name: str | None = None
    organisation: str | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a manifest states. `declared_at` is RFC 3339 in UTC, by the clock of the machine that stamped.

    `previous` is the head of the ledger's batch before it, on the same network and by the same signer.
    """

    root: bytes
    size: int
    network: str
    declared_at: str
    tool: str
    title: str | None = None
    previous: bytes | None = None
    not_before: NamedBlock | None = None
    signer: StatedSigner | None = None


def write_manifest(manifest: Manifest) -> bytes:
    """The bytes to keep: JSON for people to read, keys in the order of the format's description.

    Raises FormatError for a text that is not Unicode.
    """
    members: dict[str, Any] = {
        "format": FORMAT,
        "root": manifest.root.hex(),
        "size": manifest.size,
        "network": manifest.network,
        "declared_at": manifest.declared_at,
        "tool": manifest.tool,
    }
    if manifest.title is not None:
        members["title"] = manifest.title
    if manifest.previous is not None:
        members["previous"] = manifest.previous.hex()
    if block := manifest.not_before:
        members["not_before"] = {"network": block.network, "height": block.height, "hash": shown(block.hash)}
    if signer := manifest.signer:
        members["signer"] = {key: value for key, value in asdict(signer).items() if value is not None}
    try:
        return json.dumps(members, indent=2, ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError:
        raise FormatError("the title, or a name, is not valid Unicode") from None


def read_manifest(data: bytes) -> Manifest:
    """What the manifest's bytes state.

    Raises UnknownVersionError for another `format`; FormatError for a missing or unknown key, a key that is there
    twice, a value of the wrong type, or bytes after the object.
    """
    what = "the manifest"
    members = read_object(data, what, limits.MANIFEST_BYTES)
    if members.get("format") != FORMAT:
        raise UnknownVersionError(
            f"the manifest's format is {quoted(members.get('format'))}; this release reads {FORMAT!r}",
            "a newer release of notary may read it",
        )
    missing, unknown = _REQUIRED - set(members), set(members) - _REQUIRED - _OPTIONAL
    if missing or unknown:
        fault = f"lacks {sorted(missing)[0]!r}" if missing else f"has the unknown key {quoted(sorted(unknown)[0])}"
        raise FormatError(f"{what} {fault}")
    size = members["size"]
    if type(size) is not int or not 0 < size <= limits.BATCH_ITEMS:
        raise FormatError(f"{what}: size is not a number of items")
    for key in ("network", "declared_at", "tool", "title"):
        value = members.get(key, "")
        if not (isinstance(value, str) and len(value) <= limits.DECLARED_TEXT):
            raise FormatError(f"{what}: {key} is not a short text")
    if not _is_moment(members["declared_at"]):
        raise FormatError(f"{what}: declared_at is not a moment in UTC such as 2019-08-03T10:00:00Z")
    root = hex_field(members, "root", DIGEST_BYTES, what)
    previous = hex_field(members, "previous", DIGEST_BYTES, what) if "previous" in members else None
    return Manifest(
        root=root,
        size=size,
        network=members["network"],
        declared_at=members["declared_at"],
        tool=members["tool"],
        title=members.get("title"),
        previous=previous,
        not_before=_named_block(members["not_before"]) if "not_before" in members else None,
        signer=_stated_signer(members["signer"]) if "signer" in members else None,
    )


def _named_block(value: Any) -> NamedBlock:
    what = "the manifest's not_before"
    if not isinstance(value, dict) or value.keys() != {"network", "height", "hash"}:
        raise FormatError(f"{what} does not have exactly network, height and hash")
    network, height = value["network"], value["height"]
    if not (isinstance(network, str) and len(network) <= limits.DECLARED_TEXT):
        raise FormatError(f"{what}: network is not a short text")
    if type(height) is not int or not 0 <= height <= limits.BLOCK_HEIGHT:
        raise FormatError(f"{what}: height is no block's")
    return NamedBlock(network, height, hex_field(value, "hash", DIGEST_BYTES, what)[::-1])


def _stated_signer(value: Any) -> StatedSigner:
    what = "the manifest's signer"
    if not isinstance(value, dict) or not {"key", "did"} <= value.keys() <= {"key", "did", "name", "organisation"}:
        raise FormatError(f"{what} has not key and did, or more than name and organisation beside them")
    for key, text in value.items():
        if not (isinstance(text, str) and len(text) <= limits.DECLARED_TEXT):
            raise FormatError(f"{what}: {key} is not a short text")
    return StatedSigner(**value)


def _is_moment(text: str) -> bool:
    try:
        return _MOMENT.fullmatch(text) is not None and bool(datetime.fromisoformat(text))
    except ValueError:
        return False
