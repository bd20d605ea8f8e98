"""Handlers as they are deployed, in process: DynamoDB emulated behind botocore, Stripe scripted at the wire."""

import io
from collections.abc import Iterator

import pytest

from local.stripe_simulator.in_process import InProcessStripe
from tests.support.api import API_KEY, JWT_SECRET, Api, template
from tests.support.builders import NOW
from tests.support.dynamodb import Emulator
from tests.support.shop import Shop
from tests.support.stripe_events import STACK, WEBHOOK_SECRET
from tests.support.stripe_wire import StripeWire, opens_session
from topup import config, telemetry
from topup.store import client as dynamodb_client
from topup.stripe_gateway import client as stripe_client

ENVIRONMENT = {
    "STACK_NAME": STACK,
    "FRONTEND_URL": "https://shop.example,https://other.example:8443",
    "SECRETS_PREFIX": "",
    "JWT_SECRET": JWT_SECRET,
    "PROXY_API_KEY": API_KEY,
    "STRIPE_SECRET_KEY": "sk_test_1",
    "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
    "POWERTOOLS_METRICS_NAMESPACE": "Topup",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """The environment of a deployed function; a test that changes it calls `config.settings.cache_clear()`."""
    for name, value in (template().environment | ENVIRONMENT).items():
        monkeypatch.setenv(name, value)
    config.settings.cache_clear()
    yield monkeypatch
    config.settings.cache_clear()


@pytest.fixture
def dynamodb(environment: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """The template's tables, empty."""
    emulator = Emulator()
    dynamodb_client.client.cache_clear()
    client = dynamodb_client.client()
    emulator.attach(client)
    tables = {table.logical_id: table for table in template().tables}
    for table in tables.values():
        client.create_table(TableName=table.name, **table.definition)
    emulator.orders_table, emulator.credits_table = tables["OrdersTable"].name, tables["CreditsTable"].name
    emulator.operations.clear()
    yield emulator
    emulator.reset()
    dynamodb_client.client.cache_clear()


@pytest.fixture
def stripe_wire(monkeypatch: pytest.MonkeyPatch) -> Iterator[StripeWire]:
    """Stripe, which opens every session that it is asked for, until a test tells it otherwise."""
    wire = StripeWire(opens_session)
    monkeypatch.setattr(stripe_client, "http_client", lambda: wire)
    stripe_client._client_of.cache_clear()
    yield wire
    stripe_client._client_of.cache_clear()


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What the functions log, line by line as CloudWatch would get it."""
    stream = io.StringIO()
    monkeypatch.setattr(telemetry.logger.registered_handler, "stream", stream)
    return stream


@pytest.fixture
def api(dynamodb: Emulator, stripe_wire: StripeWire, monkeypatch: pytest.MonkeyPatch) -> Api:
    """The whole API over empty tables, at NOW."""
    # In one thread there is nobody to wait for: neither our own pauses nor the SDKs' are worth their time.
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    return Api(NOW, dynamodb)


@pytest.fixture
def shop(api: Api, dynamodb: Emulator, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """The shop, with Stripe simulated rather than scripted."""
    opened = Shop(api, dynamodb)
    monkeypatch.setattr(stripe_client, "http_client", lambda: InProcessStripe(opened.simulator))
    stripe_client._client_of.cache_clear()
    return opened
