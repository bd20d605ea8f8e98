"""Check that every response is one that a serial execution could have given.

The order of the commits is known, so the check is simple: a response must be true of a state between the start and the
end of its request, and a change that it confirms must have been made in that time.
"""

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from local.client import session_of
from tests.simulation.comparison import stripe_words
from tests.simulation.credit_responses import account_at, credits_response, moved_lots
from tests.simulation.invocations import Invocation
from tests.simulation.offers import is_listed
from tests.simulation.payment_responses import (
    is_not_refundable,
    is_said_of,
    payment_response,
)
from tests.simulation.rules import Violation, check_answer, open_lots
from tests.simulation.rules_of_holds import held_at
from tests.simulation.shadow import Shadow, Versions
from topup.api import refund_responses
from topup.domain import money, times
from topup.domain.audit import Account
from topup.domain.credits import Entry, TransactionType, transaction_id
from topup.domain.payments import Payment
from topup.domain.reversals import Kind, ReversalStatus

PAID = ("checkout.session.completed", "checkout.session.async_payment_succeeded", "payment_intent.succeeded")
OK, CREATED, ACCEPTED, NOT_FOUND, CONFLICT, UNPROCESSABLE = 200, 201, 202, 404, 409, 422
# Races: two functions that run at the same time, for the same user, payment or key.
RACES: dict[tuple[str, str], tuple[str, str]] = {
    ("spend_credits", "refund_payment"): ("user", "a refund while a spend runs"),
    ("refund_payment", "refund_payment"): ("payment", "two refunds of a payment at once"),
    ("spend_credits", "spend_credits"): ("user", "two spends of a user at once"),
    ("expire_credits", "spend_credits"): ("user", "a spend while its credits expire"),
    ("expire_credits", "refund_payment"): ("user", "a refund while its credits expire"),
    ("stripe_webhook", "stripe_webhook"): ("payment", "two webhooks of a payment at once"),
    ("stripe_webhook", "get_payment"): ("payment", "a status read while its webhook runs"),
    ("create_checkout", "create_checkout"): ("key", "the same create twice at once"),
    ("cancel_checkout", "stripe_webhook"): ("payment", "a payment is ended while its webhook runs"),
    ("reconcile", "stripe_webhook"): ("", "a webhook while reconcile runs"),
    ("grant_credits", "grant_credits"): ("given", "a campaign's grant several times at once"),
    ("adjust_credits", "spend_credits"): ("user", "an adjustment while a spend runs"),
    ("expire_credits", "grant_credits"): ("user", "a grant while other credits expire"),
    ("open_hold", "spend_credits"): ("user", "a spend while a hold is opened"),
    ("open_hold", "open_hold"): ("user", "two holds of a user opened at once"),
    ("capture_hold", "capture_hold"): ("hold", "two captures of a hold at once"),
    ("capture_hold", "release_hold"): ("hold", "a release while a capture runs"),
    ("capture_hold", "extend_hold"): ("hold", "a capture while its hold is extended"),
    ("capture_hold", "expire_credits"): ("user", "a capture while something ends by itself"),
    ("capture_hold", "refund_payment"): ("user", "a capture while a refund runs"),
    ("open_hold", "refund_payment"): ("user", "a refund while a hold is opened"),
    ("reverse_spend", "refund_payment"): ("user", "a spend given back during a refund"),
    ("reverse_spend", "reverse_spend"): ("spend", "a spend given back several times at once"),
    ("expire_credits", "reverse_spend"): ("user", "a spend given back while credits expire"),
    ("spend_batch", "spend_credits"): ("user", "a spend during a batch"),
}
TWICE = {
    ("spend_credits", "spend_credits"): "the same spend twice at once",
    ("refund_payment", "refund_payment"): "the same refund twice at once",
    ("spend_batch", "spend_batch"): "the same batch twice at once",
    ("capture_hold", "capture_hold"): "the same capture twice at once",
}


