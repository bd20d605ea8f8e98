"""The one place where the stack meets the Stripe simulator and the storefront."""

import random

from starlette.types import ASGIApp

from local.banner import Access
from local.clock import Clock
from local.settings import Settings
from local.storefront import app as storefront_app
from local.storefront.app import StorefrontConfig
from local.stripe_simulator import Simulator
from local.stripe_simulator import app as simulator_app


def simulator(settings: Settings, url: str, webhook_url: str, clock: Clock) -> ASGIApp:
    """Stripe at `url`, which tells `webhook_url` of everything that happens."""
    values = settings.values
    webhook_secret = values["STRIPE_WEBHOOK_SECRET"].split(",")[0].strip()
    return simulator_app.create_app(
        Simulator(
            url,
            now=clock.now,
            rng=random.Random(),  # noqa: S311 - ids that nobody has to guess
            secret_key=values["STRIPE_SECRET_KEY"],
            webhooks=[(f"{webhook_url}/", webhook_secret)],
        )
    )


def storefront(access: Access) -> ASGIApp:
    return storefront_app.create_app(
        StorefrontConfig(
            api_url=access.addresses.api,
            user_token=access.user_token,
            admin_token=access.admin_token,
            api_key=access.api_key,
            simulator_url=access.addresses.stripe,
        )
    )
