"""Keeping a registry through the command line: rows, sealed entries, keys, anchors, cosignatures."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from notary import limits
from notary.cli.signing import PASSPHRASE
from notary.edges.header_files import parse_runs
from notary.edges.keys import read_key
from notary.localnet.calendar import LocalNetwork
from notary.registry.core.checkpoint import Checkpoint
from notary.registry.core.entry import KeyRotation, Open, Sealed, opens
from notary.registry.core.history import History, history
from notary.registry.core.note import COSIGNATURE, read_note, read_vkey, write_note
from notary.registry.core.trusted import read_trusted
from tests.conftest import Notary
from tests.parties.bitcoind import Bitcoind
from tests.registry.logs import WITNESSES, Keeper
from tests.registry.office import ORIGIN, Office, cosigned_by, row

NOBODY = "http://127.0.0.1:1"
FIRST = row(1)


def ots(*arguments: str | Path) -> str:
    """What the reference client says."""
    command = [str(Path(sys.executable).with_name("ots")), "--no-cache", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def later(event: str, on: str, **changes: str) -> dict[str, str]:
    return {"office": "XX", "number": FIRST["number"], "event": event, "date": on, **changes}


def events(found: History) -> list[str]:
    return [str(one.record.event) if one.record else "sealed" for one in found.events]


# -- a new registry -------------------------------------------------------------------------------------------------


def test_a_new_registry(notary: Notary, tmp_path: Path) -> None:
    made = notary("registry", "init", "public", "--origin", ORIGIN, "--no-passphrase")
    assert made.code == 0
    snippet = made.out[made.out.index("[[registry]]") :]
    (trusted,) = read_trusted(snippet.encode(), "the snippet")
    assert (trusted.origin, trusted.folder, trusted.offices) == (ORIGIN, str(tmp_path / "public"), frozenset())
    office = Office(notary, tmp_path / "public", str(trusted.key))
    assert office.read() == []
    key = office.private / "key"
    assert {path.name: path.stat().st_mode & 0o777 for path in (key, office.private / "register.db")} == {
        "key": 0o600,
        "register.db": 0o600,
    }
    above = (office.private, *office.private.parents[:2])
    assert {folder.stat().st_mode & 0o777 for folder in above} == {0o700}
    assert list(office.files()) == ["checkpoint"]
    shown = subprocess.run(["ssh-keygen", "-l", "-f", key], check=True, capture_output=True, text=True).stdout
    assert "ED25519" in shown


@pytest.mark.parametrize("origin", ["", "has blank", "a//b", "x+y", "/x"])
def test_what_is_no_origin(notary: Notary, tmp_path: Path, origin: str) -> None:
    assert Office(notary, tmp_path / "public")("init", "--origin", origin, "--no-passphrase").code == 2
    assert not (tmp_path / "public").exists()


@pytest.mark.parametrize("origin", [".", "..", "../x", "a" * 255, "A/b"])
def test_origins_have_folders_of_their_own(notary: Notary, tmp_path: Path, origin: str) -> None:
    office = Office(notary, tmp_path / "public")
    assert office("init", "--origin", origin, "--no-passphrase").code == 0
    assert office.private.parent == tmp_path / "ledger" / "registries"
    other = Office(notary, tmp_path / "other")
    assert other("init", "--origin", origin, "--no-passphrase").code == 2, "it is there already"


def test_no_private_state_is_ever_published(office: Office, notary: Notary, tmp_path: Path) -> None:
    inside = Office(notary, tmp_path / "ledger" / "registries")
    assert inside("init", "--origin", "other.example", "--no-passphrase").code == 2
    assert Office(notary, tmp_path / "ledger")("init", "--origin", "other.example", "--no-passphrase").code == 2
    office.add([row(1, sealed="yes"), row(2)])
    office.publish()
    names = {Path(name).name for name in office.files()}
    assert not names & {path.name for path in office.private.iterdir()}
    secret = (office.private / "key").read_bytes()
    assert not [name for name, data in office.files().items() if secret in data or b"PRIVATE KEY" in data]


def test_an_encrypted_key(notary: Notary, tmp_path: Path) -> None:
    office = Office(notary, tmp_path / "public")
    assert office("init", "--origin", ORIGIN).code == 2, "there is no terminal to ask for a passphrase at"
    assert not list(tmp_path.glob("public/*"))
    notary.environment |= {PASSPHRASE: "correct horse"}
    assert office("init", "--origin", ORIGIN).code == 0
    office.add([FIRST])
    notary.environment |= {PASSPHRASE: "wrong"}
    refused = office("publish", "--network", "local")
    assert (refused.code, "passphrase is wrong" in refused.err) == (2, True)
    notary.environment |= {PASSPHRASE: "correct horse"}
    office.publish()
    del notary.environment[PASSPHRASE]
    assert office.publish()["anchors"][0]["status"] == "attested", "nothing is signed, so nothing is asked"


# -- rows -----------------------------------------------------------------------------------------------------------


def test_the_template_is_taken_as_it_stands(office: Office, tmp_path: Path) -> None:
    template = tmp_path / "template.csv"
    template.write_text(office("add", "--template").out, newline="")
    added = office.done("add", "--csv", template)
    assert (added["added"], added["size"], added["problems"]) == (4, 4, [])
    timeless = [one for one in added["warnings"] if "future" not in one["what"]]
    assert [("XX" in one["what"], one["rows"], one["first_row"]) for one in timeless] == [(True, 4, 2)]
    office.publish()
    told = history([one for one in office.logged() if one.index != 1])
    assert [event.record and event.record.event for event in told.events] == ["filed", "granted", "assigned"]
    assert not told.findings


def test_bad_rows_are_listed_and_nothing_is_added(office: Office) -> None:
    rows = [row(1), row(2, filing_date="2026-02-30"), row(3), row(1), row(4, right="patents")]
    refused = office("add", "--csv", office.csv(rows))
    assert refused.code == 2
    problems = {one["row"]: one["what"] for one in refused.json["problems"]}
    assert list(problems) == [3, 5, 6]
    assert "2026-02-30" in problems[3]
    assert "filed already, in row 2 of this file" in problems[5]
    assert "patents" in problems[6]
    assert "row 3: " in refused.err
    assert office.publish()["size"] == 0
    added = office.add(rows, "--despite-problems")
    assert (added["added"], added["size"], [one["row"] for one in added["problems"]]) == (2, 2, [3, 5, 6])


def test_a_file_that_cannot_be_gone_through_adds_nothing(office: Office) -> None:
    path = office.csv([row(1), row(2, right="x"), row(3)])
    path.write_bytes(path.read_bytes() + b'XX,"2026/4')
    for option in [], ["--despite-problems"]:
        refused = office("add", "--csv", path, *option)
        assert refused.code == 2
        assert [one["row"] for one in refused.json["problems"]] == [3]
    assert office.publish()["size"] == 0


def test_many_bad_rows_are_counted(office: Office) -> None:
    refused = office("add", "--csv", office.csv(row(number, right="x") for number in range(1200)))
    assert len(refused.json["problems"]) == 1000
    assert "1,200 rows are bad" in refused.err


def test_json_and_warnings(office: Office) -> None:
    path = office.folder.with_name("rows.json")
    path.write_text(json.dumps([{**row(number, office="QQ"), "sealed": number == 2} for number in range(3)]))
    added = office.done("add", "--json-file", path)
    assert (added["added"], [one["rows"] for one in added["warnings"]]) == (3, [3])
    office.publish()
    assert ["commitment" in one for one in office.read()] == [False, False, True]


def test_a_history_without_findings(office: Office) -> None:
    """A first filing and what happens to it, over several publications."""
    office.add([FIRST, row(2)])
    office.publish()
    office.add([later("published", "2027-09-01"), later("granted", "2028-01-02")])
    office.publish()
    first = office.logged()[0].leaf.hex()
    unnamed = office("add", "--csv", office.csv([later("corrected", "2029-02-01", number="2026/1A")]))
    assert (unnamed.code, "name `object`" in unnamed.json["problems"][0]["what"]) == (2, True)
    office.add(
        [
            later("assigned", "2029-01-02", to="Muster AG, Bern"),
            later("corrected", "2029-02-01", number="2026/1A", object=first),
        ]
    )
    office.add([later("lapsed", "2030-01-02", number="2026/1A")])
    office.publish()
    logged = office.logged()
    found = history([one for one in logged if one.index != 1])
    assert events(found) == ["filed", "published", "granted", "assigned", "corrected", "lapsed"]
    assert found.findings == ()


def test_two_objects_of_one_number_are_told_apart_by_name(office: Office) -> None:
    office.add([FIRST, row(2)])
    office.publish()
    first, second = (one.leaf.hex() for one in office.logged())
    office.add([{**later("corrected", "2027-01-01"), "object": second}])
    refused = office("add", "--csv", office.csv([later("granted", "2028-01-01")]))
    assert (refused.code, "name `object`" in refused.json["problems"][0]["what"]) == (2, True)
    office.add([{**later("granted", "2028-01-01"), "object": first}])
    for object_ in ("0" * 64, second):
        row_ = {**later("lapsed", "2028-01-01", number="2026/7"), "object": object_}
        assert office("add", "--csv", office.csv([row_])).code == 2


@pytest.mark.parametrize("is_sealed", [False, True])
def test_a_later_event_contradicts_nothing(office: Office, is_sealed: bool) -> None:
    """In the file that files it, and in later ones, for which the register is asked; after a correction as well."""
    option = ["--sealed"] if is_sealed else []

    def bad(*rows: dict[str, str]) -> str:
        refused = office("add", "--csv", office.csv(rows), *option)
        assert refused.code == 2
        (problem,) = refused.json["problems"]
        assert problem["row"] == len(rows) + 1
        return str(problem["what"])

    other = {"filing_date": "2020-01-01", "right": "patent"}
    both = "filing_date is '2020-01-01', and '2026-03-12' of its object"
    assert both in bad(FIRST, later("granted", "2028-01-01", **other))
    office.add([FIRST], *option)
    assert both in bad(later("granted", "2028-01-01", **other))
    office.add([later("corrected", "2027-01-01", **other)], *option)
    office.add([later("assigned", "2027-01-02", to="Muster AG")], *option)
    assert "and '2020-01-01' of its object" in bad(later("granted", "2028-01-01", filing_date=FIRST["filing_date"]))
    office.add([later("granted", "2028-01-01"), later("lapsed", "2029-01-01", **other)], *option)
    office.publish()
    if not is_sealed:
        found = history(office.logged())
        assert found.findings == ()
        assert {str(one.record.filing_date) for one in found.events[1:] if one.record} == {"2020-01-01"}


def test_what_is_odd_is_added_with_a_warning(office: Office) -> None:
    office.add([FIRST])
    added = office.add(
        [
            later("withdrawn", "2027-01-01"),
            later("granted", "2026-12-01"),
            later("granted", "2026-01-01"),
            later("lapsed", "2999-01-01"),
        ]
    )
    warned = {one["what"]: (one["rows"], one["first_row"]) for one in added["warnings"] if "XX" not in one["what"]}
    future = warned.pop("dated in the future")
    assert future[0] >= 1
    assert warned == {
        "granted after withdrawn": (2, 3),
        "an event dated before the last one of its object": (2, 3),
        "an event dated before the filing date": (1, 4),
        "granted a second time": (1, 4),
        "lapsed after withdrawn": (1, 5),
    }
    shown = office.notary("registry", "add", office.folder, "--csv", office.csv([later("refused", "2999-01-02")]))
    assert shown.code == 0
    assert "warning: refused after lapsed (row 2)" in shown.err
    filed_again = office("add", "--csv", office.csv([FIRST]))
    assert "filed already, as entry 0" in filed_again.json["problems"][0]["what"]


def test_a_row_of_another_width_stops_no_other(office: Office) -> None:
    path = office.csv([row(1), row(2), row(3)])
    lines = path.read_bytes().split(b"\r\n")
    path.write_bytes(b"\r\n".join([*lines[:2], b"XX,2026/9", lines[2] + b",", b"", *lines[3:]]))
    refused = office("add", "--csv", path)
    assert (refused.code, [one["row"] for one in refused.json["problems"]]) == (2, [3, 4, 5])
    added = office.done("add", "--csv", path, "--despite-problems")
    assert (added["added"], [one["row"] for one in added["problems"]]) == (2, [3, 4, 5])


def test_an_office_is_two_capital_letters(office: Office) -> None:
    refused = office("claim", FIRST["number"], "-o", office.folder.with_name("x.zip"), "--office", "xx")
    assert (refused.code, "two capital letters" in refused.err) == (2, True)


# -- sealed entries -------------------------------------------------------------------------------------------------


def test_sealed_entries_say_nothing(office: Office) -> None:
    office.add((row(number) for number in range(20)), "--sealed")
    office.publish()
    everything = b"".join(office.files().values())
    for secret in (b"2026/", b"2026-03-12", b"patent", row(1)["digest"].encode()):
        assert secret not in everything
    entries = office.read()
    assert {tuple(one) for one in entries} == {("commitment", "format")}
    assert len({one["commitment"] for one in entries}) == 20


def test_a_published_event_opens_what_was_sealed(office: Office) -> None:
    sealed = {"sealed": "yes"}
    office.add([FIRST | sealed, later("assigned", "2026-05-01", to="Muster AG") | sealed])
    refused = office("add", "--csv", office.csv([later("granted", "2027-01-01")]))
    assert (refused.code, "is sealed" in refused.json["problems"][0]["what"]) == (2, True)
    office.add([later("published", "2027-09-14"), later("published", "2027-09-15"), later("granted", "2028-01-01")])
    office.publish()
    logged = office.logged()
    entries = [one.entry for one in logged]
    assert [type(one) for one in entries] == [Sealed, Sealed, Open, Open, Open]
    for hidden, opening in zip(entries[:2], entries[2:4], strict=True):
        assert isinstance(hidden, Sealed)
        assert isinstance(opening, Open)
        assert opening.opening is not None
        assert opens(hidden, opening.opening)
    found = history(logged)
    assert events(found)[:2] == ["filed", "assigned"]
    assert found.findings == ()


def test_adding_at_once(office: Office) -> None:
    """Two processes add to one register: each waits for the other, and both have all their rows in."""
    files = []
    for at in range(2):
        path = office.csv(row(number) for number in range(1000 * at, 1000 * at + 1000))
        files.append(path.rename(path.with_name(f"{at}.csv")))
    started = [office.notary.start("registry", "add", office.folder, "--csv", file) for file in files]
    assert [one.wait(60) for one in started] == [0, 0]
    assert office.publish()["size"] == 2000
    assert len({one["number"] for one in office.read()}) == 2000


# -- keys -----------------------------------------------------------------------------------------------------------


def test_the_next_key(office: Office) -> None:
    office.add([FIRST])
    office.publish()
    rotated = office.done("rotate", "--no-passphrase")
    again = office("rotate", "--no-passphrase")
    assert (again.code, "not published yet" in again.err) == (2, True)
    office.add([row(2)])
    office.publish()
    entries = office.read()
    assert entries[rotated["index"]]["next_key"] == rotated["vkey"], "the old key signs what covers that entry"
    (named,) = (one.entry for one in office.logged() if isinstance(one.entry, KeyRotation))
    assert str(named.next_key) == rotated["vkey"]
    office.add([row(3)])
    office.publish()
    assert len(office.read(vkey=rotated["vkey"])) == 4, "the new key signs what comes after"
    with pytest.raises(RuntimeError, match="no signature matched"):
        office.read()
    assert office("rotate", "--no-passphrase").code == 0


# -- cosignatures ---------------------------------------------------------------------------------------------------


def test_cosignatures_are_collected(office: Office) -> None:
    office.add([FIRST])
    office.publish()
    anchored = office.files()["anchors/1.checkpoint"]
    names = []
    for at, witness in enumerate(WITNESSES):
        note = cosigned_by(read_note((office.folder / "checkpoint").read_bytes()), witness)
        (office.folder.parent / f"{at}.note").write_bytes(write_note(note))
        names.append(office.folder.parent / f"{at}.note")
    left_out = office.publish("--cosigned", names[0])
    assert (left_out["cosigned"], "--witness" in left_out["notes"][0]) == (0, True)
    known = [option for witness in WITNESSES[:2] for option in ("--witness", str(witness.key))]
    taken = office.publish(*known, *(option for name in names for option in ("--cosigned", name)))
    assert taken["cosigned"] == 2
    note = read_note(office.files()["checkpoint"])
    assert [one.name for one in note.signatures] == [ORIGIN, *(witness.name for witness in WITNESSES[:2])]
    assert len(office.read()) == 1
    assert office.files()["anchors/1.checkpoint"] == anchored, "its proof is over these bytes"
    assert office.publish("--cosigned", names[0])["cosigned"] == 0, "it is there already"


def test_a_false_cosignature_is_refused(office: Office) -> None:
    office.add([FIRST])
    office.publish()
    before, file = office.files(), office.folder.with_name("bad.note")
    note, witness = read_note(before["checkpoint"]), WITNESSES[0]
    (line,) = cosigned_by(note, Keeper(witness.name, bytes([9]) * 32, witness.type)).signatures[1:]
    file.write_bytes(write_note(note.with_signature(replace(line, key_id=witness.key.id))))
    refused = office("publish", "--witness", str(witness.key), "--cosigned", file)
    assert (refused.code, "does not verify" in refused.err) == (1, True)
    for other in (Checkpoint(ORIGIN, 1, bytes(32)), Checkpoint(ORIGIN, 7, bytes(32))):
        file.write_bytes(write_note(cosigned_by(replace(note, text=str(other)), witness)))
        refused = office("publish", "--cosigned", file)
        assert (refused.code, "none that this registry signed" in refused.err) == (1, True)
    assert office.files() == before


def test_who_can_be_no_witness(office: Office) -> None:
    first = WITNESSES[0].key
    own = replace(read_vkey(office.vkey), type=COSIGNATURE)
    for vkey in (office.vkey, str(own), "nobody"):
        assert office("publish", "--network", "local", "--witness", vkey).code == 2
    office.publish("--witness", str(first))
    office.publish("--witness", str(first))
    renamed = office("publish", "--witness", str(replace(first, name="another.example")))
    assert (renamed.code, "as two witnesses" in renamed.err) == (2, True)


# -- anchors --------------------------------------------------------------------------------------------------------


def test_an_anchor_from_queued_to_attested(office: Office, local_network: LocalNetwork) -> None:
    office.add([FIRST])
    chain = ("--network", "regtest", "--min-calendars", "1", "--calendar")
    queued = office("publish", *chain, NOBODY)
    assert queued.code == 3
    assert queued.json["anchors"] == [{"size": 1, "status": "queued", "attestations": []}]
    assert len(office.read()) == 1, "it is published all the same"
    assert "anchors/1.checkpoint.ots" not in office.files()
    pending = office.done("publish", *chain, local_network.uri)
    assert pending["anchors"][0]["status"] == "pending"
    proof, checkpoint = office.folder / "anchors/1.checkpoint.ots", office.folder / "anchors/1.checkpoint"
    told = ots("info", proof)
    digest = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    assert told.splitlines()[0] == f"File sha256 hash: {digest}"
    assert "PendingAttestation" in told
    nonce = told.splitlines()[2].split()
    assert (nonce[0], len(nonce[1])) == ("append", 32)
    height = local_network.mine()
    attested = office.done("publish", *chain, local_network.uri)
    assert attested["anchors"][0]["attestations"][0]["height"] == height
    assert f"BitcoinBlockHeaderAttestation({height})" in ots("info", proof)
    assert not attested["is_new"]


def test_too_few_calendars(office: Office, local_network: LocalNetwork) -> None:
    office.add([FIRST])
    both = ("--calendar", NOBODY, "--calendar", local_network.uri)
    first = office("publish", "--network", "regtest", *both)
    assert (first.code, first.json["anchors"][0]["status"]) == (3, "queued")
    # What one calendar has said is kept all the same.
    assert "PendingAttestation" in ots("info", office.folder / "anchors/1.checkpoint.ots")
    again = office("publish", *both, "--min-calendars", "1")
    assert (again.code, again.json["anchors"][0]["status"]) == (0, "pending")


def test_headers_stay_within_what_a_reader_takes(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HEADERS", 20)
    for number in range(30):
        office.add([row(number)])
        done = office.publish()
    newest = office.publish()["anchors"][-1]["attestations"][0]["height"]
    assert done["size"] == 30
    folder = office.folder / "anchors"
    found = parse_runs((folder / "headers.json").read_bytes(), (folder / "headers.bin").read_bytes())
    (run,) = found.runs
    assert 15 < len(run.headers) <= 20
    assert run.start < newest < run.start + len(run.headers), "the oldest go first"


@pytest.mark.bitcoind
def test_ots_verifies_every_anchor(
    office: Office, local_network: LocalNetwork, bitcoind: Callable[[], Bitcoind]
) -> None:
    chain = ("--network", "regtest", "--calendar", local_network.uri)
    for number in range(2):
        office.add([row(number)])
        office.done("publish", *chain)
        local_network.mine()
    node = bitcoind()
    node.feed(local_network)
    done = office.done("publish", *chain, "--node", node.url_with_login)
    assert [one["status"] for one in done["anchors"]] == ["attested", "attested"]
    for size in (1, 2):
        proof = office.folder / f"anchors/{size}.checkpoint.ots"
        assert "Success!" in ots("--btc-regtest", "--bitcoin-node", node.url_with_login, "verify", proof)
    index = json.loads((office.folder / "anchors/headers.json").read_text())
    data = (office.folder / "anchors/headers.bin").read_bytes()
    headers = [data[at : at + 80] for at in range(0, len(data), 80)]
    assert sum(run["count"] for run in index["runs"]) == len(headers)
    start = index["runs"][0]["start"]
    assert headers == node.headers()[start : start + len(headers)]
    assert {one["attestations"][0]["height"] for one in done["anchors"]} <= set(range(start, start + len(headers)))


def test_the_key_signs_nothing_else(office: Office) -> None:
    """A key of another type is refused before anything is published."""
    office.add([FIRST])
    key = office.private / "key"
    for file in (key, key.with_name("key.pub")):
        file.unlink()
    subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", key], check=True)
    assert office("publish", "--network", "local").code == 2
    assert office.read() == []
    assert read_vkey(office.vkey).public_key not in read_key(key, lambda: b"").public.blob
