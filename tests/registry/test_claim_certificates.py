"""`notary certificate CLAIM`: what it says, how the claim inside checks it, and that an altered one is caught."""

import base64
import hashlib
import json
import os
import re
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from opentimestamps.core.notary import BitcoinBlockHeaderAttestation
from opentimestamps.core.op import OpAppend, OpSHA256
from opentimestamps.core.serialize import BytesDeserializationContext, BytesSerializationContext
from opentimestamps.core.timestamp import DetachedTimestampFile
from pypdf import PageObject, PdfReader, PdfWriter
from pypdf.annotations import FreeText

from notary.edges.archive import open_container
from notary.printing import print_claim_certificate
from notary.registry.claim_certificate import claim_certificate
from notary.registry.claim_certificate_reading import read_claim_found, read_claim_issue, read_claim_statement
from notary.registry.core.terms import Event, Right
from notary.registry.edges.followed import open_followed
from tests.conftest import Notary, Result
from tests.registry.claims import (
    COSIGNED_AT,
    INDEX,
    PACKAGE,
    SIZE,
    Anchors,
    Register,
    examined,
    packed,
    record,
    registries,
    rezipped,
    status,
)
from tests.registry.logs import LOG, ORIGIN, WITNESSES, Keeper, signed
from tests.registry.office import Office
from tests.registry.register import later
from tests.registry.test_words import FORBIDDEN
from tests.scenarios.certified import A_SECOND_BEFORE, ISSUED, carried, data_of, rewritten, run, stamped

LOCAL = ("--network", "local", "--offline")
TRUSTED = ("--registries", "trusted.toml", *LOCAL)
DECLARED = ("--party", "Jane Roe", "--role", "patent attorney", "--matter", "A v. Z")


@dataclass(frozen=True)
class Desk:
    """A folder with a claim, and a registries.toml."""

    folder: Path

    def __call__(self, *arguments: str | Path) -> Result:
        return examined(self.folder, *arguments)

    def put(self, claim: bytes, trusts: str | None = None) -> None:
        (self.folder / "claim.zip").write_bytes(claim)
        (self.folder / "trusted.toml").write_text(registries() if trusts is None else trusts)

    def certify(self, *options: str, name: str = "c.pdf") -> Result:
        return self("certificate", "claim.zip", "-o", name, *TRUSTED, *ISSUED, "--json", *options)

    def check(self, name: str = "c.pdf", *options: str) -> Result:
        return self("registry", "check", name, *TRUSTED, "--json", *options)

    @property
    def pdf(self) -> Path:
        return self.folder / "c.pdf"

    def refuted(self, pdf: Path, number: int) -> Result:
        """The check of a certificate that only the check of this number finds wrong."""
        answer = self.check(pdf.name)
        assert (answer.code, answer.json["verdict"], answer.json["asserted_by"]) == (1, "failed", None), answer.out
        assert status(answer, number) == "failed", answer.json["checks"]
        assert all(one["status"] != "failed" for one in answer.json["checks"] if one["number"] < 15)
        first, *_, inside = answer.json["sentences"]
        assert first.startswith(f"{pdf.name}: ")
        assert inside.startswith("Of that claim alone (verified): the record of the patent application DE")
        assert answer.json["existed_by"] is None
        return answer


@pytest.fixture(scope="module")
def register(tmp_path_factory: pytest.TempPathFactory) -> Register:
    return Register(Anchors(tmp_path_factory.mktemp("register")))


@pytest.fixture
def desk(tmp_path: Path, register: Register) -> Desk:
    desk = Desk(tmp_path)
    desk.put(packed(register.files()))
    return desk


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory, register: Register) -> Desk:
    """A desk with a sound certificate, which nobody changes."""
    desk = Desk(tmp_path_factory.mktemp("case"))
    desk.put(packed(register.files(package=PACKAGE)))
    assert desk.certify(*DECLARED).code == 0
    return desk


def printed(pdf: Path) -> list[str]:
    """What stands on each page, with single blanks between words. The PDF has to be sound."""
    assert "No syntax or stream encoding errors found" in run("qpdf", "--check", pdf)
    assert PdfReader(pdf, strict=True).pages
    return [" ".join(page.split()) for page in run("pdftotext", pdf, "-").split("\f")[:-1]]


def forged(case: Desk, target: Path, change: Callable[[Any], object], *, claim: bytes | None = None) -> Path:
    """A certificate from other data, typeset by our own typesetter where it takes them, or with another claim in it."""
    data = data_of(case.pdf)
    change(data)
    at = datetime.fromisoformat(data_of(case.pdf)["issued_at"]).astimezone(UTC)
    inside = carried(case.pdf) if claim is None else claim
    try:
        target.write_bytes(print_claim_certificate(data, at, inside))
    except Exception:  # what cannot be typeset a forger attaches to other pages
        writer = PdfWriter()
        writer.append(PdfReader(case.pdf))
        writer.add_attachment("certificate.json", json.dumps(data).encode())
        writer.add_attachment("claim.zip", inside)
        writer.write(target)
    return target


# -- what a sound one is --------------------------------------------------------------------------------------------


