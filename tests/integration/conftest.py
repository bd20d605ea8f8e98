"""Handlers as they are deployed, in process: DynamoDB emulated behind botocore, Stripe scripted at the wire.

`--dynamodb=local` runs what uses DynamoDB on DynamoDB Local instead, and nothing else.
"""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.stripe_simulator.in_process import InProcessStripe
from tests.support.api import API_KEY, JWT_SECRET, Api, template
from tests.support.builders import NOW
from tests.support.dynamodb import Emulator, Engine, InProcess
from tests.support.dynamodb_local import UNPLAYABLE, DynamoDBLocal, missing
from tests.support.shop import Shop
from tests.support.stripe_events import STACK, WEBHOOK_SECRET
from tests.support.stripe_wire import StripeWire, opens_session
from topup.runtime import config, telemetry
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


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--dynamodb", choices=("in-process", "local"), default="in-process", help="what plays DynamoDB behind botocore"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what has nothing to do with another engine, and what that cannot play."""
    if _is_in_process(config):
        return
    idle = [item for item in items if Path(__file__).parent in item.path.parents and not _plays_elsewhere(item)]
    items[:] = [item for item in items if item not in idle]
    config.hook.pytest_deselected(items=idle)


def _is_in_process(config: pytest.Config) -> bool:
    # `pytest tests` loads this file too late for its option to be known.
    return bool(config.getoption("--dynamodb", default="in-process") == "in-process")


def _plays_elsewhere(item: pytest.Item) -> bool:
    return "engine" in getattr(item, "fixturenames", ()) and item.path.stem not in UNPLAYABLE


@pytest.fixture
def engine(pytestconfig: pytest.Config) -> Engine:
    """What carries out the requests that the handlers send to DynamoDB."""
    if _is_in_process(pytestconfig):
        return InProcess()
    if lack := missing():
        pytest.skip(lack)
    return DynamoDBLocal()


@pytest.fixture
def dynamodb(environment: pytest.MonkeyPatch, engine: Engine) -> Iterator[Emulator]:
    """The template's tables, empty."""
    emulator = Emulator(engine)
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
