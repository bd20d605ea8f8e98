"""Is every answer one that a serial execution could have given?

The commits are known in their order, so the question is small: an answer must be true of some state that there was
between the request's beginning and its end, and what it says was done must have been done in that time.
"""

import json
from collections.abc import Callable, Iterable
from typing import Any

from tests.simulation.invocations import Invocation
from tests.simulation.shadow import Mirror, Versions, Violation, open_lots
from topup.domain import money, times
from topup.domain.audit import Account
from topup.domain.credits import Wallet
from topup.domain.orders import Status
from topup.domain.payments import Payment
from topup.domain.reversals import RANK, Kind, ReversalStatus

PAID = ("checkout.session.completed", "checkout.session.async_payment_succeeded", "payment_intent.succeeded")
OK, ACCEPTED, CONFLICT = 200, 202, 409
# Two functions of which the second begins while the first runs, about the same user or payment: the narrow windows.
WINDOWS: dict[tuple[str, str], tuple[str, str]] = {
    ("spend_credits", "refund_payment"): ("user", "a refund while a spend runs"),
    ("refund_payment", "refund_payment"): ("payment", "two refunds of a payment at once"),
    ("spend_credits", "spend_credits"): ("user", "two spends of a user at once"),
    ("expire_credits", "spend_credits"): ("user", "a spend while its credits expire"),
    ("expire_credits", "refund_payment"): ("user", "a refund while its credits expire"),
    ("stripe_webhook", "stripe_webhook"): ("payment", "two webhooks of a payment at once"),
    ("stripe_webhook", "get_payment"): ("payment", "a status read while its webhook runs"),
    ("create_checkout", "create_checkout"): ("key", "the same create twice at once"),
    ("reconcile", "stripe_webhook"): ("", "a webhook while reconcile runs"),
}


