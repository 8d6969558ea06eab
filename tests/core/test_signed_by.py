"""core.signed_by: check 7, every way that it can go, with signatures by real keys."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from notary import limits
from notary.core.check import Check, Status
from notary.core.facts import BundleFacts, Facts, Policy, SignerPolicy
from notary.core.manifest import Manifest, StatedSigner, write_manifest
from notary.core.openssh import PublicKey, read_public_key
from notary.core.signed_by import SignedBy
from notary.core.signers import read_signers
from notary.core.verdict import Outcome, judge
from tests.core.test_verdict import BUNDLE, BUNDLED, MANIFEST, POLICY, proof, waiting
from tests.parties.openssh import KINDS, new_key, signed

FILE = "firm.signers"
NAMESPACE = "notary-manifest@v1"
NO_DEMANDS = SignerPolicy()
BLOCK_TIME = "20200913120000Z"  # tests.core.blocks.NOON


@dataclass(frozen=True)
class Key:
    """A key that ssh-keygen made."""

    path: Path

    @property
    def line(self) -> str:
        return " ".join(self.path.with_suffix(".pub").read_text().split()[:2])

    @property
    def public(self) -> PublicKey:
        return read_public_key(self.line)

    @property
    def stated(self) -> StatedSigner:
        return StatedSigner(self.public.line, self.public.did)

    def sign(self, message: bytes, namespace: str = NAMESPACE, *more: str) -> bytes:
        return signed(self.path, message, namespace, *more)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Key]:
    folder = tmp_path_factory.mktemp("keys")
    return {kind: Key(new_key(folder / kind, kind)) for kind in KINDS} | {
        "other": Key(new_key(folder / "other", "ed25519"))
    }


def bundle(manifest: Manifest, sign: Callable[[bytes], bytes] | bytes | None) -> BundleFacts:
    data = write_manifest(manifest)
    signature = sign(data) if callable(sign) else sign
    return replace(BUNDLE, manifest=manifest, manifest_bytes=data, signature=signature)


def by(key: Key) -> BundleFacts:
    return bundle(replace(MANIFEST, signer=key.stated), key.sign)


def judged(facts: BundleFacts, policy: SignerPolicy = NO_DEMANDS, **changes: object) -> tuple[SignedBy | None, Check]:
    whole: Facts = replace(BUNDLED, bundle=facts, **changes)  # type: ignore[arg-type]
    demands: Policy = replace(POLICY, who=policy)
    verdict = judge(whole, demands)
    check = verdict.check(7)
    assert (verdict.outcome is Outcome.FAILED) == (check.status is Status.FAILED)
    return verdict.signed_by, check


def listing(*lines: str, **more: object) -> SignerPolicy:
    return SignerPolicy(read_signers("\n".join(lines).encode()), FILE, **more)  # type: ignore[arg-type]


# -- sound ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_signature_by_each_kind_of_key(keys: dict[str, Key], kind: str) -> None:
    signer, check = judged(by(keys[kind]))
    assert check.status is Status.PASSED
    assert signer is not None
    assert (signer.key, signer.principals) == (keys[kind].public, ())
    assert signer.key.fingerprint in check.found
    assert "lists" not in check.found, "nobody gave a file of signers"


@pytest.mark.parametrize("hash_name", ["sha256", "sha512"])
def test_both_hashes(keys: dict[str, Key], hash_name: str) -> None:
    key = keys["ed25519"]
    manifest = replace(MANIFEST, signer=key.stated)
    _, check = judged(bundle(manifest, lambda data: key.sign(data, NAMESPACE, "-O", f"hashalg={hash_name}")))
    assert check.status is Status.PASSED


def test_names_that_are_declared_stay_declared(keys: dict[str, Key]) -> None:
    key = keys["ed25519"]
    manifest = replace(MANIFEST, signer=replace(key.stated, name="A. Judge", organisation="The Court"))
    signer, check = judged(bundle(manifest, key.sign))
    assert signer is not None
    assert (signer.name, signer.organisation, signer.principals) == ("A. Judge", "The Court", ())
    assert "A. Judge" not in check.found


def test_no_signature() -> None:
    signer, check = judged(BUNDLE)
    assert (signer, check.status) == (None, Status.SKIPPED)


def test_a_signature_of_a_manifest_that_states_no_signer(keys: dict[str, Key]) -> None:
    signer, check = judged(bundle(MANIFEST, keys["rsa"].sign))
    assert signer is not None
    assert (check.status, signer.name) == (Status.PASSED, None)


def test_no_manifest_at_all(keys: dict[str, Key]) -> None:
    facts = replace(by(keys["ed25519"]), manifest=None, manifest_fault="none", head=None)
    verdict = judge(replace(BUNDLED, bundle=facts), POLICY)
    assert verdict.check(7).status is Status.SKIPPED
    assert verdict.signed_by is None


# -- not sound ------------------------------------------------------------------------------------------------------


def test_a_signature_that_was_taken_away(keys: dict[str, Key]) -> None:
    signer, check = judged(replace(by(keys["ed25519"]), signature=None))
    assert (signer, check.status) == (None, Status.FAILED)
    assert "no signature" in check.found


WRONG: dict[str, Callable[[dict[str, Key], bytes], bytes]] = {
    "over other bytes": lambda keys, data: keys["ed25519"].sign(data + b"\n"),
    "in another namespace": lambda keys, data: keys["ed25519"].sign(data, "file"),
    "in a namespace that begins alike": lambda keys, data: keys["ed25519"].sign(data, NAMESPACE + "x"),
    "by another key": lambda keys, data: keys["other"].sign(data),
    "by another kind of key": lambda keys, data: keys["nistp256"].sign(data),
    "cut": lambda keys, data: keys["ed25519"].sign(data)[:-60],
    "twice": lambda keys, data: keys["ed25519"].sign(data) * 2,
    "with more behind": lambda keys, data: keys["ed25519"].sign(data) + b"\n",
    "empty": lambda keys, data: b"",
    "a text": lambda keys, data: b"signed, R. Roe\n",
    "a public key": lambda keys, data: keys["ed25519"].path.with_suffix(".pub").read_bytes(),
    "oversized": lambda keys, data: keys["ed25519"].sign(data).ljust(limits.SIGNATURE_BYTES + 1, b"\n"),
}


@pytest.mark.parametrize("how", WRONG)
def test_a_signature_that_does_not_hold(keys: dict[str, Key], how: str) -> None:
    manifest = replace(MANIFEST, signer=keys["ed25519"].stated)
    signer, check = judged(bundle(manifest, lambda data: WRONG[how](keys, data)))
    assert (signer, check.status) == (None, Status.FAILED)


def test_a_key_that_is_not_taken_vouches_for_nothing(keys: dict[str, Key], tmp_path: Path) -> None:
    key = Key(new_key(tmp_path / "short", "rsa", "", "-b", "1024"))
    signer, check = judged(bundle(MANIFEST, key.sign))
    assert signer is None
    assert check.status is not Status.PASSED
    assert judged(bundle(MANIFEST, key.sign), SignerPolicy(is_required=True))[1].status is Status.FAILED


def test_a_key_that_is_not_taken_does_not_stand_for_one_that_is(keys: dict[str, Key], tmp_path: Path) -> None:
    """Else whoever names somebody's key could have any other key sign, as long as nobody here can read that."""
    short = Key(new_key(tmp_path / "short", "rsa", "", "-b", "1024"))
    signer, check = judged(bundle(replace(MANIFEST, signer=keys["ed25519"].stated), short.sign))
    assert (signer, check.status) == (None, Status.FAILED)
    odd = StatedSigner(short.line, "did:key:z")
    signer, check = judged(bundle(replace(MANIFEST, signer=odd), short.sign))
    assert (signer, check.status) == (None, Status.SKIPPED)


