"""core.signers: the same answers as ssh-keygen gives for a file of allowed signers; and files that are none."""

from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from time import monotonic

import pytest

from notary import limits
from notary.core.openssh import PublicKey, read_public_key, write_string
from notary.core.signature import NAMESPACE
from notary.core.signers import matches_list, principals_of, read_signers
from notary.errors import FormatError
from tests.parties.openssh import new_key, ran, signed

MESSAGE = b"a manifest"
AT = datetime(2026, 6, 1, 12, 0, 0, tzinfo=UTC)


class Bench:
    """Three keys; a signature of the first, and ssh-keygen to ask about it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        paths = [new_key(folder / name, kind) for name, kind in (("a", "ed25519"), ("b", "nistp256"), ("c", "rsa"))]
        self.keys: list[PublicKey] = [read_public_key(path.with_suffix(".pub").read_text()) for path in paths]
        (folder / "message.sig").write_bytes(signed(paths[0], MESSAGE, NAMESPACE))

    def file(self, text: str) -> Path:
        for name, key in zip("ABC", self.keys, strict=True):
            text = text.replace(f"KEY_{name}", key.line)
        path = self.folder / "signers"
        path.write_text(text)
        return path

    def asked(self, verb: str, file: Path, at: datetime, *more: str) -> tuple[bool, str]:
        """Whether ssh-keygen says yes, and what."""
        time = f"verify-time={at.astimezone(UTC):%Y%m%d%H%M%S}Z"
        options = ("-O", time, "-f", file, "-s", self.folder / "message.sig", *more)
        done = ran("ssh-keygen", "-Y", verb, *options, stdin=MESSAGE)
        return done.returncode == 0, done.stdout.decode().strip()

    def found(self, file: Path, at: datetime) -> tuple[str, ...]:
        return principals_of(read_signers(file.read_bytes()), self.keys[0], NAMESPACE, at)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("signers"))


# -- as ssh-keygen has it -------------------------------------------------------------------------------------------

ONE_LINE = {
    "plain": "ada@example.com KEY_A",
    "a comment": "ada@example.com KEY_A Ada's key, of 2026",
    "tabs and blanks": "  ada@example.com\t \tKEY_A  ",
    "several": "ada@example.com,ada@example.org,ada KEY_A",
    "a pattern": "*@example.com KEY_A",
    "in quotation marks": '"ada@example.com" KEY_A',
    "another's key": "bob@example.com KEY_B",
    "its namespace": f'ada@example.com namespaces="{NAMESPACE}" KEY_A',
    "a list of namespaces": f'ada@example.com namespaces="git,{NAMESPACE},file" KEY_A',
    "a pattern of namespaces": 'ada@example.com namespaces="notary-*" KEY_A',
    "another namespace": 'ada@example.com namespaces="git" KEY_A',
    "all but its namespace": f'ada@example.com namespaces="!{NAMESPACE},*" KEY_A',
    "valid since": 'ada@example.com valid-after="20260101Z" KEY_A',
    "valid until": 'ada@example.com valid-before="20270101Z" KEY_A',
    "valid in a range": 'ada@example.com valid-after="202601010000Z",valid-before="20270101000000Z" KEY_A',
    "not yet": 'ada@example.com valid-after="20260602Z" KEY_A',
    "no longer": 'ada@example.com valid-before="20260531Z" KEY_A',
    "to the second": 'ada@example.com valid-after="20260601120000Z",valid-before="20260601120001Z" KEY_A',
    "a second too late": 'ada@example.com valid-before="20260601115959Z" KEY_A',
    "in the system's zone": 'ada@example.com valid-after="20260601" KEY_A',
    "capitals": f'ada@example.com NAMESPACES="{NAMESPACE}",Valid-After="20200101Z" KEY_A',
    "as an authority": "ada@example.com cert-authority KEY_A",
    "nothing": "# nobody",
}


@pytest.mark.parametrize("what", ONE_LINE)
def test_one_line_as_ssh_keygen_reads_it(bench: Bench, what: str) -> None:
    file = bench.file(ONE_LINE[what])
    names = bench.found(file, AT)
    # find-principals looks at no namespace; verify does.
    found, said = bench.asked("find-principals", file, AT)
    if names:
        assert found
        assert said.replace("\n", ",") == ",".join(names)  # releases differ in what stands between them
    name = said.replace("\n", ",").partition(",")[0].replace("*", "x") or "ada@example.com"
    agrees, _ = bench.asked("verify", file, AT, "-n", NAMESPACE, "-I", name)
    assert agrees == bool(names)


@pytest.mark.parametrize("shift", [-1, 0, 1])
@pytest.mark.parametrize("option", ["valid-after", "valid-before"])
def test_the_second_at_which_it_changes(bench: Bench, option: str, shift: int) -> None:
    at = AT + timedelta(seconds=shift)
    file = bench.file(f'ada {option}="{AT:%Y%m%d%H%M%S}Z" KEY_A')
    agrees, _ = bench.asked("verify", file, at, "-n", NAMESPACE, "-I", "ada")
    assert bool(bench.found(file, at)) == agrees
    east = at.astimezone(timezone(timedelta(hours=9)))
    assert bench.found(file, east) == bench.found(file, at)


def test_a_file_of_many(bench: Bench) -> None:
    """Names of all lines that count, each once; ssh-keygen stops at the first."""
    text = """# the firm's keys

        bob@example.com KEY_B
        ada@example.com,ada KEY_A
        carol@example.com namespaces="file" KEY_A
        late@example.com valid-after="20300101Z" KEY_A
        ada@example.com,!eve@example.com,*@example.org KEY_A her second line
        carol@example.com KEY_C\r
    """
    file = bench.file(text)
    assert bench.found(file, AT) == ("ada@example.com", "ada", "*@example.org")
    entries = read_signers(file.read_bytes())
    assert [entry.line for entry in entries] == [3, 4, 5, 6, 7, 8]
    assert principals_of(entries, bench.keys[1], NAMESPACE, AT) == ("bob@example.com",)
    assert principals_of(entries, bench.keys[2], NAMESPACE, AT) == ("carol@example.com",)
    assert principals_of((), bench.keys[0], NAMESPACE, AT) == ()


def test_what_is_passed_over_is_noted(bench: Bench) -> None:
    kind = "sk-ssh-ed25519@openssh.com"
    in_token = b64encode(b"".join(map(write_string, (kind.encode(), b"\x42" * 32, b"ssh:")))).decode()
    entries = read_signers(bench.file(f"a cert-authority KEY_A\nb {kind} {in_token}\nc KEY_A\n").read_bytes())
    assert [entry.key for entry in entries] == [None, None, bench.keys[0]]
    notes = [entry.note or "" for entry in entries]
    assert "certificates" in notes[0]
    assert "sk-ssh-ed25519@openssh.com" in notes[1]
    assert notes[2] == ""
    assert principals_of(entries, bench.keys[0], NAMESPACE, AT) == ("c",)


def test_where_a_time_without_z_is_meant(bench: Bench) -> None:
    """ssh-keygen takes the system's zone; here whoever calls says which."""
    data = bench.file('ada valid-after="20260601" KEY_A').read_bytes()
    begin = datetime(2026, 6, 1, tzinfo=UTC)
    east = timezone(timedelta(hours=9))
    for zone, moment in ((UTC, begin), (east, begin - timedelta(hours=9)), (None, datetime(2026, 6, 1).astimezone())):
        assert read_signers(data, zone)[0].valid_after == moment


