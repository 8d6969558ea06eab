"""edges.pdf_reading: what real, broken and hostile PDF files say, carry and show, and that none of them does harm."""

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any

import pytest
import typst
from pypdf import PageObject, PdfWriter
from pypdf.annotations import FreeText
from pypdf.generic import DecodedStreamObject, NameObject

from notary import limits
from notary.edges.pdf_reading import PdfFacts, PdfReading, answers, is_pdf
from notary.errors import FormatError, SystemFailureError, UnreadableError
from tests.conftest import REQUIRES_PARTIES, ROOT
from tests.edges.bounded import within, without_rights

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX processes")
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")
qpdf = pytest.mark.skipif(shutil.which("qpdf") is None and not REQUIRES_PARTIES, reason="needs qpdf")

SOUND = PdfFacts(1, "Lab notebook, p. 17", None, "2026-03-12T00:00:00Z", 0)
SAMPLE = ROOT / "samples" / "evidence" / "lab notebook p. 17.pdf"

CATALOG = b"<</Type/Catalog/Pages 2 0 R>>"
PAGES = b"<</Type/Pages/Kids[3 0 R]/Count 1>>"
PAGE = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>"


def pdf(*objects: bytes, trailer: bytes = b"", prev: bytes = b"") -> bytes:
    """A PDF of these objects, numbered from 1, with a cross-reference table; the first is the catalog."""
    data, rows = b"%PDF-1.7\n", b"0000000000 65535 f \n"
    for number, body in enumerate(objects, 1):
        rows += b"%010d 00000 n \n" % len(data)
        data += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    size = b"%d" % (len(objects) + 1)
    end = b"xref\n0 %b\n%btrailer\n<</Size %b/Root 1 0 R%b%b>>\n" % (size, rows, size, trailer, prev)
    return data + end + b"startxref\n%d\n%%%%EOF\n" % len(data)


def stream(dictionary: bytes, data: bytes) -> bytes:
    return b"<<%b/Length %d>>stream\n%b\nendstream" % (dictionary, len(data), data)


def with_info(info: bytes) -> bytes:
    return pdf(CATALOG, PAGES, PAGE, b"<<%b>>" % info, trailer=b"/Info 4 0 R")


@pytest.fixture(scope="module")
def shared() -> Iterator[PdfReading]:
    """One child for all tests that do it no harm."""
    with PdfReading() as reading:
        yield reading


@pytest.fixture
def reading() -> Iterator[PdfReading]:
    with PdfReading() as one:
        yield one


@pytest.fixture
def facts(shared: PdfReading, tmp_path: Path) -> Callable[[bytes], PdfFacts | None]:
    def read(data: bytes) -> PdfFacts | None:
        path = tmp_path / "evidence.pdf"
        path.write_bytes(data)
        return within(30, lambda: shared.facts(path))

    return read


Facts = Callable[[bytes], PdfFacts | None]


def known(found: PdfFacts | None) -> PdfFacts:
    assert found is not None
    return found


def child_of(reading: PdfReading) -> "subprocess.Popen[bytes]":
    assert reading._child is not None
    return reading._child


# -- sound files ----------------------------------------------------------------------------------------------------


def test_a_sample_says_what_it_is(shared: PdfReading) -> None:
    assert shared.facts(SAMPLE) == SOUND


def test_bytes_without_a_file_say_the_same(shared: PdfReading) -> None:
    data = SAMPLE.read_bytes()
    assert shared.facts_of([data]) == SOUND
    assert shared.facts_of(data[at : at + 1] for at in range(len(data))) == SOUND
    assert shared.facts_of([]) is None
    assert shared.facts_of([b"%PD"]) is None


def test_bytes_that_are_no_pdf_are_not_read_on(shared: PdfReading) -> None:
    def pieces() -> Iterator[bytes]:
        yield bytes(2000)
        pytest.fail("read on")

    assert shared.facts_of(pieces()) is None


