"""The scenarios' fixtures, on DynamoDB Local."""

import pytest

from tests.integration.conftest import api, dynamodb, environment, log, shop, stripe_wire
from tests.support.dynamodb_local import DynamoDBLocal, missing

__all__ = ["api", "dynamodb", "engine", "environment", "log", "shop", "stripe_wire"]


@pytest.fixture
def engine() -> DynamoDBLocal:
    return DynamoDBLocal()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    lack = missing()
    for item in items if lack else []:
        if "fidelity" in item.path.parts:
            item.add_marker(pytest.mark.skip(reason=lack or ""))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How much was compared: a worker process cannot say it itself."""
    for report in [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]:
        for name, value in report.user_properties:
            if name == "fidelity":
                terminalreporter.write_line(f"fidelity: {value}")
