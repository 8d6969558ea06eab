"""Verification reports: the verdict, and what was checked when, with which version and from which inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from notary import __version__
from notary.core.manifest import MOMENT
from notary.core.verdict import Verdict
from notary.edges.files import hash_with, written_whole
from notary.errors import InputError
from notary.reporting import NOT_CLAIMED, as_json, banner, verdict_json
from notary.reporting_who import countersignatures_json

if TYPE_CHECKING:
    from notary.core.countersignature import Countersigned
    from notary.registry.core.claim_verdict import ClaimVerdict


def check_report(target: Path) -> None:
    """Raises InputError where no report can be written to `target`."""
    if target.suffix not in (".pdf", ".html", ".json"):
        raise InputError(f"--report {target}: the name says what is written", "end it with .pdf, .html or .json")
    if not target.parent.is_dir():
        raise InputError(f"--report {target}: there is no folder {target.parent}")
    if target.exists() or target.is_symlink():
        raise InputError(f"{target} is there already and is not overwritten", "give another name with --report")


@dataclass(frozen=True, slots=True)
class Made:
    """When a check was made, in UTC; by whom, as is declared; and whether nothing was contacted."""

    at: datetime
    checked_by: str | None
    offline: bool


def write_report(target: Path, data: Mapping[str, Any], made_at: datetime) -> None:
    """Writes a report's data to `target`, as its name says."""
    if target.suffix == ".pdf":
        from notary.printing import print_report  # what typesets is imported where it is needed

        written = print_report(data, made_at)
    elif target.suffix == ".html":
        from notary.html_report import html_report

        written = html_report(data).encode()
    else:
        written = as_json(data).encode() + b"\n"
    with written_whole(target) as stream:
        stream.write(written)


def report(
    verdict: Verdict,
    target: Path,
    evidence: Sequence[Path],
    made: Made,
    *,
    witnessed: Sequence[Countersigned] = (),
    progress: Callable[[int], None] = lambda count: None,
) -> dict[str, Any]:
    """The report on a bundle or a proof as JSON: the members of `verify --json`, and what came in.

    Raises InputError where an input cannot be read any more.
    """
    manifest = verdict.manifest
    inputs = (
        (target, "target"),
        *((path, "evidence") for path in evidence),
        *((Path(one.verdict.target), "witness") for one in witnessed),
    )
    return (
        verdict_json(verdict)
        | countersignatures_json(witnessed)
        | circumstances(verdict, inputs, made, progress)
        | {
            "declared": manifest
            and {"title": manifest.title, "declared_at": manifest.declared_at, "tool": manifest.tool},
            "items_listed": [
                {"index": one.index, "name": one.name, "sha256": one.digest.hex(), "status": one.match}
                for one in verdict.items
            ],
            "not_proven": list(NOT_CLAIMED),
        }
    )


def circumstances(
    verdict: Verdict | ClaimVerdict,
    inputs: Iterable[tuple[Path, str]],
    made: Made,
    progress: Callable[[int], None] = lambda count: None,
) -> dict[str, Any]:
    """What every report says beside the verdict. `inputs` are paths, each with its kind in a word or two.

    Raises InputError where an input cannot be read any more.
    """
    block = verdict.block
    return {
        "format": "notary-report/v1",
        "made_at": made.at.strftime(MOMENT),
        "checked_by": made.checked_by,
        "software": f"notary {__version__}",
        "inputs": [_input(path, kind, progress) for path, kind in inputs],
        "offline": made.offline,
        "header_source": block and block.source,
        "confirmations": block and block.confirmations,
        "banner": banner(verdict.policy.network),
    }


def _input(path: Path, kind: str, progress: Callable[[int], None]) -> dict[str, Any]:
    if path.is_dir():
        return {"name": str(path), "kind": kind, "size": None, "sha256": None}
    return {
        "name": str(path),
        "kind": kind,
        "size": path.stat().st_size,
        "sha256": hash_with(path, "sha256", progress).hex(),
    }
