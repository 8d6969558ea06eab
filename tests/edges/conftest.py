"""What the tests of edges share: a disk that fills up, and a server that misbehaves."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.edges.rude_server import RudeServer


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB, where this machine lets us mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = [shutil.which("mount") or "false", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder]
    if subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode:
        pytest.skip("a small file system cannot be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def rude() -> Iterator[RudeServer]:
    """Answers every request with whatever bytes the test wants, at whatever pace."""
    with RudeServer() as server:
        yield server
