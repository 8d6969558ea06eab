"""Certificates that somebody changed, and what is no certificate: each is found out, and in words."""

import io
import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from opentimestamps.core.notary import BitcoinBlockHeaderAttestation
from opentimestamps.core.op import OpAppend, OpSHA256
from opentimestamps.core.serialize import BytesDeserializationContext, BytesSerializationContext
from opentimestamps.core.timestamp import DetachedTimestampFile
from pypdf import PageObject, PdfReader, PdfWriter
from pypdf.annotations import FreeText
from pypdf.generic import DecodedStreamObject, NameObject

from notary.certificate import certificate
from notary.certificate_reading import read_found, read_issue
from notary.core.header import Trust
from notary.edges.archive import open_container
from notary.errors import FormatError
from notary.stating import read_statement
from tests.conftest import Notary, Result
from tests.scenarios.bundles import altered
from tests.scenarios.certified import (
    ISSUED,
    LOCAL,
    Case,
    altered_bundle,
    carried,
    certified,
    check,
    data_of,
    forged,
    rewritten,
    run,
    stamped,
)


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return certified(tmp_path_factory.mktemp("case"))


def decisive(data: Any) -> Any:
    (one,) = data["attestations"]
    return one


def earlier(data: Any) -> None:
    """A whole year, everywhere, as a thoughtful forger would."""
    day = decisive(data)["existed_by"]
    year = int(day[:4])
    decisive(data)["existed_by"] = f"{year - 1}{day[4:]}"
    data["statement"] = data["statement"].replace(f" {year} ", f" {year - 1} ")


def without_block(outcome: str) -> Callable[[Any], object]:
    """As if no block had been confirmed."""

    def change(data: Any) -> None:
        data.update(outcome=outcome)
        decisive(data).update(decisive=False)

    return change


def in_weeks(data: Any) -> None:
    year, week, day = date.fromisoformat(decisive(data)["existed_by"]).isocalendar()
    decisive(data).update(existed_by=f"{year}-W{week:02}-{day}")


# -- other data, typeset as neatly as ours --------------------------------------------------------------------------

FORGERIES: dict[str, Callable[[Any], object]] = {
    "the date": earlier,
    "the date's words only": lambda data: data.update(statement="These 6 files existed in 1999."),
    "a digest": lambda data: data["exhibits"][0].update(sha256="ab" * 32),
    "a name": lambda data: data["exhibits"][0].update(name="evidence/invention.pdf"),
    "a custodian": lambda data: data["exhibits"][0]["declared"].append(["custodian", "J. Roe"]),
    "one file less": lambda data: data["exhibits"].pop(),
    "how many": lambda data: data["items"].update(shown=7),
    "the outcome": lambda data: data.update(outcome="pending"),
    "no such outcome": lambda data: data.update(outcome="proven"),
    "no test network": lambda data: data.update(network="bitcoin", test_network=False, stamp=None),
    "the grounds": lambda data: data["grounds"].append("The court has accepted this."),
    "an extra member": lambda data: data.update(seal_of_approval="of the office"),
    "the number": lambda data: data.update(number="0000-0000-0000-0000"),
    "the head": lambda data: data["commitment"].update(head="ab" * 32),
    "the block": lambda data: decisive(data).update(block_hash="ab" * 32),
    "the block's time": lambda data: decisive(data).update(block_time="2001-01-01T00:00:00Z"),
    "no time at all": lambda data: decisive(data).update(block_time="long ago"),
    "what its time is": lambda data: data.update(issued_basis="as confirmed by the Copyright Office"),
    "a PDF's own words": lambda data: data["pdf_facts"][0].update(title="Filed with the Office in 1999"),
    "PDF facts of another kind": lambda data: data["pdf_facts"][0].pop("pages"),
    "the bundle's SHA-256": lambda data: data["bundle"].update(sha256="ab" * 32),
    "a declaration": lambda data: data.update(declaration={"kind": "us1746"}),
    "no block yet": without_block("pending"),
    "no block, and verified": without_block("verified"),
    "a day of a week": in_weeks,
    "confirmations below nothing": lambda data: decisive(data).update(confirmations=-3),
    "issued before the block": lambda data: data.update(issued_at="1970-01-01T00:00:00Z"),
    "no list": lambda data: data.update(attestations="none"),
    "a number for a name": lambda data: data.update(software=5),
}


