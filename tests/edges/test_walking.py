"""edges.walking: what is taken as evidence, in which order, and what is left out."""

import hashlib
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from notary import limits
from notary.edges.hashing import hash_file
from notary.edges.walking import Found, Skipped, Unreadable, walk
from notary.errors import InputError
from tests.edges.bounded import without_rights

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX files")
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")


def recorded(*paths: Path, exclude: tuple[str, ...] = ()) -> list[bytes]:
    return [one.recorded for one in walk(paths, exclude) if isinstance(one, Found)]


def skipped(*paths: Path, exclude: tuple[str, ...] = ()) -> dict[str, str]:
    return {Path(one.path).name: one.reason for one in walk(paths, exclude) if isinstance(one, Skipped)}


def make(folder: Path, *names: str | bytes) -> Path:
    for name in names:
        path = folder / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.fsencode(name))
    return folder


# -- walking --------------------------------------------------------------------------------------------------------


@linux
def test_order_is_that_of_the_names_bytes(tmp_path: Path) -> None:
    # U+E000 sorts after the surrogate that Python puts for byte ff, and before ff itself.
    names = [b"B", b"a", b"a.b", b"a/1", b"a/b/2", b"a0", "\ue000".encode(), "\U00010000".encode(), b"\xff"]
    for seed in range(5):
        folder = tmp_path / str(seed) / "x"
        shuffled = [name for name in names if name != b"a"]
        Random(seed).shuffle(shuffled)  # noqa: S311 - an order, not a secret
        make(folder, *shuffled)
        assert recorded(folder) == [
            *(b"x/" + name for name in (b"B", b"a.b", b"a0", "\ue000".encode(), "\U00010000".encode(), b"\xff")),
            b"x/a/1",
            b"x/a/b/2",
        ]


def test_paths_come_in_the_order_in_which_they_were_given(tmp_path: Path) -> None:
    make(tmp_path, "b/1", "a/1", "c")
    assert recorded(tmp_path / "b", tmp_path / "c", tmp_path / "a") == [b"b/1", b"c", b"a/1"]


@linux
def test_names_that_are_not_utf8_survive(tmp_path: Path) -> None:
    names = [b"\xff\xfe", b"caf\xe9/men\xfc", "日本".encode(), b"a\nb", b"\\"]
    make(tmp_path / "x", *names)
    found = [one for one in walk([tmp_path / "x"]) if isinstance(one, Found)]
    assert {one.recorded for one in found} == {b"x/" + name for name in names}
    for one in found:
        assert hash_file(one.source).digest == hashlib.sha256(one.recorded.removeprefix(b"x/")).digest()


@posix
def test_only_regular_files_are_taken(tmp_path: Path) -> None:
    folder = make(tmp_path / "x", "file", "folder/inner")
    (folder / "link").symlink_to("file")
    (folder / "link to a folder").symlink_to("folder")
    (folder / "dangling").symlink_to("nothing")
    (folder / "loop").symlink_to("loop")
    (folder / "out").symlink_to("/etc")
    os.mkfifo(folder / "fifo")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "socket"))
        assert recorded(folder) == [b"x/file", b"x/folder/inner"]
        assert skipped(folder) == {
            **dict.fromkeys(("link", "link to a folder", "dangling", "loop", "out"), "a link"),
            "fifo": "a FIFO",
            "socket": "a socket",
        }
        # The same where they are named themselves.
        named = [*(folder / name for name in ("link", "link to a folder", "fifo", "socket")), Path("/dev/null")]
        assert not recorded(*named)
        assert skipped(*named)["null"] == "a device"
        assert len(skipped(*named)) == len(named)


@pytest.mark.parametrize("name", ["", ".", "inner/..", "../x", "inner/.", "./inner/../"])
def test_a_folder_has_its_own_name_however_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    folder = make(tmp_path / "x", "inner/file")
    monkeypatch.chdir(folder)
    expected = b"inner/file" if name == "inner/." else b"x/inner/file"
    assert recorded(Path(name)) == [expected]
    assert recorded(Path(f"{folder}/")) == [b"x/inner/file"]


