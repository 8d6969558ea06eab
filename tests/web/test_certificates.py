"""The web verifier takes the bundle out of a certificate, and says what it leaves unchecked."""

import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Notary
from tests.web.conftest import Node

LOCAL = {"network": "local"}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `notary demo` leaves: a bundle, and a certificate with it inside."""
    folder = tmp_path_factory.mktemp("certificates")
    assert Notary(folder)("demo", "--keep", folder / "demo").code == 0
    return folder / "demo"


def statuses(verdict: dict[str, Any]) -> dict[int, str]:
    return {check["number"]: check["status"] for check in verdict["checks"]}


def judge(node: Node, path: Path, evidence: list[Path] | None = None) -> dict[str, Any]:
    return node({"target": str(path), "evidence": list(map(str, evidence or [])), "policy": LOCAL})


def test_the_bundle_inside(node: Node, kept: Path) -> None:
    inside, apart = judge(node, kept / "certificate.pdf"), judge(node, kept / "everything.zip")
    assert (inside["verdict"], inside["existed_by"]) == ("verified", apart["existed_by"])
    assert inside["checks"][:13] == apart["checks"]
    assert (statuses(inside)[14], statuses(inside)[15]) == ("skipped", "skipped")
    assert "printed text proves nothing by itself" in " ".join(inside["sentences"])


def test_files_beside_a_certificate(node: Node, kept: Path) -> None:
    assert judge(node, kept / "certificate.pdf", [kept / "evidence" / "recipe.txt"])["verdict"] == "verified"
    assert judge(node, kept / "certificate.pdf", [kept / "altered" / "recipe.txt"])["verdict"] == "failed"


def test_an_altered_bundle_inside(node: Node, kept: Path, tmp_path: Path) -> None:
    """Of one that is not sound no more is said than that."""
    data = bytearray((kept / "certificate.pdf").read_bytes())
    at = data.index(b"/recipe.txt", data.index(b"PK\3\4")) + 200
    data[at] ^= 1
    (tmp_path / "altered.pdf").write_bytes(data)
    verdict = judge(node, tmp_path / "altered.pdf")
    assert verdict["verdict"] == "failed"
    assert set(statuses(verdict)) == set(range(1, 14))


def test_a_pdf_that_carries_no_bundle_of_its_own(node: Node, kept: Path, tmp_path: Path) -> None:
    """The certificate inside a bundle has none, and a plain PDF neither: both say what to do."""
    with zipfile.ZipFile(kept / "everything.zip") as archive:
        name = next(name for name in archive.namelist() if name.endswith("/certificate.pdf"))
        (tmp_path / "certificate.pdf").write_bytes(archive.read(name))
    whole = (kept / "certificate.pdf").read_bytes()
    (tmp_path / "cut.pdf").write_bytes(whole[:-100])
    (tmp_path / "more.pdf").write_bytes(whole + b"\n% saved again by something else\n")
    for each in ("certificate.pdf", "cut.pdf", "more.pdf"):
        answer = judge(node, tmp_path / each)
        assert "verdict" not in answer
        assert answer["error"].startswith(str(tmp_path / each))
        assert "pdfdetach" in answer["hints"][0]
