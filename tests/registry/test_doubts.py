"""A head that a registry signed and does not show to continue the last one: nothing proven, and nobody lulled.

The server has forked, and keeps back the tiles that would prove it; or it is honest, and in the middle of being copied.
"""

import shutil
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from notary import limits
from notary.registry.core.note import write_note
from notary.registry.core.trusted import TrustedRegistry
from notary.registry.edges.followed import open_followed
from notary.registry.following import Follower, Synced
from notary.registry.heads import State
from notary.registry.splits import read_head
from tests.conftest import Notary, Result
from tests.registry.claims import examined
from tests.registry.logs import ORIGIN
from tests.registry.office import ORIGIN as FIRM
from tests.registry.office import Office as Registry
from tests.registry.office import row
from tests.registry.published import NOW, Office, Web, applications, serving, toml

SEEN = 300
CITED = ("--office", "DE", "--number", "10 2026 000007.5", "--offline")


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REGISTRY_RETRY_SECONDS", 0.001)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    office = Office(tmp_path / "registry")
    office.add(applications(0, SEEN))
    return office


@pytest.fixture
def twin(tmp_path: Path) -> Office:
    """The same registry with another history from entry 250 on, by the same key."""
    twin = Office(tmp_path / "twin")
    twin.add([*applications(0, 250), *applications(250, SEEN + 40, "forked")])
    return twin


@pytest.fixture
def web(office: Office) -> Iterator[Web]:
    with serving(office.folder) as web:
        yield web


def show(office: Office | Registry, folder: Path) -> None:
    """The server of `folder` shows this office's files from now on."""
    shutil.rmtree(folder)
    shutil.copytree(office.folder, folder)


def withhold(handler: SimpleHTTPRequestHandler, path: str) -> bool:
    if path.startswith("tile/"):
        handler.send_error(404)
    return path.startswith("tile/")


def spoil(handler: SimpleHTTPRequestHandler, path: str) -> bool:
    """Hashes of the right length, and of nothing."""
    if path.startswith("tile/"):
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(bytes(32 * int(path.rpartition(".p/")[2] if ".p/" in path else 256)))
    return path.startswith("tile/")


def cut(handler: SimpleHTTPRequestHandler, path: str) -> bool:
    if path.startswith("tile/"):
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(bytes(31))
    return path.startswith("tile/")


def fail(handler: SimpleHTTPRequestHandler, path: str) -> bool:
    if path.startswith("tile/"):
        handler.send_error(503)
    return path.startswith("tile/")


class Reader:
    def __init__(self, folder: Path, registry: TrustedRegistry) -> None:
        self.folder, self.registry = folder, registry

    def sync(self, *accepted: str) -> Synced:
        with open_followed(self.folder / "followed.db") as followed:
            follower = Follower(followed, self.folder / "evidence", NOW)
            (synced,) = follower.sync([self.registry], frozenset(accepted))
            return synced

    def heads(self) -> set[str]:
        """The texts of the signed heads that were put aside."""
        return {read_head(path).text for path in (self.folder / "evidence").glob("*.checkpoint")}

    def splits(self) -> list[Path]:
        return list((self.folder / "evidence").glob("*.split.json"))


@pytest.fixture
def reader(tmp_path: Path, office: Office, web: Web) -> Reader:
    reader = Reader(tmp_path / "reader", office.trusted(url=web.url))
    assert reader.sync().state is State.FOLLOWED
    return reader


def size(synced: Synced) -> int:
    assert synced.seen is not None
    assert synced.seen.is_whole
    return synced.seen.head.size


@pytest.mark.parametrize("answer", [withhold, spoil, cut, fail])
def test_a_fork_that_is_not_shown_is_in_doubt(
    office: Office, twin: Office, web: Web, reader: Reader, answer: Any
) -> None:
    before = office.note().text
    show(twin, office.folder)
    web.answer = answer
    for _ in range(2):
        synced = reader.sync()
        assert (synced.state, size(synced), synced.added) == (State.NOT_CONTINUED, SEEN, 0)
        assert synced.problem is not None
        assert f"that its head of {SEEN + 40} entries, which it has signed, continues the one" in synced.problem.message
        assert synced.seen is not None
        assert synced.seen.refusal is None
        assert reader.heads() == {before, twin.note().text}
        assert reader.splits() == []
    web.answer = lambda handler, path: False
    # As soon as it shows its tiles, the fork is proven.
    assert reader.sync().state is State.FORKED
    assert len(reader.splits()) == 1


