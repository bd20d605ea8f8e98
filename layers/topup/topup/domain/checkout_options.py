"""What the operator may choose about Stripe's Checkout. Every default is Stripe's own, or the careful one.

Source: Stripe API, "Create a Checkout Session". The names are those of the catalogue file.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

# The languages of Stripe's pay page: `locale`. A test compares them with the library's.
# fmt: off
Locale = Literal[
    "auto", "bg", "cs", "da", "de", "el", "en", "en-GB", "es", "es-419", "et", "fi", "fil", "fr", "fr-CA", "hi-IN",
    "hr", "hu", "id", "it", "ja", "ko", "lt", "lv", "ms", "mt", "nb", "nl", "pl", "pt", "pt-BR", "ro", "ru", "sk", "sl",
    "sv", "th", "tr", "vi", "zh", "zh-HK", "zh-TW",
]
# fmt: on
BillingAddress = Literal["auto", "required"]
TaxBehavior = Literal["inclusive", "exclusive"]

# Minutes. `expires_at`: "anywhere from 30 minutes to 24 hours after Checkout Session creation", 24 hours by default.
SHORTEST_SESSION = 30
LONGEST_SESSION = 24 * 60
# Retries within this time ask for the same session, to the second: Stripe refuses one key with two different ends.
# So every session lives at least this much longer than Stripe's shortest.
RETRIES_WITHIN = 5
CLOCKS_DIFFER_BY = timedelta(minutes=1)  # at most; a request's own way to Stripe included


@dataclass(frozen=True, kw_only=True)
class CheckoutOptions:
    """How pay pages behave.

    `automatic_tax`: Stripe Tax adds tax; `tax_behavior` says whether prices include it (None: as Stripe's dashboard
    says). `tax_id_collection`: businesses may enter their tax id. `invoices`: Stripe makes an invoice of each payment.
    `promotion_codes`: the buyer may enter a code. `adaptive_pricing`: Stripe offers the buyer's own currency. `locale`:
    the pay page's language where the request names none (None: the browser's). `session_minutes`: how long a pay page
    can be paid. `customer_email`: the address in the buyer's token is filled in.
    """

    automatic_tax: bool = False
    tax_behavior: TaxBehavior | None = None
    tax_id_collection: bool = False
    billing_address: BillingAddress = "auto"
    invoices: bool = False
    promotion_codes: bool = False
    adaptive_pricing: bool = False
    locale: Locale | None = None
    session_minutes: int = LONGEST_SESSION
    customer_email: bool = True

    @property
    def may_change_total(self) -> bool:
        """Whether a buyer may pay another sum than the price, or tax that the price contains."""
        return self.automatic_tax or self.promotion_codes

    def session_end(self, begun: datetime) -> datetime | None:
        """When the session of an attempt that began then is to end; None: when Stripe ends it by itself, in a day."""
        if self.session_minutes == LONGEST_SESSION:
            return None
        return begun + timedelta(minutes=max(self.session_minutes, SHORTEST_SESSION + RETRIES_WITHIN))

    def is_too_late(self, begun: datetime, now: datetime) -> bool:
        """Whether Stripe would refuse, by now, to open the session of an attempt that began then."""
        end = self.session_end(begun)
        return end is not None and end - now < timedelta(minutes=SHORTEST_SESSION) + CLOCKS_DIFFER_BY
