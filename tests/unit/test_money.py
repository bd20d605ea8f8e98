from decimal import Decimal

import pytest

from local.stripe_simulator.core import money as simulator
from topup.domain import money
from topup.domain.currencies import CURRENCIES
from topup.stripe_gateway import parsing


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("50.00", "CNY", 5000),
        ("1000", "JPY", 1000),
        ("1.230", "KWD", 1230),
        ("0.01", "USD", 1),
        ("990", "ISK", 99_000),
        ("990.00", "UGX", 99_000),
        ("990.50", "HUF", 99_050),  # whole only where money is paid out
        ("990.50", "TWD", 99_050),
        ("9999999999.99", "IDR", 999_999_999_999),
        ("9999999.99", "INR", 999_999_999),
    ],
)
def test_an_amount_becomes_minor_units_of_its_currency_and_back(amount: str, currency: str, minor: int):
    assert money.to_minor(Decimal(amount), currency) == minor
    assert money.to_major(minor, currency) == Decimal(amount)


@pytest.mark.parametrize(
    ("amount", "currency", "reason"),
    [
        ("0.001", "CNY", "2 decimals"),
        ("0.5", "JPY", "0 decimals"),
        ("1.234", "KWD", "last decimal must be 0"),
        ("990.50", "ISK", "whole units: the decimals must be 00$"),
        ("990.01", "UGX", "whole"),
        ("0", "CNY", "greater than 0"),
        ("-1", "CNY", "greater than 0"),
        ("NaN", "CNY", "greater than 0"),
        ("Infinity", "CNY", "greater than 0"),
        ("1e40", "CNY", "at most 999999.99 CNY"),
        ("1000000.00", "CNY", "at most 999999.99 CNY"),
        ("100000.000", "KWD", "at most 99999.990 KWD"),
        ("1000000", "ISK", "at most 999999.00 ISK"),
        ("10000000000.00", "IDR", "at most 9999999999.99 IDR"),
        ("1", "cny", "not a currency"),
        ("1", "XXX", "not a currency"),
    ],
)
def test_an_amount_that_stripe_cannot_move_is_refused_with_the_reason(amount: str, currency: str, reason: str):
    with pytest.raises(money.InvalidAmount, match=reason):
        money.to_minor(Decimal(amount), currency)


@pytest.mark.parametrize(
    ("least", "currency"),
    [
        ("0.50", "USD"),
        ("0.30", "GBP"),
        ("50", "JPY"),
        ("175.00", "HUF"),
        ("4.00", "HKD"),
        ("10.00", "THB"),
        ("0.30", "CNY"),  # Stripe's table has no figure for these three
        ("0.100", "KWD"),
        ("1.00", "ISK"),
    ],
)
def test_a_price_is_not_below_the_smallest_charge_but_a_refund_may_be(least: str, currency: str):
    step = money.to_major(CURRENCIES[currency].step, currency)

    assert money.to_charge(Decimal(least), currency) == money.to_minor(Decimal(least), currency)
    for less in (Decimal(least) - step, step):
        if 0 < less < Decimal(least):
            assert money.to_minor(less, currency) > 0
            with pytest.raises(money.InvalidAmount, match=f"at least {least} {currency}"):
                money.to_charge(less, currency)


def test_a_price_is_refused_for_every_reason_that_an_amount_is():
    with pytest.raises(money.InvalidAmount, match="whole"):
        money.to_charge(Decimal("990.50"), "ISK")


def test_amounts_are_written_with_the_decimals_of_their_currency():
    assert [money.to_text(1230, currency) for currency in ("JPY", "CNY", "KWD")] == ["1230", "12.30", "1.230"]


def test_the_simulator_has_the_same_currencies_and_takes_the_same_amounts():
    ours = {
        code.lower(): (one.decimals, one.step, one.smallest_charge, one.largest_charge)
        for code, one in CURRENCIES.items()
    }
    theirs = {
        code: (simulator.decimals(code), simulator.step(code), simulator.least(code), simulator.most(code))
        for code in simulator.CURRENCIES
    }

    assert ours == theirs


@pytest.mark.parametrize("code", sorted(CURRENCIES))
def test_the_limits_of_a_currency_are_amounts_that_stripe_takes(code: str):
    currency = CURRENCIES[code]

    assert currency.smallest_charge % currency.step == currency.largest_charge % currency.step == 0
    assert 0 < currency.smallest_charge < currency.largest_charge <= parsing.LARGEST_AMOUNT
    assert money.to_charge(money.to_major(currency.largest_charge, code), code) == currency.largest_charge


@pytest.mark.parametrize(
    ("minor", "currency", "moved"),
    [(9_950, "ISK", 9_900), (9_900, "ISK", 9_900), (9_950, "CNY", 9_950), (19, "KWD", 10)],
)
def test_of_an_amount_stripe_can_move_the_largest_one_that_its_currency_has(minor: int, currency: str, moved: int):
    assert money.movable(minor, currency) == moved
