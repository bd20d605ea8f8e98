"""Requests that are received before a lot's expiry and carried out after it, mixed with later ones."""

from datetime import timedelta
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from local.in_process.shop import Shop
from tests.support.examples import examples
from topup.domain.times import months_later

GRANTED = 1100
SECONDS = st.integers(-2, 2)  # from the expiry to the time at which a request is received
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("spend"), SECONDS, st.integers(1, GRANTED)),
        st.tuples(st.just("refund"), SECONDS, st.integers(1, 100)),
        st.tuples(st.just("dashboard"), SECONDS, st.integers(1, 100)),
        st.tuples(st.just("timer"), SECONDS, st.just(0)),
    ),
    min_size=2,
    max_size=5,
)


def take(shop: Shop, step: str, amount: int, buyer: str, payment_id: str, intent: str) -> Any:
    match step:
        case "spend":
            return shop.spend(amount, user=buyer)
        case "refund":
            return shop.refund(payment_id, amount)
        case "dashboard" if shop.payment(payment_id).get("amount_refunded", 0) + amount <= 100:
            shop.simulator.refund(intent, amount * 100)
            return shop.deliver()
        case "timer":
            return shop.run_timers()


# Each example has its own buyer, a day after the one before.
@examples(15, reuses_fixtures=True)
@given(steps=STEPS)
@example([("refund", 0, 100), ("spend", -1, 1000)])
@example([("dashboard", 1, 50), ("spend", -1, 1000)])
@example([("refund", 2, 30), ("spend", -2, 1000), ("timer", 1, 0), ("refund", 0, 70)])
def test_credits_that_expiry_took_instead_of_a_refund_cannot_be_spent(shop: Shop, steps: list[tuple[str, int, int]]):
    shop.wait(days=1)
    expiry, buyer = months_later(shop.now, 6), f"buyer-{shop.now}"
    created = shop.create(user=buyer)
    intent = shop.pay(created)
    shop.deliver()

    for step, second, amount in steps:
        shop.api.now = expiry + timedelta(seconds=second)
        take(shop, step, amount, buyer, created["payment_id"], intent)

    shop.api.now = expiry + timedelta(seconds=3)
    shop.check()
