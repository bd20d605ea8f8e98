"""Where credits go that come back when their own lots have expired, or are not known."""

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest

from local.in_process.environment import NOW
from tests.support.builders import PAYMENT_ID, a_cause, a_lot, a_wallet
from tests.support.ledger import InMemoryLedger
from topup.domain import clawbacks, takings
from topup.domain.clawbacks import MOST_DEBTORS, MOST_NEW_LOTS, UNNAMED
from topup.domain.lots import Funding, Lot, LotChange, Source
from topup.domain.reversals import Kind, Reversal, ReversalStatus
from topup.domain.takings import Clawback, ClawbackAddition, Taking

EXPIRY = NOW.replace(month=9)
LONG_AFTER = 20  # months: no lot that lives as long expires in these tests


def a_dispute(payment_id: str = PAYMENT_ID, amount_minor: int = 10000) -> Reversal:
    return Reversal(
        kind=Kind.DISPUTE,
        reversal_id=f"dp_{payment_id}",
        payment_id=payment_id,
        amount_minor=amount_minor,
        status=ReversalStatus.NEEDS_RESPONSE,
        created_at=NOW,
    )


def restored_lots(ledger: InMemoryLedger) -> list[Lot]:
    return [lot for lot in ledger.account.lots if lot.source is Source.RESTORED]


def test_a_debt_that_was_paid_without_its_name_comes_back_in_a_free_lot():
    ledger = InMemoryLedger.with_a_purchase()
    ledger.spend(1100, NOW)
    assert ledger.reverse(a_dispute(), NOW) == -1100
    ledger.account.wallet = replace(ledger.account.wallet, debts={})  # as an earlier version wrote it
    ledger.buy("other", 1200, 10000, NOW)

    assert ledger.reverse(replace(a_dispute(), status=ReversalStatus.WON), NOW) == 1100

    (lot,) = restored_lots(ledger)
    assert (lot.granted, lot.funding, lot.payment_id) == (1100, Funding.FREE, None)
    assert lot.expires_at == EXPIRY  # as long after its return as the order's own lot lived
    assert ledger.findings(NOW) == []


def test_every_order_that_is_owed_for_gets_back_what_it_took_however_many_there_are():
    ledger, number = InMemoryLedger(), MOST_DEBTORS + 3
    orders = [f"order-{n:02}" for n in range(number)]
    for order_id in orders:
        ledger.buy(order_id, 10, 100, NOW)
    ledger.spend(10 * number, NOW)
    for order_id in orders:
        assert ledger.reverse(a_dispute(order_id, 100), NOW) == -10
    assert (ledger.account.wallet.debt, len(ledger.account.wallet.debts)) == (10 * number, MOST_DEBTORS)
    ledger.buy("last", 10 * number + 1, 1000, NOW)

    for order_id in orders:
        assert ledger.reverse(replace(a_dispute(order_id, 100), status=ReversalStatus.WON), NOW) == 10
        assert ledger.findings(NOW) == []

    assert (ledger.account.wallet.balance, ledger.account.wallet.debt) == (10 * number + 1, 0)


def test_more_new_lots_than_one_transaction_brings_are_joined_into_one_without_the_money_of_any():
    ledger, number = InMemoryLedger(), MOST_NEW_LOTS + 3
    ledger.buy(PAYMENT_ID, number, 10000, NOW, LONG_AFTER)
    ledger.spend(number, NOW)
    expiries = [EXPIRY + timedelta(days=n) for n in range(number)]
    for n, expires_at in enumerate(expiries):
        ledger.grant(f"{n:02}", 1, NOW, expires_at, paid_minor=7)
    assert ledger.reverse(a_dispute(), NOW) == -number
    later = expiries[-1]

    assert ledger.reverse(replace(a_dispute(), status=ReversalStatus.WON), later) == number

    lots = restored_lots(ledger)
    (joined,) = [lot for lot in lots if lot.granted > 1]
    assert (len(lots), joined.granted, joined.paid_minor) == (MOST_NEW_LOTS, 4, 0)
    assert joined.expires_at == later + (expiries[3] - NOW)  # as long as the longest-lived credits in it
    assert {lot.paid_minor for lot in lots if lot is not joined} == {7}
    assert ledger.findings(later) == []


