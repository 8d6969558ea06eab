"""A time-stamping authority over HTTP (RFC 3161 section 3.4), and the root certificates that this system trusts.

    POST {url}        application/timestamp-query: a TimeStampReq        200: a TimeStampResp

Over http whoever stands between can answer in the authority's place: only the verifier's roots tell.
"""

from datetime import datetime, timedelta

from notary import limits
from notary.core.manifest import MOMENT
from notary.core.rfc3161 import request_for, verify_integrity
from notary.errors import NotaryError, SystemFailureError
from notary.wire import clean_text, exchange

_HEADERS = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}

_HINT = "try again later, or ask another time-stamping authority"


def request_token(url: str, imprint: bytes, nonce: int, now: datetime) -> bytes:
    """The TimeStampResp, as it came, of the authority at `url` for a SHA-256 digest of 32 bytes.

    It holds a token over this imprint with this nonce and a time near `now`, whose signature verifies under the
    certificate that it carries; whose certificate that is, is not checked. Raises SystemFailureError, with the
    authority's own words.
    The answer's content type is not looked at, since only a token is taken.
    """
    reply = exchange("POST", url, headers=_HEADERS, body=request_for(imprint, nonce))
    if reply.status != 200:
        raise SystemFailureError(f"{url} answered {reply.status} {clean_text(reply.body)}".rstrip(), _HINT)
    try:
        token = verify_integrity(reply.body, imprint, nonce=nonce)
    except NotaryError as error:
        raise SystemFailureError(f"{url} gave no usable token: {error.message}", _HINT) from None
    if abs(token.gen_time - now) > timedelta(seconds=limits.TOKEN_CLOCK_SECONDS):
        # Once it is sealed nothing can replace it, and after its block it would make the whole batch fail.
        theirs, ours = (one.strftime(MOMENT) for one in (token.gen_time, now))
        said = f"{url} gave a token of {theirs}, and this machine's clock says {ours}"
        raise SystemFailureError(said, "one of the two clocks is wrong")
    return reply.body


def system_roots() -> bytes:
    """The root certificates that this system trusts for servers, in PEM; where it names none, those of `certifi`.

    They are what Python's own TLS would trust: OpenSSL's file, so SSL_CERT_FILE too, or the store of Windows. Such
    lists are made for web servers; an authority's root may be missing there.
    """
    import ssl

    from certifi import where  # requests brings it

    found = ssl.create_default_context().get_ca_certs(binary_form=True)
    found = found or ssl.create_default_context(cafile=where()).get_ca_certs(binary_form=True)
    return "".join(map(ssl.DER_cert_to_PEM_cert, found)).encode("ascii")
