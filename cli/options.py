"""Options that several commands share, and what they give."""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from notary.core.header import Network, network_named
from notary.outside import Outside
from notary.wire import check_url

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
LedgerPath = Annotated[
    Path | None,
    typer.Option(
        "--ledger",
        metavar="FILE",
        envvar="NOTARY_LEDGER",
        help="The ledger's file.",
        show_default="in your user data folder",
    ),
]
NetworkName = Annotated[
    str,
    typer.Option(
        "--network",
        metavar="NAME",
        envvar="NOTARY_NETWORK",
        help="bitcoin; or a test network, which proves nothing: local or regtest.",
    ),
]
NodeUrl = Annotated[
    str | None,
    typer.Option(
        "--node", metavar="URL", envvar="NOTARY_NODE", help="Your Bitcoin node: http://[USER:PASSWORD@]HOST:PORT."
    ),
]
NodeCookie = Annotated[
    Path | None,
    typer.Option(
        "--node-cookie",
        metavar="FILE",
        envvar="NOTARY_NODE_COOKIE",
        help="The node's cookie file.",
        show_default="where bitcoind has it",
    ),
]


def ledger_path(given: Path | None) -> Path:
    """The ledger's file: as given, else in the platform's user data folder."""
    if given is not None:
        return given
    from platformdirs import user_data_path

    return user_data_path("notary", appauthor=False) / "ledger.db"


def outside(
    ledger: Path,
    calendars: tuple[str, ...] = (),
    node_url: str | None = None,
    node_cookie: Path | None = None,
) -> Outside:
    """The real world: the system's clock and randomness; the embedded network keeps its state beside the ledger."""
    return Outside(
        clock=lambda: datetime.now(UTC),
        randomness=secrets.token_bytes,
        local_folder=ledger.with_name(ledger.stem + ".localnet"),
        calendars=calendars,
        node_url=node_url,
        node_cookie=node_cookie,
    )


def network(name: str) -> Network:
    return network_named(name)


def calendar_urls(given: list[str] | None) -> tuple[str, ...]:
    """The calendars that the user named, each once. Raises InputError for one that is no address."""
    return tuple(dict.fromkeys(check_url(url, "the calendar") for url in given or ()))


def worker_count(jobs: int | None) -> int:
    return jobs or os.cpu_count() or 1
