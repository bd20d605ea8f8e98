"""The SDK calls that a function makes, and nothing else: `make bench-warm` compares each function with this handler."""

import json
import os
from pathlib import Path
from typing import Any

import boto3
from stripe import RequestsClient, StripeClient

CALLS = json.loads(Path(__file__).with_name("calls.json").read_text())

dynamodb = boto3.client("dynamodb")
stripe = StripeClient(
    "sk_test_bench", base_addresses={"api": os.environ["STRIPE_API_BASE"]}, http_client=RequestsClient()
)
STRIPE: dict[str, Any] = {
    "/v1/checkout/sessions": stripe.v1.checkout.sessions.create,
    "/v1/refunds": stripe.v1.refunds.create,
}


def handler(_event: object, _context: object) -> dict[str, int]:
    for method, request in CALLS["dynamodb"]:
        getattr(dynamodb, method)(**request)
    for path, params in CALLS["stripe"]:
        STRIPE[path](params, {"idempotency_key": "bench"})
    return {"statusCode": 200}
