"""tests/vectors/claims: the independent reader finds in each claim what is written beside it."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.independent import claims
from tests.vectors.claim_forming import formed, is_taken

CLAIMS = Path(__file__).parents[1] / "vectors" / "claims"
CASES: list[dict[str, Any]] = json.loads((CLAIMS / "claims.json").read_bytes())["cases"]
FORMS: list[dict[str, Any]] = json.loads((CLAIMS / "forms.json").read_bytes())["forms"]


def named(name: str | None) -> Path | None:
    return CLAIMS / name if name else None


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_what_stands_beside_a_claim(case: dict[str, Any]) -> None:
    asked = dict(case["asked"])
    holidays = named(asked.pop("holidays", None))
    files = (named(case["registries"]), named(case["document"]))
    verdict = claims.verify(CLAIMS / case["claim"], *files, case["network"], asked, holidays)
    by_status: dict[str, list[int]] = {"passed": [], "failed": [], "skipped": []}
    for number, status in sorted(verdict.checks.items()):
        by_status[status].append(number)
    expected = {key: value for key, value in case["expected"].items() if not key.startswith("first_")}
    found = {
        "outcome": verdict.outcome,
        "asserted_by": verdict.asserted_by,
        "existed_by": verdict.existed_by and verdict.existed_by.isoformat(),
        **by_status,
        "cosigned": None if expected["cosigned"] is None else verdict.cosigned,
        "period": verdict.period,
        "origin": verdict.origin,
        "index": verdict.index,
        "leaf": verdict.leaf,
    }
    assert found == expected, verdict.why


@pytest.mark.parametrize("form", FORMS, ids=lambda form: str(form["meaning"]))
def test_how_it_is_written(tmp_path: Path, form: dict[str, Any]) -> None:
    verdict = claims.verify(formed(tmp_path, form), network="local")
    assert is_taken(form, verdict.checks) == form["taken"], verdict.why
