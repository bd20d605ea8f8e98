"""Which lots a spend draws on, and what money their credits stand for; with lots that never expire among the others."""

from datetime import datetime, timedelta
from itertools import accumulate, pairwise

from hypothesis import given
from hypothesis import strategies as st

from local.in_process.environment import NOW
from tests.support.builders import a_lot
from tests.support.examples import examples
from topup.domain.lots import Lot, draw, spendable
from topup.store import credit_items

# None: never. Few different times, so that several lots expire in the same second.
EXPIRIES = st.one_of(st.none(), st.integers(-2, 3).map(lambda days: NOW + timedelta(days=days)))


@st.composite
def lots(draw_one: st.DrawFn) -> list[Lot]:
    drawn = draw_one(st.lists(st.tuples(EXPIRIES, st.integers(0, 5)), max_size=12))
    made = [
        a_lot(lot_id=f"lot-{number:02}", granted=5, remaining=remaining, expires_at=expires_at)
        for number, (expires_at, remaining) in enumerate(drawn)
    ]
    return draw_one(st.permutations(made))


def ends(lot: Lot) -> datetime:
    return lot.expires_at or NOW + timedelta(days=10_000)


@examples(300)
@given(lots())
def test_all_open_lots_may_be_spent_soonest_expiry_first_and_never_last(held: list[Lot]):
    found = spendable(held, NOW)

    assert {lot.lot_id for lot in found} == {lot.lot_id for lot in held if lot.remaining and ends(lot) > NOW}
    assert all((ends(one), one.lot_id) < (ends(other), other.lot_id) for one, other in pairwise(found))
    assert spendable(reversed(held), NOW) == found


@examples(300)
@given(lots())
def test_the_keys_of_open_lots_sort_as_they_are_spent(held: list[Lot]):
    found = spendable(held, NOW)

    assert sorted(found, key=credit_items.lot_record) == found
    assert all(credit_items.LOT < credit_items.lot_record(lot) < credit_items.WALLET for lot in found)


@examples(300)
@given(lots(), st.integers(0, 70))
def test_a_draw_empties_each_lot_before_the_next(held: list[Lot], amount: int):
    found = spendable(held, NOW)

    drawn = draw(found, amount)

    assert [change.before for change in drawn] == found[: len(drawn)]
    assert -sum(change.amount for change in drawn) == min(amount, sum(lot.remaining for lot in found))
    assert all(change.amount < 0 for change in drawn)
    assert all(change.after.remaining == 0 for change in drawn[:-1])


@examples(300)
@given(st.integers(0, 10**9), st.lists(st.integers(1, 2000), min_size=1, max_size=20))
def test_the_money_of_a_lot_is_used_to_the_minor_unit_in_whatever_parts_its_credits_go(paid: int, parts: list[int]):
    lot = a_lot(granted=sum(parts), remaining=0, paid_minor=paid)
    steps = [lot.money_gone_minor(gone) for gone in accumulate(parts, initial=0)]

    assert (steps[0], steps[-1]) == (0, paid)
    for part, (before, after) in zip(parts, pairwise(steps), strict=True):
        exact = paid * part / lot.granted
        assert after >= before
        assert exact - 1 < after - before < exact + 1
