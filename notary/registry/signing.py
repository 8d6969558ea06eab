"""Keys in OpenSSH's format as signed notes have them: a registry's, or a witness's."""

from collections.abc import Callable
from pathlib import Path

from notary.core.openssh import PublicKey, Reader
from notary.edges.keys import PrivateKey
from notary.errors import InputError
from notary.registry.core.note import ED25519, VerifierKey

Unlock = Callable[[Path], PrivateKey]
"""Reads the private key in a file, and asks for its passphrase if it has one."""


def verifier_key(name: str, public: PublicKey, type_: int = ED25519) -> VerifierKey:
    """The key that signs notes as `name`. Raises InputError for one that is not Ed25519, FormatError for the name."""
    reader = Reader(public.blob, "the key")
    if reader.name() != "ssh-ed25519":
        raise InputError(f"an Ed25519 key is needed, and this one is of type {public.kind}")
    return VerifierKey(name, type_, reader.string())
