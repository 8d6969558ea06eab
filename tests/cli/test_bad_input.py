"""`notary verify` and its siblings on what is not what it should be: one clear line, no traceback, nothing written."""

import io
import json
import os
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Notary

LOCAL = ("--network", "local")


@pytest.fixture
def bundle(notary: Notary, evidence: Path, tmp_path: Path) -> Path:
    batch = notary("stamp", evidence, *LOCAL, "--json").json["batch"]
    assert notary("upgrade", batch).code == 0
    assert notary("export", batch, "-o", "sound.zip", "--only", "recipe.txt").code == 0
    return tmp_path / "sound.zip"


def snapshot(folder: Path) -> dict[str, bytes]:
    """What stands in the folder, but for the ledger's."""
    return {
        str(path): path.read_bytes() if path.is_file() else b""
        for path in sorted(folder.rglob("*"))
        if "ledger" not in path.relative_to(folder).parts[0]
    }


def rewritten(
    bundle: Path, change: Callable[[str, bytes], bytes | None], extra: dict[str, bytes] | None = None
) -> Path:
    """The bundle again, with every entry's bytes as `change` gives them, or left out, and `extra` ones."""
    target = bundle.with_name("changed.zip")
    with zipfile.ZipFile(bundle) as old, zipfile.ZipFile(target, "w") as new:
        for entry in old.infolist():
            data = change(entry.filename.partition("/")[2], old.read(entry))
            if data is not None:
                new.writestr(entry, data)
        for name, data in (extra or {}).items():
            new.writestr(name, data)
    return target


def check(notary: Notary, target: Path, *words: str, codes: tuple[int, ...] = (1, 2)) -> None:
    """Verifying `target` ends as it should, with a line that names it and the fault."""
    before = snapshot(notary.folder)
    answer = notary("verify", target, *LOCAL)
    assert answer.code in codes, answer
    (line,) = [line for line in (answer.out + answer.err).splitlines() if line.startswith(("error:", "FAILED:"))]
    assert target.name in line
    said = answer.out + answer.err
    for word in words:
        assert word in said, said
    assert snapshot(notary.folder) == before
    document = notary("verify", target, *LOCAL, "--json").json
    assert document.get("verdict") == "failed" or "error" in document


def test_files_that_are_no_bundle(notary: Notary, tmp_path: Path) -> None:
    (tmp_path / "empty.zip").touch()
    check(notary, tmp_path / "empty.zip", "empty", codes=(2,))
    (tmp_path / "note.txt").write_text("a note")
    check(notary, tmp_path / "note.txt", "neither", codes=(2,))
    (tmp_path / "folder").mkdir()
    check(notary, tmp_path / "folder", "bag", codes=(2,))
    (tmp_path / "bad.ots").write_text("a note")
    check(notary, tmp_path / "bad.ots", "not an OpenTimestamps proof", codes=(2,))
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as other:
        other.writestr("a/b.txt", "b")
    check(notary, tmp_path / "other.zip", "bagit.txt", codes=(2,))
    missing = notary("verify", "missing.zip")
    assert missing.code == 2
    assert "missing.zip" in missing.err


def test_a_truncated_zip(notary: Notary, bundle: Path) -> None:
    target = bundle.with_name("cut.zip")
    target.write_bytes(bundle.read_bytes()[:-100])
    check(notary, target, "truncated", codes=(2,))


@pytest.mark.parametrize("name", ["../x", "/x", "TOP/../../x", "TOP/./x", "TOP//x", "C:/x", "TOP/a\\..\\x"])
def test_names_that_leave_the_bag(notary: Notary, bundle: Path, name: str) -> None:
    with zipfile.ZipFile(bundle) as opened:
        top = opened.namelist()[0].partition("/")[0]
    check(notary, rewritten(bundle, lambda _, data: data, {name.replace("TOP", top): b"x"}), "Check 1", codes=(1,))


def test_two_entries_of_one_name(notary: Notary, bundle: Path) -> None:
    with zipfile.ZipFile(bundle) as opened:
        again = next(name for name in opened.namelist() if name.endswith("manifest.json"))
    with pytest.warns(UserWarning, match="Duplicate name"):
        target = rewritten(bundle, lambda _, data: data, {again: b"{}"})
    check(notary, target, "two entries", codes=(1,))


def test_a_link(notary: Notary, bundle: Path) -> None:
    with zipfile.ZipFile(bundle) as opened:
        top = opened.namelist()[0].partition("/")[0]
    link = zipfile.ZipInfo(f"{top}/data/link")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(bundle, "a") as opened:
        opened.writestr(link, "/etc/passwd")
    check(notary, bundle, "link", codes=(1,))


