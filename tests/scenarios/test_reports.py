"""`notary verify --report`: for every verdict and every kind of target, as paper, as a page and as data."""

import html
import json
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from pypdf import PdfReader

from tests.conftest import SHARED_DATA, Notary
from tests.scenarios.certified import LOCAL, Case, altered_bundle, carried, certified, pages, run, stamped, text_of

KINDS = (".pdf", ".html", ".json")
WORDS = {"verified": "Verified", "pending": "Pending", "unconfirmed": "Not confirmed", "failed": "Failed"}
CODES = {"verified": 0, "failed": 1, "pending": 3, "unconfirmed": 3}


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return certified(tmp_path_factory.mktemp("case"))


def plain_proof(case: Case) -> str:
    shutil.copy(case.folder / "evidence" / "sound.pdf", case.folder / "sound.pdf")
    run("unzip", "-q", "-o", "-j", case.bundle, "*/proofs/evidence/sound.pdf.ots", "-d", case.folder)
    return "sound.pdf.ots"


def altered(case: Case) -> str:
    return altered_bundle(case.bundle, case.folder / "altered.zip").name


def pending(case: Case) -> str:
    (case.folder / "late.txt").write_text("late")
    batch = stamped(case.notary, "late.txt")["batch"]
    assert case.notary("export", batch, "-o", "late.zip").code == 0
    return "late.zip"


TARGETS: dict[str, tuple[Callable[[Case], str], str, tuple[str, ...]]] = {
    "a bundle": (lambda case: case.bundle.name, "verified", LOCAL),
    "an altered bundle": (altered, "failed", LOCAL),
    "a pending one": (pending, "pending", LOCAL),
    "of another network": (lambda case: case.bundle.name, "unconfirmed", ()),
    "a certificate": (lambda case: case.pdf.name, "verified", LOCAL),
    "a proof": (plain_proof, "verified", (*LOCAL, "--headers", "headers.bin")),
}


@pytest.mark.parametrize(("make", "verdict", "options"), TARGETS.values(), ids=TARGETS)
def test_a_report_says_what_verify_says(
    case: Case, tmp_path: Path, make: Callable[[Case], str], verdict: str, options: tuple[str, ...]
) -> None:
    target = make(case)
    run("unzip", "-q", "-o", "-j", case.bundle, "*/notary/headers.*", "-d", case.folder)
    expected = case.notary("verify", target, *options, "--offline", "--json").json
    for kind in KINDS:
        report = tmp_path / f"report{kind}"
        answer = case.notary("verify", target, *options, "--offline", "--report", report, "--json")
        assert (answer.code, answer.json) == (CODES[verdict], expected), answer.err
        assert str(report) in answer.err
    data = json.loads((tmp_path / "report.json").read_text())
    assert {key: data[key] for key in expected} == expected
    assert (data["verdict"], data["offline"]) == (verdict, True)
    content = (case.folder / target).read_bytes()
    assert data["inputs"][0] == {
        "name": target,
        "kind": "target",
        "size": len(content),
        "sha256": sha256(content).hexdigest(),
    }
    page, text = (tmp_path / "report.html").read_text(), text_of(tmp_path / "report.pdf")
    flat = html.unescape(page.replace("<wbr>", ""))
    for shown in (flat, text):
        assert WORDS[verdict].upper() in shown.upper()
        assert target in shown
        assert "What this does not prove" in shown
    digest = data["inputs"][0]["sha256"]
    assert digest in text.replace(" ", "")
    assert digest in page.replace("<span>", "").replace("</span>", "").replace("<wbr>", "")
    assert "<script" not in page
    assert "No syntax or stream encoding errors found" in run("qpdf", "--check", tmp_path / "report.pdf")
    inside = json.loads(carried(tmp_path / "report.pdf", "report.json"))
    assert {**inside, "made_at": ""} == {**data, "made_at": ""}
    if LOCAL[0] in options:
        assert "TEST NETWORK" in page
        assert all("TEST NETWORK" in one for one in pages(tmp_path / "report.pdf"))
    if verdict != "verified":
        assert data["existed_by"] is None
        assert "Existed no later than" not in text
        assert "Existed no later than" not in page


