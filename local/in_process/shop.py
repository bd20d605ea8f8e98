"""A whole shop in process: the real handlers, DynamoDB emulated behind botocore, Stripe simulated behind its client.

Every step is a plain call; `deliver` hands out the webhooks that are due; `check` asks the audit.
"""

import random
import uuid
from datetime import datetime, timedelta
from typing import Any

from local.in_process.api import Api, ApiResponse, as_admin, as_buyer, as_user, load_handler
from local.in_process.dynamodb import Emulator
from local.in_process.environment import API_KEY, STRIPE_SECRET_KEY, USER_ID, WEBHOOK_SECRET
from local.stripe_simulator import Delivery, Fault, Simulator
from topup import store
from topup.domain import audit
from topup.store import credit_items

CARD = "4242424242424242"


class Shop:
    """One shop, at `now`, with the one buyer USER_ID unless a call names another."""

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
        self._on_their_way: list[Delivery] = []

    @property
    def now(self) -> datetime:
        return self.api.now

    def wait(self, **duration: float) -> None:
        self.api.now += timedelta(**duration)

    # ------------------------------------------------------------------------------------------------- buying

    def create(self, package: str = "standard", user: str = USER_ID) -> dict[str, Any]:
        made: dict[str, Any] = self.api.post("/api/payments/stripe/create", {"package": package}, as_buyer(user)).json()
        return made

    def pay(self, payment: dict[str, Any], **how: str) -> str:
        """Let the buyer pay, tell nobody yet; the payment intent."""
        session_id = payment["payment_url"].rpartition("/")[2]
        how = how or {"card": CARD}
        self.simulator.pay(session_id, **how)
        return str(self.simulator.session(session_id)["payment_intent"]["id"])

    def buy(self, package: str = "standard", user: str = USER_ID) -> tuple[str, str]:
        """A paid and fulfilled payment, and its payment intent."""
        payment = self.create(package, user)
        intent = self.pay(payment)
        self.deliver()
        return payment["payment_id"], intent

    def deliver(self, *kinds: str) -> list[int]:
        """Hand the due webhooks (of these kinds, or all) to the handler until none is left; what it answered."""
        statuses = []
        while due := [one for one in self.due() if not kinds or one.event_type in kinds]:
            statuses += [self.deliver_one(delivery) for delivery in due]
        return statuses

    def due(self) -> list[Delivery]:
        """The webhooks that are on their way; the simulator names each once."""
        self._on_their_way += self.simulator.due()
        return list(self._on_their_way)

    def deliver_one(self, delivery: Delivery) -> int:
        """Hand one webhook to the handler; what it answered."""
        answer = self.api.post("/api/payments/webhook/stripe", raw=delivery.body, headers=delivery.headers)
        self.simulator.delivered(delivery, answer.status)
        self._on_their_way.remove(delivery)
        return answer.status

    def lose(self) -> int:
        """Lose the due webhooks, as when our endpoint is away; Stripe will try again later. How many those were."""
        lost, self._on_their_way = self.due(), []
        for delivery in lost:
            self.simulator.delivered(delivery, None, "connection refused")
        return len(lost)

    # --------------------------------------------------------------------------------------- money and credits that go

    def refund(self, payment_id: str, amount: float | None = None, key: str | None = None, **body: Any) -> ApiResponse:
        wanted = {"payment_id": payment_id, "reason": "Customer request", "amount": amount, **body}
        headers = as_admin() | ({"idempotency-key": key} if key else {})
        return self.api.post("/api/payments/stripe/refund", wanted, headers)

    def spend(self, amount: Any, key: str | None = None, user: str = USER_ID, **body: Any) -> ApiResponse:
        wanted = {"user_id": user, "amount": amount, "description": "work", **body}
        headers = {"x-api-key": API_KEY, "idempotency-key": key or str(uuid.uuid4())}
        return self.api.post("/api/users/credits/spend", wanted, headers)

    def fault(self, path: str, do: str, times: int = 1) -> None:
        """Let the next calls of Stripe's API go wrong."""
        self.simulator.set_faults([Fault(path=path, do=do)] * times)  # type: ignore[arg-type]

    def run_timers(self, **changes: Any) -> dict[str, Any]:
        """Play TTL: delete the timers that are due, and hand their stream records to the consumer."""
        records = [self.ttl_record(timer, **changes) for timer in self.due_timers(delete=True)]
        return self.consume(records) if records else {"batchItemFailures": []}

    def consume(self, records: list[dict[str, Any]]) -> dict[str, Any]:
        with self.dynamodb.acting_as("expire_credits"):
            return load_handler("expire_credits")({"Records": records}, None)

    def reconcile(self, **event: Any) -> dict[str, Any]:
        class Context:
            def get_remaining_time_in_millis(self) -> int:
                return 300_000

        with self.dynamodb.acting_as("reconcile"):
            return load_handler("reconcile")({"time": self.now.isoformat(), **event}, Context())

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

    # ------------------------------------------------------------------------------------------------- looking

    def payment(self, payment_id: str) -> dict[str, Any]:
        seen: dict[str, Any] = self.api.get(f"/api/payments/{payment_id}", as_admin()).json()
        return seen

    def credits(self, user: str = USER_ID) -> dict[str, Any]:
        seen: dict[str, Any] = self.api.get("/api/users/credits", as_user(user)).json()
        return seen

    def balance(self, user: str = USER_ID) -> int:
        return int(self.credits(user)["balance"])

    def ledger(self, user: str = USER_ID) -> list[tuple[str, int]]:
        """The user's entries, oldest first: type and amount."""
        rows = self.api.get("/api/users/credits/transactions?limit=100", as_user(user)).json()["transactions"]
        return [(row["transaction_type"], row["amount"]) for row in rows[::-1]]

    def check(self) -> None:
        """Nothing that must always hold is broken, for any user or payment."""
        ledgers: dict[str, audit.PaymentLedger] = {}
        findings: list[str] = []
        for account in store.all_accounts():
            findings += audit.audit_account(account, self.now)
            ledgers |= audit.payment_ledgers(account, self.now)
        for payment in store.all_payments():
            findings += audit.audit_payment(payment, ledgers.get(payment.order.payment_id, audit.PaymentLedger()))
        assert findings == []
