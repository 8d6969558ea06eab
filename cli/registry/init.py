"""`notary registry init`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from notary.core.shown import shown_text
from notary.registry.keeping import init as make

from ..options import Json, LedgerPath, Quiet, in_force
from ..terminal import ExitCode, Terminal
from .keeper import Folder, NoPassphrase, passphrase_for


def init(
    folder: Folder,
    origin: Annotated[
        str, typer.Option(metavar="NAME", help="The register's name for good, such as registry.example.org/ip.")
    ],
    no_passphrase: NoPassphrase = False,
    ledger: LedgerPath = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Make a registry of no entries, and its key.

    DIR is for all to see; the key and what is sealed stay beside the ledger. Keep a copy of that: nobody can make it
    again.
    """
    terminal = Terminal(json=json, quiet=quiet)
    settled = in_force()
    path = settled.ledger(ledger)
    made = make(path, folder, origin, passphrase_for(no_passphrase), settled.outside(path).randomness)
    vkey = str(made.key)
    terminal.say(
        f"registry {origin} in {shown_text(str(folder))}",
        f"vkey     {vkey}",
        f"private  {shown_text(str(made.private))}: keep a copy of it, and let nobody see it",
        "",
        "Readers put this into their registries.toml, after they have compared the vkey by a channel that they trust:",
        "",
        *_snippet(folder, origin, vkey),
    )
    if no_passphrase:
        terminal.note("this key is not encrypted: whoever can read the file can sign with it")
    terminal.document({"origin": origin, "vkey": vkey, "private": str(made.private)})
    return ExitCode.DONE


def _snippet(folder: Path, origin: str, vkey: str) -> list[str]:
    import json

    return [
        "[[registry]]",
        f'origin = "{origin}"',
        f'folder = {json.dumps(str(folder.absolute()))}    # or: url = "https://..."',
        f'vkey = "{vkey}"',
        "offices = []    # the ST.3 codes of the offices for which this key may speak",
    ]