def test_a_bomb_of_ten_gigabytes(notary: Notary, bundle: Path) -> None:
    with zipfile.ZipFile(bundle) as opened:
        top = opened.namelist()[0].partition("/")[0]
    # The zeros are deflated once and repeated: a full flush makes the pieces independent of each other.
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece = squeeze.compress(bytes(2**24)) + squeeze.flush(zlib.Z_FULL_FLUSH)
    count, size = 640, 640 * 2**24
    packed = piece * count + squeeze.flush()
    entry = zipfile.ZipInfo(f"{top}/data/bomb")
    with zipfile.ZipFile(bundle, "a") as opened:
        opened.writestr(entry, packed)
        # Told as deflated: the sizes and the method are put right in both headers.
        entry.file_size = size
    raw = bytearray(bundle.read_bytes())
    name = entry.filename.encode()
    local = raw.index(b"PK\x03\x04", raw.index(name) - 30 - 5)
    central = raw.rindex(b"PK\x01\x02", 0, raw.rindex(name))
    for at, method, sizes in ((local, 8, 18), (central, 10, 20)):
        raw[at + method : at + method + 2] = (8).to_bytes(2, "little")
        raw[at + sizes + 4 : at + sizes + 8] = min(size, 2**32 - 2).to_bytes(4, "little")
    bundle.write_bytes(raw)
    check(notary, bundle, "bomb", codes=(1,))


@pytest.mark.parametrize(
    "name",
    ["notary/manifest.json", "notary/items.jsonl", "notary/tree.bin", "notary/head.ots", "data/evidence/recipe.txt"],
)
def test_one_byte_altered(notary: Notary, bundle: Path, name: str) -> None:
    def flip(entry: str, data: bytes) -> bytes:
        at = len(data) // 2
        return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :] if entry == name else data

    check(notary, rewritten(bundle, flip), "changed")


