"""Check what must always hold: over one user's stored credits, or over one payment and its ledger entries.

Pure, so that the command, the tests and the simulation make the same checks. A finding is a sentence.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from topup.domain import audit_of_holds, audit_of_releases
from topup.domain.audit_of_entries import History, Origin
from topup.domain.credits import CAPTURES, Entry, Wallet
from topup.domain.holds import Hold, HoldStatus
from topup.domain.lots import Funding, Lot, Source
from topup.domain.orders import Order
from topup.domain.payments import Payment
from topup.domain.reversals import Kind, ReversalStatus, reversed_by
from topup.domain.reversed_spends import ReversedSpend
from topup.domain.takings import Clawback


@dataclass
class Account:
    """All of one user's credits; `timed_lots` are the ids of the lots and holds that have a timer.

    `clawbacks` are what each order's reversals have out, by payment id. `faults` says what is wrong with where the
    records are stored: that is the store's to find. `more` are the entries that follow `entries`, of a user who has too
    many for the memory.
    """

    user_id: str
    wallet: Wallet
    lots: list[Lot] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)  # in the order of their records
    timed_lots: set[str] = field(default_factory=set)
    clawbacks: dict[str, Clawback] = field(default_factory=dict)
    holds: list[Hold] = field(default_factory=list)
    reversed_spends: list[ReversedSpend] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    more: Iterable[Entry] = ()


@dataclass(frozen=True)
class StoredPayment:
    """A payment as it is stored; `payment` is None where its order is missing, `faults` as for an account."""

    payment_id: str
    payment: Payment | None
    faults: Sequence[str] = ()


@dataclass(frozen=True)
class PaymentLedger:
    """One payment in its user's ledger: grants, credits clawed back less restored, and what its lot lost to expiry."""

    grants: int = 0
    granted: int = 0
    clawed_back: int = 0
    lost_to_expiry: int = 0


def history_of(account: Account) -> History:
    """What all of the account's entries add up to."""
    history = History({lot.lot_id: lot.granted for lot in account.lots}, {one.spend for one in account.reversed_spends})
    return history.take_in(account.entries).take_in(account.more)


def payment_ledgers(account: Account, now: datetime, history: History | None = None) -> Mapping[str, PaymentLedger]:
    """Each payment in one user's ledger, by its id; `history` is that of the account, if it is known already."""
    history = history or history_of(account)
    lost = Counter[str]()
    for lot in account.lots:
        lost[lot.payment_id or ""] += lot.lost_to_expiry(now)
    return {
        payment_id: PaymentLedger(
            history.grants[payment_id],
            history.purchased[payment_id],
            history.clawed_back[payment_id],
            lost[payment_id],
        )
        for payment_id in history.grants.keys() | history.clawed_back.keys()
        if payment_id
    }


def audit_account(account: Account, now: datetime, history: History | None = None) -> list[str]:
    """Everything that is wrong with one user's credits; `history` is as above."""
    history = history or history_of(account)
    findings = [
        *account.faults,
        *history.findings,
        *_wallet(account, history),
        *_lots(account, history),
        *_money(account, history),
        *_open_lots(account, now),
        *_clawbacks(account, history),
        *_debts(account),
        *audit_of_holds.holds(account.holds, history, account.timed_lots, now),
        *audit_of_holds.reversed_spends(account.reversed_spends, history),
    ]
    return [f"user {account.user_id}: {finding}" for finding in findings]


def _wallet(account: Account, history: History) -> Iterator[str]:
    wallet = account.wallet
    expected = {
        "last entry": (wallet.last_entry, history.count),
        "balance": (wallet.balance, history.balance),
        "debt": (wallet.debt, history.debt),
        "credits earned": (wallet.total_credits_earned, history.earned),
        "balance against its lots": (wallet.balance, sum(lot.remaining for lot in account.lots) - wallet.debt),
    }
    for name, (stored, computed) in expected.items():
        if stored != computed:
            yield f"the wallet's {name} is {stored}, the ledger makes it {computed}"
    if wallet.debt < 0:
        yield f"the wallet's debt is {wallet.debt}"


