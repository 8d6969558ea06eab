"""A verifier of notary's bundles, written from notary/FORMAT.md alone.

It shares no line with notary and needs nothing but Python's standard library, and for signatures and tokens OpenSSH's
and OpenSSL's programs. The tests beside it let both judge the
same bundles; wherever they differ, one of them or the page is wrong. It would rather be short than fast: a bundle is
read into memory whole. The numbers of checks are those of the page's section 3.

    verify("bundle.zip", trusted=lambda height: header_of_my_own_node(height))
"""

import json
import re
import stat
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.independent.proofs import PENDING, Proof, read_proof
from tests.independent.steps import Failure, Files, Refused, need, sha256
from tests.independent.who import check_line, check_named_block, check_signature
from tests.independent.who import check_token as time_of_token
from tests.independent.zips import read_zip

Trusted = Callable[[int], bytes | None]

HEX16, HEX32 = "[0-9a-f]{32}", "[0-9a-f]{64}"
TIME = "[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
SHORT = "(?s).{0,4096}"
SIGNER_KEYS = {"key", "did", "name", "organisation"}
MANIFEST_KEYS = {"format", "root", "size", "network", "declared_at", "tool"}
OPTIONAL_KEYS = {"title", "previous", "not_before", "signer", "policy"}
RECORD_KEYS = {"path", "path_hex", "size", "mtime", "exhibit", "custodian", "bates", "description", "source"}


@dataclass
class Verdict:
    """What a bundle shows: `shown` items of a batch of `of`. `why` says why checks failed."""

    outcome: str = "failed"
    failed_checks: set[int] = field(default_factory=set)
    existed_by: date | None = None
    shown: int = 0
    of: int = 0
    why: list[str] = field(default_factory=list)


# ---- Section 1: the commitment, and JSON ---------------------------------------------------------------------------


def record_hash(t: bytes, record: bytes) -> bytes:
    """r, which hides a record until t is shown."""
    return sha256(b"\5", t, record)


def leaf_hash(digest: bytes, s: bytes, r: bytes) -> bytes:
    """An item's place in the tree."""
    return sha256(b"\0", digest, s, r)


def node_hash(left: bytes, right: bytes) -> bytes:
    """Two subtrees joined."""
    return sha256(b"\1", left, right)


def statement_hash(manifest: bytes, signature: bytes = b"") -> bytes:
    """m, which commits to manifest and signature."""
    return sha256(b"\4", sha256(manifest), sha256(signature))


def head_hash(root: bytes, n: int, statement: bytes) -> bytes:
    """The number that commits to a whole batch."""
    return sha256(b"\2notary/v1\n", root, struct.pack(">Q", n), statement)


def head_of(manifest: dict[str, Any], text: bytes, signature: bytes) -> bytes:
    """The head of a batch with this manifest, of whose bytes this is the signature."""
    return head_hash(bytes.fromhex(manifest["root"]), manifest["size"], statement_hash(text, signature))


def seal_hash(head: bytes, token: bytes | None) -> bytes:
    """What calendars were given."""
    return head if token is None else sha256(b"\3", head, sha256(token))


def root_hash(n: int, leaves: dict[int, bytes], others: Iterator[bytes]) -> bytes:
    """The root over n items, from the disclosed leaves and tree.bin's hashes."""

    def root(low: int, high: int, shown: list[int]) -> bytes:
        if not shown:
            other = next(others, b"")
            need(other, "tree.bin has too few hashes")
            return other
        if high - low == 1:
            return leaves[low]
        middle = low + (1 << (high - low - 1).bit_length() - 1)
        left = root(low, middle, [index for index in shown if index < middle])
        return node_hash(left, root(middle, high, [index for index in shown if index >= middle]))

    result = root(0, n, sorted(leaves))
    need(next(others, b"") == b"", "tree.bin has hashes left over")
    return result


