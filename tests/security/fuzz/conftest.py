"""The handlers in process, as the integration tests have them: thousands of requests in seconds."""

import pytest

from local.in_process.dynamodb import Engine, InProcess


@pytest.fixture
def engine() -> Engine:
    """Always the fast one: what is looked for here is in the handlers."""
    return InProcess()
