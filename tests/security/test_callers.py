"""Who may do what, over HTTP: every route, with every kind of wrong caller."""

import re
from typing import Any

import httpx
import jwt
import pytest

from local.client import ADJUST, CREATE, CREDITS, FIND, GRANT, PAYMENTS, QUOTE, REFUND, SPEND, TRANSACTIONS
from tests.security.conftest import Provider
from tests.security.edge import Edge

UNKNOWN = "00000000-0000-4000-8000-000000000000"


def is_refused(response: httpx.Response) -> bool:
    return (response.status_code, response.json()["code"]) == (401, "unauthorized")


@pytest.fixture(scope="module")
def bought(edge: Edge) -> dict[str, Any]:
    """The victim's payment, with its credits."""
    return edge.buy("victim")


# --------------------------------------------------------------------------------------------------------- a user's


@pytest.mark.parametrize("path", [PAYMENTS, f"{PAYMENTS}/{UNKNOWN}", CREDITS, TRANSACTIONS])
def test_a_users_data_needs_the_users_token(edge: Edge, path: str):
    assert is_refused(edge.get(path))
    assert is_refused(edge.get(path, edge.service()))
    assert is_refused(edge.get(path, {"authorization": f"Bearer {edge.stack.api_key}"}))


def test_another_users_payment_reads_exactly_like_an_unknown_one(edge: Edge, bought: dict[str, Any]):
    foreign = edge.get(f"{PAYMENTS}/{bought['payment_id']}", edge.user("thief"))
    unknown = edge.get(f"{PAYMENTS}/{UNKNOWN}", edge.user("thief"))

    assert (foreign.status_code, unknown.status_code) == (404, 404)
    assert foreign.json() | {"request_id": ""} == unknown.json() | {"request_id": ""}
    assert foreign.headers.keys() == unknown.headers.keys()


def test_lists_hold_only_the_callers_own_records(edge: Edge, bought: dict[str, Any]):
    for claims in ({}, {"userId": "victim"}, {"role": "user"}, {"act": {"sub": "victim"}}):
        thief = edge.user("thief", **claims)
        assert edge.get(PAYMENTS, thief).json()["payments"] == []
        assert edge.get(TRANSACTIONS, thief).json()["transactions"] == []
        assert edge.get(CREDITS, thief).json()["lots"] == []


@pytest.mark.parametrize("name", ["user_id", "sub", "userId", "user", "owner"])
def test_no_parameter_and_no_header_names_another_user(edge: Edge, bought: dict[str, Any], name: str):
    headers = edge.user("thief") | {name.replace("_", "-"): "victim", f"x-{name.replace('_', '-')}": "victim"}

    for path in (PAYMENTS, CREDITS, TRANSACTIONS):
        assert edge.get(f"{path}?{name}=victim", headers).status_code == 422
        response = edge.get(path, headers)
        assert response.status_code == 200
        assert bought["payment_id"] not in response.text


@pytest.mark.parametrize("user", ["victim ", " victim", "Victim", "victim\u200b", "victіm", "victim#", "victim/.."])
def test_a_similar_name_is_another_user(edge: Edge, bought: dict[str, Any], user: str):
    response = edge.get(CREDITS, edge.user(user))

    assert response.status_code == 401 or response.json()["balance"] == 0


@pytest.mark.parametrize(
    "user", ["ORDER", "WALLET", "LOT#", "EXPIRY#x", "thief#ENTRY#000000000001", "victim#LOT", "%", "*"]
)
def test_a_user_named_like_a_stored_key_is_an_ordinary_user(edge: Edge, bought: dict[str, Any], user: str):
    payment = edge.buy(user, "trial")

    assert edge.balance(user) == 500
    assert edge.status(payment)["user_id"] == user
    assert edge.balance("victim") == 1100


def test_another_users_cursor_shows_none_of_their_records(edge: Edge, bought: dict[str, Any]):
    edge.create("victim")
    edge.post(SPEND, {"user_id": "victim", "amount": 1, "description": "x"}, edge.service("another-users-cursor"))
    edge.create("thief")
    for path in (PAYMENTS, TRANSACTIONS):
        cursor = edge.get(f"{path}?limit=1", edge.user("victim")).json()["next_cursor"]
        assert cursor
        page = edge.get(f"{path}?cursor={cursor}", edge.user("thief"))
        assert page.status_code == 200
        assert bought["payment_id"] not in page.text