def test_it_says_what_the_claim_gives(case: Desk) -> None:
    answer = case.certify(*DECLARED).json
    assert answer["sha256"] == hashlib.sha256(case.pdf.read_bytes()).hexdigest()
    data, claim = data_of(case.pdf), (case.folder / "claim.zip").read_bytes()
    assert (answer["verdict"], data["outcome"], data["format"]) == (
        "verified",
        "verified",
        "notary-claim-certificate/v1",
    )
    assert carried(case.pdf) == claim
    assert answer["claim"] == data["claim"]
    assert data["claim"]["sha256"] == hashlib.sha256(claim).hexdigest()
    with zipfile.ZipFile(BytesIO(claim)) as bag:
        inside = {name.partition("/")[2]: bag.read(name) for name in bag.namelist()}
    anchored = inside["registry/checkpoint"]
    origin, size, root = anchored.decode().split("\n")[:3]
    assert data["checkpoint"]["sha256"] == hashlib.sha256(anchored).hexdigest()
    assert (data["entry"]["origin"], data["checkpoint"]["size"], SIZE) == (origin, int(size), SIZE)
    assert bytes.fromhex(data["checkpoint"]["root"]) == base64.b64decode(root)
    entry = json.dumps(json.loads(inside["registry/claim.json"])["entry"], sort_keys=True, separators=(",", ":"))
    leaf = hashlib.sha256(b"\0" + entry.encode()).hexdigest()
    assert data["number"].replace("-", "") == leaf[:16].upper()
    assert data["entry"]["link"] == f"notary:{ORIGIN}/{INDEX}#{leaf}"
    assert data["signed"] == {
        "key": str(LOG.key),
        "successor_of": None,
        "predecessor_of": None,
        "listed_in": "trusted.toml",
        "asserted_by": "office-asserted",
    }
    assert data["witnesses"]["cosigned"] == [str(one.key) for one in WITNESSES[:2]]
    assert (len(data["witnesses"]["listed"]), data["witnesses"]["quorum"]) == (3, 2)


def test_people_can_read_it_on_one_page(case: Desk) -> None:
    data, checked = data_of(case.pdf), case.check("claim.zip").json
    (page,) = printed(case.pdf)
    joined = page.replace(" ", "")
    block = checked["attestation"]
    for shown in (data["entry"]["link"], str(LOG.key), hashlib.sha256(PACKAGE).hexdigest(), block["block_hash"]):
        assert shown in joined
    assert not [one for one in re.findall(r"\b[0-9a-f]{64}\b", json.dumps(data)) if one not in joined]
    day = date.fromisoformat(checked["existed_by"])
    assert f"asserted, no later than {day.day} {day:%B %Y} (UTC): the patent application DE {record().number}" in page
    for shown in (data["number"], "TEST NETWORK", "Jane Roe, patent attorney (as declared)", "A v. Z", ORIGIN):
        assert shown in page
    for shown in (
        "asserted by the office (its key is trusted for DE)",
        "trusted.toml",
        "notary registry check FILE.pdf",
    ):
        assert shown in page
    assert "witness.example/w1, witness.example/w2" in page
    assert "ots verify -f registry/checkpoint registry/checkpoint.ots" in page
    assert "What this does not prove" in page
    for claim in data["not_proven"]:
        assert claim in page
    assert not FORBIDDEN.search(page + json.dumps(data))


def test_the_same_time_gives_the_same_bytes(case: Desk) -> None:
    assert case.certify(*DECLARED, name="again.pdf").code == 0
    assert (case.folder / "again.pdf").read_bytes() == case.pdf.read_bytes()
    assert case("certificate", "claim.zip", "-o", "again.pdf", *TRUSTED, *A_SECOND_BEFORE, *DECLARED).code == 0
    assert (case.folder / "again.pdf").read_bytes() != case.pdf.read_bytes()


def test_how_to_check_it_without_our_software(case: Desk, tmp_path: Path) -> None:
    """The commands that it prints, as they are printed."""
    steps = [one["command"] for one in data_of(case.pdf)["how_to_check"]["without"]]
    assert steps[0] == "pdfdetach -saveall FILE.pdf"
    run("pdfdetach", "-saveall", "-o", tmp_path, case.pdf)
    run("unzip", "-q", tmp_path / "claim.zip", "-d", tmp_path)
    bag = tmp_path / "claim"
    assert steps[1].split()[0] == "sha256sum"
    subprocess.run(steps[1].split(), cwd=bag, check=True, capture_output=True)
    assert steps[2] == "ots verify -f registry/checkpoint registry/checkpoint.ots"
    assert "File sha256 hash: " + run("sha256sum", bag / "registry" / "checkpoint")[:64] in run(
        "ots", "info", bag / "registry" / "checkpoint.ots"
    )


# -- read back ------------------------------------------------------------------------------------------------------


def test_it_is_checked_as_the_claim_in_it(case: Desk) -> None:
    options = ("--later-filing", "2027-03-12", "--number", record().number)
    inside, answer = case.check("claim.zip", *options), case.check("c.pdf", *options)
    assert (inside.code, answer.code) == (0, 0)
    same = {"target": "", "checks": [], "sentences": []}
    assert answer.json | same == inside.json | same
    assert answer.json["checks"][:14] == inside.json["checks"]
    assert [(one["number"], one["status"]) for one in answer.json["checks"][14:]] == [(15, "passed"), (16, "passed")]
    assert answer.json["sentences"][: len(inside.json["sentences"])] == inside.json["sentences"]
    assert "printed text proves nothing by itself" in answer.json["sentences"][-1]


