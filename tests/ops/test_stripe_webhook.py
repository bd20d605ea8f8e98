"""`make stripe-webhook`: the endpoint at (simulated) Stripe, its signing secret in Parameter Store, and the overlap."""

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
from ops.stripe_webhook import command, secrets
from topup.stripe_gateway import EVENT_TYPES
from topup.stripe_gateway import client as stripe_client

URL = "http://127.0.0.1:8001/"
OTHER_URL = "http://127.0.0.1:8002/"
PREFIX = "/topup/test"
KEY = "sk_test_1"
Json = dict[str, Any]


class Killed(BaseException):
    """The command's process ended there."""


class Setup:
    """Stripe and Parameter Store as the operator finds them, and the command."""

    def __init__(self, ssm: Any, capsys: pytest.CaptureFixture[str]) -> None:
        self.ssm = ssm
        self.said = ""
        self._capsys = capsys
        self.simulator = Simulator(
            "http://stripe.test", now=lambda: datetime.now(UTC), rng=random.Random(1), secret_key=KEY
        )
        self.stripe = stripe.StripeClient(KEY, http_client=InProcessStripe(self.simulator))

    def run(self, *arguments: str, wait: float = 0) -> int:
        """The command, so many seconds from now; what it said is in `said`."""
        moment = datetime.now(UTC) + timedelta(seconds=wait)
        code = command.main(["--url", URL, "--prefix", PREFIX, *arguments], now=moment)
        self.said = "".join(self._capsys.readouterr())
        return code

    def apply(self, *arguments: str, wait: float = 0) -> None:
        assert self.run("--apply", *arguments, wait=wait) == 0, self.said

    @property
    def endpoints(self) -> list[Json]:
        """Those that are enabled, oldest first."""
        found = self.stripe.v1.webhook_endpoints.list({"limit": 100}).data
        return [one for one in (endpoint.to_dict() for endpoint in found) if one["status"] == "enabled"][::-1]

    @property
    def secrets(self) -> list[str]:
        found = self.ssm.get_parameters(Names=[f"{PREFIX}/STRIPE_WEBHOOK_SECRET"], WithDecryption=True)["Parameters"]
        return found[0]["Value"].split(",") if found else []

    def store(self, value: str) -> None:
        self.ssm.put_parameter(Name=f"{PREFIX}/STRIPE_WEBHOOK_SECRET", Value=value, Type="SecureString", Overwrite=True)

    def make_by_hand(self, url: str = URL, **changes: Any) -> str:
        """An endpoint as somebody makes it in the Dashboard; its secret."""
        params: Any = {"url": url, "enabled_events": list(EVENT_TYPES)} | changes
        secret = self.stripe.v1.webhook_endpoints.create(params).secret
        assert secret
        return secret

    def all_secrets_of(self, url: str = URL) -> list[str]:
        """What the endpoints that send there sign with, oldest first."""
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

    assert "would: make a new endpoint" in setup.said
    assert "APPLY=1" in setup.said
    assert (setup.endpoints, setup.secrets) == ([], [])


def test_the_endpoint_has_exactly_our_events_and_api_version_and_its_secret_is_stored_encrypted(setup: Setup):
    setup.apply()

    [endpoint] = setup.endpoints
    assert (endpoint["url"], endpoint["api_version"]) == (URL, stripe_client.API_VERSION)
    assert sorted(endpoint["enabled_events"]) == sorted(EVENT_TYPES)
    assert setup.secrets == setup.all_secrets_of()
    [stored] = setup.ssm.describe_parameters()["Parameters"][1:]
    assert stored["Type"] == "SecureString"


def test_run_again_it_has_nothing_to_do(setup: Setup):
    setup.apply()
    before = setup.secrets

    setup.apply()

    assert "nothing to do" in setup.said
    assert (setup.secrets, len(setup.endpoints)) == (before, 1)


def test_no_secret_is_ever_printed(setup: Setup):
    said = ""
    for arguments in ([], ["--apply"], ["--apply", "--rotate"], ["--finish"]):
        setup.run(*arguments, wait=600)
        said += setup.said

    assert len(setup.secrets) == 2
    for secret in (*setup.secrets, KEY):
        assert secret not in said


def test_the_description_tells_nothing_of_the_secrets(setup: Setup):
    setup.apply()

    description = setup.ssm.describe_parameters()["Parameters"][1]["Description"]
    assert setup.endpoints[0]["id"] in description
    assert not any(part in setup.secrets[0] for part in description.split(":")[1:])


