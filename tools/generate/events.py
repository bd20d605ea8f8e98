"""`make events`: one event for each function and trigger, as AWS sends it, for `sam local invoke` and the tests.

In order they play one purchase, up to its refund and expiry. The Idempotency-Key of the checkout fixes the order's id,
so the later events can refer to it. Only the refund refers to another order, which must really be paid first. Tokens
and signatures use the values of .env.example and are worthless elsewhere. The time in the events is fixed, so they
never become too old.
"""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import stripe

from local import ROOT, settings
from tools.generate import published_events
from topup.api import hold_ids
from topup.domain import credits, idempotency, times

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
USER = "user-demo"
KEY = "events-create-checkout"
ORDER = idempotency.id_from_key(USER, KEY)
REFUND_KEY = "events-refund-payment"  # of an order that is really paid, because Stripe must know the payment
REFUND_ORDER = idempotency.id_from_key(USER, REFUND_KEY)
OPENED = f"hold:{times.to_text(NOW)}:{USER}"
HOLD_ID = idempotency.id_from_key(OPENED, "events-open-hold")
HOLD = hold_ids.of(USER, HOLD_ID)
HELD_FOR = timedelta(minutes=10)
SPEND = credits.transaction_id(USER, 3)  # after the two purchases
STACK = "123456789012/us-east-1/local"  # what `sam local` makes of STACK_NAME
FAR = 4_000_000_000  # the year 2096, in epoch seconds

# Its expiry is far from any clock: the local stack, whose time is the real one, would expire the credits at once.
GRANT = {
    "user_id": USER,
    "credits": 50,
    "expires_at": "2099-01-01T00:00:00Z",
    "reason": "Sign-up bonus",
    "campaign": "welcome",
}


def events() -> dict[str, dict[str, Any]]:
    """The events by file name, without .json."""
    secrets = settings.parse(ROOT / ".env.example")
    user = {"authorization": f"Bearer {_token(secrets, USER)}"}
    buyer = user | {"x-api-key": secrets["PROXY_API_KEY"], "idempotency-key": KEY}
    paid = json.dumps(_paid_event(), indent=2)
    signed = {"stripe-signature": signature(paid, secrets["STRIPE_WEBHOOK_SECRET"])}
    service = {"x-api-key": secrets["PROXY_API_KEY"], "idempotency-key": "events-spend-credits"}
    spend = json.dumps({"user_id": USER, "amount": 100, "description": "Translation of three pages"})
    create = json.dumps({"package": "standard", "return_url": "http://localhost:3000/"})
    return {
        "list_packages": _event("GET /api/payments/packages", {}),
        "create_checkout": _event("POST /api/payments/stripe/create", buyer, body=create),
        "stripe_webhook": _event("POST /api/payments/webhook/stripe", signed, body=paid),
        "stripe_webhook_url": _event("$default", signed, path="/", body=paid, encoded=True),
        "get_payment": _event(
            "GET /api/payments/{payment_id}", user, path=f"/api/payments/{ORDER}", parameters={"payment_id": ORDER}
        ),
        "cancel_checkout": _event(  # too late: it has been paid
            "POST /api/payments/{payment_id}/cancel",
            user,
            path=f"/api/payments/{ORDER}/cancel",
            parameters={"payment_id": ORDER},
        ),
        "list_payments": _event("GET /api/payments", user, query={"limit": "20"}),
        "get_credits": _event("GET /api/users/credits", user),
        "spend_credits": _event("POST /api/users/credits/spend", service, body=spend),
        **_of_services(secrets["PROXY_API_KEY"]),
        **_of_administrators(secrets),
        "list_transactions": _event("GET /api/users/credits/transactions", user, query={"limit": "20"}),
        **_of_nobody(),
    }


