"""`--policy`: the file in which a verifier keeps what it demands, together with options and settings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from notary import limits
from notary.edges.files import read_whole
from notary.errors import FormatError, InputError

from .options import InForce, trust_named

if TYPE_CHECKING:
    from notary.core.facts import Policy
    from notary.core.signers import AllowedSigner
    from notary.demanding import Demands

SYSTEM = Path("system")
"""The word that means no file, but the roots that this system trusts."""

PolicyPath = Annotated[
    Path | None,
    typer.Option(
        "--policy",
        metavar="FILE",
        help="What you demand, in a TOML file; options and settings add to it. [NOTARY_POLICY]",
    ),
]
SignersFile = Annotated[
    Path | None,
    typer.Option(
        "--signers",
        metavar="FILE",
        help="Whose keys you know: allowed signers, as ssh-keygen(1) has them.",
        show_default="those of --policy",
    ),
]
TsaRoots = Annotated[
    Path | None,
    typer.Option(
        "--tsa-roots",
        metavar="FILE",
        help="Whose tokens you trust: root certificates of time-stamping authorities, PEM; or: system, for its own.",
        show_default="those of --policy",
    ),
]


def verification_demands(
    settled: InForce,
    *,
    file: Path | None = None,
    network: str | None = None,
    require: str | None = None,
    signers: Path | None = None,
    tsa_roots: Path | None = None,
) -> tuple[Demands, InForce]:
    """What a verification demands with these options, and the settings with the explorers that then count.

    Raises InputError for a malformed policy, and for an option that would weaken it.
    """
    from notary.demanding import Options, demanded
    from notary.edges.policy_file import PolicyFile, read_policy

    settings = settled.settings
    file = file or settings.policy
    demands = demanded(
        PolicyFile() if file is None else read_policy(file),
        settings,
        trust_named(settings.require) if settings.require else None,
        Options(network, trust_named(require) if require else None, signers, tsa_roots),
    )
    asked = replace(settings, explorers=demands.explorers, min_explorers=demands.min_explorers)
    return demands, replace(settled, settings=asked)


def verification_policy(demands: Demands) -> Policy:
    """The same for the judge, with what its files say. Raises InputError where one of them cannot be read."""
    from notary.core.facts import Policy, SignerPolicy, TokenPolicy
    from notary.edges.checkpoints import shipped_checkpoints

    return Policy(
        demands.network,
        demands.require,
        shipped_checkpoints(demands.network),
        demands.confirmations,
        SignerPolicy(
            _known_signers(demands.signers),
            str(demands.signers or ""),
            demands.require_signature,
            demands.required_signers,
            demands.algorithms,
        ),
        TokenPolicy(
            trusted_roots(demands.tsa_roots),
            _roots_name(demands.tsa_roots),
            demands.require_token,
            demands.tsa_policies,
        ),
    )


def _known_signers(file: Path | None) -> tuple[AllowedSigner, ...] | None:
    if file is None:
        return None
    from notary.core.signers import read_signers

    try:
        return read_signers(read_whole(file, limits.SIGNERS_BYTES))
    except FormatError as error:
        raise InputError(f"{file}: {error.message}", *error.hints) from None


def _roots_name(file: Path | None) -> str:
    return "this system's list" if file == SYSTEM else str(file or "")


def trusted_roots(file: Path | None) -> tuple[bytes, ...]:
    """The certificates of the file, in DER, or those that this system trusts; none where none is named.

    Raises InputError.
    """
    if file is None:
        return ()
    from notary.core.rfc3161 import read_roots

    if file == SYSTEM:
        from notary.edges.authority import system_roots

        return read_roots(system_roots(), _roots_name(file))
    return read_roots(read_whole(file, limits.ROOTS_BYTES), str(file))
