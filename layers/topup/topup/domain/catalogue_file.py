"""Read the catalogue file, which the operator edits: a wrong field is refused by its name, with the fix."""

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields as fields_of
from decimal import Decimal
from typing import Any, get_args

from topup.domain import checkout_options, money
from topup.domain.catalogue import Catalogue, Package
from topup.domain.checkout_options import LONGEST_SESSION, SHORTEST_SESSION, CheckoutOptions
from topup.domain.errors import ConfigurationError

LARGEST_CREDITS = 1_000_000_000  # far above any sale, far below where JSON numbers lose digits
# Unit prices may be rounded by this much: the default catalogue gives 1000 / 13000 as 0.076.
UNIT_PRICE_TOLERANCE = Decimal("0.02")

_PACKAGE_ID = re.compile(r"[a-z0-9_-]{1,40}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_REQUIRED = {"name", "credits", "price", "currency", "unit_price"}
_OPTIONAL = {"names"}
_WORDS = {
    "billing_address": checkout_options.BillingAddress,
    "tax_behavior": checkout_options.TaxBehavior,
    "locale": checkout_options.Locale,
}


def parse(document: Any) -> Catalogue:
    """Check a catalogue file's JSON (fractions as Decimal); raises ConfigurationError naming field and fix."""
    _check(isinstance(document, dict), "", "must be a JSON object")
    _check_keys(document, "", required={"packages", "credit_value_rmb"}, optional={"language", "checkout"})
    packages = document["packages"]
    _check(isinstance(packages, dict) and packages != {}, "packages", "must be an object with at least one package")
    return Catalogue(
        packages={name: _parse_package(name, fields) for name, fields in packages.items()},
        credit_value_rmb=_positive_number(document["credit_value_rmb"], "credit_value_rmb"),
        language=_language(document["language"], "language") if "language" in document else None,
        checkout=_parse_checkout(document.get("checkout", {})),
    )


def _parse_checkout(options: Any) -> CheckoutOptions:
    _check(isinstance(options, dict), "checkout", "must be an object")
    _check_keys(options, "checkout", required=set(), optional={option.name for option in fields_of(CheckoutOptions)})
    return CheckoutOptions(**{name: _option(name, value, f"checkout.{name}") for name, value in options.items()})


def _option(name: str, value: Any, where: str) -> Any:
    if name in _WORDS:
        words = get_args(_WORDS[name])
        _check(isinstance(value, str) and value in words, where, f"must be one of {', '.join(words)}")
    elif name == "session_minutes":
        is_within = _is_whole(value) and SHORTEST_SESSION <= value <= LONGEST_SESSION
        _check(is_within, where, f"must be a whole number from {SHORTEST_SESSION} to {LONGEST_SESSION}")
    else:
        _check(isinstance(value, bool), where, "must be true or false")
    return value


def _parse_package(package_id: str, fields: Any) -> Package:
    where = f"packages.{package_id}"
    _check(bool(_PACKAGE_ID.fullmatch(package_id)), where, "the id must be 1-40 of a-z, 0-9, _ and -")
    _check(isinstance(fields, dict), where, "must be an object")
    _check_keys(fields, where, required=_REQUIRED, optional=_OPTIONAL)
    package = Package(
        id=package_id,
        name=_text(fields["name"], f"{where}.name"),
        names=_parse_names(fields.get("names", {}), f"{where}.names"),
        credits=_credits(fields["credits"], f"{where}.credits"),
        price_minor=_price_minor(fields["price"], fields["currency"], where),
        currency=fields["currency"],
        unit_price=_positive_number(fields["unit_price"], f"{where}.unit_price"),
    )
    _check_unit_price(package, f"{where}.unit_price")
    return package


def _parse_names(names: Any, where: str) -> dict[str, str]:
    _check(isinstance(names, dict), where, "must be an object of language → name")
    return {
        _language(language, f"{where}.{language}"): _text(name, f"{where}.{language}")
        for language, name in names.items()
    }


def _language(value: Any, where: str) -> str:
    is_tag = isinstance(value, str) and _LANGUAGE.fullmatch(value)
    _check(bool(is_tag), where, 'must be a language tag such as "en"')
    return str(value)


def _price_minor(price: Any, currency: Any, where: str) -> int:
    _check(isinstance(currency, str), f"{where}.currency", 'must be a string such as "CNY"')
    is_amount = isinstance(price, str) and re.fullmatch(r"[0-9]{1,10}(\.[0-9]{1,3})?", price)
    _check(bool(is_amount), f"{where}.price", 'must be a string such as "50.00"')
    try:
        return money.to_charge(Decimal(price), currency)
    except money.InvalidAmount as error:
        raise _refused(f"{where}.price", error.detail) from None


def _credits(value: Any, where: str) -> int:
    _check(
        _is_whole(value) and 0 < value <= LARGEST_CREDITS, where, f"must be a whole number from 1 to {LARGEST_CREDITS}"
    )
    return int(value)


def _positive_number(value: Any, where: str) -> Decimal:
    is_number = isinstance(value, (int, Decimal)) and not isinstance(value, bool)
    _check(is_number and value > 0, where, "must be a number greater than 0")
    return Decimal(value)


def _check_unit_price(package: Package, where: str) -> None:
    exact = money.to_major(package.price_minor, package.currency) / package.credits
    # The file's number is only compared, never computed with: it may be out of all bounds.
    is_close = exact * (1 - UNIT_PRICE_TOLERANCE) <= package.unit_price <= exact * (1 + UNIT_PRICE_TOLERANCE)
    _check(is_close, where, f"is {package.unit_price}, but price / credits is {exact:.4f}")


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _text(value: Any, where: str) -> str:
    _check(isinstance(value, str) and 0 < len(value.strip()) <= 100, where, "must be a text of 1-100 characters")
    return str(value)


def _check_keys(
    fields: Mapping[str, Any], where: str, *, required: AbstractSet[str], optional: AbstractSet[str] = frozenset()
) -> None:
    for missing in sorted(required - fields.keys()):
        raise _refused(f"{where}.{missing}".lstrip("."), "is missing")
    for unknown in sorted(fields.keys() - required - optional):
        raise _refused(f"{where}.{unknown}".lstrip("."), "is not a known field")


def _check(is_right: bool, where: str, fix: str) -> None:
    if not is_right:
        raise _refused(where, fix)


def _refused(where: str, fix: str) -> ConfigurationError:
    return ConfigurationError(f"catalogue.json: {where}: {fix}" if where else f"catalogue.json: {fix}")
