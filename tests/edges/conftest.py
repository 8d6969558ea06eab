"""What the tests of edges share: a disk that fills up, a folder for everybody, and a server that misbehaves."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import small_file_system
from tests.edges.rude_server import RudeServer


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB, where this machine lets us mount one."""
    with small_file_system(tmp_path / "disk", "1m") as folder:
        yield folder


@pytest.fixture
def rude() -> Iterator[RudeServer]:
    """Answers every request with whatever bytes the test wants, at whatever pace."""
    with RudeServer() as server:
        yield server


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that others may enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)