def load_json(data: bytes) -> Any:
    """JSON as strictly as the page wants it."""

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        need(len(dict(items)) == len(items), "a key twice")
        return dict(items)

    def integer(text: str) -> int:
        need(len(text) < 18 and abs(int(text)) < 1 << 53, "an integer beyond 2^53 - 1")
        return int(text)

    def no_integer(text: str) -> None:
        raise Failure(f"{text} is no integer")

    def depth(value: Any) -> int:
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
        return 0 if inner is None else 1 + max(map(depth, inner), default=0)

    hooks: dict[str, Any] = {"object_pairs_hook": pairs, "parse_int": integer}
    try:
        value = json.loads(data.decode(), parse_float=no_integer, parse_constant=no_integer, **hooks)
        need(depth(value) <= 8, "nested too deep")
        json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair has no UTF-8
    except (ValueError, RecursionError) as error:
        raise Failure(f"no JSON: {error}") from error
    return value


def canonical(value: Any) -> bytes:
    """RFC 8785, for what a record may hold: ASCII keys, strings, integers, objects."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def is_int(value: Any, low: int, high: int) -> bool:
    """Whether it is an integer in this range, both ends included."""
    return type(value) is int and low <= value <= high


def matches(value: Any, pattern: str) -> bool:
    """Whether it is a string, all of which the pattern matches."""
    return isinstance(value, str) and re.fullmatch(pattern, value) is not None


def is_time(value: Any, fraction: str = "") -> bool:
    """Whether it is a time in UTC as RFC 3339 writes it."""
    try:
        return matches(value, f"{TIME}{fraction}Z") and bool(date.fromisoformat(value[:10]))
    except ValueError:
        return False


def check_manifest(data: bytes) -> dict[str, Any]:
    """Step 3: the manifest, as section 1 has it."""
    manifest = load_json(data)
    need(isinstance(manifest, dict), "a manifest that is no object")
    if manifest.get("format") != "notary/v1":
        raise Refused(f"a bundle of the format {manifest.get('format')!r}")
    keys = set(manifest)
    need(keys >= MANIFEST_KEYS and keys <= MANIFEST_KEYS | OPTIONAL_KEYS, f"a manifest with the keys {sorted(keys)}")
    need(matches(manifest["root"], HEX32) and is_int(manifest["size"], 1, 1 << 40), "no root, or no size")
    texts = [manifest.get(key, "") for key in ("network", "tool", "title")]
    need(all(matches(text, SHORT) for text in texts), "a text that is none, or too long")
    need(is_time(manifest["declared_at"]), "no time of declaration")
    need("previous" not in manifest or matches(manifest["previous"], HEX32), "no head of the batch before")
    if "not_before" in manifest:
        block = manifest["not_before"]
        need(isinstance(block, dict) and block.keys() == {"network", "height", "hash"}, "no named block")
        need(matches(block["network"], SHORT) and matches(block["hash"], HEX32), "no network, or no hash")
        need(is_int(block["height"], 0, (1 << 32) - 1), "no height")
    if "signer" in manifest:
        signer = manifest["signer"]
        need(isinstance(signer, dict) and {"key", "did"} <= signer.keys() <= SIGNER_KEYS, "no signer")
        need(all(matches(text, SHORT) for text in signer.values()), "a text that is none, or too long")
    return manifest  # type: ignore[no-any-return]


def check_record(record: Any) -> None:
    """Step 5: a record, as section 1 has it."""

    def plain(value: Any) -> bool:
        if isinstance(value, dict):
            return all(key.isascii() and plain(inner) for key, inner in value.items())
        return isinstance(value, str) or is_int(value, -(1 << 53), 1 << 53)

    need(isinstance(record, dict) and plain(record), "values that a record does not have")
    need(set(record) <= RECORD_KEYS, f"a record with the keys {sorted(record)}")
    need(("path" in record) != ("path_hex" in record), "path or path_hex, and not both")
    need(is_int(record.get("size"), 0, 1 << 53), "no size")
    need("mtime" not in record or is_time(record["mtime"], r"(\.[0-9]{0,8}[1-9])?"), "no time of modification")
    if "path" in record:
        need(isinstance(record["path"], str), "no path")
        path = record["path"].encode()
    else:
        need(matches(record["path_hex"], "([0-9a-f]{2})+"), "no path_hex")
        path = bytes.fromhex(record["path_hex"])
        need(path.decode(errors="replace").encode() != path, "path_hex of a path that is UTF-8")
    need(not {b"", b".", b".."} & set(path.split(b"/")), "a path that leaves its folder")


# ---- Section 2: the bundle -----------------------------------------------------------------------------------------


def read_folder(folder: Path) -> Files:
    """An unpacked bag's files by name."""
    files = {}
    for path in folder.rglob("*"):
        name, mode = path.relative_to(folder).as_posix(), path.lstat().st_mode
        need(stat.S_ISREG(mode) or stat.S_ISDIR(mode), f"{name!r} is neither file nor folder")
        name.encode()
        if stat.S_ISREG(mode):
            files[name] = path.read_bytes()
    return files


