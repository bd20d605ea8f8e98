"""What each way to end a quarantine would do, for whoever decides."""

from dataclasses import dataclass

from topup.domain.errors import NotReleasable


@dataclass(frozen=True, kw_only=True)
class FulfilQuote:
    """What granting the credits would do.

    `credits` would be granted now, of which `to_debt` pay what the user owes. Of them, `taken_back` go again at once,
    for refunds and disputes that stand; or of those that a lost record granted before, if it has not taken them back.
    """

    credits: int
    to_debt: int
    taken_back: int


@dataclass(frozen=True, kw_only=True)
class ReleaseQuote:
    """What both ways to end the quarantine of a payment would do; in place of one that is refused, why.

    `paid_minor` came in, of which `returned_minor` have gone back and `refund_minor` would; all in `currency`, which is
    None where Stripe has no money of it.
    """

    intent: str | None
    currency: str | None = None
    paid_minor: int = 0
    returned_minor: int = 0
    fulfil: FulfilQuote | NotReleasable
    refund_minor: int | NotReleasable
