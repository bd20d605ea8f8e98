"""Whose an event is: our account's, our mode's, our stack's, and of which of our payments."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from local.client import CARD, session_of
from local.in_process.api import Api
from local.in_process.dynamodb import Emulator
from local.in_process.environment import STACK, STRIPE_SECRET_KEY
from local.in_process.shop import Shop
from tests.integration.stripe_side import calls_of_stripe, opened_again
from tests.integration.webhooks import COMPLETED, DECLINED, SUCCEEDED, deliver, granted, status
from tests.support.builders import PAYMENT_ID, an_order
from tests.support.stripe_events import declined_intent, event, intent, metadata, session
from tests.support.stripe_wire import StripeWire, refuses, responds
from topup import store, stripe_gateway
from topup.domain.orders import Order
from topup.domain.updates import ReversalUpdate
from topup.runtime import config
from topup.stripe_gateway.client import API_VERSION
from topup.stripe_gateway.sessions import order_metadata

OUR_ACCOUNT = responds(200, {"id": "acct_ours", "object": "account"})
UNKNOWN = refuses(404, type="invalid_request_error", code="resource_missing")
LIVE_KEY = "sk_live_0123456789"

Json = dict[str, Any]
Maker = Callable[[Order], Json]


def refund(order: Order, **changes: Any) -> Json:
    """A refund made in Stripe's Dashboard, so without metadata (Stripe API, Refund object)."""
    return {
        "id": "re_1",
        "object": "refund",
        "amount": 2500,
        "charge": "ch_1",
        "created": 1772366400,
        "currency": order.currency.lower(),
        "livemode": order.livemode,  # for `event`; Stripe's object has no such field
        "metadata": {},
        "payment_intent": "pi_1",
        "reason": None,
        "status": "succeeded",
    } | changes


def dispute(order: Order, **changes: Any) -> Json:
    """Stripe API, Dispute object."""
    details = {"card": {"case_type": "chargeback"}, "type": "card"}
    return (
        refund(order, id="du_1", object="dispute", status="needs_response", reason="fraudulent")
        | {"balance_transactions": [], "payment_method_details": details}
        | changes
    )


def asked(wire: StripeWire) -> list[str]:
    """The paths that Stripe was asked for."""
    return [request.url.partition("/v1/")[2].partition("?")[0] for request in wire.requests]


def read(an_event: Json) -> ReversalUpdate:
    update = stripe_gateway.read_event(an_event)
    assert isinstance(update, ReversalUpdate)
    return update


# ------------------------------------------------------------------------------------------------------- whose account

EVENTS_OF_AN_ORDER: list[Maker] = [
    lambda order: event(SUCCEEDED, intent(order)),
    lambda order: event(COMPLETED, session(order)),
    lambda order: event("refund.created", refund(order)),
    lambda order: event("refund.created", refund(order, metadata=metadata(order))),
    lambda order: event("charge.dispute.created", dispute(order)),
]


@pytest.mark.parametrize("make", EVENTS_OF_AN_ORDER)
@pytest.mark.parametrize(
    "names", [{"account": "acct_other"}, {"account": "acct_other", "context": "acct_ours"}, {"context": "acct_other"}]
)
def test_an_event_of_another_account_is_acknowledged_and_does_nothing(
    api: Api,
    order: Order,
    dynamodb: Emulator,
    stripe_wire: StripeWire,
    capsys: pytest.CaptureFixture[str],
    make: Maker,
    names: Json,
):
    stripe_wire.then(OUR_ACCOUNT)

    assert deliver(api, make(order) | names).status == 200

    assert dynamodb.operations == []
    assert set(asked(stripe_wire)) <= {"account"}
    assert '"ForeignAccount":[1.0]' in capsys.readouterr().out


