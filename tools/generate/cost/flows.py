"""The four things whose cost is told, done once each by the real handlers over a metered DynamoDB."""

import contextlib
import io
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from unittest import mock

from local.in_process.api import Api, as_user, template
from local.in_process.environment import ENVIRONMENT, NOW, USER_ID
from local.in_process.shop import Shop
from local.stripe_simulator.in_process import InProcessStripe
from tools.generate.cost.metering import Call, Meter, size_of
from topup.runtime import config, telemetry
from topup.store import client as dynamodb_client
from topup.stripe_gateway import EVENT_TYPES
from topup.stripe_gateway import client as stripe_client

LOG_STEP = 256  # bytes; the lines' lengths vary a little with the code's line numbers


@dataclass(frozen=True)
class Measured:
    """The calls of each flow, and the sizes of the items that are kept."""

    flows: Mapping[str, tuple[Call, ...]]
    order_bytes: int
    credits_bytes: int  # lot, timer, entry: what one purchase adds to the credits table
    spend_bytes: int  # entry and request marker


def measure() -> Measured:
    """A purchase, a status read, a spend and an expiry of one user who has bought once before."""
    with _shop() as (shop, meter, log):
        shop.buy()  # what comes first makes the wallet; a customer comes again
        before = _bytes_in(meter, "CreditsTable")
        flows: dict[str, tuple[Call, ...]] = {}
        with _flow("purchase", flows, meter, log):
            payment = shop.create()
            shop.pay(payment)
            shop.deliver(*EVENT_TYPES)
        grown = _bytes_in(meter, "CreditsTable") - before
        with _flow("status read", flows, meter, log):
            shop.api.get(f"/api/payments/{payment['payment_id']}", as_user(USER_ID))
        with _flow("spend", flows, meter, log):
            shop.spend(10)
        spent = _bytes_in(meter, "CreditsTable") - before - grown
        shop.wait(days=200)
        timers = shop.due_timers(delete=True)[-1:]
        with _flow("expiry", flows, meter, log):
            shop.consume([shop.ttl_record(timer) for timer in timers])
        return Measured(flows, _bytes_in(meter, "OrdersTable") // 2, grown, spent)


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


@contextlib.contextmanager
def _shop() -> Iterator[tuple[Shop, Meter, io.StringIO]]:
    log = io.StringIO()
    with mock.patch.dict(os.environ, {**template().environment, **ENVIRONMENT}), contextlib.redirect_stdout(log):
        _forget()
        meter = _tables()
        shop = Shop(Api(NOW, meter), meter)
        with (
            mock.patch.object(stripe_client, "http_client", return_value=InProcessStripe(shop.simulator)),
            mock.patch.object(telemetry.logger.registered_handler, "stream", log),
        ):
            yield shop, meter, log
        meter.reset()
    _forget()


def _tables() -> Meter:
    meter = Meter(tables={table.name: table for table in template().tables})
    meter.reset()
    meter.attach(dynamodb_client.client())
    for table in meter.tables.values():
        meter.client.create_table(TableName=table.name, **table.definition)
    names = {table.logical_id: table.name for table in meter.tables.values()}
    meter.orders_table, meter.credits_table = names["OrdersTable"], names["CreditsTable"]
    return meter


def _forget() -> None:
    config.settings.cache_clear()
    dynamodb_client.client.cache_clear()
    stripe_client._client_of.cache_clear()  # noqa: SLF001 - the next one must find the next http_client


def _bytes_in(meter: Meter, logical_id: str) -> int:
    [name] = [table.name for table in meter.tables.values() if table.logical_id == logical_id]
    return sum(size_of(item) for item in meter.plain.scan(TableName=name)["Items"])
