"""Bundles that are forged from FORMAT.md's formulas, and the two judges of them: notary, and the reader beside this."""

import contextlib
import hashlib
import io
import json
import re
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from notary.cli.app import run
from tests.independent import reader
from tests.independent.proofs import BITCOIN, OTS_MAGIC, PENDING
from tests.independent.steps import Files, Refused, sha256

NOTARY = Path(sys.executable).parent / "notary"
Judged = tuple[str, str | None, int, int]

# ---- The two judges ------------------------------------------------------------------------------------------------


def by_reader(path: Path) -> Judged:
    """What the reader says; of what is refused or failed, no more than that."""
    try:
        verdict = reader.verify(path, network="local")
    except Refused:
        return "refused", None, 0, 0
    if verdict.outcome == "failed":
        assert verdict.failed_checks
        return "failed", None, 0, 0
    day = verdict.existed_by.isoformat() if verdict.existed_by else None
    return verdict.outcome, day, verdict.shown, verdict.of


def by_notary(path: Path) -> Judged:
    """What notary says, in the same words."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        status = run(["verify", str(path), "--network", "local", "--offline", "--json"])
    return from_notary(status, out.getvalue())


def by_notary_process(path: Path) -> Judged:
    """The same, through a process of its own."""
    command: list[str | Path] = [NOTARY, "verify", path, "--network", "local", "--offline", "--json"]
    done = subprocess.run(command, capture_output=True, check=False)
    return from_notary(done.returncode, done.stdout.decode())


def from_notary(status: int, out: str) -> Judged:
    """notary's exit status and JSON, as a tuple to compare."""
    answer = json.loads(out)
    if "verdict" not in answer:
        return "refused" if status == 2 else f"exit status {status}", None, 0, 0
    assert status == {"verified": 0, "failed": 1}.get(answer["verdict"], 3), answer
    assert any(check["status"] == "failed" for check in answer["checks"]) == (answer["verdict"] == "failed")
    if answer["verdict"] == "failed":
        return "failed", None, 0, 0
    return answer["verdict"], answer["existed_by"], answer["items"]["disclosed"], answer["items"]["of"]


def both(path: Path) -> Judged:
    """What both say."""
    notarys, readers = by_notary(path), by_reader(path)
    assert notarys == readers, f"notary says {notarys}, the reader {readers}"
    return readers


# ---- Reading and writing bundles -----------------------------------------------------------------------------------


def unzip(path: Path) -> tuple[str, Files]:
    """A bundle's folder at the top, and its files."""
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        top = names[0].partition("/")[0]
        return top, {name[len(top) + 1 :]: archive.read(name) for name in names}


def write_zip(path: Path, files: Files, top: str = "bag", method: int = zipfile.ZIP_STORED) -> Path:
    """A bundle of these files."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(f"{top}/{name}", content)
    return path


def write_folder(path: Path, files: Files) -> Path:
    """The same, unpacked."""
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def rebag(files: Files) -> Files:
    """The files with bag manifests that agree, so that only deeper checks can tell."""

    def escaped(name: str) -> str:
        return re.sub("[%\n\r]", lambda found: f"%{ord(found[0]):02X}", name)

    def listing(payload: bool) -> bytes:
        lines = [
            f"{hashlib.sha256(content).hexdigest()}  {escaped(name)}\n"
            for name, content in files.items()
            if name.startswith("data/") == payload and name != "tagmanifest-sha256.txt"
        ]
        return "".join(lines).encode()

    if "manifest-sha256.txt" in files:
        files["manifest-sha256.txt"] = listing(payload=True)
    if "tagmanifest-sha256.txt" in files:
        files["tagmanifest-sha256.txt"] = listing(payload=False)
    return files


# ---- Forged bundles

MIDNIGHT = 1_795_219_200  # 2026-11-21T00:00:00Z
DAY = 86_400
RECORDS: list[Any] = [{"path": "a/x", "size": 2}, {"path": "a/y", "size": 1}, {"path": "b", "size": 0}]


def block(payload: bytes) -> bytes:
    """Bytes with their length before them, as OpenTimestamps has it."""
    return number(len(payload)) + payload


def number(value: int) -> bytes:
    """A number in base 128."""
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + number(value >> 7)


def bitcoin(height: int = 101) -> bytes:
    """An attestation by a block."""
    return b"\0" + BITCOIN + block(number(height))


IN_BLOCK_101 = b"\x08" + bitcoin()


def pending(uri: bytes = b"https://a.example") -> bytes:
    """A calendar's attestation."""
    return b"\0" + PENDING + block(block(uri))


