"""Money as integers in the currency's minor unit; decimals exist only at the edge, floats nowhere."""

from decimal import Decimal

from topup.domain.errors import TopupError

_ZERO_DECIMALS = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF"
_TWO_DECIMALS = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BWP BYN BZD CAD CDF CHF CNY COP CRC "
    "CVE CZK DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR ISK JMD KES KGS KHR "
    "KYD KZT LAK LBP LKR LRD LSL MAD MDL MKD MMK MNT MOP MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK "
    "PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SEK SGD SHP SLE SOS SRD STD SZL THB TJS TOP TRY TTD TWD TZS UAH UGX USD "
    "UYU UZS WST XCD YER ZAR ZMW"
)
_THREE_DECIMALS = "BHD JOD KWD OMR TND"

# How many decimals Stripe's amounts have, by ISO 4217 code. Not ISO's own table: ISK and UGX have two here, because
# Stripe kept them so. Source: Stripe documentation, "Supported currencies".
EXPONENTS = {
    **dict.fromkeys(_ZERO_DECIMALS.split(), 0),
    **dict.fromkeys(_TWO_DECIMALS.split(), 2),
    **dict.fromkeys(_THREE_DECIMALS.split(), 3),
}

LARGEST_AMOUNT_MINOR = 99_999_999  # Stripe takes at most eight digits


class InvalidAmount(TopupError):
    """Not an amount of money in this currency."""

    code = "invalid_amount"
    title = "Not a valid amount"


def exponent(currency: str) -> int:
    """The number of decimals of an ISO 4217 currency; raises InvalidAmount for one that Stripe does not charge in."""
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise InvalidAmount(f"{currency!r} is not a currency that Stripe charges in (ISO 4217, capitals)") from None


def to_minor(amount: Decimal, currency: str) -> int:
    """Integer minor units of `amount` in major units; raises InvalidAmount unless it is positive and exact."""
    decimals = exponent(currency)
    if not amount.is_finite() or not 0 < amount <= LARGEST_AMOUNT_MINOR:
        raise InvalidAmount("must be greater than 0, and have at most eight digits")
    # Rounded and then compared, which is exact: other arithmetic keeps at most 28 digits.
    rounded = amount.quantize(Decimal(1).scaleb(-decimals))
    if rounded != amount:
        raise InvalidAmount(f"{currency} has {decimals} decimals")
    minor = int(rounded.scaleb(decimals))
    if minor > LARGEST_AMOUNT_MINOR:
        raise InvalidAmount("must have at most eight digits")
    if decimals == 3 and minor % 10:
        raise InvalidAmount(f"Stripe takes {currency} in tens of the minor unit: the last decimal must be 0")
    return minor


def to_major(amount_minor: int, currency: str) -> Decimal:
    """The amount in major units with the currency's decimals: 10000 CNY → 100.00."""
    return Decimal(amount_minor).scaleb(-exponent(currency))


def to_text(amount_minor: int, currency: str) -> str:
    """What clients show and parse as a string: "100.00", and "100" where the currency has no decimals."""
    return f"{to_major(amount_minor, currency):f}"
