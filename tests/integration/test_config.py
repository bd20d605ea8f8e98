"""Settings that are missing or unsafe are refused, and the error names the variable."""

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


def test_settings_hold_no_secret(environment: pytest.MonkeyPatch):
    environment.setenv("JWT_SECRET", "a-planted-secret-of-more-than-thirty-two-bytes")

    assert "planted" not in repr(config.settings())


def test_the_mode_follows_from_the_stripe_key(environment: pytest.MonkeyPatch):
    environment.setenv("STRIPE_SECRET_KEY", "rk_live_1")

    assert config.is_livemode()
