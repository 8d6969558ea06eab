"""Groups of commands that are imported when they are called: imports are most of the time that a short one takes."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from keyword import iskeyword
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group


def loaded(package: str, *names: str) -> typer.Typer:
    """The commands of these names, each in the module of its name; imports those, and so whatever they use."""
    group = typer.Typer(rich_markup_mode=None)
    for name in names:
        word = f"{name}_" if iskeyword(name) else name.replace("-", "_")
        command = getattr(import_module(f".{word}", package), word)
        if isinstance(command, typer.Typer):
            group.add_typer(command, name=name)
        else:
            group.command(name)(command)
    return group


def on_demand(package: str, listed: Mapping[str, str]) -> type[TyperGroup]:
    """A group that lists all of `listed`, by names and help texts, and imports the one that is called."""

    class OnDemand(TyperGroup):
        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            self.commands = {name: TyperCommand(name, help=text) for name, text in listed.items()}

        def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
            name, command, rest = super().resolve_command(ctx, args)
            return name, get_group(loaded(package, name)).commands[name] if name else command, rest

    return OnDemand
