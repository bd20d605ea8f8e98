"""The last steps: what else the stack asks Stripe, and whether everything adds up."""

from collections.abc import Iterable
from contextlib import closing
from datetime import datetime
from itertools import chain

from local.client import expect
from ops.audit.report import Audit
from ops.audit.stripe_side import StripeSide, Window
from ops.audit.tables import audit as audit_tables
from ops.verify import as_asked
from ops.verify.at_stripe import BUYER
from ops.verify.scene import EARLIER, Bought, Scene
from topup.domain.reversals import Kind
from topup.stripe_gateway import client, events, finding, intents, listing, refunds, sessions
from topup.stripe_gateway.listing import Listed, Page


def questions(scene: Scene) -> str:
    """Every question of the functions and of the operators' commands, about all that was bought in this run."""
    for bought in scene.bought:
        _ask_about(bought)
    _ask_about_the_account(scene.since, scene.place.clock.now() + EARLIER)
    return f"Stripe answered every question about {len(scene.bought)} payments, and about the account"


def audit(scene: Scene) -> str:
    """The tables, and Stripe's lists of this run."""
    now, found = scene.place.clock.now, Audit()
    window = Window(scene.since, now())
    with closing(StripeSide(window, found, lambda _record: "make reconcile")) as side:
        side.read()
        audit_tables(now, each=side.meet, found=found)
        side.judge()
    expect(not found.findings, "; ".join(found.findings))
    return str(found)


def _ask_about(bought: Bought) -> None:
    order = as_asked.order_of(bought.id)
    state = sessions.read_session(order)
    expect(state is not None and not state.is_open and state.update is not None, "Stripe's session says it is paid")
    expect(sessions.payment_of_intent(bought.intent_id) is not None, "the session of an intent is found")
    expect(sessions.read_documents(order).receipt_url is not None, "the payment has a receipt")
    found = intents.read_intent_money(bought.intent_id)
    expect(found is not None and found.payment is not None, "the intent has brought money")
    expect(finding.order_of_session(bought.session_id) == bought.id, "the session names its order")
    expect(finding.order_of_intent(bought.intent_id) == bought.id, "the intent names its order")
    for reversal in as_asked.reversals_of(bought.id):
        current = events.current_reversal(reversal.kind, str(reversal.stripe_id))
        expect(current is not None, f"Stripe knows the {reversal.kind}")
        if reversal.kind is Kind.REFUND and reversal.reversal_id != reversal.stripe_id:
            expect(refunds.find_refund(order, reversal) is not None, "a refund of ours is found by its metadata")


def _ask_about_the_account(begin: datetime, end: datetime) -> None:
    since, until = int(begin.timestamp()), int(end.timestamp())
    _read(listing.refunds(since, until))
    _read(listing.disputes(since, until))
    _read(listing.fraud_warnings(since, until))
    _read(listing.paid_events(since, until))
    _read(listing.unpaid_events(since, until))
    _read(listing.reversal_events(since, until))
    events_of_run = _read(listing.all_events(since, until))
    expect(bool(events_of_run), "Stripe lists the events of this run")
    expect(listing.load_event(events_of_run[-1].id) is not None, "an event can be read again")
    client.own_account()
    finding.orders_by_email(BUYER["email"], 10, None)
    finding.orders_with_open_disputes(10, None)


def _read(pages: Iterable[Page]) -> list[Listed]:
    return list(chain.from_iterable(page.objects for page in pages))
