"""Packages of any amount: what an amount buys is exact, rounded down once, and never less for more money."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from tests.support.examples import examples
from topup.domain import catalogue_file, money
from topup.domain.catalogue import AnyAmount
from topup.domain.errors import ConfigurationError

STEPS = {"JPY": ["1", "10", "500"], "CNY": ["0.01", "0.50", "1.00", "10.00"], "KWD": ["0.010", "0.500"]}


@st.composite
def any_amounts(draw: st.DrawFn) -> AnyAmount:
    currency = draw(st.sampled_from(sorted(STEPS)))
    step = Decimal(draw(st.sampled_from(STEPS[currency])))
    least = step * draw(st.integers(1, 500))
    most = least + step * draw(st.integers(0, 5000))
    starts = sorted(draw(st.sets(st.integers(int(least / step), int(most / step)), max_size=4)))
    bonuses = sorted(draw(st.sets(st.integers(1, 10_000), min_size=len(starts), max_size=len(starts))))
    fields: dict[str, Any] = {
        "name": "Any",
        "currency": currency,
        "min": f"{least:f}",
        "max": f"{most:f}",
        "step": f"{step:f}",
        "unit_price": Decimal(draw(st.integers(1, 3_000_000))).scaleb(-6),
        "tiers": [
            {"from": f"{step * start:f}", "bonus_percent": Decimal(bonus).scaleb(-2)}
            for start, bonus in zip(starts, bonuses, strict=True)
        ],
    }
    try:
        parsed = catalogue_file.parse({"packages": {"any": fields}, "credit_value_rmb": Decimal("0.1")})
    except ConfigurationError as error:
        assume(".min:" not in error.detail and ".max:" not in error.detail)  # not an amount for Stripe, or for credits
        raise
    package = parsed.packages["any"]
    assert isinstance(package, AnyAmount)
    return package


def amounts_of(package: AnyAmount) -> st.SearchStrategy[int]:
    steps = st.integers(package.min_minor // package.step_minor, package.max_minor // package.step_minor)
    return steps.map(lambda count: count * package.step_minor)


@examples(300)
@given(st.data())
def test_an_amount_buys_its_exact_share_and_its_tiers_bonus_rounded_down_once(data: st.DataObject):
    package = data.draw(any_amounts())
    amount = data.draw(amounts_of(package))

    bonus = Fraction(0)
    for tier in package.tiers:
        if amount >= tier.from_minor:
            bonus = Fraction(tier.bonus_percent)
    exact = Fraction(money.to_major(amount, package.currency)) / Fraction(package.unit_price) * (1 + bonus / 100)

    bought = package.for_amount(money.to_text(amount, package.currency))
    assert bought.price_minor == amount
    assert bought.credits <= exact < bought.credits + 1
    assert type(bought.credits) is int


@examples(200)
@given(st.data())
def test_more_money_never_buys_fewer_credits(data: st.DataObject):
    package = data.draw(any_amounts())
    less, more = sorted((data.draw(amounts_of(package)), data.draw(amounts_of(package))))

    assert 0 < package.credits_for(less) <= package.credits_for(more) <= catalogue_file.LARGEST_CREDITS


@examples(200)
@given(st.data())
def test_what_pages_compute_with_goes_through_json_unchanged(data: st.DataObject):
    package = data.draw(any_amounts())

    assert Decimal(repr(float(package.unit_price))) == package.unit_price
    assert all(Decimal(repr(float(tier.bonus_percent))) == tier.bonus_percent for tier in package.tiers)
