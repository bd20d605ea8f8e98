"""Once a refund may have begun, no answer says "retry": without a key, a retry is another refund."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError

from local.in_process.api import ApiResponse
from local.in_process.dynamodb import Fault, lost_after, lost_before, refused
from local.in_process.shop import Shop
from tests.integration.stripe_side import REFUNDS, after_stripe_answers, refunds_at_stripe, stripe_says
from topup.api import refund_responses
from topup.store import races

MANY = 100  # more often than anything is tried
AMOUNT = 30.0
KEYS = [None, "key-1"]
NOTHING_DONE = {
    "throttled": refused("ThrottlingException"),
    "throttled in the transaction": refused(
        "TransactionCanceledException", CancellationReasons=[{"Code": "ThrottlingError"}]
    ),
    "limited": refused("RequestLimitExceeded"),
    "lost before": lost_before,
    "failed": refused("InternalServerError", 500),
    "unavailable": refused("ServiceUnavailable", 503),
    "in progress": refused("TransactionInProgressException"),
    "not allowed": refused("AccessDeniedException"),
}
DONE = {"lost after": lost_after}


def fail_writes(shop: Shop, fault: Fault, times: int = MANY) -> None:
    """Let each transaction fail from now on; reads work."""
    for _ in range(times):
        shop.dynamodb.fail("TransactWriteItems", fault)


def settle(shop: Shop) -> None:
    """Everything works again, and reconcile has done its work."""
    shop.dynamodb.clear_faults()
    shop.wait(minutes=3)
    shop.deliver()
    assert shop.reconcile()["failures"] == 0


def recorded(shop: Shop, payment_id: str) -> list[tuple[float, str]]:
    refunds = shop.payment(payment_id).get("refunds", [])
    return [(refund["amount"], refund["status"]) for refund in refunds]


def check_one_refund(shop: Shop, payment_id: str) -> None:
    assert [made["amount"] for made in refunds_at_stripe(shop)] == [3000]
    assert recorded(shop, payment_id) == [(AMOUNT, "succeeded")]
    assert shop.ledger()[1:] == [("refunded", -330)]
    shop.check()


def check_none(shop: Shop, payment_id: str) -> None:
    assert refunds_at_stripe(shop) == []
    assert recorded(shop, payment_id) == []
    assert shop.balance() == 1100
    shop.check()


def says_look(response: ApiResponse) -> bool:
    return bool(response.json()["message"] == refund_responses.UNRECORDED_REFUND)


# ----------------------------------------------------------------------------------------------- the first transaction


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("fault", NOTHING_DONE.values(), ids=NOTHING_DONE.keys())
def test_a_first_write_that_always_fails_refunds_nothing(shop: Shop, fault: Fault, key: str | None):
    payment_id, _ = shop.buy()
    fail_writes(shop, fault)

    response = shop.refund(payment_id, AMOUNT, key)

    assert response.status in (202, 500, 503)
    assert response.status != 202 or says_look(response)
    settle(shop)
    check_none(shop, payment_id)


@pytest.mark.parametrize("fault", [lost_before, NOTHING_DONE["failed"], NOTHING_DONE["in progress"]])
def test_where_the_first_write_may_have_been_done_the_response_says_to_look(shop: Shop, fault: Fault):
    payment_id, _ = shop.buy()
    fail_writes(shop, fault)

    response = shop.refund(payment_id, AMOUNT)

    assert (response.status, says_look(response)) == (202, True)
    assert response.json()["success"] is False
    assert (response.json()["amount"], response.json()["credits_refunded"]) == (AMOUNT, 330)


def test_where_dynamodb_refused_the_first_write_the_response_is_an_error(shop: Shop):
    payment_id, _ = shop.buy()
    fail_writes(shop, NOTHING_DONE["not allowed"])

    assert shop.refund(payment_id, AMOUNT).status == 500


@pytest.mark.parametrize("is_written", [False, True])
def test_where_nobody_expected_what_became_of_the_first_write_the_response_says_to_look(
    shop: Shop, capsys: pytest.CaptureFixture[str], is_written: bool
):
    payment_id, _ = shop.buy()

    def break_off(execute: Callable[[], AWSResponse]) -> AWSResponse:
        if is_written:
            execute()
        raise KeyError("a defect")

    shop.dynamodb.fail("TransactWriteItems", break_off)

    response = shop.refund(payment_id, AMOUNT)

    assert (response.status, says_look(response)) == (202, True)
    assert "UnexpectedFailure" in capsys.readouterr().out
    settle(shop)
    (check_one_refund if is_written else check_none)(shop, payment_id)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("times", [1, 2, 3, MANY])
def test_a_first_write_whose_response_is_lost_begins_one_refund(shop: Shop, times: int, key: str | None):
    payment_id, _ = shop.buy()
    fail_writes(shop, lost_after, times)

    response = shop.refund(payment_id, AMOUNT, key)

    assert response.status in (200, 202)
    settle(shop)
    check_one_refund(shop, payment_id)


@pytest.mark.parametrize("key", KEYS)
def test_a_first_write_that_is_done_late_begins_one_refund(shop: Shop, key: str | None):
    payment_id, _ = shop.buy()
    late: list[Callable[[], object]] = []
    fail_writes(shop, done_late(late))

    response = shop.refund(payment_id, AMOUNT, key)

    assert (response.status, says_look(response)) == (202, True)
    shop.dynamodb.clear_faults()
    for write in late:
        write()
    assert recorded(shop, payment_id) == [(AMOUNT, "pending")]
    settle(shop)
    check_one_refund(shop, payment_id)


def done_late(late: list[Callable[[], object]]) -> Fault:
    """The request has no response, and is only carried out when the test says so."""

    def fault(execute: Callable[[], object]) -> object:
        late.append(execute)
        raise ReadTimeoutError(endpoint_url="https://dynamodb")

    return fault  # type: ignore[return-value]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("fault", NOTHING_DONE.values(), ids=NOTHING_DONE.keys())
def test_after_a_first_write_whose_response_is_lost_no_failing_read_says_retry(
    shop: Shop, fault: Fault, key: str | None
):
    payment_id, _ = shop.buy()

    def then_reads_fail(execute: Callable[[], object]) -> object:
        execute()
        for _ in range(MANY):
            shop.dynamodb.fail("Query", fault)
        raise ReadTimeoutError(endpoint_url="https://dynamodb")

    fail_writes(shop, then_reads_fail, 2)  # type: ignore[arg-type]

    response = shop.refund(payment_id, AMOUNT, key)

    assert response.status in (200, 202)
    settle(shop)
    check_one_refund(shop, payment_id)


def test_before_the_first_write_a_failing_read_is_busy_and_nothing_is_refunded(shop: Shop):
    payment_id, _ = shop.buy()
    for _ in range(MANY):
        shop.dynamodb.fail("Query", refused("ThrottlingException"))

    assert shop.refund(payment_id, AMOUNT).status == 503

    settle(shop)
    check_none(shop, payment_id)


def test_after_a_lost_response_another_refund_that_takes_the_money_is_still_a_refusal(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
):
    # Time stands still: on a busy machine the refund between would take longer than a request is tried again for.
    monkeypatch.setattr(races, "time", SimpleNamespace(monotonic=lambda: 0.0, sleep=lambda _seconds: None))
    payment_id, _ = shop.buy()

    def overtaken(_execute: Callable[[], object]) -> object:
        shop.dynamodb.clear_faults()
        assert shop.refund(payment_id, 80.0).status == 200
        raise ReadTimeoutError(endpoint_url="https://dynamodb")

    shop.dynamodb.fail("TransactWriteItems", lost_before)
    shop.dynamodb.fail("TransactWriteItems", overtaken)  # type: ignore[arg-type]

    response = shop.refund(payment_id, AMOUNT)

    assert (response.status, response.json()["largest_refundable"]) == (409, "20.00")
    settle(shop)
    assert [made["amount"] for made in refunds_at_stripe(shop)] == [8000]
    shop.check()


# ----------------------------------------------------------------------------------------- Stripe, and the last write


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("fault", (NOTHING_DONE | DONE).values(), ids=(NOTHING_DONE | DONE).keys())
def test_after_stripes_yes_no_failure_of_dynamodb_is_an_error(shop: Shop, fault: Fault, key: str | None):
    payment_id, _ = shop.buy()
    after_stripe_answers(shop, lambda: fail_everything(shop, fault))

    response = shop.refund(payment_id, AMOUNT, key)

    assert response.status in (200, 202)
    settle(shop)
    check_one_refund(shop, payment_id)


def fail_everything(shop: Shop, fault: Fault) -> None:
    fail_writes(shop, fault)
    for operation in ("Query", "BatchGetItem", "UpdateItem"):
        for _ in range(MANY):
            shop.dynamodb.fail(operation, fault)


@pytest.mark.parametrize("fault", [lost_before, lost_after, refused("ThrottlingException")])
def test_a_last_write_without_a_response_is_tried_again(shop: Shop, fault: Fault):
    payment_id, _ = shop.buy()
    after_stripe_answers(shop, lambda: fail_writes(shop, fault, 2))

    assert shop.refund(payment_id, AMOUNT).status == 200

    check_one_refund(shop, payment_id)


@pytest.mark.parametrize("key", KEYS)
def test_a_last_write_that_is_done_late_changes_nothing_more(shop: Shop, key: str | None):
    payment_id, _ = shop.buy()
    late: list[Callable[[], object]] = []
    after_stripe_answers(shop, lambda: fail_writes(shop, done_late(late)))

    assert shop.refund(payment_id, AMOUNT, key).status == 202

    settle(shop)
    check_one_refund(shop, payment_id)
    for write in late:
        write()
    check_one_refund(shop, payment_id)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    "changes",
    [{"status": None}, {"status": "a_new_word"}, {"amount": None}, {"created": None}, {"id": None}, {"currency": None}],
    ids=str,
)
def test_an_answer_of_stripes_that_cannot_be_read_leaves_the_refund_in_flight(
    shop: Shop, changes: dict[str, str | None], key: str | None
):
    payment_id, _ = shop.buy()
    stripe_says(shop, "POST", **changes)

    response = shop.refund(payment_id, AMOUNT, key)

    assert response.status in (200, 202)
    settle(shop)
    check_one_refund(shop, payment_id)


def as_usual(execute: Callable[[], AWSResponse]) -> AWSResponse:
    return execute()


def test_an_answer_of_stripes_without_our_metadata_is_the_answer_to_our_refund(shop: Shop):
    payment_id, _ = shop.buy()
    stripe_says(shop, "POST", metadata={})
    for fault in (as_usual, refused("TransactionConflictException")):  # the last write has to be decided again
        shop.dynamodb.fail("TransactWriteItems", fault)

    assert shop.refund(payment_id, AMOUNT, reason="They were very nice about it").status == 200

    assert [refund["reason"] for refund in shop.payment(payment_id)["refunds"]] == ["They were very nice about it"]
    settle(shop)
    check_one_refund(shop, payment_id)


@pytest.mark.parametrize(("changes", "alarms"), [({"amount": None}, True), ({"status": "succeeded"}, False)])
def test_what_nobody_expected_raises_the_alarm_of_unexpected_failures(
    shop: Shop, capsys: pytest.CaptureFixture[str], changes: dict[str, str | None], alarms: bool
):
    payment_id, _ = shop.buy()
    stripe_says(shop, "POST", **changes)

    shop.refund(payment_id, AMOUNT)

    assert ("UnexpectedFailure" in capsys.readouterr().out) is alarms


def test_a_failure_that_passes_raises_no_alarm(shop: Shop, capsys: pytest.CaptureFixture[str]):
    payment_id, _ = shop.buy()
    after_stripe_answers(shop, lambda: fail_everything(shop, lost_before))

    assert shop.refund(payment_id, AMOUNT).status == 202

    assert "UnexpectedFailure" not in capsys.readouterr().out


@pytest.mark.parametrize("changes", [{"status": None}, {"status": "a_new_word"}, {"amount": None}], ids=str)
def test_a_list_of_stripes_that_cannot_be_read_leaves_the_refund_in_flight(shop: Shop, changes: dict[str, str | None]):
    payment_id, _ = shop.buy()
    shop.fault(REFUNDS, "timeout_after")
    assert shop.refund(payment_id, AMOUNT, "key-1").status == 202
    stripe_says(shop, "GET", **changes)

    assert shop.refund(payment_id, AMOUNT, "key-1").status in (200, 202)

    settle(shop)
    check_one_refund(shop, payment_id)


@pytest.mark.parametrize("fault", (NOTHING_DONE | DONE).values(), ids=(NOTHING_DONE | DONE).keys())
def test_after_stripes_refusal_no_failure_of_dynamodb_is_an_error(shop: Shop, fault: Fault):
    payment_id, intent = shop.buy()
    shop.simulator.refund(intent)
    shop.lose()
    after_stripe_answers(shop, lambda: fail_everything(shop, fault))

    assert shop.refund(payment_id, AMOUNT, "key-1").status in (202, 409)

    settle(shop)
    assert shop.refund(payment_id, AMOUNT, "key-1").status == 409
    assert [made["amount"] for made in refunds_at_stripe(shop)] == [10000]
    assert shop.balance() == 0
    shop.check()


@pytest.mark.parametrize("stripe_fault", ["timeout_before", "timeout_after", "500", "429", "409"])
@pytest.mark.parametrize("times", range(1, 5))
def test_whatever_stripe_answers_to_the_looks_and_tries_of_a_later_request_is_202_or_the_outcome(
    shop: Shop, stripe_fault: str, times: int
):
    payment_id, _ = shop.buy()
    shop.fault(REFUNDS, "timeout_before")
    assert shop.refund(payment_id, AMOUNT, "key-1").status == 202
    shop.fault(REFUNDS, stripe_fault, times)

    assert {shop.refund(payment_id, AMOUNT, "key-1").status for _ in range(times)} <= {200, 202}

    shop.simulator.set_faults([])
    shop.wait(minutes=31)
    settle(shop)
    check_one_refund(shop, payment_id)


# ------------------------------------------------------------------------------------- the responses, and their words


def test_a_refund_in_flight_says_that_it_must_not_be_repeated(shop: Shop):
    payment_id, _ = shop.buy()
    shop.fault(REFUNDS, "timeout_after")

    message = shop.refund(payment_id, AMOUNT).json()["message"]

    assert "do not repeat it" in message
    assert "Stripe has not answered" not in message  # it may have, and the write that followed failed


def test_the_messages_of_all_that_is_not_known_yet_forbid_a_repetition():
    messages = {
        status: message for status, message in refund_responses.REFUND_MESSAGES.items() if "in flight" in message
    }

    assert len(messages) == 2
    assert all("do not repeat it" in message for message in [*messages.values(), refund_responses.UNRECORDED_REFUND])


@pytest.fixture(autouse=True)
def _faults_end(shop: Shop) -> Iterator[None]:
    yield
    shop.dynamodb.clear_faults()
