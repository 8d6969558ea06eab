"""certificate.json read back: what its issuer found and added, from data that anybody may have written."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Any, TypeVar, cast

from notary import limits
from notary.certificate import BASES, DATA_NAME, Attached, Found, Issue, Party, read_moment
from notary.certificate_who import Vouched
from notary.core.declarations import DeclarationKind
from notary.core.header import Trust
from notary.core.strict_json import quoted, read_object
from notary.core.verdict import Outcome
from notary.errors import FormatError


def members_of(data: bytes) -> Mapping[str, Any]:
    """certificate.json's members. Raises FormatError."""
    return read_object(data, DATA_NAME, limits.CERTIFICATE_BYTES)


def read_found(data: Mapping[str, Any]) -> Found:
    """What certificate.json says was found about the block. Raises FormatError."""
    outcome = _one_of(Outcome, _member(data, "outcome", str))
    decisive = [one for one in _objects(data, "attestations") if one.get("decisive") is True]
    vouched = _read_vouched(data)
    if not decisive:
        return Found(outcome, vouched=vouched)
    if len(decisive) > 1:
        raise FormatError(f"{DATA_NAME}: it rests on several attestations")
    (one,) = decisive
    day = _member(one, "existed_by", str)
    try:
        date.fromisoformat(day)
    except ValueError:
        raise FormatError(f"{DATA_NAME}: existed_by is no date") from None
    return Found(
        outcome,
        _member(one, "height", int),
        _member(one, "block_hash", str),
        _member(one, "block_time", str),
        day,
        _trust(one),
        _member(one, "source", str),
        _member(one, "confirmations", int, is_optional=True),
        vouched,
    )


def _read_vouched(data: Mapping[str, Any]) -> Vouched:
    """What only the issuer says of keys, roots, and the block that the manifest names."""
    signature, token, named = (
        _member(data, key, dict, is_optional=True) or {} for key in ("signature", "token", "not_before")
    )
    names = _member(signature, "listed_as", list, is_optional=True)
    if names is not None and not all(isinstance(name, str) for name in names):
        raise FormatError(f"{DATA_NAME}: listed_as is no list of names")
    texts = ((signature, "listed_in"), (token, "root"), (token, "roots_from"), (named, "block_time"), (named, "source"))
    listed_in, root, roots_from, block_time, source = (_member(*one, str, is_optional=True) for one in texts)
    for one, other in ((names, listed_in), (root, roots_from), (block_time, source)):
        if (one is None) != (other is None):
            raise FormatError(f"{DATA_NAME}: what its issuer vouches for, and where it is from, do not go together")
    if block_time is not None and read_moment(block_time) is None:
        raise FormatError(f"{DATA_NAME}: block_time is no moment in UTC")
    trust = _trust(named) if named else Trust.NONE
    return Vouched(None if names is None else tuple(names), listed_in, root, roots_from, block_time, trust, source)


def _trust(data: Mapping[str, Any]) -> Trust:
    levels = {level.word: level for level in Trust}
    return levels.get(_member(data, "trust", str), Trust.NONE)


def read_issue(data: Mapping[str, Any]) -> Issue:
    """What its issuer added. Raises FormatError."""
    at = _member(data, "issued_at", str)
    if read_moment(at) is None:
        raise FormatError(f"{DATA_NAME}: issued_at is no moment in UTC")
    basis = _member(data, "issued_basis", str)
    if basis not in BASES:
        raise FormatError(f"{DATA_NAME}: issued_basis is none of {', '.join(BASES)}")
    party, bundle, declaration = (
        _member(data, key, dict, is_optional=True) for key in ("party", "bundle", "declaration")
    )
    return Issue(
        at,
        basis,
        _member(data, "software", str),
        _member(data, "matter", str, is_optional=True),
        party and Party(_member(party, "name", str), _member(party, "role", str, is_optional=True)),
        tuple(map(_pdf_facts, _objects(data, "pdf_facts"))),
        bundle
        and Attached(
            _member(bundle, "name", str),
            _member(bundle, "sha256", str),
            _member(bundle, "size", int),
            _member(bundle, "attached", bool),
        ),
        declaration and _one_of(DeclarationKind, _member(declaration, "kind", str)),
    )


def _pdf_facts(given: Mapping[str, Any]) -> dict[str, Any]:
    numbers, texts = ("pages", "signatures"), ("name", "title", "author", "created", "fault")
    if set(given) != {"index", *numbers, *texts}:
        raise FormatError(f"{DATA_NAME}: pdf_facts have other keys")
    _member(given, "index", int)
    for key in numbers:
        _member(given, key, int, is_optional=True)
    for key in texts:
        _member(given, key, str, is_optional=True)
    return dict(given)


def _member(data: Mapping[str, Any], key: str, kind: type, *, is_optional: bool = False) -> Any:
    value = data.get(key)
    if value is None and is_optional:
        return None
    if type(value) is not kind:
        raise FormatError(f"{DATA_NAME}: {key} is missing or of another kind")
    return value


def _objects(data: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    value = _member(data, key, list)
    if not all(isinstance(one, dict) for one in value):
        raise FormatError(f"{DATA_NAME}: {key} is no list of objects")
    return cast(list[dict[str, Any]], value)


Word = TypeVar("Word", bound=StrEnum)


def _one_of(words: type[Word], word: str) -> Word:
    try:
        return words(word)
    except ValueError:
        raise FormatError(f"{DATA_NAME}: {quoted(word)} is none of {', '.join(words)}") from None
