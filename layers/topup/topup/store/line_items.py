"""Spends that wait in line as DynamoDB items."""

from collections.abc import Iterable, Mapping
from typing import Any

from topup.domain import line, times
from topup.domain.credits import Cause, TransactionType
from topup.domain.line import WaitingSpend
from topup.store import attributes, credit_items
from topup.store.attributes import Item


def waiting_in(items: Iterable[Mapping[str, Any]]) -> list[WaitingSpend]:
    """The spends of these items, in the order of their turns; also those that nobody waits for any more."""
    return line.in_order([waiting_from_item(item) for item in items])


def waiting_key(spend: WaitingSpend) -> Item:
    return attributes.to_item({"user_id": spend.user_id, "record": f"{credit_items.PENDING}{spend.key}"})


def waiting_to_item(spend: WaitingSpend) -> Item:
    return waiting_key(spend) | attributes.to_item(
        {
            "amount": spend.amount,
            "actor": spend.cause.actor,
            "description": spend.cause.description,
            "metadata": dict(spend.cause.metadata) or None,
            "request_fingerprint": spend.request_fingerprint,
            "received_at": times.to_sortable_text(spend.received_at),
            credit_items.TTL_ATTRIBUTE: int((spend.received_at + line.LIFETIME).timestamp()),
        }
    )


def waiting_from_item(item: Mapping[str, Any]) -> WaitingSpend:
    fields = attributes.from_item(item)
    return WaitingSpend(
        user_id=fields["user_id"],
        key=fields["record"].removeprefix(credit_items.PENDING),
        amount=fields["amount"],
        cause=Cause(
            transaction_type=TransactionType.SPENT,
            actor=fields["actor"],
            description=fields["description"],
            metadata=fields.get("metadata", {}),
        ),
        request_fingerprint=fields["request_fingerprint"],
        received_at=times.from_text(fields["received_at"]),
    )
