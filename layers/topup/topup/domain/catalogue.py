"""The packages that are sold, and how."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from topup.domain.checkout_options import CheckoutOptions


@dataclass(frozen=True, kw_only=True)
class Package:
    """What is sold: so many credits for one price (`price_minor`: integer minor units of `currency`)."""

    id: str
    name: str
    names: Mapping[str, str] = field(default_factory=dict)
    credits: int
    price_minor: int
    currency: str
    unit_price: Decimal

    def name_in(self, *languages: str) -> str:
        """The name in the first of these languages ("en", "en-GB") that it has one in, else the default name."""
        tags = [tag for language in languages for tag in (language, language.partition("-")[0])]
        return next((self.names[tag] for tag in tags if tag in self.names), self.name)


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """All packages by id, what one credit is worth in RMB, the language of the default names, if it is known, and how
    pay pages behave.
    """

    packages: Mapping[str, Package]
    credit_value_rmb: Decimal
    language: str | None = None
    checkout: CheckoutOptions = field(default_factory=CheckoutOptions)
