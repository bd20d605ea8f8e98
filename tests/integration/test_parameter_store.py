"""Secrets on AWS: SecureStrings below one prefix of SSM Parameter Store."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.support.api import Api
from topup import config, parameter_store
from topup.domain.errors import ConfigurationError

PREFIX = "/topup/test"


@pytest.fixture
def ssm(environment: pytest.MonkeyPatch) -> Iterator[Any]:
    """Parameter Store, empty; the functions read their secrets from it."""
    environment.setenv("SECRETS_PREFIX", PREFIX)
    parameter_store._provider.cache_clear()
    with mock_aws():
        yield boto3.client("ssm")
    parameter_store._provider.cache_clear()


def put(ssm: Any, name: str, value: str) -> None:
    ssm.put_parameter(Name=f"{PREFIX}/{name}", Value=value, Type="SecureString", Overwrite=True)


def test_a_secret_is_read_and_decrypted(ssm: Any):
    put(ssm, "STRIPE_SECRET_KEY", "sk_live_1\n")

    assert config.stripe_secret_key() == "sk_live_1"


def test_with_a_prefix_the_environment_is_not_believed(ssm: Any, environment: pytest.MonkeyPatch):
    environment.setenv("PROXY_API_KEY", "from-the-environment")
    put(ssm, "PROXY_API_KEY", "a, b")

    assert config.api_keys() == ("a", "b")


def test_a_missing_parameter_is_named(ssm: Any):
    with pytest.raises(ConfigurationError, match=f"{PREFIX}/JWT_SECRET"):
        config.jwt_secret()


def test_a_missing_parameter_is_no_detail_for_a_caller(ssm: Any, api: Api):
    answer = api.get("/api/users/credits", {"authorization": "Bearer x"})

    assert (answer.status, answer.json()["code"]) == (500, "misconfigured")
    assert PREFIX not in answer.body


def test_a_secret_is_read_once_for_a_while_and_then_again(ssm: Any, monkeypatch: pytest.MonkeyPatch):
    put(ssm, "STRIPE_WEBHOOK_SECRET", "whsec_old")
    assert config.webhook_secrets() == ("whsec_old",)
    put(ssm, "STRIPE_WEBHOOK_SECRET", "whsec_new")
    assert config.webhook_secrets() == ("whsec_old",)

    monkeypatch.setattr(config, "SECRET_MAX_AGE", 0)
    parameter_store._provider.cache_clear()

    assert config.webhook_secrets() == ("whsec_new",)
