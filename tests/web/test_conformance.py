"""notary and the web verifier agree: the same verdict, date, checks and words, on whatever is sound, altered or forged.

The web verifier is written from notary/FORMAT.md. Where the two ever differ, one of them is wrong, or the page.
"""

import base64
import json
import random
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from notary.core.chain import Checkpoints
from notary.core.facts import Policy
from notary.core.header import NETWORKS, Trust
from notary.core.openssh import read_public_key
from notary.edges.checkpoints import shipped_checkpoints
from notary.edges.explorers import MIN_EXPLORERS
from notary.edges.header_files import open_headers
from notary.errors import InputError
from notary.headers import HeaderSources
from notary.reporting import verdict_json
from notary.verifying import verify
from notary.webpage import half_checkpoints
from tests.conftest import SHARED_DATA
from tests.edges.test_hostile_zips import HOSTILE
from tests.edges.test_hostile_zips import SOUND as SOUND_ZIPS
from tests.independent.conftest import EXPORTS
from tests.independent.forge import MIDNIGHT, forge, pending, rebag, unzip, write_zip
from tests.independent.seals import MINE, token_at
from tests.independent.steps import sha256
from tests.independent.test_forged import FORGED, LISTINGS
from tests.independent.test_forged_proofs import DATES, HEADERS, PROOFS
from tests.independent.test_forged_proofs import SPELLINGS as PROOF_SPELLINGS
from tests.independent.test_mutations import CASES, DEEP, STALE
from tests.independent.test_zips import BODY, ZIPS, zip_of
from tests.independent.who import NAMESPACE
from tests.scenarios.certified import run
from tests.web.conftest import Node

VECTORS = Path(__file__).parents[1] / "vectors" / "mainnet"
LEVELS = [level.word for level in Trust]
SHIPPED = shipped_checkpoints(NETWORKS["bitcoin"])


@dataclass(frozen=True)
class Demand:
    """What the verifier asks for, in terms that both understand."""

    network: str = "local"
    require: str | None = None
    checkpoints: Checkpoints = field(default_factory=Checkpoints)
    headers: Path | None = None
    explorers: tuple[str, ...] = ()

    def by_notary(self) -> tuple[Policy, HeaderSources]:
        network = NETWORKS[self.network]
        least = network.least_trust if self.require is None else Trust[self.require.upper()]
        kept = None if self.headers is None else open_headers(self.headers)
        return Policy(network, least, self.checkpoints), HeaderSources(file=kept, explorers=self.explorers)

    def by_page(self) -> dict[str, Any]:
        pinned = half_checkpoints(self.checkpoints)
        policy: dict[str, Any] = {"network": self.network, "checkpoints": {self.network: pinned.hex()}}
        if self.require is not None:
            policy["require"] = self.require
        if self.headers is not None:
            policy["headers"] = {"data": str(self.headers), "index": str(self.headers.with_suffix(".json"))}
        if self.explorers:
            policy["explorers"] = {"urls": self.explorers, "least": MIN_EXPLORERS}
        return policy


def by_notary(target: Path, evidence: list[Path], demand: Demand) -> dict[str, Any]:
    """What notary says, as its JSON has it."""
    try:
        verdict = verify(target, evidence, *demand.by_notary())
    except InputError as error:
        return {"error": error.message}
    return {
        **json.loads(json.dumps(verdict_json(verdict))),
        "made_on": verdict.made_on,
        "cautions": [],  # the page has some for certificates and claims
        "items_listed": [
            {"index": item.index, "name": item.name, "sha256": item.digest.hex(), "status": item.match.value}
            for item in verdict.items
        ],
        "declared": verdict.manifest
        and {
            "title": verdict.manifest.title,
            "declared_at": verdict.manifest.declared_at,
            "tool": verdict.manifest.tool,
        },
    }


