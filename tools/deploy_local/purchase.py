"""A purchase through the deployed functions, step by step; a failed check raises BrokenPromiseError."""

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from local.client import expect, poll
from ops import audit, target
from tools.demo.shop import Shop
from tools.deploy_local.expiry import Expiry
from tools.deploy_local.stack import Stack

CREDITS = "/api/users/credits"
FIRST_START = 90.0  # seconds; the first event starts the webhook's container, which is slow on a busy machine
SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"  # EventBridge Scheduler fills it in


@dataclass(frozen=True)
class Purchase:
    """One buyer's purchase, then a spend, a refund, a grant, an adjustment and an expiry."""

    stack: Stack
    shop: Shop
    user_id: str

    def run(self) -> None:
        payment = self.buy()
        self.check_webhook(payment)
        self.spend_and_refund(payment)
        self.grant_and_adjust()
        self.check_lists(payment)
        self.reconcile()
        self.expire()
        self.audit()

    def buy(self) -> dict[str, Any]:
        self.shop.step("What is on sale? The function is invoked through Lambda's API.")
        expect("standard" in self.shop.get("/api/payments/packages")["packages"], "the standard package is on sale")
        self.shop.step("The user buys the standard package: a payment in the deployed table, a session at Stripe.")
        payment = self.shop.create("standard", str(uuid.uuid4()))
        expect(payment["status"] == "pending" and payment["amount"] == "100.00", "it is pending, for 100.00")
        self.shop.step("The buyer pays; Stripe's events go to the deployed webhook function's own URL.")
        self.shop.shown.stripe.pay(payment)
        return payment

    def check_webhook(self, payment: dict[str, Any]) -> None:
        deliveries = poll(self.shop.deliveries, _all_acknowledged, "every event is acknowledged", FIRST_START)
        print(f"   {len(deliveries)} events at {self.stack.webhook_url}: {list(deliveries.values())}")
        self.shop.step("The payment has succeeded, and the credits are granted.")
        seen = self.shop.get(f"/api/payments/{payment['payment_id']}")
        expect(seen["status"] == "succeeded", "the payment has succeeded by the webhook alone")
        self.check_balance(1100)

    def spend_and_refund(self, payment: dict[str, Any]) -> None:
        self.shop.step("A service spends 100 credits. A retry with the same key spends nothing.")
        key = str(uuid.uuid4())
        spent = self.shop.spend(100, "a report", key)
        expect(self.shop.spend(100, "a report", key) == spent, "the retry gets the first response")
        self.check_balance(1000)
        self.shop.step("An administrator refunds half of the money, and half of the credits are clawed back.")
        refund = self.shop.refund(payment, 50.0)
        expect(refund["credits_refunded"] == 550, "550 credits are clawed back")
        poll(self.shop.deliveries, _all_acknowledged, "every event of the refund is acknowledged")
        self.check_balance(450)

    def grant_and_adjust(self) -> None:
        self.shop.step("An administrator grants 40 credits that never expire, and takes 40 as a correction.")
        self.shop.grant(40, "Thanks", "welcome", None)
        self.check_balance(490)
        self.shop.adjust(-40, "Counted twice")
        self.check_balance(450)

    def check_lists(self, payment: dict[str, Any]) -> None:
        self.shop.step("The history and the list of payments agree.")
        entries = self.shop.get(f"{CREDITS}/transactions")["transactions"]
        kinds = [entry["transaction_type"] for entry in entries]
        expect(kinds == ["adjusted", "granted", "refunded", "spent", "purchased"], "there is one entry for each change")
        listed = self.shop.get("/api/payments")["payments"]
        expect([one["payment_id"] for one in listed] == [payment["payment_id"]], "the payment is in the list")

    def reconcile(self) -> None:
        self.shop.step("The scheduled reconcile, invoked now, finds nothing to repair.")
        schedule = self.stack.physical_id("ReconcileFunctionSchedule")
        invoked = self.stack.client("scheduler").get_schedule(Name=schedule)["Target"]
        event = invoked["Input"].replace(SCHEDULED_TIME, datetime.now(UTC).isoformat())
        report = self.stack.invoke(invoked["Arn"], json.loads(event))
        print(f"   {report}")
        expect(report["repaired"] == 0, "nothing has to be repaired")

    def expire(self) -> None:
        expiry = Expiry(self.stack, self.user_id)
        self.shop.step("Only TTL may start an expiry: the mapping does not pass a deletion by hand.")
        (record,) = expiry.delete_timers()
        by_hand = {name: value for name, value in record.items() if name != "userIdentity"}
        expect(not expiry.passes(by_hand), "the filter drops a timer that was deleted by hand")
        expiry.probe_mapping()
        self.check_balance(450)
        self.shop.step("Six months later TTL's deletion passes the filter, and the function expires what is left.")
        expect(expiry.passes(record), "the filter passes a timer that TTL has deleted")
        for _ in range(2):  # streams deliver at least once
            expect(expiry.deliver([record]) == {"batchItemFailures": []}, "the record is processed")
        newest = self.shop.get(f"{CREDITS}/transactions?limit=1")["transactions"][0]
        expect((newest["transaction_type"], newest["amount"]) == ("expired", -410), "410 credits have expired, once")
        self.check_balance(40)

    def audit(self) -> None:
        self.shop.step("An audit of the deployed tables.")
        with target.tables(target.deployed_tables(self.stack.name)):
            result = audit.audit(lambda: datetime.now(UTC))
        print(f"   {result}")
        expect(result.users == 1 and not result.findings, f"every invariant holds: {result.findings}")

    def check_balance(self, balance: int) -> None:
        expect(self.shop.get(CREDITS)["balance"] == balance, f"the balance is {balance}")


def _all_acknowledged(deliveries: dict[str, list[int | None]]) -> bool:
    return bool(deliveries) and all(statuses and statuses[-1] == HTTPStatus.OK for statuses in deliveries.values())
