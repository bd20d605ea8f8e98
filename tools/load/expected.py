"""A check of the credits that shares nothing with the product but its responses.

Bought + granted − spent − taken back = balance, and the ledger has every accepted spend and capture once.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

MONEY_IS_GONE = ("succeeded", "pending")  # a refund's status at Stripe


@dataclass(frozen=True)
class Purchase:
    """A payment that Stripe has taken."""

    user: str
    credits: int
    amount_minor: int
    intent: str
    payment_id: str = ""


@dataclass(frozen=True)
class Account:
    """What the API shows of a user at the end."""

    balance: int
    spends: list[tuple[str, int]]  # transaction id and amount, from the ledger


class Expected:
    """What the actors did. They append from many threads, which Python does atomically."""

    def __init__(self) -> None:
        self.purchases: list[Purchase] = []
        # User, transaction id and amount, as the API accepted them; captures of holds, too.
        self.spends: list[tuple[str, str, int]] = []
        self.granted: list[tuple[str, int]] = []
        self.without_response: list[str] = []

    def copy(self) -> "Expected":
        """What was done up to now."""
        copied = Expected()
        for name, values in vars(self).items():
            setattr(copied, name, list(values))
        return copied

    def violations(self, accounts: Mapping[str, Account], taken_minor: Mapping[str, int]) -> list[str]:
        """`taken_minor`: what Stripe has refunded or a bank has disputed, by payment intent, in minor units."""
        found = [f"{request} never got a response" for request in self.without_response]
        for user, account in accounts.items():
            found += [f"user {user}: {finding}" for finding in self._user(user, account, taken_minor)]
        return found

    def _user(self, user: str, account: Account, taken_minor: Mapping[str, int]) -> Iterator[str]:
        accepted = [(transaction_id, amount) for spender, transaction_id, amount in self.spends if spender == user]
        own = [purchase for purchase in self.purchases if purchase.user == user]
        bought, spent = sum(purchase.credits for purchase in own), sum(amount for _, amount in accepted)
        back = sum(
            purchase.credits * min(purchase.amount_minor, taken_minor.get(purchase.intent, 0)) // purchase.amount_minor
            for purchase in own
        )
        granted = sum(credits for to, credits in self.granted if to == user)
        if account.balance != bought + granted - spent - back:
            came = f"{bought} bought + {granted} granted" if granted else f"{bought} bought"
            yield f"balance {account.balance}, but {came} − {spent} spent − {back} taken back"
        for (name, amount), times in (Counter(accepted) - Counter(account.spends)).items():
            yield f"the ledger lacks the accepted spend {name} of {amount}, {times} times"
        for (name, amount), times in (Counter(account.spends) - Counter(accepted)).items():
            yield f"the ledger has the spend {name} of {amount} {times} times too often"


def taken_minor(refunds: Iterable[Mapping[str, Any]], disputes: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """By payment intent, from Stripe's own objects."""
    taken: Counter[str] = Counter()
    for refund in refunds:
        taken[refund["payment_intent"]] += refund["amount"] if refund["status"] in MONEY_IS_GONE else 0
    for dispute in disputes:
        taken[dispute["payment_intent"]] += dispute["amount"] if dispute["status"] != "won" else 0
    return taken
