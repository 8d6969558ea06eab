"""`notary verify --policy`, on bundles that real keys have signed: what is demanded is demanded, whoever says less."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Notary, Result

LOCAL = ("--network", "local")


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """Keys of ssh-keygen for Ada and for Mallory; a file that knows Ada's."""
    for name in ("ada", "mallory"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", tmp_path / name]
        subprocess.run(command, check=True)
    for name in ("ada", "mallory"):
        public = " ".join((tmp_path / f"{name}.pub").read_text().split()[:2])
        (tmp_path / f"signers of {name}").write_text(f"{name}@example.org {public}\n")
    return tmp_path


@pytest.fixture
def bundle(notary: Notary, evidence: Path, keys: Path) -> Callable[..., Path]:
    """Bundles that a block attests, with options of the stamp."""

    def make(name: str, *options: str) -> Path:
        stamped = notary("stamp", evidence, *LOCAL, "--json", *options)
        assert stamped.code == 0, stamped.err
        assert notary("upgrade").code == 0
        exported = notary("export", stamped.json["batch"], "-o", name, "--no-certificate", "--json")
        assert exported.code == 0, exported.err
        return keys / name

    return make


def verify(notary: Notary, bundle: Path, policy: str, *options: str | Path) -> Result:
    (notary.folder / "policy.toml").write_text(policy)
    return notary("verify", bundle, "--policy", "policy.toml", "--json", *options)


def status_of(answer: Result, number: int) -> Any:
    return next(check["status"] for check in answer.json["checks"] if check["number"] == number)


def test_the_network_and_the_trust(notary: Notary, bundle: Callable[..., Path]) -> None:
    plain = bundle("plain.zip")
    assert verify(notary, plain, 'networks = ["local"]').json["verdict"] == "verified"
    notary.environment |= {"NOTARY_NETWORK": "local", "NOTARY_REQUIRE": "work", "NOTARY_CONFIRMATIONS": "1"}
    strict = verify(notary, plain, 'networks = ["bitcoin"]')
    assert (strict.code, strict.json["verdict"]) == (3, "unconfirmed"), "a setting lets a test network count"
    least = verify(notary, plain, 'networks = ["local"]\nrequire = "chain"')
    assert (least.code, least.json["verdict"]) == (3, "unconfirmed")
    for policy, options in (
        ('networks = ["bitcoin"]', LOCAL),
        ('networks = ["local"]\nrequire = "chain"', ("--require", "explorers")),
        ('networks = ["local"]\nsigners = "signers of ada"', ("--signers", "signers of mallory")),
        ('networks = ["local"]\nrequire_token = true', ()),
        ('networks = ["local"]\nsigners = "no such file"', ()),
        ('networks = ["local"]\nleast = "work"', ()),
    ):
        refused = verify(notary, plain, policy, *options)
        assert (refused.code, refused.json["exit_code"]) == (2, 2), policy
    assert notary("verify", plain, "--policy", "missing.toml").code == 2


def test_who_has_to_have_signed(notary: Notary, bundle: Callable[..., Path]) -> None:
    plain, by_ada, by_mallory = bundle("p.zip"), bundle("a.zip", "--key", "ada"), bundle("m.zip", "--key", "mallory")
    network = 'networks = ["local"]\n'
    hers = f'{network}signers = "signers of ada"\nrequired_signers = ["ada@example.org"]\n'
    for one, policy, verdict in (
        (plain, network, "verified"),
        (plain, f"{network}require_signature = true", "failed"),
        (by_mallory, f"{network}require_signature = true", "verified"),
        (plain, hers, "failed"),
        (by_ada, hers, "verified"),
        (by_mallory, hers, "failed"),
        (by_ada, hers.replace("ada@example.org", "grace@example.org"), "failed"),
        (by_ada, f'{network}algorithms = ["ssh-ed25519"]', "verified"),
        (by_ada, f'{network}algorithms = ["rsa-sha2-512"]', "failed"),
    ):
        answer = verify(notary, one, policy)
        assert answer.json["verdict"] == verdict, (one.name, policy)
        assert answer.code == (verdict == "failed")
        assert (status_of(answer, 7) == "failed") == (verdict == "failed"), "it is the signature that is wanting"
    weaker = verify(notary, by_mallory, hers, "--signers", "signers of mallory")
    assert weaker.code == 2, "another file would name another key"
    assert verify(notary, by_ada, hers, "--signers", notary.folder / "signers of ada").code == 0
