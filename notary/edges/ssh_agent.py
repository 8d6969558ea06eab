"""Keys in an ssh-agent, over its Unix socket (draft-ietf-sshm-ssh-agent; OpenSSH's PROTOCOL.agent).

message     uint32 length, byte type, contents
11 → 12     which keys there are: uint32 count, then for each: string public key, string comment
13 → 14     sign: string public key, string data, uint32 flags → string signature blob
5           the agent does not do it
"""

import socket
from dataclasses import dataclass
from time import monotonic

from notary import limits
from notary.core.openssh import RSA, PublicKey, Reader, public_key_of, write_string, write_uint32
from notary.errors import FormatError, SystemFailureError, reason_of

_REQUEST_IDENTITIES = 11
_IDENTITIES_ANSWER = 12
_SIGN_REQUEST = 13
_SIGN_RESPONSE = 14
_FAILURE = 5
_RSA_SHA2_512 = 4

_HINT = "`ssh-add -l` shows what the agent holds; SSH_AUTH_SOCK names its socket"


@dataclass(frozen=True, slots=True)
class AgentKey:
    """A key whose private half the agent keeps: a `Signer`. `comment` is the agent's word, and may be any text."""

    public: PublicKey
    comment: str
    socket_path: str

    def sign(self, data: bytes) -> bytes:
        """The SSH signature blob over `data`; waits while the agent asks somebody.

        What the agent gives is not checked here. Raises SystemFailureError where it refuses, or does not answer
        within `limits.AGENT_SIGN_SECONDS`.
        """
        flags = _RSA_SHA2_512 if self.public.kind == RSA else 0
        request = write_string(self.public.blob) + write_string(data) + write_uint32(flags)
        reply = _exchange(self.socket_path, _SIGN_REQUEST, request, _SIGN_RESPONSE, limits.AGENT_SIGN_SECONDS)
        try:
            signature = reply.string()
            reply.end()
        except FormatError as error:
            raise SystemFailureError(error.message) from None
        return signature


def agent_keys(socket_path: str) -> tuple[AgentKey, ...]:
    """The keys that the agent at this socket holds, of the types that are accepted here.

    Raises SystemFailureError where no agent answers, or what it answers is no list of keys.
    """
    reply = _exchange(socket_path, _REQUEST_IDENTITIES, b"", _IDENTITIES_ANSWER, limits.AGENT_SECONDS)
    keys = []
    try:
        if (count := reply.uint32()) > limits.AGENT_KEYS:
            raise FormatError(f"the ssh-agent says that it holds {count:,} keys")
        for _ in range(count):
            blob, comment = reply.string(), reply.string().decode(errors="replace")
            try:
                keys.append(AgentKey(public_key_of(blob), comment, socket_path))
            except FormatError:  # certificates and keys in tokens stand there too
                continue
        reply.end()
    except FormatError as error:
        raise SystemFailureError(error.message) from None
    return tuple(keys)


def _exchange(path: str, kind: int, contents: bytes, expected: int, seconds: float) -> Reader:
    """Sends one message; the contents of the answer, which is of the type `expected`. Raises SystemFailureError."""
    if not hasattr(socket, "AF_UNIX"):
        raise SystemFailureError("this system's Python cannot talk to an ssh-agent", "name the private key's file")
    deadline = monotonic() + seconds
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as agent:
            agent.settimeout(seconds)
            agent.connect(path)
            agent.sendall(write_string(bytes([kind]) + contents))
            length = int.from_bytes(_received(agent, 4, deadline), "big")
            if not 0 < length <= limits.AGENT_REPLY_BYTES:
                raise SystemFailureError(f"the ssh-agent began a message of {length:,} bytes", _HINT)
            reply = _received(agent, length, deadline)
    except TimeoutError:
        raise SystemFailureError(f"the ssh-agent did not answer within {seconds:.0f} s", _HINT) from None
    except (OSError, ValueError) as error:
        raise SystemFailureError(f"no ssh-agent answers at {path}: {reason_of(error)}", _HINT) from None
    if reply[0] == _FAILURE:
        raise SystemFailureError("the ssh-agent refused", "it may be locked, or somebody did not confirm", _HINT)
    if reply[0] != expected:
        raise SystemFailureError(f"the ssh-agent answered with a message of the type {reply[0]}", _HINT)
    return Reader(reply[1:], "the ssh-agent's answer")


def _received(agent: socket.socket, count: int, deadline: float) -> bytes:
    """Raises TimeoutError at the deadline, however slowly bytes come; OSError where the agent hangs up."""
    data = bytearray()
    while len(data) < count:
        left = deadline - monotonic()
        if left <= 0:
            raise TimeoutError
        agent.settimeout(left)
        piece = agent.recv(min(count - len(data), 65536))
        if not piece:
            raise ConnectionResetError("it hung up")
        data += piece
    return bytes(data)
