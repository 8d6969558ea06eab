"""What a verification demands, from a policy, the user's settings, and options: each can only add to the one before.

An option that would weaken the policy is an error, since somebody means it; a setting that would does not count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from notary.core.header import CONFIRMATIONS, Network, Trust, network_named
from notary.edges.explorers import MIN_EXPLORERS, explorer_name
from notary.edges.policy_file import PolicyFile
from notary.edges.settings import Settings
from notary.errors import InputError


@dataclass(frozen=True, slots=True)
class Options:
    """What the options of a command ask for; None where they were not given."""

    network: str | None = None
    require: Trust | None = None
    signers: Path | None = None
    tsa_roots: Path | None = None


@dataclass(frozen=True, slots=True)
class Demands:
    """What is demanded in all; `explorers` of None are the default ones, `algorithms` of None all that we know."""

    network: Network
    require: Trust
    confirmations: int
    explorers: tuple[str, ...] | None
    min_explorers: int
    signers: Path | None
    require_signature: bool
    required_signers: tuple[str, ...]
    algorithms: frozenset[str] | None
    tsa_roots: Path | None
    require_token: bool
    tsa_policies: tuple[str, ...]


def demanded(policy: PolicyFile, settings: Settings, settled: Trust | None, options: Options) -> Demands:
    """The strictest of all three. `settled` is the trust that the settings name; it is meant for networks that count.

    Raises InputError where an option would weaken the policy, or the policy demands what it has no file to judge by.
    """
    network = _network(policy.networks, settings.network, options.network)
    floor = policy.require
    if floor is not None and options.require is not None and options.require < floor:
        raise InputError(
            f"--require {options.require.word} is less than the policy demands", f"it demands {floor.word}"
        )
    levels = (floor, None if network.is_test else settled)
    signers = _only("--signers", policy.signers, options.signers)
    tsa_roots = _only("--tsa-roots", policy.tsa_roots, options.tsa_roots)
    if policy.required_signers and signers is None:
        raise InputError("the policy demands certain signers, and no file says which keys are theirs", "--signers FILE")
    if policy.require_token and tsa_roots is None:
        raise InputError("the policy demands a token, and no file says whose", "--tsa-roots FILE")
    return Demands(
        network=network,
        require=options.require or max((one for one in levels if one), default=network.least_trust),
        confirmations=max(policy.confirmations or 0, settings.confirmations or 0) or CONFIRMATIONS,
        explorers=_explorers(policy.explorers, settings.explorers),
        min_explorers=max(policy.min_explorers or 0, settings.min_explorers or 0) or MIN_EXPLORERS,
        signers=signers,
        require_signature=policy.require_signature or bool(policy.required_signers),
        required_signers=policy.required_signers,
        algorithms=policy.algorithms,
        tsa_roots=tsa_roots,
        require_token=policy.require_token,
        tsa_policies=policy.tsa_policies,
    )


def _network(allowed: Sequence[str] | None, settled: str | None, given: str | None) -> Network:
    if given and allowed is not None and given not in allowed:
        raise InputError(f"--network {given} is none that the policy lets count", f"those are {', '.join(allowed)}")
    if allowed is None or given or settled in allowed:
        return network_named(given or settled or "bitcoin")
    return network_named(allowed[0])


def _explorers(named: tuple[str, ...] | None, settled: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Those of the policy that the settings do not leave out: who is to ask no strangers names none."""
    if named is None or settled is None:
        return settled if named is None else named
    asked = {explorer_name(url) for url in settled}
    return tuple(url for url in named if explorer_name(url) in asked)


def _only(option: str, named: Path | None, given: Path | None) -> Path | None:
    """The policy's file: another one, with other keys in it, could let more count."""
    if named is not None and given is not None and named.absolute() != given.absolute():
        raise InputError(f"{option} {given}: the policy names another file, {named}", f"leave {option} out")
    return named or given
