"""How claim.json and a proof may be written, and how not: each is the one of a sound claim with one thing changed.

Whether a reader takes it was written down by hand, from what FORMAT.md section 7 and C2SP's pages say.
"""

import base64
from collections.abc import Iterator
from typing import Any

from tests.vectors.claim_parts import Json, Key, canonical
from tests.vectors.claim_registers import FIRM, LATER, OPENED, OPENING, PATENT, Log, claim_of, without

Form = tuple[str, bool, bytes]
"""What is special about it, whether a reader takes it, and its bytes."""

CLAIM = claim_of(4)
GRANT = PATENT | {"event": "granted", "date": "2026-04-01"}
PUBLISHED = PATENT | {"event": "published", "date": "2026-04-01"}

ENTRIES: dict[str, tuple[bool, Json]] = {
    "another format": (False, PATENT | {"format": "notary-registry/v2"}),
    "no format": (False, without(PATENT, "format")),
    "an unknown key": (False, PATENT | {"title": "A wheel"}),
    "an unknown event": (False, PATENT | {"event": "sold"}),
    "no event": (False, without(PATENT, "event")),
    "an office in lower case": (False, PATENT | {"office": "de"}),
    "an office of three letters": (False, PATENT | {"office": "DEU"}),
    "no number": (False, PATENT | {"number": ""}),
    "a number that is one": (False, PATENT | {"number": 10}),
    "a number with a blank before": (False, PATENT | {"number": " 10"}),
    "a number with a blank behind": (False, PATENT | {"number": "10 "}),
    "a number with a no-break space behind": (True, PATENT | {"number": "10\u00a0"}),
    "a number with a line feed": (False, PATENT | {"number": "1\n0"}),
    "a number with a control character of Latin-1": (False, PATENT | {"number": "1\u00850"}),
    "a number with a line separator": (False, PATENT | {"number": "1\u20280"}),
    "a number of 128 bytes": (True, PATENT | {"number": "\u00c4" * 64}),
    "a number of 129 bytes": (False, PATENT | {"number": "\u00c4" * 64 + "0"}),
    "a number beyond the basic plane": (True, PATENT | {"number": "10 \U0001f989"}),
    "an access code in words": (False, PATENT | {"number": "10 Access  Code 1A2B"}),
    "an access code of DAS": (False, PATENT | {"number": "10 (das-code 1A2B)"}),
    "words of an access code far from each other": (True, PATENT | {"number": "10 access to a code"}),
    "an unknown right": (False, PATENT | {"right": "title"}),
    "no right": (False, without(PATENT, "right")),
    "a day that there is not": (False, PATENT | {"filing_date": "2026-02-29"}),
    "a leap day": (True, PATENT | {"filing_date": "2024-02-29"}),
    "a day with few digits": (False, PATENT | {"filing_date": "2026-3-12"}),
    "a day with a time": (False, PATENT | {"filing_date": "2026-03-12T00:00:00Z"}),
    "a day in the week's writing": (False, PATENT | {"filing_date": "2026-W11-4"}),
    "a digest in upper case": (False, PATENT | {"digest": PATENT["digest"].upper()}),
    "a digest of 63 digits": (False, PATENT | {"digest": PATENT["digest"][:-1]}),
    "filed without a digest": (False, without(PATENT, "digest")),
    "filed with a date": (False, PATENT | {"date": "2026-04-01"}),
    "granted": (True, GRANT),
    "granted without a date": (False, without(GRANT, "date")),
    "granted without a digest": (True, without(GRANT, "digest")),
    "granted, of an object": (True, GRANT | LATER),
    "granted, with object alone": (False, GRANT | {"object": LATER["object"]}),
    "granted, with previous alone": (False, GRANT | {"previous": LATER["previous"]}),
    "granted to somebody": (False, GRANT | {"to": "ACME"}),
    "assigned to somebody": (True, GRANT | {"event": "assigned", "to": "ACME"}),
    "licensed to nobody": (True, GRANT | {"event": "licensed"}),
    "licensed to an empty name": (False, GRANT | {"event": "licensed", "to": ""}),
    "published, of an object": (True, PUBLISHED | LATER),
    "published, opening a sealed entry": (True, OPENING),
    "an opening without t": (False, without(OPENING, "t")),
    "an opening without record": (False, without(OPENING, "record")),
    "an opening of no object": (False, without(OPENING, "object", "previous")),
    "an opening with a short t": (False, OPENING | {"t": OPENING["t"][:-2]}),
    "an opening of a published entry": (False, OPENING | {"record": PUBLISHED | LATER}),
    "an opening of an opening": (False, OPENING | {"record": OPENING}),
    "an opening of an entry that is none": (False, OPENING | {"record": without(OPENED, "office")}),
    "granted, with t and record": (False, GRANT | LATER | {"t": OPENING["t"], "record": OPENED}),
    "ST.13 with the office": (True, PATENT | {"st13": "DE102026000000412"}),
    "ST.13 without the office": (True, PATENT | {"st13": "102026000000412"}),
    "ST.13 with a digit less": (False, PATENT | {"st13": "10202600000041"}),
    "ST.13 with the office in lower case": (False, PATENT | {"st13": "de102026000000412"}),
    "no references": (False, PATENT | {"references": {}}),
    "references in a list": (False, PATENT | {"references": ["PCT/EP2026/050123"]}),
    "an unknown reference": (False, PATENT | {"references": {"doi": "10.1000/1"}}),
    "a reference of two lines": (False, PATENT | {"references": {"pct": "PCT/EP2026/\n050123"}}),
    "a DAS number": (True, PATENT | {"references": {"das": "US 17/123,456"}}),
    "a DAS number that ends in four digits": (True, PATENT | {"references": {"das": "JP 2026-1234"}}),
    "a DAS number of no office": (False, PATENT | {"references": {"das": "17/123,456"}}),
    "a DAS number with a code behind a blank": (False, PATENT | {"references": {"das": "US 17/123,456 1234"}}),
    "a DAS number with a code in brackets": (False, PATENT | {"references": {"das": "US 17/123,456(12A4)"}}),
    "a DAS number with a code behind a hyphen": (False, PATENT | {"references": {"das": "US 17/123,456-1A2B"}}),
    "an address": (True, PATENT | {"references": {"url": "https://example.org:8080/a?b=c#d"}}),
    "an address with a user": (False, PATENT | {"references": {"url": "https://a@example.org/"}}),
    "an address of another scheme": (False, PATENT | {"references": {"url": "ftp://example.org/"}}),
    "an address that is not ASCII": (False, PATENT | {"references": {"url": "https://example.org/\u00c4"}}),
}
MEMBERS: dict[str, tuple[bool, Json]] = {
    "an index below 0": (False, CLAIM | {"index": -1}),
    "the largest index": (True, CLAIM | {"index": 2**53 - 1}),
    "an index that is too large": (False, CLAIM | {"index": 2**53}),
    "an index as text": (False, CLAIM | {"index": "4"}),
    "an index as true": (False, CLAIM | {"index": True}),
    "an origin with a blank": (False, CLAIM | {"origin": "registry.example/i p"}),
    "an origin with an empty part": (False, CLAIM | {"origin": "registry.example//ip"}),
    "an origin that ends in a slash": (False, CLAIM | {"origin": "registry.example/"}),
    "an origin of 255 letters": (True, CLAIM | {"origin": "a" * 255}),
    "an origin of 256 letters": (False, CLAIM | {"origin": "a" * 256}),
    "another format of claim": (False, CLAIM | {"format": "notary-registry-claim/v2"}),
    "neither entry nor record": (False, without(CLAIM, "entry")),
    "entry and record": (False, CLAIM | {"record": PATENT, "t": "00" * 16}),
    "record of a published entry": (False, without(CLAIM, "entry") | {"record": PUBLISHED | LATER, "t": "00" * 16}),
    "entry and t": (False, CLAIM | {"t": "00" * 16}),
    "record without t": (False, without(CLAIM, "entry") | {"record": PATENT}),
    "record and a long t": (False, without(CLAIM, "entry") | {"record": PATENT, "t": "00" * 17}),
    "record and t": (True, without(CLAIM, "entry") | {"record": PATENT, "t": "00" * 16}),
    "an entry in a list": (False, CLAIM | {"entry": [PATENT]}),
}


