"""Certificates and reports on paper, read back by other programs: qpdf, Poppler, pypdf.

Text from outside may be anything; whatever it is, the pages come out, say what it is, and stay in shape.
"""

import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pypdf
import pytest

from notary import limits
from notary.edges import typesetting
from notary.edges.typesetting import Attachment, Paper, Template, typeset
from notary.errors import SystemFailureError
from tests.edges.papers import certificate, declaration, digest, report

AT = datetime(2026, 11, 21, 14, tzinfo=UTC)
MILLIMETRE = 72 / 25.4
BUNDLE = Attachment("acme.zip", bytes(range(256)) * 10, "application/zip", "the bundle", "source")
DATA = Attachment("certificate.json", b'{"format": "notary-certificate/v1"}', "application/json", "what is printed")

HOSTILE = [
    ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    ("#evil[$x$]", "#evil[$x$]"),
    ('"); #panic()', '"); #panic()'),
    ("*b* _i_ `r` @ref <lab> // c \\u{41}", "*b* _i_ `r` @ref <lab> // c \\u{41}"),
    ("invoice\u202efdp.exe", "invoice\\u202efdp.exe"),
    ("two\nlines\r", "two\\u000alines\\u000d"),
    ("nul\0", "nul\\u0000"),
    ("caf\udce9.doc", "caf\\xe9.doc"),
    ("private\ue000\ue001\ue002", "private\\ue000\\ue001\\ue002"),
    ("unassigned\u0378", "unassigned\\u0378"),
    ("last\U0010ffff", "last\\U0010ffff"),
    ("zero\u200bwidth", "zero\\u200bwidth"),
    ("a\u3164b", "a\\u3164b"),
    ("not a folder\u2215x", "not a folder\\u2215x"),
    ("\u0301start", "\\u0301start"),
    ("\u0410cme", "\\u0410cme"),
    ("é Ünï", "é Ünï"),
    ("Договор №5", "Договор №5"),
    ("νόμος", "νόμος"),
    ("חוזה", "חוזה"),
]
"""Names, and how they have to be read on paper, with the fonts that Typst carries."""

SCRIPTS = [
    "中文文件名",
    "한국어 문서",
    "عقد الإيجار (1)",
    "חוזה 12",
    "अनुबंध",
    "😀",
    "👩🏽‍🚀",
    "e\u0301",
    "z" + "\u0301" * 40,
]
LONG = ["L" * 4096, "a/" * 2048, "中" * 4096, "word " * 800, "\u202e" * 4096, "W_" * 2048]


