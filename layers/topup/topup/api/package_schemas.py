"""The response bodies about packages as types; as `schemas`, no function imports this module when it runs."""

from typing import Annotated, NotRequired

from typing_extensions import TypedDict

from topup.api.schema_values import Amount, AmountText, Currency, Schema

ValidMonths = Annotated[
    int | None, Schema({"minimum": 1, "description": "For how many months its credits are valid; null: for ever"})
]


class Validity(TypedDict):
    """How long a package's credits are valid; absent where that is as configured for all."""

    valid_months: NotRequired[ValidMonths]


class Package(Validity):
    """A package that is on sale for one price."""

    name: str
    credits: Annotated[int, Schema({"minimum": 1})]
    price: AmountText
    currency: Currency
    unit_price: Amount


# `from` is a word of Python's, so that no class can have a field of that name.
Tier = TypedDict(
    "Tier",
    {"from": AmountText, "bonus_percent": Annotated[float, Schema({"exclusiveMinimum": 0})]},
)


class AnyAmountPackage(Validity):
    """A package that is bought for any amount: a multiple of `step`, from `min` to `max`.

    It grants `amount / unit_price × (100 + bonus_percent) / 100` credits, rounded down once; the bonus is that of the
    highest tier whose `from` the amount reaches, else 0.
    """

    name: str
    min: AmountText
    max: AmountText
    step: AmountText
    currency: Currency
    unit_price: Amount
    tiers: list[Tier]


class Catalogue(TypedDict):
    """What is on sale, by package id."""

    packages: dict[str, Package | AnyAmountPackage]
    credit_value_rmb: Amount
