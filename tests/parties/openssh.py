"""OpenSSH itself: what we sign it verifies, and the other way round."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import sleep

import pytest

from tests.conftest import REQUIRES_PARTIES

KINDS = {
    "ed25519": ("ed25519",),
    "rsa": ("rsa", "-b", "2048"),
    "nistp256": ("ecdsa", "-b", "256"),
    "nistp384": ("ecdsa", "-b", "384"),
    "nistp521": ("ecdsa", "-b", "521"),
}
"""The options of `ssh-keygen -t` for a key of each type that we take."""


def ran(
    program: str, *arguments: str | Path, stdin: bytes = b"", environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """One of OpenSSH's programs; skips the test where there is none, unless all parties are required."""
    if shutil.which(program) is None:
        if REQUIRES_PARTIES:
            pytest.fail(f"NOTARY_REQUIRE_PARTIES is set, and there is no {program}")
        pytest.skip(f"needs {program}")
    # Times without a zone are the system's, for ssh-keygen.
    surroundings = {**os.environ, "TZ": "UTC", **(environment or {})}
    command = [program, *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, env=surroundings, timeout=60)


def new_key(path: Path, kind: str, passphrase: str = "", *more: str) -> Path:
    """A key of one of KINDS."""
    done = ran("ssh-keygen", "-q", "-t", *KINDS[kind], "-N", passphrase, "-C", f"{kind} key", "-f", path, *more)
    assert done.returncode == 0, done.stderr
    return path


def signed(key: Path, message: bytes, namespace: str, *more: str, environment: dict[str, str] | None = None) -> bytes:
    """What `ssh-keygen -Y sign` gives."""
    done = ran("ssh-keygen", "-Y", "sign", "-f", key, "-n", namespace, *more, stdin=message, environment=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def accepts(folder: Path, signature: bytes, message: bytes, namespace: str) -> bool:
    """Whether `ssh-keygen -Y check-novalidate` takes it."""
    file = folder / "checked.sig"
    file.write_bytes(signature)
    return ran("ssh-keygen", "-Y", "check-novalidate", "-n", namespace, "-s", file, stdin=message).returncode == 0


def fingerprint(path: Path) -> tuple[int, str]:
    """Bits and fingerprint, as `ssh-keygen -l` shows them."""
    bits, shown, *_ = ran("ssh-keygen", "-l", "-f", path).stdout.decode().split()
    return int(bits), shown


@contextmanager
def agent(keys: Sequence[Path], *options: str) -> Iterator[str]:
    """A real ssh-agent with these keys; gives its socket. `options` are ssh-add's."""
    ran("ssh-agent", "-h")
    # A socket's path has 100 bytes at most, and pytest's own folders may have longer ones.
    with TemporaryDirectory(prefix="agent") as folder:
        path = Path(folder) / "socket"
        command = ["ssh-agent", "-D", "-a", path]
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while not path.exists():
                assert running.poll() is None
                sleep(0.01)
            for key in keys:
                added = ran("ssh-add", *options, key, environment={"SSH_AUTH_SOCK": str(path)})
                assert added.returncode == 0, added.stderr
            yield str(path)
        finally:
            running.terminate()
            running.wait()
