"""The Invoice object, as Checkout makes it for a payment that has succeeded (invoice_creation): paid from the start."""

from collections.abc import Sequence

from local.stripe_simulator.objects.base import Json, list_object, snapshot, words

UNUSED: Json = {
    **dict.fromkeys(
        words(
            "account_name account_tax_ids application automatically_finalizes_at customer_account customer_phone "
            "customer_shipping default_payment_method default_source due_date from_invoice last_finalization_error "
            "latest_revision next_payment_attempt on_behalf_of parent receipt_number rendering shipping_cost "
            "shipping_details statement_descriptor test_clock"
        )
    ),
    "account_country": "US",
    "amount_overpaid": 0,
    "amount_remaining": 0,
    "amount_shipping": 0,
    "attempt_count": 0,
    "attempted": True,
    "auto_advance": False,
    "billing_reason": "manual",
    "collection_method": "charge_automatically",
    "customer_tax_exempt": "none",
    "customer_tax_ids": [],
    "default_tax_rates": [],
    "discounts": [],
    "ending_balance": 0,
    "issuer": {"type": "self"},
    "livemode": False,
    "payment_settings": {"default_mandate": None, "payment_method_options": None, "payment_method_types": None},
    "post_payment_credit_notes_amount": 0,
    "pre_payment_credit_notes_amount": 0,
    "starting_balance": 0,
    "status": "paid",
    "total_pretax_credit_amounts": [],
}


def invoice(invoice_id: str, *, number: str, url: str, now: int, session: Json, lines: Sequence[Json]) -> Json:
    """The paid invoice of a completed session. url: of the invoice's page. lines: the session's line items."""
    details, data = session["total_details"], session["invoice_creation"]["invoice_data"]
    buyer = session["customer_details"]
    total, tax = session["amount_total"], details["amount_tax"]
    return {
        "id": invoice_id,
        "object": "invoice",
        **snapshot(UNUSED),
        "amount_due": total,
        "amount_paid": total,
        "automatic_tax": {**session["automatic_tax"], "disabled_reason": None},
        "created": now,
        "currency": session["currency"],
        "custom_fields": data["custom_fields"],
        "customer": session["customer"],
        "customer_address": dict(buyer["address"]),
        "customer_email": buyer["email"],
        "customer_name": buyer["name"],
        "description": data["description"],
        "effective_at": now,
        "footer": data["footer"],
        "hosted_invoice_url": url,
        "invoice_pdf": None,  # the simulator prints none
        "lines": list_object([line_of(invoice_id, line, now) for line in lines], f"/v1/invoices/{invoice_id}/lines"),
        "metadata": dict(data["metadata"]),
        "number": number,
        "period_end": now,
        "period_start": now,
        "status_transitions": {
            "finalized_at": now, "marked_uncollectible_at": None, "paid_at": now, "voided_at": None,
        },
        "subtotal": session["amount_subtotal"],
        "subtotal_excluding_tax": session["amount_subtotal"] - sum(map(tax_within, lines)),
        "total": total,
        "total_discount_amounts": discounts_of(invoice_id, details["amount_discount"]),
        "total_excluding_tax": total - tax,
        "total_taxes": taxes_of(lines),
        "webhooks_delivered_at": now,
    }  # fmt: skip


def discounts_of(invoice_id: str, amount: int) -> list[Json]:
    return [{"amount": amount, "discount": invoice_id.replace("in_", "di_")}] if amount else []


def taxes_of(lines: Sequence[Json]) -> list[Json]:
    return [tax for line in lines for tax in taxes_of_line(line)]


def taxes_of_line(line: Json) -> list[Json]:
    if not line["amount_tax"]:
        return []
    tax = {
        "amount": line["amount_tax"],
        "tax_behavior": "inclusive" if tax_within(line) else "exclusive",
        "tax_rate_details": None,
        "taxability_reason": "standard_rated",
        "taxable_amount": line["amount_total"] - line["amount_tax"],
        "type": "tax_rate_details",
    }
    return [tax]


def tax_within(line: Json) -> int:
    """The part of the line's price that is tax."""
    return int(line["amount_tax"]) if line["price"]["tax_behavior"] == "inclusive" else 0


def line_of(invoice_id: str, item: Json, now: int) -> Json:
    """A line of the invoice from one of the session (Stripe API: invoice line item)."""
    return {
        "id": item["id"].replace("li_", "il_"),
        "object": "line_item",
        "amount": item["amount_subtotal"],
        "currency": item["currency"],
        "description": item["description"],
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "invoice": invoice_id,
        "livemode": False,
        "metadata": {},
        "parent": None,
        "period": {"end": now, "start": now},
        "pretax_credit_amounts": [],
        "pricing": {
            "price_details": {"price": item["price"]["id"], "product": item["price"]["product"]},
            "type": "price_details",
            "unit_amount_decimal": item["price"]["unit_amount_decimal"],
        },
        "quantity": item["quantity"],
        "quantity_decimal": str(item["quantity"]),
        "subscription": None,
        "subtotal": item["amount_subtotal"],
        "taxes": taxes_of_line(item),
    }
