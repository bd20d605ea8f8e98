"""The packages on sale in a run, before and after an operator edits them; one price is odd, so that rounding shows."""

from dataclasses import replace
from decimal import Decimal

from topup.domain import catalogue_file
from topup.domain.catalogue import Catalogue
from topup.domain.checkout_options import CheckoutOptions, TaxBehavior


def _catalogue(**packages: tuple[int, str]) -> Catalogue:
    """Packages by name: credits, and the price in yuan."""
    fields = {
        name: {
            "name": name,
            "credits": number,
            "price": price,
            "currency": "CNY",
            "unit_price": round(Decimal(price) / number, 4),
        }
        for name, (number, price) in packages.items()
    }
    return catalogue_file.parse({"packages": fields, "credit_value_rmb": Decimal("0.1")})


def with_tax_and_codes(catalogue: Catalogue, behavior: TaxBehavior) -> Catalogue:
    options = CheckoutOptions(automatic_tax=True, tax_behavior=behavior, promotion_codes=True)
    return replace(catalogue, checkout=options)


ON_SALE = _catalogue(trial=(500, "50.00"), standard=(1100, "100.00"), value=(313, "29.99"))
EDITED = _catalogue(trial=(450, "55.00"), standard=(1000, "100.00"))