@pytest.mark.parametrize("context", ["acct_ours", "org_1/acct_ours"])
def test_an_event_of_our_own_account_in_an_organization_counts_and_the_account_is_asked_for_once(
    api: Api, order: Order, stripe_wire: StripeWire, context: str
):
    stripe_wire.then(OUR_ACCOUNT)

    for one in (event(SUCCEEDED, intent(order)), event(COMPLETED, session(order))):
        assert deliver(api, one | {"context": context}).status == 200

    assert granted(api) == [1100]
    assert asked(stripe_wire) == ["account"]


def test_without_a_context_nobody_asks_for_the_account(api: Api, order: Order, stripe_wire: StripeWire):
    unnamed: list[Json] = [{}, {"context": None, "account": None}, {"context": "", "account": ""}]
    for names in unnamed:
        deliver(api, event(SUCCEEDED, intent(order)) | names)

    assert granted(api) == [1100]
    assert stripe_wire.requests == []


def test_while_the_account_cannot_be_asked_for_the_event_must_come_again(
    api: Api, order: Order, stripe_wire: StripeWire
):
    paid = event(SUCCEEDED, intent(order)) | {"context": "acct_ours"}
    stripe_wire.then(refuses(500), OUR_ACCOUNT)

    assert deliver(api, paid).status == 502
    assert deliver(api, paid).status == 200
    assert granted(api) == [1100]


def test_a_connected_accounts_payment_with_our_metadata_grants_nothing(shop: Shop):
    payment = shop.create()
    shop.simulator.set_event_fields(account="acct_other", context="acct_other")
    calls = calls_of_stripe(shop)
    shop.pay(payment)

    assert set(shop.deliver()) == {200}
    assert calls == []
    assert shop.balance() == 0


# ---------------------------------------------------------------------------------------------------------- whose mode

EVENTS_THAT_MAY_BE_OURS: list[Maker] = [
    lambda order: event(COMPLETED, session(order)),
    lambda order: event(SUCCEEDED, intent(order)),
    lambda order: event("refund.created", refund(order, payment_intent="pi_gone")),
    lambda order: event("charge.dispute.created", dispute(order, payment_intent="pi_gone")),
]
VISIBLY_FOREIGN: list[Maker] = [
    lambda order: event(COMPLETED, session(order, metadata={})),
    lambda order: event(SUCCEEDED, intent(order, metadata=metadata(order) | {"topup_stack": "another-stage"})),
    lambda order: event("refund.created", refund(order, metadata={"topup_stack": "another-stage"})),
]


@pytest.mark.parametrize("make", EVENTS_THAT_MAY_BE_OURS)
def test_a_live_event_that_may_be_ours_comes_again_until_the_key_is_live(
    api: Api,
    dynamodb: Emulator,
    stripe_wire: StripeWire,
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    make: Maker,
):
    live = store.place_order(an_order(livemode=True))
    dynamodb.operations.clear()

    response = deliver(api, make(live))

    assert (response.status, response.json()["code"]) == (500, "misconfigured")
    assert dynamodb.operations == []
    assert stripe_wire.requests == []
    assert '"LivemodeMismatch":[1.0]' in capsys.readouterr().out
    environment.setenv("STRIPE_SECRET_KEY", LIVE_KEY)
    stripe_wire.then(UNKNOWN)
    assert deliver(api, make(live)).status == 200


@pytest.mark.parametrize("make", VISIBLY_FOREIGN)
def test_a_live_event_that_is_visibly_not_ours_is_acknowledged_under_a_test_key(
    api: Api, dynamodb: Emulator, make: Maker
):
    assert deliver(api, make(an_order(livemode=True))).status == 200
    assert dynamodb.operations == []


@pytest.mark.parametrize("make", EVENTS_OF_AN_ORDER)
def test_a_test_event_under_a_live_key_does_nothing_and_is_counted(
    api: Api,
    order: Order,
    dynamodb: Emulator,
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    make: Maker,
):
    environment.setenv("STRIPE_SECRET_KEY", LIVE_KEY)

    assert deliver(api, make(order)).status == 200
    assert dynamodb.operations == []
    assert '"LivemodeMismatch":[1.0]' in capsys.readouterr().out


