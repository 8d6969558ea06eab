"""`notary certificate`, end to end: what a sound one says and carries, and what is refused."""

import csv
import io
import json
import subprocess
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest
from pypdf import PdfReader

from tests.conftest import Notary
from tests.scenarios.certified import (
    A_SECOND_BEFORE,
    ISSUED,
    LOCAL,
    Case,
    altered_bundle,
    carried,
    certified,
    check,
    data_of,
    forged,
    pages,
    paper,
    run,
    stamped,
    text_of,
)

FORMULA = "=cmd|' "
"""A folder's name; a file's name comes after its slash."""


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return certified(tmp_path_factory.mktemp("case"))


# -- what a sound one is --------------------------------------------------------------------------------------------


def test_it_says_what_it_did(case: Case) -> None:
    answer = case.notary("certificate", case.batch, "-o", "said.pdf", "--json").json
    written = (case.folder / "said.pdf").read_bytes()
    assert answer["sha256"] == sha256(written).hexdigest()
    assert (answer["certificate"], answer["verdict"], answer["network"]) == ("said.pdf", "verified", "local")
    assert answer["number"].replace("-", "") == case.head[:16].upper()
    assert answer["items"] == {"shown": 6, "of": 6, "bytes": sum(map(len, contents(case).values()))}
    assert answer["bundle"]["sha256"] == sha256(carried(case.folder / "said.pdf")).hexdigest()
    assert answer["statement"].startswith("Nothing is proven: the network local is for tests.")
    assert answer["declaration"] is None


def contents(case: Case) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (case.folder / "evidence").iterdir()}


@pytest.mark.parametrize("name", ["of-batch.pdf", "of-bundle.pdf"])
def test_people_and_programs_can_read_it(case: Case, name: str) -> None:
    pdf, text = case.folder / name, text_of(case.folder / name)
    assert "No syntax or stream encoding errors found" in run("qpdf", "--check", pdf)
    for path in (case.folder / "evidence").iterdir():
        # coreutils mark a name that they escape by a backslash before the digest
        digest = run("sha256sum", path).lstrip("\\")[:64]
        assert digest in text.replace(" ", ""), path
    assert data_of(pdf)["number"] in text
    assert "\u202e" not in text
    assert "\\u202e" in text
    assert "設計" in text
    for page in pages(pdf):
        assert "TEST NETWORK" in page
    answer = case.verify(pdf)
    assert (answer.code, answer.json["verdict"]) == (0, "verified")
    assert check(answer, 14)[0] == "passed"
    assert check(answer, 15)[0] == "passed"


@pytest.mark.parametrize("name", ["of-batch.pdf", "of-bundle.pdf"])
def test_the_bundle_in_it_stands_by_itself(case: Case, tmp_path: Path, name: str) -> None:
    run("pdfdetach", "-saveall", "-o", tmp_path, case.folder / name)
    (bundle,) = tmp_path.glob("*.zip")
    if name == "of-bundle.pdf":
        assert bundle.read_bytes() == case.bundle.read_bytes()
    assert json.loads((tmp_path / "certificate.json").read_bytes())["bundle"]["name"] == bundle.name
    assert case.notary("verify", bundle, *LOCAL, "--offline").code == 0
    run("unzip", "-q", bundle, "-d", tmp_path / "out")
    (bag,) = (tmp_path / "out").iterdir()
    checked = subprocess.run(["sha256sum", "--quiet", "-c", "tagmanifest-sha256.txt"], cwd=bag, check=False)
    assert checked.returncode == 0


def test_the_same_time_gives_the_same_bytes(case: Case) -> None:
    party = ("--party", "Jane Roe", "--role", "paralegal")
    assert case.notary("certificate", case.batch, "-o", "again.pdf", *ISSUED, *party).code == 0
    assert (case.folder / "again.pdf").read_bytes() == case.pdf.read_bytes()
    assert case.notary("certificate", case.batch, "-o", "again.pdf", *A_SECOND_BEFORE, *party).code == 0
    assert (case.folder / "again.pdf").read_bytes() != case.pdf.read_bytes()


