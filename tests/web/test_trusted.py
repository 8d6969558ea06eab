"""notary and the web verifier read registries.toml, notes, proofs and claims alike, to the last odd character.

Of TOML the page reads what FORMAT.md shows of a registries.toml, and refuses the rest of the language, by line.
"""

import json
import random
import re
from base64 import b64encode
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from unicodedata import category

import pytest

from notary.core.check import Check
from notary.errors import FormatError
from notary.registry.core.cited import Asked, find_period
from notary.registry.core.claim import Claim, read_claim, write_claim
from notary.registry.core.note import COSIGNATURE, Signature, VerifierKey, read_note, write_note
from notary.registry.core.terms import Right
from notary.registry.core.tlog_proof import read_tlog_proof, write_tlog_proof
from notary.registry.core.trusted import read_trusted
from notary.registry.reporting_claims import window_json
from tests.registry.claims import Anchors, Register, registries
from tests.registry.logs import LOG, WITNESSES, Keeper
from tests.registry.register import filed
from tests.web.conftest import Node

NAME = "registries.toml"
OTHER = Keeper("other.example", b"\5" * 32)
ODDLY_NAMED = Keeper("schl\u00fcssel\ufeff\u200b", b"\6" * 32)


def of_trusted(data: bytes) -> list[dict[str, Any]]:
    return [
        {
            "origin": one.origin,
            "key": str(one.key),
            "offices": sorted(one.offices),
            "witnesses": list(map(str, one.witnesses)),
            "quorum": one.quorum,
        }
        for one in read_trusted(data, NAME)
    ]


def of_note(data: bytes) -> list[Any]:
    note = read_note(data)
    return [note.text, [[one.name, one.key_id.hex(), one.signature.hex()] for one in note.signatures]]


def of_proof(data: bytes) -> list[Any]:
    proof = read_tlog_proof(data)
    hashes, at = [one.hex() for one in proof.hashes], proof.checkpoint
    return [str(proof.index), hashes, at.origin, str(at.size), at.root.hex()]


READERS: dict[str, Callable[[bytes], Any]] = {
    "trusted": of_trusted,
    "note": of_note,
    "tlog_proof": of_proof,
    "claim": lambda data: str(read_claim(data).link),
}


def by_notary(kind: str, data: bytes) -> Any:
    """What it reads, or None where it refuses."""
    try:
        return READERS[kind](data)
    except FormatError:
        return None


def by_page(node: Node, kind: str, data: bytes) -> Any:
    return node({"core": kind, "data": data.hex(), "name": NAME}).get("value")


# -- files that are sound -------------------------------------------------------------------------------------------

SOUND = {
    "as generated": registries(),
    "empty": "",
    "with a byte order mark": "\ufeff" + registries(),
    "with other line ends": registries().replace("\n", "\r\n"),
    "with remarks": registries().replace("\n", " # remark, with \u00fc and \t \U0001f600\n") + "# \u2028",
    "with blanks": registries().replace("[[registry]]", " [[ registry\t]]").replace(" = ", "\t=").replace(", ", ",\t"),
    "without blanks": registries().replace(" = ", "=").replace(", ", ","),
    "two": registries() + registries(OTHER, ["EP", "WO"]),
    "no witnesses": registries(witnesses=(), quorum=0),
    "a folder": registries().replace('url = "https://register.example"', "folder = 'C:\\registers\\\u00fc'"),
    "escapes": registries().replace(
        'url = "https://register.example"', 'folder = "\\b\\t\\n\\f\\r\\"\\\\\\u00e9\\U0001F600"'
    ),
    "lists over lines": registries(witnesses=(), quorum=0).replace('["DE"]', '[ # remark\n\n"DE" # one\n,\n\t"EP",\n]'),
    "a list with a comma behind": registries().replace('["DE"]', '["DE",]'),
    "days": registries() + "stale_after = 30\n",
    "oddly named witnesses": registries(witnesses=[Keeper("w\ufeff", b"\7" * 32, COSIGNATURE).key], quorum=1),
    "an oddly named key": registries().replace(str(LOG.key), str(ODDLY_NAMED.key)),
    "no end of the last line": registries().removesuffix("\n"),
}


@pytest.mark.parametrize("text", SOUND.values(), ids=SOUND)
def test_what_both_read(node: Node, text: str) -> None:
    data = text.encode()
    assert by_page(node, "trusted", data) == of_trusted(data)


# -- files that are not ---------------------------------------------------------------------------------------------


def with_value(key: str, value: str) -> str:
    """The generated file with another value, or with that key too."""
    line = f"{key} = {value}\n"
    text, count = re.subn(rf"^{key} = .*\n", lambda _: line, registries(), flags=re.MULTILINE)
    return text if count else text + line


def without(key: str) -> str:
    return re.sub(rf"^{key} = .*\n", "", registries(), flags=re.MULTILINE)


