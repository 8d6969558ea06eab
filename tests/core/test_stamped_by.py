"""core.stamped_by: check 9, every way that it can go, with tokens of the embedded authority and of openssl."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from notary import limits
from notary.core.check import Check, Status
from notary.core.facts import TokenPolicy
from notary.core.header import CLOCK_SLACK
from notary.core.manifest import NamedBlock
from notary.core.merkle import steps_to_seal
from notary.core.ots import write_steps
from notary.core.rfc3161 import read_roots, read_token, request_for
from notary.core.stamped_by import StampedBy
from notary.core.verdict import Outcome, Verdict, judge
from notary.localnet.authority import Authority
from tests.core.blocks import NOON
from tests.core.test_verdict import BUNDLE, BUNDLED, HEAD, POLICY, attested, proof, sighting, waiting
from tests.parties.tsa import ROOT, SIGNER, Certificates, Holder, verifies

FILE = "roots.pem"
BLOCK_CLOCK = datetime.fromtimestamp(NOON, UTC)
LATEST = BLOCK_CLOCK + CLOCK_SLACK
NO_ROOTS = TokenPolicy()
SECOND = timedelta(seconds=1)


def authority(folder: Path, at: datetime, seed: int = 1) -> Authority:
    """The embedded one, by a clock that stands."""
    return Authority(folder / f"authority-{seed}.pem", lambda: at, Random(seed).randbytes)  # noqa: S311 - repeatable


def token_at(folder: Path, at: datetime, imprint: bytes = HEAD, seed: int = 1) -> bytes:
    return authority(folder, at, seed).answer(request_for(imprint, 7))


def trusting(root: bytes) -> TokenPolicy:
    return TokenPolicy(read_roots(root, FILE), FILE)


def verdict_on(token: bytes | None, policy: TokenPolicy = NO_ROOTS, sealed: bytes | None = None) -> Verdict:
    """Of a bundle whose proof seals this token, or another one."""
    steps = token if sealed is None else sealed
    made = proof(attested())
    if steps:
        made = replace(made, timestamp=write_steps(steps_to_seal(steps)) + bytes(20))
    facts = replace(BUNDLED, bundle=replace(BUNDLE, token=token), proof=made, sightings=(sighting(),))
    verdict = judge(facts, replace(POLICY, clock=policy))
    assert (verdict.outcome is Outcome.FAILED) == (verdict.check(9).status is Status.FAILED)
    return verdict


def judged(
    token: bytes | None, policy: TokenPolicy = NO_ROOTS, sealed: bytes | None = None
) -> tuple[StampedBy | None, Check]:
    verdict = verdict_on(token, policy, sealed)
    return verdict.stamped_by, verdict.check(9)


# -- sound ----------------------------------------------------------------------------------------------------------


def test_a_token_that_leads_to_a_root(tmp_path: Path) -> None:
    token = token_at(tmp_path, BLOCK_CLOCK)
    stamped, check = judged(token, trusting(authority(tmp_path, BLOCK_CLOCK).root))
    assert check.status is Status.PASSED
    assert stamped is not None
    assert (stamped.at, stamped.file) == ("2020-09-13T12:00:00Z", FILE)
    assert stamped.root is not None
    assert stamped.root in check.found
    assert FILE in check.found
    assert "block 120 sealed it before that" in check.found


def test_without_roots_nobody_is_believed(tmp_path: Path) -> None:
    stamped, check = judged(token_at(tmp_path, BLOCK_CLOCK))
    assert check.status is Status.SKIPPED
    assert "no roots were given" in check.found
    assert stamped is not None
    assert stamped.root is None


def test_no_token() -> None:
    stamped, check = judged(None)
    assert (stamped, check.status) == (None, Status.SKIPPED)
    _, check = judged(None, TokenPolicy(is_required=True))
    assert check.status is Status.FAILED


def test_a_policy_that_demands_a_token_demands_a_root(tmp_path: Path) -> None:
    token, root = token_at(tmp_path, BLOCK_CLOCK), authority(tmp_path, BLOCK_CLOCK).root
    assert judged(token, TokenPolicy(is_required=True))[1].status is Status.FAILED
    assert judged(token, replace(trusting(root), is_required=True))[1].status is Status.PASSED


def test_a_policy_that_takes_some_policies_of_authorities_only(tmp_path: Path) -> None:
    token, root = token_at(tmp_path, BLOCK_CLOCK), authority(tmp_path, BLOCK_CLOCK).root
    own = read_token(token).policy
    for policies, status in (((own,), Status.PASSED), (("1.2.3", own), Status.PASSED), (("1.2.3",), Status.FAILED)):
        assert judged(token, replace(trusting(root), policies=policies))[1].status is status
    assert judged(token, TokenPolicy(policies=("1.2.3",)))[1].status is Status.FAILED, "whoever it is by"
    assert judged(None, TokenPolicy(policies=("1.2.3",)))[1].status is Status.SKIPPED, "none is demanded"


# -- the block is the judge of the token's time -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "status"),
    [
        (BLOCK_CLOCK - timedelta(days=300), Status.PASSED),
        (LATEST + SECOND, Status.PASSED),
        (LATEST + 2 * SECOND, Status.FAILED),
        (LATEST + timedelta(days=3650), Status.FAILED),
    ],
    ids=["long before", "in its last second, as accurate as it says", "a second later", "years later"],
)
def test_a_token_that_came_after_the_block_is_a_lie(tmp_path: Path, at: datetime, status: Status) -> None:
    token, root = token_at(tmp_path, at), authority(tmp_path, at).root
    stamped, check = judged(token, trusting(root))
    assert check.status is status
    assert (stamped is None) == (status is Status.FAILED)
    assert judged(token)[1].status is (Status.FAILED if status is Status.FAILED else Status.SKIPPED)


def test_without_a_block_its_time_is_not_judged(tmp_path: Path) -> None:
    at = BLOCK_CLOCK + timedelta(days=3650)
    token = token_at(tmp_path, at)
    made = replace(proof(waiting()), timestamp=write_steps(steps_to_seal(token)) + bytes(20))
    facts = replace(BUNDLED, bundle=replace(BUNDLE, token=token), proof=made, sightings=())
    verdict = judge(facts, replace(POLICY, clock=trusting(authority(tmp_path, at).root)))
    assert verdict.outcome is Outcome.PENDING
    assert verdict.check(9).status is Status.SKIPPED
    assert "no block seals it yet" in verdict.check(9).found


def test_a_token_that_is_older_than_the_block_that_its_manifest_names(tmp_path: Path) -> None:
    """A head that commits to a block cannot have existed before that block."""
    named = sighting(height=119)
    block = NamedBlock("regtest", 119, named.header.hash)
    earliest = datetime.fromtimestamp(named.header.time, UTC) - CLOCK_SLACK
    for at, status in ((earliest - SECOND, Status.SKIPPED), (earliest - 2 * SECOND, Status.FAILED)):
        token = token_at(tmp_path, at)
        made = replace(proof(attested()), timestamp=write_steps(steps_to_seal(token)) + bytes(20))
        assert BUNDLE.manifest is not None
        bundle = replace(BUNDLE, token=token, manifest=replace(BUNDLE.manifest, not_before=block))
        facts = replace(BUNDLED, bundle=bundle, proof=made, sightings=(sighting(), named))
        verdict = judge(facts, POLICY)
        assert verdict.check(13).status is Status.PASSED
        assert verdict.check(9).status is status, "its authority says: within a second"


# -- not sound ------------------------------------------------------------------------------------------------------


def test_another_root(tmp_path: Path) -> None:
    stranger = authority(tmp_path, BLOCK_CLOCK, seed=2).root
    stamped, check = judged(token_at(tmp_path, BLOCK_CLOCK), trusting(stranger))
    assert (stamped, check.status) == (None, Status.FAILED)


def test_over_another_head(tmp_path: Path) -> None:
    stamped, check = judged(token_at(tmp_path, BLOCK_CLOCK, bytes(32)))
    assert (stamped, check.status) == (None, Status.FAILED)
    assert "another imprint" in check.found


def test_exchanged_for_another_token_over_the_same_head(tmp_path: Path) -> None:
    """The seal commits to one token: a later one, though sound, was not there before the block."""
    first, other = token_at(tmp_path, BLOCK_CLOCK), token_at(tmp_path, BLOCK_CLOCK - SECOND, seed=2)
    stamped, check = judged(other, sealed=first)
    assert (stamped, check.status) == (None, Status.FAILED)
    assert "does not lead past it" in check.found


def test_beside_a_proof_that_seals_none(tmp_path: Path) -> None:
    assert judged(token_at(tmp_path, BLOCK_CLOCK), sealed=b"")[1].status is Status.FAILED


BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda token: b"",
    "cut": lambda token: token[:-1],
    "longer": lambda token: token + b"\0",
    "a refusal": lambda token: bytes.fromhex("30053003020102"),
    "its token alone": lambda token: token[9:],
    "garbage": lambda token: Random(1).randbytes(3000),  # noqa: S311 - repeatable
    "nested without end": lambda token: b"\x30\x80" * 10_000,
    "oversized": lambda token: b"\x30\x83\x01\x00\x01" + bytes(limits.TOKEN_BYTES),
}


@pytest.mark.parametrize("how", BROKEN)
def test_what_is_no_token(tmp_path: Path, how: str) -> None:
    token = BROKEN[how](token_at(tmp_path, BLOCK_CLOCK))
    stamped, check = judged(token, sealed=token or None)
    assert (stamped, check.status) == (None, Status.FAILED)
    assert len(check.found) < 400


def test_no_byte_of_a_token_can_be_another(tmp_path: Path) -> None:
    """Even where the proof is made to seal it."""
    token = token_at(tmp_path, BLOCK_CLOCK)
    policy = trusting(authority(tmp_path, BLOCK_CLOCK).root)
    for at in range(0, len(token), 11):
        changed = token[:at] + bytes([token[at] ^ 1]) + token[at + 1 :]
        stamped, check = judged(changed, policy)
        assert (stamped, check.status) == (None, Status.FAILED), at


def with_validity(monkeypatch: pytest.MonkeyPatch, until: datetime) -> None:
    """Authorities that are made from here on have certificates until then."""
    monkeypatch.setattr("notary.localnet.authority.VALID_TO", until)


def test_a_certificate_that_expired_since_then_is_judged_by_the_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the sealing is for: openssl, which asks today's clock, takes it no more."""
    with_validity(monkeypatch, LATEST + SECOND)
    token, root = token_at(tmp_path, BLOCK_CLOCK), tmp_path / "root.pem"
    root.write_bytes(authority(tmp_path, BLOCK_CLOCK).root)
    assert not verifies(token, HEAD, root)
    assert verifies(token, HEAD, root, "-attime", str(NOON))
    stamped, check = judged(token, trusting(root.read_bytes()))
    assert check.status is Status.PASSED
    assert stamped is not None


