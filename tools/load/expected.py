"""The load's own bookkeeping: what it did, counted apart from the product, and what must follow from that."""

import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

MONEY_IS_GONE = ("succeeded", "pending")  # a refund's standing at Stripe
WON = "won"


@dataclass
class Purchase:
    """A payment that Stripe has taken: `amount_minor` in minor units; `disputes`: amount and standing of each."""

    payment_id: str
    user: str
    credits: int
    amount_minor: int
    intent: str
    disputes: dict[str, tuple[int, str]] = field(default_factory=dict)

    def taken_back(self, refunded_minor: int) -> int:
        """How many of its credits must be gone."""
        disputed = sum(amount for amount, standing in self.disputes.values() if standing != WON)
        return self.credits * min(self.amount_minor, refunded_minor + disputed) // self.amount_minor


@dataclass
class Seen:
    """What the product's answers say of a user in the end."""

    balance: int
    entries: list[Mapping[str, Any]]

    def amounts(self, *kinds: str) -> int:
        return sum(entry["amount"] for entry in self.entries if entry["transaction_type"] in kinds)


class Books:
    """Filled by many threads at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.purchases: list[Purchase] = []
        self.spends: dict[str, list[tuple[str, int]]] = defaultdict(list)
        self.unanswered: list[str] = []

    def bought(self, purchase: Purchase) -> None:
        with self._lock:
            self.purchases.append(purchase)

    def spent(self, user: str, transaction_id: str, amount: int) -> None:
        with self._lock:
            self.spends[user].append((transaction_id, amount))

    def never_answered(self, what: str) -> None:
        with self._lock:
            self.unanswered.append(what)

    def violations(self, seen: Mapping[str, Seen], refunds: Iterable[Mapping[str, Any]]) -> list[str]:
        """Everything in which the product's answers differ from what was done; `refunds` are all of Stripe's."""
        refunded: Counter[str] = Counter()
        for refund in refunds:
            refunded[refund["payment_intent"]] += refund["amount"] if refund["status"] in MONEY_IS_GONE else 0
        found = [f"{what} was never answered" for what in self.unanswered]
        for user, account in seen.items():
            found += [f"user {user}: {finding}" for finding in self._user(user, account, refunded)]
        return found

    def _user(self, user: str, seen: Seen, refunded: Counter[str]) -> Iterator[str]:
        own = [purchase for purchase in self.purchases if purchase.user == user]
        bought = sum(purchase.credits for purchase in own)
        back = sum(purchase.taken_back(refunded[purchase.intent]) for purchase in own)
        spent = sum(amount for _, amount in self.spends[user])
        figures = {
            "bought": (seen.amounts("purchased"), bought),
            "spent": (-seen.amounts("spent"), spent),
            "taken back": (-seen.amounts("refunded", "refund_reversed", "disputed", "dispute_reversed"), back),
            "left": (seen.balance, bought - spent - back),
        }
        for name, (told, expected) in figures.items():
            if told != expected:
                yield f"{told} credits {name}, where the load's own books have {expected}"
        yield from self._spends(user, seen)

    def _spends(self, user: str, seen: Seen) -> Iterator[str]:
        accepted = Counter(self.spends[user])
        recorded = Counter(
            (entry["id"], -entry["amount"]) for entry in seen.entries if entry["transaction_type"] == "spent"
        )
        for (transaction_id, amount), times in (accepted - recorded).items():
            yield f"the spend {transaction_id} of {amount} was accepted {times} times too often for the ledger"
        for (transaction_id, amount), times in (recorded - accepted).items():
            yield f"the ledger has the spend {transaction_id} of {amount} {times} times too often"
