"""One outside thing each. Edges never import one another."""