class LinearizabilityChecker:
    """Checks the responses of a run against the history of the stored state; raises Violation."""

    def __init__(self, shadow: Shadow) -> None:
        self._shadow = shadow
        self.hit: Callable[[str], None] = lambda _name: None
        self._created: dict[tuple[str, str], tuple[str, str]] = {}
        self._receipts: dict[tuple[str, str], dict[str, Any]] = {}  # of spends, grants and adjustments
        self.confirmed: dict[str, tuple[str, str]] = {}  # the request of each entry that a response named

    def begun(self, invocation: Invocation, others: Iterable[Invocation]) -> None:
        """Note the races that the new invocation takes part in."""
        self._shadow.lines.begun(invocation)
        for other in others:
            names = (other.function, invocation.function)
            known = RACES.get(names) or RACES.get(names[::-1])
            if known and (not known[0] or _same(invocation, other, known[0])):
                self.hit(known[1])
            if names in TWICE and _same(invocation, other, "key"):
                self.hit(TWICE[names])
            if names == ("refund_payment", "stripe_webhook") and "dispute" in invocation.about.get("event_type", ""):
                self.hit("a dispute while a refund runs")

    def check(self, invocation: Invocation, result: Any) -> None:
        """Raise Violation if no serial execution could have given the response."""
        check = getattr(self, f"_{invocation.function}", None)
        if check is None or not isinstance(result, dict) or "statusCode" not in result:
            return
        invocation.about["status"] = result["statusCode"]
        invocation.about["is_replay"] = "idempotent-replayed" in result["headers"]
        if invocation.about.get("is_of_other_mode"):
            return  # live events under a test key are refused until the key is right
        if result["statusCode"] == 500:  # any failure of AWS or Stripe must give 502 or 503, which clients retry
            raise Violation(f"{invocation.function} failed: {result['body']}")
        if self._shadow.erasures.has_moved_since(invocation.about.get("user"), invocation.first_commit):
            self._note_during_an_erasure(invocation, result["statusCode"], json.loads(result["body"]))
            return
        check(invocation, result["statusCode"], json.loads(result["body"]))

    def _note_during_an_erasure(self, invocation: Invocation, status: int, response: Any) -> None:
        """While the user's records move nobody knows what is where; but what was confirmed has been made."""
        self.hit("a request while its user is erased")
        if invocation.function == "spend_credits":
            self._shadow.lines.forget(invocation)
        if status in (OK, CREATED) and (made := response.get("transaction_id")):
            user = invocation.about["user"]
            entry = next((entry for entry in self._entries_ever(user) if entry.transaction_id == made), None)
            if entry is None:
                raise Violation(f"{invocation.function} was confirmed, and no ledger has it: {response}")
            for one in self._where_it_is(user, entry.number):
                self.confirmed.setdefault(one, (user, invocation.about.get("key", "")))

    def _where_it_is(self, user: str, number: int) -> list[str]:
        """The id that the user's entry has now, which may be a pseudonym's; none where two wallets have this number."""
        wallets = (user, *self._shadow.erasures.pseudonyms_of(user))
        accounts = [account for wallet in wallets if (account := self._shadow.account(wallet))]
        found = [entry.transaction_id for one in accounts for entry in one.entries if entry.number == number]
        return found if len(found) == 1 else []

    def _entries_ever(self, user: str) -> Iterable[Entry]:
        """All entries of the user's wallets, as they were written."""
        return (entry for state in self._shadow.accounts[user].states for entry in state.entries)

    def erased(self, user: str, account: Account) -> None:
        """The user's keys count for nothing any more, and what was confirmed is a pseudonym's, by its number."""
        self._created = {request: known for request, known in self._created.items() if request[0] != user}
        self._receipts = {request: known for request, known in self._receipts.items() if request[0] != user}
        for entry in account.entries:
            if request := self.confirmed.pop(transaction_id(user, entry.number), None):
                self.confirmed[entry.transaction_id] = request

    # ------------------------------------------------------------------------------------------------- reading

    def _get_credits(self, invocation: Invocation, status: int, response: Any) -> None:
        if status != OK:
            return
        user, now = invocation.about["user"], invocation.about["now"]
        moment = invocation.about.get("as_of", now)
        if moment < now:
            self._check_past(invocation, moment, response)
            return

        def is_true(account: Account | None) -> bool:
            return bool(response == credits_response(account, user, moment))

        self._check_was_true(invocation, self._shadow.accounts.get(user), is_true, response)

    def _check_past(self, invocation: Invocation, moment: datetime, response: Any) -> None:
        """The answer is what was answered at that moment, at which nothing was under way."""
        user = invocation.about["user"]
        wanted = credits_response(account_at(self._shadow, user, moment), user, moment)
        if response["held"] is None:  # which is said where it is not known
            self.hit("what was held at a moment that is past is not known")
            wanted |= {"held": None, "available": None}
        elif response["held"]:
            self.hit("credits were held at a moment that is past")
        if response != wanted:
            raise Violation(f"get_credits of {moment}: {response}, and then it was {wanted}")

    def _list_transactions(self, invocation: Invocation, status: int, response: Any) -> None:
        if status != OK:
            return
        seen = [(row["transaction_type"], row["amount"], row["balance_after"]) for row in response["transactions"]]

        def is_true(account: Account | None) -> bool:
            newest = account.entries[::-1][: invocation.about["limit"]] if account else []
            if "is_explained" in invocation.about and account:
                is_explained = [row["lots"] for row in response["transactions"]] == [
                    moved_lots(entry, account) for entry in newest
                ]
            else:
                is_explained = not any("lots" in row for row in response["transactions"])
            said = [(entry.transaction_type.value, entry.amount, entry.balance_after) for entry in newest]
            return is_explained and seen == said

        self._check_was_true(invocation, self._shadow.accounts.get(invocation.about["user"]), is_true, response)

    def _list_payments(self, invocation: Invocation, status: int, response: Any) -> None:
        """Eventually consistent: each row must be true of some earlier or present state of its payment."""
        for row in response["payments"] if status == OK else ():
            known = self._shadow.payments.get(row["payment_id"])
            if known is None or not any(
                one is not None and one.order.user_id == invocation.about["user"] and is_said_of(one, row)
                for one in known.states
            ):
                raise Violation(f"list_payments showed {row}, which was never true")

    def _get_payment(self, invocation: Invocation, status: int, response: Any) -> None:
        if status != OK:
            return

        def is_true(payment: Payment | None) -> bool:
            return payment is not None and is_said_of(payment, response)

        self._check_was_true(invocation, self._shadow.payments.get(invocation.about["payment"]), is_true, response)

    # ------------------------------------------------------------------------------------------------- doing

    def _release_payment(self, invocation: Invocation, status: int, response: Any) -> None:
        """The payment is as the answer says; and after a decision that is known to be carried out, not under review."""
        versions = self._shadow.payments.get(invocation.about["payment"])
        if status in (OK, ACCEPTED):
            self.hit(f"a quarantine ends: {invocation.about['action']}")
            self._check_was_true(
                invocation, versions, lambda payment: payment is not None and is_said_of(payment, response), response
            )
        elif status == CONFLICT:
            self.hit("a quarantine is not ended")

    def _cancel_checkout(self, invocation: Invocation, status: int, response: Any) -> None:
        """The payment has ended, one way or the other; or its money is here or on its way, and nothing ends it."""
        versions = self._shadow.payments.get(invocation.about["payment"])
        if status == OK:
            has_ended = response["status"] in ("expired", "failed", "succeeded") and not response.get("may_retry")
            self.hit(f"a payment that is to end is {response['status']}")

            def is_true(payment: Payment | None) -> bool:
                return payment is not None and has_ended and is_said_of(payment, response)

            self._check_was_true(invocation, versions, is_true, response)
        elif status == CONFLICT:

            def is_paid(payment: Payment | None) -> bool:
                return payment is not None and payment_response(payment)["status"] == "processing"

            self._check_was_true(invocation, versions, is_paid, response)

    def _create_checkout(self, invocation: Invocation, status: int, response: Any) -> None:
        about = invocation.about
        if status == CONFLICT and response["code"] == "idempotency_conflict" and about["amount"]:
            self.hit("a create for another amount under the same key is refused")
        if status != OK:
            return

        def is_true(payment: Payment | None) -> bool:
            if payment is None:
                return False
            order = payment.order
            amount = money.to_text(order.amount_minor, order.currency)
            payment_url = payment_response(payment)["payment_url"]
            if about["amount"] and money.to_major(order.amount_minor, order.currency) != Decimal(about["amount"]):
                return False
            return (order.user_id, order.package_id, amount, order.credits_purchased, payment_url) == (
                *(about["user"], about["package"], response["amount"], response["credits_purchased"]),
                response["payment_url"],
            )

        self._check_was_true(invocation, self._shadow.payments.get(response["payment_id"]), is_true, response)
        if about["key"] and "under_review" not in response:
            same = (response["payment_id"], session_of(response))
            if self._created.setdefault((about["user"], about["key"]), same) != same:
                raise Violation(f"the same create returned {same} and {self._created[about['user'], about['key']]}")

    def _spend_credits(self, invocation: Invocation, status: int, response: Any) -> None:
        self._shadow.lines.answered(invocation, status)
        if status == OK:
            self._check_change(invocation, TransactionType.SPENT, -invocation.about["amount"], response)
        elif status == CONFLICT:
            self._check_insufficient(invocation, invocation.about["amount"], response)

    def _adjust_credits(self, invocation: Invocation, status: int, response: Any) -> None:
        if status == OK:
            self._check_change(invocation, TransactionType.ADJUSTED, invocation.about["amount"], response)
        elif status == CONFLICT:
            self._check_insufficient(invocation, -invocation.about["amount"], response)

    def _grant_credits(self, invocation: Invocation, status: int, response: Any) -> None:
        about = invocation.about
        if status == CREATED:
            self._check_change(invocation, TransactionType.GRANTED, about["amount"], response)
        elif status == CONFLICT and response["code"] == "already_granted":
            self._check_not_made(invocation, response)
            account = self._shadow.account(about["user"])
            assert account
            if not any(entry.cause.metadata.get("campaign") == about["campaign"] for entry in account.entries):
                raise Violation(f"the campaign has given this user nothing: {response}")
            self.hit("a campaign gives a user nothing more")
        elif status == UNPROCESSABLE:
            self._check_not_made(invocation, response)
            if times.from_text(about["expires_at"]) > about["now"]:
                raise Violation(f"a grant with an expiry in the future was refused: {response}")

    def _check_change(self, invocation: Invocation, kind: TransactionType, amount: int, response: Any) -> None:
        """The ledger has the change, and no other request has the same one."""
        about = invocation.about
        request = (about["user"], about["key"])
        self._check_same(request, response)
        if self.confirmed.setdefault(response["transaction_id"], request) != request:
            raise Violation(f"two requests returned the same entry: {response}")
        account = self._shadow.account(about["user"])
        entries = account.entries if account else []
        entry = next((one for one in entries if one.transaction_id == response["transaction_id"]), None)
        if entry is None:
            raise Violation(f"a change was confirmed that the ledger does not have: {response}")
        if (entry.transaction_type, entry.amount, entry.balance_after) != (kind, amount, response["balance_after"]):
            raise Violation(f"the ledger's entry differs from the response: {response}")
        if response.get("lot_id") not in (None, *entry.moves):
            raise Violation(f"the response names another lot than the ledger: {response}")

    def _check_same(self, request: tuple[str, str], response: Any) -> None:
        if self._receipts.setdefault(request, response) != response:
            raise Violation(f"the same request returned {response} and {self._receipts[request]}")

    def _check_not_made(self, invocation: Invocation, response: Any) -> None:
        if (invocation.about["user"], invocation.about["key"]) in self._receipts:
            raise Violation(f"a request that was carried out is refused when it is repeated: {response}")

    def _check_insufficient(self, invocation: Invocation, amount: int, response: Any) -> None:
        self._check_not_made(invocation, response)
        self._check_short(invocation, lambda _account: amount, response)

    def _check_short(self, invocation: Invocation, wanted: Callable[[Account | None], int], response: Any) -> None:
        """The user had as much as the response says, and less than the request wanted of that very state."""
        if response["code"] != "insufficient_credits":
            raise Violation(f"{invocation.function} was refused: {response}")

        def is_true(account: Account | None) -> bool:
            lots = open_lots(account, invocation.about["now"]) if account else []
            balance = sum(lot.remaining for lot in lots) - (account.wallet.debt if account else 0)
            held = held_at(account, invocation.about["now"]) if account else 0
            said = (response["balance"], response["held"], response["available"])
            return said == (balance, held, balance - held) and wanted(account) > max(0, balance - held)

        self._check_was_true(invocation, self._shadow.accounts.get(invocation.about["user"]), is_true, response)

    def _refund_payment(self, invocation: Invocation, status: int, response: Any) -> None:
        about, versions = invocation.about, self._shadow.payments.get(invocation.about["payment"])
        check_answer(invocation, versions.last if versions else None)
        if status == ACCEPTED and response["message"] == refund_responses.UNRECORDED_REFUND:
            return  # it says that nothing is known
        if status in (OK, ACCEPTED):
            amount_minor = about["amount_minor"]

            def is_true(payment: Payment | None) -> bool:
                return payment is not None and any(
                    one.kind is Kind.REFUND
                    and response["refund_id"] in (one.stripe_id, one.reversal_id)
                    and response["credits_refunded"] == one.clawed_back
                    and response["success"] == (one.status in (ReversalStatus.PENDING, ReversalStatus.SUCCEEDED))
                    and amount_minor in (None, one.amount_minor)
                    for one in payment.reversals
                )

            self._check_was_true(invocation, versions, is_true, response)
        elif status == CONFLICT and response["code"] == "credits_spent" and about["force"]:
            raise Violation(f"a forced refund was refused: {response}")
        elif status == CONFLICT and response["code"] == "not_refundable":
            self._check_was_true(
                invocation, versions, lambda payment: is_not_refundable(payment, about["amount_minor"]), response
            )

        elif status == CONFLICT and response["code"] == "quote_stale":
            self._check_stale(invocation, response)

    def _check_stale(self, invocation: Invocation, response: Any) -> None:
        """A quote is refused only where something has changed since, or ended by itself."""
        about, quoted = invocation.about, invocation.about["quoted"]
        self.hit("a stale quote is refused")
        account = self._shadow.accounts[about["user"]]
        numbers = [*account.numbers, *self._shadow.payments[about["payment"]].numbers]
        has_changed = quoted is not None and max(numbers) > quoted.commit
        if not has_changed and not (quoted and quoted.may_be_stale(account.last, about["now"])):
            raise Violation(f"a quote was refused as stale, and nothing has changed since: {response}")

    def _quote_refund(self, invocation: Invocation, status: int, response: Any) -> None:
        """Its parts make the whole; whether it is true shows the refund that is made of it."""
        about, versions = invocation.about, self._shadow.payments.get(invocation.about["payment"])
        if status == OK:
            parts = response["from_own_lot"] + response["from_other_lots"] + response["debt"]
            is_of_the_amount = about["amount_minor"] in (None, round(response["amount"] * 100))
            if parts != response["credits_refunded"] or not is_of_the_amount:
                raise Violation(f"the parts of a quote are not the whole: {response}")
        elif status == CONFLICT:
            self._check_was_true(
                invocation, versions, lambda payment: is_not_refundable(payment, about["amount_minor"]), response
            )

    def _list_packages(self, _invocation: Invocation, status: int, response: Any) -> None:
        if status == OK and not is_listed(response, self._shadow.on_sale):
            raise Violation(f"list_packages showed what was never on sale: {response}")

    def _stripe_webhook(self, invocation: Invocation, status: int, response: Any) -> None:
        """2xx means that the effect is stored, and every event of Stripe's can be read."""
        about = invocation.about
        if response.get("code") == "invalid_event":
            raise Violation(f"{about['event_type']} ({about['subject'].get('status')}) was refused: {response}")
        payment = self._shadow.payment(about["payment"]) if about["payment"] else None
        if status != OK or payment is None:
            return
        order, event_type, subject = payment.order, about["event_type"], about["subject"]
        is_paid = subject.get("payment_status") == "paid" or subject.get("status") == "succeeded"
        intent = subject["id"] if subject["object"] == "payment_intent" else subject["payment_intent"]
        # The money of one that was refused goes back: it grants nothing, and waits for nobody any more.
        is_decided = intent in order.given_back_intents
        if event_type in PAID and is_paid and not (order.is_settled or order.quarantine_reason or is_decided):
            raise Violation(f"{event_type} was acknowledged, but nothing was granted")
        is_of_a_reversal = event_type.startswith(("refund.", "charge.dispute."))
        if is_of_a_reversal and order.is_settled and subject["payment_intent"] == order.transaction_id:
            known = [stripe_words(one) for one in payment.reversals if one.stripe_id == subject["id"]]
            # It says what the event says, or what was true at Stripe after it.
            if not known or not known[0] & set(about["later"]()):
                raise Violation(f"{event_type} ({subject['status']}) was acknowledged, but not recorded: {known}")

    # ------------------------------------------------------------------------------------------------- comparing

    def _check_was_true(
        self, invocation: Invocation, versions: Versions | None, is_true: Callable[[Any], bool], response: Any
    ) -> None:
        states = (versions or Versions()).between(invocation.first_commit, self._shadow.commit)
        if not any(is_true(state) for state in states):
            raise Violation(f"{invocation.function} returned what was not true at any time while it ran: {response}")


def _same(one: Invocation, other: Invocation, name: str) -> bool:
    return one.about.get(name) is not None and one.about.get(name) == other.about.get(name)
