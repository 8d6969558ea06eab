"""The main job on the embedded network, as a user does it: stamp, status, upgrade, export, verify, info, demo."""

import hashlib
import json
import os
import shutil
import stat
import zipfile
from pathlib import Path

import pytest

from tests.conftest import Notary

LOCAL = ("--network", "local")
VERDICT_KEYS = {"verdict", "trust", "existed_by", "attestation", "checks", "items"}


@pytest.fixture
def batch(notary: Notary, evidence: Path) -> str:
    """The samples, stamped and attested."""
    name: str = notary("stamp", evidence, *LOCAL, "--json").json["batch"]
    assert notary("upgrade", name).code == 0
    return name


def test_demo_shows_the_whole_way(notary: Notary, tmp_path: Path) -> None:
    demo = notary("demo", "--keep", "kept")
    assert demo.code == 0, demo.err
    assert "TEST NETWORK" in demo.out
    assert str(tmp_path / "kept") in demo.out
    assert demo.out.count("VERIFIED") == 3
    assert "a file is not what was stamped" in demo.out
    again = notary("demo", "--keep", "kept")
    assert (again.code, again.out) == (2, "")


def test_another_embedded_network_does_not_refute_the_demos_bundles(notary: Notary, evidence: Path) -> None:
    assert notary("demo", "--keep", "kept").code == 0
    batch = notary("stamp", evidence, *LOCAL, "--json").json["batch"]
    assert notary("upgrade", batch).code == 0
    for bundle in ("everything.zip", "one-file.zip"):
        assert notary("verify", Path("kept") / bundle, *LOCAL).code == 0


def test_demo_in_json(notary: Notary) -> None:
    demo = notary("demo", "--json")
    answer = demo.json
    assert {"steps", "bundle", "certificate", "verdict"} <= set(answer)
    assert answer["verdict"] == "verified"
    assert answer["altered"] == {"verdict": "failed", "failed": ["files against digests"]}
    assert Path(answer["bundle"]).is_file()
    shutil.rmtree(answer["folder"])


def test_stamp_says_what_it_did(notary: Notary, evidence: Path) -> None:
    (evidence / "link").symlink_to("recipe.txt")
    os.mkfifo(evidence / "queue")
    stamped = notary("stamp", evidence, *LOCAL, "--title", "Frost valve", "--matter", "A v. Z", "--json").json
    files = [path for path in evidence.rglob("*") if path.is_file() and not path.is_symlink()]
    assert {"batch", "head", "root", "items", "bytes", "skipped", "anchors", "status"} <= set(stamped)
    assert stamped["items"] == len(files)
    assert stamped["bytes"] == sum(path.stat().st_size for path in files)
    assert stamped["batch"] == stamped["head"][:12]
    assert stamped["status"] == "pending"
    assert {Path(one["path"]).name: one["reason"] for one in stamped["skipped"]} == {
        "link": "a link",
        "queue": "a FIFO",
    }
    assert stamped["taken_over"] == 0


def test_status_lists_newest_first_and_one_in_full(notary: Notary, evidence: Path, batch: str) -> None:
    second = notary("stamp", evidence / "recipe.txt", *LOCAL, "--matter", "A v. Z", "--json").json["batch"]
    listed = notary("status", "--json").json["batches"]
    assert [(one["batch"], one["status"]) for one in listed] == [(second, "pending"), (batch, "attested")]
    (one,) = notary("status", batch, "--json").json["batches"]
    assert [event["kind"] for event in one["events"]] == ["sealed", "pending", "attested"]
    assert one["attestations"][0]["height"] == 101
    assert batch in notary("status").out
    assert "block 101" in notary("status", batch).out


