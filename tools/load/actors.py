"""What each of them does, with the books kept."""

import time
from http import HTTPStatus
from typing import Any

from local.client import session_of
from tools.load.client import Caller, GaveUpError
from tools.load.expected import Books, Purchase
from tools.load.stats import Figures
from tools.load.workers import Reverse, Work
from tools.load.workload import Buy, Look, Paying, Reversing, Spend

CARD, DECLINED_CARD = "4242424242424242", "4000000000009995"
LOOKS_EVERY = 0.5  # seconds between two looks of a buyer's page at the payment
PATIENCE = 60.0  # seconds for credits to arrive, with webhooks lost and Stripe failing
PATHS = {
    "credits": "/api/users/credits",
    "transactions": "/api/users/credits/transactions",
    "payments": "/api/payments",
}
SETTLES = {Paying.ALIPAY: "succeeded", Paying.ALIPAY_FAILS: "failed"}


class UnexpectedError(Exception):
    """An answer that no caller should have got."""


class People:
    """Does the jobs; shared by all threads."""

    def __init__(self, caller: Caller, books: Books, figures: Figures, seed: int) -> None:
        self._caller = caller
        self._books = books
        self._figures = figures
        self._seed = seed
        self._stack = caller.stack

    def do(self, job: Work) -> list[Work]:
        """What else there is to do because of it."""
        try:
            match job:
                case Buy():
                    return self._buy(job)
                case Spend():
                    self._spend(job)
                case Look():
                    self._look(job)
                case Reverse():
                    self._reverse(job)
        except GaveUpError as error:
            self._books.never_answered(str(error))
        return []

    # ---------------------------------------------------------------------------------------------------- buying

    def _buy(self, job: Buy) -> list[Work]:
        headers = self._user(job.user) | {"x-api-key": self._stack.api_key, "idempotency-key": self._key(job)}
        answer = self._caller.ask(
            "create", "POST", "/api/payments/stripe/create", headers=headers, json={"package": job.package}
        )
        created = self._expect(answer, HTTPStatus.OK)
        paid = self._pay(job, session_of(created))
        self._figures.count("payments", "taken by Stripe" if paid else "failed or abandoned")
        if not paid:
            return []
        purchase = self._purchase(job, created)
        self._await_credits(purchase, time.perf_counter())
        return [Reverse(purchase, job, job.reversing)] if job.reversing else []

    def _pay(self, job: Buy, session: str) -> bool:
        if job.paying is Paying.LEAVES:
            return False
        if job.paying in SETTLES:
            self._caller.steer("POST", f"/checkout/{session}/pay", {"method": "alipay"})
            self._caller.steer("POST", f"/checkout/{session}/settle", {"outcome": SETTLES[job.paying]})
            return job.paying is Paying.ALIPAY
        if job.paying is Paying.SECOND_CARD:
            self._caller.steer("POST", f"/checkout/{session}/pay", {"card": DECLINED_CARD})
        self._caller.steer("POST", f"/checkout/{session}/pay", {"card": CARD})
        return True

    def _purchase(self, job: Buy, created: dict[str, Any]) -> Purchase:
        session = self._caller.stripe(f"/checkout/sessions/{session_of(created)}")
        purchase = Purchase(
            payment_id=created["payment_id"],
            user=job.user,
            credits=created["credits_purchased"],
            amount_minor=session["amount_total"],
            intent=session["payment_intent"],
        )
        self._books.bought(purchase)
        return purchase

    def _await_credits(self, purchase: Purchase, paid: float) -> None:
        """The page that the buyer returns to: it looks until the payment has succeeded."""
        path = f"/api/payments/{purchase.payment_id}"
        while time.perf_counter() - paid < PATIENCE:
            answer = self._caller.ask("status", "GET", path, headers=self._user(purchase.user))
            if self._expect(answer, HTTPStatus.OK)["status"] == "succeeded":
                self._figures.took("paid → credits", time.perf_counter() - paid)
                return
            time.sleep(LOOKS_EVERY)
        self._books.never_answered(f"payment {purchase.payment_id}, which Stripe has taken,")

    # -------------------------------------------------------------------------------------------- spending, looking

    def _spend(self, job: Spend) -> None:
        headers = {"x-api-key": self._stack.api_key, "idempotency-key": self._key(job)}
        body = {"user_id": job.user, "amount": job.amount, "description": f"Load {job.number}"}
        answer = self._caller.ask(
            "spend", "POST", "/api/users/credits/spend", headers=headers, json=body, hangs_up=job.impatient
        )
        spent = self._expect(answer, HTTPStatus.OK, HTTPStatus.CONFLICT)
        if answer.status_code == HTTPStatus.OK:
            self._books.spent(job.user, spent["transaction_id"], spent["amount"])
        elif spent["code"] != "insufficient_credits":
            raise UnexpectedError(answer.text)
        self._figures.count(
            "spends", "accepted" if answer.status_code == HTTPStatus.OK else "refused for want of credits"
        )

    def _look(self, job: Look) -> None:
        answer = self._caller.ask(job.page, "GET", PATHS[job.page], headers=self._user(job.user))
        self._expect(answer, HTTPStatus.OK)

    # --------------------------------------------------------------------------------------------- money goes back

    def _reverse(self, job: Reverse) -> None:
        amount = max(1, int(job.purchase.amount_minor * job.bought.share))
        if job.how in (Reversing.REFUND, Reversing.FORCED_REFUND):
            self._refund(job, amount)
        elif job.how is Reversing.DASHBOARD:
            made = self._caller.steered(f"/payment_intents/{job.purchase.intent}/refund", {"amount": amount})
            self._figures.count("refunds", "made in the Dashboard" if made else "refused in the Dashboard")
        else:
            self._dispute(job, amount)

    def _refund(self, job: Reverse, amount: int) -> None:
        headers = {"authorization": f"Bearer {self._stack.admin_token}", "idempotency-key": self._key(job.bought)}
        body = {
            "payment_id": job.purchase.payment_id,
            "reason": "Customer request",
            "amount": None if job.bought.share == 1 else amount / 100,
            "force": job.how is Reversing.FORCED_REFUND,
        }
        answer = self._caller.ask(
            "refund",
            "POST",
            "/api/payments/stripe/refund",
            headers=headers,
            json=body,
            later=(500, 503),
        )
        self._expect(answer, HTTPStatus.OK, HTTPStatus.ACCEPTED, HTTPStatus.CONFLICT, HTTPStatus.BAD_GATEWAY)
        self._figures.count("refunds", f"answered {answer.status_code}")

    def _dispute(self, job: Reverse, amount: int) -> None:
        path = f"/payment_intents/{job.purchase.intent}/dispute"
        opened = self._caller.steer("POST", path, {"amount": amount})
        job.purchase.disputes[opened["id"]] = (amount, "open")
        self._figures.count("disputes", job.how.removeprefix("dispute "))
        if job.how is not Reversing.DISPUTE_OPEN:
            ending = "won" if job.how is Reversing.DISPUTE_WON else "lost"
            self._caller.steer("POST", f"/disputes/{opened['id']}/close", {"status": ending})
            job.purchase.disputes[opened["id"]] = (amount, ending)

    def _user(self, user: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self._stack.token(user)}"}

    def _key(self, job: Buy | Spend) -> str:
        return f"load-{self._seed}-{type(job).__name__.lower()}-{job.number}"

    def _expect(self, answer: Any, *statuses: HTTPStatus) -> dict[str, Any]:
        if answer.status_code not in statuses:
            raise UnexpectedError(f"{answer.request.method} {answer.request.url} {answer.status_code}: {answer.text}")
        document: dict[str, Any] = answer.json()
        return document
