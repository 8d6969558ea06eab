"""A policy: what a verifier demands of every proof, in one TOML file that the verifier holds.

Firms keep one, and courts may publish one. Nothing that is verified can change it, and `notary.demanding` lets options
and settings only add to it. A key that is left out demands nothing. A path begins in the file's own folder.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from notary import limits
from notary.core.header import NETWORKS, Trust
from notary.errors import InputError, reason_of
from notary.wire import check_url

ALGORITHMS = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-256",
    "rsa-sha2-512",
)
"""What a policy may name: the signature algorithms that this release verifies, by the names that OpenSSH gives them."""


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """What a file demands; None, False or nothing where it says nothing.

    `networks` are those whose proofs count, `require` the least trust in a header. `explorers` are the only ones whose
    word counts; there may be none. `signers` is a file in OpenSSH's format of allowed signers, and one of
    `required_signers` has to have signed, by a name that this file gives to the key. `algorithms` are the signatures'.
    `tsa_policies` are those under which a token counts (RFC 3161, TSAPolicyId).
    """

    networks: tuple[str, ...] | None = None
    require: Trust | None = None
    confirmations: int | None = None
    explorers: tuple[str, ...] | None = None
    min_explorers: int | None = None
    signers: Path | None = None
    require_signature: bool = False
    required_signers: tuple[str, ...] = ()
    algorithms: frozenset[str] | None = None
    tsa_roots: Path | None = None
    require_token: bool = False
    tsa_policies: tuple[str, ...] = ()


_OID = re.compile(r"[0-2](?:\.(?:0|[1-9][0-9]{0,38})){1,30}", re.ASCII)

KEYS = tuple(field.name for field in fields(PolicyFile))


def read_policy(path: Path) -> PolicyFile:
    """The policy in a file that the user named.

    Raises InputError, naming the file and the key, for what cannot be read, is malformed, or contradicts itself.
    """
    values: dict[str, Any] = {}
    for key, value in _read(path).items():
        if key not in KEYS:
            raise InputError(f"{path}: there is no demand {key!r}", f"a policy's keys are {', '.join(KEYS)}")
        values[key] = _CHECKS[key](value, f"{path}: {key}", path.parent)
    policy = PolicyFile(**values)
    if policy.explorers is not None and policy.min_explorers and policy.min_explorers > len(policy.explorers) > 0:
        raise InputError(f"{path}: min_explorers is more than there are explorers")
    return policy


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: not a file")
        with path.open("rb") as stream:
            data = stream.read(limits.POLICY_BYTES + 1)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {reason_of(error)}") from None
    if len(data) > limits.POLICY_BYTES:
        raise InputError(f"{path}: over {limits.POLICY_BYTES:,} bytes; not a policy")
    import tomllib

    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not TOML: {error}") from None


def _truth(value: Any, where: str, _: Path) -> bool:
    if type(value) is not bool:
        raise InputError(f"{where} has to be true or false")
    return value


def _number(value: Any, where: str, _: Path) -> int:
    if type(value) is not int or not 1 <= value <= limits.POLICY_NUMBER:
        raise InputError(f"{where} has to be a whole number from 1 to {limits.POLICY_NUMBER:,}")
    return value


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise InputError(f"{where} has to be a text, in one line")
    return value


def _path(value: Any, where: str, folder: Path) -> Path:
    try:
        return folder / Path(_text(value, where)).expanduser()
    except RuntimeError:
        raise InputError(f"{where}: {value!r} begins with the home of nobody") from None


def _list(value: Any, where: str, _: Path) -> tuple[str, ...]:
    """Texts, each once; one at least, since where nothing would do, nothing could be verified."""
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise InputError(f"{where} has to be a list of texts")
    if not value:
        raise InputError(f"{where} names none", "leave the key out to demand nothing")
    return tuple(dict.fromkeys(_text(one, where) for one in value))


def _names_of(known: tuple[str, ...], thing: str) -> Callable[[Any, str, Path], tuple[str, ...]]:
    def check(value: Any, where: str, folder: Path) -> tuple[str, ...]:
        names = _list(value, where, folder)
        for name in names:
            if name not in known:
                raise InputError(f"{where}: unknown {thing} {name!r}", f"known are {', '.join(known)}")
        return names

    return check


def _explorers(value: Any, where: str, folder: Path) -> tuple[str, ...]:
    if value == []:  # none is to be asked
        return ()
    return tuple(dict.fromkeys(check_url(url, f"{where}: the explorer") for url in _list(value, where, folder)))


def _trust(value: Any, where: str, _: Path) -> Trust:
    levels = {level.word: level for level in Trust if level is not Trust.NONE}
    name = _text(value, where)
    if name not in levels:
        raise InputError(f"{where}: unknown trust {name!r}", f"the levels are {', '.join(levels)}")
    return levels[name]


def _policy_ids(value: Any, where: str, folder: Path) -> tuple[str, ...]:
    ids = _list(value, where, folder)
    for one in ids:
        if not _OID.fullmatch(one):
            raise InputError(f"{where}: {one!r} is no object identifier", "they are such as 1.3.6.1.4.1.601.10.3.1")
    return ids


_network_names = _names_of(tuple(NETWORKS), "network")
_algorithm_names = _names_of(ALGORITHMS, "algorithm")

_CHECKS: dict[str, Callable[[Any, str, Path], Any]] = {
    "networks": _network_names,
    "require": _trust,
    "confirmations": _number,
    "explorers": _explorers,
    "min_explorers": _number,
    "signers": _path,
    "require_signature": _truth,
    "required_signers": _list,
    "algorithms": lambda value, where, folder: frozenset(_algorithm_names(value, where, folder)),
    "tsa_roots": _path,
    "require_token": _truth,
    "tsa_policies": _policy_ids,
}
