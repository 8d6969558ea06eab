"""Notary proves that files existed no later than a date.

The verbs, each in its module: `stamping.stamp`, `upgrading.upgrade`, `bundling.export`, `verifying.verify`.
They raise `NotaryError` kinds from `notary.errors`, and touch the outside only through `notary.edges`.
"""

from notary.errors import NotaryError

__version__ = "0.1.0"

__all__ = ["NotaryError", "__version__"]