def test_the_wrong_evidence_file(notary: Notary, bundle: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "other.txt"
    wrong.write_text("something else")
    answer = notary("verify", bundle, wrong, *LOCAL)
    assert answer.code == 1
    assert "a file is not what was stamped" in answer.out
    assert str(wrong) in answer.out


def test_an_unknown_format_version(notary: Notary, bundle: Path) -> None:
    def newer(entry: str, data: bytes) -> bytes:
        return data.replace(b"notary/v1", b"notary/v9") if entry == "notary/manifest.json" else data

    check(notary, rewritten(bundle, newer), "notary/v9", codes=(2,))


def test_wrong_usage(notary: Notary, evidence: Path, tmp_path: Path) -> None:
    for arguments in (
        ("stamp",),
        ("stamp", "nothing-here"),
        ("stamp", evidence, "--network", "mars"),
        ("stamp", evidence, "--network", "regtest"),
        ("stamp", evidence, "--calendar", "ftp://x"),
        ("stamp", evidence, "--calendar", "https://user:password@example.org"),
        ("stamp", evidence, "--calendar", "http://127.0.0.1:1", "--min-calendars", "2"),
        ("stamp", evidence, "--network", "local", "--calendar", "http://127.0.0.1:1"),
        ("stamp", evidence, "--exclude", "*"),
        ("status", "zzzz"),
        ("status", "abcdef"),
        ("export", "abcdef", "-o", "x.zip"),
        ("upgrade", "missing.ots"),
        ("verify",),
        ("verify", "missing.ots", "--require", "faith"),
        ("frobnicate",),
        ("stamp", evidence, "--no-such-option"),
    ):
        answer = notary(*arguments)
        assert answer.code == 2, (arguments, answer)
        assert answer.err.startswith("error: "), (arguments, answer.err)
        assert answer.out == ""


def test_a_password_in_an_address_is_named_and_not_shown(notary: Notary, evidence: Path) -> None:
    answer = notary("stamp", evidence, "--calendar", "https://somebody:hunter2@example.org")
    assert answer.code == 2
    assert "a user or a password" in answer.err
    assert "hunter2" not in answer.out + answer.err


def test_a_ledger_that_is_none(notary: Notary, evidence: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("these are my notes, and they are long enough to be no database" * 20)
    answer = notary("status", "--ledger", "notes.db")
    assert answer.code == 2
    assert "not a notary ledger" in answer.err


def test_unreadable_files_stop_the_batch(notary: Notary, evidence: Path, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        # For root everything is readable but for files that the kernel refuses.
        listing = ["/proc/self/mem"]
    else:
        (evidence / "recipe.txt").chmod(0)
        listing = [str(evidence)]
    refused = notary("stamp", *listing, evidence / "drawing.svg", *LOCAL)
    assert refused.code == 2
    assert "cannot be read" in refused.err
    assert notary("status", "--json").json["batches"] == []
    stamped = notary("stamp", *listing, evidence / "drawing.svg", *LOCAL, "--skip-unreadable", "--json")
    assert stamped.code == 0
    assert len(stamped.json["skipped"]) == 1


def test_two_files_of_one_recorded_path(notary: Notary, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same.txt").write_text(folder)
    answer = notary("stamp", "a/same.txt", "b/same.txt", *LOCAL)
    assert answer.code == 2
    assert "same recorded path" in answer.err


def test_hostile_names_do_nothing_on_the_terminal(notary: Notary, tmp_path: Path) -> None:
    folder = tmp_path / "names"
    folder.mkdir()
    for name in ("bell\a.txt", "turn\u202etxt.exe", "line\nfeed.txt", "clear\x1b[2J.txt", "<script>.txt"):
        (folder / name).write_text(name)
    batch = notary("stamp", folder, *LOCAL, "--json").json["batch"]
    notary("upgrade", batch)
    notary("export", batch, "-o", "names.zip")
    for answer in (notary("verify", "names.zip", *LOCAL), notary("info", "names.zip"), notary("status", batch)):
        assert answer.code == 0
        assert not {"\a", "\u202e", "\x1b"} & set(answer.out)
    assert "turn\\u202etxt.exe" in notary("info", "names.zip").out


# What a command says, and its code: an answer of one line and of many, a help text, an error in words and as JSON.
SAID: dict[str, tuple[tuple[str, ...], int]] = {
    "answer": (("verify", "sound.zip", *LOCAL), 0),
    "json": (("verify", "sound.zip", *LOCAL, "--json"), 0),
    "template": (("registry", "add", "--template"), 0),
    "version": (("--version",), 0),
    "help": (("verify", "--help"), 0),
    "error": (("verify", "missing.zip"), 2),
    "json error": (("verify", "missing.zip", "--json"), 2),
    "many problems": (("registry", "add", "public", "--csv", "bad.csv", "--json"), 2),
}


@pytest.fixture
def saying(notary: Notary, bundle: Path, tmp_path: Path) -> Notary:
    assert notary("registry", "init", "public", "--origin", "registry.example/ip", "--no-passphrase").code == 0
    (tmp_path / "bad.csv").write_text("office,number\n" + "XX,\n" * 1500)
    return notary


@pytest.mark.parametrize("what", SAID)
@pytest.mark.parametrize("closed", ["stdout", "stderr", "both"])
def test_a_closed_pipe_is_no_fault(saying: Notary, what: str, closed: str) -> None:
    """Who reads it has gone before anything is written: the code is that of what happened, and nothing is said."""
    arguments, code = SAID[what]
    reader, writer = os.pipe()
    os.close(reader)
    options = saying.options()
    for stream in ("stdout", "stderr") if closed == "both" else (closed,):
        options[stream] = writer
    ended = subprocess.run(saying.command(*arguments), **options, check=False, timeout=60)
    os.close(writer)
    assert ended.returncode == code
    assert "Traceback" not in (ended.stdout or "") + (ended.stderr or "")
    assert "Broken" not in (ended.stderr or "")
    if closed == "stdout":
        assert ("error:" in ended.stderr) == (code != 0)


@pytest.mark.skipif(sys.platform != "linux", reason="no other system has /dev/full")
@pytest.mark.parametrize("what", SAID)
def test_a_full_device_is_said(saying: Notary, what: str) -> None:
    arguments, code = SAID[what]
    for stream, other in (("stdout", "stderr"), ("stderr", "stdout")):
        with Path("/dev/full").open("w") as full:
            ended = subprocess.run(
                saying.command(*arguments), **saying.options() | {stream: full}, check=False, timeout=60
            )
        shown = getattr(ended, other)
        assert "Traceback" not in shown
        if stream == "stderr" or what == "error":  # which has nothing to say on standard output
            assert ended.returncode == code
        else:
            assert ended.returncode == 4
            (line,) = [line for line in shown.splitlines() if "standard output" in line]
            assert line == "error: the answer could not be written to standard output: no space left on device"


def test_json_errors_name_the_fault(notary: Notary) -> None:
    answer = notary("verify", "missing.zip", "--json")
    document = json.loads(answer.out)
    assert "missing.zip" in document["error"]
    assert document["exit_code"] == answer.code == 2


def test_helper_builds_a_sound_zip(notary: Notary, bundle: Path) -> None:
    """Without a change, a rewritten bundle verifies: the tests above fail for their own reasons."""
    same = rewritten(bundle, lambda _, data: data)
    assert notary("verify", same, *LOCAL).code == 0
    assert zipfile.ZipFile(io.BytesIO(same.read_bytes())).testzip() is None