@pytest.mark.parametrize("growth", [1, 40, 300])
def test_what_was_in_doubt_is_proven_by_a_later_head_of_the_old_history(
    office: Office, twin: Office, web: Web, reader: Reader, notary: Notary, tmp_path: Path, growth: int
) -> None:
    """The server shows the fork once, to somebody, and then goes on as if nothing had been."""
    honest = tmp_path / "honest"
    shutil.copytree(office.folder, honest)
    show(twin, office.folder)
    web.answer = withhold
    assert reader.sync().state is State.NOT_CONTINUED
    web.answer = lambda handler, path: False
    shutil.rmtree(office.folder)
    shutil.copytree(honest, office.folder)
    again = reader.sync()
    assert (again.state, size(again)) == (State.NOT_CONTINUED, SEEN)
    office.add(applications(SEEN, SEEN + growth))
    found = reader.sync()
    if growth < 40:
        assert (found.state, size(found), found.added) == (State.NOT_CONTINUED, SEEN + growth, growth)
        return
    assert found.state is State.FORKED
    (evidence,) = reader.splits()
    assert notary("registry", "verify-split", evidence).code == 0


def test_an_honest_registry_that_was_being_copied(office: Office, web: Web, reader: Reader) -> None:
    for growth in (1, 2, 3):
        office.add(applications(office.size, office.size + growth))
        web.answer = withhold
        assert reader.sync().state is State.NOT_CONTINUED
    web.answer = lambda handler, path: False
    synced = reader.sync()
    assert (synced.state, size(synced), synced.added) == (State.FOLLOWED, SEEN + 6, 6)
    assert reader.sync().state is State.FOLLOWED
    assert reader.splits() == []


def test_somebody_else_s_head_settles_it(
    office: Office, twin: Office, web: Web, reader: Reader, tmp_path: Path
) -> None:
    """The file that was put aside is what another reader, who was shown the fork whole, compares with."""
    show(twin, office.folder)
    web.answer = withhold
    reader.sync()
    (mine,) = [path for path in (reader.folder / "evidence").glob("*.checkpoint") if f"-{SEEN}-" in path.name]
    other = Reader(tmp_path / "other", twin.trusted())
    assert other.sync().state is State.FOLLOWED
    with open_followed(other.folder / "followed.db") as followed:
        follower = Follower(followed, other.folder / "evidence", NOW)
        with pytest.raises(Exception, match="both signed, are not of one log"):
            follower.compare(other.registry, read_head(mine))
    assert len(other.splits()) == 1


def test_the_user_decides(office: Office, twin: Office, web: Web, reader: Reader) -> None:
    show(twin, office.folder)
    web.answer = withhold
    assert reader.sync(ORIGIN).state is State.NOT_CONTINUED, "it was not in doubt before"
    web.answer = lambda handler, path: path.startswith("tile/0/") and withhold(handler, path)
    synced = reader.sync(ORIGIN)
    assert (synced.state, size(synced), synced.added) == (State.FOLLOWED, twin.size, twin.size)
    assert reader.sync().state is State.FOLLOWED


def test_no_more_heads_are_kept_than_anybody_compares(
    office: Office, web: Web, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "REGISTRY_DOUBTS", 3)
    web.answer = withhold
    for _ in range(6):
        office.add(applications(office.size, office.size + 1))
        assert reader.sync().state is State.NOT_CONTINUED
    assert {int(text.split("\n")[1]) for text in reader.heads()} == {SEEN, SEEN + 1, SEEN + 2, SEEN + 3}


def test_the_commands_say_so_and_answer_from_the_old_head(
    office: Office, twin: Office, web: Web, notary: Notary, tmp_path: Path
) -> None:
    (tmp_path / "registries.toml").write_text(toml(office.trusted(url=web.url)))
    given = ("--registries", "registries.toml")
    assert notary("registry", "sync", *given).code == 0
    assert notary("registry", "check", *CITED, *given).code == 0
    show(twin, office.folder)
    web.answer = withhold
    synced = notary("registry", "sync", *given)
    assert synced.code == 1
    assert f"{ORIGIN}: not shown to continue" in synced.out
    files = [word for word in synced.out.split() if word.endswith(".checkpoint")]
    assert len(files) == 2
    assert all(Path(one).is_file() for one in files)
    looked_up = notary("registry", "check", *CITED, *given, "--json")
    assert (looked_up.code, looked_up.json["verdict"], looked_up.json["entry"]["index"]) == (3, "unconfirmed", 7)
    assert "does not show that its head of 340 entries" in looked_up.json["sentences"][0]
    found = notary("registry", "search", "10 2026 000007.5", *given)
    assert "10 2026 000007.5" in found.out
    assert "does not show that its head of 340 entries" in found.out + found.err
    same = notary("registry", "sync", *given, "--head", next(one for one in files if f"-{SEEN}-" in one))
    assert "of the same history" in same.out


