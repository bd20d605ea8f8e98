"""`make invoke F=get_payment`: run one function in Lambda's own container, with its event, against the local stack.

`sam build` builds it and `sam local invoke` runs it. The container reaches the local stack's DynamoDB and Stripe
simulator through a relay. The orders that the events refer to are created first.
"""

import argparse
import ipaddress
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import yaml

from local import ROOT, discovery, settings
from local.aws import event_bus
from local.aws.intrinsics import read_yaml
from local.client import session_of
from local.launcher import running
from tools.generate import events
from tools.invoke.relay import relayed

SAM = Path(sys.executable).parents[2] / ".venv-sam" / "bin" / "sam"
ARCHITECTURE = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
TIMEOUT = 300  # seconds; the first run builds an image
CARD = "4242424242424242"


class CannotInvokeError(Exception):
    """Something that is needed is missing; the message says what, in one line."""


@dataclass(frozen=True)
class LocalStack:
    """The stack for the function: its addresses, and the settings that it was started with."""

    api: str
    stripe: str
    dynamodb: str
    values: Mapping[str, str]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="make invoke", description="Run one function in Lambda's own container, with its event."
    )
    events = sorted(path.stem for path in (ROOT / "events").glob("*.json"))
    parser.add_argument("function", metavar="F", help=", ".join(events))
    event = parser.parse_args(arguments).function
    if event not in events:
        parser.error(
            f"{'F= is missing' if not event else f'there is no event {event}'}: F is one of {', '.join(events)}"
        )
    try:
        check_docker()
        with local_stack() as stack, reachable(stack) as reached:
            print("building …", file=sys.stderr)
            template = build(ROOT / ".aws-sam" / "invoke", reached)
            prepare(stack)
            print(json.dumps(invoke(template, event), indent=2, ensure_ascii=False))
    except CannotInvokeError as error:
        print(f"cannot invoke: {error}", file=sys.stderr)
        return 1
    return 0


def check_docker() -> None:
    """Raise CannotInvokeError unless a Docker engine answers."""
    try:
        found = subprocess.run(["docker", "info"], capture_output=True, timeout=30, check=False)
    except OSError:
        raise CannotInvokeError("Docker is not installed; `sam local invoke` needs it to run the container") from None
    if found.returncode:
        raise CannotInvokeError("there is no Docker engine; start one, or set DOCKER_HOST")


@contextmanager
def local_stack() -> Iterator[LocalStack]:
    """The stack that `make run` has started here, or else a new one inside the block."""
    if found := discovery.find(ROOT):
        addresses = found.addresses
        values = settings.load(ROOT, os.environ).values
        yield LocalStack(addresses["api"], addresses["stripe"] or "", addresses["dynamodb"], values)
        return
    print("no local stack is running; starting one for this", file=sys.stderr)
    with running() as started:
        yield LocalStack(started.api_url, started.stripe_url, started.dynamodb_url, started.values)


@contextmanager
def reachable(stack: LocalStack) -> Iterator[LocalStack]:
    """The same stack, with the addresses that a container can reach."""
    gateway = bridge_gateway()
    with ExitStack() as relays:
        try:
            dynamodb = relays.enter_context(relayed(gateway, stack.dynamodb))
            stripe = relays.enter_context(relayed(gateway, stack.stripe))
            api = relays.enter_context(relayed(gateway, stack.api))
        except OSError:
            # Docker runs in its own virtual machine (Docker Desktop), which has a name for this machine's loopback.
            dynamodb, stripe, api = _by_name(stack.dynamodb), _by_name(stack.stripe), _by_name(stack.api)
        yield replace(stack, api=api, dynamodb=dynamodb, stripe=stripe)


def bridge_gateway() -> str:
    """This machine's address on Docker's default bridge: the configured gateway, or else the subnet's first address."""
    [network] = json.loads(run(["docker", "network", "inspect", "bridge"], os.environ))
    configured = network["IPAM"]["Config"][0]
    return str(configured.get("Gateway") or next(ipaddress.ip_network(configured["Subnet"]).hosts()))