@posix
def test_the_root_folder_has_a_name_too() -> None:
    (first,) = islice((one.recorded for one in walk([Path("/")], ("proc", "sys", "dev")) if isinstance(one, Found)), 1)
    assert first.startswith(b"root/")


@linux
def test_a_working_folder_that_is_gone_is_an_input_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(InputError):
        list(walk([Path()]))


@pytest.mark.parametrize("name", ["nothing", "file/below", "nul\0byte", "n" * 5000])
def test_a_path_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    make(tmp_path, "file")
    with pytest.raises(InputError) as caught:
        list(walk([tmp_path / name]))
    assert caught.value.message.startswith(f"{tmp_path / name}: ")


@posix
def test_a_folder_that_cannot_be_listed_is_reported(public_folder: Path) -> None:
    make(public_folder, "a/1", "shut/2", "z/3")
    (public_folder / "shut").chmod(0)
    found = without_rights(_walked, public_folder)
    (unreadable,) = (one for one in found if isinstance(one, Unreadable))
    assert unreadable == Unreadable(str(public_folder / "shut"), "permission denied")
    assert [Path(one.source).name for one in found if isinstance(one, Found)] == ["1", "3"]


def _walked(folder: Path) -> list[Found | Skipped | Unreadable]:
    return list(walk([folder]))


def test_folders_without_end_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FOLDER_DEPTH", 10)
    make(tmp_path, "x/" + "d/" * 9 + "file", "y/" + "d/" * 11 + "file")
    assert recorded(tmp_path / "x")
    with pytest.raises(InputError, match="deeper than 10"):
        recorded(tmp_path / "y")


def test_own_files_are_left_out_by_identity(tmp_path: Path) -> None:
    make(tmp_path / "x", "ledger.db", "ledger.db-wal", "evidence")
    (tmp_path / "x" / "hard link").hardlink_to(tmp_path / "x" / "ledger.db")
    own = [tmp_path / "x" / ".." / "x" / name for name in ("ledger.db", "ledger.db-wal", "ledger.db-journal")]
    found = list(walk([tmp_path / "x", tmp_path / "x" / "ledger.db"], own=own))
    assert [one.recorded for one in found if isinstance(one, Found)] == [b"x/evidence"]
    assert sum(isinstance(one, Skipped) for one in found) == 4


@posix
def test_what_can_be_listed_and_not_entered_is_reported(public_folder: Path) -> None:
    folder = make(public_folder / "x", "a", "shut/file", "shut/sub/file", "z")
    (folder / "shut" / "link").symlink_to("file")
    (folder / "shut").chmod(0o444)
    found = without_rights(_walked, folder)
    (folder / "shut").chmod(0o755)
    # No file's status was asked for, so whether it can be read turns out when it is hashed.
    assert [one.recorded for one in found if isinstance(one, Found)] == [b"x/a", b"x/z", b"x/shut/file"]
    assert {Path(one.path).name: one.reason for one in found if isinstance(one, Unreadable)} == dict.fromkeys(
        ("link", "sub"), "permission denied"
    )


def test_found_knows_where_it_is_and_what_it_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path / "x", "sub/file")
    (found,) = walk([tmp_path / "x"])
    assert found == Found(str(tmp_path / "x" / "sub"), "file", b"x/sub")
    assert (found.source, found.recorded) == (str(tmp_path / "x" / "sub" / "file"), b"x/sub/file")
    monkeypatch.chdir(tmp_path / "x" / "sub")
    (named,) = walk([Path("file")])
    assert named == Found("", "file", b"")
    assert (named.source, named.recorded) == ("file", b"file")


