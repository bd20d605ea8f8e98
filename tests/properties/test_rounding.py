"""Refunds and disputes in parts: whatever the parts and their order, the credits add up to what was granted."""

from dataclasses import dataclass, replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from local.in_process.environment import NOW
from tests.properties.effort import examples
from tests.properties.memory import Memory
from topup.domain.reversals import Kind, Reversal, ReversalStatus

ORDER = "order-1"
ENDED = {Kind.REFUND: ReversalStatus.FAILED, Kind.DISPUTE: ReversalStatus.WON}
STANDS = {Kind.REFUND: ReversalStatus.SUCCEEDED, Kind.DISPUTE: ReversalStatus.NEEDS_RESPONSE}


@dataclass(frozen=True)
class Part:
    """One refund or dispute; `fails` at once, so that the money has to go back in another one."""

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


def bought(granted: int, price: int) -> Memory:
    memory = Memory()
    memory.buy(ORDER, granted, price, NOW)
    return memory


def reverse(memory: Memory, number: int, part: Part) -> None:
    update = Reversal(
        kind=part.kind,
        reversal_id=f"{part.kind}-{number}",
        payment_id=ORDER,
        amount_minor=part.amount,
        status=STANDS[part.kind],
        created_at=NOW,
    )
    memory.hear(update, NOW)
    if part.fails:
        memory.hear(replace(update, status=ENDED[part.kind]), NOW)


@examples(150)
@given(sales(), st.data())
def test_refunds_of_the_whole_price_take_all_credits_and_leave_no_residue(
    sale: tuple[int, int, list[int]], data: st.DataObject
):
    granted, price, parts = sale
    memory, refunded = bought(granted, price), 0
    for number, amount in enumerate(parts):
        if data.draw(st.booleans(), label="fails first"):
            reverse(memory, 1000 + number, Part(Kind.REFUND, amount, fails=True))
        reverse(memory, number, Part(Kind.REFUND, amount))
        refunded += amount
        # By multiplication: n is the floor of granted × refunded / price.
        clawed_back = memory.orders[ORDER].clawed_back
        assert clawed_back * price <= granted * refunded < (clawed_back + 1) * price

    assert (memory.orders[ORDER].clawed_back, memory.account.wallet.balance, memory.account.wallet.debt) == (
        granted,
        0,
        0,
    )


PARTS = st.builds(Part, st.sampled_from(Kind), st.integers(1, 100_000), st.booleans())


@examples(150)
@given(st.integers(1, 20_000), st.integers(1, 100_000), st.lists(PARTS, max_size=15))
def test_refunds_and_disputes_together_never_take_more_than_was_granted(granted: int, price: int, parts: list[Part]):
    memory, refunded, disputed = bought(granted, price), 0, 0
    for number, part in enumerate(parts):
        if part.kind is Kind.REFUND and part.amount > price - refunded:
            continue  # Stripe refunds no more than was paid
        reverse(memory, number, part)
        if not part.fails and part.kind is Kind.REFUND:
            refunded += part.amount
        elif not part.fails:
            disputed += part.amount

        gone = -(memory.account.wallet.balance - granted)
        assert gone * price <= granted * min(price, refunded + disputed) < (gone + 1) * price
        assert 0 <= gone <= granted
        assert memory.account.wallet.debt == 0
