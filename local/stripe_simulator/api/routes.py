"""The REST API's table of contents."""

from local.stripe_simulator.api import checkout, events, payments
from local.stripe_simulator.api import parameters as takes
from local.stripe_simulator.api.calls import Route

ROUTES = (
    Route("POST", "/v1/checkout/sessions", takes.SESSION_CREATE, checkout.create),
    Route("GET", "/v1/checkout/sessions", takes.SESSION_LIST, checkout.list_sessions),
    Route("GET", "/v1/checkout/sessions/{id}", takes.NOTHING, checkout.retrieve),
    Route("GET", "/v1/checkout/sessions/{id}/line_items", takes.page_of(), checkout.line_items),
    Route("POST", "/v1/checkout/sessions/{id}/expire", takes.NOTHING, checkout.expire),
    Route("GET", "/v1/payment_pages/{id}", takes.NOTHING, checkout.payment_page),
    Route("POST", "/v1/payment_pages/{id}/confirm", takes.PAGE_CONFIRM, checkout.confirm_page),
    Route("POST", "/v1/payment_intents", takes.INTENT_CREATE, payments.create_intent),
    Route("GET", "/v1/payment_intents", takes.INTENT_LIST, payments.list_intents),
    Route("GET", "/v1/payment_intents/{id}", takes.NOTHING, payments.retrieve_intent),
    Route("POST", "/v1/payment_intents/{id}/confirm", takes.INTENT_CONFIRM, payments.confirm_intent),
    Route("POST", "/v1/payment_intents/{id}/cancel", takes.INTENT_CANCEL, payments.cancel_intent),
    Route("POST", "/v1/payment_methods", takes.METHOD_CREATE, payments.create_method),
    Route("GET", "/v1/payment_methods/{id}", takes.NOTHING, payments.retrieve_method),
    Route("GET", "/v1/charges", takes.CHARGE_LIST, payments.list_charges),
    Route("GET", "/v1/charges/{id}", takes.NOTHING, payments.retrieve_charge),
    Route("POST", "/v1/refunds", takes.REFUND_CREATE, payments.create_refund),
    Route("GET", "/v1/refunds", takes.REFUND_LIST, payments.list_refunds),
    Route("GET", "/v1/refunds/{id}", takes.NOTHING, payments.retrieve_refund),
    Route("POST", "/v1/refunds/{id}", takes.METADATA_UPDATE, payments.update_refund),
    Route("POST", "/v1/refunds/{id}/cancel", takes.NOTHING, payments.cancel_refund),
    Route("GET", "/v1/disputes", takes.DISPUTE_LIST, payments.list_disputes),
    Route("GET", "/v1/disputes/{id}", takes.NOTHING, payments.retrieve_dispute),
    Route("GET", "/v1/events", takes.EVENT_LIST, events.list_events),
    Route("GET", "/v1/events/{id}", takes.NOTHING, events.retrieve_event),
    Route("POST", "/v1/events/{id}/retry", takes.EVENT_RETRY, events.retry_event),
    Route("POST", "/v1/webhook_endpoints", takes.ENDPOINT_CREATE, events.create_endpoint),
    Route("GET", "/v1/webhook_endpoints", takes.ENDPOINT_LIST, events.list_endpoints),
    Route("GET", "/v1/webhook_endpoints/{id}", takes.NOTHING, events.retrieve_endpoint),
    Route("POST", "/v1/webhook_endpoints/{id}", takes.ENDPOINT_UPDATE, events.update_endpoint),
    Route("DELETE", "/v1/webhook_endpoints/{id}", takes.NOTHING, events.delete_endpoint),
    Route("POST", "/v1/products", takes.PRODUCT_CREATE, payments.create_product),
    Route("GET", "/v1/products/{id}", takes.NOTHING, payments.retrieve_product),
    Route("POST", "/v1/prices", takes.PRICE_CREATE, payments.create_price),
    Route("GET", "/v1/prices/{id}", takes.NOTHING, payments.retrieve_price),
)
