"""notary and the web verifier agree on claims: the same verdict, checks, names and words, whomever the reader trusts.

The page has no way to say what a later filing cites (check 13), nor holidays, and follows no register.
"""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from notary import webpage
from notary.core.chain import Checkpoints
from notary.core.facts import Policy
from notary.core.header import NETWORKS
from notary.errors import InputError
from notary.headers import HeaderSources
from notary.registry.checking import Trusted, check_claim, read_registries
from notary.registry.core.cited import Asked
from notary.registry.core.note import Note, VerifierKey, sign_text, write_note
from notary.registry.core.terms import Event
from notary.registry.core.tlog_proof import write_tlog_proof
from notary.registry.reporting_claims import claim_json
from tests.registry.claims import PACKAGE, Anchors, Files, Register, examined, packed, registries, rezipped
from tests.registry.logs import LOG, WITNESSES, Keeper, flipped
from tests.registry.register import filed
from tests.registry.test_claim_certificates import Desk, forged
from tests.web.browser import CLIPBOARD, Visit, chromium
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


def by_notary(
    claim: Path, document: Path | None, network: str, registries: Path | None = None, later: str | None = None
) -> dict[str, Any]:
    chain = NETWORKS[network]
    policy = Policy(chain, chain.least_trust, Checkpoints())
    trusted = Trusted(Path("registries.toml")) if registries is None else read_registries(registries, is_named=True)
    asked = Asked(later_filing=later and date.fromisoformat(later))
    verdict = check_claim(claim, document, asked, trusted, policy, HeaderSources())
    return {**json.loads(json.dumps(claim_json(verdict))), "made_on": verdict.made_on}


def in_common(said: dict[str, Any], alike: set[str]) -> dict[str, Any]:
    checks = []
    for one in said["checks"]:
        found = one["found"]
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
    node: Node,
    claim: Path,
    document: Path | None = None,
    network: str = "local",
    registries: Path | None = None,
    later: str | None = None,
) -> tuple[str, set[int], dict[str, Any]]:
    """What both say: the verdict, the checks that failed, and all of it."""
    notarys = by_notary(claim, document, network, registries, later)
    evidence = [str(path) for path in (registries, document) if path]
    pages = node({"target": str(claim), "evidence": evidence, "policy": {"network": network, "laterFiling": later}})
    assert "error" not in pages, pages
    alike = {"verdict", "target", "kind", "network", "test_network", "trust", "trust_meaning", "required_trust"}
    alike |= {"asserted_by", "witnesses", "window", "entry", "existed_by", "sentences", "attestation", "tried"}
    alike |= {"made_on"}
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


# -- whom the reader trusts -----------------------------------------------------------------------------------------

STRANGER = Keeper(LOG.name, b"\x2a" * 32)
NO_POINT = VerifierKey(LOG.name, 1, b"\2" + bytes(31))
"""Of no point of the curve: nothing verifies by it."""


