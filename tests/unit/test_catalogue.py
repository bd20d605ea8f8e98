import contextlib
import copy
import json
from dataclasses import asdict, replace
from decimal import Decimal
from typing import Any

import pytest

from local import ROOT
from topup.domain import catalogue_file
from topup.domain.catalogue import AnyAmount, Package
from topup.domain.checkout_options import CheckoutOptions
from topup.domain.errors import ConfigurationError, FieldError, ValidationFailed
from topup.domain.times import FOREVER
from topup.runtime import config


def a_document() -> dict[str, Any]:
    package = {"name": "标准包", "credits": 1100, "price": "100.00", "currency": "CNY", "unit_price": Decimal("0.091")}
    return {"credit_value_rmb": Decimal("0.1"), "packages": {"standard": package}}


def one_price(package: Package | AnyAmount) -> Package:
    assert isinstance(package, Package)
    return package


def test_the_catalogue_has_the_packages_of_the_guide():
    packages = {name: one_price(package) for name, package in config.catalogue().packages.items()}

    assert {name: (p.name, p.credits, p.price_minor, p.currency) for name, p in packages.items()} == {
        "trial": ("体验包", 500, 5000, "CNY"),
        "standard": ("标准包", 1100, 10000, "CNY"),
        "value": ("超值包", 6000, 50000, "CNY"),
        "premium": ("豪华包", 13000, 100000, "CNY"),
    }


def test_every_package_of_the_catalogue_has_an_english_name():
    assert all(package.name_in("en") != package.name for package in config.catalogue().packages.values())


def test_a_language_without_a_name_gets_the_chinese_one():
    package = config.catalogue().packages["trial"]

    assert package.name_in("fr") == package.name_in() == "体验包"


def test_a_regional_language_gets_the_name_of_its_language():
    package = config.catalogue().packages["trial"]

    assert package.name_in("en-GB") == package.name_in("fr", "en") == "Trial"


def test_the_catalogue_says_which_language_its_default_names_are_in():
    assert config.catalogue().language == "zh"
    assert catalogue_file.parse(a_document()).language is None
    with pytest.raises(ConfigurationError, match="language: must be a language tag"):
        catalogue_file.parse(a_document() | {"language": "Chinese"})


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"credits": 0}, "packages.standard.credits"),
        ({"credits": 10.5}, "packages.standard.credits"),
        ({"credits": True}, "packages.standard.credits"),
        ({"price": 100}, "packages.standard.price"),
        ({"price": "100.001"}, "packages.standard.price"),
        ({"price": "-1.00"}, "packages.standard.price"),
        ({"price": "0.00"}, "packages.standard.price"),
        ({"price": "0.10"}, "packages.standard.price"),
        ({"price": "0.49", "currency": "USD"}, "packages.standard.price"),
        ({"price": "990.50", "currency": "ISK"}, "packages.standard.price"),
        ({"price": "990.50", "currency": "UGX"}, "packages.standard.price"),
        ({"price": "1000000.00"}, "packages.standard.price"),
        ({"price": "10000000000.00", "currency": "IDR"}, "packages.standard.price"),
        ({"currency": "cny"}, "packages.standard.price"),
        ({"currency": None}, "packages.standard.currency"),
        ({"name": " "}, "packages.standard.name"),
        ({"names": {"en": ""}}, "packages.standard.names.en"),
        ({"names": {"English": "x"}}, "packages.standard.names.English"),
        ({"unit_price": Decimal("0.91")}, "packages.standard.unit_price"),
        ({"unit_price": "0.091"}, "packages.standard.unit_price"),
        ({"discount": 1}, "packages.standard.discount"),
    ],
)
def test_a_wrong_field_of_a_package_is_named(change: dict[str, Any], named: str):
    document = a_document()
    document["packages"]["standard"] |= change

    with pytest.raises(ConfigurationError, match=f"^catalogue.json: {named}: "):
        catalogue_file.parse(document)


