"""What every response and every log line keeps to, whatever went wrong."""

import io
import json
from typing import Any

import pytest

from local.in_process.api import Api, as_buyer, as_user, token
from local.in_process.dynamodb import Emulator, a_page_instead, lost_after, lost_before, no_handshake, refused
from local.in_process.environment import API_KEY, JWT_SECRET, NOW, WEBHOOK_SECRET
from tests.support.stripe_wire import StripeWire, refuses
from topup import store
from topup.api import problems
from topup.api.endpoint import Request
from topup.domain import errors, money
from topup.domain.errors import TopupError
from topup.runtime import telemetry


def all_errors(kind: type[TopupError] = TopupError) -> set[type[TopupError]]:
    return set(kind.__subclasses__()).union(*(all_errors(child) for child in kind.__subclasses__()))


def test_every_error_has_a_status():
    assert all_errors() == set(problems.STATUS_OF)
    assert {errors.InvalidJson, money.InvalidAmount} <= all_errors()


def test_error_codes_are_unique():
    codes = [error.code for error in all_errors()]

    assert len(set(codes)) == len(codes)


def test_a_problem_has_everything_that_a_client_needs(api: Api):
    response = api.post("/api/payments/stripe/create", {"package": "x", "y": 1}, as_buyer())

    problem = response.json()
    assert problem | {"detail": "", "errors": [], "request_id": ""} == {
        "type": "urn:topup:problem:validation_failed",
        "title": "The request has invalid fields",
        "status": 422,
        "detail": "",
        "code": "validation_failed",
        "request_id": "",
        "errors": [],
    }
    assert [error["field"] for error in problem["errors"]] == ["y"]
    assert problem["request_id"]
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "fault",
    [
        *(lost_before, lost_after, no_handshake, a_page_instead),
        *(refused("InternalServerError", 500), refused("InternalFailure", 500), refused("ThrottlingException")),
    ],
)
@pytest.mark.parametrize("path", ["/api/users/credits", "/api/payments", "/api/users/credits/transactions"])
def test_when_dynamodb_does_not_answer_the_caller_gets_503_and_may_retry(
    api: Api, dynamodb: Emulator, path: str, fault: Any
):
    dynamodb.fail("Query", fault)
    dynamodb.fail("Query", fault)

    response = api.get(path, as_user())

    assert (response.status, response.json()["code"], response.headers["retry-after"]) == (503, "busy", "2")


@pytest.mark.parametrize("fault", [refused("AccessDeniedException"), refused("ResourceNotFoundException")])
@pytest.mark.parametrize("path", ["/api/users/credits", "/api/payments", "/api/users/credits/transactions"])
def test_an_unexpected_failure_is_a_500_that_shows_nothing_of_its_cause(
    api: Api, dynamodb: Emulator, log: io.StringIO, path: str, fault: Any
):
    dynamodb.fail("Query", fault)
    dynamodb.fail("Query", fault)

    response = api.get(path, as_user())

    assert response.status == 500
    assert response.json() | {"request_id": ""} == {
        "type": "urn:topup:problem:internal_error",
        "title": "Internal error",
        "status": 500,
        "detail": "Internal error",
        "code": "internal_error",
        "request_id": "",
    }
    assert response.json()["request_id"] in log.getvalue()
    assert "Traceback" in log.getvalue()


def test_secrets_appear_in_no_log_line_and_no_response(
    api: Api, dynamodb: Emulator, stripe_wire: StripeWire, log: io.StringIO, capsys: pytest.CaptureFixture[str]
):
    planted = "planted-in-a-body"
    card = "4242424242424242"
    stripe_wire.then(refuses(400, message=f"no such thing: {planted}", param=planted))
    bodies: list[Any] = [
        {"package": "standard"},
        {"package": planted},
        {"package": "standard", planted: planted},
        {"package": "standard", "return_url": f"https://{planted}@shop.example"},
        {"package": card},
    ]
    responses = [api.post("/api/payments/stripe/create", body, as_buyer()) for body in bodies]
    dynamodb.fail("Query", refused("AccessDeniedException"))
    responses.append(api.get("/api/users/credits", as_user()))
    responses.append(
        api.post("/api/payments/webhook/stripe", raw=planted.encode(), headers={"stripe-signature": planted})
    )
    responses.append(api.get("/api/payments", {"authorization": f"Bearer {planted}"}))

    written = log.getvalue() + "".join(capsys.readouterr()) + responses[0].body
    for secret in (JWT_SECRET, API_KEY, WEBHOOK_SECRET, "sk_test_1", token(), planted, card):
        assert secret not in written, secret
    assert {response.status for response in responses} == {502, 422, 500, 400, 401}
    for response in responses:
        assert not any(secret in response.body for secret in (JWT_SECRET, API_KEY, WEBHOOK_SECRET, "sk_test_1"))


def test_hostile_text_stays_in_one_escaped_log_line(api: Api, dynamodb: Emulator, log: io.StringIO):
    hostile = 'x\n{"level":"ERROR","message":"forged"}\r\x1b[31m😀' + "y" * 5000

    api.post("/api/payments/stripe/create", {"package": hostile}, as_buyer())
    api.get("/api/users/credits", as_user("bob\u2028smith"))
    telemetry.logger.info(hostile)

    lines = log.getvalue().split("\n")
    assert lines[-1] == ""
    assert all(json.loads(line)["message"] != "forged" for line in lines[:-1])
    assert "\x1b" not in log.getvalue()


def test_every_log_line_names_its_request(api: Api, log: io.StringIO):
    response = api.post("/api/payments/stripe/create", {"package": "standard"}, as_buyer())

    [line] = [json.loads(text) for text in log.getvalue().splitlines()]
    assert line["function_name"] == "create_checkout"
    assert line["request_id"]
    assert line["payment_id"] == response.json()["payment_id"]


def test_the_user_of_an_order_is_not_logged(api: Api, log: io.StringIO):
    api.post("/api/payments/stripe/create", {"package": "standard"}, as_buyer("alice@example.com"))

    assert "alice" not in log.getvalue()
    assert store.list_orders("alice@example.com", 1, None)[0]


def test_the_time_of_a_request_is_when_the_gateway_received_it():
    assert Request({"requestContext": {"timeEpoch": int(NOW.timestamp() * 1000)}}).now == NOW
