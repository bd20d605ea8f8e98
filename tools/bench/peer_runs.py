"""Install the peers, let each one answer an event once, and keep DynamoDB's responses for the measured runs.

As Topup's own functions, the peers are measured with recorded responses. Theirs come from the emulated tables too, but
over the network: what they import is not in our environment.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.in_process.dynamodb import InProcess
from tools.bench import layers, recording
from tools.bench.process import Deployed, start_cold
from tools.bench.replay import Exchange, Replay
from tools.generate import events

SOURCES = Path(__file__).with_name("peers")
# By file, what the tables call it.
PEERS = {
    "single_handler": "boto3, stripe, PyJWT in one handler",
    "fastapi_mangum": "FastAPI, Mangum",
    "powertools_resolver": "Powertools' resolver",
}
EVENTS = ("stripe_webhook", "get_credits")
# How their packages are built: as `sam build` leaves them, and the same with bytecode.
PLAIN, COMPILED = "plain", "compiled"
VERSION = "DynamoDB_20120810"
TABLES = {"peer-orders": ("payment_id",), "peer-credits": ("user_id", "record")}


@dataclass(frozen=True)
class Installed:
    """The peers below a folder, with their packages: `deployed` makes one ready to get an event."""

    folder: Path
    interpreter: str
    replay: Replay

    def deployed(self, peer: str, event: str, built: str) -> Deployed:
        file = self.folder / f"{event}.json"
        file.write_text(json.dumps(recording.event(event)))
        environment = recording.environments()[event] | self.replay.environment(built, _responses_of(peer, event))
        where = self.folder / built
        return Deployed(self.interpreter, where / peer, where / "python", file, environment)

    def record(self) -> None:
        """Let every peer answer every event once, from tables with one unpaid order."""
        engine = InProcess()
        _create_tables(engine)
        for peer in PEERS:
            _place_order(engine)
            for event in EVENTS:
                exchanges: list[Exchange] = []
                name = _responses_of(peer, event)
                self.replay.live[name] = _keeping(engine, exchanges)
                start_cold(self.deployed(peer, event, COMPILED))
                del self.replay.live[name]
                self.replay.recorded[name] = exchanges


def install(folder: Path, interpreter: str, replay: Replay) -> Installed:
    """Install the peers and what tools/bench/peers/requirements.txt pins, in both ways, and record their responses."""
    plain, compiled = folder / PLAIN, folder / COMPILED
    packages = layers.install_plain(SOURCES / "requirements.txt", plain)
    replay.authority.append_to_bundles(packages)
    for peer in PEERS:
        copy_sources(peer, plain)
    shutil.copytree(plain, compiled)
    layers.add_bytecode(compiled, interpreter)
    installed = Installed(folder, interpreter, replay)
    installed.record()
    return installed


def copy_sources(peer: str, folder: Path) -> None:
    """Make the peer's own folder, as it is on Lambda: app.py and what it imports."""
    (folder / peer).mkdir()
    shutil.copy(SOURCES / f"{peer}.py", folder / peer / "app.py")
    shutil.copy(SOURCES / "shop.py", folder / peer)


def _responses_of(peer: str, event: str) -> str:
    """What a peer's recorded responses to an event are called."""
    return f"{peer}-{event}"


def _keeping(engine: InProcess, exchanges: list[Exchange]) -> Callable[[str, bytes], str]:
    def answer(operation: str, request: bytes) -> str:
        response = _ask(engine, operation, request)
        exchanges.append(Exchange(operation, request.decode(), response))
        return response

    return answer


def _create_tables(engine: InProcess) -> None:
    for table, keys in TABLES.items():
        schema = [{"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)]
        attributes = [{"AttributeName": key, "AttributeType": "S"} for key in keys]
        made = {"TableName": table, "KeySchema": schema, "AttributeDefinitions": attributes}
        _ask(engine, "CreateTable", json.dumps({**made, "BillingMode": "PAY_PER_REQUEST"}).encode())


def _place_order(engine: InProcess) -> None:
    """Leave the tables with nothing but one unpaid order and an empty wallet."""
    for table, keys in TABLES.items():
        for item in json.loads(_ask(engine, "Scan", json.dumps({"TableName": table}).encode()))["Items"]:
            _write(engine, "DeleteItem", table, Key={key: item[key] for key in keys})
    order = _text(payment_id=events.ORDER, user_id=events.USER, status="pending", currency="cny")
    _write(engine, "PutItem", "peer-orders", Item=order | _number(amount=10_000, credits=1_000))
    wallet = _text(user_id=events.USER, record="WALLET") | _number(balance=0)
    _write(engine, "PutItem", "peer-credits", Item=wallet)


def _text(**attributes: str) -> dict[str, dict[str, str]]:
    return {name: {"S": value} for name, value in attributes.items()}


def _number(**attributes: int) -> dict[str, dict[str, str]]:
    return {name: {"N": str(value)} for name, value in attributes.items()}


def _write(engine: InProcess, operation: str, table: str, **what: Any) -> None:
    _ask(engine, operation, json.dumps({"TableName": table, **what}).encode())


def _ask(engine: InProcess, operation: str, request: bytes) -> str:
    status, _, response = engine.respond(f"{VERSION}.{operation}", request)
    assert status == 200, f"{operation}: {response!r}"
    return response.decode()
