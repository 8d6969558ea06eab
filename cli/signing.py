"""Whoever signs: a key by the file that the user names, and its passphrase."""

from __future__ import annotations

import os
import sys
from getpass import getpass
from pathlib import Path
from typing import TYPE_CHECKING

from notary.core.shown import shown_text
from notary.edges.keys import is_private, read_key, read_public
from notary.errors import InputError, SystemFailureError

if TYPE_CHECKING:
    from notary.core.signature import Signer

PASSPHRASE = "NOTARY_KEY_PASSPHRASE"  # noqa: S105 - the variable's name


def signer_of(name: str) -> Signer:
    """The private key in the file of this name; for a `.pub` file the one in the ssh-agent, or in the file beside it.

    Asks for a passphrase where one is needed, and so belongs before a command's work. Raises InputError,
    SystemFailureError.
    """
    file = Path(name)
    if is_private(file):
        return read_key(file, lambda: passphrase_of(file))
    public = read_public(file, lambda: passphrase_of(file))
    agent, failure = os.environ.get("SSH_AUTH_SOCK"), None
    if agent:
        from notary.edges.ssh_agent import agent_keys

        try:
            for key in agent_keys(agent):
                if key.public == public:
                    return key
        except SystemFailureError as error:  # gone, as after a log-out: the file beside may do
            failure = error
    private = file.with_suffix("")
    if file.suffix == ".pub" and private.is_file():
        found = read_key(private, lambda: passphrase_of(private))
        if found.public == public:
            return found
    if failure:
        raise failure
    what = "the ssh-agent does not hold" if agent else "there is no ssh-agent (SSH_AUTH_SOCK), which would hold"
    raise InputError(f"{file}: {what} the private half of this key", "ssh-add FILE, or name the private key's file")


def passphrase_of(file: Path) -> bytes:
    """The passphrase of the key in `file`, from NOTARY_KEY_PASSPHRASE, or typed without echo. Raises InputError."""
    given = os.environ.get(PASSPHRASE)
    if given is not None:
        return os.fsencode(given)
    return _typed(f"Passphrase for {shown_text(str(file))}: ")


def new_passphrase(file: Path) -> bytes:
    """The same for a key that is to be made: typed twice, and not empty. Raises InputError."""
    given = os.environ.get(PASSPHRASE)
    if given is None:
        chosen = _typed(f"Passphrase for {shown_text(str(file))}: ")
        if chosen and chosen != _typed("The same again: "):
            raise InputError("the two passphrases are not the same; no key was made")
    else:
        chosen = os.fsencode(given)
    if not chosen:
        raise InputError("an empty passphrase; no key was made", "--no-passphrase makes a key that is not encrypted")
    return chosen


def _typed(prompt: str) -> bytes:
    if not sys.stdin.isatty():
        raise InputError(
            "a passphrase is needed, and there is no terminal to ask at", f"{PASSPHRASE} holds it for this command"
        )
    return os.fsencode(getpass(prompt, stream=sys.stderr))
