"""Reading a published registry: from real servers and folders, good ones and those that are none of that."""

import gzip
import os
import time
import tracemalloc
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import pytest

from notary import limits
from notary.errors import SystemFailureError
from notary.registry.core.tiles import ENTRIES, WIDTH, Tile, tiles_of, write_bundle
from notary.registry.edges.log_reader import LogReader, reader_of
from tests.edges.rude_server import RudeServer
from tests.registry.published import Office, Web, applications, remove, serving


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REGISTRY_RETRY_SECONDS", 0.01)
    monkeypatch.setattr(limits, "EXCHANGE_SECONDS", 1.0)
    monkeypatch.setattr(limits, "CONNECT_SECONDS", 0.5)
    monkeypatch.setattr(limits, "READ_SECONDS", 0.5)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    office = Office(tmp_path / "registry")
    office.add(applications(0, 300))
    return office


@pytest.fixture
def web(office: Office) -> Iterator[Web]:
    with serving(office.folder) as web:
        yield web


def failure(reader: LogReader, tile: Tile | None = None) -> str:
    with pytest.raises(SystemFailureError) as caught:
        reader.checkpoint() if tile is None else reader.tile(tile)
    assert reader.place.rpartition("//")[2] in caught.value.message
    assert caught.value.message.isprintable()
    return caught.value.message


# -- what is there --------------------------------------------------------------------------------------------------


def test_every_file_is_read_as_it_is_from_the_web_and_from_a_folder(office: Office, web: Web) -> None:
    for reader in (reader_of(web.url), reader_of(f"{web.url}/"), reader_of(str(office.folder))):
        assert reader.checkpoint() == (office.folder / "checkpoint").read_bytes()
        tiles = list(tiles_of(office.size))
        assert reader.tiles(tiles) == [office.store.files[tile.path] for tile in tiles]
        assert reader.file("anchors/300.checkpoint", 10) is None


def test_a_registry_may_have_a_path_on_its_server(tmp_path: Path) -> None:
    Office(tmp_path / "a" / "b").add(applications(0, 3))
    with serving(tmp_path) as web:
        assert reader_of(f"{web.url}/a/b").checkpoint() == (tmp_path / "a" / "b" / "checkpoint").read_bytes()
        assert web.asked() == ["a/b/checkpoint"]


def test_a_bundle_of_the_longest_entries_is_read(tmp_path: Path) -> None:
    bundle = write_bundle([bytes(limits.REGISTRY_ENTRY_BYTES)] * WIDTH)
    path = tmp_path / Tile(ENTRIES, 0).path
    path.parent.mkdir(parents=True)
    path.write_bytes(bundle)
    with serving(tmp_path) as web:
        assert reader_of(web.url).tile(Tile(ENTRIES, 0)) == bundle
        path.write_bytes(bundle + b"x")
        assert f"over {len(bundle)} bytes" in failure(reader_of(web.url), Tile(ENTRIES, 0))
        (tmp_path / "tile" / "0").mkdir()
        (tmp_path / "tile" / "0" / "000").write_bytes(bytes(8193))
        assert "over 8,192 bytes" in failure(reader_of(web.url), Tile(0, 0))
    assert f"over {len(bundle):,} bytes" in failure(reader_of(str(tmp_path)), Tile(ENTRIES, 0))


# -- partial tiles --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("from_web", [True, False])
def test_of_a_partial_tile_that_is_gone_the_full_one_is_cut(office: Office, web: Web, from_web: bool) -> None:
    partial = [Tile(ENTRIES, 1, 44), Tile(0, 1, 44)]
    expected = [office.store.files[tile.path] for tile in partial]
    office.add(applications(300, 600))
    reader = reader_of(web.url if from_web else str(office.folder))
    assert [reader.tile(tile) for tile in partial] == expected
    assert web.asked() == [tile.path for tile in partial if from_web]
    remove(office.folder, partial)
    assert [reader.tile(tile) for tile in partial] == expected
    assert web.asked() == [path for tile in partial for path in (tile.path, tile.full.path) if from_web]


def test_a_full_bundle_that_is_none_is_not_cut(office: Office, web: Web) -> None:
    partial = Tile(ENTRIES, 1, 44)
    (office.folder / partial.path).unlink()
    for data in (b"", b"\0", b"\0\1", (office.folder / Tile(ENTRIES, 0).path).read_bytes()[:-1]):
        (office.folder / partial.full.path).write_bytes(data)
        assert partial.full.path in failure(reader_of(web.url), partial)


# -- what is missing ------------------------------------------------------------------------------------------------