def trusting(folder: Path, text: str, name: str = "registries.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


TRUSTING = {
    "the right key": (registries(), "verified", "office-asserted"),
    "another key in its name": (registries(STRANGER), "unconfirmed", "applicant-asserted"),
    "another origin": (registries(Keeper("log.example/other")), "unconfirmed", "applicant-asserted"),
    "nobody": ("", "unconfirmed", "applicant-asserted"),
    "another office": (registries(offices=["EP"]), "verified", "applicant-asserted"),
    "several offices": (registries(offices=["EP", "DE"]), "verified", "office-asserted"),
    "no office": (registries(offices=[]), "verified", "applicant-asserted"),
    "two registries": (
        registries(Keeper("log.example/other", b"\5" * 32)) + registries(),
        "verified",
        "office-asserted",
    ),
    "a key that is no point": (registries().replace(str(LOG.key), str(NO_POINT)), "unconfirmed", "applicant-asserted"),
}


@pytest.mark.parametrize(("text", "verdict", "asserted_by"), TRUSTING.values(), ids=TRUSTING)
@pytest.mark.parametrize("is_sealed", [False, True])
def test_whom_the_reader_trusts(
    node: Node, register: Register, tmp_path: Path, text: str, verdict: str, asserted_by: str, is_sealed: bool
) -> None:
    claim = written(tmp_path, register.files(is_sealed=is_sealed))
    said = agreed(node, claim, registries=trusting(tmp_path, text))
    assert (said[0], said[1], said[2]["asserted_by"]) == (verdict, set(), asserted_by)
    assert (said[2]["existed_by"] is not None) == (verdict == "verified")
    assert agreed(node, claim, network="bitcoin", registries=tmp_path / "registries.toml")[0] == "unconfirmed"


@pytest.mark.parametrize(
    ("named", "quorum"), [(named, quorum) for named in range(4) for quorum in range(named + 1)], ids=str
)
def test_witnesses(node: Node, register: Register, tmp_path: Path, named: int, quorum: int) -> None:
    """Two of three cosigned."""
    keys = [one.key for one in WITNESSES[:named]]
    trusted = trusting(tmp_path, registries(witnesses=keys, quorum=quorum), "mine.TOML")
    verdict, failed, said = agreed(node, written(tmp_path, register.files()), registries=trusted)
    assert (verdict, failed) == ("verified" if min(named, 2) >= quorum else "unconfirmed", set())
    assert said["witnesses"] == {"cosigned": min(named, 2), "of": named, "quorum": quorum}
    wanted = "skipped" if not named or min(named, 2) < quorum else "passed"
    assert said["checks"][7]["status"] == wanted


def resigned(note: Note, at: int, change: Callable[[bytes], bytes]) -> Note:
    """The note with another signature in the place of that one, by the name and the key ID that it had."""
    lines = list(note.signatures)
    lines[at] = replace(lines[at], signature=change(lines[at].signature))
    return replace(note, signatures=tuple(lines))


def bit_of(at: int) -> Callable[[bytes], bytes]:
    return lambda data: flipped(data, at)


NOTES: dict[str, tuple[Callable[[Note], Note], str, set[int]]] = {
    "a signature with another bit": (lambda note: resigned(note, 0, bit_of(77)), "failed", {7}),
    "a signature cut short": (lambda note: resigned(note, 0, lambda data: data[:63]), "failed", {7}),
    "a longer signature": (lambda note: resigned(note, 0, lambda data: data + b"\0"), "failed", {7}),
    "a cosignature with another bit": (lambda note: resigned(note, 1, bit_of(177)), "failed", {8}),
    "a cosignature of another time": (lambda note: resigned(note, 2, bit_of(60)), "failed", {8}),
    "a cosignature of no time": (lambda note: resigned(note, 2, lambda data: b"\xff" * 8 + data[8:]), "failed", {8}),
    "a cosignature cut short": (lambda note: resigned(note, 1, lambda data: data[:5]), "failed", {8}),
    "both": (lambda note: resigned(resigned(note, 0, bit_of(1)), 1, bit_of(1)), "failed", {7, 8}),
    "signed twice": (lambda note: replace(note, signatures=note.signatures * 2), "verified", set()),
    "signed twice, once wrongly": (
        lambda note: replace(note, signatures=(*note.signatures, resigned(note, 0, bit_of(9)).signatures[0])),
        "failed",
        {7},
    ),
    "signed by a stranger too": (
        lambda note: note.with_signature(sign_text(note.text, STRANGER.key, STRANGER.sign)),
        "verified",
        set(),
    ),
    "signed by a stranger alone": (
        lambda note: Note(note.text, (sign_text(note.text, STRANGER.key, STRANGER.sign),)),
        "unconfirmed",
        set(),
    ),
    "signed by witnesses alone": (lambda note: replace(note, signatures=note.signatures[1:]), "unconfirmed", set()),
    "cosigned by one": (lambda note: replace(note, signatures=note.signatures[:2]), "unconfirmed", set()),
    "a witness's name on another key": (
        lambda note: replace(
            note, signatures=(note.signatures[0], *(replace(one, key_id=b"none") for one in note.signatures[1:]))
        ),
        "unconfirmed",
        set(),
    ),
}


@pytest.mark.parametrize(("change", "verdict", "expected"), NOTES.values(), ids=NOTES)
def test_signatures(
    node: Node,
    register: Register,
    tmp_path: Path,
    change: Callable[[Note], Note],
    verdict: str,
    expected: set[int],
) -> None:
    """On the checkpoint of the proof, and on the one that is anchored, which then is another file."""
    trusted, changed = trusting(tmp_path, registries()), change(register.note)
    claim = written(tmp_path, register.files(entry_tlog_proof=write_tlog_proof(register.proof(note=changed))))
    assert agreed(node, claim, registries=trusted)[:2] == (verdict, expected)
    claim = written(tmp_path, register.files(checkpoint=write_note(changed)))
    assert agreed(node, claim, registries=trusted)[1] == {10, *expected}
    claim = written(tmp_path, register.files(checkpoint=None))
    assert agreed(node, claim, registries=trusted)[1] == {6}


def test_a_browser_without_the_curve(node: Node, register: Register, tmp_path: Path) -> None:
    """Says so, and verifies nothing."""
    claim, trusted = written(tmp_path, register.files()), trusting(tmp_path, registries())
    job = {"target": str(claim), "evidence": [str(trusted)], "policy": {"network": "local"}}
    said = node({**job, "lacks_curve": True})
    reason = "not checked: this browser does not check Ed25519 signatures"
    assert (said["verdict"], said["asserted_by"]) == ("unconfirmed", "applicant-asserted")
    assert [(one["status"], one["found"]) for one in said["checks"][6:8]] == [("skipped", reason)] * 2
    assert reason in said["sentences"][0]
    assert node(job)["verdict"] == "verified"


def test_a_promised_anchor_of_who_is_trusted(node: Node, tmp_path: Path) -> None:
    claim = written(tmp_path, Register(Anchors(tmp_path), is_mined=False).files())
    assert agreed(node, claim, registries=trusting(tmp_path, registries()))[0] == "pending"


def test_a_document_without_a_digest(node: Node, anchors: Anchors, tmp_path: Path) -> None:
    """A grant need not have one: then a document cannot be compared, and nothing is verified for who has it."""
    granted = Register(anchors, entry=filed(event=Event.GRANTED, on=date(2027, 1, 4), digest=None))
    claim, trusted, document = written(tmp_path, granted.files()), trusting(tmp_path, registries()), tmp_path / "p.pdf"
    document.write_bytes(PACKAGE)
    assert agreed(node, claim, registries=trusted)[0] == "verified"
    assert agreed(node, claim, document, registries=trusted)[0] == "unconfirmed"


def test_the_document_of_who_is_trusted(node: Node, register: Register, tmp_path: Path) -> None:
    claim, trusted, document = written(tmp_path, register.files()), trusting(tmp_path, registries()), tmp_path / "p.pdf"
    document.write_bytes(PACKAGE)
    verdict, _, said = agreed(node, claim, document, registries=trusted, later="2027-03-12")
    assert verdict == "verified"
    assert "the document is the one as filed; the later filing of 2027-03-12 lies within" in said["sentences"][0]
    document.write_bytes(b"another")
    assert agreed(node, claim, document, registries=trusted)[1] == {4}
    # A claim's document may have that name, if it is in the claim: what the reader drops is his registries.toml.
    inside = register.files() | {"data/package.toml": PACKAGE}
    assert agreed(node, written(tmp_path, inside), registries=trusted)[0] == "verified"


@pytest.mark.parametrize("later", ["2026-03-11", "2026-03-12", "2026-03-13", "2027-03-12", "2027-03-13", "2029-01-01"])
def test_a_later_filing(node: Node, register: Register, tmp_path: Path, later: str) -> None:
    """It is beside the verdict, which it does not change."""
    claim, trusted = written(tmp_path, register.files()), trusting(tmp_path, registries())
    verdict, failed, said = agreed(node, claim, registries=trusted, later=later)
    assert verdict == "verified"
    assert failed == ({14} if later in ("2026-03-11", "2026-03-12") or later > "2027-03-12" else set())
    assert said["window"]["sentence"].removeprefix("The ").removesuffix(".") in said["sentences"][0]
    assert agreed(node, claim, later=later)[0] == "unconfirmed"


def test_a_claim_in_its_certificate(node: Node, register: Register, tmp_path: Path) -> None:
    """What is printed is not compared here, and the page says so."""
    claim, trusted = written(tmp_path, register.files()), trusting(tmp_path, registries())
    made = ["certificate", claim, "-o", "claim.pdf", "--registries", trusted, "--network", "local"]
    assert examined(tmp_path, *made).code == 0
    policy = {"network": "local"}
    apart, inside = (
        node({"target": str(target), "evidence": [str(trusted)], "policy": policy})
        for target in (claim, tmp_path / "claim.pdf")
    )
    assert apart["verdict"] == "verified"
    for key in ("verdict", "asserted_by", "witnesses", "entry", "existed_by"):
        assert inside[key] == apart[key]
    assert inside["checks"][:14] == apart["checks"]
    assert [(one["number"], one["name"], one["status"]) for one in inside["checks"][14:]] == [
        (15, "certificate's data", "skipped"),
        (16, "certificate's pages", "skipped"),
    ]
    assert inside["sentences"][:-1] == apart["sentences"]
    assert "printed text proves nothing by itself" in inside["sentences"][-1]
    (compared, *whose), of_apart = inside["cautions"], apart["cautions"]
    assert "What is printed on it was NOT compared" in compared
    assert whose == of_apart
    assert f"read from the {trusted.name} that you added" in of_apart[0]


def test_a_forged_certificate(node: Node, register: Register, tmp_path: Path) -> None:
    """`notary` finds it forged; the page, which cannot, says before all else that it did not look."""
    desk = Desk(tmp_path)
    desk.put(packed(register.files()))
    assert desk.certify().code == 0
    paper = forged(desk, tmp_path / "forged.pdf", lambda data: data.update(statement="The EPO asserted it in 1999."))
    assert desk.check(paper.name).json["verdict"] == "failed"
    trusted = str(trusting(tmp_path, registries()))
    for evidence, network in (([trusted], "local"), ([], "local"), ([], "bitcoin")):
        said = node({"target": str(paper), "evidence": evidence, "policy": {"network": network}})
        assert said["verdict"] == ("verified" if evidence else "unconfirmed")
        assert "What is printed on it was NOT compared" in said["cautions"][0]


def test_a_list_that_trusts_another_is_not_named(node: Node, register: Register, tmp_path: Path) -> None:
    """Nobody was trusted by it."""
    claim, other = written(tmp_path, register.files()), trusting(tmp_path, registries(Keeper("log.example/other")))
    assert node({"target": str(claim), "evidence": [str(other)], "policy": {"network": "local"}})["cautions"] == []


def test_two_files_that_say_whom_to_trust(node: Node, register: Register, tmp_path: Path) -> None:
    claim = written(tmp_path, register.files())
    both = [str(trusting(tmp_path, registries(), name)) for name in ("one.toml", "two.toml")]
    assert "two files say whom you trust" in node({"target": str(claim), "evidence": both})["error"]


# -- in a browser ---------------------------------------------------------------------------------------------------


def statuses(visit: Visit) -> list[str]:
    return [one.split()[-1] for one in visit.page.locator("ol.checks .status").all_inner_texts()]


@pytest.fixture(scope="module")
def verifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "verify.html"
    path.write_bytes(webpage.web_page())
    return path


def test_a_claim_in_a_browser(register: Register, tmp_path: Path, verifier: Path) -> None:
    """With its document, then with another: what is asserted stands there, that nobody vouches for it, what to add."""
    claim, document = written(tmp_path, register.files()), tmp_path / "package.pdf"
    document.write_bytes(PACKAGE)
    with chromium() as browser:
        visit = Visit(browser, verifier).open()
        assert not visit.page.is_visible("#later")
        assert visit.check(claim, document) == "doubt"
        visit.page.check("#accept-test")
        visit.page.get_by_text("the same: package.pdf").wait_for(state="attached")
        assert visit.answer() == "doubt"
        text = visit.text()
        assert "is given as entry 411 of the register of" in text
        assert "no key that you trust speaks for it" in text
        assert "To see who signed it, add your registries.toml" in text
        assert "10 2026 000412.5" in text
        assert statuses(visit) == [*["passed"] * 6, *["skipped"] * 3, *["passed"] * 3, *["skipped"] * 2]
        visit.end()
        document.write_bytes(b"another")
        visit = Visit(browser, verifier).open()
        assert visit.check(claim, document) == "bad"
        visit.end()


def test_whom_the_reader_trusts_in_a_browser(register: Register, tmp_path: Path, verifier: Path) -> None:
    """The words are those of `notary registry check`; the page asks nobody anything."""
    claim, document = written(tmp_path, register.files()), tmp_path / "package.pdf"
    document.write_bytes(PACKAGE)
    trusted = trusting(tmp_path, registries())
    program = ["registry", "check", claim, "--registries", trusted, "--network", "local", "--offline", "--json"]
    by_day = {
        day: examined(tmp_path, *program, "--document", document, *(["--later-filing", day] if day else []))
        for day in ("", "2027-03-12", "2027-03-13")
    }
    with chromium() as browser:
        visit = Visit(browser, verifier, permissions=CLIPBOARD).open()
        visit.check(claim, document)
        visit.page.get_by_text("add your registries.toml").wait_for()
        visit.page.check("#accept-test")
        visit.page.get_by_text("is not proven").first.wait_for(state="attached")
        visit.give(trusted)
        visit.page.get_by_text("Verified on a test network", exact=True).wait_for()
        for day, answer in by_day.items():
            visit.page.fill("#later-filing", day)
            if day:
                visit.page.get_by_text(f"iling of {day}").first.wait_for()
            assert visit.text(".answer") == "T" + answer.json["sentences"][0].removeprefix("t")
            assert statuses(visit) == [one["status"] for one in answer.json["checks"]]
        said = visit.report()
        for key in ("verdict", "asserted_by", "witnesses", "window", "existed_by", "sentences", "entry", "checks"):
            assert said[key] == answer.json[key], key
        assert (said["verdict"], said["asserted_by"]) == ("verified", "office-asserted")
        kinds = {Path(one["name"]).name: one["kind"] for one in said["inputs"]}
        assert kinds == {"claim.zip": "target", "package.pdf": "document", "registries.toml": "registries"}
        visit.end()


def test_a_registries_file_that_cannot_be_read(register: Register, tmp_path: Path, verifier: Path) -> None:
    claim = written(tmp_path, register.files())
    trusted = trusting(tmp_path, registries().replace("quorum", "quorom"))
    with chromium() as browser:
        visit = Visit(browser, verifier).open()
        assert visit.check(claim, trusted) == "bad"
        assert "registries.toml, line 7: quorom is none of" in visit.text()
        visit.end()
