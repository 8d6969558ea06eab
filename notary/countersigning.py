"""Countersigning: a witness signs for the head of somebody's bundle, in a small batch of the witness's own.

The statement is a file of its own beside the bundle; it is stamped, signed, and anchored like any other evidence.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from notary import limits
from notary.core.bag import PAYLOAD
from notary.core.countersignature import (
    SUFFIX,
    Countersignature,
    Countersigned,
    read_countersignature,
    write_countersignature,
)
from notary.core.facts import Policy
from notary.core.strict_json import is_unicode
from notary.core.verdict import Outcome, Verdict
from notary.edges.archive import open_container, read_small
from notary.edges.files import read_whole, written_whole
from notary.errors import EvidenceError, FormatError, InputError
from notary.headers import HeaderSources
from notary.verifying import Progress, verify

MEANING = "read and understood"


def write_statement(
    bundle: Path, target: Path | None, meaning: str, policy: Policy, sources: HeaderSources, progress: Progress
) -> tuple[Path, Countersignature]:
    """The statement for the bundle's head, written to `target`, or beside the bundle.

    Raises EvidenceError where the bundle fails its checks, InputError where another file stands at `target`, or no
    verifier would know one of that name.
    """
    verdict = verify(bundle, (), policy, sources, progress=progress)
    if verdict.outcome is Outcome.FAILED or verdict.head is None:
        raise EvidenceError(f"{bundle}: it fails its checks; nobody should sign for it", f"notary verify {bundle}")
    if len(meaning) > limits.DECLARED_TEXT or not meaning.strip():
        raise InputError(f"the meaning is empty, or over {limits.DECLARED_TEXT} characters")
    if not is_unicode(meaning):
        raise InputError("the meaning is not valid Unicode")
    if target and not target.name.endswith(SUFFIX):
        raise InputError(f"{target}: the name of a statement ends in {SUFFIX}", "verifiers know it by that")
    stated = Countersignature(verdict.head, meaning)
    path = target or bundle.with_name(bundle.name.removesuffix(".zip") + SUFFIX)
    data = write_countersignature(stated)
    if path.exists():
        if read_whole(path, len(data)) != data:
            raise InputError(f"{path} is there already, and says something else", "give another name with -o")
        return path, stated
    with written_whole(path) as stream:
        stream.write(data)
    return path, stated


def check_countersignatures(
    bundles: Sequence[Path], author: Verdict, policy: Policy, sources: HeaderSources, progress: Progress
) -> list[Countersigned]:
    """What each witness's bundle says of the one whose verdict is `author`.

    What the policy demands of the author's signature and token, it does not demand of witnesses.
    """
    who, clock = replace(policy.who, is_required=False, required=()), replace(policy.clock, is_required=False)
    policy = replace(policy, who=who, clock=clock)
    return [_check(bundle, author, policy, sources, progress) for bundle in bundles]


def _check(bundle: Path, author: Verdict, policy: Policy, sources: HeaderSources, progress: Progress) -> Countersigned:
    verdict = verify(bundle, (), policy, sources, progress=progress)
    if verdict.outcome is Outcome.FAILED:
        return Countersigned(verdict, None, "it fails its own checks")
    try:
        stated = _statement(bundle, verdict)
    except FormatError as error:
        return Countersigned(verdict, None, error.message)
    if verdict.signed_by is None:
        return Countersigned(verdict, stated, "it is not signed")
    if stated.head != author.head:
        return Countersigned(verdict, stated, f"it is about another batch, {stated.head.hex()[:12]}")
    if author.signed_by and author.signed_by.key == verdict.signed_by.key:
        return Countersigned(verdict, stated, "it is signed with the same key as the bundle itself, so by no witness")
    return Countersigned(verdict, stated, None)


def _statement(bundle: Path, verdict: Verdict) -> Countersignature:
    """By its recorded name: that of its payload may be another, where not every system can have it.

    The only item of its batch: in a larger one the signer may never have seen it.
    """
    with open_container(bundle) as container:
        names = [name for name in container.numbers if name.startswith(PAYLOAD)]
        recorded = [item.name or "" for item in verdict.items]
        is_alone = verdict.files.of == len(names) == len(recorded) == 1
        if not is_alone or not recorded[0].endswith(SUFFIX):
            raise FormatError(f"it holds no countersignature: a batch of one file whose name ends in {SUFFIX}")
        return read_countersignature(read_small(container, names[0], limits.COUNTERSIGNATURE_BYTES))
