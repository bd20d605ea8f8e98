"""Each condition of a write alone: another writer changes only what that condition is about, and the write is refused.

In the flows most of these changes come together with others, so that another condition would refuse the write too.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from local.in_process.dynamodb import Emulator
from local.in_process.environment import NOW, USER_ID
from tests.support.builders import PAYMENT_ID, SESSION_ID, a_cause, a_lot, a_payment, an_order
from topup import fulfilment, store
from topup.domain import credits, payments
from topup.domain.credits import CreditChange, TransactionType
from topup.domain.errors import AlreadyGranted
from topup.domain.orders import Advance, Order, RefusedPayment, Status
from topup.domain.payments import ReversalChange
from topup.domain.receipts import Receipt
from topup.domain.reversals import Kind, Reversal, ReversalStatus
from topup.store import attributes, credit_items, order_items

LATER = NOW + timedelta(minutes=5)
GIFT = a_cause(transaction_type=TransactionType.GRANTED)


class Writer:
    """Another request, which writes without asking."""

    def __init__(self, dynamodb: Emulator) -> None:
        self.client = dynamodb.client
        self.tables = {"payment_id": dynamodb.orders_table, "user_id": dynamodb.credits_table}

    def sets(self, key: attributes.Item, **fields: Any) -> None:
        """Set these attributes of an item; those that are None are removed."""
        given = {f":{name}": value for name, value in fields.items() if value is not None}
        sets = ", ".join(f"#{name[1:]} = {name}" for name in given)
        removes = ", ".join(f"#{name}" for name, value in fields.items() if value is None)
        values = {"ExpressionAttributeValues": attributes.to_item(given)} if given else {}
        self.client.update_item(
            TableName=self._table(key),
            Key=key,
            UpdateExpression=" ".join([f"SET {sets}" if sets else "", f"REMOVE {removes}" if removes else ""]),
            ExpressionAttributeNames={f"#{name}": name for name in fields},
            **values,
        )

    def reads(self, key: attributes.Item) -> dict[str, Any] | None:
        found = self.client.get_item(TableName=self._table(key), Key=key, ConsistentRead=True)
        return attributes.from_item(found["Item"]) if "Item" in found else None

    def _table(self, key: attributes.Item) -> str:
        return next(table for name, table in self.tables.items() if name in key)


@pytest.fixture
def other(dynamodb: Emulator) -> Writer:
    return Writer(dynamodb)


# ---------------------------------------------------------------------------------------------------------- orders

ORDER = order_items.order_key(PAYMENT_ID)


@pytest.fixture
def without_session(dynamodb: Emulator) -> Order:
    return store.place_order(an_order(provider_order_id=None, payment_url=None))


@pytest.mark.parametrize(
    "change",
    [
        *({"status": "failed"}, {"provider_order_id": "cs_other"}, {"provider_order_id": None}, {"attempt": 2}),
        *({"quarantine_reason": "another amount"}, {"next_look_at": "2026-03-01T13:00:00.000000Z"}),
        *({"releases": [{}]}, {"refused_besides": [{"intent": "pi_other", "reason": "another amount"}]}),
        {"user_id": "erased-1"},
    ],
)
def test_a_decision_needs_the_order_as_it_was_read(order: Order, other: Writer, change: dict[str, Any]):
    other.sets(ORDER, **change)

    with pytest.raises(store.LostRace):
        store.record_order_change(Advance(before=order, after=replace(order, error_message="declined")))

    stored = other.reads(ORDER)
    assert stored
    assert "error_message" not in stored


def test_a_decision_about_a_quarantined_order_needs_the_same_quarantine(order: Order, other: Writer):
    other.sets(ORDER, quarantine_reason="another amount")
    quarantined = replace(order, quarantine_reason="another currency")

    with pytest.raises(store.LostRace):
        store.record_order_change(Advance(before=quarantined, after=replace(quarantined, error_message="declined")))


def test_a_decision_about_an_order_with_refused_payments_needs_the_same_ones(order: Order, other: Writer):
    further = {"intent": "pi_second", "reason": "another amount"}
    other.sets(ORDER, quarantine_reason="another amount", refused_besides=[further, further])
    read = replace(order, quarantine_reason="another amount", refused_besides=(RefusedPayment(**further),))

    with pytest.raises(store.LostRace):
        store.record_order_change(Advance(before=read, after=replace(read, error_message="declined")))


def test_an_order_that_was_quarantined_while_it_was_looked_at_still_waits_for_a_person(order: Order, other: Writer):
    store.record_order_change(Advance(before=order, after=replace(order, quarantine_reason="another amount")))

    assert store.claim_look(order, NOW, LATER) is None

    stored = other.reads(ORDER)
    assert stored
    assert stored["waits_for"] == "quarantine"


def test_a_decision_about_an_order_without_a_session_needs_it_to_have_none(without_session: Order, other: Writer):
    other.sets(ORDER, provider_order_id="cs_other")

    with pytest.raises(store.LostRace):
        store.record_order_change(Advance(before=without_session, after=replace(without_session, attempt=2)))


def test_an_order_keeps_its_first_session(without_session: Order, other: Writer):
    other.sets(ORDER, provider_order_id="cs_other", payment_url="https://checkout.stripe.com/other")

    attached = store.attach_session(without_session, SESSION_ID, "https://checkout.stripe.com/second")

    assert (attached.provider_order_id, attached.payment_url) == ("cs_other", "https://checkout.stripe.com/other")
    assert store.load_order(PAYMENT_ID) == attached


def test_a_session_that_its_payment_named_first_gets_its_address(without_session: Order, other: Writer):
    other.sets(ORDER, provider_order_id=SESSION_ID)

    attached = store.attach_session(without_session, SESSION_ID, "https://checkout.stripe.com/second")

    assert store.load_order(PAYMENT_ID) == attached
    assert attached.payment_url == "https://checkout.stripe.com/second"


def test_a_settled_order_keeps_only_the_part_of_its_address_that_names_its_session(
    without_session: Order, other: Writer
):
    other.sets(ORDER, status="succeeded", provider_order_id=SESSION_ID, payment_url="https://checkout.stripe.com/cs")

    attached = store.attach_session(without_session, SESSION_ID, "https://checkout.stripe.com/cs#secret")

    assert attached.payment_url == "https://checkout.stripe.com/cs"
    assert store.load_order(PAYMENT_ID) == attached


@pytest.mark.parametrize(
    "change", [{"status": "expired"}, {"status": "failed"}, {"attempt": 2}, {"user_id": "erased-1"}]
)
def test_an_order_that_has_ended_got_another_attempt_or_was_erased_gets_no_session(
    without_session: Order, other: Writer, change: dict[str, Any]
):
    other.sets(ORDER, **change)

    with pytest.raises(store.LostRace):
        store.attach_session(without_session, SESSION_ID, "https://checkout.stripe.com/second")

    stored = other.reads(ORDER)
    assert stored
    assert "provider_order_id" not in stored


@pytest.mark.parametrize("change", [{"attempt": 3}, {"provider_order_id": "cs_other"}])
def test_the_next_attempt_begins_once_and_only_without_a_session(
    without_session: Order, other: Writer, change: dict[str, Any]
):
    other.sets(ORDER, **change)

    store.next_attempt(without_session)

    stored = other.reads(ORDER)
    assert stored
    assert stored["attempt"] == change.get("attempt", 1)


def test_nobody_asks_stripe_about_an_order_that_does_not_exist(dynamodb: Emulator, other: Writer):
    assert store.claim_sync(PAYMENT_ID, NOW, timedelta(seconds=10)) is False
    assert other.reads(ORDER) is None


def test_one_request_asks_stripe_about_an_order_in_each_interval(order: Order):
    interval = timedelta(seconds=10)

    claims = [store.claim_sync(PAYMENT_ID, NOW + timedelta(seconds=second), interval) for second in (0, 9, 10, 11)]

    assert claims == [True, False, True, False]


@pytest.mark.parametrize(
    "change",
    [
        *({"status": "failed"}, {"next_look_at": "2026-03-01T13:00:00.000000Z"}, {"releases": [{}]}),
        {"user_id": "erased-1"},
    ],
)
@pytest.mark.parametrize("has_been_looked_at", [True, False])
def test_a_look_is_claimed_once_and_only_while_the_order_waits(
    order: Order, other: Writer, change: dict[str, Any], has_been_looked_at: bool
):
    if has_been_looked_at:
        looked_at = store.claim_look(order, NOW, LATER)
        assert looked_at
        order = looked_at
    other.sets(ORDER, **change)

    assert store.claim_look(order, LATER, LATER + timedelta(hours=1)) is None

    stored = other.reads(ORDER)
    assert stored
    assert {name: stored[name] for name in change} == change


# -------------------------------------------------------------------------------------------- refunds and disputes


@pytest.fixture
def paid(order: Order) -> Order:
    return fulfilment.apply(a_payment(), NOW).order


def a_refund(**changes: Any) -> Reversal:
    refund = Reversal(
        kind=Kind.REFUND,
        reversal_id="refund-1",
        payment_id=PAYMENT_ID,
        amount_minor=5000,
        status=ReversalStatus.IN_FLIGHT,
        created_at=NOW,
        stripe_id="re_1",
    )
    return replace(refund, **changes)


def decided(reversal: Reversal) -> ReversalChange:
    """What the payment as it is stored makes of this refund."""
    payment = store.load_payment(PAYMENT_ID)
    assert payment
    change = payments.decide(store.load_settled_payment(payment, NOW), reversal, NOW)
    assert change
    return change


FIGURES = ["refunded_minor", "disputed_minor", "clawed_back", "reversal_changes"]


@pytest.mark.parametrize("change", [{"status": "pending"}, *({figure: 999} for figure in FIGURES)])
def test_a_refund_needs_the_figures_of_the_order_as_they_were_read(paid: Order, other: Writer, change: dict[str, Any]):
    refund = decided(a_refund())
    other.sets(ORDER, **change)

    with pytest.raises(store.LostRace):
        store.record_reversal(refund)


@pytest.mark.parametrize("change", [{"status": "pending"}, *({figure: 999} for figure in FIGURES)])
def test_so_does_one_that_changes_none_of_them(paid: Order, other: Writer, change: dict[str, Any]):
    store.record_reversal(decided(a_refund()))
    reworded = decided(a_refund(reason="another reason", status=ReversalStatus.PENDING))
    reworded = replace(reworded, order_after=reworded.order_before)
    other.sets(ORDER, **change)

    with pytest.raises(store.LostRace):
        store.record_reversal(reworded)


def test_a_payment_of_an_older_version_has_counted_no_changes(paid: Order, other: Writer):
    refund = decided(a_refund())
    other.sets(ORDER, reversal_changes=None)

    store.record_reversal(refund)

    payment = store.load_payment(PAYMENT_ID)
    assert payment
    assert [known.reversal_id for known in payment.reversals] == ["refund-1"]


def test_a_refund_is_recorded_once(paid: Order, other: Writer):
    refund = decided(a_refund())
    other.sets(order_items.reversal_key(a_refund()), **order_items.reversal_fields(a_refund(amount_minor=1)))

    with pytest.raises(store.LostRace):
        store.record_reversal(refund)


@pytest.mark.parametrize("change", [{"status": "pending"}, {"clawed_back": 1}, {"tries": 2}])
def test_an_update_of_a_refund_needs_it_as_it_was_read(paid: Order, other: Writer, change: dict[str, Any]):
    store.record_reversal(decided(a_refund()))
    made = decided(a_refund(status=ReversalStatus.SUCCEEDED))
    other.sets(order_items.reversal_key(a_refund()), **change)

    with pytest.raises(store.LostRace):
        store.record_reversal(made)


@pytest.mark.parametrize(
    ("change", "begins"),
    [
        ({"status": "pending"}, 0),
        ({"attempt": 2}, 0),
        ({"tries": 2}, 0),
        ({"tries": None}, 1),
        ({"tries": None, "attempt": None}, 1),
        ({"tries": None, "attempt": 2}, 0),
    ],
)
def test_the_next_try_to_make_a_refund_begins_once_and_only_in_flight(
    paid: Order, other: Writer, change: dict[str, Any], begins: bool
):
    """A refund of an older version has no attempt, which is the first, and no tries, which are one."""
    store.record_reversal(decided(a_refund()))
    other.sets(order_items.reversal_key(a_refund()), **change)
    wanted = a_refund(attempt=2, tried_at=LATER)

    if begins:
        begun = store.begin_try(a_refund(), wanted, LATER)
        assert (begun.attempt, begun.tries, begun.last_try_at) == (2, 2, LATER)
        return
    with pytest.raises(store.LostRace):
        store.begin_try(a_refund(), wanted, LATER)


# --------------------------------------------------------------------------------------------------------- credits

WALLET = credit_items.wallet_key(USER_ID)
LOT = a_lot(lot_id="a-gift", granted=100, remaining=100)
RECEIPT = Receipt(request_fingerprint="fingerprint")


@pytest.fixture
def gift(dynamodb: Emulator) -> None:
    """A user with a hundred credits in one lot."""
    store.record_expiry(a_grant())


def a_grant(lot_id: str = "a-gift") -> CreditChange:
    wallet = store.load_credits(USER_ID, NOW).wallet
    return credits.grant(wallet, replace(LOT, lot_id=lot_id), GIFT, NOW)


def a_spend(amount: int) -> CreditChange:
    return credits.spend(store.load_credits(USER_ID, NOW), amount, a_cause(), NOW)


def test_a_change_needs_the_wallet_as_it_was_read(gift: None, other: Writer):
    spend = a_spend(10)
    other.sets(WALLET, version=9)

    with pytest.raises(store.LostRace):
        store.record_expiry(spend)


def test_the_first_change_needs_that_there_is_no_wallet(dynamodb: Emulator, other: Writer):
    grant = a_grant()
    other.sets(WALLET, version=1)

    with pytest.raises(store.LostRace):
        store.record_expiry(grant)


@pytest.mark.parametrize("amount", [10, 100])
def test_a_change_of_a_lot_needs_what_was_left_in_it(gift: None, other: Writer, amount: int):
    """A lot of which something is left is updated; one that is used up moves to another key."""
    spend = a_spend(amount)
    other.sets(credit_items.lot_key(LOT), remaining=101)

    with pytest.raises(store.LostRace):
        store.record_expiry(spend)


def test_an_entry_is_never_replaced(gift: None, other: Writer):
    spend = a_spend(10)
    other.sets({**WALLET, "record": {"S": credit_items.entry_record(2)}}, number=2)

    with pytest.raises(store.LostRace):
        store.record_expiry(spend)


@pytest.mark.parametrize("record", [credit_items.lot_record(replace(LOT, lot_id="b")), f"{credit_items.TIMER}b"])
def test_a_new_lot_and_its_timer_replace_none(gift: None, other: Writer, record: str):
    grant = a_grant("b")
    other.sets({**WALLET, "record": {"S": record}}, lot_record="LOT#another")

    with pytest.raises(store.LostRace):
        store.record_expiry(grant)


def test_a_lot_that_is_used_up_replaces_none(gift: None, other: Writer):
    spend = a_spend(100)
    other.sets({**WALLET, "record": {"S": credit_items.empty_lot_record(LOT.lot_id)}}, remaining=0)

    with pytest.raises(store.LostRace):
        store.record_expiry(spend)


def test_a_key_changes_credits_once_even_where_there_are_enough_for_more(gift: None):
    first, is_first_new = store.record_with_receipt(a_spend(10), "key", RECEIPT, NOW)
    again, is_again_new = store.record_with_receipt(a_spend(10), "key", RECEIPT, NOW)

    assert (is_first_new, is_again_new) == (True, False)
    assert first == again
    assert store.load_credits(USER_ID, NOW).wallet.balance == 90


def test_a_campaign_grants_once_whatever_the_key(gift: None):
    store.record_with_receipt(a_grant("b"), "key-1", RECEIPT, NOW, campaign="spring")

    with pytest.raises(AlreadyGranted):
        store.record_with_receipt(a_grant("c"), "key-2", RECEIPT, NOW, campaign="spring")

    assert store.load_credits(USER_ID, NOW).wallet.balance == 200


def test_an_order_is_placed_once(order: Order):
    assert store.place_order(replace(order, amount_minor=1, status=Status.FAILED)) == order
    assert store.load_order(PAYMENT_ID) == order
