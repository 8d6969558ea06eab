"""tests/vectors/bundles: notary and the reader find what is written beside them, to the number of the check."""

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest

from notary.cli.app import run
from tests.independent import reader
from tests.independent.steps import Refused

BUNDLES = Path(__file__).parents[1] / "vectors" / "bundles"
VECTORS: list[dict[str, Any]] = json.loads((BUNDLES / "bundles.json").read_bytes())["bundles"]


def by_reader(path: Path) -> tuple[str, list[int], str | None]:
    try:
        verdict = reader.verify(path, network="local")
    except Refused:
        return "refused", [], None
    day = verdict.existed_by.isoformat() if verdict.outcome == "verified" and verdict.existed_by else None
    return verdict.outcome, sorted(verdict.failed_checks), day


def by_notary(path: Path) -> tuple[str, list[int], str | None]:
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        status = run(["verify", str(path), "--network", "local", "--offline", "--json"])
    said = json.loads(out.getvalue())
    if "verdict" not in said:
        return ("refused" if status == 2 else f"exit {status}"), [], None
    failed = [check["number"] for check in said["checks"] if check["status"] == "failed"]
    return said["verdict"], failed, said["existed_by"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["file"]))
def test_what_stands_beside_a_bundle(vector: dict[str, Any]) -> None:
    path = BUNDLES / vector["file"]
    expected = (vector["outcome"], vector["failed"], vector["existed_by"])
    assert by_notary(path) == expected
    assert by_reader(path) == expected


def test_every_bundle_is_told_of() -> None:
    assert {path.name for path in BUNDLES.glob("*.zip")} == {vector["file"] for vector in VECTORS}
