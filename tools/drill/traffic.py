"""What customers, services and administrators do before the moment, and in the gap between it and the loss."""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from local.client import Client, Json
from tools.load import workers
from tools.load.actors import DISPUTES, Actors, Job
from tools.load.expected import Expected, Purchase
from tools.load.stats import Stats
from tools.load.workload import LARGEST_SPEND, PACKAGES, Size, plan

Say = Callable[[str], None]
# What other people and systems do with credits, and would have to do again: the method of `Actors`, and its arguments.
Request = tuple[str, tuple[Any, ...]]


def _spends(made: Iterable[tuple[str, str, int]]) -> Counter[str]:
    return Counter(f"{amount} of {user}" for user, _, amount in made)


@dataclass
class Traffic:
    """One drill's customers. `expected` is all that they did; `at_moment` what they had done when it was backed up."""

    client: Client
    size: Size
    say: Say
    stats: Stats = field(default_factory=Stats)
    expected: Expected = field(default_factory=Expected)
    at_moment: Expected = field(default_factory=Expected)
    open_orders: list[tuple[str, Json]] = field(default_factory=list)  # user and payment, unpaid at the moment
    open_holds: list[tuple[str, str, Json]] = field(default_factory=list)  # key, user and hold, open at the moment
    requests: list[Request] = field(default_factory=list)  # of the gap
    reversed: list[str] = field(default_factory=list)  # how, in the gap

    def actors(self, expected: Expected | None = None) -> Actors:
        return Actors(self.client, expected or self.expected, self.stats)

    def run(self, jobs: Sequence[Job], expected: Expected | None = None) -> None:
        """Do the jobs, several at once."""
        workers.run(list(jobs), self.size, expected or self.expected, self.say)

    # --------------------------------------------------------------------------------------------------- the moment

    def before(self) -> None:
        """Traffic of every kind; at its end some orders are unpaid, and some holds open."""
        actors = self.actors()
        self.run(plan(self.size, actors))
        for number, user in enumerate(self.size.user_ids):
            self.open_orders.append((user, actors.order(f"late-{number}", user, "trial")))
            if hold := actors.open_hold(f"late-hold-{number}", user, 5):
                self.open_holds.append((f"late-hold-{number}", user, hold))

    def remember(self) -> None:
        """This is the moment."""
        self.at_moment = self.expected.copy()

    # ------------------------------------------------------------------------------------------------------ the gap

    def gap(self) -> None:
        """Old orders are paid, refunded and disputed, new ones placed and paid; credits are spent, held and given."""
        rng = random.Random(self.size.seed + 1)  # noqa: S311 - no secret
        actors, users = self.actors(), self.size.user_ids
        money: list[Job] = [
            partial(actors.pay, "", user, payment, "card", "", 1.0) for user, payment in self.open_orders[:-1]
        ]
        money += [partial(self._reverse, purchase, rng.choice(["refund", *DISPUTES])) for purchase in self._plain(rng)]
        money += [
            partial(actors.buy, f"gap-buy-{number}", user, rng.choice(PACKAGES), "card", "", 1.0)
            for number, user in enumerate(users[: max(2, len(users) // 2)])
        ]
        self.requests += [("capture", (key, user, hold, 3)) for key, user, hold in self.open_holds]
        for number in range(max(4, self.size.spends // 3)):
            user, amount = rng.choice(users), rng.randint(1, LARGEST_SPEND)
            self.requests.append(("spend", (f"gap-spend-{number}", user, amount, False)))
            if number % 4 == 0:
                self.requests.append(("hold", (f"gap-hold-{number}", user, amount, amount)))
                self.requests.append(("grant", (f"gap-grant-{number}", user, amount)))
        jobs = [*money, *self._jobs(actors)]
        rng.shuffle(jobs)
        self.run(jobs)

    def pay_while_it_is_down(self) -> bool:
        """Stripe's page works, whatever has happened to the stack: one more old order is paid, if one is left."""
        user, payment = self.open_orders[-1]
        if any(one.payment_id == payment["payment_id"] for one in self.expected.purchases):
            return False
        intent = str(self.client.stripe.pay(payment)["payment_intent"])
        self.expected.purchases.append(self.actors().purchase(user, payment, intent))
        return True

    def repeat_requests(self, known: Expected) -> list[str]:
        """Every service and administrator sends the requests of the gap again, with their keys; those refused now."""
        before = len(known.spends)
        self.run(self._jobs(self.actors(known)), known)
        return sorted((_spends(self.lost_spends()) - _spends(known.spends[before:])).elements())

    def lost_spends(self) -> list[tuple[str, str, int]]:
        """Spends and captures of the gap: user, transaction and amount."""
        return self.expected.spends[len(self.at_moment.spends) :]

    def lost_orders(self) -> dict[str, Purchase]:
        """Those that were placed, and paid, after the moment: by payment id."""
        known = {payment["payment_id"] for _, payment in self.open_orders}
        known |= {purchase.payment_id for purchase in self.at_moment.purchases}
        return {one.payment_id: one for one in self.expected.purchases if one.payment_id not in known}

    def recoverable(self) -> Expected:
        """What must be known after reconcile: what had been done at the moment, and what Stripe knows of its orders."""
        lost, known = self.lost_orders(), self.at_moment.copy()
        known.purchases = [one for one in self.expected.purchases if one.payment_id not in lost]
        return known

    def _jobs(self, actors: Actors) -> list[Job]:
        return [partial(getattr(actors, name), *arguments) for name, arguments in self.requests]

    def _plain(self, rng: random.Random) -> list[Purchase]:
        """Some old purchases whose money nobody has taken back yet."""
        stripe = self.client.stripe
        touched = {one["payment_intent"] for path in ("/refunds", "/disputes") for one in stripe.listed(path)}
        plain = [one for one in self.expected.purchases if one.intent not in touched]
        return rng.sample(plain, min(len(plain), max(3, len(plain) // 4)))

    def _reverse(self, purchase: Purchase, how: str) -> Sequence[Job]:
        """In the Dashboard, or by the bank: half of the money."""
        stripe, amount = self.client.stripe, purchase.amount_minor // 2
        self.reversed.append(how)
        if how == "refund":
            stripe.refund(purchase.intent, amount)
            return []
        dispute = stripe.dispute(purchase.intent, amount)
        if ending := DISPUTES[how]:
            stripe.close_dispute(dispute, ending)
        return []
