"""The document's examples: what the real handlers answer, in a shop in this process; the same in every run."""

import base64
import contextlib
import json
import random
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from unittest import mock

from local.aws.routing import find_route
from local.in_process.api import Api, ApiResponse, as_admin, as_buyer, as_user, template
from local.in_process.dynamodb import Emulator, refused
from local.in_process.environment import API_KEY, USER_ID
from local.in_process.shop import Shop
from tools.generate.openapi.services import OF_ANY_USER
from tools.generate.shop import opened

CREATE, REFUND, SPEND = "/api/payments/stripe/create", "/api/payments/stripe/refund", "/api/users/credits/spend"
HOLDS = "/api/users/credits/holds"
GRANT, ADJUST = "/api/admin/credits/grant", "/api/admin/credits/adjust"
PAYMENTS, TRANSACTIONS, CREDITS = "/api/payments", "/api/users/credits/transactions", "/api/users/credits"
WORK = {"user_id": USER_ID, "amount": 25, "description": "Translation of three pages"}
BONUS = {"user_id": USER_ID, "credits": 50, "reason": "Sign-up bonus", "campaign": "welcome"}


@dataclass
class Examples:
    """The first of each kind: request bodies by operation, answers by operation and status, problems by code."""

    requests: dict[str, Any] = field(default_factory=dict)
    responses: dict[tuple[str, int], Any] = field(default_factory=dict)
    problems: dict[str, Any] = field(default_factory=dict)

    def keep(self, operation: str, content: bytes, response: ApiResponse) -> None:
        if not response.body:
            return
        if response.status >= 400:
            self.problems.setdefault(response.json()["code"], response.json())
            return
        self.responses.setdefault((operation, response.status), response.json())
        if content and operation != "stripe_webhook":  # an event of Stripe's is long, and nobody else sends one
            self.requests.setdefault(operation, json.loads(content))


@dataclass
class Recorder(Api):
    """Keeps the first answer of each kind."""

    examples: Examples = field(default_factory=Examples)

    def request(
        self, method: str, target: str, headers: Mapping[str, str] | None = None, content: bytes = b""
    ) -> ApiResponse:
        response = super().request(method, target, headers, content)
        match = find_route(template().routes, method, target.partition("?")[0])
        assert match
        known = OF_ANY_USER.get(match.route.path)
        self.examples.keep(known.name if known else match.route.function.name, content, response)
        return response


@cache
def recorded() -> Examples:
    """One purchase with what may follow it, and the refusals that a caller can meet."""
    examples = Examples()
    with (
        _same_every_time(),
        opened(Emulator(), lambda now, emulator: Recorder(now, emulator, examples=examples)) as (
            shop,
            _,
        ),
    ):
        payment_id = _purchase(shop)
        _refusals(shop, payment_id)
        _releases(shop)
    return examples


@contextlib.contextmanager
def _same_every_time() -> Iterator[None]:
    """Ids that are random elsewhere."""
    chance = random.Random(1)  # noqa: S311 - it has to be predictable

    def an_id() -> uuid.UUID:
        return uuid.UUID(int=chance.getrandbits(128), version=4)

    def a_token(size: int) -> str:
        return base64.urlsafe_b64encode(chance.randbytes(size)).decode().rstrip("=")

    with mock.patch("uuid.uuid4", an_id), mock.patch("secrets.token_urlsafe", a_token):
        yield


def _purchase(shop: Shop) -> str:
    """A package is bought, spent from, and refunded in part; the id of the payment."""
    api = shop.api
    api.get(f"{PAYMENTS}/packages?lang=en")
    body = {"package": "standard", "return_url": "https://shop.example/payment/callback", "locale": "en"}
    payment = api.post(CREATE, body, as_buyer() | _key("order-1001")).json()
    shop.pay(payment)
    shop.deliver()
    shop.wait(minutes=20)
    api.post(SPEND, WORK, {"x-api-key": API_KEY} | _key("job-7"))
    refund = {"payment_id": payment["payment_id"], "amount": 25, "reason": "Customer request"}
    quote = {"payment_id": payment["payment_id"], "amount": 25}
    api.get(f"/api/admin/payments?payment_id={payment['payment_id']}", as_admin())
    token = api.post(f"{REFUND}/quote", quote, as_admin()).json()["quote_token"]
    api.post(REFUND, refund | {"quote_token": token}, as_admin() | _key("ticket-12"))
    api.post(REFUND, quote | {"quote_token": token}, as_admin())
    shop.deliver()
    _services(shop)
    api.post(GRANT, BONUS, as_admin() | _key("welcome-1"))
    api.post(ADJUST, {"user_id": USER_ID, "amount": -5, "reason": "Counted twice"}, as_admin() | _key("ticket-13"))
    api.get(f"{PAYMENTS}/{payment['payment_id']}", as_user())
    shop.wait(minutes=1)
    discarded = shop.create()
    for _ in range(2):
        api.post(f"{PAYMENTS}/{discarded['payment_id']}/cancel", headers=as_user())
    slow = shop.create()
    shop.pay(slow, method="alipay")
    shop.deliver()
    api.post(f"{PAYMENTS}/{slow['payment_id']}/cancel", headers=as_user())
    shop.wait(minutes=1)
    shop.create()
    for path in (f"{PAYMENTS}?limit=1", f"{TRANSACTIONS}?limit=4", CREDITS):
        api.get(path, as_user())
    return str(payment["payment_id"])


