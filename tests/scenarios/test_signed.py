"""Signed batches, as people and courts meet them: by the command line, with OpenSSH's own keys, agent and verifier."""

import json
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from notary.core.digest import head_hash, statement_hash
from notary.core.manifest import read_manifest
from tests.conftest import Notary
from tests.independent.steps import Files
from tests.parties.openssh import KINDS, agent, fingerprint, new_key, ran, signed
from tests.scenarios.bundles import LOCAL, altered, checks, exported, failed, file_of, stamped

NAMESPACE = "notary-manifest@v1"
VARIABLE = "NOTARY_KEY_PASSPHRASE"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("keys")
    made = {kind: new_key(folder / kind, kind) for kind in KINDS}
    return made | {
        "other": new_key(folder / "other", "ed25519"),
        "locked": new_key(folder / "locked", "ed25519", "open"),
    }


def public(key: Path) -> str:
    return " ".join(key.with_suffix(".pub").read_text().split()[:2])


def accepted_by_openssh(folder: Path, bundle: Path, key: Path) -> bool:
    """`ssh-keygen -Y verify`, as VERIFY.txt has it."""
    (folder / "signature").write_bytes(file_of(bundle, "notary/manifest.sig"))
    (folder / "signers").write_text(f"somebody {public(key)}\n")
    command = ("-Y", "verify", "-n", NAMESPACE, "-I", "somebody", "-s", folder / "signature", "-f", folder / "signers")
    return ran("ssh-keygen", *command, stdin=file_of(bundle, "notary/manifest.json")).returncode == 0


@pytest.fixture(scope="module")
def signed_bundle(tmp_path_factory: pytest.TempPathFactory, keys: dict[str, Path]) -> Path:
    """A bundle with one file, signed with the key `ed25519`, and attested."""
    folder = tmp_path_factory.mktemp("signed")
    (folder / "page.txt").write_text("page 17\n")
    notary = Notary(folder)
    batch = stamped(notary, "page.txt", "--key", keys["ed25519"], "--name", "R. Roe", "--organisation", "Roe & Co.")
    return exported(notary, batch, folder / "bundle.zip")


# -- every kind of key ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_keys_of_every_kind(notary: Notary, evidence: Path, tmp_path: Path, keys: dict[str, Path], kind: str) -> None:
    batch = stamped(notary, evidence, "--key", keys[kind])
    bundle = exported(notary, batch, tmp_path / "a.zip")
    assert accepted_by_openssh(tmp_path, bundle, keys[kind])
    assert not accepted_by_openssh(tmp_path, bundle, keys["other"])
    verified = notary("verify", bundle, *LOCAL, "--offline", "--json")
    assert (verified.code, checks(verified)[7]) == (0, "passed")
    assert verified.json["signature"]["fingerprint"] == fingerprint(keys[kind])[1]
    assert verified.json["signature"]["key"] == public(keys[kind])
    assert json.loads(file_of(bundle, "notary/manifest.json"))["signer"]["key"] == public(keys[kind])


def test_an_encrypted_key(notary: Notary, evidence: Path, keys: dict[str, Path], tmp_path: Path) -> None:
    for passphrase, why in ((None, "no terminal"), ("", "passphrase"), ("shut", "passphrase")):
        notary.environment.pop(VARIABLE, None)
        if passphrase is not None:
            notary.environment[VARIABLE] = passphrase
        refused = notary("stamp", evidence, *LOCAL, "--key", keys["locked"])
        assert refused.code == 2
        assert why in refused.err
        assert "shut" not in refused.out + refused.err
    assert not (tmp_path / "ledger" / "ledger.db").exists(), "a key is asked for before anything is done"
    notary.environment[VARIABLE] = "open"
    bundle = exported(notary, stamped(notary, evidence, "--key", keys["locked"]), tmp_path / "a.zip")
    assert accepted_by_openssh(tmp_path, bundle, keys["locked"])
    raw = (tmp_path / "ledger" / "ledger.db").read_bytes()
    assert b"BEGIN OPENSSH PRIVATE KEY" not in raw
    assert b"open\0" not in raw


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "nistp384"])
def test_a_key_in_an_ssh_agent(
    notary: Notary, evidence: Path, tmp_path: Path, keys: dict[str, Path], kind: str
) -> None:
    alone = tmp_path / "only.pub"
    shutil.copy(keys[kind].with_suffix(".pub"), alone)
    notary.environment.pop("SSH_AUTH_SOCK", None)
    without = notary("stamp", evidence, *LOCAL, "--key", alone)
    assert (without.code, "ssh-agent" in without.err) == (2, True)
    with agent([keys["other"]]) as socket:
        notary.environment["SSH_AUTH_SOCK"] = socket
        lacking = notary("stamp", evidence, *LOCAL, "--key", alone)
        assert (lacking.code, "does not hold" in lacking.err) == (2, True)
    with agent([keys["other"], keys[kind]]) as socket:
        notary.environment["SSH_AUTH_SOCK"] = socket
        bundle = exported(notary, stamped(notary, evidence, "--key", alone), tmp_path / "a.zip")
    assert accepted_by_openssh(tmp_path, bundle, keys[kind])
    assert notary("verify", bundle, *LOCAL, "--offline").code == 0


