"""core.der: what openssl writes is what we write and read; what is not DER is not read."""

import subprocess
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notary.core import der
from notary.core.der import Element, Reader
from notary.errors import FormatError


def openssl(text: str, folder: Path) -> bytes:
    """How openssl writes a value."""
    path = folder / "value"
    subprocess.run(["openssl", "asn1parse", "-genstr", text, "-noout", "-out", path], check=True)
    return path.read_bytes()


def one(data: bytes) -> Element:
    return der.only(data, data[0])


@pytest.mark.parametrize("value", [0, 1, 127, 128, 255, 256, 32767, 32768, 2**63, 2**64 - 1, -1, -128, -129, -32768])
def test_integers(value: int, tmp_path: Path) -> None:
    data = openssl(f"INTEGER:{value}", tmp_path)
    assert der.integer(value) == data
    assert one(data).integer() == value


@pytest.mark.parametrize(
    "dotted", ["0.0", "1.2.840.113549.1.7.2", "2.5.29.37", "2.39.1", "2.40", "2.999.3161", "1.39.0"]
)
def test_object_identifiers(dotted: str, tmp_path: Path) -> None:
    data = openssl(f"OID:{dotted}", tmp_path)
    assert der.oid(dotted) == data
    assert one(data).oid() == dotted


@pytest.mark.parametrize("size", [1, 127, 128, 255, 256, 60_000])
def test_lengths(size: int, tmp_path: Path) -> None:
    value = bytes(size)
    data = openssl(f"FORMAT:HEX,OCTETSTRING:{value.hex()}", tmp_path)
    assert der.octets(value) == data
    assert der.only(data, der.OCTET_STRING).content == value


def test_booleans_texts_and_nothing(tmp_path: Path) -> None:
    assert one(openssl("BOOLEAN:TRUE", tmp_path)).boolean()
    assert not one(openssl("BOOLEAN:FALSE", tmp_path)).boolean()
    assert one(openssl("FORMAT:UTF8,UTF8String:Zürich", tmp_path)).text() == "Zürich"
    assert der.element(der.NULL) == openssl("NULL", tmp_path)


def test_times(tmp_path: Path) -> None:
    moment = datetime(2026, 11, 21, 17, 30, 5, tzinfo=UTC)
    data = openssl("GENERALIZEDTIME:20261121173005Z", tmp_path)
    assert der.generalized_time(moment) == data
    assert der.generalized_time(moment.astimezone(timezone(timedelta(hours=9)))) == data
    assert one(data).time() == moment
    for fraction, microseconds in ((b".5", 500_000), (b".000001", 1), (b".123456789", 123_456), (b".12", 120_000)):
        found = one(der.element(der.GENERALIZED_TIME, b"20261121173005" + fraction + b"Z")).time()
        assert found == moment.replace(microsecond=microseconds)


@pytest.mark.parametrize(
    "text",
    [
        *("", "Z", "20261121173005", "202611211730Z", "20261121173005+0100", "20261321173005Z", "20260230173005Z"),
        *("20261121173060Z", "20261121253005Z", "20261121173005.Z", "20261121173005.50Z", "20261121173005.0Z"),
        *("20261121173005,5Z", "20261121173005.1234567891Z", "2026 121173005Z", "00001121173005Z", "+2026112117300Z"),
        *("20261121173005.5", "20261121173005z", "\uff12\uff10261121173005Z"),
    ],
)
def test_times_that_are_none(text: str) -> None:
    with pytest.raises(FormatError):
        one(der.element(der.GENERALIZED_TIME, text.encode())).time()


@pytest.mark.parametrize(
    "data",
    [
        *(
            b"\x30",
            b"\x30\x01",
            b"\x30\x80\x00\x00",
            b"\x30\x81",
            b"\x30\x81\x01\x00",
            b"\x30\x82\x00\x80" + bytes(128),
        ),
        *(b"\x30\x85\x00\x00\x00\x00\x01\x00", b"\x30\xff" + bytes(127), b"\x1f\x01\x00", b"\xbf\x81\x01\x00"),
        *(b"\x30\x84\xff\xff\xff\xff", b"\x30\x00\x00", b"\x30\x7f", b"\x30\x82\x01", b""),
    ],
)
def test_elements_that_are_none(data: bytes) -> None:
    with pytest.raises(FormatError):
        der.only(data, data[0] if data else der.SEQUENCE)


@pytest.mark.parametrize(
    "content", [b"", b"\x00\x00", b"\x00\x7f", b"\xff\xff", b"\xff\x80", b"\x01" * 65], ids=lambda one: one.hex()[:12]
)
def test_integers_that_are_none(content: bytes) -> None:
    with pytest.raises(FormatError):
        one(der.element(der.INTEGER, content)).integer()


@pytest.mark.parametrize("content", [b"", b"\x80\x01", b"\x2a\x80\x01", b"\x2a\x81", b"\x2a" * 65])
def test_object_identifiers_that_are_none(content: bytes) -> None:
    with pytest.raises(FormatError):
        one(der.element(der.OBJECT_IDENTIFIER, content)).oid()


@pytest.mark.parametrize("content", [b"", b"\x01", b"\xff\xff", b"\x00\x00"])
def test_booleans_that_are_none(content: bytes) -> None:
    with pytest.raises(FormatError):
        one(der.element(der.BOOLEAN, content)).boolean()


def test_a_set_is_in_the_order_of_its_bytes() -> None:
    parts = [der.integer(number) for number in (300, 2, 1, -1)]
    assert der.set_of(*parts) == der.set_of(*reversed(parts))
    assert [part.encoded for part in Reader(one(der.set_of(*parts)).content).rest()] == sorted(parts)


def test_a_reader_wants_what_it_is_told() -> None:
    reader = Reader(der.integer(1) + der.oid("1.2"))
    assert reader.maybe(der.BOOLEAN) is None
    with pytest.raises(FormatError, match="0x02"):
        reader.take(der.BOOLEAN)
    assert reader.take(der.INTEGER).integer() == 1
    with pytest.raises(FormatError, match="3 bytes are left over"):
        reader.end()
    assert [part.oid() for part in reader.rest()] == ["1.2"]
    reader.end()
    with pytest.raises(FormatError, match="the end"):
        reader.take(der.INTEGER)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """What is read is written the same way again: there is one encoding of everything."""
    with suppress(FormatError):
        encoded = der.element(der.INTEGER, data)
        assert der.integer(one(encoded).integer()) == encoded
    with suppress(FormatError):
        encoded = der.element(der.OBJECT_IDENTIFIER, data)
        assert der.oid(one(encoded).oid()) == encoded
    with suppress(FormatError):
        assert b"".join(der.element(part.tag, part.content) for part in Reader(data).rest()) == data
