"""What all pages use: their headers, templates, amounts, and fields with their errors."""

from collections.abc import Mapping
from functools import cache
from html import escape
from pathlib import Path
from string import Template

from local.stripe_simulator.core.money import format_amount
from local.stripe_simulator.objects.base import Json

FOLDER = Path(__file__).parent

Texts = dict[str, str]

# The page loads nothing from elsewhere, and no other page may frame it.
POLICY = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "same-origin",  # with no-referrer, browsers hide the Origin of the page's own forms
}


@cache
def template(name: str) -> Template:
    return Template((FOLDER / f"{name}.html").read_text(encoding="utf-8"))


def money(amount_minor: int, currency: str, texts: Texts) -> str:
    return escape(format_amount(amount_minor, currency, chinese=texts["language"] == "zh"))


def amount_of(session: Json, texts: Texts) -> str:
    return money(session["amount_total"], session["currency"], texts)


def field_states(fields: Mapping[str, str], messages: Mapping[str, str], focus: str | None) -> Texts:
    """Of each field: the attributes `…_state`, and the message `…_error` below it.

    fields: by their names in errors, those in the templates.
    """
    states = {}
    for field, name in fields.items():
        is_wrong, has_focus = field in messages, field == focus
        invalid = f'aria-invalid="true" aria-describedby="{name}-error"' if is_wrong else ""
        states[f"{name}_state"] = invalid + (" autofocus" if has_focus else "")
        states[f"{name}_error"] = f'<p class="wrong" id="{name}-error">{messages[field]}</p>' if is_wrong else ""
    return states