def test_a_cursor_of_the_other_list_is_refused(edge: Edge, bought: dict[str, Any]):
    edge.create("victim")
    for path, other in ((PAYMENTS, TRANSACTIONS), (TRANSACTIONS, PAYMENTS)):
        edge.post(
            SPEND, {"user_id": "victim", "amount": 1, "description": "x"}, edge.service(f"other-list-{len(path)}")
        )
        cursor = edge.get(f"{path}?limit=1", edge.user("victim")).json()["next_cursor"]
        response = edge.get(f"{other}?cursor={cursor}", edge.user("victim"))
        assert (response.status_code, response.json()["code"]) == (422, "validation_failed")


# ------------------------------------------------------------------------------------------------ a trusted service's


def wrong_keys(right: str) -> list[bytes]:
    texts = ["", right[:-1], right + "x", right.upper(), f"{right},{right}", f"{right} x", "a,b", "é", ",", "null", "*"]
    return [text.encode() for text in texts] + [b"\xff" * 20, b"x" * 9000]


@pytest.mark.parametrize("number", range(13))
def test_a_wrong_key_can_neither_create_nor_spend(edge: Edge, bought: dict[str, Any], number: int):
    wrong = {"x-api-key": wrong_keys(edge.stack.api_key)[number]}
    before, sessions = edge.balance("victim"), edge.sessions()

    assert is_refused(edge.post(CREATE, {"package": "trial"}, edge.user("victim") | wrong))
    spend = {"user_id": "victim", "amount": 1, "description": "theft"}
    assert is_refused(edge.post(SPEND, spend, wrong | {"idempotency-key": "theft"}))

    assert (edge.balance("victim"), edge.sessions()) == (before, sessions)


def test_without_a_key_create_and_spend_are_refused(edge: Edge, bought: dict[str, Any]):
    sessions = edge.sessions()

    assert is_refused(edge.post(CREATE, {"package": "trial"}, edge.user("victim")))
    assert is_refused(edge.post(CREATE, {"package": "trial"}, edge.admin()))
    spend = {"user_id": "victim", "amount": 1, "description": "theft"}
    for caller in ({}, edge.user("victim"), edge.admin()):
        assert is_refused(edge.post(SPEND, spend, caller | {"idempotency-key": "theft"}))
    for token in ({}, {"authorization": f"Bearer {edge.stack.api_key}"}):  # no user
        assert is_refused(edge.post(CREATE, {"package": "trial"}, edge.service() | token))
    assert edge.sessions() == sessions


def test_two_keys_in_one_request_are_refused(edge: Edge):
    pair = [("x-api-key", "wrong"), ("x-api-key", edge.stack.api_key)]
    headers = [*edge.user("victim").items(), ("content-type", "application/json"), *pair]

    assert is_refused(edge.request("POST", CREATE, content=b'{"package": "trial"}', headers=headers))


def test_without_a_configured_key_every_key_is_refused(closed_edge: Edge):
    for key in ("", " , ", ",", "local-only-proxy-api-key", "None"):
        headers = closed_edge.user("victim") | {"x-api-key": key.strip()}
        assert is_refused(closed_edge.post(CREATE, {"package": "trial"}, headers))


def test_during_a_rotation_both_keys_are_accepted_but_not_the_whole_list(rotating_edge: Edge):
    spend = {"user_id": "newcomer", "amount": 1, "description": "x"}
    configured = rotating_edge.stack.values["PROXY_API_KEY"]
    for key in configured.split(","):
        response = rotating_edge.post(SPEND, spend, {"x-api-key": key.strip(), "idempotency-key": "k"})
        assert response.json()["code"] == "insufficient_credits"
    assert is_refused(rotating_edge.post(SPEND, spend, {"x-api-key": configured, "idempotency-key": "k"}))


# --------------------------------------------------------------------------------------------------- administrators


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"role": ""},
        {"role": "notadmin"},
        {"role": "Admin"},
        {"role": "admin "},
        {"role": "true"},
        {"role": True},
        {"role": 1},
        {"role": ["admin"]},
        {"role": {"admin": True}},
        {"role": None},
        {"Role": "admin"},
        {"roles": "admin"},
        {"admin": True},
        {"is_admin": True},
        {"scope": "admin"},
        {"role": "аdmin"},
    ],
    ids=repr,
)
def test_only_an_administrator_refunds_grants_adjusts_or_sees_another_users_payment(
    edge: Edge, bought: dict[str, Any], claims: dict[str, Any]
):
    thief = edge.user("thief", **claims)

    assert_may_change_nothing(edge, bought, thief)
    assert edge.get(f"{PAYMENTS}/{bought['payment_id']}", thief).status_code == 404
    assert "refunds" not in edge.status(bought)


