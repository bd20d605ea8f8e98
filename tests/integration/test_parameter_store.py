"""Secrets on AWS: SecureStrings below one prefix of SSM Parameter Store."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from moto import mock_aws

from local.in_process.api import Api
from topup.domain.errors import ConfigurationError
from topup.runtime import aws, config, parameter_store

PREFIX = "/topup/test"


@pytest.fixture
def ssm(environment: pytest.MonkeyPatch) -> Iterator[Any]:
    """Parameter Store, empty; the functions read their secrets from it."""
    environment.setenv("SECRETS_PREFIX", PREFIX)
    forget()
    with mock_aws():
        yield boto3.client("ssm")
    forget()


def forget() -> None:
    parameter_store._known.clear()
    parameter_store._client.cache_clear()
    aws._session.cache_clear()


def put(ssm: Any, name: str, value: str) -> None:
    ssm.put_parameter(Name=f"{PREFIX}/{name}", Value=value, Type="SecureString", Overwrite=True)


def refuse(environment: pytest.MonkeyPatch, error: Exception) -> None:
    """Let Parameter Store fail from now on, and what is known be too old."""
    environment.setattr(config, "SECRET_MAX_AGE", 0)

    def failing(*_: Any, **__: Any) -> Any:
        raise error

    environment.setattr(parameter_store._client(), "get_parameters", failing)


def client_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code}}, "GetParameters")


def test_a_secret_is_read_and_decrypted(ssm: Any):
    put(ssm, "STRIPE_SECRET_KEY", "sk_live_1\n")

    assert config.stripe_secret_key() == "sk_live_1"


def test_all_secrets_of_a_function_are_read_at_once(ssm: Any, environment: pytest.MonkeyPatch):
    environment.setenv("SECRETS", "STRIPE_SECRET_KEY,STRIPE_WEBHOOK_SECRET")
    put(ssm, "STRIPE_SECRET_KEY", "sk_live_1")
    put(ssm, "STRIPE_WEBHOOK_SECRET", "whsec_1")
    assert config.is_livemode()

    environment.setattr(parameter_store._client(), "get_parameters", lambda **_: pytest.fail("read again"))

    assert config.webhook_secrets() == ("whsec_1",)


def test_with_a_prefix_the_environment_is_not_believed(ssm: Any, environment: pytest.MonkeyPatch):
    environment.setenv("PROXY_API_KEY", "from-the-environment")
    put(ssm, "PROXY_API_KEY", "a, b")

    assert config.api_keys() == ("a", "b")


def test_a_missing_secret_is_named(ssm: Any):
    with pytest.raises(ConfigurationError, match="JWT_SECRET"):
        config.jwt_secret()


def test_without_api_keys_none_is_right(ssm: Any):
    assert config.api_keys() == ()


def test_where_we_may_not_read_it_is_a_mistake_of_configuration(ssm: Any, environment: pytest.MonkeyPatch):
    refuse(environment, client_error("AccessDeniedException"))

    with pytest.raises(ConfigurationError, match=PREFIX):
        config.jwt_secret()


def test_what_is_wrong_is_no_detail_for_a_caller(ssm: Any, api: Api):
    answer = api.get("/api/users/credits", {"authorization": "Bearer x"})

    assert (answer.status, answer.json()["code"]) == (500, "misconfigured")
    assert PREFIX not in answer.body


@pytest.mark.parametrize("error", [client_error("ThrottlingException"), ReadTimeoutError(endpoint_url="ssm")])
def test_while_it_does_not_answer_the_known_secrets_are_good(
    ssm: Any, environment: pytest.MonkeyPatch, error: Exception
):
    put(ssm, "PROXY_API_KEY", "known")
    config.api_keys()
    refuse(environment, error)

    assert config.api_keys() == ("known",)


def test_when_it_never_answered_the_caller_may_retry(ssm: Any, environment: pytest.MonkeyPatch, api: Api):
    refuse(environment, client_error("ThrottlingException"))

    answer = api.get("/api/users/credits", {"authorization": "Bearer x"})

    assert (answer.status, answer.json()["code"]) == (503, "busy")


def test_a_secret_is_read_once_for_a_while_and_then_again(ssm: Any, environment: pytest.MonkeyPatch):
    put(ssm, "STRIPE_WEBHOOK_SECRET", "whsec_old")
    assert config.webhook_secrets() == ("whsec_old",)
    put(ssm, "STRIPE_WEBHOOK_SECRET", "whsec_new")
    assert config.webhook_secrets() == ("whsec_old",)

    environment.setattr(config, "SECRET_MAX_AGE", 0)

    assert config.webhook_secrets() == ("whsec_new",)


def test_the_client_gives_up_soon(ssm: Any):
    limits: Any = parameter_store._client().meta.config

    assert (limits.connect_timeout, limits.read_timeout) == (1, 1)
    assert limits.retries["total_max_attempts"] == 1
