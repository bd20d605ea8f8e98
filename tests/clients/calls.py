"""Every kind of answer, through the code that openapi-python-client has made: prints the status and the gist of each.

Runs in the environment of the client, clients/python; nothing here may import Topup.
"""

import json
import os
import sys
from typing import Any

import httpx

from topup_client.generated import AuthenticatedClient
from topup_client.generated.api.administration import refund_payment
from topup_client.generated.api.credits_ import get_credits, list_transactions, spend_credits
from topup_client.generated.api.packages import list_packages
from topup_client.generated.api.payments import create_checkout, get_payment, list_payments
from topup_client.generated.models import CheckoutBody, GatewayError, RefundBody, SpendBody

URL, PAYMENT_ID, USER_ID = os.environ["API_URL"], os.environ["PAYMENT_ID"], os.environ["USER_ID"]
MOST_OF_THE_GATEWAY = 10 * 1024 * 1024  # bytes


def client(token: str = "USER_TOKEN", **more: Any) -> AuthenticatedClient:
    return AuthenticatedClient(base_url=URL, token=os.environ.get(token, token), **more)


def gist(response: Any, value: Any = None) -> list[Any]:
    """The status, and an error's code or what was asked for."""
    document = response.parsed
    if isinstance(document, GatewayError):
        return [response.status_code, "gateway"]
    return [response.status_code, getattr(document, "code", None) or value(document)]


def gateway(status: int) -> AuthenticatedClient:
    """A client whose requests end at the gateway."""
    answer = httpx.Response(status, json={"message": "as API Gateway says it"})
    return client(httpx_args={"transport": httpx.MockTransport(lambda _: answer)})


def main() -> None:
    user, admin = client(), client("ADMIN_TOKEN")
    buyer = client().with_headers({"X-API-Key": os.environ["API_KEY"]})
    service = client("API_KEY", prefix="", auth_header_name="X-API-Key")

    def spend(amount: int, key: str) -> Any:
        body = SpendBody(user_id=USER_ID, amount=amount, description="Translation")
        return spend_credits.sync_detailed(client=service, body=body, idempotency_key=key)

    def create(package: str) -> Any:
        return create_checkout.sync_detailed(client=buyer, body=CheckoutBody(package=package), idempotency_key="k")

    created = create("trial")
    repeated = create("trial")
    spent, refused = spend(25, "job-7"), spend(5_000, "job-8")
    refund = RefundBody(payment_id=PAYMENT_ID, amount=25, reason="Customer request")
    page = list_payments.sync_detailed(client=user, limit=1)
    results = {
        "packages": gist(list_packages.sync_detailed(client=user), lambda made: made.packages["standard"].credits_),
        "created": gist(created, lambda made: made.status),
        "repeated": [repeated.status_code, repeated.headers["idempotent-replayed"]],
        "pending": gist(get_payment.sync_detailed(created.parsed.payment_id, client=user), lambda made: made.status),
        "paid": gist(get_payment.sync_detailed(PAYMENT_ID, client=user), lambda made: made.status),
        "spent": gist(spent, lambda made: made.balance_after),
        "refunded": gist(
            refund_payment.sync_detailed(client=admin, body=refund, idempotency_key="t-1"),
            lambda made: made.credits_refunded,
        ),
        "credits": gist(get_credits.sync_detailed(client=user), lambda made: made.balance),
        "first page": gist(page, lambda made: len(made.payments)),
        "next page": gist(
            list_payments.sync_detailed(client=user, limit=1, cursor=page.parsed.next_cursor),
            lambda made: made.payments[0].status,
        ),
        "transactions": gist(
            list_transactions.sync_detailed(client=user), lambda made: [row.amount for row in made.transactions]
        ),
        "too few credits": [*gist(refused), refused.parsed.balance],
        "no such package": gist(create("gold")),
        "another request": gist(create("standard")),
        "no such payment": gist(get_payment.sync_detailed("00000000-0000-4000-8000-000000000000", client=user)),
        "no such address": gist(get_payment.sync_detailed("", client=user)),
        "no administrator": gist(refund_payment.sync_detailed(client=user, body=refund)),
        "no valid token": gist(get_credits.sync_detailed(client=client("x.y.z"))),
        "over 10 MB": gist(create("x" * MOST_OF_THE_GATEWAY)),
    }
    for status in (404, 413, 429, 431, 500, 503):
        results[f"gateway {status}"] = gist(
            create_checkout.sync_detailed(client=gateway(status), body=CheckoutBody("x"))
        )
    sys.stdout.write(json.dumps(results))


if __name__ == "__main__":
    main()
