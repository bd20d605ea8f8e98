"""The steps about Stripe's deliveries: one that comes late, and one that is not Stripe's."""

import json
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from http import HTTPStatus

from local.client import broken, document, expect
from ops.verify.scene import Scene

COMPLETED = "checkout.session.completed"


def late_webhook(scene: Scene) -> str:
    """The endpoint is switched off while a payment is made. Raises BrokenPromiseError."""
    endpoints = scene.stripe.endpoints(scene.place.webhook_urls)
    if not endpoints:
        broken("an enabled webhook endpoint at Stripe leads to the stack")
    user = scene.user("late")
    with _switched_off(scene, [endpoint["id"] for endpoint in endpoints]):
        bought = scene.pay(user)
        event = scene.eventually(
            lambda: scene.stripe.event(COMPLETED, bought.session_id),
            lambda found: found is not None,
            "Stripe lists the event",
        )
    expect(scene.balance(user) == 0, "the stack has heard of nothing")
    assert event is not None
    scene.stripe.resend(event["id"], endpoints[0]["id"])
    scene.eventually(lambda: scene.balance(user), lambda balance: balance > 0, "the late webhook grants the credits")
    expect(scene.balance(user) == bought.credits, f"the balance is {bought.credits}")
    return f"{bought.credits} credits came with the delivery that was sent again"


@contextmanager
def _switched_off(scene: Scene, endpoint_ids: Iterable[str]) -> Iterator[None]:
    """Inside the block Stripe delivers nothing to these; after it to all of them, whatever happens to one."""
    with ExitStack() as stack:
        for endpoint_id in endpoint_ids:
            stack.callback(scene.stripe.switch, endpoint_id, on=True)
            scene.stripe.switch(endpoint_id, on=False)
        yield


def wrong_signature(scene: Scene) -> str:
    event = {"id": "evt_of_nobody", "object": "event", "type": COMPLETED, "livemode": False}
    signature = f"t={int(time.time())},v1={'0' * 64}"
    for url in scene.place.webhook_urls:
        headers = {"stripe-signature": signature, "content-type": "application/json"}
        answer = scene.api.send("POST", url, content=json.dumps(event), headers=headers)
        refused = document(answer, HTTPStatus.BAD_REQUEST)
        expect(refused["code"] == "invalid_signature", "the code is invalid_signature")
    return f"refused at {len(scene.place.webhook_urls)} addresses"
