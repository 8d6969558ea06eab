"""notary and the web verifier agree on claims: the same checks, names and words for who trusts no register's key.

The page knows nobody's key, so checks 7 to 9 are skipped and no claim is verified there; checks 13 and 14 compare with
what a reader asks, and a page's user asks nothing.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from notary import webpage
from notary.core.chain import Checkpoints
from notary.core.facts import Policy
from notary.core.header import NETWORKS
from notary.errors import InputError
from notary.headers import HeaderSources
from notary.registry.checking import Trusted, check_claim
from notary.registry.core.cited import Asked
from notary.registry.reporting_claims import claim_json
from tests.registry.claims import PACKAGE, Anchors, Files, Register, packed, rezipped
from tests.web.browser import Visit, chromium
from tests.web.conftest import Node

Change = Callable[[dict[str, Any]], object]

PARSED = re.compile(r"^registry/[\w.-]+\b")
"""What a file that cannot be read is called; why it cannot, each parser says in its own words."""


@pytest.fixture(scope="session")
def anchors(tmp_path_factory: pytest.TempPathFactory) -> Anchors:
    return Anchors(tmp_path_factory.mktemp("anchors"))


@pytest.fixture(scope="session")
def register(anchors: Anchors) -> Register:
    return Register(anchors)


def by_notary(claim: Path, document: Path | None, network: str) -> dict[str, Any]:
    chain = NETWORKS[network]
    policy = Policy(chain, chain.least_trust, Checkpoints())
    verdict = check_claim(claim, document, Asked(), Trusted(Path("registries.toml")), policy, HeaderSources())
    return {**json.loads(json.dumps(claim_json(verdict))), "made_on": verdict.made_on}


def in_common(said: dict[str, Any], alike: set[str]) -> dict[str, Any]:
    checks = []
    for one in said["checks"]:
        found = one["found"]
        if one["number"] == 14:  # the period, which the page leaves out
            found = re.sub(r"^no later filing\b.*", "no later filing", found)
        if one["number"] in (3, 5, 6) and one["status"] == "failed" and PARSED.match(found):
            found = PARSED.match(found)[0]  # type: ignore[index]
        checks.append({**one, "found": found})
    kept = {key: said[key] for key in alike}
    if any(
        one["found"] != other["found"] for one, other in zip(checks, said["checks"], strict=True) if one["number"] < 7
    ):
        kept["sentences"] = kept["sentences"][:1]
    return {**kept, "checks": checks}


def agreed(
    node: Node, claim: Path, document: Path | None = None, network: str = "local"
) -> tuple[str, set[int], dict[str, Any]]:
    """What both say: the verdict, the checks that failed, and all of it."""
    notarys = by_notary(claim, document, network)
    job = {"target": str(claim), "evidence": [str(document)] if document else [], "policy": {"network": network}}
    pages = node(job)
    assert "error" not in pages, pages
    alike = {"verdict", "target", "kind", "network", "test_network", "trust", "trust_meaning", "required_trust"}
    alike |= {"asserted_by", "entry", "existed_by", "sentences", "attestation", "tried", "made_on"}
    assert in_common(pages, alike) == in_common(notarys, alike)
    return pages["verdict"], {one["number"] for one in pages["checks"] if one["status"] == "failed"}, pages


def written(folder: Path, files: Files | bytes) -> Path:
    path = folder / "claim.zip"
    path.write_bytes(files if isinstance(files, bytes) else packed(files))
    return path


@pytest.mark.parametrize("is_sealed", [False, True])
def test_a_sound_claim(node: Node, register: Register, tmp_path: Path, is_sealed: bool) -> None:
    """It is not verified, since nobody is trusted here; its anchor is followed to the block."""
    claim = written(tmp_path, register.files(is_sealed=is_sealed))
    verdict, failed, said = agreed(node, claim)
    assert (verdict, failed) == ("unconfirmed", set())
    assert [one["status"] for one in said["checks"]][4:6] == ["passed", "passed"]
    assert [one["status"] for one in said["checks"]][9:12] == ["passed"] * 3
    assert said["entry"]["sealed"] is is_sealed
    assert agreed(node, claim, network="bitcoin")[0] == "unconfirmed"


def test_its_document(node: Node, register: Register, tmp_path: Path) -> None:
    claim, document = written(tmp_path, register.files()), tmp_path / "package.pdf"
    document.write_bytes(PACKAGE)
    assert agreed(node, claim, document)[1] == set()
    document.write_bytes(b"another")
    assert agreed(node, claim, document)[1] == {4}
    assert agreed(node, written(tmp_path, register.files(package=PACKAGE)))[1] == set()
    assert agreed(node, written(tmp_path, register.files(package=b"another")))[1] == {4}
    two = register.files(package=PACKAGE) | {"data/second.pdf": PACKAGE}
    assert agreed(node, written(tmp_path, two))[1] == {4}


def test_a_promised_anchor(node: Node, tmp_path: Path) -> None:
    promised = Register(Anchors(tmp_path), is_mined=False)
    assert agreed(node, written(tmp_path, promised.files()))[:2] == ("unconfirmed", set())


MEMBERS: dict[str, Change] = {
    "another number": lambda claim: claim["entry"].update(number="10 2026 000412.6"),
    "another index": lambda claim: claim.update(index=410),
    "an index below nought": lambda claim: claim.update(index=-1),
    "an index as text": lambda claim: claim.update(index="411"),
    "another origin": lambda claim: claim.update(origin="register.example/other"),
    "an origin with a blank": lambda claim: claim.update(origin="a b"),
    "another format": lambda claim: claim.update(format="notary-registry-claim/v2"),
    "a key more": lambda claim: claim.update(more=1),
    "no entry": lambda claim: claim.pop("entry"),
    "an entry of no object": lambda claim: claim.update(entry=[]),
    "an unknown event": lambda claim: claim["entry"].update(event="sold"),
    "a published first entry": lambda claim: claim["entry"].update(event="published", date="2026-04-01"),
    "granted without a date": lambda claim: claim["entry"].update(event="granted"),
    "filed with a date": lambda claim: claim["entry"].update(date="2026-04-01"),
    "filed without a digest": lambda claim: claim["entry"].pop("digest"),
    "a day that there is not": lambda claim: claim["entry"].update(filing_date="2026-02-30"),
    "a day in a list": lambda claim: claim["entry"].update(filing_date=["2026-03-12"]),
    "an office in lower case": lambda claim: claim["entry"].update(office="de"),
    "an unknown right": lambda claim: claim["entry"].update(right="title"),
    "a number with a blank behind": lambda claim: claim["entry"].update(number="10 "),
    "a number of 129 bytes": lambda claim: claim["entry"].update(number="\u00e4" * 64 + "x"),
    "a number of 128 bytes": lambda claim: claim["entry"].update(number="\u00e4" * 64),
    "a number with a control character": lambda claim: claim["entry"].update(number="1\u00852"),
    "an access code": lambda claim: claim["entry"].update(number="10, DAS code: 1A2B"),
    "a digest in upper case": lambda claim: claim["entry"].update(digest="A" * 64),
    "a digest in a list": lambda claim: claim["entry"].update(digest=["a" * 64]),
    "an object alone": lambda claim: claim["entry"].update(object="a" * 64),
    "a receiver of a filing": lambda claim: claim["entry"].update(to="ACME"),
    "no references": lambda claim: claim["entry"].update(references={}),
    "an unknown reference": lambda claim: claim["entry"].update(references={"doi": "1"}),
    "a das number with a code": lambda claim: claim["entry"].update(references={"das": "US 17/123,456 1A2B"}),
    "a das number": lambda claim: claim["entry"].update(references={"das": "US 17/123,456"}),
    "a das number of no office": lambda claim: claim["entry"].update(references={"das": "17/123,456"}),
    "an address with a password": lambda claim: claim["entry"].update(references={"url": "https://a:b@example.org/"}),
    "an address": lambda claim: claim["entry"].update(references={"url": "https://example.org/a?b#c"}),
    "a short st13": lambda claim: claim["entry"].update(st13="1"),
    "a salt beside an open entry": lambda claim: claim.update(t="00" * 16),
    "a salt in the entry": lambda claim: claim["entry"].update(t="00" * 16),
    "a fraction": lambda claim: claim.update(index=411.5),
}


@pytest.mark.parametrize("change", MEMBERS.values(), ids=MEMBERS)
def test_other_members(node: Node, register: Register, tmp_path: Path, change: Change) -> None:
    """Where the claim can still be read, its entry is not the one in the register."""
    files = register.files()
    claim = json.loads(files["registry/claim.json"])
    change(claim)
    verdict, failed, _ = agreed(node, written(tmp_path, files | {"registry/claim.json": json.dumps(claim).encode()}))
    assert verdict == "failed"
    assert failed & {3, 5}


def of_lines(at: int, line: bytes | None) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        lines = data.split(b"\n")
        lines[at : at + 1] = [] if line is None else [line]
        return b"\n".join(lines)

    return change


FILES: dict[str, tuple[str, Callable[[bytes], bytes | None], set[int]]] = {
    "no proof": ("entry.tlog-proof", lambda data: None, {5}),
    "another version of proof": ("entry.tlog-proof", of_lines(0, b"c2sp.org/tlog-proof@v2"), {5}),
    "extra data": ("entry.tlog-proof", of_lines(1, b"extra AAAA\nindex 411"), set()),
    "empty extra data": ("entry.tlog-proof", of_lines(1, b"extra \nindex 411"), {5}),
    "another index": ("entry.tlog-proof", of_lines(1, b"index 410"), {5}),
    "an index beyond the log": ("entry.tlog-proof", of_lines(1, b"index 1000"), {5}),
    "an index with a nought before": ("entry.tlog-proof", of_lines(1, b"index 0411"), {5}),
    "another hash": ("entry.tlog-proof", of_lines(2, b"A" * 43 + b"="), {5}),
    "a hash in another writing": ("entry.tlog-proof", of_lines(2, b"A" * 42 + b"B="), {5}),
    "a short hash": ("entry.tlog-proof", of_lines(2, b"AAAA"), {5}),
    "one hash too few": ("entry.tlog-proof", of_lines(2, None), {5}),
    "one hash too many": ("entry.tlog-proof", of_lines(1, b"index 411\n" + b"A" * 43 + b"="), {5}),
    "no checkpoint": ("checkpoint", lambda data: None, {6}),
    "another checkpoint": ("checkpoint", of_lines(1, b"999"), {6, 10}),
    "a checkpoint without signatures": ("checkpoint", lambda data: data.partition(b"\n\n")[0] + b"\n", {6, 10}),
    "a checkpoint with a tab": ("checkpoint", of_lines(0, b"a\tb"), {6, 10}),
    "a checkpoint cut off": ("checkpoint", lambda data: data[:-1], {6, 10}),
    "no anchor": ("checkpoint.ots", lambda data: None, {10}),
    "an anchor cut off": ("checkpoint.ots", lambda data: data[:-1], {10}),
    "no headers": ("headers.bin", lambda data: None, set()),
    "headers cut off": ("headers.bin", lambda data: data[:-1], set()),
    "another claim": ("claim.json", lambda data: b"[]", {3}),
    "no JSON": ("claim.json", lambda data: data[:-2], {3}),
}


@pytest.mark.parametrize(("name", "change", "expected"), FILES.values(), ids=FILES)
def test_other_files(
    node: Node,
    register: Register,
    tmp_path: Path,
    name: str,
    change: Callable[[bytes], bytes | None],
    expected: set[int],
) -> None:
    files = register.files()
    changed = change(files.pop(f"registry/{name}"))
    path = written(tmp_path, files if changed is None else files | {f"registry/{name}": changed})
    assert agreed(node, path)[1] == expected


def test_a_damaged_claim(node: Node, register: Register, tmp_path: Path) -> None:
    """Bytes that are not those of the bag's manifests; and files of a bundle beside."""
    sound = packed(register.files())
    spoilt = rezipped(sound, lambda name, data: data + b" " if name == "registry/claim.json" else data)
    assert agreed(node, written(tmp_path, spoilt))[1] == {2}
    assert agreed(node, written(tmp_path, rezipped(sound, lambda name, data: data, {"more.txt": b""})))[1] == {2}
    both = register.files() | {"notary/manifest.json": b"{}"}
    assert agreed(node, written(tmp_path, both))[1] == {3}


