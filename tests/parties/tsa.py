"""Time-stamping authorities as Debian's `openssl` makes them: certificates, tokens, `ts -reply` behind a port."""

import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

POLICY = "1.3.6.1.4.1.99999.1"

ROOT = ("basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign", "subjectKeyIdentifier=hash")
ISSUER = ROOT
SIGNER = (
    "basicConstraints=critical,CA:FALSE",
    "keyUsage=critical,digitalSignature",
    "extendedKeyUsage=critical,timeStamping",
    "subjectKeyIdentifier=hash",
    "authorityKeyIdentifier=keyid",
)

_KEYS = {
    "rsa": ("RSA", "rsa_keygen_bits:2048"),
    "weak": ("RSA", "rsa_keygen_bits:1024"),
    "ec": ("EC", "ec_paramgen_curve:P-256"),
    "p384": ("EC", "ec_paramgen_curve:P-384"),
}

_CA = """
[ca]
default_ca = one
[one]
database = {folder}/issued
new_certs_dir = {folder}
unique_subject = no
rand_serial = yes
default_md = {digest}
policy = any
[any]
organizationName = optional
commonName = supplied
[extensions]
{extensions}
[ts]
default_policy = {policy}
digests = {digests}
signer_digest = sha256
serial = {folder}/serial
ess_cert_id_alg = {named_by}
accuracy = secs:1, millisecs:500, microsecs:100
tsa_name = {tsa_name}
ess_cert_id_chain = {names_chain}
"""


def openssl(*arguments: str | Path, data: bytes | None = None) -> bytes:
    """What a command prints. Raises CalledProcessError."""
    return subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=True).stdout


def verifies(response: bytes, imprint: bytes, roots: Path, *options: str) -> bool:
    """Whether `openssl ts -verify` accepts a TimeStampResp."""
    command: list[str | Path] = [
        "openssl",
        "ts",
        "-verify",
        "-in",
        "/dev/stdin",
        "-digest",
        imprint.hex(),
        "-CAfile",
        roots,
        *options,
    ]
    ended = subprocess.run(command, input=response, capture_output=True, check=False)
    assert (ended.returncode == 0) == (b"Verification: OK" in ended.stdout)
    return ended.returncode == 0


@dataclass(frozen=True)
class Holder:
    """A certificate and its key, in PEM."""

    certificate: Path
    key: Path

    @property
    def der(self) -> bytes:
        return openssl("x509", "-in", self.certificate, "-outform", "DER")


class Certificates:
    """An issuer of certificates of any kind, right or wrong."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._count = 0
        (folder / "issued").touch()
        (folder / "serial").write_text("01\n")

    def settings(self, **values: str) -> Path:
        """A configuration file of openssl's."""
        self._count += 1
        path = self.folder / f"settings-{self._count}"
        defaults = {"digest": "sha256", "extensions": "", "policy": POLICY, "digests": "sha256, sha512"}
        defaults |= {"named_by": "sha256", "tsa_name": "yes", "names_chain": "no", "folder": str(self.folder)}
        path.write_text(_CA.format(**defaults | values))
        return path

    def issue(
        self,
        name: str,
        extensions: tuple[str, ...],
        by: Holder | None = None,
        *,
        key: str | Path = "ec",
        begins: timedelta = timedelta(hours=-1),
        ends: timedelta = timedelta(days=365),
        digest: str = "sha256",
    ) -> Holder:
        """A certificate of `by`, or self-signed; valid from and to so long from now. `key` is a kind, or another's."""
        self._count += 1
        path = self.folder / f"{self._count}"
        holder = Holder(path.with_suffix(".pem"), key if isinstance(key, Path) else path.with_suffix(".key"))
        if isinstance(key, str):
            algorithm, option = _KEYS[key]
            openssl("genpkey", "-algorithm", algorithm, "-pkeyopt", option, "-out", holder.key)
        request = openssl("req", "-new", "-key", holder.key, "-subj", f"/O=Firm/CN={name}")
        path.with_suffix(".csr").write_bytes(request)
        dates = [(datetime.now(UTC) + one).strftime("%Y%m%d%H%M%SZ") for one in (begins, ends)]
        settings = self.settings(extensions="\n".join(extensions), digest=digest)
        openssl(
            *("ca", "-batch", "-notext", "-config", settings, "-extensions", "extensions"),
            *(("-cert", by.certificate, "-keyfile", by.key) if by else ("-selfsign", "-keyfile", holder.key)),
            *("-startdate", dates[0], "-enddate", dates[1]),
            *("-in", path.with_suffix(".csr"), "-out", holder.certificate),
        )
        return holder

    def reply(self, query: bytes, signer: Holder, *chain: Holder, **settings: str) -> bytes:
        """`openssl ts -reply`: granted or refused, as openssl decides; with `chain` in the token."""
        path = self.folder / "query"
        path.write_bytes(query)
        beside = self.folder / "chain.pem"
        beside.write_bytes(b"".join(one.certificate.read_bytes() for one in chain))
        return openssl(
            *("ts", "-reply", "-config", self.settings(**settings), "-section", "ts", "-queryfile", path),
            *("-signer", signer.certificate, "-inkey", signer.key),
            *(("-chain", str(beside)) if chain else ()),
        )

    def signed_again(self, response: bytes, signer: Holder, *options: str | Path) -> bytes:
        """The same statement, signed with a certificate that `ts -reply` would not take, or in another way."""
        path = self.folder / "response"
        path.write_bytes(response)
        token = openssl("ts", "-reply", "-config", self.settings(), "-in", path, "-token_out")
        statement = openssl("cms", "-verify", "-noverify", "-binary", "-inform", "DER", data=token)
        return self.sign(statement, signer, *options)

    def sign(self, statement: bytes, signer: Holder, *options: str | Path) -> bytes:
        """A TimeStampResp over any TSTInfo, or what is none, by `openssl cms -sign -cades`."""
        return granted(
            openssl(
                *("cms", "-sign", "-cades", "-nodetach", "-binary", "-nosmimecap", "-outform", "DER"),
                *("-econtent_type", "1.2.840.113549.1.9.16.1.4", "-signer", signer.certificate, "-inkey", signer.key),
                *options,
                data=statement,
            )
        )


def granted(token: bytes) -> bytes:
    """A TimeStampResp with this token, which is over 255 bytes long."""
    return b"\x30\x82" + (len(token) + 5).to_bytes(2, "big") + b"\x30\x03\x02\x01\x00" + token


def query(imprint: bytes, *options: str) -> bytes:
    """`openssl ts -query` over a SHA-256 digest, with a nonce of openssl's choice."""
    return openssl("ts", "-query", "-digest", imprint.hex(), "-sha256", "-cert", *options)


class Tsa:
    """`answer` makes a TimeStampResp of a TimeStampReq; behind `url` it speaks RFC 3161's HTTP."""

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self.answer = answer
        self.status = 200
        self.requests: list[tuple[str | None, bytes]] = []
        """Content type and body of each."""
        tsa = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                tsa.requests.append((self.headers["Content-Type"], body))
                reply = tsa.answer(body)
                self.send_response(tsa.status)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that http.server gives
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/tsr"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
