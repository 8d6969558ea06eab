"""A registry to test with."""

from pathlib import Path

import pytest

from tests.conftest import Notary
from tests.registry.office import Office


@pytest.fixture
def office(notary: Notary, tmp_path: Path) -> Office:
    """An office with a registry of no entries."""
    office = Office(notary, tmp_path / "public")
    office.init()
    return office