def test_verify_and_info_take_it(case: Desk) -> None:
    home = case.folder / "configuration" / "notary"
    home.mkdir(parents=True)
    (home / "registries.toml").write_text(registries())
    answer = case("verify", "c.pdf", *LOCAL, "--json")
    assert (answer.code, answer.json["verdict"], answer.json["kind"]) == (0, "verified", "claim")
    assert status(answer, 15) == status(answer, 16) == "passed"
    (case.folder / "package.pdf").write_bytes(PACKAGE)
    assert case("verify", "c.pdf", "package.pdf", *LOCAL).code == 0
    (case.folder / "package.pdf").write_bytes(PACKAGE + b" ")
    altered = case("verify", "c.pdf", "package.pdf", *LOCAL, "--json")
    assert (altered.code, status(altered, 4)) == (1, "failed")
    assert len(altered.json["checks"]) == 14, "there is nothing to compare with"
    told = case("info", "c.pdf", "--json").json
    assert (told["kind"], told["certificate"]) == ("certificate", data_of(case.pdf))
    assert told["entry"] == data_of(case.pdf)["entry"]
    said = case("info", "c.pdf").out
    assert f"certificate {told['certificate']['number']}, issued " in said
    assert told["entry"]["link"] in said


def test_a_report_on_it(case: Desk) -> None:
    for kind in ("json", "html", "pdf"):
        (case.folder / f"report.{kind}").unlink(missing_ok=True)
        assert case.check("c.pdf", "--report", f"report.{kind}").code == 0
    data = json.loads((case.folder / "report.json").read_text())
    assert [one["name"] for one in data["checks"]][14:] == ["certificate's data", "certificate's pages"]
    assert data["inputs"][0]["sha256"] == hashlib.sha256(case.pdf.read_bytes()).hexdigest()
    assert "certificate\u2019s pages" in " ".join(printed(case.folder / "report.pdf")).replace("'", "\u2019")


STANDINGS = {
    "nobody is trusted": ("", ("key",), "NOT CONFIRMED", "No key that the issuer of this certificate trusts"),
    "another key": (registries(replace(LOG, seed=b"k" * 32)), ("key",), "NOT CONFIRMED", "No key that the issuer"),
    "too few witnesses": (registries(quorum=3), ("witnesses",), "NOT CONFIRMED", "Fewer witnesses cosigned"),
    "another network": (None, ("block",), "NOT CONFIRMED", "a block, which was not confirmed"),
}


@pytest.mark.parametrize(("trusts", "missing", "stamp", "why"), STANDINGS.values(), ids=STANDINGS)
def test_what_is_not_proven_is_not_said(
    desk: Desk, register: Register, trusts: str | None, missing: tuple[str, ...], stamp: str, why: str
) -> None:
    desk.put(packed(register.files()), trusts)
    network = () if missing == ("block",) else LOCAL
    given = ("--registries", "trusted.toml", *network, "--offline", "--json")
    answer = desk("certificate", "claim.zip", "-o", "c.pdf", *given)
    assert (answer.code, answer.json["verdict"]) == (3, "unconfirmed")
    data = data_of(desk.pdf)
    assert (data["stamp"], tuple(data["missing"])) == (f"TEST NETWORK · {stamp}", missing)
    for page in printed(desk.pdf):
        assert stamp in page
        assert "no later than" not in page.lower().replace("this certificate does not prove", "")
    assert "is not shown." in answer.json["statement"]
    assert why in printed(desk.pdf)[0]
    assert "It is asserted" not in printed(desk.pdf)[0]
    assert ("The claim gives it as asserted by the office" in printed(desk.pdf)[0]) is (missing != ("key",))
    back = desk("registry", "check", "c.pdf", *given)
    assert (back.code, back.json["verdict"]) == (3, "unconfirmed")
    assert status(back, 15) == status(back, 16) == "passed"


def test_a_pending_one_says_so(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "anchors").mkdir()
    register = Register(Anchors(tmp_path / "anchors"), is_mined=False)
    desk.put(packed(register.files()))
    answer = desk.certify()
    assert (answer.code, answer.json["verdict"]) == (3, "pending")
    (page,) = printed(desk.pdf)
    assert "PENDING" in page
    assert "No block attests the register\u2019s checkpoint yet" in page.replace("'", "\u2019")
    assert register.anchors.network.uri in page.replace(" ", "")
    back = desk.check()
    assert (back.code, back.json["verdict"]) == (3, "pending")
    assert status(back, 15) == status(back, 16) == "passed"


def test_a_package_that_is_not_compared_is_not_vouched_for(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "anchors").mkdir()
    hashes = (hashlib.sha256(b"before").digest(), hashlib.sha256(b"first").digest())
    register = Register(Anchors(tmp_path / "anchors"), entry=later(Event.GRANTED, date(2026, 9, 1), *hashes))
    for package in (None, PACKAGE):
        desk.put(packed(register.files(package=package)))
        assert desk.certify().code == 0
        assert ("The package in the claim is not compared" in printed(desk.pdf)[0]) is (package is not None)


