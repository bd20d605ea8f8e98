"""What Stripe has written for a buyer about a payment."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Documents:
    """The addresses of Stripe's pages with the receipt and the invoice; None where there is none."""

    receipt_url: str | None = None
    invoice_url: str | None = None