def test_evidence_that_differs_is_named(case: Case, tmp_path: Path) -> None:
    other = tmp_path / "設計 <b>&amp; \u202eevil.txt"
    other.write_text("another")
    for kind in KINDS:
        arguments = (case.pdf, other, *LOCAL, "--report", tmp_path / f"r{kind}")
        assert case.notary("verify", *arguments).code == 1
    data = json.loads((tmp_path / "r.json").read_text())
    assert [one["kind"] for one in data["inputs"]] == ["target", "evidence"]
    assert data["inputs"][1]["sha256"] == sha256(b"another").hexdigest()
    page, text = (tmp_path / "r.html").read_text(), text_of(tmp_path / "r.pdf")
    for shown in (page, text):
        assert "\u202e" not in shown
        assert "u202e" in shown
        assert "設計" in shown
    assert "<b>" not in page
    assert "&lt;b&gt;&amp;amp;" in page


def test_a_folder_is_no_one_file(case: Case, tmp_path: Path) -> None:
    report = tmp_path / "r.json"
    assert case.notary("verify", case.bundle, case.folder / "evidence", *LOCAL, "--report", report).code == 0
    data = json.loads(report.read_text())
    assert data["inputs"][1] == {
        "name": str(case.folder / "evidence"),
        "kind": "evidence",
        "size": None,
        "sha256": None,
    }
    assert {one["status"] for one in data["items_listed"]} == {"matches"}


@pytest.mark.shared_data
def test_a_real_proof_without_headers(notary: Notary, tmp_path: Path) -> None:
    proof = SHARED_DATA / "mainnet" / "proofs" / "ex-hello-world.txt.ots"
    for kind in KINDS:
        assert notary("verify", proof, "--offline", "--report", f"r{kind}").code == 3
    data, text = json.loads((tmp_path / "r.json").read_text()), text_of(tmp_path / "r.pdf")
    assert (data["verdict"], data["network"], data["banner"]) == ("unconfirmed", "bitcoin", None)
    assert "TEST NETWORK" not in text + (tmp_path / "r.html").read_text()
    assert "NOT CONFIRMED" in text


# -- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["report.txt", "report", "report.zip", ".json", "missing/r.pdf"])
def test_no_report_can_be_written_there(case: Case, name: str) -> None:
    before = sorted(case.folder.rglob("*"))
    refused = case.notary("verify", case.bundle, *LOCAL, "--report", name)
    assert refused.code in (2, 4) if name.startswith("missing") else refused.code == 2, refused.err
    assert refused.err.startswith("error: ")
    assert sorted(case.folder.rglob("*")) == before


def test_nothing_is_overwritten_and_nothing_done_before(case: Case, tmp_path: Path) -> None:
    (tmp_path / "r.pdf").write_bytes(b"evidence")
    (tmp_path / "dangling.json").symlink_to("nowhere")
    (tmp_path / "folder.html").mkdir()
    for name in ("r.pdf", "dangling.json", "folder.html"):
        refused = case.notary("verify", "no such bundle.zip", *LOCAL, "--report", tmp_path / name)
        assert refused.code == 2
        assert "not overwritten" in refused.err
    assert (tmp_path / "r.pdf").read_bytes() == b"evidence"
    assert not (tmp_path / "nowhere").exists()


def test_what_cannot_be_verified_gets_no_report(case: Case, tmp_path: Path) -> None:
    for target in ("no such bundle.zip", case.folder / "evidence" / "sound.pdf"):
        assert case.notary("verify", target, *LOCAL, "--report", tmp_path / "r.pdf").code == 2
    assert not list(tmp_path.iterdir())


def test_ctrl_c_leaves_nothing(case: Case, tmp_path: Path) -> None:
    for after in (0.2, 0.35, 0.5):
        case.notary.interrupt("verify", case.pdf, *LOCAL, "--report", tmp_path / "r.pdf", after=after)
        if (tmp_path / "r.pdf").exists():
            assert PdfReader(tmp_path / "r.pdf", strict=True).pages
            (tmp_path / "r.pdf").unlink()
        assert not list(tmp_path.iterdir())
