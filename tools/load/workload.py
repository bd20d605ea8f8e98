"""What a load run will do: the same for the same seed, whatever the threads make of its order."""

import random
from dataclasses import dataclass
from enum import StrEnum

PACKAGES = ("trial", "standard", "value", "premium")
LARGEST_SPEND = 40  # credits
# A few users do most of the spending, so that spends of one wallet meet.
BUSIEST_FIRST = 3
CONTENDED_SHARE = 0.2  # of the spends


class Paying(StrEnum):
    """How a buyer goes about paying."""

    CARD = "card"
    SECOND_CARD = "second card"  # after one that was declined
    ALIPAY = "alipay"
    ALIPAY_FAILS = "alipay fails"
    LEAVES = "leaves"


class Reversing(StrEnum):
    """How money goes back."""

    REFUND = "refund"
    FORCED_REFUND = "forced refund"
    DASHBOARD = "dashboard refund"
    DISPUTE_WON = "dispute won"
    DISPUTE_LOST = "dispute lost"
    DISPUTE_OPEN = "dispute open"


HOW_OFTEN = {Paying.CARD: 80, Paying.SECOND_CARD: 6, Paying.ALIPAY: 8, Paying.ALIPAY_FAILS: 3, Paying.LEAVES: 3}
REVERSED_SHARE = 0.25  # of the purchases
IMPATIENT_SHARE = 0.03  # of the spends: their caller hangs up before the answer, and asks again
LOOKS_PER_SPEND = 0.1


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much, by how many, for how long at most."""

    purchases: int
    spends: int
    users: int
    concurrency: int
    seed: int
    seconds: float


@dataclass(frozen=True)
class Buy:
    number: int
    user: str
    package: str
    paying: Paying
    reversing: Reversing | None
    share: float  # of the price that is reversed


@dataclass(frozen=True)
class Spend:
    number: int
    user: str
    amount: int
    impatient: bool


@dataclass(frozen=True)
class Look:
    """A user opens their account: credits, history or payments."""

    user: str
    page: str


Job = Buy | Spend | Look
PAGES = ("credits", "transactions", "payments")


def users_of(size: Size) -> list[str]:
    return [f"load-{number}" for number in range(1, size.users + 1)]


def plan(size: Size) -> list[Job]:
    """All jobs: every user buys once, and everything else is mixed."""
    rng = random.Random(size.seed)  # noqa: S311 - no secret
    users = users_of(size)
    buys = [_buy(number, users, rng) for number in range(size.purchases)]
    others: list[Job] = [*buys[len(users) :], *(_spend(number, users, rng) for number in range(size.spends))]
    others += [Look(rng.choice(users), rng.choice(PAGES)) for _ in range(int(size.spends * LOOKS_PER_SPEND))]
    rng.shuffle(others)
    return [*buys[: len(users)], *others]


def _buy(number: int, users: list[str], rng: random.Random) -> Buy:
    is_first = number < len(users)
    paying = rng.choices(list(HOW_OFTEN), list(HOW_OFTEN.values()))[0]
    reversing = rng.choice(list(Reversing)) if rng.random() < REVERSED_SHARE else None
    return Buy(
        number=number,
        user=users[number % len(users)],
        package=rng.choice(PACKAGES),
        paying=Paying.CARD if is_first else paying,
        reversing=None if is_first else reversing,
        share=rng.choice([1.0, 0.5, 1 / 3, 0.1]),
    )


def _spend(number: int, users: list[str], rng: random.Random) -> Spend:
    wallets = users[:BUSIEST_FIRST] if rng.random() < CONTENDED_SHARE else users
    return Spend(number, rng.choice(wallets), rng.randint(1, LARGEST_SPEND), rng.random() < IMPATIENT_SHARE)
