"""Importing: time-stamping tokens that are there already are matched with their files, verified, and stamped with them.

From then on a block attests token and file: they outlive the authority, and its certificates.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from notary import limits
from notary.core.rfc3161 import Trusted, verify_integrity, verify_token
from notary.core.time_stamp import Token, read_token
from notary.edges.files import hash_with, read_whole
from notary.errors import EvidenceError, FormatError, InputError, NotaryError

SUFFIX = ".tsr"

_HASHES = ("sha256", "sha384", "sha512")
"""What a token may be over: two files can be made with one SHA-1 digest."""


@dataclass(frozen=True, slots=True)
class ImportedToken:
    """A token that holds, and its file. `trusted` is None where the verifier gave no roots."""

    path: Path
    file: Path
    token: Token
    trusted: Trusted | None


def match_tokens(
    paths: Sequence[Path], roots: Sequence[bytes], progress: Callable[[int], None] = lambda count: None
) -> list[ImportedToken]:
    """Each token, a file that ends in `.tsr`, with the file that it is over: one of the others, or the one beside it.

    Raises InputError where a token or a file stands alone; EvidenceError where a token does not hold, or does not lead
    to one of `roots`, if there are any.
    """
    tokens = [path for path in paths if path.suffix == SUFFIX]
    files = [path for path in paths if path.suffix != SUFFIX]
    if not tokens:
        raise InputError("no token is named", f"tokens are files that end in {SUFFIX}")
    digests: dict[tuple[Path, str], bytes] = {}

    def digest(path: Path, hash_name: str) -> bytes:
        if (path, hash_name) not in digests:
            digests[path, hash_name] = hash_with(path, hash_name, progress)
        return digests[path, hash_name]

    found = []
    for path in tokens:
        data, token = _read(path)
        beside = path.with_suffix("")
        candidates = [*files, beside] if beside not in files and beside.is_file() else files
        hash_name = token.imprint_algorithm
        file = next((one for one in candidates if digest(one, hash_name) == token.imprint), None)
        if file is None:
            raise InputError(
                f"{path}: the file that it is a token for is not here", f"its {hash_name} is {token.imprint.hex()}"
            )
        found.append(ImportedToken(path, file, token, _verified(path, data, token, roots)))
    if alone := set(files) - {one.file for one in found}:
        raise InputError(f"{min(alone)}: no token is over it", "stamp it, or leave it out")
    return found


def _read(path: Path) -> tuple[bytes, Token]:
    data = read_whole(path, limits.TOKEN_BYTES)
    try:
        token = read_token(data)
    except FormatError as error:
        raise FormatError(f"{path}: {error.message}", *error.hints) from None
    if token.imprint_algorithm not in _HASHES:
        raise InputError(f"{path}: it is over a {token.imprint_algorithm} digest, which does not tell files apart")
    return data, token


def _verified(path: Path, data: bytes, token: Token, roots: Sequence[bytes]) -> Trusted | None:
    try:
        if not roots:
            verify_integrity(data, token.imprint, algorithm=token.imprint_algorithm)
            return None
        return verify_token(data, token.imprint, roots, algorithm=token.imprint_algorithm)
    except NotaryError as error:
        raise EvidenceError(f"{path}: {error.message}", *error.hints) from None
