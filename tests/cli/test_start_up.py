"""A command imports what it uses and nothing else: a short one takes hardly longer than its imports."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_group

from notary.cli.app import COMMANDS, commands
from notary.cli.on_demand import loaded
from notary.cli.registry import COMMANDS as REGISTRY
from tests.conftest import Notary

PROGRAM = """
import atexit, sys
atexit.register(lambda: print(*sys.modules, file=sys.stderr))
from notary.cli import main
main()
"""

SLOW = {
    *("bitcoin", "concurrent.futures", "logging", "opentimestamps", "pathspec", "pydantic", "pypdf", "requests"),
    *("rich", "sqlite_utils", "urllib3", "zipfile"),
}


def imported(notary: Notary, *arguments: str) -> set[str]:
    """The modules that a run of the program imports."""
    done = subprocess.run([sys.executable, "-c", PROGRAM, *arguments], **notary.options(), check=True)
    assert done.stdout
    return set(done.stderr.split())


def called(modules: set[str]) -> set[str]:
    """The commands whose modules are there."""
    return {name for name in COMMANDS if f"notary.cli.{name}" in modules}


@pytest.mark.parametrize("option", ["--version", "--help", "-h"])
def test_the_program_itself_imports_no_command(notary: Notary, option: str) -> None:
    modules = imported(notary, option)
    assert "notary.cli.app" in modules
    assert not called(modules)
    assert not modules & SLOW
    assert not {name for name in modules if name.startswith(("notary.core", "notary.edges"))}


def test_status_imports_what_it_uses(notary: Notary, evidence: Path) -> None:
    assert notary("stamp", evidence, "--network", "local").code == 0
    for arguments in ["status"], ["status", "--json"]:
        modules = imported(notary, *arguments)
        assert called(modules) == {"status"}
        assert not modules & SLOW
        assert not modules & {"notary.bundling", "notary.core.verdict", "notary.headers"}


def test_what_is_listed_is_what_there_is() -> None:
    """The list has its own words, so that showing it imports nothing."""
    for listed, group in (COMMANDS, commands(*COMMANDS)), (REGISTRY, loaded("notary.cli.registry", *REGISTRY)):
        there = get_group(group).commands
        assert {name: command.get_short_help_str(1_000) for name, command in there.items()} == listed


def test_a_command_of_a_group_imports_no_other(notary: Notary) -> None:
    modules = imported(notary, "registry", "claim", "--help")
    assert "notary.cli.registry.claim" in modules
    assert not {f"notary.cli.registry.{name}" for name in REGISTRY if name != "claim"} & modules
    assert not modules & SLOW
