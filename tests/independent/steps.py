"""What all parts of the reader use: how a step fails, and H."""

import hashlib

Files = dict[str, bytes]


class Refused(Exception):  # noqa: N818
    """What was given is no bundle, or one of a format that the page does not describe."""


class Failure(Exception):  # noqa: N818
    """A step failed."""


def need(condition: object, why: str) -> None:
    """Fail the step unless the condition holds."""
    if not condition:
        raise Failure(why)


def sha256(*parts: bytes) -> bytes:
    """H of the parts joined."""
    return hashlib.sha256(b"".join(parts)).digest()
