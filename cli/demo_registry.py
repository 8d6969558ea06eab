"""`notary demo --registry`: an office's register of applications, its witnesses, and an examiner elsewhere.

What they share is what a web server hands out of one folder, and a claim that the applicant carries from the office to
the examiner. Days are the story's, and the embedded network's blocks have them too.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from importlib.resources import files
from pathlib import Path

from notary.core.verdict import Outcome
from notary.outside import LOCAL
from notary.registry.anchoring import attestations_of
from notary.registry.core.claim_verdict import ClaimVerdict
from notary.registry.core.note import VerifierKey
from notary.registry.heads import RegistryError, State
from notary.registry.reporting_citations import citation_sentences
from notary.registry.reporting_claims import claim_sentences
from notary.registry.splits import read_evidence
from notary.reporting import attested_text, banner, plural

from .demo_parties import NETWORK, Clock, Examiner, Office, WitnessOf
from .demo_web import Web, serving
from .story import Story
from .terminal import ExitCode, Terminal

ORIGIN, OFFICE = "register.office.example", "XX"
SIZE = 1000
_WITNESSES = ("witness.archive.example", "witness.chamber.example", "witness.university.example")
_QUORUM = 2

_FILED = "2022-03-14"
_REGISTERED = datetime(2022, 3, 17, 9, tzinfo=UTC)
_LATER, _TOO_LATE = date(2023, 3, 10), date(2023, 3, 23)
_EXAMINED = datetime(2023, 3, 27, 9, tzinfo=UTC)
_A_YEAR_LATER = datetime(2024, 3, 27, 9, tzinfo=UTC)


def _number(at: int) -> str:
    return f"2022/{at:06}"


SEALED, OPEN = _number(412), _number(413)

_EVENTS = [
    {"event": "published", "office": OFFICE, "number": SEALED, "date": "2023-09-18", "to": ""},
    {"event": "granted", "office": OFFICE, "number": SEALED, "date": "2024-02-05", "to": ""},
    {"event": "assigned", "office": OFFICE, "number": SEALED, "date": "2024-03-04", "to": "Muster AG, Bern"},
    {"event": "granted", "office": OFFICE, "number": OPEN, "date": "2024-02-19", "to": ""},
    {"event": "licensed", "office": OFFICE, "number": OPEN, "date": "2024-03-11", "to": "Esempio S.p.A., Torino"},
]
_OTHER_EVENTS = [
    *_EVENTS[:2],
    _EVENTS[2] | {"to": "Somebody Else Ltd."},
    *_EVENTS[3:],
    {"event": "granted", "office": OFFICE, "number": _number(415), "date": "2024-03-18", "to": ""},
]


def demo_registry(terminal: Terminal, folder: Path, ledger: Path | None) -> int:
    """Tells the story; `ledger` is the office's. It ends with DONE only if every step came out as it must."""
    clock = Clock(_REGISTERED)
    if line := banner(NETWORK):
        terminal.say(line)
    terminal.say(f"The days are the story's, and its blocks' too: it begins on {clock.now.date()}.", "")
    place = folder / "office"
    place.mkdir()
    office = Office(ledger or place / "ledger.db", place / "public", ORIGIN, clock)
    witnesses = tuple(WitnessOf(folder / "witnesses" / name, clock) for name in _WITNESSES)
    plot = _Plot(Story(terminal), clock, office, witnesses, Examiner(folder / "examiner", clock))
    vkey = plot.register()
    with serving(office.folder) as web:
        older = plot.publish(web, vkey)
        clock.now = _EXAMINED
        verdict = plot.examine(web, vkey)
        clock.now = _A_YEAR_LATER
        plot.go_on(web, vkey)
        evidence = plot.show_another(older, web, vkey)
    plot.story.end(
        folder,
        f"Try: notary registry check {plot.claim} --registries {plot.examiner.registries}"
        f" --network {LOCAL} --later-filing {_LATER}",
    )
    if wrong := [step for step, is_right in plot.came_out.items() if not is_right]:
        terminal.note(f"did not come out as it must: {', '.join(wrong)}")
    if line := banner(NETWORK):
        terminal.say(line)
    terminal.document(
        {
            "steps": plot.story.steps,
            "came_out": plot.came_out,
            "folder": str(folder),
            "claim": str(plot.claim),
            "document": str(plot.package),
            "registries": str(plot.examiner.registries),
            "evidence": evidence,
            "verdict": verdict.outcome,
            "network": LOCAL,
        }
    )
    return ExitCode.FAILED if wrong else ExitCode.DONE


