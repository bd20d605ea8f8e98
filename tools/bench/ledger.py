"""`make bench-ledger`: how many spends, holds and batches of one user clients get done who all want them at once.

The real handlers run in this process, over the emulated tables with modelled latencies, in virtual time. So the figures
are the same on every machine, and say what contention costs, and nothing about Lambda's speed.
"""

import argparse
import math
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import Any
from unittest import mock

from local.in_process.environment import API_KEY, NOW, USER_ID
from local.in_process.shop import Shop
from tools.bench import budgets, report
from tools.bench.budgets import Figure
from tools.bench.slow_tables import READ, TRANSACTION, SlowTables
from tools.bench.virtual_time import VirtualTime
from tools.generate.shop import opened
from topup.domain.holds import MOST_OPEN
from topup.store import races

CLIENTS = (1, 4, 16, 64)
# A row ends with the first of both: what takes long here is the number of requests, and not the virtual time.
WINDOW = 10.0  # seconds of virtual time
MOST = 600  # times that the work is done
APART = (
    0.005  # seconds between the starts of two clients: if all began at once, all but one would lose their first race
)
BATCH = 40  # spends of a batch: the most that it takes
GRANTED = 1_000_000
SOON = 2.0  # seconds until a client asks again whom the limit of open holds has refused
OK, BUSY, CONFLICT = 300, 503, 409
INDEX_UNITS = 2  # units of an index write in a transaction, for each kilobyte, as docs/cost.md assumes

Post = Callable[[str, Any, str], dict[str, Any]]
Work = Callable[[Post, str], int]


def spend(post: Post, key: str) -> int:
    """One spend; returns how many spends that is."""
    post("spend", {"user_id": USER_ID, "amount": 1, "description": "work"}, key)
    return 1


def hold(post: Post, key: str) -> int:
    """A hold of five credits, of which a capture takes one."""
    opened_hold = post("holds", {"user_id": USER_ID, "amount": 5, "description": "a call"}, key)
    post(f"holds/{opened_hold['hold_id']}/capture", {"amount": 1}, f"{key}-capture")
    return 1


def batch(post: Post, key: str) -> int:
    items = [{"key": f"{key}-{number}", "amount": 1, "description": "work"} for number in range(BATCH)]
    post("spend/batch", {"user_id": USER_ID, "items": items}, key)
    return BATCH


BATCHES, BUDGETED_CLIENTS = f"batch of {BATCH}", 16
WORKS: dict[str, Work] = {"spend": spend, "hold, capture": hold, BATCHES: batch}


@dataclass
class Result:
    """What the clients have seen in the window."""

    clients: int
    window: float  # seconds; it ends where MOST are done
    done: int = 0  # in the window
    spends: int = 0  # in the window
    seconds: list[float] = field(default_factory=list)  # of each, from the first request to the last response
    statuses: list[int] = field(default_factory=list)
    tries: float = 0  # transactions for each that was carried out
    write_units: float = 0  # for each spend, of what was carried out
    all_units: float = 0  # for each spend, of the transactions that were cancelled too
    read_units: float = 0  # for each spend
    spent: int = 0  # by the ledger
    spends_in_all: int = 0

    @property
    def median(self) -> float:
        """Milliseconds."""
        return 1000 * _percentile(sorted(self.seconds), 0.5)

    def row(self, name: str) -> list[str]:
        return [
            name,
            str(self.clients),
            f"{self.done / self.window:,.1f}",
            f"{self.spends / self.window:,.0f}",
            f"{self.median:,.0f}",
            f"{1000 * _percentile(sorted(self.seconds), 0.95):,.0f}",
            self._share(BUSY),
            self._share(CONFLICT),
            f"{self.tries:.1f}",
            f"{self.write_units:.1f}",
            f"{self.all_units:.1f}",
            f"{self.read_units:.1f}",
        ]

    def _share(self, status: int) -> str:
        return f"{100 * self.statuses.count(status) / len(self.statuses):.1f} %"


def _percentile(ordered: Sequence[float], share: float) -> float:
    return ordered[math.ceil(share * len(ordered)) - 1]


def measure(work: Work, clients: int, window: float) -> Result:
    """Let so many clients do this work for one user, each again and again; the same arguments give the same result."""
    random.seed(1)  # of the pauses between tries
    time = VirtualTime()
    tables = SlowTables(time)
    result = Result(clients, window)
    with opened(tables) as (shop, _), mock.patch.object(races, "time", time):
        shop.grant(GRANTED)
        before = shop.balance()
        for number in range(clients):
            time.start(partial(_client, shop, time, result, work, number))
        time.run()
        result.spent = before - shop.balance()
    if result.spent != result.spends_in_all:
        raise AssertionError(f"Bug! {result.spends_in_all} spends of one credit took {result.spent}")
    result.tries = tables.transactions / tables.carried_out
    result.write_units = tables.units.write_units(INDEX_UNITS) / result.spends_in_all
    result.all_units = result.write_units + tables.lost_units / result.spends_in_all
    result.read_units = tables.units.reads / result.spends_in_all
    return result