@pytest.mark.parametrize("change", FORGERIES.values(), ids=FORGERIES)
def test_other_data_are_found_out(case: Case, tmp_path: Path, change: Callable[[Any], object]) -> None:
    forgery = refuted(case, retold(case, tmp_path, change), 14)
    answer = " ".join(forgery.json["sentences"])
    assert "That bundle is sound: 6 files existed no later than" in answer
    assert "proves nothing by itself" in answer


@pytest.mark.parametrize("outcome", ["pending", "failed"])
def test_an_outcome_that_the_proof_does_not_leave_open(case: Case, tmp_path: Path, outcome: str) -> None:
    """With all that follows, as our own software would give it."""

    def change(data: Any) -> None:
        without_block(outcome)(data)
        with open_container(case.bundle) as container:
            data.update(certificate(read_statement(container), read_found(data), read_issue(data)))

    answer = refuted(case, retold(case, tmp_path, change), 14)
    assert f"the outcome cannot be {outcome}" in " ".join(answer.json["sentences"])


@pytest.mark.parametrize("further", [0, 898_989])
def test_only_the_block_that_bears_the_proof_out_is_decisive(case: Case, tmp_path: Path, further: int) -> None:
    """Of two attestations of one height, or of two, only one is of the block that was found."""
    own = decisive(data_of(case.of_bundle))

    def add_spare(files: dict[str, bytes]) -> None:
        proof = DetachedTimestampFile.deserialize(BytesDeserializationContext(files["notary/head.ots"]))
        branch = proof.timestamp.ops.add(OpAppend(b"spare")).ops.add(OpSHA256())
        branch.attestations.add(BitcoinBlockHeaderAttestation(own["height"] + further))
        context = BytesSerializationContext()
        proof.serialize(context)
        files["notary/head.ots"] = bytes(context.getbytes())

    bundle, pdf = altered(case.bundle, tmp_path / "spare.zip", add_spare), tmp_path / "spare.pdf"
    answer = case.notary("certificate", bundle, "-o", pdf, *ISSUED, *LOCAL, "--offline")
    assert answer.code == 0, answer.err
    assert len(data_of(pdf)["attestations"]) == 2
    assert [one for one in data_of(pdf)["attestations"] if one["decisive"]] == [own]
    answer = case.verify(pdf)
    assert (answer.code, check(answer, 14)[0], check(answer, 15)[0]) == (
        0,
        "passed",
        check(case.verify(case.pdf), 15)[0],
    )

    def change(data: Any) -> None:
        first, second = data["attestations"]
        moved = {key: first[key] for key in first if key not in ("chain", "height", "merkle_root")}
        first.update({key: second[key] for key in moved})
        second.update(moved)
        found = read_found(data)
        with open_container(bundle) as container:
            data.update(certificate(read_statement(container), found, read_issue(data)))

    answer = refuted(case, forged(pdf, tmp_path / "other.pdf", change), 14)
    assert re.search("the height|the Merkle root", " ".join(answer.json["sentences"])), answer.json["sentences"]


SENTENCES = (
    "of the Office.\nTHE OFFICE CONFIRMS it",
    "a\u201d. THE OFFICE CONFIRMS: \u201cb",
    "THE OFFICE " * 30,
    "a/b",
    "",
)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_list_s_name_is_no_sentence(case: Case, sentence: str) -> None:
    sound = data_of(case.pdf)
    for key, other, name in (("signature", {"listed_as": []}, "listed_in"), ("token", {"root": "a"}, "roots_from")):
        assert read_found({**sound, key: {**other, name: "list, 2026 (own).txt"}})
        with pytest.raises(FormatError, match=f"{name} is no name of a file"):
            read_found({**sound, key: {**other, name: sentence}})


