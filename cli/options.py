"""Options that several commands share, and what they give together with the user's settings."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from notary import limits
from notary.core.header import CONFIRMATIONS, Network, Trust, network_named
from notary.edges.calendars import DEFAULT_CALENDARS, MIN_CALENDARS
from notary.edges.explorers import MIN_EXPLORERS, explorers_for
from notary.edges.settings import Settings, read_settings
from notary.errors import InputError
from notary.outside import LOCAL, Outside
from notary.wire import check_url

if TYPE_CHECKING:
    from notary.core.facts import Policy
    from notary.edges.peers import PeerAddress

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
LedgerPath = Annotated[
    Path | None,
    typer.Option(
        "--ledger",
        metavar="FILE",
        help="The ledger's file. [NOTARY_LEDGER]",
        show_default="in your user data folder",
    ),
]
NetworkName = Annotated[
    str | None,
    typer.Option(
        "--network",
        metavar="NAME",
        help="bitcoin; or a test network, which proves nothing: local or regtest. [NOTARY_NETWORK]",
        show_default="bitcoin",
    ),
]
CalendarUrls = Annotated[
    list[str] | None,
    typer.Option("--calendar", metavar="URL", help="A calendar to use instead of the public ones.", show_default=False),
]
MinCalendars = Annotated[
    int | None,
    typer.Option(metavar="K", min=1, help="How many calendars must answer.", show_default="2, or all if fewer"),
]
Require = Annotated[
    str | None,
    typer.Option(
        metavar="LEVEL",
        help="The least trust that counts: work, checkpoint, explorers, chain, node.",
        show_default="checkpoint; work on a test network",
    ),
]
HeadersFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Block headers: a headers.bin with its headers.json, or a flat file from height 0."
    ),
]
NodeUrl = Annotated[
    str | None,
    typer.Option("--node", metavar="URL", help="Your Bitcoin node: http://[USER:PASSWORD@]HOST:PORT. [NOTARY_NODE]"),
]
NodeCookie = Annotated[
    Path | None,
    typer.Option(
        "--node-cookie",
        metavar="FILE",
        help="The node's cookie file. [NOTARY_NODE_COOKIE]",
        show_default="where bitcoind has it",
    ),
]


@dataclass(frozen=True, slots=True)
class InForce:
    """The user's settings, where each comes from, and the file that they may stand in."""

    settings: Settings
    origins: Mapping[str, str]
    file: Path

    def ledger(self, given: Path | None) -> Path:
        """The ledger's file: as given, else as settled, else in the platform's user data folder."""
        path = given or self.settings.ledger
        if path is not None:
            return path
        from platformdirs import user_data_path

        return user_data_path("notary", appauthor=False) / "ledger.db"

    def headers(self, ledger: Path) -> Path:
        """The folder of the header stores: as settled, else beside the ledger."""
        return self.settings.headers or ledger.parent / "headers"

    def network(self, given: str | None) -> Network:
        """Raises InputError for a name that no network has."""
        return network_named(given or self.settings.network or "bitcoin")

    def calendars(self, given: list[str] | None) -> tuple[str, ...]:
        """The calendars that the user named, each once. Raises InputError for one that is no address."""
        named = tuple(dict.fromkeys(check_url(url, "the calendar") for url in given or self.settings.calendars or ()))
        if len(named) > limits.CALENDARS:
            raise InputError(f"over {limits.CALENDARS} calendars")
        return named

    def trust(self, network: Network, required: str | None) -> Trust:
        """The trust that a verification demands. One that is settled is meant for networks that count."""
        level = required or (None if network.is_test else self.settings.require)
        return trust_named(level) if level else network.least_trust

    @property
    def confirmations(self) -> int:
        return self.settings.confirmations or CONFIRMATIONS

    def policy(self, network: Network, require: str | None) -> Policy:
        """What a verification demands."""
        from notary.core.facts import Policy
        from notary.edges.checkpoints import shipped_checkpoints

        return Policy(network, self.trust(network, require), shipped_checkpoints(network), self.confirmations)

    def outside(
        self,
        ledger: Path,
        *,
        calendars: tuple[str, ...] = (),
        node: str | None = None,
        node_cookie: Path | None = None,
    ) -> Outside:
        """The real world: the system's clock and randomness; the embedded network keeps its state beside the ledger."""
        return Outside(
            clock=lambda: datetime.now(UTC),
            randomness=secrets.token_bytes,
            local_folder=_local_folder(ledger),
            calendars=calendars,
            node_url=node or self.settings.node,
            node_cookie=node_cookie or self.settings.node_cookie,
            explorers=self.settings.explorers,
            min_explorers=self.settings.min_explorers or MIN_EXPLORERS,
            peers=self.settings.peers,
            headers_folder=self.headers(ledger),
        )

    def node(self, network: Network) -> str | None:
        """The node's address, without a password. Raises InputError where it is none."""
        if self.settings.node is None:
            return None
        from notary.edges.bitcoin_node import node_address

        return str(node_address(self.settings.node, self.settings.node_cookie, network))

    def peers(self, network: Network, given: list[str] | None) -> list[PeerAddress] | None:
        """The peers that the user named, if any were. Raises InputError for one that is no address."""
        named = given or self.settings.peers
        if named is None:
            return None
        from notary.edges.peers import peer_address

        return [peer_address(peer, network) for peer in named]

    def described(self, given: Path | None) -> list[tuple[str, str, str]]:
        """Each setting, what is in force, and where it comes from. No password is shown."""
        settings, chain, ledger = self.settings, self.network(None), self.ledger(given)
        calendars: tuple[str, ...] = ()
        if chain.name != LOCAL:
            calendars = self.calendars(None) or (() if chain.is_test else DEFAULT_CALENDARS)
        peers = settings.peers
        shown = {
            "network": chain.name,
            "require": self.trust(chain, None).word,
            "confirmations": str(self.confirmations),
            "calendars": ", ".join(calendars) or "none",
            "min_calendars": str(settings.min_calendars or min(MIN_CALENDARS, len(calendars)) or 1),
            "node": self.node(chain) or "none",
            "node_cookie": str(settings.node_cookie or "where bitcoind has it"),
            "explorers": ", ".join(explorers_for(chain, settings.explorers)) or "none",
            "min_explorers": str(settings.min_explorers or MIN_EXPLORERS),
            "peers": "as the network's seeds name them" if peers is None else ", ".join(peers) or "none",
            "ledger": str(ledger),
            "headers": str(self.headers(ledger)),
            "key": str(settings.key or "none: manifests are not signed"),
            "tsa": settings.tsa or "none",
            "policy": str(settings.policy or "none"),
        }
        # What does not apply here is not where the value comes from.
        overruled = {"ledger": "--ledger"} if given else {}
        overruled |= {"require": "default"} if chain.is_test else {}
        origins = dict.fromkeys(shown, "default") | dict(self.origins) | overruled
        return [(key, value, origins[key]) for key, value in shown.items()]