# --------------------------------------------------------------------------------------------------------- whose intent


@pytest.mark.parametrize("kind", ["refund.created", "charge.dispute.created"])
def test_an_intent_that_stripe_does_not_know_is_nobodys(
    api: Api, order: Order, dynamodb: Emulator, stripe_wire: StripeWire, kind: str
):
    stripe_wire.then(UNKNOWN)
    subject = refund(order) if kind.startswith("refund") else dispute(order)

    assert deliver(api, event(kind, subject)).status == 200

    assert asked(stripe_wire) == ["payment_intents/pi_1"]
    assert dynamodb.operations == []


@pytest.mark.parametrize("refused", [401, 403, 404, 500])
def test_an_intent_that_could_not_be_asked_for_is_asked_for_again(
    api: Api, order: Order, stripe_wire: StripeWire, refused: int
):
    stripe_wire.then(refuses(refused))

    assert deliver(api, event("refund.created", refund(order))).status == 502


def test_a_refund_without_an_intent_is_not_ours(api: Api, order: Order, dynamodb: Emulator, stripe_wire: StripeWire):
    bare = refund(order, payment_intent=None, metadata=metadata(order))

    assert deliver(api, event("refund.created", bare)).status == 200
    assert (dynamodb.operations, stripe_wire.requests) == ([], [])


def test_an_update_names_the_intent_that_stripe_names(order: Order, stripe_wire: StripeWire):
    stripe_wire.then(responds(200, intent(order, id="pi_2")))
    traced = event("refund.created", refund(order, payment_intent="pi_2"))
    marked = event("refund.created", refund(order, payment_intent="pi_3", metadata=metadata(order)))

    assert [read(one).transaction_id for one in (traced, marked)] == ["pi_2", "pi_3"]


def test_a_refund_that_is_read_again_belongs_to_the_order_of_its_intent(shop: Shop):
    first, _ = shop.buy()
    second, second_intent = shop.buy()
    made = shop.simulator.refund(second_intent, 2500)
    # Whoever made it wrote another order's name on it.
    marked = made | {"livemode": False, "metadata": metadata(an_order(payment_id=first))}
    update = read(event("refund.created", marked))
    assert update.payment_id == first

    current = stripe_gateway.read_reversal(update)

    assert current is not None
    assert (current.payment_id, current.transaction_id) == (second, second_intent)
    assert current.reversal.amount_minor == 2500
    assert current.payment is not None


def test_a_refund_with_another_orders_name_on_it_takes_the_credits_of_its_own_intents_order(shop: Shop):
    first, _ = shop.buy()
    second, second_intent = shop.buy()
    named = "&".join(f"metadata[{name}]={value}" for name, value in metadata(an_order(payment_id=first)).items())
    key = {"Authorization": f"Bearer {STRIPE_SECRET_KEY}"}
    body = f"payment_intent={second_intent}&amount=2500&{named}".encode()
    assert shop.simulator.request("POST", "/v1/refunds", key, body)[0] == 200

    assert set(shop.deliver()) == {200}

    assert [shop.payment(one).get("amount_refunded") for one in (first, second)] == [None, 25]
    assert shop.balance() == 2200 - 275
    shop.check()


def test_a_dispute_that_is_read_again_says_what_is_true_now(shop: Shop):
    _, bought = shop.buy()
    opened = shop.simulator.dispute(bought)
    old = read(event("charge.dispute.created", opened))
    shop.simulator.close_dispute(opened["id"], "won", kept=4000)

    current = stripe_gateway.read_reversal(old)

    assert current is not None
    assert (current.reversal.status, current.reversal.reversed_minor) == ("won", 4000)


