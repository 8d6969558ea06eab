"""A certified batch, and what the tests of certificates and reports do with what comes out of it."""

import io
import json
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader, PdfWriter

from notary.printing import print_certificate
from tests.conftest import REQUIRES_PARTIES, Notary, Result

LOCAL = ("--network", "local")
MOMENT = "%Y-%m-%dT%H:%M:%SZ"
ISSUED = ("--issued-at", datetime.now(UTC).strftime(MOMENT))
A_SECOND_BEFORE = ("--issued-at", (datetime.now(UTC) - timedelta(seconds=1)).strftime(MOMENT))


def run(*command: str | Path) -> str:
    """What a real tool prints; it has to end well. One that is missing is skipped, unless all parties are demanded."""
    if shutil.which(str(command[0])) is None and not REQUIRES_PARTIES:
        pytest.skip(f"{command[0]} is missing")
    return subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True).stdout


def pages(pdf: Path) -> list[str]:
    return run("pdftotext", "-layout", pdf, "-").split("\f")[:-1]


def text_of(pdf: Path) -> str:
    """What the pages say, with single blanks between words, and hashes in one piece."""
    return " ".join(" ".join(page.extract_text() for page in PdfReader(pdf, strict=True).pages).split())


def carried(pdf: Path, name: str | None = None) -> bytes:
    """What is attached to the PDF under that name; the bundle without one."""
    attachments = {key: contents for key, (contents,) in PdfReader(pdf, strict=True).attachments.items()}
    return attachments[name or next(key for key in attachments if key.endswith(".zip"))]


def data_of(pdf: Path) -> Any:
    return json.loads(carried(pdf, "certificate.json"))


def check(answer: Result, number: int) -> tuple[str, str]:
    return next((one["status"], one["found"]) for one in answer.json["checks"] if one["number"] == number)


def paper(pages: int, *, title: str, locked_by: str = "") -> bytes:
    """A PDF that says this of itself."""
    writer, stream = PdfWriter(), io.BytesIO()
    for _ in range(pages):
        writer.add_blank_page(200, 200)
    writer.add_metadata({"/Title": title, "/Author": "A. Author", "/CreationDate": "D:20240102030405Z"})
    if locked_by:
        writer.encrypt(locked_by, algorithm="AES-256")
    writer.write(stream)
    return stream.getvalue()


@dataclass(frozen=True)
class Case:
    """A stamped and attested batch, its bundle with files, and the certificates of both."""

    notary: Notary
    folder: Path
    batch: str
    head: str

    @property
    def bundle(self) -> Path:
        return self.folder / "bundle.zip"

    @property
    def pdf(self) -> Path:
        return self.folder / "of-batch.pdf"

    @property
    def of_bundle(self) -> Path:
        return self.folder / "of-bundle.pdf"

    def verify(self, pdf: Path, *options: str) -> Result:
        return self.notary("verify", pdf, *LOCAL, "--offline", "--json", *options)


def stamped(notary: Notary, *paths: Path | str) -> Any:
    answer = notary("stamp", *paths, *LOCAL, "--title", "Frost valve", "--matter", "A v. Z", "--json")
    assert answer.code == 0, answer.err
    return answer.json


def certified(folder: Path) -> Case:
    """Six files, among them PDF files of each kind and a hostile name."""
    notary, evidence = Notary(folder), folder / "evidence"
    evidence.mkdir()
    (evidence / "sound.pdf").write_bytes(paper(2, title="Lab notebook"))
    (evidence / "locked.pdf").write_bytes(paper(1, title="Secret", locked_by="open sesame"))
    (evidence / "broken.pdf").write_bytes(paper(3, title="Broken")[:90])
    (evidence / "false.pdf").write_text("no PDF at all")
    (evidence / "設計.txt").write_text("design")
    (evidence / "invoice\u202efdp.exe").write_text("hostile")
    made = stamped(notary, evidence)
    assert notary("upgrade", made["batch"]).code == 0
    case = Case(notary, folder, made["batch"], made["head"])
    assert notary("export", case.batch, "-o", case.bundle).code == 0
    party = ("--party", "Jane Roe", "--role", "paralegal")
    for subject, output, options in ((case.batch, case.pdf, party), (case.bundle, case.of_bundle, LOCAL)):
        answer = notary("certificate", subject, "-o", output, *ISSUED, *options)
        assert answer.code == 0, answer.err
        assert "TEST NETWORK" in answer.out
    return case


def altered_bundle(bundle: Path, target: Path) -> Path:
    """A copy in which one file has another letter, packed anew."""
    with zipfile.ZipFile(bundle) as sound, zipfile.ZipFile(target, "w") as copy:
        for entry in sound.infolist():
            content = sound.read(entry)
            copy.writestr(entry, content.replace(b"design", b"DESIGN") if "/data/" in entry.filename else content)
    return target


def forged(
    pdf: Path,
    target: Path,
    change: Callable[[Any], object] = lambda data: None,
    *,
    bundle: bytes | None = None,
    table: bytes | None = None,
) -> Path:
    """A certificate typeset by our own typesetter, but from other data, or with another bundle or table in it."""
    data = data_of(pdf)
    change(data)
    at = datetime.fromisoformat(data["issued_at"]).astimezone(UTC)
    target.write_bytes(print_certificate(data, at, table, carried(pdf) if bundle is None else bundle))
    return target


def rewritten(pdf: Path, target: Path, change: Callable[[PdfWriter], object]) -> Path:
    """A copy that pypdf wrote, with all its attachments."""
    writer = PdfWriter(clone_from=pdf)
    change(writer)
    writer.write(target)
    return target