def _releases(shop: Shop) -> None:
    """Two payments of half of what their orders cost are decided over."""
    for action in ("refund", "fulfil"):
        payment = shop.create(user="user-3")
        shop.dynamodb.client.update_item(
            TableName=shop.dynamodb.orders_table,
            Key={"payment_id": {"S": payment["payment_id"]}, "record": {"S": "ORDER"}},
            UpdateExpression="SET amount_minor = :dearer",
            ExpressionAttributeValues={":dearer": {"N": "20000"}},
        )
        shop.pay(payment)
        shop.deliver()
        decision = {"action": action, "reason": "The price was changed at that minute"}
        shop.fault("/v1/refunds", "timeout_before", times=9 if action == "refund" else 0)
        shop.api.post(f"/api/admin/payments/{payment['payment_id']}/release", decision, as_admin())
        shop.simulator.set_faults([])
    shop.api.post(f"/api/admin/payments/{payment['payment_id']}/release", decision | {"action": "refund"}, as_admin())


def _services(shop: Shop) -> None:
    """What a service does beside a plain spend: a batch, a spend that is reversed, a hold, and what it reads."""
    service, api = {"x-api-key": API_KEY}, shop.api
    spends = [{"key": f"job-9/{page}", "amount": 3, "description": f"Page {page}"} for page in (1, 2)]
    batch = api.post(f"{SPEND}/batch", {"user_id": USER_ID, "items": spends}, service).json()
    failed = {"user_id": USER_ID, "transaction_id": batch["items"][0]["transaction_id"], "reason": "The page was empty"}
    api.post(f"{SPEND}/reverse", failed, service | _key("job-9/1/failed"))
    call = {"user_id": USER_ID, "amount": 200, "ttl_seconds": 600, "description": "A call of a language model"}
    hold = api.post(HOLDS, call, service | _key("call-1")).json()
    of_hold = f"{HOLDS}/{hold['hold_id']}"
    api.get(f"/api/users/{USER_ID}/holds", service)
    api.post(f"{of_hold}/extend", {"ttl_seconds": 900, "add": 50}, service | _key("call-1/more"))
    api.post(f"{of_hold}/capture", {"amount": 42, "final": False}, service | _key("call-1/first"))
    api.post(f"{of_hold}/release", headers=service)
    api.post(f"{of_hold}/capture", {"amount": 1}, service | _key("call-1/late"))
    api.post(f"{HOLDS}/unknown/release", headers=service)
    api.post(f"{SPEND}/reverse", failed | {"amount": 4}, service | _key("job-9/1/again"))
    api.post(f"{SPEND}/reverse", failed | {"transaction_id": "unknown"}, service | _key("job-9/2"))
    for path in ("payments", "credits/transactions"):
        api.get(f"/api/users/{USER_ID}/{path}?limit=1", service)
    api.get(f"/api/users/{USER_ID}/credits", service)
    api.post(GRANT, BONUS | {"user_id": "user-2", "campaign": None}, as_admin() | _key("goodwill-1"))
    for number in range(51):
        api.post(HOLDS, {"user_id": "user-2", "amount": 1, "description": "A call"}, service | _key(f"many-{number}"))


def _refusals(shop: Shop, payment_id: str) -> None:
    api, admin, service = shop.api, as_admin(), {"x-api-key": API_KEY}
    api.get("/api/payment/packages")
    api.post(f"{PAYMENTS}/packages", {})
    api.get(CREDITS)
    api.get(f"{PAYMENTS}/00000000-0000-4000-8000-000000000000", as_user())
    api.post(REFUND, {"payment_id": payment_id}, as_user())
    api.post(REFUND, {"payment_id": payment_id, "amount": 100}, admin)
    api.post(CREATE, {"package": "gold", "price": 1}, as_buyer())
    api.post(CREATE, {"package": "trial"}, as_buyer() | _key("order-1001"))
    api.post(CREATE, raw=b'{"package": "trial"', headers=as_buyer())
    api.post(CREATE, raw=b"package=trial", headers=as_buyer() | {"content-type": "text/plain"})
    api.post(CREATE, raw=b" " * 600_000, headers=as_buyer())
    api.post(SPEND, WORK | {"amount": 5_000}, service | _key("job-8"))
    api.post(GRANT, BONUS, admin | _key("welcome-2"))
    api.post("/api/payments/webhook/stripe", {})
    api.post(SPEND, WORK | {"amount": 800}, service | _key("job-9"))
    api.post(REFUND, {"payment_id": payment_id}, admin)
    shop.fault("/v1/checkout/sessions", "500", times=3)
    api.post(CREATE, {"package": "trial"}, as_buyer())
    shop.simulator.set_faults([])
    for fault in (refused("ThrottlingException"), refused("AccessDeniedException")):
        shop.dynamodb.fail("Query", fault)
        shop.dynamodb.fail("Query", fault)
        api.get(CREDITS, as_user())
    shop.dynamodb.clear_faults()
    shop.fault("/v1/refunds", "timeout_before", times=9)
    api.post(REFUND, {"payment_id": payment_id, "amount": 1, "force": True}, admin | _key("ticket-14"))


def _key(key: str) -> dict[str, str]:
    return {"idempotency-key": key}
