"""The SDK calls that a function makes, and nothing else: `make bench-warm` compares each function with this handler."""

import json
import os
from functools import partial
from pathlib import Path
from typing import Any

import boto3
from stripe import RequestsClient, StripeClient

CALLS = json.loads(Path(__file__).with_name("calls.json").read_text())
SESSION, INTENT = "cs_test_bench", "pi_second"

aws = {service: boto3.client(service) for service in CALLS["aws"]}
stripe = StripeClient(
    "sk_test_bench", base_addresses={"api": os.environ["STRIPE_API_BASE"]}, http_client=RequestsClient()
)
sessions = stripe.v1.checkout.sessions
STRIPE: dict[str, Any] = {
    "POST /v1/checkout/sessions": sessions.create,
    f"GET /v1/checkout/sessions/{SESSION}": partial(sessions.retrieve, SESSION),
    f"POST /v1/checkout/sessions/{SESSION}/expire": partial(sessions.expire, SESSION),
    f"GET /v1/payment_intents/{INTENT}": partial(stripe.v1.payment_intents.retrieve, INTENT),
    "GET /v1/refunds": stripe.v1.refunds.list,
    "GET /v1/disputes": stripe.v1.disputes.list,
    "POST /v1/refunds": stripe.v1.refunds.create,
}


def handler(_event: object, _context: object) -> dict[str, int]:
    for service, calls in CALLS["aws"].items():
        for method, request in calls:
            getattr(aws[service], method)(**request)
    for call, params in CALLS["stripe"]:
        STRIPE[call](params, {"idempotency_key": "bench"})
    return {"statusCode": 200}
