"""Makes tests/vectors/bundles anew, by hand: `python -m tests.vectors.make_bundles`.

What a bundle is, and what becomes of it, is written down in tests/independent/test_forged.py. Which checks fail is what
the reader finds (tests/independent/reader.py), who knows FORMAT.md and nothing of notary. The authorities' keys are new
each time, so that the tokens are others, and with them what they are sealed in.
"""

import json
import re
import shutil
import zipfile
from pathlib import Path

from tests.independent import reader
from tests.independent.forge import forge, write_zip
from tests.independent.steps import Refused
from tests.independent.test_forged import CONTAINERS

BUNDLES = Path(__file__).parent / "bundles"
LARGEST = 16_384
"""Bytes of a bundle: what is refused for its size alone is not kept here."""

LEFT_OUT = {"not in data"}
"""What may be noticed where items are read, or where files are compared."""


def make(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    told = []
    for name, (outcome, options) in CONTAINERS.items():
        files = forge(**options)
        if name in LEFT_OUT or sum(map(len, files.values())) > LARGEST:
            continue
        path = write_zip(
            folder / f"{'-'.join(re.findall('[a-z0-9]+', name.lower()))}.zip", files, method=zipfile.ZIP_DEFLATED
        )
        told.append({"file": path.name, "what": name, "outcome": outcome} | _found(path))
    text = json.dumps({"network": "local", "bundles": told}, indent=1)
    (folder / "bundles.json").write_text(f"{text}\n", "utf-8")


def _found(path: Path) -> dict[str, object]:
    try:
        verdict = reader.verify(path, network="local")
    except Refused:
        return {"existed_by": None, "failed": []}
    return {
        "existed_by": verdict.existed_by.isoformat() if verdict.outcome == "verified" and verdict.existed_by else None,
        "failed": sorted(verdict.failed_checks),
    }


if __name__ == "__main__":
    make(BUNDLES)
