"""The registry: an append-only register of applications, published as a C2SP transparency log."""