def test_an_old_copy_takes_nothing_away(office: Office, web: Web, notary: Notary, tmp_path: Path) -> None:
    """A cache replays an old checkpoint once: that sync fails, look-ups go on with a note, the next head is taken."""
    (tmp_path / "registries.toml").write_text(toml(office.trusted(url=web.url)))
    given = ("--registries", "registries.toml")
    old = (office.folder / "checkpoint").read_bytes()
    office.add(applications(SEEN, SEEN + 40))
    assert notary("registry", "sync", *given).code == 0
    new = (office.folder / "checkpoint").read_bytes()
    (office.folder / "checkpoint").write_bytes(old)
    for _ in range(2):
        synced = notary("registry", "sync", *given)
        assert synced.code == 1
        assert f"{ORIGIN}: rolled back" in synced.out
        assert f"it shows {SEEN} entries, which is fewer than on " in synced.out
    cited = ("--office", "DE", "--number", f"10 2026 {SEEN + 7:06}.5", "--offline")  # which the old copy lacks
    looked_up = notary("registry", "check", *cited, *given, "--json")
    assert (looked_up.code, looked_up.json["verdict"], looked_up.json["entry"]["index"]) == (0, "verified", SEEN + 7)
    assert f"it shows {SEEN} entries, which is fewer than on " in " ".join(looked_up.json["sentences"])
    searched = notary("registry", "search", "10 2026 000007.5", *given)
    assert f"it shows {SEEN} entries" in searched.out + searched.err
    (office.folder / "checkpoint").write_bytes(new)
    assert notary("registry", "sync", *given).code == 0
    assert "fewer" not in notary("registry", "check", *cited, *given).out
    office.add(applications(office.size, office.size + 1))
    assert notary("registry", "sync", *given).code == 0
    assert not list(tmp_path.rglob("*.split.json"))


@pytest.mark.parametrize("is_fork", [False, True])
def test_a_smaller_head_than_was_read_up_to(
    office: Office, twin: Office, web: Web, reader: Reader, monkeypatch: pytest.MonkeyPatch, is_fork: bool
) -> None:
    """The line broke before all was read: whether a smaller head is of the same log is found as soon as it can be."""
    monkeypatch.setattr(limits, "REGISTRY_STEP_ENTRIES", 256)
    office.add(applications(SEEN, 1000))
    web.answer = lambda handler, path: path == "tile/entries/003.p/232" and withhold(handler, path)
    assert reader.sync().state is State.DOWN
    honest = office.note()
    between = twin if is_fork else Office(twin.folder.with_name("between"))
    if not is_fork:
        between.add(office.entries[:900])
    else:
        between.add(applications(between.size, 900))
    office.publish(write_note(between.note()))
    found = reader.sync()
    assert (found.state, reader.splits()) == (State.NOT_CONTINUED, [])
    web.answer = lambda handler, path: False
    office.publish(write_note(honest))
    assert reader.sync().state is (State.FORKED if is_fork else State.FOLLOWED)
    assert len(reader.splits()) == is_fork


def test_a_claim_that_rests_on_a_head_in_doubt(tmp_path: Path) -> None:
    """The keeper shows the examiner his second history's head, keeps back its tiles, and gives claims from it."""
    (tmp_path / "keeper").mkdir()
    honest = Registry(Notary(tmp_path / "keeper"), tmp_path / "keeper" / "public")
    honest.init()
    honest.add(row(number) for number in range(3))
    shutil.copytree(tmp_path / "keeper", tmp_path / "copy")
    second = Registry(Notary(tmp_path / "copy"), tmp_path / "copy" / "public", honest.vkey)
    for one, number in ((honest, 10), (second, 11)):
        one.add([row(number)])
        one.publish()
    second.add([row(12)])
    second.publish()
    second.publish()
    folder = tmp_path / "examiner"
    folder.mkdir()
    second.done("claim", row(12)["number"], "-o", folder / "claim.zip")
    check = ("check", "claim.zip", "--registries", "registries.toml", "--network", "local", "--offline")
    with serving(honest.folder) as web:
        (folder / "registries.toml").write_text(
            f'[[registry]]\norigin = "{FIRM}"\nurl = "{web.url}"\nvkey = "{honest.vkey}"\noffices = ["XX"]\n'
        )

        def run(*arguments: str) -> Result:
            return examined(folder, "registry", *arguments, "--json")

        assert run("sync", "--registries", "registries.toml").code == 0
        assert run(*check).code == 0  # alone it is sound
        show(second, honest.folder)
        web.answer = withhold
        assert run("sync", "--registries", "registries.toml").code == 1
        answer = run(*check)
        assert (answer.code, answer.json["verdict"], answer.json["existed_by"]) == (3, "unconfirmed", None)
        assert "did not show you that it continues what you have seen" in answer.json["sentences"][0]
        web.answer = lambda handler, path: False
        assert run("sync", "--registries", "registries.toml").code == 1
        assert run(*check).json["verdict"] == "failed"
