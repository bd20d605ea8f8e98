"""Mutants: the code with a planted defect of a kind that such systems are known for, each a small edit at import.

`make simulate-bugs` plants one after the other and counts the seeds until the simulation finds it.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from local import ROOT


@dataclass(frozen=True)
class Edit:
    """A text that a module has exactly once, and its replacement."""

    module: str
    old: str
    new: str


@dataclass(frozen=True)
class Mutant:
    """A planted defect, and the number of seeds within which the simulation must find it."""

    name: str
    within: int
    edits: tuple[Edit, ...]


STATE = "    if order.is_settled:\n        return None\n    lot = new_lot"
NO_STATE = "    lot = new_lot"
HANDLE = "    if isinstance(update, ReversalUpdate):\n        return clawback.apply(update, now)\n"
MARKED = "    if event['id'] in SEEN:\n        return False\n"
SEEN = Edit("topup.webhooks", "def handle(", "SEEN: set[str] = set()\n\n\ndef handle(")
ENTRY = '"Item": credit_items.entry_to_item(change.entry),\n                "ConditionExpression": NOT_YET_WRITTEN,'
DUE = "    due = order.credits_due_back - payment.order.credits_due_back"
MORE = "    more = after.reversed_minor - (before.reversed_minor if before else 0)"

MUTANTS = (
    Mutant("grant before the check", 100, (Edit("topup.domain.orders", STATE, NO_STATE),)),
    Mutant(
        "dedupe by event id alone",
        100,
        (
            Edit("topup.domain.orders", STATE, NO_STATE),
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
        "ADD without a condition",
        200,
        (
            Edit("topup.store.credits", '"last_entry = :last_entry_read"', '":last_entry_read = :last_entry_read"'),
            Edit("topup.store.credits", '"remaining = :remaining_read"', '":remaining_read = :remaining_read"'),
            Edit("topup.store.credits", ENTRY, '"Item": credit_items.entry_to_item(change.entry),'),
        ),
    ),
    Mutant(
        "no check of what remains",
        100,
        (
            Edit(
                "topup.domain.credits",
                "    if amount > balance:\n        raise InsufficientCredits(balance)\n    drawn",
                "    drawn",
            ),
        ),
    ),
    Mutant(
        "an expired lot is spendable",
        500,
        (
            Edit(
                "topup.domain.credits",
                "return self.remaining > 0 and not self.is_expired(now)",
                "return self.remaining > 0",
            ),
            Edit("topup.store.credits", "if not lot.is_expired(now)]", "]"),
            Edit("topup.store.credits", '":first_lot": credit_items.lots_from(now)', '":first_lot": credit_items.LOT'),
        ),
    ),
    Mutant(
        "stream without dedupe",
        500,
        (
            Edit(
                "topup.domain.credits",
                "    if not lot.is_expired(now) or lot.remaining == 0:",
                "    if not lot.is_expired(now):",
            ),
        ),
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
                '            {"idempotency_key": refund.reversal_id},\n',
                "            {},\n",
            ),
        ),
    ),
    Mutant(
        "a status moves backwards",
        500,
        (Edit("topup.domain.orders", "    if RANK[status] <= RANK[order.status]:\n        return order\n", ""),),
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
        "spend without a request marker",
        500,
        (Edit("topup.store.spends", '"attribute_not_exists(user_id)"', '"NOT attribute_exists(no_such_attribute)"'),),
    ),
    Mutant(
        "a spend that was made is refused when it is repeated",
        500,
        (
            Edit(
                "topup.spending",
                "        receipt = store.load_receipt(user_id, idempotency_key)\n"
                "        if receipt is None:\n            raise\n",
                "        raise\n",
            ),
        ),
    ),
    Mutant(
        "acknowledged before it is stored",
        200,
        (
            Edit(
                "topup.fulfilment",
                "    if change:\n        store.record_order_change(change)\n",
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
                'case "checkout.session.completed" if stripe_object["payment_status"] == "unpaid":',
                'case "checkout.session.completed" if stripe_object["payment_status"] == "never":',
            ),
        ),
    ),
    Mutant(
        "a throttled write is taken for a duplicate",
        3000,
        (
            Edit(
                "topup.store.spends",
                "        with detect_lost_race():\n            raise\n",
                "        if 'Cancel' in str(error):\n            with detect_lost_race():\n                raise\n",
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
        (Edit("topup.reconciliation", "known.status is ReversalStatus.IN_FLIGHT and", "known.status is None and"),),
    ),
    Mutant(
        "a refund's outcome is recorded whatever its status",
        2000,
        (Edit("topup.domain.payments", "if RANK[update.status] > RANK[before.status] else known", ""),),
    ),
)


def edited(mutant: Mutant, module: str, source: str) -> str:
    """The module's source with the defect planted; raises ValueError if an edit no longer fits the code."""
    for edit in mutant.edits:
        if edit.module == module:
            if source.count(edit.old) != 1:
                raise ValueError(f"{mutant.name}: {module} has {source.count(edit.old)} times:\n{edit.old}")
            source = source.replace(edit.old, edit.new)
    return source


def source_of(module: str) -> str:
    path = ROOT / "layers" / "topup" / module.replace(".", "/")
    found = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return found.read_text(encoding="utf-8")


class _Loader(importlib.abc.InspectLoader):
    def __init__(self, mutant: Mutant, name: str, path: str) -> None:
        self._mutant, self._name, self._path = mutant, name, path

    def get_source(self, fullname: str) -> str:
        return edited(self._mutant, fullname, source_of(fullname))

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.get_source(self._name), self._path, "exec"), module.__dict__)


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: Any = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name not in {edit.module for edit in self._mutant.edits}:
            return None
        found = importlib.machinery.PathFinder.find_spec(name, path)
        assert found
        assert found.origin
        return importlib.util.spec_from_loader(name, _Loader(self._mutant, name, found.origin))


def plant(mutant: Mutant) -> None:
    """Plant the defect in the modules that are imported from now on."""
    loaded = [edit.module for edit in mutant.edits if edit.module in sys.modules]
    assert not loaded, f"these modules are already loaded: {loaded}"
    sys.meta_path.insert(0, _Finder(mutant))