def _client(shop: Shop, time: VirtualTime, result: Result, work: Work, number: int) -> None:
    post = partial(_post, shop, time, result)
    time.sleep(number * APART)
    for turn in count():
        began = time.monotonic()
        if began >= result.window:
            return
        spends = work(post, f"{number}-{turn}")
        result.seconds.append(time.monotonic() - began)
        result.spends_in_all += spends
        if time.monotonic() < result.window:
            result.done += 1
            result.spends += spends
            if result.done == MOST:
                result.window = time.monotonic()


def _post(shop: Shop, time: VirtualTime, result: Result, action: str, body: Any, key: str) -> dict[str, Any]:
    """Send a request until it is done, with the same key."""
    headers = {"x-api-key": API_KEY, "idempotency-key": key}
    while True:
        shop.api.now = NOW + timedelta(seconds=time.monotonic())
        response = shop.api.post(f"/api/users/credits/{action}", body, headers)
        result.statuses.append(response.status)
        answer: dict[str, Any] = response.json()
        if response.status < OK:
            return answer
        if response.status != BUSY and answer["code"] != "too_many_holds":
            raise AssertionError(f"Bug! {action} answers {answer}")
        time.sleep(float(response.headers.get("retry-after", SOON)))


EXPLAINED = f"""\
Clients that change one user's credits at once, each without a pause, for {WINDOW:.0f} seconds or until it is done
{MOST} times; each begins {1000 * APART:.0f} ms after the one before. A read takes {1000 * READ:.0f} ms and a
transaction {1000 * TRANSACTION:.0f} ms; one that meets another's items is cancelled. A spend waits in line then,
and whatever else it is tries again after a random pause. The real handlers run over the
emulated tables in virtual time. So the figures are the same on every machine: they show what contention costs, and
nothing about Lambda.

A client that gets 503 sends the request again after Retry-After, with the same key. Milliseconds are from its first
request to its last response. 409 is the limit of {MOST_OPEN} open holds. Units are for each spend: an item's kilobytes,
rounded up, twice in a transaction. "With lost tries" counts cancelled transactions as if they were billed in full.
"Tries" are transactions for each that was carried out, which may be of many spends."""
HEAD = (
    *("work", "clients", "per s", "spends per s", "p50 ms", "p95 ms", "503", "409"),
    *("tries", "write units", "with lost tries", "read units"),
)
HEAD_OF_BATCHES = ("clients", "spends per s, one by one", "in batches", "write units, one by one", "in batches")
HEAD_OF_HOLDS = ("clients", "ms, a spend", "a hold and its capture", "write units, a spend", "a hold and its capture")


def text(found: Mapping[str, Sequence[Result]]) -> str:
    """The section of docs/performance.md."""
    rows = [result.row(name) for name, results in found.items() for result in results]
    alone, held, batched = found.values()
    batches = [
        [str(one.clients), *_pair(one.spends / one.window, many.spends / many.window), *_units(one, many)]
        for one, many in zip(alone, batched, strict=True)
    ]
    holds = [
        [str(one.clients), *_pair(one.median, hold.median), *_units(one, hold)]
        for one, hold in zip(alone, held, strict=True)
    ]
    return "\n\n".join(
        [
            "## Many clients of one user",
            f"`make bench-ledger`, {datetime.now(UTC).date()}.",
            EXPLAINED,
            report.table(HEAD, rows),
            f"Before and after batches: the same spends one by one, or {BATCH} in one request.",
            report.table(HEAD_OF_BATCHES, batches),
            "Before and after holds: a spend of an upper bound, nothing of it comes back, or a hold and its capture.",
            report.table(HEAD_OF_HOLDS, holds),
        ]
    )


def _pair(before: float, after: float) -> list[str]:
    return [f"{before:,.0f}", f"{after:,.0f}"]


def _units(before: Result, after: Result) -> list[str]:
    return [f"{one.all_units:.1f}" for one in (before, after)]


def figures(found: Mapping[str, Sequence[Result]]) -> list[Figure]:
    """What has a budget: batches, where so many clients send them."""
    [many] = [result for result in found[BATCHES] if result.clients == BUDGETED_CLIENTS]
    of = f"{BATCHES}, {many.clients} clients"
    return [
        Figure(f"{of}, ms for a spend", 1000 * many.window / many.spends, budgets.BATCHED),
        Figure(f"{of}, 503", many.statuses.count(BUSY), budgets.BATCHES_REFUSED, digits=0),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.bench.ledger", description=__doc__)
    parser.add_argument("--work", choices=WORKS, help="only this; nothing is written")
    parser.add_argument("--clients", type=int, choices=CLIENTS, help="only so many; nothing is written")
    only = parser.parse_args()
    works = {name: work for name, work in WORKS.items() if only.work in (None, name)}
    found = {
        name: [_shown(name, measure(work, clients, WINDOW)) for clients in CLIENTS if only.clients in (None, clients)]
        for name, work in works.items()
    }
    if only.work is None and only.clients is None:
        report.write("ledger", text(found))
        budgets.exit_if_missed(figures(found))


def _shown(name: str, result: Result) -> Result:
    """Say what was measured: all rows together take minutes."""
    row = zip(HEAD, result.row(name), strict=True)
    print(", ".join(f"{column} {value}" for column, value in row), file=sys.stderr, flush=True)
    return result


if __name__ == "__main__":
    main()
