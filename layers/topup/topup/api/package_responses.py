"""The response bodies about packages."""

from typing import TYPE_CHECKING

from topup.domain import money
from topup.domain.catalogue import AnyAmount, Catalogue, Package, Sold

if TYPE_CHECKING:
    from topup.api import package_schemas


def listed(packages_on_sale: Catalogue, language: str | None) -> "package_schemas.Catalogue":
    """GET /api/payments/packages."""
    return {
        "packages": {package.id: _package(package, language) for package in packages_on_sale.packages.values()},
        "credit_value_rmb": float(packages_on_sale.credit_value_rmb),
    }


def _package(
    package: Package | AnyAmount, language: str | None
) -> "package_schemas.Package | package_schemas.AnyAmountPackage":
    return _any_amount(package, language) if isinstance(package, AnyAmount) else _one_price(package, language)


def _one_price(package: Package, language: str | None) -> "package_schemas.Package":
    return {
        "name": package.name_in(language or ""),
        "credits": package.credits,
        "price": money.to_text(package.price_minor, package.currency),
        "currency": package.currency,
        "unit_price": float(package.unit_price),
        **_validity(package),
    }


def _any_amount(package: AnyAmount, language: str | None) -> "package_schemas.AnyAmountPackage":
    return {
        "name": package.name_in(language or ""),
        "min": money.to_text(package.min_minor, package.currency),
        "max": money.to_text(package.max_minor, package.currency),
        "step": money.to_text(package.step_minor, package.currency),
        "currency": package.currency,
        "unit_price": float(package.unit_price),
        "tiers": [
            {"from": money.to_text(tier.from_minor, package.currency), "bonus_percent": float(tier.bonus_percent)}
            for tier in package.tiers
        ],
        **_validity(package),
    }


def _validity(package: Sold) -> "package_schemas.Validity":
    """How long its credits are valid, where the package says so: null stands for ever."""
    if package.valid_months is None:
        return {}
    return {"valid_months": package.valid_months or None}
