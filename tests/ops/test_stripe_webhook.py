"""`stripe-webhook`: the endpoint at the simulated Stripe, its signing secret in Parameter Store, and rotations."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
import stripe
from botocore.exceptions import ClientError
from moto import mock_aws

from local.stripe_simulator import Simulator
from local.stripe_simulator.in_process import InProcessStripe
from ops import cli
from ops.stripe_webhook import secrets
from topup.stripe_gateway import EVENT_TYPES
from topup.stripe_gateway import client as stripe_client

URL = "http://127.0.0.1:8001/"
OTHER_URL = "http://127.0.0.1:8002/"
PREFIX = "/topup/test"
KEY = "sk_test_1"
Json = dict[str, Any]


class Killed(BaseException):
    """The command's process ended at this point."""


class Setup:
    """Stripe, Parameter Store, and the command."""

    def __init__(self, ssm: Any, capsys: pytest.CaptureFixture[str]) -> None:
        self.ssm = ssm
        self.printed = ""
        self._capsys = capsys
        self.simulator = Simulator(
            "http://stripe.test", now=lambda: datetime.now(UTC), rng=random.Random(1), secret_key=KEY
        )
        self.stripe = stripe.StripeClient(KEY, http_client=InProcessStripe(self.simulator))

    def run(self, *arguments: str, wait: float = 0) -> int:
        """Run the command `wait` seconds from now; `printed` holds its output."""
        now = datetime.now(UTC) + timedelta(seconds=wait)
        code = cli.main(["stripe-webhook", "--url", URL, "--prefix", PREFIX, *arguments], now=now)
        self.printed = "".join(self._capsys.readouterr())
        return code

    def apply(self, *arguments: str, wait: float = 0) -> None:
        assert self.run("--apply", *arguments, wait=wait) == 0, self.printed

    @property
    def endpoints(self) -> list[Json]:
        """The enabled endpoints, oldest first."""
        found = self.stripe.v1.webhook_endpoints.list({"limit": 100}).data
        return [one for one in (endpoint.to_dict() for endpoint in found) if one["status"] == "enabled"][::-1]

    @property
    def secrets(self) -> list[str]:
        found = self.ssm.get_parameters(Names=[f"{PREFIX}/STRIPE_WEBHOOK_SECRET"], WithDecryption=True)["Parameters"]
        return found[0]["Value"].split(",") if found else []

    def store(self, value: str) -> None:
        self.ssm.put_parameter(Name=f"{PREFIX}/STRIPE_WEBHOOK_SECRET", Value=value, Type="SecureString", Overwrite=True)

    def make_by_hand(self, url: str = URL, **changes: Any) -> str:
        """Create an endpoint as a person does in the Dashboard; returns its secret."""
        params: Any = {"url": url, "enabled_events": list(EVENT_TYPES)} | changes
        secret = self.stripe.v1.webhook_endpoints.create(params).secret
        assert secret
        return secret

    def all_secrets_of(self, url: str = URL) -> list[str]:
        """The signing secrets of the enabled endpoints of a URL, oldest first."""
        known = self.simulator._world.webhooks.secrets
        return [known[endpoint["id"]] for endpoint in self.endpoints if endpoint["url"] == url]


@pytest.fixture
def setup(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Setup]:
    with mock_aws():
        ssm = boto3.client("ssm")
        ssm.put_parameter(Name=f"{PREFIX}/STRIPE_SECRET_KEY", Value=KEY, Type="SecureString")
        made = Setup(ssm, capsys)
        monkeypatch.setattr(stripe_client, "http_client", lambda: InProcessStripe(made.simulator))
        monkeypatch.delenv("STRIPE_SECRET_KEY")
        yield made


def test_a_dry_run_says_what_it_would_do_and_changes_nothing(setup: Setup):
    assert setup.run() == 0

    assert "would: create a new endpoint" in setup.printed
    assert "--apply (make: APPLY=1)" in setup.printed
    assert (setup.endpoints, setup.secrets) == ([], [])