def test_what_is_missing_is_asked_for_once_more(office: Office, web: Web) -> None:
    full, partial, reader = Tile(0, 0), Tile(0, 1, 44), reader_of(web.url)
    remove(office.folder, [full, partial])
    assert full.path in failure(reader, full)
    assert web.asked() == [full.path] * 2
    assert partial.path in failure(reader, partial)
    assert web.asked() == [partial.path, partial.full.path] * 2
    (office.folder / "checkpoint").unlink()
    assert "no checkpoint" in failure(reader)
    assert web.asked() == ["checkpoint"] * 2
    for path in (str(office.folder), str(office.folder / "nowhere"), str(office.folder / "tile" / "0" / "x")):
        failure(reader_of(path))


@pytest.mark.parametrize("status", [403, 404, 410])
def test_what_comes_late_is_taken(office: Office, web: Web, status: int) -> None:
    late: list[str] = []

    def answer(handler: SimpleHTTPRequestHandler, path: str) -> bool:
        if path in late:
            return False
        late.append(path)
        handler.send_error(status)
        return True

    web.answer = answer
    assert reader_of(web.url).checkpoint() == (office.folder / "checkpoint").read_bytes()
    assert reader_of(web.url).tile(Tile(0, 0)) == office.store.files["tile/0/000"]


# -- servers that are none ------------------------------------------------------------------------------------------


def test_a_server_that_is_down(office: Office) -> None:
    with serving(office.folder) as web:
        reader = reader_of(web.url)
    assert "could not be reached" in failure(reader)


@pytest.mark.parametrize("status", [400, 401, 429, 500, 503])
def test_a_server_that_fails_is_quoted(web: Web, status: int) -> None:
    web.answer = lambda handler, path: handler.send_error(status, "\x1b[31mno") or True
    assert f"/checkpoint answered {status}" in failure(reader_of(web.url))
    assert f"/tile/0/000 answered {status}" in failure(reader_of(web.url), Tile(0, 0))


def test_a_redirect_is_not_followed(office: Office, web: Web) -> None:
    with serving(office.folder) as other:

        def answer(handler: SimpleHTTPRequestHandler, path: str) -> bool:
            handler.send_response(302)
            handler.send_header("Location", f"{other.url}/{path}")
            handler.end_headers()
            return True

        web.answer = answer
        assert "redirect" in failure(reader_of(web.url))
        assert "redirect" in failure(reader_of(web.url), Tile(0, 0))
        assert not other.paths


def test_a_flood_is_not_taken() -> None:
    with RudeServer() as rude:
        for tile in (None, Tile(0, 0), Tile(ENTRIES, 0, 3), Tile(ENTRIES, 0)):
            rude.answer, taken = rude.flood(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n", 1000)
            tracemalloc.start()
            assert "sent over" in failure(reader_of(rude.url), tile)
            assert tracemalloc.get_traced_memory()[1] < 20_000_000
            tracemalloc.stop()
            assert taken[0] < 30  # what was asked for, and what fits into the buffers on the way


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, gzip", "unheard-of"])
def test_a_compressed_reply_is_refused_unopened(web: Web, encoding: str) -> None:
    bomb = gzip.compress(bytes(50_000_000))

    def answer(handler: SimpleHTTPRequestHandler, path: str) -> bool:
        assert handler.headers["Accept-Encoding"] == "identity"
        handler.send_response(200)
        handler.send_header("Content-Encoding", encoding)
        handler.send_header("Content-Length", str(len(bomb)))
        handler.end_headers()
        handler.wfile.write(bomb)
        return True

    web.answer = answer
    tracemalloc.start()
    assert "compressed" in failure(reader_of(web.url))
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_a_server_that_drips_is_given_up() -> None:
    with RudeServer() as rude:
        rude.answer = rude.drip(b"HTTP/1.1 200 OK\r\nContent-Length: 8192\r\n\r\n" + bytes(8192), 0.05)
        begin = time.monotonic()
        assert "took longer than" in failure(reader_of(rude.url), Tile(0, 0))
        assert time.monotonic() - begin < limits.EXCHANGE_SECONDS + 5
        rude.answer = lambda connection: rude.stop.wait(20) and None
        assert "sent nothing for" in failure(reader_of(rude.url))


# -- folders that are none ------------------------------------------------------------------------------------------


def test_what_is_no_file_in_a_folder(office: Office) -> None:
    path, reader = office.folder / "checkpoint", reader_of(str(office.folder))
    path.unlink()
    path.mkdir()
    failure(reader)
    path.rmdir()
    os.mkfifo(path)
    assert "not a regular file" in failure(reader)
    path.unlink()
    path.symlink_to(path)
    assert str(path) in failure(reader)
    path.unlink()
    path.write_bytes(bytes(limits.NOTE_BYTES + 1))
    assert f"over {limits.NOTE_BYTES:,} bytes" in failure(reader)
