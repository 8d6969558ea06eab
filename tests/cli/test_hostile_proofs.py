"""The 59 hostile proofs of ../shared/data/hostile: none crashes, hangs, swells, contacts anything, or passes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import SHARED_DATA, Notary

HOSTILE = SHARED_DATA / "hostile"
ORIGINALS = SHARED_DATA / "mainnet" / "proofs"

# Runs in a process of its own: an audit hook cannot be taken off again, and its memory can be bounded.
RUN_ALL = """
import io, json, sys, time
from contextlib import redirect_stderr, redirect_stdout

def no_network(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        contacted.append(event)

contacted, answers = [], []
sys.addaudithook(no_network)
from notary.cli.app import run
for proof, evidence in json.loads(sys.stdin.read()):
    out, err = io.StringIO(), io.StringIO()
    begin = time.perf_counter()
    with redirect_stdout(out), redirect_stderr(err):
        code = run(["verify", proof, evidence, "--json"])
    answers.append([proof, code, time.perf_counter() - begin, out.getvalue(), err.getvalue()])
# Its own peak: what `getrusage` tells has the parent's in it, from before the exec.
with open("/proc/self/status") as status:
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
print(json.dumps([answers, contacted, peak]))
"""


@pytest.mark.shared_data
def test_hostile_proofs(notary: Notary) -> None:
    cases = json.loads((HOSTILE / "hostile.json").read_text())
    assert len(cases) >= 59
    pairs = [[str(HOSTILE / case["file"]), str(ORIGINALS / case["original"])] for case in cases]
    ended = subprocess.run(
        [sys.executable, "-c", RUN_ALL], input=json.dumps(pairs), capture_output=True, text=True, env=notary.environment
    )
    assert ended.returncode == 0, ended.stderr
    answers, contacted, peak_kib = json.loads(ended.stdout)
    assert contacted == []
    assert peak_kib < 200 * 1024
    for proof, code, seconds, out, err in answers:
        name = Path(proof).name
        assert seconds < 1.0, name
        assert code in (1, 2, 3), (name, code, out)
        assert "Traceback" not in err
        document = json.loads(out)
        assert document.get("verdict") in ("failed", "pending", "unconfirmed", None), name
        if code == 2:
            assert name in document["error"], document
