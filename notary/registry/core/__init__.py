"""The log, its signatures and its records: bytes in, values out; no disk, network, clock or randomness."""
