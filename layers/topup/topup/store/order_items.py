"""Orders, refunds and disputes as DynamoDB items, and their keys."""

from collections.abc import Mapping
from typing import Any

from topup.domain import times
from topup.domain.orders import FraudWarning, Order, RefusedPayment, Release, ReleaseAction, Status
from topup.domain.reversals import Kind, Reversal, ReversalStatus
from topup.domain.wording import PayPage
from topup.store.attributes import Item, from_item, moment_of, text_of, to_item
from topup.store.waiting import order_waiting_fields, reversal_waiting_fields

ORDER = "ORDER"
REVERSAL_PREFIX = {Kind.REFUND: "REFUND#", Kind.DISPUTE: "DISPUTE#"}

# --------------------------------------------------------------------------------------------------------- orders


def order_key(payment_id: str) -> Item:
    return to_item({"payment_id": payment_id, "record": ORDER})


def order_to_item(order: Order) -> Item:
    return order_key(order.payment_id) | to_item(order_fields(order))


def order_fields(order: Order) -> dict[str, Any]:
    """All fields of an order's item but its key."""
    return {
        "user_id": order.user_id,
        "provider": order.provider,
        "provider_order_id": order.provider_order_id,
        **_as_requested(order),
        "amount_minor": order.amount_minor,
        "currency": order.currency,
        "credits_purchased": order.credits_purchased,
        "livemode": order.livemode,
        "status": order.status.value,
        "payment_url": order.payment_url,
        "transaction_id": order.transaction_id,
        "error_message": order.error_message,
        "error_code": order.error_code,
        "quarantine_reason": order.quarantine_reason,
        "rejected_intent": order.rejected_intent,
        "refused_besides": [{"intent": one.intent, "reason": one.reason} for one in order.refused_besides] or None,
        "fraud_warning": _warning_to_item(order.fraud_warning),
        "releases": [_release_to_item(one) for one in order.releases] or None,
        "attempt": order.attempt,
        "created_at": times.to_sortable_text(order.created_at),
        "paid_at": text_of(order.paid_at),
        "credits_expire_at": text_of(order.credits_expire_at),
        "credits_to_debt": order.credits_to_debt or None,
        "paid_minor": order.paid_minor,
        "tax_minor": order.tax_minor or None,
        "discount_minor": order.discount_minor or None,
        "refunded_minor": order.refunded_minor,
        "disputed_minor": order.disputed_minor,
        "clawed_back": order.clawed_back,
        "reversal_changes": order.reversal_changes,
        "synced_at": text_of(order.synced_at),
        "opened_at": text_of(order.opened_at),
        "next_look_at": text_of(order.next_look_at),
        **order_waiting_fields(order),
    }


def _as_requested(order: Order) -> dict[str, Any]:
    """What is fixed when the order is placed, besides its price and credits."""
    return {
        "package": {"id": order.package_id, "name": order.package_name, "names": dict(order.package_names) or None},
        "return_url": order.return_url,
        "locale": order.page.locale,
        "product": order.page.product,
        "language": order.page.language,
        "valid_months": order.valid_months,
        "may_change_total": order.page.may_change_total or None,
        "request_fingerprint": order.request_fingerprint,
    }


def order_from_item(item: Mapping[str, Any]) -> Order:
    fields = from_item(item)
    package = fields["package"]
    return Order(
        payment_id=fields["payment_id"],
        user_id=fields["user_id"],
        provider=fields["provider"],
        provider_order_id=fields.get("provider_order_id"),
        package_id=package["id"],
        package_name=package["name"],
        package_names=package.get("names") or {},
        amount_minor=fields["amount_minor"],
        currency=fields["currency"],
        credits_purchased=fields["credits_purchased"],
        livemode=fields["livemode"],
        status=_order_status(fields["status"]),
        payment_url=fields.get("payment_url"),
        transaction_id=fields.get("transaction_id"),
        error_message=fields.get("error_message"),
        error_code=fields.get("error_code"),
        quarantine_reason=fields.get("quarantine_reason"),
        rejected_intent=fields.get("rejected_intent"),
        refused_besides=tuple(_refused_from(one) for one in fields.get("refused_besides", ())),
        fraud_warning=_warning_from_item(fields.get("fraud_warning")),
        releases=tuple(_release_from_item(one) for one in fields.get("releases", ())),
        return_url=fields["return_url"],
        page=_page_from(fields),
        valid_months=fields.get("valid_months"),
        request_fingerprint=fields["request_fingerprint"],
        attempt=fields["attempt"],
        created_at=times.from_text(fields["created_at"]),
        paid_at=moment_of(fields.get("paid_at")),
        credits_expire_at=moment_of(fields.get("credits_expire_at")),
        credits_to_debt=fields.get("credits_to_debt", 0),
        **_money_from(fields),
        opened_at=moment_of(fields.get("opened_at")),
        synced_at=moment_of(fields.get("synced_at")),
        next_look_at=moment_of(fields.get("next_look_at")),
    )


def _refused_from(fields: Mapping[str, Any]) -> RefusedPayment:
    return RefusedPayment(intent=fields["intent"], reason=fields["reason"])


def _page_from(fields: Mapping[str, Any]) -> PayPage:
    may_change_total = fields.get("may_change_total", False)
    return PayPage(fields.get("locale"), fields.get("product"), fields.get("language"), may_change_total)


