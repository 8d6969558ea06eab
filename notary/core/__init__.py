"""Bytes in, values out: no disk, network, clock or randomness here."""
