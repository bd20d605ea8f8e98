"""The currencies, the amounts that are accepted in each, and how to format an amount.

Source: Stripe documentation, "Supported currencies" (https://docs.stripe.com/currencies). The tables are the
simulator's own, so that a test can compare Topup's with them.
"""

from local.stripe_simulator.core.errors import InvalidParameter, StripeError
from local.stripe_simulator.objects.base import words

NO_DECIMALS = frozenset(words("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf"))
THREE_DECIMALS = frozenset(words("bhd jod kwd omr tnd"))
TWO_DECIMALS = frozenset(
    words(
        "usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad cdf chf cny "
        "cop crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf idr ils inr isk "
        "jmd kes kgs khr kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok "
        "npr nzd pab pen pgk php pkr pln qar ron rsd rub sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try "
        "ttd twd tzs uah ugx uyu uzs wst xcd yer zar zmw"
    )
)
CURRENCIES = NO_DECIMALS | THREE_DECIMALS | TWO_DECIMALS

# "Special cases": two decimals that are always 00.
ALWAYS_00 = frozenset(["isk", "ugx"])

# "Minimum and maximum charge amounts". Every account here is paid out in the currency that it charges in.
MOST_DIGITS = {"idr": 12, "lbp": 11, "cop": 10, "huf": 10, "jpy": 10, "inr": 9}
LARGEST_AMOUNT = 999_999_999_999
SMALLEST_CHARGES = (
    ("gbp", 30),
    *((currency, 50) for currency in words("usd aud brl cad chf eur inr jpy nzd sgd")),
    ("bgn", 100),
    *((currency, 200) for currency in words("aed myr pln ron")),
    ("dkk", 250),
    *((currency, 300) for currency in words("nok sek")),
    ("hkd", 400),
    *((currency, 1_000) for currency in words("mxn thb")),
    ("czk", 1_500),
    ("huf", 17_500),
)
# The table has no figure for the others, which are converted: no account accepts less than this.
OTHER_CHARGES = {"whole": 30, "hundredths": 30, "thousandths": 100}

SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥", "cny": "CN¥", "hkd": "HK$", "twd": "NT$", "krw": "₩"}

CHINESE_SYMBOLS = {"cny": "¥", "jpy": "JP¥", "usd": "US$", "krw": "￦"}  # as browsers write them


def decimals(currency: str) -> int:
    if currency in NO_DECIMALS:
        return 0
    return 3 if currency in THREE_DECIMALS else 2


def step(currency: str) -> int:
    """Amounts must be multiples of this, in minor units."""
    if currency in THREE_DECIMALS:
        return 10
    return 100 if currency in ALWAYS_00 else 1


def least(currency: str) -> int:
    """The smallest charge, in minor units."""
    unit = ("whole", "", "hundredths", "thousandths")[decimals(currency)]
    return max(dict(SMALLEST_CHARGES).get(currency, OTHER_CHARGES[unit]), step(currency))


def most(currency: str) -> int:
    """The largest amount, in minor units."""
    digits = MOST_DIGITS.get(currency, 8)
    return int("9" * digits) // step(currency) * step(currency)


def check_step(amount: int, currency: str, param: str) -> None:
    """raises InvalidParameter for an amount with decimals that the currency does not have."""
    if currency in ALWAYS_00 and amount % 100:
        message = (
            f"Invalid amount. Currency {currency.upper()} has become effectively zero-decimal and charged amounts must "
            "be evenly divisible by 100."
        )
        raise InvalidParameter(message, code="parameter_invalid_integer", param=param)
    if amount % step(currency):
        message = f"Invalid integer: amounts in {currency} must be divisible by {step(currency)}"
        raise InvalidParameter(message, code="parameter_invalid_integer", param=param)


def check_charge(amount: int, currency: str, what: str) -> None:
    """raises StripeError for less than the smallest charge and for more than the largest."""
    if amount < least(currency):
        message = f"{what} must convert to at least {format_amount(least(currency), currency)}."
        raise StripeError(message, code="amount_too_small")
    if amount > most(currency):
        message = f"{what} must be no more than {format_amount(most(currency), currency)}."
        raise StripeError(message, code="amount_too_large")


def format_amount(amount_minor: int, currency: str, *, chinese: bool = False) -> str:
    """amount_minor: integer minor units. `CN¥50.00`, `¥500`, `KWD 1.500`."""
    places = decimals(currency)
    whole, rest = divmod(amount_minor, 10**places)
    number = f"{whole:,}.{rest:0{places}d}" if places else f"{whole:,}"
    symbol = (SYMBOLS | CHINESE_SYMBOLS if chinese else SYMBOLS).get(currency)
    return f"{symbol}{number}" if symbol else f"{currency.upper()} {number}"
