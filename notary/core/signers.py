"""A verifier's file of allowed signers: which names go with which keys (ssh-keygen(1), ALLOWED SIGNERS).

    # principals, options, key
    ada@example.com namespaces="notary-manifest@v1",valid-before="20300101Z" ssh-ed25519 AAAA... a comment

It is read more strictly than ssh-keygen does, which skips a line that it cannot read: here that is an error, because
somebody relies on the line. Keys of certificate authorities and of types that are not accepted are passed over, with a
note.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from notary import limits
from notary.core.openssh import PublicKey, UnsupportedKeyError, read_public_key
from notary.core.strict_json import quoted
from notary.errors import FormatError

_PRINCIPALS = re.compile(r'"([^"]*)"[ \t]+|([^ \t"]+)[ \t]+')
_OPTION = re.compile(r'([A-Za-z-]+)(?:="((?:[^"\\]|\\.)*)")?')
_KEY_TYPE = re.compile(r"[a-z0-9-]+(?:@[a-z0-9.-]+)?[ \t]+AAAA")
_TIMES = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class AllowedSigner:
    """One line: the key may sign under `principals` (patterns), where and when the rest allows it.

    `namespaces` is a list of patterns as ssh_config(5) has them, None for any namespace. Both times are inclusive. A
    line that is passed over has no key, and the reason in `note`.
    """

    line: int
    principals: tuple[str, ...]
    key: PublicKey | None
    namespaces: tuple[str, ...] | None = None
    valid_after: datetime | None = None
    valid_before: datetime | None = None
    note: str | None = None


def read_signers(data: bytes, zone: tzinfo | None = UTC) -> tuple[AllowedSigner, ...]:
    """The file's lines. `zone` is where times without a `Z` are meant; None is this system's, as ssh-keygen has it.

    Raises FormatError, naming the line, for one that is malformed.
    """
    if len(data) > limits.SIGNERS_BYTES:
        raise FormatError(f"the file of signers is longer than {limits.SIGNERS_BYTES} bytes")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise FormatError("the file of signers is not UTF-8 text") from None
    entries = []
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.strip(" \t\r")
        if not line or line.startswith("#"):
            continue
        try:
            entries.append(_entry(number, line, zone))
        except FormatError as error:
            raise FormatError(f"line {number}: {error.message}", *error.hints) from None
    return tuple(entries)


def principals_of(signers: Iterable[AllowedSigner], key: PublicKey, namespace: str, at: datetime) -> tuple[str, ...]:
    """The principals under which `key` may sign for `namespace` at the moment `at` (aware), each once, as written.

    They may be patterns such as `*@example.com`; what a pattern excepts with `!` is not among them.
    """
    found = [
        principal
        for entry in signers
        if entry.key == key
        and (entry.namespaces is None or matches_list(namespace, entry.namespaces))
        and (entry.valid_after is None or entry.valid_after <= at)
        and (entry.valid_before is None or at <= entry.valid_before)
        for principal in entry.principals
        if principal and not principal.startswith("!")
    ]
    return tuple(dict.fromkeys(found))


def matches_list(text: str, patterns: Sequence[str]) -> bool:
    """Whether `text` fits one of the patterns, and none that a `!` stands before (ssh_config(5), PATTERNS)."""
    if any(_matches(text, pattern[1:]) for pattern in patterns if pattern.startswith("!")):
        return False
    return any(_matches(text, pattern) for pattern in patterns if not pattern.startswith("!"))


def _matches(text: str, pattern: str) -> bool:
    """Whether `text` fits `pattern`, where `*` is any text and `?` one character; in time text times pattern."""
    at = place = 0
    star = resume = -1
    while at < len(text):
        if place < len(pattern) and pattern[place] == "*":
            star, resume = place, at
            place += 1
        elif place < len(pattern) and pattern[place] in ("?", text[at]):
            at, place = at + 1, place + 1
        elif star >= 0:
            resume += 1
            at, place = resume, star + 1
        else:
            return False
    return not pattern[place:].strip("*")


def _entry(number: int, line: str, zone: tzinfo | None) -> AllowedSigner:
    if len(line) > limits.SSH_LINE_BYTES or not line.replace("\t", " ").isprintable():
        raise FormatError(f"longer than {limits.SSH_LINE_BYTES} characters, or with some that are not plain text")
    found = _PRINCIPALS.match(line)
    if found is None:
        raise FormatError("principals and a key are expected")
    principals = tuple((found[1] or found[2] or "").split(","))
    options, rest = _options(line[found.end() :])
    after, before = (
        _moment(options[name], zone) if name in options else None for name in ("valid-after", "valid-before")
    )
    if after and before and before <= after:
        raise FormatError("valid-before is not after valid-after")
    namespaces = tuple(options["namespaces"].split(",")) if "namespaces" in options else None
    key, note = None, None
    try:
        key = read_public_key(rest)
        if "cert-authority" in options:
            key, note = None, "certificates are not supported"
    except UnsupportedKeyError as error:
        note = error.message
    return AllowedSigner(number, principals, key, namespaces, after, before, note)


def _options(text: str) -> tuple[dict[str, str], str]:
    """The options before the key, by their names in lower case, and the rest of the line."""
    options: dict[str, str] = {}
    if _KEY_TYPE.match(text):
        return options, text
    at = 0
    while True:
        found = _OPTION.match(text, at)
        name = found[1].lower() if found else ""
        if found is None or name not in {"cert-authority", "namespaces", "valid-after", "valid-before"}:
            raise FormatError(f"neither a key nor an option begins with {quoted(text[at : at + 20])}")
        if name in options or (found[2] is None) != (name == "cert-authority"):
            raise FormatError(f"the option {name} is there twice, or its value is not in quotation marks")
        options[name] = (found[2] or "").replace('\\"', '"')
        at = found.end()
        if text[at : at + 1] != ",":
            break
        at += 1
    rest = text[at:].lstrip(" \t")
    if rest == text[at:]:
        raise FormatError("a blank and a key are expected after the options")
    return options, rest


def _moment(text: str, zone: tzinfo | None) -> datetime:
    """YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, with a Z for UTC."""
    digits = text.removesuffix("Z")
    try:
        if not (digits.isascii() and digits.isdecimal()):
            raise ValueError
        naive = datetime.strptime(digits, _TIMES[len(digits)])
        where = UTC if digits != text else zone
        moment = naive.replace(tzinfo=where) if where else naive.astimezone()
    except (KeyError, ValueError, OverflowError):
        raise FormatError(f"{quoted(text)} is no time such as 20300101Z or 20300101093000Z") from None
    if moment <= _EPOCH:
        raise FormatError(f"{quoted(text)} is before 1970")
    return moment
