"""Public keys of Ed25519 (RFC 8032) under which a signature means something."""

KEY_BYTES = 32

_FIELD = 2**255 - 19
_SMALL_ORDER_Y = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_ORDER = {0, 1, _FIELD - 1, _SMALL_ORDER_Y, _FIELD - _SMALL_ORDER_Y}
"""The y of the points of edwards25519 whose order divides 8: as keys they have signatures that fit any message."""


def is_proper_key(public_key: bytes) -> bool:
    """Whether 32 bytes are written as RFC 8032 writes a point, and not one that lets any signature pass."""
    y = int.from_bytes(public_key, "little") & (2**255 - 1)
    return y < _FIELD and y not in _SMALL_ORDER
