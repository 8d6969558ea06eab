"""What can go wrong, by kind. Each error says what happened, and hints what to do.

Only the command line turns a kind into an exit code (see `cli/terminal.py`).
"""

from collections.abc import Sequence


class NotaryError(Exception):
    """The base of every error that this package raises on purpose.

    `message` is one line that names the thing and the fault; `hints` are lines on what to do about it.
    """

    def __init__(self, message: str, *hints: str) -> None:
        super().__init__(message)
        self.message = message
        self.hints = hints


class InputError(NotaryError):
    """Wrong usage, or an input that cannot be read or understood."""


class UnreadableError(InputError):
    """A file that cannot be read, or that changes while it is read."""


class FormatError(InputError):
    """Bytes that are not what their format demands: a proof, a manifest, an archive."""


class RowsError(InputError):
    """A load file with rows that are not as they should be: `problems` are their numbers, and what is wrong."""

    def __init__(self, message: str, problems: Sequence[tuple[int, str]], *hints: str) -> None:
        super().__init__(message, *hints)
        self.problems = tuple(problems)


class EvidenceError(NotaryError):
    """Evidence that is not what was stamped."""


class NotReadyError(NotaryError):
    """Sound so far, but something outside has yet to happen: a calendar, a block."""


class SystemFailureError(NotaryError):
    """The environment failed: disk, network, permission. Nothing was lost."""


def reason_of(error: OSError | ValueError) -> str:
    """The system's reason, in lower case and without its number."""
    reason = getattr(error, "strerror", None) or str(error)
    return reason[:1].lower() + reason[1:]
