"""Grants: credits that were not bought, once per request, and once per user in a campaign."""

import json
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest

from local.in_process.api import ApiResponse, as_admin, as_support, as_user
from local.in_process.dynamodb import (
    Crash,
    Fault,
    crashed_after,
    crashed_before,
    lost_after,
    lost_before,
    overtaken_by,
    refused,
)
from local.in_process.environment import API_KEY, NOW, USER_ID
from local.in_process.shop import Shop
from topup import store
from topup.domain.lots import Funding, Lot, Source
from topup.store import credit_items

GRANT = "/api/admin/credits/grant"
LATER = "2027-01-31T00:00:00Z"
ENDINGS: list[Any] = [crashed_before, crashed_after, lost_before, lost_after]


def lots_of(shop: Shop, user: str = USER_ID) -> list[Lot]:
    """The user's open lots, soonest expiry first."""
    return list(store.load_credits(user, shop.now).lots)


def outcome(response: ApiResponse) -> tuple[int, str | None]:
    return response.status, response.json().get("code")


def at_once(shop: Shop, times: int, **request: Any) -> list[ApiResponse]:
    """The responses of this many grants of 50 credits, all of which read before the first of them writes."""
    responses: list[ApiResponse] = []

    def grant(others: int) -> None:
        if others:
            shop.dynamodb.fail("TransactWriteItems", overtaken_by(lambda: grant(others - 1)))
        responses.append(shop.grant(50, **request))

    grant(times - 1)
    return responses


# ---------------------------------------------------------------------------------------------------- what it gives


def test_a_grant_gives_credits_in_one_read_and_one_transaction(shop: Shop):
    shop.dynamodb.operations.clear()

    response = shop.grant(50)

    assert response.status == 201
    body = response.json()
    assert body == {"transaction_id": body["transaction_id"], "lot_id": body["lot_id"], "balance_after": 50}
    assert shop.dynamodb.operations == ["Query", "TransactWriteItems"]
    assert shop.ledger() == [("granted", 50)]
    assert shop.spend(50).status == 200
    shop.check()


def test_a_grant_is_one_read_and_one_transaction_in_a_campaign_too(shop: Shop):
    shop.dynamodb.operations.clear()

    shop.grant(50, campaign="spring", expires_at=None)

    assert shop.dynamodb.operations == ["Query", "TransactWriteItems"]


def test_credits_show_a_granted_lot_without_a_payment(shop: Shop):
    lot_id = shop.grant(50, expires_at=LATER).json()["lot_id"]

    assert shop.credits() == {
        "user_id": USER_ID,
        "balance": 50,
        "held": 0,
        "available": 50,
        "debt": 0,
        "total_credits_earned": 50,
        "lots": [
            {
                "payment_id": None,
                "lot_id": lot_id,
                "source": "grant",
                "package": None,
                "granted": 50,
                "remaining": 50,
                "expires_at": LATER,
            }
        ],
    }


@pytest.mark.parametrize(("campaign", "description"), [(None, "Grant"), ("spring-2026", "Campaign: spring-2026")])
def test_history_shows_the_grant(shop: Shop, campaign: str | None, description: str):
    granted = shop.grant(50, campaign=campaign, expires_at=LATER).json()

    [entry] = shop.api.get("/api/users/credits/transactions", as_user()).json()["transactions"]
    assert entry == {
        "id": granted["transaction_id"],
        "transaction_type": "granted",
        "amount": 50,
        "balance_after": 50,
        "payment_order_id": None,
        "description": description,
        "package": None,
        "metadata": {"campaign": campaign} if campaign else {},
        "hold_id": None,
        "reverses": None,
        "expires_at": LATER,
        "is_expired": False,
        "created_at": "2026-03-01T12:00:00Z",
    }


def test_the_entry_says_who_granted_and_why_and_in_which_campaign(shop: Shop):
    shop.grant(50, reason="for your patience", campaign="spring")
    shop.grant(50)

    without, within = store.list_entries(USER_ID, 10, None)
    assert (within.cause.actor, within.cause.reason) == ("admin:admin-1", "for your patience")
    assert within.cause.metadata == {"campaign": "spring"}
    assert without.cause.metadata == {}
    assert (within.cause.money_minor, within.cause.currency) == (0, None)