def test_whose_word_it_is(desk: Desk, register: Register) -> None:
    desk.put(packed(register.files(is_sealed=True)), registries(offices=["FR"], witnesses=[], quorum=0))
    assert desk.certify().code == 0
    (page,) = printed(desk.pdf)
    assert "applicant-asserted (its key is not trusted for DE)" in page
    assert "asserted by the office" not in page
    assert "The entry is sealed: the register shows a commitment only" in page
    assert "none are listed" in page


def test_a_head_in_doubt_is_given_as_the_reason(desk: Desk, register: Register) -> None:
    """The issuer had seen another head, and the register did not show that this one continues it."""
    (desk.folder / "ledger" / "registries").mkdir(parents=True)
    with open_followed(desk.folder / "ledger" / "registries" / "followed.db") as followed:
        followed.begin(signed(10, hashlib.sha256(b"root").digest(), LOG), [LOG.key], COSIGNED_AT)
        seen = followed.seen(ORIGIN)
        assert seen
        followed.doubts.keep(seen.id, register.note, COSIGNED_AT)
    answer = desk.certify()
    assert (answer.code, answer.json["verdict"]) == (3, "unconfirmed"), answer.out + answer.err
    assert data_of(desk.pdf)["missing"] == ["doubt"]
    assert "did not show the issuer of this certificate that it continues what they had seen" in printed(desk.pdf)[0]
    back = desk.check()
    assert (back.code, status(back, 15), status(back, 16)) == (3, "passed", "passed"), back.json["sentences"]


def test_a_list_s_name_stands_between_quotation_marks(desk: Desk) -> None:
    name = "the \u201cown\u201d list,\n\u202eof all. " + "x" * 200
    (desk.folder / "trusted.toml").rename(desk.folder / name)
    given = ("--registries", name, *LOCAL)
    assert desk("certificate", "claim.zip", "-o", "c.pdf", *given, *ISSUED).code == 0
    listed_in = data_of(desk.pdf)["signed"]["listed_in"]
    assert listed_in.startswith(r"the \u201cown\u201d list,\u000a\u202eof all. xx")
    assert f"by a list of their own, \u201c{listed_in}\u201d: nothing" in " ".join(data_of(desk.pdf)["grounds"])
    answer = desk("registry", "check", "c.pdf", *given, "--json")
    assert (answer.code, status(answer, 15), status(answer, 16)) == (0, "passed", "passed"), answer.json["sentences"]


# -- keys that follow each other ------------------------------------------------------------------------------------


def test_a_key_that_took_over(tmp_path: Path) -> None:
    """The reader trusts the first key, follows the register, and so knows the one that signs now."""
    desk, first, second = rotated(tmp_path, 2)
    answer = desk.certify()
    assert (answer.code, answer.json["verdict"]) == (0, "verified"), answer.out + answer.err
    given = data_of(desk.pdf)["signed"]
    assert (given["key"], given["successor_of"], given["predecessor_of"]) == (second, first, None)
    assert "which took over from" in printed(desk.pdf)[0]
    assert (desk.check().code, status(desk.check(), 15)) == (0, "passed")


def test_a_key_that_handed_over(tmp_path: Path) -> None:
    """The reader has put the new key into his list, as `sync` advises, and certifies a claim from before it."""
    desk, first, second = rotated(tmp_path, 1)
    trusts = (tmp_path / "trusted.toml").read_text()
    (tmp_path / "trusted.toml").write_text(trusts.replace(first, second))
    desk("registry", "sync", "--registries", "trusted.toml")
    assert desk.check("claim.zip").json["verdict"] == "verified"
    answer = desk.certify()
    assert (answer.code, answer.json["verdict"]) == (0, "verified"), answer.out + answer.err
    given = data_of(desk.pdf)["signed"]
    assert (given["key"], given["successor_of"], given["predecessor_of"]) == (first, None, second)
    assert "which handed over to" in printed(desk.pdf)[0]
    assert (desk.check().code, status(desk.check(), 15), status(desk.check(), 16)) == (0, "passed", "passed")


def test_a_reader_who_came_after_the_rotation(tmp_path: Path) -> None:
    """His list has the new key alone: a claim from before is of the history that he follows. It has no certificate."""
    _, first, second = rotated(tmp_path, 1)
    (tmp_path / "new").mkdir()
    desk = Desk(tmp_path / "new")
    (tmp_path / "claim.zip").rename(desk.folder / "claim.zip")
    trusts = (tmp_path / "trusted.toml").read_text()
    (desk.folder / "trusted.toml").write_text(trusts.replace(first, second))
    before = desk.check("claim.zip")
    assert (before.json["verdict"], status(before, 7)) == ("unconfirmed", "skipped")
    assert desk("registry", "sync", "--registries", "trusted.toml").code == 0
    after = desk.check("claim.zip")
    assert (after.json["verdict"], status(after, 7), status(after, 9)) == ("verified", "passed", "passed")
    refused = desk.certify()
    assert refused.code == 2
    assert "verified only by what you follow yourself" in refused.err + refused.out


