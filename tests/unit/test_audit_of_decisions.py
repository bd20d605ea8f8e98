"""The audit of holds, of spends that were given back, and of decisions over refused payments."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from local.in_process.environment import NOW, USER_ID
from tests.support.builders import INTENT_ID, a_cause, a_hold, a_lot, a_release, a_wallet, an_order
from topup.domain import audit, audit_of_holds, audit_of_releases
from topup.domain.audit_of_entries import History
from topup.domain.credits import CAPTURES, Entry, TransactionType
from topup.domain.holds import Hold, HoldStatus
from topup.domain.orders import Order, ReleaseAction, Status
from topup.domain.reversed_spends import ReversedSpend


def findings_of(hold: Hold, captured: dict[str, int] | None = None, *, is_timed: bool = True) -> list[str]:
    history = History({})
    history.captured = Counter(captured if captured is not None else {"hold": hold.captured} if hold.captured else {})
    return list(audit_of_holds.holds([hold], history, {"hold"} if is_timed else (), NOW))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"used": 10, "captured": 10},
        {"used": 4, "captured": 3, "shortfall": 1},
        {"used": 4, "captured": 9},
        {"status": HoldStatus.EXPIRED},
        {"status": HoldStatus.RELEASED, "is_closed": True},
        {"status": HoldStatus.CAPTURED, "is_closed": True},
    ],
)
def test_a_hold_that_is_right(changes: dict[str, Any]):
    assert findings_of(a_hold(**changes)) == []


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"used": -1}, "hold hold of 10: -1 used, 0 captured"),
        ({"used": 11, "captured": 11}, "hold hold of 10: 11 used, 11 captured"),
        ({"used": 5, "captured": 3, "shortfall": 1}, "hold hold of 10: 5 used, 3 captured"),
        ({"captured": 2, "shortfall": -1}, "hold hold of 10: 0 used, 2 captured"),
        ({"status": HoldStatus.CAPTURED}, "hold hold has been captured, and may be captured again"),
        ({"status": HoldStatus.RELEASED}, "hold hold has been released, and may be captured again"),
    ],
)
def test_a_hold_with_a_wrong_figure(changes: dict[str, Any], finding: str):
    assert findings_of(a_hold(**changes)) == [finding]


def test_a_hold_that_nothing_will_end():
    assert findings_of(a_hold(), is_timed=False) == ["nothing will end hold hold in time"]
    assert findings_of(a_hold(ends_at=NOW), is_timed=False) == []
    assert findings_of(a_hold(status=HoldStatus.EXPIRED), is_timed=False) == []


def test_a_capture_that_the_ledger_does_not_have():
    assert findings_of(a_hold(captured=3), {"hold": 2}) == [
        "holds say that these were captured: {'hold': 3}, the ledger: {'hold': 2}"
    ]
    assert len(findings_of(a_hold(), {"hold": 2})) == 1


A_SPEND = Entry(
    user_id=USER_ID,
    number=7,
    cause=a_cause(),
    amount=-8,
    balance_after=0,
    created_at=NOW,
    moves={"lot": -5},
    debt_change=3,
)


def findings_of_spend(returned: int, spend: Entry | None = A_SPEND, **given: Any) -> list[str]:
    history = History({})
    history.spends = {7: spend} if spend else {}
    history.returned = Counter({7: returned} if returned else {})
    return list(audit_of_holds.reversed_spends([ReversedSpend(user_id=USER_ID, spend=7, **given)], history))


@pytest.mark.parametrize(
    ("returned", "given"),
    [
        (0, {}),
        (0, {"lots": {"lot": 2}, "lapsed": 2}),
        (5, {"lots": {"lot": 5}}),
        (3, {"debt": 3}),
        (6, {"lots": {"lot": 5}, "debt": 3, "lapsed": 2}),
    ],
)
def test_a_spend_that_was_given_back_as_it_is_recorded(returned: int, given: dict[str, Any]):
    assert findings_of_spend(returned, **given) == []


@pytest.mark.parametrize(
    ("returned", "given", "finding"),
    [
        (4, {"lots": {"lot": 5}}, "of spend 7 5 were given back, 0 lapsed, the ledger says otherwise"),
        (6, {"lots": {"lot": 5}, "lapsed": -1}, "of spend 7 5 were given back, -1 lapsed, the ledger says otherwise"),
        (4, {"debt": 4}, "of spend 7 more was given back than it took"),
        (6, {"lots": {"lot": 6}}, "of spend 7 more was given back than it took"),
        (1, {"lots": {"other": 1}}, "of spend 7 more was given back than it took"),
    ],
)
def test_a_spend_that_was_given_back_otherwise(returned: int, given: dict[str, Any], finding: str):
    assert findings_of_spend(returned, **given) == [finding]


def test_what_is_given_back_of_no_spend():
    granted = replace(A_SPEND, cause=a_cause(transaction_type=TransactionType.GRANTED))

    for other in (None, granted):
        assert "entry 7 is given back, and is no spend" in findings_of_spend(0, other)


def test_spends_that_came_back_without_a_record_of_it():
    history = History({})
    history.returned = Counter({9: 1, 8: 2})

    assert list(audit_of_holds.reversed_spends([], history)) == [
        "these spends came back without a record of it: [8, 9]"
    ]
    assert history.returned == {9: 1, 8: 2}  # what was counted may be asked for again


FULFILLED = a_release("pi_1", action=ReleaseAction.FULFIL)
PAID_BY_HAND = an_order(status=Status.SUCCEEDED, transaction_id="pi_1", releases=(FULFILLED,))


@pytest.mark.parametrize(
    "order",
    [
        an_order(),
        PAID_BY_HAND,
        replace(PAID_BY_HAND, releases=(a_release("pi_0"), FULFILLED)),
        an_order(releases=(a_release(),), transaction_id=INTENT_ID),  # not paid
        an_order(releases=(a_release(), a_release(is_done=False)), quarantine_reason="amount_minor"),
        replace(PAID_BY_HAND, credits_purchased=1),
    ],
)
def test_decisions_that_are_right(order: Order):
    assert list(audit_of_releases.findings(order)) == []


@pytest.mark.parametrize(
    ("order", "finding"),
    [
        (
            an_order(status=Status.SUCCEEDED, transaction_id=INTENT_ID, releases=(a_release(),)),
            f"it was paid by {INTENT_ID}, whose money was given back",
        ),
        (
            an_order(releases=(a_release("pi_1", is_done=False), a_release("pi_2"))),
            "another decision came while the money of pi_1 was on its way back",
        ),
        (
            an_order(releases=(a_release(is_done=False),)),
            "the money of its refused payment is on its way back, and it is not under review",
        ),
        (replace(PAID_BY_HAND, status=Status.FAILED), "it was fulfilled by hand 1 times, and is failed, paid by pi_1"),
        (
            replace(PAID_BY_HAND, transaction_id="pi_2"),
            "it was fulfilled by hand 1 times, and is succeeded, paid by pi_2",
        ),
        (
            replace(PAID_BY_HAND, releases=(FULFILLED, FULFILLED)),
            "it was fulfilled by hand 2 times, and is succeeded, paid by pi_1",
        ),
        (replace(PAID_BY_HAND, credits_purchased=1101), "1101 of 1100 credits were granted by hand"),
        (replace(PAID_BY_HAND, credits_purchased=0), "0 of 1100 credits were granted by hand"),
    ],
)
def test_a_decision_that_is_wrong(order: Order, finding: str):
    assert list(audit_of_releases.findings(order)) == [finding]


@pytest.mark.parametrize(
    ("debt", "debts", "held", "is_found"),
    [
        (0, {}, 0, False),
        (1, {}, 1100, True),
        (1, {CAPTURES: 1}, 1100, False),
        (1, {CAPTURES: 1}, 1099, True),
        (2, {CAPTURES: 1}, 1100, True),
    ],
)
def test_nobody_owes_while_credits_are_left_but_captures_while_all_are_held(
    debt: int, debts: dict[str, int], held: int, is_found: bool
):
    hold = a_hold(amount=held, ends_at=NOW)  # nobody has stored its end yet
    account = audit.Account(USER_ID, a_wallet(debt=debt, debts=debts), [a_lot()], holds=[hold])

    found = [one for one in audit.audit_account(account, NOW) if " owe" in one and " left" in one]

    assert bool(found) is is_found
