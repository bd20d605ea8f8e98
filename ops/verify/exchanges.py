"""Record what Stripe is asked and what it answers, without a secret in it."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import stripe

# What is never kept: keys, secrets of endpoints and of clients, numbers of cards.
SECRETS = re.compile(
    r"(?:sk|rk)_(?:test|live)_\w+|whsec_\w+|\b\w+_secret_\w+|(?<![0-9A-Za-z_])(?:[0-9][ -]?){12,18}[0-9](?![0-9A-Za-z])"
)
CARD_FIELDS = re.compile(r"\b(?:number|cvc)\b")
MASK = "(masked)"
# The request's headers that decide about the answer. The key is no secret: it is made of the payment's id.
KEPT_HEADERS = ("stripe-version", "idempotency-key")


@dataclass(frozen=True)
class Exchange:
    """A request to Stripe and the answer.

    `step` is what was being verified. `form` is the query or the body, percent-encoded. `at` is the stack's time.
    """

    step: str
    method: str
    path: str
    form: str
    status: int
    answer: Any  # the body: JSON, or text where it is none
    at: datetime
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def request(self) -> tuple[str, str, str, str]:
        """What makes two requests the same one."""
        return self.step, self.method, self.path, self.form


class Recorder(stripe.HTTPClient):
    """Carries requests to Stripe, and keeps each with its answer; `step` is what is being verified."""

    name = "recorder"

    def __init__(self, carrier: stripe.HTTPClient, now: Callable[[], datetime]) -> None:
        super().__init__()
        self._carrier = carrier
        self._now = now
        self.step = ""
        self.exchanges: list[Exchange] = []

    def request(  # type: ignore[override]  # the library never gives _usage
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[Any, int, Mapping[str, str]]:
        body, status, answer_headers = self._carrier.request(method, url, headers, post_data)
        self._keep(self._exchange(method, url, headers or {}, post_data, status, body))
        return body, status, answer_headers

    def close(self) -> None:
        self._carrier.close()  # type: ignore[no-untyped-call]

    def _exchange(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any, status: int, body: Any
    ) -> Exchange:
        parts = urlsplit(url)
        form = parts.query or (post_data.decode() if isinstance(post_data, bytes) else post_data or "")
        return Exchange(
            step=self.step,
            method=method.upper(),
            path=parts.path,
            form=masked_form(form),
            status=status,
            answer=masked(json_or_text(body)),
            at=self._now(),
            headers={name.lower(): value for name, value in headers.items() if name.lower() in KEPT_HEADERS},
        )

    def _keep(self, exchange: Exchange) -> None:
        """Of a question that is repeated until something has happened, the last answer is kept."""
        is_repeated = exchange.method == "GET" and self.exchanges and self.exchanges[-1].request == exchange.request
        if is_repeated:
            self.exchanges.pop()
        self.exchanges.append(exchange)


def json_or_text(body: str | bytes) -> Any:
    """A proxy's answer may be a page."""
    try:
        return json.loads(body)
    except ValueError:
        return body if isinstance(body, str) else body.decode(errors="replace")


def masked(value: Any) -> Any:
    """The same JSON without secrets."""
    if isinstance(value, dict):
        return {name: masked(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [masked(inner) for inner in value]
    return SECRETS.sub(MASK, value) if isinstance(value, str) else value


def masked_form(form: str) -> str:
    pairs = parse_qsl(form, keep_blank_values=True)
    return urlencode([(name, MASK if CARD_FIELDS.search(name) else masked(value)) for name, value in pairs])
