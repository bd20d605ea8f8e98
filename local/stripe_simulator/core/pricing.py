"""What a session costs: its discount, its tax, its total, and the currency that the buyer sees."""

from collections.abc import Sequence
from dataclasses import dataclass

from local.stripe_simulator.core.errors import Refused, StripeError
from local.stripe_simulator.core.money import check_charge, decimals, format_amount, step
from local.stripe_simulator.core.world import World
from local.stripe_simulator.objects.base import Json
from local.stripe_simulator.objects.checkout_session import automatic_tax

# The promotion codes of the simulated account, and the percentage that each takes off.
PROMOTION_CODES = {"SAVE10": 10, "HALF": 50, "FREE100": 100}

# The percentage of tax by country. Real tax depends on more than the country: on the product, the state, the buyer.
TAX_RATES = {"CN": 6, "DE": 19, "FR": 20, "GB": 20, "HK": 0, "JP": 10, "US": 0}

# What 10,000 units of each currency that a price can be presented in are worth in US dollars. Not today's rates.
DOLLARS = {"usd": 10_000, "eur": 11_600, "gbp": 13_300, "cny": 1_400, "hkd": 1_280, "jpy": 65, "sgd": 7_700}


@dataclass(frozen=True)
class Terms:
    """What the buyer enters besides a way to pay. None leaves what the session has. Amounts are minor units."""

    discount_minor: int | None = None
    promotion_code: str | None = None  # "" removes the discount
    tax_minor: int | None = None
    country: str | None = None  # one of TAX_RATES; decides the tax where there is automatic tax and no amount is given
    presentment_currency: str | None = None  # the session's own: none is presented


def reprice(world: World, session: Json, terms: Terms) -> None:
    """Change the discount, the tax and the total of an open session; raises Refused if Stripe could not charge it."""
    if terms == Terms():
        return
    refuse_what_is_not_offered(session, terms)
    before = session["total_details"]
    discount = discount_of(session, terms)
    tax = tax_of(world, session, terms, discount)
    check_bounds(session, discount, tax)
    items = priced(world.line_items[session["id"]], discount, tax)
    total = sum(item["amount_total"] for item in items)
    check_total(total, session["currency"])
    world.line_items[session["id"]] = items
    changes = {
        "amount_total": total,
        "total_details": {**before, "amount_discount": discount, "amount_tax": tax},
        "discounts": discounts_of(session, terms, discount),
    }
    if terms.country or terms.tax_minor is not None:
        changes["automatic_tax"] = automatic_tax(session["automatic_tax"]["enabled"], is_located=True)
    if terms.country:
        world.countries[session["id"]] = terms.country
    world.change(session, **changes)
    present(session, terms.presentment_currency)


def refuse_what_is_not_offered(session: Json, terms: Terms) -> None:
    """Only what the session was created with can change its total."""
    if terms.discount_minor is not None and terms.promotion_code is not None:
        raise Refused(422, "Give either discount_minor or promotion_code.", "discount_minor")
    if terms.tax_minor is not None and not session["automatic_tax"]["enabled"]:
        raise Refused(409, "No tax is calculated for this session: it lacks automatic_tax[enabled].", "tax_minor")
    for field in ("discount_minor", "promotion_code"):
        if getattr(terms, field) is not None and not session["allow_promotion_codes"]:
            raise Refused(409, "This session takes no promotion codes: it lacks allow_promotion_codes.", field)
    if terms.presentment_currency is not None and not session["adaptive_pricing"]["enabled"]:
        message = "This session is paid in its own currency: it lacks adaptive_pricing[enabled]."
        raise Refused(409, message, "presentment_currency")
    if terms.country and terms.country not in TAX_RATES:
        raise Refused(422, f"The simulator knows {', '.join(TAX_RATES)} only.", "country")
    if terms.presentment_currency and not {terms.presentment_currency, session["currency"]} <= DOLLARS.keys():
        message = f"The simulator converts between {', '.join(DOLLARS)} only."
        raise Refused(422, message, "presentment_currency")


def discount_of(session: Json, terms: Terms) -> int:
    if terms.promotion_code is not None:
        return fraction(session["amount_subtotal"], percent_off(terms.promotion_code), 100, session["currency"])
    if terms.discount_minor is not None:
        return terms.discount_minor
    return int(session["total_details"]["amount_discount"])


def percent_off(code: str) -> int:
    if not code:
        return 0
    if (percent := PROMOTION_CODES.get(code.strip().upper())) is None:
        raise Refused(422, "This code is invalid.", "promotion_code", "promotion_code_invalid")
    return percent