REFUSED: dict[str, tuple[str, int]] = {
    "an unknown key": (with_value("quorom", "2"), 8),
    "a key before the table": ("quorum = 2\n" + registries(), 1),
    "a plain table": (registries().replace("[[registry]]", "[registry]"), 1),
    "another table": (registries() + "[[registries]]\n", 8),
    "a key twice": (registries() + "quorum = 1\n", 8),
    "no equals sign": (registries().replace("quorum =", "quorum"), 7),
    "a colon": (registries().replace("quorum =", "quorum:"), 7),
    "no value": (with_value("quorum", ""), 7),
    "two values": (with_value("quorum", "1 2"), 7),
    "two keys in a line": (with_value("quorum", "2 stale_after = 30"), 7),
    "a bare text": (with_value("origin", "log.example/register"), 2),
    "an unended text": (with_value("origin", '"log.example/register'), 2),
    "a text over two lines": (with_value("origin", '"log.example/\nregister"'), 2),
    "a text with a control character": (with_value("folder", '"\x01"'), 8),
    "a text with a lone carriage return": (with_value("folder", '"\r"'), 8),
    "an unknown escape": (with_value("origin", '"log\\.example"'), 2),
    "an escape of half a pair": (with_value("origin", '"\\ud83d\\ude00"'), 2),
    "an escape beyond Unicode": (with_value("origin", '"\\U00110000"'), 2),
    "a remark with a control character": ("# \x7f\n" + registries(), 1),
    "an unended list": (with_value("offices", '["DE"'), 6),
    "a list of two commas": (with_value("offices", '["DE",,]'), 5),
    "a list of a comma": (with_value("offices", "[,]"), 5),
    "a list without commas": (with_value("offices", '["DE" "EP"]'), 5),
    "a list in a list": (with_value("offices", '[["DE"]]'), 5),
    "a list of numbers": (with_value("offices", "[1]"), 5),
    "a number with a nought before": (with_value("quorum", "02"), 7),
    "a number below nought": (with_value("quorum", "-1"), 7),
    "a fraction": (with_value("quorum", "2.0"), 7),
    "a second byte order mark": ("\ufeff\ufeff" + registries(), 1),
    "a blank that is none": (registries().replace("quorum =", "quorum\u00a0="), 7),
    "an origin with a blank": (with_value("origin", '"log example"'), 2),
    "an origin that is a number": (with_value("origin", "1"), 2),
    "a long origin": (with_value("origin", f'"{"a" * 256}"'), 2),
    "an address with a password": (with_value("url", '"https://a:b@register.example"'), 3),
    "an address with a question": (with_value("url", '"https://register.example/?a"'), 3),
    "an address of another kind": (with_value("url", '"ftp://register.example"'), 3),
    "a long address": (with_value("url", f'"https://register.example/{"a" * 2000}"'), 3),
    "an empty folder": (without("url") + 'folder = ""\n', 7),
    "a folder with a nought": (without("url") + 'folder = "\\u0000"\n', 7),
    "an address and a folder": (with_value("folder", '"x"'), 1),
    "neither address nor folder": (without("url"), 1),
    "no origin": (without("origin"), 1),
    "no vkey": (without("vkey"), 1),
    "no offices": (without("offices"), 1),
    "no quorum": (without("quorum"), 1),
    "offices that are no list": (with_value("offices", '"DE"'), 5),
    "an office in lower case": (with_value("offices", '["de"]'), 5),
    "a quorum of more than there are": (with_value("quorum", "4"), 1),
    "a quorum without witnesses": (registries(witnesses=(), quorum=1), 1),
    "a quorum as text": (with_value("quorum", '"2"'), 7),
    "no days": (with_value("stale_after", "0"), 8),
    "many days": (with_value("stale_after", "3661"), 8),
    "days without end": (with_value("stale_after", "9" * 400), 8),
    "a vkey of a witness": (with_value("vkey", f'"{WITNESSES[0].key}"'), 4),
    "a witness of a register's key": (with_value("witnesses", f'["{OTHER.key}"]'), 6),
    "a mistyped key ID": (with_value("vkey", f'"{str(LOG.key).replace("+", "+0", 1)}"'), 4),
    "another key ID": (with_value("vkey", f'"{LOG.name}+00000000+{str(LOG.key).split("+", 2)[2]}"'), 4),
    "a vkey without its end": (with_value("vkey", f'"{str(LOG.key)[:-1]}"'), 4),
    "a vkey in another writing": (with_value("vkey", f'"{LOG.key}="'), 4),
    "a vkey without a name": (with_value("vkey", '"' + str(LOG.key).replace(LOG.name, "") + '"'), 4),
    "no vkey at all": (with_value("vkey", '"x"'), 4),
    "a key as its own witness": (
        with_value("witnesses", f'["{VerifierKey("w", COSIGNATURE, LOG.key.public_key)}"]').replace("m = 2", "m = 1"),
        1,
    ),
    "a witness under two names": (
        registries(witnesses=[VerifierKey(name, COSIGNATURE, WITNESSES[0].key.public_key) for name in "ab"]),
        1,
    ),
    "over 64 witnesses": (
        registries(witnesses=[Keeper("w", bytes([n]) * 32, COSIGNATURE).key for n in range(65)]),
        6,
    ),
    "one origin twice": (registries() + registries(Keeper(LOG.name, b"\5" * 32)), 8),
    "one key twice": (registries() + registries().replace(f'"{LOG.name}"', '"log.example/other"'), 8),
}


