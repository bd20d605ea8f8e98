"""What Stripe's pay page says is bought, in the buyer's language."""

from dataclasses import dataclass
from datetime import UTC, datetime

from topup.domain.catalogue import Package

ENGLISH, CHINESE = "en", "zh"
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


@dataclass(frozen=True)
class PayPage:
    """How the pay page speaks: its locale in Stripe's words (None: the browser's), how it names what is bought (None:
    by the package's name), and the language of the words that we add (None: we add none).

    `may_change_total`: it may add tax or take a promotion code, so that the buyer pays another sum than the price.
    """

    locale: str | None = None
    product: str | None = None
    language: str | None = None
    may_change_total: bool = False


NO_WORDS = PayPage()  # an order of an earlier version has no others


def pay_page(package: Package, locale: str | None, catalogue_language: str | None) -> PayPage:
    """The pay page of a package and its credits, for a buyer who asked for this locale.

    The words are the buyer's if they are English or Chinese, else English. Where neither the request nor the catalogue
    names a language, the package's own name stands alone.
    """
    wanted = catalogue_language if locale in (None, "auto") else locale
    if wanted is None:
        return PayPage(locale)
    if wanted.partition("-")[0] == CHINESE:
        return PayPage(locale, f"{package.name_in(wanted, CHINESE)} – {package.credits:,} 积分", CHINESE)
    return PayPage(locale, f"{package.name_in(wanted, ENGLISH)} – {package.credits:,} credits", ENGLISH)


def validity(expires_at: datetime | None, language: str | None) -> str | None:
    """Until when credits are valid, for the line below the product; None in a language that has no words here."""
    if expires_at is None:
        return {CHINESE: "永不过期", ENGLISH: "Never expires"}.get(language or "")
    day = expires_at.astimezone(UTC)
    if language == CHINESE:
        return f"有效期至 {day.year}年{day.month}月{day.day}日"
    if language == ENGLISH:
        return f"Valid until {day.day} {MONTHS[day.month - 1]} {day.year}"
    return None
