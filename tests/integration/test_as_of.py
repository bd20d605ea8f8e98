"""What a user's credits were at an earlier moment, and what will be left at a later one."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from local.in_process.api import as_admin, as_support, as_user
from local.in_process.environment import API_KEY, USER_ID
from local.in_process.shop import Shop
from tests.support.builders import a_lot
from tests.unit.test_events import an_entry
from topup.domain.credits import UserCredits
from topup.domain.lots import Lot
from topup.store import credits, past

NOTHING = {"balance": 0, "held": 0, "available": 0, "debt": 0, "total_credits_earned": 0, "lots": []}


def at(shop: Shop, moment: datetime | str, user: str = USER_ID) -> Mapping[str, Any]:
    text = moment if isinstance(moment, str) else moment.isoformat()
    response = shop.api.get(f"/api/users/credits?as_of={quote(text)}", as_user(user))
    assert response.status == 200, response.json()
    return dict(response.json())


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also short histories are searched, as long ones are."""
    monkeypatch.setattr(past, "FEW", 1)


@dataclass
class Answers:
    """What the user's credits were at the moments at which they were asked for."""

    shop: Shop
    by_moment: dict[datetime, Mapping[str, Any]] = field(default_factory=dict)

    def wait(self, **duration: float) -> None:
        """Ask, and let time pass."""
        self.by_moment[self.shop.now] = dict(self.shop.credits())
        self.shop.wait(**duration)


def history(shop: Shop) -> dict[datetime, Mapping[str, Any]]:
    """What was answered before and after each of many changes."""
    answers = Answers(shop)
    wait = answers.wait
    wait(minutes=1)
    shop.grant(100, expires_at=(shop.now + timedelta(days=2)).isoformat())
    wait(seconds=0.25)
    payment_id, _ = shop.buy()
    shop.deliver()
    wait(minutes=10)
    spent = shop.spend(150).json()
    wait(minutes=5)
    hold = shop.hold(200, ttl_seconds=3600).json()
    wait(minutes=5)
    shop.extend(hold, ttl_seconds=7200, add=50)
    wait(minutes=5)
    shop.capture(hold, 30, final=False)
    wait(minutes=5)
    released = shop.hold(10).json()
    wait(minutes=1)
    shop.release(released)
    wait(minutes=4)
    _and_what_comes_after(answers, hold, spent, payment_id)
    return answers.by_moment


def _and_what_comes_after(answers: Answers, hold: Mapping[str, Any], spent: Mapping[str, Any], payment_id: str) -> None:
    """Ends of holds, credits that come and go back, and lots that expire or are used up."""
    shop, wait = answers.shop, answers.wait
    shop.hold(11, ttl_seconds=60)
    wait(minutes=5)
    shop.capture(hold, 400)
    wait(minutes=5)
    shop.reverse(spent["transaction_id"], 60)
    wait(minutes=5)
    shop.refund(payment_id, 50.0)
    shop.deliver()
    wait(days=3)
    shop.run_timers()
    wait(minutes=1)
    shop.adjust(-5)
    wait(minutes=1)
    shop.spend(shop.credits()["available"])
    wait(days=1)


@pytest.mark.parametrize("searched", [True, False])
def test_the_past_is_answered_as_it_was_answered_then(shop: Shop, request: pytest.FixtureRequest, searched: bool):
    if searched:
        request.getfixturevalue("few")
    answers = history(shop)

    assert {moment: at(shop, moment) for moment in answers} == answers
    shop.check()


@pytest.mark.usefixtures("few")
def test_the_future_is_answered_as_it_will_be_answered_then(shop: Shop):
    shop.grant(100, expires_at=(shop.now + timedelta(days=2)).isoformat())
    shop.grant(50, expires_at=None)
    shop.hold(120, ttl_seconds=3600)
    moments = [shop.now + timedelta(hours=hours) for hours in (0, 1, 24, 48, 50)]

    foreseen = [at(shop, moment) for moment in moments]

    assert [(one["balance"], one["held"], one["available"]) for one in foreseen] == [
        (150, 120, 30),
        (150, 0, 150),
        (150, 0, 150),
        (50, 0, 50),
        (50, 0, 50),
    ]
    for moment, answer in zip(moments, foreseen, strict=True):
        shop.api.now = moment
        assert shop.credits() == answer
    assert at(shop, "9999-12-31T23:59:59Z")["balance"] == 50


def test_between_two_entries_of_one_second_it_is_what_was_after_the_first(shop: Shop):
    shop.grant(100)
    first = shop.now
    shop.wait(seconds=0.25)
    shop.spend(30)

    assert at(shop, first + timedelta(seconds=0.249))["balance"] == 100
    assert at(shop, first + timedelta(seconds=0.25))["balance"] == 70
    assert at(shop, first - timedelta(seconds=0.001)) == {"user_id": USER_ID, **NOTHING}


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "0999-06-01T00:00:00Z", "1969-12-31T23:59:59.999999999Z"])
def test_before_everything_there_was_nothing(shop: Shop, moment: str):
    shop.grant(100)

    assert at(shop, moment) == {"user_id": USER_ID, **NOTHING}
    assert at(shop, moment, "nobody") == {"user_id": "nobody", **NOTHING}


