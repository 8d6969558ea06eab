"""`notary key`: signing keys."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from notary.core.shown import shown_text
from notary.edges.keys import new_key, public_path, read_public
from notary.errors import InputError

from .options import Json, LedgerPath, Quiet, in_force
from .signing import new_passphrase, passphrase_of
from .terminal import ExitCode, Terminal

if TYPE_CHECKING:
    from notary.core.openssh import PublicKey

key = typer.Typer(help="Make and show keys to sign manifests with.", no_args_is_help=True)

File = Annotated[
    Path | None, typer.Argument(metavar="FILE", help="The private key's file.", show_default="`key`, beside the ledger")
]


@key.command()
def new(
    file: File = None,
    no_passphrase: Annotated[
        bool, typer.Option("--no-passphrase", help="Leave it unencrypted: whoever can read the file can sign.")
    ] = False,
    comment: Annotated[
        str, typer.Option(metavar="TEXT", help="A word on it for its public half.", show_default="none")
    ] = "",
    ledger: LedgerPath = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Make an Ed25519 key, in OpenSSH's format, with a passphrase.

    FILE.pub is its public half. Keep a copy of FILE: nobody can make it again.
    """
    terminal = Terminal(json=json, quiet=quiet)
    file = _file(file, ledger)
    for taken in (file, public_path(file)):
        if taken.is_symlink() or taken.exists():
            raise InputError(f"{taken} is there already and is not overwritten", "give another name")
    public = new_key(file, None if no_passphrase else new_passphrase(file), comment)
    _show(terminal, file, public)
    if no_passphrase:
        terminal.note("this key is not encrypted: whoever can read the file can sign with it")
    return ExitCode.DONE


@key.command()
def show(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="A private key, or a .pub file.", show_default="`key`, beside the ledger"),
    ] = None,
    ledger: LedgerPath = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Show a key's public half, its fingerprint and its did:key.

    The last line is for a file of allowed signers: whoever verifies puts there the name that they know the key by.
    """
    terminal = Terminal(json=json, quiet=quiet)
    file = _file(file, ledger)
    _show(terminal, file, read_public(file, lambda: passphrase_of(file)))
    return ExitCode.DONE


def _file(given: Path | None, ledger: Path | None) -> Path:
    return given or in_force().ledger(ledger).parent / "key"


def _show(terminal: Terminal, file: Path, public: PublicKey) -> None:
    from notary.core.signature import NAMESPACE

    terminal.document({"file": str(file), "public": public.line, "fingerprint": public.fingerprint, "did": public.did})
    terminal.say(
        f"file         {shown_text(str(file))}",
        f"public       {public.line}",
        f"fingerprint  {public.fingerprint} ({public.kind}, {public.bits} bits)",
        f"did          {public.did}",
        f'signers      NAME namespaces="{NAMESPACE}" {public.line}',
    )