@dataclass
class _Plot:
    """The chapters, in their order. `came_out` says of each step whether it came out as it must."""

    story: Story
    clock: Clock
    office: Office
    witnesses: tuple[WitnessOf, ...]
    examiner: Examiner
    came_out: dict[str, bool] = field(default_factory=dict)

    @property
    def package(self) -> Path:
        """What was filed as the application `SEALED`."""
        return self.office.folder.with_name("application-412.txt")

    @property
    def claim(self) -> Path:
        """The claim as the examiner has it."""
        return self.examiner.folder / "claim.zip"

    def register(self) -> VerifierKey:
        with self.story.step("init", "An office makes a register, and the key that signs it") as told:
            vkey = self.office.init()
            told(f"{ORIGIN}; its readers know it by the vkey {vkey}")
        with self.story.step(
            "add", f"It adds {SIZE:,} applications from a CSV, some sealed, since unpublished"
        ) as told:
            self.package.write_bytes((files("notary.samples") / "evidence" / "recipe.txt").read_bytes())
            rows = list(_applications(self.package))
            added = self.office.add(self.package.with_name("applications.csv"), rows)
            sealed = sum(row["sealed"] == "yes" for row in rows)
            told(f"{added.added:,} entries, {sealed} of which show a commitment and nothing else")
            self.came_out["add"] = added.added == SIZE
        return vkey

    def publish(self, web: Web, vkey: VerifierKey) -> Office:
        """Returns what was kept of the office's state of that day."""
        with self.story.step("publish", "It publishes static files, and has a checkpoint anchored") as told:
            published, _ = self.office.publish()
            told(f"{published.checkpoint.size:,} entries, signed; a web server hands them out at {web.url}")
        with self.story.step("witness", "Two of three witnesses read that and cosign; a block attests it") as told:
            cosigned = [one.cosign(web.url, vkey) for one in self.witnesses[:_QUORUM]]
            published, anchors = self.office.publish(self.witnesses, cosigned)
            blocks = [text for one in anchors if (text := attested_text(attestations_of(one), NETWORK))]
            told(f"{plural(published.cosigned, 'cosignature')} added", *blocks)
            self.came_out["witness"] = published.cosigned == _QUORUM and bool(blocks)
        with self.story.step("claim", f"It gives the applicant of {SEALED} a claim, with what he filed") as told:
            self.examiner.folder.mkdir()
            claimed = self.office.claim(SEALED, self.package, self.claim)
            told(f"{claimed.path.name}: entry {claimed.claim.index}, which stays sealed for everybody else")
            self.came_out["claim"] = claimed.claim.is_sealed
        return self.office.copy(self.package.with_name("older-copy"))

    def examine(self, web: Web, vkey: VerifierKey) -> ClaimVerdict:
        """Returns the verdict on the claim."""
        examiner, document = self.examiner, self.examiner.folder / "document.txt"
        shutil.copy(self.package, document)
        examiner.trust(web.url, vkey, OFFICE, self.witnesses, _QUORUM)
        with self.story.step("check", f"An examiner elsewhere checks it for a filing of {_LATER}, offline") as told:
            within = examiner.check(self.claim, document, _LATER)
            told(f"{within.outcome.upper()}: {next(claim_sentences(within))}")
            is_within = within.place is not None and within.place.is_within
            self.came_out["check"] = within.outcome is Outcome.VERIFIED and within.has_document and is_within
        with self.story.step("late", f"And for one of {_TOO_LATE}, which is too late") as told:
            late = examiner.check(self.claim, document, _TOO_LATE)
            told(*([] if late.place is None else [late.place.sentence]))
            self.came_out["late"] = late.place is not None and not late.place.is_within and late.place.days > 0
        with self.story.step("sync", "He follows the register over HTTP, each entry proven to be in it") as told:
            synced = examiner.sync()
            told(f"{synced.state}: {synced.added:,} entries")
            self.came_out["sync"] = synced.state is State.FOLLOWED and synced.added == SIZE
        with self.story.step("look-up", f"Without a claim he looks up office and number: {OFFICE} {OPEN}") as told:
            found, sealed = (examiner.cited(OFFICE, number, _LATER) for number in (OPEN, SEALED))
            told(f"{found.outcome.upper()}: {next(citation_sentences(found))}")
            told(f"Of {SEALED}, which is sealed: {next(citation_sentences(sealed))}")
            self.came_out["look-up"] = found.outcome is Outcome.VERIFIED and sealed.located is None
        return within

    def go_on(self, web: Web, vkey: VerifierKey) -> None:
        with self.story.step("history", f"A year later {SEALED} is published, granted and assigned") as told:
            self.office.add(self.package.with_name("events.csv"), _EVENTS)
            self.office.publish()
            self.office.publish((), [one.cosign(web.url, vkey) for one in self.witnesses[-_QUORUM:]])
            synced = self.examiner.sync()
            told(f"{synced.state}: {synced.added} new entries, and only those were read")
            hits, _ = self.examiner.look_up(OFFICE, SEALED)
            told(*(str(event) for hit in hits if hit.history for event in hit.history.events))
            is_sound = [hit.history is not None and not hit.history.findings for hit in hits] == [True]
            self.came_out["history"] = synced.added == len(_EVENTS) and is_sound

    def show_another(self, older: Office, web: Web, vkey: VerifierKey) -> str | None:
        """Returns the evidence's file."""
        with self.story.step("split", "Then the same key signs another history, with another assignment") as told:
            older.add(self.package.with_name("other-events.csv"), _OTHER_EVENTS)
            older.publish()
            web.folder = older.folder
            synced = self.examiner.sync()
            told(*([] if synced.problem is None else [synced.problem.message]))
            refused = []
            for one in self.witnesses[-_QUORUM:]:
                try:
                    one.cosign(web.url, vkey)
                except RegistryError as error:
                    refused.append(error.state)
                    told(f"{one.name} does not cosign it: {error.state}")
            self.came_out["split"] = synced.state is State.FORKED and refused == [State.FORKED] * _QUORUM
        evidence = None if synced.seen is None else synced.seen.evidence
        with self.story.step("evidence", "Both signed heads are kept, and nothing of the register is taken") as told:
            if evidence is not None:
                read_evidence(Path(evidence)).verify()
                told(f"{Path(evidence).name} shows it to anybody")
            again, claim = self.examiner.sync(), self.examiner.check(self.claim, self.package, _LATER)
            hits, left_out = self.examiner.look_up(OFFICE, SEALED)
            told(f"sync: {again.state}; look-up: {len(hits)} found; the claim: {claim.outcome}, until he decides")
            is_refused = again.state is State.REFUSED and claim.outcome is Outcome.FAILED and not hits
            self.came_out["evidence"] = evidence is not None and is_refused and len(left_out) == 1
        return evidence


def _applications(package: Path) -> Iterator[dict[str, str]]:
    """The rows of the office's CSV. What was filed is at hand for one of them; words stand for it in the others."""
    rights = ("patent", "patent", "patent", "utility-model", "design")
    for at in range(SIZE):
        filed = package.read_bytes() if _number(at) == SEALED else f"package {at}".encode()
        yield {
            "office": OFFICE,
            "number": _number(at),
            "right": rights[at % len(rights)],
            "filing_date": _FILED,
            "digest": hashlib.sha256(filed).hexdigest(),
            "sealed": "yes" if at % 10 == 2 else "no",
        }
