"""/v1/checkout/sessions, and /v1/payment_pages, with which the Stripe CLI pays as the buyer."""

from typing import Any

from local.stripe_simulator.api.calls import Call
from local.stripe_simulator.api.lists import listed
from local.stripe_simulator.core import catalog, checkout
from local.stripe_simulator.core.errors import InvalidParameter, StripeError
from local.stripe_simulator.objects.base import Json, list_object

# Since this version payment method types are filtered, not listed (Stripe's changelog, "endive").
NO_METHOD_TYPES_SINCE = "2026-09-30"

# Test account numbers of Stripe's docs whose debits fail; all others succeed.
IBANS_THAT_FAIL = ("AT861904300235473202", "IT60X0542811101000000123456")


def create(call: Call) -> Json:
    params = call.params
    refuse_method_types(call)
    if params["mode"] != "payment":
        raise StripeError(f"The simulator supports only the mode payment, not {params['mode']}.", param="mode")
    if params.get("ui_mode", "hosted_page") != "hosted_page":
        raise StripeError(f"The simulator supports only hosted_page, not {params['ui_mode']}.", param="ui_mode")
    if not params["line_items"]:
        message = "Missing required param: line_items."
        raise InvalidParameter(message, code="parameter_missing", param="line_items")
    items = [
        catalog.line_item(call.world, item, f"line_items[{index}]") for index, item in enumerate(params["line_items"])
    ]
    return checkout.create(call.world, params, items)


def refuse_method_types(call: Call) -> None:
    if "payment_method_types" not in call.params:
        return
    if call.version and call.version >= NO_METHOD_TYPES_SINCE:
        message = (
            "The `payment_method_types` parameter is no longer supported: use dynamic payment methods, "
            "`allowed_payment_method_types` or `excluded_payment_method_types`."
        )
        code = "payment_method_types_no_longer_supported"
        raise InvalidParameter(message, code=code, param="payment_method_types")
    options = call.params.get("payment_method_options", {})
    if "wechat_pay" in call.params["payment_method_types"] and "wechat_pay" not in options:
        param = "payment_method_options[wechat_pay][client]"
        raise InvalidParameter(f"Missing required param: {param}.", code="parameter_missing", param=param)


def retrieve(call: Call) -> Json:
    return call.world.get("checkout.session", call.id)


def list_sessions(call: Call) -> Json:
    fields = {name: call.params[name] for name in ("payment_intent", "status", "payment_link") if name in call.params}
    email = call.params.get("customer_details", {}).get("email")
    sessions = [one for one in call.world.select("checkout.session", **fields) if email in (None, email_of(one))]
    return listed(sessions, call.params, call.path)


def email_of(session: Json) -> str | None:
    return session["customer_details"]["email"] if session["customer_details"] else None


def line_items(call: Call) -> Json:
    call.world.get("checkout.session", call.id)
    return list_object(call.world.line_items[call.id], call.path)


def expire(call: Call) -> Json:
    return checkout.expire(call.world, retrieve(call), StripeError)


def payment_page(call: Call) -> Json:
    session = retrieve(call)
    return {
        "id": session["id"],
        "object": "checkout.payment_page",
        "amount": session["amount_total"],
        "currency": session["currency"],
        "livemode": session["livemode"],
        "payment_status": session["payment_status"],
        "session_id": session["id"],
        "status": session["status"],
    }


def confirm_page(call: Call) -> Json:
    session = retrieve(call)
    expected = call.params.get("expected_amount", session["amount_total"])
    if expected != session["amount_total"]:
        message = f"The expected amount is {expected}, but the session's is {session['amount_total']}."
        raise StripeError(message, code="checkout_amount_mismatch", param="expected_amount")
    method = call.world.get("payment_method", call.params["payment_method"])
    attempt = attempt_of(call, session, method)
    if attempt.error:
        raise StripeError(attempt.error["message"], status=402, error_type="card_error", code=attempt.error["code"])
    return payment_page(call)


def attempt_of(call: Call, session: Json, method: dict[str, Any]) -> checkout.Attempt:
    if session["amount_total"] == 0:
        return checkout.order_for_free(call.world, session)
    if method["type"] == "card":
        return checkout.pay_by_card(call.world, session, call.world.card_numbers[method["id"]], None)
    attempt = checkout.pay_by_delayed_method(call.world, session, method["type"])
    if method["type"] == "sepa_debit":
        # Stripe settles test debits by itself after some minutes; `stripe trigger` relies on it.
        checkout.settle(call.world, session, succeeded=method["metadata"].get("iban") not in IBANS_THAT_FAIL)
    return attempt
