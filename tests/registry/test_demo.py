"""`notary demo --registry`: every step comes out as it must, and what it leaves behind can be verified again."""

import csv
import hashlib
import tomllib
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tlog_scales.backend import LocalBackend
from tlog_scales.reader import TilesReader
from tlog_scales.signing import Vkey

from tests.conftest import Notary, Result

LATER = "2023-03-10"


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> tuple[Notary, Any]:
    """The program, and what the demo printed."""
    notary = Notary(tmp_path_factory.mktemp("demo"))
    told = notary("demo", "--registry", "--keep", "kept", "--json")
    assert told.code == 0, told.err
    return notary, told.json


def check(story: tuple[Notary, Any], *options: str | Path) -> Result:
    """Checks the claim that the story left, as a reader who follows nothing."""
    notary, told = story
    return notary(
        "registry", "check", told["claim"], "--registries", told["registries"], "--network", "local", *options, "--json"
    )


def test_every_step_comes_out_as_it_must(story: tuple[Notary, Any]) -> None:
    _, told = story
    steps = {one["step"]: one["told"] for one in told["steps"]}
    assert list(steps) == [
        *("init", "add", "publish", "witness", "claim", "check", "late", "sync", "look-up", "history", "split"),
        "evidence",
    ]
    assert all(steps.values())
    assert set(told["came_out"].values()) == {True}
    assert set(steps) - set(told["came_out"]) == {"init", "publish"}
    assert told["verdict"] == "verified"
    assert "cosigned by 2 of 3 witnesses" in steps["check"][0]
    assert f"by {(date(2023, 3, 23) - date(2023, 3, 14)).days} days" in steps["late"][0]
    assert "granted on 2024-02-05" in " ".join(steps["history"])


def test_its_claim_verifies_again(story: tuple[Notary, Any]) -> None:
    _, told = story
    checked = check(story, "--document", told["document"], "--later-filing", LATER)
    assert checked.code == 0, checked.err
    answer = checked.json
    assert answer["verdict"] == "verified"
    assert answer["asserted_by"] == "office-asserted"
    assert answer["witnesses"] == {"cosigned": 2, "of": 3, "quorum": 2}
    assert (answer["entry"]["sealed"], answer["window"]["within"]) == (True, True)
    with zipfile.ZipFile(told["claim"]) as claim:
        (package,) = [one for one in claim.infolist() if "/data/" in one.filename and not one.is_dir()]
        assert hashlib.sha256(claim.read(package)).hexdigest() == answer["entry"]["record"]["digest"]
    other = check(story, "--document", told["registries"], "--later-filing", LATER)
    assert (other.code, other.json["verdict"]) == (1, "failed")


def test_whoever_followed_refuses_it(story: tuple[Notary, Any]) -> None:
    notary, told = story
    examiner = Path(told["registries"]).with_name("ledger.db")
    assert check(story, "--ledger", examiner).code == 1
    found = notary(
        "registry", "search", "2022/000412", "--registries", told["registries"], "--ledger", examiner, "--json"
    ).json
    assert found["hits"] == []
    assert "refused" in found["left_out"][0]["reason"]
    split = notary("registry", "verify-split", told["evidence"], "--registries", told["registries"], "--json")
    assert (split.code, split.json["trusted_key"]) == (0, True)
    assert len({head["root"] for head in split.json["heads"]}) == 2


def test_an_independent_reader_reads_both_histories(story: tuple[Notary, Any]) -> None:
    _, told = story
    office = Path(told["folder"]) / "office"
    vkey = tomllib.loads(Path(told["registries"]).read_text())["registry"][0]["vkey"]
    with (office / "applications.csv").open(newline="") as stream:
        rows = len(list(csv.reader(stream))) - 1
    begin = set()
    for folder, later in ((office / "public", "events.csv"), (office / "older-copy" / "public", "other-events.csv")):
        reader = TilesReader(LocalBackend(folder))
        checkpoint = reader.get_checkpoint()
        checkpoint.verify(Vkey.from_string(vkey))
        assert reader.calculate_root_hash() == checkpoint.root_hash
        with (office / later).open(newline="") as stream:
            assert checkpoint.size == rows + len(list(csv.reader(stream))) - 1
        begin.add(tuple(reader.get_entry(index) for index in range(0, rows, 100)))
    assert len(begin) == 1


def test_in_words(notary: Notary, tmp_path: Path) -> None:
    told = notary("demo", "--registry", "--keep", "kept", "--ledger", tmp_path / "elsewhere" / "ledger.db")
    assert told.code == 0, told.err
    assert told.out.count("TEST NETWORK") == 2
    assert str(tmp_path / "kept") in told.out
    assert "did not come out" not in told.err
    assert (tmp_path / "elsewhere" / "ledger.db").is_file()
    again = notary("demo", "--registry", "--keep", "kept")
    assert (again.code, again.out) == (2, "")
