"""Under which names claw-backs and what is given back are stored: records outlive the version that wrote them.

Each item is compared with all of its attributes, and read back.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from local.in_process.environment import NOW, USER_ID
from tests.support.builders import PAYMENT_ID
from topup.domain.reversed_spends import ReversedSpend
from topup.domain.takings import Clawback, ClawbackAddition, Taking
from topup.runtime import config
from topup.store import attributes, clawback_items, reversed_spends

SECOND = "2026-03-01T12:00:00Z"

TAKINGS = (
    Taking(lot_id="a", expires_at=NOW, credits=5, life=timedelta(seconds=90)),
    Taking(lot_id="", expires_at=None, credits=6, life=None),
)
STORED_TAKINGS = [
    {"lot_id": "a", "expires_at": SECOND, "credits": 5, "life": 90},
    {"lot_id": "", "expires_at": "9999-12-31T23:59:59Z", "credits": 6, "life": -1},
]
CONTINUED = {"new": NOW, "endless": None}
STORED_CONTINUED = [
    {"lot_id": "new", "expires_at": SECOND},
    {"lot_id": "endless", "expires_at": "9999-12-31T23:59:59Z"},
]
CLAWBACK_KEY = {"user_id": USER_ID, "record": f"CLAWBACK#{PAYMENT_ID}"}


def parts(write: Any) -> tuple[str, str, dict[str, Any], dict[str, Any]]:
    """An update's table, expression, key and values."""
    update = write["Update"]
    assert set(update) == {"TableName", "Key", "UpdateExpression", "ExpressionAttributeValues"}
    key, values = attributes.from_item(update["Key"]), attributes.from_item(update["ExpressionAttributeValues"])
    return update["TableName"], update["UpdateExpression"], key, values


@pytest.mark.usefixtures("environment")
def test_what_an_orders_reversals_have_out():
    out = Clawback(payment_id=PAYMENT_ID, takings=TAKINGS, owed=7, continued_by=CONTINUED, reversed_minor=800)

    table, expression, key, values = parts(clawback_items.set_clawback(USER_ID, out))

    assert (table, key) == (config.settings().credits_table, CLAWBACK_KEY)
    names = [name.split(" = ") for name in expression.removeprefix("SET ").split(", ")]
    stored = {name: values[value] for name, value in names}
    assert stored == {
        "takings": STORED_TAKINGS,
        "owed": 7,
        "continued_by": STORED_CONTINUED,
        "reversed_minor": 800,
    }
    assert len(values) == len(stored)
    assert clawback_items.clawback_from_item(attributes.to_item(key | stored)) == out
    # Before the order's own changes, another order's may write what continues its lot.
    assert clawback_items.clawback_from_item(attributes.to_item(key)) == Clawback(payment_id=PAYMENT_ID, is_whole=False)


@pytest.mark.usefixtures("environment")
def test_a_part_of_a_second_of_a_life_counts_as_a_whole_one():
    out = Clawback(payment_id=PAYMENT_ID, takings=(replace(TAKINGS[0], life=timedelta(seconds=89.1)),))

    _, _, _, values = parts(clawback_items.set_clawback(USER_ID, replace(out, reversed_minor=0)))

    assert values[":takings"] == STORED_TAKINGS[:1]


@pytest.mark.usefixtures("environment")
def test_what_another_orders_change_adds_to_a_claw_back():
    both = ClawbackAddition(payment_id=PAYMENT_ID, repaid=TAKINGS, continued_by=CONTINUED)
    continued = "continued_by = list_append(if_not_exists(continued_by, :none), :continued_by)"
    repaid = (
        "takings = list_append(if_not_exists(takings, :none), :repaid), owed = if_not_exists(owed, :zero) - :credits"
    )
    sent = {":repaid": STORED_TAKINGS, ":credits": 11, ":zero": 0}

    table, expression, key, values = parts(clawback_items.add_to_clawback(USER_ID, both))

    assert (table, key) == (config.settings().credits_table, CLAWBACK_KEY)
    assert expression == f"SET {continued}, {repaid}"
    assert values == {":none": [], ":continued_by": STORED_CONTINUED} | sent
    _, expression, _, values = parts(clawback_items.add_to_clawback(USER_ID, replace(both, continued_by={})))
    assert (expression, values) == (f"SET {repaid}", {":none": []} | sent)
    _, expression, _, values = parts(clawback_items.add_to_clawback(USER_ID, replace(both, repaid=())))
    assert (expression, values) == (f"SET {continued}", {":none": [], ":continued_by": STORED_CONTINUED})


@pytest.mark.usefixtures("environment")
def test_what_has_been_given_back_of_a_spend():
    given = ReversedSpend(user_id=USER_ID, spend=7, lots={"lot": 4}, debt=2, lapsed=1)

    table, expression, key, values = parts(reversed_spends.set_reversed_spend(given))

    assert (table, key) == (
        config.settings().credits_table,
        {"user_id": USER_ID, "record": "GIVENBACK#000000000007"},
    )
    assert expression == "SET lots = :lots, debt = :debt, lapsed = :lapsed"
    assert values == {":lots": {"lot": 4}, ":debt": 2, ":lapsed": 1}
    stored = key | {name.removeprefix(":"): value for name, value in values.items()}
    assert reversed_spends.from_item(attributes.to_item(stored)) == given
    assert reversed_spends.from_item(attributes.to_item(key)) == ReversedSpend(user_id=USER_ID, spend=7)
