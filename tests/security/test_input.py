"""Invalid bodies and parameters of every kind are refused with a reason and without effect."""

import itertools
import json
import string
from typing import Any

import httpx
import pytest

from local.client import CREATE, PAYMENTS, REFUND, SPEND, TRANSACTIONS
from tests.security.edge import JSON, Edge
from topup.api import cursor

LARGEST_RESPONSE = 20_000  # bytes, of a problem document
UNKNOWN = "00000000-0000-4000-8000-000000000000"
_keys = itertools.count(1)


@pytest.fixture(scope="module")
def bought(edge: Edge) -> dict[str, Any]:
    """The buyer's payment, which Stripe has taken."""
    payment = edge.create("buyer")
    edge.pay(payment)
    return payment


def create(edge: Edge, body: Any) -> httpx.Response:
    return edge.post(CREATE, body, edge.buyer("buyer"))


def spend(edge: Edge, body: Any) -> httpx.Response:
    return edge.post(SPEND, body, edge.service(f"input-{next(_keys)}"))


def refund(edge: Edge, body: Any, **headers: str) -> httpx.Response:
    return edge.post(REFUND, body, edge.admin() | headers)


def is_invalid(response: httpx.Response, field: str) -> bool:
    problem = response.json()
    assert (response.status_code, problem["code"]) == (422, "validation_failed"), problem
    assert len(response.content) < LARGEST_RESPONSE
    return any(error["field"].startswith(field) for error in problem["errors"])


# --------------------------------------------------------------------------------------------------------- bodies


@pytest.mark.parametrize("call", [create, spend, refund])
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"null", 422),
        (b"[]", 422),
        (b'"x"', 422),
        (b"1", 422),
        (b"{}", 422),
        (b"{", 400),
        (b"NaN", 422),
        (b"{'package': 'standard'}", 400),
        (b'{"package": "standard"} {}', 400),
        (b"\xef\xbb\xbf{}", 400),
        ('{"package": "standard"}'.encode("utf-16"), 400),
        (b'{"package": "\xff"}', 422),
        (b'{"\\ud800": 1}', 422),
        (b'{"package": "\\ud800", "user_id": "\\ud800", "payment_id": "\\ud800"}', 422),
        (b"[" * 100_000, 400),
        (b'{"package":' + b"[" * 900 + b"]" * 900 + b"}", 422),
        (b'{"amount": ' + b"9" * 5000 + b"}", 400),
        (b'{"amount": 1e' + b"9" * 30 + b"}", 400),
        (b"package=standard", 400),
    ],
    ids=lambda value: repr(value[:25]) if isinstance(value, bytes) else None,
)
def test_a_body_that_is_not_the_expected_object_is_refused(edge: Edge, call: Any, body: bytes, status: int):
    response = call(edge, body)

    assert response.status_code == status
    assert response.json()["detail"]


@pytest.mark.parametrize(
    "kind",
    [None, "", "text/plain", "text/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
     "application/xml", "application/json5", "application/jsonx", "application/json, text/plain", "json", "é", "*/*"],
)  # fmt: skip
def test_another_content_type_is_refused(edge: Edge, kind: str | None):
    headers = edge.buyer("buyer") | ({} if kind is None else {"content-type": kind.encode("latin-1")})

    response = edge.request("POST", CREATE, content=b'{"package": "standard"}', headers=headers)

    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")


def test_a_body_that_the_gateway_passes_on_as_base64_is_decoded(edge: Edge):
    """We accept these types as JSON; API Gateway may pass such a body on as base64."""
    for kind in ("Application/JSON", "application/json;charset=UTF-8", "application/json ; x=y"):
        headers = edge.buyer("buyer") | {"content-type": kind}
        assert edge.request("POST", CREATE, content=b'{"package": "trial"}', headers=headers).status_code == 200


@pytest.mark.parametrize("call", [create, spend, refund])
@pytest.mark.parametrize("size", [600_000, 7_000_000, 11_000_000])
def test_a_body_that_is_too_large_is_refused(edge: Edge, call: Any, size: int):
    assert call(edge, b'{"package": "' + b"x" * size + b'"}').status_code == 413


@pytest.mark.parametrize("call", [create, spend, refund])
def test_a_body_with_sixty_thousand_errors_gets_a_short_response(edge: Edge, call: Any):
    names = itertools.islice(itertools.product(string.ascii_letters + string.digits, repeat=3), 60_000)
    body = json.dumps(dict.fromkeys(map("".join, names), 1), separators=(",", ":")).encode()

    response = call(edge, body)

    assert response.json()["code"] == "validation_failed"
    assert len(response.content) < LARGEST_RESPONSE