def test_the_ledger_is_for_its_owner_only(notary: Notary, tmp_path: Path, batch: str) -> None:
    for path in (tmp_path / "ledger").glob("ledger.db*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


@pytest.mark.parametrize("disclose", ["files", "names", "digests"])
def test_a_bundle_verifies_and_shows_no_more_than_it_should(
    notary: Notary, evidence: Path, tmp_path: Path, batch: str, disclose: str
) -> None:
    exported = notary("export", batch, "-o", "one.zip", "--only", "recipe.txt", "--disclose", disclose, "--json").json
    assert set(exported) == {"bundle", "sha256", "items", "of", "disclosure"}
    assert exported["sha256"] == hashlib.sha256((tmp_path / "one.zip").read_bytes()).hexdigest()
    total = len([path for path in evidence.rglob("*") if path.is_file()])
    assert (exported["items"], exported["of"]) == (1, total)

    verified = notary("verify", "one.zip", *LOCAL, "--offline", "--json")
    answer = verified.json
    assert verified.code == 0
    assert set(answer) >= VERDICT_KEYS
    assert (answer["verdict"], answer["trust"]) == ("verified", "work")
    assert answer["items"] == {"disclosed": 1, "of": total, "matched": int(disclose == "files"), "failed": 0}
    assert set(answer["attestation"]) >= {"network", "height", "block_hash", "block_time"}
    given = notary("verify", "one.zip", evidence / "recipe.txt", *LOCAL, "--json").json
    assert (given["verdict"], given["items"]["matched"]) == ("verified", 1)

    everything = (tmp_path / "one.zip").read_bytes()
    recipe = (evidence / "recipe.txt").read_bytes()
    assert (recipe in everything) == (disclose == "files")
    assert (b"recipe.txt" in everything) == (disclose != "digests")
    for path in evidence.rglob("*"):
        if path.is_file() and path.name != "recipe.txt":
            assert path.name.encode() not in everything
            assert hashlib.sha256(path.read_bytes()).hexdigest().encode() not in everything
            assert hashlib.sha256(path.read_bytes()).digest() not in everything


def test_the_same_export_gives_the_same_bytes(notary: Notary, tmp_path: Path, batch: str) -> None:
    first = notary("export", batch, "-o", "first.zip", "--json").json["sha256"]
    again = notary("export", batch, "-o", "second.zip", "--json").json["sha256"]
    assert first == again
    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "second.zip").read_bytes()
    assert notary("export", batch, "-o", "first.zip").code == 0, "an older bundle may be replaced"


def test_export_never_overwrites_evidence(notary: Notary, evidence: Path, batch: str) -> None:
    before = (evidence / "drawing.svg").read_bytes()
    refused = notary("export", batch, "-o", evidence / "drawing.svg")
    assert refused.code == 2
    assert (evidence / "drawing.svg").read_bytes() == before


def test_export_notices_evidence_that_changed_or_went(
    notary: Notary, evidence: Path, tmp_path: Path, batch: str
) -> None:
    (evidence / "recipe.txt").write_text("another recipe")
    changed = notary("export", batch, "-o", "new.zip")
    assert changed.code == 1
    assert "no longer what was stamped" in changed.err
    (evidence / "recipe.txt").unlink()
    gone = notary("export", batch, "-o", "new.zip")
    assert gone.code == 2
    assert "recipe.txt" in gone.err
    assert not list(tmp_path.glob("*new*")), "a half-written bundle stays"
    assert notary("export", batch, "-o", "new.zip", "--disclose", "names").code == 0


