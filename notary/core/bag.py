"""The parts of a BagIt bag (RFC 8493) that are text: its declaration and its manifests."""

import re
from collections.abc import Iterable, Iterator

from notary import limits
from notary.errors import FormatError

DECLARATION = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
PAYLOAD_MANIFEST = "manifest-sha256.txt"
TAG_MANIFEST = "tagmanifest-sha256.txt"
PAYLOAD = "data/"

_LINE = re.compile(r"([0-9a-fA-F]{64}) +\*?([^ *].*)", re.DOTALL)


def manifest_line(name: str, digest: bytes) -> bytes:
    """A file's line in a bag manifest, with its newline."""
    return f"{digest.hex()}  {_escaped(name)}\n".encode()


def read_manifest(pieces: Iterable[bytes], what: str) -> Iterator[tuple[str, bytes]]:
    """A bag manifest's names and digests, line by line (RFC 8493 section 2.1.3). Raises FormatError.

    Whether a name comes twice is for the caller to see, who has a place for each.
    """
    for number, line in enumerate(_lines(pieces, what), start=1):
        try:
            match = _LINE.fullmatch(line.decode())
        except UnicodeDecodeError:
            raise FormatError(f"{what} is not UTF-8") from None
        if match is None:
            raise FormatError(f"{what}: line {number} is no digest and name")
        yield _unescaped(match[2]), bytes.fromhex(match[1])


def _lines(pieces: Iterable[bytes], what: str) -> Iterator[bytes]:
    """The lines without what ends them: a line feed, a carriage return, or the two; the last one may have no end."""
    rest = b""
    for piece in pieces:
        # Behind a carriage return a line feed may still come: the last line waits for what follows.
        *ended, rest = (rest + piece).splitlines(keepends=True) or [b""]
        if max(map(len, (*ended, rest))) > limits.BAG_LINE_BYTES:
            raise FormatError(f"{what} has a line of over {limits.BAG_LINE_BYTES} bytes")
        for line in ended:
            yield line.rstrip(b"\r\n")
    if rest:
        yield rest.rstrip(b"\r\n")


def _escaped(name: str) -> str:
    return name.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _unescaped(name: str) -> str:
    if "%" not in name:
        return name
    for code, character in (("%0D", "\r"), ("%0d", "\r"), ("%0A", "\n"), ("%0a", "\n"), ("%25", "%")):
        name = name.replace(code, character)
    return name
