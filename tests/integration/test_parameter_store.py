"""Secrets on AWS: SecureStrings below one prefix of SSM Parameter Store."""

import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import jwt
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError
from moto import mock_aws

from local.in_process.api import Api
from tests.support.stripe_events import as_bytes, event, signature
from topup.domain.errors import ConfigurationError
from topup.runtime import aws, config, parameter_store


def client_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code}}, "GetParameters")


PREFIX = "/topup/test"
KEY = "a-key-of-a-trusted-service"
NEW_KEY = "the-new-key-of-a-trusted-service"
WEBHOOK_SECRET = "whsec_of_the_first_endpoint"
NEW_WEBHOOK_SECRET = "whsec_of_the_second_endpoint"
OUTAGES = [client_error("ThrottlingException"), ReadTimeoutError(endpoint_url="ssm")]


@pytest.fixture
def ssm(environment: pytest.MonkeyPatch) -> Iterator[Any]:
    """An empty Parameter Store that the functions read their secrets from."""
    environment.setenv("SECRETS_PREFIX", PREFIX)
    forget()
    with mock_aws():
        yield boto3.client("ssm")
    forget()


def forget() -> None:
    parameter_store._known.clear()
    parameter_store._client.cache_clear()
    aws._session.cache_clear()


@pytest.fixture
def clock(environment: pytest.MonkeyPatch) -> SimpleNamespace:
    """The clock that the reads go by; a test moves `seconds`."""
    made = SimpleNamespace(seconds=1000.0)
    environment.setattr(parameter_store, "time", SimpleNamespace(monotonic=lambda: made.seconds))
    return made


def put(ssm: Any, name: str, value: str) -> None:
    ssm.put_parameter(Name=f"{PREFIX}/{name}", Value=value, Type="SecureString", Overwrite=True)


def break_parameter_store(environment: pytest.MonkeyPatch, error: Exception) -> None:
    """Let every read fail from now on."""

    def failing(*_: Any, **__: Any) -> Any:
        raise error

    environment.setattr(parameter_store._client(), "get_parameters", failing)


def count_reads(environment: pytest.MonkeyPatch) -> list[Any]:
    """What is read from now on."""
    reads: list[Any] = []
    get_parameters = parameter_store._client().get_parameters

    def counted(**request: Any) -> Any:
        reads.append(request)
        return get_parameters(**request)

    environment.setattr(parameter_store._client(), "get_parameters", counted)
    return reads


def test_a_secret_is_read_and_decrypted(ssm: Any):
    put(ssm, "STRIPE_SECRET_KEY", "sk_live_1\n")

    assert config.stripe_secret_key() == "sk_live_1"


def test_all_secrets_of_a_function_are_read_at_once(ssm: Any, environment: pytest.MonkeyPatch):
    environment.setenv("SECRETS", "STRIPE_SECRET_KEY,STRIPE_WEBHOOK_SECRET")
    put(ssm, "STRIPE_SECRET_KEY", "sk_live_1")
    put(ssm, "STRIPE_WEBHOOK_SECRET", WEBHOOK_SECRET)
    assert config.is_livemode()

    environment.setattr(parameter_store._client(), "get_parameters", lambda **_: pytest.fail("read again"))

    assert config.webhook_secrets() == (WEBHOOK_SECRET,)


def test_with_a_prefix_secrets_in_the_environment_are_ignored(ssm: Any, environment: pytest.MonkeyPatch):
    environment.setenv("PROXY_API_KEY", "from-the-environment")
    put(ssm, "PROXY_API_KEY", f"{KEY}, {NEW_KEY}")

    assert api_keys() == (KEY, NEW_KEY)


def test_a_missing_secret_is_named(ssm: Any):
    with pytest.raises(ConfigurationError, match="JWT_SECRET"):
        config.jwt_secrets()


