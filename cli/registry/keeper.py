"""What the keeper's commands share: where a registry is, and its keys' passphrases."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from notary.edges.keys import read_key

from ..signing import new_passphrase, passphrase_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from notary.edges.keys import PrivateKey

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder that is published.", show_default=False)]
NoPassphrase = Annotated[
    bool, typer.Option("--no-passphrase", help="Leave the key unencrypted: whoever can read its file can sign.")
]


def unlock(file: Path) -> PrivateKey:
    """The private key in a file; its passphrase is asked for if it has one."""
    return read_key(file, lambda: passphrase_of(file))


def passphrase_for(no_passphrase: bool) -> Callable[[Path], bytes | None]:
    """Gives the passphrase for a new key, or None for one without."""
    return lambda file: None if no_passphrase else new_passphrase(file)
