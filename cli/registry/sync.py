"""`notary registry sync`"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from notary.errors import InputError
from notary.registry.core.checkpoint import read_checkpoint
from notary.registry.core.trusted import trusted_for
from notary.registry.edges.followed import open_followed
from notary.registry.following import Follower, with_folders
from notary.registry.heads import State
from notary.registry.reporting_following import synced_json, synced_lines
from notary.registry.splits import read_head

from ..options import Json, LedgerPath, Quiet, in_force
from ..terminal import ExitCode, Terminal
from .trusting import RegistriesPath, trusted_registries

if TYPE_CHECKING:
    from notary.registry.core.trusted import TrustedRegistry

    from ..options import InForce

CODES = {State.FOLLOWED: ExitCode.DONE, State.STALE: ExitCode.NOT_PROVEN, State.DOWN: ExitCode.SYSTEM}
"""Of every other state FAILED."""

_WORST_FIRST = (ExitCode.FAILED, ExitCode.SYSTEM, ExitCode.NOT_PROVEN, ExitCode.DONE)


def sync(
    accept: Annotated[
        list[str] | None,
        typer.Option(metavar="ORIGIN", help="Lift the refusal of this registry, and go on from what it shows now."),
    ] = None,
    head: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="A checkpoint that somebody else was shown: is it of the same history?"),
    ] = None,
    registries: RegistriesPath = None,
    ledger: LedgerPath = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Follow all registries of registries.toml: verify their heads, read what is new.

    A registry whose history diverges from what was seen of it is refused until `--accept`; both signed heads are kept
    in a file that anybody can verify.
    """
    terminal = Terminal(json=json, quiet=quiet)
    settled = in_force()
    trusted = followed_registries(settled, registries)
    accepted = frozenset(accept or ())
    if unknown := accepted - {one.origin for one in trusted}:
        raise InputError(
            f"{min(unknown)} is no registry that you follow", "--accept takes an origin of registries.toml"
        )
    folder = registries_folder(settled, ledger)
    now = settled.outside(settled.ledger(ledger)).now()
    others = [read_head(path) for path in head or ()]
    found = []
    with open_followed(folder / "followed.db") as followed, terminal.climb("reading") as climb:
        follower = Follower(followed, folder / "evidence", now, climb)
        for one in follower.sync(trusted, accepted):
            terminal.say(*synced_lines(one))
            found.append(one)
        for note in others:
            origin = read_checkpoint(note.text).origin
            registry = trusted_for(trusted, origin)
            if registry is None:
                raise InputError(f"{origin} is no registry that you follow", "registries.toml lists them")
            follower.compare(registry, note)
            terminal.say(f"{origin}: the head that somebody else was shown is of the same history")
    terminal.document({"registries": [synced_json(one) for one in found]})
    codes = {CODES.get(one.state, ExitCode.FAILED) for one in found}
    return next(code for code in _WORST_FIRST if code in codes)


def followed_registries(settled: InForce, given: Path | None) -> tuple[TrustedRegistry, ...]:
    """The registries that the user follows. Raises InputError where there are none."""
    trusted = trusted_registries(settled, given)
    if not trusted.registries:
        raise InputError(
            f"{trusted.file} names no registry to follow",
            "each is a [[registry]] with origin, url or folder, vkey, and the offices for which its key may speak",
        )
    return with_folders(trusted.registries, trusted.file)


def registries_folder(settled: InForce, ledger: Path | None) -> Path:
    """Where what is known of registries is kept: beside the ledger."""
    return settled.ledger(ledger).parent / "registries"
