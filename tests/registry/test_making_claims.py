"""Claims through the command line: what is in them, by programs of others; which checkpoint they rest on; refusals."""

import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import bagit
import pytest
from opentimestamps.core.serialize import BytesDeserializationContext
from opentimestamps.core.timestamp import DetachedTimestampFile

from notary.core.strict_json import canonical
from notary.localnet.calendar import LocalNetwork
from notary.registry.core.claim import read_claim
from notary.registry.core.cosignature import Quorum
from notary.registry.core.note import read_note, read_vkey, write_note
from notary.registry.core.tlog_proof import read_tlog_proof
from tests.conftest import Notary
from tests.registry.logs import WITNESSES
from tests.registry.office import ORIGIN, PACKAGE, Office, cosigned_by, row

SEALED, SIZE = 7, 300


@pytest.fixture
def keeper(office: Office) -> Office:
    """Three hundred applications, one of them sealed, anchored in a block."""
    office.add(row(number, **({"sealed": "yes"} if number == SEALED else {})) for number in range(SIZE))
    office.publish()
    office.publish()
    return office


def claim(office: Office, number: int, *options: str | Path) -> tuple[Any, Path]:
    target = office.folder.with_name(f"claim-{number}.zip")
    return office.done("claim", row(number)["number"], "-o", target, *options), target


def unpacked(path: Path) -> Path:
    folder = path.with_suffix("")
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)  # made by the command under test
    (bag,) = folder.iterdir()
    return bag


