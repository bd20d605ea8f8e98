"""Under which names wallets, lots, entries and holds are stored: records outlive the version that wrote them.

Each item is compared with all of its attributes, and read back.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.in_process.environment import NOW, USER_ID
from tests.support.builders import PAYMENT_ID, a_cause, a_hold, a_lot, a_wallet
from topup.domain.credits import Cause, Entry, TransactionType
from topup.domain.holds import Hold, HoldStatus, Overrun, Terms
from topup.domain.lots import Funding, Lot, Source
from topup.store import attributes, credit_items, hold_items

AT = NOW.replace(microsecond=250)
TEXT = "2026-03-01T12:00:00.000250Z"
SECOND = "2026-03-01T12:00:00Z"
HOUR = "2026-03-01T13:00:00Z"
HOUR_LATER = NOW + timedelta(hours=1)
EXPIRY = "2026-09-01T12:00:00Z"


def test_a_wallet():
    empty, full = (
        a_wallet(),
        a_wallet(
            balance=-5, total_credits_earned=10, debt=5, debts={"o": 5}, last_entry=2, version=3, unfinished={"l": 1}
        ),
    )
    stored = {"user_id": USER_ID, "record": "WALLET", "total_credits_earned": 10, "last_entry": 2, "version": 3}

    assert attributes.from_item(credit_items.wallet_to_item(full)) == stored | {
        "balance": -5,
        "debt": 5,
        "debts": {"o": 5},
        "unfinished": {"l": 1},
    }
    assert attributes.from_item(credit_items.wallet_to_item(empty)) == {
        "user_id": USER_ID,
        "record": "WALLET",
        "balance": 0,
        "total_credits_earned": 0,
        "debt": 0,
        "last_entry": 0,
        "version": 0,
    }
    assert [credit_items.wallet_from_item(USER_ID, credit_items.wallet_to_item(one)) for one in (empty, full)] == [
        empty,
        full,
    ]
    assert credit_items.wallet_from_item(USER_ID, None) == empty
    [key] = credit_items.keys(USER_ID, ["WALLET"])
    assert key == credit_items.wallet_key(USER_ID) == {"user_id": {"S": USER_ID}, "record": {"S": "WALLET"}}
    moving = credit_items.wallet_to_item(empty) | attributes.to_item({"moves_to": "erased"})
    assert credit_items.wallet_from_item(USER_ID, moving) == replace(empty, moves_to="erased")


STORED_LOT = {
    "user_id": USER_ID,
    "record": f"LOT#{EXPIRY}#{PAYMENT_ID}",
    "lot_id": PAYMENT_ID,
    "source": "purchase",
    "funding": "paid",
    "name": "标准包",
    "granted": 1100,
    "remaining": 1100,
    "expires_at": EXPIRY,
    "expired_credits": 0,
    "payment_id": PAYMENT_ID,
    "paid_minor": 10_000,
    "currency": "CNY",
    "package": "standard",
    "due_shard": "f",
    "due_at": EXPIRY,
}
A_GIFT = a_lot(
    lot_id="gift",
    source=Source.GRANT,
    funding=Funding.FREE,
    payment_id=None,
    paid_minor=0,
    currency=None,
    package=None,
    expires_at=None,
    expired_credits=3,
)
STORED_GIFT = {
    "user_id": USER_ID,
    "record": "LOT#9999-12-31T23:59:59Z#gift",
    "lot_id": "gift",
    "source": "grant",
    "funding": "free",
    "name": "标准包",
    "granted": 1100,
    "remaining": 1100,
    "expired_credits": 3,
    "paid_minor": 0,
}
EMPTY = {name: value for name, value in STORED_LOT.items() if name not in {"due_shard", "due_at"}}


@pytest.mark.parametrize(
    ("lot", "stored"),
    [
        (a_lot(), STORED_LOT),
        (A_GIFT, STORED_GIFT),
        (a_lot(remaining=0), EMPTY | {"remaining": 0, "record": f"EMPTYLOT#{PAYMENT_ID}"}),
        (a_lot(remaining=1), STORED_LOT | {"remaining": 1}),
    ],
)
def test_a_lot(lot: Lot, stored: dict[str, Any]):
    item = credit_items.lot_to_item(lot)
    newer = item | {"colour": {"S": "red"}}

    assert attributes.from_item(item) == stored
    read = credit_items.lot_from_item(item)
    assert (read, read.unknown) == (lot, {})
    assert credit_items.lot_to_item(credit_items.lot_from_item(newer)) == newer
    assert attributes.from_item(credit_items.lot_key(lot)) == {"user_id": USER_ID, "record": stored["record"]}
    assert credit_items.expiry_of(item) == lot.expires_at


def test_the_timer_of_a_lot_and_of_a_hold():
    of_lot, of_hold = credit_items.timer_item(a_lot()), credit_items.hold_timer_item(a_hold())

    expires_at = datetime(2026, 9, 1, 12, tzinfo=UTC)
    assert attributes.from_item(of_lot) == {
        "user_id": USER_ID,
        "record": f"EXPIRY#{PAYMENT_ID}",
        "lot_record": f"LOT#{EXPIRY}#{PAYMENT_ID}",
        "ttl": int(expires_at.timestamp()),
    }
    assert attributes.from_item(of_hold) == {
        "user_id": USER_ID,
        "record": "EXPIRY#hold",
        "hold_record": f"OPENHOLD#{HOUR}#hold",
        "ttl": int(HOUR_LATER.timestamp()),
    }
    assert credit_items.expiry_of(of_lot) == expires_at
    never = {"lot_record": {"S": credit_items.open_lot_record(None, "gift")}}
    assert credit_items.expiry_of(never) is None


AN_ENTRY = Entry(
    user_id=USER_ID, number=7, cause=a_cause(), amount=-5, balance_after=95, created_at=AT, moves={"lot": -5}
)
STORED_ENTRY = {
    "user_id": USER_ID,
    "record": "ENTRY#000000000007",
    "number": 7,
    "transaction_type": "spent",
    "amount": -5,
    "balance_after": 95,
    "actor": "service:default",
    "description": "work",
    "moves": {"lot": -5},
    "debt_change": 0,
    "created_at": TEXT,
}
FULL_ENTRY = replace(
    AN_ENTRY,
    cause=Cause(
        transaction_type=TransactionType.PURCHASED,
        actor="stripe",
        description="Package",
        reason="a reason",
        payment_id=PAYMENT_ID,
        package="standard",
        money_minor=10_000,
        tax_minor=1500,
        currency="CNY",
        metadata={"k": "v"},
        hold_id="hold",
        spend=3,
    ),
    expires_at=NOW,
    debt_change=-2,
    continued={"new": "old"},
)
STORED_FULL_ENTRY = STORED_ENTRY | {
    "transaction_type": "purchased",
    "actor": "stripe",
    "description": "Package",
    "reason": "a reason",
    "payment_id": PAYMENT_ID,
    "package": "standard",
    "money_minor": 10_000,
    "tax_minor": 1500,
    "currency": "CNY",
    "metadata": {"k": "v"},
    "hold_id": "hold",
    "spend": 3,
    "expires_at": SECOND,
    "debt_change": -2,
    "continued": {"new": "old"},
}


@pytest.mark.parametrize(("entry", "stored"), [(AN_ENTRY, STORED_ENTRY), (FULL_ENTRY, STORED_FULL_ENTRY)])
def test_an_entry(entry: Entry, stored: dict[str, Any]):
    item = credit_items.entry_to_item(entry)

    assert attributes.from_item(item) == stored
    assert credit_items.entry_from_item(item) == entry


STORED_HOLD = {
    "user_id": USER_ID,
    "record": f"OPENHOLD#{HOUR}#hold",
    "hold_id": "hold",
    "status": "open",
    "amount": 10,
    "used": 0,
    "captured": 0,
    "overrun": "available",
    "ends_at": HOUR,
    "actor": "service:default",
    "description": "work",
    "created_at": "2026-03-01T12:00:00.000000Z",
    "due_shard": "h",
    "due_at": HOUR,
}
FULL_HOLD = a_hold(
    status=HoldStatus.CAPTURED,
    used=4,
    captured=3,
    shortfall=1,
    is_closed=True,
    earlier=(Terms(until=AT, left=9, ends_at=NOW),),
    overrun=Overrun.DEBT,
    metadata={"k": "v"},
    created_at=AT,
)
STORED_FULL_HOLD = {name: value for name, value in STORED_HOLD.items() if name not in {"due_shard", "due_at"}} | {
    "record": "HOLD#hold",
    "status": "captured",
    "used": 4,
    "captured": 3,
    "shortfall": 1,
    "is_closed": True,
    "earlier": [{"until": TEXT, "left": 9, "ends_at": SECOND}],
    "overrun": "debt",
    "metadata": {"k": "v"},
    "created_at": TEXT,
}


@pytest.mark.parametrize(("hold", "stored"), [(a_hold(), STORED_HOLD), (FULL_HOLD, STORED_FULL_HOLD)])
def test_a_hold(hold: Hold, stored: dict[str, Any]):
    item = hold_items.hold_to_item(hold)
    newer = item | {"colour": {"S": "red"}}

    assert attributes.from_item(item) == stored
    read = hold_items.hold_from_item(item)
    assert (read, read.unknown) == (hold, {})
    assert hold_items.hold_to_item(hold_items.hold_from_item(newer)) == newer
    assert attributes.from_item(hold_items.hold_key(hold)) == {"user_id": USER_ID, "record": stored["record"]}


def test_only_fields_with_a_value_are_stored_each_with_its_type():
    fields = {"text": "", "number": -3, "yes": True, "map": {"inner": None, "n": 0}, "list": ["a", 1], "none": None}

    item = attributes.to_item(fields)

    assert item == {
        "text": {"S": ""},
        "number": {"N": "-3"},
        "yes": {"BOOL": True},
        "map": {"M": {"n": {"N": "0"}}},
        "list": {"L": [{"S": "a"}, {"N": "1"}]},
    }
    read = {"text": "", "number": -3, "yes": True, "map": {"n": 0}, "list": ["a", 1]}
    assert attributes.from_item(item) == read
    assert attributes.from_item({"null": {"NULL": True}, "rounded": {"N": "3.0"}}) == {"null": None, "rounded": 3}
    with pytest.raises(TypeError, match="items hold no float"):
        attributes.to_item({"share": 0.5})
    assert (attributes.text_of(None), attributes.moment_of(None)) == (None, None)
