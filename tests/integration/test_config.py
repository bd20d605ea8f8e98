"""Settings that are missing or unsafe are refused, and the error names the variable."""

from collections.abc import Callable

import pytest

from topup.domain.errors import ConfigurationError
from topup.runtime import config


@pytest.mark.parametrize("name", ["STACK_NAME", "ORDERS_TABLE", "CREDITS_TABLE", "FRONTEND_URL"])
def test_a_missing_variable_is_named(environment: pytest.MonkeyPatch, name: str):
    environment.setenv(name, " ")

    with pytest.raises(ConfigurationError, match=name):
        config.settings()


@pytest.mark.parametrize(
    "url",
    ["shop.example", "https://shop.example/", "https://shop.example/a", "ftp://shop.example", "https://a b", "*"],
)
def test_a_frontend_url_that_is_no_origin_is_refused(environment: pytest.MonkeyPatch, url: str):
    environment.setenv("FRONTEND_URL", f"https://good.example,{url}")

    with pytest.raises(ConfigurationError, match="FRONTEND_URL"):
        config.settings()


@pytest.mark.parametrize("urls", [",", " , "])
def test_a_frontend_url_without_an_origin_is_refused(environment: pytest.MonkeyPatch, urls: str):
    environment.setenv("FRONTEND_URL", urls)

    with pytest.raises(ConfigurationError, match="FRONTEND_URL"):
        config.settings()


@pytest.mark.parametrize("months", ["0", "121", "-1", "six", "1.5", ""])
def test_expiry_is_a_whole_number_of_months(environment: pytest.MonkeyPatch, months: str):
    environment.setenv("CREDITS_EXPIRE_AFTER_MONTHS", months)

    with pytest.raises(ConfigurationError, match="CREDITS_EXPIRE_AFTER_MONTHS"):
        config.settings()


@pytest.mark.parametrize("key", ["", "pk_test_1", "sk_1", "whsec_1", "sk_test_", "sk_test_a b"])
def test_a_stripe_key_that_is_no_secret_key_is_refused_without_being_repeated(
    environment: pytest.MonkeyPatch, key: str
):
    environment.setenv("STRIPE_SECRET_KEY", key)

    with pytest.raises(ConfigurationError, match="STRIPE_SECRET_KEY") as refused:
        config.stripe_secret_key()
    assert key in ("", "sk_test_") or key not in str(refused.value)


def test_the_providers_keys_are_fetched_over_https_only(environment: pytest.MonkeyPatch):
    environment.setenv("JWT_JWKS_URL", "http://provider.example/jwks")

    with pytest.raises(ConfigurationError, match="JWT_JWKS_URL"):
        config.settings()


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"JWT_JWKS_URL": "https://provider.example/jwks"}, "JWT_AUDIENCE must be set"),
        ({"JWT_JWKS_URL": "https://provider.example/jwks", "JWT_AUDIENCE": " , "}, "JWT_AUDIENCE must be set"),
        ({"JWT_AUDIENCE": "*,web"}, "either"),
        ({"ADMIN_CLAIM_IS_LIST": "yes"}, "ADMIN_CLAIM_IS_LIST must be true or false"),
    ],
)
def test_who_is_let_in_is_never_left_open(environment: pytest.MonkeyPatch, variables: dict[str, str], problem: str):
    for name, value in variables.items():
        environment.setenv(name, value)

    with pytest.raises(ConfigurationError, match=problem):
        config.settings()


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("PROXY_API_KEY", "x" * 19, config.api_keys),
        ("PROXY_API_KEY", f"{'x' * 20},y", config.api_keys),
        ("JWT_SECRET", "x" * 31, config.jwt_secrets),
        ("JWT_SECRET", f"{'x' * 32},y", config.jwt_secrets),
        ("STRIPE_WEBHOOK_SECRET", "whsec_of_19_letters"[:19], config.webhook_secrets),
        ("STRIPE_WEBHOOK_SECRET", "a-long-secret-that-is-not-one-of-stripes", config.webhook_secrets),
        ("STRIPE_WEBHOOK_SECRET", "whsec_of_the_test_endpoint,placeholder", config.webhook_secrets),
    ],
)
def test_a_secret_that_can_be_guessed_is_refused_without_being_repeated(
    environment: pytest.MonkeyPatch, name: str, value: str, read: Callable[[], object]
):
    environment.setenv(name, value)

    with pytest.raises(ConfigurationError, match=name) as refused:
        read()
    assert value not in str(refused.value)


def test_settings_hold_no_secret(environment: pytest.MonkeyPatch):
    environment.setenv("JWT_SECRET", "a-planted-secret-of-more-than-thirty-two-bytes")

    assert "planted" not in repr(config.settings())


def test_the_mode_follows_from_the_stripe_key(environment: pytest.MonkeyPatch):
    environment.setenv("STRIPE_SECRET_KEY", "rk_live_1")

    assert config.is_livemode()
