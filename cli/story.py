"""What the demos share: a folder for the results, and a story told step by step."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from notary.errors import InputError, SystemFailureError

from .terminal import Terminal


@dataclass
class Story:
    """Tells each step as it ends, and keeps it for JSON."""

    terminal: Terminal
    steps: list[dict[str, Any]] = field(default_factory=list)
    began: float = field(default_factory=monotonic)

    @contextmanager
    def step(self, name: str, what: str) -> Iterator[Told]:
        begin = monotonic()
        self.terminal.say(f"{len(self.steps) + 1}. {what}")
        told = Told()
        yield told
        self.terminal.say(*(f"   {line}" for line in told.lines), "")
        self.steps.append({"step": name, "what": what, "told": told.lines, "seconds": round(monotonic() - begin, 3)})

    def end(self, folder: Path, *hints: str) -> None:
        """Says how long it took, and where the results lie."""
        self.terminal.say(f"Done in {monotonic() - self.began:.1f} s. The results lie in {folder}", *hints)


@dataclass
class Told:
    """What a step has to tell."""

    lines: list[str] = field(default_factory=list)

    def __call__(self, *lines: str) -> None:
        self.lines += lines


def results_folder(keep: Path | None) -> Path:
    """A folder for the results: `keep`, if that is new or empty, else a temporary one. Raises InputError."""
    try:
        if keep is None:
            return Path(tempfile.mkdtemp(prefix="notary-demo-"))
        keep.mkdir(parents=True, exist_ok=True)
        if any(keep.iterdir()):
            raise InputError(f"{keep} is not empty", "name a new folder with --keep")
    except OSError as error:
        raise SystemFailureError(f"{keep}: {(error.strerror or str(error)).lower()}") from None
    return keep.absolute()