def test_granted_credits_are_free_and_not_of_any_payment(shop: Shop):
    shop.grant(50)

    [lot] = lots_of(shop)
    assert (lot.source, lot.funding) == (Source.GRANT, Funding.FREE)
    assert (lot.paid_minor, lot.currency, lot.payment_id) == (0, None, None)


def test_a_free_lot_is_not_refundable(shop: Shop):
    granted = shop.grant(50).json()

    for not_a_payment in (granted["lot_id"], granted["transaction_id"]):
        assert shop.refund(not_a_payment).status == 404
    assert shop.balance() == 50


def test_a_free_lot_does_not_raise_what_a_payment_refunds(shop: Shop):
    payment_id, _ = shop.buy()
    shop.grant(1100)

    assert outcome(shop.refund(payment_id, 100.01)) == (409, "not_refundable")
    assert shop.refund(payment_id).json()["credits_refunded"] == 1100
    assert shop.balance() == 1100
    shop.check()


def test_a_claw_back_of_spent_credits_takes_from_a_free_lot(shop: Shop):
    payment_id, _ = shop.buy()
    shop.spend(1100)
    shop.grant(300)
    assert outcome(shop.refund(payment_id)) == (409, "credits_spent")

    shop.refund(payment_id, force=True)

    assert (shop.balance(), shop.credits()["debt"]) == (-800, 800)
    shop.check()


def test_a_grant_pays_debt_first(shop: Shop):
    payment_id, _ = shop.buy()
    shop.spend(1100)
    shop.refund(payment_id, force=True)

    assert shop.grant(300).json()["balance_after"] == -800
    assert (shop.credits()["debt"], shop.credits()["lots"]) == (800, [])
    assert shop.grant(900).json()["balance_after"] == 100
    assert (shop.credits()["debt"], shop.balance()) == (0, 100)
    assert [(lot["granted"], lot["remaining"]) for lot in shop.credits()["lots"]] == [(900, 100)]
    shop.check()


# --------------------------------------------------------------------------------------------------------- validity


def test_without_an_expiry_in_the_request_the_credits_live_for_the_configured_months(shop: Shop):
    shop.api.now = NOW.replace(month=8, day=31, microsecond=900_000)

    shop.grant(50)

    assert shop.credits()["lots"][0]["expires_at"] == "2027-02-28T12:00:00Z"
    shop.api.now = NOW.replace(year=2027, month=2, day=28)
    assert shop.balance() == 0


def test_credits_with_the_expiry_null_never_expire_and_are_listed_and_drawn_last(shop: Shop):
    forever = shop.grant(50, expires_at=None).json()["lot_id"]
    dated = shop.grant(50, expires_at="9999-12-31T23:59:59Z").json()["lot_id"]

    assert [(lot["lot_id"], lot["expires_at"]) for lot in shop.credits()["lots"]] == [
        (dated, "9999-12-31T23:59:59Z"),
        (forever, None),
    ]
    shop.spend(60)
    assert [(lot["lot_id"], lot["remaining"]) for lot in shop.credits()["lots"]] == [(forever, 40)]
    shop.api.now = NOW.replace(year=9000)
    assert shop.balance() == 40
    shop.check()


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("2027-01-31T00:00:00Z", "2027-01-31T00:00:00Z"),
        ("2027-01-31T08:00:00+08:00", "2027-01-31T00:00:00Z"),
        ("2027-01-30T18:30:00-05:30", "2027-01-31T00:00:00Z"),
        ("2027-01-31T00:00:00.999Z", "2027-01-31T00:00:00Z"),
        ("2027-01-31T00:00:00.123456789+00:00", "2027-01-31T00:00:00Z"),
    ],
)
def test_an_expiry_is_a_whole_second_in_utc(shop: Shop, given: str, stored: str):
    shop.grant(50, expires_at=given)

    assert shop.credits()["lots"][0]["expires_at"] == stored
    shop.check()


