"""Run what docs/cost.md prices once each: the real handlers over a metered DynamoDB."""

import contextlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from local.in_process.api import as_user
from local.in_process.environment import USER_ID
from tools.generate.cost.metering import Call, Meter, size_of
from tools.generate.shop import opened
from topup.domain.batches import MOST_SPENDS
from topup.stripe_gateway import EVENT_TYPES

FULL_BATCH = f"{MOST_SPENDS} spends in a batch"
LOG_STEP = 256  # bytes; the length of the log lines varies a little with the code's line numbers


@dataclass(frozen=True)
class Measured:
    """The calls of each flow, and the size of the items that they leave behind."""

    flows: Mapping[str, tuple[Call, ...]]
    of_services: Mapping[str, tuple[Call, ...]]  # holds, batches, and spends that are given back
    order_bytes: int
    credits_bytes: int  # lot, timer, entry: what one purchase adds to the credits table
    spend_bytes: int  # entry and request marker
    due_bytes: int  # a lot's copy in the index `due`


def measure() -> Measured:
    """A purchase, a status read, a spend and an expiry of a user who has bought once before."""
    meter = Meter()
    with opened(meter) as (shop, log):
        shop.buy()  # the first purchase also creates the wallet, so the second one is counted
        before = _bytes_in(meter, meter.credits_table)
        flows: dict[str, tuple[Call, ...]] = {}
        with _flow("purchase", flows, meter, log):
            payment = shop.create()
            shop.pay(payment)
            shop.deliver(*EVENT_TYPES)
        bought = _bytes_in(meter, meter.credits_table) - before
        with _flow("status read", flows, meter, log):
            shop.api.get(f"/api/payments/{payment['payment_id']}", as_user(USER_ID))
        with _flow("spend", flows, meter, log):
            shop.spend(10)
        spent = _bytes_in(meter, meter.credits_table) - before - bought
        due = _bytes_in_due(meter) // 2
        shop.wait(days=200)
        timers = shop.due_timers(delete=True)[-1:]
        with _flow("expiry", flows, meter, log):
            shop.consume([shop.ttl_record(timer) for timer in timers])
        orders = _bytes_in(meter, meter.orders_table) // 2
    return Measured(flows, _measure_services(), orders, bought, spent, due)


def _measure_services() -> dict[str, tuple[Call, ...]]:
    """What a service does for a user with one lot, whose credits nothing of this uses up."""
    meter, flows = Meter(), dict[str, tuple[Call, ...]]()
    with opened(meter) as (shop, log):

        def flow(name: str) -> contextlib.AbstractContextManager[None]:
            return _flow(name, flows, meter, log)

        shop.buy()
        with flow("open a hold"):
            shop.hold(100)
        shop.wait(hours=1)
        [timer] = shop.due_timers(delete=True)
        with flow("end a hold that nobody has ended"):
            shop.consume([shop.ttl_record(timer)])
        hold = shop.hold(100).json()
        with flow("extend a hold"):
            shop.extend(hold, ttl_seconds=1800)
        with flow("capture a part of it"):
            shop.capture(hold, 20, final=False)
        with flow("capture, and release the rest"):
            taken = shop.capture(hold, 30).json()
        with flow("give a spend back"):
            shop.reverse(taken["transaction_id"], 5)
        hold = shop.hold(100).json()
        with flow("release a hold"):
            shop.release(hold)
        with flow(FULL_BATCH):
            shop.batch([(f"spend-{number}", 1) for number in range(MOST_SPENDS)])
    return flows


@contextlib.contextmanager
def _flow(name: str, flows: dict[str, tuple[Call, ...]], meter: Meter, log: io.StringIO) -> Iterator[None]:
    meter.calls.clear()
    log.seek(0)
    log.truncate()
    yield
    flows[name] = tuple(meter.calls)
    written = len(log.getvalue().encode())
    for call in meter.calls:
        call.log_bytes = -(-written // len(meter.calls) // LOG_STEP) * LOG_STEP


def _bytes_in_due(meter: Meter) -> int:
    found = meter.client.scan(TableName=meter.credits_table, IndexName="due")
    return sum(size_of(item) for item in found["Items"])


def _bytes_in(meter: Meter, table: str) -> int:
    return sum(size_of(item) for item in meter.client.scan(TableName=table)["Items"])