def _of_administrators(secrets: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """What they give and correct, and a refund, with what it would take."""
    admin = {"authorization": f"Bearer {_token(secrets, 'admin-demo', role='admin')}"}
    grant = json.dumps(GRANT)
    adjust = json.dumps({"user_id": USER, "amount": -5, "reason": "Counted twice"})
    refund = json.dumps({"payment_id": REFUND_ORDER, "reason": "Customer request", "amount": 25})
    release = json.dumps({"action": "refund", "reason": "The price at Stripe was not ours"})
    quote = json.dumps({"payment_id": REFUND_ORDER, "amount": 25})
    return {
        "grant_credits": _event(
            "POST /api/admin/credits/grant", admin | {"idempotency-key": "events-grant-credits"}, body=grant
        ),
        "adjust_credits": _event(
            "POST /api/admin/credits/adjust", admin | {"idempotency-key": "events-adjust-credits"}, body=adjust
        ),
        "find_payments": _event("GET /api/admin/payments", admin, query={"payment_id": ORDER}),
        "quote_refund": _event("POST /api/payments/stripe/refund/quote", admin, body=quote),
        "release_payment": _event(  # refused: its payment is as it was ordered
            "POST /api/admin/payments/{payment_id}/release",
            admin,
            path=f"/api/admin/payments/{ORDER}/release",
            parameters={"payment_id": ORDER},
            body=release,
        ),
        "refund_payment": _event("POST /api/payments/stripe/refund", admin, body=refund),
    }


def _of_nobody() -> dict[str, dict[str, Any]]:
    """What needs no caller: the console's page, an address without a route, and what runs in the background."""
    return {
        "console": _event("GET /console/{file}", {}, path="/console/config.json", parameters={"file": "config.json"}),
        "no_route": _event("$default", {}, method="OPTIONS", path="/api/payments"),
        "expire_credits": {"Records": [_holds_timer(), _lots_timer()]},
        "publish_events": {"Records": published_events.stream_records(USER, 3, ORDER)},
        "daily_report": {},
        "reconcile": {"window_hours": 72},  # as by hand: the schedule names its time
    }


def _of_services(api_key: str) -> dict[str, dict[str, Any]]:
    """A batch, a spend that is given back, and a hold from its opening to its release."""
    service = {"x-api-key": api_key}
    batch = {"key": "events-spend-batch", "amount": 3, "description": "Translation of a line"}
    hold = {"user_id": USER, "amount": 200, "description": "A call of a language model"}
    hold["ttl_seconds"] = int(HELD_FOR.total_seconds())
    reversal = {"user_id": USER, "transaction_id": SPEND, "amount": None, "reason": "The job failed"}
    bodies = {"capture": '{"amount": 120, "final": false}', "extend": '{"ttl_seconds": 900}', "release": ""}
    return {
        "spend_batch": _event(
            "POST /api/users/credits/spend/batch", service, body=json.dumps({"user_id": USER, "items": [batch]})
        ),
        "reverse_spend": _event(
            "POST /api/users/credits/spend/reverse",
            service | {"idempotency-key": "events-reverse-spend"},
            body=json.dumps(reversal),
        ),
        "open_hold": _event(
            "POST /api/users/credits/holds", service | {"idempotency-key": "events-open-hold"}, body=json.dumps(hold)
        ),
        "list_holds": _event(
            "GET /api/users/{user_id}/holds", service, path=f"/api/users/{USER}/holds", parameters={"user_id": USER}
        ),
        **{
            f"{action}_hold": _event(
                f"POST /api/users/credits/holds/{{hold_id}}/{action}",
                service | {"idempotency-key": f"events-{action}-hold"},
                path=f"/api/users/credits/holds/{HOLD}/{action}",
                parameters={"hold_id": HOLD},
                body=body,
            )
            for action, body in bodies.items()
        },
    }


def _token(secrets: Mapping[str, str], user_id: str, **claims: str) -> str:
    return jwt.encode({"sub": user_id, "exp": FAR, **claims}, secrets["JWT_SECRET"], "HS256")


def _lots_timer() -> dict[str, Any]:
    expires_at = times.months_later(NOW, 6)
    record = f"LOT#{times.to_text(expires_at)}#{ORDER}"
    return _timer_deletion(ORDER, {"lot_record": {"S": record}}, expires_at, number=2)


def _holds_timer() -> dict[str, Any]:
    """Of the hold as it was opened: it ends by itself, unless it has been extended or has ended before."""
    ends_at = NOW + HELD_FOR
    record = f"OPENHOLD#{times.to_text(ends_at)}#{HOLD_ID}"
    return _timer_deletion(HOLD_ID, {"hold_record": {"S": record}}, ends_at, number=1)


def _timer_deletion(of: str, names: Mapping[str, Any], due_at: datetime, *, number: int) -> dict[str, Any]:
    """The stream record of a deletion by TTL (DynamoDB documentation, "DynamoDB Streams and Time to Live").

    `of` is the id of the lot or hold that is due at `due_at`, and `names` how the timer says where it is stored. It is
    the `number`th record of the batch.
    """
    keys = {"user_id": {"S": USER}, "record": {"S": f"EXPIRY#{of}"}}
    timer = {**names, "ttl": {"N": f"{due_at.timestamp():.0f}"}}
    return {
        "eventID": f"{number:032x}",
        "eventName": "REMOVE",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": int(due_at.timestamp()) + 600,
            "Keys": keys,
            "OldImage": keys | timer,
            "SequenceNumber": str(4421584500000000017450439090 + number),  # of one record: failures are reported by it
            "SizeBytes": 220,
            "StreamViewType": "OLD_IMAGE",
        },
        "userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"},
        "eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/credits/stream/2026-03-01T00:00:00.000",
    }