def open_bundle(path: Path) -> Files:
    """Step 1: a bundle's files by their names in the bag."""
    if path.is_dir():
        files = read_folder(path)
    else:
        archive = path.read_bytes()
        if archive[:2] != b"PK" or archive[-22:][:4] + archive[-2:] != b"PK\5\6\0\0":
            raise Refused("no zip file, or one with a comment or something else behind its end")
        files = read_zip(archive)
    if "bagit.txt" not in files:
        raise Refused("no bag")
    return files


def check_bag(files: Files) -> None:
    """Step 2: every file is listed once, in the right manifest, with the digest that it has."""
    for list_name, is_payload in (("manifest-sha256.txt", True), ("tagmanifest-sha256.txt", False)):
        listed: dict[str, str] = {}
        need(list_name in files, f"no {list_name}")
        text = re.sub("\r\n?", "\n", files[list_name].decode())
        for line in text.removesuffix("\n").split("\n") if text else []:
            match = re.fullmatch(r"([0-9a-fA-F]{64}) +\*?([^ *].*)", line)
            if not match:
                raise Failure(f"a line of {list_name} that is none: {line!r}")
            name = re.sub("%(25|0[AaDd])", lambda code: chr(int(code[1], 16)), match[2])
            need(name not in listed, f"{name!r} is listed twice")
            listed[name] = match[1].lower()
        there = {
            name: sha256(content).hex()
            for name, content in files.items()
            if name.startswith("data/") == is_payload and name != "tagmanifest-sha256.txt"
        }
        wrong = [repr(name) for name in there.keys() | listed.keys() if there.get(name) != listed.get(name)]
        need(not wrong, f"{list_name} is wrong about {', '.join(sorted(wrong))}")


def read_items(data: bytes | None) -> list[dict[str, Any]]:
    """The lines of items.jsonl; their form counts as a part of step 6."""
    need(data and data[-1:] == b"\n", "no items, or a last line without an end")
    items = [load_json(line) for line in (data or b"").split(b"\n")[:-1]]
    for item in items:
        need(isinstance(item, dict), "a line that is no object")
        known = set(item) - {"file"} in ({"index", "digest", "s", "t", "record"}, {"index", "digest", "s", "r"})
        need(known and is_int(item["index"], 0, 1 << 40), f"an item with the keys {sorted(item)}, or no index")
        need(matches(item["digest"], HEX32) and matches(item["s"], HEX16), "no digest, or no salt")
        need(matches(item["r"], HEX32) if "r" in item else matches(item["t"], HEX16), "no r, or no t")
        need(isinstance(item.get("file", ""), str), "no name of a file")
    return items


def check_files(items: list[dict[str, Any]], files: Files) -> None:
    """Step 4: files have the digests of their items, and every file is some item's."""
    names = {item["file"] for item in items if "file" in item}
    payload = {name: sha256(content).hex() for name, content in files.items() if name.startswith("data/")}
    need(names == payload.keys(), f"files and items do not pair: {sorted(names ^ payload.keys())}")
    need(all(payload[item["file"]] == item["digest"] for item in items if "file" in item), "a file was changed")


def check_records(items: list[dict[str, Any]], files: Files) -> None:
    """Step 5: records are well formed and have the sizes of their files, and these stand where they should."""
    for item in items:
        record, file = item.get("record", {}), item.get("file")
        if "record" in item:
            check_record(record)
            need(file not in files or record["size"] == len(files[file]), "a record of another size")
        names = {f"data/_/{item['index']}"} | ({f"data/{record['path']}"} if "path" in record else set())
        need(file is None or file in names, f"{file!r} is not where it should be")


