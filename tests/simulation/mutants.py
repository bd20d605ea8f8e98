"""Mutants: the code with a planted defect of a kind that such systems are known for, each a small edit at import.

`make simulate-bugs` plants one after the other and counts the seeds until the simulation finds it.
"""

from tests.simulation.mutants_of_commands import MUTANTS_OF_COMMANDS
from tests.simulation.mutants_of_credits import MUTANTS_OF_CREDITS
from tests.simulation.mutants_of_events import MUTANTS_OF_EVENTS
from tests.simulation.mutants_of_holds import MUTANTS_OF_HOLDS
from tests.simulation.mutants_of_money import MUTANTS_OF_MONEY
from tests.simulation.mutants_of_sales import MUTANTS_OF_SALES
from tests.simulation.planting import Edit, Mutant

TIMERS = "        for item in (credit_items.lot_to_item(lot), *_timer_items(lot))\n    ]\n"
STATE = "    return None if order.is_settled else _settlement("
NO_STATE = "    return _settlement("
HANDLE = "    if isinstance(update, ReversalUpdate):\n        return clawback.apply(update, now)\n"
MARKED = "    if event['id'] in SEEN:\n        return False\n"
SEEN = Edit("topup.webhooks", "def handle(", "SEEN: set[str] = set()\n\n\ndef handle(")
DUE_BY_THEN = "payment.order.credits_due_for(by_then) - expired"
AT_MOST_ALL = "min(self.charged_minor, {0})"

# An order that may grant again, in its own state and by the credits that it has granted.
GRANTS_AGAIN = (
    Edit("topup.domain.order_updates", STATE, NO_STATE),
    Edit("topup.domain.order_updates", "    if _is_told_already(order, payment):\n        return None\n", ""),
    Edit(
        "topup.store.lot_writes",
        TIMERS,
        "        for item in (credit_items.lot_to_item(lot),)\n"
        "    ] + [write for lot in lots for write in _timer_writes(lot)]\n",
    ),
)

MUTANTS_OF_PAYMENTS = (
    Mutant("grant before the check", 100, GRANTS_AGAIN),
    Mutant(
        "dedupe by event id alone",
        100,
        (
            *GRANTS_AGAIN,
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
                "        parts[0] += lived\n",
                "        parts[0] += payment.order.credits_due_for(lived)\n",
            ),
            Edit(
                "topup.domain.payments",
                "+= known.reversed_minor - lived\n",
                "+= payment.order.credits_due_for(known.reversed_minor - lived)\n",
            ),
            Edit("topup.domain.payments", DUE_BY_THEN, "min(payment.order.credits_purchased, by_then) - expired"),
        ),
    ),
    Mutant(
        "refund without Stripe's key",
        1000,
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
        2000,
        (Edit("topup.domain.order_updates", "    if RANK[status] <= RANK[order.status]:\n        return order\n", ""),),
    ),
    Mutant(
        "dispute and refund both claw back",
        500,
        (
            Edit(
                "topup.domain.orders",
                AT_MOST_ALL.format("self.refunded_minor + self.disputed_minor"),
                "self.refunded_minor + self.disputed_minor",
            ),
            Edit("topup.domain.orders", AT_MOST_ALL.format("reversed_minor"), "reversed_minor"),
        ),
    ),
    Mutant(
        "restore twice",
        500,
        (
            Edit(
                "topup.domain.clawbacks",
                "clawback=replace(left, owed=out.owed - cancelled).with_addition(own)",
                "clawback=out.with_addition(own)",
            ),
        ),
    ),
    Mutant(
        "acknowledged before it is stored",
        200,
        (
            Edit(
                "topup.fulfilment",
                "        change = _record(change)\n",
                "        try:\n            change = _record(change)\n"
                "        except Exception as error:\n            logger.error('ignored', reason=str(error))\n",
            ),
        ),
    ),
    Mutant(
        "an unpaid Alipay session is fulfilled",
        400,
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
        "a reversal gives back what it took itself",
        500,
        (
            Edit(
                "topup.domain.payments",
                "    cause = _cause(payment.order, before, after, money_minor, is_taken=more_money > 0)\n",
                "    if before and before.reversed_minor > after.reversed_minor:\n"
                "        more = -min(before.clawed_back, payment.out.credits)\n"
                "    cause = _cause(payment.order, before, after, money_minor, is_taken=more_money > 0)\n",
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
        500,
        (
            Edit(
                "topup.domain.payments",
                "    if RANK[update.status] <= RANK[before.status] and not is_current:\n        return known\n",
                "",
            ),
        ),
    ),
)

MUTANTS = (
    *MUTANTS_OF_PAYMENTS,
    *MUTANTS_OF_SALES,
    *MUTANTS_OF_MONEY,
    *MUTANTS_OF_CREDITS,
    *MUTANTS_OF_EVENTS,
    *MUTANTS_OF_HOLDS,
    *MUTANTS_OF_COMMANDS,
)
