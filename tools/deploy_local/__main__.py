"""`make deploy-local`: build the template with SAM, deploy it to an AWS on this machine, buy there, and verify it.

The emulator (ministack), the Stripe simulator and the deployed functions run on loopback only and leave nothing behind.
This does not prove that it works on AWS: the output ends with what the emulator lacks, and what was done instead.
"""

import contextlib
import os
import signal
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from local import ROOT, environment, settings
from local.client import BrokenPromiseError
from ops.doctor import subject
from ops.doctor.subject import WEBHOOK_PATH
from ops.errors import CannotRunError
from ops.verify import command, place
from ops.verify.steps import FAILED
from tools.demo.shop import Shop, Site
from tools.deploy_local import emulator, gaps, sam, simulator, workarounds
from tools.deploy_local.api import DeployedApi
from tools.deploy_local.processes import DeploymentError
from tools.deploy_local.purchase import Purchase
from tools.deploy_local.stack import Stack

Secrets = Mapping[str, str]


def deploy_and_buy() -> None:
    """Build, deploy, buy and list the gaps; raises the errors that `main` reports."""
    values = settings.load(ROOT, {}, dotenv=False).values
    with tempfile.TemporaryDirectory(prefix="topup-deploy-local-") as folder, simulator.listener() as (port, stripe):
        with timed(f"sam build, for {sam.architecture()}"):
            template = sam.build(Path(folder))
        for alarm in workarounds.replace_metric_math(template):
            print(f"   {alarm}: a plain metric instead of its expression")
        with emulator.running(stripe) as endpoint, aws_is(endpoint):
            stack = deploy(template, endpoint, values)
            webhook = (stack.webhook_url, values["STRIPE_WEBHOOK_SECRET"])
            with simulator.serving(port, stripe, secret_key=values["STRIPE_SECRET_KEY"], webhook=webhook):
                purchase(stack, stripe, values)
                verify(stack, stripe)
            report_gaps(stack)


def deploy(template: Path, endpoint: str, values: Secrets) -> Stack:
    """Store the secrets as SecureStrings, then deploy the stack."""
    stack = Stack(sam.STACK, endpoint)
    for name in settings.SECRETS:
        stack.client("ssm").put_parameter(Name=f"{sam.SECRETS_PREFIX}/{name}", Value=values[name], Type="SecureString")
    with timed(f"sam deploy, to {endpoint}"):
        try:
            sam.deploy(template, endpoint, values["FRONTEND_URL"].split(",")[0])
        except DeploymentError as error:
            raise DeploymentError("\n".join([str(error), *stack.failures()])) from error
    workarounds.allow_every_parameter(stack)
    for name, value in sorted(stack.outputs.items()):
        print(f"   {name}: {value}")
    return stack


def purchase(stack: Stack, stripe: str, values: Secrets) -> None:
    api = stack.outputs["ApiUrl"]
    site = Site(api, stripe, values, user_id=f"buyer-{uuid.uuid4().hex[:8]}")
    with httpx.Client(mounts={api: DeployedApi(stack)}, trust_env=False, timeout=30) as client:
        Purchase(stack, Shop(site, client), site.user_id).run()


def verify(stack: Stack, stripe: str) -> None:
    """What `make verify STACK=` does; only the addresses are the emulator's. Raises DeploymentError."""
    print("\nmake verify, on this stack:", flush=True)
    found = subject.of_stack(stack.name, ROOT)
    environment = {**found.environment, "STRIPE_API_BASE": stripe}
    urls = (stack.webhook_url, found.api_url + WEBHOOK_PATH)
    emulated = replace(found, environment=environment, webhook_urls=urls)
    with (
        place.entered(place.of_deployed(emulated, waits_for_expiry=False)) as entered,
        httpx.Client(mounts={found.api_url: DeployedApi(stack)}, trust_env=False, timeout=60) as client,
    ):
        results, compared = command.verify(entered, client, print)
    if failed := [result.step.name for result in results if result.status == FAILED]:
        raise DeploymentError(f"not as promised: {', '.join(failed)}")
    if any(one.differences for one in compared):
        raise DeploymentError("the simulator differs from itself")


def report_gaps(stack: Stack) -> None:
    closed = list(gaps.closed(stack))
    print(f"\nWhat the emulator lacks compared with AWS ({len(gaps.GAPS)} points), and what was done instead:")
    for gap in gaps.GAPS:
        print(f" - {gap.lacks}{' (NO LONGER TRUE)' if gap in closed else ''}\n   {gap.instead}")
    if closed:
        raise DeploymentError(
            "the emulator has closed a gap: remove it from tools/deploy_local/gaps.py, with its workaround"
        )


@contextlib.contextmanager
def aws_is(endpoint: str) -> Iterator[None]:
    """Point boto3 to the emulator inside the block, whatever the developer's shell sets."""
    before = dict(os.environ)
    environment.isolate(os.environ)
    os.environ.update(environment.for_tools({}, endpoint))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextlib.contextmanager
def timed(what: str) -> Iterator[None]:
    print(f"{what} …", flush=True)
    began = time.monotonic()
    yield
    print(f"   done, in {time.monotonic() - began:.1f} s", flush=True)


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the context managers end everything
    if (missing := emulator.missing()) is not None:
        print(f"The template cannot be deployed here: {missing}", file=sys.stderr)
        return 2
    began = time.monotonic()
    try:
        deploy_and_buy()
    except (BrokenPromiseError, DeploymentError, CannotRunError, httpx.HTTPError, BotoCoreError, ClientError) as error:
        print(f"\nThe deployment failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 1
    print(f"\nThe deployed stack passed every check, in {time.monotonic() - began:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
