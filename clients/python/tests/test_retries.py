"""What is sent again, when, and with which key."""

from collections.abc import Callable, Iterator
from email.utils import formatdate

import httpx
import pytest

from tests.service import Service, busy, gateway, ok, problem
from topup_client import ApiError, Busy, GatewayError, NoAnswer, Topup, UnexpectedAnswer, errors
from topup_client.generated.api.administration import quote_refund, refund_payment
from topup_client.generated.api.credits_ import spend_batch
from topup_client.generated.models import BatchBody, BatchReceipt, QuoteBody, RefundBody, RefundQuote, RefundResult


def breaks_off() -> Iterator[bytes]:
    yield b"{"
    raise httpx.ReadError("closed")


TEMPORARY = {
    "busy": busy,
    "internal_error": lambda: problem(500, "internal_error"),
    "stripe_error": lambda: problem(502, "stripe_error"),
    "a failure of tomorrow": lambda: problem(503, "overloaded"),
    "the gateway's 429": lambda: gateway(429),
    "the gateway's 500": lambda: gateway(500),
    "the gateway's 503": lambda: gateway(503),
    "no connection": lambda: httpx.ConnectError("refused"),
    "no answer in time": lambda: httpx.ReadTimeout("too late"),
    "a connection that breaks": lambda: httpx.RemoteProtocolError("closed"),
    "a body that breaks off": lambda: httpx.Response(200, content=breaks_off()),
    "a proxy's page with 200": lambda: httpx.Response(200, html="<h1>Sign in</h1>"),
    "a proxy's 502": lambda: httpx.Response(502, html="<h1>Bad gateway</h1>"),
    "a redirection": lambda: httpx.Response(302, headers={"location": "https://elsewhere.test"}),
    "JSON that is no object": lambda: ok([]),
}
FINAL = {
    "unauthorized": lambda: problem(401, "unauthorized"),
    "insufficient_credits": lambda: problem(409, "insufficient_credits", balance=1, held=0, available=1),
    "idempotency_conflict": lambda: problem(409, "idempotency_conflict"),
    "validation_failed": lambda: problem(422, "validation_failed", errors=[{"field": "amount", "message": "positive"}]),
    "misconfigured": lambda: problem(500, "misconfigured"),
    "a refusal of tomorrow": lambda: problem(409, "user_is_locked"),
    "the gateway's 404": lambda: gateway(404),
    "the gateway's 413": lambda: gateway(413),
}


def spend(client: Topup) -> int:
    return client.spend("user-1", 25, "Translation", key="job-7").amount


@pytest.mark.parametrize("answer", TEMPORARY.values(), ids=TEMPORARY.keys())
def test_what_may_pass_is_sent_again_with_the_same_key_and_body(
    service: Service, answer: Callable[[], httpx.Response | Exception]
):
    service.will(answer(), answer())

    assert spend(service.client()) == 25
    assert service.keys() == ["job-7"] * 3
    assert len({request.content for request in service.requests}) == 1


@pytest.mark.parametrize("answer", FINAL.values(), ids=FINAL.keys())
def test_what_would_fail_again_is_not_sent_again(service: Service, answer: Callable[[], httpx.Response]):
    service.will(answer())

    with pytest.raises((ApiError, GatewayError)) as caught:
        spend(service.client())

    assert not caught.value.is_temporary
    assert service.waits == []


def test_it_waits_for_as_long_as_the_service_says(service: Service):
    service.will(busy("7"), busy("2"))

    spend(service.client())

    assert service.waits == [7.0, 2.0]


def test_a_date_is_understood_too(service: Service):
    service.will(busy(formatdate(usegmt=True, timeval=0)))

    spend(service.client())

    assert service.waits == [0.0]


def test_without_a_word_of_the_service_it_waits_longer_each_time(service: Service):
    service.will(*(gateway(429) for _ in range(4)))

    spend(service.client())

    assert service.waits == [0.25, 0.5, 1.0, 2.0]


def test_the_last_answer_is_raised(service: Service):
    service.will(forever=busy)

    with pytest.raises(Busy) as caught:
        spend(service.client(attempts=3))

    assert caught.value.retry_after == 3
    assert len(service.requests) == 3


@pytest.mark.parametrize("last", [problem(401, "unauthorized"), gateway(404), problem(500, "misconfigured")], ids=repr)
def test_an_earlier_attempt_may_have_acted_though_the_last_was_not_let_in(service: Service, last: httpx.Response):
    service.will(httpx.ReadTimeout("too late"), last)

    with pytest.raises((ApiError, GatewayError)) as caught:
        spend(service.client())

    assert caught.value.may_have_acted


