"""Fixtures for all tests: the handlers in process, DynamoDB emulated behind botocore, Stripe scripted at the wire.

`--dynamodb=local` runs only the tests that use DynamoDB, on DynamoDB Local.
"""

import io
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from local.in_process import direct
from local.in_process.api import Api, template
from local.in_process.dynamodb import Emulator, Engine, InProcess
from local.in_process.environment import ENVIRONMENT, NOW
from local.in_process.events import EventBus, Publisher
from local.in_process.shop import Shop
from local.stripe_simulator.in_process import InProcessStripe
from tests.support.dynamodb_local import DynamoDBLocal, missing, replace_when_full
from tests.support.stripe_wire import StripeWire, opens_session
from topup.reconciliation import questions
from topup.runtime import clock, config, event_bus, telemetry
from topup.store import client as dynamodb_client
from topup.stripe_gateway import client as stripe_client

FOLDER = Path(__file__).parent
# The folders whose tests call handlers or commands in this process.
IN_PROCESS = {"integration", "local", "ops", "tools"}


@pytest.fixture(autouse=True)
def _deployed(request: pytest.FixtureRequest) -> None:
    """Give tests that run our code in process the environment of a deployed function."""
    if request.path.relative_to(FOLDER).parts[0] in IN_PROCESS:
        request.getfixturevalue("environment")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """The environment of a deployed function; a test that changes it calls `config.settings.cache_clear()`."""
    for name, value in (template().environment | ENVIRONMENT).items():
        monkeypatch.setenv(name, value)
    config.settings.cache_clear()
    yield monkeypatch
    config.settings.cache_clear()


@pytest.fixture(scope="session", autouse=True)
def _logs_of_this_run() -> None:
    """Log to this run's output: mutmut runs the tests several times in one process, and pytest closes each one's."""
    telemetry.logger.registered_handler.stream = sys.stdout  # type: ignore[attr-defined]  # it is a StreamHandler


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--dynamodb", choices=("in-process", "local"), default="in-process", help="what is DynamoDB behind botocore"
    )


def pytest_collection_finish(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput"):
        _refuse_equal_ids([item.nodeid for item in session.items])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(ids: Sequence[str]) -> None:
    _refuse_equal_ids(ids)


def _refuse_equal_ids(ids: Sequence[str]) -> None:
    """pytest-xdist keeps tests by their ids: of two with one id it runs one, and reports success."""
    if equal := [nodeid for nodeid, times in Counter(ids).items() if times > 1]:
        pytest.exit(f"several tests have one id, and only one of them would run: {', '.join(equal)}", returncode=1)


@pytest.fixture
def engine(pytestconfig: pytest.Config) -> Engine:
    """What carries out the requests to DynamoDB."""
    if pytestconfig.getoption("--dynamodb") == "in-process":
        return InProcess()
    if reason := missing():
        pytest.skip(reason)
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
    if isinstance(engine, DynamoDBLocal):
        replace_when_full()
    dynamodb_client.client.cache_clear()


@pytest.fixture
def stripe_wire(monkeypatch: pytest.MonkeyPatch) -> Iterator[StripeWire]:
    """Stripe, which opens every session that is requested, until a test scripts something else."""
    wire = StripeWire(opens_session)
    monkeypatch.setattr(stripe_client, "http_client", lambda: wire)
    stripe_client._client_of.cache_clear()
    yield wire
    stripe_client._client_of.cache_clear()


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What the functions log, line by line as CloudWatch receives it."""
    stream = io.StringIO()
    monkeypatch.setattr(telemetry.logger.registered_handler, "stream", stream)
    return stream


@pytest.fixture
def api(dynamodb: Emulator, stripe_wire: StripeWire, monkeypatch: pytest.MonkeyPatch) -> Api:
    """The whole API over empty tables, at NOW."""
    monkeypatch.setattr("time.sleep", _sleep_elsewhere(time.sleep))
    monkeypatch.setattr(questions, "opened", direct.questions)
    return Api(NOW, dynamodb)


def _sleep_elsewhere(sleep: Callable[[float], None]) -> Callable[[float], None]:
    """A `sleep` that returns at once in this thread: our pauses and the SDKs' wait for nothing here.

    Other threads sleep: the emulator's own would otherwise never rest, and take half of the processor.
    """
    here = threading.get_ident()
    return lambda seconds: None if threading.get_ident() == here else sleep(seconds)


@pytest.fixture
def bus(environment: pytest.MonkeyPatch) -> Iterator[EventBus]:
    """The stack's event bus, empty."""
    opened = EventBus()
    event_bus.client.cache_clear()
    opened.attach(event_bus.client())
    yield opened
    event_bus.client.cache_clear()


@pytest.fixture
def publisher(api: Api, bus: EventBus) -> Publisher:
    """What hands the tables' streams to publish_events."""
    return Publisher(api)


@pytest.fixture
def shop(api: Api, dynamodb: Emulator, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """The shop, with Stripe simulated rather than scripted."""
    opened = Shop(api, dynamodb)
    monkeypatch.setattr(stripe_client, "http_client", lambda: InProcessStripe(opened.simulator))
    monkeypatch.setattr(clock, "now", lambda: opened.now)
    stripe_client._client_of.cache_clear()
    return opened
