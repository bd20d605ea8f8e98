"""The currencies, their decimals, and how to format an amount."""

from local.stripe_simulator.objects.base import words

NO_DECIMALS = frozenset(words("bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf"))
THREE_DECIMALS = frozenset(words("bhd jod kwd omr tnd"))
TWO_DECIMALS = frozenset(
    words(
        "usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad cdf chf cny "
        "cop crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl hrk htg huf idr ils inr isk "
        "jmd kes kgs khr kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok "
        "npr nzd pab pen pgk php pkr pln qar ron rsd rub sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try "
        "ttd twd tzs uah uyu uzs wst xcd yer zar zmw"
    )
)
CURRENCIES = NO_DECIMALS | THREE_DECIMALS | TWO_DECIMALS

# Stripe API, amount: "up to eight digits".
MAX_AMOUNT = 99_999_999

SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥", "cny": "CN¥", "hkd": "HK$", "twd": "NT$", "krw": "₩"}

CHINESE_SYMBOLS = {"cny": "¥", "jpy": "JP¥"}


def decimals(currency: str) -> int:
    if currency in NO_DECIMALS:
        return 0
    return 3 if currency in THREE_DECIMALS else 2


def format_amount(amount_minor: int, currency: str, *, chinese: bool = False) -> str:
    """amount_minor: integer minor units. `CN¥50.00`, `¥500`, `KWD 1.500`."""
    places = decimals(currency)
    whole, rest = divmod(amount_minor, 10**places)
    number = f"{whole:,}.{rest:0{places}d}" if places else f"{whole:,}"
    symbol = (SYMBOLS | CHINESE_SYMBOLS if chinese else SYMBOLS).get(currency)
    return f"{symbol}{number}" if symbol else f"{currency.upper()} {number}"