def test_too_many_bytes_are_not_copied(shared: PdfReading, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PDF_COPY_BYTES", 2**20)
    endless = iter(lambda: b"%PDF-1.7\n" * 2**13, None)
    assert known(shared.facts_of(endless)).fault == "beyond what is read: over 1 MB"


def test_what_pieces_raise_is_passed_on(shared: PdfReading) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"%PDF-"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        shared.facts_of(pieces())


def test_what_pypdf_writes_is_read(facts: Facts) -> None:
    writer = PdfWriter()
    for _ in range(250):
        writer.add_blank_page(9, 9)
    writer.add_metadata({"/Title": "Straße 東京", "/Author": "É. Ñandú", "/CreationDate": "D:20240229235959-08'30'"})
    written = io.BytesIO()
    writer.write(written)
    assert facts(written.getvalue()) == PdfFacts(250, "Straße 東京", "É. Ñandú", "2024-02-29T23:59:59-08:30", 0)


@pytest.mark.parametrize(
    ("stated", "title"),
    [
        (b"(plain \\(nested\\) \\101)", "plain (nested) A"),
        (b"<FEFF67714EAC>", "東京"),
        (b"<FFFE67714EAC>", "照걎"),
        (b"<EFBBBFC3A9>", "é"),
        (b"(\x80 \xa0)", "• €"),
        (b"(\\033[31mred\\r\\nnext\\000)", "\x1b[31mred\r\nnext\0"),
        (b"<FEFF202E0066>", "\u202ef"),
        (b"<FEFFD83DDE00>", "😀"),
        (b"<FEFFD83D0041>", None),
        (b"(" + b"x" * 299 + b"y)", "x" * 299 + "y"),
        (b"(" + b"x" * 100_000 + b")", "x" * 299 + "…"),
        (b"<FEFF" + b"D83DDE00" * 400 + b">", "😀" * 299 + "…"),
        (b"()", None),
        (b"/Name", None),
        (b"42", None),
        (b"null", None),
        (b"4 0 R", None),
        (b"99 0 R", None),
        (b"[(a)]", None),
    ],
)
def test_titles(facts: Facts, stated: bytes, title: str | None) -> None:
    found = known(facts(with_info(b"/Title " + stated)))
    assert found.pages == 1
    if stated != b"<FEFFD83D0041>":
        assert found.title == title
    else:  # half a pair: whatever pypdf makes of it, it is text
        assert found.title is None or found.title.encode()


@pytest.mark.parametrize(
    ("stated", "created"),
    [
        ("D:20240102030405Z", "2024-01-02T03:04:05Z"),
        ("D:20240102030405Z00'00'", "2024-01-02T03:04:05Z"),
        ("D:20240102030405+01'00'", "2024-01-02T03:04:05+01:00"),
        ("D:20240102030405-05'30", "2024-01-02T03:04:05-05:30"),
        ("D:20240102030405+0530", "2024-01-02T03:04:05+05:30"),
        ("D:20240102030405+01", "2024-01-02T03:04:05+01:00"),
        ("20240102030405Z", "2024-01-02T03:04:05Z"),
        ("D:20240102030405", "2024-01-02T03:04:05"),
        ("D:202401020304", "2024-01-02T03:04"),
        ("D:20240102", "2024-01-02"),
        ("D:202401", "2024-01"),
        ("D:2024", "2024"),
        ("D:20240230000000Z", "D:20240230000000Z"),
        ("D:20240102030460Z", "D:20240102030460Z"),
        ("D:20240102030405+99'00'", "D:20240102030405+99'00'"),
        ("D:0000", "D:0000"),
        ("Tuesday", "Tuesday"),
        ("D:20240102030405Z\n", "D:20240102030405Z\n"),
        ("D:19" + "1" * 5000, "D:19" + "1" * 295 + "…"),
    ],
)
def test_dates(facts: Facts, stated: str, created: str) -> None:
    assert known(facts(with_info(b"/CreationDate(%b)" % stated.encode()))).created == created


def test_pages_are_counted(facts: Facts) -> None:
    assert facts(pdf(CATALOG, b"<</Type/Pages/Kids[3 0 R 3 0 R]/Count 2000000000>>", PAGE)) == PdfFacts(2, signatures=0)


SIGNED = b"/FT/Sig/V<</Type/Sig/Contents<00>>>"


@pytest.mark.parametrize(
    ("fields", "others", "count"),
    [
        (b"[4 0 R 5 0 R]", [b"<<%b/T(a)>>" % SIGNED, b"<</FT/Sig/T(b)>>"], 1),
        (b"[4 0 R]", [b"<</FT/Sig/Kids[5 0 R 6 0 R]>>", b"<</V<</Type/Sig>>>>", b"<<%b>>" % SIGNED], 2),
        (b"[4 0 R 4 0 R]", [b"<<%b/Kids[4 0 R]>>" % SIGNED], 1),
        (b"[4 0 R]", [b"<</FT/Tx/V(text)/Kids[5 0 R]>>", b"<</FT/Sig/V null>>"], 0),
        (b"[4 0 R]", [b"<</FT/Sig/V 5>>"], 0),
        (b"[<<%b>> 7 (text) null 99 0 R [ ]]" % SIGNED, [], 1),
        (b"7", [], 0),
        (b"null", [], 0),
    ],
)
def test_signatures_are_counted(facts: Facts, fields: bytes, others: list[bytes], count: int) -> None:
    catalog = b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields %b>>>>" % fields
    assert facts(pdf(catalog, PAGES, PAGE, *others)) == PdfFacts(1, signatures=count)


def test_a_form_without_end_is_given_up(facts: Facts) -> None:
    kids = b"[%b]" % (b"4 0 R " * 9_000)
    catalog = b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields %b>>>>" % kids
    layers = [b"<</Kids[%b]>>" % (b"%d 0 R " % number * 90_000) for number in (5, 6)]
    found = known(facts(pdf(catalog, PAGES, PAGE, *layers, b"<<>>")))
    assert (found.pages, found.signatures) == (1, None)
    assert found.fault == "beyond what is read: over 100,000 form fields"


# -- what is a PDF --------------------------------------------------------------------------------------------------


def test_the_head_tells_a_pdf() -> None:
    assert is_pdf(b"%PDF-1.4")
    assert is_pdf(b"\xef\xbb\xbfHTTP/1.1 200 OK\r\n\r\n%PDF-1.4")
    assert is_pdf(bytes(1019) + b"%PDF-")
    assert not is_pdf(bytes(1020) + b"%PDF-")
    assert not is_pdf(b"PK\3\4")
    assert not is_pdf(b"")


@pytest.mark.parametrize("data", [b"", b"PK\3\4" + bytes(2000), b"text", b"%PD"])
def test_a_name_makes_no_pdf(facts: Facts, data: bytes) -> None:
    assert facts(data) is None


def test_something_may_stand_before_the_header(facts: Facts) -> None:
    assert known(facts(b"Content-Type: application/pdf\r\n\r\n" + SAMPLE.read_bytes())).pages == 1


@posix
@pytest.mark.parametrize("what", ["fifo", "folder", "nothing", "loop", "nul\0byte"])
def test_what_is_no_file_is_not_read(shared: PdfReading, tmp_path: Path, what: str) -> None:
    path = tmp_path / what
    if what == "fifo":
        os.mkfifo(path)
    elif what == "folder":
        path.mkdir()
    elif what == "loop":
        path.symlink_to(path)
    before = open_files()
    with pytest.raises(UnreadableError, match=re.escape(f"{path}: ")):
        within(5, lambda: shared.facts(path))
    assert open_files() == before


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir())) if sys.platform == "linux" else 0


def _shut(path: Path) -> str:
    try:
        with PdfReading() as reading:
            return str(reading.facts(path))
    except UnreadableError as error:
        return error.message


@posix
def test_a_file_without_permission_is_not_read(public_folder: Path) -> None:
    shutil.copy(SAMPLE, public_folder / "shut.pdf")
    (public_folder / "shut.pdf").chmod(0)
    assert without_rights(_shut, public_folder / "shut.pdf") == f"{public_folder / 'shut.pdf'}: permission denied"


@linux
def test_names_may_be_any_bytes(shared: PdfReading, tmp_path: Path) -> None:
    for name in (b"caf\xe9.pdf", b'new\nline "quoted".pdf', "東京.pdf".encode(), b"module.py"):
        path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
        shutil.copy(SAMPLE, path)
        assert shared.facts(path) == SOUND


