"""The Event, Account and WebhookEndpoint objects."""

from local.stripe_simulator.objects.base import API_VERSION, Json

ACCOUNT_ID = "acct_1Simulated0000000"


def event(event_id: str, *, now: int, event_type: str, data: Json, request: Json) -> Json:
    """request: the id and idempotency key of the API call that caused it, both None if none did."""
    return {
        "id": event_id,
        "object": "event",
        "api_version": API_VERSION,
        "created": now,
        "data": data,
        "livemode": False,
        "pending_webhooks": 0,
        "request": request,
        "type": event_type,
    }


def account() -> Json:
    """The Account object of the simulated account, with the fields that do not say how it was opened."""
    return {
        "id": ACCOUNT_ID,
        "object": "account",
        "business_type": None,
        "capabilities": {"card_payments": "active", "transfers": "active"},
        "charges_enabled": True,
        "country": "US",
        "created": 1_234_567_890,
        "default_currency": "usd",
        "details_submitted": True,
        "email": "shop@example.com",
        "metadata": {},
        "payouts_enabled": True,
        "type": "standard",
    }


def webhook_endpoint(endpoint_id: str, *, now: int, params: Json) -> Json:
    return {
        "id": endpoint_id,
        "object": "webhook_endpoint",
        "api_version": params.get("api_version"),
        "application": None,
        "created": now,
        "description": params.get("description"),
        "enabled_events": params["enabled_events"],
        "livemode": False,
        "metadata": params.get("metadata", {}),
        "status": "enabled",
        "url": params["url"],
    }