def retold(case: Case, folder: Path, change: Callable[[Any], object]) -> Path:
    """The forger's data in the sound certificate's place; typeset anew where our typesetter takes them."""
    try:
        return forged(case.of_bundle, folder / "forged.pdf", change)
    except Exception:  # what cannot be typeset a forger attaches to other pages
        data = data_of(case.of_bundle)
        change(data)
        return with_data(case.of_bundle, folder / "forged.pdf", json.dumps(data).encode())


def with_data(pdf: Path, target: Path, data: bytes) -> Path:
    """Its pages, with other attachments."""
    writer = PdfWriter()
    writer.append(PdfReader(pdf))
    writer.add_attachment("certificate.json", data)
    writer.add_attachment(data_of(pdf)["bundle"]["name"], carried(pdf))
    writer.write(target)
    return target


def refuted(case: Case, pdf: Path, number: int) -> Result:
    answer = case.verify(pdf)
    assert (answer.code, answer.json.get("verdict")) == (1, "failed"), answer.out[:2000] + answer.err
    assert check(answer, number)[0] == "failed", answer.json["checks"]
    assert all(one["status"] != "failed" for one in answer.json["checks"] if one["number"] < 14)
    return answer


def test_what_its_issuer_declares_is_free(case: Case, tmp_path: Path) -> None:
    def change(data: Any) -> None:
        data.update(party={"name": "Somebody Else", "role": None}, matter="B v. Y")

    assert case.verify(forged(case.pdf, tmp_path / "other.pdf", change)).code == 0


def test_what_its_issuer_found_is_not_passed_off_as_compared(case: Case, tmp_path: Path) -> None:
    """Trust and source of a header are the issuer's word: no bundle bears them out, and the answer has to say so."""

    def change(data: Any) -> None:
        found = replace(read_found(data), trust=Trust.NODE, source="the Office's own node", confirmations=1_000_000)
        issue = read_issue(data)
        with open_container(case.bundle) as container:
            data.update(certificate(read_statement(container), found, issue))

    answer = case.verify(forged(case.of_bundle, tmp_path / "forged.pdf", change))
    said = [*answer.json["sentences"], *(one["found"] for one in answer.json["checks"] if one["number"] == 14)]
    assert answer.code == 1 or "issuer" in " ".join(said)


def test_another_bundle(case: Case, tmp_path: Path) -> None:
    (case.folder / "other.txt").write_text("other")
    batch = stamped(case.notary, "other.txt")["batch"]
    assert case.notary("upgrade", batch).code == 0
    assert case.notary("export", batch, "-o", "other.zip").code == 0
    other = (case.folder / "other.zip").read_bytes()
    refuted(case, forged(case.pdf, tmp_path / "forged.pdf", bundle=other), 14)


def test_an_altered_bundle(case: Case, tmp_path: Path) -> None:
    altered = altered_bundle(case.bundle, tmp_path / "altered.zip").read_bytes()
    answer = case.verify(forged(case.of_bundle, tmp_path / "forged.pdf", bundle=altered))
    assert (answer.code, answer.json["verdict"]) == (1, "failed")
    assert check(answer, 4)[0] == "failed"
    assert "That bundle is sound" not in " ".join(answer.json["sentences"])


# -- other pages around the same attachments ------------------------------------------------------------------------


def test_printed_text_that_was_edited(case: Case, tmp_path: Path) -> None:
    """Two letters of a heading change places in the page's own content: no attachment is touched."""

    def change(writer: PdfWriter) -> None:
        page = writer.pages[0]
        content = page.get_contents()
        assert content is not None
        data = content.get_data()
        code = rb"((?:\\\d{3}){2})"  # of a glyph, in octal
        glyphs = re.search(rb"25 Tf[^[]*\[\(" + code + code, data)
        assert glyphs, data[:1000]
        first, second = glyphs.groups()
        assert first != second
        stream = DecodedStreamObject()
        stream.set_data(data[: glyphs.start(1)] + second + first + data[glyphs.end(2) :])
        page[NameObject("/Contents")] = stream

    refuted(case, rewritten(case.pdf, tmp_path / "edited.pdf", change), 15)


