"""edges.policy_file: what a verifier demands, read strictly; every error names the file and the key."""

import os
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from notary.core.header import Trust
from notary.edges.policy_file import ALGORITHMS, KEYS, PolicyFile, read_policy
from notary.errors import InputError
from tests.conftest import ROOT
from tests.edges.bounded import within, without_rights

EXAMPLE = """\
networks = ["bitcoin", "regtest"]
require = "chain"
confirmations = 12
explorers = ["https://a.example/api/", "https://b.example", "https://a.example/api"]
min_explorers = 2
signers = "keys/allowed_signers"
require_signature = true
required_signers = ["ada@example.org", "Grace Hopper"]
algorithms = ["ssh-ed25519", "rsa-sha2-512"]
tsa_roots = "/etc/roots.pem"
require_token = true
tsa_policies = ["1.3.6.1.4.1.601.10.3.1", "2.999.1"]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "policy.toml"


def refused(file: Path, text: str | bytes | None = None) -> InputError:
    if text is not None:
        file.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(InputError) as caught:
        read_policy(file)
    assert caught.value.message.startswith(f"{file}: ")
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 600
    return caught.value


# -- reading --------------------------------------------------------------------------------------------------------


def test_every_key_is_read(file: Path) -> None:
    file.write_text(EXAMPLE)
    assert read_policy(file) == PolicyFile(
        networks=("bitcoin", "regtest"),
        require=Trust.CHAIN,
        confirmations=12,
        explorers=("https://a.example/api", "https://b.example"),
        min_explorers=2,
        signers=file.parent / "keys" / "allowed_signers",
        require_signature=True,
        required_signers=("ada@example.org", "Grace Hopper"),
        algorithms=frozenset({"ssh-ed25519", "rsa-sha2-512"}),
        tsa_roots=Path("/etc/roots.pem"),
        require_token=True,
        tsa_policies=("1.3.6.1.4.1.601.10.3.1", "2.999.1"),
    )
    assert {line.partition(" ")[0] for line in EXAMPLE.splitlines()} == set(KEYS), "every key is tried here"


@pytest.mark.parametrize("line", EXAMPLE.splitlines(), ids=lambda line: line.partition(" ")[0])
def test_a_key_alone_demands_nothing_else(file: Path, line: str) -> None:
    file.write_text(EXAMPLE)
    whole = read_policy(file)
    # With a byte-order mark and Windows' line ends, as an editor may save it.
    file.write_bytes(b"\xef\xbb\xbf" + line.encode() + b"\r\n")
    key = line.partition(" ")[0]
    assert read_policy(file) == PolicyFile(**{key: getattr(whole, key)})


def test_an_empty_file_demands_nothing(file: Path) -> None:
    file.write_text("# nothing\n")
    assert read_policy(file) == PolicyFile()


def test_no_explorer_at_all_is_a_demand(file: Path) -> None:
    file.write_text("explorers = []\nmin_explorers = 3\n")
    assert read_policy(file).explorers == ()


def test_where_paths_begin(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/homes/somebody")
    monkeypatch.chdir(file.parent)
    Path("policy.toml").write_text('signers = "a"\ntsa_roots = "~/b"\n')
    policy = read_policy(Path("policy.toml"))
    assert (policy.signers, policy.tsa_roots) == (Path("a"), Path("/homes/somebody/b"))


def test_all_levels_and_algorithms(file: Path) -> None:
    for level in Trust:
        if level is not Trust.NONE:
            file.write_text(f'require = "{level.word}"')
            assert read_policy(file).require is level
    file.write_text(f"algorithms = {list(ALGORITHMS)}")
    assert read_policy(file).algorithms == frozenset(ALGORITHMS)


# -- what is malformed ----------------------------------------------------------------------------------------------

LISTS = ("networks", "explorers", "required_signers", "algorithms", "tsa_policies")
TEXTS = ("require", "signers", "tsa_roots")
NUMBERS = ("confirmations", "min_explorers")
TRUTHS = ("require_signature", "require_token")
WRONG: dict[str, tuple[str, str]] = {
    **{f"a text for {key}": (key, '"3"') for key in (*LISTS, *NUMBERS, *TRUTHS)},
    **{f"a number for {key}": (key, "1") for key in (*LISTS, *TEXTS, *TRUTHS)},
    **{f"true for {key}": (key, "true") for key in (*LISTS, *TEXTS, *NUMBERS)},
    **{f"a table for {key}": (key, "{}") for key in KEYS},
    **{f"a date for {key}": (key, "1979-05-27") for key in KEYS},
    **{f"a list in a list for {key}": (key, '[["a"]]') for key in KEYS},
    **{f"{value} for {key}": (key, value) for key in NUMBERS for value in ("0", "-1", "2.0", "1000001", "nan")},
    **{f"a blank in {key}": (key, '" "') for key in TEXTS},
    **{f"a blank among {key}": (key, '["ssh-ed25519", ""]') for key in LISTS},
    **{f"none of {key}": (key, "[]") for key in LISTS if key != "explorers"},
    **{f"an escape in {key}": (key, '"a\\u001b[31m"') for key in TEXTS},
    **{f"an escape among {key}": (key, '["a\\u202e"]') for key in LISTS},
    **{
        f"{value} as a policy": ("tsa_policies", f'["{value}"]')
        for value in ("1", "1.02", "3.1", "1.2.", "1. 2", "\u0661.2")
    },
    "no such network": ("networks", '["testnet"]'),
    "no such trust": ("require", '"all"'),
    "the trust none": ("require", '"none"'),
    "trust in capitals": ("require", '"NODE"'),
    "an algorithm that is broken": ("algorithms", '["ssh-ed25519", "ssh-rsa"]'),
    "an explorer without http": ("explorers", '["a.example"]'),
    "an explorer with a password": ("explorers", '["https://u:p@a.example"]'),
    "the home of nobody": ("signers", '"~no-such-user/x"'),
}


@pytest.mark.parametrize("what", WRONG)
def test_values_that_are_none(file: Path, what: str) -> None:
    key, value = WRONG[what]
    error = refused(file, f"{key} = {value}\n")
    assert error.message.startswith(f"{file}: {key}"), "which key is wrong is not said"
    assert "u:p" not in error.message


@pytest.mark.parametrize("text", ["network = 'bitcoin'", "Require = 'node'", "[policy]\nrequire = 'node'"])
def test_an_unknown_key_names_those_that_there_are(file: Path, text: str) -> None:
    error = refused(file, text)
    assert "there is no demand" in error.message
    assert all(key in "".join(error.hints) for key in KEYS)


def test_more_explorers_than_there_are(file: Path) -> None:
    assert "min_explorers" in refused(file, 'explorers = ["https://a.example"]\nmin_explorers = 2\n').message


@pytest.mark.parametrize(
    "data",
    [b"require", b'require = "node"\nrequire = "work"', b"\xff", bytes(1000), b"networks = " + b"[" * 20_000],
    ids=["no value", "twice", "not UTF-8", "zeros", "nested"],
)
def test_files_that_are_not_toml(file: Path, data: bytes) -> None:
    assert "not TOML" in refused(file, data).message


def test_a_file_of_any_size_is_soon_refused(file: Path) -> None:
    with file.open("wb") as stream:
        stream.truncate(100 * 2**30)
    assert "65,536 bytes" in within(5, lambda: refused(file)).message
    file.write_text("#" * (64 * 1024 - 1) + "\n")
    assert read_policy(file) == PolicyFile()


def test_what_is_no_file(file: Path) -> None:
    assert "no such file" in refused(file).message, "a policy that is not there demands nothing, and nobody would see"
    file.mkdir()
    assert refused(file).message == f"{file}: not a file"
    file.rmdir()
    os.mkfifo(file)
    assert "not a file" in within(2, lambda: refused(file)).message


def _why_unreadable(file: str) -> str:
    try:
        read_policy(Path(file))
    except InputError as error:
        return error.message
    return "it was read"


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    file = tmp_path / "policy.toml"
    file.write_text("require_token = true\n")
    file.chmod(0)
    assert without_rights(_why_unreadable, str(file)) == f"{file}: permission denied"


def test_a_policy_cannot_be_changed_once_read(file: Path) -> None:
    policy: Any = PolicyFile()
    with pytest.raises(AttributeError):
        policy.require = Trust.WORK


def test_the_readme_shows_every_key(file: Path) -> None:
    (block,) = re.findall(r"^```\n(networks = .*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    file.write_text(block)
    assert tuple(tomllib.loads(block)) == KEYS
    assert read_policy(file).require is Trust.CHAIN
