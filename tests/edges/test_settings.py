"""edges.settings, and what the commands make of it: files, variables and options, and what is shown of them."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from notary.edges.settings import KEYS, Settings, read_settings, variable
from notary.errors import InputError
from notary.localnet.calendar import LocalNetwork
from tests.conftest import Notary, Result
from tests.edges.bounded import within, without_rights
from tests.parties.esplora import Esplora
from tests.parties.peer import REGTEST, REGTEST_GENESIS, Peer, mine_chain
from tests.scenarios.test_trust import here

# For each key: how it is written in the file, how in a variable, and what it then is (in a file, for a path).
WRITTEN: dict[str, tuple[str, str, Any]] = {
    "network": ('"regtest"', "regtest", "regtest"),
    "require": ('"node"', "node", "node"),
    "confirmations": ("12", "12", 12),
    "calendars": ('["https://a.example", "https://b.example"]', "https://a.example, https://b.example", None),
    "min_calendars": ("1", "1", 1),
    "node": ('"http://127.0.0.1:8332"', "http://127.0.0.1:8332", "http://127.0.0.1:8332"),
    "node_cookie": ('"/data/.cookie"', "/data/.cookie", Path("/data/.cookie")),
    "explorers": ('["https://c.example/api", "https://d.example"]', "https://c.example/api https://d.example", None),
    "min_explorers": ("2", "2", 2),
    "peers": ('["203.0.113.7", "[2001:db8::7]:8333"]', "203.0.113.7,[2001:db8::7]:8333", None),
    "ledger": ('"/data/ledger.db"', "/data/ledger.db", Path("/data/ledger.db")),
    "headers": ('"/data/headers"', "/data/headers", Path("/data/headers")),
    "key": ('"/data/key"', "/data/key", Path("/data/key")),
    "tsa": ('"https://tsa.example/tsr"', "https://tsa.example/tsr", "https://tsa.example/tsr"),
    "policy": ('"/data/policy.toml"', "/data/policy.toml", Path("/data/policy.toml")),
}
LISTS = ("calendars", "explorers", "peers")
NUMBERS = ("confirmations", "min_calendars", "min_explorers")
PATHS = ("node_cookie", "ledger", "headers", "key", "policy")


def expected(key: str) -> Any:
    literal, _, value = WRITTEN[key]
    return tuple(json.loads(literal)) if value is None else value


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def refused(file: Path, environment: Mapping[str, str]) -> InputError:
    with pytest.raises(InputError) as caught:
        read_settings(file, environment)
    return caught.value


# -- reading --------------------------------------------------------------------------------------------------------


def test_every_key_is_tried_here() -> None:
    assert tuple(WRITTEN) == KEYS


def test_nothing_is_settled(file: Path) -> None:
    assert read_settings(file, {}) == (Settings(), {})
    file.write_text("")
    assert read_settings(file, {"NOTARYNODE": "x", "NOTARY_NO_SUCH": "x", "NOTARY_CONFIG": "x"}) == (Settings(), {})
    assert read_settings(file / "below", {}) == (Settings(), {})


@pytest.mark.parametrize("key", KEYS)
def test_one_key(file: Path, key: str) -> None:
    literal, text, _ = WRITTEN[key]
    assert variable(key) == f"NOTARY_{key.upper()}"
    by_variable = read_settings(file, {variable(key): text})
    assert by_variable == (Settings(**{key: expected(key)}), {key: variable(key)})
    file.write_text(f"{key} = {literal}\n")
    assert read_settings(file, {}) == (Settings(**{key: expected(key)}), {key: str(file)})


@pytest.mark.parametrize("key", KEYS)
def test_a_variable_counts_more_than_the_file(file: Path, key: str) -> None:
    other = {"network": '"local"', "require": '"work"'}
    literal = '["z.example"]' if key in LISTS else "77" if key in NUMBERS else other.get(key, '"else"')
    file.write_text(f"{key} = {literal}\n")
    settings, origins = read_settings(file, {variable(key): WRITTEN[key][1]})
    assert getattr(settings, key) == expected(key)
    assert origins == {key: variable(key)}
    settings, origins = read_settings(file, {variable(key): ""})
    if key in LISTS:
        assert (getattr(settings, key), origins) == ((), {key: variable(key)}), "none are to be asked"
    else:
        assert getattr(settings, key) not in (None, expected(key))
        assert origins == {key: str(file)}


def test_all_at_once(file: Path) -> None:
    file.write_text("".join(f"{key} = {literal}\n" for key, (literal, _, _) in WRITTEN.items()))
    settings, origins = read_settings(file, {"NOTARY_PEERS": "x"})
    assert all(getattr(settings, key) == expected(key) for key in KEYS if key != "peers")
    assert origins == dict.fromkeys(KEYS, str(file)) | {"peers": "NOTARY_PEERS"}


@pytest.mark.parametrize("text", ["a b", "a,b", "a, b", " a ,, b ", "a\tb\n", "a,b,a", "a b b a"])
def test_a_list_in_a_variable(file: Path, text: str) -> None:
    settings, _ = read_settings(file, {"NOTARY_PEERS": text})
    assert settings.peers == ("a", "b")


def test_an_empty_list_in_the_file_is_none_at_all(file: Path) -> None:
    file.write_text("peers = []\n")
    assert read_settings(file, {})[0].peers == ()


def test_where_paths_begin(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/homes/somebody")
    file.write_text('ledger = "here/ledger.db"\nheaders = "~/headers"\n')
    settings, _ = read_settings(file, {"NOTARY_NODE_COOKIE": "there/.cookie"})
    assert settings.ledger == file.parent / "here" / "ledger.db"
    assert settings.headers == Path("/homes/somebody/headers")
    assert settings.node_cookie == Path("there/.cookie")


# -- what is malformed ----------------------------------------------------------------------------------------------

NOT_TOML = {
    "no value": b"node =\n",
    "no quotes": b"node = http://127.0.0.1\n",
    "a line of words": b"use my node\n",
    "twice": b'node = "a"\nnode = "b"\n',
    "JSON": b'{"node": "a"}',
    "not UTF-8": b'node = "\xff"\n',
    "zeros": bytes(1000),
    "UTF-16": 'node = "a"\n'.encode("utf-16"),
    "cut off": b'peers = ["a", ',
    "nested": b"peers = " + b"[" * 20_000,
    "a long number": b"confirmations = " + b"1" * 20_000 + b"\n",
}


@pytest.mark.parametrize("what", NOT_TOML)
def test_files_that_are_not_toml(file: Path, what: str) -> None:
    file.write_bytes(NOT_TOML[what])
    error = refused(file, {})
    assert error.message.startswith(f"{file}: ")
    assert len(error.message) < 400


WRONG = {
    "a key that there is not": 'nodes = "a"',
    "a key in other letters": 'Node = "a"',
    "a variable's name": 'NOTARY_NODE = "a"',
    "a table": '[node]\nurl = "a"',
    "a dotted key": 'node.url = "a"',
    **{f"a text for {key}": f'{key} = "3"' for key in (*NUMBERS, *LISTS)},
    **{f"a number for {key}": f"{key} = 3" for key in KEYS if key not in NUMBERS},
    **{f"a list for {key}": f'{key} = ["a"]' for key in KEYS if key not in LISTS},
    **{f"{literal} for {key}": f"{key} = {literal}" for key in NUMBERS for literal in ("0", "-1", "1.0", "1000001")},
    **{f"{literal} for {key}": f"{key} = {literal}" for key in KEYS for literal in ("true", "{}", "nan", "1979-05-27")},
    **{f"an empty text for {key}": f'{key} = ""' for key in KEYS},
    **{f"a list of numbers for {key}": f'{key} = ["a", 1]' for key in LISTS},
    "a list in a list": 'peers = [["a"]]',
    "a zero byte": 'ledger = "a\\u0000b"',
    "the home of nobody": 'ledger = "~no-such-user/x"',
}


@pytest.mark.parametrize("what", WRONG)
def test_values_that_are_none(file: Path, what: str) -> None:
    file.write_text(WRONG[what] + "\n")
    error = refused(file, {})
    assert error.message.startswith(f"{file}: ")
    key = WRONG[what].partition("=")[0].strip().strip("[]").partition("\n")[0].partition("]")[0].partition(".")[0]
    assert key in error.message, "which setting is wrong is not said"
    assert error.message.isprintable()


def test_an_unknown_key_names_those_that_there_are(file: Path) -> None:
    file.write_text('explorer = "a"\n')
    error = refused(file, {})
    assert all(key in "".join(error.hints) for key in KEYS)


@pytest.mark.parametrize("key", NUMBERS)
@pytest.mark.parametrize(
    "text", ["0", "-1", "+1", "1.5", "1e3", "0x10", "many", "1000001", "9" * 20, "9" * 5000, "\u0663", "\u00b2", "1_0"]
)
def test_numbers_that_are_none(file: Path, key: str, text: str) -> None:
    error = refused(file, {variable(key): text})
    assert variable(key) in error.message
    assert "whole number" in error.message


def test_a_path_in_a_variable_that_is_none(file: Path) -> None:
    assert "NOTARY_LEDGER" in refused(file, {"NOTARY_LEDGER": "~no-such-user/x"}).message


def test_a_file_of_any_size_is_soon_refused(file: Path) -> None:
    with file.open("wb") as stream:
        stream.truncate(64 * 1024 + 1)
    assert "65,536 bytes" in refused(file, {}).message
    with file.open("wb") as stream:
        stream.truncate(100 * 2**30)
    begin = monotonic()
    assert "65,536 bytes" in refused(file, {}).message
    assert monotonic() - begin < 1
    file.write_text("#" * (64 * 1024 - 1) + "\n")
    assert read_settings(file, {}) == (Settings(), {})


def test_a_folder_in_its_place(file: Path) -> None:
    file.mkdir()
    assert refused(file, {}).message == f"{file}: not a file"


def test_a_queue_in_its_place(file: Path) -> None:
    """Nobody writes to it: whoever reads waits for ever."""
    os.mkfifo(file)
    assert str(file) in within(2, lambda: refused(file, {})).message


def _why_unreadable(file: str) -> str:
    try:
        read_settings(Path(file), {})
    except InputError as error:
        return error.message
    return "it was read"


def test_a_file_that_may_not_be_read(public_folder: Path) -> None:
    file = public_folder / "config.toml"
    file.write_text('node = "a"\n')
    file.chmod(0)
    assert without_rights(_why_unreadable, str(file)) == f"{file}: permission denied"


# -- the commands ---------------------------------------------------------------------------------------------------


def settings_of(notary: Notary, *options: str | Path) -> dict[str, dict[str, str]]:
    answer = here(notary, "status", "--json", *options)
    assert answer.code == 0, answer.err
    found: dict[str, dict[str, str]] = answer.json["settings"]
    return found


def config(notary: Notary, text: str) -> Path:
    """The file in the platform's folder."""
    path = notary.folder / "configuration" / "notary" / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def unsettled(notary: Notary) -> None:
    for key in KEYS:
        notary.environment.pop(variable(key), None)
    notary.environment["XDG_DATA_HOME"] = str(notary.folder / "data")


