"""`notary registry witness`"""

from __future__ import annotations

import sys
from pathlib import Path
from time import time
from typing import Annotated

import typer

from notary.core.shown import shown_text
from notary.edges.files import written_whole
from notary.edges.keys import read_key
from notary.registry.core.note import COSIGNATURE, read_vkey, write_note
from notary.registry.edges.followed import open_followed
from notary.registry.following import with_folders
from notary.registry.reporting_following import cosigned_json, cosigned_lines
from notary.registry.signing import verifier_key
from notary.registry.witnessing import Witness, cosign_head, witness_target

from ..options import Json, LedgerPath, Quiet, in_force
from ..signing import passphrase_of
from ..terminal import ExitCode, Terminal
from .sync import registries_folder
from .trusting import RegistriesPath, trusted_registries


def witness(
    target: Annotated[
        str, typer.Argument(metavar="REGISTRY", help="Its origin in registries.toml, its address, or its folder.")
    ],
    key: Annotated[
        Path, typer.Option(metavar="FILE", help="Your private Ed25519 key, for nothing else: notary key new FILE.")
    ],
    name: Annotated[str, typer.Option(metavar="NAME", help="The witness's name, as in its vkey.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="For the keeper.", show_default="standard output"),
    ] = None,
    vkey: Annotated[
        str | None,
        typer.Option(metavar="VKEY", help="The registry's key.", show_default="as in registries.toml"),
    ] = None,
    registries: RegistriesPath = None,
    ledger: LedgerPath = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Cosign a registry's checkpoint as its witness, if it continues the last one that you cosigned.

    The checkpoint with your cosignature is for the keeper, who publishes it. What you cosigned is remembered beside
    the ledger: keep that file, since it is what keeps you from cosigning two histories.
    """
    terminal = Terminal(json=json, quiet=quiet)
    settled = in_force()
    trusted = trusted_registries(settled, registries)
    signer = read_key(key, lambda: passphrase_of(key))
    verifier = verifier_key(name, signer.public, COSIGNATURE)
    registry, reader = witness_target(
        target, with_folders(trusted.registries, trusted.file), None if vkey is None else read_vkey(vkey)
    )
    folder = registries_folder(settled, ledger)
    with open_followed(folder / "followed.db") as followed:
        state = Witness(verifier, signer.sign_plain, followed, folder / "evidence", lambda: int(time()))
        cosigned = cosign_head(state, registry, reader)
    data = write_note(cosigned.note)
    if output is not None:
        with written_whole(output) as stream:
            stream.write(data)
        terminal.say(*cosigned_lines(cosigned, name), f"witness vkey  {verifier}", f"written to {output}")
    elif not json and not quiet:
        sys.stdout.write(data.decode())
        terminal.note(*cosigned_lines(cosigned, name), f"witness vkey  {shown_text(str(verifier))}")
    members = cosigned_json(cosigned, str(verifier)) | {"file": output and str(output), "note": data.decode()}
    terminal.document({"cosigned": members})
    return ExitCode.DONE
