"""Names that lead elsewhere: a registry's origin, a link to one of its entries, a web address.

A link names the entry by its place and by its leaf hash, so that following it shows whether it is still the same:

    notary:registry.example.org/ip/411#9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    notary:ORIGIN/INDEX#LEAFHASH
"""

import re
from dataclasses import dataclass

from notary import limits
from notary.core.digest import DIGEST_BYTES
from notary.core.strict_json import quoted
from notary.errors import FormatError

# Narrower than the key names of C2SP signed-note, which only bar blanks and `+`: a link has to survive a mail.
_ORIGIN = re.compile(r"[A-Za-z0-9._~-]+(?:/[A-Za-z0-9._~-]+)*")
_LINK = re.compile(rf"notary:({_ORIGIN.pattern})/(0|[1-9][0-9]{{0,15}})#([0-9a-f]{{{2 * DIGEST_BYTES}}})")

# RFC 3986 without user information: a name and a password in an address are credentials.
_URL = re.compile(
    r"https?://(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
    r"(?P<path>/[A-Za-z0-9._~:/@!$&'()*+,;=%-]*)?(?P<rest>[?#][A-Za-z0-9._~:/?#@!$&'()*+,;=%-]*)?"
)


@dataclass(frozen=True, slots=True)
class Link:
    """An entry of a registry: its origin, the entry's index from 0, and its leaf hash of 32 bytes."""

    origin: str
    index: int
    leaf: bytes

    def __str__(self) -> str:
        return f"notary:{self.origin}/{self.index}#{self.leaf.hex()}"


def read_link(text: str) -> Link:
    """The link that `text` is, to the letter. Raises FormatError."""
    longest = limits.NOTE_NAME + 100
    match = _LINK.fullmatch(text) if len(text) <= longest else None
    if match is None:
        raise FormatError(f"no link to an entry: {quoted(text)}", "a link is notary:ORIGIN/INDEX#LEAFHASH")
    index = int(match[2])
    if index > limits.JSON_INTEGER:
        raise FormatError(f"a link's index is beyond 2^53 - 1: {quoted(text)}")
    return Link(check_origin(match[1], "the link's origin"), index, bytes.fromhex(match[3]))


def check_origin(text: object, what: str) -> str:
    """`text`, if a registry can have it as its origin: letters, digits and `. _ ~ -`, in parts divided by `/`.

    An origin is a name, usually a host's and a path, and no address: nothing is fetched from it. Raises FormatError.
    """
    fits = isinstance(text, str) and len(text) <= limits.NOTE_NAME and _ORIGIN.fullmatch(text)
    if not (isinstance(text, str) and fits):
        raise FormatError(
            f"{what} is no name of a registry: {quoted(text)}",
            "letters, digits and . _ ~ - in parts divided by /, such as registry.example.org/ip",
        )
    return text


def check_url(text: object, what: str, *, with_query: bool = True) -> str:
    """`text`, if it is an address of the web: http or https, a host, no user information. Raises FormatError."""
    if not isinstance(text, str) or len(text) > limits.REGISTRY_URL_BYTES:
        raise FormatError(f"{what} is no address of at most {limits.REGISTRY_URL_BYTES} characters")
    match = _URL.fullmatch(text)
    if match is None or (match["rest"] and not with_query):
        kind = "an http or https address" + ("" if with_query else " without ? and #")
        if "@" in text.partition("://")[2].partition("/")[0]:  # what is before it may be a password
            raise FormatError(f"{what} is not {kind} that names no user", "leave the user and the password out")
        raise FormatError(f"{what} is not {kind}: {quoted(text)}", "it names no user and no password")
    return text
