"""What is taken off the price and added to it, and the form in which the buyer changes that."""

from collections.abc import Sequence
from html import escape

from local.stripe_simulator.core.pricing import DOLLARS, PROMOTION_CODES, TAX_RATES, is_inclusive
from local.stripe_simulator.objects.base import Json
from local.stripe_simulator.page.parts import Texts, amount_of, field_states, money, template

FIELDS = {"promotion_code": "promotion_code", "country": "country", "presentment_currency": "currency"}


def rows(session: Json, texts: Texts) -> str:
    """Subtotal, discount, tax and total; nothing where the session can have neither a discount nor tax."""
    if not session["allow_promotion_codes"] and not session["automatic_tax"]["enabled"]:
        return ""
    figures = [row(texts["subtotal"], money(session["amount_subtotal"], session["currency"], texts))]
    if discount := session["total_details"]["amount_discount"]:
        code = f" ({entered_code(session)})" if entered_code(session) else ""
        figures.append(row(texts["discount"] + code, "−" + money(discount, session["currency"], texts)))
    if session["automatic_tax"]["enabled"]:
        figures.append(tax_row(session, texts))
    return "".join(figures) + total_row(session, texts)


def tax_row(session: Json, texts: Texts) -> str:
    if session["automatic_tax"]["status"] != "complete":
        return row(texts["tax"], escape(texts["tax_pending"]))
    inclusive = all(is_inclusive(item) for item in session["line_items"]["data"])
    tax = money(session["total_details"]["amount_tax"], session["currency"], texts)
    return row(texts["tax_inclusive" if inclusive else "tax"], tax)


def total_row(session: Json, texts: Texts) -> str:
    name = "total" if session["status"] == "complete" else "total_due"
    return row(texts[name], amount_of(session, texts), style="total")


def row(name: str, figure_html: str, *, style: str = "") -> str:
    return f'<li class="{style}"><span>{escape(name)}</span><span class="figure">{figure_html}</span></li>'


def presented(session: Json, texts: Texts) -> str:
    """The total in the currency that the buyer has chosen."""
    details = session.get("presentment_details")
    if not details or not details["presentment_amount"]:
        return ""
    amount = money(details["presentment_amount"], details["presentment_currency"], texts)
    return f'<p class="more" id="presented">{escape(texts["presented"]).format(amount=amount)}</p>'


def entered_code(session: Json) -> str:
    codes = [one["promotion_code"] for one in session["discounts"] if one["promotion_code"]]
    return codes[0].removeprefix("promo_") if codes else ""


def form(session: Json, texts: Texts, country: str | None, entered: dict[str, str], errors: Sequence[Json]) -> str:
    """The fields that the session offers, or nothing. entered: what the buyer sent, if it was refused."""
    messages = {error["field"]: escape(str(error["message"])) for error in errors if error.get("field") in FIELDS}
    states = field_states(FIELDS, messages, next(iter(messages), None))
    offered = [
        code_field(entered.get("promotion_code", entered_code(session)), texts, states)
        if session["allow_promotion_codes"]
        else "",
        country_field(session, entered.get("country", country), texts, states) if asks_for_country(session) else "",
        currency_field(session, texts, states) if session["adaptive_pricing"]["enabled"] else "",
    ]
    if not any(offered):
        return ""
    return template("terms").substitute(update=escape(texts["update"]), fields="\n".join(filter(None, offered)))


def asks_for_country(session: Json) -> bool:
    return bool(session["automatic_tax"]["enabled"] or session["billing_address_collection"] == "required")


def code_field(value: str, texts: Texts, states: Texts) -> str:
    codes = ", ".join(f"{code} (−{percent}%)" for code, percent in PROMOTION_CODES.items())
    box = (
        f'<input id="promotion_code" name="promotion_code" autocomplete="off" autocapitalize="characters" '
        f'maxlength="40" value="{escape(value)}" {states["promotion_code_state"]}>'
    )
    hint = texts["promotion_code_hint"].format(codes=codes)
    return field("promotion_code", texts["promotion_code"], box, states, hint)


def country_field(session: Json, chosen: str | None, texts: Texts, states: Texts) -> str:
    has_tax = session["automatic_tax"]["enabled"]
    names = {code: texts[f"country_{code}"] + (f" ({rate}%)" if has_tax else "") for code, rate in TAX_RATES.items()}
    choices = {"": texts["choose"], **names}
    return field(
        "country",
        texts["country"],
        selection("country", choices, chosen or "", states),
        states,
        texts["country_hint"] if has_tax else "",
    )


def currency_field(session: Json, texts: Texts, states: Texts) -> str:
    own = session["currency"]
    choices = {code: code.upper() for code in dict.fromkeys((own, *DOLLARS))} if own in DOLLARS else {own: own.upper()}
    chosen = session.get("presentment_details", {}).get("presentment_currency", own)
    return field(
        "currency", texts["currency"], selection("currency", choices, chosen, states), states, texts["currency_hint"]
    )


def selection(name: str, choices: dict[str, str], chosen: str, states: Texts) -> str:
    options = "".join(
        f'<option value="{value}"{" selected" if value == chosen else ""}>{escape(text)}</option>'
        for value, text in choices.items()
    )
    return f'<select id="{name}" name="{name}" {states[f"{name}_state"]}>{options}</select>'


def field(name: str, label: str, box: str, states: Texts, hint: str) -> str:
    below = f'<p class="hint">{escape(hint)}</p>' if hint else ""
    return f'<div><label for="{name}">{escape(label)}</label>{box}{states[f"{name}_error"]}{below}</div>'
