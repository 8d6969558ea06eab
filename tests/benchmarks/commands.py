"""How long the shortest commands take, beside an interpreter that does nothing."""

import sys
from collections.abc import Iterator

from tests.benchmarks.corpora import stored
from tests.benchmarks.measuring import NOTARY, Job, Row, Setting, in_turn, timed

_TURNS = 4
"""Each run is so many turns: a process of 100 ms is told from noise by more than five."""


def starting(setting: Setting) -> Iterator[Row]:
    """`notary --version` and `notary status`, beside `python -c pass`"""
    ledger = stored(setting, 1000).ledger
    version, status, python = in_turn(
        setting.runs * _TURNS,
        lambda: timed(NOTARY, "--version"),
        lambda: timed(NOTARY, "status", "--ledger", ledger),
        lambda: timed(sys.executable, "-c", "pass"),
    )
    yield Row("notary --version / python -c pass", version, 0.15, python, limits="more")
    yield Row("notary status / python -c pass", status, 0.15, python, limits="more")


JOBS: dict[str, Job] = {"starting": starting}
