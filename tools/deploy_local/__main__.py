"""`make deploy-local`: builds the template with SAM, deploys it into an AWS on this machine, and buys credits there.

The emulator (ministack), the Stripe simulator and the deployed functions run on loopback only; nothing is left behind.
It is no proof against AWS: what the emulator lacks is listed at the end, with what was done instead.
"""

import contextlib
import os
import signal
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from local import ROOT, environment, settings, tokens
from local.client import BrokenPromiseError
from ops.errors import CannotRunError
from tools.demo.shop import Shop, Site
from tools.deploy_local import emulator, gaps, sam, simulator
from tools.deploy_local.adaptation import without_metric_math
from tools.deploy_local.api import DeployedApi
from tools.deploy_local.permissions import let_secrets_be_read
from tools.deploy_local.processes import TrialError
from tools.deploy_local.stack import Stack
from tools.deploy_local.story import Story

Secrets = Mapping[str, str]


def attempt() -> None:
    """All of it; raises what `main` tells in a line."""
    values = settings.load(ROOT, {}, dotenv=False).values
    with tempfile.TemporaryDirectory(prefix="topup-trial-") as folder, simulator.listener() as (port, stripe):
        with timed(f"sam build, for {sam.architecture()}"):
            template = sam.build(Path(folder))
        for alarm in without_metric_math(template):
            print(f"   {alarm}: a plain metric for its expression")
        with emulator.running(stripe) as endpoint, aws_at(endpoint):
            stack = deploy(template, endpoint, values)
            webhook = (stack.webhook_url, values["STRIPE_WEBHOOK_SECRET"])
            with simulator.serving(port, stripe, secret_key=values["STRIPE_SECRET_KEY"], webhook=webhook):
                purchase(stack, stripe, values)
            tell_gaps(stack)


def deploy(template: Path, endpoint: str, values: Secrets) -> Stack:
    """The secrets first, as SecureStrings; then the stack."""
    stack = Stack(sam.STACK, endpoint)
    for name in settings.SECRETS:
        stack.client("ssm").put_parameter(Name=f"{sam.SECRETS_PREFIX}/{name}", Value=values[name], Type="SecureString")
    with timed(f"sam deploy, to {endpoint}"):
        try:
            sam.deploy(template, endpoint, values["FRONTEND_URL"].split(",")[0])
        except TrialError as error:
            raise TrialError("\n".join([str(error), *stack.refusals()])) from error
    let_secrets_be_read(stack)
    for name, value in sorted(stack.outputs.items()):
        print(f"   {name}: {value}")
    return stack


def purchase(stack: Stack, stripe: str, values: Secrets) -> None:
    user_id, now, api = f"trial-{uuid.uuid4().hex[:8]}", datetime.now(UTC), stack.outputs["ApiUrl"]
    site = Site(
        api=api,
        stripe=stripe,
        token=tokens.mint(values, user_id, now),
        admin_token=tokens.mint_admin(values, "trial-admin", now),
        api_key=values["PROXY_API_KEY"],
        stripe_key=values["STRIPE_SECRET_KEY"],
        user_id=user_id,
    )
    with httpx.Client(mounts={api: DeployedApi(stack)}, trust_env=False, timeout=30) as client:
        Story(stack, Shop(site, client), user_id).tell()


def tell_gaps(stack: Stack) -> None:
    closed = list(gaps.closed(stack))
    print(f"\nWhat the emulator lacks of AWS ({len(gaps.GAPS)} points), and what was done instead:")
    for gap in gaps.GAPS:
        print(f" - {gap.lacks}{' (NOT SO ANY MORE)' if gap in closed else ''}\n   {gap.instead}")
    if closed:
        raise TrialError(
            "the emulator has learnt something: remove that gap and its workaround from tools/deploy_local/gaps.py"
        )


@contextlib.contextmanager
def aws_at(endpoint: str) -> Iterator[None]:
    """Inside the block AWS is the emulator, whatever the developer's shell says."""
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
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that everything is ended on the way out
    if (lack := emulator.missing()) is not None:
        print(f"The deployment cannot be tried here: {lack}", file=sys.stderr)
        return 2
    began = time.monotonic()
    try:
        attempt()
    except (BrokenPromiseError, TrialError, CannotRunError, httpx.HTTPError, BotoCoreError, ClientError) as error:
        print(f"\nThe deployment failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 1
    print(f"\nThe deployed stack kept every promise. All of it took {time.monotonic() - began:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