def test_what_stripe_does_not_know_any_more_and_what_is_not_ours_is_read_as_none(order: Order, stripe_wire: StripeWire):
    update = read(event("refund.created", refund(order, metadata=metadata(order))))
    foreign = refund(order, payment_intent=intent(order, metadata={}))
    stripe_wire.then(UNKNOWN, responds(200, foreign))

    assert [stripe_gateway.read_reversal(update) for _ in range(2)] == [None, None]


# ---------------------------------------------------------------------------------------------------------- whose stack


@pytest.fixture
def renamed(environment: pytest.MonkeyPatch) -> None:
    """The stack was replaced by one of another name, with the same tables."""
    environment.setenv("STACK_NAME", "topup-new")
    environment.setenv("FORMER_STACK_NAMES", f"topup-oldest, {STACK}")
    config.settings.cache_clear()


@pytest.mark.usefixtures("renamed")
def test_objects_of_a_former_stack_are_ours(api: Api, order: Order):
    assert deliver(api, event(SUCCEEDED, intent(order))).status == 200

    assert granted(api) == [1100]


@pytest.mark.usefixtures("renamed")
def test_new_objects_carry_the_new_name():
    assert order_metadata(an_order())["topup_stack"] == "topup-new"


def test_objects_of_a_former_stack_that_is_not_named_are_anothers(
    api: Api, order: Order, dynamodb: Emulator, environment: pytest.MonkeyPatch
):
    environment.setenv("STACK_NAME", "topup-new")
    config.settings.cache_clear()

    assert deliver(api, event(SUCCEEDED, intent(order))).status == 200
    assert dynamodb.operations == []


# ---------------------------------------------------------------------------------------------------- which API version

OLD_VERSION = {"api_version": "2020-08-27"}


@pytest.mark.parametrize("version", [{"api_version": None}, OLD_VERSION, {"api_version": "2027-01-01.later"}])
def test_what_can_be_read_in_any_version_costs_no_call(api: Api, order: Order, stripe_wire: StripeWire, version: Json):
    for kind, subject in (
        (DECLINED, declined_intent(order)),
        (SUCCEEDED, intent(order)),
        (COMPLETED, session(order)),
        ("refund.created", refund(order, metadata=metadata(order))),
    ):
        assert deliver(api, event(kind, subject, **version)).status == 200

    assert granted(api) == [1100, -275]
    assert stripe_wire.requests == []


def test_a_payment_that_cannot_be_read_in_another_version_is_read_again_in_ours(
    api: Api, order: Order, stripe_wire: StripeWire
):
    stripe_wire.then(responds(200, session(order, payment_intent=intent(order))), responds(200, intent(order)))

    assert deliver(api, event(COMPLETED, session(order, amount_total=None), **OLD_VERSION)).status == 200
    assert deliver(api, event(SUCCEEDED, intent(order, amount_received=None), **OLD_VERSION)).status == 200

    assert granted(api) == [1100]
    assert asked(stripe_wire) == ["checkout/sessions/cs_test_1", "payment_intents/pi_1"]
    assert {request.headers["Stripe-Version"] for request in stripe_wire.requests} == {API_VERSION}


@pytest.mark.parametrize("version", [{}, {"api_version": None}])
def test_what_cannot_be_read_in_our_own_version_is_refused(
    api: Api, order: Order, stripe_wire: StripeWire, version: Json
):
    for kind, subject in (
        (COMPLETED, session(order, amount_total=None)),
        ("refund.created", refund(order, metadata=metadata(order), amount=None)),
    ):
        assert deliver(api, event(kind, subject, **version)).status == 400
    assert stripe_wire.requests == []


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"status": "succeeded"}, "succeeded"),
        ({"status": "requires_payment_method", "amount_received": 0, "last_payment_error": {"code": "x"}}, "failed"),
        ({"status": "processing", "amount_received": 0}, "pending"),
    ],
)
def test_an_intent_that_is_read_again_says_what_is_true_now(
    api: Api, order: Order, stripe_wire: StripeWire, found: Json, expected: str
):
    stripe_wire.then(responds(200, intent(order, **found)))

    assert deliver(api, event(SUCCEEDED, intent(order, amount_received=None), **OLD_VERSION)).status == 200
    assert status(api) == expected


