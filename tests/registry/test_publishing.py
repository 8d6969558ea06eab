"""Publishing: what readers find whoever was killed; one writer at a time; partial tiles; another program reads it."""

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

from tlog_scales.backend import HttpBackend

from notary.registry.core.tiles import tiles_of
from tests.registry.office import ORIGIN, Office, row, served

STOP_AT = """
import os, pathlib, signal, sys
rename, count, how = pathlib.Path.replace, int(sys.argv.pop(1)), sys.argv.pop(1)
def stop(self, target):
    global count
    if ".notary" in self.name:
        if count == 0:
            if how == "wait":
                print("here", file=sys.stderr, flush=True)
                sys.stdin.read()
            else:
                os.kill(os.getpid(), signal.SIGKILL)
        count -= 1
    return rename(self, target)
pathlib.Path.replace = stop
from notary.cli import main
main()
"""
"""The program, which ends, or waits, before it renames the file of this number."""


def stopped(office: Office, count: int, how: str) -> list[str]:
    command = ["registry", "publish", str(office.folder), "--network", "local"]
    return [sys.executable, "-c", STOP_AT, str(count), how, *command]


def test_what_is_published_is_what_a_log_of_the_size_has(office: Office) -> None:
    office.add(row(number) for number in range(600))
    published = office.publish()
    assert (published["size"], published["is_new"]) == (600, True)
    assert set(office.files()) == {
        "checkpoint",
        *(tile.path for tile in tiles_of(600)),
        *("anchors/600.checkpoint", "anchors/600.checkpoint.ots", "anchors/headers.bin", "anchors/headers.json"),
    }


def test_another_program_reads_it_over_http(office: Office) -> None:
    office.add(row(number) for number in range(300))
    office.publish()
    with served(office.folder) as url:
        entries = office.read(HttpBackend(url))
    assert [entry["number"] for entry in entries] == [f"2026/{number:06}" for number in range(300)]


def test_a_killed_writer_leaves_the_old_registry_or_the_new_one(office: Office) -> None:
    """Killed before each of the files that a publication writes gets its name; each time all goes well afterwards."""
    office.add(row(number) for number in range(250))
    office.publish()
    office.add(row(number) for number in range(250, 260))
    kept = {
        folder: office.folder.with_name(f"before-{at}") for at, folder in enumerate([office.folder, office.private])
    }
    for folder, copy in kept.items():
        shutil.copytree(folder, copy)
    sizes = []
    for count in range(100):
        for folder, copy in kept.items():
            shutil.rmtree(folder)
            shutil.copytree(copy, folder)
        ended = subprocess.run(stopped(office, count, "kill"), **office.notary.options(), check=False)
        sizes.append(len(office.read()))
        assert office.publish()["size"] == 260
        assert len(office.read()) == 260
        assert not [name for name in office.files() if ".notary" in name]
        if ended.returncode == 0:
            break
        assert ended.returncode == -signal.SIGKILL
    assert len(sizes) > 10
    assert sizes == sorted(sizes)
    assert (sizes[0], sizes[-1]) == (250, 260)


def test_one_writer_at_a_time(office: Office) -> None:
    office.add([row(1)])
    first = subprocess.Popen(stopped(office, 1, "wait"), **office.notary.options() | {"stdin": subprocess.PIPE})
    assert first.stderr
    assert first.stderr.readline() == "here\n"
    second = office("publish", "--network", "local")
    assert second.code == 4
    assert f"another process is publishing {ORIGIN}" in second.err
    # Adding goes on meanwhile: it does not touch the folder.
    assert office.add([row(2)])["size"] == 2
    first.communicate("")
    assert first.returncode == 0
    assert len(office.read()) == 1
    assert office.publish()["size"] == 2


def test_partial_tiles_stay_until_nobody_needs_them(office: Office) -> None:
    def there(path: str) -> bool:
        return (office.folder / path).exists()

    partial = ["tile/0/000.p/100", "tile/entries/000.p/100"]
    for at, size in enumerate([100, 200, 300]):
        office.add(row(number) for number in range(100 * at, size))
        office.publish()
        assert all(map(there, partial)), "a tile is not full yet, or has just become it"
        assert len(office.read()) == size
    office.add([row(300)])
    office.publish()
    assert not any(map(there, [*partial, "tile/0/000.p", "tile/entries/000.p"]))
    assert there("tile/0/001.p/44"), "it belongs to a tile that is not full"
    assert there("tile/1/000.p/1")
    assert len(office.read()) == 301


def test_an_old_private_state_publishes_nothing(office: Office) -> None:
    """A backup that is older than what was published would lead to two histories."""
    office.add([row(1)])
    office.publish()
    private, backup = office.private, office.folder.with_name("backup")
    shutil.copytree(private, backup)
    office.add([row(2)])
    office.publish()
    shutil.rmtree(private)
    shutil.copytree(backup, private)
    office.add([row(3)])
    before = office.files()
    refused = office("publish", "--network", "local")
    assert refused.code == 1
    assert "did not sign" in refused.err
    assert office.files() == before