@pytest.mark.parametrize("name", ["x" * 400_000, "\x00" * 60_000, "é" * 100_000])
def test_a_long_field_name_is_not_repeated_in_full(edge: Edge, name: str):
    response = create(edge, json.dumps({"package": "trial", name: 1}, ensure_ascii=False).encode())

    assert is_invalid(response, name[:10])


def test_a_key_that_a_body_repeats_is_refused_since_readers_differ_on_which_value_counts(edge: Edge):
    for packages in (b'"trial", "package": "free"', b'"free", "package": "trial"', b'"trial", "package": "trial"'):
        assert is_invalid(create(edge, b'{"package": ' + packages + b"}"), "package")


# ------------------------------------------------------------------------------------------------------------ fields


@pytest.mark.parametrize(
    "field",
    ["credits", "credits_purchased", "price", "amount", "unit_price", "currency", "user_id", "status", "payment_id",
     "discount", "quantity", "livemode", "__proto__", "constructor", "Package", "package ", "return_url[]", ""],
)  # fmt: skip
def test_an_unknown_field_is_refused_and_has_no_effect(edge: Edge, field: str):
    sessions = edge.sessions()

    response = create(edge, {"package": "trial", field: 1})

    assert is_invalid(response, field)
    assert edge.sessions() == sessions


@pytest.mark.parametrize("field", ["status", "credits", "user_id", "balance", "currency", "refund_id", "Force"])
def test_a_refund_with_an_unknown_field_is_refused(edge: Edge, bought: dict[str, Any], field: str):
    assert is_invalid(refund(edge, {"payment_id": bought["payment_id"], field: 1}), field)
    assert "refunds" not in edge.status(bought)


@pytest.mark.parametrize(
    "package",
    ["", "free", "Standard", "standard ", "STANDARD", None, 1, True, [], ["standard"], {"id": "standard"},
     "x" * 41, "standard\u0000", "ｓtandard", "../standard", "__class__"],
    ids=repr,
)  # fmt: skip
def test_a_package_that_is_not_sold_is_refused(edge: Edge, package: Any):
    assert is_invalid(create(edge, {"package": package}), "package")


NO_AMOUNTS = [
    "NaN",
    "Infinity",
    "-Infinity",
    "-1",
    "0",
    "-0",
    "-0.0",
    "0e9",
    "true",
    '"1"',
    '"1e2"',
    "[]",
    "{}",
    "[1]",
    '"NaN"',
]
TOO_EXACT = ["0.001", "0.0001", "1e-3", "1e-40", "1e-2000000", "50.00000000000000000000000000000001", "1.005"]
TOO_LARGE = ["1e40", "1" + "0" * 40, "1e400", "1E+1000000", "9" * 4000, "99999999.001", "1000000.01e2"]


@pytest.mark.parametrize(
    "amount", [*NO_AMOUNTS, *TOO_EXACT, *TOO_LARGE, "null", "1.5", "1000000001"], ids=lambda text: text[:30]
)
def test_only_a_whole_positive_number_of_credits_can_be_spent(edge: Edge, bought: dict[str, Any], amount: str):
    before = edge.balance("buyer")

    response = spend(edge, f'{{"user_id": "buyer", "description": "x", "amount": {amount}}}'.encode())

    assert is_invalid(response, "amount") or is_invalid(response, "body")
    assert edge.balance("buyer") == before


@pytest.mark.parametrize("amount", [*NO_AMOUNTS, *TOO_EXACT, *TOO_LARGE, "100000000"], ids=lambda text: text[:30])
def test_only_an_exact_positive_amount_of_money_can_be_refunded(edge: Edge, bought: dict[str, Any], amount: str):
    response = refund(edge, f'{{"payment_id": "{bought["payment_id"]}", "amount": {amount}}}'.encode())

    assert is_invalid(response, "amount") or is_invalid(response, "body")
    assert "refunds" not in edge.status(bought)