OWN_WORDS = [
    (re.compile(r"is not JSON: .*? at character \d+"), "is not JSON"),  # each parser has its own
    (re.compile(r"(?<=is not as RFC 3161 demands): [^\"]*"), ""),
    (re.compile(r"the signature (?:is (?:not|longer|truncated|of)|has|hashes|does)[^\"]*"), "no signature"),
    (re.compile(r"the key (?:is truncated|has)[^\"]*"), "no signature"),
    (re.compile(r" is not supported on this page"), " is not supported"),
    # It has half of each checkpoint's hash.
    (re.compile(r"(?<=to the checkpoint of block )([\d,]+): (?:[0-9a-f]{32}|a hash that ends in )"), r"\1, in half: "),
]

UNCHECKED = "its signature, and whose it is, are not checked here"


def with_an_unchecked_token(notarys: dict[str, Any]) -> dict[str, Any]:
    """What a page says of the same bundle: it looks at a token's imprint and time, and at nothing else of it."""
    token = notarys.get("token")
    if token is None:
        return notarys
    time = token["time"]
    said = f"A time-stamping authority, {token['authority']}, says that the head existed at {time}; whose it is was not"
    says = f"A time-stamping token says that the head existed at {time}; {UNCHECKED}."
    checks = [
        one | {"found": f"it says {time}; {UNCHECKED}"} if one["number"] == 9 else one for one in notarys["checks"]
    ]
    assert checks[8]["status"] == "skipped"
    return notarys | {
        "token": dict.fromkeys(token) | {"time": time},
        "checks": checks,
        "sentences": [says if one.startswith(said) else one for one in notarys["sentences"]],
    }


def in_common_words(said: dict[str, Any], also: re.Pattern[str] | None) -> Any:
    text = json.dumps(said)
    for words, common in OWN_WORDS:
        text = words.sub(common, text)
    return json.loads(also.sub(r"\1 ...", text) if also else text)


def agreed(
    node: Node,
    target: Path,
    evidence: list[Path] | None = None,
    demand: Demand | None = None,
    also: re.Pattern[str] | None = None,
) -> dict[str, Any]:
    """What both say, to the word; of what `also` matches only its first group counts."""
    evidence, demand = evidence or [], demand or Demand()
    notarys = by_notary(target, evidence, demand)
    pages = node({"target": str(target), "evidence": list(map(str, evidence)), "policy": demand.by_page()})
    pages.pop("hints", None)  # those of the command line are about commands
    if pages.pop("open_blocks", None):  # of these a page's user may ask explorers
        assert pages["verdict"] == "unconfirmed" or (pages["verdict"] == "verified" and not pages["not_before"])
    assert in_common_words(pages, also) == in_common_words(with_an_unchecked_token(notarys), also)
    return pages


# -- bundles --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["pending", *EXPORTS])
def test_exports(node: Node, exported: dict[str, Path], name: str, tmp_path: Path) -> None:
    """Packed and packed again, on the network of its own, as one that is not asked for, and on every trust."""
    assert agreed(node, exported[name])["verdict"] == ("pending" if name == "pending" else "verified")
    top, files = unzip(exported[name])
    agreed(node, write_zip(tmp_path / "deflated.zip", files, top, zipfile.ZIP_DEFLATED))
    agreed(node, exported[name], demand=Demand("bitcoin", checkpoints=SHIPPED))
    agreed(node, exported[name], demand=Demand("regtest"))
    for level in LEVELS:
        agreed(node, exported[name], demand=Demand(require=level))


@pytest.mark.parametrize("name", ["files", "names", "digests"])
def test_files_beside_a_bundle(node: Node, exported: dict[str, Path], name: str, tmp_path: Path) -> None:
    """Those of items, altered ones under an item's name, and others."""
    _, files = unzip(exported["files"])
    contents = [content for each, content in files.items() if each.startswith("data/case/")]
    here = {
        "plain.txt": files["data/case/plain.txt"],
        "renamed.bin": contents[3],
        "other.txt": b"no item's",
        "empty": b"x",
        "dir/plain.txt": b"altered",
        "same/plain.txt": files["data/case/plain.txt"],
        "Käse 北京.txt": b"altered",
    }
    for each, content in here.items():
        (tmp_path / each).parent.mkdir(exist_ok=True)
        (tmp_path / each).write_bytes(content)
    paths = [tmp_path / each for each in here]
    assert agreed(node, exported[name], [paths[0], paths[1]])["verdict"] == "verified"
    assert agreed(node, exported[name], paths)["verdict"] == "failed"
    rng = random.Random(name)  # noqa: S311
    for _ in range(20):
        agreed(node, exported[name], rng.sample(paths, rng.randrange(1, 5)))


