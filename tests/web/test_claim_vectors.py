"""tests/vectors/claims: the web verifier finds in each claim what is written beside it, to the status of every check.

The page does not ask what a later filing cites (check 13), and takes no list of holidays: the cases that are about
these are left out, and named below.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.vectors.claim_forming import formed, is_taken
from tests.web.conftest import Node

CLAIMS = Path(__file__).parents[1] / "vectors" / "claims"
CASES: list[dict[str, Any]] = json.loads((CLAIMS / "claims.json").read_bytes())["cases"]
FORMS: list[dict[str, Any]] = json.loads((CLAIMS / "forms.json").read_bytes())["forms"]
NOT_ASKED = {"office", "number", "filed", "holidays"}
LEFT_OUT = {
    "cited-so",
    "cited-without-blanks",
    "cited-another-number",
    "cited-another-office",
    "cited-another-day",
    "period-holiday",
}

NO_CLAIM_TO_SEE = {"zip-two-of-one-name"}
"""Refused before it is seen to be a claim, so the page says it of a bundle: the verdict and what failed count."""


def told(said: dict[str, Any]) -> dict[str, Any]:
    """The page's verdict as claims.json has it."""
    numbers = {
        status: [one["number"] for one in said["checks"] if one["status"] == status]
        for status in ("passed", "failed", "skipped")
    }
    entry, window, witnesses = said["entry"], said["window"], said["witnesses"]
    return {
        "outcome": said["verdict"],
        "asserted_by": said["asserted_by"],
        "existed_by": said["existed_by"],
        **numbers,
        "cosigned": witnesses["cosigned"] if witnesses else 0,
        "period": {key: window[key] for key in ("months", "last_day", "where", "days_outside")}
        if window and window["where"]
        else None,
        "origin": entry and entry["origin"],
        "index": entry and entry["index"],
        "leaf": entry and entry["link"].partition("#")[2],
    }


COMPARED = [case for case in CASES if case["name"] not in LEFT_OUT]


@pytest.mark.parametrize("case", COMPARED, ids=lambda case: str(case["name"]))
def test_what_stands_beside_a_claim(node: Node, case: dict[str, Any]) -> None:
    given = [str(CLAIMS / case[name]) for name in ("registries", "document") if case[name]]
    policy = {"network": case["network"]}
    if "later_filing" in case["asked"]:
        policy["laterFiling"] = case["asked"]["later_filing"]
    said = node({"target": str(CLAIMS / case["claim"]), "evidence": given, "policy": policy})
    assert "error" not in said, said
    expected = {key: value for key, value in case["expected"].items() if not key.startswith("first_")}
    if case["name"] in NO_CLAIM_TO_SEE:
        failed = [one["number"] for one in said["checks"] if one["status"] == "failed"]
        assert (said["verdict"], failed) == (expected["outcome"], expected["failed"])
        return
    found = told(said)
    if expected["cosigned"] is None:  # a reader need not count
        found["cosigned"] = None
    assert found == expected


@pytest.mark.parametrize("form", FORMS, ids=lambda form: str(form["meaning"]))
def test_how_it_is_written(node: Node, tmp_path: Path, form: dict[str, Any]) -> None:
    said = node({"target": str(formed(tmp_path, form)), "policy": {"network": "local"}})
    assert is_taken(form, {one["number"]: one["status"] for one in said["checks"]}) == form["taken"], said["checks"]


def test_only_what_the_page_does_not_ask_is_left_out() -> None:
    assert {case["name"] for case in CASES if case["asked"].keys() & NOT_ASKED} == LEFT_OUT