def test_a_claim_that_its_zip_contradicts(node: Node, register: Register, tmp_path: Path) -> None:
    sound = packed(register.files())
    at = sound.index(b"how to verify")
    path = written(tmp_path, sound[:at] + b"H" + sound[at + 1 :])
    assert agreed(node, path)[1] == {1}


def test_what_is_refused_as_a_zip_is_no_claim(node: Node, tmp_path: Path) -> None:
    path = written(tmp_path, b"PK no zip file")
    assert "error" in node({"target": str(path)})
    with pytest.raises(InputError):
        by_notary(path, None, "local")


def test_the_page_in_a_browser(register: Register, tmp_path: Path) -> None:
    """A claim with its document, then with another: what is asserted stands there, and that nobody vouches for it."""
    page, claim, document = tmp_path / "page.html", written(tmp_path, register.files()), tmp_path / "package.pdf"
    page.write_bytes(webpage.web_page())
    document.write_bytes(PACKAGE)
    with chromium() as browser:
        visit = Visit(browser, page).open()
        assert visit.check(claim, document) == "doubt"
        visit.page.check("#accept-test")
        visit.page.get_by_text("the same: package.pdf").wait_for(state="attached")
        assert visit.answer() == "doubt"
        text = visit.text()
        assert "is given as entry 411 of the register of" in text
        assert "no key that you trust speaks for it" in text
        assert "Whose register it is was not checked here" in text
        assert "10 2026 000412.5" in text
        statuses = visit.page.locator("ol.checks .status").all_inner_texts()
        assert [one.split()[-1] for one in statuses][:6] == ["passed"] * 6
        assert [one.split()[-1] for one in statuses][6:] == [*["skipped"] * 3, *["passed"] * 3, *["skipped"] * 2]
        visit.end()
        document.write_bytes(b"another")
        visit = Visit(browser, page).open()
        assert visit.check(claim, document) == "bad"
        visit.end()