@pytest.mark.parametrize("missing", ["name", "credits", "price", "currency", "unit_price"])
def test_a_missing_field_is_named(missing: str):
    document = a_document()
    del document["packages"]["standard"][missing]

    with pytest.raises(ConfigurationError, match=f"packages.standard.{missing}: is missing"):
        catalogue_file.parse(document)


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"packages": {}, "credit_value_rmb": 1},
        {"packages": {"A B": {}}, "credit_value_rmb": 1},
        {"packages": {"a": []}, "credit_value_rmb": 1},
        a_document() | {"credit_value_rmb": 0},
        a_document() | {"extra": 1},
    ],
)
def test_a_malformed_catalogue_is_refused(document: Any):
    with pytest.raises(ConfigurationError, match=r"^catalogue\.json: "):
        catalogue_file.parse(copy.deepcopy(document))


def test_a_catalogue_that_is_no_json_is_refused_and_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Any):
    broken = tmp_path / "catalogue.json"
    broken.write_text('{"packages": ')
    monkeypatch.setattr(config, "CATALOGUE_FILE", broken)
    config.catalogue.cache_clear()

    with pytest.raises(ConfigurationError, match=r"catalogue\.json is not valid JSON"):
        config.catalogue()


def test_a_missing_catalogue_is_refused_and_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Any):
    monkeypatch.setattr(config, "CATALOGUE_FILE", tmp_path / "catalogue.json")
    config.catalogue.cache_clear()

    with pytest.raises(ConfigurationError, match=r"catalogue\.json cannot be read"):
        config.catalogue()


def test_the_refusal_of_a_price_says_what_would_be_right():
    document = a_document()
    document["packages"]["standard"] |= {"price": "100.00", "currency": "HUF"}

    with pytest.raises(ConfigurationError) as refused:
        catalogue_file.parse(document)

    assert refused.value.detail == (
        "catalogue.json: packages.standard.price: must be at least 175.00 HUF: Stripe charges no less"
    )


def test_a_price_may_have_as_many_digits_as_its_currency():
    document = a_document()
    document["packages"]["standard"] |= {
        "price": "9999999999.99",
        "currency": "IDR",
        "unit_price": Decimal("9090909.09"),
    }

    assert one_price(catalogue_file.parse(document).packages["standard"]).price_minor == 999_999_999_999


def test_prices_may_be_in_a_currency_without_decimals():
    document = json.loads(json.dumps(a_document(), default=str))
    document["credit_value_rmb"] = 1
    document["packages"]["standard"] |= {"price": "1100", "currency": "JPY", "unit_price": 1}

    assert one_price(catalogue_file.parse(document).packages["standard"]).price_minor == 1100


# ------------------------------------------------------------------------------------------------- Checkout's options


def test_without_options_checkout_does_what_stripe_does_by_itself():
    assert catalogue_file.parse(a_document()).checkout == CheckoutOptions()
    assert config.catalogue().checkout == CheckoutOptions()


def test_every_option_of_checkout_is_read():
    options = {
        "automatic_tax": True,
        "tax_behavior": "inclusive",
        "tax_id_collection": True,
        "billing_address": "required",
        "invoices": True,
        "promotion_codes": True,
        "adaptive_pricing": True,
        "locale": "en-GB",
        "session_minutes": 30,
        "customer_email": False,
    }

    parsed = catalogue_file.parse(a_document() | {"checkout": options}).checkout
    assert asdict(parsed) == options
    assert all(value != asdict(CheckoutOptions())[name] for name, value in options.items())


def test_null_is_an_option_where_it_is_the_default():
    options = {"locale": None, "tax_behavior": None}

    assert catalogue_file.parse(a_document() | {"checkout": options}).checkout == CheckoutOptions()