def test_only_the_owner_cancels_a_payment(edge: Edge):
    payment = edge.create("victim")
    cancel, unknown = f"{PAYMENTS}/{payment['payment_id']}/cancel", f"{PAYMENTS}/{UNKNOWN}/cancel"

    for caller in ({}, edge.service()):
        assert is_refused(edge.post(cancel, {}, caller))
    for caller in (edge.user("thief"), edge.buyer("thief"), edge.support(), edge.admin()):
        foreign, missing = (edge.post(path, {}, caller) for path in (cancel, unknown))
        assert (foreign.status_code, missing.status_code) == (404, 404)
        assert foreign.json() | {"request_id": ""} == missing.json() | {"request_id": ""}
    assert edge.status(payment)["status"] == "pending"
    assert edge.post(cancel, {}, edge.user("victim")).json()["status"] == "expired"


def test_only_an_administrator_releases_a_payment(edge: Edge, bought: dict[str, Any]):
    release = f"{FIND}/{bought['payment_id']}/release"
    for action in ("fulfil", "refund"):
        body = {"action": action, "reason": "theft"}
        for caller in ({}, edge.service()):
            assert is_refused(edge.post(release, body, caller))
        for caller in (edge.user("victim"), edge.buyer("victim"), edge.support(), edge.user("thief", role="Admin")):
            assert edge.post(release, body, caller).status_code == 403
            assert edge.post(f"{FIND}/{UNKNOWN}/release", body, caller).status_code == 403
        assert edge.post(release, body, edge.admin()).json()["code"] == "not_releasable"
        assert edge.post(f"{FIND}/{UNKNOWN}/release", body, edge.admin()).status_code == 404


def test_only_staff_find_payments(edge: Edge, bought: dict[str, Any]):
    for search in (f"payment_id={bought['payment_id']}", "email=buyer@example.com", "status=quarantined"):
        assert is_refused(edge.get(f"{FIND}?{search}"))
        assert is_refused(edge.get(f"{FIND}?{search}", edge.service()))
        for caller in (edge.user("victim"), edge.buyer("victim"), edge.user("thief", role="Support")):
            response = edge.get(f"{FIND}?{search}", caller)
            assert response.status_code == 403
    for caller in (edge.admin(), edge.support()):
        [row] = edge.get(f"{FIND}?payment_id={bought['payment_id']}", caller).json()["payments"]
        assert row["user_id"] == "victim"


def test_only_staff_ask_what_a_refund_would_do(edge: Edge, bought: dict[str, Any]):
    quote = {"payment_id": bought["payment_id"]}

    assert is_refused(edge.post(QUOTE, quote))
    assert is_refused(edge.post(QUOTE, quote, edge.service()))
    for caller in (edge.user("victim"), edge.buyer("victim"), edge.user("thief", role="Support")):
        assert edge.post(QUOTE, quote, caller).status_code == 403
    for caller in (edge.admin(), edge.support()):
        assert edge.post(QUOTE, quote, caller).json()["credits_refunded"] == 1100
    assert "refunds" not in edge.status(bought)


def assert_may_change_nothing(edge: Edge, bought: dict[str, Any], caller: dict[str, str]) -> None:
    """What only administrators may do is refused, and nothing has happened."""
    before = edge.balance("victim")
    for path, body in administrators_requests(bought):
        response = edge.post(path, body, caller | {"idempotency-key": "theft"})
        assert (response.status_code, response.json()["code"]) == (403, "forbidden")
    assert (edge.balance("victim"), edge.balance("thief")) == (before, 0)


def administrators_requests(bought: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (REFUND, {"payment_id": bought["payment_id"], "reason": "theft"}),
        (GRANT, {"user_id": "thief", "credits": 1, "reason": "theft"}),
        (ADJUST, {"user_id": "thief", "amount": 1, "reason": "theft"}),
        (ADJUST, {"user_id": "victim", "amount": -1, "reason": "theft"}),
    ]


def test_neither_the_user_nor_a_service_nor_an_anonymous_caller_grants_or_adjusts(edge: Edge, bought: dict[str, Any]):
    before = edge.balance("victim")
    for path, body in administrators_requests(bought)[1:]:
        key = {"idempotency-key": "theft"}
        assert edge.post(path, body, edge.user(body["user_id"]) | key).status_code == 403
        assert edge.post(path, body, edge.buyer(body["user_id"]) | key).status_code == 403
        service = edge.post(path, body, edge.service() | key)
        assert service.status_code == (403 if path == GRANT else 401), "a grant needs a key with the scope for it"
        assert is_refused(edge.post(path, body, key))
    assert (edge.balance("victim"), edge.balance("thief")) == (before, 0)


def test_neither_the_owner_nor_a_service_nor_an_anonymous_caller_refunds_a_payment(edge: Edge, bought: dict[str, Any]):
    body = {"payment_id": bought["payment_id"], "reason": "theft"}

    assert edge.post(REFUND, body, edge.user("victim")).status_code == 403
    assert is_refused(edge.post(REFUND, body, edge.service()))
    assert is_refused(edge.post(REFUND, body))
    assert "refunds" not in edge.status(bought)
    assert edge.status(bought)["status"] == "succeeded"


