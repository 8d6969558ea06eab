"""Options that say who stamps, and by what further clocks: a signature, a time-stamping authority, a named block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from notary.core.header import Network
from notary.edges.settings import Settings
from notary.errors import InputError
from notary.outside import LOCAL
from notary.wire import check_url

if TYPE_CHECKING:
    from notary.stamping import SigningOrder

SigningKey = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="FILE",
        help="Sign the manifest with this SSH key: a private key's file, or a .pub whose private half is in ssh-agent."
        " [NOTARY_KEY]",
        show_default="unsigned",
    ),
]
SignerName = Annotated[
    str | None, typer.Option("--name", metavar="TEXT", help="Who signs, as the manifest is to declare.")
]
Organisation = Annotated[
    str | None, typer.Option(metavar="TEXT", help="The signer's organisation, as the manifest is to declare.")
]
Authority = Annotated[
    str | None,
    typer.Option(
        "--tsa",
        metavar="URL",
        help="Have a time-stamping authority sign the head too (RFC 3161); on the local network: local. [NOTARY_TSA]",
        show_default="none",
    ),
]
NamesBlock = Annotated[
    bool,
    typer.Option(
        "--not-before/--no-not-before",
        help="Name the newest block at hand in the manifest, which cannot be older then.",
    ),
]


def signing_order(
    settings: Settings, key: str | None, name: str | None, organisation: str | None
) -> SigningOrder | None:
    """Who signs, if anybody; asks for the key's passphrase if it has one. Raises InputError."""
    key = key or (str(settings.key) if settings.key else None)
    if key is None:
        if name or organisation:
            raise InputError("--name and --organisation go with --key", "notary key new makes a key")
        return None
    from notary.stamping import SigningOrder

    from .signing import signer_of

    return SigningOrder(signer_of(key), name, organisation)


def authority_for(settings: Settings, network: Network, named: str | None) -> str | None:
    """The authority that shall give a token, if any. One that is settled is meant for networks that count.

    Raises InputError where it is no address.
    """
    if named is None:
        return None if network.is_test else settings.tsa
    if named == network.name == LOCAL:
        return named
    if network.name == LOCAL:
        raise InputError("the local network has its own time-stamping authority", "--tsa local")
    return check_url(named, "the authority")
