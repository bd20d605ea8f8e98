"""The end of a load run: deliver what is under way, then reconcile until nothing is left to repair."""

from collections.abc import Callable

from local.client import BrokenPromiseError, Client, poll
from tools.load.stats import Stats

PATIENCE = 120.0  # seconds for the webhooks that are on their way
MOST_ROUNDS = 5
OVERDUE = 16 * 60  # seconds; only after these does reconcile check a payment that is still open
A_DAY = 25 * 3_600  # seconds; for so long Stripe replays a failure that it has stored for a key
# Of reconcile; lots have their own time.
OF_EVENTS = ("events", "paid_events", "reversal_events")
STEPS = ("refunds", "payments", *OF_EVENTS, "stripe_refunds", "stripe_disputes", "fraud_warnings")


def settle(client: Client, stats: Stats, say: Callable[[str], None]) -> None:
    """Raises BrokenPromiseError if there is no end to it."""
    say("waiting for the webhooks that are on their way")
    wait_for_deliveries(client)
    wait = OVERDUE
    for _ in range(MOST_ROUNDS):
        client.local.move_clock(wait)
        say("reconciling")
        report = client.local.reconcile(window_hours=72)
        for step in STEPS:
            stats.count("repaired by reconcile", step, report[step]["repaired"])
        wait_for_deliveries(client)
        in_flight = report["refunds"]["found"] - report["refunds"]["repaired"]
        if report["failures"] == report["repaired"] == in_flight == 0:
            return
        wait = A_DAY if in_flight else OVERDUE
    raise BrokenPromiseError(f"reconcile still finds something to repair: {report}")


def wait_for_deliveries(client: Client) -> None:
    """Return when no webhook is on its way; raises BrokenPromiseError."""

    def pending() -> int:
        return sum(sent["state"] == "pending" for sent in client.stripe.deliveries())

    poll(pending, lambda left: left == 0, "every webhook is delivered", PATIENCE, every=0.5)


def count_webhooks(client: Client, stats: Stats) -> int:
    """The number of requests that our webhook responded to; the counters have them by status."""
    responses = 0
    for sent in client.stripe.deliveries():
        stats.count("webhooks", "lost on their way", sent["state"] == "dropped")
        for attempt in sent["attempts"]:
            stats.count("webhooks", f"status {attempt['status']}" if attempt["status"] else "without a response")
            responses += attempt["status"] is not None
    return responses
