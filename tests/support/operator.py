"""Somebody who deploys by the lines of a page, and sells a package. AWS and Stripe are on this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from local.aws.intrinsics import REGION
from local.settings import SECRETS
from ops import stages
from tests.support.clone import Done, paste
from tools.demo.shop import Shop, Site
from tools.deploy_local import emulator, simulator
from tools.deploy_local.__main__ import aws_is
from tools.deploy_local.api import DeployedApi
from tools.deploy_local.purchase import Purchase
from tools.deploy_local.stack import Stack

IN_FRONT = "https://api.yourdomain.com/api/payments/webhook/stripe"  # docs/deploy.md's address in front of the API
NOT_SET = ("point-in-time recovery is off", "TTL is off", "webhook concurrency: none is reserved")


@dataclass(frozen=True)
class Operator:
    """Works in a folder, by the lines of its pages, which have them for staging."""

    stage: str
    folder: Path
    page: str
    stack: Stack
    stripe: str
    stripe_key: str

    def pastes(self, line: str, *more: str, answers: str = "", fails: bool = False) -> str:
        """What a line of the page prints. `more` are other options that the page names."""
        for part in (line, *more):
            assert f"\n{part}\n" in self.page or f"`{part}`" in self.page, f"no page says {part}"
        typed = " ".join((line, *more)).replace("staging", self.stage)
        if IN_FRONT in typed:
            typed = typed.replace(IN_FRONT, self.stack.webhook_url)
        done = self._run(typed, answers)
        if "could not be installed" in done.stderr:
            pytest.skip("the packages cannot be fetched")
        assert bool(done.returncode) == fails, f"{typed}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    def refused(self, line: str) -> str:
        """Why a line fails."""
        done = self._run(line)
        assert done.returncode != 0, done.stdout[-3000:]
        return done.stderr

    def _run(self, typed: str, answers: str = "") -> Done:
        variables = {"AWS_ENDPOINT_URL": self.stack.endpoint, "AWS_REGION": REGION, **emulator.CREDENTIALS}
        return paste(self.folder, typed, variables | {"STRIPE_API_BASE": self.stripe, "NO_PROXY": "*"}, answers=answers)

    def problems(self) -> list[str]:
        """What doctor finds, besides what the emulator's CloudFormation does not set."""
        shown = self.pastes(f"make doctor STACK=topup-staging URL={IN_FRONT}", fails=True).splitlines()
        found = [line for line in shown if line.startswith(("wrong ", "warn "))]
        assert {says for says in NOT_SET if any(says in line for line in found)} == set(NOT_SET)
        return [line for line in found if not any(says in line for says in NOT_SET)]

    def stored(self) -> dict[str, str]:
        """The stage's secrets, as they are in Parameter Store."""
        ssm = self.stack.client("ssm")
        paths = {name: f"/topup/{self.stage}/{name}" for name in SECRETS}
        read = {name: ssm.get_parameter(Name=path, WithDecryption=True) for name, path in paths.items()}
        return {name: found["Parameter"]["Value"] for name, found in read.items()}

    def sells(self, secrets: dict[str, str]) -> None:
        """A buyer buys a package; raises BrokenPromiseError."""
        api = self.stack.outputs["ApiUrl"]
        with httpx.Client(mounts={api: DeployedApi(self.stack)}, trust_env=False, timeout=30) as client:
            purchase = Purchase(self.stack, Shop(Site(api, self.stripe, secrets, "buyer"), client), "buyer")
            purchase.check_webhook(purchase.buy())


@contextmanager
def at_work(stage: str, folder: Path, page: str) -> Iterator[Operator]:
    """Nothing is deployed yet. A live stage has a live key."""
    key = f"sk_{'live' if stage in stages.LIVE_STAGES else 'test'}_0123456789abcdef"
    with (
        simulator.listener() as (port, stripe),
        emulator.running(stripe) as endpoint,
        aws_is(endpoint),
        simulator.serving(port, stripe, secret_key=key),
    ):
        yield Operator(stage, folder, page, Stack(f"topup-{stage}", endpoint), stripe, key)