def test_a_refusal_of_the_request_itself_settles_what_earlier_attempts_did(service: Service):
    service.will(httpx.ReadTimeout("too late"), problem(409, "insufficient_credits", balance=1, held=0, available=1))

    with pytest.raises(errors.InsufficientCredits) as caught:
        spend(service.client())

    assert not caught.value.may_have_acted


def test_a_caller_is_not_kept_waiting_for_minutes(service: Service):
    service.will(busy("120"))

    with pytest.raises(Busy) as caught:
        spend(service.client())

    assert caught.value.retry_after == 120
    assert service.waits == []


REFUND = RefundBody(payment_id="f47ac10b-58cc-4372-a567-0e02b2c3d479", reason="Customer request")


@pytest.mark.parametrize("answer", [busy(), httpx.ReadTimeout("too late"), problem(502, "stripe_error")], ids=repr)
def test_a_request_without_a_key_that_may_have_acted_is_not_sent_again(
    service: Service, answer: httpx.Response | Exception
):
    service.will(answer)

    with pytest.raises((ApiError, NoAnswer)) as caught:
        service.client().ask(RefundResult, refund_payment, body=REFUND)

    assert caught.value.may_have_acted
    assert len(service.requests) == 1


def test_a_request_without_a_key_that_the_gateway_refused_is_sent_again(service: Service):
    refunded = {"success": True, "refund_id": "re_1", "amount": 1.0, "credits_refunded": 11, "message": "Refunded"}
    service.will(gateway(429), ok(refunded))

    assert service.client().ask(RefundResult, refund_payment, body=REFUND).credits_refunded == 11


def test_a_request_that_changes_nothing_needs_no_key(service: Service):
    service.will(httpx.ReadTimeout("too late"), problem(404, "payment_not_found"))

    with pytest.raises(errors.PaymentNotFound):
        service.client().ask(RefundQuote, quote_refund, body=QuoteBody(payment_id=REFUND.payment_id))

    assert len(service.requests) == 2


def test_a_batch_has_a_key_for_each_of_its_spends(service: Service):
    service.will(httpx.ReadTimeout("too late"), problem(409, "insufficient_credits", balance=1, held=0, available=1))
    items = [{"amount": 1, "description": "A word", "key": "word-1"}]
    body = BatchBody.from_dict({"user_id": "user-1", "items": items})

    with pytest.raises(errors.InsufficientCredits):
        service.client().ask(BatchReceipt, spend_batch, body=body)

    assert len(service.requests) == 2


def test_a_key_that_cannot_be_sent_is_refused_before_anything_is_sent(service: Service):
    for key in ("", "a,b", "schlüssel", "x" * 256):
        with pytest.raises(ValueError, match="printable"):
            service.client().spend("user-1", 25, "Translation", key=key)

    assert service.requests == []


def test_an_error_of_a_line_break_in_the_key_does_not_show_it():
    with pytest.raises(ValueError, match="cannot be sent") as caught:
        Topup("https://topup.test", api_key="secret-of-the-service\n")

    assert "secret" not in str(caught.value)


def test_every_error_has_what_its_code_says(service: Service):
    service.will(problem(409, "insufficient_credits", balance=10, held=4, available=6))

    with pytest.raises(errors.InsufficientCredits) as caught:
        spend(service.client())

    error = caught.value
    assert (error.balance, error.held, error.available) == (10, 4, 6)
    assert (error.status, error.code, error.request_id) == (409, "insufficient_credits", "r-1")


@pytest.mark.parametrize(
    "answer",
    [
        problem(409, "insufficient_credits", balance="10", held=4, available=6),
        problem(409, "insufficient_credits"),
        httpx.Response(400, content=busy().content, headers={"content-type": "application/problem+json"}),
        httpx.Response(409, json={"code": "idempotency_conflict"}),
        httpx.Response(403, json={"message": "a firewall's"}),
    ],
    ids=["a field of another type", "a missing field", "another status", "no problem document", "a firewall's"],
)
def test_an_error_that_the_contract_does_not_describe_proves_nothing(service: Service, answer: httpx.Response):
    service.will(answer)

    with pytest.raises(UnexpectedAnswer) as caught:
        spend(service.client(attempts=1))

    assert caught.value.may_have_acted


def test_both_credentials_of_a_purchase_are_sent(service: Service):
    service.will(forever=lambda: problem(409, "idempotency_conflict"))
    transport = httpx.MockTransport(service.answer)
    client = Topup("https://topup.test", api_key="key", token="jwt", transport=transport)

    with pytest.raises(errors.IdempotencyConflict):
        spend(client)

    [request] = service.requests
    assert (request.headers["authorization"], request.headers["x-api-key"]) == ("Bearer jwt", "key")
