"""Read the catalogue file, which the operator edits: a wrong field is refused by its name, with the fix."""

import re
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields as fields_of
from decimal import Decimal
from typing import Any, get_args

from topup.domain import checkout_options, money, times
from topup.domain.catalogue import AMOUNT, AnyAmount, Catalogue, Package, Tier
from topup.domain.checkout_options import LONGEST_SESSION, SHORTEST_SESSION, CheckoutOptions
from topup.domain.errors import ConfigurationError

LARGEST_CREDITS = 1_000_000_000  # far above any sale, far below where JSON numbers lose digits
# Unit prices may be rounded by this much: the default catalogue gives 1000 / 13000 as 0.076.
UNIT_PRICE_TOLERANCE = Decimal("0.02")
# Pages compute with these in packages of any amount, from JSON numbers: they must come out exactly as they went in.
UNIT_PRICE_DECIMALS = 6
BONUS_DECIMALS = 2
LARGEST_BONUS = 1000  # percent
LONGEST_VALIDITY = 1200  # months

_PACKAGE_ID = re.compile(r"[a-z0-9_-]{1,40}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_OF_ALL = {"name", "currency", "unit_price"}
_OF_ONE_PRICE = _OF_ALL | {"credits", "price"}
_OF_ANY_AMOUNT = _OF_ALL | {"min", "max", "step"}
_OPTIONAL = {"names", "valid_months"}
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
    if value is None and getattr(CheckoutOptions(), name) is None:
        return None
    if name in _WORDS:
        words = get_args(_WORDS[name])
        _check(isinstance(value, str) and value in words, where, f"must be one of {', '.join(words)}")
    elif name == "session_minutes":
        is_within = _is_whole(value) and SHORTEST_SESSION <= value <= LONGEST_SESSION
        _check(is_within, where, f"must be a whole number from {SHORTEST_SESSION} to {LONGEST_SESSION}")
    else:
        _check(isinstance(value, bool), where, "must be true or false")
    return value


def _parse_package(package_id: str, fields: Any) -> Package | AnyAmount:
    where = f"packages.{package_id}"
    _check(bool(_PACKAGE_ID.fullmatch(package_id)), where, "the id must be 1-40 of a-z, 0-9, _ and -")
    _check(isinstance(fields, dict), where, "must be an object")
    parse = _any_amount if fields.keys() & {"min", "max", "step", "tiers"} else _one_price
    return parse(package_id, fields, where)


def _one_price(package_id: str, fields: Mapping[str, Any], where: str) -> Package:
    _check_keys(fields, where, required=_OF_ONE_PRICE, optional=_OPTIONAL)
    package = Package(
        **_common(package_id, fields, where),
        credits=_credits(fields["credits"], f"{where}.credits"),
        price_minor=_amount_minor(fields["price"], fields["currency"], f"{where}.price", money.to_charge),
    )
    _check_unit_price(package, f"{where}.unit_price")
    return package


def _any_amount(package_id: str, fields: Mapping[str, Any], where: str) -> AnyAmount:
    _check_keys(fields, where, required=_OF_ANY_AMOUNT, optional=_OPTIONAL | {"tiers"})
    common = _common(package_id, fields, where)
    _check_decimals(common["unit_price"], UNIT_PRICE_DECIMALS, f"{where}.unit_price")
    currency = common["currency"]
    step = _amount_minor(fields["step"], currency, f"{where}.step", money.to_minor)
    least, most = (_amount_minor(fields[name], currency, f"{where}.{name}", money.to_charge) for name in ("min", "max"))
    _check(most >= least, f"{where}.max", "must not be below min")
    for name, minor in (("min", least), ("max", most)):
        _check(minor % step == 0, f"{where}.{name}", "must be a multiple of step")
    # Also before anything is computed with it: the file's number may be out of all bounds.
    _check(common["unit_price"] <= money.to_major(least, currency), f"{where}.min", "must buy at least one credit")
    tiers = _parse_tiers(fields.get("tiers", []), currency, least, most, f"{where}.tiers")
    package = AnyAmount(**common, min_minor=least, max_minor=most, step_minor=step, tiers=tiers)
    is_within = package.credits_for(most) <= LARGEST_CREDITS
    _check(is_within, f"{where}.max", f"must not buy more than {LARGEST_CREDITS} credits")
    return package


def _parse_tiers(tiers: Any, currency: str, least: int, most: int, where: str) -> tuple[Tier, ...]:
    _check(isinstance(tiers, list), where, "must be a list of objects with from and bonus_percent")
    parsed: list[Tier] = []
    for number, fields in enumerate(tiers):
        at = f"{where}.{number}"
        _check(isinstance(fields, dict), at, "must be an object with from and bonus_percent")
        _check_keys(fields, at, required={"from", "bonus_percent"})
        start = _amount_minor(fields["from"], currency, f"{at}.from", money.to_minor)
        bonus = _positive_number(fields["bonus_percent"], f"{at}.bonus_percent")
        _check(least <= start <= most, f"{at}.from", "must be from min to max")
        _check(bonus <= LARGEST_BONUS, f"{at}.bonus_percent", f"must be at most {LARGEST_BONUS}")
        _check_decimals(bonus, BONUS_DECIMALS, f"{at}.bonus_percent")
        if parsed:
            _check(start > parsed[-1].from_minor, f"{at}.from", "must be above the tier before")
            _check(bonus > parsed[-1].bonus_percent, f"{at}.bonus_percent", "must be above the tier before")
        parsed.append(Tier(from_minor=start, bonus_percent=bonus))
    return tuple(parsed)


def _common(package_id: str, fields: Mapping[str, Any], where: str) -> dict[str, Any]:
    currency = fields["currency"]
    _check(isinstance(currency, str), f"{where}.currency", 'must be a string such as "CNY"')
    return {
        "id": package_id,
        "name": _text(fields["name"], f"{where}.name"),
        "names": _parse_names(fields.get("names", {}), f"{where}.names"),
        "currency": currency,
        "unit_price": _positive_number(fields["unit_price"], f"{where}.unit_price"),
        "valid_months": _months(fields["valid_months"], f"{where}.valid_months") if "valid_months" in fields else None,
    }


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


def _amount_minor(amount: Any, currency: str, where: str, to_minor: Callable[[Decimal, str], int]) -> int:
    is_amount = isinstance(amount, str) and re.fullmatch(AMOUNT, amount)
    _check(bool(is_amount), where, 'must be a string such as "50.00"')
    try:
        return to_minor(Decimal(amount), currency)
    except money.InvalidAmount as error:
        raise _refused(where, error.detail) from None


def _months(value: Any, where: str) -> int:
    if value is None:
        return times.FOREVER
    is_within = _is_whole(value) and 1 <= value <= LONGEST_VALIDITY
    _check(is_within, where, f"must be a whole number from 1 to {LONGEST_VALIDITY}, or null for credits without end")
    return int(value)


def _credits(value: Any, where: str) -> int:
    _check(
        _is_whole(value) and 0 < value <= LARGEST_CREDITS, where, f"must be a whole number from 1 to {LARGEST_CREDITS}"
    )
    return int(value)


def _positive_number(value: Any, where: str) -> Decimal:
    is_number = isinstance(value, (int, Decimal)) and not isinstance(value, bool)
    _check(is_number and value > 0, where, "must be a number greater than 0")
    return Decimal(value)


def _check_decimals(number: Decimal, decimals: int, where: str) -> None:
    exponent = number.as_tuple().exponent
    _check(isinstance(exponent, int) and exponent >= -decimals, where, f"must have at most {decimals} decimals")


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