def test_another_file_may_be_tried_and_the_example_has_everything(environment: pytest.MonkeyPatch):
    environment.setenv("CATALOGUE_FILE", str(ROOT / "local" / "example_catalogue.json"))
    config.catalogue.cache_clear()

    tried = config.catalogue()
    config.catalogue.cache_clear()
    written = json.loads((ROOT / "local" / "example_catalogue.json").read_text(encoding="utf-8"))
    assert written["checkout"].keys() == asdict(CheckoutOptions()).keys()
    assert {type(package) for package in tried.packages.values()} == {Package, AnyAmount}
    assert {package.valid_months for package in tried.packages.values()} == {None, FOREVER, 1, 12}


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ([], "checkout: must be an object"),
        ({"automatic_taxes": True}, "checkout.automatic_taxes: is not a known field"),
        ({"automatic_tax": "true"}, "checkout.automatic_tax: must be true or false"),
        ({"automatic_tax": 1}, "checkout.automatic_tax: must be true or false"),
        ({"customer_email": None}, "checkout.customer_email: must be true or false"),
        ({"tax_behavior": "unspecified"}, "checkout.tax_behavior: must be one of inclusive, exclusive"),
        ({"billing_address": None}, "checkout.billing_address: must be one of auto, required"),
        ({"billing_address": True}, "checkout.billing_address: must be one of auto, required"),
        ({"billing_address": ["auto"]}, "checkout.billing_address: must be one of auto, required"),
        ({"locale": "klingon"}, "checkout.locale: must be one of auto, bg"),
        ({"session_minutes": None}, "checkout.session_minutes: must be a whole number from 30 to 1440"),
        ({"session_minutes": 29}, "checkout.session_minutes: must be a whole number from 30 to 1440"),
        ({"session_minutes": 1441}, "checkout.session_minutes: must be a whole number from 30 to 1440"),
        ({"session_minutes": Decimal("60.0")}, "checkout.session_minutes: must be a whole number from 30 to 1440"),
        ({"session_minutes": True}, "checkout.session_minutes: must be a whole number from 30 to 1440"),
    ],
)
def test_a_wrong_option_of_checkout_is_named_with_the_fix(options: Any, named: str):
    with pytest.raises(ConfigurationError, match=f"^catalogue.json: {named}"):
        catalogue_file.parse(a_document() | {"checkout": options})


# --------------------------------------------------------------------------------------------- packages of any amount


def any_amount_document(**changes: Any) -> dict[str, Any]:
    tiers = [{"from": "100.00", "bonus_percent": 10}, {"from": "500.00", "bonus_percent": Decimal("17.5")}]
    package = {"name": "自选", "currency": "CNY", "min": "10.00", "max": "5000.00", "step": "10.00", "tiers": tiers}
    fields = package | {"unit_price": Decimal("0.09")} | changes
    return a_document() | {"packages": {"custom": {name: value for name, value in fields.items() if value != ABSENT}}}


ABSENT = object()


def any_amount(**changes: Any) -> AnyAmount:
    package = catalogue_file.parse(any_amount_document(**changes)).packages["custom"]
    assert isinstance(package, AnyAmount)
    return package


@pytest.mark.parametrize(
    ("amount", "credits"),
    [
        ("10.00", 111),  # 10 / 0.09 = 111.1
        ("90.00", 1000),
        ("100.00", 1222),  # 100 / 0.09 × 1.1 = 1222.2
        ("140", 1711),  # 140 / 0.09 × 1.1 = 1711.1; rounded before the bonus too, it would be 1710
        ("490.00", 5988),  # 490 / 0.09 × 1.1 = 5988.9
        ("500.00", 6527),  # 500 / 0.09 × 1.175 = 6527.8
        ("5000.00", 65277),
    ],
)
def test_an_amount_buys_credits_by_its_tier_rounded_down(amount: str, credits: int):
    package = any_amount().for_amount(amount)

    assert (package.id, package.credits, package.price_minor) == ("custom", credits, int(Decimal(amount) * 100))


def test_without_tiers_every_amount_buys_at_the_unit_price():
    assert any_amount(tiers=ABSENT).for_amount("5000.00").credits == 55555


def test_the_least_amount_may_be_the_largest_and_buy_one_credit():
    assert any_amount(min="10.00", max="10.00", unit_price=Decimal(10), tiers=ABSENT).for_amount("10.00").credits == 1


