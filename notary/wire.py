"""One bounded HTTP exchange, for the edges that speak HTTP: no redirects, a size limit, a deadline for the whole."""

import ipaddress
import queue
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, TypeVar, cast
from urllib.parse import urlsplit

from notary import __version__, limits
from notary.errors import InputError, SystemFailureError

if TYPE_CHECKING:
    import requests

T = TypeVar("T")
R = TypeVar("R")

USER_AGENT = f"notary/{__version__}"

_PIECE = 16 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """A server's status and the body, which is at most `limits.REPLY_BYTES` long."""

    status: int
    body: bytes


def check_url(url: str, what: str) -> str:
    """`url` without a closing slash, if it is a plain http or https address. Raises InputError.

    What stands before an @ is not shown: it may be a password.
    """
    try:
        parts = urlsplit(url) if re.fullmatch(r"[\x21-\x7e]+", url) else urlsplit("")
        is_plain = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_plain = False
    if not is_plain or set(url) & set("@?#\\"):
        told = url.rpartition("@")[2]
        why = ": it has a user or a password in it, which is not shown here" if "@" in url else ""
        raise InputError(f"{what} {told!r} is not a plain http or https address{why}", "such as https://example.org")
    return url.rstrip("/")


def exchange(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    body: bytes | None = None,
    login: tuple[str, str] | None = None,
    limit: int | None = None,
) -> Reply:
    """Sends one request and reads its reply.

    A reply has at most `limits.REPLY_BYTES`. Where `limit` is given, for files that are larger, it has so many, is
    asked for as it is, and refused where it comes compressed.

    Raises SystemFailureError, naming the server, where it cannot be reached, answers with a redirect or with more
    than that, or takes longer than `limits.EXCHANGE_SECONDS`.
    """
    server = urlsplit(url).netloc
    deadline = monotonic() + limits.EXCHANGE_SECONDS
    own = {"User-Agent": USER_AGENT} | ({} if limit is None else {"Accept-Encoding": "identity"})
    try:
        # A server that drips its headers can hold a socket longer than any time-out of requests says.
        return within(
            limits.EXCHANGE_SECONDS + 1,
            lambda: _exchange(method, url, {**own, **headers}, body, login, server, deadline, limit),
        )
    except TimeoutError:
        raise _too_slow(server) from None


def within(seconds: float, work: Callable[[], T]) -> T:
    """What `work` returns or raises. Raises TimeoutError if that takes longer; nobody waits for its thread then."""
    answers: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue()

    def run() -> None:
        try:
            answers.put((work(), None))
        except BaseException as error:  # for the caller to see
            answers.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        answer, error = answers.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError from None
    if error is not None:
        raise error
    return cast("T", answer)


def _exchange(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes | None,
    login: tuple[str, str] | None,
    server: str,
    deadline: float,
    limit: int | None,
) -> Reply:
    import requests

    timeouts = (limits.CONNECT_SECONDS, limits.READ_SECONDS)
    try:
        with requests.Session() as session:
            # A proxy cannot reach this machine's own loopback.
            session.trust_env = not is_loopback(urlsplit(url).hostname or "")
            credentials = (login[0].encode(), login[1].encode()) if login else _no_login
            request = session.prepare_request(
                requests.Request(method, url, headers=dict(headers), data=body, auth=credentials)
            )
            settings = session.merge_environment_settings(url, {}, stream=True, verify=True, cert=None)
            # Not by the session: it reads a redirect's whole body even where it does not follow it.
            adapter = session.get_adapter(url)
            with adapter.send(
                request,
                stream=True,
                timeout=timeouts,
                verify=settings["verify"] or True,
                proxies=settings["proxies"],
            ) as response:
                if 300 <= response.status_code < 400:
                    raise SystemFailureError(f"{server} answered with a redirect, which is not followed")
                # Unpacked, a large piece could be a bomb; of what is not packed a large one costs what it is.
                if limit is not None and response.headers.get("Content-Encoding", "identity") != "identity":
                    raise SystemFailureError(f"{server} sent a compressed reply, which was not asked for")
                most = limits.REPLY_BYTES if limit is None else limit
                received = bytearray()
                for piece in response.iter_content(1 if limit is None else _PIECE):
                    received += piece
                    if len(received) > most:
                        raise SystemFailureError(f"{server} sent over {most} bytes")
                    if monotonic() > deadline:
                        raise _too_slow(server)
                return Reply(response.status_code, bytes(received))
    except requests.exceptions.SSLError:
        raise SystemFailureError(f"{server} has no valid TLS certificate") from None
    except requests.exceptions.ConnectTimeout:
        raise SystemFailureError(f"{server} did not answer within {limits.CONNECT_SECONDS:.0f} s") from None
    except requests.exceptions.ReadTimeout:
        raise SystemFailureError(f"{server} sent nothing for {limits.READ_SECONDS:.0f} s") from None
    except requests.exceptions.ConnectionError:
        raise SystemFailureError(f"{server} could not be reached") from None
    except (requests.exceptions.RequestException, ValueError) as error:
        how = "incomplete" if isinstance(error, requests.exceptions.ChunkedEncodingError) else "malformed"
        raise SystemFailureError(f"{server} gave no usable answer ({how})") from None


def _too_slow(server: str) -> SystemFailureError:
    return SystemFailureError(f"{server} took longer than {limits.EXCHANGE_SECONDS:.0f} s")


def _no_login(request: "requests.PreparedRequest") -> "requests.PreparedRequest":
    """Keeps requests from sending a login that it finds in ~/.netrc."""
    return request


def is_loopback(host: str) -> bool:
    """Whether a name or address can only be this machine's."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def all_at_once(ask: Callable[[T], R], targets: Sequence[T]) -> list[R | SystemFailureError]:
    """What `ask` returns for each of `targets`, or its SystemFailureError, in their order; all are asked at once."""
    from concurrent.futures import ThreadPoolExecutor

    def one(target: T) -> R | SystemFailureError:
        try:
            return ask(target)
        except SystemFailureError as error:
            return error

    if not targets:
        return []
    with ThreadPoolExecutor(len(targets)) as pool:
        return list(pool.map(one, targets))


def clean_text(body: bytes) -> str:
    """A server's words, fit to show: `limits.REPLY_TEXT` plain characters, everything else a blank."""
    text = body[: limits.REPLY_TEXT].decode("ascii", errors="replace")
    return " ".join(re.sub(r"[^A-Za-z0-9#\-.,;: ]", " ", text).split())
