"""Block headers: real ones of the main chain, and ones that are mined here at regtest's difficulty."""

from notary.core.header import Header, target

REGTEST_BITS = 0x207FFFFF
NOON = 1_600_000_000 - 1_600_000_000 % 86_400 + 43_200
"""12:00 UTC on 13 September 2020."""

REAL = {
    height: Header(bytes.fromhex(raw))
    for height, raw in {
        0: "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f61"
        "7fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c",
        1: "010000006fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000982051fd1e4ba744bbbe680e1fee1467"
        "7ba1a3c3540bf7b1cdb606e857233e0e61bc6649ffff001d01e36299",
        358391: "02000000b96394585a281b7e5f438fd1c9ed492645a1fd61cb3802040000000000000000007ee445d23ad061af4a36b80950"
        "1fab1ac4f2d7e7a739817dd0cbb7ec661b8a1e376755f58616186272def6",
    }.items()
}


def header(
    root: bytes = bytes(32), previous: bytes = bytes(32), time: int = NOON, bits: int = REGTEST_BITS, nonce: int = 0
) -> Header:
    """A header as it stands, with or without work."""
    parts = ((4, 4), (time, 4), (bits, 4), (nonce, 4))
    version, clock, compact, last = (value.to_bytes(size, "little") for value, size in parts)
    return Header(version + previous + root + clock + compact + last)


def mined(
    root: bytes = bytes(32),
    previous: bytes = bytes(32),
    time: int = NOON,
    bits: int = REGTEST_BITS,
    *,
    good: bool = True,
) -> Header:
    """A header that meets its own target; or, unless `good`, one that misses it."""
    nonce = 0
    while (int.from_bytes((one := header(root, previous, time, bits, nonce)).hash, "little") <= target(bits)) != good:
        nonce += 1
    return one


def chain(times: list[int], root: bytes = bytes(32)) -> tuple[Header, ...]:
    """Mined headers in a row, by these clocks; the first bears `root`."""
    headers: list[Header] = []
    for time in times:
        headers.append(mined(root if not headers else bytes(32), headers[-1].hash if headers else bytes(32), time))
    return tuple(headers)
