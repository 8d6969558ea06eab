"""Ctrl-C and `kill -9` at any moment: the ledger opens, no batch is half there, no half-written file stays."""

import os
import random
import signal
import sqlite3
import subprocess
from pathlib import Path
from time import sleep

import pytest

from tests.conftest import Notary

LOCAL = ("--network", "local")
FILES = 1000
ROUNDS = 6


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("many") / "files"
    for number in range(FILES):
        path = folder / f"{number % 20:02}" / f"{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"file {number}\n" * 20)
    return folder


def interrupt(process: "subprocess.Popen[str]", after: float, how: int) -> bool:
    """Whether the process was still running when the signal came."""
    try:
        process.communicate(timeout=after)
        return False
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, how)
        _, err = process.communicate(timeout=60)
        # Before our first line runs, Python answers Ctrl-C in its own way.
        assert "Traceback" not in err or "app.py" not in err, err
        return True


def check_ledger(notary: Notary, folder: Path) -> list[str]:
    """The batches, each whole."""
    path = folder / "ledger" / "ledger.db"
    if not path.exists():
        return []
    listed = notary("status", "--json")
    assert listed.code == 0, listed.err
    with sqlite3.connect(path) as ledger:
        assert ledger.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert ledger.execute("PRAGMA foreign_key_check").fetchall() == []
        counts = ledger.execute(
            "SELECT b.size, (SELECT count(*) FROM items JOIN folders ON folders.id = folder_id WHERE batch_id = b.id),"
            " (SELECT count(*) FROM items WHERE items.id BETWEEN b.first_item AND b.first_item + b.size - 1),"
            " (SELECT count(*) FROM batch_keys WHERE batch_id = b.id),"
            " (SELECT count(*) FROM trees WHERE batch_id = b.id) FROM batches AS b"
        ).fetchall()
        (total,) = ledger.execute("SELECT count(*) FROM items").fetchone()
    assert all(size == items == within and keys == trees == 1 for size, items, within, keys, trees in counts)
    assert total == sum(size for size, *_ in counts), "items of no batch"
    return [one["batch"] for one in listed.json["batches"]]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_stamp(notary: Notary, many: Path, tmp_path: Path, how: signal.Signals) -> None:
    moments = random.Random(how)  # noqa: S311 - repeatable, not secret
    for _ in range(ROUNDS):
        interrupt(notary.start("stamp", many, *LOCAL), moments.uniform(0.2, 1.2), how)
        check_ledger(notary, tmp_path)
    assert notary("stamp", many, *LOCAL).code == 0
    assert not list((tmp_path / "ledger").glob("*-draft-*"))
    assert notary("upgrade").code == 0, "a batch that was cut short cannot be anchored"
    for batch in check_ledger(notary, tmp_path):
        assert notary("export", batch, "-o", "x.zip", "--only", "1.txt").code == 0
        assert notary("verify", "x.zip", *LOCAL, "--offline").code == 0


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_stamp_beside_leaves_whole_proofs_only(notary: Notary, many: Path, tmp_path: Path, how: signal.Signals) -> None:
    moments = random.Random(how)  # noqa: S311 - repeatable, not secret
    some = many / "03"
    for _ in range(ROUNDS // 2):
        interrupt(notary.start("stamp", some, *LOCAL, "--ots"), moments.uniform(0.3, 1.0), how)
        left = [path for path in some.iterdir() if path.suffix not in (".txt", ".ots")]
        assert not left
        for proof in some.glob("*.ots"):
            assert notary("info", proof).code == 0
            proof.unlink()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_upgrade_and_export(notary: Notary, many: Path, tmp_path: Path, how: signal.Signals) -> None:
    batch = notary("stamp", many, *LOCAL, "--json").json["batch"]
    moments = random.Random(how)  # noqa: S311 - repeatable, not secret
    for _ in range(ROUNDS):
        interrupt(notary.start("upgrade", batch), moments.uniform(0.1, 0.8), how)
        assert check_ledger(notary, tmp_path) == [batch]
    assert notary("upgrade", batch).code == 0
    target = tmp_path / "out" / "all.zip"
    target.parent.mkdir()
    for _ in range(ROUNDS):
        interrupt(notary.start("export", batch, "-o", target), moments.uniform(0.1, 0.9), how)
        left = list(target.parent.iterdir())
        assert left in ([], [target])
        if left:
            assert notary("verify", target, *LOCAL, "--offline").code == 0
            target.unlink()
    assert notary("export", batch, "-o", target).code == 0


def test_ctrl_c_says_so(notary: Notary, tmp_path: Path) -> None:
    huge = tmp_path / "huge.bin"
    with huge.open("wb") as stream:
        stream.truncate(40 * 2**30)
    process = notary.start("stamp", huge, *LOCAL)
    sleep(1.0)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "interrupted" in err
    assert out == ""
    assert check_ledger(notary, tmp_path) == []
