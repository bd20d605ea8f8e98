"""Mutants: the code with a planted defect of a kind that such systems are known for, each a small edit at import.

`make simulate-bugs` plants one after the other and counts the seeds until the simulation finds it.
"""

from tests.simulation.mutants_of_credits import MUTANTS_OF_CREDITS
from tests.simulation.planting import Edit, Mutant

STATE = "    if order.is_settled:\n        return None\n    lot = new_lot"
NO_STATE = "    lot = new_lot"
HANDLE = "    if isinstance(update, ReversalUpdate):\n        return clawback.apply(update, now)\n"
MARKED = "    if event['id'] in SEEN:\n        return False\n"
SEEN = Edit("topup.webhooks", "def handle(", "SEEN: set[str] = set()\n\n\ndef handle(")
DUE = "    due = order.credits_due_back - payment.order.credits_due_back"
MORE = "    more = after.reversed_minor - (before.reversed_minor if before else 0)"

MUTANTS_OF_PAYMENTS = (
    Mutant("grant before the check", 100, (Edit("topup.domain.order_updates", STATE, NO_STATE),)),
    Mutant(
        "dedupe by event id alone",
        100,
        (
            Edit("topup.domain.order_updates", STATE, NO_STATE),
            SEEN,
            Edit("topup.webhooks", HANDLE, f"{MARKED}    SEEN.add(event['id'])\n{HANDLE}"),
        ),
    ),
    Mutant(
        "marker before the work",
        200,
        (SEEN, Edit("topup.webhooks", HANDLE, f"{MARKED}    SEEN.add(event['id'])\n{HANDLE}")),
    ),
    Mutant(
        "floor on each refund",
        500,
        (
            Edit(
                "topup.domain.payments",
                DUE,
                "    share = after.reversed_minor - (before.reversed_minor if before else 0)\n"
                "    due = int(order.credits_purchased * share / order.amount_minor)",
            ),
        ),
    ),
    Mutant(
        "refund without Stripe's key",
        2000,
        (
            Edit(
                "topup.stripe_gateway.refunds",
                '            {"idempotency_key": _idempotency_key(refund)},\n',
                "            {},\n",
            ),
        ),
    ),
    Mutant(
        "a status moves backwards",
        500,
        (Edit("topup.domain.order_updates", "    if RANK[status] <= RANK[order.status]:\n        return order\n", ""),),
    ),
    Mutant(
        "dispute and refund both claw back",
        1000,
        (
            Edit(
                "topup.domain.orders",
                "return min(self.amount_minor, self.refunded_minor + self.disputed_minor)",
                "return self.refunded_minor + self.disputed_minor",
            ),
        ),
    ),
    Mutant(
        "restore twice",
        500,
        (
            Edit(
                "topup.domain.payments",
                "    if after == before:\n        return None\n    order = _with_figures",
                "    order = _with_figures",
            ),
            Edit(
                "topup.domain.payments",
                MORE,
                f"{MORE}\n    if after.status in ('failed', 'won'):\n        more = -after.amount_minor",
            ),
        ),
    ),
    Mutant(
        "acknowledged before it is stored",
        200,
        (
            Edit(
                "topup.fulfilment",
                "    if change:\n        _warn_of_quarantine(change)\n        store.record_order_change(change)\n",
                "    try:\n        store.record_order_change(change) if change else None\n"
                "    except Exception as error:\n        logger.error('ignored', reason=str(error))\n",
            ),
        ),
    ),
    Mutant(
        "an unpaid Alipay session is fulfilled",
        200,
        (
            Edit(
                "topup.stripe_gateway.translation",
                "    if payment_status in PAID:\n",
                '    if payment_status in (*PAID, "unpaid"):\n',
            ),
        ),
    ),
    Mutant(
        "an expiry counts before it is swept",
        3000,
        (Edit("topup.clawback", "    _sweep(settled, now)\n", ""),),
    ),
    Mutant(
        "a reversal gives back more than is still out",
        2000,
        (
            Edit(
                "topup.domain.payments",
                "own = min(due, payment.order.clawed_back, before.clawed_back if before else 0)",
                "own = min(due, before.clawed_back if before else 0)",
            ),
        ),
    ),
    Mutant(
        "no one resumes a refund in flight",
        200,
        (
            Edit(
                "topup.reconciliation.own_work",
                "known.status is ReversalStatus.IN_FLIGHT and",
                "known.status is None and",
            ),
        ),
    ),
    Mutant(
        "a refund's outcome is recorded whatever its status",
        2000,
        (Edit("topup.domain.payments", "if RANK[update.status] > RANK[before.status] else known", ""),),
    ),
)

MUTANTS = (*MUTANTS_OF_PAYMENTS, *MUTANTS_OF_CREDITS)