def _money_from(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What was paid, and what went back."""
    return {
        "paid_minor": fields.get("paid_minor"),
        "tax_minor": fields.get("tax_minor", 0),
        "discount_minor": fields.get("discount_minor", 0),
        "refunded_minor": fields["refunded_minor"],
        "disputed_minor": fields["disputed_minor"],
        "clawed_back": fields["clawed_back"],
        # An older version did not count them: a paid order of that time may have some.
        "reversal_changes": fields.get("reversal_changes", int(fields["status"] == Status.SUCCEEDED)),
    }


def _warning_to_item(warning: FraudWarning | None) -> dict[str, str] | None:
    if warning is None:
        return None
    created_at = times.to_sortable_text(warning.created_at)
    return {"warning_id": warning.warning_id, "fraud_type": warning.fraud_type, "created_at": created_at}


def _warning_from_item(fields: Mapping[str, Any] | None) -> FraudWarning | None:
    if fields is None:
        return None
    created_at = times.from_text(fields["created_at"])
    return FraudWarning(warning_id=fields["warning_id"], fraud_type=fields["fraud_type"], created_at=created_at)


def _release_to_item(release: Release) -> dict[str, Any]:
    return {
        "action": release.action.value,
        "intent": release.intent,
        "quarantine_reason": release.quarantine_reason,
        "credits_ordered": release.credits_ordered,
        "reason": release.reason,
        "actor": release.actor,
        "released_at": times.to_sortable_text(release.released_at),
        "is_done": release.is_done,
    }


def _release_from_item(fields: Mapping[str, Any]) -> Release:
    return Release(
        action=ReleaseAction(fields["action"]),
        intent=fields["intent"],
        quarantine_reason=fields["quarantine_reason"],
        credits_ordered=fields["credits_ordered"],
        reason=fields["reason"],
        actor=fields["actor"],
        released_at=times.from_text(fields["released_at"]),
        is_done=fields["is_done"],
    )


def _order_status(text: str) -> Status:
    """The stored status; a newer version may have stored one that this version does not know."""
    try:
        return Status(text)
    except ValueError:
        return Status.UNKNOWN


# ------------------------------------------------------------------------------------------------------ reversals


def reversal_key(reversal: Reversal) -> Item:
    record = f"{REVERSAL_PREFIX[reversal.kind]}{reversal.reversal_id}"
    return to_item({"payment_id": reversal.payment_id, "record": record})


def reversal_to_item(reversal: Reversal) -> Item:
    return reversal_key(reversal) | to_item(reversal_fields(reversal))


def reversal_fields(reversal: Reversal) -> dict[str, Any]:
    """All fields of a reversal's item but its key."""
    return {
        "kind": reversal.kind.value,
        "reversal_id": reversal.reversal_id,
        "amount_minor": reversal.amount_minor,
        "status": reversal.status.value,
        "reason": reversal.reason,
        "stripe_id": reversal.stripe_id,
        "stripe_status": reversal.stripe_status,
        "currency": reversal.currency,
        "net_minor": reversal.net_minor,
        "live_minor": reversal.live_minor,
        "lost_before": reversal.lost_before,
        "attempt": reversal.attempt,
        "tried_at": text_of(reversal.tried_at),
        "tries": reversal.tries,
        "tried_last_at": text_of(reversal.tried_last_at),
        "clawed_back": reversal.clawed_back,
        "requested_by": reversal.requested_by,
        "request_fingerprint": reversal.request_fingerprint,
        # Not created_at: an index over the orders of a user must not find their refunds.
        "made_at": times.to_sortable_text(reversal.created_at),
        **reversal_waiting_fields(reversal),
    }


def reversal_from_item(item: Mapping[str, Any]) -> Reversal:
    fields = from_item(item)
    return Reversal(
        kind=Kind(fields["kind"]),
        reversal_id=fields["reversal_id"],
        payment_id=fields["payment_id"],
        amount_minor=fields["amount_minor"],
        status=_status(fields),
        created_at=times.from_text(fields["made_at"]),
        currency=fields.get("currency"),
        net_minor=fields.get("net_minor"),
        live_minor=fields.get("live_minor"),
        lost_before=fields.get("lost_before"),
        reason=fields.get("reason"),
        stripe_id=fields.get("stripe_id"),
        stripe_status=fields.get("stripe_status"),
        attempt=fields.get("attempt", 1),
        tried_at=moment_of(fields.get("tried_at")),
        tries=fields.get("tries", 1),
        tried_last_at=moment_of(fields.get("tried_last_at")),
        clawed_back=fields["clawed_back"],
        requested_by=fields.get("requested_by"),
        request_fingerprint=fields.get("request_fingerprint"),
    )


def older_word(status: ReversalStatus) -> str:
    """The word under which an older version stored this status."""
    return (ReversalStatus.FAILED if status is ReversalStatus.REFUSED else status).value


def _status(fields: Mapping[str, Any]) -> ReversalStatus:
    """The stored status. A newer version may have stored one that this version does not know, an older one FAILED for
    a refund that Stripe refused.
    """
    try:
        status = ReversalStatus(fields["status"])
    except ValueError:
        return ReversalStatus.UNKNOWN
    is_refused = status is ReversalStatus.FAILED and fields.get("stripe_id") is None
    return ReversalStatus.REFUSED if is_refused else status
