"""OpenTimestamps calendars over HTTP: submit a digest, fetch what has become of a commitment.

The protocol, as the reference client and server speak it:

    POST {url}/digest                    body: the 32 raw bytes       200: a serialised timestamp of them
    GET  {url}/timestamp/{hex}           the commitment in hex        200: a serialised timestamp of it
                                                                      404: not yet, with a line of text
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

from notary import limits
from notary.core.ots import Kind, read_timestamp
from notary.errors import FormatError, SystemFailureError
from notary.wire import clean_text, exchange

DEFAULT_CALENDARS = (
    "https://a.pool.opentimestamps.org",
    "https://b.pool.opentimestamps.org",
    "https://a.pool.eternitywall.com",
    "https://ots.btc.catallaxy.com",
)
"""The reference client's default aggregators (opentimestamps.calendar.DEFAULT_AGGREGATORS)."""

MIN_CALENDARS = 2
"""How many of them must answer, as in the reference client: one alone could lose its database."""

_PUBLIC_CALENDAR = re.compile(
    r"https://(?:[a-z0-9-]+\.)+calendar\.(?:opentimestamps\.org|eternitywall\.com|catallaxy\.com)/?"
)

_HEADERS = {"Accept": "application/vnd.opentimestamps.v1"}


@dataclass(frozen=True, slots=True)
class NotYet:
    """A calendar's answer while no block attests the commitment; `text` is its own words, cleaned."""

    text: str


def submit(url: str, digest: bytes) -> bytes:
    """The serialised timestamp that the calendar at `url` gives for 32 bytes. Raises SystemFailureError."""
    reply = exchange("POST", f"{url}/digest", headers=_HEADERS, body=digest)
    if reply.status != 200:
        raise SystemFailureError(f"{url} answered {reply.status} {clean_text(reply.body)}".rstrip())
    return _walked(url, reply.body, digest, limits.ITEM_STEPS)


def fetch(url: str, commitment: bytes) -> bytes | NotYet:
    """The serialised timestamp that the calendar has for `commitment`, or NotYet. Raises SystemFailureError."""
    reply = exchange("GET", f"{url}/timestamp/{commitment.hex()}", headers=_HEADERS)
    if reply.status == 404:
        return NotYet(clean_text(reply.body) or "not found")
    if reply.status != 200:
        raise SystemFailureError(f"{url} answered {reply.status} {clean_text(reply.body)}".rstrip())
    timestamp = _walked(url, reply.body, commitment)
    if not any(one.kind is not Kind.PENDING for one in read_timestamp(timestamp, commitment)):
        return NotYet("still pending")
    return timestamp


def _walked(url: str, timestamp: bytes, message: bytes, above: int = 0) -> bytes:
    try:
        read_timestamp(timestamp, message, above)
    except FormatError as error:
        raise SystemFailureError(f"{url} sent no valid timestamp: {error.message}") from None
    return timestamp


def may_ask(uri: str, configured: Collection[str]) -> bool:
    """Whether a proof's pending attestation may make this machine contact `uri`.

    A proof comes from anybody. Allowed are the calendars that the user configured, and https hosts under the domains
    of the public ones, with no login, port or path: the whole address is matched, so nothing can hide in it.
    """
    return uri.rstrip("/") in configured or _PUBLIC_CALENDAR.fullmatch(uri) is not None