def test_the_defaults_are_shown(notary: Notary) -> None:
    unsettled(notary)
    found = settings_of(notary)
    assert tuple(found) == KEYS
    assert {one["from"] for one in found.values()} == {"default"}
    values = {key: one["value"] for key, one in found.items()}
    assert (values["network"], values["require"], values["confirmations"]) == ("bitcoin", "checkpoint", "6")
    assert (values["min_calendars"], values["min_explorers"], values["node"]) == ("2", "2", "none")
    assert "https://blockstream.info/api" in values["explorers"]
    assert values["ledger"] == str(notary.folder / "data" / "notary" / "ledger.db")
    assert values["headers"] == str(notary.folder / "data" / "notary" / "headers")
    words = here(notary, "status").out
    for key, value in values.items():
        assert any(line.split() == [key, *value.split(), "(default)"] for line in words.splitlines()), key


@pytest.mark.parametrize("key", KEYS)
def test_each_setting_is_shown_with_where_it_comes_from(notary: Notary, key: str) -> None:
    unsettled(notary)
    literal, text, _ = WRITTEN[key]
    if key == "ledger":
        literal, text = f'"{notary.folder}/a.db"', f"{notary.folder}/a.db"
    value = text if key not in LISTS else ", ".join(json.loads(literal))
    path = config(notary, f"{key} = {literal}\n")
    assert settings_of(notary)[key] == {"value": value, "from": str(path)}
    words = here(notary, "status").out
    assert any(
        line.split() == [key, *value.split(), f"({path})"] for line in words.replace(f"{path}:", "").splitlines()
    )
    notary.environment[variable(key)] = text
    found = settings_of(notary)
    assert found[key] == {"value": value, "from": variable(key)}
    assert [one for one in KEYS if found[one]["from"] != "default"] == [key]