class Answers:
    """Holds the answers of a run against the history of what was stored; raises Violation."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        self.hit: Callable[[str], None] = lambda _name: None
        self._created: dict[tuple[str, str], tuple[str, str]] = {}
        self._spent: dict[tuple[str, str], dict[str, Any]] = {}
        self.entries_told: dict[str, tuple[str, str]] = {}  # which request each spend's entry was told to

    def begun(self, invocation: Invocation, others: Iterable[Invocation]) -> None:
        """Note which narrow windows the invocation has begun in."""
        for other in others:
            names = (other.function, invocation.function)
            known = WINDOWS.get(names) or WINDOWS.get(names[::-1])
            if known and (not known[0] or _same(invocation, other, known[0])):
                self.hit(known[1])
            if names == ("spend_credits", "spend_credits") and _same(invocation, other, "key"):
                self.hit("the same spend twice at once")
            if names == ("refund_payment", "stripe_webhook") and "dispute" in invocation.about.get("event_type", ""):
                self.hit("a dispute while a refund runs")

    def check(self, invocation: Invocation, result: Any) -> None:
        """Raise Violation if the answer is none that could have been given."""
        check = getattr(self, f"_{invocation.function}", None)
        if check is None or not isinstance(result, dict) or "statusCode" not in result:
            return
        if result["statusCode"] == 500:  # whatever AWS and Stripe do, it is 502 or 503: worth another try
            raise Violation(f"{invocation.function} failed: {result['body']}")
        check(invocation, result["statusCode"], json.loads(result["body"]))

    # ------------------------------------------------------------------------------------------------- reading

    def _get_credits(self, invocation: Invocation, status: int, told: Any) -> None:
        if status != OK:
            return
        user, now = invocation.about["user"], invocation.about["now"]

        def is_true(account: Account | None) -> bool:
            state = account or Account(user, Wallet(user_id=user))
            lots = open_lots(state, now)
            wanted = {
                "user_id": user,
                "balance": sum(lot.remaining for lot in lots) - state.wallet.debt,
                "debt": state.wallet.debt,
                "total_credits_earned": state.wallet.total_credits_earned,
                "lots": [
                    {
                        "payment_id": lot.payment_id,
                        "granted": lot.granted,
                        "remaining": lot.remaining,
                        "expires_at": times.to_text(lot.expires_at),
                    }
                    for lot in lots
                ],
            }
            return bool(told == wanted)

        self._some(invocation, self._mirror.accounts.get(user), is_true, told)

    def _list_transactions(self, invocation: Invocation, status: int, told: Any) -> None:
        if status != OK:
            return
        seen = [(row["transaction_type"], row["amount"], row["balance_after"]) for row in told["transactions"]]

        def is_true(account: Account | None) -> bool:
            newest = account.entries[::-1][: invocation.about["limit"]] if account else []
            return seen == [(entry.transaction_type.value, entry.amount, entry.balance_after) for entry in newest]

        self._some(invocation, self._mirror.accounts.get(invocation.about["user"]), is_true, told)

    def _list_payments(self, invocation: Invocation, status: int, told: Any) -> None:
        """Eventually consistent: each row is true of its payment as it was at some time."""
        for row in told["payments"] if status == OK else ():
            known = self._mirror.payments.get(row["payment_id"])
            if known is None or not any(
                one.order.user_id == invocation.about["user"] and _public(one.order.status) == row["status"]
                for one in known.states
            ):
                raise Violation(f"list_payments told of {row}, which never was")

    def _get_payment(self, invocation: Invocation, status: int, told: Any) -> None:
        if status != OK:
            return

        def is_true(payment: Payment | None) -> bool:
            return payment is not None and _payment_told(payment) == {name: told.get(name) for name in TOLD}

        self._some(invocation, self._mirror.payments.get(invocation.about["payment"]), is_true, told)

    # ------------------------------------------------------------------------------------------------- doing

    def _create_checkout(self, invocation: Invocation, status: int, told: Any) -> None:
        if status != OK:
            return
        about = invocation.about

        def is_true(payment: Payment | None) -> bool:
            if payment is None:
                return False
            order = payment.order
            amount = money.to_text(order.amount_minor, order.currency)
            return (order.user_id, order.package_id, amount, order.credits_purchased, order.payment_url) == (
                *(about["user"], about["package"], told["amount"], told["credits_purchased"]),
                told["payment_url"],
            )

        self._some(invocation, self._mirror.payments.get(told["payment_id"]), is_true, told)
        if about["key"]:
            same = (told["payment_id"], told["payment_url"])
            if self._created.setdefault((about["user"], about["key"]), same) != same:
                raise Violation(f"the same create gave {same} and {self._created[about['user'], about['key']]}")

    def _spend_credits(self, invocation: Invocation, status: int, told: Any) -> None:
        about, versions = invocation.about, self._mirror.accounts.get(invocation.about["user"])
        request = (about["user"], about["key"])
        if status == OK:
            if self._spent.setdefault(request, told) != told:
                raise Violation(f"the same spend answered {told} and {self._spent[request]}")
            self._spend_is_there(about, told)
            if self.entries_told.setdefault(told["transaction_id"], request) != request:
                raise Violation(f"two spends were told of one entry: {told}")
        elif status == CONFLICT and told["code"] == "insufficient_credits":
            if request in self._spent:
                raise Violation(f"a spend that was made is refused when it is sent again: {told}")

            def is_true(account: Account | None) -> bool:
                lots = open_lots(account, about["now"]) if account else []
                balance = sum(lot.remaining for lot in lots) - (account.wallet.debt if account else 0)
                return bool(balance == told["balance"] and balance < about["amount"])

            self._some(invocation, versions, is_true, told)

    def _spend_is_there(self, about: dict[str, Any], told: Any) -> None:
        account = self._mirror.account(about["user"])
        for entry in account.entries if account else ():
            if entry.transaction_id == told["transaction_id"]:
                if (-entry.amount, entry.balance_after) != (about["amount"], told["balance_after"]):
                    raise Violation(f"the ledger has another spend than was answered: {told}")
                return
        raise Violation(f"a spend was answered that the ledger does not have: {told}")

    def _refund_payment(self, invocation: Invocation, status: int, told: Any) -> None:
        about, versions = invocation.about, self._mirror.payments.get(invocation.about["payment"])
        if status in (OK, ACCEPTED):
            amount_minor = about["amount_minor"]

            def is_true(payment: Payment | None) -> bool:
                return payment is not None and any(
                    one.kind is Kind.REFUND
                    and told["refund_id"] in (one.stripe_id, one.reversal_id)
                    and told["credits_refunded"] == one.clawed_back
                    and told["success"] == (one.status in (ReversalStatus.PENDING, ReversalStatus.SUCCEEDED))
                    and amount_minor in (None, one.amount_minor)
                    for one in payment.reversals
                )

            self._some(invocation, versions, is_true, told)
        elif status == CONFLICT and told["code"] == "credits_spent" and about["force"]:
            raise Violation(f"a forced refund was refused: {told}")
        elif status == CONFLICT and told["code"] == "not_refundable":
            self._some(invocation, versions, lambda payment: _is_not_refundable(payment, about["amount_minor"]), told)

    def _stripe_webhook(self, invocation: Invocation, status: int, told: Any) -> None:
        """2xx means that the effect is durable."""
        about = invocation.about
        payment = self._mirror.payment(about["payment"]) if about["payment"] else None
        if status != OK or payment is None or payment.order.quarantine_reason:
            return
        event_type, subject = about["event_type"], about["subject"]
        is_paid = subject.get("payment_status") == "paid" or subject.get("status") == "succeeded"
        if event_type in PAID and is_paid and not payment.order.is_settled:
            raise Violation(f"{event_type} was acknowledged, and nothing was granted")
        if event_type.startswith(("refund.", "charge.dispute.")):
            known = [one for one in payment.reversals if one.stripe_id == subject["id"]]
            reported = ReversalStatus(subject["status"])
            if not known or RANK[known[0].status] < RANK[reported]:
                raise Violation(f"{event_type} ({reported}) was acknowledged and not recorded")

    # ------------------------------------------------------------------------------------------------- comparing

    def _some(
        self, invocation: Invocation, versions: Versions | None, is_true: Callable[[Any], bool], told: Any
    ) -> None:
        states = (versions or Versions()).between(invocation.first_commit, self._mirror.commit)
        if not any(is_true(state) for state in states):
            raise Violation(f"{invocation.function} answered what was never true while it ran: {told}")


TOLD = ("status", "credits_purchased", "paid_at", "amount_refunded", "credits_refunded", "refunds")


def _payment_told(payment: Payment) -> dict[str, Any]:
    """What a status answer must say of a payment in this state, as far as it changes."""
    order, refunds = payment.order, [one for one in payment.reversals if one.kind is Kind.REFUND]
    seen: dict[str, Any] = dict.fromkeys(TOLD)
    seen |= {
        "status": _public(order.status),
        "credits_purchased": order.credits_purchased,
        "paid_at": times.to_text(order.paid_at) if order.paid_at else None,
    }
    if order.refunded_minor or payment.reversals:
        seen["amount_refunded"] = float(money.to_major(order.refunded_minor, order.currency))
        seen["credits_refunded"] = sum(one.clawed_back for one in refunds if one.reversed_minor)
    if refunds:
        seen["refunds"] = [
            {
                "refund_id": one.stripe_id or one.reversal_id,
                "amount": float(money.to_major(one.amount_minor, order.currency)),
                "status": "pending" if one.status is ReversalStatus.IN_FLIGHT else one.status.value,
                "reason": one.reason,
                "created_at": times.to_text(one.created_at),
            }
            for one in refunds
        ]
    return seen


def _is_not_refundable(payment: Payment | None, amount_minor: int | None) -> bool:
    if payment is None or not payment.order.is_settled or payment.order.disputed_minor:
        return payment is not None
    return payment.order.refundable_minor == 0 or (amount_minor or 0) > payment.order.refundable_minor


def _public(status: Status) -> str:
    return "failed" if status is Status.DECLINED else status.value


def _same(one: Invocation, other: Invocation, name: str) -> bool:
    return one.about.get(name) is not None and one.about.get(name) == other.about.get(name)
