"""The API in process, for the properties that need the store: the integration tests' own fixtures."""

import pytest

from tests.integration.conftest import api, dynamodb, environment, shop, stripe_wire
from tests.support.dynamodb import Engine, InProcess

__all__ = ["api", "dynamodb", "environment", "shop", "stripe_wire"]


@pytest.fixture
def engine() -> Engine:
    """Hundreds of examples in seconds: nothing else is fast enough."""
    return InProcess()
