"""certificate.json read back: what its issuer found and added, from data that anybody may have written."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from enum import StrEnum
from typing import Any, TypeVar, cast

from notary import limits
from notary.certificate import BASES, DATA_NAME, Attached, Found, Issue, Party, read_moment
from notary.certificate_who import Vouched, list_name
from notary.core.declarations import DeclarationKind
from notary.core.header import Trust
from notary.core.strict_json import quoted, read_object
from notary.core.verdict import Outcome
from notary.errors import FormatError
from notary.reporting import plural


def members_of(data: bytes) -> Mapping[str, Any]:
    """certificate.json's members. Raises FormatError."""
    return read_object(data, DATA_NAME, limits.CERTIFICATE_BYTES)


def read_found(data: Mapping[str, Any]) -> Found:
    """What certificate.json says was found about the block. Raises FormatError."""
    outcome = one_of(Outcome, member(data, "outcome", str))
    decisive = [one for one in objects(data, "attestations") if one.get("decisive") is True]
    vouched = _read_vouched(data)
    if len(decisive) != (outcome is Outcome.VERIFIED):
        raise FormatError(f"{DATA_NAME}: {outcome}, and it rests on {plural(len(decisive), 'attestation')}")
    if not decisive:
        return Found(outcome, vouched=vouched)
    (one,) = decisive
    confirmations = member(one, "confirmations", int, is_optional=True)
    if confirmations is not None and confirmations < 0:
        raise FormatError(f"{DATA_NAME}: confirmations are below 0")
    return Found(
        outcome,
        member(one, "height", int),
        member(one, "merkle_root", str),
        member(one, "block_hash", str),
        _moment(one, "block_time"),
        _day(one, "existed_by"),
        _trust(one),
        member(one, "source", str),
        confirmations,
        vouched,
    )


def _day(data: Mapping[str, Any], key: str) -> str:
    day: str = member(data, key, str)
    with suppress(ValueError):
        if date.fromisoformat(day).isoformat() == day:  # it takes days of weeks too
            return day
    raise FormatError(f"{DATA_NAME}: {key} is no date")


def _moment(data: Mapping[str, Any], key: str) -> str:
    moment: str = member(data, key, str)
    if read_moment(moment) is None:
        raise FormatError(f"{DATA_NAME}: {key} is no moment in UTC")
    return moment


def read_list_name(data: Mapping[str, Any], key: str) -> str:
    """The name of a list that the issuer goes by, as `list_name` gives it. Raises FormatError."""
    name: str = member(data, key, str)
    if not name or "/" in name or name != list_name(name):
        raise FormatError(f"{DATA_NAME}: {key} is no name of a file")
    return name


def _read_vouched(data: Mapping[str, Any]) -> Vouched:
    """What only the issuer says of keys, roots, and the block that the manifest names."""
    signature, token, named = (
        member(data, key, dict, is_optional=True) or {} for key in ("signature", "token", "not_before")
    )
    names = member(signature, "listed_as", list, is_optional=True)
    if names is not None and not all(isinstance(name, str) for name in names):
        raise FormatError(f"{DATA_NAME}: listed_as is no list of names")
    texts = ((token, "root"), (named, "block_time"), (named, "source"))
    root, block_time, source = (member(*one, str, is_optional=True) for one in texts)
    lists = ((signature, "listed_in"), (token, "roots_from"))
    listed_in, roots_from = (None if one.get(key) is None else read_list_name(one, key) for one, key in lists)
    for one, other in ((names, listed_in), (root, roots_from), (block_time, source)):
        if (one is None) != (other is None):
            raise FormatError(f"{DATA_NAME}: what its issuer vouches for, and where it is from, do not go together")
    if block_time is not None:
        _moment(named, "block_time")
    trust = _trust(named) if named else Trust.NONE
    return Vouched(None if names is None else tuple(names), listed_in, root, roots_from, block_time, trust, source)


def _trust(data: Mapping[str, Any]) -> Trust:
    levels = {level.word: level for level in Trust}
    return levels.get(member(data, "trust", str), Trust.NONE)


def read_issue(data: Mapping[str, Any]) -> Issue:
    """What its issuer added. Raises FormatError."""
    at = read_issued_at(data)
    basis = member(data, "issued_basis", str)
    if basis not in BASES:
        raise FormatError(f"{DATA_NAME}: issued_basis is none of {', '.join(BASES)}")
    declaration = member(data, "declaration", dict, is_optional=True)
    return Issue(
        at,
        basis,
        member(data, "software", str),
        member(data, "matter", str, is_optional=True),
        read_party(data),
        tuple(map(_pdf_facts, objects(data, "pdf_facts"))),
        read_attached(data, "bundle"),
        None if declaration is None else one_of(DeclarationKind, member(declaration, "kind", str)),
    )


def read_issued_at(data: Mapping[str, Any]) -> str:
    """When it was issued. Raises FormatError."""
    return _moment(data, "issued_at")


def read_party(data: Mapping[str, Any]) -> Party | None:
    """Who says that they notarized, if anybody does. Raises FormatError."""
    party = member(data, "party", dict, is_optional=True)
    return None if party is None else Party(member(party, "name", str), member(party, "role", str, is_optional=True))


def read_attached(data: Mapping[str, Any], key: str) -> Attached | None:
    """What goes with the certificate, by its member `key`. Raises FormatError."""
    one = member(data, key, dict, is_optional=True)
    if one is None:
        return None
    return Attached(
        member(one, "name", str), member(one, "sha256", str), member(one, "size", int), member(one, "attached", bool)
    )


def _pdf_facts(given: Mapping[str, Any]) -> dict[str, Any]:
    numbers, texts = ("pages", "signatures"), ("name", "title", "author", "created", "fault")
    if set(given) != {"index", *numbers, *texts}:
        raise FormatError(f"{DATA_NAME}: pdf_facts have other keys")
    member(given, "index", int)
    for key in numbers:
        member(given, key, int, is_optional=True)
    for key in texts:
        member(given, key, str, is_optional=True)
    return dict(given)


def member(data: Mapping[str, Any], key: str, kind: type, *, is_optional: bool = False) -> Any:
    """The member `key`, of exactly this kind; None where it is optional and not there. Raises FormatError."""
    value = data.get(key)
    if value is None and is_optional:
        return None
    if type(value) is not kind:
        raise FormatError(f"{DATA_NAME}: {key} is missing or of another kind")
    return value


def objects(data: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """The member `key`, a list of objects. Raises FormatError."""
    value = member(data, key, list)
    if not all(isinstance(one, dict) for one in value):
        raise FormatError(f"{DATA_NAME}: {key} is no list of objects")
    return cast(list[dict[str, Any]], value)


Word = TypeVar("Word", bound=StrEnum)


def one_of(words: type[Word], word: str) -> Word:
    """The one of `words` that `word` is. Raises FormatError."""
    try:
        return words(word)
    except ValueError:
        raise FormatError(f"{DATA_NAME}: {quoted(word)} is none of {', '.join(words)}") from None