def test_granted_credits_expire(shop: Shop):
    shop.grant(50, expires_at="2026-03-01T12:00:02Z")

    shop.wait(seconds=1)
    assert shop.balance() == 50
    shop.wait(seconds=1)
    assert shop.balance() == 0
    shop.run_timers()

    assert shop.ledger() == [("granted", 50), ("expired", -50)]
    shop.check()


def test_the_sweep_finds_expired_grants_too(shop: Shop):
    shop.grant(50, expires_at="2026-03-01T12:00:02Z")
    shop.wait(days=3)
    shop.due_timers(delete=True)  # their records are lost

    assert shop.reconcile()["lots"]["repaired"] == 1
    assert shop.ledger()[-1] == ("expired", -50)
    shop.check()


@pytest.mark.parametrize("expires_at", ["2026-03-01T12:00:00Z", "2026-03-01T12:00:00.999Z", "0001-01-01T00:00:00Z"])
def test_an_expiry_that_is_past_is_refused(shop: Shop, expires_at: str):
    response = shop.grant(50, expires_at=expires_at)

    assert (response.status, [error["field"] for error in response.json()["errors"]]) == (422, ["expires_at"])
    assert shop.ledger() == []


def test_a_retry_gets_its_receipt_even_if_the_credits_have_expired_since(shop: Shop):
    body = {"expires_at": "2026-03-01T12:00:02Z", "campaign": "spring"}
    first = shop.grant(50, "key-1", **body)
    shop.wait(seconds=2)
    shop.run_timers()

    again = shop.grant(50, "key-1", **body)

    assert (again.status, again.json()) == (201, first.json())
    assert outcome(shop.grant(51, "key-1", **body)) == (409, "idempotency_conflict")
    assert outcome(shop.grant(50, "key-2", **body)) == (422, "validation_failed")
    assert shop.ledger() == [("granted", 50), ("expired", -50)]
    shop.check()


@pytest.mark.parametrize(
    "expires_at",
    [
        "2027-01-31T00:00:00",  # no offset
        "2027-01-31",
        "2027-01-31 00:00:00Z",
        "2027-01-31t00:00:00z",
        "20270131T000000+0000",
        "2027-W05-7T00:00:00Z",
        "2027-02-29T00:00:00Z",
        "2027-01-31T24:01:00Z",
        "2027-01-31T00:00:00+25:00",
        "2027-01-31T00:00:00+00:00:30",
        "2027-01-31T00:00:00.Z",
        "99999-01-31T00:00:00Z",
        "9999-12-31T23:59:59-01:00",  # the year 10000 in UTC
        "0001-01-01T00:00:00+01:00",  # the year 0 in UTC
        "٢٠٢٧-٠١-٣١T٠٠:٠٠:٠٠Z",
        "2027-01-31T00:00:00Z\n",
        "tomorrow at noon, please",
        "x" * 10_000,
        "",
        1_800_000_000,
        1.5,
        True,
        [],
        {},
    ],
)
def test_an_expiry_that_is_no_time_with_its_offset_is_refused(shop: Shop, expires_at: Any):
    response = shop.grant(50, expires_at=expires_at)

    assert (response.status, [error["field"] for error in response.json()["errors"]]) == (422, ["expires_at"])
    assert shop.ledger() == []


# ------------------------------------------------------------------------------------------------- once per request


def test_the_same_key_grants_once_and_gets_the_same_response(shop: Shop):
    first, second = shop.grant(50, "key-1"), shop.grant(50, "key-1")

    assert (second.status, second.json()) == (201, first.json())
    assert shop.ledger() == [("granted", 50)]
    assert len(shop.credits()["lots"]) == 1


def test_a_retry_days_later_gets_the_same_response(shop: Shop):
    first = shop.grant(50, "key-1")
    shop.wait(days=2)

    assert shop.grant(50, "key-1").json() == first.json()
    assert shop.ledger() == [("granted", 50)]


