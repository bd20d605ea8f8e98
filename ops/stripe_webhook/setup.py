"""`stripe-webhook`: Stripe's webhook endpoint with exactly our events and API version, and its secret in SSM.

Without --apply it only prints its plan. After a failure, run it again: it continues from what is there. Stripe cannot
change an endpoint's API version and shows a secret only once. So another version or another secret needs a new endpoint
beside the old one, and --finish ends the overlap.
"""

import os
import sys
from argparse import Namespace
from datetime import datetime
from urllib.parse import urlsplit

import stripe
from botocore.exceptions import BotoCoreError, ClientError

from ops import deployed, target
from ops.errors import CannotRunError
from ops.secrets import place
from ops.secrets.place import Place, key_of
from ops.stripe_webhook import endpoints, secrets
from ops.stripe_webhook.plan import (
    Create,
    Disable,
    Drop,
    Enable,
    NotYetError,
    Situation,
    Step,
    to_finish,
    to_rotate,
    to_set_up,
)
from ops.stripe_webhook.secrets import Secret
from topup.stripe_gateway import EVENT_TYPES
from topup.stripe_gateway.client import API_VERSION

LOOPBACK = ("localhost", "127.0.0.1")


def run(options: Namespace) -> int:
    url, prefix = where(options)
    try:
        with target.explained(f"{url}, secrets below {prefix}"):
            show_or_apply(Webhook(url, _place(options.stack, prefix)), options, options.now)
    except NotYetError as error:
        print(f"not yet: {error}", file=sys.stderr)
        return 1
    except stripe.StripeError as error:
        hint = ": is STRIPE_SECRET_KEY right?" if isinstance(error, stripe.AuthenticationError) else ""
        raise CannotRunError(f"Stripe: {endpoints.in_words(error)}{hint}") from error
    return 0


def where(options: Namespace) -> tuple[str, str]:
    """The URL and the prefix: as given, else the stack's; raises CannotRunError."""
    stack = deployed.find(options.stack) if options.stack else None
    url = options.url or (stack.outputs["WebhookUrl"] if stack else "")
    prefix = (options.prefix or (stack.secrets_prefix if stack else "")).rstrip("/")
    if not url or not prefix.startswith("/"):
        raise CannotRunError(
            "name a stack with --stack, or both --url and --prefix (make: STACK=, or URL= and PREFIX=)"
        )
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise CannotRunError(f"{url}: Stripe sends events to https:// addresses only")
    return url, prefix


def _place(stack: str | None, prefix: str) -> Place:
    """Where the secret is stored: with the stack's KMS key, else with that of the secrets that are there."""
    if not stack:
        return place.of_prefix(prefix)
    return Place(prefix, key_of(target.parameters_of(stack) or {}))


class Webhook:
    """The endpoints of one URL at Stripe, and their secrets below one prefix.

    Its methods raise stripe.StripeError and botocore's errors.
    """

    def __init__(self, url: str, where: Place) -> None:
        key = deployed.stripe_key(where.prefix)
        self.mode = "live" if "_live_" in key else "test"
        self.url = url
        self.prefix = where.prefix
        self._place = where
        self._stripe = endpoints.client_for(key, os.environ.get("STRIPE_API_BASE", ""))

    def read(self) -> Situation:
        stored = secrets.read(self.prefix)
        return Situation(self.url, self.prefix, endpoints.all_of(self._stripe), stored)

    def carry_out(self, step: Step) -> None:
        match step:
            case Create():
                self._create()
            case Enable(endpoint=endpoint):
                endpoints.set_events(self._stripe, endpoint)
            case Disable(endpoint=endpoint):
                endpoints.disable(self._stripe, endpoint)
            case Drop(secrets=dropped):
                kept = secrets.read(self.prefix).secrets
                secrets.write(self._place, [secret for secret in kept if secret not in dropped])

    def _create(self) -> None:
        """Create an endpoint and store its secret. A secret that cannot be stored is lost: delete the endpoint again.

        If the command is killed in between, its next run finds the endpoint without a secret and replaces it.
        """
        stored = secrets.read(self.prefix).secrets
        endpoint, secret = endpoints.create(self._stripe, self.url, self.prefix)
        try:
            kept = [one for one in stored if not one.is_placeholder]
            secrets.write(self._place, [*kept, Secret(secret, endpoint.id)])
        except (BotoCoreError, ClientError):
            endpoints.delete(self._stripe, endpoint.id)
            raise


def show_or_apply(webhook: Webhook, options: Namespace, now: datetime) -> None:
    """Raises NotYetError, and the errors of Stripe and botocore."""
    print(f"Stripe, {webhook.mode} mode: {webhook.url}\nsecrets: {webhook.prefix}/{secrets.NAME}")
    print(f"wanted: {len(EVENT_TYPES)} event types, API version {API_VERSION}\n")
    steps = _steps(webhook.read(), options, now)
    for step in steps:
        if options.apply:
            webhook.carry_out(step)
        print(f"{'done:  ' if options.apply else 'would: '}{step}")
    if not steps:
        print("nothing to do")
    elif not options.apply:
        print("\nNothing was changed. Run it again with --apply (make: APPLY=1) to make the changes.")
    _print_what_is_next(webhook.read())


def _steps(situation: Situation, options: Namespace, now: datetime) -> list[Step]:
    if options.finish:
        return to_finish(situation, now)
    return to_rotate(situation) if options.rotate else to_set_up(situation)


def _print_what_is_next(situation: Situation) -> None:
    if situation.is_rotating:
        print(
            f"\n{len(situation.stored.secrets)} secrets are accepted, and {1 + len(situation.older)} endpoints send "
            f"here. When {situation.current and situation.current.id} has delivered (Stripe's Dashboard, Webhooks), "
            "end the overlap with --finish (make: FINISH=1)."
        )
