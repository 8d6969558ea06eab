"""Files of block headers that the verifier has: a bundle's pair of headers.bin and headers.json, or a flat file."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple

from notary import limits
from notary.core.header import HEADER_BYTES, Header, linked, parse_run
from notary.core.strict_json import read_object
from notary.errors import FormatError, InputError


class HeaderRun(NamedTuple):
    """Headers in a row, the first at height `start`."""

    start: int
    headers: tuple[Header, ...]


@dataclass(frozen=True, slots=True)
class HeaderRuns:
    """Runs of linked headers of one network."""

    network: str | None
    runs: tuple[HeaderRun, ...]

    def at(self, height: int, count: int) -> tuple[Header, ...]:
        """The header at `height` and up to `count` - 1 that follow it link by link, from whichever run has them."""
        there: dict[int, list[Header]] = {}
        for start, headers in self.runs:
            for at in range(max(start, height), min(start + len(headers), height + count)):
                there.setdefault(at, []).append(headers[at - start])
        found: list[Header] = []
        for at in range(height, height + count):
            previous = found[-1].hash if found else None
            after = next((one for one in there.get(at, ()) if previous in (None, one.previous)), None)
            if after is None:
                break
            found.append(after)
        return tuple(found)


@dataclass(frozen=True, slots=True)
class FlatFile:
    """A file of 80-byte headers from height 0 on, read where it is asked."""

    path: Path
    network: ClassVar[None] = None
    """Such a file does not say of which network it is."""

    def at(self, height: int, count: int) -> tuple[Header, ...]:
        try:
            with self.path.open("rb") as stream:
                stream.seek(height * HEADER_BYTES)
                data = stream.read(count * HEADER_BYTES)
        except OSError as error:
            raise InputError(f"{self.path}: {(error.strerror or str(error)).lower()}") from None
        return parse_run(data[: len(data) - len(data) % HEADER_BYTES])


def parse_runs(index: bytes, data: bytes) -> HeaderRuns:
    """A bundle's headers.json and headers.bin; a run goes only as far as its headers link.

    Raises FormatError where they are malformed or do not fit together.
    """
    what = "headers.json"
    members = read_object(index, what, limits.HEADERS_INDEX_BYTES)
    runs, network = members.get("runs"), members.get("network")
    if set(members) != {"network", "runs"} or not isinstance(network, str) or not isinstance(runs, list):
        raise FormatError(f"{what} has other keys than network and runs")
    if len(data) > limits.HEADERS * HEADER_BYTES:
        raise FormatError(f"headers.bin has over {limits.HEADERS} headers")
    headers = parse_run(data)
    found: list[HeaderRun] = []
    used = 0
    for run in runs:
        if not (isinstance(run, dict) and set(run) == {"start", "count"}):
            raise FormatError(f"{what}: a run has other keys than start and count")
        start, count = run["start"], run["count"]
        if type(start) is not int or type(count) is not int or start < 0 or count < 1:
            raise FormatError(f"{what}: a run's start or count is out of range")
        found.append(HeaderRun(start, linked(headers[used : used + count])))
        used += count
    if used != len(headers):
        raise FormatError(f"{what} tells of {used} headers, headers.bin has {len(headers)}")
    return HeaderRuns(network, tuple(found))


def open_headers(path: Path) -> HeaderRuns | FlatFile:
    """The headers in `path`: as in a bundle if a .json of the same name stands beside it, else flat from height 0."""
    index = path.with_suffix(".json")
    try:
        if not index.is_file():
            if not path.is_file():
                raise InputError(f"{path}: there is no such file")
            if path.stat().st_size % HEADER_BYTES:
                raise FormatError(f"{path}: its size is no multiple of {HEADER_BYTES} bytes")
            return FlatFile(path)
        with path.open("rb") as stream:
            data = stream.read(limits.HEADERS * HEADER_BYTES + 1)
        with index.open("rb") as stream:
            return parse_runs(stream.read(limits.HEADERS_INDEX_BYTES + 1), data)
    except FormatError as error:
        raise FormatError(error.message if str(path) in error.message else f"{path}: {error.message}") from None
    except OSError as error:
        raise InputError(f"{path}: {(error.strerror or str(error)).lower()}") from None