@pytest.mark.parametrize(
    ("amount", "fix"),
    [
        ("0.00", "must be greater than 0"),
        ("5.00", "must be from 10.00 to 5000.00 CNY"),
        ("5010.00", "must be from 10.00 to 5000.00 CNY"),
        ("15.00", "must be a multiple of 10.00 CNY"),
        ("10.001", "CNY has 2 decimals"),
        ("ten", 'must be a string such as "50.00"'),
        ("-10.00", 'must be a string such as "50.00"'),
        ("1e3", 'must be a string such as "50.00"'),
        ("٢٠", 'must be a string such as "50.00"'),
        ("20.00\n", 'must be a string such as "50.00"'),
    ],
)
def test_an_amount_that_is_not_sold_is_refused_with_what_is(amount: str, fix: str):
    with pytest.raises(ValidationFailed) as refused:
        any_amount().for_amount(amount)

    assert refused.value.errors == (FieldError("amount", fix),)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"min": ABSENT}, "min: is missing"),
        ({"step": ABSENT}, "step: is missing"),
        ({"price": "100.00"}, "price: is not a known field"),
        ({"credits": 1}, "credits: is not a known field"),
        ({"min": 10}, "min: must be a string"),
        ({"min": "0.00"}, "min: must be greater than 0"),
        ({"min": "0.10", "step": "0.10"}, "min: must be at least 0.30 CNY"),
        ({"min": "15.00"}, "min: must be a multiple of step"),
        ({"max": "4995.00"}, "max: must be a multiple of step"),
        ({"max": "10.00", "min": "20.00"}, "max: must not be below min"),
        ({"step": "0.00"}, "step: must be greater than 0"),
        ({"unit_price": Decimal("0.0900001")}, "unit_price: must have at most 6 decimals"),
        ({"unit_price": Decimal("1e-9999999")}, "unit_price: must have at most 6 decimals"),
        ({"unit_price": 11}, "min: must buy at least one credit"),
        ({"unit_price": Decimal("1e9999999")}, "min: must buy at least one credit"),
        ({"unit_price": Decimal("0.000001")}, "max: must not buy more than 1000000000 credits"),
        ({"tiers": {}}, "tiers: must be a list"),
        ({"tiers": [1]}, "tiers.0: must be an object"),
        ({"tiers": [{"from": "10.00"}]}, "tiers.0.bonus_percent: is missing"),
        ({"tiers": [{"from": "10.00", "bonus_percent": 1, "to": "20.00"}]}, "tiers.0.to: is not a known field"),
        ({"tiers": [{"from": "9.00", "bonus_percent": 1}]}, "tiers.0.from: must be from min to max"),
        ({"tiers": [{"from": "10.00", "bonus_percent": 0}]}, "tiers.0.bonus_percent: must be a number greater"),
        ({"tiers": [{"from": "10.00", "bonus_percent": 1001}]}, "tiers.0.bonus_percent: must be at most 1000"),
        ({"tiers": [{"from": "10.00", "bonus_percent": Decimal("0.001")}]}, "tiers.0.bonus_percent: must have at most"),
        (
            {"tiers": [{"from": "10.00", "bonus_percent": 5}, {"from": "10.00", "bonus_percent": 6}]},
            "tiers.1.from: must be above",
        ),
        (
            {"tiers": [{"from": "10.00", "bonus_percent": 5}, {"from": "20.00", "bonus_percent": 5}]},
            "tiers.1.bonus_percent: must be above",
        ),
    ],
)
def test_a_wrong_field_of_a_package_of_any_amount_is_named(change: dict[str, Any], named: str):
    with pytest.raises(ConfigurationError, match=f"^catalogue.json: packages.custom.{named}"):
        any_amount(**change)


# ---------------------------------------------------------------------------------------------------------- validity


@pytest.mark.parametrize(
    ("given", "months"),
    [({}, None), ({"valid_months": 1}, 1), ({"valid_months": 1200}, 1200), ({"valid_months": None}, FOREVER)],
)
def test_a_package_may_say_how_long_its_credits_are_valid(given: dict[str, Any], months: int | None):
    document = a_document()
    document["packages"]["standard"] |= given

    assert catalogue_file.parse(document).packages["standard"].valid_months == months
    assert any_amount(**given).for_amount("10.00").valid_months == months


