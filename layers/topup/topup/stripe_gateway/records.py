"""Read what Stripe has of our money, list by list or by id, for the audit: without hurry, and to the end."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from topup.domain.comparison import MoneyRecord, RecordKind, record_of
from topup.domain.errors import Busy, StripeFailed
from topup.stripe_gateway import parsing, reversals, translation
from topup.stripe_gateway.client import client, retrieved, translate_errors
from topup.stripe_gateway.translation import Json

# Seconds before a request is sent again that Stripe did not answer, or limits. Together a minute.
PAUSES = (0.5, 1, 2, 4, 8, 15, 30)
PER_PAGE = 100  # Stripe's most
# What a record needs besides the object itself.
EXPANDED = {
    RecordKind.PAYMENT: "latest_charge",
    RecordKind.REFUND: "payment_intent",
    RecordKind.DISPUTE: "payment_intent",
}

Found = TypeVar("Found")


@dataclass(frozen=True)
class Unreadable:
    """An object of Stripe's that is not as documented."""

    kind: RecordKind
    stripe_id: str
    reason: str


def money_records(kind: RecordKind, since: datetime, until: datetime) -> Iterator[MoneyRecord | Unreadable]:
    """The records of our payments that succeeded, or of our refunds or disputes, that were created in this time.

    Newest first. A request that fails is sent again, and the list goes on where it was. Raises StripeFailed, Busy.
    Source: Stripe API, list all PaymentIntents, refunds, disputes.
    """
    params: dict[str, Any] = {
        "created": {"gte": int(since.timestamp()), "lte": int(until.timestamp())},
        "limit": PER_PAGE,
        "expand": [f"data.{EXPANDED[kind]}"],
    }
    while True:
        page = _patiently(lambda: _page(kind, params))
        for found in page["data"]:
            record = _record(kind, found)
            if isinstance(record, Unreadable) or _is_our_money(record):
                yield record
        if not page["has_more"]:
            return
        params["starting_after"] = page["data"][-1]["id"]


def read_money_record(kind: RecordKind, stripe_id: str) -> MoneyRecord | Unreadable | None:
    """The record as Stripe has it now; None if Stripe has no such object. Raises StripeFailed, Busy."""
    expand: Any = {"expand": [EXPANDED[kind]]}

    def ask(stripe: Any) -> Any:
        match kind:
            case RecordKind.PAYMENT:
                return stripe.v1.payment_intents.retrieve(stripe_id, expand)
            case RecordKind.REFUND:
                return stripe.v1.refunds.retrieve(stripe_id, expand)
            case RecordKind.DISPUTE:
                return stripe.v1.disputes.retrieve(stripe_id, expand)

    found = _patiently(lambda: retrieved(ask))
    return _record(kind, found) if found else None


def _page(kind: RecordKind, params: Any) -> Json:
    api = client(retries=0).v1
    with translate_errors():
        match kind:
            case RecordKind.PAYMENT:
                return api.payment_intents.list(params).to_dict()
            case RecordKind.REFUND:
                return api.refunds.list(params).to_dict()
            case RecordKind.DISPUTE:
                return api.disputes.list(params).to_dict()


def _patiently(ask: Callable[[], Found]) -> Found:
    for pause in PAUSES:
        try:
            return ask()
        except Busy:
            time.sleep(pause)
        except StripeFailed as error:
            if error.refusal:
                raise
            time.sleep(pause)
    return ask()


def _is_our_money(record: MoneyRecord) -> bool:
    is_payment = record.kind is RecordKind.PAYMENT
    return record.payment_id is not None and (not is_payment or record.status == "succeeded")


def _record(kind: RecordKind, found: Json) -> MoneyRecord | Unreadable:
    try:
        return _payment(found) if kind is RecordKind.PAYMENT else _reversal(kind, found)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        return Unreadable(kind, str(found.get("id")), f"{type(error).__name__} {error}")


def _payment(intent: Json) -> MoneyRecord:
    charge = intent.get("latest_charge")
    return MoneyRecord(
        kind=RecordKind.PAYMENT,
        stripe_id=parsing.text(intent["id"]),
        payment_id=intent["metadata"]["order_id"] if translation.is_ours(intent) else None,
        intent_id=parsing.text(intent["id"]),
        status=parsing.text(intent["status"]),
        amount_minor=parsing.whole_amount(intent["amount_received"]),
        currency=parsing.text(intent["currency"]).upper(),
        reversed_minor=parsing.whole_amount(charge["amount_refunded"]) if isinstance(charge, Mapping) else 0,
        created_at=parsing.moment(intent["created"]),
    )


def _reversal(kind: RecordKind, found: Json) -> MoneyRecord:
    update = reversals.reversal_of(found)
    if update:
        return record_of(update.reversal, update.transaction_id, update.currency)
    return MoneyRecord(
        kind=kind,
        stripe_id=parsing.text(found["id"]),
        payment_id=None,
        intent_id=None,
        status=str(found.get("status")),
        amount_minor=parsing.whole_amount(found["amount"]),
        currency=parsing.text(found["currency"]).upper(),
        reversed_minor=0,
        created_at=parsing.moment(found["created"]),
    )
