"""Run the four flows that docs/cost.md prices once each: the real handlers over a metered DynamoDB."""

import contextlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from local.in_process.api import as_user
from local.in_process.environment import USER_ID
from tools.generate.cost.metering import Call, Meter, size_of
from tools.generate.shop import opened
from topup.stripe_gateway import EVENT_TYPES

LOG_STEP = 256  # bytes; the length of the log lines varies a little with the code's line numbers


@dataclass(frozen=True)
class Measured:
    """The calls of each flow, and the size of the items that they leave behind."""

    flows: Mapping[str, tuple[Call, ...]]
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
        return Measured(flows, _bytes_in(meter, meter.orders_table) // 2, bought, spent, due)


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