def unknown(payload: bytes = b"") -> bytes:
    """An attestation by something else."""
    return b"\0" + b"whatever" + block(payload)


def steps_to_seal(token: bytes) -> list[bytes]:
    """The operations that lead from the head to the seal."""
    return [b"\xf0" + block(sha256(token)), b"\xf1" + block(b"\3"), b"\x08"]


def mine(previous: bytes, merkle_root: bytes, clock: int, bits: int = 0x207FFFFF, works: bool = True) -> bytes:
    """A header on a test network's easiest target, or one that just misses it."""
    for nonce in range(1 << 20):
        header = struct.pack("<L", 4) + previous + merkle_root + struct.pack("<LLL", clock, bits, nonce)
        if (sha256(sha256(header))[-1] < 0x7F) == works:
            return header
    raise AssertionError


def chain(merkle_root: bytes, clocks: list[int], after: bytes | None = None, **options: Any) -> list[bytes]:
    """Headers in a row, the first with this merkle root, upon the header `after`."""
    headers: list[bytes] = []
    for clock in clocks:
        last = headers[-1] if headers else after
        previous = sha256(sha256(last)) if last else bytes(32)
        headers.append(mine(previous, sha256(previous) if headers else merkle_root, clock, **options))
    return headers


def shown_hash(header: bytes) -> str:
    """As explorers show it."""
    return sha256(sha256(header))[::-1].hex()


