"""The simulator's objects have the fields of Stripe's own samples, except for those listed here, and no others."""

import json
from pathlib import Path
from typing import Any

import pytest
import stripe

from tests.support.stripe_simulator import SUCCEEDS, Account

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "stripe" / "fixtures3.json"

Json = dict[str, Any]

# Fields of the samples that the simulator leaves out.
LEFT_OUT = {
    # Only in responses that expand them (since API version 2022-11-15).
    "charge": {"refunds"},
    # No longer in the API; the samples are of all versions.
    "invoice": {"subscription"},
}
# Fields that the samples lack: newer ones, and some that are not always present.
ADDED = {
    "checkout.session": {"allowed_payment_method_types", "excluded_payment_method_types"},
    "payment_intent": {"allowed_payment_method_types"},
    "radar.early_fraud_warning": {"payment_intent"},
    "refund": {"failure_reason"},
    "webhook_endpoint": {"secret"},
}


@pytest.fixture(scope="module")
def samples() -> dict[str, Json]:
    if not SAMPLES.is_file():
        pytest.skip(f"Stripe's sample objects are not at {SAMPLES}")
    resources: dict[str, Json] = json.loads(SAMPLES.read_text())["resources"]
    return resources


@pytest.fixture(scope="module")
def objects() -> dict[str, Json]:
    """One object of each kind, as the API returns it."""
    account = Account()
    product = _request(account, "POST", "/v1/products", "name=x")
    intent = account.paid(invoice_creation={"enabled": True})
    warning = account.simulator.warn_of_fraud(intent.id)
    invoice = account.client.v1.checkout.sessions.list().data[0].invoice
    refund = account.simulator.refund(intent.id, 100)
    account.simulator.fail_refund(refund["id"])
    dispute = account.simulator.dispute(intent.id)
    paths = {
        "payment_intent": f"/v1/payment_intents/{intent.id}",
        "payment_method": f"/v1/payment_methods/{intent.payment_method}",
        "charge": f"/v1/charges/{intent.latest_charge}",
        "refund": f"/v1/refunds/{refund['id']}",
        "dispute": f"/v1/disputes/{dispute['id']}",
        "invoice": f"/v1/invoices/{invoice}",
        "radar.early_fraud_warning": f"/v1/radar/early_fraud_warnings/{warning['id']}",
    }
    listed = {
        name: f"/v1/{path}?limit=1" for name, path in (("event", "events"), ("checkout.session", "checkout/sessions"))
    }
    return {
        **{name: _request(account, "GET", path) for name, path in paths.items()},
        **{name: _request(account, "GET", path)["data"][0] for name, path in listed.items()},
        "product": product,
        "price": _request(account, "POST", "/v1/prices", f"currency=usd&unit_amount=100&product={product['id']}"),
        "webhook_endpoint": _request(
            account, "POST", "/v1/webhook_endpoints", "url=http://localhost:9/&enabled_events[]=*"
        ),
    }


def _request(account: Account, method: str, path: str, body: str = "") -> Json:
    status, _, response = account.call(method, path, body)
    assert status == 200, response
    document: Json = json.loads(response)
    return document


KINDS = (
    "checkout.session",
    "payment_intent",
    "payment_method",
    "charge",
    "refund",
    "dispute",
    "invoice",
    "radar.early_fraud_warning",
    "event",
    "product",
    "price",
    "webhook_endpoint",
)


@pytest.mark.parametrize("kind", KINDS)
def test_an_object_has_the_fields_of_stripes_sample(
    samples: dict[str, Json], objects: dict[str, Json], kind: str
) -> None:
    sample, ours = set(samples[kind]), set(objects[kind])

    assert sample - ours == LEFT_OUT.get(kind, set())
    assert ours - sample == ADDED.get(kind, set())


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("payment_method", "card"),
        ("payment_method", "billing_details"),
        ("dispute", "evidence"),
        ("dispute", "evidence_details"),
        ("checkout.session", "customer_details"),
        ("checkout.session", "total_details"),
        ("checkout.session", "custom_text"),
        ("checkout.session", "automatic_tax"),
        ("checkout.session", "invoice_creation"),
        ("invoice", "automatic_tax"),
        ("invoice", "status_transitions"),
    ],
)
def test_an_inner_object_has_the_fields_of_stripes_sample(
    samples: dict[str, Json], objects: dict[str, Json], kind: str, field: str
) -> None:
    assert objects[kind][field].keys() == samples[kind][field].keys()


