"""The reader's steps 7, 9, 13 and 16: signature, token, the named block, the line of batches.

What a signature or a token is worth, OpenSSH's and OpenSSL's own programs say: `ssh-keygen` and `openssl ts`.
"""

import base64
import re
import struct
import subprocess
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.independent.steps import Failure, need, sha256

NAMESPACE = "notary-manifest@v1"
KINDS = {"ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"}
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def run(*command: str | Path, data: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    """Another program's answer."""
    return subprocess.run(list(map(str, command)), input=data, capture_output=True, check=False)


# ---- Signatures ----------------------------------------------------------------------------------------------------


def strings(data: bytes) -> list[bytes]:
    """SSH's strings, one after the other."""
    found = []
    while data:
        (size,) = struct.unpack(">L", data[:4])
        found.append(data[4:][:size])
        data = data[4 + size :]
    return found


def did_of(key: bytes) -> str | None:
    """The did:key of an Ed25519 key as SSH has it; of others None, which are not looked at here."""
    kind, raw, *_ = strings(key)
    if kind != b"ssh-ed25519":
        return None
    number, text = int.from_bytes(b"\xed\x01" + raw, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = BASE58[digit] + text
    return f"did:key:z{text}"


def check_signature(text: bytes, manifest: dict[str, Any], signature: bytes | None) -> None:
    """Step 7."""
    signer = manifest.get("signer")
    if signature is None:
        need(signer is None, "a signer, and no signature")
        return
    armor = re.fullmatch(rb"-----BEGIN SSH SIGNATURE-----\n(.+)\n-----END SSH SIGNATURE-----\n?", signature, re.DOTALL)
    need(armor, "no signature as SSH writes them")
    try:
        blob = base64.b64decode(armor[1]) if armor else b""
        key = strings(blob[10:])[0]
        kind = strings(key)[0].decode("ascii")
    except (ValueError, IndexError, struct.error) as error:
        raise Failure(f"a signature that ends too soon: {error}") from error
    if kind not in KINDS:
        need(signer is None or signer["key"].split(" ")[0] not in KINDS, f"a key of the kind {kind}, as if of another")
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "signature"
        file.write_bytes(signature)
        done = run("ssh-keygen", "-Y", "check-novalidate", "-n", NAMESPACE, "-s", file, data=text)
    need(done.returncode == 0, f"ssh-keygen says {done.stderr.decode(errors='replace').strip()}")
    if signer is not None:
        need(signer["key"] == f"{kind} {base64.b64encode(key).decode()}", "a signature by another key")
        did = did_of(key)
        need(did in (None, signer["did"]), f"another did than {did}")


# ---- Tokens --------------------------------------------------------------------------------------------------------


def check_token(token: bytes, head: bytes) -> datetime:
    """Step 9, but for the proof and the date: the token's time, less its accuracy, if OpenSSL takes it.

    Whoever its certificates are: the reader has no roots.
    """
    need(token[:2] == b"\x30\x82" and int.from_bytes(token[2:4], "big") == len(token) - 4, "bytes behind its end")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "token").write_bytes(token)
        text = run("openssl", "ts", "-reply", "-in", folder / "token", "-text").stdout.decode(errors="replace")
        told = re.search(r"^Time stamp: (\w+ +\d+ \d\d:\d\d:\d\d)(?:\.\d+)? (\d+) GMT$", text, re.MULTILINE)
        if told is None:
            raise Failure("openssl finds no token, or no time in it")
        at = datetime.strptime(f"{told[1]} {told[2]}", "%b %d %H:%M:%S %Y").replace(tzinfo=UTC)
        run("openssl", "ts", "-reply", "-in", folder / "token", "-token_out", "-out", folder / "cms")
        run(
            "openssl", "pkcs7", "-inform", "DER", "-in", folder / "cms", "-print_certs", "-out", folder / "certificates"
        )
        done = run(
            *("openssl", "ts", "-verify", "-in", folder / "token", "-digest", head.hex(), "-partial_chain"),
            *("-CAfile", folder / "certificates", "-attime", str(int(at.timestamp()))),
        )
    need(done.stdout == b"Verification: OK\n", "openssl does not take the token")
    slack = 0
    for unit, micros in (("seconds", 1_000_000), ("millis", 1000), ("micros", 1)):
        found = re.search(rf"^Accuracy: .*?0x([0-9A-F]+) {unit}", text, re.MULTILINE)
        slack += int(found[1], 16) * micros if found else 0
    return at - timedelta(microseconds=slack)


# ---- The named block -----------------------------------------------------------------------------------------------


def check_named_block(
    named: dict[str, Any] | None, attested: int | None, network: str, trusted: Callable[[int], bytes | None]
) -> None:
    """Step 13. `trusted` gives the header of a height if somebody who is trusted has one; `attested` is h."""
    if named is None or named["network"] != network:
        return
    need(attested is None or named["height"] < attested, "a block that was not there yet")
    header = trusted(named["height"])
    need(header is None or sha256(sha256(header))[::-1].hex() == named["hash"], "another block of that height")


# ---- The line of batches -------------------------------------------------------------------------------------------


def check_line(
    data: bytes,
    manifest: dict[str, Any],
    load_json: Callable[[bytes], Any],
    read_manifest: Callable[[bytes], dict[str, Any]],
    head_of: Callable[[dict[str, Any], bytes, bytes], bytes],
) -> None:
    """Step 16."""
    need(not data or data[-1:] == b"\n", "a last line without an end")
    before = manifest
    for line in data.split(b"\n")[:-1]:
        entry = load_json(line)
        need(isinstance(entry, dict) and {"manifest"} <= entry.keys() <= {"manifest", "signature"}, "other keys")
        need(all(isinstance(value, str) for value in entry.values()), "a value that is no string")
        text, signature = entry["manifest"].encode(), entry.get("signature")
        here = read_manifest(text)
        need(before.get("previous") == head_of(here, text, (signature or "").encode()).hex(), "another batch")
        need(here["network"] == manifest["network"], "another network")
        need((here.get("signer") or {}).get("key") == (manifest.get("signer") or {}).get("key"), "another signer")
        check_signature(text, here, None if signature is None else signature.encode())
        before = here
