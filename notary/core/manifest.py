"""The manifest: the small JSON statement about a batch (DESIGN section 2). It is written once and kept as bytes."""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from notary import limits
from notary.core.digest import DIGEST_BYTES
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
class Manifest:
    """What a manifest states. `declared_at` is RFC 3339 in UTC, by the clock of the machine that stamped.

    `names_block` says whether there is a `not_before`, which this release neither writes nor reads.
    """

    root: bytes
    size: int
    network: str
    declared_at: str
    tool: str
    title: str | None = None
    names_block: bool = False


def write_manifest(manifest: Manifest) -> bytes:
    """The bytes to keep: JSON for people to read, keys in the order of the format's description.

    Raises FormatError for a title that is not Unicode.
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
    try:
        return json.dumps(members, indent=2, ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError:
        raise FormatError("the title is not valid Unicode") from None


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
    return Manifest(
        root=root,
        size=size,
        network=members["network"],
        declared_at=members["declared_at"],
        tool=members["tool"],
        title=members.get("title"),
        names_block="not_before" in members,
    )


def _is_moment(text: str) -> bool:
    try:
        return _MOMENT.fullmatch(text) is not None and bool(datetime.fromisoformat(text))
    except ValueError:
        return False
