"""/v1/account, /v1/events and /v1/webhook_endpoints."""

import ipaddress
from urllib.parse import urlsplit

from local.stripe_simulator.api.calls import Call
from local.stripe_simulator.api.lists import listed
from local.stripe_simulator.core.errors import InvalidParameter, StripeError, resource_missing
from local.stripe_simulator.core.world import World
from local.stripe_simulator.objects.base import Json
from local.stripe_simulator.objects.event import account, webhook_endpoint


def retrieve_account(call: Call) -> Json:  # noqa: ARG001 - there is one
    return account()


def with_pending(world: World, event: Json) -> Json:
    return {**event, "pending_webhooks": world.webhooks.pending(event["id"])}


def retrieve_event(call: Call) -> Json:
    return with_pending(call.world, call.world.get("event", call.id))


def list_events(call: Call) -> Json:
    params = call.params
    if "type" in params and "types" in params:
        raise InvalidParameter("You may pass either `type` or `types`, not both.", param="type")
    types = params.get("types", [params["type"]] if "type" in params else [])
    events = [
        event
        for event in call.world.select("event")
        if is_among(event["type"], types) and has_delivery(call.world, event, params.get("delivery_success"))
    ]
    page = listed(events, params, call.path)
    return {**page, "data": [with_pending(call.world, event) for event in page["data"]]}


def is_among(event_type: str, types: list[str]) -> bool:
    """types: empty means all; `charge.*` is a group."""
    if not types or event_type in types:
        return True
    return any(wanted.endswith("*") and event_type.startswith(wanted[:-1]) for wanted in types)


def has_delivery(world: World, event: Json, success: bool | None) -> bool:
    return success is None or world.webhooks.all_delivered(event["id"]) == success


def retry_event(call: Call) -> Json:
    """The CLI's `events resend`. Without an endpoint, Stripe sends to the listening CLI, the simulator to all."""
    endpoint_id = call.params.get("webhook_endpoint")
    event = call.world.get("event", call.id)
    if endpoint_id and endpoint_id not in call.world.webhooks.endpoints:
        raise resource_missing("webhook endpoint", endpoint_id, "webhook_endpoint")
    call.world.webhooks.resend(event, endpoint_id)
    return with_pending(call.world, event)


def create_endpoint(call: Call) -> Json:
    endpoint, secret = add_endpoint(call.world, call.params)
    return {**endpoint, "secret": secret}  # shown only once


def add_endpoint(world: World, params: Json, secret: str | None = None) -> tuple[Json, str]:
    refuse_remote(params["url"])
    if not params["enabled_events"]:
        raise InvalidParameter("You must enable at least one event.", param="enabled_events")
    endpoint = webhook_endpoint(world.ids.new("we"), now=world.timestamp, params=params)
    endpoint["livemode"] = world.livemode
    secret = secret or world.ids.webhook_secret()
    return world.webhooks.add_endpoint(endpoint, secret), secret


def refuse_remote(url: str) -> None:
    """No event may leave this computer, whatever the request says."""
    if not is_loopback(urlsplit(url).hostname or ""):
        message = f"Invalid URL: the simulator delivers to localhost, 127.0.0.0/8 and [::1] only, not to {url}"
        raise InvalidParameter(message, code="url_invalid", param="url")


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def retrieve_endpoint(call: Call) -> Json:
    if endpoint := call.world.webhooks.endpoints.get(call.id):
        return endpoint
    raise resource_missing("webhook endpoint", call.id, "webhook_endpoint")


def update_endpoint(call: Call) -> Json:
    endpoint, params = retrieve_endpoint(call), dict(call.params)
    params.pop("expand", None)
    if "url" in params:
        refuse_remote(params["url"])
    if not params.get("enabled_events", True):
        raise StripeError("You must enable at least one event.", param="enabled_events")
    if "disabled" in params:
        params["status"] = "disabled" if params.pop("disabled") else "enabled"
    endpoint.update(params)
    return endpoint


def list_endpoints(call: Call) -> Json:
    return listed(list(call.world.webhooks.endpoints.values()), call.params, call.path)


def delete_endpoint(call: Call) -> Json:
    retrieve_endpoint(call)
    del call.world.webhooks.endpoints[call.id]
    return {"id": call.id, "object": "webhook_endpoint", "deleted": True}