def test_a_lost_or_damaged_folder_is_written_anew(office: Office) -> None:
    office.add(row(number) for number in range(300))
    office.publish()
    office.publish()
    files = office.files()
    tile = office.folder / "tile" / "0" / "001.p" / "44"
    tile.write_bytes(bytes(44 * 32))
    (office.folder / "tile" / "entries" / "000").unlink()
    refused = office("claim", row(270)["number"], "-o", office.folder.with_name("claim.zip"))
    assert (refused.code, "--anew" in refused.err) == (1, True)
    office.publish("--anew")
    assert office.files() == files
    shutil.rmtree(office.folder)
    office.folder.mkdir()
    assert office("publish").code == 2
    outside = office.folder
    office.folder = office.private.parent
    refused = office("publish", "--origin", ORIGIN)
    assert (refused.code, "would be published" in refused.err) == (2, True)
    office.folder = outside
    office.publish("--origin", ORIGIN)
    assert office.files() == files


def test_a_lost_folder_has_again_what_each_checkpoint_needed(office: Office) -> None:
    """The partial tiles of the last checkpoint but one, and of those before whose tiles are not full yet."""

    def tiles() -> dict[str, bytes]:
        return {name: data for name, data in office.files().items() if name.startswith("tile/")}

    for first, size in [(0, 100), (100, 242), (242, 260), (260, 300), (300, 301)]:
        office.add(row(number) for number in range(first, size))
        office.publish()
        files = tiles()
        shutil.rmtree(office.folder)
        office.folder.mkdir()
        office.publish("--origin", ORIGIN)
        assert tiles() == files
    assert {"tile/0/001.p/4", "tile/0/001.p/44", "tile/entries/001.p/44"} < set(files)
    older = office.folder.with_name("older")
    shutil.copytree(office.folder, older)
    for first, size in [(301, 310), (310, 320)]:
        office.add(row(number) for number in range(first, size))
        office.publish()
    files = tiles()
    shutil.rmtree(office.folder)
    shutil.copytree(older, office.folder)
    office.publish()
    assert tiles() == files


def test_damaged_tiles_at_the_edge_are_written_again(office: Office) -> None:
    office.add(row(number) for number in range(300))
    office.publish()
    (office.folder / "tile" / "0" / "001.p" / "44").write_bytes(bytes(44 * 32))
    office.add([row(300)])
    office.publish()
    assert len(office.read()) == 301


def test_an_older_copy_of_the_folder_is_brought_up_to_date(office: Office) -> None:
    """A web server's backup was restored: what it lacks is written, though nothing is new to the private state."""
    office.add(row(number) for number in range(100))
    office.publish()
    older = office.folder.with_name("older")
    shutil.copytree(office.folder, older)
    for first, size in [(100, 300), (300, 400)]:
        office.add(row(number) for number in range(first, size))
        office.publish()
    shutil.rmtree(office.folder)
    shutil.copytree(older, office.folder)
    assert not office.publish()["is_new"]
    assert len(office.read()) == 400
    assert {f"anchors/{size}.checkpoint" for size in (100, 300, 400)} < set(office.files())


def test_entries_that_are_not_those_that_were_signed(office: Office) -> None:
    office.add(row(number) for number in range(300))
    office.publish()
    with closing(sqlite3.connect(office.private / "register.db")) as database, database:
        database.execute("UPDATE entries SET data = CAST(replace(data, '2026-03-12', '2026-03-11') AS BLOB)")
    before = office.files()
    refused = office("publish", "--anew")
    assert (refused.code, "is damaged" in refused.err) == (1, True)
    assert office.files() == before, "nothing was written over"


def test_a_checkpoint_of_another_key_is_refused(office: Office) -> None:
    office.add([row(1)])
    office.publish()
    checkpoint = office.folder / "checkpoint"
    checkpoint.write_bytes(checkpoint.read_bytes().replace(b"\n1\n", b"\n2\n"))
    assert office("publish").code == 1
    checkpoint.write_bytes(b"nothing\n")
    assert office("publish").code == 2


def test_the_embedded_network_and_no_other(office: Office) -> None:
    office.add([row(1)])
    office.publish()
    refused = office("publish", "--network", "bitcoin")
    assert (refused.code, "is anchored on the network local" in refused.err) == (2, True)
    assert office.done("publish")["network"] == "local"
    assert json.loads((office.folder / "anchors" / "headers.json").read_text())["network"] == "local"


def test_a_folder_that_cannot_be_written(office: Office) -> None:
    office.add([row(1)])
    (office.folder / "tile").write_bytes(b"no folder")
    failed = office("publish", "--network", "local")
    assert (failed.code, "cannot be written" in failed.err) == (4, True)
    (office.folder / "tile").unlink()
    assert office.publish()["size"] == 1
    assert len(office.read()) == 1
