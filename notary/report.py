"""Verification reports: the verdict, and what was checked when, with which version and from which inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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


def check_report(target: Path) -> None:
    """Raises InputError where no report can be written to `target`."""
    if target.suffix not in (".pdf", ".html", ".json"):
        raise InputError(f"--report {target}: the name says what is written", "end it with .pdf, .html or .json")
    if not target.parent.is_dir():
        raise InputError(f"--report {target}: there is no folder {target.parent}")
    if target.exists() or target.is_symlink():
        raise InputError(f"{target} is there already and is not overwritten", "give another name with --report")


def write_report(
    target: Path,
    verdict: Verdict,
    verified: Path,
    evidence: Sequence[Path],
    made_at: datetime,
    *,
    offline: bool,
    checked_by: str | None = None,
    witnessed: Sequence[Countersigned] = (),
    progress: Callable[[int], None] = lambda count: None,
) -> None:
    """Writes the report on `verified` to `target`, as its name says, with the countersignatures `witnessed`."""
    data = report(
        verdict,
        verified,
        evidence,
        made_at.strftime(MOMENT),
        offline=offline,
        checked_by=checked_by,
        witnessed=witnessed,
        progress=progress,
    )
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
    made_at: str,
    *,
    offline: bool,
    checked_by: str | None = None,
    witnessed: Sequence[Countersigned] = (),
    progress: Callable[[int], None] = lambda count: None,
) -> dict[str, Any]:
    """The report as JSON: the members of `verify --json`, and what came in. `made_at` is RFC 3339, UTC; `checked_by`
    is declared.

    Raises InputError where an input cannot be read any more.
    """
    manifest, block = verdict.manifest, verdict.block
    return (
        verdict_json(verdict)
        | countersignatures_json(witnessed)
        | {
            "format": "notary-report/v1",
            "made_at": made_at,
            "checked_by": checked_by,
            "software": f"notary {__version__}",
            "inputs": [
                _input(target, "target", progress),
                *(_input(path, "evidence", progress) for path in evidence),
                *(_input(Path(one.verdict.target), "witness", progress) for one in witnessed),
            ],
            "offline": offline,
            "header_source": block and block.source,
            "confirmations": block and block.confirmations,
            "banner": banner(verdict.policy.network),
            "declared": manifest
            and {"title": manifest.title, "declared_at": manifest.declared_at, "tool": manifest.tool},
            "items_listed": [
                {"index": one.index, "name": one.name, "sha256": one.digest.hex(), "status": one.match}
                for one in verdict.items
            ],
            "not_proven": list(NOT_CLAIMED),
        }
    )


def _input(path: Path, kind: str, progress: Callable[[int], None]) -> dict[str, Any]:
    if path.is_dir():
        return {"name": str(path), "kind": kind, "size": None, "sha256": None}
    return {
        "name": str(path),
        "kind": kind,
        "size": path.stat().st_size,
        "sha256": hash_with(path, "sha256", progress).hex(),
    }
