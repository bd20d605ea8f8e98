"""The page's HTML, from the templates in this folder. Everything from a session or a buyer is escaped."""

import re
from collections.abc import Sequence
from datetime import datetime
from html import escape, unescape

from local.stripe_simulator.core.cards import TEST_CARDS
from local.stripe_simulator.objects.base import Json
from local.stripe_simulator.page import totals
from local.stripe_simulator.page.parts import Texts, amount_of, field_states, money, template

# A colour for each delayed method; their logos are trademarks.
COLOURS = {"alipay": "#1677ff", "wechat_pay": "#07c160"}


def page(session: Json, texts: Texts, content: str, terms: str = "") -> str:
    """terms: the form with which the buyer changes the total, while that is possible."""
    items = session["line_items"]["data"]
    what = ", ".join(item["description"] for item in items)
    summary = template("summary").substitute(
        order=escape(texts["order"]),
        back=back_link(session, texts),
        what=escape(what),
        amount=amount_of(session, texts),
        presented=totals.presented(session, texts),
        details=details(session, items, texts),
        terms=terms,
    )
    return document(texts, content, title=f"{title_of(content) or texts['title']} – {what}", summary=summary)


def title_of(content: str) -> str:
    """The heading of a payment's state: whoever hears the page's title knows what has happened."""
    found = re.search(r'id="state">([^<]*)<', content)
    return unescape(found[1]) if found else ""


def details(session: Json, items: Sequence[Json], texts: Texts) -> str:
    """The lines, what is taken off and added, and the total. Of a single thing only its description, since its name
    stands above it, as does its price unless something changes that."""
    rows = totals.rows(session, texts)
    if len(items) == 1 and items[0]["quantity"] == 1:
        notes = "".join(f'<p class="more">{note}</p>' for note in notes_of(items[0]))
        return notes + (f'<ul class="items">{rows}</ul>' if rows else "")
    lines = "\n".join(line(item, texts) for item in items)
    return f'<ul class="items">{lines}{rows or totals.total_row(session, texts)}</ul>'


def document(texts: Texts, content: str, *, title: str, summary: str = "") -> str:
    words = {name: escape(texts[name]) for name in ("language", "notice", "notice_detail")}
    layout = "both" if summary else "alone"
    return template("page").substitute(words, title=escape(title), summary=summary, content=content, layout=layout)


def back_link(session: Json, texts: Texts) -> str:
    if session["status"] != "open" or not session["cancel_url"]:
        return ""
    arrow = '<span aria-hidden="true">←</span>'
    return f'<a id="back" href="{escape(session["cancel_url"])}">{arrow}{escape(texts["back"])}</a>'


def line(item: Json, texts: Texts) -> str:
    price, notes = item["price"], notes_of(item)
    if item["quantity"] > 1:
        each = money(price["unit_amount"], price["currency"], texts)
        notes.append(f"{escape(texts['quantity'])} {item['quantity']} · {each} {escape(texts['each'])}")
    small = "".join(f"<small>{note}</small>" for note in notes)
    amount = money(item["amount_subtotal"], item["currency"], texts)
    return f'<li><span>{escape(item["description"])}</span><span class="figure">{amount}</span>{small}</li>'


def notes_of(item: Json) -> list[str]:
    description = item["price"]["product"]["description"]
    return [escape(description)] if description else []


FIELDS = {"card": "number", "expiry": "expiry", "cvc": "cvc"}  # as errors name them, and as the template does


def form(session: Json, texts: Texts, card: dict[str, str], errors: Sequence[Json], now: datetime) -> str:
    """card: `number`, `expiry` and `cvc`. A test card chosen by link gets a valid date and code.

    Errors of a field stand below it, others above the form. The first wrong field has the focus, after a decline the
    card's number: the page is loaded anew, and the focus would be at its top.
    """
    expiry = f"12 / {(now.year + 3) % 100:02d}"
    chosen = card["number"] in TEST_CARDS and not card["expiry"] and not errors
    messages = {error["field"]: escape(str(error["message"])) for error in errors if error.get("field") in FIELDS}
    others = [escape(str(error["message"])) for error in errors if error.get("field") not in FIELDS]
    focus = next((field for field in FIELDS if field in messages), "card" if others else None)
    words = {name: escape(text) for name, text in texts.items()}
    words["pay"] = escape(texts["pay"]).format(amount=amount_of(session, texts))
    return template("form").substitute(
        words | field_states(FIELDS, messages, focus),
        error="".join(f'<p id="error" role="alert">{message}</p>' for message in others),
        methods=delayed_methods(session, texts),
        cards="\n".join(card_link(number, texts, expiry) for number in TEST_CARDS),
        number_value=escape(grouped(card["number"])),
        expiry_value=escape(expiry if chosen else card["expiry"]),
        cvc_value="123" if chosen else "",
    )