def test_a_file_by_name(notary: Notary) -> None:
    unsettled(notary)
    config(notary, "confirmations = 7\n")
    other = notary.folder / "mine.toml"
    other.write_text("confirmations = 8\n")
    assert settings_of(notary)["confirmations"]["value"] == "7"
    notary.environment["NOTARY_CONFIG"] = str(other)
    assert settings_of(notary)["confirmations"] == {"value": "8", "from": str(other)}
    assert here(notary, "status", "--json").json["settings_file"] == str(other)
    notary.environment["NOTARY_CONFIG"] = "mine.toml"
    assert settings_of(notary)["confirmations"]["value"] == "8"


def test_what_is_in_force_is_what_is_shown(notary: Notary) -> None:
    """A value must not be credited to a setting that does not count here."""
    unsettled(notary)
    notary.environment |= {"NOTARY_NETWORK": "regtest", "NOTARY_REQUIRE": "node"}
    shown = settings_of(notary)["require"]
    assert shown != {"value": "work", "from": "NOTARY_REQUIRE"}


def test_an_option_is_not_shown_as_a_setting(notary: Notary) -> None:
    notary.environment["NOTARY_LEDGER"] = str(notary.folder / "settled.db")
    shown = settings_of(notary, "--ledger", notary.folder / "given.db")["ledger"]
    assert shown["value"] == str(notary.folder / "given.db")
    assert shown["from"] != "NOTARY_LEDGER"


