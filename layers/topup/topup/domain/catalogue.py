"""The packages that are sold, and how."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from topup.domain import money
from topup.domain.checkout_options import CheckoutOptions
from topup.domain.errors import FieldError, ValidationFailed
from topup.domain.money import InvalidAmount

AMOUNT = r"^[0-9]{1,10}([.][0-9]{1,3})?$"  # major units


@dataclass(frozen=True, kw_only=True)
class Sold:
    """What all packages have. `valid_months`: how long their credits live; None: as configured, FOREVER: no end."""

    id: str
    name: str
    names: Mapping[str, str] = field(default_factory=dict)
    currency: str
    unit_price: Decimal
    valid_months: int | None = None

    def name_in(self, *languages: str) -> str:
        """The name in the first of these languages ("en", "en-GB") that it has one in, else the default name."""
        return name_in(self.name, self.names, *languages)


@dataclass(frozen=True, kw_only=True)
class Package(Sold):
    """So many credits for one price (`price_minor`: integer minor units of `currency`)."""

    credits: int
    price_minor: int

    def or_valid_for(self, months: int) -> "Package":
        """The package, its credits valid for so many months where it does not say how long."""
        return self if self.valid_months is not None else replace(self, valid_months=months)


@dataclass(frozen=True, kw_only=True)
class Tier:
    """From this amount on (minor units), so many percent more credits."""

    from_minor: int
    bonus_percent: Decimal


@dataclass(frozen=True, kw_only=True)
class AnyAmount(Sold):
    """Credits for any amount that the buyer chooses: multiples of `step_minor`, from `min_minor` to `max_minor`.

    `tiers` rise in amount and in bonus; the highest one that the amount reaches counts for all of it.
    """

    min_minor: int
    max_minor: int
    step_minor: int
    tiers: Sequence[Tier] = ()

    def credits_for(self, amount_minor: int) -> int:
        """amount / unit price × (100 + bonus) / 100, exactly, and then rounded down, once."""
        bonus = max((tier.bonus_percent for tier in self.tiers if tier.from_minor <= amount_minor), default=Decimal(0))
        amount, amount_parts = money.to_major(amount_minor, self.currency).as_integer_ratio()
        percent, percent_parts = (100 + bonus).as_integer_ratio()
        price, price_parts = self.unit_price.as_integer_ratio()
        return amount * percent * price_parts // (amount_parts * percent_parts * price * 100)

    def for_amount(self, amount: str) -> Package:
        """The package that this amount (major units, as text) buys; raises ValidationFailed."""
        amount_minor = self._checked(amount)
        return Package(
            id=self.id,
            name=self.name,
            names=self.names,
            currency=self.currency,
            unit_price=self.unit_price,
            valid_months=self.valid_months,
            credits=self.credits_for(amount_minor),
            price_minor=amount_minor,
        )

    def _checked(self, amount: str) -> int:
        if not re.fullmatch(AMOUNT, amount):
            raise _refused('must be a string such as "50.00"')
        try:
            amount_minor = money.to_minor(Decimal(amount), self.currency)
        except InvalidAmount as error:
            raise _refused(error.detail) from None
        if not self.min_minor <= amount_minor <= self.max_minor:
            raise _refused(f"must be from {self._text(self.min_minor)} to {self._text(self.max_minor)} {self.currency}")
        if amount_minor % self.step_minor:
            raise _refused(f"must be a multiple of {self._text(self.step_minor)} {self.currency}")
        return amount_minor

    def _text(self, amount_minor: int) -> str:
        return money.to_text(amount_minor, self.currency)


def name_in(name: str, names: Mapping[str, str], *languages: str) -> str:
    """The name in the first of these languages that there is one in, else `name`."""
    tags = [tag for language in languages for tag in (language, language.partition("-")[0])]
    return next((names[tag] for tag in tags if tag in names), name)


def _refused(fix: str) -> ValidationFailed:
    return ValidationFailed(FieldError("amount", fix))


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """All packages by id, what one credit is worth in RMB, the language of the default names, if it is known, and how
    pay pages behave.
    """

    packages: Mapping[str, Package | AnyAmount]
    credit_value_rmb: Decimal
    language: str | None = None
    checkout: CheckoutOptions = field(default_factory=CheckoutOptions)