def free(texts: Texts, errors: Sequence[Json]) -> str:
    """Instead of the form, where the total is 0."""
    words = {name: escape(texts[name]) for name in ("free", "free_detail", "complete_order")}
    shown = "".join(f'<p id="error" role="alert">{escape(str(error["message"]))}</p>' for error in errors)
    return template("free").substitute(words, error=shown)


def grouped(number: str) -> str:
    digits = number.replace(" ", "")
    return " ".join(digits[i : i + 4] for i in range(0, len(digits), 4))


def delayed_methods(session: Json, texts: Texts) -> str:
    offered = [method for method in COLOURS if method in session["payment_method_types"]]
    if not offered:
        return ""
    buttons = "".join(action_button(m, texts[m], button_id=m, colour=COLOURS[m]) for m in offered)
    hint = f'<p class="hint">{escape(texts["delayed_hint"])}</p>'
    return f'<div class="methods">{buttons}</div>{hint}<p class="or">{escape(texts["or_card"])}</p>'


def action_button(action: str, text: str, *, button_id: str, colour: str | None = None, style: str = "") -> str:
    dot = f'<span class="dot" style="background:{colour}"></span>' if colour else ""
    return (
        f'<form method="post"><button id="{button_id}" class="{style}" name="action" value="{action}">'
        f"{dot}{escape(text)}</button></form>"
    )


def card_link(number: str, texts: Texts, expiry: str) -> str:
    return (
        f'<li><a href="?card={number}" data-card="{number}" data-expiry="{expiry}"><code>{grouped(number)}</code>'
        f"<span>{escape(texts[f'card_{number}'])}</span></a></li>"
    )


def challenge(session: Json, texts: Texts) -> str:
    return message(
        texts["challenge"],
        escape(texts["challenge_detail"]).format(amount=amount_of(session, texts)),
        icon="?",
        below=choices(
            ("three_d_secure_complete", texts["challenge_complete"], "three-d-secure-complete"),
            ("three_d_secure_fail", texts["challenge_fail"], "three-d-secure-fail"),
        ),
    )


def completed(session: Json, texts: Texts, shop_url: str) -> str:
    """The session is complete: paid, processing, failed, or without anything to pay."""
    if session["payment_status"] == "no_payment_required":
        return ended(texts, "ordered", shop_url, icon="✓", tone="good")
    if session["payment_status"] == "paid":
        return ended(texts, "paid", shop_url, amount=amount_of(session, texts), icon="✓", tone="good")
    if session["payment_intent"]["status"] != "processing":
        return ended(texts, "failed", shop_url, amount=amount_of(session, texts), icon="!", tone="bad")
    detail = escape(texts["processing_detail"]).format(amount=amount_of(session, texts))
    buttons = choices(
        ("settle_succeed", texts["settle_succeed"], "settle-succeed"),
        ("settle_fail", texts["settle_fail"], "settle-fail"),
    )
    return message(texts["processing"], detail, icon="…", below=buttons + shop_link(texts, shop_url))


def ended(texts: Texts, state: str, url: str | None, *, amount: str = "", icon: str = "!", tone: str = "") -> str:
    detail = escape(texts[f"{state}_detail"]).format(amount=amount)
    return message(texts[state], detail, icon=icon, tone=tone, below=shop_link(texts, url))


def unknown(texts: Texts) -> str:
    content = message(texts["unknown"], escape(texts["unknown_detail"]), icon="!")
    return document(texts, content, title=texts["unknown"])


def shop_link(texts: Texts, url: str | None) -> str:
    if not url:
        return ""
    return f'<p class="choices"><a class="button" id="to-shop" href="{escape(url)}">{escape(texts["to_shop"])}</a></p>'


def message(title: str, detail_html: str, *, icon: str, tone: str = "", below: str = "") -> str:
    return (
        f'<span class="state {tone}" aria-hidden="true">{icon}</span><h1 id="state">{escape(title)}</h1>'
        f"<p>{detail_html}</p>{below}"
    )


def choices(*buttons: tuple[str, str, str]) -> str:
    """The first button is the primary one."""
    rendered = [
        f'<button id="{button_id}" class="{"primary" if index == 0 else ""}" name="action" value="{action}">'
        f"{escape(text)}</button>"
        for index, (action, text, button_id) in enumerate(buttons)
    ]
    return f'<form method="post" class="choices">{"".join(rendered)}</form>'