def _by_name(url: str) -> str:
    return re.sub(r"//[^:/]+", "//host.docker.internal", url)


def build(folder: Path, stack: LocalStack) -> Path:
    """Build for this machine's processor; the path of a template with the variables for this stack."""
    environment = os.environ | {"LAMBDA_ARCH": ARCHITECTURE, "PATH": f"{SAM.parent}:{os.environ['PATH']}"}
    run([str(SAM), "build", "--build-dir", str(folder), "--cache-dir", f"{folder}-cache"], environment)
    template = read_yaml(folder / "template.yaml")
    template["Globals"]["Function"]["Environment"]["Variables"] |= variables(stack)
    path = folder / "local.yaml"
    path.write_text(yaml.safe_dump(template, sort_keys=False, allow_unicode=True))
    return path


def variables(stack: LocalStack) -> dict[str, str]:
    """The variables with which a function in a container finds the local stack and its tables."""
    secrets = {name: stack.values[name] for name in settings.SECRETS}
    return secrets | {
        "SECRETS_PREFIX": "",
        "STACK_NAME": events.STACK,
        "ORDERS_TABLE": "local-OrdersTable",
        "CREDITS_TABLE": "local-CreditsTable",
        "FRONTEND_URL": stack.values["FRONTEND_URL"],
        "STRIPE_API_BASE": stack.stripe,
        "AWS_ENDPOINT_URL_DYNAMODB": stack.dynamodb,
        "AWS_ENDPOINT_URL_EVENTBRIDGE": f"{stack.api}{event_bus.PATH}",
    }


def prepare(stack: LocalStack) -> None:
    """Create the orders of the events: one to look up, and a paid one to refund. A second run changes nothing."""
    with httpx.Client(timeout=30) as client:
        for name, key in (("create_checkout", events.KEY), ("create_checkout", events.REFUND_KEY)):
            event = events.events()[name]
            headers = event["headers"] | {"idempotency-key": key, "host": ""}
            headers.pop("host")
            created = client.post(f"{stack.api}{event['rawPath']}", content=event["body"], headers=headers)
            if created.status_code != 200:
                raise CannotInvokeError(f"the local stack responded with {created.status_code}: {created.text}")
        session = session_of(created.json())
        client.post(f"{stack.stripe}/_sim/checkout/{session}/pay", json={"card": CARD})  # 409 if it is already paid


def invoke(template: Path, event: str) -> Any:
    """The function's result for its event, from its container."""
    properties = {
        logical_id: body["Properties"]
        for logical_id, body in read_yaml(ROOT / "template.yaml")["Resources"].items()
        if body["Type"] == "AWS::Serverless::Function"
    }
    [function] = [
        logical_id
        for logical_id, body in properties.items()
        if Path(body["CodeUri"]).name == event.removesuffix("_url")
    ]
    credentials = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_DEFAULT_REGION": "us-east-1"}
    command = [str(SAM), "local", "invoke", function, "--template", str(template)]
    command += ["--event", str(ROOT / "events" / f"{event}.json"), "--skip-pull-image"]
    command += [
        "--parameter-overrides",
        f"Architecture={ARCHITECTURE} FrontendUrls=http://localhost:3000 SecretsPrefix=/local",
    ]
    return json.loads(run(command, os.environ | credentials).strip().splitlines()[-1])


def run(command: list[str], environment: Mapping[str, str]) -> str:
    """The command's standard output; raises CannotInvokeError with its last lines."""
    without_telemetry = {**environment, "SAM_CLI_TELEMETRY": "0"}
    done = subprocess.run(
        command, cwd=ROOT, env=without_telemetry, capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    if done.returncode:
        last = "\n".join((done.stderr or done.stdout).strip().splitlines()[-5:])
        raise CannotInvokeError(f"{' '.join(command[:3])} failed: {last}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