def check_tree(items: list[dict[str, Any]], tree: bytes | None, manifest: dict[str, Any]) -> None:
    """Step 6: leaves and tree.bin give the manifest's root."""
    indices = [item["index"] for item in items]
    need(indices == sorted(set(indices)) and max(indices, default=0) < manifest["size"], "indices that do not ascend")
    leaves = {}
    for item in items:
        raw = {key: bytes.fromhex(item[key]) for key in ("digest", "s", "r", "t") if key in item}
        r = raw["r"] if "r" in raw else record_hash(raw["t"], canonical(item["record"]))
        leaves[item["index"]] = leaf_hash(raw["digest"], raw["s"], r)
    if tree is None or len(tree) % 32:
        raise Failure("no tree.bin, or one that is cut")
    others = (tree[at : at + 32] for at in range(0, len(tree), 32))
    need(root_hash(manifest["size"], leaves, others).hex() == manifest["root"], "another root")


# ---- Section 3: verification ---------------------------------------------------------------------------------------


def check_token(proof: Proof, head: bytes, token: bytes | None) -> datetime | None:
    """Step 9: before any fork, the proof leads to the seal; the token's time."""
    if token is not None:
        joined = head + sha256(token)
        three = (joined, b"\3" + joined, seal_hash(head, token))
        need(proof.fork >= 3 and proof.attestations[0].place.path[1:4] == three, "a token that the proof leaves out")
        return time_of_token(token, head)
    return None