@pytest.mark.parametrize("months", [0, -1, True, "12", Decimal("1.5"), 1201])
def test_a_validity_that_is_no_number_of_months_is_refused(months: Any):
    with pytest.raises(
        ConfigurationError, match=r"packages\.custom\.valid_months: must be a whole number from 1 to 1200"
    ):
        any_amount(valid_months=months)


# ------------------------------------------------------------------------------------------------------------ bounds


@pytest.mark.parametrize("minutes", [30, 1440])
def test_a_session_may_be_as_short_and_as_long_as_stripe_allows(minutes: int):
    assert catalogue_file.parse(a_document() | {"checkout": {"session_minutes": minutes}}).checkout == CheckoutOptions(
        session_minutes=minutes
    )


@pytest.mark.parametrize(("unit_price", "is_right"), [("0.98", True), ("1.02", True), ("0.97", False), ("1.03", False)])
def test_a_unit_price_may_be_rounded_by_two_percent(unit_price: str, is_right: bool):
    document = a_document()
    document["packages"]["standard"] |= {"credits": 100, "unit_price": Decimal(unit_price)}

    with contextlib.nullcontext() if is_right else pytest.raises(ConfigurationError, match="unit_price: is"):
        catalogue_file.parse(document)


@pytest.mark.parametrize(("field", "missing"), [("min", "max"), ("max", "min"), ("step", "max"), ("tiers", "max")])
def test_a_package_with_one_field_of_any_amount_must_have_the_others(field: str, missing: str):
    document = a_document()
    document["packages"]["standard"] |= {field: "10.00"}

    with pytest.raises(ConfigurationError, match=rf"packages\.standard\.{missing}: is missing"):
        catalogue_file.parse(document)


def test_a_package_of_any_amount_may_bring_as_many_credits_as_numbers_stay_exact():
    assert (
        any_amount(max="10000.00", unit_price=Decimal("0.00001"), tiers=ABSENT).for_amount("10000.00").credits == 10**9
    )


@pytest.mark.parametrize("packages", [[], {}])
def test_a_catalogue_without_packages_is_refused_by_that_field(packages: Any):
    with pytest.raises(ConfigurationError, match=r"^catalogue\.json: packages: must be an object with at least one"):
        catalogue_file.parse(a_document() | {"packages": packages})


def test_a_catalogue_that_is_no_object_is_refused_without_a_field():
    with pytest.raises(ConfigurationError, match=r"^catalogue\.json: must be a JSON object$"):
        catalogue_file.parse([])


def test_credits_are_valid_as_long_as_the_package_says_or_else_as_usual():
    package = one_price(catalogue_file.parse(a_document()).packages["standard"])

    assert package.or_valid_for(3).valid_months == 3
    assert replace(package, valid_months=1).or_valid_for(3).valid_months == 1


def test_a_name_has_up_to_a_hundred_characters():
    document = a_document()
    document["packages"]["standard"] |= {"name": "x" * 100}

    assert catalogue_file.parse(document).packages["standard"].name == "x" * 100
    document["packages"]["standard"] |= {"name": "x" * 101}
    with pytest.raises(ConfigurationError, match="must be a text of 1-100 characters"):
        catalogue_file.parse(document)


def test_a_field_that_nobody_knows_is_named_alone():
    with pytest.raises(ConfigurationError, match=r"^catalogue\.json: colour: is not a known field$"):
        catalogue_file.parse(a_document() | {"colour": "red"})


def test_a_bonus_may_be_a_thousand_percent_and_every_amount_has_the_names_of_its_package():
    tiers = [{"from": "100.00", "bonus_percent": 1000}]
    package = any_amount(tiers=tiers, names={"en": "As you like"}).for_amount("100.00")

    assert package.credits == 12_222  # eleven times 1111.11
    assert package.names == {"en": "As you like"}
