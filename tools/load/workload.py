"""The planned jobs: the same for the same seed, in whatever order the threads do them."""

import random
from dataclasses import dataclass
from functools import partial

from tools.load.actors import DISPUTES, REFUNDS, Actors, Job

PACKAGES = ("trial", "standard", "value", "premium")
PAGES = ("credits", "transactions", "payments")
HOW_OFTEN = {"card": 80, "second card": 6, "alipay": 8, "alipay fails": 3, "leaves": 3}  # a buyer pays this way
REVERSED_SHARE = 0.25  # of the purchases
LARGEST_SPEND = 40  # credits
# A few users do many of the spends, so that spends from one wallet meet.
BUSIEST_FIRST = 3
CONTENDED_SHARE = 0.2  # of the spends
HANGS_UP_SHARE = 0.03  # of the spends: the caller hangs up before the response, and retries
LOOKS_PER_SPEND = 0.1
HOLDS_PER_SPEND = 0.1
FORGOTTEN_SHARE = 0.1  # of the holds
GIFT = 2_000  # credits


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much, by how many, for how long at most."""

    purchases: int
    spends: int
    users: int
    concurrency: int
    seed: int
    seconds: float
    name: str = "load"  # begins users' ids: another name is another run on the same stack

    @property
    def user_ids(self) -> list[str]:
        return [f"{self.name}-{number}" for number in range(1, self.users + 1)]


def plan(size: Size, actors: Actors) -> list[Job]:
    """Every user buys once, or is given credits where nobody buys; then everything else is mixed."""
    rng = random.Random(size.seed)  # noqa: S311 - no secret
    users = size.user_ids
    buys = [_buy(actors, number, users, rng) for number in range(size.purchases)]
    others = [*buys[len(users) :], *(_spend(actors, number, users, rng) for number in range(size.spends))]
    looks = range(int(size.spends * LOOKS_PER_SPEND))
    others += [partial(actors.look, rng.choice(users), rng.choice(PAGES)) for _ in looks]
    others += [_hold(actors, number, users, rng) for number in range(int(size.spends * HOLDS_PER_SPEND))]
    rng.shuffle(others)
    first: list[Job] = buys[: len(users)]
    if not size.purchases:
        first = [partial(actors.grant, f"grant-{number}", user, GIFT) for number, user in enumerate(users)]
    return [*first, *others]


def _buy(actors: Actors, number: int, users: list[str], rng: random.Random) -> Job:
    user, package = users[number % len(users)], rng.choice(PACKAGES)
    paying = rng.choices(list(HOW_OFTEN), list(HOW_OFTEN.values()))[0]
    reversing = rng.choice([*REFUNDS, *DISPUTES]) if rng.random() < REVERSED_SHARE else ""
    share = rng.choice([1.0, 0.5, 1 / 3, 0.1])  # of the price, that is reversed
    if number < len(users):  # the user's first purchase is plain, so that there is something to spend
        paying, reversing = "card", ""
    return partial(actors.buy, f"buy-{number}", user, package, paying, reversing, share)


def _spend(actors: Actors, number: int, users: list[str], rng: random.Random) -> Job:
    user = rng.choice(users[:BUSIEST_FIRST] if rng.random() < CONTENDED_SHARE else users)
    return partial(actors.spend, f"spend-{number}", user, rng.randint(1, LARGEST_SPEND), rng.random() < HANGS_UP_SHARE)


def _hold(actors: Actors, number: int, users: list[str], rng: random.Random) -> Job:
    amount = rng.randint(1, LARGEST_SPEND)
    captured = 0 if rng.random() < FORGOTTEN_SHARE else rng.randint(1, amount)
    return partial(actors.hold, f"hold-{number}", rng.choice(users), amount, captured)