def rotated(tmp_path: Path, number: int) -> tuple[Desk, str, str]:
    """A desk that followed a register from its first key, which it trusts, to its second; with the claim of the entry
    of this number, of which 1 is from before and 2 from after the rotation."""
    office = Office(Notary(tmp_path), tmp_path / "public")
    office.init()
    office.done("add", "--csv", office.csv([{"office": "XX", "number": "1", **_REST}]))
    for _ in range(2):
        office.done("publish", "--network", "local")
    office.done("claim", "1", "-o", tmp_path / "claim-1.zip")
    desk, (origin, _, _) = Desk(tmp_path), office.vkey.partition("+")
    rows = {"origin": origin, "folder": str(office.folder), "vkey": office.vkey, "offices": ["XX"]}
    trusts = "\n".join(["[[registry]]", *(f"{key} = {json.dumps(value)}" for key, value in rows.items())])
    (tmp_path / "trusted.toml").write_text(trusts)
    assert desk("registry", "sync", "--registries", "trusted.toml").code == 0
    second = office.done("rotate", "--no-passphrase")["vkey"]
    office.done("publish", "--network", "local")
    assert desk("registry", "sync", "--registries", "trusted.toml").code == 0
    office.done("add", "--csv", office.csv([{"office": "XX", "number": "2", **_REST}]))
    for _ in range(2):
        office.done("publish", "--network", "local")
    office.done("claim", "2", "-o", tmp_path / "claim-2.zip")
    assert desk("registry", "sync", "--registries", "trusted.toml").code == 0
    (tmp_path / f"claim-{number}.zip").rename(tmp_path / "claim.zip")
    return desk, office.vkey, second


_REST = {"right": "patent", "filing_date": "2026-03-12", "digest": hashlib.sha256(PACKAGE).hexdigest()}


# -- other data, typeset as neatly as ours --------------------------------------------------------------------------


def decisive(data: Any) -> Any:
    (one,) = data["attestations"]
    return one


def earlier(data: Any) -> None:
    """A whole year, everywhere, as a thoughtful forger would."""
    day = decisive(data)["existed_by"]
    year = int(day[:4])
    decisive(data)["existed_by"] = f"{year - 1}{day[4:]}"
    data["statement"] = data["statement"].replace(f" {year} (UTC)", f" {year - 1} (UTC)")


def proven(data: Any) -> None:
    data["statement"] = data["statement"].removeprefix(
        "Nothing is proven: the network local is for tests. On Bitcoin this would say: "
    )


def without_block(outcome: str, *missing: str) -> Callable[[Any], object]:
    """As if no block had been confirmed."""

    def change(data: Any) -> None:
        data.update(outcome=outcome, missing=list(missing))
        decisive(data).update(decisive=False)

    return change


def by_list(name: str) -> Callable[[Any], object]:
    def change(data: Any) -> None:
        data["signed"].update(listed_in=name)
        data["grounds"] = [one.replace("trusted.toml", name) for one in data["grounds"]]

    return change


def in_weeks(data: Any) -> None:
    year, week, day = date.fromisoformat(decisive(data)["existed_by"]).isocalendar()
    decisive(data).update(existed_by=f"{year}-W{week:02}-{day}")


STRANGER = Keeper("witness.example/w3", b"s" * 32, WITNESSES[0].type)

FORGERIES: dict[str, tuple[Callable[[Any], object], str]] = {
    "the date": (earlier, "no date before|the date"),
    "the statement": (proven, "certificate.json.statement is"),
    "the number": (
        lambda data: data["entry"]["record"].update(number="1"),
        r"certificate.json.entry.record.number is '1'",
    ),
    "what is printed of it": (lambda data: data["stated"][1].__setitem__(1, "US"), r"certificate.json.stated\[1\]"),
    "the digest": (lambda data: data["entry"]["record"].update(digest="ab" * 32), "entry.record.digest"),
    "the register": (lambda data: data["entry"].update(origin="other.example"), "entry.origin"),
    "the key": (lambda data: data["signed"].update(key=str(replace(LOG, seed=b"x" * 32).key)), "did not sign"),
    "no key": (lambda data: data.update(signed=None), "missing"),
    "a key of another type": (lambda data: data["signed"].update(key=str(WITNESSES[0].key)), "a key of type"),
    "one witness more": (
        lambda data: data["witnesses"].update(cosigned=data["witnesses"]["listed"]),
        "certificate.json.witnesses.cosigned",
    ),
    "a witness who never was": (
        lambda data: data["witnesses"].update(listed=[str(STRANGER.key)], cosigned=[str(STRANGER.key)], quorum=1),
        "missing",
    ),
    "more asked for than there were": (lambda data: data["witnesses"].update(quorum=3), "missing"),
    "the block": (lambda data: decisive(data).update(block_hash="ab" * 32), "block abab"),
    "no test network": (
        lambda data: data.update(network="bitcoin", test_network=False, stamp=None),
        "certificate.json",
    ),
    "less than verified": (lambda data: data.update(outcome="pending"), "pending, and it rests on 1 attestation"),
    "no block yet": (without_block("pending", "promised"), "not what the proof leads to"),
    "no block, without a reason": (without_block("unconfirmed"), "the outcome cannot be unconfirmed"),
    "no block, and verified": (without_block("verified"), "verified, and it rests on 0 attestations"),
    "a reason twice": (without_block("unconfirmed", "block", "block"), "said twice"),
    "witnesses who did cosign": (without_block("unconfirmed", "witnesses", "block"), "key and witnesses come to"),
    "a sentence for the list": (by_list("of the Office.\n\nTHE OFFICE HEREBY CONFIRMS it. See"), "no name of a file"),
    "a list that ends its quotation": (by_list("a\u201d. THE OFFICE CONFIRMS: \u201cb"), "no name of a file"),
    "a long sentence for the list": (by_list("THE OFFICE CONFIRMS " * 13), "no name of a file"),
    "no list": (by_list(""), "no name of a file"),
    "a quorum below nothing": (lambda data: data["witnesses"].update(quorum=-5), "quorum is no number from 0 to 3"),
    "a quorum above all": (lambda data: data["witnesses"].update(quorum=4), "quorum is no number from 0 to 3"),
    "a day of a week": (in_weeks, "existed_by is no date"),
    "confirmations below nothing": (lambda data: decisive(data).update(confirmations=-3), "confirmations are below 0"),
    "a time that is none": (lambda data: decisive(data).update(block_time="never"), "block_time is no moment"),
    "issued before the block": (lambda data: data.update(issued_at="1970-01-01T00:00:00Z"), "been issued before"),
    "a key that followed itself": (lambda data: data["signed"].update(successor_of=str(LOG.key)), "one key, and not"),
    "a key in the middle": (
        lambda data: data["signed"].update(
            {key: str(replace(LOG, seed=key[:1].encode() * 32).key) for key in ("successor_of", "predecessor_of")}
        ),
        "one key, and not",
    ),
    "whose word": (lambda data: data["signed"].update(asserted_by="proven"), "is none of"),
    "an extra member": (lambda data: data.update(seal_of_approval="of the office"), "other members"),
    "a party without a name": (lambda data: data.update(party={}), "name is missing"),
    "nothing at all": (lambda data: data.clear(), "is missing"),
}