@pytest.mark.parametrize(
    "change", [{"credits": 51}, {"reason": "other"}, {"expires_at": None}, {"expires_at": LATER}, {"campaign": "other"}]
)
def test_the_same_key_for_another_grant_is_a_conflict(shop: Shop, change: dict[str, Any]):
    shop.grant(50, "key-1", campaign="spring")

    wanted: dict[str, Any] = {"credits": 50, "campaign": "spring"} | change

    assert outcome(shop.grant(wanted.pop("credits"), "key-1", **wanted)) == (409, "idempotency_conflict")
    assert shop.ledger() == [("granted", 50)]


def test_the_key_of_a_spend_is_a_conflict_and_the_other_way_round(shop: Shop):
    shop.grant(50, "grant-key")
    shop.spend(10, "spend-key")

    assert outcome(shop.grant(10, "spend-key")) == (409, "idempotency_conflict")
    assert outcome(shop.spend(10, "grant-key")) == (409, "idempotency_conflict")
    assert outcome(shop.adjust(50, "grant-key")) == (409, "idempotency_conflict")
    assert shop.ledger() == [("granted", 50), ("spent", -10)]


def test_another_users_same_key_is_independent(shop: Shop):
    mine, theirs = shop.grant(50, "key-1"), shop.grant(50, "key-1", user="other")

    assert mine.json()["lot_id"] != theirs.json()["lot_id"]
    assert (shop.balance(), shop.balance("other")) == (50, 50)


def test_a_key_that_is_used_again_long_after_its_receipt_was_deleted_makes_an_ordinary_lot(shop: Shop):
    first = shop.grant(50, "key-1", expires_at=None).json()
    shop.spend(50)
    shop.wait(days=91)
    forget_key(shop, "key-1")

    second = shop.grant(50, "key-1", expires_at=None).json()
    third = shop.grant(50, "key-2", expires_at=None).json()

    assert len({granted["lot_id"] for granted in (first, second, third)}) == 3
    assert shop.spend(100).status == 200
    assert shop.credits()["lots"] == []
    shop.check()


def forget_key(shop: Shop, key: str) -> None:
    """What TTL does to a request marker in the end."""
    marker = {"user_id": {"S": USER_ID}, "record": {"S": f"IDEMPOTENCY#{key}"}}
    deleted = shop.dynamodb.client.delete_item(
        TableName=shop.dynamodb.credits_table, Key=marker, ReturnValues="ALL_OLD"
    )
    assert deleted["Attributes"]


def test_the_same_grant_thirty_times_at_once_gives_one_lot(shop: Shop):
    responses = at_once(shop, 30, key="key-1")

    assert {response.status for response in responses} == {201}
    assert len({response.body for response in responses}) == 1
    assert shop.ledger() == [("granted", 50)]
    shop.check()


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("campaign", [None, "spring"])
@pytest.mark.parametrize("call", range(1, 5))
def test_a_grant_that_ends_at_any_call_is_made_once_when_it_is_retried(
    shop: Shop, ending: Fault, campaign: str | None, call: int
):
    shop.dynamodb.fail_at(call, ending)
    with suppress(Crash):
        shop.grant(50, "key-1", campaign=campaign)
    shop.dynamodb.clear_faults()
    shop.check()

    assert shop.grant(50, "key-1", campaign=campaign).status == 201
    assert shop.ledger() == [("granted", 50)]
    shop.check()


@pytest.mark.parametrize("code", ["ThrottlingException", "AccessDeniedException", "ValidationException"])
def test_a_failure_of_dynamodb_grants_nothing(shop: Shop, code: str):
    shop.dynamodb.fail_always("TransactWriteItems", refused(code))

    assert shop.grant(50).status == (503 if code == "ThrottlingException" else 500)
    assert shop.ledger() == []


def test_a_grant_and_a_spend_at_once_are_both_kept(shop: Shop):
    shop.buy()
    shop.dynamodb.fail("TransactWriteItems", overtaken_by(lambda: shop.spend(600)))

    assert shop.grant(50).json()["balance_after"] == 550
    shop.check()


# ------------------------------------------------------------------------------------------------------- campaigns


