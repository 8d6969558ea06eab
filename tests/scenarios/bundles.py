"""Bundles taken apart and put together again, as somebody would who wants them to say something else."""

import zipfile
from collections.abc import Callable
from pathlib import Path

from tests.conftest import Notary, Result
from tests.independent.forge import rebag, unzip, write_zip
from tests.independent.steps import Files

LOCAL = ("--network", "local")


def files_of(bundle: Path) -> Files:
    return unzip(bundle)[1]


def file_of(bundle: Path, name: str) -> bytes:
    with zipfile.ZipFile(bundle) as archive:
        (found,) = (one for one in archive.namelist() if one.partition("/")[2] == name)
        return archive.read(found)


def altered(bundle: Path, target: Path, change: Callable[[Files], object]) -> Path:
    """The bundle with other files, and bag manifests that agree, so that only deeper checks can tell."""
    files = files_of(bundle)
    change(files)
    return write_zip(target, rebag(files))


def checks(result: Result) -> dict[int, str]:
    """The status of each check by its number."""
    return {check["number"]: check["status"] for check in result.json["checks"]}


def failed(result: Result) -> set[int]:
    return {number for number, status in checks(result).items() if status == "failed"}


def stamped(notary: Notary, *arguments: str | Path) -> str:
    """The name of a batch, which a block attests."""
    done = notary("stamp", *arguments, *LOCAL, "--json")
    assert done.code == 0, done.err
    assert notary("upgrade", done.json["batch"]).code == 0
    name: str = done.json["batch"]
    return name


def exported(notary: Notary, batch: str, target: Path, *options: str) -> Path:
    done = notary("export", batch, "-o", target, *options)
    assert done.code == 0, done.err
    return target
