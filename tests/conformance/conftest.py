"""The scenarios' fixtures, on DynamoDB Local."""

import pytest

from tests.support.dynamodb_local import DynamoDBLocal, missing


@pytest.fixture
def engine() -> DynamoDBLocal:
    return DynamoDBLocal()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    lack = missing()
    for item in items if lack else []:
        if "conformance" in item.path.parts:
            item.add_marker(pytest.mark.skip(reason=lack or ""))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how much was compared: a worker process cannot print it itself."""
    for report in [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]:
        for name, value in report.user_properties:
            if name == "conformance":
                terminalreporter.write_line(f"conformance: {value}")
