"""The handlers in process, as in the integration tests: thousands of requests in seconds."""

import pytest

from local.in_process.dynamodb import Engine, InProcess


@pytest.fixture
def engine() -> Engine:
    """Always the in-process emulator: these tests look for defects in the handlers."""
    return InProcess()
