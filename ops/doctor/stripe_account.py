"""Check Stripe: does the key work, do the clocks agree, and is the webhook endpoint set up correctly?"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import stripe

from ops.doctor.subject import Finding, Subject, ok, warn, wrong
from ops.stripe_webhook import endpoints, secrets
from ops.stripe_webhook.endpoints import Endpoint, in_words, same
from ops.stripe_webhook.plan import Situation
from topup.domain.errors import ConfigurationError
from topup.runtime import config
from topup.stripe_gateway import EVENT_TYPES
from topup.stripe_gateway.client import API_VERSION
from topup.stripe_gateway.signatures import SIGNATURE_TOLERANCE

WORTH_A_WARNING = 30  # seconds between the two clocks
RECONCILE_READS: Mapping[str, Callable[[stripe.StripeClient], object]] = {
    "payment intents": lambda client: client.v1.payment_intents.list({"limit": 1}),
    "events": lambda client: client.v1.events.list({"limit": 1}),
    "refunds": lambda client: client.v1.refunds.list({"limit": 1}),
    "disputes": lambda client: client.v1.disputes.list({"limit": 1}),
    "early fraud warnings": lambda client: client.v1.radar.early_fraud_warnings.list({"limit": 1}),
}


def check(subject: Subject, now: datetime | None = None) -> Iterator[Finding]:
    """Makes a few requests to Stripe, which read one object of each kind. Raises botocore's and Stripe's errors."""
    if subject.is_local and not subject.is_running:
        return  # the simulator runs with the stack
    try:
        client = endpoints.client_for(config.stripe_secret_key(), config.settings().stripe_api_base)
    except ConfigurationError:
        return  # the settings check reports it
    try:
        listed: Any = client.v1.checkout.sessions.list({"limit": 1})
    except stripe.StripeError as error:
        yield wrong("Stripe", in_words(error), subject.set_secret("STRIPE_SECRET_KEY"))
        return
    yield ok("Stripe", "it accepts the key")
    yield from _clock(listed.last_response.headers, now or datetime.now(UTC))
    yield _permissions(client)
    yield from _endpoints(subject, client)


def _permissions(client: stripe.StripeClient) -> Finding:
    """A restricted key may lack what only reconcile reads, and would be noticed when that is needed."""
    refused = [what for what, read in RECONCILE_READS.items() if not _may(client, read)]
    if refused:
        fix = "let it read them, in Stripe's Dashboard > Developers > API keys"
        return wrong("Stripe permissions", f"this key may not read {', '.join(refused)}: reconcile would fail", fix)
    return ok("Stripe permissions", "it may read what reconcile reads")


def _may(client: stripe.StripeClient, read: Callable[[stripe.StripeClient], object]) -> bool:
    try:
        read(client)
    except stripe.PermissionError:
        return False
    return True


def _clock(headers: Mapping[str, str], now: datetime) -> Iterator[Finding]:
    date = headers.get("date") or headers.get("Date")
    if not date:
        return
    skew = round(abs((parsedate_to_datetime(date) - now).total_seconds()))
    says = f"this machine's differs from Stripe's by {skew} s"
    fix = "timedatectl set-ntp true"
    if skew >= SIGNATURE_TOLERANCE:
        yield wrong("clock", f"{says}: signatures older than {SIGNATURE_TOLERANCE} s are refused", fix)
    else:
        yield warn("clock", says, fix) if skew > WORTH_A_WARNING else ok("clock", says)


def _endpoints(subject: Subject, client: stripe.StripeClient) -> Iterator[Finding]:
    if subject.is_local and not subject.is_simulated:
        listen = "stripe listen --all-snapshot --forward-to localhost:8000/api/payments/webhook/stripe"
        yield warn("webhook endpoint", "Stripe cannot reach this machine without the Stripe CLI", listen)
        return
    try:
        known = endpoints.all_of(client)
    except stripe.PermissionError:
        yield warn("webhook endpoint", "this restricted key may not list endpoints", "look in Stripe's Dashboard")
        return
    ours = [one for one in known if any(same(one.url, url) for url in subject.webhook_urls)]
    yield from _simulated(ours) if subject.is_local else _deployed(subject, known, ours)


def _simulated(endpoints: Sequence[Endpoint]) -> Iterator[Finding]:
    if any(one.is_enabled for one in endpoints):
        yield ok("webhook endpoint", "the simulator sends every event to this stack")
    else:
        yield wrong("webhook endpoint", "the simulator sends nothing here", "stop the local stack, and make run")


def _deployed(subject: Subject, endpoints: Sequence[Endpoint], ours: Sequence[Endpoint]) -> Iterator[Finding]:
    enabled = [one for one in ours if one.is_enabled]
    if not enabled:
        says = "it is disabled" if ours else f"there is none for {subject.webhook_urls[0]}"
        yield wrong("webhook endpoint", says, subject.set_up_webhook())
        return
    stored = secrets.read(subject.prefix)
    situations = [Situation(url, subject.prefix, endpoints, stored) for url in {one.url for one in enabled}]
    current = next((found.current for found in situations if found.current), None) or enabled[0]
    yield ok("webhook endpoint", f"{current.id} sends to {current.url}")
    yield from _configured(subject, current)
    known = {secret.endpoint for secret in stored.secrets}
    unknown = [one.id for one in enabled if one.id not in known]
    if unknown:
        says = f"{', '.join(unknown)} was not made by make stripe-webhook: its secret may not be the stored one"
        yield warn("webhook endpoint", says, subject.set_up_webhook())


def _configured(subject: Subject, endpoint: Endpoint) -> Iterator[Finding]:
    fix = subject.set_up_webhook()
    missing, needless = set(EVENT_TYPES) - endpoint.events, endpoint.events - set(EVENT_TYPES)
    if "*" in endpoint.events:
        yield warn("webhook events", "all types instead of ours: each event is an invocation", fix)
    elif missing:
        yield wrong("webhook events", f"missing: {', '.join(sorted(missing))}", fix)
    elif needless:
        yield warn("webhook events", f"not needed: {', '.join(sorted(needless))}", fix)
    else:
        yield ok("webhook events", f"exactly our {len(EVENT_TYPES)} types")
    if endpoint.has_our_version:
        yield ok("webhook API version", API_VERSION)
    else:
        yield wrong("webhook API version", f"{endpoint.api_version or 'the account default'}, not {API_VERSION}", fix)
