"""`notary registry rotate`"""

from __future__ import annotations

from notary.core.shown import shown_text
from notary.registry.keeping import opened
from notary.registry.keeping import rotate as rotate_key

from ..options import Json, LedgerPath, Quiet, in_force
from ..terminal import ExitCode, Terminal
from .keeper import Folder, NoPassphrase, passphrase_for


def rotate(
    folder: Folder,
    no_passphrase: NoPassphrase = False,
    ledger: LedgerPath = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Make the registry's next key, and append the entry that names it.

    The key in force signs the checkpoint that covers that entry; the new one signs those after it. Hand the new vkey on
    by the channels by which readers have the old one.
    """
    terminal = Terminal(json=json, quiet=quiet)
    settled = in_force()
    path = settled.ledger(ledger)
    with opened(path, folder) as registry:
        today = settled.outside(path).clock().date()
        key, index = rotate_key(registry.register, passphrase_for(no_passphrase), today)
    terminal.say(
        f"entry {index:,} names the next key",
        f"vkey  {key}",
        f"`notary registry publish {shown_text(str(folder))}` publishes it, signed by the key in force",
    )
    if no_passphrase:
        terminal.note("this key is not encrypted: whoever can read the file can sign with it")
    terminal.document({"vkey": str(key), "index": index})
    return ExitCode.DONE
