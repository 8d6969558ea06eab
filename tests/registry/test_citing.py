"""From office to examiner by the command line: a register over HTTP, a claim, and what is cited without one."""

import hashlib
import json
import shutil
import zipfile
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from notary.core.chain import Checkpoints
from notary.core.check import Status
from notary.core.facts import Policy
from notary.core.header import NETWORKS, Trust
from notary.core.verdict import Outcome
from notary.registry.core.citation_verdict import judge_citation
from notary.registry.core.cited import Asked
from tests.conftest import Notary, Result
from tests.registry.claims import examined, failures, found, status
from tests.registry.office import ORIGIN, PACKAGE, Office, row, served

APPLICATIONS = 300
NUMBER = row(7)["number"]
CITED = ("--office", "XX", "--number", NUMBER)


@dataclass
class Examiner:
    """Another office, with a folder of its own and nothing in it but what was handed over."""

    folder: Path

    def __call__(self, command: str, *arguments: str | Path) -> Result:
        return examined(self.folder, "registry", command, *arguments, "--json")

    def trusts(self, *tables: dict[str, Any]) -> None:
        home = self.folder / "configuration" / "notary"
        home.mkdir(parents=True, exist_ok=True)
        lines = [["[[registry]]", *(f"{key} = {json.dumps(value)}" for key, value in one.items())] for one in tables]
        (home / "registries.toml").write_text("\n".join(line for table in lines for line in table))

    def claim(self, name: str, *options: str | Path) -> Result:
        return self("check", name, "--network", "local", "--offline", *options)


def table(office: Office, place: str, *offices: str, origin: str = ORIGIN) -> dict[str, Any]:
    kind = "url" if place.startswith("http") else "folder"
    return {"origin": origin, kind: place, "vkey": office.vkey, "offices": list(offices)}


def published(folder: Path) -> Office:
    """An office whose register has open and sealed applications, in an attested checkpoint."""
    folder.mkdir()
    office = Office(Notary(folder), folder / "registry")
    office.init()
    office.add(row(number) for number in range(APPLICATIONS))
    office.add([row(1000)], "--sealed")
    office.publish()
    office.publish()
    (folder / "filed.pdf").write_bytes(PACKAGE)
    return office


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    return published(tmp_path_factory.mktemp("keeper") / "office")


@pytest.fixture
def examiner(tmp_path: Path) -> Examiner:
    folder = tmp_path / "examiner"
    folder.mkdir()
    (folder / "filed.pdf").write_bytes(PACKAGE)
    return Examiner(folder)


@pytest.mark.parametrize("number", [NUMBER, row(1000)["number"]])
def test_a_claim_of_the_keeper_s(office: Office, examiner: Examiner, number: str) -> None:
    """Open, and sealed: verified offline from a folder that has only the claim, the document, and the vkey."""
    examiner.trusts(table(office, "https://registry.example/ip", "XX"))
    claim = examiner.folder / "claim.zip"
    office.done("claim", number, "-o", claim, "--data", office.folder.parent / "filed.pdf")
    options = ("--document", "filed.pdf", "--later-filing", "2027-03-12", "--office", "XX", "--number", number)
    answer = examiner.claim("claim.zip", *options)
    assert (answer.code, answer.json["verdict"], answer.json["asserted_by"]) == (0, "verified", "office-asserted")
    assert answer.json["entry"]["sealed"] == (number != NUMBER)
    assert (answer.json["window"]["within"], answer.json["existed_by"] is not None) == (True, True)
    assert {one["number"] for one in answer.json["checks"] if one["status"] == "skipped"} == {8}
    with zipfile.ZipFile(claim) as archive:
        (name,) = [one for one in archive.namelist() if one.endswith("filed.pdf")]
        assert archive.read(name) == PACKAGE