@pytest.mark.parametrize("content", ["", "no key\n", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"])
def test_a_file_that_is_no_key(notary: Notary, evidence: Path, tmp_path: Path, content: str) -> None:
    (tmp_path / "bad").write_text(content)
    for name in ("bad", "gone"):
        assert notary("stamp", evidence, *LOCAL, "--key", name).code == 2
    assert notary("status", "--json").json["batches"] == []


@pytest.mark.parametrize("options", [("--name", "R. Roe"), ("--organisation", "Roe")])
def test_names_go_with_a_key(notary: Notary, evidence: Path, options: tuple[str, str], keys: dict[str, Path]) -> None:
    assert notary("stamp", evidence, *LOCAL, *options).code == 2
    for text in ("x" * 4097, " ", "caf\udce9"):
        assert notary("stamp", evidence, *LOCAL, "--key", keys["ed25519"], options[0], text).code == 2


# -- who it is said to be -------------------------------------------------------------------------------------------


def test_nobody_is_named_unless_the_verifier_does(
    notary: Notary, signed_bundle: Path, tmp_path: Path, keys: dict[str, Path]
) -> None:
    plain = notary("verify", signed_bundle, *LOCAL, "--offline")
    assert f"signed with the key {fingerprint(keys['ed25519'])[1]}" in plain.out
    assert "Declared with it, and not checked: R. Roe, Roe & Co." in plain.out
    assert "lists" not in plain.out
    (tmp_path / "known").write_text(f'ada@firm.example namespaces="{NAMESPACE}" {public(keys["ed25519"])}\n')
    named = notary("verify", signed_bundle, *LOCAL, "--offline", "--signers", "known")
    assert named.code == 0
    assert ", which known lists as ada@firm.example" in named.out
    told = notary("verify", signed_bundle, *LOCAL, "--offline", "--signers", "known", "--json").json["signature"]
    assert (told["listed_as"], told["listed_in"]) == (["ada@firm.example"], "known")
    assert (told["declared_name"], told["declared_organisation"]) == ("R. Roe", "Roe & Co.")


@pytest.mark.parametrize(
    "line",
    [
        "ada {other}",
        'ada namespaces="file" {key}',
        'ada valid-before="20200101Z" {key}',
        'ada valid-after="20900101Z" {key}',
    ],
    ids=["another key", "another namespace", "expired", "not yet"],
)
def test_an_entry_that_does_not_apply_names_nobody(
    notary: Notary, signed_bundle: Path, tmp_path: Path, keys: dict[str, Path], line: str
) -> None:
    (tmp_path / "known").write_text(line.format(key=public(keys["ed25519"]), other=public(keys["other"])) + "\n")
    verified = notary("verify", signed_bundle, *LOCAL, "--offline", "--signers", "known", "--json")
    assert (verified.code, verified.json["signature"]["listed_as"]) == (0, [])
    assert "ada" not in notary("verify", signed_bundle, *LOCAL, "--offline", "--signers", "known").out
    (tmp_path / "known").write_text("what is this\n")
    assert notary("verify", signed_bundle, *LOCAL, "--offline", "--signers", "known").code == 2
    assert notary("verify", signed_bundle, *LOCAL, "--offline", "--signers", "gone").code == 2


# -- whoever steals the key later -------------------------------------------------------------------------------------


def manifest_of(files: Files) -> bytes:
    return files["notary/manifest.json"]


def signing(key: Path, namespace: str = NAMESPACE) -> Callable[[Files], None]:
    def change(files: Files) -> None:
        files["notary/manifest.sig"] = signed(key, manifest_of(files), namespace)

    return change


def taking_over(key: Path) -> Callable[[Files], None]:
    """The manifest names another signer, and is signed by that one."""

    def change(files: Files) -> None:
        stated = json.loads(manifest_of(files))
        stated["signer"] = {"key": public(key), "did": stated["signer"]["did"]}
        files["notary/manifest.json"] = json.dumps(stated).encode()
        signing(key)(files)

    return change


ATTACKS: dict[str, tuple[Callable[[dict[str, Path]], Callable[[Files], object]], set[int]]] = {
    "removed": (lambda keys: lambda files: files.pop("notary/manifest.sig"), {7, 8}),
    "signed again with another key": (lambda keys: signing(keys["other"]), {7, 8}),
    "signed again with another kind of key": (lambda keys: signing(keys["nistp256"]), {7, 8}),
    "taken over": (lambda keys: taking_over(keys["other"]), {7, 8}),
    "in another namespace": (lambda keys: signing(keys["ed25519"], "file"), {7, 8}),
    "emptied": (lambda keys: lambda files: files.update({"notary/manifest.sig": b""}), {7, 8}),
    "cut": (
        lambda keys: lambda files: files.update({"notary/manifest.sig": files["notary/manifest.sig"][:-40]}),
        {7, 8},
    ),
    "longer": (
        lambda keys: lambda files: files.update({"notary/manifest.sig": files["notary/manifest.sig"] + b"\n"}),
        {7, 8},
    ),
    "oversized": (lambda keys: lambda files: files.update({"notary/manifest.sig": bytes(65_537)}), {1}),
    "garbage": (
        lambda keys: lambda files: files.update({"notary/manifest.sig": Random(1).randbytes(400)}),  # noqa: S311 - repeatable
        {7, 8},
    ),
    "over another manifest": (
        lambda keys: lambda files: files.update({"notary/manifest.json": manifest_of(files) + b" "}),
        {7, 8},
    ),
}


@pytest.mark.parametrize("how", ATTACKS)
def test_a_signature_that_was_meddled_with(
    notary: Notary, signed_bundle: Path, tmp_path: Path, keys: dict[str, Path], how: str
) -> None:
    change, expected = ATTACKS[how]
    forged = altered(signed_bundle, tmp_path / "forged.zip", change(keys))
    result = notary("verify", forged, *LOCAL, "--offline", "--json")
    assert (result.code, failed(result)) == (1, expected)
    assert result.json["signature"] is None


@pytest.mark.parametrize("kind", ["nistp256", "rsa"])
def test_the_same_key_cannot_sign_for_the_past(
    notary: Notary, evidence: Path, tmp_path: Path, keys: dict[str, Path], kind: str
) -> None:
    """A second signature is as good as the first, but is not in the head. (Ed25519 and RSA always sign alike.)"""
    bundle = exported(notary, stamped(notary, evidence, "--key", keys[kind]), tmp_path / "a.zip")

    def again(files: Files) -> None:
        options = ("-O", "hashalg=sha256")
        files["notary/manifest.sig"] = signed(keys[kind], manifest_of(files), NAMESPACE, *options)

    forged = altered(bundle, tmp_path / "forged.zip", again)
    assert accepted_by_openssh(tmp_path, forged, keys[kind])
    result = notary("verify", forged, *LOCAL, "--offline", "--json")
    assert (result.code, failed(result)) == (1, {8})


def test_the_head_is_what_the_page_says(signed_bundle: Path) -> None:
    data, signature = (file_of(signed_bundle, f"notary/manifest.{end}") for end in ("json", "sig"))
    stated = read_manifest(data)
    head = head_hash(stated.root, stated.size, statement_hash(data, signature))
    assert file_of(signed_bundle, "notary/head.ots")[33:65] == head


# -- two at a time --------------------------------------------------------------------------------------------------


def test_two_processes_with_one_key_make_one_line(notary: Notary, tmp_path: Path, keys: dict[str, Path]) -> None:
    assert notary("status").code == 0
    (tmp_path / "one.txt").write_text("one")
    (tmp_path / "two.txt").write_text("two")
    batches = []
    for _ in range(5):
        running = [
            notary.start("stamp", name, *LOCAL, "--key", keys["ed25519"], "--no-not-before", "--json")
            for name in ("one.txt", "two.txt", "one.txt", "two.txt")
        ]
        for process in running:
            out, err = process.communicate(timeout=60)
            assert process.returncode == 0, err
            batches.append(json.loads(out))
    assert len({one["head"] for one in batches}) == 20
    previous = [one["previous"] for one in batches]
    assert len(set(previous)) == 20, "two batches name the same one before them"
    assert set(previous) == {None, *(one["head"] for one in batches)} - {
        next(iter({one["head"] for one in batches} - set(previous)))
    }
    history = notary("history", "--verify", "--json")
    assert (history.code, [line["whole"] for line in history.json["lines"]]) == (0, [True])
    assert notary("upgrade", "--json").code == 0
    for number, batch in enumerate(reversed(history.json["lines"][0]["batches"])):
        if number % 6 == 0:
            bundle = exported(notary, batch["batch"], tmp_path / "x.zip", "--with-line", "--no-certificate")
            verified = notary("verify", bundle, *LOCAL, "--offline", "--json")
            assert (verified.code, checks(verified)[16]) == (0, "passed")
            assert len(file_of(bundle, "notary/line.jsonl").splitlines()) == 19 - number


def test_killed_while_it_signs(notary: Notary, evidence: Path, tmp_path: Path, keys: dict[str, Path]) -> None:
    moments = Random(4)  # noqa: S311 - repeatable, not secret
    for _ in range(5):
        process = notary.start("stamp", evidence, *LOCAL, "--key", keys["ed25519"])
        try:
            process.communicate(timeout=moments.uniform(0.3, 1.0))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=20)
    stamped(notary, evidence, "--key", keys["ed25519"])
    assert notary("history", "--verify").code == 0