def test_a_relative_path_is_from_here(shared: PdfReading, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(SAMPLE, "here.pdf")
    assert shared.facts(Path("here.pdf")) == SOUND


# -- encrypted files ------------------------------------------------------------------------------------------------

AES = find_spec("cryptography") or find_spec("Crypto")


@qpdf
@pytest.mark.parametrize("bits", ["40", "128", "128-aes", "256"])
@pytest.mark.parametrize("password", ["", "secret"])
def test_encrypted_files(facts: Facts, tmp_path: Path, bits: str, password: str) -> None:
    size, _, aes = bits.partition("-")
    options = ["--use-aes=y"] if aes else []
    weak = ["--allow-weak-crypto"]
    target = tmp_path / "encrypted.pdf"
    command = ["qpdf", *weak, "--encrypt", password, "owner", size, *options, "--", str(SAMPLE), str(target)]
    subprocess.run(command, check=True)
    found = known(facts(target.read_bytes()))
    if not AES and (aes or size == "256"):
        assert found.fault is not None
        assert found.fault.startswith(("beyond what is read: cryptography", "encrypted: "))
    elif password:
        assert found == PdfFacts(fault="encrypted: needs a password")
    else:
        assert found == SOUND


def test_an_unknown_encryption_is_named(facts: Facts) -> None:
    found = known(facts(pdf(CATALOG, PAGES, PAGE, trailer=b"/Encrypt<</Filter/Adobe.PubSec/V 4>>")))
    assert found.fault is not None
    assert found.fault.startswith("beyond what is read: ")


# -- broken files ---------------------------------------------------------------------------------------------------


def test_truncated_files_never_fail(facts: Facts) -> None:
    data = SAMPLE.read_bytes()
    for size in range(5, len(data), max(1, len(data) // 40)):
        found = known(facts(data[:size]))
        assert found.fault or found.pages == 1


def test_garbage_after_the_header_is_damage(facts: Facts) -> None:
    found = known(facts(b"%PDF-1.7\n" + Random(1).randbytes(50_000)))  # noqa: S311 - noise
    assert found.pages is None
    assert found.fault is not None
    assert found.fault.startswith("damaged: ")


def test_what_can_be_had_is_had(facts: Facts) -> None:
    found = known(facts(pdf(CATALOG, b"7", PAGE, b"<</Title(had)>>", trailer=b"/Info 4 0 R")))
    assert (found.pages, found.title, found.signatures) == (None, "had", 0)
    assert found.fault == "damaged: Invalid object in /Pages"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("cyclic pages", pdf(CATALOG, b"<</Type/Pages/Kids[3 0 R]>>", b"<</Type/Pages/Kids[2 0 R]>>")),
        (
            "deep pages",
            pdf(CATALOG, *(b"<</Type/Pages/Kids[%d 0 R]>>" % number for number in range(3, 5000)), PAGE),
        ),
        (
            "pages by the billion",
            pdf(CATALOG, *(b"<</Type/Pages/Kids[%b]>>" % (b"%d 0 R " % n * 10) for n in range(3, 13)), PAGE),
        ),
        ("a nested array", pdf(CATALOG, PAGES, b"[" * 100_000)),
        ("nested dictionaries", pdf(b"<</A" * 100_000, PAGES, PAGE)),
        ("no catalog", pdf(b"7", PAGES, PAGE)),
        ("a reference to itself", pdf(b"1 0 R", PAGES, PAGE)),
        ("a number of 100,000 digits", pdf(b"<</Type/Catalog/Pages %b 0 R>>" % (b"9" * 100_000), PAGES, PAGE)),
    ],
)
def test_hostile_structures_are_faults(facts: Facts, name: str, data: bytes) -> None:
    found = known(facts(data))
    assert found.fault, name
    assert found.pages is None, name


@pytest.mark.parametrize("prev", [b"/Prev 0", b"/Prev -7", b"/Prev 99999999999999999999", b"/Prev/Name", b"/Prev 9"])
def test_no_chain_of_tables_is_endless(facts: Facts, prev: bytes) -> None:
    assert facts(pdf(CATALOG, PAGES, PAGE, prev=prev)) is not None


def test_a_table_that_names_itself_as_the_one_before(facts: Facts) -> None:
    data = pdf(CATALOG, PAGES, PAGE)
    itself = pdf(CATALOG, PAGES, PAGE, prev=b"/Prev %d" % data.index(b"xref\n"))
    assert known(facts(itself)).pages == 1


def bomb(size: int) -> bytes:
    """An object stream of `size` zeros behind two layers of deflate."""
    packed = zlib.compress(zlib.compress(bytes(size), 9), 9)
    head = b"/Type/ObjStm/N 9/First 5/Filter[/FlateDecode/FlateDecode]"
    return stream(head, packed)


def with_object_stream(body: bytes) -> bytes:
    """The page tree is in an object stream, object 3, as a cross-reference stream, object 4, says."""
    data = b"%%PDF-1.7\n1 0 obj\n%b\nendobj\n" % CATALOG
    offsets = [9, len(data)]
    data += b"3 0 obj\n%b\nendobj\n" % body
    offsets.append(len(data))
    rows = [(0, 0, 0), (1, offsets[0], 0), (2, 3, 0), (1, offsets[1], 0), (1, offsets[2], 0)]
    table = b"".join(bytes([kind]) + at.to_bytes(4, "big") + bytes([more]) for kind, at, more in rows)
    data += b"4 0 obj\n%b\nendobj\n" % stream(b"/Type/XRef/W[1 4 1]/Size 5/Root 1 0 R", table)
    return data + b"startxref\n%d\n%%%%EOF\n" % offsets[2]


def test_an_object_stream_is_read(facts: Facts) -> None:
    body = b"2 0 <</Type/Pages/Kids[<</Type/Page>>]>>"
    assert known(facts(with_object_stream(stream(b"/Type/ObjStm/N 1/First 4", body)))).pages == 1


@pytest.mark.parametrize("size", [20_000_000, 400_000_000])
def test_a_bomb_in_an_object_stream_is_a_fault(facts: Facts, size: int) -> None:
    found = known(facts(with_object_stream(bomb(size))))
    assert found.fault
    assert found.pages is None


def test_a_bomb_in_a_table_is_a_fault(facts: Facts) -> None:
    table = zlib.compress(bytes(400_000_000), 9)
    body = stream(b"/Type/XRef/W[0 0 0]/Index[0 2000000000]/Size 2000000000/Root 1 0 R/Filter/FlateDecode", table)
    found = known(facts(b"%PDF-1.7\n1 0 obj\n" + body + b"\nendobj\nstartxref\n9\n%%EOF\n"))
    assert found.fault


# -- attachments ----------------------------------------------------------------------------------------------------


def typeset(folder: Path, text: str, **attached: bytes) -> Path:
    """A PDF by Typst, as certificates are, with what is attached under names with `.bin` behind them."""
    lines = ["#set document(title: [A])", "#link(<end>)[Link]", text]
    for name, content in attached.items():
        (folder / name).write_bytes(content)
        member = f'"{name}.bin", read("{name}", encoding: none), relationship: "data"'
        lines.append(f'#pdf.attach({member}, mime-type: "application/zip", description: "d")')
    (folder / "main.typ").write_text("\n\n".join([*lines, "= End <end>"]), encoding="utf-8")
    path = folder / "certificate.pdf"
    compiled = typst.compile(folder / "main.typ", root=folder, pdf_standards=["a-3a", "ua-1"], timestamp=0)
    assert isinstance(compiled, bytes)
    path.write_bytes(compiled)
    return path


def with_files(*names: bytes, tree: bytes | None = None, others: tuple[bytes, ...] = ()) -> bytes:
    """A PDF whose object 4 is the tree of embedded files; the file named by the first of `names` is in object 6."""
    specifications = [b"<</Type/Filespec/UF(%b)/EF<</F %d 0 R>>>>" % (name, 6 + at) for at, name in enumerate(names)]
    entries = b"".join(b"(%d)%b" % (at, body) for at, body in enumerate(specifications))
    catalog = b"<</Type/Catalog/Pages 2 0 R/Names<</EmbeddedFiles 4 0 R>>>>"
    files = [stream(b"/Type/EmbeddedFile", b"content of %b" % name) for name in names]
    return pdf(catalog, PAGES, PAGE, tree or b"<</Names[%b]>>" % entries, b"null", *(others or files))


@pytest.fixture
def attachments(shared: PdfReading, tmp_path: Path) -> Callable[[bytes], dict[str, bytes]]:
    def read(data: bytes) -> dict[str, bytes]:
        path = tmp_path / "certificate.pdf"
        path.write_bytes(data)
        return within(30, lambda: shared.attachments(path))

    return read


Attachments = Callable[[bytes], dict[str, bytes]]


def refused(call: Callable[[], object]) -> str:
    """The message of the FormatError that `call` raises, without the path that it begins with."""
    with pytest.raises(FormatError) as error:
        call()
    path, _, fault = error.value.message.partition(".pdf: ")
    assert path
    return fault


def noise(size: int) -> bytes:
    return Random(size).randbytes(size)  # noqa: S311


def test_what_typst_attaches_is_had_back(shared: PdfReading, tmp_path: Path) -> None:
    contents = {"data": b"{}\n", "bundle": noise(300_000), "table": b"0," * 100_000, "empty": b""}
    path = typeset(tmp_path, "Text.", **contents)
    assert shared.attachments(path) == {f"{name}.bin": content for name, content in contents.items()}
    assert known(shared.facts(path)).pages == 1


def test_the_largest_bundle_is_had_back(shared: PdfReading, tmp_path: Path) -> None:
    bundle = noise(2**20) * (limits.ATTACHED_BYTES // 2**20)
    path = typeset(tmp_path, "Text.", bundle=bundle, data=b"{}")
    found = within(60, lambda: shared.attachments(path))
    assert found["data.bin"] == b"{}"
    assert found["bundle.bin"] == bundle


@qpdf
def test_what_qpdf_attaches_is_had_back(shared: PdfReading, tmp_path: Path) -> None:
    source, target = typeset(tmp_path, "Text.", bundle=b"ours"), tmp_path / "more.pdf"
    command = ["qpdf", str(source)]
    for name in ("b ü.zip", "a.json", "東京"):
        (tmp_path / name).write_bytes(name.encode() * 1000)
        command += ["--add-attachment", str(tmp_path / name), "--"]
    subprocess.run([*command, "--object-streams=generate", str(target)], check=True)
    added = {name: name.encode() * 1000 for name in ("b ü.zip", "a.json", "東京")}
    assert shared.attachments(target) == {"bundle.bin": b"ours", **added}


def test_a_pdf_without_attachments_has_none(shared: PdfReading, attachments: Attachments) -> None:
    assert shared.attachments(SAMPLE) == {}
    for tree in (b"null", b"7", b"<<>>", b"<</Names null>>", b"<</Kids 7>>", b"[4 0 R]"):
        assert attachments(with_files(tree=tree, others=(b"null",))) == {}


def test_as_many_attachments_as_may_be(attachments: Attachments) -> None:
    names = [b"file %d" % number for number in range(limits.ATTACHMENTS + 1)]
    assert attachments(with_files(*names[:-1])) == {name.decode(): b"content of " + name for name in names[:-1]}
    assert refused(lambda: attachments(with_files(*names))) == "beyond what is read: over 16 attachments"


def test_names_in_a_tree_are_found(attachments: Attachments) -> None:
    leaf = b"<</Names[(x)<</F(%b)/EF<</UF 6 0 R/F 6 0 R>>>>]>>"
    nested = b"<</Kids[%b<</Kids[<</Kids[%b]>>]>>4 0 R]>>" % (leaf % b"a", leaf % b"b")
    assert attachments(with_files(tree=nested, others=(stream(b"", b"one"),))) == {"a": b"one", "b": b"one"}


@pytest.mark.parametrize(
    ("tree", "fault"),
    [
        (b"<</Names[(x)7]>>", "damaged: an attachment has no name"),
        (b"<</Names[(x)<</UF()>>]>>", "damaged: an attachment has no name"),
        (b"<</Names[(x)<</UF 7/EF<</F 6 0 R>>>>]>>", "damaged: an attachment has no name"),
        (b"<</Names[(x)<</UF(a)>>]>>", "damaged: the attachment a has no content"),
        (b"<</Names[(x)<</UF(a)/EF 6 0 R>>]>>", "damaged: the attachment a has 0 contents"),
        (b"<</Names[(x)<</UF(a)/EF<</F 99 0 R>>>>]>>", "damaged: the attachment a is no stream"),
        (b"<</Names[(x)<</UF(a)/EF<</F 3 0 R>>>>]>>", "damaged: the attachment a is no stream"),
        (b"<</Names[(x)<</UF(a)/EF<</F 6 0 R/UF 7 0 R>>>>]>>", "damaged: the attachment a has 2 contents"),
        (
            b"<</Names[(x)<</UF(a)/EF<</F 6 0 R>>>>(y)<</F(a)/EF<</F 7 0 R>>>>]>>",
            "damaged: two attachments are named a",
        ),
        (
            b"<</Names[(x)<</UF(%b)/EF<</F 6 0 R>>>>]>>" % (b"x" * 301),
            "beyond what is read: an attachment's name of over 300 characters",
        ),
        (b"<</Kids[%b]>>" % (b"4 0 R " * 2000), "beyond what is read: over 1000 nodes in the tree of attachments"),
    ],
)
def test_attachments_that_cannot_be_had(attachments: Attachments, tree: bytes, fault: str) -> None:
    data = with_files(tree=tree, others=(stream(b"", b"1"), stream(b"", b"2")))
    assert refused(lambda: attachments(data)) == fault


def test_names_are_whatever_they_are(attachments: Attachments) -> None:
    names = {"../../etc/passwd", "\x1b[31m", "\u202ef", "a\0b", "😀" * 300}
    files = [b"<FEFF%b>" % name.encode("utf-16-be").hex().encode() for name in names]
    tree = b"".join(b"(x)<</UF%b/EF<</F 6 0 R>>>>" % name for name in files)
    assert set(attachments(with_files(tree=b"<</Names[%b]>>" % tree, others=(stream(b"", b"1"),)))) == names


@pytest.mark.parametrize("layers", [1, 2])
def test_a_bomb_among_attachments_is_refused(attachments: Attachments, layers: int) -> None:
    packed = zlib.compress(bytes(limits.ATTACHED_BYTES + 1), 9)
    if layers == 2:
        packed = zlib.compress(packed)
    filters = b"/Filter[%b]" % (b"/FlateDecode" * layers)
    fault = refused(lambda: attachments(with_files(b"a", others=(stream(filters, packed),))))
    assert fault == "beyond what is read: the attachment a is too large"


def test_a_large_bomb_is_refused(attachments: Attachments) -> None:
    packed = zlib.compress(bytes(200_000_000), 9)
    fault = refused(lambda: attachments(with_files(b"a", others=(stream(b"/Filter/FlateDecode", packed),))))
    assert fault.startswith("beyond what is read: Limit reached while decompressing")


def test_attachments_are_bounded_together(attachments: Attachments) -> None:
    packed = zlib.compress(bytes(70_000_000), 9)
    files = (stream(b"/Filter/FlateDecode", packed),) * 2
    fault = refused(lambda: attachments(with_files(b"a", b"b", others=files)))
    assert fault == "beyond what is read: the attachment b is too large"


def test_no_program_is_run_for_an_attachment(attachments: Attachments) -> None:
    fault = refused(lambda: attachments(with_files(b"a", others=(stream(b"/Filter/JBIG2Decode", b"x"),))))
    assert fault.startswith("beyond what is read: ")


@qpdf
@pytest.mark.parametrize("password", ["", "secret"])
def test_no_encrypted_certificate_is_read(shared: PdfReading, tmp_path: Path, password: str) -> None:
    source, target = typeset(tmp_path, "Text.", bundle=b"ours"), tmp_path / "encrypted.pdf"
    command = ["qpdf", "--encrypt", password, "owner", "256", "--", str(source), str(target)]
    subprocess.run(command, check=True)
    reads: list[Callable[[Path], object]] = [shared.attachments, shared.page_texts, shared.page_marks]
    for read in reads:
        assert refused(partial(read, target)).startswith("encrypted")


def test_a_truncated_certificate_has_all_or_nothing_or_less(shared: PdfReading, tmp_path: Path) -> None:
    bundle = noise(50_000)
    data = typeset(tmp_path, "Text.", bundle=bundle).read_bytes()
    path = tmp_path / "cut.pdf"
    for size in range(5, len(data), len(data) // 30):
        path.write_bytes(data[:size])
        try:
            found = within(30, lambda: shared.attachments(path))
        except FormatError:
            continue
        assert found in ({}, {"bundle.bin": bundle})


@pytest.mark.parametrize("ask", ["attachments", "page_texts", "page_marks"])
def test_what_is_no_pdf_is_refused(shared: PdfReading, tmp_path: Path, ask: str) -> None:
    path = tmp_path / "other.pdf"
    with pytest.raises(UnreadableError):
        getattr(shared, ask)(path)
    path.write_bytes(b"PK\3\4")
    assert refused(lambda: getattr(shared, ask)(path)) == "no PDF"
    path.write_bytes(b"%PDF-1.7\n" + noise(20_000))
    assert refused(lambda: getattr(shared, ask)(path)).startswith("damaged: ")


# -- pages ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    text = "No later than 12 March 2026.\n#pagebreak()\nDigest 0123456789abcdef."
    return typeset(tmp_path_factory.mktemp("typst"), text, bundle=b"ours")


def changed(source: Path, target: Path, change: Callable[[PdfWriter], object]) -> Path:
    writer = PdfWriter(clone_from=source)
    change(writer)
    writer.write(target)
    return target


def set_content(page: PageObject, content: bytes) -> None:
    drawn = DecodedStreamObject()
    drawn.set_data(content)
    page[NameObject("/Contents")] = drawn


def content_of(page: PageObject) -> bytes:
    contents = page.get_contents()
    assert contents is not None
    return contents.get_data()


def test_pages_have_their_text(shared: PdfReading, certificate: Path) -> None:
    first, second = shared.page_texts(certificate)
    assert "No later than 12 March 2026." in first.splitlines()
    assert "Digest 0123456789abcdef." in second.splitlines()
    assert shared.page_texts(SAMPLE) == shared.page_texts(SAMPLE)


def test_pages_set_again_are_the_same(shared: PdfReading, tmp_path: Path) -> None:
    one = typeset(tmp_path, "12 March")
    texts, marks = shared.page_texts(one), shared.page_marks(one)
    again = typeset(tmp_path, "12 March")
    assert (shared.page_texts(again), shared.page_marks(again)) == (texts, marks)
    other = typeset(tmp_path, "13 March")
    assert shared.page_texts(other) != texts
    assert shared.page_marks(other) != marks


@qpdf
@pytest.mark.parametrize(
    "options", [[], ["--linearize"], ["--object-streams=disable", "--stream-data=uncompress"], ["--recompress-flate"]]
)
def test_a_file_written_anew_shows_the_same(
    shared: PdfReading, certificate: Path, tmp_path: Path, options: list[str]
) -> None:
    target = tmp_path / "anew.pdf"
    subprocess.run(["qpdf", *options, str(certificate), str(target)], check=True)
    assert target.read_bytes() != certificate.read_bytes()
    assert shared.page_texts(target) == shared.page_texts(certificate)
    assert shared.page_marks(target) == shared.page_marks(certificate)


def digit(writer: PdfWriter) -> None:
    """12 March, as its two digits change places: letters are drawn by their numbers in the font, two bytes each."""
    content = content_of(writer.pages[0])
    runs = re.compile(rb"\((?:\\.|[^\\)])*\)", re.DOTALL)
    for run in runs.finditer(content):
        if run.end() - run.start() > 60:
            codes = re.findall(rb"\\[0-7]{3}|\\.|[^\\]", run[0][1:-1], re.DOTALL)
            codes[28:32] = codes[30:32] + codes[28:30]
            set_content(writer.pages[0], content[: run.start()] + b"(" + b"".join(codes) + b")" + content[run.end() :])
            return
    pytest.fail("no such line")


def note(writer: PdfWriter) -> None:
    writer.add_annotation(0, FreeText(text="11 March 2020", rect=(50, 600, 300, 700)))


def patch(writer: PdfWriter) -> None:
    set_content(writer.pages[0], content_of(writer.pages[0]) + b"\nq 1 1 1 rg 50 600 300 100 re f Q")


def veil(writer: PdfWriter) -> None:
    """Readers fail to draw it as a picture; pypdf passes over that filter."""
    set_content(writer.pages[0], content_of(writer.pages[0]))
    contents = writer.pages[0].get("/Contents")
    assert isinstance(contents, DecodedStreamObject)
    contents[NameObject("/Filter")] = NameObject("/DCTDecode")


def outlines(writer: PdfWriter) -> None:
    """Another letter's drawing for the same text."""
    fonts = writer.pages[0]["/Resources"]["/Font"]  # type: ignore[index]
    descriptor = next(iter(fonts.values())).get_object()["/DescendantFonts"][0].get_object()["/FontDescriptor"]
    (key,) = (key for key in descriptor if key.startswith("/FontFile"))
    font = bytearray(descriptor[key].get_data())
    font[len(font) // 2] ^= 1
    drawn = DecodedStreamObject()
    drawn.set_data(bytes(font))
    drawn.update({name: value for name, value in descriptor[key].items() if name not in ("/Filter", "/Length")})
    descriptor[NameObject(key)] = drawn


@pytest.mark.parametrize(
    ("change", "tells_text", "tells_mark", "annotations"),
    [
        (digit, True, True, 0),
        (note, False, False, 1),
        (patch, False, True, 0),
        (veil, False, True, 0),
        (outlines, False, True, 0),
    ],
)
def test_what_tells_that_a_page_was_edited(
    shared: PdfReading,
    certificate: Path,
    tmp_path: Path,
    change: Callable[[PdfWriter], object],
    tells_text: bool,
    tells_mark: bool,
    annotations: int,
) -> None:
    edited = changed(certificate, tmp_path / "edited.pdf", change)
    before, after = shared.page_marks(certificate)[0], shared.page_marks(edited)[0]
    assert (shared.page_texts(edited) != shared.page_texts(certificate)) == tells_text
    assert (after.sha256 != before.sha256) == tells_mark
    assert (before.annotations, after.annotations) == (0, annotations)


def test_a_page_that_was_changed_to_and_fro_is_as_before(shared: PdfReading, certificate: Path, tmp_path: Path) -> None:
    same = changed(certificate, tmp_path / "same.pdf", lambda writer: writer.add_metadata({"/Title": "B"}))
    assert shared.page_marks(same) == shared.page_marks(certificate)


@pytest.mark.parametrize(
    ("link", "count"),
    [
        ({"/Border": "[0 0 0]"}, 0),
        ({"/Border": "[0 0 9]"}, 1),
        ({}, 1),
        ({"/Border": "[0 0 0]", "/BS": "<</W 9>>"}, 1),
        ({"/Border": "[0 0 0]", "/AP": "<</N 4 0 R>>"}, 1),
        ({"/Border": "[0 0 0]", "/Subtype": "/Stamp"}, 1),
    ],
)
def test_links_that_draw_are_counted(shared: PdfReading, tmp_path: Path, link: dict[str, str], count: int) -> None:
    members = "".join(f"{key} {value}" for key, value in ({"/Subtype": "/Link"} | link).items())
    page = b"<</Type/Page/Parent 2 0 R/Annots[<<%b>>]>>" % members.encode()
    path = tmp_path / "links.pdf"
    path.write_bytes(pdf(CATALOG, PAGES, page, b"null"))
    assert [one.annotations for one in shared.page_marks(path)] == [count]


def drawing(content: bytes, resources: bytes = b"", *others: bytes, head: bytes = b"") -> bytes:
    """A PDF with one page, whose content is object 5; `others` are from object 6 on."""
    font = b"/Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>"
    page = b"<</Type/Page/Parent 2 0 R/Contents 5 0 R/Resources<<%b%b>>>>" % (font, resources)
    return pdf(CATALOG, PAGES, page, b"null", stream(head, content), *others)


TEXT = b"BT /F 9 Tf (%b) Tj ET "
FORM = b"/Type/XObject/Subtype/Form/Resources<</XObject<</A 6 0 R/B 7 0 R>>/Font<</F<</Subtype/Type1>>>>>>"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a bomb", drawing(zlib.compress(bytes(20_000_000), 9), head=b"/Filter/FlateDecode")),
        ("too much text", drawing(zlib.compress(TEXT % (b"x" * 6_000_000), 9), head=b"/Filter/FlateDecode")),
        ("text without end", drawing(zlib.compress((TEXT % b"x") * 300_000, 9), head=b"/Filter/FlateDecode")),
        ("a nested array", drawing(TEXT % b"x" + b"[" * 200_000)),
        ("too many pages", pdf(CATALOG, b"<</Type/Pages/Kids[%b]>>" % (b"3 0 R " * 501), PAGE)),
        ("cyclic pages", pdf(CATALOG, b"<</Type/Pages/Kids[3 0 R]>>", b"<</Type/Pages/Kids[2 0 R]>>")),
    ],
)
def test_hostile_pages_are_refused(shared: PdfReading, tmp_path: Path, name: str, data: bytes) -> None:
    path = tmp_path / "hostile.pdf"
    path.write_bytes(data)
    fault = refused(lambda: within(60, lambda: shared.page_texts(path)))
    assert fault.startswith(("beyond what is read: ", "damaged: ")), name


def test_forms_inside_one_another_end(shared: PdfReading, tmp_path: Path) -> None:
    path = tmp_path / "forms.pdf"
    form = stream(FORM, b"/A Do /B Do " + TEXT % b"x")
    path.write_bytes(drawing(b"/A Do " + TEXT % b"page", b"/XObject<</A 6 0 R>>", form, form))
    assert "page" in within(60, lambda: shared.page_texts(path))[0]
    assert within(60, lambda: shared.page_marks(path)) == shared.page_marks(path)


def test_objects_in_one_another_have_a_mark(shared: PdfReading, tmp_path: Path) -> None:
    path = tmp_path / "ring.pdf"
    path.write_bytes(drawing(TEXT % b"x", b"/Properties<</A 6 0 R>>", b"<</A[7 0 R 7 0 R]>>", b"<</A[6 0 R 6 0 R]>>"))
    (mark,) = shared.page_marks(path)
    assert len(mark.sha256) == 32
    wide = [b"<</A[%d 0 R %d 0 R]>>" % (number, number) for number in range(7, 100)]
    path.write_bytes(drawing(TEXT % b"x", b"/Properties<</A 6 0 R>>", *wide))
    assert within(10, lambda: shared.page_marks(path)) != [mark]
    deep = [b"<</A %d 0 R>>" % number for number in range(7, 3000)]
    path.write_bytes(drawing(TEXT % b"x", b"/Properties<</A 6 0 R>>", *deep))
    assert refused(lambda: shared.page_marks(path)).startswith(("beyond what is read: ", "damaged: "))


# -- the child ------------------------------------------------------------------------------------------------------


def slow(path: Path) -> Path:
    """A file whose table has to be made again from a million objects: half a minute."""
    path.write_bytes(b"%PDF-1.7\n" + b"".join(b"%d 0 obj\n" % number for number in range(1_000_000)))
    return path


@posix
def test_a_file_that_takes_long_is_left(reading: PdfReading, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert reading.facts(SAMPLE) == SOUND
    first = child_of(reading)
    monkeypatch.setattr(limits, "PDF_SECONDS", 0.5)
    before = time.monotonic()
    assert reading.facts(slow(tmp_path / "slow.pdf")) == PdfFacts(fault="took longer than 0.5 s")
    assert time.monotonic() - before < 3
    assert first.returncode == -signal.SIGKILL
    assert reading.facts(SAMPLE) == SOUND


@linux
def test_a_file_that_takes_too_much_memory_is_left(reading: PdfReading, tmp_path: Path) -> None:
    path = tmp_path / "large.pdf"
    with path.open("wb") as large:  # a hole of 1 GiB: without a table the whole file is searched for objects
        large.write(b"%PDF-1.7\n")
        large.seek(2**30)
        large.write(b"\nstartxref\n0\n%%EOF\n")
    assert within(30, lambda: reading.facts(path)) == PdfFacts(fault="needed more than 512 MB")
    assert reading.facts(SAMPLE) == SOUND


@posix
def test_a_child_that_is_killed_at_a_file_is_replaced(reading: PdfReading, tmp_path: Path) -> None:
    assert reading.facts(SAMPLE) == SOUND
    path = slow(tmp_path / "slow.pdf")
    threading.Timer(0.3, child_of(reading).kill).start()
    found = reading.facts(path)
    assert found == PdfFacts(fault="not read: the process that read it came to an end")
    assert reading.facts(SAMPLE) == SOUND


@posix
def test_a_child_that_is_killed_between_files_is_replaced(reading: PdfReading) -> None:
    assert reading.facts(SAMPLE) == SOUND
    os.kill(child_of(reading).pid, signal.SIGKILL)
    os.waitid(os.P_PID, child_of(reading).pid, os.WEXITED | os.WNOWAIT)
    assert reading.facts(SAMPLE) == SOUND


def test_one_child_reads_many_and_ends_with_the_block() -> None:
    with PdfReading() as reading:
        assert reading._child is None
        assert reading.facts(SAMPLE) == SOUND
        child = child_of(reading)
        assert reading.facts(SAMPLE) == SOUND
        assert child_of(reading) is child
        assert child.poll() is None
    assert child.returncode is not None
    assert child.stdin is not None
    assert child.stdin.closed


@posix
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_no_child_outlives_its_parent(tmp_path: Path, ending: signal.Signals) -> None:
    script = """if True:
        import sys
        from pathlib import Path
        from notary.edges.pdf_reading import PdfReading
        with PdfReading() as reading:
            reading.facts(Path(sys.argv[1]))
            print(reading._child.pid, flush=True)
            reading.facts(Path(sys.argv[2])) if len(sys.argv) > 2 else sys.stdin.read()
    """
    files = [SAMPLE, slow(tmp_path / "slow.pdf")] if ending == signal.SIGINT else [SAMPLE]
    with subprocess.Popen(
        [sys.executable, "-c", script, *files], stdin=-1, stdout=-1, stderr=-1, start_new_session=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        time.sleep(0.3)
        os.kill(parent.pid, ending)
        parent.communicate(timeout=10)
    deadline = time.monotonic() + 10
    while Path(f"/proc/{child}").exists() and "Z" not in Path(f"/proc/{child}/stat").read_text().rpartition(")")[2]:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@posix
@pytest.mark.parametrize(
    "reply",
    [
        "nonsense",
        "[]",
        '{"pages": -1}',
        '{"pages": 1.5}',
        '{"pages": true}',
        '{"pages": "1"}',
        '{"title": 1}',
        '{"title": null}',
        '{"other": "x"}',
        '{"pages": 1, "pages": 2}',
        json.dumps({"title": "x" * 301}),
        '{"title": "\\ud800"}',
        '{"pages": 1',
        "x" * 100_000,
        "{" * 10_000,
        "",
    ],
)
def test_a_child_that_makes_no_sense_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reply: str
) -> None:
    false = tmp_path / "python"
    (tmp_path / "reply").write_text(f"{reply}\n")
    false.write_text(f"#!/bin/sh\necho ready\nread line\ncat '{tmp_path / 'reply'}'\nread line\n")
    false.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(false))
    with PdfReading() as reading:
        found = known(within(10, lambda: reading.facts(SAMPLE)))
        assert found == PdfFacts(fault="not read: the process that read it made no sense afterwards")
        assert reading._child is None


def speaking(folder: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes, then: str) -> None:
    """A child that answers this, whatever the question, and does that after it."""
    false = folder / "python"
    (folder / "answer").write_bytes(answer)
    false.write_text(f"#!/bin/sh\necho ready\nread line\ncat '{folder / 'answer'}'\n{then}\n")
    false.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(false))


@posix
@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "{}",
        '{"fault": 7}',
        json.dumps({"fault": "x" * 301}),
        '{"fault": "x", "parts": []}',
        '{"parts": 7}',
        '{"parts": {}}',
        '{"parts": [7]}',
        '{"parts": [["a"]]}',
        '{"parts": [["a", 1, 1]]}',
        '{"parts": [["a", -1]]}',
        '{"parts": [["a", true]]}',
        '{"parts": [["a", "1"]]}',
        '{"parts": [[1, 1]]}',
        '{"parts": [["a", 1], ["a", 1]]}',
        json.dumps({"parts": [["x" * 301, 1]]}),
        json.dumps({"parts": [[f"{number}", 0] for number in range(17)]}),
        '{"parts": [["a", 200000000]]}',
        '{"parts": [["a", 100000000], ["b", 100000000]]}',
        '{"parts": [["a", 9007199254740991]]}',
        "x" * 100_000,
    ],
)
def test_a_child_that_makes_no_sense_gives_no_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    speaking(tmp_path, monkeypatch, line.encode() + b"\n" + bytes(1000), "read line")
    with PdfReading() as reading:
        fault = refused(lambda: within(10, lambda: reading.attachments(SAMPLE)))
        assert fault == "not read: the process that read it made no sense afterwards"
        assert reading._child is None