def draws(content: bytes) -> Callable[[PdfWriter], object]:
    """Lays so much more over the first page."""

    def change(writer: PdfWriter) -> None:
        page = writer.pages[0]
        old = page.get_contents()
        assert old is not None
        stream = DecodedStreamObject()
        stream.set_data(b"q\n" + old.get_data() + b"\nQ\n" + content)
        page[NameObject("/Contents")] = stream

    return change


def annotated(writer: PdfWriter) -> None:
    note = FreeText(text="no later than 1 January 1999", rect=(50, 550, 400, 700), font_size="20pt")
    writer.add_annotation(page_number=0, annotation=note)


PAGES: dict[str, Callable[[PdfWriter], object]] = {
    "an annotation over them": annotated,
    "a page less": lambda writer: writer.remove_page(0),
    "a page more": lambda writer: writer.add_page(PageObject.create_blank_page(width=595, height=842)),
    "pages in another order": lambda writer: writer.insert_page(writer.pages[-1], 0),
}


@pytest.mark.parametrize("change", PAGES.values(), ids=PAGES)
def test_other_pages_are_found_out(case: Case, tmp_path: Path, change: Callable[[PdfWriter], object]) -> None:
    refuted(case, rewritten(case.pdf, tmp_path / "other.pdf", change), 15)


def test_a_white_box_over_a_page(case: Case, tmp_path: Path) -> None:
    """The words are all there still. Where the machine's own fonts were drawn on, nobody can tell; that is said."""
    box, plain = draws(b"1 1 1 rg 0 0 2000 2000 re f"), tmp_path / "plain.pdf"
    assert case.notary("certificate", case.batch, "-o", plain, "--only", "sound.pdf", *ISSUED).code == 0
    assert check(case.verify(plain), 15)[0] == "passed"
    refuted(case, rewritten(plain, tmp_path / "boxed.pdf", box), 15)
    answer = case.verify(rewritten(case.pdf, tmp_path / "doubtful.pdf", box))
    assert answer.code == 1 or "NOT compared" in " ".join(answer.json["sentences"])


def test_pages_that_another_release_is_said_to_have_made(case: Case, tmp_path: Path) -> None:
    """They cannot be typeset again; so what is said first must not let them pass for checked."""
    pdf = forged(case.pdf, tmp_path / "old.pdf", lambda data: data.update(software="notary 0.0.1"))
    lying = rewritten(pdf, tmp_path / "lying.pdf", annotated)
    answer = case.verify(lying)
    assert check(answer, 15)[0] != "passed"
    assert " ".join(answer.json["sentences"]).count("NOT compared") == 2


@pytest.mark.parametrize("how", [("--linearize",), ("--object-streams=generate", "--recompress-flate"), ("--qdf",)])
def test_saved_anew_by_another_program(case: Case, tmp_path: Path, how: tuple[str, ...]) -> None:
    run("qpdf", *how, case.pdf, tmp_path / "again.pdf")
    answer = case.verify(tmp_path / "again.pdf")
    assert (answer.code, answer.json["verdict"]) == (0, "verified")
    assert check(answer, 14)[0] == "passed"
    assert check(answer, 15)[0] != "failed"


# -- what is none ---------------------------------------------------------------------------------------------------


def bomb() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("bag/bagit.txt", bytes(60 * 1024 * 1024))
    return stream.getvalue()


def pdf_with(*attached: tuple[str, bytes], locked_by: str = "") -> bytes:
    writer, stream = PdfWriter(), io.BytesIO()
    writer.add_blank_page(200, 200)
    for name, content in attached:
        writer.add_attachment(name, content)
    if locked_by:
        writer.encrypt(locked_by)
    writer.write(stream)
    return stream.getvalue()