@pytest.mark.parametrize("amount", ["1E+1000000", "1e-2000000", "9" * 4000, "1e40"], ids=lambda text: text[:30])
def test_a_used_key_with_an_amount_beyond_arithmetic_causes_no_server_error(edge: Edge, amount: str):
    payment = edge.create("buyer")
    edge.pay(payment)
    key = {"idempotency-key": f"used-{amount[:20]}"}
    assert refund(edge, {"payment_id": payment["payment_id"], "amount": 1}, **key).status_code == 200

    response = refund(edge, f'{{"payment_id": "{payment["payment_id"]}", "amount": {amount}}}'.encode(), **key)

    assert response.status_code in (409, 422)


@pytest.mark.parametrize(
    "payment_id", ["", "x" * 37, None, 5, True, [], {}, "\x00", "ORDER", UNKNOWN.replace("-", "")], ids=repr
)
def test_an_invalid_payment_id_is_refused_or_unknown(edge: Edge, payment_id: Any):
    assert refund(edge, {"payment_id": payment_id}).status_code in (404, 422)


@pytest.mark.parametrize("force", ["true", 1, None, [], "yes"], ids=repr)
def test_force_is_true_or_false(edge: Edge, bought: dict[str, Any], force: Any):
    assert is_invalid(refund(edge, {"payment_id": bought["payment_id"], "force": force}), "force")


@pytest.mark.parametrize("user_id", ["", "x" * 256, None, 5, ["buyer"], {"$ne": ""}], ids=repr)
def test_an_invalid_user_id_is_refused(edge: Edge, user_id: Any):
    assert is_invalid(spend(edge, {"user_id": user_id, "amount": 1, "description": "x"}), "user_id")


@pytest.mark.parametrize(
    "return_url",
    ["//evil.example", "https://yourdomain.com@evil.example", "https://yourdomain.com.evil.example",
     "https://yourdomain.com\\@evil.example", "https://yourdomain.com\\.evil.example", "https:/\\evil.example",
     "https://evil.example/https://yourdomain.com", "https://evil.example?https://yourdomain.com",
     "https://evil.example#https://yourdomain.com", "https://yourdomain.com:443@evil.example", "https://yourdomain.com:8443/",
     "https://user:password@yourdomain.com/", "http://yourdomain.com/", "HTTPS://YOURDOMAIN.COM/", "https://yourdomain.com./",
     "https://www.yourdomain.com/", "https://yourdomain.co", "https://yourdomain.comx/", "https:yourdomain.com",
     " https://yourdomain.com/", "https://yourdomain.com /", "https://yourdomain.com/\r\nSet-Cookie: x=1",
     "https://yourdomain.com/\n", "https://yourdomain.com/\x00", "https://yourdomain.com/é", "https://yourdomain.com%2eevil.example",
     "https://yourdomаin.com/", "javascript:alert(1)", "data:text/html,x", "/relative", "", "null", 5, [], {},
     "https://yourdomain.com/" + "x" * 500],
    ids=lambda url: repr(url)[:50],
)  # fmt: skip
def test_a_return_url_outside_our_own_pages_is_refused(edge: Edge, return_url: Any):
    sessions = edge.sessions()

    response = create(edge, {"package": "trial", "return_url": return_url})

    assert is_invalid(response, "return_url")
    assert edge.sessions() == sessions


# ------------------------------------------------------------------------------------------------------- idempotency


@pytest.mark.parametrize(
    "key", [b"", b"x" * 256, b"\xe9", "钥匙".encode(), b"a\tb", b"a,b", b"x" * 8_000], ids=lambda key: repr(key[:8])
)
def test_an_invalid_idempotency_key_is_refused_by_name(edge: Edge, bought: dict[str, Any], key: bytes):
    body = {"package": "trial"}
    assert is_invalid(edge.post(CREATE, body, {**edge.buyer("buyer"), "idempotency-key": key}), "Idempotency-Key")
    spending = {"user_id": "buyer", "amount": 1, "description": "x"}
    assert is_invalid(edge.post(SPEND, spending, {**edge.service(), "idempotency-key": key}), "Idempotency-Key")
    back = {"payment_id": bought["payment_id"]}
    assert is_invalid(edge.post(REFUND, back, {**edge.admin(), "idempotency-key": key}), "Idempotency-Key")


def test_a_spend_without_an_idempotency_key_is_refused(edge: Edge):
    response = edge.post(SPEND, {"user_id": "buyer", "amount": 1, "description": "x"}, edge.service())

    assert is_invalid(response, "Idempotency-Key")