def _lots(account: Account, history: History) -> Iterator[str]:
    moved, expired, origins = history.moved, history.expired, history.origins
    stored = {lot.lot_id: lot for lot in account.lots}
    if stored.keys() != origins.keys() or moved.keys() - stored.keys():
        yield f"the ledger knows the lots {sorted(origins.keys() | moved.keys())}, the table {sorted(stored)}"
    for lot in account.lots:
        granted = origins[lot.lot_id].credits if lot.lot_id in origins else None
        expected = (moved[lot.lot_id], granted, expired[lot.lot_id])
        if (lot.remaining, lot.granted, lot.expired_credits) != expected:
            yield f"lot {lot.lot_id}: (remaining, granted, expired) differ from the ledger's {expected}"
        if not 0 <= lot.remaining <= lot.granted:
            yield f"lot {lot.lot_id} has {lot.remaining} of {lot.granted} credits left"


def _money(account: Account, history: History) -> Iterator[str]:
    """A lot's money is that of the entry that brought it, and at no moment more or less of it is gone than there is."""
    lots = {lot.lot_id: lot for lot in account.lots}
    for lot_id, lot in lots.items():
        paid = _paid(lot, history.origins.get(lot_id), lots)
        if (lot.paid_minor, lot.funding is Funding.PAID) != (paid, paid > 0):
            yield f"lot {lot_id} ({lot.funding}) says that {lot.paid_minor} were paid for it, the ledger says {paid}"
    yield from history.too_many_gone


def _paid(lot: Lot, origin: Origin | None, lots: Mapping[str, Lot]) -> int:
    """What was paid for a lot, by the ledger: a lot that continues another one has its credits' share of that one's."""
    if origin is None:
        return 0
    if origin.continues is None:
        return origin.money_minor
    continued = lots.get(origin.continues)
    return continued.paid_minor * lot.granted // continued.granted if continued else 0


def _open_lots(account: Account, now: datetime) -> Iterator[str]:
    open_lots = [lot.lot_id for lot in account.lots if lot.is_open(now)]
    there = sum(lot.remaining for lot in account.lots if lot.is_open(now))
    # What a capture owes may stand beside credits that another hold reserves, until it is stored that this is over.
    reserved = sum(hold.left for hold in account.holds if hold.status is HoldStatus.OPEN)
    if account.wallet.debt > account.wallet.debts.get(CAPTURES, 0) and open_lots:
        yield f"credits are owed while these lots have some left: {open_lots}"
    elif account.wallet.debt > 0 and there > reserved:
        yield f"captures owe {account.wallet.debt} credits while no hold reserves {there - reserved} that are left"
    expiring = [lot.lot_id for lot in account.lots if lot.is_open(now) and lot.expires_at]
    untimed = [lot_id for lot_id in expiring if lot_id not in account.timed_lots]
    if untimed:
        yield f"nothing will expire these lots in time: {untimed}"


def audit_stored_payment(stored: StoredPayment, ledger: PaymentLedger) -> list[str]:
    """Everything that is wrong with one payment and with where its records are stored."""
    findings = [f"payment {stored.payment_id}: {fault}" for fault in stored.faults]
    if stored.payment:
        return findings + audit_payment(stored.payment, ledger)
    return findings or [f"payment {stored.payment_id}: its refunds and disputes are there, its order is not"]