def test_the_did_is_the_keys_too(keys: dict[str, Key]) -> None:
    stated = replace(keys["ed25519"].stated, did=keys["other"].public.did)
    signer, check = judged(bundle(replace(MANIFEST, signer=stated), keys["ed25519"].sign))
    assert (signer, check.status) == (None, Status.FAILED)


def test_a_key_that_is_stated_with_a_comment_is_not_the_key(keys: dict[str, Key]) -> None:
    key = keys["ed25519"]
    stated = replace(key.stated, key=f"{key.line} a comment")
    assert judged(bundle(replace(MANIFEST, signer=stated), key.sign))[1].status is Status.FAILED


# -- whose it is ----------------------------------------------------------------------------------------------------


def test_a_name_comes_with_its_origin(keys: dict[str, Key]) -> None:
    key = keys["ed25519"]
    signer, check = judged(by(key), listing(f'ada@firm.example,ada namespaces="{NAMESPACE}" {key.line}'))
    assert signer is not None
    assert (signer.principals, signer.file) == (("ada@firm.example", "ada"), FILE)
    assert f"which {FILE} lists as ada@firm.example, ada" in check.found


UNLISTED = {
    "another key": "ada {other}",
    "another namespace": 'ada namespaces="file,git" {key}',
    "a namespace that is excepted": 'ada namespaces="*,!notary-*" {key}',
    "no longer valid": 'ada valid-before="20200913115959Z" {key}',
    "not valid yet": 'ada valid-after="20200913120001Z" {key}',
    "an authority for certificates": "ada cert-authority {key}",
    "nobody": "# ada {key}",
}


