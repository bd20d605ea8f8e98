"""The currencies that Stripe charges in, and which amounts it takes in each.

Source: Stripe documentation, "Supported currencies" (https://docs.stripe.com/currencies), its sections "Minor units in
API amounts", "Special cases" and "Minimum and maximum charge amounts".
"""

from typing import NamedTuple


class Currency(NamedTuple):
    """A currency in Stripe's API; amounts in its minor units.

    An amount has `decimals` decimals in major units and is a multiple of `step`. A charge is at least `smallest_charge`
    and at most `largest_charge`; a refund may be as small as one `step`.
    """

    decimals: int
    step: int
    smallest_charge: int
    largest_charge: int


_ZERO_DECIMALS = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF"
# Not ISO's own table: ISK and UGX have two decimals here, because Stripe kept them so.
_TWO_DECIMALS = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BWP BYN BZD CAD CDF CHF CNY COP CRC "
    "CVE CZK DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR ISK JMD KES KGS KHR "
    "KYD KZT LAK LBP LKR LRD LSL MAD MDL MKD MMK MNT MOP MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK "
    "PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SEK SGD SHP SLE SOS SRD STD SZL THB TJS TOP TRY TTD TWD TZS UAH UGX USD "
    "UYU UZS WST XCD YER ZAR ZMW"
)
_THREE_DECIMALS = "BHD JOD KWD OMR TND"

# "You can't charge fractions of ISK", nor of UGX. HUF and TWD must be whole in payouts only, which we do not make.
_WHOLE = dict.fromkeys(("ISK", "UGX"), 100)
# "These API calls require the least-significant (last) digit to be 0": payment intents, refunds and disputes.
_LAST_DIGIT_ZERO = dict.fromkeys(_THREE_DECIMALS.split(), 10)
_STEPS = {**_WHOLE, **_LAST_DIGIT_ZERO}

# "8 digits for all other currencies". For LBP, COP, HUF and JPY the page's examples have three digits more than its
# text; the number of digits in the text is the lower limit, so it is safe whichever of the two is right.
_LARGEST = {
    "IDR": 999_999_999_999,
    "LBP": 99_999_999_999,
    "COP": 9_999_999_999,
    "HUF": 9_999_999_999,
    "JPY": 9_999_999_999,
    "INR": 999_999_999,
}
_LARGEST_OF_OTHERS = 99_999_999

# The table "Minimum charge amount". It goes by the currency in which the account is paid out. We know only the price's
# currency, so a price that is converted can still be too small; then Stripe refuses the session.
_SMALLEST = {
    "USD": 50,
    "AED": 200,
    "AUD": 50,
    "BGN": 100,
    "BRL": 50,
    "CAD": 50,
    "CHF": 50,
    "CZK": 1500,
    "DKK": 250,
    "EUR": 50,
    "GBP": 30,
    "HKD": 400,
    "HUF": 17_500,
    "INR": 50,
    "JPY": 50,
    "MXN": 1000,
    "MYR": 200,
    "NOK": 300,
    "NZD": 50,
    "PLN": 200,
    "RON": 200,
    "SEK": 300,
    "SGD": 50,
    "THB": 1000,
}
# Charges in the other currencies are converted, at a rate that we do not know. These limits, by decimals, are low
# enough for the strongest of them: 0.30 GIP is 0.30 GBP, and 0.100 KWD is worth less. So they refuse no price that
# Stripe takes, except for accounts that are paid out in BRL or INR.
_SMALLEST_OF_OTHERS = {0: 30, 2: 30, 3: 100}


def _currency(code: str, decimals: int) -> Currency:
    step = _STEPS.get(code, 1)
    largest = _LARGEST.get(code, _LARGEST_OF_OTHERS)
    return Currency(
        decimals=decimals,
        step=step,
        smallest_charge=max(step, _SMALLEST.get(code, _SMALLEST_OF_OTHERS[decimals])),
        largest_charge=largest - largest % step,
    )


CURRENCIES = {
    code: _currency(code, decimals)
    for decimals, codes in ((0, _ZERO_DECIMALS), (2, _TWO_DECIMALS), (3, _THREE_DECIMALS))
    for code in codes.split()
}
