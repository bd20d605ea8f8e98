"""Which of these tests run on another engine than the emulator (`--dynamodb=local`)."""

from pathlib import Path

import pytest

from tests.support.dynamodb_local import UNPLAYABLE


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On another engine, leave out what uses no engine, and what that engine cannot play."""
    if config.getoption("--dynamodb") == "in-process":
        return
    idle = [item for item in items if Path(__file__).parent in item.path.parents and not _plays_elsewhere(item)]
    items[:] = [item for item in items if item not in idle]
    config.hook.pytest_deselected(items=idle)


def _plays_elsewhere(item: pytest.Item) -> bool:
    return "engine" in getattr(item, "fixturenames", ()) and item.path.stem not in UNPLAYABLE
