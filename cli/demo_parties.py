"""Who acts in `notary demo --registry`: an office, witnesses and an examiner, each in a folder of his own."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

from notary.core.chain import Checkpoints
from notary.core.facts import Policy
from notary.core.header import NETWORKS
from notary.edges.keys import PrivateKey, new_key, read_key
from notary.edges.ledger import open_ledger
from notary.headers import HeaderSources
from notary.outside import LOCAL, Outside
from notary.registry.anchoring import Calendars, anchor
from notary.registry.checking import Trusted, check_claim, read_registries
from notary.registry.citing import Dating, check_citation
from notary.registry.claiming import Claimed, write_claim_bag
from notary.registry.core.citation_verdict import CitationVerdict
from notary.registry.core.cited import Asked
from notary.registry.core.claim_verdict import ClaimVerdict
from notary.registry.core.note import COSIGNATURE, VerifierKey, write_note
from notary.registry.edges.followed import open_followed
from notary.registry.edges.register import Signed
from notary.registry.following import Follower, Synced
from notary.registry.keeping import Added, add, init, opened, private_folder
from notary.registry.publishing import Published, publish
from notary.registry.searching import Hit, Skipped, look_up, skipped
from notary.registry.signing import verifier_key
from notary.registry.witnessing import Witness, cosign_head, witness_target

from .options import hermetic

NETWORK = NETWORKS[LOCAL]
_POLICY = Policy(NETWORK, NETWORK.least_trust, Checkpoints())
_EMBEDDED = Calendars((), 1)


@dataclass
class Clock:
    """The day that it is in the story."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now

    @property
    def seconds(self) -> int:
        return int(self.now.timestamp())


@dataclass(frozen=True)
class Office:
    """Keeps the registry `origin`, which it publishes in `folder`; its key has no passphrase."""

    ledger: Path
    folder: Path
    origin: str
    clock: Clock

    @property
    def world(self) -> Outside:
        return replace(hermetic(self.ledger), clock=self.clock)

    def init(self) -> VerifierKey:
        return init(self.ledger, self.folder, self.origin, lambda file: None, self.world.randomness).key

    def add(self, file: Path, rows: Iterable[Mapping[str, str]]) -> Added:
        """Writes the rows into a CSV, and adds it."""
        rows = list(rows)
        with file.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(dict.fromkeys(key for row in rows for key in row)))
            writer.writeheader()
            writer.writerows(rows)
        with opened(self.ledger, self.folder, self.origin) as registry:
            return add(registry.register, file, self.world.randomness)

    def publish(
        self, witnesses: Iterable[WitnessOf] = (), cosigned: Sequence[bytes] = ()
    ) -> tuple[Published, list[Signed]]:
        """Publishes, with what witnesses have cosigned, and goes one round to the embedded calendar."""
        with opened(self.ledger, self.folder, self.origin) as registry, registry.register.publishing():
            registry.register.add_witnesses(one.vkey for one in witnesses)
            published, _ = publish(registry, _unlock, self.world.randomness, cosigned)
            with open_ledger(self.ledger) as ledger:
                anchors, _ = anchor(registry, ledger, NETWORK, _EMBEDDED, self.world)
        return published, anchors

    def claim(self, number: str, package: Path, target: Path) -> Claimed:
        with opened(self.ledger, self.folder) as registry, open_ledger(self.ledger) as ledger:
            return write_claim_bag(registry, ledger, number, None, target, package)

    def copy(self, folder: Path) -> Office:
        """The same registry from a copy of its private state, key and all, to be published elsewhere."""
        other = Office(folder / "ledger.db", folder / "public", self.origin, self.clock)
        shutil.copytree(private_folder(self.ledger, self.origin), private_folder(other.ledger, self.origin))
        return other


@dataclass(frozen=True)
class WitnessOf:
    """A witness, who reads a registry where it is published."""

    folder: Path
    clock: Clock

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def key(self) -> PrivateKey:
        file = self.folder / "key"
        if not file.exists():
            new_key(file, None)
        return _unlock(file)

    @property
    def vkey(self) -> VerifierKey:
        return verifier_key(self.name, self.key.public, COSIGNATURE)

    def cosign(self, url: str, vkey: VerifierKey) -> bytes:
        """The registry's checkpoint with this witness's line. Raises RegistryError where it does not continue."""
        registry, reader = witness_target(url, (), vkey)
        with open_followed(self.folder / "followed.db") as followed:
            state = Witness(self.vkey, self.key.sign_plain, followed, self.folder, lambda: self.clock.seconds)
            return write_note(cosign_head(state, registry, reader).note)


@dataclass(frozen=True)
class Examiner:
    """Has what is published, what applicants hand him, and his own registries.toml."""

    folder: Path
    clock: Clock

    @property
    def registries(self) -> Path:
        return self.folder / "registries.toml"

    @property
    def followed(self) -> Path:
        return self.folder / "registries" / "followed.db"

    @property
    def trusted(self) -> Trusted:
        return replace(read_registries(self.registries, is_named=True), followed=self.followed)

    def trust(self, url: str, vkey: VerifierKey, office: str, witnesses: Sequence[WitnessOf], quorum: int) -> None:
        """Writes his registries.toml."""
        members = {
            "origin": vkey.name,
            "url": url,
            "vkey": str(vkey),
            "offices": [office],
            "witnesses": [str(one.vkey) for one in witnesses],
            "quorum": quorum,
        }
        lines = (f"{key} = {json.dumps(value)}\n" for key, value in members.items())
        self.registries.write_text("[[registry]]\n" + "".join(lines), "utf-8")

    def check(self, claim: Path, document: Path, later_filing: date) -> ClaimVerdict:
        """The claim, offline."""
        return check_claim(claim, document, Asked(later_filing=later_filing), self.trusted, _POLICY, HeaderSources())

    def cited(self, office: str, number: str, later_filing: date) -> CitationVerdict:
        """The same without a claim, from what he follows."""
        asked = Asked(office, number, None, later_filing)
        dating = Dating(_POLICY, HeaderSources())
        return check_citation(self.followed, self.trusted.registries, None, asked, self.clock.seconds, dating)

    def sync(self) -> Synced:
        with open_followed(self.followed) as followed:
            (synced,) = Follower(followed, self.followed.with_name("evidence"), self.clock.seconds).sync(
                self.trusted.registries
            )
        return synced

    def look_up(self, office: str, number: str) -> tuple[tuple[Hit, ...], tuple[Skipped, ...]]:
        """What he finds, and the registries that he does not look at."""
        registries = self.trusted.registries
        with open_followed(self.followed) as followed:
            return look_up(followed, office, number, registries), skipped(followed, registries)


def _unlock(file: Path) -> PrivateKey:
    return read_key(file, bytes)