def broken(case: Case) -> dict[str, tuple[int, bytes]]:
    """What is wrong, with the exit code that it has to give."""
    data, zipped, whole = carried(case.pdf, "certificate.json"), carried(case.pdf), case.pdf.read_bytes()
    sound = ("bundle.zip", zipped)
    return {
        "no JSON": (1, pdf_with(("certificate.json", b"\xff{{{"), sound)),
        "nested JSON": (1, pdf_with(("certificate.json", b"[" * 100_000), sound)),
        "long JSON": (1, pdf_with(("certificate.json", b'{"a": "' + b"a" * 17_000_000 + b'"}'), sound)),
        "no object": (1, pdf_with(("certificate.json", b"[]"), sound)),
        "two bundles": (2, pdf_with(("certificate.json", data), sound, ("second.zip", zipped))),
        "a bomb": (1, pdf_with(("certificate.json", data), ("bundle.zip", bomb()))),
        "no zip": (2, pdf_with(("certificate.json", data), ("bundle.zip", b"PK\3\4 and no more"))),
        "cut off": (2, whole[: len(whole) // 2]),
        "nothing attached": (2, pdf_with()),
        "encrypted": (2, pdf_with(("certificate.json", data), sound, locked_by="open sesame")),
    }


def test_what_is_no_certificate(case: Case, tmp_path: Path) -> None:
    unclear = {}
    for name, (code, content) in broken(case).items():
        path = tmp_path / f"{name.replace(' ', '-')}.pdf"
        path.write_bytes(content)
        begun = monotonic()
        answer = case.notary("verify", path, *LOCAL, "--offline")
        is_clear = "fault in notary" not in answer.err and (answer.code == 1 or answer.err.startswith("error: "))
        if answer.code not in (code, 1 if name == "no zip" else code) or not is_clear or monotonic() - begun > 10:
            unclear[name] = (answer, monotonic() - begun)
    assert not unclear


def test_evidence_is_matched_to_the_bundle_in_it(case: Case) -> None:
    answer = case.notary("verify", case.pdf, case.folder / "evidence", *LOCAL, "--json")
    assert (answer.code, answer.json["items"]["matched"]) == (0, 6)
    (case.folder / "other.txt").write_text("another")
    assert case.notary("verify", case.pdf, case.folder / "other.txt", *LOCAL).code == 1


# -- text from outside ----------------------------------------------------------------------------------------------

HOSTILE = (
    ("a" + "\u0301" * 2000, "x" * 10_000, "A v. Z\n\nThe court finds:\r\n1. for A"),
    ("Jane \u202eeoR\u202c, LLP \u2066x", "\x1b[31m\x1b]0;owned\x07\x9b2J", "\u202emoor .v A"),
    (
        '#evil[$x$] *b* `c` <script> "\\u{e000}" \ue000x\ue001 \ue002y\ue001',
        "Żółć Ελλάδα Россия ישראל مصر भारत 日本語 ไทย \U0001d518 \U0001f702 \U0001f469\u200d\U0001f52c \u2e3b",
        "A v. Z; declared true by the court. " * 500,
    ),
)


@pytest.mark.parametrize(("party", "role", "matter"), HOSTILE, ids=["long", "hidden", "strange"])
def test_whatever_is_declared_comes_out_and_verifies(
    notary: Notary, tmp_path: Path, party: str, role: str, matter: str
) -> None:
    (tmp_path / "note.txt").write_text("note")
    batch = notary("stamp", "note.txt", *LOCAL, "--json").json["batch"]
    declared = ("--party", party, "--role", role, "--matter", matter)
    answer = notary("certificate", batch, "-o", "hostile.pdf", *ISSUED, *declared)
    assert answer.code == 3, answer.err
    assert not set(answer.out + answer.err) & set("\x1b\x07\u202e\x9b")
    data = data_of(tmp_path / "hostile.pdf")
    assert (data["party"], data["matter"]) == ({"name": party, "role": role}, matter)
    assert "\u202e" not in run("pdftotext", tmp_path / "hostile.pdf", "-")
    verified = notary("verify", "hostile.pdf", *LOCAL, "--json")
    assert [check(verified, number)[0] for number in (14, 15)] == ["passed", "passed"], verified.json["sentences"]