def line_named(node: Node, text: str) -> int:
    fault = str(node({"core": "trusted", "data": text.encode().hex(), "name": NAME}).get("fault"))
    found = re.match(rf"{NAME}, line (\d+): ", fault)
    assert found, fault
    return int(found[1])


@pytest.mark.parametrize(("text", "line"), REFUSED.values(), ids=REFUSED)
def test_what_both_refuse(node: Node, text: str, line: int) -> None:
    assert by_notary("trusted", text.encode()) is None
    assert line_named(node, text) == line


def test_what_is_no_text_or_too_much(node: Node) -> None:
    many = "".join(registries(Keeper(f"log{n}", n.to_bytes(32, "big")), witnesses=(), quorum=0) for n in range(501))
    for data in (b"\xff", registries().encode() + b"#" * 2**18, "\ufeff".encode("utf-16"), many.encode()):
        assert by_notary("trusted", data) is None
        fault = node({"core": "trusted", "data": data.hex(), "name": NAME})["fault"]
        assert re.match(rf"{NAME}(?:, line 1:| is not UTF-8, or over| has over 500)", fault), fault


def written_vkey(name: str, key: bytes) -> str:
    key_id = sha256(name.encode() + b"\n" + key).hexdigest()[:8]
    return f"{name}+{key_id}+{b64encode(key).decode()}"


@pytest.mark.parametrize("key", [b"\1" + bytes(31), bytes(32), b"\xec" + b"\xff" * 30 + b"\x7f", b"\xff" * 32])
def test_keys_by_which_any_signature_passes(node: Node, key: bytes) -> None:
    """Of points whose order divides 8, or written in a second way, of which browsers make different things."""
    sound = registries()
    for one in (LOG.key, WITNESSES[0].key):
        vkey = written_vkey(one.name, bytes([one.type]) + key)
        assert str(one) == written_vkey(one.name, bytes([one.type]) + one.public_key)
        text = sound.replace(str(one), vkey)
        assert text != sound
        assert by_notary("trusted", text.encode()) is None
        assert line_named(node, text) in (4, 6)


BEYOND = {
    "a quoted key": registries().replace("quorum", '"quorum"'),
    "a text in three marks": with_value("origin", f'"""{LOG.name}"""'),
    "a text in three other marks": with_value("origin", f"'''{LOG.name}'''"),
    "a number with a sign": with_value("quorum", "+2"),
    "a number in hex": with_value("quorum", "0x2"),
    "a number with a line below": with_value("stale_after", "3_0"),
    "tables in a line": "registry = []",
}


@pytest.mark.parametrize("text", BEYOND.values(), ids=BEYOND)
def test_toml_that_the_page_does_not_read(node: Node, text: str) -> None:
    """It says so, and does not read it as anything else."""
    assert by_notary("trusted", text.encode()) is not None
    assert line_named(node, text) > 0


# -- with other characters ------------------------------------------------------------------------------------------

ODD = [
    *"\"'#=[],\\u0+-_.{}\u00e9abtU \t\r\n\x00\x0b\x0c\x1c\x1f\x7f\x80\x85\xa0",
    *("\ufeff", "\u2028", "\u2029", "\u3000", "\u180e", "\u200b", "\u1680"),
    *("\u202f", "\u205f", "\u2060", "\U0001f600", "\u017f", "\u212a", "\u0345", "\r\n", '"""', "'''", "[[registry]]"),
    *("\\u00e9", "\\ud800", "# ", "\n\n", "\u2014 ", "0x1", "1_0", "+1", "code", "access"),
]
ONLY_TOML = re.compile(r"\"\"\"|'''|[=\s]\+\d|\d_\d|=\s*0[xob]|^\s*[\"']|^[\w-]+\s*\.", re.MULTILINE)


