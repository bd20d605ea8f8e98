"""A shop in this process for what is generated from real answers: the real handlers, outside of the tests."""

import contextlib
import io
import os
from collections.abc import Callable, Iterator
from unittest import mock

from local.in_process.api import Api, template
from local.in_process.dynamodb import Emulator
from local.in_process.environment import ENVIRONMENT, NOW
from local.in_process.shop import Shop
from local.stripe_simulator.in_process import InProcessStripe
from topup.runtime import config, telemetry
from topup.store import client as dynamodb_client
from topup.stripe_gateway import client as stripe_client


@contextlib.contextmanager
def opened(emulator: Emulator, calls: Callable[..., Api] = Api) -> Iterator[tuple[Shop, io.StringIO]]:
    """A shop over empty tables at NOW, and what its functions write to their logs. `calls` makes its client."""
    log = io.StringIO()
    with mock.patch.dict(os.environ, {**template().environment, **ENVIRONMENT}), contextlib.redirect_stdout(log):
        _clear_caches()
        _create_tables(emulator)
        shop = Shop(calls(NOW, emulator), emulator)
        with (
            mock.patch.object(stripe_client, "http_client", return_value=InProcessStripe(shop.simulator)),
            mock.patch.object(telemetry.logger.registered_handler, "stream", log),
        ):
            yield shop, log
        emulator.reset()
    _clear_caches()


def _create_tables(emulator: Emulator) -> None:
    emulator.reset()
    emulator.attach(dynamodb_client.client())
    tables = {table.logical_id: table for table in template().tables}
    for table in tables.values():
        emulator.client.create_table(TableName=table.name, **table.definition)
    emulator.orders_table, emulator.credits_table = tables["OrdersTable"].name, tables["CreditsTable"].name


def _clear_caches() -> None:
    config.settings.cache_clear()
    dynamodb_client.client.cache_clear()
    stripe_client._client_of.cache_clear()  # noqa: SLF001 - the next client must use the current http_client
