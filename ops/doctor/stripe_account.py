"""What Stripe says: does the key work, do the clocks agree, and is the webhook endpoint as it must be?"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import stripe

from ops.doctor.subject import Finding, Patient, ok, warn, wrong
from ops.stripe_webhook import endpoints, secrets
from ops.stripe_webhook.endpoints import Endpoint, in_words, same
from ops.stripe_webhook.plan import Situation
from topup.domain.errors import ConfigurationError
from topup.runtime import config
from topup.stripe_gateway import EVENT_TYPES
from topup.stripe_gateway.client import API_VERSION
from topup.stripe_gateway.signatures import SIGNATURE_TOLERANCE

WORTH_A_WORD = 30  # seconds that two clocks may differ


def check(patient: Patient, now: datetime | None = None) -> Iterator[Finding]:
    """Asks Stripe twice: for one Checkout Session, and for the endpoints. Raises botocore's errors."""
    if patient.is_local and not patient.is_running:
        return  # the simulator runs with the stack
    try:
        client = endpoints.client_for(config.stripe_secret_key(), config.settings().stripe_api_base)
    except ConfigurationError:
        return  # said by the settings
    try:
        listed: Any = client.v1.checkout.sessions.list({"limit": 1})
    except stripe.StripeError as error:
        yield wrong("Stripe", in_words(error), patient.set_secret("STRIPE_SECRET_KEY"))
        return
    yield ok("Stripe", "it takes the key")
    yield from _clock(listed.last_response.headers, now or datetime.now(UTC))
    yield from _endpoints(patient, client)


def _clock(headers: Mapping[str, str], now: datetime) -> Iterator[Finding]:
    date = headers.get("date") or headers.get("Date")
    if not date:
        return
    skew = round(abs((parsedate_to_datetime(date) - now).total_seconds()))
    says = f"this machine's differs from Stripe's by {skew} s"
    mend = "timedatectl set-ntp true"
    if skew >= SIGNATURE_TOLERANCE:
        yield wrong("clock", f"{says}: signatures older than {SIGNATURE_TOLERANCE} s are refused", mend)
    else:
        yield warn("clock", says, mend) if skew > WORTH_A_WORD else ok("clock", says)


def _endpoints(patient: Patient, client: stripe.StripeClient) -> Iterator[Finding]:
    if patient.is_local and not patient.is_simulated:
        listen = "stripe listen --all-snapshot --forward-to localhost:8000/api/payments/webhook/stripe"
        yield warn("webhook endpoint", "Stripe cannot reach this machine by itself", listen)
        return
    try:
        known = endpoints.all_of(client)
    except stripe.PermissionError:
        yield warn("webhook endpoint", "this restricted key may not list endpoints", "look in Stripe's Dashboard")
        return
    ours = [one for one in known if any(same(one.url, url) for url in patient.webhook_urls)]
    yield from _simulators_own(ours) if patient.is_local else _deployed(patient, known, ours)


def _simulators_own(endpoints: Sequence[Endpoint]) -> Iterator[Finding]:
    if any(one.is_enabled for one in endpoints):
        yield ok("webhook endpoint", "the simulator sends every event to this stack")
    else:
        yield wrong("webhook endpoint", "the simulator sends nothing here", "stop the stack, and make run")


def _deployed(patient: Patient, endpoints: Sequence[Endpoint], ours: Sequence[Endpoint]) -> Iterator[Finding]:
    enabled = [one for one in ours if one.is_enabled]
    if not enabled:
        says = "it is disabled" if ours else f"there is none for {patient.webhook_urls[0]}"
        yield wrong("webhook endpoint", says, patient.set_up_webhook())
        return
    stored = secrets.read(patient.prefix)
    situations = [Situation(url, patient.prefix, endpoints, stored) for url in {one.url for one in enabled}]
    current = next((found.current for found in situations if found.current), None) or enabled[0]
    yield ok("webhook endpoint", f"{current.id} sends to {current.url}")
    yield from _as_wanted(patient, current)
    known = {secret.endpoint for secret in stored.secrets}
    unknown = [one.id for one in enabled if one.id not in known]
    if unknown:
        says = f"nobody knows whether the secret of {', '.join(unknown)} is stored: not made by make stripe-webhook"
        yield warn("webhook endpoint", says, patient.set_up_webhook())


def _as_wanted(patient: Patient, endpoint: Endpoint) -> Iterator[Finding]:
    mend = patient.set_up_webhook()
    missing, needless = set(EVENT_TYPES) - endpoint.events, endpoint.events - set(EVENT_TYPES)
    if "*" in endpoint.events:
        yield warn("webhook events", "all types, where ours would do: each one is an invocation", mend)
    elif missing:
        yield wrong("webhook events", f"missing: {', '.join(sorted(missing))}", mend)
    elif needless:
        yield warn("webhook events", f"not needed: {', '.join(sorted(needless))}", mend)
    else:
        yield ok("webhook events", f"exactly our {len(EVENT_TYPES)} types")
    if endpoint.has_our_version:
        yield ok("webhook API version", API_VERSION)
    else:
        yield wrong("webhook API version", f"{endpoint.api_version or 'the account default'}, not {API_VERSION}", mend)
