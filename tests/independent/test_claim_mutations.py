"""notary and the independent reader agree on claims that were changed at random, in bags whose manifests agree."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from notary.core.chain import Checkpoints
from notary.core.facts import Policy
from notary.core.header import NETWORKS
from notary.headers import HeaderSources
from notary.registry.checking import check_claim, read_registries
from notary.registry.core.cited import Asked
from tests.independent import claims
from tests.independent.forge import rebag, unzip, write_zip
from tests.independent.steps import Files

CLAIMS = Path(__file__).parents[1] / "vectors" / "claims"
SOUND = ("sound-open", "sound-sealed", "sound-opening", "sound-last", "sound-firm", "granted", "package", "witnesses-3")
CHAIN = NETWORKS["local"]
POLICY = Policy(CHAIN, CHAIN.least_trust, Checkpoints())
TRUSTED = read_registries(CLAIMS / "registries.toml", is_named=True)
ODD: list[Any] = [None, "", " ", "a", "DE", "0" * 64, "A" * 64, 0, -1, 1.5, True, [], {}, "2026-02-30", "2026-02-03"]
ODD += ["filed", "granted", "published", "design", "title", "\u0085", "x\u2028", "\ud800", "\u00c4", "DAS-code: 1A2B"]
ODD += [2**53]


def spoilt_json(data: bytes, chance: random.Random) -> bytes:
    """A member of the claim, or of what it holds, is changed, taken out, or added."""
    claim = json.loads(data)
    inside = [claim, *(one for one in claim.values() if isinstance(one, dict))]
    inside += [inner for one in inside[1:] for inner in one.values() if isinstance(inner, dict)]
    at = chance.choice(inside)
    key = chance.choice([*at, *at, "st13", "to", "date", "references", "object", "t", "record", "code"])
    if key in at and chance.random() < 0.3:
        del at[key]
    elif key in at and chance.random() < 0.3 and isinstance(at[key], str):
        cut = chance.randrange(len(at[key]) + 1)
        at[key] = at[key][:cut] + chance.choice(["", "0", " ", "a", "-"]) + at[key][cut + chance.randrange(2) :]
    else:
        at[key] = chance.choice([*ODD, at.get(key)])
    return json.dumps(claim).encode()


def spoilt_lines(data: bytes, chance: random.Random) -> bytes:
    """A line is left out, doubled, moved, or changed in a letter."""
    lines = data.split(b"\n")
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    match chance.randrange(4):
        case 0:
            del lines[one]
        case 1:
            lines.insert(other, lines[one])
        case 2:
            lines[one], lines[other] = lines[other], lines[one]
        case _:
            return spoilt_bytes(data, chance)
    return b"\n".join(lines)


def spoilt_bytes(data: bytes, chance: random.Random) -> bytes:
    """A byte is another, or the end is missing."""
    at = chance.randrange(len(data))
    if chance.random() < 0.1:
        return data[:at]
    return data[:at] + bytes([chance.choice([data[at] ^ 1 << chance.randrange(8), *b"0aA \n"])]) + data[at + 1 :]


WAYS: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "claim.json": spoilt_json,
    "entry.tlog-proof": spoilt_lines,
    "checkpoint": spoilt_lines,
    "checkpoint.ots": spoilt_bytes,
    "headers.bin": spoilt_bytes,
    "headers.json": spoilt_bytes,
}


def spoilt(chance: random.Random) -> Files:
    """The files of a sound claim with one that was changed, or has another claim's, or none."""
    one, other = (unzip(CLAIMS / f"{name}.zip")[1] for name in chance.choices(SOUND, k=2))
    name = chance.choice([*WAYS, "claim.json"])
    file = f"registry/{name}"
    match chance.randrange(10):
        case 0:
            one[file] = other[file]
        case 1 if name != "claim.json":
            del one[file]
        case _:
            one[file] = WAYS[name](one[file], chance)
    return rebag(one)


def by_notary(path: Path) -> dict[str, Any]:
    verdict = check_claim(path, None, Asked(), TRUSTED, POLICY, HeaderSources())
    return {
        "outcome": str(verdict.outcome),
        "checks": {one.number: str(one.status) for one in verdict.checks},
        "asserted_by": verdict.asserted_by,
        "existed_by": verdict.existed_by,
        "entry": verdict.claim and (verdict.claim.origin, verdict.claim.index, verdict.claim.link.leaf.hex()),
    }


def by_reader(path: Path) -> tuple[dict[str, Any], list[str]]:
    verdict = claims.verify(path, CLAIMS / "registries.toml", network="local")
    told = {
        "outcome": verdict.outcome,
        "checks": dict(sorted(verdict.checks.items())),
        "asserted_by": verdict.asserted_by,
        "existed_by": verdict.existed_by,
        "entry": (verdict.origin, verdict.index, verdict.leaf) if verdict.leaf else None,
    }
    return told, verdict.why


@pytest.mark.parametrize("seed", range(20))
def test_they_agree_on_what_was_spoilt(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - the same changes each time
    for number in range(20):
        path = write_zip(tmp_path / f"{number}.zip", spoilt(chance))
        told, why = by_reader(path)
        assert told == by_notary(path), (number, why)
