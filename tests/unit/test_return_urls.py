import pytest

from topup.domain import return_urls
from topup.domain.errors import ValidationFailed

ORIGINS = ("https://good.example", "http://localhost:3000")


@pytest.mark.parametrize(
    "url",
    ["https://good.example", "https://good.example/", "https://good.example/a?b=c#d", "http://localhost:3000/x"],
)
def test_an_address_of_a_configured_origin_is_used_unchanged(url: str):
    assert return_urls.checked(url, ORIGINS) == url


def test_the_first_origin_is_the_default():
    assert return_urls.checked(None, ORIGINS) == "https://good.example"


@pytest.mark.parametrize(
    "url",
    [
        "//evil.example",
        "https://evil.example",
        "https://good.example@evil.example",
        "https://good.example.evil.example",
        "https://good.example:8443/",
        "http://good.example/",
        "HTTPS://good.example/",
        "https://good.example\\@evil.example",
        "https://good.example/\\evil.example",
        "https://good.example/\r\nLocation: https://evil.example",
        "https://good.example/ x",
        "https://good.example/é",
        "https://user@good.example/",
        "javascript:alert(1)",
        "data:text/html,x",
        "/callback",
        "http://localhost:30000/",
        "",
    ],
)
def test_any_other_address_is_refused(url: str):
    with pytest.raises(ValidationFailed, match="return_url"):
        return_urls.checked(url, ORIGINS)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://good.example", "https://good.example/?OUTCOME"),
        ("https://good.example#top", "https://good.example/?OUTCOME#top"),
        ("https://good.example/", "https://good.example/?OUTCOME"),
        ("https://good.example/back", "https://good.example/back?OUTCOME"),
        ("https://good.example?plan=a", "https://good.example?plan=a&OUTCOME"),
        ("https://good.example/back?", "https://good.example/back?OUTCOME"),
        ("https://good.example/back?a=1&", "https://good.example/back?a=1&OUTCOME"),
        ("https://good.example/back?plan=a&status=x#top", "https://good.example/back?plan=a&status=x&OUTCOME#top"),
        ("https://good.example/?s={CHECKOUT_SESSION_ID}", "https://good.example/?s={CHECKOUT_SESSION_ID}&OUTCOME"),
        ("https://good.example/%E4?q=%E4+b%20c", "https://good.example/%E4?q=%E4+b%20c&OUTCOME"),
        ("https://good.example/?flag;x=1", "https://good.example/?flag;x=1&OUTCOME"),
        ("https://good.example/app#/pay?step=2#", "https://good.example/app?OUTCOME#/pay?step=2#"),
    ],
)
def test_the_outcome_is_added_to_the_query_and_nothing_else_changes(url: str, expected: str):
    outcome = "payment_id=p-1&status=success"

    assert return_urls.with_outcome(url, "p-1", "success") == expected.replace("OUTCOME", outcome)
