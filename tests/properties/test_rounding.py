"""Refunds and disputes in parts: in any order, the credits clawed back add up to the credits granted."""

from dataclasses import dataclass, replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from local.in_process.environment import NOW
from tests.support.examples import examples
from tests.support.ledger import InMemoryLedger
from topup.domain.reversals import Kind, Reversal, ReversalStatus

ORDER = "order-1"
ENDED = {Kind.REFUND: ReversalStatus.FAILED, Kind.DISPUTE: ReversalStatus.WON}
BEGINS = {Kind.REFUND: ReversalStatus.SUCCEEDED, Kind.DISPUTE: ReversalStatus.NEEDS_RESPONSE}


@dataclass(frozen=True)
class Part:
    """One refund or dispute; if it `fails`, it does so at once, and another one has to return the money."""

    kind: Kind
    amount: int
    fails: bool = False


@st.composite
def sales(draw: st.DrawFn) -> tuple[int, int, list[int]]:
    """Credits, price in minor units, and the price in parts."""
    granted, price = draw(st.integers(1, 20_000)), draw(st.integers(1, 100_000))
    cuts = draw(st.lists(st.integers(0, price), max_size=40, unique=True))
    edges = sorted({0, price, *cuts})
    parts = [after - before for before, after in pairwise(edges)]
    return granted, price, draw(st.permutations(parts))


def bought(granted: int, price: int) -> InMemoryLedger:
    ledger = InMemoryLedger()
    ledger.buy(ORDER, granted, price, NOW)
    return ledger


def reverse(ledger: InMemoryLedger, number: int, part: Part) -> None:
    update = Reversal(
        kind=part.kind,
        reversal_id=f"{part.kind}-{number}",
        payment_id=ORDER,
        amount_minor=part.amount,
        status=BEGINS[part.kind],
        created_at=NOW,
    )
    ledger.reverse(update, NOW)
    if part.fails:
        ledger.reverse(replace(update, status=ENDED[part.kind]), NOW)


@examples(150)
@given(sales(), st.data())
def test_refunds_of_the_whole_price_take_all_credits_and_leave_no_residue(
    sale: tuple[int, int, list[int]], data: st.DataObject
):
    granted, price, parts = sale
    ledger, refunded = bought(granted, price), 0
    for number, amount in enumerate(parts):
        if data.draw(st.booleans(), label="fails first"):
            reverse(ledger, 1000 + number, Part(Kind.REFUND, amount, fails=True))
        reverse(ledger, number, Part(Kind.REFUND, amount))
        refunded += amount
        # By multiplication: n is the floor of granted × refunded / price.
        clawed_back = ledger.orders[ORDER].clawed_back
        assert clawed_back * price <= granted * refunded < (clawed_back + 1) * price

    assert (ledger.orders[ORDER].clawed_back, ledger.account.wallet.balance, ledger.account.wallet.debt) == (
        granted,
        0,
        0,
    )


PARTS = st.builds(Part, st.sampled_from(Kind), st.integers(1, 100_000), st.booleans())


@examples(150)
@given(st.integers(1, 20_000), st.integers(1, 100_000), st.lists(PARTS, max_size=15))
def test_refunds_and_disputes_together_never_take_more_than_was_granted(granted: int, price: int, parts: list[Part]):
    ledger, refunded, disputed = bought(granted, price), 0, 0
    for number, part in enumerate(parts):
        if part.kind is Kind.REFUND and part.amount > price - refunded:
            continue  # Stripe refunds no more than was paid
        reverse(ledger, number, part)
        if not part.fails and part.kind is Kind.REFUND:
            refunded += part.amount
        elif not part.fails:
            disputed += part.amount

        gone = -(ledger.account.wallet.balance - granted)
        assert gone * price <= granted * min(price, refunded + disputed) < (gone + 1) * price
        assert 0 <= gone <= granted
        assert ledger.account.wallet.debt == 0