def in_force() -> InForce:
    """The settings of this run. Raises InputError where the file or a variable is malformed."""
    named = os.environ.get("NOTARY_CONFIG")
    if named:
        file = Path(named)
        if not file.is_file():
            what = "not a file" if file.exists() else "there is no such file"
            raise InputError(f"{file}: {what}", "NOTARY_CONFIG names it")
    else:
        from platformdirs import user_config_path

        file = user_config_path("notary", appauthor=False) / "config.toml"
    settings, origins = read_settings(file, os.environ)
    found = InForce(settings, origins, file)
    checks: dict[str, Callable[[], object]] = {
        "network": lambda: found.network(None),
        "require": lambda: settings.require and trust_named(settings.require),
        "calendars": lambda: found.calendars(None),
        "node": lambda: found.node(found.network(None)),
        "explorers": lambda: explorers_for(found.network(None), settings.explorers),
        "peers": lambda: found.peers(found.network(None), None),
        "tsa": lambda: settings.tsa and check_url(settings.tsa, "the authority"),
    }
    for key, check in checks.items():
        if key not in origins:
            continue
        try:
            check()
        except InputError as error:
            raise InputError(f"{origins[key]}: {error.message}", *error.hints) from None
    return found


def trust_named(name: str) -> Trust:
    """Raises InputError for a level that there is not."""
    levels = {level.word: level for level in Trust if level is not Trust.NONE}
    if name not in levels:
        raise InputError(f"unknown trust {name!r}", f"the levels are {', '.join(levels)}")
    return levels[name]


def _local_folder(ledger: Path) -> Path:
    return ledger.with_name(ledger.stem + ".localnet")


def worker_count(jobs: int | None) -> int:
    return jobs or os.cpu_count() or 1


def hermetic(ledger: Path) -> Outside:
    """Nothing but this machine: for the demo, which asks nobody and follows no settings."""
    return Outside(
        clock=lambda: datetime.now(UTC),
        randomness=secrets.token_bytes,
        local_folder=_local_folder(ledger),
    )