def test_services_support_and_administrators_ask_for_any_user(shop: Shop):
    shop.grant(100)
    then = quote(shop.now.isoformat())
    shop.wait(minutes=1)
    shop.spend(30)

    for caller in ({"x-api-key": API_KEY}, as_support(), as_admin()):
        answer = shop.api.get(f"/api/users/{USER_ID}/credits?as_of={then}", caller)
        assert answer.json()["balance"] == 100
    assert shop.api.get(f"/api/users/{USER_ID}/credits?as_of={then}", as_user("another")).status == 403


@pytest.mark.parametrize(
    "value",
    [
        *("", "yesterday", "2026-03-01", "2026-03-01T12:00:00", "2026-02-30T12:00:00Z", "2026-03-01T25:00:00Z"),
        *("0001-01-01T00:00:00%2B01:00", "9999-12-31T23:59:59-00:01", "2026-03-01T12:00:00+01:00", "1772366400"),
        *("2026-03-01T12:00:00.1234567890Z", "２026-03-01T12:00:00Z", "x" * 2000),
    ],
)
def test_what_is_no_time_is_refused_with_the_fields_name(shop: Shop, value: str):
    sent = value if value.isascii() else quote(value)
    refused = shop.api.get(f"/api/users/credits?as_of={sent}", as_user())

    assert refused.status == 422
    assert [one["field"] for one in refused.json()["errors"]] == ["as_of"]


def test_an_offset_is_heeded(shop: Shop):
    shop.grant(100)

    assert at(shop, "2026-03-01T13:00:00+01:00")["balance"] == 100
    assert at(shop, "2026-03-01T12:59:59+01:00")["balance"] == 0


# ------------------------------------------------------------------------------------------------- what it costs


def test_a_short_ledger_is_read_with_few_requests(shop: Shop):
    shop.grant(100)
    then = shop.now
    shop.wait(minutes=1)
    shop.spend(100)
    shop.dynamodb.operations.clear()

    assert at(shop, then)["balance"] == 100
    assert shop.dynamodb.operations == ["Query", "Query", "BatchGetItem", "Query"]


# ------------------------------------------------------------------------------------------- what is not known any more


def test_with_too_many_ended_holds_it_is_not_told_what_they_reserved(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(past, "MOST_HOLDS", 2)
    shop.grant(100)
    for n in range(3):
        then = shop.now
        shop.wait(seconds=1)
        shop.release(shop.hold(10, f"hold-{n}").json())

    answer = at(shop, then)

    assert (answer["balance"], answer["held"], answer["available"]) == (100, None, None)


def test_too_deep_in_a_long_history_is_refused(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(past, "FEW", 1)
    monkeypatch.setattr(past, "MOST_READ", 2)
    monkeypatch.setattr(past, "LATEST_WRITE", timedelta(0))
    moments = []
    shop.grant(100)
    for _ in range(6):
        moments.append(shop.now)
        shop.wait(seconds=1)
        shop.spend(1)

    statuses = [
        shop.api.get(f"/api/users/credits?as_of={quote(moment.isoformat())}", as_user()).status for moment in moments
    ]

    assert statuses == [200, 200, 422, 422, 200, 200]


def test_an_entry_that_was_received_before_the_moment_and_written_after_it_does_not_count(shop: Shop):
    shop.grant(100)
    shop.wait(minutes=1)
    late, now = shop.now, shop.now + timedelta(seconds=20)
    shop.api.now = now
    shop.spend(7)
    shop.api.now = late
    shop.spend(30)  # a request that took long
    shop.api.now = now + timedelta(minutes=1)

    assert at(shop, late + timedelta(seconds=10))["balance"] == 100
    assert at(shop, now)["balance"] == 63


def test_a_lot_that_gets_credits_while_it_is_looked_for_is_read_again(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    shop.grant(100)
    then = shop.now
    shop.wait(minutes=1)
    spent = shop.spend(100).json()
    read, reads = credits.lots_by_id, []

    def lots_by_id(user: UserCredits, lot_ids: Collection[str]) -> dict[str, Lot]:
        reads.append(lot_ids)
        if len(reads) == 1:  # the lot is neither among those with credits any more, nor yet among those without
            shop.reverse(spent["transaction_id"])
        return read(user, lot_ids)

    monkeypatch.setattr(credits, "lots_by_id", lots_by_id)

    assert at(shop, then)["balance"] == 100
    assert len(reads) == 3  # one of them is of the spend that is given back


@pytest.mark.usefixtures("few")
def test_a_moment_too_deep_in_a_long_history_is_refused_and_named(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    for _ in range(6):
        shop.grant(10)
        shop.wait(minutes=10)
    monkeypatch.setattr(past, "MOST_READ", 2)
    depths = [(shop.now - timedelta(minutes=10 * number + 1)).isoformat() for number in (1, 3, 6)]

    answers = [shop.api.get(f"/api/users/credits?as_of={quote(moment)}", as_user()) for moment in depths]

    assert [answer.status for answer in answers] == [200, 422, 200]
    assert answers[1].json()["errors"][0]["field"] == "as_of"


def test_a_lot_that_is_used_up_while_the_lots_are_looked_for_is_found(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    first, second = a_lot(lot_id="first"), a_lot(lot_id="second")
    looks = iter([{"first": first}, {"second": second}])
    monkeypatch.setattr(credits, "lots_by_id", lambda *_: next(looks))

    assert past.load_lots_of(USER_ID, [an_entry(moves={"first": -1, "second": -1})]) == {
        "first": first,
        "second": second,
    }
