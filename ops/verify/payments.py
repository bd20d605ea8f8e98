"""The steps about money: bought, declined, refunded, disputed. Each returns what was seen, in a sentence."""

import uuid
from http import HTTPStatus

import stripe

from local.client import Json, broken, document, expect, session_of
from ops.verify import as_asked
from ops.verify.at_stripe import DECLINED, DISPUTED, NEEDS_3D_SECURE
from ops.verify.scene import Bought, Scene
from topup.domain import money
from topup.stripe_gateway import sessions


def purchase(scene: Scene) -> str:
    bought = scene.buy(scene.user("purchase"))
    expect(scene.balance(bought.user_id) == bought.credits, f"the balance is {bought.credits}")
    expect(scene.payment(bought)["status"] == "succeeded", "the payment has succeeded")
    granted = scene.entries(bought.user_id, "purchased")
    expect(len(granted) == 1, "the credits are granted once")
    return f"{bought.credits} credits for {bought.cost}, by the webhook alone"


def decline(scene: Scene) -> str:
    user = scene.user("decline")
    payment = scene.checkout(user)
    try:
        scene.stripe.pay(session_of(payment), DECLINED)
    except stripe.CardError as error:
        code = error.code
    else:
        broken("Stripe declines the card")
    failed = scene.eventually(
        lambda: document(scene.api.payment(payment, user)),
        lambda seen: seen["status"] == "failed",
        "the webhook reports the decline",
    )
    intent = scene.stripe.session(session_of(payment))["payment_intent"] or {}
    expect(intent.get("status") in (None, "requires_payment_method"), "another card may be tried at Stripe")
    expect(bool(failed.get("error_message")), "the payment says why")
    expect(scene.balance(user) == 0, "no credits are granted")
    return f"{code}: {failed['error_message']}"


def three_d_secure(scene: Scene) -> str:
    """As far as a machine gets: the bank's question stays open."""
    user = scene.user("3ds")
    payment = scene.checkout(user)
    scene.stripe.pay(session_of(payment), NEEDS_3D_SECURE)
    session = scene.stripe.session(session_of(payment))
    status = (session["payment_intent"] or {}).get("status")
    expect(status == "requires_action", f"Stripe waits for the buyer's confirmation; it says {status}")
    waiting = document(scene.api.payment(payment, user))
    expect(waiting["status"] == "pending" and scene.balance(user) == 0, "the payment is pending, without credits")
    return "the payment waits for its buyer, without credits; no machine can go on from here"


def closed_page(scene: Scene) -> str:
    user = scene.user("closed")
    payment = scene.checkout(user)
    sessions.end_session(as_asked.order_of(payment["payment_id"]))
    scene.eventually(
        lambda: document(scene.api.payment(payment, user)),
        lambda seen: seen["status"] == "expired",
        "the webhook reports the end of the session",
    )
    return "the session has ended, and the payment has expired"


def full_refund(scene: Scene) -> str:
    bought = scene.buy(scene.user("refund"))
    refunded = _refund(scene, bought, None)
    expect(refunded["credits_refunded"] == bought.credits, "all credits are clawed back")
    _await_refund(scene, bought, 0, bought.price)
    return f"{bought.cost} and {bought.credits} credits went back"


def part_refund(scene: Scene) -> str:
    bought = scene.buy(scene.user("part"))
    half = bought.price // 200 * 100 or bought.price // 2  # some currencies are charged in whole units only
    clawed_back = bought.credits * half // bought.price
    refunded = _refund(scene, bought, float(money.to_major(half, bought.currency)))
    expect(refunded["credits_refunded"] == clawed_back, f"{clawed_back} credits are clawed back")
    _await_refund(scene, bought, bought.credits - clawed_back, half)
    return f"{money.to_text(half, bought.currency)} of {bought.cost} and {clawed_back} credits went back"


def dashboard_refund(scene: Scene) -> str:
    bought = scene.buy(scene.user("dashboard"))
    scene.stripe.refund(bought.intent_id)
    scene.eventually(lambda: scene.balance(bought.user_id), lambda balance: balance == 0, "the webhook reports it")
    _await_refund(scene, bought, 0, bought.price)
    return f"{bought.cost} went back at Stripe, and {bought.credits} credits here"


def dispute(scene: Scene) -> str:
    bought = scene.buy(scene.user("dispute"), DISPUTED)
    disputed = scene.eventually(
        lambda: scene.payment(bought).get("disputes", []), bool, "the webhook reports the dispute"
    )
    expect(scene.balance(bought.user_id) == 0, "the credits are clawed back")
    return f"{disputed[0]['status']}, {disputed[0]['reason']}: {bought.credits} credits are clawed back"


def _refund(scene: Scene, bought: Bought, amount: float | None) -> Json:
    response = scene.api.refund(bought.payment, amount, str(uuid.uuid4()))
    refunded = document(response, HTTPStatus.OK, HTTPStatus.ACCEPTED)
    as_asked.create_refund(bought.id)
    return refunded


def _await_refund(scene: Scene, bought: Bought, balance: int, refunded: int) -> None:
    """The figures are as they must be, and the refund has succeeded, also by Stripe's word."""
    amount = float(money.to_major(refunded, bought.currency))
    scene.eventually(
        lambda: scene.payment(bought),
        lambda seen: {one["status"] for one in seen.get("refunds", ())} == {"succeeded"},
        "the refund has succeeded",
    )
    expect(scene.payment(bought)["amount_refunded"] == amount, f"{amount} is refunded")
    expect(scene.balance(bought.user_id) == balance, f"the balance is {balance}")
