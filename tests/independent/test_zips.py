"""notary and the reader agree on what is wrong with a zip file itself."""

import random
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest

from tests.independent.forge import both, forge, raw_zip

Options = dict[str, Any]
BODY = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
SMALL = zlib.compress(BODY, 9, -15)
SUM = (zlib.crc32(BODY), len(BODY), len(BODY))
LATER = {"flags": 8, "crc": 0, "length": 0, "size": 0, "crcC": SUM[0], "lengthC": SUM[1], "sizeC": SUM[2]}
DEFLATED = {"method": 8, "packed": SMALL, "length": len(SMALL)}
FOLDER = {"name": b"bag/empty/", "packed": b"", "crc": 0, "length": 0, "size": 0}
ONES = 0xFFFFFFFF
WIDE = struct.pack("<HHQQ", 1, 16, len(BODY), len(BODY))
WIDE_SIZES = {"extra": WIDE, "size": ONES, "length": ONES}
MARK = b"PK\7\x08"


def beside(name: bytes) -> bytes:
    """The extra field that gives an entry a name in UTF-8."""
    return struct.pack("<HHBL", 0x7075, 5 + len(name), 1, zlib.crc32(b"bag/bagit.txt")) + name


def zeros(size: int) -> Options:
    """A file of zeros, which deflate makes about a thousand times smaller."""
    packed = zlib.compress(bytes(size), 9, -15)
    sums = {"crc": zlib.crc32(bytes(size)), "length": len(packed), "size": size}
    return {"entry": {"name": b"bag/zeros", "method": 8, "packed": packed} | sums}


