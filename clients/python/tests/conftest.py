from pathlib import Path

import pytest

from tests.service import Service


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a journal is."""
    return tmp_path / "captures.db"
