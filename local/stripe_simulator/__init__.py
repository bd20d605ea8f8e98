"""A local simulator of Stripe. It moves no money, and what works here may still fail with the real Stripe.

`Simulator` is the account, used in process; `app.create_app` serves it over HTTP, with the pay page and the controls.
"""

from local.stripe_simulator.api.faults import Fault
from local.stripe_simulator.core.errors import NoResponse, Refused, StripeError
from local.stripe_simulator.core.webhooks import Behaviour, Delivery
from local.stripe_simulator.simulator import Simulator

__all__ = ["Behaviour", "Delivery", "Fault", "NoResponse", "Refused", "Simulator", "StripeError"]