@pytest.mark.parametrize("unlike", [{"amount": "25.00"}, {"status": "charge_refunded"}, {"created": "2020-08-27"}])
@pytest.mark.parametrize("kind", ["refund.created", "charge.dispute.created"])
def test_a_reversal_that_cannot_be_read_in_another_version_is_read_again_with_its_intent(
    order: Order, stripe_wire: StripeWire, kind: str, unlike: Json
):
    make = refund if kind == "refund.created" else dispute
    subject = make(order, metadata=metadata(order), **unlike)
    if make is dispute:
        stripe_wire.then(responds(200, intent(order)))
    stripe_wire.then(responds(200, make(order, payment_intent=intent(order))))

    update = read(event(kind, subject, **OLD_VERSION))

    assert (update.payment_id, update.transaction_id) == (PAYMENT_ID, "pi_1")
    assert asked(stripe_wire)[-1] == f"{make.__name__}s/{subject['id']}"
    assert stripe_wire.requests[-1].url.endswith("?expand[0]=payment_intent")


def test_a_reversal_that_names_no_intent_in_another_version_is_read_again(order: Order, stripe_wire: StripeWire):
    stripe_wire.then(responds(200, refund(order, payment_intent=intent(order))))
    old = refund(order)
    del old["payment_intent"]

    assert read(event("refund.created", old, **OLD_VERSION)).transaction_id == "pi_1"
    assert asked(stripe_wire) == ["refunds/re_1"]


def test_a_foreign_reversal_in_another_version_costs_one_call(
    api: Api, order: Order, dynamodb: Emulator, stripe_wire: StripeWire
):
    stripe_wire.then(responds(200, intent(order, metadata={})))

    assert deliver(api, event("charge.dispute.created", dispute(order), **OLD_VERSION)).status == 200
    assert asked(stripe_wire) == ["payment_intents/pi_1"]
    assert dynamodb.operations == []


def test_what_is_read_again_and_is_gone_or_not_ours_any_more_does_nothing(
    api: Api, order: Order, dynamodb: Emulator, stripe_wire: StripeWire
):
    unreadable = (
        (COMPLETED, session(order, amount_total=None)),
        (SUCCEEDED, intent(order, amount_received=None)),
        ("refund.created", refund(order, metadata=metadata(order), amount=None)),
    )
    stripe_wire.then(UNKNOWN, UNKNOWN, UNKNOWN)
    stripe_wire.then(responds(200, session(order, metadata={})), responds(200, intent(order, metadata={})))
    stripe_wire.then(responds(200, refund(order, payment_intent=intent(order, metadata={}))))

    for kind, subject in unreadable * 2:
        assert deliver(api, event(kind, subject, **OLD_VERSION)).status == 200
    assert dynamodb.operations == []


# ----------------------------------------------------------------------------------------------------- unknown statuses


@pytest.mark.parametrize("word", ["partially_paid", "unknown"])
def test_an_unknown_status_of_a_payment_moves_nothing_and_is_told(
    api: Api, order: Order, dynamodb: Emulator, log: io.StringIO, capsys: pytest.CaptureFixture[str], word: str
):
    assert deliver(api, event(COMPLETED, session(order, payment_status=word))).status == 200

    assert dynamodb.operations == []
    assert '"UnknownStripeStatus":[1.0]' in capsys.readouterr().out
    assert json.loads(log.getvalue().splitlines()[-1])["status"] == word


@pytest.mark.parametrize("changes", [{"payment_status": "partially_paid"}, {"status": "frozen"}])
def test_a_session_of_an_unknown_status_is_no_payment_when_stripe_is_asked(
    order: Order, stripe_wire: StripeWire, changes: Json
):
    stripe_wire.then(responds(200, session(order, payment_intent=intent(order)) | changes))

    state = stripe_gateway.read_session(order)
    assert state
    assert state.update is None


