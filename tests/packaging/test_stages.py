"""The lines of docs/deploy.md, in a fresh clone, deploy every stage into an emulated AWS, where it sells.

Nothing else is typed. But the emulator lacks what tools/deploy_local/gaps.py lists, and needs its two workarounds.
Stripe reaches the webhook by an address in front of AWS's, for which the page has lines.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local import ROOT
from ops import stages, target
from tests.support.clone import clone_into
from tests.support.operator import IN_FRONT, Operator, at_work
from tools.deploy_local import emulator, sam, workarounds
from tools.deploy_local.api import DeployedApi
from tools.drill import chaos
from tools.load.workload import Size

PAGE = (ROOT / "docs/deploy.md").read_text(encoding="utf-8")
DRILLS = (ROOT / "docs/drills.md").read_text(encoding="utf-8")
DRILLED = "staging"  # with faults; one stage is enough
SIZE = Size(purchases=0, spends=60, users=6, concurrency=4, seed=1, seconds=120, name="chaos")
DEPLOY = "make deploy STAGE=staging FRONTEND=https://shop.example ALERT=you@shop.example"

missing = emulator.missing()
pytestmark = pytest.mark.skipif(missing is not None, reason=str(missing))


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = clone_into(tmp_path_factory.mktemp("clone"))
    workarounds.replace_metric_math(made / "template.yaml")
    return made


@pytest.fixture(scope="module", params=[stage.name for stage in stages.every()])
def operator(request: pytest.FixtureRequest, clone: Path) -> Iterator[Operator]:
    """Has stored the secrets, deployed the stage, and set up its webhook. A live stage has a live key."""
    with at_work(request.param, clone, PAGE + DRILLS) as operator:
        operator.pastes("make secrets STAGE=staging", answers=f"{operator.stripe_key}\n\n\n")
        operator.pastes("make api-key NAME=billing SCOPES=read,spend STAGE=staging")
        processor = sam.architecture()
        operator.pastes(DEPLOY, *(["SET=Architecture=x86_64"] if processor == "x86_64" else []))
        workarounds.allow_every_parameter(operator.stack)
        operator.pastes(f"make stripe-webhook URL={IN_FRONT} PREFIX=/topup/staging APPLY=1")
        yield operator


def test_it_has_the_settings_of_its_stage_and_those_that_were_said(operator: Operator):
    stage, deployed = stages.find(operator.stage, operator.folder), target.parameters_of(operator.stack.name)
    said = {"FrontendUrls": "https://shop.example", "AlertEmail": "you@shop.example"}

    assert deployed is not None
    assert deployed.items() >= {**stage.tracked, **said}.items()
    assert deployed["SecretsPrefix"] == f"/topup/{operator.stage}"
    _, tags = target.outputs_of(operator.stack.name, set())
    assert tags == {"app": "topup", "stage": operator.stage}
    assert f"ApiUrl={operator.stack.outputs['ApiUrl']}\n" in operator.pastes("make outputs STAGE=staging")


def test_doctor_finds_nothing_but_what_the_emulator_lacks(operator: Operator):
    assert operator.problems() == []


def test_somebody_buys_a_package(operator: Operator):
    stored = operator.stored()
    assert stored["STRIPE_SECRET_KEY"] == operator.stripe_key
    stored["PROXY_API_KEY"], _, named = stored["PROXY_API_KEY"].partition(",")  # as the page cuts it
    assert named.startswith("billing:read+spend:")

    operator.sells(stored)

    assert "1 users, 1 entries, 1 lots, 1 payments: no violations" in operator.pastes("make audit STACK=topup-staging")


def test_a_drill_of_chaos_changes_nothing_in_its_books_and_is_refused_without_faults(operator: Operator):
    if operator.stage != DRILLED:
        refused = operator.refused(f"make chaos STACK=topup-{operator.stage}")
        assert ("where money is real" if operator.stage in stages.LIVE_STAGES else "has no faults") in refused
        return

    with having_faults(operator):
        report = chaos.on_deployed(operator.stack.name, SIZE, print, DeployedApi(operator.stack))

    assert report.problems == [], report.markdown()
    assert "| grant | 6 |" in report.markdown()


@contextmanager
def having_faults(operator: Operator) -> Iterator[None]:
    try:
        operator.pastes('make deploy STAGE=staging SET="Chaos=throttle:0.05,timeout_after:0.02,duplicate:0.1"')
        workarounds.allow_every_parameter(operator.stack)
        yield
    finally:
        operator.pastes('make deploy STAGE=staging SET="Chaos="')
        workarounds.allow_every_parameter(operator.stack)
