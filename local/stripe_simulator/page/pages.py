"""The hosted pay page: plain forms that work without JavaScript."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl, quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from local.stripe_simulator.core.cards import check_cvc, check_expiry, passes_luhn
from local.stripe_simulator.core.errors import Refused
from local.stripe_simulator.core.pricing import Terms
from local.stripe_simulator.objects.base import Json
from local.stripe_simulator.page import totals, view
from local.stripe_simulator.page.parts import POLICY
from local.stripe_simulator.page.texts import error_text, texts_for
from local.stripe_simulator.simulator import Simulator


def routes(simulator: Simulator) -> list[Route]:
    page = PayPage(simulator)
    return [
        Route("/c/pay/{id}", page.show, methods=["GET"]),
        Route("/c/pay/{id}", page.act, methods=["POST"]),
    ]


@dataclass(frozen=True)
class CardForm:
    """The card form as the buyer filled it in."""

    number: str = ""
    expiry: str = ""
    cvc: str = ""

    @classmethod
    def from_form(cls, form: dict[str, str]) -> "CardForm":
        return cls(*(form.get(name, "")[:40] for name in ("card_number", "expiry", "cvc")))

    def errors(self, now: datetime) -> list[Json]:
        """What is wrong with each field, before anything is sent, so that a buyer sees all of it at once."""
        wrong = []
        for check in (self._check_number, lambda: check_expiry(self.expiry, now), lambda: check_cvc(self.cvc)):
            try:
                check()
            except Refused as refused:
                wrong.append(_error(refused))
        return wrong

    def _check_number(self) -> None:
        if not passes_luhn(re.sub(r"[ -]", "", self.number)):
            raise Refused(422, "Your card number is incorrect.", "card", "incorrect_number")


def _error(refused: Refused) -> Json:
    return {"message": str(refused), "code": refused.code, "field": refused.field}


Action = Callable[[str, CardForm], Json]

PAYMENTS = ("card", "alipay", "wechat_pay", "free")
COUNTRY_MISSING = {
    "message": "Choose a country first, and update the total.", "code": "country_missing", "field": "country",
}  # fmt: skip


def terms_of(form: dict[str, str]) -> Terms:
    """What the buyer has entered besides the card; an empty code removes the discount."""
    code = form["promotion_code"][:100] if "promotion_code" in form else None
    return Terms(
        promotion_code=code, country=form.get("country") or None, presentment_currency=form.get("currency") or None
    )


class PayPage:
    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._actions: dict[str, Action] = {
            "card": lambda session_id, card: simulator.pay(session_id, card=card.number),
            "alipay": lambda session_id, _: simulator.pay(session_id, method="alipay"),
            "wechat_pay": lambda session_id, _: simulator.pay(session_id, method="wechat_pay"),
            "free": lambda session_id, _: simulator.pay(session_id),
            "three_d_secure_complete": lambda session_id, _: simulator.authenticate(session_id, completed=True),
            "three_d_secure_fail": lambda session_id, _: simulator.authenticate(session_id, completed=False),
            "settle_succeed": lambda session_id, _: simulator.settle(session_id, "succeeded"),
            "settle_fail": lambda session_id, _: simulator.settle(session_id, "failed"),
        }

    async def show(self, request: Request) -> Response:
        return self._page(request, {"card_number": request.query_params.get("card", "")})

    async def act(self, request: Request) -> Response:
        """Run the action of the button. Then redirect to the shop if that was a payment, else show the page again."""
        form = dict(parse_qsl((await request.body()).decode(errors="replace"), keep_blank_values=True))
        session_id, action = request.path_params["id"], form.get("action", "")
        if action == "terms":
            return self._enter(request, form)
        if action not in self._actions:
            return self._page(request, form)
        if wrong := self._what_is_missing(session_id, action, form):
            return self._page(request, form, wrong, 422)
        try:
            done = self._actions[action](session_id, CardForm.from_form(form))
        except Refused as refused:
            return self._refused(request, form, refused)
        if done["outcome"] == "declined" and done["status"] == "open":
            return self._page(request, form, [done["error"]], 402)
        return self._redirect_after(session_id, done, action, request)

    def _enter(self, request: Request, form: dict[str, str]) -> Response:
        """A promotion code, a country or a currency: show the page again with the new total."""
        try:
            self._simulator.enter(request.path_params["id"], terms_of(form))
        except Refused as refused:
            return self._refused(request, form, refused)
        return RedirectResponse(request.url.path, 303, POLICY)

    def _refused(self, request: Request, form: dict[str, str], refused: Refused) -> Response:
        if refused.status != 422:  # paid or expired in another tab: show the current state
            return RedirectResponse(request.url.path, 303, POLICY)
        return self._page(request, form, [_error(refused)], 422)

    def _what_is_missing(self, session_id: str, action: str, form: dict[str, str]) -> list[Json]:
        """What the buyer has to fill in before an open session can be paid."""
        session = self._session(session_id)
        if session is None or session["status"] != "open" or action not in PAYMENTS:
            return []
        wrong = CardForm.from_form(form).errors(self._simulator.now()) if action == "card" else []
        is_located = session["automatic_tax"]["status"] == "complete" or self._simulator.country(session_id)
        return wrong + ([COUNTRY_MISSING] if totals.asks_for_country(session) and not is_located else [])

    def _redirect_after(self, session_id: str, done: Json, action: str, request: Request) -> Response:
        if done["status"] != "complete" or action.startswith("settle"):
            return RedirectResponse(request.url.path, 303, POLICY)
        return RedirectResponse(after_payment(self._simulator.session(session_id)), 303, POLICY)

    def _session(self, session_id: str) -> Json | None:
        try:
            return self._simulator.session(session_id)
        except Refused:
            return None

    def _page(self, request: Request, form: dict[str, str], errors: Sequence[Json] = (), status: int = 200) -> Response:
        """form: as the buyer sent it; its values stand in the fields again."""
        accepted = request.headers.get("accept-language", "")
        session = self._session(request.path_params["id"])
        if session is None:
            return HTMLResponse(view.unknown(texts_for(None, accepted)), 404, POLICY)
        texts = texts_for(session["locale"], accepted)
        shown = [{**error, "message": error_text(texts, error)} for error in errors]
        of_terms = [error for error in shown if error.get("field") in totals.FIELDS]
        of_payment = [error for error in shown if error not in of_terms]
        content = self._content(session, texts, form, of_payment)
        terms = ""
        if is_to_be_paid(session):
            country = self._simulator.country(session["id"])
            terms = totals.form(session, texts, country, form if of_terms else {}, of_terms)
        return HTMLResponse(view.page(session, texts, content, terms), status, POLICY)

    def _content(self, session: Json, texts: dict[str, str], form: dict[str, str], errors: Sequence[Json]) -> str:
        if session["status"] == "expired":
            return view.ended(texts, "expired", session["cancel_url"])
        if session["status"] == "complete":
            return view.completed(session, texts, after_payment(session))
        if not is_to_be_paid(session):
            return view.challenge(session, texts)
        if session["amount_total"] == 0:
            return view.free(texts, errors)
        return view.form(session, texts, vars(CardForm.from_form(form)), errors, self._simulator.now())


def is_to_be_paid(session: Json) -> bool:
    """Whether the session is open, and no 3-D Secure challenge waits for the buyer."""
    intent = session["payment_intent"]
    return bool(session["status"] == "open" and (intent is None or intent["status"] != "requires_action"))


def after_payment(session: Json) -> str:
    url: str = session["success_url"]
    return url.replace("{CHECKOUT_SESSION_ID}", quote(session["id"]))