def _event(
    route_key: str,
    headers: Mapping[str, str],
    *,
    method: str = "POST",
    path: str | None = None,
    parameters: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    body: str = "",
    encoded: bool = False,
) -> dict[str, Any]:
    """Payload format 2.0 (API Gateway documentation, "Lambda proxy integrations for HTTP APIs").

    The method is that of the route; `method` is for $default.
    """
    method = route_key.partition(" ")[0] if " " in route_key else method
    raw_path = path or route_key.partition(" ")[2]
    sent = {"accept": "*/*", "host": "api.example.com", **headers}
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": raw_path,
        "rawQueryString": "&".join(f"{name}={value}" for name, value in (query or {}).items()),
        "headers": sent | ({"content-type": "application/json"} if body else {}),
        "requestContext": _context(route_key, method, raw_path),
        "isBase64Encoded": encoded,
    }
    optional = {
        "queryStringParameters": query,
        "pathParameters": parameters,
        "body": base64.b64encode(body.encode()).decode() if encoded else body,
    }
    return event | {name: value for name, value in optional.items() if value}


def _context(route_key: str, method: str, path: str) -> dict[str, Any]:
    return {
        "accountId": "123456789012",
        "apiId": "api-id",
        "domainName": "api.example.com",
        "domainPrefix": "api",
        "http": {
            "method": method,
            "path": path,
            "protocol": "HTTP/1.1",
            "sourceIp": "192.0.2.1",
            "userAgent": "events",
        },
        "requestId": "JKJaXmPLvHcESHA=",
        "routeKey": route_key,
        "stage": "$default",
        "time": NOW.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(NOW.timestamp() * 1000),  # milliseconds
    }


def _paid_event() -> dict[str, Any]:
    """Stripe API: event payment_intent.succeeded. Of the two events of a payment it is the one without a session."""
    return {
        "id": "evt_3Example",
        "object": "event",
        "api_version": stripe.api_version,
        "created": int(NOW.timestamp()),
        "type": "payment_intent.succeeded",
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "data": {
            "object": {
                "id": "pi_3Example",
                "object": "payment_intent",
                "amount": 10000,
                "amount_received": 10000,
                "currency": "cny",
                "livemode": False,
                "metadata": {"order_id": ORDER, "user_id": USER, "topup_stack": STACK},
                "status": "succeeded",
            }
        },
    }


def signature(body: str, secret: str) -> str:
    """The header with which Stripe sends this body, at the time of the events."""
    return str(stripe.WebhookSignature.generate_signature_header(body, secret, int(NOW.timestamp())))


def main() -> None:
    for name, event in events().items():
        path = ROOT / "events" / f"{name}.json"
        path.write_text(json.dumps(event, indent=2) + "\n")
        print(path.relative_to(ROOT))
    published_events.main()


if __name__ == "__main__":
    main()