@pytest.mark.parametrize(("change", "why"), FORGERIES.values(), ids=FORGERIES)
def test_other_data_are_found_out(case: Desk, change: Callable[[Any], object], why: str) -> None:
    answer = case.refuted(forged(case, case.folder / "forged.pdf", change), 15)
    assert answer.json["sentences"][0].endswith("the certificate does not say what the claim in it gives.")
    assert re.search(why, " ".join(answer.json["sentences"][1:3])), answer.json["sentences"]


def with_spare(ots: bytes, height: int) -> bytes:
    """The proof, with an attestation of this height beside its own that nothing bears out."""
    proof = DetachedTimestampFile.deserialize(BytesDeserializationContext(ots))
    branch = proof.timestamp.ops.add(OpAppend(b"spare")).ops.add(OpSHA256())
    branch.attestations.add(BitcoinBlockHeaderAttestation(height))
    context = BytesSerializationContext()
    proof.serialize(context)
    return bytes(context.getbytes())


@pytest.mark.parametrize("further", [0, 898_989])
def test_only_the_block_that_bears_the_proof_out_is_decisive(
    desk: Desk, case: Desk, register: Register, further: int
) -> None:
    """Of two attestations of one height, or of two, only one is of the block that was found."""
    height = decisive(data_of(case.pdf))["height"]
    desk.put(packed(register.files(checkpoint_ots=with_spare(register.ots, height + further))))
    assert desk.certify().code == 0
    listed = {one["merkle_root"]: one for one in data_of(desk.pdf)["attestations"]}
    (found,) = (one for one in listed.values() if one["decisive"])
    assert len(listed) == 2
    assert found == decisive(data_of(case.pdf))
    answer = desk.check()
    assert (answer.code, status(answer, 15), status(answer, 16)) == (0, "passed", "passed"), answer.json["sentences"]

    def change(data: Any) -> None:
        first, second = data["attestations"]
        moved = {key: first[key] for key in first if key not in ("chain", "height", "merkle_root")}
        first.update({key: second[key] for key in moved})
        second.update(moved)
        data["grounds"] = [one.replace(f"block {height:,}", f"block {height + further:,}") for one in data["grounds"]]

    answer = desk.refuted(forged(desk, desk.folder / "other.pdf", change), 15)
    assert re.search("the height|the Merkle root", " ".join(answer.json["sentences"])), answer.json["sentences"]


def test_another_network_than_that_of_the_block(desk: Desk, register: Register) -> None:
    """A claim without headers does not say of which network it is; the block that the reader finds does."""
    desk.put(packed(register.files(headers_bin=None, headers_json=None)))
    for name, content in zip(("headers.bin", "headers.json"), register.anchors.headers(), strict=True):
        (desk.folder / name).write_bytes(content)
    with_headers = (*TRUSTED, "--headers", "headers.bin")
    assert desk("certificate", "claim.zip", "-o", "c.pdf", *with_headers, *ISSUED).code == 0
    answer = desk("registry", "check", "c.pdf", *with_headers, "--json")
    assert (answer.code, status(answer, 15)) == (0, "passed"), answer.json["sentences"]

    def change(data: Any) -> None:
        with open_container(desk.folder / "claim.zip") as container:
            stated = read_claim_statement(container)
        found = replace(read_claim_found(data), network="bitcoin")
        data.update(claim_certificate(stated, found, read_claim_issue(data)))

    forged(desk, desk.folder / "forged.pdf", change)
    assert "TEST NETWORK" not in printed(desk.folder / "forged.pdf")[0]
    answer = desk("registry", "check", "forged.pdf", *with_headers, "--json")
    assert (answer.code, status(answer, 15)) == (1, "failed")
    assert "Found: the network bitcoin" in " ".join(answer.json["sentences"])