@pytest.mark.parametrize("how", UNLISTED)
def test_a_name_that_does_not_apply_is_not_said(keys: dict[str, Key], how: str) -> None:
    line = UNLISTED[how].format(key=keys["ed25519"].line, other=keys["other"].line)
    signer, check = judged(by(keys["ed25519"]), listing(line))
    assert signer is not None, "the signature holds, whoever made it"
    assert (check.status, signer.principals) == (Status.PASSED, ())
    assert "ada" not in check.found
    assert f"{FILE} does not list" in check.found


@pytest.mark.parametrize("option", [f'valid-before="{BLOCK_TIME}"', f'valid-after="{BLOCK_TIME}"'])
def test_a_name_is_judged_at_the_blocks_time(keys: dict[str, Key], option: str) -> None:
    """Not at the manifest's own clock, which says 2026."""
    signer, _ = judged(by(keys["ed25519"]), listing(f"ada {option} {keys['ed25519'].line}"))
    assert signer is not None
    assert signer.principals == ("ada",)


def test_without_a_block_nobody_is_named(keys: dict[str, Key]) -> None:
    """A list holds for some time, and the manifest's clock is a stranger's."""
    key = keys["ed25519"]
    policy = listing(f'ada valid-after="20260101Z" {key.line}')
    facts = replace(BUNDLED, bundle=by(key), proof=proof(waiting()), sightings=())
    verdict = judge(facts, replace(POLICY, who=policy))
    assert verdict.outcome is Outcome.PENDING
    assert verdict.signed_by is not None
    assert verdict.signed_by.principals == ()
    assert verdict.check(7).status is Status.SKIPPED
    assert "no block dates it yet" in verdict.check(7).found


# -- what a policy demands ------------------------------------------------------------------------------------------


def test_a_policy_that_demands_a_signature(keys: dict[str, Key]) -> None:
    demand = SignerPolicy(is_required=True)
    assert judged(BUNDLE, demand)[1].status is Status.FAILED
    assert judged(by(keys["ed25519"]), demand)[1].status is Status.PASSED


def test_a_policy_that_demands_somebodys(keys: dict[str, Key]) -> None:
    lines = (f"ada {keys['ed25519'].line}", f"bo {keys['other'].line}")
    for required, kind, status in (
        (("ada",), "ed25519", Status.PASSED),
        (("bo", "ada"), "ed25519", Status.PASSED),
        (("bo",), "ed25519", Status.FAILED),
        (("ada",), "rsa", Status.FAILED),
    ):
        assert judged(by(keys[kind]), listing(*lines, required=required))[1].status is status
    assert judged(BUNDLE, listing(*lines, required=("ada",)))[1].status is Status.FAILED


def test_a_policy_that_takes_some_algorithms_only(keys: dict[str, Key]) -> None:
    demand = SignerPolicy(algorithms=frozenset({"ssh-ed25519", "rsa-sha2-256"}))
    assert judged(by(keys["ed25519"]), demand)[1].status is Status.PASSED
    assert judged(by(keys["nistp384"]), demand)[1].status is Status.FAILED
    assert judged(by(keys["rsa"]), demand)[1].status is Status.FAILED, "ssh-keygen signs with rsa-sha2-512"


def test_a_kind_of_key_that_is_not_checked_is_none_that_a_policy_takes(tmp_path: Path) -> None:
    short = bundle(MANIFEST, Key(new_key(tmp_path / "short", "rsa", "", "-b", "1024")).sign)
    assert judged(short)[1].status is Status.SKIPPED
    assert judged(short, SignerPolicy(algorithms=frozenset({"ssh-ed25519"})))[1].status is Status.FAILED