def altered(chance: random.Random, text: str) -> bytes:
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        at, odd = chance.randrange(len(text) + 1), chance.choice(ODD)
        left_out = chance.choice((0, 0, 1, 1, 1, 6))
        text = text[:at] + (odd if chance.random() < 0.7 else "") + text[at + left_out :]
    data = text.encode()
    at = chance.randrange(len(data) + 1)
    return data if chance.random() < 0.95 else data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Sequence[str]]:
    """Texts of each kind."""
    register = Register(Anchors(Path(tmp_path_factory.mktemp("anchors"))))
    oddly_signed = register.note.with_signature(Signature(ODDLY_NAMED.name, b"1234", b"x"))
    claims = [write_claim(register.claim(is_sealed=is_sealed)).decode() for is_sealed in (False, True)]
    members = json.loads(claims[0])
    references = {
        "das": "US 17/123,456",
        "case": "an access 12",
        "pct": "PCT/EP2026/050123",
        "url": "https://a.example/b?c#d",
    }
    members["entry"] |= {"references": references, "event": "assigned", "date": "2027-01-01", "to": "das k\u00f6nnte"}
    return {
        "trusted": list(SOUND.values()),
        "note": [write_note(one).decode() for one in (register.note, register.anchored, oddly_signed)],
        "tlog_proof": [write_tlog_proof(register.proof(index)).decode() for index in (411, 5)],
        "claim": [*claims, json.dumps(members, ensure_ascii=False, indent=1)],
    }


@pytest.mark.parametrize("kind", READERS)
def test_other_characters(node: Node, written: dict[str, Sequence[str]], kind: str) -> None:
    chance = random.Random(kind)  # noqa: S311
    read = 0
    for _ in range(1000):
        data = altered(chance, chance.choice(written[kind]))
        ours, theirs = by_notary(kind, data), by_page(node, kind, data)
        if ours != theirs and theirs is None and kind == "trusted":
            assert ONLY_TOML.search(data.decode()), data
            continue
        assert ours == theirs, data
        read += ours is not None
    assert read > 50


ASSIGNED = [one for one in map(chr, range(0x3001)) if category(one) != "Cn"]  # which ones are, depends on the year
BLANKS_AND_THE_LIKE = [one for one in ASSIGNED if one.isspace() or not one.isprintable()]


def test_names_with_each_blank(node: Node) -> None:
    """Python and JavaScript have different blanks."""
    assert len(BLANKS_AND_THE_LIKE) > 100
    entry = json.loads(write_claim(Claim(LOG.name, 0, filed())))
    for one in (*BLANKS_AND_THE_LIKE, "\ufeff", "\ufe0f", "\u0345"):
        notes = (f"x\n\n\u2014 a{one}b AAAAAAA=\n", f"x{one}\n\n\u2014 ab AAAAAAA={one}\n")
        for note in notes:
            assert by_page(node, "note", note.encode()) == by_notary("note", note.encode()), note
        for text in (f"1{one}2", f"x{one}", f"access{one}code"):
            entry["entry"]["number"] = text
            data = json.dumps(entry, ensure_ascii=False).encode()
            assert by_page(node, "claim", data) == by_notary("claim", data), ascii(text)
        entry["entry"]["number"] = "1"
        entry["entry"]["references"] = {"das": f"US 17/123{one}A1b2"}
        data = json.dumps(entry, ensure_ascii=False).encode()
        del entry["entry"]["references"]
        assert by_page(node, "claim", data) == by_notary("claim", data), ascii(one)


# -- the priority period --------------------------------------------------------------------------------------------

FIRST = [date(2024, 2, 29), date(2023, 8, 31), date(2026, 3, 12), date(1, 1, 1), date(50, 2, 28), date(9999, 1, 31)]
FIRST += [date(9998, 12, 31), date(9998, 12, 30), date(1899, 8, 29)]
FIRST += [date(2025, 1, 1) + timedelta(days=34 * n) for n in range(11)]


def test_priority_periods(node: Node) -> None:
    """The check, its words, and the JSON; weekends at the end of some of them."""
    seen = set()
    for first in FIRST:
        for right in Right:
            record = filed(right=right, filing_date=first)
            months = 6 if right in (Right.DESIGN, Right.TRADEMARK) else 12
            for days in (None, -400, -1, 0, 1, 30 * months, *range(30 * months + 2, 31 * months + 4)):
                try:
                    later = None if days is None else first + timedelta(days=days)
                except OverflowError:
                    continue
                window, place, check = find_period(record, Asked(later_filing=later))
                said = node(
                    {
                        "core": "period",
                        "record": {"right": str(right), "filing_date": str(first)},
                        "later": None if later is None else str(later),
                    }
                )["value"]
                assert said["told"] == json.loads(json.dumps(window_json(window, place)))
                assert without_name(said["check"]) == of_check(check)
                seen.add((check.status, bool(window and window.moved_from), place and place.where))
    assert len(seen) >= 10


def without_name(check: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in check.items() if key != "name"}


def of_check(check: Check) -> dict[str, Any]:
    return {
        "number": check.number,
        "status": str(check.status),
        "expected": check.expected or "",
        "found": check.found or "",
    }
