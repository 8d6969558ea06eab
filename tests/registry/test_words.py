"""Words that a register never says: what it shows is what its keeper asserted."""

import ast
import re
from pathlib import Path

import pytest

import notary.cli.registry
import notary.registry

FOLDERS = [Path(one.__file__).parent for one in (notary.registry, notary.cli.registry)]
FORBIDDEN = re.compile(
    r"\b(titles?|ownership|owners?|legal effect|immutable|unforgeable|certified)\b"
    r"|\bpriority rights?\b|\brights? of priority\b",
    re.IGNORECASE,
)


def shown(path: Path) -> list[str]:
    """Every string of a module; of docstrings only those of commands, which are their help."""
    tree = ast.parse(path.read_text("utf-8"))
    if FOLDERS[1] in path.parents:
        return [one.value for one in ast.walk(tree) if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    documents = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents
    ]


@pytest.mark.parametrize(
    "path", sorted(path for folder in FOLDERS for path in folder.rglob("*.py")), ids=lambda path: path.stem
)
def test_words_that_are_never_shown(path: Path) -> None:
    assert not [text for text in shown(path) if FORBIDDEN.search(text)]


def test_that_they_would_be_found() -> None:
    assert FORBIDDEN.search("the Title passes")
    assert "SHA-256 of the package as filed" in " ".join(shown(FOLDERS[0] / "core" / "entry.py"))
    assert "Check a claim of a first filing" in " ".join(shown(FOLDERS[1] / "check.py"))
    assert not FORBIDDEN.search("the priority period; the kind of right")
    assert FORBIDDEN.search("a right of priority")
