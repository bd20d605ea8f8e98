"""The API in process, for the properties that need the store: the integration tests' own fixtures."""

import pytest

from local.in_process.dynamodb import Engine, InProcess


@pytest.fixture
def engine() -> Engine:
    """Hundreds of examples in seconds: nothing else is fast enough."""
    return InProcess()