@pytest.mark.parametrize("text", ["a", "ada", "ada@example.com", NAMESPACE])
@pytest.mark.parametrize("patterns", ["*", "?", "a*a", "*a*", "??a", "*@*.com", "!a*,*", "!b,ada", "**", "a", "!*"])
def test_patterns_as_openssh_matches_them(bench: Bench, patterns: str, text: str) -> None:
    """Asked by `match-principals`, where a name and the patterns are all that matters."""
    options = ("-I", text, "-f", bench.file(f"{patterns} KEY_A"))
    agrees = ran("ssh-keygen", "-Y", "match-principals", *options).returncode == 0
    assert matches_list(text, patterns.split(",")) == agrees


def test_patterns_take_no_time() -> None:
    begin = monotonic()
    assert not matches_list("a" * 1000, ["*a" * 500 + "b"])
    assert monotonic() - begin < 2


# -- files that are none --------------------------------------------------------------------------------------------

MALFORMED: dict[str, Callable[[str], str]] = {
    "no key": lambda key: "ada@example.com",
    "no principals": lambda key: key,
    "an unknown option": lambda key: f"ada restrict {key}",
    "an option without quotation marks": lambda key: f"ada namespaces=git {key}",
    "an option without a value": lambda key: f"ada namespaces {key}",
    "an option twice": lambda key: f'ada namespaces="a",namespaces="*" {key}',
    "a value for a flag": lambda key: f'ada cert-authority="yes" {key}',
    "a comma at the end": lambda key: f'ada namespaces="git", {key}',
    "no blank after the options": lambda key: f'ada namespaces="git"{key}',
    "a value that does not end": lambda key: f'ada namespaces="git {key}',
    "no such day": lambda key: f'ada valid-after="20260230Z" {key}',
    "a time in words": lambda key: f'ada valid-after="forever" {key}',
    "a time with a zone": lambda key: f'ada valid-after="20260101+0200" {key}',
    "digits of another script": lambda key: f'ada valid-after="\uff12\uff10\uff12\uff16\uff10\uff11\uff10\uff11" {key}',
    "before 1970": lambda key: f'ada valid-before="19691231Z" {key}',
    "the range is empty": lambda key: f'ada valid-after="20270101Z",valid-before="20260101Z" {key}',
    "a key cut short": lambda key: f"ada {key[:-4]}",
    "a key of another type": lambda key: f"ada {key.replace('ssh-ed25519', 'ssh-rsa', 1)}",
    "a control character": lambda key: f"ada\x1b[2J {key}",
    "a NUL": lambda key: f"ada\0 {key}",
    "a long line": lambda key: f"ada {key} " + "a" * limits.SSH_LINE_BYTES,
    "principals that do not end": lambda key: f'"ada {key}',
}


@pytest.mark.parametrize("what", MALFORMED)
def test_a_malformed_line_is_named(bench: Bench, what: str) -> None:
    data = f"bob {bench.keys[1].line}\n{MALFORMED[what](bench.keys[0].line)}\n".encode()
    with pytest.raises(FormatError, match=r"^line 2: ") as caught:
        read_signers(data)
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 200


@pytest.mark.parametrize("data", [b"\xff\xfea\0d\0a\0", b"ada \xe9", bytes(limits.SIGNERS_BYTES + 1)])
def test_files_that_are_no_text(data: bytes) -> None:
    with pytest.raises(FormatError):
        read_signers(data)


def test_every_truncation_of_a_line(bench: Bench) -> None:
    """It is malformed, or it has no key; it never names a key that is not there."""
    line = f'ada namespaces="{NAMESPACE}",valid-after="20200101Z" {bench.keys[0].line}'
    for length in range(len(line)):
        try:
            entries = read_signers(line[:length].encode())
        except FormatError:
            continue
        assert entries == (), length
