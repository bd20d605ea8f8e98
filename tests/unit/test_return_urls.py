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


def test_the_outcome_is_added_to_the_query_and_replaces_a_forged_one():
    url = return_urls.with_outcome("https://good.example/back?plan=a&status=forged#top", "p-1", "success")

    assert url == "https://good.example/back?plan=a&payment_id=p-1&status=success#top"
