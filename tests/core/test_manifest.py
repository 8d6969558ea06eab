"""The manifest: written once, read strictly."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notary import limits
from notary.core.manifest import (
    Manifest,
    NamedBlock,
    StatedSigner,
    UnknownVersionError,
    read_manifest,
    write_manifest,
)
from notary.errors import FormatError
from tests.core.blocks import REAL

ROOT = bytes(range(32))
PLAIN = Manifest(ROOT, 3, "bitcoin", "2026-03-12T09:31:07Z", "notary 0.1.0")
MEMBERS: dict[str, Any] = json.loads(write_manifest(PLAIN))
REQUIRED = ["format", "root", "size", "network", "declared_at", "tool"]

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
moments = st.datetimes().map(lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%SZ").zfill(20))


def written(**changes: Any) -> bytes:
    return json.dumps(MEMBERS | changes).encode()


@given(
    st.builds(
        Manifest,
        st.binary(min_size=32, max_size=32),
        st.integers(1, limits.BATCH_ITEMS),
        texts,
        moments,
        texts,
        st.none() | texts,
    )
)
def test_round_trip(manifest: Manifest) -> None:
    assert read_manifest(write_manifest(manifest)) == manifest


def test_the_bytes_are_these() -> None:
    """They are committed to: another release must write, for the same batch, what it likes, but read these."""
    assert write_manifest(Manifest(bytes(32), 1, "local", "2026-01-02T03:04:05Z", "t", 'é "\n')).decode() == (
        '{\n  "format": "notary/v1",\n  "root": "' + 64 * "0" + '",\n  "size": 1,\n  "network": "local",\n'
        '  "declared_at": "2026-01-02T03:04:05Z",\n  "tool": "t",\n  "title": "é \\"\\n"\n}\n'
    )


BLOCK = {"network": "bitcoin", "height": 800_000, "hash": bytes(range(32)).hex()}
SIGNER = {"key": "ssh-ed25519 AAAA", "did": "did:key:z6Mk", "name": "R. Roe", "organisation": "Roe & Co."}


def test_what_else_a_manifest_may_state() -> None:
    data = written(previous="01" * 32, not_before=BLOCK, signer=SIGNER, policy={"any": ["thing"]})
    assert read_manifest(data) == replace(
        PLAIN,
        previous=b"\1" * 32,
        not_before=NamedBlock("bitcoin", 800_000, bytes(range(31, -1, -1))),
        signer=StatedSigner("ssh-ed25519 AAAA", "did:key:z6Mk", "R. Roe", "Roe & Co."),
    )
    short = {key: SIGNER[key] for key in ("key", "did")}
    assert read_manifest(written(signer=short)).signer == StatedSigner("ssh-ed25519 AAAA", "did:key:z6Mk")


@given(
    st.none() | st.binary(min_size=32, max_size=32),
    st.none() | st.builds(NamedBlock, texts, st.integers(0, limits.BLOCK_HEIGHT), st.binary(min_size=32, max_size=32)),
    st.none() | st.builds(StatedSigner, texts, texts, st.none() | texts, st.none() | texts),
)
def test_round_trip_of_the_rest(previous: bytes | None, block: NamedBlock | None, signer: StatedSigner | None) -> None:
    manifest = replace(PLAIN, previous=previous, not_before=block, signer=signer)
    assert read_manifest(write_manifest(manifest)) == manifest


def test_the_named_blocks_hash_is_written_as_explorers_show_it() -> None:
    genesis = REAL[0]
    written_ = write_manifest(replace(PLAIN, not_before=NamedBlock("bitcoin", 0, genesis.hash)))
    shown = json.loads(written_)["not_before"]["hash"]
    assert shown == "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"


@pytest.mark.parametrize("key", REQUIRED)
def test_each_key_is_needed(key: str) -> None:
    without = {name: value for name, value in MEMBERS.items() if name != key}
    with pytest.raises(FormatError, match=key):
        read_manifest(json.dumps(without).encode())


@pytest.mark.parametrize("key", ["notes", "Format", "size ", "not_after", ""])
def test_an_unknown_key_is_refused(key: str) -> None:
    with pytest.raises(FormatError, match="unknown key"):
        read_manifest(written(**{key: 1}))


@pytest.mark.parametrize(
    "version", ["notary/v2", "notary/v1 ", "Notary/v1", "notary/v1.1", "", None, 1, ["notary/v1"], {}]
)
def test_another_version_is_told_apart(version: Any) -> None:
    """Before anything else is looked at: a later format may have other keys."""
    with pytest.raises(UnknownVersionError, match="format"):
        read_manifest(json.dumps({"format": version, "leaves": []}).encode())


@pytest.mark.parametrize(
    "data",
    [
        write_manifest(PLAIN) + b"{}",
        write_manifest(PLAIN) + b"\0",
        write_manifest(PLAIN).replace(b'"size": 3', b'"size": 3, "size": 3'),
        write_manifest(PLAIN).replace(b'"size": 3', b'"size": 3.0'),
        write_manifest(PLAIN)[:-2],
        b"\xef\xbb\xbf" + write_manifest(PLAIN),
        b"[" + write_manifest(PLAIN) + b"]",
        b"",
        write_manifest(PLAIN).ljust(limits.MANIFEST_BYTES + 1),
    ],
    ids=["two", "a zero byte", "a key twice", "a float", "cut", "BOM", "a list", "empty", "long"],
)
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        read_manifest(data)
    assert not isinstance(caught.value, UnknownVersionError)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("size", value) for value in (0, -1, limits.BATCH_ITEMS + 1, "3", True, None, [3])),
        *(("root", value) for value in ("", "00" * 31, "00" * 33, "0" * 63, "AB" * 32, "zz" * 32, 0, None)),
        *((key, value) for key in ("network", "tool", "title") for value in (1, None, [], "a" * 4097)),
        *(
            ("declared_at", value)
            for value in (1, None, "", "2026-03-12", "2026-03-12 09:31:07Z", "2026-03-12T09:31:07")
        ),
        *(("declared_at", f"2026-03-12T09:31:07{end}") for end in ("+00:00", ".5Z", "Z\n", "z", "ZZ")),
        *(("declared_at", value) for value in ("٢٠٢٦-03-12T09:31:07Z", "12026-03-12T09:31:07Z")),
    ],
)
def test_values_of_another_kind_are_refused(key: str, value: Any) -> None:
    with pytest.raises(FormatError, match=key):
        read_manifest(written(**{key: value}))


LONG = "x" * (limits.DECLARED_TEXT + 1)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("previous", value) for value in (None, "", "00" * 31, "00" * 33, "AB" * 32, 0, [], {}, "zz" * 32)),
        *(("not_before", value) for value in (None, 800_000, "", [], {}, [BLOCK], BLOCK | {"time": 1})),
        *(("not_before", {name: BLOCK[name] for name in BLOCK if name != gone}) for gone in BLOCK),
        *(("not_before", BLOCK | {"network": value}) for value in (None, 1, [], LONG)),
        *(("not_before", BLOCK | {"height": value}) for value in (None, -1, True, "1", limits.BLOCK_HEIGHT + 1, [])),
        *(("not_before", BLOCK | {"hash": value}) for value in (None, "", "00" * 33, "AB" * 32, 1)),
        *(("signer", value) for value in (None, "R. Roe", [], {}, [SIGNER], SIGNER | {"more": "x"})),
        *(("signer", {name: SIGNER[name] for name in SIGNER if name != gone}) for gone in ("key", "did")),
        *(("signer", SIGNER | {name: value}) for name in SIGNER for value in (None, 1, [], {"a": "b"}, LONG)),
    ],
)
def test_what_else_it_states_is_read_as_strictly(key: str, value: Any) -> None:
    with pytest.raises(FormatError, match=key):
        read_manifest(written(**{key: value}))


@pytest.mark.parametrize("members", [{"signer": SIGNER | {"name": 5}}, {"not_before": BLOCK | {"network": 5}}])
def test_half_a_surrogate_pair_is_refused_wherever_it_stands(members: dict[str, Any]) -> None:
    data = json.dumps(MEMBERS | members).encode()
    assert data.count(b": 5") == 1
    with pytest.raises(FormatError):
        read_manifest(data.replace(b": 5", b': "\\udc80"'))


def test_a_key_twice_is_refused_wherever_it_stands() -> None:
    for members, key in (({"signer": SIGNER}, b'"did"'), ({"not_before": BLOCK}, b'"height"')):
        data = written(**members)
        with pytest.raises(FormatError):
            read_manifest(data.replace(key, key + b': "x", ' + key))


@pytest.mark.parametrize(
    "signer", [StatedSigner("k", "d", "caf\udce9"), StatedSigner("k", "d", None, "\ud800"), StatedSigner("\udfff", "d")]
)
def test_a_name_that_is_not_text_is_refused_when_it_is_written(signer: StatedSigner) -> None:
    with pytest.raises(FormatError):
        write_manifest(replace(PLAIN, signer=signer))


@pytest.mark.parametrize(
    "moment", ["2026-13-12T09:31:07Z", "2026-02-30T09:31:07Z", "2026-03-12T24:00:00Z", "0000-00-00T00:00:00Z"]
)
def test_a_day_that_is_none_is_refused(moment: str) -> None:
    with pytest.raises(FormatError, match="declared_at"):
        read_manifest(written(declared_at=moment))


def test_a_title_that_is_not_text_is_refused_when_it_is_written() -> None:
    """A command line argument that is not UTF-8 arrives so."""
    with pytest.raises(FormatError):
        write_manifest(Manifest(ROOT, 1, "bitcoin", PLAIN.declared_at, PLAIN.tool, "caf\udce9"))


@pytest.mark.parametrize("long", ["x" * 60_000, "é" * 9000, "\x1b[2J" * 3000])
def test_a_fault_is_told_in_one_short_line(long: str) -> None:
    """What it names may be as long and as odd as whoever wrote it liked."""
    for data in (written(**{long: 1}), written(format=long), written(format={long: [long[:9]]})):
        with pytest.raises(FormatError) as caught:
            read_manifest(data)
        assert len(caught.value.message) < 300
        assert caught.value.message.isprintable()


def test_every_byte_counts() -> None:
    """No bit of a manifest can be turned without its being refused or read as something else; white space apart."""
    data = write_manifest(PLAIN)
    for bit in range(8 * len(data)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        try:
            found = read_manifest(bytes(changed))
        except FormatError:
            continue
        assert found != PLAIN or data[bit // 8 : bit // 8 + 1].isspace()
