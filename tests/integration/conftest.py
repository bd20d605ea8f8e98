"""The one order of these tests, and which of them run on DynamoDB Local (`--dynamodb=local`)."""

from functools import cache
from pathlib import Path

import pytest
from ministack.services import dynamodb as emulator

from local.in_process.dynamodb import Emulator
from tests.support.builders import an_order
from tests.support.dynamodb_local import MODULES
from topup import store
from topup.domain.orders import Order


@pytest.fixture
def order(dynamodb: Emulator) -> Order:
    """The order of `builders.an_order`, placed and not yet paid."""
    placed = store.place_order(an_order())
    dynamodb.operations.clear()
    return placed


@pytest.fixture
def parse_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the emulator parse an expression once, and not for every item: for tests with many items."""
    for name in ("_condition_syntax_error", "_tokenize"):
        monkeypatch.setattr(emulator, name, cache(getattr(emulator, name)))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On DynamoDB Local, leave out the tests that use no database, and those that show nothing new on another one."""
    if config.getoption("--dynamodb") == "in-process":
        return
    left_out = [
        item for item in items if Path(__file__).parent in item.path.parents and not _runs_on_dynamodb_local(item)
    ]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


def _runs_on_dynamodb_local(item: pytest.Item) -> bool:
    return "engine" in getattr(item, "fixturenames", ()) and item.path.stem in MODULES