@posix
@pytest.mark.parametrize("answer", [b"", b'{"parts"', b'{"parts": [["a", 100000000]]}\n' + bytes(99_999)])
def test_a_child_that_ends_amid_its_answer_gives_no_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    speaking(tmp_path, monkeypatch, answer, "kill -9 $$")
    with PdfReading() as reading:
        fault = refused(lambda: within(10, lambda: reading.attachments(SAMPLE)))
    assert fault == "not read: the process that read it came to an end"


@posix
def test_a_child_that_stops_amid_its_answer_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    speaking(tmp_path, monkeypatch, b'{"parts": [["a", 100000000]]}\n' + bytes(99_999), "exec sleep 60")
    monkeypatch.setattr(limits, "PDF_CARRIED_SECONDS", 0.5)
    with PdfReading() as reading:
        assert refused(lambda: within(10, lambda: reading.attachments(SAMPLE))) == "took longer than 0.5 s"


@posix
def test_a_child_that_is_killed_amid_its_bytes_is_replaced(
    reading: PdfReading, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = typeset(tmp_path, "Text.", bundle=bytes(2**24))
    assert reading.attachments(path) == {"bundle.bin": bytes(2**24)}
    sizes = answers._sizes

    def killing(parts: list[Any]) -> dict[str, int]:
        child_of(reading).kill()  # when the line was read, and of the bytes what a pipe holds
        return sizes(parts)

    with monkeypatch.context() as patched:
        patched.setattr(answers, "_sizes", killing)
        assert refused(lambda: reading.attachments(path)) == "not read: the process that read it came to an end"
    assert reading.attachments(path) == {"bundle.bin": bytes(2**24)}
    assert reading.facts(SAMPLE) == SOUND


@linux
def test_attachments_that_take_too_much_memory_are_left(reading: PdfReading, tmp_path: Path) -> None:
    path, size = tmp_path / "large.pdf", 105_000_000
    with path.open("wb") as large:  # six streams of holes, that decode to nothing: only what is read of them is large
        offsets = []
        heads = [CATALOG[:-2] + b"/Names<</EmbeddedFiles 4 0 R>>>>", PAGES, PAGE]
        entries = b"".join(b"(x)<</UF(%d)/EF<</F %d 0 R>>>>" % (at, at) for at in range(5, 11))
        large.write(b"%PDF-1.7\n")
        for number, body in enumerate([*heads, b"<</Names[%b]>>" % entries], 1):
            offsets.append(large.tell())
            large.write(b"%d 0 obj\n%b\nendobj\n" % (number, body))
        for number in range(5, 11):
            offsets.append(large.tell())
            large.write(b"%d 0 obj\n<</Length %d/Filter/ASCIIHexDecode>>stream\n>" % (number, size))
            large.seek(size - 1, os.SEEK_CUR)
            large.write(b"\nendstream\nendobj\n")
        start = large.tell()
        rows = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
        large.write(b"xref\n0 11\n0000000000 65535 f \n%btrailer\n<</Size 11/Root 1 0 R>>\n" % rows)
        large.write(b"startxref\n%d\n%%%%EOF\n" % start)
    assert refused(lambda: within(60, lambda: reading.attachments(path))) == "needed more than 512 MB"
    assert reading.facts(SAMPLE) == SOUND


@posix
@pytest.mark.parametrize("script", ["exit 1", "echo hello", "exec sleep 60", "exec yes", "exec 1>&-; exec sleep 60"])
def test_a_child_that_does_not_start_is_no_fault_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    false = tmp_path / "python"
    false.write_text(f"#!/bin/sh\n{script}\n")
    false.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(false))
    monkeypatch.setattr(limits, "PDF_START_SECONDS", 0.5)
    with PdfReading() as reading, pytest.raises(SystemFailureError, match="does not start"):
        within(10, lambda: reading.facts(SAMPLE))
    false.unlink()
    with PdfReading() as reading, pytest.raises(SystemFailureError, match="cannot be started"):
        reading.facts(SAMPLE)


