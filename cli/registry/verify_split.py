"""`notary registry verify-split`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from notary.registry.core.trusted import trusted_for
from notary.registry.reporting_following import split_lines
from notary.registry.splits import read_evidence

from ..options import Json, LedgerPath, Quiet, in_force
from ..terminal import ExitCode, Terminal
from .trusting import RegistriesPath, trusted_registries


def verify_split(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An evidence file of `sync` or `witness`.")],
    registries: RegistriesPath = None,
    ledger: LedgerPath = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Check the evidence that a registry signed two histories: both signatures, and that neither continues the other.

    It succeeds where the evidence holds. Whether the key in it is the registry's is for registries.toml to say.
    """
    terminal = Terminal(json=json, quiet=quiet)
    split = read_evidence(file)
    one, other = split.verify()
    known = trusted_for(trusted_registries(in_force(), registries).registries, split.origin)
    trusts = None if known is None else known.key in split.keys
    terminal.say(*split_lines(split, trusts))
    terminal.document(
        {
            "split": True,
            "origin": split.origin,
            "vkeys": [str(key) for key in split.keys],
            "trusted_key": trusts,
            "heads": [{"size": head.size, "root": head.root.hex()} for head in (one, other)],
        }
    )
    return ExitCode.DONE