def tax_of(world: World, session: Json, terms: Terms, discount: int) -> int:
    if terms.tax_minor is not None:
        return terms.tax_minor
    if terms.country and session["automatic_tax"]["enabled"]:
        return tax_in(terms.country, world.line_items[session["id"]], discount)
    return int(session["total_details"]["amount_tax"])


def discounts_of(session: Json, terms: Terms, discount: int) -> list[Json]:
    """The session's `discounts`: a code's, or a coupon's for a discount that was given as an amount."""
    if terms.promotion_code is None and terms.discount_minor is None:
        return list(session["discounts"])
    if terms.promotion_code:
        return [{"coupon": None, "promotion_code": f"promo_{terms.promotion_code.strip().upper()}"}]
    return [{"coupon": "simulated", "promotion_code": None}] if discount else []


def check_bounds(session: Json, discount: int, tax: int) -> None:
    subtotal, currency = session["amount_subtotal"], session["currency"]
    if not 0 <= discount <= subtotal:
        given, most = format_amount(discount, currency), format_amount(subtotal, currency)
        raise Refused(422, f"The discount ({given}) must be between 0 and the subtotal ({most}).", "discount_minor")
    if not 0 <= tax <= subtotal - discount:
        given, most = format_amount(tax, currency), format_amount(subtotal - discount, currency)
        raise Refused(422, f"The tax ({given}) must be between 0 and the discounted price ({most}).", "tax_minor")
    for field, amount in (("discount_minor", discount), ("tax_minor", tax)):
        if amount % step(currency):
            raise Refused(422, f"Amounts in {currency} must be divisible by {step(currency)}.", field)


def check_total(total: int, currency: str) -> None:
    """A total of 0 needs no payment; any other one must be an amount that can be charged."""
    if total:
        try:
            check_charge(total, currency, "The total, if it is not 0,")
        except StripeError as error:
            raise Refused(422, str(error), code=error.fields["code"]) from None


def priced(items: Sequence[Json], discount: int, tax: int) -> list[Json]:
    """The line items with their shares of the discount and of the tax. Inclusive tax is part of the price."""
    discounts = shares(discount, [item["amount_subtotal"] for item in items])
    nets = [item["amount_subtotal"] - off for item, off in zip(items, discounts, strict=True)]
    taxes = shares(tax, nets)
    return [
        {**item, "amount_discount": off, "amount_tax": own, "amount_total": net + (0 if is_inclusive(item) else own)}
        for item, off, net, own in zip(items, discounts, nets, taxes, strict=True)
    ]


def is_inclusive(item: Json) -> bool:
    """A price that does not say it is exclusive: this account's default where the price leaves it open."""
    return bool(item["price"]["tax_behavior"] == "inclusive")


def shares(amount: int, weights: Sequence[int]) -> list[int]:
    """`amount`, split by the weights without a remainder."""
    total, so_far, given = sum(weights), 0, 0
    parts = []
    for weight in weights:
        so_far += weight
        part = amount * so_far // total - given if total else 0
        parts.append(part)
        given += part
    return parts


def tax_in(country: str, items: Sequence[Json], discount: int) -> int:
    """The tax on these line items in a country of TAX_RATES: on top of the price, or the part of it that is tax."""
    rate = TAX_RATES[country]
    discounts = shares(discount, [item["amount_subtotal"] for item in items])
    return sum(
        fraction(item["amount_subtotal"] - off, rate, 100 + (rate if is_inclusive(item) else 0), item["currency"])
        for item, off in zip(items, discounts, strict=True)
    )


def fraction(amount: int, numerator: int, denominator: int, currency: str) -> int:
    """This fraction of the amount, rounded half up to what the currency has."""
    smallest = step(currency)
    return (2 * amount * numerator + denominator * smallest) // (2 * denominator * smallest) * smallest


def present(session: Json, currency: str | None) -> None:
    """Show the total in another currency, as Adaptive Pricing does. The session's own amounts stay as they are."""
    currency = currency or session.get("presentment_details", {}).get("presentment_currency")
    session.pop("presentment_details", None)
    if currency and currency != session["currency"]:
        amount = converted(session["amount_total"], session["currency"], currency)
        session["presentment_details"] = {"presentment_amount": amount, "presentment_currency": currency}


def converted(amount: int, source: str, target: str) -> int:
    """Minor units of `target`, rounded up."""
    numerator = amount * DOLLARS[source] * 10 ** decimals(target)
    denominator = DOLLARS[target] * 10 ** decimals(source)
    return int(-(-numerator // denominator))
