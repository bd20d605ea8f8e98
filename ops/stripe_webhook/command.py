"""`make stripe-webhook`: Stripe's webhook endpoint with exactly our events and API version, and its secret in SSM.

Shows what it would do and changes nothing, unless it is told to apply it. Run again after anything went wrong, it goes
on from what is there. Stripe cannot change an endpoint's API version and shows a secret once; so whatever needs another
version or another secret gets a new endpoint beside the old one, and FINISH=1 ends the overlap.
"""

import argparse
import os
import sys
from datetime import UTC, datetime
from urllib.parse import urlsplit

import stripe
from botocore.exceptions import BotoCoreError, ClientError

from ops import deployed
from ops.stripe_webhook import endpoints, secrets
from ops.stripe_webhook.plan import (
    Amend,
    Create,
    Disable,
    Drop,
    NotYetError,
    Situation,
    Step,
    to_finish,
    to_rotate,
    to_set_up,
)
from ops.stripe_webhook.secrets import Secret
from ops.target import TargetError
from topup.stripe_gateway import EVENT_TYPES
from topup.stripe_gateway.client import API_VERSION

LOOPBACK = ("localhost", "127.0.0.1")


class Webhook:
    """The endpoint of one URL, with its secrets below one prefix."""

    def __init__(self, url: str, prefix: str) -> None:
        key = deployed.stripe_key(prefix)
        self.mode = "live" if "_live_" in key else "test"
        self._url = url
        self._prefix = prefix
        self._stripe = endpoints.client_for(key, os.environ.get("STRIPE_API_BASE", ""))

    def look(self) -> Situation:
        """What there is; raises stripe.StripeError and botocore's errors, as all of this does."""
        stored = secrets.read(self._prefix)
        return Situation(self._url, self._prefix, endpoints.all_of(self._stripe), stored)

    def carry_out(self, step: Step) -> None:
        match step:
            case Create():
                self._create()
            case Amend(endpoint=endpoint):
                endpoints.set_events(self._stripe, endpoint)
            case Disable(endpoint=endpoint):
                endpoints.disable(self._stripe, endpoint)
            case Drop(secrets=dropped):
                kept = secrets.read(self._prefix).secrets
                secrets.write(self._prefix, [secret for secret in kept if secret not in dropped])

    def _create(self) -> None:
        """A secret that cannot be stored is lost, and its endpoint worth nothing: it is taken away again.

        Killed between the two, the command finds the endpoint without a secret when it runs again, and replaces it.
        """
        stored = secrets.read(self._prefix).secrets
        endpoint, secret = endpoints.create(self._stripe, self._url, self._prefix)
        try:
            kept = [one for one in stored if not one.is_placeholder]
            secrets.write(self._prefix, [*kept, Secret(secret, endpoint.id)])
        except (BotoCoreError, ClientError):
            endpoints.delete(self._stripe, endpoint.id)
            raise


def steps_of(situation: Situation, options: argparse.Namespace, now: datetime) -> list[Step]:
    """What is asked for; raises NotYetError."""
    if options.finish:
        return to_finish(situation, now)
    return to_rotate(situation) if options.rotate else to_set_up(situation)


def run(options: argparse.Namespace, now: datetime) -> None:
    """Raises TargetError, NotYetError, and Stripe's and botocore's errors."""
    url, prefix = where(options)
    webhook = Webhook(url, prefix)
    print(f"Stripe, {webhook.mode} mode: {url}\nsecrets: {prefix}/{secrets.NAME}")
    print(f"wanted: {len(EVENT_TYPES)} event types, API version {API_VERSION}\n")
    situation = webhook.look()
    steps = steps_of(situation, options, now)
    for step in steps:
        if options.apply:
            webhook.carry_out(step)
        print(f"{'done:  ' if options.apply else 'would: '}{step}")
    if not steps:
        print("nothing to do")
    elif not options.apply:
        print("\nNothing was changed. The same command with APPLY=1 does it.")
    _tell_what_is_next(webhook.look())


def _tell_what_is_next(situation: Situation) -> None:
    if situation.is_rotating:
        print(
            f"\n{len(situation.stored.secrets)} secrets are believed, and {1 + len(situation.older)} endpoints send "
            f"here. When {situation.current and situation.current.id} has delivered (Stripe's Dashboard, Webhooks), "
            "the same command with FINISH=1 ends the overlap."
        )


def where(options: argparse.Namespace) -> tuple[str, str]:
    """The URL and the prefix: as given, else the stack's; raises TargetError."""
    stack = deployed.find(options.stack) if options.stack else None
    url = options.url or (stack.outputs["WebhookUrl"] if stack else "")
    prefix = (options.prefix or (stack.secrets_prefix if stack else "")).rstrip("/")
    if not url or not prefix.startswith("/"):
        raise TargetError("say which: STACK=topup-prod, or URL=https://… and PREFIX=/topup/prod")
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise TargetError(f"{url}: Stripe delivers to https:// only")
    return url, prefix


def arguments_of(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make stripe-webhook", description="Sets up Stripe's webhook endpoint.")
    parser.add_argument("--stack", help="a deployed stack: its function URL and its secrets' prefix")
    parser.add_argument("--url", help="where Stripe shall send its events")
    parser.add_argument("--prefix", help="the SSM path of the secrets")
    parser.add_argument("--apply", action="store_true", help="do it, rather than say what would be done")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--rotate", action="store_true", help="a new signing secret, beside the old one")
    how.add_argument("--finish", action="store_true", help="end the overlap")
    return parser.parse_args(arguments)


def main(arguments: list[str], now: datetime | None = None) -> int:
    options = arguments_of(arguments)
    try:
        run(options, now or datetime.now(UTC))
    except NotYetError as error:
        print(f"not yet: {error}", file=sys.stderr)
        return 1
    except stripe.StripeError as error:
        hint = ": is STRIPE_SECRET_KEY right?" if isinstance(error, stripe.AuthenticationError) else ""
        print(f"cannot set up the webhook: Stripe: {endpoints.in_words(error)}{hint}", file=sys.stderr)
        return 2
    except (TargetError, BotoCoreError, ClientError) as error:
        print(f"cannot set up the webhook: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