def test_the_same_key_of_another_user_makes_another_payment(edge: Edge):
    mine = edge.create("key-owner", key="the same key")
    theirs = edge.create("key-thief", key="the same key")
    # The parts of an id must not be joined so that other parts give the same id.
    joined = edge.create("key-owner:the", key="same key")

    assert len({payment["payment_id"] for payment in (mine, theirs, joined)}) == 3


# ------------------------------------------------------------------------------------------------- query parameters


WRONG_QUERIES = (
    *("limit=0", "limit=-1", "limit=101", "limit=1000000", "limit=", "limit=abc", "limit=1.5", "limit=1e1"),
    *("limit=0x10", "limit=+5", "limit=%31%30%30%30", "limit=%EF%BC%91", "limit=null", "limit=NaN", "limit=%00"),
    *("limit=1&limit=2", "limit=1&limit=1", "cursor=", "cursor=a", "cursor=%00", "cursor=..%2f", "cursor=null"),
    *("cursor=W10", "cursor=e30", "cursor=WyIiXQ", "cursor=WzFlNDAwXQ", "cursor=W05hTl0", "cursor=W3RydWVd"),
    *("cursor=WyJcdWQ4MDAiXQ", "cursor=W251bGxd", "cursor=WzEsMl0", "cursor=WzFd&cursor=WzFd"),
    *("cursor=" + "A" * 5000, "cursor=" + "W1tb" * 240),
)


@pytest.mark.parametrize("path", [PAYMENTS, TRANSACTIONS])
@pytest.mark.parametrize("query", WRONG_QUERIES, ids=lambda query: query[:30])
def test_an_invalid_parameter_is_refused_by_name(edge: Edge, path: str, query: str):
    response = edge.get(f"{path}?{query}", edge.user("buyer"))

    assert is_invalid(response, query.partition("=")[0])


def test_a_cursor_with_a_time_outside_the_calendar_is_refused(edge: Edge):
    for created_at in (
        "0001-01-01T00:00:00.000000+23:59",
        "9999-12-31T23:59:59.999999-23:59",
        "2026-02-30T00:00:00.000000Z",
    ):
        response = edge.get(f"{PAYMENTS}?cursor={cursor.encode(created_at, UNKNOWN)}", edge.user("buyer"))
        assert is_invalid(response, "cursor")


@pytest.mark.parametrize("number", [0, 1, -1, -(10**700), 10**700, 2**63])
def test_a_made_up_cursor_shows_only_the_callers_own_records(edge: Edge, bought: dict[str, Any], number: int):
    response = edge.get(f"{TRANSACTIONS}?cursor={cursor.encode(number)}", edge.user("newcomer"))

    assert response.status_code == 422 or response.json() == {"transactions": [], "next_cursor": None}


@pytest.mark.parametrize("query", ["lang=%00", "lang=", "lang=../../etc/passwd", "lang=" + "x" * 5000, "lang=en&", ""])
def test_every_requested_language_gets_a_catalogue(edge: Edge, query: str):
    assert edge.get(f"/api/payments/packages?{query}").json()["packages"]["standard"]["credits"] == 1100


@pytest.mark.parametrize(
    ("query", "name"), [("lang=en&lang=zh", "lang"), ("x=1", "x"), ("%", "%"), ("&&=&", ""), ("%6Cang=en", "%6Cang")]
)
def test_a_parameter_that_is_not_known_or_is_repeated_is_refused_as_it_was_sent(edge: Edge, query: str, name: str):
    assert is_invalid(edge.get(f"/api/payments/packages?{query}"), name)


def test_a_long_reason_is_kept_and_harmless(edge: Edge):
    payment = edge.create("reasoned")
    edge.pay(payment)
    reason = 'x\n{"level":"ERROR","message":"forged"}\r\x1b[31m😀\u2028' + "y" * 400

    response = refund(edge, {"payment_id": payment["payment_id"], "reason": reason, "amount": 1})

    assert response.status_code == 200
    assert edge.status(payment)["refunds"][0]["reason"] == reason
    assert refund(edge, {"payment_id": payment["payment_id"], "reason": "y" * 501}).status_code == 422
    lines = [line for line in edge.log.split("\n") if line.startswith("{")]
    assert all(json.loads(line).get("message") != "forged" for line in lines)
    assert "\x1b" not in edge.log


def test_a_content_type_of_json_is_accepted(edge: Edge):
    assert edge.request("POST", CREATE, content=b'{"package": "trial"}', headers=edge.buyer("buyer") | JSON).is_success
