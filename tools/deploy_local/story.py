"""A purchase through the deployed functions, step by step; each promise that is not kept raises BrokenPromiseError."""

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from local.client import expect, poll, session_of
from ops import audit, target
from tools.demo.shop import Shop
from tools.deploy_local.expiry import Expiry
from tools.deploy_local.stack import Stack

ACCEPTED = "4242424242424242"
CREDITS = "/api/users/credits"
SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"  # which EventBridge Scheduler fills in


@dataclass(frozen=True)
class Story:
    """One buyer's purchase, and what becomes of the credits."""

    stack: Stack
    shop: Shop
    user_id: str

    def tell(self) -> None:
        payment = self.buy()
        self.webhook_has_told(payment)
        self.spend_and_refund(payment)
        self.lists(payment)
        self.reconcile()
        self.expire()
        self.audit()

    def buy(self) -> dict[str, Any]:
        self.shop.step("What is for sale? The function answers through Lambda's own API.")
        expect("standard" in self.shop.get("/api/payments/packages")["packages"], "the standard package is for sale")
        self.shop.step("The user buys the standard package: a payment in the deployed table, a session at Stripe.")
        payment = self.shop.create("standard", str(uuid.uuid4()))
        expect(payment["status"] == "pending" and payment["amount"] == "100.00", "it is pending, for 100.00")
        self.shop.step("The buyer pays; Stripe's events go to the deployed webhook function's own URL.")
        self.shop.steer("POST", f"/checkout/{session_of(payment)}/pay", {"card": ACCEPTED})
        return payment

    def webhook_has_told(self, payment: dict[str, Any]) -> None:
        answers = poll(self.shop.deliveries, _all_acknowledged, "every event is acknowledged")
        print(f"   {len(answers)} events at {self.stack.webhook_url}: {list(answers.values())}")
        self.shop.step("So the payment has succeeded, and the credits are there.")
        seen = self.shop.get(f"/api/payments/{payment['payment_id']}")
        expect(seen["status"] == "succeeded", "the payment has succeeded by the webhook alone")
        self.has_balance(1100)

    def spend_and_refund(self, payment: dict[str, Any]) -> None:
        self.shop.step("A service spends 100 of them, and once more with the same key, which debits nothing.")
        key = str(uuid.uuid4())
        spent = self.shop.spend(100, "a report", key)
        expect(self.shop.spend(100, "a report", key) == spent, "the second answer is the first one")
        self.has_balance(1000)
        self.shop.step("An administrator gives half of the money back, and half of the credits go with it.")
        refund = self.shop.refund(payment["payment_id"], 50.0)
        expect(refund["credits_refunded"] == 550, "550 credits go back")
        poll(self.shop.deliveries, _all_acknowledged, "every event of the refund is acknowledged")
        self.has_balance(450)

    def lists(self, payment: dict[str, Any]) -> None:
        self.shop.step("The history and the list of payments say the same.")
        entries = self.shop.get(f"{CREDITS}/transactions")["transactions"]
        kinds = [entry["transaction_type"] for entry in entries]
        expect(kinds == ["refunded", "spent", "purchased"], "there is one entry for each change")
        listed = self.shop.get("/api/payments")["payments"]
        expect([one["payment_id"] for one in listed] == [payment["payment_id"]], "the payment is in the list")

    def reconcile(self) -> None:
        self.shop.step("What the schedule calls every few minutes, called now, finds nothing to repair.")
        schedule = self.stack.physical_id("ReconcileFunctionSchedule")
        called = self.stack.client("scheduler").get_schedule(Name=schedule)["Target"]
        event = called["Input"].replace(SCHEDULED_TIME, datetime.now(UTC).isoformat())
        report = self.stack.invoke(called["Arn"], json.loads(event))
        print(f"   {report}")
        expect(report["repaired"] == 0, "nothing has to be repaired")

    def expire(self) -> None:
        expiry = Expiry(self.stack, self.user_id)
        self.shop.step("Only TTL may start an expiry: the mapping lets no deletion by hand through.")
        (record,) = expiry.delete_timers()
        by_hand = {name: value for name, value in record.items() if name != "userIdentity"}
        expect(not expiry.passes(by_hand), "the filter refuses a timer that was deleted by hand")
        expiry.probe_mapping()
        self.has_balance(450)
        self.shop.step("Six months later TTL's deletion passes the filter, and the function takes what is left.")
        expect(expiry.passes(record), "the filter lets a timer through that TTL has deleted")
        for _ in range(2):  # streams deliver at least once
            expect(expiry.hand_over([record]) == {"batchItemFailures": []}, "the record is done")
        newest = self.shop.get(f"{CREDITS}/transactions?limit=1")["transactions"][0]
        expect((newest["transaction_type"], newest["amount"]) == ("expired", -450), "450 credits have expired, once")

    def audit(self) -> None:
        self.shop.step("An audit of the deployed tables.")
        with target.tables(target.deployed_tables(self.stack.name)):
            result = audit.audit(lambda: datetime.now(UTC))
        print(f"   {result}")
        expect(result.users == 1 and not result.findings, f"every invariant holds: {result.findings}")

    def has_balance(self, balance: int) -> None:
        expect(self.shop.get(CREDITS)["balance"] == balance, f"the balance is {balance}")


def _all_acknowledged(deliveries: dict[str, list[int | None]]) -> bool:
    return bool(deliveries) and all(answers and answers[-1] == HTTPStatus.OK for answers in deliveries.values())
