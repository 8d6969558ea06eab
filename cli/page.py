"""`notary page`"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

from notary.core.shown import shown_text
from notary.edges.files import read_whole, written_whole
from notary.errors import InputError
from notary.webpage import web_page

from .options import Json, LedgerPath, Quiet
from .terminal import ExitCode, Terminal

_OURS = b"<title>Notary: check a proof</title>"
_HEAD_BYTES = 4096


def page(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="The HTML file to write.", show_default="none")
    ] = None,
    print_sha256: Annotated[
        bool, typer.Option("--sha256", help="Print the SHA-256 of the page of this release.")
    ] = False,
    ledger: LedgerPath = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Write the web page that verifies bundles and proofs in a browser, offline.

    An earlier page of notary's is overwritten, any other file is not.
    """
    terminal = Terminal(json=json, quiet=quiet)
    if output is None and not print_sha256:
        raise InputError("nothing to do", "-o verify.html writes the page, --sha256 prints its SHA-256")
    content = web_page()
    digest = sha256(content).hexdigest()
    if output is not None:
        _check(output)
        with written_whole(output) as stream:
            stream.write(content)
        terminal.say(f"{shown_text(str(output))}: the page of this release, to be opened in a browser")
    terminal.say(digest if output is None else f"sha256 {digest}")
    terminal.document({"page": output and str(output), "sha256": digest, "bytes": len(content)})
    return ExitCode.DONE


def _check(output: Path) -> None:
    """Raises InputError where something else than a page of ours stands."""
    if output.is_symlink() or (output.exists() and not (output.is_file() and _OURS in read_whole(output, _HEAD_BYTES))):
        raise InputError(f"{output} is there already and is not overwritten", "give another name with -o")
