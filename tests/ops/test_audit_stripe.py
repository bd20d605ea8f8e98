"""`audit --stripe`: payments, refunds and disputes at Stripe against ours, both ways and one by one."""

from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import stripe

from local.in_process.shop import Shop
from ops.audit import Audit, audit, exported
from ops.audit import stripe_side as sides
from ops.audit.stripe_side import StripeSide, Window
from ops.export import command, files
from topup.domain.errors import Busy, StripeFailed
from topup.runtime import config
from topup.stripe_gateway import records

MONTH = timedelta(days=30)
COMMAND = "make reconcile ALL=1"


def compared(
    shop: Shop, window: timedelta = MONTH, before_judging: Callable[[], object] = lambda: None
) -> tuple[list[str], int]:
    """What the audit finds, and how many objects of Stripe's it compared."""
    found = Audit()
    with closing(StripeSide(Window(shop.now - window, shop.now), found, lambda _created: COMMAND)) as side:
        side.read()
        audit(lambda: shop.now, each=side.meet, found=found)
        before_judging()
        side.judge()
    return found.findings, found.compared


def findings(shop: Shop) -> list[str]:
    return compared(shop)[0]


def change(shop: Shop, payment_id: str, record: str, **attributes: str | int) -> None:
    """Damage a record of a payment, and of nothing else, in a way that our code never does."""
    client = shop.dynamodb.client
    found = client.scan(TableName=shop.dynamodb.orders_table, ConsistentRead=True)["Items"]
    of_payment = [item for item in found if item["payment_id"]["S"] == payment_id]
    [item] = [item for item in of_payment if item["record"]["S"].startswith(record)]
    typed = {name: {"N": str(to)} if isinstance(to, int) else {"S": to} for name, to in attributes.items()}
    client.put_item(TableName=shop.dynamodb.orders_table, Item=item | typed)


