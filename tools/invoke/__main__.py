"""`make invoke F=get_payment`: one function in Lambda's own container, with its event, against the local stack.

`sam local invoke` runs what `sam build` made; the container reaches the local stack's DynamoDB and Stripe simulator
over a relay. What the events need to be there (an order, a paid one) is made first.
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
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import yaml

from local import ROOT, discovery, settings
from local.aws.intrinsics import read_yaml
from local.launcher import running
from tools.generate import events
from tools.invoke.relay import relayed

SAM = Path(sys.executable).parents[2] / ".venv-sam" / "bin" / "sam"
ARCHITECTURE = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
LONGEST = 300  # seconds; the first run builds an image
CARD = "4242424242424242"


class CannotInvokeError(Exception):
    """Something that this needs is not there; the message says what, in one line."""


@dataclass(frozen=True)
class Surroundings:
    """The stack that the function is to find: addresses, and the values that it was started with."""

    api: str
    stripe: str
    dynamodb: str
    values: Mapping[str, str]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make invoke", description="Run one function in Lambda's own container.")
    parser.add_argument("function", choices=sorted(path.stem for path in (ROOT / "events").glob("*.json")))
    wanted = parser.parse_args(arguments).function
    try:
        check_docker()
        with surroundings() as around, reachable(around) as seen:
            print("building …", file=sys.stderr)
            template = build(ROOT / ".aws-sam" / "build", seen)
            prepare(around)
            print(json.dumps(invoke(template, wanted), indent=2, ensure_ascii=False))
    except CannotInvokeError as error:
        print(f"cannot invoke: {error}", file=sys.stderr)
        return 1
    return 0


def check_docker() -> None:
    """Raise CannotInvokeError unless a Docker engine answers."""
    try:
        found = subprocess.run(["docker", "info"], capture_output=True, timeout=30, check=False)
    except OSError:
        raise CannotInvokeError(
            "Docker is not installed; `sam local invoke` runs the function in its container"
        ) from None
    if found.returncode:
        raise CannotInvokeError("no Docker engine answers; start one, or set DOCKER_HOST")


@contextmanager
def surroundings() -> Iterator[Surroundings]:
    """The stack that `make run` has started here, or else one for the time being."""
    note = ROOT / discovery.NOTE
    if discovery.find(ROOT):
        addresses = json.loads(note.read_text())["addresses"]
        values = settings.load(ROOT, os.environ).values
        yield Surroundings(addresses["api"], addresses["stripe"] or "", addresses["dynamodb"], values)
        return
    print("no local stack is running; starting one for this", file=sys.stderr)
    with running() as stack:
        yield Surroundings(stack.api_url, stack.stripe_url, stack.dynamodb_url, stack.values)


@contextmanager
def reachable(around: Surroundings) -> Iterator[Surroundings]:
    """The same stack, by the addresses that a container reaches it at."""
    gateway = bridge_gateway()
    try:
        with relayed(gateway, around.dynamodb) as dynamodb, relayed(gateway, around.stripe) as stripe:
            yield replace(around, dynamodb=dynamodb, stripe=stripe)
    except OSError:
        # Docker runs in a machine of its own (Docker Desktop), which has a name for this one's loopback.
        yield replace(around, dynamodb=_by_name(around.dynamodb), stripe=_by_name(around.stripe))


def bridge_gateway() -> str:
    """This machine's address on Docker's default bridge: the configured gateway, or else the subnet's first address."""
    [network] = json.loads(run(["docker", "network", "inspect", "bridge"], os.environ))
    configured = network["IPAM"]["Config"][0]
    return str(configured.get("Gateway") or next(ipaddress.ip_network(configured["Subnet"]).hosts()))


def _by_name(url: str) -> str:
    return re.sub(r"//[^:/]+", "//host.docker.internal", url)


def build(folder: Path, around: Surroundings) -> Path:
    """Build for this machine's processor, and name the surroundings in a template beside the built one."""
    environment = os.environ | {"LAMBDA_ARCH": ARCHITECTURE, "PATH": f"{SAM.parent}:{os.environ['PATH']}"}
    run([str(SAM), "build", "--build-dir", str(folder), "--cache-dir", f"{folder}-cache"], environment)
    template = read_yaml(folder / "template.yaml")
    template["Globals"]["Function"]["Environment"]["Variables"] |= variables(around)
    path = folder / "local.yaml"
    path.write_text(yaml.safe_dump(template, sort_keys=False, allow_unicode=True))
    return path


def variables(around: Surroundings) -> dict[str, str]:
    """What a function in a container needs to find the local stack: the tables' names are those that it uses."""
    secrets = {name: around.values[name] for name in settings.SECRETS}
    return secrets | {
        "SECRETS_PREFIX": "",
        "STACK_NAME": events.STACK,
        "ORDERS_TABLE": "local-OrdersTable",
        "CREDITS_TABLE": "local-CreditsTable",
        "FRONTEND_URL": around.values["FRONTEND_URL"],
        "STRIPE_API_BASE": around.stripe,
        "AWS_ENDPOINT_URL_DYNAMODB": around.dynamodb,
    }


def prepare(around: Surroundings) -> None:
    """Make what the events are about: an order to look at, and a paid one to refund; again changes nothing."""
    with httpx.Client(timeout=30) as client:
        for name, key in (("create_checkout", events.KEY), ("create_checkout", events.REFUND_KEY)):
            event = events.events()[name]
            headers = event["headers"] | {"idempotency-key": key, "host": ""}
            headers.pop("host")
            created = client.post(f"{around.api}{event['rawPath']}", content=event["body"], headers=headers)
            if created.status_code != 200:
                raise CannotInvokeError(f"the local stack answered {created.status_code}: {created.text}")
        session = created.json()["payment_url"].rpartition("/")[2]
        client.post(f"{around.stripe}/_sim/checkout/{session}/pay", json={"card": CARD})  # 409 where it is paid


def invoke(template: Path, event: str) -> Any:
    """What the function answers to its event, from its container."""
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
    command += ["--parameter-overrides", f"Architecture={ARCHITECTURE} FrontendUrls=http://localhost:3000"]
    return json.loads(run(command, os.environ | credentials).strip().splitlines()[-1])


def run(command: list[str], environment: Mapping[str, str]) -> str:
    """The command's standard output; raises CannotInvokeError with its last words."""
    wanted = {**environment, "SAM_CLI_TELEMETRY": "0"}
    done = subprocess.run(command, cwd=ROOT, env=wanted, capture_output=True, text=True, timeout=LONGEST, check=False)
    if done.returncode:
        last = "\n".join((done.stderr or done.stdout).strip().splitlines()[-5:])
        raise CannotInvokeError(f"{' '.join(command[:3])} failed: {last}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