def test_a_secret_that_was_missing_is_found_soon_after_it_is_stored(ssm: Any, clock: Any):
    with pytest.raises(ConfigurationError, match="STRIPE_WEBHOOK_SECRET"):
        config.webhook_secrets()
    put(ssm, "STRIPE_WEBHOOK_SECRET", WEBHOOK_SECRET)
    clock.seconds += parameter_store.PAUSE

    assert config.webhook_secrets() == (WEBHOOK_SECRET,)


def api_keys() -> tuple[str, ...]:
    return tuple(one.key for one in config.api_keys())


def test_without_configured_api_keys_there_are_none(ssm: Any):
    assert api_keys() == ()


def test_a_forbidden_read_is_a_misconfiguration(ssm: Any, environment: pytest.MonkeyPatch):
    break_parameter_store(environment, client_error("AccessDeniedException"))

    with pytest.raises(ConfigurationError, match=PREFIX):
        config.jwt_secrets()


def test_the_caller_does_not_see_what_is_misconfigured(ssm: Any, api: Api):
    response = api.get("/api/users/credits", {"authorization": "Bearer x"})

    assert (response.status, response.json()["code"]) == (500, "misconfigured")
    assert PREFIX not in response.body


@pytest.mark.parametrize("error", OUTAGES, ids=repr)
def test_while_reads_fail_the_known_secrets_are_used_for_a_while_and_each_failure_is_counted(
    ssm: Any, environment: pytest.MonkeyPatch, clock: Any, error: Exception, capsys: pytest.CaptureFixture[str]
):
    put(ssm, "PROXY_API_KEY", KEY)
    config.api_keys()
    break_parameter_store(environment, error)

    for _ in range(3):
        clock.seconds += config.SECRET_MAX_AGE - 1
        assert api_keys() == (KEY,)

    assert capsys.readouterr().out.count('"SecretsNotRead"') == 2 * 2  # its name and its value, for each failed read


@pytest.mark.parametrize("error", OUTAGES, ids=repr)
def test_secrets_that_could_not_be_read_for_a_quarter_of_an_hour_are_used_no_longer(
    ssm: Any, environment: pytest.MonkeyPatch, clock: Any, api: Api, error: Exception
):
    put(ssm, "PROXY_API_KEY", KEY)
    create = {"package": "trial"}, {"x-api-key": KEY, "authorization": "Bearer x"}
    with environment.context() as broken:
        config.api_keys()
        break_parameter_store(broken, error)
        clock.seconds += 899
        assert api_keys() == (KEY,)
        clock.seconds += 1

        response = api.post("/api/payments/stripe/create", *create)
        assert (response.status, response.json()["code"]) == (503, "busy")

    clock.seconds += parameter_store.PAUSE
    assert api_keys() == (KEY,)


def test_a_failed_read_is_tried_again_after_seconds_and_not_before(
    ssm: Any, environment: pytest.MonkeyPatch, clock: Any
):
    put(ssm, "PROXY_API_KEY", KEY)
    config.api_keys()
    put(ssm, "PROXY_API_KEY", NEW_KEY)
    clock.seconds += config.SECRET_MAX_AGE
    with environment.context() as broken:
        break_parameter_store(broken, OUTAGES[0])
        assert api_keys() == (KEY,)
    reads = count_reads(environment)

    clock.seconds += parameter_store.PAUSE - 1
    assert (api_keys(), reads) == ((KEY,), [])
    clock.seconds += 1
    assert api_keys() == (NEW_KEY,)


def throttled(request: Any) -> AWSResponse:
    body = json.dumps({"__type": "ThrottlingException"}).encode()
    return AWSResponse(request.url, 400, HTTPHeaders(), SimpleNamespace(stream=lambda: [body]))


def cut_off(request: Any) -> AWSResponse:
    raise ConnectionClosedError(endpoint_url=request.url)