@pytest.fixture
def requests(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The requests to Stripe."""
    made: list[str] = []
    whole = shop.simulator.request

    def request(method: str, path: str, *args: Any, **kwargs: Any) -> Any:
        made.append(f"{method.upper()} {path}")
        return whole(method, path, *args, **kwargs)

    monkeypatch.setattr(shop.simulator, "request", request)
    return made


# ------------------------------------------------------------------------------------------------- what agrees


def test_what_agrees_is_found_right_by_the_three_lists_alone(shop: Shop, requests: list[str]):
    payment_id, intent = shop.buy()
    assert shop.refund(payment_id, 10).status == 200
    shop.simulator.refund(intent, 2500)
    dispute = shop.simulator.dispute(intent)
    shop.deliver()
    shop.buy(user="user-2")
    shop.create(user="user-3")
    requests.clear()

    assert compared(shop) == ([], 5)
    assert [request.split("?")[0] for request in requests] == [
        "GET /v1/payment_intents",
        "GET /v1/refunds",
        "GET /v1/disputes",
    ]
    shop.simulator.close_dispute(dispute["id"], "won")
    shop.deliver()
    assert compared(shop) == ([], 5)


def test_objects_of_other_systems_are_left(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    _, intent = shop.buy()
    shop.simulator.refund(intent, 2500)
    shop.simulator.dispute(intent)
    monkeypatch.setenv("STACK_NAME", "another")
    config.settings.cache_clear()
    found = Audit()
    with closing(StripeSide(Window(shop.now - MONTH, shop.now), found, lambda _created: COMMAND)) as side:
        side.read()
        side.judge()

    assert (found.findings, found.compared) == ([], 0)


def test_a_payment_that_did_not_succeed_is_no_money(shop: Shop):
    shop.pay(shop.create(), card="4000000000000002")
    shop.lose()

    assert compared(shop) == ([], 0)


# ---------------------------------------------------------------------------------------- what only Stripe has


def test_a_payment_that_nobody_heard_of(shop: Shop):
    payment = shop.create()
    intent = shop.pay(payment)
    shop.lose()

    what = f"payment {payment['payment_id']}: payment {intent} of 100.00 CNY, succeeded at Stripe"
    assert findings(shop) == [f"{what}: its payment is pending here → {COMMAND}"]


@pytest.mark.parametrize("what", ["refund", "dispute"])
def test_a_refund_or_dispute_that_nobody_heard_of(shop: Shop, what: str):
    payment_id, intent = shop.buy()
    made = shop.simulator.refund(intent, 2500) if what == "refund" else shop.simulator.dispute(intent)
    shop.lose()

    [finding] = findings(shop)
    assert finding.startswith(f"payment {payment_id}: {what} {made['id']} of ")
    assert finding.endswith(f" at Stripe: it is not recorded here → {COMMAND}")


def test_a_refund_whose_answer_was_lost(shop: Shop):
    payment_id, _ = shop.buy()
    shop.fault("/v1/refunds", "timeout_after")
    assert shop.refund(payment_id, 10).status == 202
    shop.lose()

    [finding] = findings(shop)
    assert finding.endswith(f"it is not recorded here (a refund is in flight) → {COMMAND}")


def test_a_payment_without_its_order(shop: Shop):
    payment_id, intent = shop.buy()
    for item in shop.dynamodb.client.scan(TableName=shop.dynamodb.orders_table, ConsistentRead=True)["Items"]:
        key = {name: item[name] for name in ("payment_id", "record")}
        shop.dynamodb.client.delete_item(TableName=shop.dynamodb.orders_table, Key=key)

    [_, finding] = findings(shop)
    assert finding == (
        f"payment {payment_id}: payment {intent} of 100.00 CNY, succeeded at Stripe: there is no such payment here "
        "→ docs/runbook.md, updates of an unknown order"
    )


def test_a_second_payment_of_a_settled_order(shop: Shop):
    payment_id, intent = shop.buy()
    change(shop, payment_id, "ORDER", transaction_id="pi_other")

    there, here = sorted(findings(shop))
    assert f"payment {intent} of 100.00 CNY, succeeded at Stripe: the order was paid by pi_other" in there
    assert "payment pi_other is recorded here, and Stripe has none of this id" in here

    shop.simulator.refund(intent, 10_000)
    shop.lose()
    assert findings(shop) == [here]


def test_a_quarantined_payment_until_its_money_was_reversed_spends(shop: Shop):
    payment = shop.create()
    change(shop, payment["payment_id"], "ORDER", amount_minor=9_900)
    intent = shop.pay(payment)
    shop.deliver()

    what = f"payment {payment['payment_id']}: payment {intent} of 100.00 CNY, succeeded at Stripe"
    says = "it is quarantined here, and Stripe still has its money → docs/runbook.md, a quarantined payment"
    assert findings(shop) == [f"{what}: {says}"]

    shop.simulator.refund(intent, 10_000)
    shop.lose()
    assert findings(shop) == []


# ------------------------------------------------------------------------------------------- what only we have


def test_a_refund_that_stripe_does_not_have(shop: Shop):
    payment_id, _ = shop.buy()
    shop.refund(payment_id, 10)
    change(shop, payment_id, "REFUND#", stripe_id="re_other")

    there, here = sorted(findings(shop), key=lambda finding: "none of this id" in finding)
    assert "it is not recorded here" in there
    assert here == (
        f"payment {payment_id}: refund re_other is recorded here, and Stripe has none of this id "
        "→ is STRIPE_SECRET_KEY the key of the account that has it?"
    )


# ------------------------------------------------------------------------------------------------ what differs


@pytest.mark.parametrize(
    ("record", "changes", "says"),
    [
        ("ORDER", {"paid_minor": 9_999}, "amount_minor: 10000 at Stripe, 9999 here"),
        ("ORDER", {"currency": "JPY"}, "currency: CNY at Stripe, JPY here"),
        ("REFUND#", {"amount_minor": 999}, "amount_minor: 1000 at Stripe, 999 here"),
        ("REFUND#", {"status": "failed"}, "status: succeeded at Stripe, failed here"),
        ("REFUND#", {"net_minor": 5}, "reversed_minor: 1000 at Stripe, 5 here"),
        ("REFUND#", {"currency": "JPY"}, "currency: CNY at Stripe, JPY here"),
    ],
)
def test_a_record_that_differs(shop: Shop, record: str, changes: dict[str, str | int], says: str):
    payment_id, _ = shop.buy()
    shop.refund(payment_id, 10)
    shop.deliver()
    change(shop, payment_id, record, **changes)

    finding = next(finding for finding in findings(shop) if says in finding)
    assert finding.startswith(f"payment {payment_id}: ")
    assert finding.endswith(f" → {COMMAND}")


def test_a_refund_that_failed_and_a_dispute_that_was_lost_without_a_word(shop: Shop):
    _, intent = shop.buy()
    refund = shop.simulator.refund(intent, 2500)
    shop.deliver()
    _, disputed = shop.buy(user="user-2")
    dispute = shop.simulator.dispute(disputed)
    shop.deliver()
    shop.simulator.fail_refund(refund["id"])
    shop.simulator.close_dispute(dispute["id"], "lost")
    shop.lose()

    about_dispute, about_refund = sorted(findings(shop), key=lambda finding: ": refund " in finding)

    assert "status: failed at Stripe, succeeded here; reversed_minor: 0 at Stripe, 2500 here" in about_refund
    assert "status: lost at Stripe, needs_response here" in about_dispute


# -------------------------------------------------------------------------------- what is right a moment later


def test_what_arrives_while_it_is_compared_is_no_difference(shop: Shop):
    payment = shop.create()
    shop.pay(payment)
    _, intent = shop.buy(user="user-2")
    shop.simulator.refund(intent, 2500)

    assert compared(shop, before_judging=shop.deliver)[0] == []


def test_what_arrives_after_the_last_list_is_asked_for_by_its_id(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sides, "money_records", lambda *_: iter(()))
    payment_id, _ = shop.buy()
    shop.refund(payment_id, 10)

    assert compared(shop) == ([], 0)


def test_what_differs_is_looked_at_again_three_times(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    shop.pay(shop.create())
    shop.lose()
    paused: list[float] = []
    monkeypatch.setattr("time.sleep", paused.append)

    assert findings(shop)
    assert tuple(paused) == sides.PAUSES


# -------------------------------------------------------------------------------------------------- the window


def test_what_is_older_than_the_window_is_not_compared(shop: Shop, requests: list[str]):
    payment_id, intent = shop.buy()
    shop.simulator.refund(intent, 2500)
    shop.lose()
    change(shop, payment_id, "ORDER", transaction_id="pi_other")
    shop.wait(days=2)
    requests.clear()

    assert compared(shop, timedelta(days=1)) == ([], 0)
    assert len(requests) == 3
    assert len(compared(shop, timedelta(days=3))[0]) == 2


def test_a_refund_in_the_window_of_a_payment_before_it_is_compared(shop: Shop):
    _, intent = shop.buy()
    shop.wait(days=2)
    shop.simulator.refund(intent, 2500)
    shop.deliver()

    assert compared(shop, timedelta(days=1)) == ([], 1)


def test_orders_of_the_other_mode_are_not_compared(shop: Shop, requests: list[str]):
    payment_id, intent = shop.buy()
    change(shop, payment_id, "ORDER", livemode="")
    item = {"payment_id": {"S": payment_id}, "record": {"S": "ORDER"}}
    shop.dynamodb.client.update_item(
        TableName=shop.dynamodb.orders_table,
        Key=item,
        UpdateExpression="SET livemode = :live, transaction_id = :id",
        ExpressionAttributeValues={":live": {"BOOL": True}, ":id": {"S": "pi_live"}},
    )

    found = findings(shop)

    assert not any("pi_live is recorded here" in finding for finding in found)
    assert "GET /v1/payment_intents/pi_live" not in requests
    assert any(intent in finding for finding in found)


# ------------------------------------------------------------------------------------------- Stripe's failures


@pytest.mark.parametrize("do", ["429", "500", "timeout_before"])
def test_a_list_that_fails_goes_on_where_it_was(
    shop: Shop, requests: list[str], monkeypatch: pytest.MonkeyPatch, do: str
):
    monkeypatch.setattr(records, "PER_PAGE", 1)
    for number in range(3):
        shop.buy(user=f"user-{number}")
    shop.fault("/v1/payment_intents", do, times=3)
    requests.clear()

    assert compared(shop) == ([], 3)
    assert sum("/v1/payment_intents" in request for request in requests) == 3 + 3


def test_a_list_that_keeps_failing_ends_it(shop: Shop):
    shop.fault("/v1/refunds", "429", times=len(records.PAUSES) + 1)
    with pytest.raises(Busy):
        compared(shop)
    shop.fault("/v1/refunds", "timeout_before", times=len(records.PAUSES) + 1)
    with pytest.raises(StripeFailed):
        compared(shop)


def test_a_refusal_ends_it_at_once(shop: Shop, requests: list[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_test_wrong")
    requests.clear()

    with pytest.raises(StripeFailed) as refused:
        compared(shop)

    assert isinstance(refused.value.__cause__, stripe.AuthenticationError)
    assert len(requests) == 1


def test_an_object_that_cannot_be_read_is_a_finding_and_stops_nothing(shop: Shop):
    _, intent = shop.buy()
    shop.simulator.refund(intent, 2500)
    shop.lose()
    shop.buy(user="user-2")
    for found in shop.simulator._world.select("refund"):
        found["amount"] = "25.00"

    first, *_ = findings(shop)

    assert first.startswith("Stripe's refund re_")
    assert first.endswith(" cannot be read: ValueError not an amount in minor units")


def test_more_differences_than_can_be_looked_at_again_are_counted(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sides, "MOST", 1)
    for _ in range(3):
        shop.pay(shop.create())
    shop.lose()

    first, *others = findings(shop)

    assert first.startswith("3 records differ from Stripe's; these are the first 1 of them: ")
    assert len(others) == 1


# ------------------------------------------------------------------------------------------------------ an export


def compared_with_an_export(shop: Shop, directory: Path, before_judging: Callable[[], object] = lambda: None) -> Audit:
    """The same, of a copy of the tables that is made now."""
    names = {"credits": shop.dynamodb.credits_table, "orders": shop.dynamodb.orders_table}
    command.scan(names, directory, shop.now)
    found = Audit()
    with exported.opened(files.read(directory), found, lambda _text: None, 2) as tables:
        window = Window(shop.now - MONTH, shop.now)
        side = StripeSide(window, found, lambda _created: COMMAND, load=tables.load_payment, pauses=(0.0,))
        with closing(side):
            side.read()
            tables.audit(lambda _found: None, side.meet)
            before_judging()
            side.judge()
    return found


def test_an_export_that_agrees_is_found_right(shop: Shop, tmp_path: Path):
    payment_id, intent = shop.buy()
    shop.refund(payment_id, 10)
    shop.simulator.dispute(intent)
    shop.deliver()

    found = compared_with_an_export(shop, tmp_path)

    assert (found.findings, found.compared, found.payments) == ([], 3, 1)


def test_differences_of_an_export_are_those_of_its_tables(shop: Shop, tmp_path: Path):
    payment_id, intent = shop.buy()
    shop.refund(payment_id, 10)
    change(shop, payment_id, "REFUND#", amount_minor=999)
    shop.simulator.refund(intent, 2500)
    shop.pay(shop.create(user="user-2"))
    _, other = shop.buy(user="user-3")
    change(shop, shop.create(user="user-4")["payment_id"], "ORDER", status="succeeded", transaction_id="pi_other")
    shop.simulator.refund(other, 100)
    shop.lose()

    in_export = compared_with_an_export(shop, tmp_path)

    assert len(in_export.findings) >= 5
    assert sorted(in_export.findings) == sorted(findings(shop))


def test_what_is_recorded_after_the_export_is_a_difference_of_it(shop: Shop, tmp_path: Path):
    payment = shop.create()
    intent = shop.pay(payment)

    found = compared_with_an_export(shop, tmp_path, before_judging=shop.deliver)

    what = f"payment {payment['payment_id']}: payment {intent} of 100.00 CNY, succeeded at Stripe"
    assert found.findings == [f"{what}: its payment is pending here → {COMMAND}"]
