"""The demo's call of a language model: its cost is not known before it ends, so credits are held for it."""

import uuid
from http import HTTPStatus

from local.client import TRANSACTIONS, expect
from tools.demo.ledger import has_balance
from tools.demo.shop import Json, Shop

ESTIMATE = 200  # credits that the call costs at most
ANSWER = ("Your report", " has three parts.", " The first one", " names what was sold,", " the second the costs.")
CREDITS_FOR_A_PIECE = 26


def call(shop: Shop) -> None:
    """The user has 1350 credits before it and 1250 after it. Raises BrokenPromiseError."""
    hold = reserve(shop)
    cost = stream(shop)
    captured = capture(shop, hold, cost)
    give_back(shop, captured)


def reserve(shop: Shop) -> Json:
    shop.step(
        f"A language model is to be called. Its cost is known only afterwards, so our service holds {ESTIMATE} credits."
    )
    hold = shop.hold(ESTIMATE, "Summary of a report")
    expect(hold["status"] == "open" and hold["available_after"] == 1150, "1150 of the 1350 credits are available")
    has_balance(shop, 1350, held=ESTIMATE)
    shop.step("Another service wants 1300 credits meanwhile. It is refused: what is held is not for others.")
    refused = shop.spend(1300, "Translated a book", str(uuid.uuid4()), expected=HTTPStatus.CONFLICT)
    expect(refused["code"] == "insufficient_credits" and refused["available"] == 1150, "1150 credits are available")
    return hold


def stream(shop: Shop) -> int:
    """What the call has cost; there is no model here, so the answer is always the same."""
    shop.step("The model answers piece by piece, and the service adds up what that costs.")
    used = 0
    for piece in ANSWER:
        used += CREDITS_FOR_A_PIECE
        print(f"   {used:4} credits  …{piece}")
    return used


def capture(shop: Shop, hold: Json, cost: int) -> Json:
    shop.step(f"The answer is complete and has cost {cost} credits. They are captured; the other 70 are released.")
    key = str(uuid.uuid4())
    captured = shop.capture(hold, cost, key)
    expect(captured["status"] == "captured" and captured["amount_captured"] == cost, f"{cost} credits were taken")
    has_balance(shop, 1220)
    shop.step("The response was lost, so the service retries: same Idempotency-Key, same response, taken once.")
    expect(shop.capture(hold, cost, key) == captured, "the second response equals the first")
    return captured


def give_back(shop: Shop, captured: Json) -> None:
    shop.step("The last part of the answer was cut off. The service gives 30 of the credits back, to their own lot.")
    given = shop.reverse(captured["transaction_id"], 30, "The answer was cut off")
    expect(given["amount"] == 30 and given["lapsed"] == 0, "all 30 have returned")
    has_balance(shop, 1250)
    shop.step("The history shows both: what the call took, and what was given back of it.")
    [back, spent] = shop.get(TRANSACTIONS)["transactions"][:2]
    expect((spent["amount"], spent["hold_id"]) == (-130, captured["hold_id"]), "the spend of 130 names its hold")
    expect((back["amount"], back["reverses"]) == (30, spent["id"]), "the 30 credits name the spend that they belong to")
