"""How `verify` compares Stripe's answers with the simulator's: each difference is named, and no secret is kept."""

import json
import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
import stripe

from local.stripe_simulator import Simulator
from local.stripe_simulator.in_process import InProcessStripe
from ops.verify.classes import class_of
from ops.verify.exchanges import MASK, Exchange, Recorder, masked, masked_form
from ops.verify.twin import Compared, Twin, compare
from tests.support.stripe_simulator import WEBHOOK_SECRET, WEBHOOK_URL, session_params

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
KEY = "sk_test_of_the_account"
Answer = dict[str, Any]


class Account:
    """A Stripe account that is recorded. It is simulated, so whatever differs was planted by the test."""

    def __init__(self) -> None:
        self.simulator = Simulator(
            "https://checkout.stripe.com",
            now=lambda: NOW,
            rng=random.Random(7),
            secret_key=KEY,
            webhooks=[(WEBHOOK_URL, WEBHOOK_SECRET)],
        )
        self.recorder = Recorder(InProcessStripe(self.simulator), lambda: NOW)
        self.stripe = stripe.StripeClient(KEY, http_client=self.recorder)
        self.endpoints = [one.to_dict() for one in self.stripe.v1.webhook_endpoints.list().data]

    def pay(self, token: str = "tok_visa") -> Any:
        """A new session, paid on its page as the Stripe CLI does it; as it is then."""
        session = self.stripe.v1.checkout.sessions.create(session_params())  # type: ignore[arg-type]
        method = self.stripe.raw_request("post", "/v1/payment_methods", type="card", card={"token": token}).data
        page = self.stripe.raw_request("get", f"/v1/payment_pages/{session.id}").data
        confirm = f"/v1/payment_pages/{page['id']}/confirm"
        self.stripe.raw_request("post", confirm, payment_method=method["id"], expected_amount=10_000)
        return self.stripe.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent.latest_charge"]})

    def compared(self, simulated: type[Simulator] = Simulator) -> list[Compared]:
        return compare(self.recorder.exchanges, Twin(self.endpoints, simulated))


@pytest.fixture
def account() -> Account:
    return Account()


def differences(found: list[Compared]) -> list[str]:
    return [str(difference) for one in found for difference in one.differences]


def planted(path: str, plant: Callable[[Answer], object]) -> type[Simulator]:
    """A simulator whose answers at this path are changed."""

    class Planted(Simulator):
        def request(
            self, method: str, url: str, headers: Mapping[str, str], body: bytes
        ) -> tuple[int, dict[str, str], bytes]:
            status, answer_headers, answer = super().request(method, url, headers, body)
            document = json.loads(answer)
            if url.startswith(path):
                plant(document)
            return status, answer_headers, json.dumps(document).encode()

    return Planted


# ------------------------------------------------------------------------------------------------------ comparing


def test_a_simulator_is_true_to_a_simulator(account: Account):
    intent = account.pay().payment_intent
    account.stripe.v1.refunds.create({"payment_intent": intent.id, "amount": 2_500})
    account.stripe.v1.refunds.list({"payment_intent": intent.id})
    account.stripe.v1.events.list({"types": ["refund.created", "checkout.session.completed"], "limit": 100})

    found = account.compared()

    assert len(found) == 9
    assert differences(found) == []