def test_the_endpoint_has_exactly_our_events_and_api_version_and_its_secret_is_stored_encrypted(setup: Setup):
    setup.apply()

    [endpoint] = setup.endpoints
    assert (endpoint["url"], endpoint["api_version"]) == (URL, stripe_client.API_VERSION)
    assert sorted(endpoint["enabled_events"]) == sorted(EVENT_TYPES)
    assert setup.secrets == setup.all_secrets_of()
    [stored] = setup.ssm.describe_parameters()["Parameters"][1:]
    assert stored["Type"] == "SecureString"


def test_without_a_stack_the_secret_gets_the_kms_key_of_those_that_are_there(setup: Setup):
    key = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    name = f"{PREFIX}/STRIPE_SECRET_KEY"
    setup.ssm.put_parameter(Name=name, Value=KEY, Type="SecureString", KeyId=key, Overwrite=True)

    setup.apply()

    assert {one["KeyId"] for one in setup.ssm.describe_parameters()["Parameters"]} == {key}


def test_run_again_it_has_nothing_to_do(setup: Setup):
    setup.apply()
    before = setup.secrets

    setup.apply()

    assert "nothing to do" in setup.printed
    assert (setup.secrets, len(setup.endpoints)) == (before, 1)


def test_no_secret_is_ever_printed(setup: Setup):
    printed = ""
    for arguments in ([], ["--apply"], ["--apply", "--rotate"], ["--finish"]):
        setup.run(*arguments, wait=600)
        printed += setup.printed

    assert len(setup.secrets) == 2
    for secret in (*setup.secrets, KEY):
        assert secret not in printed


def test_the_description_reveals_nothing_of_the_secrets(setup: Setup):
    setup.apply()

    description = setup.ssm.describe_parameters()["Parameters"][1]["Description"]
    assert setup.endpoints[0]["id"] in description
    assert not any(part in setup.secrets[0] for part in description.split(":")[1:])


@pytest.mark.parametrize("changes", [{"enabled_events": ["charge.succeeded"]}, {"disabled": True}])
def test_an_endpoint_that_was_changed_by_hand_is_corrected_in_place(setup: Setup, changes: Json):
    setup.apply()
    [endpoint] = setup.endpoints
    wrong: Any = changes
    setup.stripe.v1.webhook_endpoints.update(endpoint["id"], wrong)

    setup.apply()

    [corrected] = setup.endpoints
    assert (corrected["id"], sorted(corrected["enabled_events"])) == (endpoint["id"], sorted(EVENT_TYPES))
    assert len(setup.secrets) == 1


def test_another_api_version_needs_a_new_endpoint_beside_the_old_one(setup: Setup, monkeypatch: pytest.MonkeyPatch):
    setup.apply()
    monkeypatch.setattr(stripe_client, "API_VERSION", "2027-03-31.next")

    setup.apply()

    assert [one["api_version"] for one in setup.endpoints] == ["2026-10-28.endive", "2027-03-31.next"]
    assert setup.secrets == setup.all_secrets_of()
    setup.apply("--finish", wait=600)
    assert [one["api_version"] for one in setup.endpoints] == ["2027-03-31.next"]
    assert setup.secrets == setup.all_secrets_of()


# ------------------------------------------------------------------------------------------------------ rotation


def test_a_rotation_keeps_both_secrets_until_it_is_finished(setup: Setup):
    setup.apply()
    [old] = setup.secrets

    setup.apply("--rotate")

    assert (setup.secrets[0], len(setup.secrets), len(setup.endpoints)) == (old, 2, 2)
    assert "--finish (make: FINISH=1)" in setup.printed
    setup.apply("--finish", wait=600)
    assert (len(setup.secrets), len(setup.endpoints)) == (1, 1)
    assert old not in setup.secrets
    assert setup.secrets == setup.all_secrets_of()


def test_a_second_rotation_waits_for_the_end_of_the_first(setup: Setup):
    setup.apply()
    setup.apply("--rotate")

    assert setup.run("--apply", "--rotate") == 1

    assert "--finish (make: FINISH=1)" in setup.printed
    assert len(setup.endpoints) == 2


