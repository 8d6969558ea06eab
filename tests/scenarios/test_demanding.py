"""notary.demanding: whatever options and settings say, what is demanded is never less than the policy."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notary.cli.options import InForce
from notary.cli.policy import verification_demands, verification_policy
from notary.core.header import NETWORKS, Trust
from notary.demanding import Demands, Options, demanded
from notary.edges.explorers import MIN_EXPLORERS
from notary.edges.policy_file import ALGORITHMS, PolicyFile
from notary.edges.settings import Settings
from notary.errors import InputError

HOSTS = ("https://a.example/api", "https://b.example", "http://c.example:8000")
LEVELS = [level for level in Trust if level is not Trust.NONE]


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


def some_of(names: Any, least: int) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(list(names)), min_size=least, unique=True).map(tuple)


FILES = maybe(st.sampled_from([Path("/one"), Path("/two")]))
NAMES = maybe(st.sampled_from(list(NETWORKS)))
POLICIES = st.builds(
    PolicyFile,
    networks=maybe(some_of(NETWORKS, 1)),
    require=maybe(st.sampled_from(LEVELS)),
    confirmations=maybe(st.integers(1, 20)),
    explorers=maybe(some_of(HOSTS, 0)),
    min_explorers=maybe(st.integers(1, 5)),
    signers=FILES,
    require_signature=st.booleans(),
    required_signers=some_of(("ada", "grace"), 0),
    algorithms=maybe(some_of(ALGORITHMS, 1).map(frozenset)),
    tsa_roots=FILES,
    require_token=st.booleans(),
    tsa_policies=some_of(("1.2.3", "2.999"), 0),
)
SETTINGS = st.builds(
    Settings,
    network=NAMES,
    confirmations=maybe(st.integers(1, 20)),
    explorers=maybe(some_of((*HOSTS, "https://d.example"), 0)),
    min_explorers=maybe(st.integers(1, 5)),
)
OPTIONS = st.builds(Options, network=NAMES, require=maybe(st.sampled_from(LEVELS)), signers=FILES, tsa_roots=FILES)
TRUSTS = maybe(st.sampled_from(LEVELS))


def told(*given: Any) -> Demands | None:
    """What is demanded, or None where that is refused."""
    try:
        return demanded(*given)
    except InputError:
        return None


@given(policy=POLICIES, settings=SETTINGS, settled=TRUSTS, options=OPTIONS)
def test_a_policy_is_never_weakened(
    policy: PolicyFile, settings: Settings, settled: Trust | None, options: Options
) -> None:
    found = told(policy, settings, settled, options)
    if found is None:
        return
    assert found.network.name in (policy.networks or NETWORKS)
    assert found.require >= (policy.require or Trust.WORK)
    assert found.confirmations >= max(policy.confirmations or 1, settings.confirmations or 1)
    assert found.min_explorers >= max(policy.min_explorers or 1, settings.min_explorers or 1)
    if policy.explorers is not None:
        assert found.explorers is not None
        assert set(found.explorers) <= set(policy.explorers)
    for named, used in ((policy.signers, found.signers), (policy.tsa_roots, found.tsa_roots)):
        assert named is None or used == named
    assert found.require_signature >= policy.require_signature
    assert found.require_token >= policy.require_token
    assert found.tsa_policies == policy.tsa_policies
    assert found.required_signers == policy.required_signers
    assert found.algorithms == policy.algorithms
    assert not found.required_signers or (found.require_signature and found.signers)
    assert not found.require_token or found.tsa_roots


@given(policy=POLICIES, settings=SETTINGS, settled=TRUSTS, options=OPTIONS)
def test_settings_are_never_why_a_policy_is_refused(
    policy: PolicyFile, settings: Settings, settled: Trust | None, options: Options
) -> None:
    """Options are somebody's word for this one verification; what was settled long ago only adds, where it can."""
    alone = told(policy, Settings(), None, options)
    both = told(policy, settings, settled, options)
    assert (alone is None) == (both is None)


@given(policy=POLICIES, settings=SETTINGS, settled=TRUSTS, options=OPTIONS, demand=POLICIES)
def test_a_demand_more_never_lets_more_count(
    policy: PolicyFile, settings: Settings, settled: Trust | None, options: Options, demand: PolicyFile
) -> None:
    """Each demand that another policy has, added where this one says nothing."""
    # A level or a number that is demanded counts in place of the default; so it may be less than that.
    added = {
        key: getattr(policy, key) or getattr(demand, key)
        for key in ("networks", "signers", "required_signers", "algorithms", "tsa_roots", "require_token")
    }
    before, after = told(policy, settings, settled, options), told(replace(policy, **added), settings, settled, options)
    if before is None or after is None or before.network != after.network:
        return
    assert after.require_signature >= before.require_signature
    assert after.require_token >= before.require_token
    assert before.algorithms is None or after.algorithms == before.algorithms
    assert (after.require, after.confirmations, after.explorers, after.min_explorers) == (
        *(before.require, before.confirmations, before.explorers, before.min_explorers),
    )