@pytest.mark.parametrize("has_endless", [False, True])
def test_of_very_many_lots_those_that_were_taken_from_first_are_joined(
    monkeypatch: pytest.MonkeyPatch, has_endless: bool
):
    monkeypatch.setattr(takings, "MOST_TAKINGS", 3)
    ledger = InMemoryLedger.with_a_purchase()
    ledger.spend(1100, NOW)
    for day in range(1, 6):
        ledger.grant(f"{day:02}", 10 * day, NOW, NOW + timedelta(days=day))
    if has_endless:
        ledger.grant("06", 60, NOW)
    dispute = a_dispute()
    ledger.reverse(dispute, NOW)
    out = ledger.account.clawbacks[PAYMENT_ID]
    names = ["", "05", "06"] if has_endless else ["", "04", "05"]
    assert [taking.lot_id for taking in out.takings] == names
    assert ledger.findings(NOW) == []

    assert ledger.reverse(replace(dispute, status=ReversalStatus.WON), NOW) == 1100

    [rest] = restored_lots(ledger)
    joined = 4 if has_endless else 3
    assert (rest.granted, rest.expires_at) == (sum(range(10, 10 * joined + 1, 10)), NOW + timedelta(days=joined))
    assert ledger.account.wallet.balance == (210 if has_endless else 150)
    assert ledger.findings(NOW) == []


