"""`notary demo`: the whole way on the samples, on the embedded network, with nothing but this machine."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated

import typer

from notary.bundling import Disclosure, export
from notary.certificate import Party
from notary.certifying import Request, certify
from notary.core.chain import Checkpoints
from notary.core.check import Status
from notary.core.facts import Policy
from notary.core.header import NETWORKS
from notary.core.verdict import Outcome, Verdict
from notary.edges.keys import new_key, read_key
from notary.edges.ledger import open_ledger
from notary.gathering import local_hashers
from notary.headers import HeaderSources
from notary.outside import LOCAL
from notary.reporting import banner, plural, size_text, verdict_sentences
from notary.stamping import Order, SigningOrder, stamp
from notary.upgrading import upgrade
from notary.verifying import verify

from .options import Json, Quiet, hermetic, worker_count
from .story import Story, results_folder
from .terminal import ExitCode, Terminal

ALTERED = "recipe.txt"


def demo(
    keep: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="A new or empty folder for the results.", show_default="a temporary folder"),
    ] = None,
    ledger_file: Annotated[
        Path | None, typer.Option("--ledger", metavar="FILE", help="The ledger's file.", show_default="in DIR")
    ] = None,
    registry: Annotated[
        bool,
        typer.Option("--registry", help="Instead: an office's register, its witnesses, and an examiner elsewhere."),
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Go the whole way on the samples, offline.

    Stamp, upgrade, export, verify; and see an altered file fail.
    """
    terminal = Terminal(json=json, quiet=quiet)
    folder = results_folder(keep)
    if registry:
        from .demo_registry import demo_registry

        return demo_registry(terminal, folder, ledger_file)
    network = NETWORKS[LOCAL]
    story = Story(terminal)
    if line := banner(network):
        terminal.say(line, "")
    evidence = folder / "evidence"
    _copy(files("notary.samples") / "evidence", evidence)
    path = ledger_file or folder / "ledger.db"
    world, policy = hermetic(path), Policy(network, network.least_trust, Checkpoints())

    def check(target: Path, *evidence: Path) -> Verdict:
        return verify(target, evidence, policy, HeaderSources())

    with story.step("key", "Make a key to sign with") as told:
        public = new_key(folder / "key", None)
        told(f"{public.fingerprint}, not encrypted, since this is a demo")
    with open_ledger(path) as ledger, local_hashers(worker_count(None)) as hashers:
        order = Order(
            (evidence,),
            network,
            (),
            1,
            title="Frost valve FV-2",
            matter="demo",
            signing=SigningOrder(read_key(folder / "key", bytes), "Ada Winter"),
            authority=LOCAL,
        )
        with story.step(
            "stamp",
            "Hash the files here, build the tree, sign, and submit the seal to the embedded calendar",
        ) as told:
            stamped = stamp(order, ledger, world, hashers=hashers)
            told(
                f"{plural(stamped.batch.size, 'file')}, {size_text(stamped.batch.total_bytes)}; the tree's head is",
                stamped.batch.head.hex(),
                "the embedded time-stamping authority signed it too",
                f"{stamped.submitted.accepted[0]} promised to anchor it",
            )
        with story.step("upgrade", "Mine the block that attests it, and fetch the proof") as told:
            (upgraded,), _ = upgrade(ledger, [stamped.batch], [], world)
            told(*(f"block {one.height} has it" for one in upgraded.attestations if one.height is not None))
        batch = ledger.find(stamped.batch.head.hex())
        with story.step("export", "Export a bundle with everything") as told:
            everything = export(ledger, batch, folder / "everything.zip")
            told(f"{everything.path.name}: {everything.items} of {everything.of} files")
        with story.step("disclose", "Export another that shows one file, and keeps the others to itself") as told:
            one = export(ledger, batch, folder / "one-file.zip", only=[ALTERED], disclosure=Disclosure.FILES)
            told(f"{one.path.name}: {one.items} of {one.of} files")
    with story.step("certify", "Typeset a certificate for people, with the bundle inside") as told:
        request = Request(world.clock(), Party("Ada Winter", "inventor"), "demo")
        certified = certify(everything.path, folder / "certificate.pdf", request, policy, HeaderSources())
        told(f"{certified.path.name}: No. {certified.data['number']}")
    verdicts = []
    for written in (everything.path, one.path, certified.path):
        with story.step("verify", f"Verify {written.name}, offline") as told:
            verdicts.append(check(written))
            told(f"{verdicts[-1].outcome.upper()}", *verdict_sentences(verdicts[-1]))
    altered = folder / "altered" / ALTERED
    with story.step("alter", f"Alter one byte of {ALTERED}, and verify again: this must fail") as told:
        _alter(evidence / ALTERED, altered)
        failed = check(one.path, altered)
        told(f"{failed.outcome.upper()}", *verdict_sentences(failed))
    is_right = all(verdict.outcome is Outcome.VERIFIED for verdict in verdicts) and failed.outcome is Outcome.FAILED
    story.end(folder, f"Try: notary verify {one.path} --network {LOCAL}")
    if line := banner(network):
        terminal.say(line)
    terminal.document(
        {
            "steps": story.steps,
            "folder": str(folder),
            "bundle": str(everything.path),
            "certificate": str(certified.path),
            "verdict": verdicts[0].outcome,
            "altered": {
                "verdict": failed.outcome,
                "failed": [check.name for check in failed.checks if check.status is Status.FAILED],
            },
            "network": network.name,
        }
    )
    return ExitCode.DONE if is_right else ExitCode.FAILED


def _copy(source: Traversable, target: Path) -> None:
    target.mkdir()
    for entry in source.iterdir():
        if entry.is_dir():
            _copy(entry, target / entry.name)
        else:
            (target / entry.name).write_bytes(entry.read_bytes())


def _alter(source: Path, target: Path) -> None:
    data = bytearray(source.read_bytes())
    data[len(data) // 2] ^= 1
    target.parent.mkdir()
    target.write_bytes(data)
