"""The service's tests: what it does when it is paid, and when something goes wrong on the way."""

import asyncio
from collections.abc import Callable, Iterator

import httpx
import pytest
import service
from topup_local import Topup

Ask = Callable[[str], httpx.Response]

QUESTION = "What is a prepaid credit?"  # an answer of five words: five credits


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The seconds that the service has waited; the tests wait for nothing."""
    waited: list[int] = []
    monkeypatch.setattr(service, "pause", waited.append)
    return waited


@pytest.fixture
def ask(topup: Topup) -> Iterator[Ask]:
    """Asks the service in the name of a user, and reads its whole answer."""
    with httpx.Client(timeout=2, trust_env=False) as http:
        transport = httpx.ASGITransport(service.create_app(service.Topup(topup.url, topup.service_key, http)))

        async def send(user: str) -> httpx.Response:
            async with httpx.AsyncClient(transport=transport, base_url="http://service") as browser:
                return await browser.post("/ask", params={"user": user, "question": QUESTION})

        yield lambda user: asyncio.run(send(user))


def test_an_answer_costs_its_words(topup: Topup, ask: Ask) -> None:
    user = topup.user()
    topup.buy(user)

    assert ask(user).text == QUESTION + " "
    assert topup.balance(user) == 1100 - 5
    assert topup.holds(user) == []


def test_who_has_too_few_credits_is_told_how_many_are_missing(topup: Topup, ask: Ask) -> None:
    user = topup.user()
    topup.grant(user, 20)

    refused = ask(user)

    assert (refused.status_code, refused.json()) == (402, {"missing": 30})


def test_what_was_bought_can_be_used_once_a_late_webhook_has_come(topup: Topup, ask: Ask) -> None:
    user = topup.user()
    topup.webhooks(paused=True)
    topup.pay(topup.order(user))
    assert ask(user).status_code == 402

    topup.webhooks()
    topup.wait_for_webhooks()

    assert ask(user).status_code == 200


def test_a_webhook_that_comes_twice_counts_once(topup: Topup) -> None:
    user = topup.user()
    topup.webhooks(duplicates=3)
    topup.buy(user)
    topup.wait_for_webhooks()

    assert topup.balance(user) == 1100


def test_what_a_lost_webhook_has_not_told_is_found_by_reconcile(topup: Topup, ask: Ask) -> None:
    user = topup.user()
    topup.webhooks(drop=1.0)
    topup.pay(topup.order(user))
    topup.advance(minutes=30)
    topup.reconcile()

    assert ask(user).status_code == 200


def test_a_busy_topup_is_asked_again_after_its_pause(topup: Topup, ask: Ask, pauses: list[int]) -> None:
    user = topup.user()
    topup.grant(user, 100)
    topup.fault("topup", "503", path="/api/users/credits/holds", times=2)

    assert ask(user).status_code == 200
    assert pauses == [2, 2]  # its Retry-After
    assert topup.balance(user) == 95


def test_a_topup_that_stays_busy_is_not_hammered(topup: Topup, ask: Ask) -> None:
    user = topup.user()
    topup.grant(user, 100)
    topup.fault("topup", "503", times=service.TRIES)

    assert ask(user).status_code == 503
    assert topup.balance(user) == 100


def test_a_capture_whose_answer_is_lost_is_sent_again_and_taken_once(topup: Topup, ask: Ask) -> None:
    user = topup.user()
    topup.grant(user, 100)
    topup.fault("topup", "timeout_after", path="*/capture")

    assert ask(user).status_code == 200
    assert [entry["amount"] for entry in topup.ledger(user)] == [-5, 100]


def test_a_dispute_takes_the_credits_back_until_it_is_won(topup: Topup, ask: Ask) -> None:
    user = topup.user()
    payment = topup.buy(user)

    dispute = topup.dispute(payment)
    assert ask(user).status_code == 402

    topup.close_dispute(dispute, "won")
    assert ask(user).status_code == 200


def test_a_refund_takes_the_credits_back(topup: Topup, ask: Ask) -> None:
    user = topup.user()
    topup.refund(topup.buy(user))

    assert ask(user).status_code == 402
    assert topup.wait_for_event("credits.refunded", user)["detail"]["amount"] == -1100


def test_credits_expire(topup: Topup, ask: Ask) -> None:
    user = topup.user()
    topup.buy(user)
    topup.advance(days=190)

    assert ask(user).status_code == 402