@posix
def test_evidence_is_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pypdf", "json", "notary", "encodings"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'done')!r}, 'w')")
    monkeypatch.chdir(tmp_path)
    with PdfReading() as reading:
        assert reading.facts(SAMPLE) == SOUND
    assert not (tmp_path / "done").exists()


@posix
def test_no_program_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "jbig2dec"
    program.write_text(f"#!/bin/sh\necho 'jbig2dec 0.20'\ntouch '{tmp_path / 'done'}'\n")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (tmp_path / "evidence.pdf").write_bytes(
        with_object_stream(stream(b"/Type/ObjStm/N 1/First 4/Filter/JBIG2Decode", b"2 0 <</Type/Pages>>"))
    )
    with PdfReading() as reading:
        found = known(reading.facts(tmp_path / "evidence.pdf"))
    assert found.pages is None
    assert found.fault is not None
    assert found.fault.startswith("beyond what is read: it asks for ")
    assert not (tmp_path / "done").exists()


@posix
def test_nothing_is_printed(tmp_path: Path) -> None:
    (tmp_path / "broken.pdf").write_bytes(SAMPLE.read_bytes()[:-200] + b"\n%%EOF")
    script = """if True:
        import sys
        from pathlib import Path
        from notary.edges.pdf_reading import PdfReading
        with PdfReading() as reading:
            assert reading.facts(Path(sys.argv[1]))
    """
    ended = subprocess.run([sys.executable, "-c", script, tmp_path / "broken.pdf"], capture_output=True, check=True)
    assert (ended.stdout, ended.stderr) == (b"", b"")


@linux
@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_only_the_file_is_opened(tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = "import sys; from pathlib import Path; from notary.edges.pdf_reading import PdfReading as R\n"
    script += "with R() as r: [r.facts(Path(p)) for p in sys.argv[1:]]"
    files = [tmp_path / "a.pdf", tmp_path / "b.pdf"]
    for path in files:
        shutil.copy(SAMPLE, path)
    traced = ["strace", "-f", "-o", str(log), "-e", "trace=open,openat,connect,execve,fork,clone3"]
    subprocess.run([*traced, sys.executable, "-c", script, *files], check=True, capture_output=True)
    lines = log.read_text().splitlines()
    first = next(number for number, line in enumerate(lines) if "a.pdf" in line and "O_NONBLOCK" not in line)
    child = lines[first].split()[0]
    opened = [line for line in lines[first:] if line.split()[0] == child and "ENOENT" not in line]
    strange = [
        line for line in opened if "open" in line and not re.search(r'(\.pyc?|\.so[.\d]*|[ab]\.pdf)"|O_DIRECTORY', line)
    ]
    assert not strange
    assert not [line for line in opened if re.search(r"connect|execve|fork|clone", line)]