@pytest.mark.parametrize("fail", [throttled, cut_off])
def test_a_read_is_tried_twice(ssm: Any, api: Api, fail: Callable[[Any], AWSResponse]):
    put(ssm, "PROXY_API_KEY", KEY)
    sent: list[Any] = []

    def fail_at_first(request: Any, **_: Any) -> Any:
        sent.append(request)
        return fail(request) if len(sent) == 1 else None

    parameter_store._client().meta.events.register_first("before-send.ssm", fail_at_first)

    assert api_keys() == (KEY,)
    assert len(sent) == 2


def test_a_secret_is_read_again_when_it_is_too_old(ssm: Any, clock: Any):
    put(ssm, "STRIPE_WEBHOOK_SECRET", WEBHOOK_SECRET)
    assert config.webhook_secrets() == (WEBHOOK_SECRET,)
    put(ssm, "STRIPE_WEBHOOK_SECRET", NEW_WEBHOOK_SECRET)
    clock.seconds += config.SECRET_MAX_AGE - 1
    assert config.webhook_secrets() == (WEBHOOK_SECRET,)

    clock.seconds += 1

    assert config.webhook_secrets() == (NEW_WEBHOOK_SECRET,)


# ------------------------------------------------------------------------------------------------- a second look


def signed_with(secret: str, api: Api) -> bool:
    body = as_bytes(event("customer.created", {"livemode": False}))
    header = signature(body, int(api.now.timestamp()), secret)
    return api.post("/api/payments/webhook/stripe", raw=body, headers={"Stripe-Signature": header}).status == 200


def called_with(secret: str, api: Api) -> bool:
    # The token is missing too: that is noticed after the key.
    return "X-API-Key" not in api.post("/api/payments/stripe/create", {}, {"x-api-key": secret}).json()["detail"]


def token_by(secret: str, api: Api) -> bool:
    bearer = jwt.encode({"sub": "u", "exp": 4_000_000_000}, secret, "HS256")
    return api.get("/api/users/credits", {"authorization": f"Bearer {bearer}"}).status == 200


DOORS = pytest.mark.parametrize(
    ("name", "knock"),
    [("STRIPE_WEBHOOK_SECRET", signed_with), ("PROXY_API_KEY", called_with), ("JWT_SECRET", token_by)],
)
OLD, NEW, WRONG = (f"whsec_a_secret_of_at_least_32_bytes_{which}" for which in ("old", "new", "wrong"))
Knock = Callable[[str, Api], bool]


@DOORS
def test_a_secret_that_was_stored_a_moment_ago_is_accepted_without_waiting(
    ssm: Any, clock: Any, api: Api, name: str, knock: Knock
):
    put(ssm, "STRIPE_SECRET_KEY", "sk_test_1")
    put(ssm, name, OLD)
    assert knock(OLD, api)
    put(ssm, name, f"{NEW},{OLD}")
    clock.seconds += parameter_store.PAUSE

    assert knock(NEW, api)
    assert knock(OLD, api)
    assert not knock(WRONG, api)


@DOORS
def test_nobody_outside_can_make_every_request_a_read(
    ssm: Any, environment: pytest.MonkeyPatch, clock: Any, api: Api, name: str, knock: Knock
):
    put(ssm, "STRIPE_SECRET_KEY", "sk_test_1")
    put(ssm, name, OLD)
    assert knock(OLD, api)
    clock.seconds += parameter_store.PAUSE
    reads = count_reads(environment)

    for _ in range(20):
        assert not knock(WRONG, api)
    assert len(reads) == 1
    assert knock(OLD, api)


@DOORS
def test_a_second_look_that_fails_shuts_nobody_out(
    ssm: Any, environment: pytest.MonkeyPatch, clock: Any, api: Api, name: str, knock: Knock
):
    put(ssm, "STRIPE_SECRET_KEY", "sk_test_1")
    put(ssm, name, OLD)
    assert knock(OLD, api)
    clock.seconds += parameter_store.PAUSE
    break_parameter_store(environment, OUTAGES[0])

    assert not knock(WRONG, api)
    assert knock(OLD, api)