def test_a_rotation_is_not_finished_before_every_function_knows_the_new_secret(setup: Setup):
    setup.apply()
    setup.apply("--rotate")

    assert setup.run("--apply", "--finish", wait=200) == 1

    assert "wait" in setup.printed
    assert (len(setup.secrets), len(setup.endpoints)) == (2, 2)


def test_finishing_twice_changes_nothing(setup: Setup):
    setup.apply()
    setup.apply("--rotate")
    setup.apply("--finish", wait=600)
    before = setup.secrets

    setup.apply("--finish", wait=600)

    assert "nothing to do" in setup.printed
    assert setup.secrets == before


def test_without_an_endpoint_there_is_nothing_to_finish(setup: Setup):
    assert setup.run("--apply", "--finish") == 1
    assert "without --finish (make: without FINISH=1)" in setup.printed


# ------------------------------------------------------------------------------------------------ what was there


def test_an_endpoint_made_by_hand_keeps_working_until_the_rotation_is_finished(setup: Setup):
    by_hand = setup.make_by_hand()
    setup.store(by_hand)

    setup.apply()

    assert setup.secrets == setup.all_secrets_of()
    assert setup.secrets[0] == by_hand
    setup.apply("--finish", wait=600)
    assert by_hand not in setup.secrets
    assert setup.secrets == setup.all_secrets_of()


def test_a_placeholder_is_dropped_because_anyone_could_sign_with_it(setup: Setup):
    setup.store("placeholder")

    setup.apply()

    assert setup.secrets == setup.all_secrets_of()


def test_an_endpoint_of_another_url_and_its_secret_are_left_alone(setup: Setup):
    setup.apply("--url", OTHER_URL)
    setup.apply()
    setup.apply("--rotate")

    setup.apply("--finish", wait=600)

    assert sorted(setup.secrets) == sorted([*setup.all_secrets_of(OTHER_URL), *setup.all_secrets_of(URL)])
    assert len(setup.secrets) == 2


# ---------------------------------------------------------------------------------------------- what goes wrong


@pytest.mark.parametrize("arguments", [[], ["--rotate"]])
def test_killed_between_stripe_and_parameter_store_the_next_run_repairs_it(
    setup: Setup, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
):
    if arguments:
        setup.apply()
    before = setup.secrets

    def killed(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(secrets, "write", killed)
        with pytest.raises(Killed):
            setup.run("--apply", *arguments)
    assert len(setup.endpoints) == len(setup.secrets) + 1
    assert setup.secrets == before

    setup.apply(*arguments)

    assert "its signing secret was lost" in setup.printed
    assert setup.secrets == setup.all_secrets_of()
    assert setup.secrets[: len(before)] == before
    assert setup.run(*([] if not arguments else ["--finish"]), wait=600) == 0


def test_when_parameter_store_refuses_the_secret_the_new_endpoint_is_deleted(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
):
    def refused(*_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "PutParameter")

    monkeypatch.setattr(secrets, "write", refused)

    assert setup.run("--apply") == 2

    assert "AccessDeniedException" in setup.printed
    assert setup.endpoints == []


def test_a_key_that_stripe_refuses_is_reported_without_the_key(setup: Setup):
    setup.ssm.put_parameter(
        Name=f"{PREFIX}/STRIPE_SECRET_KEY", Value="sk_test_wrong", Type="SecureString", Overwrite=True
    )

    assert setup.run() == 2

    assert "is STRIPE_SECRET_KEY right?" in setup.printed
    assert "sk_test_wrong" not in setup.printed


def test_the_key_may_come_from_the_environment(setup: Setup, monkeypatch: pytest.MonkeyPatch):
    setup.ssm.delete_parameter(Name=f"{PREFIX}/STRIPE_SECRET_KEY")
    assert setup.run() == 2
    assert "STRIPE_SECRET_KEY" in setup.printed
    monkeypatch.setenv("STRIPE_SECRET_KEY", KEY)

    assert setup.run() == 0


@pytest.mark.parametrize(
    ("arguments", "problem"), [(["--url", "http://shop.example/"], "https"), (["--prefix", ""], "STACK=")]
)
def test_a_wrong_or_missing_address_is_named(setup: Setup, arguments: list[str], problem: str):
    assert setup.run(*arguments) == 2
    assert problem in setup.printed
