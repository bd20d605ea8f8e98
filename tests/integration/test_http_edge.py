"""What HTTP clients may rely on: headers of every answer, challenges, and refusals of what could mean two things."""

from typing import Any

import pytest

from local.in_process.api import Api, ApiResponse, as_admin, as_buyer, as_user
from local.in_process.environment import API_KEY
from local.in_process.shop import Shop

PACKAGES = "/api/payments/packages"
CREATE = "/api/payments/stripe/create"
REFUND = "/api/payments/stripe/refund"
SPEND = "/api/users/credits/spend"
CREDITS = "/api/users/credits"
SERVICE = {"x-api-key": API_KEY, "idempotency-key": "k-1"}
SPENT = {"user_id": "user-1", "amount": 1, "description": "one"}


def fields(response: ApiResponse) -> list[str]:
    """The names of the fields that a request was refused for."""
    assert (response.status, response.json()["code"]) == (422, "validation_failed")
    return [error["field"] for error in response.json()["errors"]]


# ------------------------------------------------------------------------------------------------- every answer


def test_every_answer_names_its_request_and_forbids_guessing_its_type(api: Api):
    for response in (
        api.get(PACKAGES),
        api.get(CREDITS, as_user()),
        api.get(CREDITS),
        api.post(CREATE, {}, as_buyer()),
    ):
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["x-request-id"]
    refused = api.get(CREDITS)
    assert refused.headers["x-request-id"] == refused.json()["request_id"]


# --------------------------------------------------------------------------------------------------- challenges


@pytest.mark.parametrize(
    ("path", "headers", "challenge"),
    [
        (CREDITS, {}, "Bearer"),
        (CREDITS, {"authorization": "Basic dXNlcjpwYXNz"}, "Bearer"),
        (CREDITS, {"authorization": "Bearer x.y.z"}, 'Bearer error="invalid_token"'),
        (CREDITS, as_user(exp=1), 'Bearer error="invalid_token"'),
        (CREDITS, as_user(sub=""), 'Bearer error="invalid_token"'),
        (CREDITS, as_user(exp=None), 'Bearer error="invalid_token"'),
    ],
)
def test_the_challenge_says_whether_a_token_was_missing_or_bad(
    api: Api, path: str, headers: dict[str, str], challenge: str
):
    response = api.get(path, headers)

    assert (response.status, response.headers["www-authenticate"]) == (401, challenge)


def test_who_is_no_administrator_is_told_that_the_token_does_not_suffice(api: Api):
    response = api.post(REFUND, {"payment_id": "p"}, as_user())

    assert (response.status, response.headers["www-authenticate"]) == (403, 'Bearer error="insufficient_scope"')


@pytest.mark.parametrize("path", [CREATE, SPEND])
@pytest.mark.parametrize("headers", [{}, {"x-api-key": "wrong"}])
def test_no_token_is_asked_for_where_a_key_is_missing(api: Api, path: str, headers: dict[str, str]):
    response = api.post(path, {}, as_user() | headers)

    assert (response.status, response.headers["www-authenticate"]) == (401, 'ApiKey header="X-API-Key"')


# ------------------------------------------------------------------------------------------------------ queries


@pytest.mark.parametrize(
    ("path", "query", "refused"),
    [
        (PACKAGES, "foo=bar", ["foo"]),
        (PACKAGES, "lang=en&lang=zh", ["lang"]),
        (PACKAGES, "lang=en&Lang=zh&x", ["Lang", "x"]),
        (CREDITS, "limit=5", ["limit"]),
        ("/api/payments", "Limit=5", ["Limit"]),
        ("/api/payments", "limit[]=5", ["limit[]"]),
        ("/api/payments", "limit=5&limit=5", ["limit"]),
        ("/api/payments", "limit=01", ["limit"]),
        ("/api/payments", "limit=", ["limit"]),
        ("/api/users/credits/transactions", "page=2", ["page"]),
        ("/api/users/credits/transactions", "limit=001", ["limit"]),
        ("/api/users/credits/transactions", "cursor=x&cursor=y", ["cursor"]),
        ("/api/payments/00000000-0000-4000-8000-000000000000", "expand=refunds", ["expand"]),
    ],
)
def test_a_parameter_that_is_unknown_or_given_twice_is_refused(api: Api, path: str, query: str, refused: list[str]):
    assert fields(api.get(f"{path}?{query}", as_user())) == refused


def test_a_hundred_unknown_parameters_are_refused_in_a_short_answer(api: Api):
    response = api.get(PACKAGES + "?" + "&".join(f"{'x' * 200}{number}=1" for number in range(100)))

    assert len(fields(response)) <= 20
    assert len(response.body) < 10_000


def test_a_command_takes_no_parameters_and_is_not_carried_out_with_some(api: Api):
    assert fields(api.post(f"{SPEND}?dry_run=true", SPENT, SERVICE)) == ["dry_run"]


def test_the_webhook_takes_any_query_because_its_address_is_the_operators(api: Api):
    response = api.post("/api/payments/webhook/stripe?from=stripe&from=x", {})

    assert response.json()["code"] == "invalid_signature"


# ----------------------------------------------------------------------------------------------- bodies and keys

BODIES: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    (CREATE, {"package": "standard", "return_url": "https://shop.example/"}, as_buyer()),
    (REFUND, {"payment_id": "p", "reason": "r", "amount": 1, "force": True}, as_admin()),
    (SPEND, SPENT, SERVICE),
    (
        "/api/admin/credits/grant",
        {"user_id": "u", "credits": 1, "expires_at": "2099-01-01T00:00:00Z", "reason": "r", "campaign": "c"},
        as_admin() | SERVICE,
    ),
    ("/api/admin/credits/adjust", {"user_id": "u", "amount": 1, "reason": "r"}, as_admin() | SERVICE),
]


