"""The API in this process, for the properties that need the store."""

import pytest

from local.in_process.dynamodb import Engine, InProcess


@pytest.fixture
def engine() -> Engine:
    """No other engine is fast enough for hundreds of examples."""
    return InProcess()