def forge(
    records: list[Any] = RECORDS,
    shown: tuple[int, ...] | None = None,
    withheld: tuple[int, ...] = (),
    names: dict[int, str] | None = None,
    manifest: dict[str, Any] | Callable[[bytes], bytes] | None = None,
    items: Callable[[bytes], bytes] = bytes,
    proof: bytes | Callable[[bytes], bytes] = IN_BLOCK_101,
    attested: Callable[[bytes], bytes] = sha256,
    clocks: tuple[int, ...] = (MIDNIGHT, MIDNIGHT + 600),
    mining: dict[str, Any] | None = None,
    runs: Any = None,
    pick_headers: Callable[[list[bytes]], list[bytes]] = list,
    more: dict[str, bytes] | None = None,
    to_seal: bytes | Callable[[bytes], bytes] | None = None,
    version: bytes = b"\1",
    sign: Callable[[bytes], bytes] | None = None,
    stamp: Callable[[bytes], bytes] | None = None,
    earlier: int = 0,
    line: Callable[[bytes], bytes] | None = None,
) -> Files:
    """A bundle of section 1's formulas. The proof starts at the seal; `attested` says what it makes of it.

    `sign` makes a signature of the manifest, `stamp` a token of the head, `line` the line of batches of the manifest.
    The manifest names the first of `earlier` blocks before the attesting one, whose headers are there too.
    """
    more = dict(more or {})
    files: Files = {"bagit.txt": b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"}
    shown = tuple(range(len(records))) if shown is None else shown
    leaves, text = [], b""
    for index, record in enumerate(records):
        s, t = sha256(b"s%d" % index)[:16], sha256(b"t%d" % index)[:16]
        size = record.get("size") if isinstance(record, dict) else 0
        content = bytes([index]) * (size if isinstance(size, int) and 0 <= size < 99 else 0)
        r = reader.record_hash(t, reader.canonical(record))
        leaves.append(reader.leaf_hash(sha256(content), s, r))
        if index in shown:
            file = (names or {}).get(index, f"data/_/{index}")
            item = {"index": index, "digest": sha256(content).hex(), "s": s.hex(), "file": file}
            item |= {"r": r.hex()} if index in withheld else {"t": t.hex(), "record": record}
            files[file] = content
            text += json.dumps(item, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    tree: list[bytes] = []

    def build(low: int, high: int, inside: bool) -> bytes:
        """The hash over a range; into the tree go those of the largest ranges that show nothing."""
        here = any(low <= index < high for index in shown)
        place = len(tree)
        if high - low == 1:
            result = leaves[low]
        else:
            middle = low + max(1 << bit for bit in range(20) if 1 << bit < high - low)
            result = reader.node_hash(build(low, middle, inside and here), build(middle, high, inside and here))
        if inside and not here:
            tree.insert(place, result)
        return result

    fields: dict[str, Any] = {"format": "notary/v1", "root": build(0, len(leaves), True).hex(), "size": len(leaves)}
    fields |= {"network": "local", "declared_at": "2026-11-21T03:10:53Z", "tool": "a forge"}
    before = chain(sha256(b"earlier"), [MIDNIGHT - 600 * ago for ago in range(earlier, 0, -1)])
    if before:
        fields["not_before"] = {"network": "local", "height": 101 - earlier, "hash": shown_hash(before[0])}
    text_manifest = json.dumps(fields | (manifest if isinstance(manifest, dict) else {})).encode()
    files["notary/manifest.json"] = manifest(text_manifest) if callable(manifest) else text_manifest
    if sign:
        more["notary/manifest.sig"] = sign(files["notary/manifest.json"])
    if line:
        more["notary/line.jsonl"] = line(files["notary/manifest.json"])
    signature = more.get("notary/manifest.sig", b"")
    statement = reader.statement_hash(files["notary/manifest.json"], signature)
    head = reader.head_hash(bytes.fromhex(str(fields["root"])), len(leaves), statement)
    if stamp:
        more["notary/head.tsr"] = stamp(head)
    token = more.get("notary/head.tsr")
    seal = head if to_seal == b"" else reader.seal_hash(head, token)
    if callable(to_seal):
        to_seal = to_seal(token or b"")
    if to_seal is None:
        to_seal = b"" if token is None else b"".join(steps_to_seal(token))
    ends = proof(seal) if callable(proof) else proof
    headers = before + chain(attested(seal), list(clocks), before[-1] if before else None, **(mining or {}))
    headers = pick_headers(headers)
    listed = [{"start": 101 - earlier, "count": len(headers)}] if runs is None else runs
    files |= {
        "notary/items.jsonl": items(text),
        "notary/tree.bin": b"".join(tree),
        "notary/head.ots": OTS_MAGIC + version + b"\x08" + head + to_seal + ends,
        "notary/headers.bin": b"".join(headers),
        "notary/headers.json": json.dumps({"network": "local", "runs": listed}).encode(),
        "manifest-sha256.txt": b"",
        "tagmanifest-sha256.txt": b"",
        **more,
    }
    return rebag({name: content for name, content in files.items() if content != b"gone"})


def raw_zip(files: Files, entry: dict[str, Any] | None = None, **whole: Any) -> bytes:
    """A zip file, byte by byte. `entry` alters the second entry; what ends in C is the central directory's alone."""

    def header(of: dict[str, Any]) -> bytes:
        sizes = (of["crc"], of["length"], of["size"], len(of["name"]), len(of["extra"]))
        return struct.pack("<HHHHHLLLHH", 20, of["flags"], of["method"], 0, 33, *sizes)

    out, directory = whole.get("lead", b""), b""
    for place, (name, content) in enumerate(files.items()):
        local: dict[str, Any] = {"name": f"bag/{name}".encode(), "packed": content, "flags": 0, "method": 0}
        local |= {"crc": zlib.crc32(content), "length": len(content), "size": len(content), "extra": b""}
        local |= {"before": b"", "behind": b"", "attributes": 0o100644 << 16, "disk": 0}
        local |= (entry or {}) if place == 1 else {}
        central = local | {"extra": b""} | {key[:-1]: value for key, value in local.items() if key.endswith("C")}
        start = len(out) + len(local["before"])
        out += local["before"] + b"PK\3\4" + header(local) + local["name"] + local["extra"]
        out += local["packed"] + local["behind"]
        rest = struct.pack("<HHHLL", 0, central["disk"], 0, central["attributes"], central.get("at", start))
        directory += b"PK\1\2\x14\3" + header(central) + rest + central["name"] + central["extra"]
    out += whole.get("between", b"")
    end = {"disk": 0, "disk_of": 0, "here": len(files), "all": len(files), "size": len(directory), "start": len(out)}
    end |= {"comment": 0}
    wide = struct.pack("<4sQHHLLQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, len(files), len(files), len(directory), len(out))
    wide += struct.pack("<4sLQL", b"PK\6\7", 0, len(out + directory), 1)
    end |= {key: value for key, value in whole.items() if key in end}
    out += directory + (wide if whole.get("wide") else b"")
    out += struct.pack("<4sHHHHLLH", b"PK\5\6", *end.values()) + whole.get("tail", b"")
    return bytes(out)