def faulty(notary: Notary) -> Result:
    """The settings are refused by every command that follows them, and nothing is done."""
    answers = [
        here(notary, *command)
        for command in (
            ("status",),
            ("verify", "x.ots"),
            ("stamp", "x"),
            ("upgrade",),
            ("export", "00", "-o", "x.zip"),
            ("headers", "status"),
        )
    ]
    assert {answer.code for answer in answers} == {2}, [answer.err for answer in answers]
    assert len({answer.err for answer in answers}) == 1
    assert {answer.out for answer in answers} == {""}
    assert not (notary.folder / "ledger").exists()
    return answers[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NOTARY_CONFIRMATIONS", "-1"),
        ("NOTARY_MIN_CALENDARS", "0"),
        ("NOTARY_MIN_EXPLORERS", "two"),
        ("NOTARY_NETWORK", "testnet"),
        ("NOTARY_REQUIRE", "none"),
        ("NOTARY_REQUIRE", "NODE"),
        ("NOTARY_LEDGER", "~no-such-user/ledger.db"),
    ],
)
def test_a_wrong_variable_is_named(notary: Notary, name: str, value: str) -> None:
    notary.environment[name] = value
    assert name in faulty(notary).err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("node =", "not TOML"),
        ('nodes = "a"', "there is no setting 'nodes'"),
        ("confirmations = -1", "confirmations has to be a whole number from 1 on"),
        ('network = "testnet"', "unknown network 'testnet'"),
        ('require = "none"', "unknown trust 'none'"),
        ("peers = 1", "peers has to be a list of texts"),
        ("#" * 70_000, "over 65,536 bytes"),
    ],
)
def test_a_wrong_file_is_named(notary: Notary, text: str, words: str) -> None:
    path = config(notary, text)
    found = faulty(notary)
    assert found.err.startswith(f"error: {path}: ")
    assert words in found.err


def test_a_relative_name_is_shown_as_it_is_written(notary: Notary) -> None:
    (notary.folder / "Settings.toml").write_text("node =")
    notary.environment["NOTARY_CONFIG"] = "Settings.toml"
    assert faulty(notary).err.startswith("error: Settings.toml: ")


