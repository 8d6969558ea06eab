"""`notary registry`: registers of IP applications, published as logs that can only grow."""

from __future__ import annotations

import typer

from ..on_demand import on_demand

COMMANDS = {
    "init": "Make a registry of no entries, and its key.",
    "add": "Append applications and events.",
    "publish": "Publish what was added: tiles, a signed checkpoint, its anchor.",
    "rotate": "Make the registry's next key, and append the entry that names it.",
    "claim": "Write a claim: one application's entry, with what proves that it stands in the register, and since when.",
    "check": "Check a claim of a first filing: the entry, who asserts it, since when, and the later filing's date.",
    "sync": "Follow all registries of registries.toml: verify their heads, read what is new.",
    "search": "Search what `notary registry sync` has read, over all registries together, and show each object's"
    " history.",
    "witness": "Cosign a registry's checkpoint as its witness, if it continues the last one that you cosigned.",
    "verify-split": "Check the evidence that a registry signed two histories: both signatures, and that neither"
    " continues the other.",
}
"""Each stands in the module of its name, with a help text that begins like this."""

registry = typer.Typer(
    cls=on_demand(__name__, COMMANDS),
    help="Keep, follow and check registers of IP applications.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@registry.callback()
def _registry() -> None:
    """Typer takes no group for one without commands of its own, unless it has this."""