# What `entry` alters is the entry of bagit.txt; under another name, and with nothing refused, there is no bag.
ZIPS: dict[str, tuple[str, Options]] = {
    "as it should be": ("verified", {}),
    "deflated": ("verified", {"entry": DEFLATED}),
    "extra field": ("verified", {"entry": {"extra": b"UT\5\0\3abcd"}}),
    # data descriptors
    "descriptor": ("verified", {"entry": LATER | {"behind": MARK + struct.pack("<LLL", *SUM)}}),
    "descriptor without its mark": ("verified", {"entry": LATER | {"behind": struct.pack("<LLL", *SUM)}}),
    "descriptor of Zip64": ("verified", {"entry": LATER | {"behind": MARK + struct.pack("<LQQ", *SUM)}}),
    "descriptor and both headers": ("verified", {"entry": {"flags": 8, "behind": MARK + struct.pack("<LLL", *SUM)}}),
    "descriptor of another sum": ("failed", {"entry": LATER | {"behind": MARK + struct.pack("<LLL", 1, *SUM[1:])}}),
    "descriptor too long": ("failed", {"entry": LATER | {"behind": bytes(25)}}),
    "descriptor and a byte": ("failed", {"entry": LATER | {"behind": MARK + struct.pack("<LLL", *SUM) + b"x"}}),
    "junk for a descriptor": ("failed", {"entry": LATER | {"behind": b"j" * 24}}),
    "no descriptor": ("failed", {"entry": LATER}),
    "no descriptor, both headers": ("failed", {"entry": {"flags": 8}}),
    "descriptor that no flag announces": ("failed", {"entry": {"behind": MARK + struct.pack("<LLL", *SUM)}}),
    # Zip64
    "wide local header": (
        "verified",
        {"entry": WIDE_SIZES | {"sizeC": len(BODY), "lengthC": len(BODY)}},
    ),
    "wide headers": ("verified", {"entry": WIDE_SIZES | {"extraC": WIDE}}),
    "wide headers without an extra field": ("failed", {"entry": {"size": ONES, "length": ONES}}),
    "wide end": ("verified", {"wide": True, "here": 0xFFFF, "all": 0xFFFF, "size": ONES, "start": ONES}),
    "wide end, missing": ("failed", {"here": 0xFFFF, "all": 0xFFFF, "size": ONES, "start": ONES}),
    # bytes that belong to no entry
    "bytes before": ("refused", {"lead": b"x"}),
    "an entry before": ("failed", {"lead": b"PK\3\4" + bytes(26)}),
    "bytes between entries": ("failed", {"entry": {"before": b"x"}}),
    "bytes between the parts": ("failed", {"between": b"x"}),
    "bytes after": ("refused", {"tail": b"x"}),
    "comment": ("refused", {"tail": b"x", "comment": 1}),
    "bytes behind the deflated": ("failed", {"entry": DEFLATED | {"packed": SMALL + b"x", "length": len(SMALL) + 1}}),
    "another stream behind the deflated": (
        "failed",
        {"entry": DEFLATED | {"packed": SMALL + b"\3\0", "length": len(SMALL) + 2}},
    ),
    "deflated without an end": ("failed", {"entry": DEFLATED | {"packed": SMALL[:-1], "length": len(SMALL) - 1}}),
    "overlapping": ("failed", {"entry": {"at": 0, "nameC": b"bag/data/_/0"}}),
    # the end record
    "disk": ("failed", {"disk": 1, "disk_of": 1}),
    "entry on another disk": ("failed", {"entry": {"diskC": 1}}),
    "fewer entries than there are": ("failed", {"here": 2, "all": 2}),
    "more entries than there are": ("failed", {"here": 99, "all": 99}),
    "fewer here than there are": ("failed", {"here": 2}),
    # names
    "absolute": ("failed", {"entry": {"name": b"/bag/bagit.txt"}}),
    "drive": ("failed", {"entry": {"name": b"C:bag/bagit.txt"}}),
    "backslash": ("failed", {"entry": {"name": b"bag\\bagit.txt"}}),
    "nought": ("failed", {"entry": {"name": b"bag/bagit.txt\0"}}),
    "empty part": ("failed", {"entry": {"name": b"bag//bagit.txt"}}),
    "dot": ("failed", {"entry": {"name": b"bag/./bagit.txt"}}),
    "dots": ("failed", {"entry": {"name": b"bag/../bag/bagit.txt"}}),
    "not UTF-8": ("failed", {"entry": {"name": b"bag/\xff", "flags": 0x800}}),
    "not UTF-8, and not said to be": ("failed", {"entry": {"name": b"bag/\xff"}}),
    "UTF-8": ("refused", {"entry": {"name": "bag/ü".encode(), "flags": 0x800}}),
    "UTF-8 that is not said to be": ("refused", {"entry": {"name": "bag/ü".encode()}}),
    "another name beside it": ("failed", {"entry": {"extraC": beside(b"bag/x")}}),
    "another name beside it, in the local header": ("failed", {"entry": {"extra": beside(b"bag/x")}}),
    "the same name beside it": ("verified", {"entry": {"extra": beside(b"bag/bagit.txt")}}),
    "name twice": ("failed", {"entry": {"name": b"bag/data/_/0"}}),
    "another folder": ("failed", {"entry": {"name": b"bak/bagit.txt"}}),
    "no folder": ("failed", {"entry": {"name": b"bagit.txt"}}),
    # folders and links
    "an empty folder for bagit.txt": ("refused", {"entry": FOLDER}),
    "a folder that a file is": ("failed", {"entry": FOLDER | {"name": b"bag/data/_/0/"}}),
    "a folder with bytes": ("failed", {"entry": {"name": b"bag/empty/"}}),
    "a file for the folder at the top": ("failed", {"entry": {"name": b"bag"}}),
    "link": ("failed", {"entry": {"attributes": 0o120777 << 16}}),
    "pipe": ("failed", {"entry": {"attributes": 0o010644 << 16}}),
    "no attributes": ("verified", {"entry": {"attributes": 0}}),
    # ways of packing
    "encrypted": ("failed", {"entry": {"flags": 1}}),
    **{f"flag bit {bit}": ("failed", {"entry": {"flags": 1 << bit}}) for bit in (4, 5, 6, 7, 12, 13, 14, 15)},
    "flag bits 1 and 2": ("verified", {"entry": {"flags": 6}}),
    **{f"method {method}": ("failed", {"entry": {"method": method}}) for method in (1, 6, 9, 12, 14, 93, 95, 99)},
    "no deflate": ("failed", {"entry": DEFLATED | {"packed": b"\xff" * len(SMALL)}}),
    "a MiB that unpacks to a thousand times its size": ("refused", zeros(1 << 20)),
    "over a MiB that does": ("failed", zeros((1 << 20) + 1)),
    # headers that differ
    "two names": ("failed", {"entry": {"nameC": b"bag/bagit.tx_"}}),
    "two methods": ("failed", {"entry": {"methodC": 8}}),
    "two flags": ("failed", {"entry": {"flagsC": 2}}),
    "two sums": ("failed", {"entry": {"crc": 0, "crcC": SUM[0]}}),
    "two sizes": ("failed", {"entry": {"size": 1, "sizeC": SUM[2]}}),
    "two packed sizes": ("failed", {"entry": {"length": 1, "lengthC": SUM[1]}}),
    "another sum": ("failed", {"entry": {"crc": 1}}),
    "another size": ("failed", {"entry": {"size": 1}}),
    "another packed size": ("failed", {"entry": {"length": 1}}),
    "deflated, another size": ("failed", {"entry": DEFLATED | {"size": len(BODY) - 1}}),
}


def zip_of(options: Options) -> bytes:
    """A sound bundle, with one thing wrong in the zip file."""
    files = forge()
    first = {name: files.pop(name) for name in ["data/_/0", "bagit.txt"]}
    assert first["bagit.txt"] == BODY
    return raw_zip(first | files, **options)


@pytest.mark.parametrize("name", ZIPS)
def test_both_agree_on_zip_files(name: str, tmp_path: Path) -> None:
    """What section 2 refuses."""
    outcome, options = ZIPS[name]
    path = tmp_path / "forged.zip"
    path.write_bytes(zip_of(options))
    assert both(path)[0] == outcome


@pytest.mark.parametrize("number", range(150))
def test_both_agree_on_a_zip_file_with_another_byte(number: int, exported: dict[str, Path], tmp_path: Path) -> None:
    """Any byte of the file, more often one of the headers than of the content."""
    rng = random.Random(f"byte {number}")  # noqa: S311
    data = bytearray(exported["one"].read_bytes())
    marks = [found.start() for found in re.finditer(b"PK\1\2|PK\3\4|PK\5\6", data)]
    at = rng.choice(marks) + rng.randrange(46) if rng.random() < 0.8 else rng.randrange(len(data))
    data[min(at, len(data) - 1)] ^= 1 << rng.randrange(8)
    path = tmp_path / "altered.zip"
    path.write_bytes(data)
    both(path)
