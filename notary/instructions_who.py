"""VERIFY.txt's steps for what not every bundle has: a signature, a token, a block and batches before its own."""

from collections.abc import Iterator, Sequence
from datetime import UTC

from notary.core.header import block_time, shown
from notary.core.manifest import MOMENT, Manifest, NamedBlock, read_manifest
from notary.core.signature import NAMESPACE, read_signature
from notary.core.time_stamp import read_token
from notary.edges.header_files import HeaderRun
from notary.edges.ledger import Batch


def further_steps(batch: Batch, runs: Sequence[HeaderRun], has_line: bool) -> Iterator[str]:
    """The steps that this batch gives occasion for, each beginning with its heading, without numbers."""
    manifest = read_manifest(batch.manifest)
    if batch.signature is not None:
        key = read_signature(batch.signature).key
        yield _SIGNATURE.format(namespace=NAMESPACE, fingerprint=key.fingerprint, key=key.line)
    if batch.token is not None:
        yield _token(batch, batch.token)
    if manifest.not_before:
        yield _NOT_BEFORE.format(
            height=f"{manifest.not_before.height:,}",
            hash=shown(manifest.not_before.hash),
            clock=_clock(manifest.not_before, runs),
        )
    if manifest.previous is not None or has_line:
        yield _before(manifest, has_line)


def _token(batch: Batch, token: bytes) -> str:
    from notary.batches import seal_of

    at = read_token(token).gen_time.astimezone(UTC)
    return _SECOND_CLOCK.format(
        head=batch.head.hex(), time=at.strftime(MOMENT), seconds=int(at.timestamp()), seal=seal_of(batch).hex()
    )


def _clock(named: NamedBlock, runs: Sequence[HeaderRun]) -> str:
    """What the named block's header says, if it goes with the bundle."""
    header = next((one for run in runs for one in run.headers if one.hash == named.hash), None)
    if header is None:
        return ""
    return f"\n   The block's own clock, which is loose by up to two hours, says {block_time(header)}."


def _before(manifest: Manifest, has_line: bool) -> str:
    if manifest.previous is None:
        return _FIRST
    return _PREVIOUS.format(previous=manifest.previous.hex()) + (_LINE if has_line else "")


_SIGNATURE = """\
THE SIGNATURE, with `ssh-keygen` of OpenSSH:

   ssh-keygen -Y check-novalidate -n {namespace} -s notary/manifest.sig < notary/manifest.json

   It has to find a good signature with the key

   {fingerprint}

   The head binds the signature too: it was there when the head was anchored. Whose key it is, a signature does not
   say. If its holder gave you the key, write it into a file, signers, with the name that you know it by; the line is

   NAME namespaces="{namespace}" {key}

   but take the key from its holder, not from here. Then

   ssh-keygen -Y verify -f signers -I NAME -n {namespace} -s notary/manifest.sig < notary/manifest.json
"""

_SECOND_CLOCK = """\
THE SECOND CLOCK. A time-stamping authority signed the head (RFC 3161), with the time by its own clock:
   {time}. With its root certificates in a file, roots.pem, from wherever you trust them:

   HEAD={head}
   openssl ts -reply -in notary/head.tsr -text
   openssl ts -verify -in notary/head.tsr -digest $HEAD -CAfile roots.pem

   Once certificates have expired, have them judged at the time of the token. The block shows that the token was there
   by then, so nobody made it later:

   openssl ts -verify -in notary/head.tsr -digest $HEAD -CAfile roots.pem -attime {seconds}

   What the calendars got is the seal, which binds the token to the head: the SHA-256 of a byte 03, the head, and the
   SHA-256 of the token. `ots info notary/head.ots` shows these as its first steps. The lines

   TOKEN=$(sha256sum < notary/head.tsr | cut -c 1-64)
   printf '03%s%s' $HEAD $TOKEN | xxd -r -p | sha256sum

   give the seal,

   {seal}
"""

_NOT_BEFORE = """\
NOT BEFORE. notary/manifest.json names block {height}, with the hash

   {hash}

   Nobody knew that hash before the block was found, so the manifest was written later. Any block explorer shows
   whether the chain has that block there, and its time.{clock}
"""

_PREVIOUS = """\
THE BATCHES BEFORE. notary/manifest.json names the head of the batch that was stamped before it, in the same ledger
   and with the same key, or with none:

   {previous}
"""

_FIRST = """\
THE BATCHES BEFORE. There are none: notary/manifest.json names none, and notary/line.jsonl is empty.
"""

_LINE = """
   notary/line.jsonl lists that one and those before it, newest first. Each line gives a batch's "manifest", and its
   "signature" if there is one, as texts whose bytes count. With `root` and `size` from that manifest

   m    = SHA-256 of a byte 04, SHA-256 of the manifest, SHA-256 of the signature, or of nothing
   head = SHA-256 of a byte 02, the text notary/v1, a byte 0a, root, size in 8 bytes with the high byte first, m

   The first line has to give the head above, each other line the head that the line before it names as "previous".
"""
