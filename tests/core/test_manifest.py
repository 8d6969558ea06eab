"""The manifest: written once, read strictly."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notary import limits
from notary.core.manifest import Manifest, UnknownVersionError, read_manifest, write_manifest
from notary.errors import FormatError

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


def test_reserved_keys_are_allowed() -> None:
    previous = {"previous": "00" * 32, "not_before": {"network": "bitcoin", "height": 1, "hash": "00" * 32}}
    more = {"signer": {"name": "R. Roe"}, "policy": {}}
    assert read_manifest(written(**previous, **more)) == replace(PLAIN, names_block=True)


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