def test_a_folder_beside_a_bundle(node: Node, exported: dict[str, Path], tmp_path: Path) -> None:
    """A page is told of each file's path in the folder that was dropped."""
    _, files = unzip(exported["names"])
    recorded = {"case/plain.txt": b"content of plain.txt", "case/empty": b"x", "case/none.txt": b"not an item"}
    for each in (
        [*recorded],
        ["case/plain.txt"],
        ["case/empty"],
        ["case/none.txt"],
        ["case/plain.txt", "case/none.txt"],
    ):
        folder = tmp_path / f"{len(list(tmp_path.iterdir()))}" / "case"
        folder.mkdir(parents=True)
        for name in each:
            (folder.parent / name).write_bytes(recorded[name])
        notarys = by_notary(exported["names"], [folder], Demand())
        given = [{"path": str(folder.parent / name), "recorded": name} for name in sorted(each)]
        pages = node({"target": str(exported["names"]), "evidence": given, "policy": Demand().by_page()})
        for key in notarys:
            assert pages[key] == notarys[key], key
    assert files


@pytest.mark.parametrize("name", sorted(FORGED.keys() - {"bundle: token with another time"}))
def test_forged_bundles(node: Node, name: str, tmp_path: Path) -> None:
    agreed(node, write_zip(tmp_path / "forged.zip", forge(**FORGED[name][1])))


BUNDLES = VECTORS.parent / "bundles"


@pytest.mark.parametrize(
    "vector", json.loads((BUNDLES / "bundles.json").read_bytes())["bundles"], ids=lambda vector: str(vector["file"])
)
def test_bundle_vectors(node: Node, vector: dict[str, Any]) -> None:
    said = node({"target": str(BUNDLES / vector["file"]), "evidence": [], "policy": Demand().by_page()})
    if vector["outcome"] == "refused":
        assert "error" in said
        assert "verdict" not in said
        return
    if vector["what"] == "token with another time":  # a page does not look at a token's signature
        assert (said["verdict"], vector["failed"]) == ("verified", [9])
        return
    failed = [check["number"] for check in said["checks"] if check["status"] == "failed"]
    assert (said["verdict"], failed, said["existed_by"]) == (vector["outcome"], vector["failed"], vector["existed_by"])


# -- what a page does not check -------------------------------------------------------------------------------------


