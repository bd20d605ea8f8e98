"""A small AI service that charges credits: hold the most that an answer can cost, stream it, capture its cost."""

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

MOST = 50  # credits that an answer may cost, one for each word
TRIES = 4
TEMPORARY = (429, 500, 502, 503, 504)
pause = time.sleep


class Unavailable(Exception):
    """Topup does not answer; nothing is known of the request."""


@dataclass(frozen=True)
class Topup:
    """Topup's API, as a trusted service calls it."""

    url: str
    key: str
    http: httpx.Client

    def post(self, path: str, key: str, **body: Any) -> httpx.Response:
        """Sent again with the same Idempotency-Key until it is answered, so that it acts once. Raises Unavailable."""
        headers = {"x-api-key": self.key, "idempotency-key": key}
        for _ in range(TRIES):
            try:
                response = self.http.post(f"{self.url}/api/users/credits/{path}", headers=headers, json=body)
            except httpx.TransportError:
                continue
            if response.status_code not in TEMPORARY:
                return response
            pause(int(response.headers.get("retry-after", 1)))
        raise Unavailable


def model(question: str) -> Iterator[str]:
    """A language model, as far as this example needs one: it repeats the question, word by word."""
    yield from question.split()


def create_app(topup: Topup) -> Starlette:
    def ask(request: Request) -> Response:
        user, question = request.query_params["user"], request.query_params["question"]
        call = str(uuid.uuid4())
        try:
            opened = topup.post("holds", f"{call}-hold", user_id=user, amount=MOST, description="An answer")
        except Unavailable:
            return JSONResponse({"error": "Please try again later"}, 503)
        if opened.status_code == httpx.codes.CONFLICT:  # insufficient_credits
            return JSONResponse({"missing": MOST - opened.json()["available"]}, 402)
        hold = opened.raise_for_status().json()["hold_id"]
        return StreamingResponse(answer(call, hold, question), media_type="text/plain")

    def answer(call: str, hold: str, question: str) -> Iterator[str]:
        words = 0
        try:
            for word in model(question):
                words += 1
                yield f"{word} "
        finally:  # also when the reader has gone: what was written is paid for, and the rest is free again
            if words:
                topup.post(f"holds/{hold}/capture", f"{call}-capture", amount=words).raise_for_status()
            else:
                topup.post(f"holds/{hold}/release", f"{call}-release").raise_for_status()

    return Starlette(routes=[Route("/ask", ask, methods=["POST"])])
