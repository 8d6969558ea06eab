"""Makes tests/vectors/claims anew, by hand: `python -m tests.vectors.make_claims`. The same bytes come out each time.

The cases are in claim_cases.py, the registers in claim_registers.py, the parts in claim_parts.py.
"""

import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.vectors.claim_cases import Case, Story
from tests.vectors.claim_forms import forms
from tests.vectors.claim_parts import Chain, Json, bag, packed
from tests.vectors.claim_registers import ANOTHER, PACKAGE, REGISTRIES, leaf_claimed

CLAIMS = Path(__file__).parent / "claims"

# -- the folder -----------------------------------------------------------------------------------------------------

HOLIDAYS = b"2027-03-12 # a day on which the office is closed\n"


def make(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    given = {"registries.toml": REGISTRIES.encode(), "document.txt": PACKAGE, "another.txt": ANOTHER}
    for name, data in {**given, "holidays.txt": HOLIDAYS}.items():
        (folder / name).write_bytes(data)
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        noon = Chain(Path(one), datetime(2026, 5, 4, 10, tzinfo=UTC))
        late = Chain(Path(other), datetime(2026, 5, 4, 22, 30, tzinfo=UTC))
        story = Story(noon, late)
        cases = [_told(case, folder) for case in story.cases()]
        changes = forms(story.log)
    # A line for what is given, and one for what is to be found.
    lines = [json.dumps(case, ensure_ascii=False).replace(', "expected"', ',\n  "expected"') for case in cases]
    _write(folder / "claims.json", "cases", lines)
    _write(folder / "forms.json", "forms", [json.dumps(one) for one in changes])


def _write(path: Path, key: str, lines: Sequence[str]) -> None:
    joined = ",\n".join(lines)
    path.write_bytes(f'{{"{key}": [\n{joined}\n]}}\n'.encode())


def _told(case: Case, folder: Path) -> Json:
    file = case.file or f"{case.name}.zip"
    if case.file is None:
        assert not (folder / file).exists(), file
        (folder / file).write_bytes(case.archive or packed(bag(case.files or {})))
    claim = case.claim or {"origin": None, "index": None}
    entry = {"origin": claim["origin"], "index": claim["index"], "leaf": case.claim and leaf_claimed(case.claim)}
    return {
        "name": case.name,
        "meaning": case.meaning,
        "claim": file,
        "registries": case.registries,
        "document": case.document,
        "network": case.network,
        "asked": case.asked,
        "expected": case.expected.json() | entry,
    }


if __name__ == "__main__":
    make(Path(sys.argv[1]) if sys.argv[1:] else CLAIMS)