def test_a_folder_of_ours_is_left_out_with_all_that_is_in_it(tmp_path: Path) -> None:
    make(tmp_path / "x", "a", "network/state", "network/deep/state")
    found = list(walk([tmp_path / "x"], own=[tmp_path / "x" / "network"]))
    assert [one.recorded for one in found if isinstance(one, Found)] == [b"x/a"]
    assert [one for one in found if isinstance(one, Skipped)] == [
        Skipped(str(tmp_path / "x" / "network"), "the ledger's own folder")
    ]


@linux
def test_the_same_number_on_another_disk_is_not_ours(small_disk: Path, tmp_path: Path) -> None:
    own = make(small_disk / "one", "ledger.db") / "ledger.db"
    number = own.stat().st_ino
    folder = tmp_path / "x"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=False).returncode
    assert mounted == 0
    try:
        made = []
        for count in range(200):
            made.append(make(folder, f"{count:03}") / f"{count:03}")
            if made[-1].stat().st_ino == number:
                break
        else:
            pytest.skip("this kernel's file systems do not number alike")
        assert len(list(walk([folder], own=[own]))) == len(made)
        assert all(isinstance(one, Found) for one in walk([folder], own=[own]))
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_walk_goes_no_faster_than_it_is_asked_to(tmp_path: Path) -> None:
    make(tmp_path / "x", "a/1", "b/2")
    walking = walk([tmp_path / "x"])
    first = next(walking)
    assert isinstance(first, Found)
    assert first.recorded == b"x/a/1"
    make(tmp_path / "x", "b/3")
    (tmp_path / "x" / "b" / "2").unlink()
    assert [one.recorded for one in walking if isinstance(one, Found)] == [b"x/b/3"]


@posix
def test_a_folder_that_went_meanwhile_is_reported(tmp_path: Path) -> None:
    make(tmp_path / "x", "a/1", "b/2", "c/3")
    walking = walk([tmp_path / "x"])
    next(walking)
    shutil.rmtree(tmp_path / "x" / "b")
    rest = list(walking)
    assert rest[0] == Unreadable(str(tmp_path / "x" / "b"), "no such file or directory")
    assert [one.recorded for one in rest if isinstance(one, Found)] == [b"x/c/3"]


WALKER = """
import sys
from pathlib import Path
from notary.edges.walking import Found, walk
folder = Path(sys.argv[1])
found = list(walk([folder / "x"], sys.argv[2:], own=[folder / "x" / "ledger.db"]))
print(sum(isinstance(one, Found) for one in found))
"""


