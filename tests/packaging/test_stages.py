"""The lines of docs/deploy.md, in a fresh clone, deploy every stage into an emulated AWS, where it sells.

Nothing else is typed. But the emulator lacks what tools/deploy_local/gaps.py lists, and needs its two workarounds.
Stripe reaches the webhook by an address in front of AWS's, for which the page has lines.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from local import ROOT
from local.aws.intrinsics import REGION
from local.settings import SECRETS
from ops import stages, target
from tests.support.clone import clone_into, paste
from tools.demo.shop import Shop, Site
from tools.deploy_local import emulator, sam, simulator, workarounds
from tools.deploy_local.__main__ import aws_is
from tools.deploy_local.api import DeployedApi
from tools.deploy_local.purchase import Purchase
from tools.deploy_local.stack import Stack

PAGE = (ROOT / "docs/deploy.md").read_text(encoding="utf-8")
DEPLOY = "make deploy STAGE=staging FRONTEND=https://shop.example ALERT=you@shop.example"
IN_FRONT = "https://api.yourdomain.com/api/payments/webhook/stripe"  # the page's address in front of the API
# What doctor finds, because the emulator's CloudFormation does not set it.
NOT_SET = ("point-in-time recovery is off", "TTL is off", "webhook concurrency: none is reserved")

missing = emulator.missing()
pytestmark = pytest.mark.skipif(missing is not None, reason=str(missing))


@dataclass(frozen=True)
class Operator:
    """Somebody who deploys a stage by the page. AWS and Stripe are on this machine."""

    stage: str
    clone: Path
    stack: Stack
    stripe: str
    stripe_key: str

    def pastes(self, line: str, *more: str, answers: str = "", fails: bool = False) -> str:
        """What a line of the page prints. The page has it for staging; `more` are other options that it names."""
        for part in (line, *more):
            assert f"\n{part}\n" in PAGE or f"`{part}`" in PAGE, f"docs/deploy.md does not say {part}"
        typed = " ".join((line, *more)).replace("staging", self.stage)
        if IN_FRONT in typed:
            typed = typed.replace(IN_FRONT, self.stack.webhook_url)
        variables = {"AWS_ENDPOINT_URL": self.stack.endpoint, "AWS_REGION": REGION, **emulator.CREDENTIALS}
        done = paste(self.clone, typed, variables | {"STRIPE_API_BASE": self.stripe, "NO_PROXY": "*"}, answers=answers)
        if "could not be installed" in done.stderr:
            pytest.skip("the packages cannot be fetched")
        assert bool(done.returncode) == fails, f"{typed}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = clone_into(tmp_path_factory.mktemp("clone"))
    workarounds.replace_metric_math(made / "template.yaml")
    return made


@pytest.fixture(scope="module", params=[stage.name for stage in stages.every()])
def operator(request: pytest.FixtureRequest, clone: Path) -> Iterator[Operator]:
    """Has stored the secrets, deployed the stage, and set up its webhook. A live stage has a live key."""
    stage = request.param
    key = f"sk_{'live' if stage in stages.LIVE_STAGES else 'test'}_0123456789abcdef"
    with simulator.listener() as (port, stripe), emulator.running(stripe) as endpoint, aws_is(endpoint):
        operator = Operator(stage, clone, Stack(f"topup-{stage}", endpoint), stripe, key)
        with simulator.serving(port, stripe, secret_key=key):
            operator.pastes("make secrets STAGE=staging", answers=f"{key}\n\n\n")
            operator.pastes("make api-key NAME=billing SCOPES=read,spend STAGE=staging")
            processor = sam.architecture()
            operator.pastes(DEPLOY, *(["SET=Architecture=x86_64"] if processor == "x86_64" else []))
            workarounds.allow_every_parameter(operator.stack)
            operator.pastes(f"make stripe-webhook URL={IN_FRONT} PREFIX=/topup/staging APPLY=1")
            yield operator


def test_it_has_the_settings_of_its_stage_and_those_that_were_said(operator: Operator):
    stage, deployed = stages.find(operator.stage, operator.clone), target.parameters_of(operator.stack.name)
    said = {"FrontendUrls": "https://shop.example", "AlertEmail": "you@shop.example"}

    assert deployed is not None
    assert deployed.items() >= {**stage.tracked, **said}.items()
    assert deployed["SecretsPrefix"] == f"/topup/{operator.stage}"
    _, tags = target.outputs_of(operator.stack.name, set())
    assert tags == {"app": "topup", "stage": operator.stage}
    assert f"ApiUrl={operator.stack.outputs['ApiUrl']}\n" in operator.pastes("make outputs STAGE=staging")


def test_doctor_finds_nothing_but_what_the_emulator_lacks(operator: Operator):
    shown = operator.pastes(f"make doctor STACK=topup-staging URL={IN_FRONT}", fails=True).splitlines()

    problems = [line for line in shown if line.startswith(("wrong ", "warn "))]
    assert {says for says in NOT_SET if any(says in line for line in problems)} == set(NOT_SET)
    assert [line for line in problems if not any(says in line for says in NOT_SET)] == []


def test_somebody_buys_a_package(operator: Operator):
    ssm, stack = operator.stack.client("ssm"), operator.stack
    paths = {name: f"/topup/{operator.stage}/{name}" for name in SECRETS}
    stored = {
        name: ssm.get_parameter(Name=path, WithDecryption=True)["Parameter"]["Value"] for name, path in paths.items()
    }
    assert stored["STRIPE_SECRET_KEY"] == operator.stripe_key
    stored["PROXY_API_KEY"], _, named = stored["PROXY_API_KEY"].partition(",")  # as the page cuts it
    assert named.startswith("billing:read+spend:")
    api = stack.outputs["ApiUrl"]

    with httpx.Client(mounts={api: DeployedApi(stack)}, trust_env=False, timeout=30) as client:
        purchase = Purchase(stack, Shop(Site(api, operator.stripe, stored, "buyer"), client), "buyer")
        purchase.check_webhook(purchase.buy())

    assert "1 users, 1 entries, 1 lots, 1 payments: no violations" in operator.pastes("make audit STACK=topup-staging")
