"""Whom a reader of registers trusts: his registries.toml.

    [[registry]]
    origin = "registry.example.org/ip"                  # as in its checkpoints
    url = "https://registry.example.org/ip"             # or: folder = "/srv/registers/example"
    vkey = "registry.example.org/ip+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    offices = ["XX"]                                    # for which its key may speak; [] for none
    witnesses = ["witness.example+...", "..."]          # vkeys; left out: none
    quorum = 2                                          # of those have to have cosigned; needed with witnesses
    stale_after = 30                                    # days after which its head is too old; left out: never

It is the reader's own and no registry's: nothing that a registry says changes it. An unknown key is an error, so that
a misspelt `quorum` does not quietly ask for less.
"""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from notary import limits
from notary.core.strict_json import quoted
from notary.errors import FormatError
from notary.registry.core.links import check_origin, check_url
from notary.registry.core.note import COSIGNATURE, ED25519, VerifierKey, read_vkey
from notary.registry.core.offices import check_office

_REQUIRED = {"origin", "vkey", "offices"}
_KEYS = _REQUIRED | {"url", "folder", "witnesses", "quorum", "stale_after"}


@dataclass(frozen=True, slots=True)
class TrustedRegistry:
    """A registry that the reader follows. Exactly one of `url` and `folder`; `stale_after` in days, None for never."""

    origin: str
    key: VerifierKey
    offices: frozenset[str]
    url: str | None = None
    folder: str | None = None
    witnesses: tuple[VerifierKey, ...] = ()
    quorum: int = 0
    stale_after: int | None = None


class Asserter(StrEnum):
    """Whose word an entry is."""

    OFFICE = "office-asserted"
    APPLICANT = "applicant-asserted"


def asserted_by(registry: TrustedRegistry | None, office: str) -> Asserter:
    """Whose word an entry about an application at `office` is, in a register whose checkpoint this registry's key
    signed; None where no trusted key did."""
    may_speak = registry is not None and office in registry.offices
    return Asserter.OFFICE if may_speak else Asserter.APPLICANT


def trusted_for(registries: Iterable[TrustedRegistry], origin: str) -> TrustedRegistry | None:
    """The registry of this origin, if it is trusted."""
    return next((one for one in registries if one.origin == origin), None)


def read_trusted(data: bytes, name: str) -> tuple[TrustedRegistry, ...]:
    """The registries of a registries.toml, in its order. Raises FormatError, which says `name` and the registry."""
    if len(data) > limits.REGISTRIES_BYTES:
        raise FormatError(f"{name} is over {limits.REGISTRIES_BYTES:,} bytes")
    try:
        document = tomllib.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{name} is not TOML: {error}") from None
    tables = document.pop("registry", [])
    if document:
        unknown = quoted(next(iter(document)))
        raise FormatError(f"{name} has the unknown key {unknown}", "each registry is a [[registry]]")
    if not (isinstance(tables, list) and all(isinstance(one, dict) for one in tables)):
        raise FormatError(f"{name}: registry is no list of tables", "each registry is a [[registry]]")
    if len(tables) > limits.REGISTRIES:
        raise FormatError(f"{name} has over {limits.REGISTRIES} registries")
    found = tuple(_registry(table, f"{name}: registry {number}") for number, table in enumerate(tables, 1))
    _refuse_repeated([one.origin for one in found], f"{name}: two registries have the origin")
    _refuse_repeated([one.key.public_key.hex() for one in found], f"{name}: two registries have the public key")
    return found


def _registry(table: dict[str, Any], what: str) -> TrustedRegistry:
    for name in table:
        if name not in _KEYS:
            raise FormatError(f"{what} has the unknown key {quoted(name)}", f"the keys are {', '.join(sorted(_KEYS))}")
    for name in sorted(_REQUIRED):
        if name not in table:
            raise FormatError(f"{what} has no {name}")
    origin = check_origin(table["origin"], f"{what}: origin")
    what = f"{what}, {origin}"
    if ("url" in table) == ("folder" in table):
        raise FormatError(f"{what} has either url or folder")
    url = check_url(table["url"], f"{what}: url", with_query=False) if "url" in table else None
    folder = _text(table["folder"], f"{what}: folder") if "folder" in table else None
    offices = [check_office(one, f"{what}: offices") for one in _list(table["offices"], f"{what}: offices")]
    witnesses = tuple(
        _key(one, COSIGNATURE, f"{what}: witnesses") for one in _list(table.get("witnesses", []), f"{what}: witnesses")
    )
    if len(witnesses) > limits.REGISTRY_WITNESSES:
        raise FormatError(f"{what} has over {limits.REGISTRY_WITNESSES} witnesses")
    key = _key(table["vkey"], ED25519, f"{what}: vkey")
    # By the key itself: under two names, or as its own witness, one party would count twice.
    keys = [one.public_key.hex() for one in (key, *witnesses)]
    _refuse_repeated(keys, f"{what}: it has, as its key and its witnesses, twice the public key")
    return TrustedRegistry(
        origin,
        key,
        frozenset(offices),
        url,
        folder,
        witnesses,
        _quorum(table, len(witnesses), what),
        _number(table["stale_after"], 1, limits.REGISTRY_STALE_DAYS, f"{what}: stale_after")
        if "stale_after" in table
        else None,
    )


def _quorum(table: dict[str, Any], witnesses: int, what: str) -> int:
    if not witnesses and "quorum" not in table:
        return 0
    if "quorum" not in table:
        raise FormatError(f"{what} has witnesses and no quorum", "say how many of them have to have cosigned")
    return _number(table["quorum"], 0, witnesses, f"{what}: quorum")


def _number(value: object, least: int, most: int, what: str) -> int:
    if type(value) is not int or not least <= value <= most:
        raise FormatError(f"{what} is no whole number from {least} to {most}: {quoted(value)}")
    return value


def _text(value: object, what: str) -> str:
    if not isinstance(value, str) or not value or "\0" in value:
        raise FormatError(f"{what} is not text: {quoted(value)}")
    return value


def _list(value: object, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise FormatError(f"{what} is no list: {quoted(value)}")
    return value


def _key(value: object, type_: int, what: str) -> VerifierKey:
    try:
        key = read_vkey(_text(value, what))
    except FormatError as error:
        raise FormatError(f"{what}: {error.message}", *error.hints) from None
    if key.type != type_:
        wanted = "a witness's cosignatures" if type_ == COSIGNATURE else "checkpoints"
        raise FormatError(f"{what}: {quoted(value)} is a key of type {key.type}; one of type {type_} signs {wanted}")
    return key


def _refuse_repeated(names: list[str], what: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise FormatError(f"{what} {quoted(name)}")
        seen.add(name)
