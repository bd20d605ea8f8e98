"""A whole shop in process: the real handlers, DynamoDB emulated behind botocore, Stripe simulated behind its client.

Every step is a call. `deliver` delivers the webhooks that are due; `check` runs the audit.
"""

import random
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from local.client import session_of
from local.in_process.api import Api, ApiResponse, as_admin, as_buyer, as_user, load_handler
from local.in_process.dynamodb import Emulator
from local.in_process.environment import API_KEY, STRIPE_SECRET_KEY, USER_ID, WEBHOOK_SECRET
from local.stripe_simulator import Delivery, Fault, Simulator
from topup import store
from topup.domain import audit
from topup.store import credit_items

CARD = "4242424242424242"


class Shop:
    """One shop, at the time `now`; the buyer is USER_ID unless a call names another."""

    def __init__(self, api: Api, dynamodb: Emulator, seed: int = 1) -> None:
        self.api = api
        self.dynamodb = dynamodb
        self.simulator = Simulator(
            "http://stripe.test",
            now=lambda: self.api.now,
            rng=random.Random(seed),
            secret_key=STRIPE_SECRET_KEY,
            webhooks=[("http://127.0.0.1:1/", WEBHOOK_SECRET)],
        )
        self._in_flight: list[Delivery] = []

    @property
    def now(self) -> datetime:
        return self.api.now

    def wait(self, **duration: float) -> None:
        self.api.now += timedelta(**duration)

    # ------------------------------------------------------------------------------------------------- buying

    def create(self, package: str = "standard", user: str = USER_ID) -> dict[str, Any]:
        created = self.api.post("/api/payments/stripe/create", {"package": package}, as_buyer(user))
        payment: dict[str, Any] = created.json()
        return payment

    def pay(self, payment: dict[str, Any], **how: Any) -> str:
        """Pay, by card unless a method is given; the webhooks are not delivered yet. `how`: as for Simulator.pay.

        Returns the payment intent, "" where there was nothing to pay.
        """
        session_id = session_of(payment)
        way = how if "method" in how else {"card": CARD, **how}
        return str(self.simulator.pay(session_id, **way)["payment_intent"] or "")

    def cancel(self, payment: Mapping[str, Any], user: str = USER_ID) -> ApiResponse:
        """End a payment that its buyer no longer wants."""
        return self.api.post(f"/api/payments/{payment['payment_id']}/cancel", headers=as_user(user))

    def buy(self, package: str = "standard", user: str = USER_ID) -> tuple[str, str]:
        """Buy and deliver the webhooks. Returns the fulfilled payment's id and its payment intent."""
        payment = self.create(package, user)
        intent = self.pay(payment)
        self.deliver()
        return payment["payment_id"], intent

    def deliver(self, *kinds: str) -> list[int]:
        """Deliver the due webhooks (of these kinds, or all) until none is left; the statuses of the responses."""
        statuses = []
        while due := [delivery for delivery in self.due() if not kinds or delivery.event_type in kinds]:
            statuses += [self.deliver_one(delivery) for delivery in due]
        return statuses

    def due(self) -> list[Delivery]:
        """The webhooks that Stripe has sent and the handler has not received."""
        self._in_flight += self.simulator.due()
        return list(self._in_flight)

    def deliver_one(self, delivery: Delivery) -> int:
        """Deliver one webhook; the status of the response."""
        response = self.api.post("/api/payments/webhook/stripe", raw=delivery.body, headers=delivery.headers)
        self.simulator.delivered(delivery, response.status)
        self._in_flight.remove(delivery)
        return response.status

    def lose(self) -> int:
        """Lose the due webhooks, as if our endpoint were down; Stripe retries later. Returns their number."""
        lost, self._in_flight = self.due(), []
        for delivery in lost:
            self.simulator.delivered(delivery, None, "connection refused")
        return len(lost)

    # ----------------------------------------------------------------------- refunding, spending, granting, expiring

    def refund(self, payment_id: str, amount: float | None = None, key: str | None = None, **body: Any) -> ApiResponse:
        request = {"payment_id": payment_id, "reason": "Customer request", "amount": amount, **body}
        headers = as_admin() | ({"idempotency-key": key} if key else {})
        return self.api.post("/api/payments/stripe/refund", request, headers)

    def quote(self, payment_id: str, amount: float | None = None) -> ApiResponse:
        """Ask what a refund would do."""
        return self.api.post(
            "/api/payments/stripe/refund/quote", {"payment_id": payment_id, "amount": amount}, as_admin()
        )

    def release_payment(self, payment_id: str, action: str, reason: str = "looked at it", **body: str) -> ApiResponse:
        """End a quarantine as an administrator."""
        body |= {"action": action, "reason": reason}
        return self.api.post(f"/api/admin/payments/{payment_id}/release", body, as_admin())

    def find(self, **search: Any) -> ApiResponse:
        """Look for payments as an administrator."""
        return self.api.get(f"/api/admin/payments?{urlencode(search)}", as_admin())

    def spend(self, amount: Any, key: str | None = None, user: str = USER_ID, **body: Any) -> ApiResponse:
        request = {"user_id": user, "amount": amount, "description": "work", **body}
        return self.api.post("/api/users/credits/spend", request, {"x-api-key": API_KEY} | _idempotency(key))

    def batch(self, items: Sequence[tuple[str, int]], user: str = USER_ID) -> ApiResponse:
        """Spend several amounts at once, each with its key."""
        spends = [{"key": key, "amount": amount, "description": "work"} for key, amount in items]
        return self.serve("spend/batch", {"user_id": user, "items": spends})

    def reverse(self, transaction_id: str, amount: int | None = None, key: str = "", **body: Any) -> ApiResponse:
        """Give a spend back."""
        request = {"user_id": USER_ID, "transaction_id": transaction_id, "amount": amount, "reason": "it failed"}
        return self.serve("spend/reverse", request | body, key or str(uuid.uuid4()))

    def hold(self, amount: int, key: str = "", user: str = USER_ID, **body: Any) -> ApiResponse:
        """Reserve credits."""
        request = {"user_id": user, "amount": amount, "description": "a call", **body}
        return self.serve("holds", request, key or str(uuid.uuid4()))

    def capture(self, hold: Mapping[str, Any], amount: int, key: str = "", **body: Any) -> ApiResponse:
        """Take credits that are held."""
        return self.serve(f"holds/{hold['hold_id']}/capture", {"amount": amount, **body}, key or str(uuid.uuid4()))

    def extend(self, hold: Mapping[str, Any], key: str = "", **body: Any) -> ApiResponse:
        """Let a hold last longer, or reserve more."""
        return self.serve(f"holds/{hold['hold_id']}/extend", body, key or str(uuid.uuid4()))

    def release(self, hold: Mapping[str, Any]) -> ApiResponse:
        """Free what is held."""
        return self.serve(f"holds/{hold['hold_id']}/release", {})

    def serve(self, action: str, body: Any, key: str | None = None) -> ApiResponse:
        """A trusted service's request about a user's credits."""
        headers = {"x-api-key": API_KEY} | ({"idempotency-key": key} if key else {})
        return self.api.post(f"/api/users/credits/{action}", body, headers)

    def grant(self, credits: Any, key: str | None = None, user: str = USER_ID, **body: Any) -> ApiResponse:
        request = {"user_id": user, "credits": credits, "reason": "welcome", **body}
        return self.api.post("/api/admin/credits/grant", request, as_admin() | _idempotency(key))

    def adjust(self, amount: Any, key: str | None = None, user: str = USER_ID, **body: Any) -> ApiResponse:
        request = {"user_id": user, "amount": amount, "reason": "a correction", **body}
        return self.api.post("/api/admin/credits/adjust", request, as_admin() | _idempotency(key))

    def fault(self, path: str, do: str, times: int = 1) -> None:
        """Make the next calls of this path of Stripe's API fail."""
        self.simulator.set_faults([Fault(path=path, do=do)] * times)  # type: ignore[arg-type]

    def run_timers(self, **changes: Any) -> dict[str, Any]:
        """Do what TTL does: delete the timers that are due, and give their stream records to expire_credits."""
        records = [self.ttl_record(timer, **changes) for timer in self.due_timers(delete=True)]
        return self.consume(records) if records else {"batchItemFailures": []}

    def consume(self, records: list[dict[str, Any]]) -> dict[str, Any]:
        with self.dynamodb.acting_as("expire_credits"):
            return load_handler("expire_credits")({"Records": records}, self.api.context("expire_credits"))

    def reconcile(self, **event: Any) -> dict[str, Any]:
        with self.dynamodb.acting_as("reconcile"):
            return load_handler("reconcile")({"time": self.now.isoformat(), **event}, self.api.context("reconcile"))

    def due_timers(self, *, delete: bool) -> list[dict[str, Any]]:
        table = self.dynamodb.client
        found = table.scan(TableName=self.dynamodb.credits_table)["Items"]
        due = [
            item
            for item in found
            if item["record"]["S"].startswith(credit_items.TIMER)
            and int(item[credit_items.TTL_ATTRIBUTE]["N"]) <= self.now.timestamp()
        ]
        for item in due if delete else []:
            key = {"user_id": item["user_id"], "record": item["record"]}
            table.delete_item(TableName=self.dynamodb.credits_table, Key=key)
        return due

    def ttl_record(self, timer: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """The stream record of a deletion by TTL (DynamoDB documentation, "DynamoDB Streams and Time to Live")."""
        return {
            "eventID": uuid.uuid4().hex,
            "eventName": "REMOVE",
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "us-east-1",
            "dynamodb": {
                "ApproximateCreationDateTime": int(self.now.timestamp()),
                "Keys": {"user_id": timer["user_id"], "record": timer["record"]},
                "OldImage": timer,
                "SequenceNumber": str(uuid.uuid4().int % 10**21),
                "SizeBytes": 200,
                "StreamViewType": "OLD_IMAGE",
            },
            "userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"},
            "eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/credits/stream/1",
            **changes,
        }

    # ------------------------------------------------------------------------------------------------- reading

    def payment(self, payment_id: str) -> dict[str, Any]:
        payment: dict[str, Any] = self.api.get(f"/api/payments/{payment_id}", as_admin()).json()
        return payment

    def credits(self, user: str = USER_ID) -> dict[str, Any]:
        wallet: dict[str, Any] = self.api.get("/api/users/credits", as_user(user)).json()
        return wallet

    def balance(self, user: str = USER_ID) -> int:
        return int(self.credits(user)["balance"])

    def ledger(self, user: str = USER_ID) -> list[tuple[str, int]]:
        """The user's entries, oldest first: type and amount."""
        rows = self.api.get("/api/users/credits/transactions?limit=100", as_user(user)).json()["transactions"]
        return [(row["transaction_type"], row["amount"]) for row in rows[::-1]]

    def check(self) -> None:
        """The audit finds no violation for any user or payment."""
        ledgers: dict[str, audit.PaymentLedger] = {}
        findings: list[str] = []
        for account in store.all_accounts():
            findings += audit.audit_account(account, self.now)
            ledgers |= audit.payment_ledgers(account, self.now)
        for stored in store.all_payments():
            findings += audit.audit_stored_payment(stored, ledgers.get(stored.payment_id, audit.PaymentLedger()))
        assert findings == []


def _idempotency(key: str | None) -> dict[str, str]:
    """The header of this key; of a new one where there is none."""
    return {"idempotency-key": key or str(uuid.uuid4())}
