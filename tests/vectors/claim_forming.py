"""How forms.json of tests/vectors/claims is used: the claim that a form makes, and whether a reader took it."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.vectors.claim_parts import bag, packed

SOUND = Path(__file__).parent / "claims" / "sound-open.zip"


def formed(folder: Path, form: Mapping[str, Any]) -> Path:
    """The sound claim with one file changed as the form says, in a bag whose manifests agree."""
    with zipfile.ZipFile(SOUND) as archive:
        names = [name for name in archive.namelist() if "/registry/" in name]
        files = {name.partition("/")[2]: archive.read(name) for name in names}
    data, at = files[form["file"]], form["at"]
    files[form["file"]] = data[:at] + form["insert"].encode() + data[at + form["remove"] :]
    path = folder / "claim.zip"
    path.write_bytes(packed(bag(files)))
    return path


def is_taken(form: Mapping[str, Any], checks: Mapping[int, str]) -> bool:
    """A claim that is not taken fails check 3; without a proof that is taken check 6 has nothing to compare with."""
    return checks[3] == "passed" if form["file"].endswith("claim.json") else checks[6] != "skipped"