def test_a_campaign_gives_a_user_credits_once_whatever_the_key(shop: Shop):
    assert shop.grant(50, "key-1", campaign="spring").status == 201

    assert outcome(shop.grant(50, "key-2", campaign="spring")) == (409, "already_granted")
    assert outcome(shop.grant(70, "key-3", campaign="spring", reason="more")) == (409, "already_granted")
    assert shop.grant(50, "key-1", campaign="spring").status == 201
    assert shop.ledger() == [("granted", 50)]


def test_the_record_of_a_campaign_says_which_grant_it_was_and_when(shop: Shop):
    granted = shop.grant(50, campaign="spring").json()

    items = shop.dynamodb.client.scan(TableName=shop.dynamodb.credits_table)["Items"]
    [record] = [item for item in items if item["record"]["S"].startswith(credit_items.CAMPAIGN)]
    assert record["record"]["S"] == f"{credit_items.CAMPAIGN}spring"
    assert record["transaction_id"]["S"] == granted["transaction_id"]
    assert datetime.fromisoformat(record["granted_at"]["S"]) == NOW


def test_a_refused_grant_of_a_campaign_leaves_its_key_unused(shop: Shop):
    shop.grant(50, "key-1", campaign="spring")
    shop.grant(50, "key-2", campaign="spring")

    assert shop.grant(50, "key-2", campaign="summer").status == 201


def test_campaigns_are_independent_and_so_are_their_users(shop: Shop):
    assert shop.grant(50, campaign="spring").status == 201
    assert shop.grant(50, campaign="Spring").status == 201
    assert shop.grant(50, campaign="spring", user="other").status == 201
    assert (shop.balance(), shop.balance("other")) == (100, 50)


def test_a_campaign_is_remembered_after_its_credits_and_its_receipt_are_gone(shop: Shop):
    shop.grant(50, "key-1", campaign="spring")
    shop.spend(50)
    shop.wait(days=400)
    forget_key(shop, "key-1")

    assert outcome(shop.grant(50, "key-1", campaign="spring")) == (409, "already_granted")


def test_thirty_grants_of_a_campaign_at_once_give_one(shop: Shop):
    responses = at_once(shop, 30, campaign="spring")

    assert sorted(outcome(response) for response in responses) == [(201, None)] + [(409, "already_granted")] * 29
    assert shop.ledger() == [("granted", 50)]
    assert len(shop.credits()["lots"]) == 1
    shop.check()


@pytest.mark.parametrize("unknown", ["ThrottlingError", "ProvisionedThroughputExceeded", "TransactionConflict"])
def test_a_retry_is_not_told_that_another_has_the_campaigns_credits_while_its_own_receipt_is_unread(
    shop: Shop, unknown: str
):
    first = shop.grant(50, "key-1", campaign="spring")
    campaign = {"Code": "ConditionalCheckFailed", "Item": {"user_id": {"S": USER_ID}}}
    reasons = [{"Code": unknown}, campaign, {"Code": "None"}]
    shop.dynamodb.fail("TransactWriteItems", refused("TransactionCanceledException", CancellationReasons=reasons))

    responses = [shop.grant(50, "key-1", campaign="spring") for _ in range(2)]

    assert responses[0].status != 409
    assert responses[1].json() == first.json()


@pytest.mark.parametrize("campaign", ["", "x" * 101, "spring 2026", "a#b", "a/b", "été", "spring\n", 1, [], {}])
def test_a_campaigns_name_is_of_plain_characters(shop: Shop, campaign: Any):
    response = shop.grant(50, campaign=campaign)

    assert (response.status, [error["field"] for error in response.json()["errors"]]) == (422, ["campaign"])


# ------------------------------------------------------------------------------------------- callers and requests


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"x-api-key": API_KEY}, 403),
        (as_user(), 403),
        (as_user(role="service"), 403),
        (as_user() | {"x-api-key": API_KEY}, 403),
        (as_support(), 403),
    ],
    ids=["nobody", "a service", "the user", "another role", "a buyer", "support"],
)
def test_who_is_no_administrator_and_has_no_scope_for_it_may_not_grant(
    shop: Shop, headers: dict[str, str], status: int
):
    body = {"user_id": USER_ID, "credits": 50, "reason": "x"}

    response = shop.api.post(GRANT, body, headers | {"idempotency-key": "k"})

    assert response.status == status
    assert shop.ledger() == []


