"""The claims of the vectors: what each is, and what a reader has to find, written down case by case from what FORMAT.md
says. Nothing that is tested is asked.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tests.vectors.claim_expected import (
    NO_CLAIM,
    NO_CONTAINER,
    NOT_IN_IT,
    Expected,
    open_to_doubt,
    sound,
    wrong,
)
from tests.vectors.claim_parts import (
    Anchor,
    Chain,
    Files,
    Json,
    bag,
    canonical,
    checkpoint,
    headers_json,
    leaf_of,
    note,
    of_label,
    packed,
    root_of,
    signed,
    tlog_proof,
    unreduced,
    without_work,
)
from tests.vectors.claim_registers import (
    ANOTHER,
    FIRM,
    IMPOSTOR,
    OFFICE,
    PACKAGE,
    PATENT,
    SECRET,
    SIZE,
    STRANGER,
    UNKNOWN,
    W1,
    W2,
    W3,
    WITNESSES,
    Log,
    claim_of,
    register,
    without,
)


@dataclass(frozen=True)
class Case:
    """`files` are packed as a bag under this name, if no other case has done so already, which `file` names."""

    name: str
    meaning: str
    expected: Expected
    claim: Json | None
    files: Files | None = None
    file: str | None = None
    document: str | None = None
    registries: str | None = "registries.toml"
    network: str = "local"
    asked: Json = field(default_factory=dict)
    archive: bytes | None = None


@dataclass
class Story:
    """The register, and the cases that are told of it."""

    chain: Chain
    late: Chain

    @cached_property
    def entries(self) -> list[bytes]:
        return register()

    @cached_property
    def text(self) -> str:
        return self.text_of(SIZE)

    def text_of(self, size: int, *extensions: str) -> str:
        return checkpoint(OFFICE.name, size, root_of([leaf_of(one) for one in self.entries[:size]]), *extensions)

    @cached_property
    def log(self) -> Log:
        return self.noted(signed(self.text, OFFICE), signed(self.text, OFFICE, W1, W2))

    def noted(self, anchored: bytes, proven: bytes | None = None, anchor: Anchor | None = None) -> Log:
        """The same register with these notes, anchored anew unless there is an anchor."""
        return Log(self.entries, anchored, proven or anchored, anchor or self.chain.anchor(anchored))

    def cases(self) -> Iterator[Case]:
        yield from self.of_sound_claims()
        yield from self.of_the_container()
        yield from self.of_the_claim()
        yield from self.of_documents()
        yield from self.of_inclusion()
        yield from self.of_checkpoints()
        yield from self.of_signatures()
        yield from self.of_witnesses()
        yield from self.of_anchors()
        yield from self.of_citations()
        yield from self.of_periods()

    # Each of these tells of one thing.

    def of_sound_claims(self) -> Iterator[Case]:
        def of(name: str, meaning: str, index: int, expected: Expected | None = None) -> Case:
            return Case(name, meaning, expected or sound(), claim_of(index), self.log.files(claim_of(index)))

        yield of("sound-open", "an open entry; nothing is asked", 4)
        yield of("sound-sealed", "a sealed entry, which the claim opens", 5)
        yield of("sound-opening", "a published entry that opens another, which was sealed", 12)
        yield of("sound-design", "an entry about a design", 6)
        yield of("sound-last", "the last of 21 entries, whose path has two hashes", 20)
        meaning = "the register's key may speak for DE, and the entry is of FR"
        yield of("sound-of-another-office", meaning, 9, sound(skips=(9,), asserted_by="applicant-asserted"))
        pretty = json.dumps(claim_of(13), indent=2).encode()
        proof = tlog_proof(13, self.log.hashes(13), self.log.proven, extra="bm90IHNpZ25lZA==")
        meaning = "claim.json is written otherwise, with white space and an escape, and the proof has extra data"
        files = self.log.files(claim_of(13), claim_json=pretty, entry_tlog_proof=proof)
        yield Case("sound-other-writing", meaning, sound(), claim_of(13), files)
        own = [canonical(PATENT)]
        text = checkpoint(FIRM.name, 1, leaf_of(own[0]))
        noted = signed(text, FIRM)
        claim = claim_of(4, FIRM.name) | {"index": 0}
        log = Log(own, noted, noted, self.chain.anchor(noted))
        word = sound(skips=(8, 9), asserted_by="applicant-asserted", cosigned=0)
        meaning = "a firm's register of one entry, whose key speaks for no office, and which has no witnesses"
        yield Case("sound-firm", meaning, word, claim, log.files(claim))
        noted = signed(self.text, OFFICE, W1, W2)
        log = self.noted(noted, anchor=self.late.anchor(noted))
        meaning = "the block's clock plus two hours is on the next day (UTC)"
        word = sound(existed_by="2026-05-05")
        yield Case("sound-late-in-the-day", meaning, word, claim_of(4), log.files(claim_of(4)))

    def of_the_container(self) -> Iterator[Case]:
        files = bag(self.log.files(claim_of(4)))

        def of(name: str, meaning: str, expected: Expected, archive: bytes) -> Case:
            is_refused = 1 in expected.failed
            return Case(name, meaning, expected, None if is_refused else claim_of(4), archive=archive)

        data = packed(files)
        at = data.index(b"BagIt-Version")
        damaged = data[:at] + b"b" + data[at + 1 :]
        yield of("zip-damaged", "the CRC of bagit.txt is not that of its bytes", NO_CONTAINER, damaged)
        twice = packed(files, "bagit.txt")
        yield of("zip-two-of-one-name", "the zip has two entries of one name", NO_CONTAINER, twice)
        listed = files["tagmanifest-sha256.txt"]
        changed = files | {"tagmanifest-sha256.txt": listed.replace(listed[:8], b"0" * 8, 1)}
        yield of("bag-another-digest", "a line of the bag's manifest has another digest", wrong(2), packed(changed))
        more = packed(files | {"more.txt": b"more\n"})
        yield of("bag-a-file-more", "a file that the bag's manifests do not list", wrong(2), more)
        claim = claim_of(4) | {"entry": PATENT | {"number": "10 2026 000412.6"}}
        altered = packed(files | {"registry/claim.json": canonical(claim) + b"\n"})
        meaning = "claim.json was altered, and the bag's manifests were not"
        yield Case("bag-claim-altered", meaning, wrong(2, 5, skips=(9,)), claim, archive=altered)

    def of_the_claim(self) -> Iterator[Case]:
        """How else it may not be written, claim_forms.py says."""
        files = self.log.files(claim_of(4)) | {"notary/manifest.json": b"{}\n"}
        yield Case("claim-and-bundle", "the bag has a bundle's file too", NO_CLAIM, None, files)

    def of_documents(self) -> Iterator[Case]:
        claim = claim_of(4)
        same, other = "document.txt", "another.txt"
        meaning = "with the document as filed"
        yield Case("document-same", meaning, sound(4), claim, file="sound-open.zip", document=same)
        yield Case("document-another", "with another document", wrong(4), claim, file="sound-open.zip", document=other)
        meaning = "the document of a sealed entry"
        yield Case("document-of-sealed", meaning, sound(4), claim_of(5), file="sound-sealed.zip", document=same)
        carried = self.log.files(claim) | {"data/package.txt": PACKAGE}
        yield Case("package", "the claim carries the package as filed", sound(4), claim, carried)
        meaning = "the package that it carries is the one as filed, and the reader's document is another"
        yield Case("package-and-another", meaning, wrong(4), claim, file="package.zip", document=other)
        carried = self.log.files(claim) | {"data/package.txt": ANOTHER}
        yield Case("package-another", "the claim carries another package, which is listed", wrong(4), claim, carried)
        carried = self.log.files(claim) | {"data/1.txt": PACKAGE, "data/2.txt": PACKAGE}
        yield Case("package-twice", "the claim carries two files", wrong(4), claim, carried)
        granted = claim_of(10)
        yield Case("granted", "an entry without a digest", sound(), granted, self.log.files(granted))
        meaning = "there is no digest that the reader's document could be compared with"
        yield Case("granted-and-document", meaning, open_to_doubt(), granted, file="granted.zip", document=same)

    def of_inclusion(self) -> Iterator[Case]:
        own, hashes, proven = claim_of(4), self.log.hashes(4), self.log.proven

        def of(
            name: str,
            meaning: str,
            claim: Json,
            expected: Expected = NOT_IN_IT,
            index: int = 4,
            **changes: bytes | None,
        ) -> Case:
            """A claim that goes with the files of another, that of `index`."""
            files = self.log.files(claim_of(index), claim_json=canonical(claim) + b"\n", **changes)
            return Case(name, meaning, expected, claim, files)

        altered = own | {"entry": PATENT | {"filing_date": "2026-03-11"}}
        yield of("entry-altered", "the entry's filing date is a day earlier than in the register", altered)
        altered = claim_of(5) | {"t": of_label("another salt")[:16].hex()}
        yield of("sealed-another-salt", "a sealed entry's salt is another", altered, index=5)
        altered = without(claim_of(5), "record", "t") | {"entry": SECRET}
        yield of("sealed-as-open", "a sealed entry is claimed as if it stood there openly", altered, index=5)
        moved = own | {"index": 3}
        yield of("index-altered", "the claim's index is 3, and the proof's 4", moved)
        meaning = "the claim's index and the proof's are 3, with the hashes of 4"
        yield of("index-altered-in-both", meaning, moved, entry_tlog_proof=tlog_proof(3, hashes, proven))
        unknown = wrong(5, skips=(7, 8, 9), cosigned=0)
        meaning = "the claim names an origin that the reader does not trust; the checkpoint's is the register's"
        yield of("origin-unknown", meaning, own | {"origin": STRANGER.name}, unknown)
        meaning = "the claim names another origin that the reader trusts; the checkpoint's is the register's"
        yield of("origin-of-another", meaning, own | {"origin": FIRM.name}, unknown)
        for name, meaning, path in (
            ("proof-too-short", "the last hash of the path is left out", hashes[:-1]),
            ("proof-too-long", "the path has a hash more", [*hashes, of_label("a hash")]),
            ("proof-another-hash", "a hash of the path is another", [of_label("a hash"), *hashes[1:]]),
        ):
            yield of(name, meaning, own, entry_tlog_proof=tlog_proof(4, path, proven))

    def of_checkpoints(self) -> Iterator[Case]:
        claim = claim_of(4)

        def of(name: str, meaning: str, expected: Expected, log: Log, **changes: bytes | None) -> Case:
            return Case(name, meaning, expected, claim, log.files(claim, **changes))

        right, lines = self.log, [key.line(self.text) for key in (OFFICE, W1, W2)]
        extended = self.text + "an extension\n"
        noted = note(extended, *lines)
        meaning = "the checkpoint has a line more under the same signatures, and was anchored so"
        yield of("checkpoint-extended", meaning, wrong(7, 8, skips=(9,), cosigned=None), self.noted(noted))
        meaning = "the anchored checkpoint alone has a line more under the same signature"
        one = self.noted(note(extended, lines[0]), right.proven, anchor=right.anchor)
        yield of("checkpoint-two-texts", meaning, wrong(6, 7, 10, skips=(9,)), one)
        older = signed(self.text_of(18), OFFICE)
        meaning = "what is anchored is an older checkpoint of the same register, signed as it should be"
        yield of("checkpoint-older", meaning, wrong(6, skips=(9,)), self.noted(older, right.proven))
        meaning = "the anchored checkpoint is missing"
        yield of("checkpoint-missing", meaning, wrong(6, skips=(9,)), right, checkpoint=None)

    def of_signatures(self) -> Iterator[Case]:
        claim, text, two = claim_of(4), self.text, [W1.line(self.text), W2.line(self.text)]

        def of(name: str, meaning: str, expected: Expected, anchored: bytes, proven: bytes | None = None) -> Case:
            return Case(name, meaning, expected, claim, self.noted(anchored, proven).files(claim))

        applicants = open_to_doubt(7, 9, by="applicant-asserted")
        meaning = "signed in the register's name by another key, and cosigned"
        yield of("signed-by-another-key", meaning, applicants, signed(text, IMPOSTOR, W1, W2))
        meaning = "the anchored checkpoint is signed by another key, the proof's by the right one"
        both = (signed(text, IMPOSTOR), signed(text, OFFICE, W1, W2))
        yield of("signed-by-another-key-once", meaning, applicants, *both)
        forged = wrong(7, skips=(9,))
        meaning = "the right key ID before a signature by another key"
        yield of("signature-forged", meaning, forged, note(text, OFFICE.line(text, IMPOSTOR.signature(text)), *two))
        meaning = "a right signature, and before it one in the same name and key ID that is not"
        lines = (OFFICE.line(text, IMPOSTOR.signature(text)), OFFICE.line(text), *two)
        yield of("signature-forged-beside", meaning, forged, note(text, *lines))
        meaning = "the signature's second half has the group's order added to it (RFC 8032, 5.1.7)"
        line = OFFICE.line(text, unreduced(OFFICE.signature(text)))
        yield of("signature-unreduced", meaning, forged, note(text, line, *two))
        yield of("unsigned", "nobody but witnesses signed", applicants, note(text, *two))
        meaning = "no signature lines at all, which makes it no signed note"
        nothing = wrong(5, 6, skips=(7, 8, 9), cosigned=0)
        yield of("no-signatures", meaning, nothing, text.encode())
        strange = checkpoint(STRANGER.name, 1, leaf_of(canonical(PATENT)))
        noted = signed(strange, STRANGER, W1, W2)
        log = Log([canonical(PATENT)], noted, noted, self.chain.anchor(noted))
        stranger = claim_of(4, STRANGER.name) | {"index": 0}
        unknown = open_to_doubt(7, 8, 9, by="applicant-asserted", cosigned=0)
        meaning = "a sound claim of a register that the reader does not trust"
        yield Case("not-trusted", meaning, unknown, stranger, log.files(stranger))
        meaning = "a sound claim for a reader who trusts nobody"
        yield Case("trusts-nobody", meaning, unknown, claim, file="sound-open.zip", registries=None)

    def of_witnesses(self) -> Iterator[Case]:
        claim, text = claim_of(4), self.text

        def of(name: str, meaning: str, expected: Expected, *lines: str, anchored: bytes | None = None) -> Case:
            proven = note(text, OFFICE.line(text), *lines)
            log = self.noted(anchored or self.log.anchored, proven, None if anchored else self.log.anchor)
            return Case(name, meaning, expected, claim, log.files(claim))

        one, two, three = (key.line(text) for key in WITNESSES)
        few = {count: open_to_doubt(8, cosigned=count) for count in (0, 1)}
        yield of("witnesses-0", "cosigned by none of three witnesses, and two are asked for", few[0])
        yield of("witnesses-1", "cosigned by one", few[1], three)
        yield of("witnesses-3", "cosigned by all three", sound(cosigned=3), one, two, three)
        noted = signed(text, OFFICE, W1)
        meaning = "one cosigned the checkpoint that was anchored, another the proof's"
        yield of("witnesses-on-either", meaning, sound(), two, anchored=noted)
        yield of("witness-on-both", "the same witness on both counts once", few[1], one, anchored=noted)
        yield of("witness-unknown", "the second is nobody that the reader knows", few[1], one, UNKNOWN.line(text))
        meaning = "two cosigned, and a line in the third's name and key ID is another's"
        forged = W3.line(text, UNKNOWN.signature(text))
        yield of("witness-forged", meaning, wrong(8, cosigned=None), one, two, forged)

    def of_anchors(self) -> Iterator[Case]:
        claim, right = claim_of(4), self.log

        def of(name: str, meaning: str, expected: Expected, log: Log | None = None, **changes: bytes | None) -> Case:
            return Case(name, meaning, expected, claim, (log or right).files(claim, **changes))

        def promised(noted: bytes) -> Log:
            return self.noted(noted, anchor=self.chain.promise(noted))

        pending = open_to_doubt(11, 12, outcome="pending")
        yield of("anchor-pending", "no block attests it yet", pending, promised(signed(self.text, OFFICE, W1, W2)))
        meaning = "no block attests it yet, and one witness of two cosigned: too few come before pending"
        few = open_to_doubt(8, 11, 12, cosigned=1)
        yield of("anchor-pending-witnesses-1", meaning, few, promised(signed(self.text, OFFICE, W1)))
        meaning = "the proof is of the proof's checkpoint, which has more signatures than the one that it should be of"
        other = self.chain.anchor(right.proven)
        another = Log(self.entries, right.anchored, right.proven, other)
        yield of("anchor-of-another", meaning, wrong(10), another)
        data, height = right.anchor.headers, right.anchor.height
        forged = without_work(data[:80])
        meaning = "the header has the merkle root, and no proof of work"
        bad = wrong(11, skips=(12,))
        yield of("header-without-work", meaning, bad, headers_bin=forged + data[80:])
        meaning = "the header's target is easier than the network allows"
        easy = data[:72] + bytes.fromhex("ffff0021") + data[76:]
        yield of("header-too-easy", meaning, bad, headers_bin=easy)
        meaning = "the header at that height is another block's"
        one_later = headers_json(height, data[80:])
        yield of("header-of-another", meaning, bad, headers_bin=data[80:], headers_json=one_later)
        unseen = open_to_doubt(11, 12)
        yield of("headers-missing", "there are no headers", unseen, headers_bin=None, headers_json=None)
        meaning = "headers.json names another network than the one that is asked for"
        yield of("headers-of-bitcoin", meaning, unseen, headers_json=headers_json(height, data, "bitcoin"))
        meaning = "a sound claim on a test network for a reader who asks for bitcoin"
        yield Case("network-bitcoin", meaning, unseen, claim, file="sound-open.zip", network="bitcoin")

    def of_citations(self) -> Iterator[Case]:
        def of(name: str, meaning: str, expected: Expected, **asked: Any) -> Case:
            return Case(name, meaning, expected, claim_of(4), file="sound-open.zip", asked=asked)

        cited = {"office": "DE", "number": PATENT["number"], "filed": PATENT["filing_date"]}
        yield of("cited-so", "office, number and filing date are the entry's", sound(13), **cited)
        meaning = "the number is written without blanks and signs"
        yield of("cited-without-blanks", meaning, sound(13), number="1020260004125")
        yield of("cited-another-number", "another number", wrong(13), **cited | {"number": "10 2026 000412.6"})
        yield of("cited-another-office", "another office", wrong(13), **cited | {"office": "EP"})
        yield of("cited-another-day", "another filing date", wrong(13), filed="2026-03-13")

    def of_periods(self) -> Iterator[Case]:
        def of(name: str, meaning: str, index: int, later: str, period: Json, holidays: str | None = None) -> Case:
            status = {"within": sound(14), "undefined": sound()}.get(period["where"])
            expected = status or Expected(failed=frozenset({14}), skipped=frozenset({4, 13}))
            expected.period = period
            asked = {"later_filing": later} | ({"holidays": holidays} if holidays else {})
            file = {4: "sound-open.zip", 6: "sound-design.zip", 13: "sound-other-writing.zip"}.get(index)
            files = None if file else self.log.files(claim_of(index))
            return Case(name, meaning, expected, claim_of(index), files, file, asked=asked)

        def period(months: int | None, last_day: str | None, where: str = "within", days: int = 0) -> Json:
            return {"months": months, "last_day": last_day, "where": where, "days_outside": days}

        year, half = period(12, "2027-03-12"), period(6, "2026-07-13")
        yield of("period-within", "a patent's last day, 12 months later", 4, "2027-03-12", year)
        after = period(12, "2027-03-12", "after", 1)
        yield of("period-late-by-a-day", "the day after a patent's last day", 4, "2027-03-13", after)
        same = period(12, "2027-03-12", "same day")
        yield of("period-same-day", "on the first filing's day", 4, "2026-03-12", same)
        before = period(12, "2027-03-12", "before", 1)
        yield of("period-before", "on the day before the first filing", 4, "2026-03-11", before)
        holiday = period(12, "2027-03-15")
        meaning = "a patent's last day is a Friday that is a holiday, so it moves to Monday"
        yield of("period-holiday", meaning, 4, "2027-03-15", holiday, "holidays.txt")
        meaning = "a design's last day, 6 months later, is a Saturday, so it moves to Monday"
        yield of("period-weekend", meaning, 6, "2026-07-13", half)
        late = period(6, "2026-07-13", "after", 1)
        yield of("period-weekend-late", "the day after that Monday", 6, "2026-07-14", late)
        meaning = "a trademark of 31 August: the end of February is a Saturday, so 2 March is the last day"
        mark = period(6, "2026-03-02", "after", 10)
        yield of("period-month-s-last", meaning, 7, "2026-03-12", mark)
        leap = period(12, "2025-02-28")
        yield of("period-leap-day", "a utility model of 29 February 2024", 13, "2025-02-28", leap)
        none = period(None, None, "undefined")
        yield of("period-none", "a right that Article 4C does not name", 8, "2026-09-12", none)
        failed = wrong(4, passes=(14,))
        failed.period = year
        meaning = "a failed claim's period is told all the same"
        yield Case(
            "period-of-failed",
            meaning,
            failed,
            claim_of(4),
            file="sound-open.zip",
            document="another.txt",
            asked={"later_filing": "2027-03-12"},
        )
