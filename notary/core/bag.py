"""The parts of a BagIt bag (RFC 8493) that are text: its declaration and its manifests."""

import re
from collections.abc import Mapping

from notary.errors import FormatError

DECLARATION = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
PAYLOAD_MANIFEST = "manifest-sha256.txt"
TAG_MANIFEST = "tagmanifest-sha256.txt"
PAYLOAD = "data/"

_LINE = re.compile(r"([0-9a-fA-F]{64}) +\*?([^ *].*)", re.DOTALL)


def write_manifest(digests: Mapping[str, str]) -> bytes:
    """A bag manifest of digests in hex, sorted by name."""
    return "".join(f"{digests[name]}  {_escaped(name)}\n" for name in sorted(digests)).encode()


def read_manifest(data: bytes, what: str) -> dict[str, str]:
    """A bag manifest's digests in hex, by name (RFC 8493 section 2.1.3). Raises FormatError."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise FormatError(f"{what} is not UTF-8") from None
    digests: dict[str, str] = {}
    ended = re.split(r"\r\n|\r|\n", text)
    for number, line in enumerate(ended[:-1] if not ended[-1] else ended, start=1):
        match = _LINE.fullmatch(line)
        name = _unescaped(match[2]) if match else ""
        if match is None or name in digests:
            raise FormatError(f"{what}: line {number} is no digest and name, or a name twice")
        digests[name] = match[1].lower()
    return digests


def _escaped(name: str) -> str:
    return name.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _unescaped(name: str) -> str:
    for code, character in (("%0D", "\r"), ("%0d", "\r"), ("%0A", "\n"), ("%0a", "\n"), ("%25", "%")):
        name = name.replace(code, character)
    return name