def test_an_unpacked_bag_verifies(notary: Notary, tmp_path: Path, batch: str) -> None:
    notary("export", batch, "-o", "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as bundle:
        bundle.extractall(tmp_path / "out")
    assert notary("verify", "out", *LOCAL).code == 0
    (bag,) = (tmp_path / "out").iterdir()
    assert notary("verify", bag, *LOCAL).code == 0
    (bag / "data" / "evidence" / "recipe.txt").write_bytes(b"x")
    assert notary("verify", bag, *LOCAL).code == 1


def test_a_folder_of_evidence_is_matched_by_digest(notary: Notary, evidence: Path, tmp_path: Path, batch: str) -> None:
    notary("export", batch, "-o", "names.zip", "--disclose", "names")
    (evidence / "new.txt").write_text("not stamped")
    total = notary("status", batch, "--json").json["batches"][0]["items"]
    answer = notary("verify", "names.zip", evidence, *LOCAL, "--json").json
    assert (answer["verdict"], answer["items"]["matched"]) == ("verified", total)
    (evidence / "recipe.txt").write_text("altered")
    altered = notary("verify", "names.zip", evidence, *LOCAL, "--json").json
    assert (altered["verdict"], altered["items"]["failed"]) == ("failed", 1)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x").write_text("x")
    assert notary("verify", "names.zip", "elsewhere", *LOCAL).code == 1


def test_a_test_network_counts_only_if_asked_for(notary: Notary, batch: str) -> None:
    notary("export", batch, "-o", "all.zip")
    answer = notary("verify", "all.zip", "--json")
    assert (answer.code, answer.json["verdict"]) == (3, "unconfirmed")
    assert "TEST NETWORK" in notary("verify", "all.zip", *LOCAL).out


def test_a_pending_bundle_is_pending(notary: Notary, evidence: Path) -> None:
    batch = notary("stamp", evidence, *LOCAL, "--json").json["batch"]
    assert notary("export", batch, "-o", "pending.zip").code == 0
    answer = notary("verify", "pending.zip", *LOCAL, "--json")
    assert (answer.code, answer.json["verdict"], answer.json["existed_by"]) == (3, "pending", None)


def test_ots_beside_the_files_are_kept_up_to_date(notary: Notary, evidence: Path) -> None:
    batch = notary("stamp", evidence, *LOCAL, "--ots", "--json").json["batch"]
    proof = evidence / "recipe.txt.ots"
    assert notary("verify", proof, *LOCAL).code == 3
    (evidence / "drawing.svg.ots").write_bytes(b"the user's own")
    assert notary("upgrade", batch).code == 0
    assert notary("verify", proof, *LOCAL).code == 0
    assert (evidence / "drawing.svg.ots").read_bytes() == b"the user's own"
    again = notary("stamp", evidence / "recipe.txt", *LOCAL, "--ots")
    assert again.code == 2
    assert "not overwritten" in again.err


def test_stamp_without_a_network_is_queued_not_lost(notary: Notary, evidence: Path) -> None:
    closed = ("--network", "regtest", "--calendar", "http://127.0.0.1:9")
    stamped = notary("stamp", evidence, *closed, "--json")
    assert (stamped.code, stamped.json["status"]) == (3, "queued")
    assert stamped.json["anchors"][0]["accepted"] is False
    again = notary("upgrade", "--json")
    assert (again.code, again.json["batches"][0]["status"]) == (3, "queued")
    refused = notary("export", stamped.json["batch"], "-o", "x.zip")
    assert refused.code == 3
    assert "queued" in refused.err


def test_info_says_what_is_in_it(notary: Notary, evidence: Path, batch: str) -> None:
    notary("export", batch, "-o", "all.zip")
    described = notary("info", "all.zip", "--json").json
    assert described["items"]["of"] == described["items"]["disclosed"]
    assert "nothing was checked" in notary("info", "all.zip").out
    assert any(one.get("height") == 101 for one in described["attestations"])


def test_json_is_all_there_is_on_standard_output(notary: Notary, evidence: Path, batch: str) -> None:
    notary("export", batch, "-o", "all.zip")
    for command in (
        ("stamp", evidence, *LOCAL),
        ("status",),
        ("status", batch),
        ("upgrade",),
        ("export", batch, "-o", "again.zip"),
        ("verify", "all.zip", *LOCAL),
        ("verify", "missing.zip"),
        ("info", "all.zip"),
        ("stamp",),
    ):
        json.loads(notary(*command, "--json").out)
        assert notary(*command, "--quiet").out == ""


def test_a_ledger_within_the_evidence_is_no_evidence(notary: Notary, evidence: Path) -> None:
    """Nor are the drafts beside it, its own or another's, before or after they are there."""
    files = len([path for path in evidence.rglob("*") if path.is_file()])
    notary.environment["NOTARY_LEDGER"] = str(evidence / "ledger.db")
    for _ in range(2):
        stamped = notary("stamp", evidence, *LOCAL, "--json").json
        assert stamped["items"] == files
        assert {Path(one["path"]).name.partition(".")[0] for one in stamped["skipped"]} == {"ledger"}
        (evidence / "ledger.db-draft-0123456789abcdef-01234567").write_bytes(b"left by another")


def test_two_stamps_at_once(notary: Notary, evidence: Path) -> None:
    running = [notary.start("stamp", evidence, *LOCAL, "--json") for _ in range(4)]
    ended = [process.communicate(timeout=60) for process in running]
    assert [process.returncode for process in running] == [0] * 4, ended
    assert notary("upgrade").code == 0
    batches = notary("status", "--json").json["batches"]
    assert len(batches) == 4
    assert not list((notary.folder / "ledger").glob("*-draft-*"))
    for one in batches:
        assert notary("export", one["batch"], "-o", "x.zip").code == 0
        assert notary("verify", "x.zip", *LOCAL).code == 0
