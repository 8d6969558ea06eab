"""Words that a register never says: what it shows is what its keeper asserted."""

import ast
import re
from pathlib import Path

import pytest

import notary.registry.core

FOLDER = Path(notary.registry.core.__file__).parent
FORBIDDEN = re.compile(r"\b(titles?|ownership|owners?|legal effect|immutable|unforgeable|certified)\b", re.IGNORECASE)


def shown(path: Path) -> list[str]:
    """Every string of a module but its docstrings."""
    tree = ast.parse(path.read_text("utf-8"))
    documents = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents
    ]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_words_that_are_never_shown(path: Path) -> None:
    assert not [text for text in shown(path) if FORBIDDEN.search(text)]


def test_that_they_would_be_found() -> None:
    assert FORBIDDEN.search("the Title passes")
    assert "SHA-256 of the package as filed" in " ".join(shown(FOLDER / "entry.py"))