def test_a_grant_needs_an_idempotency_key(shop: Shop):
    response = shop.api.post(GRANT, {"user_id": USER_ID, "credits": 50, "reason": "x"}, as_admin())

    assert (response.status, response.json()["errors"][0]["field"]) == (422, "Idempotency-Key")


@pytest.mark.parametrize("credits", [0, -1, True, "1", 0.001, 1.0, 10**9 + 1, 10**40, None, [1], {}])
def test_credits_that_are_no_whole_positive_number_are_refused(shop: Shop, credits: Any):
    response = shop.grant(credits)

    assert (response.status, [error["field"] for error in response.json()["errors"]]) == (422, ["credits"])
    assert shop.ledger() == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("user_id", ""),
        ("user_id", None),
        ("user_id", 1),
        ("user_id", "u" * 256),
        ("user_id", "\ud800"),
        ("reason", ""),
        ("reason", None),
        ("reason", "x" * 501),
        ("amount", 1),
        ("payment_id", "x"),
        ("source", "purchase"),
        ("actor", "admin:other"),
    ],
)
def test_a_wrong_field_is_named(shop: Shop, field: str, value: Any):
    response = shop.grant(50, **{field: value})

    assert (response.status, [error["field"] for error in response.json()["errors"]]) == (422, [field])


@pytest.mark.parametrize("field", ["user_id", "credits", "reason"])
def test_a_missing_field_is_named(shop: Shop, field: str):
    body: dict[str, Any] = {"user_id": USER_ID, "credits": 50, "reason": "x"}
    del body[field]

    response = shop.api.post(GRANT, body, as_admin() | {"idempotency-key": "k"})

    assert (response.status, [error["field"] for error in response.json()["errors"]]) == (422, [field])


ODD_USERS = [
    *("a b", "a", "b", " a", "#", "a#b", "/", "a/b", "?", "a?b", "%2F", "é", "e\u0301", "😀", "😀" * 255, "u" * 255),
    *("WALLET", "LOT#", "GRANT#spring", "a#IDEMPOTENCY#key-1", "1:a", "11:a"),
]


def test_users_with_odd_ids_keep_to_themselves_in_every_key(shop: Shop):
    for number, user in enumerate(ODD_USERS, start=1):
        assert shop.grant(number, "key-1", user=user, campaign="spring").status == 201

    for number, user in enumerate(ODD_USERS, start=1):
        assert outcome(shop.grant(number, "key-2", user=user, campaign="spring")) == (409, "already_granted")
        assert shop.spend(number, "key-3", user=user).status == 200
        assert [kind for kind, _ in shop.ledger(user)] == ["granted", "spent"]
    assert len({lot.lot_id for account in store.all_accounts() for lot in account.lots}) == len(ODD_USERS)
    shop.check()


def test_a_hostile_reason_is_stored_as_it_is_and_stays_in_one_log_line(shop: Shop, log: Any):
    hostile = 'x\n{"level":"ERROR"}\x1b[31m😀' + "y" * 400

    assert shop.grant(1, reason=hostile).status == 201

    assert store.list_entries(USER_ID, 1, None)[0].cause.reason == hostile
    assert all(json.loads(line) for line in log.getvalue().splitlines())


def test_a_users_own_history_shows_neither_actor_nor_reason(shop: Shop):
    shop.grant(50, reason="a secret remark")

    history = shop.api.get("/api/users/credits/transactions", as_user())

    assert "secret remark" not in history.body
    assert "admin-1" not in history.body


def test_a_lot_expires_at_the_second_that_was_asked_for(shop: Shop):
    shop.grant(50, expires_at="2026-03-01T12:00:10Z")
    shop.grant(50, expires_at=None)

    shop.api.now = NOW + timedelta(seconds=10)

    assert shop.spend(51).json()["balance"] == 50
    assert shop.spend(50).status == 200
    shop.run_timers()
    shop.check()
