"""VERIFY.txt: its own lines are run in the bundle's folder by the tools that they name, and give what it says."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp

import pytest

from notary.localnet.calendar import LocalNetwork, running
from tests.conftest import Notary, now
from tests.parties.bitcoind import Bitcoind
from tests.parties.openssh import fingerprint, new_key
from tests.parties.tsa import ROOT, SIGNER, Certificates, Tsa
from tests.scenarios.certified import LOCAL, run
from tests.scenarios.test_reference_client import OTS

FURTHER = ("THE SIGNATURE", "THE SECOND CLOCK", "NOT BEFORE", "THE BATCHES BEFORE")


@dataclass(frozen=True)
class Bag:
    """An unpacked bundle, and what its VERIFY.txt says."""

    folder: Path

    @property
    def text(self) -> str:
        return (self.folder / "VERIFY.txt").read_text()

    def step(self, heading: str) -> str:
        (found,) = re.findall(rf"^\d+\. ({heading}.*?)(?=^\d+\. [A-Z]|^WHAT THIS)", self.text, re.MULTILINE | re.DOTALL)
        return str(found)

    def lines(self, heading: str, *starts: str) -> list[str]:
        """The commands of a step."""
        stripped = map(str.strip, self.step(heading).splitlines())
        return [line for line in stripped if line.startswith(starts)]

    def sh(self, *lines: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-c", "\n".join(lines)], cwd=self.folder, capture_output=True, text=True, timeout=60, check=False
        )


def unpacked(notary: Notary, batch: str, *options: str) -> Bag:
    answer = notary("export", batch, "-o", f"{batch[:8]}.zip", *options)
    assert answer.code == 0, answer.err
    folder = Path(mkdtemp(dir=notary.folder))
    run("unzip", "-q", notary.folder / f"{batch[:8]}.zip", "-d", folder)
    (bag,) = folder.iterdir()
    return Bag(bag)


@dataclass(frozen=True)
class World:
    """Three batches of one line by one key, the last with a token of a real authority; each in a block of its own."""

    bag: Bag
    heads: list[str]
    key: Path
    root: Path
    network: LocalNetwork


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("instructed")
    notary, heads = Notary(folder), []
    key, certificates = new_key(folder / "key", "ed25519"), Certificates(tmp_path_factory.mktemp("certificates"))
    root = certificates.issue("Root", ROOT)
    signer = certificates.issue("Clock", SIGNER, root)
    with (
        running(folder / "network", now, os.urandom) as network,
        Tsa(lambda query: certificates.reply(query, signer)) as tsa,
    ):
        for count, options in enumerate(((), (), ("--tsa", tsa.url, "--title", "Signed"))):
            (folder / f"{count}.txt").write_text(str(count))
            chain = ("--network", "regtest", "--calendar", network.uri)
            answer = notary("stamp", f"{count}.txt", *chain, "--key", key, *options, "--json")
            assert answer.code == 0, answer.err
            heads.append(answer.json["head"])
            network.mine()
            assert notary("upgrade").code == 0
        yield World(unpacked(notary, heads[-1], "--with-line"), heads, key, root.certificate, network)


def test_the_signature(world: World) -> None:
    _, shown = fingerprint(world.key)
    check, verify = world.bag.lines("THE SIGNATURE", "ssh-keygen -Y")
    found = world.bag.sh(check)
    assert (found.returncode, shown in found.stdout) == (0, True), found.stderr
    assert shown in world.bag.step("THE SIGNATURE")
    (line,) = world.bag.lines("THE SIGNATURE", "NAME ")
    (world.bag.folder / "signers").write_text(line.replace("NAME", "ann@example.com") + "\n")
    assert world.bag.sh(verify.replace("NAME", "ann@example.com")).returncode == 0
    assert world.bag.sh(verify.replace("NAME", "bob@example.com")).returncode != 0
    other = world.bag.sh(check.replace("manifest.json", "items.jsonl"))
    assert other.returncode != 0


def test_the_second_clock(world: World) -> None:
    bag, heading = world.bag, "THE SECOND CLOCK"
    shutil.copy(world.root, bag.folder / "roots.pem")
    (head,) = bag.lines(heading, "HEAD=")
    show, check, later = bag.lines(heading, "openssl")
    for command in (check, later):
        found = bag.sh(head, command)
        assert (found.returncode, "Verification: OK" in found.stdout) == (0, True), found.stderr
    assert "Time stamp:" in bag.sh(show).stdout
    seconds = int(later.rpartition(" ")[2])
    century = later.replace(str(seconds), str(seconds + 100 * 365 * 86_400))
    assert bag.sh(head, century).returncode != 0, "its certificate has expired by then"
    assert bag.sh(f"HEAD={'0' * 64}", check).returncode != 0


def test_from_the_head_to_the_seal(world: World) -> None:
    bag, heading = world.bag, "THE SECOND CLOCK"
    seal = bag.sh(*bag.lines(heading, "HEAD=", "TOKEN=", "printf")).stdout.split()[0]
    token = sha256((bag.folder / "notary" / "head.tsr").read_bytes()).digest()
    assert seal == sha256(b"\3" + bytes.fromhex(world.heads[-1]) + token).hexdigest()
    assert bag.step(heading).rstrip().endswith(seal)
    told = run(OTS, "--no-cache", "info", bag.folder / "notary" / "head.ots").splitlines()
    assert told[0].endswith(world.heads[-1])
    assert told[2:5] == [f"append {token.hex()}", "prepend 03", "sha256"]


@pytest.mark.bitcoind
def test_ots_verifies_past_the_token(world: World, bitcoind: Callable[[], Bitcoind]) -> None:
    node, bag = bitcoind(), world.bag
    node.feed(world.network)
    ots = [OTS, "--btc-regtest", "--no-cache", "--bitcoin-node", node.url_with_login]
    for target in (["-d", world.heads[-1], "notary/head.ots"], ["-f", "data/2.txt", "proofs/2.txt.ots"]):
        command = [*map(str, ots), "verify", *target]
        ended = subprocess.run(command, cwd=bag.folder, capture_output=True, text=True, timeout=60, check=False)
        assert "Success!" in ended.stderr, ended.stderr


def test_the_batches_before(world: World) -> None:
    manifest = json.loads((world.bag.folder / "notary" / "manifest.json").read_text())
    assert manifest["previous"] == world.heads[1]
    assert manifest["previous"] in world.bag.step("THE BATCHES BEFORE")
    computed, expected = [], []
    for line in (world.bag.folder / "notary" / "line.jsonl").read_text().splitlines():
        entry = json.loads(line)
        stated = json.loads(entry["manifest"])
        manifest_hash = sha256(entry["manifest"].encode()).digest()
        m = sha256(b"\4" + manifest_hash + sha256(entry.get("signature", "").encode()).digest()).digest()
        sized = bytes.fromhex(stated["root"]) + stated["size"].to_bytes(8, "big")
        computed.append(sha256(b"\2notary/v1\n" + sized + m).hexdigest())
        expected.append(stated.get("previous"))
    assert computed == world.heads[1::-1]
    assert expected == [world.heads[0], None]


def test_what_a_bundle_has_not_is_not_spoken_of(notary: Notary, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("note")
    made = notary("stamp", "note.txt", *LOCAL, "--no-not-before", "--json").json
    assert notary("upgrade").code == 0
    bag = unpacked(notary, made["head"])
    assert not [heading for heading in FURTHER if heading in bag.text]
    assert "The head was submitted" in bag.text
    first = unpacked(notary, made["head"], "--with-line", "--no-ots")
    assert "There are none" in first.step("THE BATCHES BEFORE")
    assert (first.folder / "notary" / "line.jsonl").read_bytes() == b""


def test_the_named_block(notary: Notary, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("note")
    made = notary("stamp", "note.txt", *LOCAL, "--json").json
    assert notary("upgrade").code == 0
    bag = unpacked(notary, made["head"])
    named = json.loads((bag.folder / "notary" / "manifest.json").read_text())["not_before"]
    said = bag.step("NOT BEFORE")
    assert f"block {named['height']}, with the hash" in said
    assert named["hash"] in said
    headers = (bag.folder / "notary" / "headers.bin").read_bytes()
    blocks = [headers[at : at + 80] for at in range(0, len(headers), 80)]
    (header,) = (one for one in blocks if sha256(sha256(one).digest()).digest()[::-1].hex() == named["hash"])
    at = run("date", "-u", "-d", f"@{int.from_bytes(header[68:72], 'little')}", "+%Y-%m-%dT%H:%M:%SZ").strip()
    assert f"says {at}." in said
