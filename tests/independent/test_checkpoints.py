"""notary and the reader agree on when a bundle's own headers lead to a checkpoint (FORMAT.md, step 12)."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from notary.core.chain import Checkpoints
from notary.core.facts import Policy
from notary.core.header import NETWORKS, Header, Trust
from notary.headers import HeaderSources
from notary.verifying import verify
from tests.core.blocks import mined
from tests.independent import reader
from tests.independent.forge import DAY, MIDNIGHT, bitcoin, forge, mine, write_zip
from tests.independent.steps import sha256

END = 2015
CLOCKS = tuple(MIDNIGHT + 600 * number for number in range(8))


def bundle(height: int, count: int = 8, **options: Any) -> dict[str, bytes]:
    """One whose proof leads to block `height`, with the headers from there on."""
    options.setdefault("clocks", CLOCKS[:count])
    return forge(proof=b"\x08" + bitcoin(height), runs=[{"start": height, "count": len(options["clocks"])}], **options)


def header_of(files: dict[str, bytes], number: int) -> bytes:
    return files["notary/headers.bin"][80 * number :][:80]


def both(path: Path, end: bytes) -> tuple[str, str | None, set[int]]:
    """What both say where the block with the header `end` is pinned."""
    pinned = Checkpoints(((sha256(sha256(end)), 0x207FFFFF),))
    policy = Policy(NETWORKS["local"], Trust.CHECKPOINT, pinned)
    verdict = verify(path, [], policy, HeaderSources())
    day = verdict.existed_by.isoformat() if verdict.existed_by else None
    failed = {check.number for check in verdict.checks if check.status == "failed"}
    other = reader.verify(path, "local", pinned={END: sha256(sha256(end))[::-1].hex()})
    other_day = other.existed_by.isoformat() if other.existed_by else None
    assert (verdict.outcome.value, day, failed) == (other.outcome, other_day, other.failed_checks), other.why
    return other.outcome, other_day, failed


@pytest.mark.parametrize("height", [END - 7, END - 3, END])
def test_headers_that_lead_to_the_checkpoint(tmp_path: Path, height: int) -> None:
    files = bundle(height)
    path = write_zip(tmp_path / "a.zip", files)
    assert both(path, header_of(files, END - height)) == ("verified", "2026-11-21", set())


@pytest.mark.parametrize("count", [1, 4, 7])
def test_headers_that_end_too_soon(tmp_path: Path, count: int) -> None:
    whole = bundle(END - 7)
    path = write_zip(tmp_path / "a.zip", bundle(END - 7, count))
    assert both(path, header_of(whole, 7)) == ("unconfirmed", None, set())


def test_headers_that_lead_past_it(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", bundle(END - 7))
    assert both(path, bytes(80)) == ("failed", None, {12})


def test_the_checkpoint_at_another_place(tmp_path: Path) -> None:
    """It is in the row, but the row says that it is another block."""
    files = bundle(END - 6)
    path = write_zip(tmp_path / "a.zip", files)
    assert both(path, header_of(files, 7)) == ("failed", None, {12})
    files = bundle(END - 8)
    path = write_zip(tmp_path / "b.zip", files)
    assert both(path, header_of(files, 7)) == ("unconfirmed", None, set())


@pytest.mark.parametrize("gap", range(1, 7))
def test_a_gap_on_the_way(tmp_path: Path, gap: int) -> None:
    stranger = mine(sha256(b"nobody"), sha256(b""), MIDNIGHT)
    files = bundle(END - 7, pick_headers=lambda headers: [*headers[:gap], stranger, *headers[gap + 1 :]])
    path = write_zip(tmp_path / "a.zip", files)
    assert both(path, header_of(files, 7)) == ("unconfirmed", None, set())


def test_a_following_header_without_work_moves_no_date(tmp_path: Path) -> None:
    """Behind the checkpoint, where nothing pins it: its clock would make the claim a year later."""
    late = (*CLOCKS[:3], MIDNIGHT + 365 * DAY)
    files = bundle(
        END - 2,
        clocks=late,
        pick_headers=lambda headers: [
            *headers[:3],
            mine(sha256(sha256(headers[2])), bytes(32), MIDNIGHT + 365 * DAY, works=False),
        ],
    )
    path = write_zip(tmp_path / "a.zip", files)
    assert both(path, header_of(files, 2)) == ("verified", "2026-11-21", set())
    files = bundle(END - 2, clocks=late)
    path = write_zip(tmp_path / "b.zip", files)
    assert both(path, header_of(files, 2)) == ("verified", "2027-11-21", set())


def test_a_much_easier_block_in_the_checkpoints_place(tmp_path: Path) -> None:
    """It has work, but work that anybody can afford: that shows no other chain."""

    def row(headers: list[bytes], bits: int) -> list[bytes]:
        """Eight headers upon the same merkle root, eight times harder than the easiest; the last as hard as `bits`."""
        made: list[Header] = []
        for number, clock in enumerate(CLOCKS):
            root = headers[0][36:68] if number == 0 else bytes(32)
            made.append(mined(root, made[-1].hash if made else bytes(32), clock, 0x200FFFFF if number < 7 else bits))
        return [one.raw for one in made]

    verdicts = {0x203FFFFC: ("failed", None, {12}), 0x203FFFFD: ("unconfirmed", None, set[int]())}
    for bits, verdict in verdicts.items():
        path = write_zip(tmp_path / f"{bits}.zip", bundle(END - 7, pick_headers=partial(row, bits=bits)))
        assert both(path, bytes(80)) == verdict
