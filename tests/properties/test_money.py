"""Amounts of money: converted exactly in every currency and direction, or refused."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from local.in_process.environment import NOW
from tests.support.builders import PAYMENT_ID, an_order
from tests.support.examples import examples
from topup.api import refund_responses, responses
from topup.domain import money
from topup.domain.currencies import CURRENCIES as KNOWN
from topup.domain.reversals import Kind, Reversal, ReversalStatus

DECIMALS = {"JPY": 0, "KRW": 0, "CNY": 2, "USD": 2, "ISK": 2, "UGX": 2, "IDR": 2, "KWD": 3, "BHD": 3}
STEPS = {"ISK": 100, "UGX": 100, "KWD": 10, "BHD": 10}
LARGEST = {"JPY": 10**10 - 1, "IDR": 10**12 - 1}
CURRENCIES = st.sampled_from(sorted(DECIMALS))
AMOUNTS = st.one_of(
    st.decimals(),
    st.decimals(min_value=0, max_value=10**8, places=2),
    st.decimals(min_value=0, max_value=10**11, places=2),
    st.integers(0, 10**7).map(Decimal),
    st.decimals(min_value=0, max_value=10**5, places=3),
    st.builds(lambda digits, exponent: Decimal((0, (digits,), exponent)), st.integers(0, 9), st.integers(-60, 60)),
    st.builds(lambda digits: Decimal(digits).scaleb(-40), st.integers(1, 10**6)).map(lambda tiny: Decimal(1) + tiny),
)


@st.composite
def chargeable(draw: st.DrawFn) -> tuple[int, str]:
    """An amount in minor units that Stripe accepts, and its currency."""
    currency = draw(CURRENCIES)
    step = STEPS.get(currency, 1)
    return draw(st.integers(1, LARGEST.get(currency, 99_999_999) // step)) * step, currency


@examples(200)
@given(chargeable())
def test_every_amount_survives_being_written_and_read(priced: tuple[int, str]):
    minor, currency = priced
    whole, part = divmod(minor, 10 ** DECIMALS[currency])
    text = f"{whole}.{part:0{DECIMALS[currency]}}" if DECIMALS[currency] else f"{whole}"

    assert money.to_text(minor, currency) == text
    back = money.to_minor(Decimal(text), currency)
    assert (type(back), back) == (int, minor)
    assert type(money.to_major(minor, currency)) is Decimal


@examples(200)
@given(chargeable())
def test_the_number_that_clients_get_is_exact(priced: tuple[int, str]):
    minor, currency = priced
    order = an_order(amount_minor=minor, currency=currency)
    refund = Reversal(
        kind=Kind.REFUND,
        reversal_id="re_1",
        payment_id=PAYMENT_ID,
        amount_minor=minor,
        status=ReversalStatus.SUCCEEDED,
        created_at=NOW,
    )

    for number in (
        responses.payment(order)["amount"],
        refund_responses.result(order, refund, is_recorded=True)["amount"],
    ):
        assert Fraction(repr(number)) == Fraction(minor, 10 ** DECIMALS[currency])


def is_chargeable(amount: Decimal, currency: str) -> bool:
    """Computed with fractions, which have neither a precision nor a context."""
    if not amount.is_finite() or abs(amount.adjusted()) > 100:
        return False
    minor = Fraction(amount) * 10 ** DECIMALS[currency]
    return bool(minor % STEPS.get(currency, 1) == 0 and 0 < minor <= LARGEST.get(currency, 99_999_999))


@examples(400)
@given(AMOUNTS, CURRENCIES)
@example(Decimal("1.00000000000000000000000000000000000000001"), "CNY")  # more digits than a decimal context holds
@example(Decimal("1e-9999999"), "CNY")
@example(Decimal("0.1e-999999"), "JPY")
@example(Decimal("1e9999999"), "KWD")
@example(Decimal("1.235"), "KWD")  # Stripe accepts only multiples of ten of its minor unit
@example(Decimal("990.50"), "ISK")
def test_an_amount_is_converted_exactly_or_refused(amount: Decimal, currency: str):
    if is_chargeable(amount, currency):
        assert Fraction(money.to_minor(amount, currency)) == Fraction(amount) * 10 ** DECIMALS[currency]
    else:
        with pytest.raises(money.InvalidAmount):
            money.to_minor(amount, currency)


@examples(50)
@given(st.text(max_size=4).filter(lambda text: text not in KNOWN))
def test_an_unknown_currency_is_refused(word: str):
    with pytest.raises(money.InvalidAmount, match="not a currency"):
        money.to_minor(Decimal(1), word)


@examples(200)
@given(st.sampled_from(sorted(KNOWN)), st.integers(-3, 3))
def test_a_price_is_accepted_from_the_smallest_charge_to_the_largest(currency: str, steps: int):
    rules = KNOWN[currency]
    for limit, is_inside in ((rules.smallest_charge, steps >= 0), (rules.largest_charge, steps <= 0)):
        minor = limit + steps * rules.step
        if minor % rules.step == 0 and is_inside:
            assert money.to_charge(money.to_major(minor, currency), currency) == minor
        else:
            with pytest.raises(money.InvalidAmount):
                money.to_charge(money.to_major(minor, currency), currency)