def test_what_its_issuer_says_is_free_and_is_called_so(case: Desk) -> None:
    def change(data: Any) -> None:
        data.update(party={"name": "Somebody Else", "role": None}, matter="B v. Y")
        with open_container(case.folder / "claim.zip") as container:
            stated = read_claim_statement(container)
        found = read_claim_found(data)
        signer = found.signer
        assert signer
        free = replace(found, signer=replace(signer, listed_in="the gazette", witnesses=(), quorum=0))
        data.update(claim_certificate(stated, free, read_claim_issue(data)))

    answer = case.check(forged(case, case.folder / "free.pdf", change).name)
    assert (answer.code, status(answer, 15), status(answer, 16)) == (0, "passed", "passed")
    (said,) = (one["found"] for one in answer.json["checks"] if one["number"] == 15)
    assert "whose key it is, whose witnesses count" in said
    assert "its issuer's word" in said


def test_sentences_of_another_release_are_not_compared(case: Desk) -> None:
    def change(data: Any) -> None:
        data.update(software="notary 0.0.1", statement="It was asserted in 1999.")

    answer = case.check(forged(case, case.folder / "older.pdf", change).name)
    assert (answer.code, status(answer, 15)) == (0, "skipped")
    assert "All that the certificate says was NOT compared with it" in " ".join(answer.json["sentences"])


def test_another_claim_in_it(case: Desk, register: Register) -> None:
    other = packed(register.files(is_sealed=True))
    case.refuted(forged(case, case.folder / "forged.pdf", lambda data: None, claim=other), 15)


def test_an_altered_claim_in_it(case: Desk) -> None:
    altered = rezipped(carried(case.pdf), lambda name, data: data.replace(b"000412", b"000413"))
    answer = case.check(forged(case, case.folder / "forged.pdf", lambda data: None, claim=altered).name)
    assert (answer.code, status(answer, 2)) == (1, "failed")
    assert "certificate's data" not in [one["name"] for one in answer.json["checks"]]


def annotated(writer: PdfWriter) -> None:
    note = FreeText(text="no later than 1 January 1999", rect=(50, 550, 400, 700), font_size="20pt")
    writer.add_annotation(page_number=0, annotation=note)


PAGES: dict[str, Callable[[PdfWriter], object]] = {
    "an annotation over it": annotated,
    "a page more": lambda writer: writer.add_page(PageObject.create_blank_page(width=595, height=842)),
}


@pytest.mark.parametrize("change", PAGES.values(), ids=PAGES)
def test_other_pages_are_found_out(case: Desk, change: Callable[[PdfWriter], object]) -> None:
    answer = case.refuted(rewritten(case.pdf, case.folder / "other.pdf", change), 16)
    assert answer.json["sentences"][0].endswith("its printed pages are not those of its data.")


# -- what is refused, and what is missing ---------------------------------------------------------------------------


def test_one_without_the_claim_names_what_to_give(desk: Desk) -> None:
    answer = desk.certify("--attach-up-to", "0")
    assert answer.code == 0
    assert "the claim, " in answer.err
    assert not answer.json["claim"]["attached"]
    claim = hashlib.sha256((desk.folder / "claim.zip").read_bytes()).hexdigest()
    assert claim in "".join(printed(desk.pdf)).replace(" ", "")
    for arguments in (("verify", "c.pdf"), ("registry", "check", "c.pdf"), ("info", "c.pdf")):
        answer = desk(*arguments)
        assert (answer.code, f"verify the claim itself: 'claim.zip', SHA-256 {claim}" in answer.err) == (2, True)


def test_an_unpacked_claim_does_not_go_into_it(desk: Desk) -> None:
    with zipfile.ZipFile(desk.folder / "claim.zip") as bag:
        bag.extractall(desk.folder / "unpacked")
    answer = desk("certificate", "unpacked/claim", "-o", "c.pdf", *TRUSTED, "--json")
    assert (answer.code, answer.json["claim"], answer.json["verdict"]) == (0, None, "verified")
    assert "an unpacked bag does not go into it" in answer.err
    answer = desk.check()
    assert (answer.code, "it was made of an unpacked bag" in answer.err) == (2, True)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--only", "x"), "--only and --disclose are for batches"),
        (("--disclose", "names"), "--only and --disclose are for batches"),
        (("--declaration", "us1746"), "--declaration: for batches and bundles, and this is a claim"),
        (("--signers", "s", "--tsa-roots", "t"), "--signers, --tsa-roots: for batches and bundles"),
        (("--registries", "none.toml"), "none.toml"),
        (("--issued-at", "2019-01-01T00:00:00Z"), "it cannot have been issued before"),
    ],
)
def test_options_that_make_no_sense(desk: Desk, options: tuple[str, ...], why: str) -> None:
    answer = desk("certificate", "claim.zip", "-o", "c.pdf", *TRUSTED, *options)
    assert (answer.code, why in answer.err) == (2, True), answer.err
    assert not desk.pdf.exists()


