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


def put(ssm: Any, name: str, value: str) -> None:
    ssm.put_parameter(Name=f"{PREFIX}/{name}", Value=value, Type="SecureString", Overwrite=True)


def break_parameter_store(environment: pytest.MonkeyPatch, error: Exception) -> None:
    """Let every read fail from now on; the secrets that are known are too old to be used without one."""
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


def test_with_a_prefix_secrets_in_the_environment_are_ignored(ssm: Any, environment: pytest.MonkeyPatch):
    environment.setenv("PROXY_API_KEY", "from-the-environment")
    put(ssm, "PROXY_API_KEY", "a, b")

    assert config.api_keys() == ("a", "b")


def test_a_missing_secret_is_named(ssm: Any):
    with pytest.raises(ConfigurationError, match="JWT_SECRET"):
        config.jwt_secret()


def test_without_configured_api_keys_there_are_none(ssm: Any):
    assert config.api_keys() == ()


def test_a_forbidden_read_is_a_misconfiguration(ssm: Any, environment: pytest.MonkeyPatch):
    break_parameter_store(environment, client_error("AccessDeniedException"))

    with pytest.raises(ConfigurationError, match=PREFIX):
        config.jwt_secret()


def test_the_caller_does_not_see_what_is_misconfigured(ssm: Any, api: Api):
    response = api.get("/api/users/credits", {"authorization": "Bearer x"})

    assert (response.status, response.json()["code"]) == (500, "misconfigured")
    assert PREFIX not in response.body


@pytest.mark.parametrize("error", [client_error("ThrottlingException"), ReadTimeoutError(endpoint_url="ssm")])
def test_while_reads_fail_the_known_secrets_are_used(ssm: Any, environment: pytest.MonkeyPatch, error: Exception):
    put(ssm, "PROXY_API_KEY", "known")
    config.api_keys()
    break_parameter_store(environment, error)

    assert config.api_keys() == ("known",)


def test_when_the_first_read_fails_the_caller_gets_503_and_may_retry(
    ssm: Any, environment: pytest.MonkeyPatch, api: Api
):
    break_parameter_store(environment, client_error("ThrottlingException"))

    response = api.get("/api/users/credits", {"authorization": "Bearer x"})

    assert (response.status, response.json()["code"]) == (503, "busy")


@pytest.mark.parametrize("code", ["ValidationException", "InvalidKeyId", "ExpiredTokenException"])
def test_a_first_read_that_fails_for_good_is_a_misconfiguration(ssm: Any, environment: pytest.MonkeyPatch, code: str):
    break_parameter_store(environment, client_error(code))

    with pytest.raises(ConfigurationError, match=code):
        config.jwt_secret()


def test_a_secret_is_read_again_when_it_is_too_old(ssm: Any, environment: pytest.MonkeyPatch):
    put(ssm, "STRIPE_WEBHOOK_SECRET", "whsec_old")
    assert config.webhook_secrets() == ("whsec_old",)
    put(ssm, "STRIPE_WEBHOOK_SECRET", "whsec_new")
    assert config.webhook_secrets() == ("whsec_old",)

    environment.setattr(config, "SECRET_MAX_AGE", 0)

    assert config.webhook_secrets() == ("whsec_new",)


def test_the_client_has_short_time_limits_and_does_not_retry(ssm: Any):
    limits: Any = parameter_store._client().meta.config

    assert (limits.connect_timeout, limits.read_timeout) == (1, 1)
    assert limits.retries["total_max_attempts"] == 1