def test_a_caller_who_may_not_refund_does_not_learn_which_payments_exist(edge: Edge, bought: dict[str, Any]):
    responses = [
        edge.post(REFUND, {"payment_id": payment_id}, edge.user("thief")).json() | {"request_id": ""}
        for payment_id in (bought["payment_id"], UNKNOWN, 5)
    ]

    assert responses[0] == responses[1] == responses[2]


def of_the_provider(provider: Provider, **claims: str) -> dict[str, str]:
    token = {"sub": "a", "exp": 4_000_000_000, "iss": "https://issuer.example", "aud": "topup"}
    bearer = jwt.encode(token | claims, provider.keys["rsa"], "RS256", {"kid": "rsa"})
    return {"authorization": f"Bearer {bearer}"}


def test_the_administrators_claim_is_the_configured_one(rotating_edge: Edge, provider: Provider):
    def refund_as(**claims: str) -> httpx.Response:
        return rotating_edge.post(REFUND, {"payment_id": UNKNOWN}, of_the_provider(provider, **claims))

    assert refund_as(role="admin").status_code == 403
    assert refund_as(groups="admin").status_code == 403
    assert refund_as(groups="billing").status_code == 404


# ---------------------------------------------------------------------------------------------------- support staff


def test_support_staff_read_any_payment_in_full_and_change_nothing(edge: Edge, bought: dict[str, Any]):
    seen = edge.get(f"{PAYMENTS}/{bought['payment_id']}", edge.support())

    assert seen.status_code == 200
    assert seen.json() == edge.status(bought)
    assert (seen.json()["user_id"], seen.json()["quarantine_reason"]) == ("victim", None)
    assert_may_change_nothing(edge, bought, edge.support())
    assert edge.status(bought) == seen.json()


def test_support_staff_have_their_own_credits_and_payments_like_any_user(edge: Edge, bought: dict[str, Any]):
    for path, name in ((PAYMENTS, "payments"), (TRANSACTIONS, "transactions"), (CREDITS, "lots")):
        assert edge.get(f"{path}?user_id=victim", edge.support()).status_code == 422
        assert edge.get(path, edge.support()).json()[name] == []


def test_support_staff_do_not_spend(edge: Edge, bought: dict[str, Any]):
    spend = {"user_id": "victim", "amount": 1, "description": "theft"}

    assert is_refused(edge.post(SPEND, spend, edge.support("theft")))


@pytest.mark.parametrize(
    "claims",
    [
        {"role": "Support"},
        {"role": "support "},
        {"role": "supporter"},
        {"role": "user support"},
        {"role": ["support"]},
        {"role": {"support": True}},
        {"roles": "support"},
        {"support": True},
        {"scope": "support"},
    ],
    ids=repr,
)
def test_whoever_is_almost_support_staff_is_not(edge: Edge, bought: dict[str, Any], claims: dict[str, Any]):
    assert edge.get(f"{PAYMENTS}/{bought['payment_id']}", edge.user("thief", **claims)).status_code == 404


def test_the_support_staffs_claim_is_the_configured_one(rotating_edge: Edge, provider: Provider):
    payment = rotating_edge.checked(
        rotating_edge.http.post(
            rotating_edge.stack.api_url + CREATE,
            json={"package": "trial"},
            headers=of_the_provider(provider) | rotating_edge.service(),
        )
    ).json()
    path = f"{PAYMENTS}/{payment['payment_id']}"

    def status_as(**claims: str) -> int:
        return rotating_edge.get(path, of_the_provider(provider, sub="b", **claims)).status_code

    assert status_as(role="support") == 404
    assert status_as(groups="support") == 404
    assert status_as(groups="helpdesk") == 200
    refund = rotating_edge.post(
        REFUND, {"payment_id": payment["payment_id"]}, of_the_provider(provider, groups="helpdesk")
    )
    assert refund.status_code == 403


# ------------------------------------------------------------------------------------------------------ the console


@pytest.mark.parametrize("path", ["/console", "/console/config.json", "/console/app.js"])
def test_the_console_is_for_anyone_and_tells_everybody_the_same(edge: Edge, path: str):
    """That nothing of it is secret is checked of every response, at the end."""
    seen = [edge.get(path, headers) for headers in ({}, edge.user("thief"), edge.admin(), edge.support())]

    assert {response.status_code for response in seen} == {200}
    assert len({re.sub(r'"now":"[^"]*"', "", response.text) for response in seen}) == 1