def test_a_claim_that_fails_gets_none(desk: Desk, register: Register) -> None:
    altered = {
        "its entry": (
            rezipped(packed(register.files()), lambda _, data: data.replace(b"000412", b"000413")),
            "changed",
        ),
        "its zip": (packed(register.files())[:-30], "no sound|not a sound|end of central|zip"),
        "its cosignature": (packed(register.files(entry_tlog_proof=_spoiled(register))), "cosignature|signature"),
    }
    for claim, why in altered.values():
        desk.put(claim)
        answer = desk("certificate", "claim.zip", "-o", "c.pdf", *TRUSTED)
        assert answer.code in (1, 2)
        assert re.search(why, answer.err), answer.err
        assert not desk.pdf.exists()


def _spoiled(register: Register) -> bytes:
    """The entry's proof with a cosignature that is of something else."""
    lines = register.files()["registry/entry.tlog-proof"].decode().splitlines(keepends=True)
    head, _, signature = lines[-1].rpartition(" ")
    spoiled = signature[:40] + ("A" if signature[40] != "A" else "B") + signature[41:]
    return "".join([*lines[:-1], f"{head} {spoiled}"]).encode()


def test_what_is_no_file_is_not_waited_for(desk: Desk) -> None:
    os.mkfifo(desk.folder / "pipe")
    for options in ((), ("--registries", "trusted.toml")):
        answer = desk("certificate", "pipe", "-o", "c.pdf", *options)
        assert (answer.code, "pipe: not a regular file" in answer.err) == (2, True), answer.err


def test_evidence_is_not_overwritten(desk: Desk) -> None:
    (desk.folder / "evidence.pdf").write_bytes(b"%PDF-1.7 evidence")
    answer = desk.certify(name="evidence.pdf")
    assert (answer.code, "it is not overwritten" in answer.err) == (2, True)
    assert (desk.folder / "evidence.pdf").read_bytes() == b"%PDF-1.7 evidence"
    assert desk.certify().code == desk.certify().code == 0, "an older one of its kind may be replaced"
    (desk.folder / "note.txt").write_text("note")
    notary = Notary(desk.folder)
    batch = stamped(notary, "note.txt")["batch"]
    answer = notary("certificate", batch, "-o", "c.pdf")
    assert (answer.code, "no certificate of this kind" in answer.err) == (2, True)
    assert notary("certificate", batch, "-o", "batch.pdf", "--registries", "trusted.toml").code == 2
    assert notary("certificate", batch, "-o", "batch.pdf").code == 3
    answer = desk.check("batch.pdf")
    assert (answer.code, "the certificate of a bundle, and of no claim" in answer.err) == (2, True)
    bundle = carried(desk.folder / "batch.pdf")
    mixed = forged(desk, desk.folder / "mixed.pdf", lambda data: None, claim=bundle)
    answer = desk("verify", mixed.name, *LOCAL, "--json")
    assert (answer.code, answer.json["verdict"]) == (1, "failed"), "a claim's data around a bundle"
    assert desk("certificate", "c.pdf", "-o", "x.pdf").code == 2


def test_damaged_files_are_refused_in_words(case: Desk, tmp_path: Path) -> None:
    whole = case.pdf.read_bytes()
    for name, content in {"cut off": whole[: len(whole) // 2], "no PDF": b"%PDF-1.7\nno", "nothing": b""}.items():
        (case.folder / "damaged.pdf").write_bytes(content)
        answer = case("registry", "check", "damaged.pdf", *TRUSTED)
        assert (answer.code, answer.err.startswith("error: ")) == (2, True), name
        assert str(tmp_path.parent) not in answer.err
    (case.folder / "damaged.pdf").unlink()
    forged(case, case.folder / "damaged.pdf", lambda data: None, claim=b"PK\3\4 and no more")
    answer = case("registry", "check", "damaged.pdf", *TRUSTED)
    assert answer.code in (1, 2)
    assert "bundle.zip" not in answer.out + answer.err


HOSTILE = ('#evil[$x$] *b* `c` <s> "\\u{e000}"', "\u202emoor .v A", "x" * 128, "Żółć 日本語 ไทย \U0001f702")


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_texts_are_only_read(desk: Desk, tmp_path: Path, hostile: str) -> None:
    (tmp_path / "anchors").mkdir()
    hashes = (hashlib.sha256(b"before").digest(), hashlib.sha256(b"first").digest())
    whom: dict[str, Any] = {"to": f"{hostile} {hostile}", "references": (("case", hostile),)}
    entry = later(Event.ASSIGNED, date(2026, 9, 1), *hashes, number=hostile, right=Right.OTHER, **whom)
    desk.put(packed(Register(Anchors(tmp_path / "anchors"), entry=entry).files()))
    answer = desk.certify("--party", hostile, "--role", hostile, "--matter", f"{hostile}\n\n1. for A")
    assert answer.code == 0, answer.err
    assert data_of(desk.pdf)["entry"]["record"]["number"] == hostile
    text = " ".join(printed(desk.pdf))
    assert not set("\u202e\u200b") & set(text)
    assert "`assigned` of 1 September 2026" in text
    back = desk.check()
    assert (back.code, status(back, 15), status(back, 16)) == (0, "passed", "passed"), back.json["sentences"]
