"""A simulator of Stripe for this computer: no proof against the real Stripe, and no money.

`Simulator` is the account, driven in process; `app.create_app` puts it on a port, with the pay page and the controls.
"""

from local.stripe_simulator.api.faults import Fault
from local.stripe_simulator.core.errors import Refused, StripeError, Unanswered
from local.stripe_simulator.core.webhooks import Behaviour, Delivery
from local.stripe_simulator.simulator import Simulator

__all__ = ["Behaviour", "Delivery", "Fault", "Refused", "Simulator", "StripeError", "Unanswered"]
