"""The pages of a charge's `receipt_url` and of an invoice's `hosted_invoice_url`."""

from datetime import UTC, datetime
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from local.stripe_simulator.core.errors import Refused
from local.stripe_simulator.objects.base import Json
from local.stripe_simulator.page import view
from local.stripe_simulator.page.parts import POLICY, Texts, money
from local.stripe_simulator.page.texts import texts_for
from local.stripe_simulator.simulator import Simulator


def routes(simulator: Simulator) -> list[Route]:
    def endpoint(kind: str) -> Route:
        async def show(request: Request) -> Response:
            return page_of(simulator, kind, request)

        return Route(f"/{PATHS[kind]}/{{id}}", show, methods=["GET"])

    return [endpoint(kind) for kind in PATHS]


PATHS = {"charge": "receipts", "invoice": "invoices"}


def page_of(simulator: Simulator, kind: str, request: Request) -> Response:
    accepted = request.headers.get("accept-language", "")
    try:
        document, session = simulator.document(kind, request.path_params["id"])
    except Refused:
        return HTMLResponse(view.unknown(texts_for(None, accepted)), 404, POLICY)
    texts = texts_for(session["locale"], accepted)
    content = receipt(document, texts) if kind == "charge" else invoice(document, texts)
    return HTMLResponse(view.page(session, texts, content), 200, POLICY)


def receipt(charge: Json, texts: Texts) -> str:
    figures = [(texts["amount_paid"], money(charge["amount_captured"], charge["currency"], texts))]
    if charge["amount_refunded"]:
        figures.append((texts["amount_refunded"], money(charge["amount_refunded"], charge["currency"], texts)))
    return rendered(texts["receipt"], charge["id"], charge["created"], figures, texts)


def invoice(document: Json, texts: Texts) -> str:
    figures = [(texts["amount_paid"], money(document["amount_paid"], document["currency"], texts))]
    return rendered(texts["invoice"], document["number"], document["created"], figures, texts)


def rendered(title: str, number: str, created: int, figures: list[tuple[str, str]], texts: Texts) -> str:
    """figures: names and amounts as HTML."""
    date = datetime.fromtimestamp(created, UTC).date().isoformat()
    rows = [(texts["number"], escape(number)), (texts["date"], date), *figures]
    terms = "".join(f"<div><dt>{escape(name)}</dt><dd>{value}</dd></div>" for name, value in rows)
    return (
        f'<h1 id="state">{escape(title)}</h1><dl class="document">{terms}</dl>'
        f'<p class="hint">{escape(texts["not_a_document"])}</p>'
    )
