"""The embedded test network: a calendar and a chain that speak the real protocols on loopback."""
