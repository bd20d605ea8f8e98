"""Signing in at an identity provider: authorization code with PKCE, and answers that must not be believed."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from local.launcher import Stack, running
from tests.e2e.console_page import expect_title
from tests.e2e.identity_provider import CLIENT_ID, Provider, serving


@pytest.fixture(scope="module")
def server() -> Iterator[Provider]:
    with serving() as started:
        yield started


@pytest.fixture(scope="module")
def stack(server: Provider) -> Iterator[Stack]:
    """Accepts the provider's tokens, which are signed with its secret, and no others."""
    with running(JWT_ISSUER=server.issuer, CONSOLE_CLIENT_ID=CLIENT_ID, CONSOLE_AUDIENCE="topup") as started:
        yield started


@pytest.fixture
def provider(server: Provider, stack: Stack) -> Provider:
    server.mint = lambda: stack.token("olga", role="admin")
    server.refuses = server.named = ""
    server.asked.clear()
    return server


def leave(page: Page, stack: Stack, place: str = "") -> None:
    page.goto(f"{stack.api_url}/console{place}")
    page.get_by_role("button", name="Sign in at your provider").click()


def test_somebody_signs_in_and_is_back_where_they_wanted_to_go(page: Page, stack: Stack, provider: Provider) -> None:
    leave(page, stack, "#/user/alice")

    expect_title(page, "alice")
    expect(page.locator("#person")).to_contain_text("olga")
    expect(page).to_have_url(f"{stack.api_url}/console#/user/alice")  # without the code
    [asked] = provider.asked
    assert asked["client_id"] == CLIENT_ID
    assert asked["response_type"] == "code"
    assert asked["redirect_uri"] == f"{stack.api_url}/console"
    assert asked["scope"] == "openid"
    assert asked["audience"] == "topup"
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["state"]) >= 43  # 32 random bytes


def test_two_sign_ins_have_nothing_in_common(page: Page, stack: Stack, provider: Provider) -> None:
    for _ in range(2):
        leave(page, stack)
        page.get_by_role("button", name="Sign out").click()

    first, second = provider.asked
    assert first["state"] != second["state"]
    assert first["code_challenge"] != second["code_challenge"]


def test_whom_the_provider_refuses_is_told_why(page: Page, stack: Stack, provider: Provider) -> None:
    provider.refuses = "access_denied"
    leave(page, stack)

    expect(page.get_by_role("alert").first).to_contain_text("did not sign you in. (You are not in this group)")
    expect(page).to_have_url(re.compile("/console$"))


@pytest.mark.parametrize("begun", [True, False])
def test_an_answer_that_nobody_asked_for_signs_nobody_in(
    page: Page, stack: Stack, provider: Provider, begun: bool
) -> None:
    if begun:
        provider.refuses = "login_required"
        leave(page, stack)
        expect(page.get_by_role("alert").first).to_be_visible()
    provider.challenges["stolen"] = "x"
    page.goto(f"{stack.api_url}/console?code=stolen&state=forged")

    expect(page.get_by_role("alert").first).to_contain_text("who had not left from here")
    assert "stolen" in provider.challenges  # the code was not used
    expect(page.locator("#person")).to_be_hidden()


def test_a_provider_that_introduces_itself_as_another_one_is_not_believed(
    page: Page, stack: Stack, provider: Provider
) -> None:
    provider.named = "https://elsewhere.example"
    leave(page, stack)

    expect(page.get_by_role("alert").first).to_contain_text("another name than the one that is configured")
    assert provider.asked == []


def test_a_token_that_the_api_cannot_read_is_said(page: Page, stack: Stack, provider: Provider) -> None:
    provider.mint = lambda: "opaque"
    leave(page, stack)

    expect(page.get_by_role("alert").first).to_contain_text("no token that the API could read")


def test_a_pasted_token_still_signs_in(page: Page, stack: Stack, provider: Provider) -> None:
    page.goto(f"{stack.api_url}/console")
    page.get_by_text("Sign in by a token instead").click()
    page.locator("#token").fill(stack.admin_token)
    page.get_by_role("button", name="Sign in", exact=True).click()

    expect(page.locator("#search")).to_be_visible()
