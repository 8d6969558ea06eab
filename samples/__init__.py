"""A small evidence folder to try notary on. It is installed, so that `notary demo` runs from a wheel too."""