@pytest.mark.parametrize("number", [0, SEALED, 255, 256, SIZE - 1])
def test_what_a_claim_proves(keeper: Office, number: int) -> None:
    made, path = claim(keeper, number)
    bag = unpacked(path)
    bagit.Bag(str(bag)).validate()
    assert made["index"] == number
    assert made["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    found = read_claim((bag / "registry/claim.json").read_bytes())
    assert (found.origin, found.index, found.record.number) == (ORIGIN, number, row(number)["number"])
    assert found.is_sealed == (number == SEALED)
    assert canonical(keeper.read()[number]) == found.entry_bytes
    assert str(found.link) == made["link"]
    proof = read_tlog_proof((bag / "registry/entry.tlog-proof").read_bytes())
    checkpoint, _ = proof.verify(found.link.leaf, ORIGIN, [read_vkey(keeper.vkey)], Quorum())
    assert checkpoint.size == SIZE
    files = keeper.files()
    for suffix in ("", ".ots"):
        assert (bag / f"registry/checkpoint{suffix}").read_bytes() == files[f"anchors/{SIZE}.checkpoint{suffix}"]
    for name in ("headers.bin", "headers.json"):
        assert (bag / "registry" / name).read_bytes() == files[f"anchors/{name}"]


def test_another_program_makes_the_same_proof(keeper: Office) -> None:
    _, path = claim(keeper, 299)
    command = [sys.executable, "-m", "tlog_scales.cli", "gen-proof", str(keeper.folder), "299"]
    theirs = subprocess.run(command, check=True, capture_output=True).stdout
    assert (unpacked(path) / "registry/entry.tlog-proof").read_bytes() == theirs


@pytest.mark.parametrize("number", [3, SEALED])
def test_the_instructions_do_what_they_say(keeper: Office, tmp_path: Path, number: int) -> None:
    package = tmp_path / "package.zip"
    package.write_bytes(PACKAGE)
    _, path = claim(keeper, number, "--data", package)
    bag = unpacked(path)
    text = (bag / "VERIFY.txt").read_text()
    for line in text.splitlines():
        if line.startswith("   sha256sum -c"):
            subprocess.run(["bash", "-c", line], cwd=bag, check=True, capture_output=True)
    program = text[text.index("   import base64") : text.index("3. WHOSE REGISTER")]
    program = "\n".join(line.removeprefix("   ") for line in program.splitlines())

    def said() -> str:
        return subprocess.run(
            [sys.executable, "-c", program], cwd=bag, check=True, capture_output=True, text=True
        ).stdout

    assert said() == f"the entry is in the checkpoint of {ORIGIN}\n"
    file = bag / "registry/claim.json"
    file.write_text(file.read_text().replace("2026-03-12", "2026-03-11"))
    assert said() == f"IT IS NOT IN {ORIGIN}\n"
    context = BytesDeserializationContext((bag / "registry/checkpoint.ots").read_bytes())
    digest = DetachedTimestampFile.deserialize(context).file_digest
    assert digest == hashlib.sha256((bag / "registry/checkpoint").read_bytes()).digest()
    assert f"{hashlib.sha256(PACKAGE).hexdigest()}  data/package.zip" in (bag / "manifest-sha256.txt").read_text()
    assert "TEST NETWORK local" in text
    assert ("The entry is sealed" in text) == (number == SEALED)


def test_the_reader_s_side_accepts_it(keeper: Office, notary: Notary, tmp_path: Path) -> None:
    """`notary registry check`, with the key and the office that the reader trusts."""
    trusted = tmp_path / "registries.toml"
    trusted.write_text(
        f'[[registry]]\norigin = "{ORIGIN}"\nfolder = "{keeper.folder}"\nvkey = "{keeper.vkey}"\noffices = ["XX"]\n'
    )
    for number in (3, SEALED):
        _, path = claim(keeper, number)
        answer = notary("registry", "check", path, "--registries", trusted, "--network", "local", "--offline", "--json")
        assert answer.code == 0, answer.err + answer.out
        assert answer.json["asserted_by"] == "office-asserted"


def test_the_same_claim_twice(keeper: Office) -> None:
    made, _ = claim(keeper, 3)
    again, _ = claim(keeper, 3)
    assert made == again


# -- which checkpoint -----------------------------------------------------------------------------------------------


def test_the_earliest_anchor_dates_a_claim_after_the_log_has_grown(keeper: Office) -> None:
    _, path = claim(keeper, 3)
    before = {path.name: path.read_bytes() for path in (unpacked(path) / "registry").iterdir()}
    for first, size in [(300, 600), (600, 900), (900, 901)]:
        keeper.add(row(number) for number in range(first, size))
        keeper.publish()
    keeper.publish()
    assert not (keeper.folder / "tile/0/001.p").exists(), "the tiles are those of a larger log now"
    _, path = claim(keeper, 3)
    after = {path.name: path.read_bytes() for path in (unpacked(path) / "registry").iterdir()}
    # Blocks were added meanwhile, so there are more headers behind the attested one.
    assert after.pop("headers.bin").startswith(before.pop("headers.bin"))
    del after["headers.json"], before["headers.json"]
    assert after == before
    assert claim(keeper, 299)[0]["size"] == 300
    assert claim(keeper, 300)[0]["size"] == 600


def test_a_cosigned_checkpoint_comes_before_one_that_is_not(keeper: Office) -> None:
    keeper.add([row(SIZE)])
    keeper.publish()
    keeper.publish()
    assert claim(keeper, 3)[0]["size"] == SIZE
    note, file = read_note(keeper.files()["checkpoint"]), keeper.folder.with_name("cosigned")
    file.write_bytes(write_note(cosigned_by(note, WITNESSES[0])))
    keeper.publish("--witness", str(WITNESSES[0].key), "--cosigned", file)
    made, path = claim(keeper, 3)
    assert made["size"] == SIZE + 1
    bag = unpacked(path)
    proof = read_tlog_proof((bag / "registry/entry.tlog-proof").read_bytes())
    assert Quorum(1, (WITNESSES[0].key,)).verify(proof.note)
    anchored = read_note((bag / "registry/checkpoint").read_bytes())
    assert (anchored.text, len(anchored.signatures)) == (proof.note.text, 1), "as it was when it was anchored"


def test_before_an_anchor_and_while_it_waits(office: Office, local_network: LocalNetwork) -> None:
    office.add([row(1)])
    target = office.folder.with_name("claim.zip")
    arguments = ("claim", row(1)["number"], "-o", target)
    early = office(*arguments)
    assert (early.code, "not published" in early.err) == (3, True)
    office("publish", "--network", "regtest", "--calendar", "http://127.0.0.1:1")
    queued = office(*arguments)
    assert (queued.code, "no calendar" in queued.err) == (3, True)
    assert not target.exists()
    office.done("publish", "--calendar", local_network.uri)
    assert office.done(*arguments)["status"] == "pending"
    local_network.mine()
    office.done("publish", "--calendar", local_network.uri)
    assert office.done(*arguments)["status"] == "attested"


def test_a_block_comes_before_an_earlier_promise(office: Office, local_network: LocalNetwork) -> None:
    chain = ("--network", "regtest", "--calendar", local_network.uri)
    office.add([row(1)])
    office.done("publish", *chain)
    office.done("publish", *chain)  # the calendar has no block yet, and is not asked about this one for a minute
    office.add([row(2)])
    office.done("publish", *chain)
    local_network.mine()
    statuses = [one["status"] for one in office.done("publish", *chain)["anchors"]]
    assert statuses == ["pending", "attested"]
    made, _ = claim(office, 1)
    assert (made["size"], made["status"]) == (2, "attested")


# -- refusals -------------------------------------------------------------------------------------------------------


def test_what_no_claim_is_made_of(keeper: Office, tmp_path: Path) -> None:
    target, package = tmp_path / "claim.zip", tmp_path / "package"
    package.write_bytes(b"another package")
    number = row(3)["number"]
    for code, arguments in [
        (2, ("2026/999999",)),
        (2, (number, "--office", "DE")),
        (1, (number, "--data", package)),
        (2, (number, "--data", tmp_path / "nothing")),
    ]:
        assert keeper("claim", *arguments, "-o", target).code == code
        assert not target.exists()
    target.write_bytes(b"somebody's notes")
    assert keeper("claim", number, "-o", target).code == 2
    assert target.read_bytes() == b"somebody's notes"


def test_one_number_at_two_offices(office: Office) -> None:
    office.add([row(1), row(1, office="DE")])
    office.publish()
    target = office.folder.with_name("claim.zip")
    refused = office("claim", row(1)["number"], "-o", target)
    assert (refused.code, "DE, XX" in refused.err) == (2, True)
    assert office.done("claim", row(1)["number"], "--office", "DE", "-o", target)["index"] == 1


def test_a_sealed_claim_stays_one_after_it_was_opened(keeper: Office) -> None:
    keeper.add([{"office": "XX", "number": row(SEALED)["number"], "event": "published", "date": "2027-09-14"}])
    keeper.publish()
    _, path = claim(keeper, SEALED)
    members = json.loads((unpacked(path) / "registry/claim.json").read_bytes())
    assert set(members) == {"format", "origin", "index", "record", "t"}


# -- later entries --------------------------------------------------------------------------------------------------


@pytest.fixture
def grown(keeper: Office) -> Office:
    """The same with a grant, one whose application was opened, a sealed assignment, and a new key; all anchored."""
    grant = row(3, event="granted", date="2028-01-10", digest="", filing_date="", right="")
    opened = row(SEALED, event="published", date="2027-09-14", digest="", filing_date="", right="")
    keeper.add([grant, opened])
    keeper.add([row(4, event="assigned", date="2028-02-01", to="somebody", digest="")], "--sealed")
    keeper.done("rotate", "--no-passphrase")
    keeper.publish()
    keeper.publish()
    return keeper


GRANT, OPENED, ASSIGNED, ROTATED = range(SIZE, SIZE + 4)


@pytest.mark.parametrize(
    ("number", "entry", "event", "is_sealed"),
    [
        (3, GRANT, "granted", False),
        (3, 3, "filed", False),
        (SEALED, OPENED, "published", False),
        (SEALED, SEALED, "filed", True),
        (4, ASSIGNED, "assigned", True),
    ],
)
def test_a_claim_of_a_later_entry(
    grown: Office, notary: Notary, tmp_path: Path, number: int, entry: int, event: str, is_sealed: bool
) -> None:
    made, path = claim(grown, number, "--entry", str(entry))
    assert made["index"] == entry
    members = json.loads((unpacked(path) / "registry/claim.json").read_bytes())
    if not is_sealed:
        assert members["entry"] == grown.read(vkey=grown.vkey)[entry]
    trusted = tmp_path / "registries.toml"
    trusted.write_text(
        f'[[registry]]\norigin = "{ORIGIN}"\nfolder = "{grown.folder}"\nvkey = "{grown.vkey}"\noffices = ["XX"]\n'
    )
    answer = notary("registry", "check", path, "--registries", trusted, "--network", "local", "--offline", "--json")
    assert (answer.code, answer.json["asserted_by"]) == (0, "office-asserted"), answer.err + answer.out
    claimed = answer.json["entry"]
    assert (claimed["index"], claimed["record"]["event"], claimed["sealed"]) == (entry, event, is_sealed)
    if entry == GRANT:
        assert "`granted` of 2028-01-10" in answer.json["sentences"][0]
        # Its package is that of the first entry, whose digest it does not repeat.
        (tmp_path / "filed.pdf").write_bytes(PACKAGE)
        options = ("--registries", trusted, "--network", "local", "--offline", "--document", "filed.pdf", "--json")
        compared = notary("registry", "check", path, *options)
        assert (compared.code, compared.json["verdict"]) == (3, "unconfirmed")


def test_entries_of_which_no_claim_is_made(grown: Office, tmp_path: Path) -> None:
    grown.add([row(3, event="lapsed", date="2029-01-10", digest="")])
    package = tmp_path / "package"
    package.write_bytes(PACKAGE)
    target = tmp_path / "claim.zip"
    for code, words, number, arguments in [
        (2, f"entry {GRANT} is about XX {row(3)['number']}, not about {row(4)['number']}", 4, ("--entry", GRANT)),
        (2, f"entry {ASSIGNED} is about XX {row(4)['number']}", 3, ("--entry", ASSIGNED)),
        (2, "is about no application", 3, ("--entry", ROTATED)),
        (2, f"the registry has {SIZE + 5} entries; there is no entry {SIZE + 5}", 3, ("--entry", SIZE + 5)),
        (3, f"entry {SIZE + 4} is not published yet", 3, ("--entry", SIZE + 4)),
        (2, "--entry", 3, ("--entry", -1)),
        (2, "no digest", 3, ("--entry", GRANT, "--data", package)),
    ]:
        refused = grown("claim", row(number)["number"], *map(str, arguments), "-o", target)
        assert refused.code == code, refused.err
        assert words in refused.err
        assert not target.exists()


def test_the_entry_says_which_of_two_applications_is_meant(office: Office) -> None:
    office.add([row(1), row(1, office="DE")])
    office.publish()
    target = office.folder.with_name("claim.zip")
    assert office.done("claim", row(1)["number"], "--entry", "1", "-o", target)["index"] == 1
    assert office("claim", row(1)["number"], "--office", "XX", "--entry", "1", "-o", target).code == 2
