"""A verdict at the terminal: the answer first, then every check, then what may be done next; and its exit code."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from notary.core.verdict import Outcome
from notary.reporting import banner

from .terminal import ExitCode, Terminal

if TYPE_CHECKING:
    from notary.core.header import Network

CODES = {
    Outcome.VERIFIED: ExitCode.DONE,
    Outcome.FAILED: ExitCode.FAILED,
    Outcome.PENDING: ExitCode.NOT_PROVEN,
    Outcome.UNCONFIRMED: ExitCode.NOT_PROVEN,
}
_COLORS = {Outcome.VERIFIED: 32, Outcome.FAILED: 31, Outcome.PENDING: 33, Outcome.UNCONFIRMED: 33}


def show_answer(
    terminal: Terminal,
    network: Network,
    outcome: Outcome,
    sentences: Iterable[str],
    checks: Iterable[str],
    hints: Iterable[str],
) -> None:
    """The first of `sentences` says what was found; `checks` are lines."""
    first, *rest = sentences
    if line := banner(network):
        terminal.say(line)
    terminal.say(f"{terminal.strong(outcome.upper(), _COLORS[outcome])}: {first}", *rest, "")
    terminal.say(*checks)
    if next_steps := [f"hint: {hint}" for hint in hints]:
        terminal.note("", *next_steps)