@pytest.mark.parametrize("value", ["5", "", 5.5, True, [], {}, [5], {"x": 5}, -1, 10**40])
@pytest.mark.parametrize(
    ("path", "field"), [(path, field) for path, body, _ in BODIES for field in body], ids=lambda text: text
)
def test_a_refused_field_is_named_as_it_was_sent(api: Api, path: str, field: str, value: Any):
    [(body, headers)] = [(body, headers) for known, body, headers in BODIES if known == path]

    response = api.post(path, body | {field: value}, headers)

    if response.status == 422:
        assert fields(response) == [field]
        assert "Decimal" not in response.body
        assert "Value error" not in response.body


def test_an_amount_of_a_refund_must_be_a_number(api: Api):
    response = api.post(REFUND, {"payment_id": "p", "amount": "5"}, as_admin())

    assert response.json()["errors"] == [{"field": "amount", "message": "Input should be a number"}]


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        ('{"user_id": "user-1", "amount": 1, "amount": 2, "description": "x"}', ["amount"]),
        ('{"user_id": "user-1", "amount": 1, "description": "x", "\\u0061mount": 1}', ["amount"]),
        ('{"user_id": "user-1", "amount": 1, "description": {"x": {"y": 1, "y": 1}}}', ["y"]),
    ],
)
def test_a_key_that_a_body_has_twice_is_refused(api: Api, body: str, refused: list[str]):
    assert fields(api.post(SPEND, raw=body.encode(), headers=SERVICE)) == refused


def test_two_idempotency_keys_are_refused_and_not_joined_into_one(api: Api):
    """API Gateway joins headers of the same name with a comma."""
    assert fields(api.post(SPEND, SPENT, SERVICE | {"idempotency-key": "a,b"})) == ["Idempotency-Key"]


# ------------------------------------------------------------------------------------------------------- replays


def test_an_answer_that_was_given_before_says_so(shop: Shop):
    api = shop.api
    payment_id, _ = shop.buy()
    admin = as_admin() | {"idempotency-key": "k-2"}
    calls = [
        (CREATE, {"package": "trial"}, as_buyer() | {"idempotency-key": "k-0"}),
        (SPEND, SPENT, SERVICE),
        ("/api/admin/credits/grant", {"user_id": "user-1", "credits": 5, "reason": "r"}, admin),
        ("/api/admin/credits/adjust", {"user_id": "user-2", "amount": 5, "reason": "r"}, admin),
        (
            "/api/admin/credits/adjust",
            {"user_id": "user-2", "amount": -5, "reason": "r"},
            admin | {"idempotency-key": "d"},
        ),
        (REFUND, {"payment_id": payment_id, "amount": 1}, admin),
    ]
    for path, body, headers in calls:
        first, second = (api.post(path, body, headers) for _ in range(2))
        assert "idempotent-replayed" not in first.headers, path
        assert second.headers["idempotent-replayed"] == "true", path
        assert (second.status, second.body) == (first.status, first.body)


def test_requests_without_a_key_are_never_replays(shop: Shop):
    payment_id, _ = shop.buy()
    for _ in range(2):
        created = shop.api.post(CREATE, {"package": "trial"}, as_buyer())
        refunded = shop.api.post(REFUND, {"payment_id": payment_id, "amount": 1}, as_admin())
        assert not {"idempotent-replayed"} & (created.headers.keys() | refunded.headers.keys())


# ----------------------------------------------------------------------------------------------- caching and pages


def test_packages_may_be_cached_but_not_for_another_origin(api: Api):
    response = api.get(PACKAGES)

    assert response.headers["cache-control"] == "public, max-age=60"
    assert response.headers["vary"] == "origin"


def test_packages_that_have_not_changed_are_not_sent_again(api: Api):
    first = api.get(PACKAGES)
    tag = first.headers["etag"]

    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = api.get(PACKAGES, {"if-none-match": known})
        assert (again.status, again.body) == (304, "")
        assert {name: again.headers[name] for name in ("etag", "vary", "cache-control")} == {
            name: first.headers[name] for name in ("etag", "vary", "cache-control")
        }
        assert "content-type" not in again.headers


def test_packages_that_have_changed_are_sent(api: Api):
    tag = api.get(PACKAGES).headers["etag"]
    english = api.get(f"{PACKAGES}?lang=en", {"if-none-match": f'{tag}, "x"'})

    assert english.status == 200
    assert english.headers["etag"] != tag


@pytest.mark.parametrize("path", ["/api/payments", "/api/users/credits/transactions"])
def test_a_page_links_to_the_next_one(shop: Shop, path: str):
    for _ in range(3):
        shop.buy()
    pages, query = 0, "?limit=2"
    while query:
        page = shop.api.get(path + query, as_user())
        link = page.headers.get("link", "")
        assert bool(link) == bool(page.json()["next_cursor"])
        assert not link or link == f'<?limit=2&cursor={page.json()["next_cursor"]}>; rel="next"'
        query, pages = link.partition(">")[0].removeprefix("<"), pages + 1

    assert pages == 2


def test_a_page_of_the_usual_size_links_to_one_of_the_same(shop: Shop):
    for _ in range(21):
        shop.buy()

    assert shop.api.get("/api/payments", as_user()).headers["link"].startswith("<?cursor=")
