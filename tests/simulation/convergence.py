"""The end of a run: once the faults have ended, everything must agree with Stripe."""

from typing import TYPE_CHECKING, Any

from tests.simulation.actions import HALF_A_YEAR, USERS
from tests.simulation.grants import NEVER
from tests.simulation.rules import Violation
from topup.domain import audit
from topup.domain.audit import PaymentLedger
from topup.domain.payments import Payment
from topup.domain.reversals import REVERSES, Kind, ReversalStatus
from topup.store import credit_items

if TYPE_CHECKING:
    from tests.simulation.world import World

MOST_ROUNDS = 5
EXPIRES_ALL = 4  # every fourth seed continues until all credits have expired


def converge(world: "World") -> None:
    """End the faults, let Stripe redeliver and reconcile run, and check that all agree; raises Violation."""
    world.stop_faults()
    world.scheduler.run_for(7200.0)
    for _ in range(MOST_ROUNDS):
        world.scheduler.run_for(26 * 3600.0)
        report = world.reconcile_surely(sweep_after_hours=0)
        if not report["repaired"]:
            break
    else:
        raise Violation(f"reconcile finds more to repair every time: {report}")
    if report["failures"] or report["stuck"] or not report["complete"]:
        raise Violation(f"reconcile cannot repair something: {report}")
    _finish_changes(world)
    check(world)
    if world.plan.seed % EXPIRES_ALL == 0:
        world.scheduler.run_for(HALF_A_YEAR)
        world.reconcile_surely(sweep_after_hours=0)
        check(world)
        _all_expired(world)


def _finish_changes(world: "World") -> None:
    """The next change of a user's credits finishes one of many lots that was interrupted; raises Violation."""
    for user, versions in world.shadow.accounts.items():
        if versions.last.wallet.unfinished:
            world.hit("the next change finishes one that was interrupted")
            world.actions.grant(user=USERS.index(user), amount=1, expires=NEVER, tries=1, twice=False)
    world.finish_calls()
    if left := [user for user, versions in world.shadow.accounts.items() if versions.last.wallet.unfinished]:
        raise Violation(f"a change of many lots was not finished: {left}")


def check(world: "World") -> None:
    """Check all that must hold when nothing is in progress."""
    now = world.scheduler.now
    ledgers: dict[str, PaymentLedger] = {}
    findings: list[str] = []
    for versions in world.shadow.accounts.values():
        findings += audit.audit_account(versions.last, now)
        ledgers |= audit.payment_ledgers(versions.last, now)
    for payment_id, versions in world.shadow.payments.items():
        findings += audit.audit_payment(versions.last, ledgers.get(payment_id, PaymentLedger()))
        findings += _against_stripe(world, versions.last)
    findings += _misplaced_lots(world)
    findings += _confirmed(world)
    if findings:
        raise Violation("; ".join(findings))


def _against_stripe(world: "World", payment: Payment) -> list[str]:
    """The differences between Stripe's record of a payment and ours."""
    order, tables = payment.order, world.simulator._world.tables
    intents = [one for one in tables["payment_intent"].values() if one["metadata"].get("order_id") == order.payment_id]
    charges = [
        one for one in tables["charge"].values() if one["payment_intent"] in {intent["id"] for intent in intents}
    ]
    paid = [charge for charge in charges if charge["status"] == "succeeded"]
    refunds = [one for one in tables["refund"].values() if one["charge"] in {charge["id"] for charge in paid}]
    disputes = [one for one in tables["dispute"].values() if one["charge"] in {charge["id"] for charge in paid}]
    ours = {kind: {one.stripe_id: one for one in payment.reversals if one.kind is kind} for kind in Kind}
    findings = []
    if len(paid) > 1:
        findings.append(f"was paid {len(paid)} times")
    if bool(paid) != order.is_settled:
        findings.append(f"is {order.status}, at Stripe {'paid' if paid else 'unpaid'}")
    if order.is_unfinished and not any(charge["status"] == "pending" for charge in charges):
        findings.append(f"is still {order.status}")
    findings += _reversals("refund", refunds, ours[Kind.REFUND], order.refunded_minor)
    findings += _reversals("dispute", disputes, ours[Kind.DISPUTE], order.disputed_minor)
    if any(one.status is ReversalStatus.IN_FLIGHT for one in payment.reversals):
        findings.append("has a refund in flight")
    return [f"payment {order.payment_id} {finding}" for finding in findings]


def _reversals(what: str, theirs: list[Any], ours: Any, figure: int) -> list[str]:
    status = sum(one["amount"] for one in theirs if ReversalStatus(one["status"]) in REVERSES)
    findings = [f"has {what}s of {figure}, at Stripe {status}"] if status != figure else []
    findings += [
        f"does not know that {what} {one['id']} is {one['status']}"
        for one in theirs
        if one["id"] not in ours or ours[one["id"]].status != one["status"]
    ]
    # Stripe has no record of a refund that it refused.
    at_stripe = {one["id"] for one in theirs}
    return findings + [
        f"has a {what} that Stripe does not know: {known.reversal_id}"
        for known in ours.values()
        if known.stripe_id not in at_stripe and known.status is not ReversalStatus.REFUSED
    ]


def _misplaced_lots(world: "World") -> list[str]:
    """Lots that every spend reads although they have no credits, or that none reads although they have some."""
    return [
        f"{record} of {user} has {item['remaining']['N']} credits"
        for user, records in world.database.items(world.database.credits).items()
        for record, item in records.items()
        if record.startswith((credit_items.LOT, credit_items.EMPTY_LOT))
        and record.startswith(credit_items.LOT) != (item["remaining"]["N"] != "0")
    ]


def _confirmed(world: "World") -> list[str]:
    """Every spend, grant and adjustment that was confirmed is in the ledger."""
    entries = {entry.transaction_id for versions in world.shadow.accounts.values() for entry in versions.last.entries}
    return [f"the change {confirmed} is gone" for confirmed in world.checker.confirmed if confirmed not in entries]


def _all_expired(world: "World") -> None:
    now = world.scheduler.now
    left = [
        lot.lot_id
        for versions in world.shadow.accounts.values()
        for lot in versions.last.lots
        if lot.remaining and lot.is_expired(now)
    ]
    if left:
        raise Violation(f"credits that have expired are still there: {left}")