def but_for(
    node: Node, target: Path, number: int, words: str, demand: Demand | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What notary and a page say of it, who agree on all checks but this one: the page skips it, with these words."""
    demand = demand or Demand()
    notarys, pages = by_notary(target, [], demand), node({"target": str(target), "policy": demand.by_page()})
    check = next(one for one in pages["checks"] if one["number"] == number)
    assert check["status"] == "skipped"
    assert words in check["found"]
    for said in (notarys, pages):
        said["checks"] = [one for one in said["checks"] if one["number"] != number]
    for key in ("checks", "attestation", "trust", "head", "not_before", "previous", "items"):
        assert in_common_words(pages[key], None) == in_common_words(notarys[key], None), key
    return notarys, pages


def in_token(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    return lambda head: change(token_at(MIDNIGHT)(head))


UNCHECKED_TOKENS: dict[str, Callable[[bytes], bytes]] = {
    "another time": lambda token: token.replace(b"20261121000000Z", b"20251121000000Z"),
    "another signature": lambda token: token[:-1] + bytes([token[-1] ^ 1]),
    "another authority": lambda token: token.replace(b"authority", b"Authority"),
    "no certificate for time-stamping": lambda token: token.replace(b"\x2b\x06\x01\x05\x05\x07\x03\x08", bytes(8)),
}


@pytest.mark.parametrize("name", UNCHECKED_TOKENS)
def test_of_tokens_a_page_checks_less(node: Node, name: str, tmp_path: Path) -> None:
    stamp = in_token(UNCHECKED_TOKENS[name])
    assert stamp(bytes(32)) != token_at(MIDNIGHT)(bytes(32))
    notarys, pages = but_for(node, write_zip(tmp_path / "forged.zip", forge(stamp=stamp)), 9, UNCHECKED)
    assert (notarys["verdict"], pages["verdict"]) == ("failed", "verified")
    assert notarys["sentences"][1].startswith("Check 9")
    assert any(UNCHECKED in one for one in pages["sentences"])


def ssh_key(folder: Path, kind: str, *options: str) -> Path:
    run("ssh-keygen", "-q", "-t", kind, *options, "-N", "", "-C", "", "-f", folder / kind)
    return folder / kind


def signed_with(key: Path) -> Callable[[bytes], bytes]:
    """By OpenSSH itself."""

    def sign(text: bytes) -> bytes:
        (key.parent / "text").write_bytes(text)
        run("ssh-keygen", "-q", "-Y", "sign", "-n", NAMESPACE, "-f", key, key.parent / "text")
        return key.with_name("text.sig").read_bytes()

    return sign


@pytest.mark.parametrize("kind", [("rsa", "-b", "2048"), ("ecdsa", "-b", "256"), ("ecdsa", "-b", "521"), ("ed25519",)])
def test_keys_that_openssh_made(node: Node, kind: tuple[str, ...], tmp_path: Path) -> None:
    """A page checks Ed25519; one by a key of another kind fails only where the manifest states an Ed25519 key."""
    key = ssh_key(tmp_path, *kind)
    stated = read_public_key(key.with_suffix(".pub").read_text())
    files = forge(sign=signed_with(key), manifest={"signer": {"key": stated.line, "did": stated.did, "name": "R. Roe"}})
    bundle = write_zip(tmp_path / "forged.zip", files)
    if kind == ("ed25519",):
        assert agreed(node, bundle)["signature"]["fingerprint"] == stated.fingerprint
        return
    notarys, pages = but_for(node, bundle, 7, f"not checked: a key of the type '{stated.kind}' is not supported")
    assert notarys["signature"]
    assert not pages["signature"]
    assert notarys["verdict"] == pages["verdict"] == "verified"
    write_zip(bundle, forge(sign=signed_with(key), manifest={"signer": MINE.signer}))
    for said in (by_notary(bundle, [], Demand()), node({"target": str(bundle), "policy": Demand().by_page()})):
        assert [one["number"] for one in said["checks"] if one["status"] == "failed"] == [7]


def test_seals_with_another_bit(node: Node, tmp_path: Path) -> None:
    """In a signature both say the same. Of a token a page never finds fault with what notary accepts."""
    rng = random.Random("seals")  # noqa: S311
    seen = set()
    for _ in range(60):
        raw = bytearray(base64.b64decode(b"".join(MINE.sign(b"").splitlines()[1:-1])))
        at, bit = rng.randrange(len(raw)), 1 << rng.randrange(8)

        def sign(text: bytes, at: int = at, bit: int = bit) -> bytes:
            first, *lines, last = MINE.sign(text).splitlines(keepends=True)
            changed = bytearray(base64.b64decode(b"".join(lines)))
            changed[at] ^= bit
            return first + wrapped(base64.b64encode(changed)) + last

        agreed(node, write_zip(tmp_path / "forged.zip", forge(sign=sign)))
        token = bytearray(token_at(MIDNIGHT)(bytes(32)))
        at = rng.randrange(120) if rng.random() < 0.6 else rng.randrange(len(token))

        def stamp(head: bytes, at: int = at, bit: int = bit) -> bytes:
            changed = bytearray(token_at(MIDNIGHT)(head))
            changed[at] ^= bit
            return bytes(changed)

        path = write_zip(tmp_path / "forged.zip", forge(stamp=stamp))
        notarys, pages = by_notary(path, [], Demand()), node({"target": str(path), "policy": Demand().by_page()})
        states = tuple(next(one["status"] for one in said["checks"] if one["number"] == 9) for said in (notarys, pages))
        assert states in {("failed", "failed"), ("failed", "skipped"), ("skipped", "skipped")}
        seen.add(states)
    assert {("failed", "failed"), ("failed", "skipped")} <= seen


def wrapped(text: bytes) -> bytes:
    return b"".join(text[at : at + 70] + b"\n" for at in range(0, len(text), 70))


FORGED_PROOFS = PROOFS | HEADERS | PROOF_SPELLINGS | DATES


@pytest.mark.parametrize("name", FORGED_PROOFS)
def test_forged_proofs(node: Node, name: str, tmp_path: Path) -> None:
    """In a bundle, and by itself with its file."""
    files = forge(**FORGED_PROOFS[name][1])
    agreed(node, write_zip(tmp_path / "forged.zip", files))
    (tmp_path / "head.ots").write_bytes(files["notary/head.ots"])
    (tmp_path / "file").write_bytes(files["notary/manifest.json"])
    agreed(node, tmp_path / "head.ots", [tmp_path / "file"])
    (tmp_path / "file.ots").write_bytes(files["notary/head.ots"].replace(files["notary/head.ots"][33:65], sha256(b"x")))
    (tmp_path / "x").write_bytes(b"x")
    agreed(node, tmp_path / "file.ots", [tmp_path / "x"])


@pytest.mark.parametrize("name", LISTINGS)
def test_bag_manifests(node: Node, name: str, tmp_path: Path) -> None:
    files = forge()
    lines = files["tagmanifest-sha256.txt"].splitlines(keepends=True)
    files["tagmanifest-sha256.txt"] = b"".join(map(LISTINGS[name][1], lines))
    agreed(node, write_zip(tmp_path / "forged.zip", files))


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n", b"\n\n", b"\r\r\n", b"\x0b", b"\x1e", "\x85".encode(), b""])
def test_ends_of_lines_in_bag_manifests(node: Node, end: bytes, tmp_path: Path) -> None:
    for last in (end, b""):
        files = forge()
        lines = files["manifest-sha256.txt"].splitlines()
        files["manifest-sha256.txt"] = end.join(lines) + last
        tag = files["tagmanifest-sha256.txt"].splitlines()
        digest = sha256(files["manifest-sha256.txt"]).hex().encode()
        tag = [digest + line[64:] if line.endswith(b" manifest-sha256.txt") else line for line in tag]
        files["tagmanifest-sha256.txt"] = b"\n".join(tag)
        agreed(node, write_zip(tmp_path / "forged.zip", files))


LIMITS: dict[str, dict[str, Any]] = {
    "a manifest of over 64 KiB": {"manifest": lambda text: text + b" " * 65536},
    "a line of items.jsonl of over 64 KiB": {"records": [{"path": "a", "size": 2, "source": "x" * 65536}]},
    "a signature of over 64 KiB": {"more": {"notary/manifest.sig": bytes(65537)}},
    "a token of over 64 KiB": {"more": {"notary/head.tsr": bytes(65537)}},
    "headers.json of over 64 KiB": {"runs": [{"start": 101, "count": 2}] * 3000},
    "half a header": {"pick_headers": lambda row: [*row, bytes(40)]},
    "a name of over 4,096 bytes": {"more": {"x/" * 2000 + "y" * 1000: b""}},
    "tree.bin with half a hash": {"more": {"notary/tree.bin": bytes(16)}},
}


@pytest.mark.parametrize("name", LIMITS)
def test_limits(node: Node, name: str, tmp_path: Path) -> None:
    agreed(node, write_zip(tmp_path / "forged.zip", forge(**LIMITS[name])))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_more_than_one_piece(node: Node, method: int, tmp_path: Path) -> None:
    """Files that are read and unpacked in pieces, and lines that lie across their ends; then one of them altered."""
    rng = random.Random(method)  # noqa: S311
    records = [{"path": f"{n}/" + "x" * 5000, "size": 2} for n in range(250)]
    more = {
        "stored.bin": rng.randbytes(33 << 20) if method == zipfile.ZIP_STORED else rng.randbytes(3 << 20),
        "mixed.bin": b"".join(rng.randbytes(100) + bytes(rng.randrange(3000)) for _ in range(2000)),
        "text.txt": b"".join(b"%d\n" % rng.randrange(10**6) for _ in range(300_000)),
    }
    path = write_zip(tmp_path / "large.zip", forge(records=records, more=more), method=method)
    assert agreed(node, path)["verdict"] == "verified"
    data = bytearray(path.read_bytes())
    for at in (len(data) // 3, len(data) // 2, data.index(b"items.jsonl") + 1_000_000):
        changed = bytearray(data)
        changed[at] ^= 1
        path.write_bytes(changed)
        assert agreed(node, path)["verdict"] == "failed"


def mutate(rng: random.Random, exported: dict[str, Path], deep: bool, kind: str, folder: Path) -> Path:
    _, files = unzip(exported[rng.choice(["pending", "files", "one", "text", "some names", "some digests"])])
    (DEEP if deep else STALE)[kind][1](rng, files)
    return write_zip(folder / "altered.zip", rebag(files) if deep else files)


@pytest.mark.parametrize(("deep", "kind"), sorted({(deep, kind) for deep, kind, _ in CASES}))
def test_altered_bundles(node: Node, exported: dict[str, Path], deep: bool, kind: str, tmp_path: Path) -> None:
    for number in [number for each, what, number in CASES if (each, what) == (deep, kind)]:
        rng = random.Random(f"{deep} {kind} {number}")  # noqa: S311
        agreed(node, mutate(rng, exported, deep, kind, tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(40))
def test_many_altered_bundles(node: Node, exported: dict[str, Path], seed: int, tmp_path: Path) -> None:
    rng = random.Random(f"many {seed}")  # noqa: S311
    for _ in range(100):
        deep = rng.random() < 0.7
        kind = rng.choice(sorted(DEEP if deep else STALE))
        agreed(node, mutate(rng, exported, deep, kind, tmp_path))


# -- zip files ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ZIPS)
def test_zip_files(node: Node, name: str, tmp_path: Path) -> None:
    (tmp_path / "forged.zip").write_bytes(zip_of(ZIPS[name][1]))
    agreed(node, tmp_path / "forged.zip")


def test_a_stream_that_is_cut_short_after_more_than_is_said(node: Node, tmp_path: Path) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(BODY + b"and more") + packer.flush(zlib.Z_SYNC_FLUSH)
    entry = {"method": zipfile.ZIP_DEFLATED, "packed": packed, "length": len(packed)}
    (tmp_path / "forged.zip").write_bytes(zip_of({"entry": entry}))
    assert agreed(node, tmp_path / "forged.zip")["verdict"] == "failed"


@pytest.mark.parametrize("name", [*HOSTILE, *SOUND_ZIPS])
def test_hostile_zip_files(node: Node, name: str, tmp_path: Path) -> None:
    (tmp_path / "hostile.zip").write_bytes((HOSTILE | SOUND_ZIPS)[name])
    agreed(node, tmp_path / "hostile.zip")


def flipped(rng: random.Random, data: bytes) -> bytes:
    """Another bit, more often in a header than in the content."""
    changed = bytearray(data)
    marks = [found.start() for found in re.finditer(b"PK\1\2|PK\3\4|PK\5\6", data)]
    at = rng.choice(marks) + rng.randrange(46) if rng.random() < 0.8 else rng.randrange(len(data))
    changed[min(at, len(data) - 1)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def flipped_zips(exported: dict[str, Path], seed: str, count: int, folder: Path) -> Iterator[Path]:
    rng = random.Random(seed)  # noqa: S311
    plain = exported["one"].read_bytes()
    top, files = unzip(exported["one"])
    packed = write_zip(folder / "packed.zip", files, top, zipfile.ZIP_DEFLATED).read_bytes()
    for _ in range(count):
        (folder / "flipped.zip").write_bytes(flipped(rng, rng.choice([plain, packed])))
        yield folder / "flipped.zip"


def test_zip_files_with_another_bit(node: Node, exported: dict[str, Path], tmp_path: Path) -> None:
    for path in flipped_zips(exported, "quick", 300, tmp_path):
        agreed(node, path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_many_zip_files_with_another_bit(node: Node, exported: dict[str, Path], seed: int, tmp_path: Path) -> None:
    for path in flipped_zips(exported, f"slow {seed}", 500, tmp_path):
        agreed(node, path)


@pytest.mark.parametrize(
    "content", [b"", b"P", b"PK", b"PK\5\6" + bytes(18), b"text", b"%PDF-1.7", b"\0OpenTimestamps"]
)
@pytest.mark.parametrize("name", ["x.zip", "x.ots", "x", ".ots", "x.pdf.ots"])
def test_what_is_none_of_these(node: Node, name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    (tmp_path / "file").write_bytes(content)
    if content.startswith(b"%PDF") and Path(name).suffix != ".ots":
        assert "error" in node({"target": str(tmp_path / name), "policy": {}})
        return
    agreed(node, tmp_path / name, [tmp_path / "file"])


# -- checkpoints ----------------------------------------------------------------------------------------------------


def test_checkpoints(node: Node, tmp_path: Path) -> None:
    """A chain that leads to one, past one, to another, or ends before; bits from which work does or does not count."""
    clocks = tuple(1_795_219_200 + 600 * n for n in range(1920))
    files = forge(clocks=clocks)
    last = sha256(sha256(files["notary/headers.bin"][80 * 1914 : 80 * 1915]))
    easy, hard = 0x207FFFFF, 0x1D00FFFF
    kept = {keep: write_zip(tmp_path / f"{keep}.zip", cut(files, keep)) for keep in (1, 11, 12, 1914, 1915, 1920)}
    seen = set()
    for pinned in ([(last, easy)], [(bytes(32), easy)], [(last, hard)], [(last, easy), (bytes(32), easy)], []):
        for path in kept.values():
            for level in ("none", "work", "checkpoint", "chain"):
                demand = Demand(require=level, checkpoints=Checkpoints(tuple(pinned)))
                said = agreed(node, path, demand=demand)
                seen.add((said["verdict"], said["trust"]))
    assert seen >= {("verified", "checkpoint"), ("failed", "none"), ("unconfirmed", "none"), ("verified", "work")}


def cut(files: dict[str, bytes], keep: int) -> dict[str, bytes]:
    files = {**files, "notary/headers.bin": files["notary/headers.bin"][: 80 * keep]}
    runs = [{"start": 101, "count": keep}]
    files["notary/headers.json"] = json.dumps({"network": "local", "runs": runs}).encode()
    return rebag(files)


# -- plain proofs, of the real chain too ----------------------------------------------------------------------------


def of_main_chain(headers: Path | None = None, level: str | None = None) -> Demand:
    return Demand("bitcoin", level, SHIPPED, headers)


PROVEN = {"sha1-a_or_b.ots": "sha1-a", "two-calendars.txt.upgraded.ots": "two-calendars.txt"}


@pytest.mark.parametrize("proof", sorted(VECTORS.glob("*.ots")), ids=lambda path: path.name)
def test_vectors(node: Node, proof: Path) -> None:
    """With the real headers and without, with the file and with another."""
    file = VECTORS / PROVEN.get(proof.name, proof.stem)
    for headers in (VECTORS / "headers.bin", None):
        for level in LEVELS:
            agreed(node, proof, [file], of_main_chain(headers, level))
        agreed(node, proof, [VECTORS / "README.md"], of_main_chain(headers))
        agreed(node, proof, [VECTORS / "README.md", file], of_main_chain(headers))


MAINNET = SHARED_DATA / "mainnet"


def write_headers(folder: Path, row: bytes) -> Path:
    """The row from block 586,655 on, and single headers of other blocks."""
    found = json.loads((MAINNET / "headers.json").read_text())
    single = [(int(height), bytes.fromhex(one["hex80"])) for height, one in found.items()]
    single = [(height, raw) for height, raw in single if not 586_655 <= height < 589_290]
    (folder / "headers.bin").write_bytes(row + b"".join(raw for _, raw in single))
    runs = [{"start": 586_655, "count": len(row) // 80}, *({"start": height, "count": 1} for height, _ in single)]
    (folder / "headers.json").write_text(json.dumps({"network": "bitcoin", "runs": runs}))
    return folder / "headers.bin"


@pytest.mark.shared_data
def test_real_proofs(node: Node, tmp_path: Path) -> None:
    headers = write_headers(tmp_path, (MAINNET / "headers" / "mainnet-586655-589289.bin").read_bytes())
    seen = set()
    for proof in sorted((MAINNET / "proofs").glob("*.ots")):
        file = proof.with_suffix("") if proof.with_suffix("").exists() else MAINNET / "headers.json"
        for kept in (headers, None):
            said = agreed(node, proof, [file], of_main_chain(kept))
            seen.add(said.get("verdict"))
    assert seen == {"verified", "unconfirmed", "failed", "pending", None}


@pytest.mark.shared_data
def test_real_proofs_with_altered_headers(node: Node, tmp_path: Path) -> None:
    row = (MAINNET / "headers" / "mainnet-586655-589289.bin").read_bytes()
    proof = MAINNET / "proofs" / "rootstock-3defccfb-manuscript.pdf.ots"
    rng = random.Random("headers")  # noqa: S311
    seen = set()
    for _ in range(40):
        height = rng.choice([588_252, 588_253, 588_262, 588_263, 588_264, 588_670, 588_671, 588_672])
        changed = bytearray(row)
        changed[80 * (height - 586_655) + rng.randrange(80)] ^= 1 << rng.randrange(8)
        end = rng.choice([len(row), len(row), 80 * (588_254 - 586_655), 80 * (588_672 - 586_655)])
        headers = write_headers(tmp_path, bytes(changed[:end]))
        said = agreed(node, proof, [proof.with_suffix("")], of_main_chain(headers, rng.choice(["work", "checkpoint"])))
        seen.add((said["verdict"], said["trust"]))
    assert {("failed", "none"), ("unconfirmed", "none"), ("verified", "checkpoint")} <= seen


@pytest.mark.shared_data
def test_hostile_proofs(node: Node, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for proof in sorted((SHARED_DATA / "hostile").iterdir()):
        if not proof.is_file():
            continue
        for file in (tmp_path / "file", MAINNET / "proofs" / "ex-hello-world.txt"):
            agreed(node, proof, [file], of_main_chain())


def proofs_with_another_byte(seed: str, count: int) -> Iterator[bytes]:
    rng = random.Random(seed)  # noqa: S311
    files = [forge(**PROOFS[name][1])["notary/head.ots"] for name in sorted(PROOFS)]
    files = [each for each in files if len(each) < 3000] + [path.read_bytes() for path in VECTORS.glob("*.ots")]
    for _ in range(count):
        data = bytearray(rng.choice(files))
        for _ in range(rng.choice([1, 1, 2])):
            at = rng.randrange(31, len(data)) if rng.random() < 0.9 else rng.randrange(len(data))
            data[at] = rng.choice([rng.randrange(256), 0x00, 0xFF, 0xF0, 0xF1, 0xF2, 0xF3, 2, 3, 8, 0x67, data[at] ^ 1])
        if rng.random() < 0.2:
            data = data[: rng.randrange(len(data))] + (pending() if rng.random() < 0.5 else b"")
        yield bytes(data)


def test_proofs_with_another_byte(node: Node, tmp_path: Path) -> None:
    for data in proofs_with_another_byte("quick", 400):
        (tmp_path / "x.ots").write_bytes(data)
        agreed(node, tmp_path / "x.ots", [VECTORS / "hello-world.txt"], of_main_chain(VECTORS / "headers.bin"))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_many_proofs_with_another_byte(node: Node, seed: int, tmp_path: Path) -> None:
    for data in proofs_with_another_byte(f"slow {seed}", 1000):
        (tmp_path / "x.ots").write_bytes(data)
        agreed(node, tmp_path / "x.ots", [VECTORS / "hello-world.txt"], of_main_chain(VECTORS / "headers.bin"))
