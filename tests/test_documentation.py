"""Every command shown in the READMEs is run, and every command of the program is in the README."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from hashlib import sha256
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_group

from notary.cli.app import COMMANDS, commands
from notary.edges.authority import request_token
from notary.edges.settings import KEYS
from notary.localnet.calendar import running
from tests.conftest import ROOT, Notary, now
from tests.parties.peer import REGTEST, REGTEST_GENESIS, Peer, mine_chain

NODE = "http://127.0.0.1:8332"
AUTHORITY = "https://tsa.example.org/tsr"

# The two commands that install are run by .ci/run, in fresh environments; this test sees that it does.
INSTALL = re.compile(r"^python -m pip install (.+) && (.+)$")


def shown(document: Path) -> list[str]:
    """The lines of all blocks of commands; each block begins in the reader's own folder."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", document.read_text(), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in ["cd", *block.splitlines()]]


@pytest.mark.parametrize("document", ["README.md", "samples/README.md"])
def test_every_command_shown_is_run(notary: Notary, evidence: Path, tmp_path: Path, document: str) -> None:
    lines = shown(ROOT / document)
    assert lines
    shutil.copytree(evidence, tmp_path / "my-invention")
    shutil.copytree(evidence, tmp_path / "samples" / "evidence")
    for place in (tmp_path, tmp_path / "samples"):
        shutil.copytree(ROOT / "samples" / "production", place / "production")
    ledger = Path(notary.environment["NOTARY_LEDGER"])
    folder = tmp_path
    # The public network is not to be had in a test; everything else is as the reader has it.
    environment = notary.environment | {"NOTARY_NETWORK": "local", "HOME": str(tmp_path / "home")}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    batch = ""
    headers = [REGTEST_GENESIS, *mine_chain(2500, time=1_700_000_000)]
    with running(ledger.with_name("ledger.localnet"), now, os.urandom) as network, Peer(headers, REGTEST) as peer:
        port = network.address.rpartition(":")[2]
        settings = tmp_path / "home" / ".bitcoin" / "bitcoin.conf"
        settings.parent.mkdir(parents=True)
        settings.write_text(f"rpcuser=a\nrpcpassword=b\nrpcport={port}\n")
        (tmp_path / "roots.pem").write_bytes(network.tsa_root)
        (tmp_path / "contract.pdf").write_bytes(b"a contract")
        token = request_token(network.tsa_url, sha256(b"a contract").digest(), 1, now())
        (tmp_path / "contract.pdf.tsr").write_bytes(token)
        for line in lines:
            if INSTALL.match(line):
                continue
            command = line.replace("BATCH", batch).replace(NODE, f"http://a:b@127.0.0.1:{port}")
            command = command.replace(AUTHORITY, "local")
            if command.startswith("notary headers "):  # the embedded network has no peers
                command = f"NOTARY_NETWORK=regtest NOTARY_PEERS={peer.address} {command}"
            if command.startswith("cd"):
                folder = folder / command.removeprefix("cd ") if command != "cd" else tmp_path
                continue
            done = subprocess.run(
                ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, timeout=60
            )
            assert done.returncode == 0, (line, done.stdout, done.stderr)
            if found := re.search(r"^batch (\w{12}):", done.stdout, re.MULTILINE):
                batch = found[1]
            if command.startswith("ots verify"):
                assert "Success!" in done.stderr


def test_ci_runs_the_commands_that_install() -> None:
    script = (ROOT / ".ci" / "run").read_text().replace(" -q ", " ")
    installs = [match for line in shown(ROOT / "README.md") if (match := INSTALL.match(line))]
    assert len(installs) == 2
    for match in installs:
        assert match[0] in script


def command_names() -> list[str]:
    """All commands, those of a group behind its name."""

    app = get_group(commands(*COMMANDS))
    groups = {name: one.commands for name, one in app.commands.items() if isinstance(one, TyperGroup)}
    within = [f"{name} {command}" for name, group in groups.items() for command in group]
    return [name for name in app.commands if name not in groups] + within


def test_every_setting_is_in_the_readme() -> None:
    (block,) = re.findall(r"^```toml\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    assert tuple(tomllib.loads(block)) == KEYS


def test_every_command_is_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text()
    names = command_names()
    assert len(names) > 10
    for name in names:
        # The maintainers' own command stands in the file that it writes.
        shown_in = text if name != "headers checkpoints" else (ROOT / "notary/edges/checkpoints.txt").read_text()
        assert f"notary {name}" in shown_in


def test_the_help_of_every_command_shows(notary: Notary) -> None:
    assert notary("--help").code == 0
    for name in command_names():
        answer = notary(*name.split(), "--help")
        assert answer.code == 0
        for option in ("--json", "--quiet", "--ledger"):
            assert option in answer.out
