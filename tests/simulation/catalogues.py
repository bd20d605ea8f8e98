"""The packages on sale in a run, before and after an operator edits them; odd prices, so that rounding shows."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from topup.domain import catalogue_file
from topup.domain.catalogue import Catalogue
from topup.domain.checkout_options import CheckoutOptions, TaxBehavior

Json = dict[str, Any]


def _one_price(name: str, number: int, price: str, **more: Any) -> Json:
    unit_price = round(Decimal(price) / number, 4)
    return {"name": name, "credits": number, "price": price, "currency": "CNY", "unit_price": unit_price, **more}


def _any_amount(unit_price: str, tiers: dict[str, str], **more: Any) -> Json:
    return {
        "name": "any",
        "min": "5.00",
        "max": "300.00",
        "step": "0.05",
        "currency": "CNY",
        "unit_price": Decimal(unit_price),
        "tiers": [{"from": start, "bonus_percent": Decimal(bonus)} for start, bonus in tiers.items()],
        **more,
    }


def _file(*packages: Json) -> Json:
    return {"packages": {fields["name"]: fields for fields in packages}, "credit_value_rmb": Decimal("0.1")}


def with_tax_and_codes(catalogue: Catalogue, behavior: TaxBehavior) -> Catalogue:
    options = CheckoutOptions(automatic_tax=True, tax_behavior=behavior, promotion_codes=True)
    return replace(catalogue, checkout=options)


# As the operator writes them: months without a number are the configured ones, null are credits without end.
FILE = _file(
    _one_price("trial", 500, "50.00"),
    _one_price("standard", 1100, "100.00"),
    _one_price("value", 313, "29.99"),
    _one_price("monthly", 700, "60.00", valid_months=1),
    _one_price("forever", 90, "10.01", valid_months=None),
    _any_amount("0.091", {"50.00": "7.5", "120.00": "20"}),
)
EDITED_FILE = _file(
    _one_price("trial", 450, "55.00"),
    _one_price("standard", 1000, "100.00", valid_months=2),
    _one_price("monthly", 700, "65.00", valid_months=3),
    _one_price("forever", 90, "10.01", valid_months=8),
    _any_amount("0.13", {"50.00": "3.25"}, valid_months=None),
)
ON_SALE, EDITED = (catalogue_file.parse(file) for file in (FILE, EDITED_FILE))