@pytest.mark.parametrize(
    ("plant", "named"),
    [
        (
            lambda answer: answer.pop("payment_status"),
            "`payment_status`: missing: Stripe has `paid`, the simulator nothing",
        ),
        (
            lambda answer: answer["payment_intent"].pop("latest_charge"),
            "`payment_intent.latest_charge`: missing: Stripe has an object, the simulator nothing",
        ),
        (
            lambda answer: answer["total_details"].update(amount_tip=7),
            "`total_details.amount_tip`: extra: Stripe has nothing, the simulator an integer",
        ),
        (
            lambda answer: answer.update(amount_total="10000"),
            "`amount_total`: type: Stripe has an integer, the simulator a string",
        ),
        (lambda answer: answer.update(locale=False), "`locale`: type: Stripe has null, the simulator a boolean"),
        (
            lambda answer: answer.update(status="open"),
            "`status`: value: Stripe has `complete`, the simulator `open`",
        ),
        (
            lambda answer: answer["payment_intent"]["latest_charge"].update(id="py_3abcdefGHIJKLMN0123456789"),
            "`payment_intent.latest_charge.id`: value: Stripe has an id `ch_…`, the simulator an id `py_…`",
        ),
        (
            lambda answer: answer["payment_intent"]["latest_charge"].update(receipt_url="by post"),
            "`payment_intent.latest_charge.receipt_url`: value: Stripe has a URL, the simulator text",
        ),
        (
            lambda answer: answer.update(created=12),
            "`created`: value: Stripe has epoch seconds, the simulator an integer",
        ),
        (
            lambda answer: answer.update(amount_total=0),
            "`amount_total`: value: Stripe has an integer, the simulator 0",
        ),
        (lambda answer: answer.update(livemode=True), "`livemode`: value: Stripe has false, the simulator true"),
        (
            lambda answer: answer.update(payment_method_types=["card", "sepa_debit"]),
            (
                "`payment_method_types[]`: value: "
                "Stripe has `alipay`, `card`, `wechat_pay`, the simulator `card`, `sepa_debit`"
            ),
        ),
        (
            lambda answer: answer.update(custom_fields=[{}]),
            "`custom_fields[]`: extra: Stripe has 0 of them, the simulator 1",
        ),
        (
            lambda answer: answer["payment_intent"].update(payment_method="pm_1anotherOneOfTheAccount00"),
            (
                "`payment_intent.payment_method`: value: "
                "Stripe has an id `pm_…` that it named before, the simulator another one"
            ),
        ),
    ],
    ids=lambda value: value.partition(":")[0].strip("`") if isinstance(value, str) else "",
)
def test_a_planted_difference_is_named(account: Account, plant: Callable[[Answer], object], named: str):
    account.pay()

    found = account.compared(planted("/v1/checkout/sessions/", plant))

    assert named in differences(found)


def test_another_status_is_named_with_the_reason(account: Account):
    account.pay()
    account.recorder.exchanges.append(
        Exchange("", "GET", "/v1/balance", "", 200, {"object": "balance"}, NOW, {})
    )  # which the simulator does not have

    [difference] = differences(account.compared())
    assert difference.startswith("`(status)`: value: Stripe has 200, the simulator 404: Unrecognized request URL")


def test_a_simulator_that_breaks_is_named_and_the_rest_is_compared(account: Account):
    account.pay()

    def breaks(_answer: Answer) -> None:
        raise KeyError("amount")

    found = account.compared(planted("/v1/payment_methods", breaks))

    says = "`(status)`: value: Stripe has 200, the simulator 500: it breaks with KeyError: 'amount'"
    assert says in differences(found)
    assert len(found) == len(account.recorder.exchanges)


def test_of_a_list_of_the_account_only_what_is_ours_counts(account: Account):
    others = account.simulator
    session = account.stripe.v1.checkout.sessions.create(session_params())  # type: ignore[arg-type]
    account.recorder.exchanges.clear()  # another system has made it
    others.pay(session.id, card="4242424242424242")
    ours = account.pay()
    account.stripe.v1.events.list({"limit": 100})
    account.stripe.v1.payment_intents.list({"limit": 100})

    assert differences(account.compared()) == []

    account.recorder.exchanges[-2].answer["data"].append(
        {"id": "evt_1ofAKindThatIsUnknown0", "object": "event", "type": "charge.updated", "about": ours.id}
    )
    assert differences(account.compared()) == [
        "`data[charge.updated]`: missing: Stripe has an object, the simulator nothing"
    ]


def test_an_object_that_only_the_simulator_lists_is_extra(account: Account):
    account.pay()
    account.stripe.v1.events.list({"limit": 100})
    listed = account.recorder.exchanges[-1].answer["data"]
    listed[:] = [event for event in listed if event["type"] != "charge.succeeded"]

    assert differences(account.compared()) == [
        "`data[charge.succeeded]`: extra: Stripe has nothing, the simulator an object"
    ]


