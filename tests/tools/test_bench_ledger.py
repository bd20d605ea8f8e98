"""`make bench-ledger`: its clock, its tables, and that two runs measure the same."""

import pytest

from tests.tools.test_bench_budgets import ended
from tools.bench import ledger
from tools.bench.virtual_time import VirtualTime


def test_clients_run_side_by_side_and_waiting_takes_no_time():
    time, seen = VirtualTime(), []

    def client(name: str, pause: float) -> None:
        for _ in range(2):
            time.sleep(pause)
            seen.append((name, time.monotonic()))

    time.start(lambda: client("slow", 3600))
    time.start(lambda: client("fast", 60))
    time.run()

    assert seen == [("fast", 60), ("fast", 120), ("slow", 3600), ("slow", 7200)]
    assert not time.is_running


@pytest.mark.parametrize(
    ("name", "seconds", "spends"), [("spend", 0.017, 1), ("hold, capture", 0.034, 1), ("batch of 40", 0.017, 40)]
)
def test_one_client_waits_for_a_read_and_a_transaction_each_time(name: str, seconds: float, spends: int):
    found = ledger.measure(ledger.WORKS[name], clients=1, window=0.1)

    assert found.seconds == pytest.approx([seconds] * len(found.seconds))
    assert found.done == int(0.1 / seconds)
    assert found.spent == spends * len(found.seconds)
    assert (found.tries, set(found.statuses) - {200, 201}) == (1, set())


def test_clients_at_once_lose_races_and_two_runs_measure_the_same():
    first, second = (ledger.measure(ledger.spend, clients=4, window=0.2) for _ in range(2))

    assert first == second
    assert first.tries > 1
    assert first.spent == len(first.seconds)


def test_a_batch_writes_less_for_each_spend():
    alone, batch = (ledger.measure(ledger.WORKS[name], 1, 0.02) for name in ("spend", "batch of 40"))

    assert batch.write_units < alone.write_units


@pytest.mark.parametrize(
    ("spends", "statuses", "missed"),
    [
        (10_000, [200, 409], []),
        (9_900, [200], ["batch of 40, 16 clients, ms for a spend: 1.01, budget 1"]),
        (10_000, [200, 503], ["batch of 40, 16 clients, 503: 1, budget 0"]),
    ],
)
def test_a_missed_budget_is_named_and_ends_the_command_with_an_error(
    monkeypatch: pytest.MonkeyPatch, spends: int, statuses: list[int], missed: list[str]
):
    def measured(_work: ledger.Work, clients: int, window: float) -> ledger.Result:
        return ledger.Result(clients, window, spends=spends, seconds=[0.017], statuses=statuses)

    monkeypatch.setattr(ledger, "measure", measured)
    monkeypatch.setattr(ledger, "text", lambda _found: "")
    monkeypatch.setattr("tools.bench.report.write", lambda _name, _text: None)
    monkeypatch.setattr("sys.argv", ["ledger"])

    assert ended(ledger.main) == missed
