"""The books of runs with faults: both implementations agree on every month, to the unit."""

from typing import Any

import pytest

from ops.books.month import Books
from tests.simulation import convergence
from tests.simulation.plan import plan_of
from tests.simulation.world import World, simulate
from tests.support.books_in_sql import SqlBooks
from topup import store

SEEDS = range(0, 40, 4)  # those that go on until all credits have expired


def test_both_implementations_agree_on_every_month_of_every_run(monkeypatch: pytest.MonkeyPatch):
    items: list[Any] = []
    check = convergence.check

    def keep(world: World) -> None:
        check(world)
        stored = world.database.items(world.database.credits)
        items[:] = [item for _, records in sorted(stored.items()) for _, item in sorted(records.items())]

    monkeypatch.setattr(convergence, "check", keep)
    compared = 0
    for seed in SEEDS:
        assert simulate(plan_of(seed)).violation is None
        sql = SqlBooks.of_items(items)
        for month in sql.months():
            books = Books(month)
            for user_id, records in store.ledgers_of(items):
                books.add(user_id, records)
            assert sql.differences(books) == []
            compared += 1
    assert compared > len(SEEDS)
