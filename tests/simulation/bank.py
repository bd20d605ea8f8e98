"""The card holder's bank: disputes that grow, change their currency, are decided twice, prevented or appealed."""

from collections.abc import Callable
from typing import Any

from local.stripe_simulator import Refused, Simulator
from local.stripe_simulator.objects import dispute as disputes

Json = dict[str, Any]

# In one of these the dispute's money is with the bank.
WITHDRAWN = ("needs_response", "under_review", "lost", "appeal_needs_response", "appeal_under_review")
RATE = 7.1  # of another currency's unit, in yuan
UNKNOWN = "frozen_by_the_network"  # a status that this version of Topup does not know


class Bank:
    """Disputes in the simulated account, step by step; the simulator's own ones only open and close."""

    def __init__(self, simulator: Simulator) -> None:
        self._world = simulator._world

    def open(self, intent_id: str, status: str, amount: int, *, currency: str | None, case: str | None) -> Json:
        """A new dispute of a paid charge; raises Refused where the bank could not open it."""
        world = self._world
        charge = world.tables["charge"].get(world.tables["payment_intent"][intent_id]["latest_charge"] or "")
        if charge is None or charge["status"] != "succeeded" or charge["disputed"]:
            raise Refused(409, "There is nothing to dispute.")
        made = disputes.dispute(
            world.ids.new("du"), now=world.timestamp, charge=charge, amount=amount, reason="fraudulent", status=status
        )
        if currency:
            made |= {"currency": currency, "amount": max(1, round(amount / RATE))}
        if case and made["payment_method_details"]["type"] == "card":
            made["payment_method_details"]["card"]["case_type"] = case
        made["balance_transactions"] = []
        world.add(made)
        world.change(charge, disputed=True)
        self._move_money(made, self._wanted(made))
        world.emit("charge.dispute.created", made)
        return made

    def move(self, dispute: Json, status: str, *, amount: int | None = None, keeps: float = 0.0) -> None:
        """The dispute's next status, or another amount; `keeps`: the share that a lost one gives back."""
        world = self._world
        before = sum(record["amount"] for record in dispute["balance_transactions"])
        previous = world.change(dispute, status=status, amount=amount or dispute["amount"])
        if not status.startswith("warning") and amount is not None:
            dispute["payment_method_details"].get("card", {}).update(case_type="chargeback")
        self._move_money(dispute, int(self._wanted(dispute) * (1 - keeps)))
        after = sum(record["amount"] for record in dispute["balance_transactions"])
        world.emit("charge.dispute.updated", dispute, previous)
        if status in ("won", "lost", "warning_closed", "prevented"):
            world.emit("charge.dispute.closed", dispute, previous)
        if after != before:
            world.emit(f"charge.dispute.funds_{'reinstated' if after > before else 'withdrawn'}", dispute)

    def _wanted(self, dispute: Json) -> int:
        """How much of the money the bank has in this status, in the dispute's currency."""
        if dispute["status"] == UNKNOWN:
            return -sum(int(record["amount"]) for record in dispute["balance_transactions"])
        card = dispute["payment_method_details"].get("card", {})
        is_settled = dispute["status"] == "prevented" and card.get("case_type") == "resolution"
        return int(dispute["amount"]) if dispute["status"] in WITHDRAWN or is_settled else 0

    def _move_money(self, dispute: Json, wanted: int) -> None:
        """Withdraw or reinstate what is missing to `wanted`."""
        out = -sum(record["amount"] for record in dispute["balance_transactions"])
        if wanted != out:
            kind = "dispute" if wanted > out else "dispute_reversal"
            dispute["balance_transactions"] = [
                *dispute["balance_transactions"],
                {
                    "id": self._world.ids.new("txn"),
                    "object": "balance_transaction",
                    "amount": out - wanted,
                    "currency": dispute["currency"],
                    "exchange_rate": None,
                    "fee": 0,
                    "net": out - wanted,
                    "reporting_category": kind,
                    "type": "adjustment",
                },
            ]


def money_reversed(dispute: Json) -> int:
    """How much of the order's money a dispute of the simulated account has now, in the dispute's currency.

    Stripe's own records of the money say it, where there are any and the bank has decided; the status, where not.
    """
    status, records = dispute["status"], dispute.get("balance_transactions") or []
    if status in ("needs_response", "under_review", "appeal_needs_response", "appeal_under_review"):
        return int(dispute["amount"])
    if records:
        return -sum(int(record["amount"]) for record in records)
    return int(dispute["amount"]) if status == "lost" else 0


def tried(do: Callable[[], Json]) -> Json | None:
    """The result; None where the bank or the Dashboard would refuse that."""
    try:
        return do()
    except Refused:
        return None