def test_a_certificate_that_had_expired_before_the_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever broke its key since then could have made the token before the block was mined."""
    with_validity(monkeypatch, BLOCK_CLOCK)
    at = BLOCK_CLOCK - timedelta(days=1)
    token, policy = token_at(tmp_path, at), trusting(authority(tmp_path, at).root)
    _, check = judged(token, policy)
    assert check.status is Status.SKIPPED
    assert "expired" in check.found
    assert judged(token, replace(policy, is_required=True))[1].status is Status.FAILED


def test_a_token_of_after_its_certificate_expired(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_validity(monkeypatch, BLOCK_CLOCK - SECOND)
    stamped, check = judged(token_at(tmp_path, BLOCK_CLOCK))
    assert (stamped, check.status) == (None, Status.FAILED)


# -- certificates of openssl's ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class World:
    certificates: Certificates
    root: Holder

    def token(self, signer: Holder, *chain: Holder) -> bytes:
        return self.certificates.reply(request_for(HEAD, 7), signer, *chain)

    @property
    def policy(self) -> TokenPolicy:
        return trusting(self.root.certificate.read_bytes())


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    certificates = Certificates(tmp_path_factory.mktemp("openssl"))
    return World(certificates, certificates.issue("Root", ROOT))


def judged_now(token: bytes, policy: TokenPolicy) -> tuple[StampedBy | None, Check]:
    """Without a block: openssl's tokens are of today, and the blocks here of 2020."""
    made = replace(proof(waiting()), timestamp=write_steps(steps_to_seal(token)) + bytes(20))
    verdict = judge(replace(BUNDLED, bundle=replace(BUNDLE, token=token), proof=made), replace(POLICY, clock=policy))
    return verdict.stamped_by, verdict.check(9)


def test_a_signer_that_is_not_for_time_stamping(world: World) -> None:
    extensions = tuple(one for one in SIGNER if not one.startswith("extendedKeyUsage"))
    sound = world.token(world.certificates.issue("Signer", SIGNER, world.root))
    plain = world.certificates.issue("Plain", extensions, world.root)
    stamped, check = judged_now(world.certificates.signed_again(sound, plain), world.policy)
    assert (stamped, check.status) == (None, Status.FAILED)
    assert "not for time-stamping" in check.found


def test_an_injected_certificate_leads_nowhere(world: World) -> None:
    """A stranger's signer, whose token carries the trusted root and another signer of it."""
    stranger = world.certificates.issue("Root", ROOT)
    signer = world.certificates.issue("Signer", SIGNER, stranger)
    beside = world.certificates.issue("Signer", SIGNER, world.root)
    token = world.token(signer, world.root, beside)
    assert not verifies(token, HEAD, world.root.certificate)
    stamped, check = judged_now(token, world.policy)
    assert (stamped, check.status) == (None, Status.FAILED)
