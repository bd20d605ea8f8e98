"""The catalogue file: a valid one is read to the last digit, an invalid one is refused with the field's name."""

import dataclasses
import json
import math
import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tests.support.examples import examples
from topup.domain import catalogue_file, money
from topup.domain.catalogue import Package
from topup.domain.checkout_options import CheckoutOptions
from topup.domain.errors import ConfigurationError

IDS = st.from_regex(r"[a-z0-9_-]{1,40}", fullmatch=True)
TEXTS = st.text(min_size=1, max_size=100).filter(lambda text: text.strip() != "")
DECIMALS = {"JPY": 0, "CNY": 2, "ISK": 2, "KWD": 3}
STEPS = {"ISK": 100, "KWD": 10}
LEAST = {"JPY": 50, "CNY": 30, "ISK": 100, "KWD": 100}


@st.composite
def packages(draw: st.DrawFn) -> tuple[dict[str, Any], int]:
    """A package as the file has it, and its price in minor units."""
    currency = draw(st.sampled_from(sorted(DECIMALS)))
    step, least = STEPS.get(currency, 1), LEAST[currency]
    minor = draw(st.integers(least // step, 99_999_999 // step)) * step
    credits_ = draw(st.integers(1, 1_000_000_000))
    price = Decimal(minor).scaleb(-DECIMALS[currency])
    unit_price = price / credits_ * Decimal(draw(st.sampled_from(["1", "1.019", "0.981"])))
    names = draw(st.dictionaries(st.sampled_from(["en", "zh-Hans", "fr"]), TEXTS, max_size=2))
    fields = {"name": draw(TEXTS), "credits": credits_, "price": f"{price:f}", "currency": currency}
    return fields | {"unit_price": unit_price, "names": names}, minor


def document_of(sold: dict[str, Any]) -> dict[str, Any]:
    return {"packages": sold, "credit_value_rmb": Decimal("0.1")}


@examples(150)
@given(st.dictionaries(IDS, packages(), min_size=1, max_size=4))
def test_a_valid_catalogue_is_read_exactly(sold: dict[str, tuple[dict[str, Any], int]]):
    catalogue = catalogue_file.parse(document_of({name: fields for name, (fields, _) in sold.items()}))

    for name, (fields, minor) in sold.items():
        package = catalogue.packages[name]
        assert isinstance(package, Package)
        assert (package.id, package.price_minor, package.credits) == (name, minor, fields["credits"])
        assert money.to_text(package.price_minor, package.currency) == fields["price"]
        assert [package.name_in(language) for language in fields["names"]] == list(fields["names"].values())
        assert package.name_in() == fields["name"]


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats().map(lambda number: Decimal(number) if math.isfinite(number) else number)
    | st.sampled_from([Decimal("1e-9999999"), Decimal("1e9999999"), Decimal(0), 10**30, "100.00", "CNY", "1e5", "٣"])
    | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
PLACES = [("packages",), ("credit_value_rmb",), ("packages", "standard")] + [
    ("packages", "standard", field)
    for field in ("name", "credits", "price", "currency", "unit_price", "names", "valid_months", "more")
]
OTHER_PLACES: list[tuple[Any, ...]] = [("checkout",), ("packages", "custom")]
OTHER_PLACES += [("checkout", option.name) for option in dataclasses.fields(CheckoutOptions)]
OTHER_PLACES += [
    ("packages", "custom", field) for field in ("currency", "min", "max", "step", "unit_price", "tiers", "valid_months")
]
OTHER_PLACES += [("packages", "custom", "tiers", 0, field) for field in ("from", "bonus_percent")]
OTHER_PLACES += [("packages", "custom", "tiers", 0)]


def a_document() -> dict[str, Any]:
    fields = {"name": "Standard", "credits": 1100, "price": "100.00", "currency": "CNY", "unit_price": Decimal("0.091")}
    return document_of({"standard": fields})


def put(document: dict[str, Any], place: tuple[Any, ...], value: Any) -> dict[str, Any]:
    inner: Any = document
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    return document


@examples(500)
@given(st.sampled_from(PLACES), JUNK)
@example(("packages", "standard", "unit_price"), Decimal("1e9999999"))
@example(("packages", "standard", "unit_price"), Decimal("1e-9999999"))
@example(("packages", "standard", "price"), "99999999.999")
@example(("packages", "standard", "names"), {"en\n": "x"})
@example(("packages", "standard\n"), a_document()["packages"]["standard"])
def test_a_catalogue_with_junk_in_one_place_is_read_or_refused_with_that_place(place: tuple[str, ...], value: Any):
    document = put(a_document(), place, value)
    try:
        catalogue = catalogue_file.parse(document)
    except ConfigurationError:
        with pytest.raises(ConfigurationError, match=rf"^catalogue\.json: {place[0]}"):
            catalogue_file.parse(document)
        return
    package = catalogue.packages.get("standard")
    if package:
        assert isinstance(package, Package)
        assert type(package.credits) is type(package.price_minor) is int
        assert abs(package.unit_price * package.credits / money.to_major(package.price_minor, "CNY") - 1) <= Decimal(
            "0.02"
        )


@examples(500)
@given(st.sampled_from(OTHER_PLACES), JUNK)
@example(("packages", "custom", "unit_price"), Decimal("1e9999999"))
@example(("packages", "custom", "unit_price"), Decimal("1e-9999999"))
@example(("packages", "custom", "tiers", 0, "bonus_percent"), Decimal("1e9999999"))
@example(("packages", "custom", "tiers", 0, "bonus_percent"), Decimal("1e-9999999"))
@example(("packages", "custom", "valid_months"), 10**30)
@example(("checkout", "session_minutes"), 10**30)
def test_junk_among_the_options_and_the_amounts_is_refused_with_its_place(place: tuple[Any, ...], value: Any):
    tiers = [{"from": "20.00", "bonus_percent": 10}]
    custom = {"name": "Any", "currency": "CNY", "min": "10.00", "max": "50.00", "step": "10.00", "tiers": tiers}
    document = a_document() | {"checkout": {}}
    document["packages"]["custom"] = custom | {"unit_price": Decimal("0.1")}
    put(document, place, value)
    try:
        catalogue = catalogue_file.parse(document)
    except ConfigurationError:
        with pytest.raises(ConfigurationError, match=rf"^catalogue\.json: {'.'.join(map(str, place[:2]))}"):
            catalogue_file.parse(document)
        return
    package = catalogue.packages["custom"]
    assert isinstance(package, Package) or 0 < package.credits_for(package.max_minor) <= catalogue_file.LARGEST_CREDITS


@examples(100)
@given(JUNK)
def test_any_other_document_is_refused(document: Any):
    assume(not isinstance(document, dict) or "packages" not in document)
    with pytest.raises(ConfigurationError, match=r"^catalogue\.json: "):
        catalogue_file.parse(document)


@examples(100)
@given(st.text(max_size=45))
def test_a_packages_id_is_plain_or_refused(name: str):
    document = document_of({name: a_document()["packages"]["standard"]})
    if re.fullmatch(r"[a-z0-9_-]{1,40}", name):
        assert catalogue_file.parse(document).packages.keys() == {name}
    else:
        with pytest.raises(ConfigurationError):
            catalogue_file.parse(json.loads(json.dumps(document, default=str), parse_float=Decimal))