def test_credits_without_end_stay_so_when_they_are_joined(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(takings, "MOST_TAKINGS", 1)
    lots = [a_lot(lot_id="a"), a_lot(lot_id="b", expires_at=None)]

    [rest] = takings.joined(tuple(takings.Taking.of(lot, 5, NOW) for lot in lots))

    assert (rest.credits, rest.life) == (10, None)


def test_as_many_takings_as_fit_are_not_joined(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(takings, "MOST_TAKINGS", 2)
    both = tuple(taken(name, 5) for name in "ab")

    assert takings.joined(both) == both


DAY = timedelta(days=1)


def taken(lot_id: str, credits: int, life: timedelta | None = DAY) -> Taking:
    return Taking(lot_id=lot_id, expires_at=EXPIRY, credits=credits, life=life)


def test_what_comes_back_of_lots_that_have_expired_or_are_not_known_comes_in_new_lots_of_the_same_partitions():
    """The first digit of a lot's id says in which partition of the index its expiry is found."""
    known, other = a_lot(expires_at=EXPIRY), "0a1b2c3d-58cc-4372-a567-0e02b2c3d479"
    out = Clawback(
        payment_id=PAYMENT_ID,
        takings=(taken("", 1), taken(other, 2, None), taken(PAYMENT_ID, 3), taken(PAYMENT_ID, 4)),
    )

    change = clawbacks.give_back(a_wallet(last_entry=4), out, {PAYMENT_ID: known}, 10, a_cause(), EXPIRY)

    continued, unknown, unnamed = change.new_lots
    assert continued == a_lot(
        lot_id=continued.lot_id,
        source=Source.RESTORED,
        paid_minor=10_000 * 7 // 1100,
        granted=7,
        remaining=7,
        expires_at=EXPIRY + DAY,
    )
    assert unknown == a_lot(
        lot_id=unknown.lot_id,
        source=Source.RESTORED,
        funding=Funding.FREE,
        name=UNNAMED,
        payment_id=None,
        paid_minor=0,
        currency=None,
        package=None,
        granted=2,
        remaining=2,
        expires_at=None,
    )
    assert (unnamed.granted, unnamed.expires_at) == (1, EXPIRY + DAY)
    ids = [continued.lot_id, unknown.lot_id, unnamed.lot_id]
    assert [lot_id[0] for lot_id in ids] == [PAYMENT_ID[0], "0", "0"]
    assert [str(uuid.UUID(lot_id)) for lot_id in ids] == ids
    assert change.entry.continued == dict(zip(ids, [PAYMENT_ID, other, ""], strict=True))
    assert (change.entry.amount, change.lots) == (10, ())
    assert change.clawback == Clawback(payment_id=PAYMENT_ID, continued_by={continued.lot_id: EXPIRY + DAY})


def test_new_lots_of_two_changes_have_different_ids():
    out = Clawback(payment_id=PAYMENT_ID, takings=(taken("a", 1),))

    ids = {
        clawbacks.give_back(wallet, out, {}, 1, a_cause(), EXPIRY).new_lots[0].lot_id
        for wallet in (a_wallet(), a_wallet(last_entry=1), a_wallet(user_id="another"))
    }

    assert len(ids) == 3


def test_what_is_joined_in_one_new_lot_continues_no_known_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(clawbacks, "MOST_NEW_LOTS", 2)
    out = Clawback(payment_id=PAYMENT_ID, takings=tuple(taken(name, 1) for name in ("aa", "bb", "cc")))

    change = clawbacks.give_back(a_wallet(), out, {"bb": a_lot(expires_at=EXPIRY)}, 3, a_cause(), EXPIRY)

    last, rest = change.new_lots
    assert change.entry.continued == {last.lot_id: "cc", rest.lot_id: ""}
    assert (rest.lot_id[0], rest.granted, rest.name, rest.expires_at) == ("0", 2, UNNAMED, EXPIRY + DAY)


@pytest.mark.parametrize(
    ("lives", "longest"), [((1, 2), 2), ((2, 1), 2), ((1, 1), 1), ((None, 1), None), ((1, None), None)]
)
def test_what_is_joined_in_one_new_lot_lives_as_long_as_the_longest_lived(
    monkeypatch: pytest.MonkeyPatch, lives: tuple[int | None, int | None], longest: int | None
):
    monkeypatch.setattr(clawbacks, "MOST_NEW_LOTS", 2)
    joined = [taken(name, 1, days * DAY if days else None) for name, days in zip(("aa", "bb"), lives, strict=True)]
    out = Clawback(payment_id=PAYMENT_ID, takings=(*joined, taken("cc", 1, 9 * DAY)))

    change = clawbacks.give_back(a_wallet(), out, {}, 3, a_cause(), EXPIRY)

    alone, rest = change.new_lots
    assert (alone.granted, alone.expires_at) == (1, EXPIRY + 9 * DAY)
    assert (rest.granted, rest.expires_at) == (2, EXPIRY + longest * DAY if longest else None)


def test_what_comes_back_pays_first_what_other_orders_owe_from_where_it_was_taken():
    """Of 6 credits, 5 pay debts: 2 in the name of no order, 3 of another order's."""
    alive, expired = a_lot(lot_id="alive", remaining=10, expires_at=EXPIRY + DAY), a_lot(expires_at=EXPIRY)
    out = Clawback(
        payment_id=PAYMENT_ID,
        takings=(taken(PAYMENT_ID, 2), taken("alive", 1), taken("alive", 3)),
        owed=4,
    )
    wallet = a_wallet(balance=1, debt=9, debts={PAYMENT_ID: 4, "other": 3})

    change = clawbacks.give_back(wallet, out, {PAYMENT_ID: expired, "alive": alive}, 10, a_cause(), EXPIRY)

    assert (change.wallet.debt, change.wallet.debts, change.entry.debt_change) == (0, {}, -9)
    [new] = change.new_lots
    assert new.granted == 1
    assert change.lots == ()
    assert change.clawback == Clawback(payment_id=PAYMENT_ID, continued_by={new.lot_id: EXPIRY + DAY})
    home = Taking(lot_id="alive", expires_at=EXPIRY + DAY, credits=1, life=DAY)
    assert change.additions == (
        ClawbackAddition(payment_id="other", repaid=(home, home, replace(taken(PAYMENT_ID, 1)))),
    )


def test_what_was_taken_twice_of_an_open_lot_comes_back_to_it_together():
    lot = a_lot(remaining=10)
    out = Clawback(payment_id=PAYMENT_ID, takings=(taken(PAYMENT_ID, 2), taken("else", 9), taken(PAYMENT_ID, 3)))

    change = clawbacks.give_back(a_wallet(), out, {PAYMENT_ID: lot}, 13, a_cause(), NOW)

    assert change.lots == (LotChange(before=lot, after=replace(lot, remaining=14)),)
    assert change.clawback
    assert change.clawback.takings == (taken(PAYMENT_ID, 1),)


def test_an_order_that_is_named_among_very_many_debtors_owes_more_under_its_name():
    debts = {f"order-{n:02}": 1 for n in range(MOST_DEBTORS)}
    wallet = a_wallet(debt=MOST_DEBTORS, debts=debts)

    named = clawbacks.claw_back(wallet, Clawback(payment_id="order-07"), [], [], 5, a_cause(), NOW)
    unnamed = clawbacks.claw_back(wallet, Clawback(payment_id="another"), [], [], 5, a_cause(), NOW)

    assert named.wallet.debts == debts | {"order-07": 6}
    assert (unnamed.wallet.debts, unnamed.wallet.debt) == (debts, MOST_DEBTORS + 5)


@pytest.mark.parametrize(
    ("wallet", "owed", "paid"),
    [
        ({"debt": 10, "debts": {PAYMENT_ID: 4}}, 10, 0),  # 6 are in nobody's name
        ({"debt": 10, "debts": {PAYMENT_ID: 4, "other": 5}}, 10, 5),
        ({"debt": 1, "debts": {PAYMENT_ID: 1}}, 2, 1),
        ({"debt": 5, "debts": {"other": 5}}, 3, 3),
        ({"debt": 9, "debts": {PAYMENT_ID: 9}}, 3, 0),
    ],
)
def test_what_an_order_owed_and_nobody_owes_any_more_was_paid_by_lots_that_are_not_known(
    wallet: dict[str, object], owed: int, paid: int
):
    out = Clawback(payment_id=PAYMENT_ID, takings=(taken("a", 5),), owed=owed)

    now = clawbacks.still_owed(a_wallet(**wallet), out, DAY)

    of_no_lot = (Taking(lot_id="", expires_at=None, credits=paid, life=DAY),) if paid else ()
    assert now == Clawback(payment_id=PAYMENT_ID, takings=(taken("a", 5), *of_no_lot), owed=owed - paid)


@pytest.mark.parametrize(
    ("debt", "debts", "taken_before", "owed"),
    [(30, {"other": 10}, 50, 20), (30, {"other": 10}, 20, 20), (30, {}, 5, 5), (10, {"other": 10}, 7, 0)],
)
def test_what_an_earlier_version_took_is_owed_as_far_as_anything_is_in_nobodys_name_else_of_its_lot(
    debt: int, debts: dict[str, int], taken_before: int, owed: int
):
    known = Clawback(payment_id=PAYMENT_ID, is_whole=False)
    lot = a_lot(expires_at=EXPIRY)

    out = clawbacks.assumed(known, a_wallet(debt=debt, debts=debts), lot, taken_before, DAY)

    of_its_lot = (taken(PAYMENT_ID, taken_before - owed),) if taken_before > owed else ()
    assert out == Clawback(payment_id=PAYMENT_ID, takings=of_its_lot, owed=owed)


def test_where_all_that_comes_back_pays_debts_there_is_no_new_lot():
    out = Clawback(payment_id=PAYMENT_ID, takings=(taken(PAYMENT_ID, 2),))

    change = clawbacks.give_back(a_wallet(debt=2, debts={"other": 2}), out, {}, 2, a_cause(), EXPIRY)

    assert (change.new_lots, change.entry.continued, change.wallet.debt) == ((), {}, 0)
    assert change.additions == (ClawbackAddition(payment_id="other", repaid=(taken(PAYMENT_ID, 2),)),)