@pytest.mark.parametrize("name", ["missing.toml", "a-folder"])
def test_a_file_that_is_named_has_to_be_there(notary: Notary, name: str) -> None:
    (notary.folder / "a-folder").mkdir()
    notary.environment["NOTARY_CONFIG"] = name
    found = faulty(notary)
    assert "NOTARY_CONFIG" in found.err
    assert ("there is no such file" in found.err) == (name == "missing.toml"), "it is there, and is a folder"


def test_errors_in_json(notary: Notary) -> None:
    notary.environment["NOTARY_REQUIRE"] = "everything"
    answer = notary("status", "--json")
    assert (answer.code, answer.json["exit_code"]) == (2, 2)
    assert "NOTARY_REQUIRE" in answer.json["error"]
    assert answer.json["hints"] == ["the levels are work, checkpoint, explorers, chain, node"]


# -- passwords ------------------------------------------------------------------------------------------------------

NODES = [
    "http://u:SECRET@127.0.0.1:9",
    "http://u:SECRET@127.0.0.1:9/",
    "http://u:SECRET@127.0.0.1:9/wallet/x",
    "http://:SECRET@127.0.0.1:9",
    "http://SECRET@127.0.0.1:9",
    "http://u:SECRET@@127.0.0.1:9",
    "http://u:a@SECRET@127.0.0.1:9",
    "http://u:SECRET/x@127.0.0.1:9",
    "http://u:SECRET#x@127.0.0.1:9",
    "http://u:SECRET?x@127.0.0.1:9",
    "http://u:SECRET[x@127.0.0.1:9",
    "http://u:SECRET]x@127.0.0.1:9",
    "http://u:SECRET x@127.0.0.1:9",
    "http://u:%53ECRET@127.0.0.1:9",
    "http://u:x://SECRET@127.0.0.1:9",
    "http://u:SECRET@",
    "http://u:SECRET@:9",
    "http://u:SECRET@127.0.0.1:port",
    "http://u:SECRET@[::1",
    "ftp://u:SECRET@127.0.0.1:9",
    "u:SECRET@127.0.0.1:9",
    "http:u:SECRET@127.0.0.1:9",
    "http:/u:SECRET@127.0.0.1:9",
    "//u:SECRET@127.0.0.1:9",
    "u:SECRET://x@127.0.0.1:9",
]


@pytest.mark.parametrize("by_file", [False, True])
@pytest.mark.parametrize("node", NODES)
def test_a_password_is_never_shown(notary: Notary, tmp_path: Path, node: str, by_file: bool) -> None:
    (tmp_path / "a.txt").write_text("a")
    digest = bytes.fromhex("ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb")  # of "a"
    attested = b"\0" + bytes.fromhex("0588960d73d71901") + b"\x01\x65"
    magic = b"\0OpenTimestamps\0\0Proof\0\xbf\x89\xe2\xe8\x84\xe8\x92\x94\x01"
    (tmp_path / "a.txt.ots").write_bytes(magic + b"\x08" + digest + b"\x08" + attested)
    if by_file:
        config(notary, f"node = {json.dumps(node)}\n")
    else:
        notary.environment["NOTARY_NODE"] = node
    for command in (("status",), ("verify", "a.txt.ots"), ("upgrade", "a.txt.ots"), ("headers", "status")):
        for options in ((), ("--json",)):
            answer = here(notary, *command, *options)
            for shown in (answer.out, answer.err):
                assert "SECRET" not in shown
                assert "%53ECRET" not in shown


@pytest.mark.parametrize("node", NODES)
def test_a_password_as_an_option_is_never_shown(notary: Notary, tmp_path: Path, node: str) -> None:
    (tmp_path / "x.ots").write_bytes(b"")
    (tmp_path / "x").write_bytes(b"")
    for command in (("verify", "x.ots", "--node", node), ("upgrade", "--node", node)):
        answer = here(notary, *command)
        assert "SECRET" not in answer.out + answer.err


# -- what follows them ----------------------------------------------------------------------------------------------

CLOSED = "http://127.0.0.1:9"