def test_a_bundle_has_one_of_its_own(case: Case, tmp_path: Path) -> None:
    assert case.notary("export", case.batch, "-o", "twice.zip").code == 0
    assert (case.folder / "twice.zip").read_bytes() == case.bundle.read_bytes()
    with zipfile.ZipFile(case.bundle) as bundle:
        (member,) = (name for name in bundle.namelist() if name.endswith("certificate.pdf"))
        inside = Path(bundle.extract(member, tmp_path))
    assert "No syntax or stream encoding errors found" in run("qpdf", "--check", inside)
    data, answer = data_of(inside), case.notary("verify", case.bundle, *LOCAL, "--json").json
    assert (data["issued_basis"], data["issued_at"]) == ("block", answer["attestation"]["block_time"])
    assert data["exhibits"] == data_of(case.pdf)["exhibits"]
    assert data["bundle"] is None
    assert case.notary("verify", inside, *LOCAL).code == 2, "it carries no bundle"
    assert case.notary("export", case.batch, "-o", "without.zip", "--no-certificate").code == 0
    with zipfile.ZipFile(case.folder / "without.zip") as bundle:
        assert not [name for name in bundle.namelist() if name.endswith(".pdf") and "/data/" not in name]


def test_a_pending_one_says_so_on_every_page(notary: Notary, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("note")
    batch = stamped(notary, "note.txt")["batch"]
    answer = notary("certificate", batch, "-o", "pending.pdf", "--json")
    assert (answer.code, answer.json["verdict"]) == (3, "pending")
    assert "existed, byte for byte" not in answer.json["statement"]
    printed = pages(tmp_path / "pending.pdf")
    assert len(printed) > 1
    for page in printed:
        assert "PENDING" in page.upper()
        assert "TEST NETWORK" in page
        assert "Existed no later than" not in page
    verified = notary("verify", "pending.pdf", *LOCAL, "--json")
    assert (verified.code, verified.json["verdict"]) == (3, "pending")
    assert [check(verified, number)[0] for number in (14, 15)] == ["passed", "passed"]


def test_a_queued_batch_gets_none(notary: Notary, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("note")
    closed = ("--network", "regtest", "--calendar", "http://127.0.0.1:9")
    queued = notary("stamp", "note.txt", *closed, "--json").json["batch"]
    assert notary("certificate", queued, "-o", "queued.pdf").code == 3
    assert not (tmp_path / "queued.pdf").exists()


def test_one_that_is_not_confirmed_claims_no_date(case: Case) -> None:
    answer = case.notary("certificate", case.batch, "-o", "doubt.pdf", "--require", "node", "--offline")
    assert answer.code == 3
    printed = pages(case.folder / "doubt.pdf")
    for page in printed:
        assert "Existed no later than" not in page
    assert case.notary("certificate", case.bundle, "-o", "doubt.pdf").code == 3, "bitcoin is what counts"
    assert "Existed no later than" not in text_of(case.folder / "doubt.pdf")


def test_of_more_than_can_be_printed_there_is_a_table(notary: Notary, tmp_path: Path) -> None:
    (tmp_path / FORMULA).mkdir()
    (tmp_path / FORMULA / "C calc'!A0").write_text("hostile")
    (tmp_path / "many").mkdir()
    for number in range(500):
        (tmp_path / "many" / f"{number}.txt").write_text(str(number))
    batch = stamped(notary, FORMULA, "many")["batch"]
    assert notary("upgrade", batch).code == 0
    assert notary("certificate", batch, "-o", "many.pdf").code == 0
    pdf, data, text = tmp_path / "many.pdf", data_of(tmp_path / "many.pdf"), text_of(tmp_path / "many.pdf")
    table = carried(pdf, "exhibits.csv")
    manifest = data["commitment"]["manifest"]
    assert "501" in text
    assert data["exhibits"] == []
    assert data["exhibits_csv"]["sha256"] == sha256(table).hexdigest()
    assert sha256(table).hexdigest() in text.replace(" ", "")
    assert manifest in text.replace(" ", "")
    with zipfile.ZipFile(io.BytesIO(carried(pdf))) as bundle:
        (root,) = {name.partition("/")[0] for name in bundle.namelist()}
        assert sha256(bundle.read(f"{root}/notary/manifest.json")).hexdigest() == manifest
        items = [json.loads(line) for line in bundle.read(f"{root}/notary/items.jsonl").splitlines()]
    rows = list(csv.DictReader(io.StringIO(table.decode("utf-8-sig"), newline="")))
    assert [row["sha256"] for row in rows] == [item["digest"] for item in items]
    assert [row["path"].removeprefix("'") for row in rows] == [item["record"]["path"] for item in items]
    assert f"'{FORMULA}/C calc'!A0" in [row["path"] for row in rows]
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]
    assert notary("verify", pdf, *LOCAL).code == 0
    forgery = forged(pdf, tmp_path / "forged.pdf", table=table.replace(b"0.txt", b"O.txt", 1))
    assert check(notary("verify", forgery, *LOCAL, "--json"), 14)[0] == "failed"


def test_a_bundle_may_stay_apart(case: Case) -> None:
    answer = case.notary("certificate", case.bundle, "-o", "apart.pdf", *LOCAL, "--attach-up-to", "0", "--json")
    digest = sha256(case.bundle.read_bytes()).hexdigest()
    assert (answer.code, answer.json["bundle"]["attached"]) == (0, False)
    assert list(PdfReader(case.folder / "apart.pdf").attachments) == ["certificate.json"]
    assert digest in text_of(case.folder / "apart.pdf").replace(" ", "")
    verified = case.notary("verify", "apart.pdf", *LOCAL)
    assert verified.code == 2
    assert "bundle.zip" in verified.err
    assert digest in verified.err


def test_declared_facts_stand_apart(notary: Notary, tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "a.txt").write_text("a")
    rows = ["DocID,BegBates,EndBates,Custodian,FilePath", "Ex. 7,ABC0001,ABC0003,J. Roe,a.txt"]
    (tmp_path / "load.csv").write_text("\r\n".join([*rows, ""]))
    answer = notary("stamp", "--load-file", "load.csv", "--root", "root", *LOCAL, "--json")
    assert answer.code == 0, answer.err
    assert notary("certificate", answer.json["batch"], "-o", "declared.pdf").code == 3
    text = text_of(tmp_path / "declared.pdf")
    before, declared = text.split("Declared, not proven")
    assert "Ex. 7" in before
    assert "ABC0001" in before
    assert "J. Roe" not in before
    assert "custodian: J. Roe" in declared
    (exhibit,) = data_of(tmp_path / "declared.pdf")["exhibits"]
    assert (exhibit["label"], exhibit["bates"][:7]) == ("Ex. 7", "ABC0001")
    assert ["custodian", "J. Roe"] in exhibit["declared"]


def test_pdf_files_are_looked_into(case: Case) -> None:
    for name in ("of-batch.pdf", "of-bundle.pdf"):
        facts = {one["name"].rpartition("/")[2]: one for one in data_of(case.folder / name)["pdf_facts"]}
        assert set(facts) == {"sound.pdf", "locked.pdf", "broken.pdf"}, "false.pdf is none"
        sound = facts["sound.pdf"]
        assert (sound["pages"], sound["title"], sound["author"]) == (2, "Lab notebook", "A. Author")
        assert (sound["created"], sound["signatures"], sound["fault"]) == ("2024-01-02T03:04:05Z", 0, None)
        assert "encrypted" in facts["locked.pdf"]["fault"]
        assert facts["broken.pdf"]["fault"]
        assert "Lab notebook" in text_of(case.folder / name)


def test_a_pdf_that_changed_since_is_not_looked_into(notary: Notary, tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(paper(1, title="As stamped"))
    batch = stamped(notary, "a.pdf")["batch"]
    (tmp_path / "a.pdf").write_bytes(paper(1, title="Put there since"))
    assert notary("certificate", batch, "-o", "c.pdf").code == 3
    assert data_of(tmp_path / "c.pdf")["pdf_facts"] == []
    assert "Put there since" not in text_of(tmp_path / "c.pdf")


# -- what is refused ------------------------------------------------------------------------------------------------

WRONG = {
    "a test network is no ground for a declaration": ("--declaration", "us1746"),
    "a role is somebody's": ("--role", "notary public"),
    "no such day": ("--issued-at", "2026-02-30T00:00:00Z"),
    "not in UTC": ("--issued-at", "2026-11-21T12:00:00+01:00"),
    "no year of four digits": ("--issued-at", "0099-01-01T00:00:00Z"),
    "no number": ("--attach-up-to", "nan"),
    "too large a number": ("--attach-up-to", "inf"),
    "less than nothing": ("--attach-up-to", "-1"),
    "nothing is so named": ("--only", "nothing"),
}


@pytest.mark.parametrize("options", WRONG.values(), ids=WRONG)
def test_wrong_usage(case: Case, tmp_path: Path, options: tuple[str, str]) -> None:
    refused = case.notary("certificate", case.batch, "-o", tmp_path / "refused.pdf", *options)
    assert (refused.code, refused.out) == (2, ""), refused.err
    assert "error: " in refused.err
    if options[0] == "--declaration":
        assert "hint: " in refused.err
    assert not (tmp_path / "refused.pdf").exists()


def test_a_bundle_shows_what_it_shows(case: Case, tmp_path: Path) -> None:
    for options in (("--only", "*.txt"), ("--disclose", "files")):
        assert case.notary("certificate", case.bundle, "-o", tmp_path / "refused.pdf", *options).code == 2
    assert case.notary("certificate", "ffffffffffff", "-o", tmp_path / "refused.pdf").code == 2
    assert not (tmp_path / "refused.pdf").exists()


def test_what_fails_gets_none(case: Case, tmp_path: Path) -> None:
    altered = altered_bundle(case.bundle, tmp_path / "altered.zip")
    refused = case.notary("certificate", altered, "-o", tmp_path / "refused.pdf", *LOCAL)
    assert (refused.code, refused.out) == (1, "")
    assert not (tmp_path / "refused.pdf").exists()


def test_only_an_older_certificate_is_replaced(case: Case) -> None:
    for name, content in (("evidence.doc", b"evidence"), ("evidence.pdf", paper(1, title="Evidence is mostly PDF"))):
        (case.folder / name).write_bytes(content)
        assert case.notary("certificate", case.batch, "-o", name).code == 2
        assert (case.folder / name).read_bytes() == content
    (case.folder / "older.pdf").write_bytes(case.pdf.read_bytes())
    assert case.notary("certificate", case.batch, "-o", "older.pdf").code == 0
    assert (case.folder / "older.pdf").read_bytes() != case.pdf.read_bytes()


def test_an_unpacked_bag(case: Case, tmp_path: Path) -> None:
    run("unzip", "-q", case.bundle, "-d", tmp_path)
    (bag,) = tmp_path.iterdir()
    assert case.notary("certificate", bag, "-o", tmp_path / "of-bag.pdf", *LOCAL).code == 0
    data = data_of(tmp_path / "of-bag.pdf")
    assert data["exhibits"] == data_of(case.pdf)["exhibits"]
    assert data["bundle"] is None
    verified = case.notary("verify", tmp_path / "of-bag.pdf", *LOCAL)
    assert verified.code == 2
    assert "hint: " in verified.err


def test_ctrl_c_leaves_nothing(case: Case, tmp_path: Path) -> None:
    case.notary.environment["TMPDIR"] = str(tmp_path)
    try:
        for after in (0.25, 0.45, 0.6):
            case.notary.interrupt("certificate", case.batch, "-o", "interrupted.pdf", after=after)
            target = case.folder / "interrupted.pdf"
            if target.exists():
                run("qpdf", "--check", target)
                target.unlink()
            assert not list(case.folder.glob(".notary-*"))
            assert not list(tmp_path.iterdir()), "temporary files stay"
    finally:
        del case.notary.environment["TMPDIR"]