def claim_forms() -> Iterator[Form]:
    """Of the claim of entry 4."""
    text = canonical(CLAIM) + b"\n"
    yield "as it should be", True, text
    for what, (is_taken, entry) in ENTRIES.items():
        yield what, is_taken, canonical(CLAIM | {"entry": entry}) + b"\n"
    for what, (is_taken, claim) in MEMBERS.items():
        yield what, is_taken, canonical(claim) + b"\n"
    yield "a list", False, b"[" + text + b"]"
    yield "white space around", True, b"\r\n\t " + text + b"\n"
    yield "something behind the end", False, text + b"{}"
    yield "a byte order mark", False, b"\xef\xbb\xbf" + text
    yield "the end missing", False, text[:-2]
    yield "a fraction", False, text.replace(b'"index":4', b'"index":4.0')
    yield "an exponent", False, text.replace(b'"index":4', b'"index":4e0')
    yield "a letter escaped", True, text.replace(b'"DE"', b'"\\u0044E"')
    yield "half of a surrogate pair", False, text.replace(b'"DE"', b'"\\ud800"')
    yield "a key twice, once escaped", False, text.replace(b'"index":4', b'"index":4,"inde\\u0078":4')


def proof_forms(log: Log) -> Iterator[Form]:
    """Of the proof of entry 4. `log` is what a sound claim is of."""
    noted = log.proven.decode()
    sound = log.files(CLAIM)["registry/entry.tlog-proof"].decode()
    version, index, first = sound.split("\n")[:3]
    signature = next(line for line in noted.split("\n") if line.startswith("\u2014"))
    origin, size, root = noted.split("\n")[:3]
    stranger = Key("somebody \u00e0 c\u00f4t\u00e9".replace(" ", "-"))

    def instead(old: str, new: str) -> bytes:
        assert sound.count(old) == 1, old
        return sound.replace(old, new).encode()

    def encoded(data: bytes) -> str:
        return base64.b64encode(data).decode()

    def odd(text: str) -> str:
        """The same bytes with spare bits that are not zero."""
        return text[:-2] + chr(ord(text[-2]) + 1) + "="

    yield "as it should be", True, sound.encode()
    yield "extra data", True, instead(index, f"extra AAAA\n{index}")
    yield "extra data of no bytes", False, instead(index, f"extra \n{index}")
    yield "extra data twice", False, instead(index, f"extra AAAA\nextra AAAA\n{index}")
    yield "extra data that is no base64", False, instead(index, f"extra A\n{index}")
    yield "another version", False, instead(version, "c2sp.org/tlog-proof@v2")
    yield "no index", False, instead(f"{index}\n", "")
    yield "an index with a zero before", False, instead(f"{index}\n", "index 04\n")
    yield "an index with a plus sign", False, instead(f"{index}\n", "index +4\n")
    yield "an index of the log's size", False, instead(f"{index}\n", f"index {size}\n")
    yield "an index in other digits", False, instead(f"{index}\n", "index \u0664\n")
    yield "a hash with spare bits", False, instead(first, odd(first))
    yield "a hash without padding", False, instead(first, first[:-1])
    yield "a hash in the alphabet of addresses", False, instead(first, encoded(b"\xff" * 32).replace("/", "_"))
    yield "a hash of 31 bytes", False, instead(first, encoded(b"\xff" * 31))
    yield "a hash with a blank before", False, instead(first, f" {first}")
    yield "63 hashes", True, instead(first, "\n".join([first] * 59))
    yield "64 hashes", False, instead(first, "\n".join([first] * 60))
    yield "line ends of two bytes", False, sound.replace("\n", "\r\n").encode()
    yield "no empty line before the checkpoint", False, instead(f"\n\n{origin}", f"\n{origin}")
    yield "a size with a zero before", False, instead(f"\n{size}\n", f"\n0{size}\n")
    yield "a size with a fraction", False, instead(f"\n{size}\n", f"\n{size}.0\n")
    yield "a size beyond 2^63 - 1", False, instead(f"\n{size}\n", f"\n{2**63}\n")
    yield "a root with spare bits", False, instead(root, odd(root))
    yield "a root of 31 bytes", False, instead(root, encoded(b"\xff" * 31))
    yield "no root", False, instead(f"{root}\n", "")
    yield "a line more in the checkpoint", True, instead(root, f"{root}\nmore")
    yield "an empty line more in the checkpoint", False, instead(root, f"{root}\n\nmore")
    yield "a tab in the checkpoint", False, instead(root, f"{root}\na\tb")
    yield "an empty origin", False, instead(f"\n\n{origin}\n", "\n\n\n")
    yield "no signatures", False, sound.partition("\u2014")[0].encode()
    yield "a hyphen for the dash", False, instead(signature, signature.replace("\u2014", "-"))
    yield "a blank more before the name", False, instead(signature, signature.replace("\u2014 ", "\u2014  "))
    yield "a plus sign in a name", False, instead(signature, f"{signature}\n\u2014 a+b {encoded(bytes(68))}")
    yield "a signature of no bytes", False, instead(signature, f"{signature}\n\u2014 {FIRM.name} {encoded(bytes(4))}")
    yield "a signature of one byte", True, instead(signature, f"{signature}\n\u2014 {FIRM.name} {encoded(bytes(5))}")
    yield "a stranger's signature", True, instead(signature, f"{stranger.line('')}{signature}")
    yield "a signature that is no base64", False, instead(signature, f"{signature}\n\u2014 {FIRM.name} A")
    yield "an empty line after the signatures", False, f"{sound}\n".encode()
    yield "no line end at the end", False, sound[:-1].encode()


def forms(log: Log) -> list[dict[str, Any]]:
    """All of them, as forms.json has them."""
    files = log.files(CLAIM)
    by_file = {"registry/claim.json": claim_forms(), "registry/entry.tlog-proof": proof_forms(log)}
    return [
        {"file": name, "meaning": what, "taken": is_taken} | _change(files[name], data)
        for name, found in by_file.items()
        for what, is_taken, data in found
    ]


def _change(old: bytes, new: bytes) -> dict[str, Any]:
    """How `new` is made of `old`: at a place, some bytes are removed, and text is inserted."""
    at = _alike(old, new)
    end = _alike(old[at:][::-1], new[at:][::-1])
    return {"at": at, "remove": len(old) - end - at, "insert": new[at : len(new) - end].decode()}


def _alike(one: bytes, other: bytes) -> int:
    """How many bytes are the same at the beginning."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
