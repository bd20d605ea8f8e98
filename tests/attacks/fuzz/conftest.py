"""The handlers in process, as the integration tests have them: thousands of requests in seconds."""

import pytest

from tests.integration.conftest import api, dynamodb, environment, log, stripe_wire
from tests.support.dynamodb import Engine, InProcess

__all__ = ["api", "dynamodb", "engine", "environment", "log", "stripe_wire"]


@pytest.fixture
def engine() -> Engine:
    """Always the fast one: what is looked for here is in the handlers."""
    return InProcess()
