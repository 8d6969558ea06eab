"""What notary exports, once for all tests here."""

import functools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer.main

from tests.independent.forge import NOTARY

BUILT_ONCE = functools.cache(typer.main.get_command)
NAMES = [
    *("plain.txt", "with blanks in it.txt", "Käse 北京.txt", "50%.txt", "100%25.txt", "%0A", "empty", "-dash", "~"),
    *("aux.txt", "NUL", "com1.tar.gz", "console.txt", "conin$", "CONOUT$.txt", "LPT¹", "com", "com²x", "prn.a/x"),
    *("ends in dot.", "ends in blank ", "a:b", "q?", "x|y", "back\\slash", "line\nfeed", "return\rcr", "tab\there"),
    *('"quoted"', "\x7f", "c1\x85", "*", "Twin.txt", "twin.txt", "TWIN.TXT", "caf\u00e9", "cafe\u0301"),
    *("stra\u00dfe", "STRASSE", "Folder", "folder/inside.txt", "ots/p", "ots/p.ots/x", "ots/P.OTS/y", "_", "_sub/_/x"),
    *("/".join(f"level {n}" for n in range(40)) + "/deep.txt", "l" * 251, "m" * 252, "/".join(["w" * 200] * 6)),
    *("nested/aux/x", "nested/ok/x", "nested/OK/y", "...", "..dots", ".hidden", "#", "a'b", "$(x)", "🦉"),
    *("lines\u2028", "\u2029/x", "greek \u03b0", "greek \u03ab\u0301", "\u1fb3", "\u0391\u0345", "\u01f0", "J\u030c"),
]
RAW_NAMES = [b"not utf8 \xff.bin", b"lat\xe9in/a.txt", b"lat\xe9in/%\xff"]
EXPORTS: dict[str, list[str]] = {
    "files": [],
    "names": ["--disclose", "names"],
    "digests": ["--disclose", "digests", "--ots"],
    "text": ["--only", "*.txt", "--disclose", "files"],
    "one": ["--only", "plain.txt", "--no-ots"],
    "some names": ["--only", "nested/", "--disclose", "names"],
    "some digests": ["--only", "*x*", "--disclose", "digests", "--no-ots"],
}


def notary(ledger: Path, *arguments: str | Path) -> dict[str, Any]:
    """Run the command line, which must succeed."""
    done = subprocess.run(
        [NOTARY, *arguments, "--json"],
        capture_output=True,
        check=False,
        env={**os.environ, "NOTARY_LEDGER": str(ledger)},
    )
    assert done.returncode == 0, done
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A batch of files with all sorts of names, exported in every way: `pending` before it was complete."""
    if sys.platform != "linux":
        pytest.skip("names like these need Linux")
    work = tmp_path_factory.mktemp("independent")
    for raw in [os.fsencode(name) for name in NAMES] + RAW_NAMES:
        path = os.path.join(os.fsencode(work / "case"), raw)  # noqa: PTH118
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
        with open(path, "wb") as file:  # noqa: PTH123
            file.write(b"" if raw == b"empty" else b"content of " + raw)
    (work / "_").mkdir()
    (work / "_" / "0").write_text("a file whose folder has the name of another thing")
    stamped = notary(work / "ledger", "stamp", work / "case", work / "_", "--network", "local")
    assert stamped["items"] == len(NAMES) + len(RAW_NAMES) + 1
    bundles = {name: work / f"{name}.zip" for name in ["pending", *EXPORTS, "again"]}
    notary(work / "ledger", "export", stamped["batch"], "-o", bundles["pending"])
    assert notary(work / "ledger", "upgrade")["batches"][0]["status"] == "attested"
    for name, options in [*EXPORTS.items(), ("again", [])]:
        notary(work / "ledger", "export", stamped["batch"], "-o", bundles[name], *options)
    return bundles


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Typer builds all of a command line anew on every call; here once is enough."""
    monkeypatch.setattr(typer.main, "get_command", BUILT_ONCE)
