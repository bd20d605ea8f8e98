"""Money as integers in the currency's minor unit; decimals exist only at the edge, floats nowhere."""

from decimal import Decimal

from topup.domain.currencies import CURRENCIES, Currency
from topup.domain.errors import TopupError

# "Currencies are two-decimal currencies unless otherwise specified": Stripe documentation, "Supported currencies".
DECIMALS_UNLESS_SPECIFIED = 2


class InvalidAmount(TopupError):
    """Not an amount of money in this currency."""

    code = "invalid_amount"
    title = "Not a valid amount"


def to_minor(amount: Decimal, currency: str) -> int:
    """Integer minor units of `amount` in major units; raises InvalidAmount unless Stripe can move exactly that amount.

    It may be less than the smallest charge: refunds may.
    """
    rules = _rules(currency)
    if not amount.is_finite() or amount <= 0:
        raise InvalidAmount("must be greater than 0")
    if amount > to_major(rules.largest_charge, currency):
        raise InvalidAmount(f"must be at most {to_text(rules.largest_charge, currency)} {currency}, Stripe's largest")
    # Rounded and then compared, which is exact: other arithmetic keeps at most 28 digits.
    rounded = amount.quantize(Decimal(1).scaleb(-rules.decimals))
    if rounded != amount:
        raise InvalidAmount(f"{currency} has {rules.decimals} decimals")
    minor = int(rounded.scaleb(rules.decimals))
    if minor % rules.step:
        raise InvalidAmount(_step_in_words(rules, currency))
    return minor


def to_charge(amount: Decimal, currency: str) -> int:
    """Integer minor units of a price in major units; raises InvalidAmount unless Stripe can charge exactly that."""
    minor = to_minor(amount, currency)
    least = _rules(currency).smallest_charge
    if minor < least:
        raise InvalidAmount(f"must be at least {to_text(least, currency)} {currency}: Stripe charges no less")
    return minor


def movable(amount_minor: int, currency: str) -> int:
    """The largest amount up to this one, in minor units, that Stripe can move: in ISK, 99.50 → 99.00."""
    return amount_minor - amount_minor % _rules(currency).step


def to_major(amount_minor: int, currency: str) -> Decimal:
    """The amount in major units with the currency's decimals: 10000 CNY → 100.00.

    A currency that we do not know, which only a dispute can have, counts as one with two decimals, as Stripe says.
    """
    rules = CURRENCIES.get(currency)
    return Decimal(amount_minor).scaleb(-(rules.decimals if rules else DECIMALS_UNLESS_SPECIFIED))


def to_text(amount_minor: int, currency: str) -> str:
    """What clients show and parse as a string: "100.00", and "100" where the currency has no decimals."""
    return f"{to_major(amount_minor, currency):f}"


def _rules(currency: str) -> Currency:
    try:
        return CURRENCIES[currency]
    except KeyError:
        raise InvalidAmount(f"{currency!r} is not a currency that Stripe charges in (ISO 4217, capitals)") from None


def _step_in_words(rules: Currency, currency: str) -> str:
    if rules.decimals == 3:
        return f"Stripe takes {currency} in tens of the minor unit: the last decimal must be 0"
    return f"Stripe takes {currency} in whole units: the decimals must be {'0' * rules.decimals}"
