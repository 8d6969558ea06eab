"""What the tests of edges share: a disk that fills up, and a server that misbehaves."""

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