def test_what_is_cited_is_looked_up(office: Office, examiner: Examiner) -> None:
    assert examiner("check", *CITED).code == 2  # nothing was followed
    with served(office.folder) as address:
        examiner.trusts(table(office, address, "XX"))
        assert examiner("sync").code == 0
    # From here on nobody is asked.
    options = ("--document", "filed.pdf", "--later-filing", "2027-03-12", "--filed", "2026-03-12")
    answer = examiner("check", *CITED, *options)
    assert (answer.code, answer.json["verdict"], answer.json["asserted_by"]) == (0, "verified", "office-asserted")
    entry = answer.json["entry"]
    written = json.dumps(office.read()[7], sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    leaf = hashlib.sha256(b"\0" + written).hexdigest()
    assert (entry["origin"], entry["index"], entry["record"]["number"]) == (ORIGIN, 7, NUMBER)
    assert entry["link"] == f"notary:{ORIGIN}/7#{leaf}"
    assert answer.json["window"]["within"] is True
    # Its anchor is of another network than the one that is asked for.
    assert (answer.json["existed_by"], answer.json["trust"]) == (None, "none")
    assert answer.json["seen_on"] is not None
    assert "made on the network local, not on bitcoin" in " ".join(answer.json["sentences"])
    demanding = examiner("check", *CITED, "--require", "work")
    assert (demanding.code, demanding.json["verdict"]) == (3, "unconfirmed")
    on_local = examiner("check", *CITED, *options, "--network", "local", "--offline")
    assert (on_local.code, on_local.json["verdict"]) == (0, "verified")
    assert on_local.json["existed_by"] is not None

    assert examiner("check", "--office", "XX", "--number", NUMBER.replace("/", " ")).code == 0
    (examiner.folder / "other.pdf").write_bytes(b"another")
    for wrong, number in ((("--filed", "2026-03-13"), 13), (("--document", "other.pdf"), 4)):
        answer = examiner("check", *CITED, *wrong)
        assert (answer.code, failures(answer), answer.json["asserted_by"]) == (1, {number}, None)
    late = examiner("check", *CITED, "--later-filing", "2027-03-15")
    assert (late.code, late.json["window"]["days_outside"], status(late, 14)) == (0, 3, "failed")
    for absent in (("--office", "FR", "--number", NUMBER), ("--office", "XX", "--number", row(1000)["number"])):
        answer = examiner("check", *absent)
        assert (answer.code, answer.json["verdict"], answer.json["entry"]) == (3, "unconfirmed", None)
    assert examiner("check", "--office", "XX").code == 2

    said = examined(examiner.folder, "registry", "check", *CITED, *options)
    assert said.out.startswith(
        f"VERIFIED: the patent application XX {NUMBER}, filed on 2026-03-12, is in entry 7 of the register of {ORIGIN},"
        " asserted by the office (its key is trusted for XX), in a head that you saw on"
    )


def test_several_registers_have_it(office: Office, examiner: Examiner, tmp_path: Path) -> None:
    """The one whose key may speak for the office counts first; the other is named, and so is one that is not here."""
    folder = tmp_path / "firm"
    folder.mkdir()
    firm = Office(Notary(folder), folder / "registry")
    firm.vkey = firm.done("init", "--origin", "a-firm.example/ip", "--no-passphrase")["vkey"]
    firm.add([row(7, filing_date="2026-03-11")])
    firm.publish()
    tables = [
        table(firm, str(firm.folder), origin="a-firm.example/ip"),
        table(office, str(office.folder), "XX"),
    ]
    examiner.trusts(*tables)
    assert examiner("sync").code == 0
    answer = examiner("check", *CITED)
    assert (answer.json["asserted_by"], answer.json["entry"]["origin"]) == ("office-asserted", ORIGIN)
    (other,) = answer.json["others"]
    assert other.startswith("notary:a-firm.example/ip/0#")
    examiner.trusts(tables[0])
    answer = examiner("check", *CITED, "--filed", "2026-03-11")
    assert (answer.code, answer.json["asserted_by"]) == (0, "applicant-asserted")
    examiner.trusts(tables[0], table(office, str(office.folder)) | {"origin": "never.synced/ip", "vkey": office.vkey})
    answer = examiner("check", *CITED)
    assert any("never.synced/ip" in one for one in answer.json["left_out"])


def test_later_events_and_corrections(office: Office, examiner: Examiner, tmp_path: Path) -> None:
    """The entry that is dated is the one that is judged; what a later one corrects is said beside it."""
    keeper = published(tmp_path / "office")
    grant = row(7, event="granted", date="2027-06-01", digest="")
    correction = row(7, event="corrected", date="2026-05-01", filing_date="2026-03-10", digest="")
    examiner.trusts(table(keeper, str(keeper.folder), "XX"))
    assert examiner("sync").code == 0
    keeper.add([correction])
    keeper.add([{**grant, "filing_date": "2026-03-10"}])
    keeper.publish()
    assert examiner("sync").code == 0
    options = ("--network", "local", "--offline", "--later-filing", "2027-03-11")
    answer = examiner("check", *CITED, *options, "--filed", "2026-03-12", "--document", "filed.pdf")
    assert (answer.code, status(answer, 4), status(answer, 13)) == (0, "passed", "passed")
    entry, sentences = answer.json["entry"], answer.json["sentences"]
    # Record, link, and the anchored checkpoint are of one entry.
    assert (entry["index"], entry["record"]["filing_date"], entry["record"]["event"]) == (7, "2026-03-12", "filed")
    assert (answer.json["anchor"], answer.json["window"]["filing_date"]) == (APPLICATIONS + 1, "2026-03-12")
    assert "filed on 2026-03-12, is in entry 7 " in sentences[0]
    assert "2026-03-10" not in sentences[0]
    place = APPLICATIONS + 1
    assert entry["restated"] == [
        {
            "index": place,
            "event": "corrected",
            "date": "2026-05-01",
            "changes": [{"member": "filing date", "stated": "2026-03-10", "instead_of": "2026-03-12"}],
        }
    ]
    said = (
        f"Another entry of the same application, entry {place}, asserted corrected on 2026-05-01, states the filing"
        " date 2026-03-10 instead of 2026-03-12."
    )
    assert sentences[1] == said
    assert f"reckoned from 2026-03-12, as entry 7 has it; by entry {place} it would be another" in sentences[2]
    assert all(f"asserted {event}" in entry["state"] for event in ("granted", "corrected"))
    # Who cites the corrected date is told where it stands.
    wrong = examiner("check", *CITED, *options, "--filed", "2026-03-10")
    assert (wrong.code, failures(wrong)) == (1, {13})
    assert "2026-03-12" in found(wrong, 13)
    assert said in wrong.json["sentences"]


def test_what_has_happened_since_a_claim(office: Office, examiner: Examiner, tmp_path: Path) -> None:
    """Whoever follows the register is told, beside a verdict that stays what it is."""
    keeper = published(tmp_path / "office")
    for at, number in ((7, NUMBER), (APPLICATIONS, row(1000)["number"])):
        keeper.done("claim", number, "-o", examiner.folder / f"{at}.zip")
    examiner.trusts(table(keeper, str(keeper.folder), "XX"))
    alone = examiner.claim("7.zip")
    assert examiner("sync").code == 0
    assert examiner.claim("7.zip").json == alone.json | {"checks": examiner.claim("7.zip").json["checks"]}
    assert alone.json["later"] == []
    keeper.add([row(7, event="withdrawn", date="2026-06-01", digest="")])
    keeper.add([row(1000, event="published", date="2027-09-12", digest="")])
    keeper.add([row(8, event="granted", date="2026-06-02", digest="")])
    keeper.publish()
    assert examiner("sync").code == 0
    for at, event, day in ((7, "withdrawn", "2026-06-01"), (APPLICATIONS, "published", "2027-09-12")):
        answer = examiner.claim(f"{at}.zip")
        assert (answer.code, answer.json["verdict"]) == (0, "verified")
        (one,) = answer.json["later"]
        assert one["words"] == f"entry {one['index']}: asserted {event} on {day}"
        assert one["index"] == APPLICATIONS + 1 + (at != 7)
        assert answer.json["sentences"][-1].endswith(f"seen, in the register itself: {one['words']}.")


def test_a_number_that_a_correction_states(office: Office, examiner: Examiner, tmp_path: Path) -> None:
    """It is found, linked and dated where it stands first; the entry before it is said beside it."""
    keeper = published(tmp_path / "office")
    (first,) = [one for one in keeper.logged() if one.index == 7]
    correction = row(9999, event="corrected", date="2026-05-01", digest="", object=first.leaf.hex())
    keeper.add([correction])
    keeper.publish()
    keeper.publish()
    examiner.trusts(table(keeper, str(keeper.folder), "XX"))
    assert examiner("sync").code == 0
    cited = ("--office", "XX", "--number", row(9999)["number"])
    answer = examiner("check", *cited, "--network", "local", "--offline")
    entry = answer.json["entry"]
    assert (answer.code, entry["index"], entry["record"]["event"]) == (0, APPLICATIONS + 1, "corrected")
    assert answer.json["anchor"] == APPLICATIONS + 2
    assert (
        f"entry 7, asserted filed on 2026-03-12, states the number {NUMBER} instead of" in answer.json["sentences"][1]
    )


def test_what_was_sealed_is_dated_as_it_was_sealed(office: Office, examiner: Examiner, tmp_path: Path) -> None:
    """The commitment was anchored, and the opening proves what it committed to."""
    keeper = published(tmp_path / "office")
    examiner.trusts(table(keeper, str(keeper.folder), "XX"))
    assert examiner("sync").code == 0
    keeper.add([row(1000, event="published", date="2027-09-12", digest="")])
    keeper.publish()
    keeper.publish()
    assert examiner("sync").code == 0
    logged, at = keeper.logged(), APPLICATIONS
    cited = ("--office", "XX", "--number", row(1000)["number"], "--filed", "2026-03-12", "--document", "filed.pdf")
    answer = examiner("check", *cited, "--network", "local", "--offline")
    assert (answer.code, answer.json["verdict"], answer.json["anchor"]) == (0, "verified", at + 1)
    entry = answer.json["entry"]
    assert (entry["index"], entry["opened_by"], entry["record"]["event"]) == (at, at + 1, "filed")
    assert entry["link"] == f"notary:{ORIGIN}/{at}#{logged[at].leaf.hex()}"
    words = f"is in entry {at} of the register of {ORIGIN}, sealed then, opened by entry {at + 1}, asserted by"
    assert words in answer.json["sentences"][0]
    assert "sealed then" in found(answer, 5)
    hit = examiner("search", row(1000)["number"]).json["hits"][0]
    assert (hit["link"], hit["opened_by"], hit["record"]["event"]) == (entry["link"], at + 1, "filed")


def test_an_anchor_after_the_later_filing_is_said_to_be(office: Office, examiner: Examiner) -> None:
    examiner.trusts(table(office, str(office.folder), "XX"))
    assert examiner("sync").code == 0
    there = ("check", *CITED, "--network", "local", "--offline", "--later-filing")
    shown = date.fromisoformat(examiner(*there, "2027-03-01").json["existed_by"])
    for days, is_late in ((-1, True), (0, False), (1, False)):
        later = str(shown + timedelta(days))
        answer = examiner(*there, later)
        assert (answer.code, answer.json["verdict"], answer.json["shown_late"]) == (0, "verified", is_late)
        said = f"shown only as of {shown}, after the later filing of {later}." in " ".join(answer.json["sentences"])
        assert said == is_late


def test_a_claim_under_a_key_that_took_over(examiner: Examiner, tmp_path: Path) -> None:
    """Who followed meanwhile takes it; who did not is told what to do."""
    keeper = published(tmp_path / "office")
    examiner.trusts(table(keeper, str(keeper.folder), "XX"))
    assert examiner("sync").code == 0
    missed = Examiner(tmp_path / "missed")
    shutil.copytree(examiner.folder, missed.folder)
    keeper.done("rotate", "--no-passphrase")
    keeper.publish()
    assert examiner("sync").code == 0
    keeper.add([row(2000)])
    keeper.publish()
    keeper.publish()
    keeper.done("claim", row(2000)["number"], "-o", examiner.folder / "new.zip")
    keeper.done("claim", NUMBER, "-o", examiner.folder / "old.zip")
    for name in ("new.zip", "old.zip"):
        shutil.copy(examiner.folder / name, missed.folder)
    # The rotation counts if it was seen under the old key (FORMAT, *Rotation*).
    assert missed("sync").code == 1
    without = missed.claim("new.zip")
    assert (without.code, without.json["verdict"]) == (3, "unconfirmed")
    said = examined(missed.folder, "registry", "check", "new.zip", "--network", "local", "--offline")
    assert "`notary registry sync`" in said.err
    assert "new vkey" in said.err
    assert missed.claim("old.zip").code == 0
    assert examiner.claim("new.zip").code == 0  # the head of 302 entries named the key
    assert examiner("sync").code == 0
    after = examiner.claim("new.zip")
    assert (after.code, after.json["verdict"], after.json["asserted_by"]) == (0, "verified", "office-asserted")
    assert "that you follow" in found(after, 6)
    assert examiner.claim("old.zip").code == 0


def test_a_claim_of_another_history(office: Office, examiner: Examiner, tmp_path: Path) -> None:
    """The keeper shows the examiner one register, and gives claims from another: both are signed by his key."""
    twin = tmp_path / "twin"
    twin.mkdir()
    honest = Office(Notary(twin), twin / "registry")
    honest.init()
    honest.add(row(number) for number in range(3))
    copy = tmp_path / "copy"
    copy_of(twin, copy)
    second = Office(Notary(copy), copy / "registry", honest.vkey)
    honest.add([row(10)])
    second.add([row(11)])
    for one in (honest, second):
        one.publish()
        one.publish()
    examiner.trusts(table(honest, str(honest.folder), "XX"))
    second.done("claim", row(11)["number"], "-o", examiner.folder / "claim.zip")
    assert examiner.claim("claim.zip").code == 0  # alone it is sound
    assert examiner("sync").code == 0
    answer = examiner.claim("claim.zip")
    assert (answer.code, failures(answer)) == (1, {6})
    assert "two histories" in found(answer, 6)
    # Once sync itself has met the second history, nothing of the registry counts.
    second.add([row(12)])
    second.publish()
    examiner.trusts(table(second, str(second.folder), "XX"))
    assert examiner("sync").code == 1
    assert 7 in failures(examiner.claim("claim.zip"))
    looked_up = examiner("check", "--office", "XX", "--number", row(0)["number"])
    assert (looked_up.code, looked_up.json["entry"]) == (3, None)
    assert any("refused" in one for one in looked_up.json["left_out"])


def copy_of(source: Path, target: Path) -> None:
    """A keeper's whole folder, private state and all."""
    shutil.copytree(source, target)


def test_nothing_found_is_no_verdict_on_anything() -> None:
    policy = Policy(NETWORKS["bitcoin"], Trust.CHECKPOINT, Checkpoints())
    left_out = ["a.example is refused"]
    verdict = judge_citation([], [], Asked("XX", "1"), left_out, None, policy, needs_anchor=False)
    assert (verdict.outcome, verdict.asserted_by, verdict.window) == (Outcome.UNCONFIRMED, None, None)
    assert {one.status for one in verdict.checks} == {Status.SKIPPED}