def tool(*command: str | Path, data: bytes | None = None) -> str:
    """What a program prints. One that is missing is skipped, or fails where all parties are asked for."""
    if shutil.which(str(command[0])) is None:
        if os.environ.get("NOTARY_REQUIRE_PARTIES"):
            pytest.fail(f"{command[0]} is missing (poppler-utils, qpdf)")
        pytest.skip(f"{command[0]} is missing")
    done = subprocess.run(command, input=data, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


def text_of(pdf: bytes) -> str:
    """What can be selected, in the order of the content, with every run of blanks as one."""
    return " ".join(tool("pdftotext", "-raw", "-", "-", data=pdf).split())


def without_blanks(pdf: bytes) -> str:
    return "".join(text_of(pdf).split())


def words_of(pdf: bytes, path: Path) -> Iterator[tuple[float, float, float, float]]:
    """Where each word stands, in points: left, top, right, bottom."""
    path.write_bytes(pdf)
    for word in re.finditer(
        r'<word xMin="(.+?)" yMin="(.+?)" xMax="(.+?)" yMax="(.+?)">', tool("pdftotext", "-bbox", path, "-")
    ):
        left, top, right, bottom = map(float, word.groups())
        yield left, top, right, bottom


def named(name: str) -> dict[str, Any]:
    """A certificate with `name` in every place that text from outside can have."""
    paper = certificate(1, matter=name, title=name, party={"name": name, "role": name}, calendars=[name])
    paper["exhibits"][0] |= {"name": name, "label": name, "bates": name, "type": name, "declared": [[name, name]]}
    paper["pdf_facts"][0] |= {"name": name, "title": name, "author": name, "created": name, "fault": name}
    return paper


@pytest.fixture
def only_own_fonts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without fonts."""
    own = typesetting._fonts(with_system=False)
    monkeypatch.setattr(typesetting, "_fonts", lambda with_system: own)


# -- sound documents ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 3, 300])
@pytest.mark.parametrize("template", ["certificate", "report"])  # a claim has no list of files
def test_a_document_says_every_digest_to_every_reader(template: Template, count: int, tmp_path: Path) -> None:
    data = certificate(count) if template == "certificate" else report(count)
    pdf = typeset(template, data, made_at=AT, attachments=[DATA, BUNDLE])
    (tmp_path / "it.pdf").write_bytes(pdf)
    assert "No syntax or stream encoding errors" in tool("qpdf", "--check", tmp_path / "it.pdf")
    text = without_blanks(pdf)
    wanted = re.findall(r"\b[0-9a-f]{64}\b", str(data))
    assert len(wanted) > count
    assert not [one for one in wanted if one not in text]
    fonts = tool("pdffonts", tmp_path / "it.pdf").splitlines()[2:]
    assert fonts
    assert all(re.search(r" yes yes yes +\d+ +\d+$", line) for line in fonts), fonts  # embedded, subset, Unicode


def test_attachments_come_out_as_they_went_in(tmp_path: Path) -> None:
    pdf = typeset("certificate", certificate(), made_at=AT, attachments=[DATA, BUNDLE])
    reader = pypdf.PdfReader(io.BytesIO(pdf), strict=True)
    assert dict(reader.attachments) == {one.name: [one.content] for one in (DATA, BUNDLE)}
    (tmp_path / "it.pdf").write_bytes(pdf)
    listed = tool("pdfdetach", "-list", tmp_path / "it.pdf")
    assert set(re.findall(r"\d+: (.+)", listed)) == {DATA.name, BUNDLE.name}
    tool("pdfdetach", "-savefile", BUNDLE.name, "-o", tmp_path / "out.zip", tmp_path / "it.pdf")
    assert (tmp_path / "out.zip").read_bytes() == BUNDLE.content


def test_a_document_says_what_it_is_to_machines() -> None:
    pdf = typeset("certificate", certificate(300), made_at=AT, attachments=[BUNDLE])
    reader = pypdf.PdfReader(io.BytesIO(pdf), strict=True)
    root: Any = reader.trailer["/Root"]
    xmp = root["/Metadata"].get_data().decode()
    assert re.search(r"<pdfaid:part>3<.*<pdfaid:conformance>A<", xmp)
    assert "<pdfuaid:part>1<" in xmp
    assert reader.metadata is not None
    assert reader.metadata.title == "Timestamp certificate 9F3A-1C20-77BE-0D41"
    assert reader.metadata.creation_date == AT
    assert root["/Lang"] == "en"
    assert root["/MarkInfo"]["/Marked"]
    kinds = {str(kind) for kind in structure(root["/StructTreeRoot"])}
    assert {"/Title", "/H1", "/H2", "/Table", "/THead", "/TH", "/L", "/Figure"} <= kinds


def structure(node: Any) -> Iterator[Any]:
    """The kinds of all elements of a tagged document."""
    node = node.get_object()
    if isinstance(node, list):
        for kid in node:
            yield from structure(kid)
    elif isinstance(node, dict):
        if "/S" in node:
            yield node["/S"]
        if "/K" in node:
            yield from structure(node["/K"])


def test_the_same_input_gives_the_same_bytes() -> None:
    first, again = (typeset("certificate", certificate(), made_at=AT, attachments=[DATA]) for _ in range(2))
    assert first == again
    elsewhere = AT.astimezone(timezone(timedelta(hours=9)))
    assert typeset("certificate", certificate(), made_at=elsewhere, attachments=[DATA]) == first
    assert typeset("certificate", certificate(), made_at=AT + timedelta(seconds=1), attachments=[DATA]) != first
    assert typeset("certificate", certificate(software="another"), made_at=AT, attachments=[DATA]) != first


@pytest.mark.parametrize("year", [1, 1900, 9999])
def test_any_date_will_do(year: int) -> None:
    assert typeset("report", report(), made_at=AT.replace(year=year))


# -- what stands on the pages ---------------------------------------------------------------------------------------


def test_each_page_has_its_number_and_the_certificate_its_own() -> None:
    reader = pypdf.PdfReader(io.BytesIO(typeset("certificate", certificate(100), made_at=AT)), strict=True)
    total = len(reader.pages)
    assert total > 5
    for number, page in enumerate(reader.pages, start=1):
        text = page.extract_text()
        assert f"Page {number} of {total}" in text
        assert "9F3A-1C20-77BE-0D41" in text
    heads = [page.extract_text().count("SHA-256") for page in reader.pages[1:4]]
    assert heads == [1, 1, 1]


@pytest.mark.parametrize("stamp", ["PENDING", "TEST NETWORK", "NOT VERIFIED"])
def test_a_stamp_goes_across_every_page(stamp: str) -> None:
    reader = pypdf.PdfReader(io.BytesIO(typeset("certificate", certificate(60, stamp=stamp), made_at=AT)))
    for page in reader.pages:
        sizes: list[float] = []
        page.extract_text(visitor_text=lambda text, ctm, _tm, _font, size: sizes.append(abs(ctm[1]) * size))  # noqa: B023
        assert max(sizes) > 40, "large and aslant"


def test_what_is_pending_or_of_a_test_network_says_so_in_its_text_too() -> None:
    pending = certificate(outcome="pending", attestations=[], qr=None, stamp="PENDING")
    assert "PENDING: NO BLOCK ATTESTS IT YET" in text_of(typeset("certificate", pending, made_at=AT))
    test = certificate(network="local", test_network=True, stamp="TEST NETWORK")
    assert "this proves nothing" in text_of(typeset("certificate", test, made_at=AT))


def test_a_draft_says_so_on_each_of_its_pages_and_on_no_other() -> None:
    pdf = typeset("certificate", certificate(declaration=declaration()), made_at=AT)
    pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages]
    drafts = ["DRAFT" in page for page in pages]
    assert drafts == sorted(drafts)
    assert drafts.count(True) >= 2
    assert "_" * 30 in pages[-2]


def test_withheld_and_left_out_things_leave_no_holes() -> None:
    bare = certificate(matter=None, title=None, party=None, pdf_facts=[], calendars=[], exhibits_csv=None)
    bare["bundle"]["attached"] = False
    for one in bare["exhibits"]:
        one |= {"name": None, "label": None, "bates": None, "size": None, "type": None, "declared": []}
    text = text_of(typeset("certificate", bare, made_at=AT))
    assert text.count("name withheld") == 3
    assert "Not attached: the bundle" in text
    assert "none" not in text.lower()
    assert "Declared, not proven" not in text


def test_a_command_is_printed_as_it_has_to_be_typed() -> None:
    assert f"grep {digest('zip')} SUMS" in text_of(typeset("certificate", certificate(), made_at=AT))


@pytest.mark.parametrize(("name", "paper"), [*((name, "a4") for name in (*LONG, *SCRIPTS)), (LONG[0], "us-letter")])
def test_nothing_leaves_the_margins(name: str, paper: Paper, tmp_path: Path) -> None:
    pdf = typeset("certificate", named(name), made_at=AT, paper=paper)
    width, height = (595.3, 841.9) if paper == "a4" else (612, 792)
    room = 1.0
    for left, top, right, bottom in words_of(pdf, tmp_path / "it.pdf"):
        assert left > 25 * MILLIMETRE - room
        assert right < width - 25 * MILLIMETRE + room
        assert top > 10 * MILLIMETRE
        assert bottom < height - 10 * MILLIMETRE
    assert len(pypdf.PdfReader(io.BytesIO(pdf)).pages) < 24


# -- text from outside ----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("only_own_fonts")
@pytest.mark.parametrize(("name", "read"), HOSTILE)
def test_hostile_text_is_shown_and_does_nothing(name: str, read: str) -> None:
    text = without_blanks(typeset("certificate", named(name), made_at=AT))
    expected = "".join(read.split())
    assert text.count(expected) >= 10
    assert not re.search("[\u202e\u200b\ue000-\uf8ff\0]", text)


@pytest.mark.usefixtures("only_own_fonts")
def test_what_no_font_has_is_shown_escaped() -> None:
    text = without_blanks(typeset("certificate", named("合同 é"), made_at=AT))
    assert "\\u5408\\u540cé" in text


def test_this_machines_fonts_are_asked_only_where_typsts_own_lack_a_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    own, asked = typesetting._fonts(with_system=False), list[bool]()

    def fonts(*, with_system: bool) -> Any:
        asked.append(with_system)
        return own

    monkeypatch.setattr(typesetting, "_fonts", fonts)
    typeset("certificate", named("Договор é חוזה"), made_at=AT)
    assert asked == [False]
    typeset("certificate", named("合同"), made_at=AT)
    assert asked == [False, False, True]


def test_fonts_that_cannot_be_used_do_not_stop_a_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    own = typesetting._fonts(with_system=False)

    def fonts(*, with_system: bool) -> Any:
        if with_system:
            raise SystemFailureError("broken")
        return own

    monkeypatch.setattr(typesetting, "_fonts", fonts)
    assert "\\u5408\\u540cé" in without_blanks(typeset("certificate", named("合同 é"), made_at=AT))


@pytest.mark.usefixtures("only_own_fonts")
def test_if_typst_words_its_complaint_in_another_way_all_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typesetting, "_unquoted", lambda text: "ÿ")
    assert "\\u5408\\u540c\\u00e9" in without_blanks(typeset("certificate", named("合同é"), made_at=AT))


def test_a_long_name_shows_its_two_ends_and_how_much_is_between() -> None:
    name = "".join(f"{number:04d}/" for number in range(1000))
    text = without_blanks(typeset("certificate", named(name), made_at=AT))
    found = re.search(r"0000/0001/[\d/]*…(\d+)charactersleftout…[\d/]*/0999/", text)
    assert found is not None
    assert len(name) - int(found[1]) <= limits.PRINTED_NAME
    assert len(name) - int(found[1]) > limits.PRINTED_NAME - 20


@pytest.mark.parametrize("name", ["../../etc/passwd", "..", "/", "a\\b", "\u202egpj.exe", "合同.zip", "x\0y", ""])
def test_attached_names_are_names(name: str) -> None:
    attached = Attachment(name, b"1", "application/zip", name or "one")
    pdf = typeset("report", report(), made_at=AT, attachments=[attached])
    (listed,) = pypdf.PdfReader(io.BytesIO(pdf), strict=True).attachments
    assert not re.search(r"[/\\\0\u202e]", listed)
    assert listed.isascii()
    assert listed not in {"", ".", ".."}


# -- what is left behind, and what goes wrong -----------------------------------------------------------------------


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    typeset("certificate", certificate(), made_at=AT, attachments=[BUNDLE])
    with pytest.raises(SystemFailureError, match="twice"):
        typeset("certificate", certificate(), made_at=AT, attachments=[BUNDLE, BUNDLE])
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_said_plainly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    with pytest.raises(SystemFailureError, match="cannot set the certificate: no such file"):
        typeset("certificate", certificate(), made_at=AT)


def test_without_typst_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    typesetting._fonts.cache_clear()
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(SystemFailureError, match="Typst cannot be loaded") as caught:
        typeset("report", report(), made_at=AT)
    assert caught.value.hints == ("pip install typst",)


def test_loading_the_edge_loads_neither_typst_nor_segno() -> None:
    program = "import sys, notary.edges.typesetting; assert not {'typst', 'segno'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