@pytest.mark.parametrize(
    ("token", "intent_status", "disputes"),
    [("tok_threeDSecure2Required", "requires_action", 0), ("tok_createDispute", "succeeded", 1)],
)
def test_the_page_pays_as_the_card_says(account: Account, token: str, intent_status: str, disputes: int):
    intent = account.pay(token).payment_intent

    assert intent.status == intent_status
    assert len(account.stripe.v1.disputes.list({"payment_intent": intent.id}).data) == disputes
    assert differences(account.compared()) == []


def test_a_declined_card_is_an_exchange_too(account: Account):
    with pytest.raises(stripe.CardError):
        account.pay("tok_chargeDeclined")

    assert account.recorder.exchanges[-1].status == 402
    assert differences(account.compared()) == []


# ------------------------------------------------------------------------------------------------------ recording


def test_an_answer_that_is_no_json_is_kept_as_its_text(account: Account):
    class Proxy(InProcessStripe):
        def request(self, *_: Any, **__: Any) -> tuple[str, int, Mapping[str, str]]:
            return "<h1>Bad gateway</h1>", 502, {}

    recorder = Recorder(Proxy(account.simulator), lambda: NOW)
    with pytest.raises(stripe.APIError):
        stripe.StripeClient(KEY, http_client=recorder, max_network_retries=0).v1.accounts.retrieve_current()

    assert recorder.exchanges[0].answer == "<h1>Bad gateway</h1>"
    [compared] = compare(recorder.exchanges, Twin([]))
    assert str(compared.differences[0]) == "`(status)`: value: Stripe has 502, the simulator 200"


def test_of_a_question_that_is_repeated_the_last_answer_is_kept(account: Account):
    session = account.stripe.v1.checkout.sessions.create(session_params())  # type: ignore[arg-type]
    account.stripe.v1.checkout.sessions.retrieve(session.id)
    account.simulator.expire(session.id)
    account.stripe.v1.checkout.sessions.retrieve(session.id)

    [_, _, read] = account.recorder.exchanges
    assert read.answer["status"] == "expired"


def test_no_secret_is_kept(account: Account):
    account.pay()
    account.stripe.v1.webhook_endpoints.create({"url": WEBHOOK_URL, "enabled_events": ["*"]})

    kept = repr(account.recorder.exchanges)
    assert KEY not in kept
    assert "whsec_" not in kept
    assert "_secret_" not in kept
    assert MASK in kept


@pytest.mark.parametrize(
    "secret",
    [
        "sk_test_51abc",
        "rk_live_51abc",
        "whsec_abc",
        "pi_3abc_secret_def",
        "4242424242424242",
        "4242 4242 4242 4242",
        "378282246310005",
    ],
)
def test_keys_client_secrets_and_card_numbers_are_masked(secret: str):
    assert masked({"a": [f"with {secret} in it", 1]}) == {"a": [f"with {MASK} in it", 1]}


def test_what_is_no_secret_stays():
    kept = ["pi_3abc", "payment_intent.succeeded", "f47ac10b-58cc-4372-a567-0e02b2c3d479", "+1 555 0100", 1764244800]

    assert masked(kept) == kept
    assert masked_form("card[number]=4242&card[cvc]=123&expand[]=a") == (
        "card%5Bnumber%5D=%28masked%29&card%5Bcvc%5D=%28masked%29&expand%5B%5D=a"
    )


# -------------------------------------------------------------------------------------------------------- classes


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "null"),
        (True, "true"),
        (0, "0"),
        (10_000, "an integer"),
        (-5, "a negative integer"),
        (1_764_244_800, "epoch seconds"),
        (0.5, "a number"),
        ("", "empty text"),
        ("cny", "`cny`"),
        ("charge.dispute.created", "`charge.dispute.created`"),
        ("checkout_session_completed", "`checkout_session_completed`"),
        ("pi_3QabcDEFghijklmn012345", "an id `pi_…`"),
        ("cs_test_a1B2c3D4e5F6", "an id `cs_test_…`"),
        ("https://checkout.stripe.com/c/pay/cs_test_a1#x", "a URL"),
        ("标准包", "text"),
        ("Your card was declined.", "text"),
        ([], "a list"),
        ({}, "an object"),
    ],
)
def test_a_value_has_a_class(value: Any, expected: str):
    assert class_of(value) == expected
