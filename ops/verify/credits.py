"""The steps about credits: granted, spent, held, captured, given back, expired."""

import uuid
from datetime import timedelta
from http import HTTPStatus

from local.client import document, expect
from ops.verify.scene import Scene

LIFE = timedelta(hours=1)


def grant(scene: Scene) -> str:
    user = scene.user("grant")
    granted = scene.grant(user, 50)
    expect(granted["balance_after"] == 50 and scene.balance(user) == 50, "the balance is 50")
    return "50 credits"


def spend(scene: Scene) -> str:
    user, key = scene.user("spend"), str(uuid.uuid4())
    scene.grant(user, 100)
    spent = document(scene.api.spend(user, 30, "Verification", key))
    expect(spent["balance_after"] == 70, "70 credits are left")
    expect(document(scene.api.spend(user, 30, "Verification", key)) == spent, "the retry has the same answer")
    refused = document(scene.api.spend(user, 71, "Verification", str(uuid.uuid4())), HTTPStatus.CONFLICT)
    expect(refused["code"] == "insufficient_credits", "more than there is cannot be spent")
    expect(scene.balance(user) == 70, "the balance is 70")
    return "30 of 100 credits, once; 71 of the rest are refused"


def hold(scene: Scene) -> str:
    user = scene.user("hold")
    scene.grant(user, 100)
    opened = scene.api.open_hold(user, 40, "Verification", str(uuid.uuid4()))
    held = document(opened, HTTPStatus.CREATED)
    expect(held["available_after"] == 60, "60 credits are available")
    captured = document(scene.api.capture(held, 25, str(uuid.uuid4())))
    expect(captured["status"] == "captured" and captured["shortfall"] == 0, "25 credits are captured")
    expect(scene.balance(user) == 75, "the balance is 75")
    return "40 of 100 credits held, 25 captured, 15 released"


def reverse(scene: Scene) -> str:
    user = scene.user("reverse")
    scene.grant(user, 100)
    spent = document(scene.api.spend(user, 30, "Verification", str(uuid.uuid4())))
    given = document(scene.api.reverse(user, spent["transaction_id"], 10, "Verification", str(uuid.uuid4())))
    expect(given["amount"] == 10 and given["lapsed"] == 0, "10 credits return")
    expect(scene.balance(user) == 80, "the balance is 80")
    return "10 of 30 spent credits returned"


def expiry(scene: Scene) -> str:
    """A lot that lives for an hour, and what is there after it."""
    user, clock = scene.user("expiry"), scene.place.clock
    expires_at = (clock.now() + LIFE).replace(microsecond=0)
    scene.grant(user, 20, body={"expires_at": expires_at.isoformat()})
    document(scene.api.spend(user, 5, "Verification", str(uuid.uuid4())))
    clock.pass_until(expires_at)
    expect(scene.balance(user) == 0, "what has expired is in no balance")
    expired = scene.eventually(
        lambda: [entry["amount"] for entry in scene.entries(user, "expired")],
        bool,
        "the ledger says what has expired",
    )
    expect(expired == [-15], "15 credits have expired, once")
    return "15 of 20 credits expired after an hour"