def _clawbacks(account: Account, history: History) -> Iterator[str]:
    """What the orders have out is what the ledger says, and can be found again."""
    for payment_id, out in account.clawbacks.items():
        taken = history.clawed_back[payment_id]
        if out.is_whole and out.credits != taken:
            yield f"payment {payment_id} has {out.credits} credits out, the ledger says {taken}"
        if any(taking.credits <= 0 for taking in out.takings) or out.owed < 0:
            yield f"payment {payment_id} has {out.owed} credits owed, or has taken none from a lot"
        yield from _named_lots(out, account)
    for lot in account.lots:
        known = account.clawbacks.get(lot.payment_id or "")
        if lot.source is Source.RESTORED and lot.payment_id and not (known and lot.lot_id in known.continued_by):
            yield f"payment {lot.payment_id} does not know that lot {lot.lot_id} continues its own"


def _debts(account: Account) -> Iterator[str]:
    """What the wallet owes for orders is what these say, and no more than it owes."""
    for payment_id, owed in account.wallet.debts.items():
        if payment_id == CAPTURES:
            continue
        known = account.clawbacks.get(payment_id)
        if known is None or not 0 < owed <= known.owed:
            yield f"the wallet owes {owed} credits for payment {payment_id}, which says {known.owed if known else 0}"
    if sum(account.wallet.debts.values()) > max(0, account.wallet.debt):
        yield f"the wallet owes more for its orders than its debt of {account.wallet.debt}"


def _named_lots(out: Clawback, account: Account) -> Iterator[str]:
    """A claw-back finds lots by their id and expiry: those that credits return to, and those that continue its own."""
    lots = {lot.lot_id: lot for lot in account.lots}
    named = [*((taking.lot_id, taking.expires_at) for taking in out.takings), *out.continued_by.items()]
    for lot_id, expires_at in named:
        if lot_id in lots and lots[lot_id].expires_at != expires_at:
            is_until = lots[lot_id].expires_at
            yield f"payment {out.payment_id} looks for lot {lot_id} until {expires_at}, which expires at {is_until}"
    if gone := out.continued_by.keys() - lots.keys():
        yield f"payment {out.payment_id} names lots that are not there: {sorted(gone)}"


def audit_payment(payment: Payment, ledger: PaymentLedger) -> list[str]:
    """Everything that is wrong with one payment, given its user's ledger."""
    order = payment.order
    own = audit_of_releases.findings(order)
    findings = [*_grant(order, ledger), *_figures(payment), *_claw_back(order, ledger), *own]
    return [f"payment {payment.order.payment_id}: {finding}" for finding in findings]


def _grant(order: Order, ledger: PaymentLedger) -> Iterator[str]:
    expected = (1, order.credits_purchased) if order.is_settled else (0, 0)
    if (ledger.grants, ledger.granted) != expected:
        yield f"{order.status}: granted {ledger.grants} times, {ledger.granted} of {order.credits_purchased} credits"


def _figures(payment: Payment) -> Iterator[str]:
    order = payment.order
    for kind, figure in ((Kind.REFUND, order.refunded_minor), (Kind.DISPUTE, order.disputed_minor)):
        counted = reversed_by(kind, payment.reversals)
        if counted != figure:
            yield f"{kind}s make {counted}, the order says {figure}"
    # Stripe may still refuse a refund in flight because another one was faster.
    made = sum(
        one.reversed_minor
        for one in payment.reversals
        if one.kind is Kind.REFUND and one.status is not ReversalStatus.IN_FLIGHT
    )
    if made > order.charged_minor:
        yield f"refunded {made} of {order.charged_minor}"


def _claw_back(order: Order, ledger: PaymentLedger) -> Iterator[str]:
    if order.clawed_back != ledger.clawed_back:
        yield f"clawed back {order.clawed_back} credits, the ledger says {ledger.clawed_back}"
    if not 0 <= order.clawed_back <= order.credits_due_back:
        yield f"clawed back {order.clawed_back} credits of at most {order.credits_due_back}"
    if order.credits_due_back - order.clawed_back > ledger.lost_to_expiry:
        yield f"clawed back {order.clawed_back} credits, {order.credits_due_back} are due, too few have expired"