@given(settings=SETTINGS, settled=TRUSTS, options=OPTIONS)
def test_without_a_policy_all_is_as_it_was(settings: Settings, settled: Trust | None, options: Options) -> None:
    settings = replace(settings, require=settled.word if settled else None)
    settled_here = InForce(settings, {}, Path("config.toml"))
    level = options.require.word if options.require else None
    demands, asked = verification_demands(settled_here, network=options.network, require=level)
    chain = settled_here.network(options.network)
    assert verification_policy(demands) == settled_here.policy(chain, level)
    assert asked.settings.explorers == settings.explorers
    assert asked.settings.min_explorers == (settings.min_explorers or MIN_EXPLORERS)


# -- one by one -----------------------------------------------------------------------------------------------------

NOTHING = PolicyFile()


def refused(policy: PolicyFile, options: Options, settings: Settings | None = None) -> str:
    with pytest.raises(InputError) as caught:
        demanded(policy, settings or Settings(), None, options)
    return " ".join((caught.value.message, *caught.value.hints))


def test_an_option_below_the_policy_is_refused_in_words() -> None:
    words = refused(PolicyFile(require=Trust.CHAIN), Options(require=Trust.WORK))
    assert "--require work" in words
    assert "chain" in words
    words = refused(PolicyFile(networks=("bitcoin",)), Options(network="local"))
    assert "--network local" in words
    assert "bitcoin" in words
    for option, key in (("--signers", "signers"), ("--tsa-roots", "tsa_roots")):
        words = refused(PolicyFile(**{key: Path("mine")}), Options(**{key: Path("other")}))
        assert option in words
        assert "mine" in words


def test_what_cannot_be_judged_is_refused() -> None:
    assert "--signers" in refused(PolicyFile(required_signers=("ada",)), Options())
    assert "--tsa-roots" in refused(PolicyFile(require_token=True), Options())
    assert demanded(PolicyFile(require_token=True), Settings(), None, Options(tsa_roots=Path("r"))).require_token


def test_the_policy_says_which_level_counts() -> None:
    def level(policy: Trust | None, settled: Trust | None, option: Trust | None, network: str = "bitcoin") -> Trust:
        return demanded(PolicyFile(require=policy), Settings(), settled, Options(network, option)).require

    assert level(None, None, None) is Trust.CHECKPOINT
    assert level(Trust.WORK, None, None) is Trust.WORK, "the verifier's own word, as with --require"
    assert level(Trust.EXPLORERS, Trust.WORK, None) is Trust.EXPLORERS
    assert level(Trust.EXPLORERS, Trust.NODE, None) is Trust.NODE
    assert level(Trust.EXPLORERS, Trust.NODE, Trust.CHAIN) is Trust.CHAIN, "an option counts more than a setting"
    assert level(None, Trust.NODE, None, "local") is Trust.WORK, "settings are meant for networks that count"
    assert level(Trust.CHAIN, None, None, "local") is Trust.CHAIN, "a policy means what it says"


def test_which_network_is_meant() -> None:
    def network(allowed: tuple[str, ...] | None, settled: str | None, option: str | None) -> str:
        return demanded(PolicyFile(networks=allowed), Settings(network=settled), None, Options(option)).network.name

    assert network(None, None, None) == "bitcoin"
    assert network(("bitcoin",), "local", None) == "bitcoin", "NOTARY_NETWORK cannot let a test network count"
    assert network(("bitcoin", "local"), "local", None) == "local"
    assert network(("local", "regtest"), None, None) == "local"
    assert network(("local", "regtest"), "bitcoin", "regtest") == "regtest"


def test_strangers_whom_the_user_does_not_ask_are_not_asked() -> None:
    def explorers(policy: tuple[str, ...] | None, settled: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return demanded(PolicyFile(explorers=policy), Settings(explorers=settled), None, Options()).explorers

    assert explorers(None, None) is None
    assert explorers(None, HOSTS) == HOSTS
    assert explorers(HOSTS, None) == HOSTS
    assert explorers(HOSTS, ()) == ()
    assert explorers((), HOSTS) == ()
    assert explorers(HOSTS, ("https://A.example/other", "https://d.example")) == HOSTS[:1], "one host is one explorer"


def test_the_same_file_by_another_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    policy = PolicyFile(signers=tmp_path / "signers")
    assert demanded(policy, Settings(), None, Options(signers=Path("signers"))).signers == tmp_path / "signers"


def test_the_policy_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text('networks = ["bitcoin"]\nrequire = "explorers"\nexplorers = ["https://a.example"]\n')
    settled = InForce(Settings(network="local", require="work", min_explorers=3), {}, tmp_path / "config.toml")
    demands, asked = verification_demands(settled, file=file)
    policy = verification_policy(demands)
    assert (policy.network.name, policy.require) == ("bitcoin", Trust.EXPLORERS)
    assert (asked.settings.explorers, asked.settings.min_explorers) == (("https://a.example",), 3)
    with pytest.raises(InputError):
        verification_demands(settled, file=file, require="work")
