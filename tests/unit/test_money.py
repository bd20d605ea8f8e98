from decimal import Decimal

import pytest

from topup.domain import money


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [("50.00", "CNY", 5000), ("1000", "JPY", 1000), ("1.230", "KWD", 1230), ("0.01", "USD", 1)],
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
        ("0", "CNY", "greater than 0"),
        ("-1", "CNY", "greater than 0"),
        ("NaN", "CNY", "greater than 0"),
        ("Infinity", "CNY", "greater than 0"),
        ("1e40", "CNY", "eight digits"),
        ("1000000.00", "CNY", "eight digits"),
        ("1", "cny", "not a currency"),
        ("1", "XXX", "not a currency"),
    ],
)
def test_an_amount_that_stripe_cannot_charge_is_refused_with_the_reason(amount: str, currency: str, reason: str):
    with pytest.raises(money.InvalidAmount, match=reason):
        money.to_minor(Decimal(amount), currency)


def test_amounts_are_written_with_the_decimals_of_their_currency():
    assert [money.to_text(1230, currency) for currency in ("JPY", "CNY", "KWD")] == ["1230", "12.30", "1.230"]