@pytest.mark.parametrize("word", [None, 1, ["paid"]])
def test_a_payment_status_that_is_no_text_is_refused(api: Api, order: Order, word: Any):
    assert deliver(api, event(COMPLETED, session(order, payment_status=word))).status == 400


def test_a_refund_without_a_status_takes_its_credits_like_a_pending_one(shop: Shop):
    payment_id, bought = shop.buy()
    made = shop.simulator.refund(bought, 2500, has_status=False)

    assert set(shop.deliver()) == {200}

    assert shop.payment(payment_id)["refunds"][0]["status"] == "pending"
    assert shop.balance() == 825
    shop.simulator.settle_refund(made["id"], "failed")
    shop.deliver()
    assert shop.balance() == 1100
    shop.check()


@pytest.mark.parametrize("end", ["won", "lost"])
def test_an_appeal_takes_the_credits_until_it_ends(shop: Shop, end: str):
    _, bought = shop.buy()
    opened = shop.simulator.dispute(bought)
    for move in ("appeal_needs_response", "appeal_under_review"):
        shop.simulator.update_dispute(opened["id"], move)
        assert set(shop.deliver()) == {200}
        assert shop.balance() == 0
    shop.simulator.close_dispute(opened["id"], end)
    shop.deliver()

    assert shop.balance() == (1100 if end == "won" else 0)
    shop.check()


@pytest.mark.parametrize("status", ["arbitration", "frozen"])
def test_an_unknown_status_of_a_dispute_keeps_what_is_known(
    shop: Shop, capsys: pytest.CaptureFixture[str], status: str
):
    _, bought = shop.buy()
    opened = shop.simulator.dispute(bought)
    shop.deliver()

    shop.simulator.update_dispute(opened["id"], status)

    assert set(shop.deliver()) == {200}
    assert shop.balance() == 0
    assert '"UnknownStripeStatus":[1.0]' in capsys.readouterr().out
    shop.simulator.update_dispute(opened["id"], "under_review")
    shop.simulator.close_dispute(opened["id"], "won")
    shop.deliver()
    assert shop.balance() == 1100
    shop.check()


def test_a_whole_history_in_another_version_ends_as_in_ours(shop: Shop):
    shop.simulator.set_event_fields(api_version="2020-08-27")
    payment_id, bought = shop.buy()
    shop.simulator.refund(bought, 2500)
    opened = shop.simulator.dispute(bought, amount=5000)
    assert set(shop.deliver()) == {200}
    assert shop.balance() == 1100 - 825
    shop.simulator.close_dispute(opened["id"], "won")
    shop.lose()

    shop.reconcile()

    assert shop.payment(payment_id)["amount_refunded"] == 25
    assert shop.balance() == 825
    shop.check()


@pytest.mark.parametrize(
    ("order_of_events", "credits"),
    [
        (("payment_intent.succeeded", "checkout.session.completed"), 1100),
        (("checkout.session.completed", "payment_intent.succeeded"), 0),
    ],
)
def test_a_payment_of_another_session_of_the_attempt_grants_once_or_waits_for_a_person(
    shop: Shop, order_of_events: tuple[str, str], credits: int
):
    """Decision 24, item 6: the order of the events may decide which, and never that money is lost or counts twice."""
    payment = shop.create()
    shop.simulator.pay(opened_again(shop, session_of(payment)), card=CARD)
    for name in order_of_events:
        assert set(shop.deliver(name)) == {200}

    waits = 0 if credits else 1
    assert (shop.balance(), len(shop.find(status="quarantined").json()["payments"])) == (credits, waits)
    shop.pay(payment)  # at its own session, too
    shop.deliver()
    assert (shop.balance(), len(shop.find(status="quarantined").json()["payments"])) == (1100, 1)
    shop.check()
