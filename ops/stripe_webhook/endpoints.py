"""List, create and change webhook endpoints at Stripe."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from stripe import StripeClient, StripeError, WebhookEndpoint

from topup.stripe_gateway import EVENT_TYPES
from topup.stripe_gateway import client as stripe_client

OWNER = "topup_secrets"  # the metadata key of the prefix that an endpoint's secret is stored below
RETRIES = 2


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One endpoint at Stripe; `owner` is the prefix that its secret is stored below, empty for one made by hand."""

    id: str
    url: str
    events: frozenset[str]
    api_version: str | None
    is_enabled: bool
    owner: str = ""

    @property
    def has_our_events(self) -> bool:
        return self.events == frozenset(EVENT_TYPES)

    @property
    def has_our_version(self) -> bool:
        return self.api_version == stripe_client.API_VERSION


def same(url: str, other: str) -> bool:
    """True if two URLs name one endpoint: a function URL may be written with or without its final slash."""
    return url.rstrip("/") == other.rstrip("/")


def in_words(error: StripeError) -> str:
    """Stripe's error without its message, which may quote what was sent."""
    details = [str(part) for part in (error.http_status, error.code, error.request_id) if part]
    return f"{type(error).__name__} ({', '.join(details) or 'no response'})"


def client_for(key: str, api_base: str) -> StripeClient:
    """A client for this key; that of the functions takes its key from the settings."""
    return StripeClient(
        key,
        stripe_version=stripe_client.API_VERSION,
        base_addresses={"api": api_base} if api_base else {},
        max_network_retries=RETRIES,
        http_client=stripe_client.http_client(),
    )


def all_of(client: StripeClient) -> Sequence[Endpoint]:
    """Every endpoint of the account in the key's mode; raises stripe.StripeError."""
    return [_endpoint(found) for found in client.v1.webhook_endpoints.list({"limit": 100}).auto_paging_iter()]


def create(client: StripeClient, url: str, owner: str) -> tuple[Endpoint, str]:
    """A new endpoint and its signing secret, which Stripe never shows again; raises stripe.StripeError."""
    params: Any = {
        "url": url,
        "enabled_events": list(EVENT_TYPES),
        "api_version": stripe_client.API_VERSION,
        "description": f"Topup; its secret is in {owner}",
        "metadata": {OWNER: owner},
    }
    created = client.v1.webhook_endpoints.create(params)
    assert created.secret, "Bug! Stripe shows an endpoint's secret when it is created"
    return _endpoint(created), created.secret


def set_events(client: StripeClient, endpoint_id: str) -> None:
    """Enable an endpoint, for exactly our event types; raises stripe.StripeError."""
    params: Any = {"enabled_events": list(EVENT_TYPES), "disabled": False}
    client.v1.webhook_endpoints.update(endpoint_id, params)


def disable(client: StripeClient, endpoint_id: str) -> None:
    """Stop sending events to an endpoint; raises stripe.StripeError."""
    client.v1.webhook_endpoints.update(endpoint_id, {"disabled": True})


def delete(client: StripeClient, endpoint_id: str) -> None:
    """Raises stripe.StripeError."""
    client.v1.webhook_endpoints.delete(endpoint_id)


def _endpoint(found: WebhookEndpoint) -> Endpoint:
    plain: dict[str, Any] = found.to_dict()
    return Endpoint(
        id=plain["id"],
        url=plain["url"],
        events=frozenset(plain["enabled_events"]),
        api_version=plain.get("api_version"),
        is_enabled=plain["status"] == "enabled",
        owner=(plain.get("metadata") or {}).get(OWNER, ""),
    )
