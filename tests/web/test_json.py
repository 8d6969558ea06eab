"""The web verifier reads and writes JSON as notary does: the same texts are refused, and the same bytes are hashed."""

import json
import random

import pytest

from notary.core.digest import record_hash
from notary.core.strict_json import canonical, read_object
from notary.errors import FormatError
from tests.web.conftest import Node

T = bytes(16)
PIECES = [
    *('"', "\\", "{", "}", "[", "]", ":", ",", "-", "0", "1", ".", "e", "E+5", "null", "true", "NaN", "-Infinity", " "),
    *(
        "\n",
        "\t",
        "\v",
        "\0",
        "\x7f",
        "\u2028",
        "\ufeff",
        "\\u00",
        "\\ud83e",
        "\\udd89",
        "\\u0041",
        "\\/",
        "\\x",
        "é",
        "🦉",
    ),
    *(
        "9007199254740991",
        "9007199254740992",
        "-9007199254740992",
        "00",
        "-0",
        "10000000000000000000",
        '"a":',
        '"__proto__":1',
    ),
]


def some_value(rng: random.Random, depth: int = 0) -> str:
    kind = rng.randrange(6 if depth < 8 else 4)
    if kind < 2:
        return json.dumps(
            "".join(rng.choice('ab\n"\\/é🦉\x01\x7f\u2028') for _ in range(rng.randrange(5))), ensure_ascii=kind == 0
        )
    if kind < 4:
        return str(rng.choice([0, -1, 2**53 - 1, -(2**53 - 1), rng.randrange(10**6)]))
    keys = [
        rng.choice(["a", "b", "aa", "A", "__proto__", "constructor", "0", "~", "\\u0061"])
        for _ in range(rng.randrange(4))
    ]
    members = ",".join(f'"{key}" : {some_value(rng, depth + 1)}' for key in keys)
    return f"{{{members}}}"


def some_text(rng: random.Random) -> str:
    text = f'{{"a":{some_value(rng)},"b":{some_value(rng)}}}'
    for _ in range(rng.choice([0, 1, 1, 2])):
        at = rng.randrange(len(text) + 1)
        text = text[:at] + rng.choice([*PIECES, ""]) + text[at + rng.randrange(2) :]
    return text


def by_notary(data: bytes) -> list[str] | None:
    """What is hashed of a record, and its hash; None where the text is refused."""
    try:
        written = canonical(read_object(data, "a record", 65536))
    except FormatError:
        return None
    return [written.hex(), record_hash(T, written).hex()]


@pytest.mark.parametrize("count", [1500, pytest.param(50_000, marks=pytest.mark.slow)])
def test_what_is_refused_and_what_is_hashed(node: Node, count: int) -> None:
    rng = random.Random(count)  # noqa: S311
    sound = 0
    for _ in range(count):
        data = some_text(rng).encode()
        if rng.random() < 0.05:
            data = (
                data[: rng.randrange(len(data))] + rng.choice([b"\xff", b"\xed\xa0\x80", b"\xc0\xaf", b""]) + data[5:]
            )
        expected = by_notary(data)
        answer = node({"core": "record", "record": data.hex(), "t": T.hex()})
        assert answer.get("value") == expected, (data, answer)
        sound += expected is not None
    assert 0.2 < sound / count < 0.8
