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
from local.stripe_simulator.objects.base import Json
from local.stripe_simulator.page import view
from local.stripe_simulator.page.texts import error_text, texts_for
from local.stripe_simulator.simulator import Simulator

# The page loads nothing from elsewhere, and no other page may frame it.
POLICY = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "same-origin",  # with no-referrer, browsers hide the Origin of the page's own forms
}


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


class PayPage:
    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._actions: dict[str, Action] = {
            "card": lambda session_id, card: simulator.pay(session_id, card=card.number),
            "alipay": lambda session_id, _: simulator.pay(session_id, method="alipay"),
            "wechat_pay": lambda session_id, _: simulator.pay(session_id, method="wechat_pay"),
            "three_d_secure_complete": lambda session_id, _: simulator.authenticate(session_id, completed=True),
            "three_d_secure_fail": lambda session_id, _: simulator.authenticate(session_id, completed=False),
            "settle_succeed": lambda session_id, _: simulator.settle(session_id, "succeeded"),
            "settle_fail": lambda session_id, _: simulator.settle(session_id, "failed"),
        }

    async def show(self, request: Request) -> Response:
        return self._page(request, CardForm(request.query_params.get("card", "")[:40]))

    async def act(self, request: Request) -> Response:
        """Run the action of the button. Then redirect to the shop if that was a payment, else show the page again."""
        form = dict(parse_qsl((await request.body()).decode(errors="replace")))
        session_id = request.path_params["id"]
        card = CardForm.from_form(form)
        action = self._actions.get(form.get("action", ""))
        if action is None:
            return self._page(request, card)
        if form["action"] == "card" and (wrong := card.errors(self._simulator.now())) and self._is_open(session_id):
            return self._page(request, card, wrong, 422)
        try:
            done = action(session_id, card)
        except Refused as refused:
            if refused.status != 422:  # paid or expired in another tab: show the current state
                return RedirectResponse(request.url.path, 303, POLICY)
            return self._page(request, card, [_error(refused)], 422)
        if done["outcome"] == "declined" and done["status"] == "open":
            return self._page(request, card, [done["error"]], 402)
        return self._redirect_after(session_id, done, form.get("action", ""), request)

    def _redirect_after(self, session_id: str, done: Json, action: str, request: Request) -> Response:
        if done["status"] != "complete" or action.startswith("settle"):
            return RedirectResponse(request.url.path, 303, POLICY)
        return RedirectResponse(after_payment(self._simulator.session(session_id)), 303, POLICY)

    def _is_open(self, session_id: str) -> bool:
        try:
            return bool(self._simulator.session(session_id)["status"] == "open")
        except Refused:
            return False

    def _page(self, request: Request, card: CardForm, errors: Sequence[Json] = (), status: int = 200) -> Response:
        accepted = request.headers.get("accept-language", "")
        try:
            session = self._simulator.session(request.path_params["id"])
        except Refused:
            return HTMLResponse(view.unknown(texts_for(None, accepted)), 404, POLICY)
        texts = texts_for(session["locale"], accepted)
        shown = [{**error, "message": error_text(texts, error)} for error in errors]
        content = self._content(session, texts, card, shown)
        return HTMLResponse(view.page(session, texts, content), status, POLICY)

    def _content(self, session: Json, texts: dict[str, str], card: CardForm, errors: Sequence[Json]) -> str:
        intent = session["payment_intent"]
        if session["status"] == "expired":
            return view.ended(texts, "expired", session["cancel_url"])
        if session["status"] == "complete":
            return view.completed(session, texts, after_payment(session))
        if intent and intent["status"] == "requires_action":
            return view.challenge(session, texts)
        return view.form(session, texts, vars(card), errors, self._simulator.now())


def after_payment(session: Json) -> str:
    url: str = session["success_url"]
    return url.replace("{CHECKOUT_SESSION_ID}", quote(session["id"]))