@linux
@pytest.mark.parametrize("exclude", [[], ["*.tmp"]])
def test_no_files_status_is_asked_for(tmp_path: Path, exclude: list[str]) -> None:
    make(tmp_path / "x", *(f"{number % 7}/file-{number}" for number in range(200)), "ledger.db", "4/file.tmp")
    (tmp_path / "x" / "link-1").symlink_to("ledger.db")
    log = tmp_path / "log"
    traced = [shutil.which("strace") or "", "-f", "-o", log, "-e", "trace=file,fstat"]
    command = [sys.executable, "-c", WALKER, tmp_path, *exclude]
    try:
        ended = subprocess.run([*traced, *command], check=False, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("needs strace")
    if ended.returncode and "ptrace" in ended.stderr:
        pytest.skip("strace may not look at processes here")
    assert ended.stdout == f"{201 - len(exclude)}\n", ended.stderr
    asked = [line for line in log.read_text().splitlines() if str(tmp_path / "x") in line]
    assert not [line for line in asked if "/file" in line]
    # Else this would prove nothing: what is no file is looked at, and so is what may be the ledger.
    assert [line for line in asked if "link-1" in line]
    assert [line for line in asked if "ledger.db" in line]


# -- excluding ------------------------------------------------------------------------------------------------------

TREE = ("a.tmp", "a.txt", "keep.txt", "#x", "x ", "sub/a.txt", "sub/keep.txt", "sub/deep/a.pdf", "other/sub/b", "A.TMP")

PATTERNS = [
    ("*.tmp",),
    ("/a.txt",),
    ("sub/",),
    ("sub",),
    ("/sub",),
    ("**/deep",),
    ("sub/**",),
    ("sub/*", "!sub/keep.txt"),
    ("sub/**", "!sub/keep.txt"),
    ("sub/", "!sub/keep.txt"),
    ("*.txt", "!keep.txt"),
    ("!keep.txt", "*.txt"),
    ("*", "!*/", "!*.pdf"),
    ("#x",),
    ("\\#x",),
    ("x ",),
    ("x\\ ",),
    ("[ab].t?t",),
    ("*",),
    ("",),
    ("a.txt/",),
    ("other/*/b",),
    ("**",),
    ("deep/a.pdf",),
    ("deep/", "!sub/"),
    ("*/*", "!sub/"),
    ("sub/**", "!sub/deep/a.pdf"),
    ("*", "!/sub", "!/sub/**"),
]

WORDS = (
    *("*", "*/", "/*", "/*/", "**", "**/", "**/*", "*/*", "*.txt", "*.pdf", "a.*", "keep.txt", "**/a.txt"),
    *("sub", "sub/", "/sub", "sub/*", "sub/**", "**/sub/**", "sub/keep.txt", "**/deep", "deep/", "sub/deep"),
    *("sub/deep/**", "sub/**/a.pdf", "other", "other/**", "other/*/", "other/sub/"),
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("git") is None:
        pytest.skip("needs git to compare with")
    folder = make(tmp_path_factory.mktemp("tree") / "x", *TREE)
    subprocess.run(["git", "init", "-q", folder], check=True)
    return folder


def kept_by_git(tree: Path, patterns: Iterable[str]) -> set[str]:
    (tree / "../patterns").write_text("\n".join(patterns) + "\n")
    listed = subprocess.run(
        ["git", "ls-files", "--others", "-z", "--exclude-from=../patterns"],
        cwd=tree,
        check=True,
        capture_output=True,
        text=True,
    )
    return set(listed.stdout.split("\0")) - {""}


def kept(tree: Path, patterns: tuple[str, ...]) -> set[str]:
    found = {os.fsdecode(path).removeprefix("x/") for path in recorded(tree, exclude=patterns)}
    return {name for name in found if not name.startswith(".git/")}


@pytest.mark.parametrize("patterns", PATTERNS, ids=" ".join)
def test_exclude_means_what_gitignore_means(tree: Path, patterns: tuple[str, ...]) -> None:
    assert kept(tree, patterns) == kept_by_git(tree, patterns)


def test_any_patterns_mean_what_gitignore_means(tree: Path) -> None:
    random = Random(1)  # noqa: S311 - patterns, not secrets
    for _ in range(200):
        patterns = tuple(random.choice(["", "", "!"]) + random.choice(WORDS) for _ in range(random.randint(2, 4)))
        assert kept(tree, patterns) == kept_by_git(tree, patterns), patterns


def test_what_is_excluded_is_listed_once(tmp_path: Path) -> None:
    make(tmp_path / "x", "sub/1", "sub/2", "keep")
    assert skipped(tmp_path / "x", exclude=("sub/",)) == {"sub": "excluded"}


def test_a_file_that_is_named_itself_is_not_excluded(tmp_path: Path) -> None:
    make(tmp_path, "a.tmp")
    assert recorded(tmp_path / "a.tmp", exclude=("*.tmp",)) == [b"a.tmp"]


@linux
def test_patterns_match_names_that_are_not_utf8(tmp_path: Path) -> None:
    make(tmp_path / "x", b"\xff.tmp", b"\xff.txt")
    assert recorded(tmp_path / "x", exclude=("*.tmp",)) == [b"x/\xff.txt"]


def test_a_bad_pattern_is_an_input_error(tmp_path: Path) -> None:
    make(tmp_path / "x", "file")
    with pytest.raises(InputError, match="bad --exclude pattern"):
        recorded(tmp_path / "x", exclude=("!",))
