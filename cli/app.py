"""The commands, put together; and the one place where errors become exit codes.

Wording: an error is one line that begins with `error:`, in lower case, without a full stop; what may help follows in
lines that begin with `hint:`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated

import typer

from notary import __version__
from notary.errors import EvidenceError, InputError, NotaryError, NotReadyError, RowsError, reason_of

from .on_demand import loaded, on_demand
from .terminal import ExitCode, outlived

COMMANDS = {
    "demo": "Go the whole way on the samples, offline.",
    "stamp": "Hash files, build the tree, submit its seal.",
    "status": "Show the ledger's batches and the settings in force, or one batch in full.",
    "diff": "Show what is added, changed, removed or moved from one batch to another.",
    "upgrade": "Submit what is queued, fetch what calendars have completed.",
    "export": "Write a bundle that others can verify.",
    "verify": "Check a proof, and say what it shows.",
    "certificate": "Typeset what a batch or a bundle proves, for people, with the bundle attached.",
    "history": "Show the ledger's lines of batches, with gaps and forks.",
    "countersign": "Sign a bundle as its witness, in a batch of your own.",
    "import": "Anchor time-stamping tokens that are there already, together with their files.",
    "info": "Show what a proof or a time-stamping token says, checked against nothing.",
    "page": "Write the web page that verifies bundles and proofs in a browser, offline.",
    "headers": "Keep the chain's headers on this machine: what `verify` calls the trust `chain`.",
    "key": "Make and show keys to sign manifests with.",
    "registry": "Keep, follow and check registers of IP applications.",
}
"""Each stands in the module of its name, with a help text that begins like this."""


def commands(*names: str) -> typer.Typer:
    """The commands of these names; imports their modules, and so whatever they use."""
    return loaded(__package__, *names)


_program = typer.Typer(
    cls=on_demand(__package__, COMMANDS),
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"notary {__version__}")
        raise typer.Exit


@_program.callback(invoke_without_command=True)
def _notary(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Proves that files existed no later than a date, without showing them to anybody."""
    if context.invoked_subcommand is None:
        print(context.get_help())


def code_of(error: NotaryError) -> ExitCode:
    match error:
        case EvidenceError():
            return ExitCode.FAILED
        case InputError():
            return ExitCode.INPUT
        case NotReadyError():
            return ExitCode.NOT_PROVEN
    return ExitCode.SYSTEM


def run(arguments: Sequence[str]) -> int:
    """Runs one command line. Whatever happens, the user sees words, and the shell an exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    sys.stdout, output = outlived(sys.stdout)
    sys.stderr, _ = outlived(sys.stderr)
    code = _run(arguments)
    sys.stdout.flush()
    if output is not None and output.fault is not None:
        print(f"error: the answer could not be written to standard output: {output.fault}", file=sys.stderr)
        return ExitCode.SYSTEM
    return code


def _run(arguments: Sequence[str]) -> int:
    wants_json = "--json" in arguments
    try:
        code = int(_program(arguments, prog_name="notary", standalone_mode=False) or 0)
    except NotaryError as error:
        problems = error.problems if isinstance(error, RowsError) else ()
        return _fail(code_of(error), error.message, error.hints, wants_json, problems)
    except typer.TyperException as error:
        message = error.format_message()
        return _fail(ExitCode.INPUT, message[:1].lower() + message[1:], (_help_hint(error),), wants_json)
    except (typer.Abort, KeyboardInterrupt):
        code = ExitCode.INTERRUPTED
    except OSError as error:
        reason = f"{error.filename}: {reason_of(error)}" if error.filename else reason_of(error)
        return _fail(ExitCode.SYSTEM, reason, (), wants_json)
    except Exception as error:  # a fault of ours: the user still gets words, and we get a report
        if os.environ.get("NOTARY_DEBUG"):
            raise
        hints = ("this is a fault in notary; NOTARY_DEBUG=1 shows where",)
        return _fail(ExitCode.SYSTEM, f"{type(error).__name__}: {error}", hints, wants_json)
    if code == ExitCode.INTERRUPTED:  # typer turns Ctrl-C into this code
        hint = "run the same command again; `notary status` and `notary headers status` show what is there"
        return _fail(ExitCode.INTERRUPTED, "interrupted; nothing was lost", (hint,), wants_json)
    return code


def _help_hint(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    return f"{context.command_path if context else 'notary'} --help"


def _fail(
    code: ExitCode, message: str, hints: Iterable[str], wants_json: bool, problems: Iterable[tuple[int, str]] = ()
) -> int:
    from notary.core.shown import shown_text
    from notary.reporting import as_json

    message, hints = message.strip().removesuffix("."), [hint for hint in hints if hint]
    if wants_json:
        rows = {"problems": [{"row": row, "what": what} for row, what in problems]} if problems else {}
        print(as_json({"error": message, "hints": hints, "exit_code": int(code), **rows}))
    lines = [
        *(f"row {row}: {shown_text(what)}" for row, what in problems),
        f"error: {shown_text(message)}",
        *(f"hint: {shown_text(hint)}" for hint in hints),
    ]
    print("\n".join(lines), file=sys.stderr)
    return code