def read_headers(files: Files, network: str) -> dict[int, bytes]:
    """The bundle's own headers by height; none of another network, and none if they are not as section 2 has them."""
    data = files.get("notary/headers.bin", b"")
    headers: dict[int, bytes] = {}
    at = 0
    try:
        listed = load_json(files.get("notary/headers.json", b""))
        need(set(listed) == {"network", "runs"} and listed["network"] == network, "headers of another network")
        need(isinstance(listed["runs"], list), "no runs")
        for run in listed["runs"]:
            need(isinstance(run, dict) and set(run) == {"start", "count"}, "a run with other keys")
            need(is_int(run["start"], 0, 1 << 53) and is_int(run["count"], 1, len(data) // 80), "a run of no headers")
            for place in range(run["count"]):
                header = data[at + 80 * place :][:80]
                if place and header[4:36] != sha256(sha256(data[at + 80 * place - 80 :][:80])):
                    break
                headers.setdefault(run["start"] + place, header)
            at += 80 * run["count"]
        need(at == len(data), "the counts do not add up")
    except (Failure, TypeError):
        return {}
    return headers


def target_of(header: bytes) -> int:
    """The target that a header's bits give; 0 for none."""
    bits = int.from_bytes(header[72:76], "little")
    exponent, mantissa = bits >> 24, bits & 0x7FFFFF
    target = mantissa << 8 * (exponent - 3) if exponent > 3 else mantissa >> 8 * (3 - exponent)
    return 0 if bits & 0x800000 else target


def has_work(header: bytes, network: str, first: bytes | None = None) -> bool:
    """Whether a header's hash is at most its target, and that no easier than a network, or four times `first`'s, is."""
    limit = 0xFFFF << 208 if network == "bitcoin" else 0x7FFFFF << 232
    limit = min(limit, 4 * target_of(first)) if first else limit
    work = int.from_bytes(sha256(sha256(header)), "little")
    return 0 < target_of(header) <= limit and work <= target_of(header)


def leads_to(height: int, header_at: Trusted, network: str) -> str | None:
    """The last block of the period, if each header up to it names the one before, and it has work; as shown in hex."""
    header = first = header_at(height)
    while header and (height + 1) % 2016:
        height += 1
        following = header_at(height)
        header = following if following and following[4:36] == sha256(sha256(header)) else None
    return sha256(sha256(header))[::-1].hex() if header and has_work(header, network, first) else None


def latest_of(height: int, header_at: Trusted, network: str) -> datetime:
    """The latest clock of the block and of up to eleven that follow it, plus two hours."""
    first, latest = header_at(height), 0
    header = first
    for later in range(height + 1, height + 13):
        if not header or not has_work(header, network, first):
            break
        latest = max(latest, int.from_bytes(header[68:72], "little"))
        following = header_at(later)
        header = following if following and following[4:36] == sha256(sha256(header)) else None
    return datetime.fromtimestamp(latest, UTC) + timedelta(hours=2)


def verify(
    path: str | Path,
    network: str = "bitcoin",
    trusted: Trusted | None = None,
    pinned: Mapping[int, str] | None = None,
) -> Verdict:
    """Judge a bundle, or raise Refused.

    `trusted` gives the header that the chain has at a height; `pinned` the hash that the last block of a period has, as
    it is shown. On a test network, whose blocks cost nothing, the bundle's own headers are enough.
    """
    verdict = Verdict()

    def step(number: int, check: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return check(*arguments)
        except (Failure, UnicodeError, struct.error) as error:
            verdict.failed_checks.add(number)
            verdict.why.append(f"{number}: {error}")
            return None

    files = step(1, open_bundle, Path(path))
    if files is None:
        return verdict
    step(2, check_bag, files)
    manifest = step(3, check_manifest, files.get("notary/manifest.json", b""))
    items = step(6, read_items, files.get("notary/items.jsonl"))
    if items is not None:
        verdict.shown = len(items)
        step(4, check_files, items, files)
        step(5, check_records, items, files)
    proof = step(10, read_proof, files.get("notary/head.ots"))
    if items is not None and manifest:
        verdict.of = manifest["size"]
        step(6, check_tree, items, files.get("notary/tree.bin"), manifest)
    if manifest:
        text, line = files["notary/manifest.json"], files.get("notary/line.jsonl")
        step(7, check_signature, text, manifest, files.get("notary/manifest.sig"))
        if line is not None:
            step(16, check_line, line, manifest, load_json, check_manifest, head_of)
    if not manifest or not proof:
        return verdict

    head = head_of(manifest, files["notary/manifest.json"], files.get("notary/manifest.sig", b""))
    step(8, need, (proof.file_hash, proof.digest) == (0x08, head), "a proof of another head")
    stamped = step(9, check_token, proof, head, files.get("notary/head.tsr"))

    own = read_headers(files, manifest["network"])
    source: Trusted = trusted or own.get
    counting = [each for each in proof.attestations if each.counts]
    by_blocks = sorted((each.height, each.place.path[-1]) for each in counting if each.height is not None)
    good: list[int] = []
    bad: list[int] = []
    unseen = 0
    for height, merkle_root in by_blocks:
        header = source(height) or own.get(height)
        if header and network == manifest["network"]:
            (good if header[36:68] == merkle_root and has_work(header, network) else bad).append(height)
        else:
            unseen += 1
    if unseen and len(by_blocks) > 16:
        bad = []
    ends = {
        height: (leads_to(height, own.get, network), (pinned or {}).get(height - height % 2016 + 2015))
        for height in good
    }
    if not trusted:
        astray = [height for height, (end, known) in ends.items() if end and known and end != known]
        step(12, need, not astray or len(astray) < len(good), f"headers that lead past a checkpoint: {astray}")
    step(11, need, good or not bad, f"no such blocks, or none of enough work: {bad}")
    linked = [height for height, (end, known) in ends.items() if end and end == known]
    enough = linked if not trusted and (network == "bitcoin" or pinned) else good
    chained = [height for height in enough if source(height)]
    latest = latest_of(chained[0], lambda height: source(height) or own.get(height), network) if chained else None
    step(9, need, not (stamped and latest) or stamped <= latest, "a token of after the block")

    def trusted_at(height: int) -> bytes | None:
        """Step 13 by the page: as in steps 11 and 12."""
        header = source(height) or own.get(height)
        end = leads_to(height, own.get, network)
        is_pinned = bool(pinned) and end is not None and end == (pinned or {}).get(height - height % 2016 + 2015)
        free = bool(trusted) or (network != "bitcoin" and not pinned)
        return header if header and has_work(header, network) and (free or is_pinned) else None

    if network == manifest["network"]:
        step(13, check_named_block, manifest.get("not_before"), chained[0] if chained else None, network, trusted_at)
    if not verdict.failed_checks:
        pending = not by_blocks and any(each.tag == PENDING for each in counting)
        verdict.outcome = "verified" if chained else "pending" if pending else "unconfirmed"
        verdict.existed_by = latest.date() if latest else None
    return verdict
