"""What trusted services may do: by the scopes of their keys, under their names, and for users with any id."""

import io
import json
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from local.in_process.api import ApiResponse, as_admin, as_support, as_user
from local.in_process.environment import API_KEY, USER_ID
from local.in_process.shop import Shop

READ, SPEND, GRANT, BARE = "r" * 24, "s" * 24, "g" * 24, API_KEY
KEYS = f"reports:read:{READ},billing:read+spend:{SPEND},signup:grant:{GRANT},{BARE}"
ODD = ["a b", "a#b", "a/b", "a?b=c", "é" * 10, "%2F", "x" * 255, "..", "user-1."]
PAGES = ("credits", "credits/transactions", "payments", "holds")


@pytest.fixture
def keys(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("PROXY_API_KEY", KEYS)


def by_key(key: str, **headers: str) -> dict[str, str]:
    return {"x-api-key": key, **{name.replace("_", "-"): value for name, value in headers.items()}}


def spend(shop: Shop, key: str) -> ApiResponse:
    body = {"user_id": USER_ID, "amount": 1, "description": "work"}
    return shop.api.post("/api/users/credits/spend", body, by_key(key, idempotency_key=f"spend-{key}"))


@pytest.mark.usefixtures("keys")
def test_a_key_may_do_what_its_scopes_say_and_no_more(shop: Shop):
    shop.grant(100)

    assert spend(shop, READ).json().items() >= {"status": 403, "code": "forbidden"}.items()
    assert "'reports' lacks the scope 'spend'" in spend(shop, READ).json()["detail"]
    assert spend(shop, SPEND).status == spend(shop, BARE).status == 200
    assert spend(shop, SPEND[:-1]).status == spend(shop, f"billing:read+spend:{SPEND}").status == 401
    for key in (READ, SPEND, BARE):
        assert shop.api.get(f"/api/users/{USER_ID}/credits", by_key(key)).status == 200


@pytest.mark.usefixtures("keys")
def test_the_ledger_says_which_service_has_spent(shop: Shop):
    shop.grant(100)
    spend(shop, SPEND)
    spend(shop, BARE)

    page = shop.api.get(f"/api/users/{USER_ID}/credits/transactions", by_key(READ)).json()

    assert [row["actor"] for row in page["transactions"]] == ["service:default", "service:billing", "admin:admin-1"]


@pytest.mark.usefixtures("keys")
def test_every_entry_and_every_hold_says_which_service_made_it_and_only_staff_and_services_see_it(
    shop: Shop, environment: pytest.MonkeyPatch
):
    environment.setenv("PROXY_API_KEY", f"signup:grant:{GRANT},{KEYS}")

    def post(path: str, body: Any, key: str = SPEND) -> Any:
        response = shop.api.post(f"/api/{path}", body, by_key(key, idempotency_key=str(uuid.uuid4())))
        assert response.status < 300, response.json()
        return response.json()

    hold = {"user_id": USER_ID, "amount": 20, "description": "a call"}
    item = {"key": "1", "amount": 1, "description": "work"}
    given_back = {"user_id": USER_ID, "transaction_id": "", "reason": "it failed"}
    post("admin/credits/grant", {"user_id": USER_ID, "credits": 100, "reason": "signed up"}, GRANT)
    spent = post("users/credits/spend", {"user_id": USER_ID, "amount": 1, "description": "work"})
    post("users/credits/spend/batch", {"user_id": USER_ID, "items": [item, item | {"key": "2"}]})
    post("users/credits/spend/reverse", given_back | {"transaction_id": spent["transaction_id"]})
    first, _ = post("users/credits/holds", hold), post("users/credits/holds", hold, BARE)
    post(f"users/credits/holds/{first['hold_id']}/extend", {"ttl_seconds": 1000, "add": 1})
    post(f"users/credits/holds/{first['hold_id']}/capture", {"amount": 5, "final": False})

    for reader in (by_key(READ), as_admin(), as_support()):
        rows = shop.api.get(f"/api/users/{USER_ID}/credits/transactions", reader).json()["transactions"]
        assert [(row["transaction_type"], row["actor"]) for row in rows] == [
            ("spent", "service:billing"),
            ("spend_reversed", "service:billing"),
            *[("spent", "service:billing")] * 3,
            ("granted", "service:signup"),
        ]
        holds = shop.api.get(f"/api/users/{USER_ID}/holds", reader).json()["holds"]
        assert [one["actor"] for one in holds] == ["service:default", "service:billing"]
    for path in ("credits", "credits/transactions"):
        seen = shop.api.get(f"/api/users/{path}", as_user())
        assert (seen.status, "service:" in str(seen.json())) == (200, False)


@pytest.mark.usefixtures("keys")
def test_the_log_says_which_service_called_also_where_no_entry_does(shop: Shop, log: io.StringIO):
    shop.grant(100)

    def post(action: str, body: Any, key: str) -> Any:
        return shop.api.post(f"/api/users/credits/{action}", body, by_key(key, idempotency_key=str(uuid.uuid4())))

    hold = post("holds", {"user_id": USER_ID, "amount": 20, "description": "a call"}, SPEND).json()
    post(f"holds/{hold['hold_id']}/extend", {"ttl_seconds": 1000, "add": 1}, BARE)
    post(f"holds/{hold['hold_id']}/release", {}, READ)
    post(f"holds/{hold['hold_id']}/release", {}, SPEND)
    shop.credits()
    post("spend", {}, "wrong")

    said = [(line["message"], line.get("caller")) for line in map(json.loads, log.getvalue().splitlines())]
    assert [line for line in said if "hold" in line[0] or "refused" in line[0]] == [
        ("hold opened", "service:billing"),
        ("hold extended", "service:default"),
        ("request refused", "service:reports"),
        ("hold released", "service:billing"),
        ("request refused", None),
    ]


@pytest.mark.usefixtures("keys")
def test_a_service_grants_with_the_scope_for_it_alone_and_under_its_name(shop: Shop):
    body = {"user_id": USER_ID, "credits": 50, "reason": "signed up", "campaign": "signup"}

    def grant(key: str) -> ApiResponse:
        return shop.api.post("/api/admin/credits/grant", body, by_key(key, idempotency_key="signup-1"))

    assert "'billing' lacks the scope 'grant'" in grant(SPEND).json()["detail"]
    assert (grant(BARE).status, grant(READ).status, grant(GRANT[:-1]).status) == (403, 403, 401)
    assert (grant(GRANT).status, grant(GRANT).headers["idempotent-replayed"], shop.balance()) == (201, "true", 50)
    assert spend(shop, GRANT).json()["code"] == "forbidden"
    page = shop.api.get(f"/api/users/{USER_ID}/credits/transactions", by_key(READ)).json()
    assert [row["actor"] for row in page["transactions"]] == ["service:signup"]


@pytest.mark.parametrize("keys", [f"billing:read+steal:{SPEND}", "billing:read:short"])
def test_keys_with_an_unknown_scope_or_too_short_are_a_wrong_setting(
    shop: Shop, environment: pytest.MonkeyPatch, keys: str
):
    environment.setenv("PROXY_API_KEY", keys)

    assert spend(shop, SPEND).json()["code"] == "misconfigured"


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 401), (as_user, 403), (as_support, 200), (as_admin, 200), ({"x-api-key": API_KEY}, 200)],
)
def test_services_administrators_and_support_read_any_users_records(
    shop: Shop, page: str, headers: dict[str, str] | Callable[[], dict[str, str]], status: int
):
    shop.buy(user="user-2")

    response = shop.api.get(f"/api/users/user-2/{page}", headers if isinstance(headers, dict) else headers())

    assert response.status == status


@pytest.mark.parametrize("user", ODD)
def test_a_user_of_any_id_is_themselves_and_nobody_else(shop: Shop, user: str):
    shop.grant(10, user=user)
    shop.grant(5)
    hold = shop.hold(4, user=user).json()

    def read(page: str) -> Any:
        return shop.api.get(f"/api/users/{quote(user, safe='')}/{page}", {"x-api-key": API_KEY}).json()

    assert (read("credits")["user_id"], read("credits")["available"]) == (user, 6)
    assert [one["hold_id"] for one in read("holds")["holds"]] == [hold["hold_id"]]
    assert shop.capture(hold, 3).json()["user_id"] == user
    assert (read("credits")["balance"], shop.balance()) == (7, 5)


@pytest.mark.parametrize(
    "hold_id", ["x", "..", "00000000-0000-4000-8000-000000000000", f"{'0' * 36}.dXNlci0x", "a.b.c"]
)
def test_what_is_no_holds_id_is_not_found(shop: Shop, hold_id: str):
    response = shop.api.post(f"/api/users/credits/holds/{hold_id}/capture", {"amount": 1}, by_key(API_KEY))

    assert (response.status, response.json()["code"]) == (404, "hold_not_found")
