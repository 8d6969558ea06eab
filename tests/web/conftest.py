"""What the tests of the web verifier share: its own source files, run by Node."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from threading import Timer
from typing import Any, cast

import pytest

from tests.conftest import REQUIRES_PARTIES
from tests.independent.conftest import exported

__all__ = ["exported"]

RUN = Path(__file__).with_name("run.mjs")
SECONDS = 60.0
"""For one job; the largest takes a second or two."""


class Node:
    """One process that answers job after job (see run.mjs)."""

    def __init__(self, program: str) -> None:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen([program, RUN], stdin=pipe, stdout=pipe, encoding="utf-8")

    def __call__(self, job: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        timer = Timer(SECONDS, self._process.kill)
        timer.start()
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        timer.cancel()
        assert answer, f"Node gave no answer in {SECONDS} s: {job}"
        found = cast(dict[str, Any], json.loads(answer))
        assert "crash" not in found, found
        return found

    def stop(self) -> None:
        """The end of what it reads ends it."""
        with self._process:
            pass


@pytest.fixture(scope="session")
def node_program() -> str:
    """Playwright brings a Node of its own, the same on every machine."""
    spec = find_spec("playwright")
    own = Path(spec.origin or "").with_name("driver") / "node" if spec else None
    program = str(own) if own and own.is_file() else shutil.which("node")
    if program is None and not REQUIRES_PARTIES:
        pytest.skip("needs Node")
    assert program is not None, "NOTARY_REQUIRE_PARTIES is set, and there is no Node"
    return program


@pytest.fixture(scope="session")
def node(node_program: str) -> Iterator[Node]:
    process = Node(node_program)
    yield process
    process.stop()
