"""The web verifier takes the bundle out of a certificate, and says what it leaves unchecked."""

import zipfile
from collections.abc import Iterable
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
    assert "What is printed on it was NOT compared" in inside["cautions"][0]
    assert apart["cautions"] == []


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


SCATTERED = 60
PLACES = 100_000
"""As many objects as the page looks at."""


def listing(body: bytes, places: Iterable[int]) -> bytes:
    """A PDF whose table lists objects at these places."""
    rows = b"".join(b"%010d 00000 n \n" % place for place in places)
    return body + b"xref\n0 %d\n%btrailer<<>>\nstartxref\n%d\n%%%%EOF" % (PLACES, rows, len(body))


HEAD = b"%PDF-1.7\n"
APART = HEAD + (b"1 0 obj\n<<" + b" " * 70_000) * SCATTERED
EMBEDDED = b"1 0 obj\n<</Type /EmbeddedFile /Length 9>>\nstream\nno archive"

HOSTILE = {
    "places far apart, again and again": (APART, [len(HEAD) + 70_011 * (at % SCATTERED) for at in range(PLACES)]),
    "places backwards": (APART, [len(APART) - at for at in range(1, PLACES + 1)]),
    "places beyond the end": (HEAD, [10**9 + at for at in range(PLACES)]),
    "embedded files that are none": (
        HEAD + EMBEDDED * PLACES,
        [len(HEAD) + len(EMBEDDED) * at for at in range(PLACES)],
    ),
}


@pytest.mark.parametrize(("body", "places"), HOSTILE.values(), ids=HOSTILE)
def test_a_table_costs_no_more_than_the_file(node: Node, tmp_path: Path, body: bytes, places: list[int]) -> None:
    """Whatever places it lists, each part of the file is read once; a certificate's inside is looked for once."""
    (tmp_path / "hostile.pdf").write_bytes(listing(body, places))
    found = node({"core": "effort", "target": str(tmp_path / "hostile.pdf")})["value"]
    assert "no bundle is found in it" in found["said"]
    size = (tmp_path / "hostile.pdf").stat().st_size
    assert found["bytes"] < size * 1.1 + 100_000
    assert found["times"] < size / 30_000 + 1000


def test_several_bundles_inside(node: Node, tmp_path: Path) -> None:
    body = HEAD + EMBEDDED.replace(b"no archive", b"PK archive") * 2
    at = [len(HEAD), len(HEAD) + len(EMBEDDED)]
    (tmp_path / "two.pdf").write_bytes(listing(body, (at * PLACES)[:PLACES]))
    assert "several bundles" in judge(node, tmp_path / "two.pdf")["error"]