@pytest.mark.parametrize("changes", [{"enabled_events": ["charge.succeeded"]}, {"disabled": True}])
def test_an_endpoint_that_somebody_has_changed_is_mended_in_place(setup: Setup, changes: Json):
    setup.apply()
    [endpoint] = setup.endpoints
    wrong: Any = changes
    setup.stripe.v1.webhook_endpoints.update(endpoint["id"], wrong)

    setup.apply()

    [mended] = setup.endpoints
    assert (mended["id"], sorted(mended["enabled_events"])) == (endpoint["id"], sorted(EVENT_TYPES))
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


def test_a_rotation_believes_both_secrets_until_it_is_finished(setup: Setup):
    setup.apply()
    [old] = setup.secrets

    setup.apply("--rotate")

    assert (setup.secrets[0], len(setup.secrets), len(setup.endpoints)) == (old, 2, 2)
    assert "FINISH=1" in setup.said
    setup.apply("--finish", wait=600)
    assert (len(setup.secrets), len(setup.endpoints)) == (1, 1)
    assert old not in setup.secrets
    assert setup.secrets == setup.all_secrets_of()


def test_a_second_rotation_waits_for_the_end_of_the_first(setup: Setup):
    setup.apply()
    setup.apply("--rotate")

    assert setup.run("--apply", "--rotate") == 1

    assert "FINISH=1" in setup.said
    assert len(setup.endpoints) == 2


def test_a_rotation_is_not_finished_before_every_function_knows_the_new_secret(setup: Setup):
    setup.apply()
    setup.apply("--rotate")

    assert setup.run("--apply", "--finish", wait=200) == 1

    assert "wait" in setup.said
    assert (len(setup.secrets), len(setup.endpoints)) == (2, 2)


def test_finishing_twice_changes_nothing(setup: Setup):
    setup.apply()
    setup.apply("--rotate")
    setup.apply("--finish", wait=600)
    before = setup.secrets

    setup.apply("--finish", wait=600)

    assert "nothing to do" in setup.said
    assert setup.secrets == before


def test_without_an_endpoint_there_is_nothing_to_finish(setup: Setup):
    assert setup.run("--apply", "--finish") == 1
    assert "without FINISH=1" in setup.said


# ------------------------------------------------------------------------------------------------ what was there


def test_an_endpoint_made_by_hand_goes_on_until_the_new_one_has_proved_itself(setup: Setup):
    by_hand = setup.make_by_hand()
    setup.store(by_hand)

    setup.apply()

    assert setup.secrets == setup.all_secrets_of()
    assert setup.secrets[0] == by_hand
    setup.apply("--finish", wait=600)
    assert by_hand not in setup.secrets
    assert setup.secrets == setup.all_secrets_of()


def test_a_placeholder_is_dropped_since_anyone_could_sign_with_it(setup: Setup):
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
def test_killed_between_stripe_and_parameter_store_it_is_repaired_by_running_it_again(
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

    assert "its signing secret was lost" in setup.said
    assert setup.secrets == setup.all_secrets_of()
    assert setup.secrets[: len(before)] == before
    assert setup.run(*([] if not arguments else ["--finish"]), wait=600) == 0


def test_when_parameter_store_refuses_the_new_endpoint_is_taken_away(setup: Setup, monkeypatch: pytest.MonkeyPatch):
    def refused(*_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "PutParameter")

    monkeypatch.setattr(secrets, "write", refused)

    assert setup.run("--apply") == 2

    assert "AccessDeniedException" in setup.said
    assert setup.endpoints == []


def test_a_key_that_stripe_refuses_is_told_without_the_key(setup: Setup):
    setup.ssm.put_parameter(
        Name=f"{PREFIX}/STRIPE_SECRET_KEY", Value="sk_test_wrong", Type="SecureString", Overwrite=True
    )

    assert setup.run() == 2

    assert "is STRIPE_SECRET_KEY right?" in setup.said
    assert "sk_test_wrong" not in setup.said


def test_the_key_may_come_from_the_environment(setup: Setup, monkeypatch: pytest.MonkeyPatch):
    setup.ssm.delete_parameter(Name=f"{PREFIX}/STRIPE_SECRET_KEY")
    assert setup.run() == 2
    assert "STRIPE_SECRET_KEY" in setup.said
    monkeypatch.setenv("STRIPE_SECRET_KEY", KEY)

    assert setup.run() == 0


@pytest.mark.parametrize(
    ("arguments", "problem"), [(["--url", "http://shop.example/"], "https"), (["--prefix", ""], "STACK=")]
)
def test_where_is_asked_for_plainly(setup: Setup, arguments: list[str], problem: str):
    assert setup.run(*arguments) == 2
    assert problem in setup.said
