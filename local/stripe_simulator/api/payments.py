"""Payments and what belongs to them: /v1/payment_intents, charges, refunds, disputes, invoices, warnings, prices …"""

from local.stripe_simulator.api.calls import Call
from local.stripe_simulator.api.checkout import refuse_method_types
from local.stripe_simulator.api.lists import listed
from local.stripe_simulator.core import cards, catalog, payments, refunds
from local.stripe_simulator.core.errors import InvalidParameter, Refused, StripeError
from local.stripe_simulator.core.money import check_charge, check_step
from local.stripe_simulator.objects.base import Json


def create_intent(call: Call) -> Json:
    refuse_method_types(call)
    params = call.params
    check_step(params["amount"], params["currency"], "amount")
    check_charge(params["amount"], params["currency"], "Amount")
    methods = params.get("payment_method_types") or params.get("allowed_payment_method_types") or ["card"]
    intent = payments.new_intent(
        call.world, amount=params["amount"], currency=params["currency"], methods=methods, data=params
    )
    if params.get("confirm"):
        return confirmed(call, intent)
    return intent


def confirm_intent(call: Call) -> Json:
    return confirmed(call, retrieve_intent(call))


def confirmed(call: Call, intent: Json) -> Json:
    if "payment_method" not in call.params:
        message = "You cannot confirm this PaymentIntent because it's missing a payment method."
        raise StripeError(message, code="payment_intent_unexpected_state", param="payment_method")
    return_url = call.params.get("return_url", call.world.base_url)
    return payments.confirm_by_api(call.world, intent, call.params["payment_method"], return_url)


def cancel_intent(call: Call) -> Json:
    return payments.cancel(call.world, retrieve_intent(call), call.params.get("cancellation_reason"))


def retrieve_intent(call: Call) -> Json:
    return call.world.get("payment_intent", call.id)


def list_intents(call: Call) -> Json:
    return listed(call.world.select("payment_intent"), call.params, call.path)


def create_method(call: Call) -> Json:
    params = call.params
    billing = params.get("billing_details", {})
    if params["type"] != "card":
        method = payments.new_delayed_method(call.world, params["type"], billing)
        method["metadata"].update(params.get("sepa_debit", {}))
        return method
    return payments.new_card(call.world, card_of(params.get("card", {})), billing)


def card_of(given: Json) -> cards.Card:
    """The test card with this token or number."""
    token = given.get("token", "")
    number = cards.NUMBER_BY_NAME.get(token) or given.get("number")
    if number is None:
        raise StripeError(f"No such token: '{token}'", code="resource_missing", param="card[token]")
    try:
        return cards.card_by_number(number)
    except Refused as refused:
        raise StripeError(
            str(refused), status=402, error_type="card_error", code=refused.code, param="card[number]"
        ) from None


def retrieve_method(call: Call) -> Json:
    return call.world.get("payment_method", call.id)


def retrieve_charge(call: Call) -> Json:
    return call.world.get("charge", call.id)


def list_charges(call: Call) -> Json:
    return listed(call.world.select("charge", **about(call)), call.params, call.path)


def create_refund(call: Call) -> Json:
    params = call.params
    return refunds.create(
        call.world,
        charge_to_refund(call),
        params.get("amount"),
        reason=params.get("reason"),
        metadata=params.get("metadata", {}),
        pending=call.world.refunds_start_pending,
    )


def charge_to_refund(call: Call) -> Json:
    params = call.params
    if ("charge" in params) == ("payment_intent" in params):
        message = "One of the following params should be provided for this request: payment_intent or charge."
        raise InvalidParameter(message, code="parameter_missing", param="payment_intent")
    if "charge" in params:
        return call.world.get("charge", params["charge"])
    return refunds.paid_charge(call.world, call.world.get("payment_intent", params["payment_intent"]))


def retrieve_refund(call: Call) -> Json:
    return call.world.get("refund", call.id)


def update_refund(call: Call) -> Json:
    refund = retrieve_refund(call)
    merged = {**refund["metadata"], **call.params.get("metadata", {})}
    previous = call.world.change(refund, metadata={key: value for key, value in merged.items() if value})
    call.world.emit("refund.updated", refund, previous)
    return refund


def cancel_refund(call: Call) -> Json:
    return refunds.cancel(call.world, retrieve_refund(call))


def list_refunds(call: Call) -> Json:
    return listed(call.world.select("refund", **about(call)), call.params, call.path)


def retrieve_dispute(call: Call) -> Json:
    return call.world.get("dispute", call.id)


def list_disputes(call: Call) -> Json:
    return listed(call.world.select("dispute", **about(call)), call.params, call.path)


def retrieve_invoice(call: Call) -> Json:
    return call.world.get("invoice", call.id)


def retrieve_warning(call: Call) -> Json:
    return call.world.get("radar.early_fraud_warning", call.id)


def list_warnings(call: Call) -> Json:
    return listed(call.world.select("radar.early_fraud_warning", **about(call)), call.params, call.path)


def about(call: Call) -> dict[str, str]:
    return {name: call.params[name] for name in ("charge", "payment_intent") if name in call.params}


def create_product(call: Call) -> Json:
    product = catalog.new_product(call.world, call.params)
    call.world.emit("product.created", product)
    return product


def retrieve_product(call: Call) -> Json:
    return call.world.get("product", call.id)


def create_price(call: Call) -> Json:
    price = catalog.new_price(call.world, call.params)
    call.world.emit("price.created", price)
    return price


def retrieve_price(call: Call) -> Json:
    return call.world.get("price", call.id)