def test_an_invoices_line_has_the_fields_of_stripes_sample(samples: dict[str, Json], objects: dict[str, Json]) -> None:
    sample, ours = (one["invoice"]["lines"]["data"][0] for one in (samples, objects))

    assert ours.keys() == sample.keys()


def test_a_charges_card_has_the_fields_of_stripes_sample(samples: dict[str, Json], objects: dict[str, Json]) -> None:
    sample, ours = (charge["payment_method_details"]["card"] for charge in (samples["charge"], objects["charge"]))

    assert ours.keys() == sample.keys()
    assert objects["charge"]["outcome"].keys() - samples["charge"]["outcome"].keys() == {"risk_level", "risk_score"}


CLASSES: dict[str, type[stripe.StripeObject]] = {
    "checkout.session": stripe.checkout.Session,
    "payment_intent": stripe.PaymentIntent,
    "payment_method": stripe.PaymentMethod,
    "charge": stripe.Charge,
    "refund": stripe.Refund,
    "dispute": stripe.Dispute,
    "invoice": stripe.Invoice,
    "radar.early_fraud_warning": stripe.radar.EarlyFraudWarning,
    "event": stripe.Event,
    "product": stripe.Product,
    "price": stripe.Price,
    "webhook_endpoint": stripe.WebhookEndpoint,
}


def unknown_fields(official: type[stripe.StripeObject], one: Json) -> list[str]:
    """The fields that Stripe's library does not know, also of the objects within."""
    unknown = [name for name in one if name not in official.__annotations__]
    for name, inner in official._inner_class_types.items():
        value = one.get(name)
        for within in value if isinstance(value, list) else [value]:
            if isinstance(within, dict):
                unknown += [f"{name}.{field}" for field in unknown_fields(inner, within)]
    return unknown


@pytest.mark.parametrize("kind", KINDS)
def test_stripes_library_knows_every_field(objects: dict[str, Json], kind: str) -> None:
    assert unknown_fields(CLASSES[kind], objects[kind]) == []


def test_stripes_library_knows_every_field_of_a_payment_with_everything() -> None:
    account = Account()
    options = ("automatic_tax", "adaptive_pricing", "invoice_creation", "tax_id_collection")
    session = account.session(allow_promotion_codes=True, **{name: {"enabled": True} for name in options})
    paid = account.simulator.pay(
        session.id, card=SUCCEEDS, tax_minor=900, promotion_code="SAVE10", presentment_currency="eur"
    )
    path = f"/v1/checkout/sessions/{paid['session']}?expand[]=payment_intent.latest_charge&expand[]=invoice"
    complete = _request(account, "GET", path)
    intent, invoice = complete["payment_intent"], complete["invoice"]

    assert unknown_fields(stripe.checkout.Session, complete) == []
    assert unknown_fields(stripe.PaymentIntent, intent) == []
    assert unknown_fields(stripe.Charge, intent["latest_charge"]) == []
    assert unknown_fields(stripe.Invoice, invoice) == []
    assert unknown_fields(stripe.InvoiceLineItem, invoice["lines"]["data"][0]) == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_object_is_in_test_mode_and_names_its_kind(objects: dict[str, Json], kind: str) -> None:
    assert objects[kind]["object"] == kind
    assert objects[kind].get("livemode", False) is False  # refunds have none


def test_an_event_holds_the_object_in_the_version_that_it_names(objects: dict[str, Json]) -> None:
    event = objects["event"]

    assert event["api_version"] == "2026-10-28.endive"
    assert event["type"] == "charge.dispute.funds_withdrawn"
    assert event["data"]["object"]["object"] == "dispute"
    assert event["request"] == {"id": None, "idempotency_key": None}
