"""Every command shown in the READMEs is run, and every command of the program is in the README."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from notary.cli.app import app
from notary.localnet.calendar import running
from tests.conftest import ROOT, Notary, now

NODE = "http://127.0.0.1:8332"

# The two commands that install are run by .ci/run, in fresh environments; this test sees that it does.
INSTALL = re.compile(r"^python -m pip install (.+) && (.+)$")


def shown(document: Path) -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```$", document.read_text(), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


@pytest.mark.parametrize("document", ["README.md", "samples/README.md"])
def test_every_command_shown_is_run(notary: Notary, evidence: Path, tmp_path: Path, document: str) -> None:
    lines = shown(ROOT / document)
    assert lines
    shutil.copytree(evidence, tmp_path / "my-invention")
    shutil.copytree(evidence, tmp_path / "samples" / "evidence")
    ledger = Path(notary.environment["NOTARY_LEDGER"])
    folder = tmp_path
    # The public network is not to be had in a test; everything else is as the reader has it.
    environment = notary.environment | {"NOTARY_NETWORK": "local", "HOME": str(tmp_path / "home")}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    batch = ""
    with running(ledger.with_name("ledger.localnet"), now, os.urandom) as network:
        port = network.address.rpartition(":")[2]
        settings = tmp_path / "home" / ".bitcoin" / "bitcoin.conf"
        settings.parent.mkdir(parents=True)
        settings.write_text(f"rpcuser=a\nrpcpassword=b\nrpcport={port}\n")
        for line in lines:
            if INSTALL.match(line):
                continue
            command = line.replace("BATCH", batch).replace(NODE, f"http://a:b@127.0.0.1:{port}")
            if command.startswith("cd "):
                folder = folder / command.removeprefix("cd ")
                continue
            done = subprocess.run(
                ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, timeout=60
            )
            assert done.returncode == 0, (line, done.stdout, done.stderr)
            if found := re.match(r"batch (\w{12}):", done.stdout):
                batch = found[1]
            if command.startswith("ots verify"):
                assert "Success!" in done.stderr


def test_ci_runs_the_commands_that_install() -> None:
    script = (ROOT / ".ci" / "run").read_text().replace(" -q ", " ")
    installs = [match for line in shown(ROOT / "README.md") if (match := INSTALL.match(line))]
    assert len(installs) == 2
    for match in installs:
        assert match[0] in script


def test_every_command_is_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text()
    names = [command.callback.__name__ for command in app.registered_commands if command.callback]
    assert names
    for name in names:
        assert f"notary {name}" in text


def test_the_help_of_every_command_shows(notary: Notary) -> None:
    assert notary("--help").code == 0
    for command in app.registered_commands:
        assert command.callback
        answer = notary(command.callback.__name__, "--help")
        assert answer.code == 0
        for option in ("--json", "--quiet", "--ledger"):
            assert option in answer.out
