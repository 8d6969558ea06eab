"""`--registries`: the file in which a reader says which registries he trusts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from notary.registry.checking import Trusted, read_registries

from ..options import InForce

RegistriesPath = Annotated[
    Path | None,
    typer.Option(
        "--registries",
        metavar="FILE",
        help="Which registries you trust, by origin and vkey, and for which offices. [NOTARY_REGISTRIES]",
        show_default="registries.toml beside the settings",
    ),
]


def trusted_registries(settled: InForce, given: Path | None) -> Trusted:
    """Those of the file as given, else as NOTARY_REGISTRIES names it, else beside the settings, where none need be.

    Raises InputError where the file is malformed, or was named and is not there.
    """
    named = os.environ.get("NOTARY_REGISTRIES")
    file = given or (Path(named) if named else None)
    if file is None:
        return read_registries(settled.file.with_name("registries.toml"), is_named=False)
    return read_registries(file, is_named=True)