def test_calendars_that_are_settled(notary: Notary, local_network: LocalNetwork) -> None:
    (notary.folder / "deed.txt").write_text("A deed.\n")

    def stamped(*options: str) -> tuple[int, dict[str, bool]]:
        answer = here(notary, "stamp", "deed.txt", "--network", "regtest", "--json", *options)
        return answer.code, {one["calendar"]: one["accepted"] for one in answer.json["anchors"]}

    config(notary, f'calendars = ["{CLOSED}"]\n')
    assert stamped() == (3, {CLOSED: False})
    notary.environment["NOTARY_CALENDARS"] = local_network.uri
    assert stamped() == (0, {local_network.uri: True})
    assert stamped("--calendar", CLOSED) == (3, {CLOSED: False})
    notary.environment["NOTARY_CALENDARS"] = f"{CLOSED} {local_network.uri}/"
    assert stamped() == (3, {CLOSED: False, local_network.uri: True}), "two have to take it"
    notary.environment["NOTARY_MIN_CALENDARS"] = "1"
    assert stamped()[0] == 0
    assert stamped("--min-calendars", "2")[0] == 3
    notary.environment["NOTARY_MIN_CALENDARS"] = "3"
    refused = here(notary, "stamp", "deed.txt", "--network", "regtest")
    assert refused.code == 2
    notary.environment["NOTARY_NETWORK"] = "regtest"
    notary.environment["NOTARY_MIN_CALENDARS"] = "1"
    assert here(notary, "stamp", "deed.txt").code == 0


def test_a_calendar_that_is_settled_may_be_asked(notary: Notary, local_network: LocalNetwork) -> None:
    (notary.folder / "deed.txt").write_text("A deed.\n")
    stamp = ("stamp", "deed.txt", "--ots", "--network", "regtest", "--calendar", local_network.uri)
    assert here(notary, *stamp).code == 0
    local_network.mine()
    assert here(notary, "upgrade", "deed.txt.ots").code == 3
    notary.environment["NOTARY_CALENDARS"] = local_network.uri
    assert here(notary, "upgrade", "deed.txt.ots").code == 0


def test_peers_and_folders_that_are_settled(notary: Notary) -> None:
    chain = [REGTEST_GENESIS, *mine_chain(30, time=1_700_000_000)]
    with Peer(chain, REGTEST) as settled, Peer(chain, REGTEST) as given:
        config(notary, f'peers = ["{settled.address}"]\nheaders = "kept"\nnetwork = "regtest"\n')
        del notary.environment["NOTARY_PEERS"]
        assert here(notary, "headers", "sync").code == 0
        assert (notary.folder / "configuration" / "notary" / "kept" / "regtest.headers").stat().st_size == 80 * 31
        assert here(notary, "headers", "sync", "--peer", given.address).code == 0
        assert (settled.connections, given.connections) == (1, 1)
        notary.environment["NOTARY_PEERS"] = given.address
        notary.environment["NOTARY_HEADERS"] = "elsewhere"
        assert here(notary, "headers", "sync").code == 0
        assert (settled.connections, given.connections) == (1, 2)
        assert (notary.folder / "elsewhere" / "regtest.headers").is_file()
        notary.environment["NOTARY_PEERS"] = ""
        assert here(notary, "headers", "sync").code != 0, "nobody is left to ask"


def test_the_demo_follows_no_settings(notary: Notary) -> None:
    """It is to run anywhere, and to contact nobody."""
    with Peer([REGTEST_GENESIS], REGTEST) as peer, Esplora([REGTEST_GENESIS]) as explorer:
        notary.environment |= {
            "NOTARY_PEERS": peer.address,
            "NOTARY_EXPLORERS": explorer.url,
            "NOTARY_MIN_EXPLORERS": "1",
            "NOTARY_REQUIRE": "node",
            "NOTARY_CONFIRMATIONS": "9999",
            "NOTARY_NODE": "http://u:p@127.0.0.1:9",
            "NOTARY_CALENDARS": CLOSED,
        }
        assert here(notary, "demo", "--keep", "kept").code == 0
        assert (peer.connections, explorer.requests) == (0, [])
