"""Request bodies, headers and query: read exactly as they were sent, or refused with a named error."""

import base64
import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic_core import ValidationError

from local.in_process.api import as_admin
from local.in_process.shop import Shop
from tests.support.examples import examples
from tools.generate import bodies as generated
from topup.api import bodies, requests
from topup.api.endpoint import LARGEST_PAGE, Request
from topup.domain.errors import InvalidJson, UnsupportedMediaType, ValidationFailed

REFUSALS = (InvalidJson, UnsupportedMediaType, ValidationFailed)
NUMBERS = st.one_of(
    st.integers(),
    st.floats(),
    st.sampled_from([0, 1, -1, 10**9, 10**9 + 1, 10**40, True, "1", None, 1.0, 1e400]),
)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(["user_id", "amount", "description", "payment_id", "package", "force", "credits", "\x00"])
BODIES = st.one_of(JSON, st.dictionaries(FIELDS, NUMBERS | st.text(max_size=8), max_size=5)).map(json.dumps)


def a_request(body: str, content_type: str = "application/json", **event: Any) -> Request:
    return Request({"headers": {"Content-Type": content_type}, "body": body, **event})


@examples(250)
@given(
    st.sampled_from([requests.spend, requests.refund, requests.checkout]),
    BODIES | st.text(max_size=30) | st.binary(max_size=30).map(lambda raw: raw.decode("latin-1")),
)
@example(requests.refund, "[" * 100_000)
@example(requests.refund, '{"payment_id": "p", "amount": 1e9999999999999999999}')
@example(requests.spend, '{"user_id": "u", "description": "d", "amount": ' + "9" * 5000 + "}")
def test_a_body_is_read_exactly_as_it_was_sent_or_refused(read_as: Callable[[Request], Any], text: str):
    try:
        read = read_as(a_request(text))
    except REFUSALS:
        return  # any other error would be a defect of ours
    sent = json.loads(text, parse_float=Decimal)
    assert {name: value for name, value in vars(read).items() if name in sent} == sent


def is_spend(body: dict[str, Any]) -> bool:
    user, amount, description = body["user_id"], body["amount"], body["description"]
    return (
        type(amount) is int
        and 1 <= amount <= 1_000_000_000
        and isinstance(user, str)
        and 1 <= len(user) <= 255
        and isinstance(description, str)
        and 1 <= len(description) <= 500
    )


WORDS = st.one_of(st.text(max_size=3), st.integers(254, 256).map("x".__mul__), st.integers(499, 501).map("x".__mul__))


@examples(250)
@given(st.fixed_dictionaries({"user_id": WORDS, "amount": NUMBERS | st.integers(1, 99), "description": WORDS}))
@example({"user_id": "u", "amount": 1_000_000_000, "description": "d"})
@example({"user_id": "u", "amount": 1_000_000_001, "description": "d"})
def test_a_spend_is_accepted_exactly_if_it_is_within_the_limits(body: dict[str, Any]):
    if is_spend(body):
        assert vars(requests.spend(a_request(json.dumps(body)))) == {"metadata": {}, **body}
    else:
        with pytest.raises(ValidationFailed):
            requests.spend(a_request(json.dumps(body)))


MODELS: dict[str, type[bodies.Body]] = {
    name: model for name, model in vars(bodies).items() if name.endswith("Body") and name != "Body"
}
# What a field may be, and what it may not be.
TEXTS = st.one_of(
    st.text(max_size=4),
    st.sampled_from([0, 1, 36, 40, 41, 64, 65, 100, 128, 129, 255, 256, 500, 501]).map("x".__mul__),
    st.sampled_from(
        ["fulfil", "debt", "en", "xx", "1.00", "1.0001", "2027-01-31T00:00:00Z", "2027-13-01T00:00:00Z", "a\n"]
    ),
)
VALUES = st.one_of(
    NUMBERS,
    st.integers(0, 90_000),
    st.decimals(-1, 10**11, allow_nan=False).map(lambda number: number + 0),
    TEXTS,
    st.booleans(),
    st.none(),
    st.dictionaries(TEXTS, TEXTS | NUMBERS, max_size=11),
    st.lists(
        st.fixed_dictionaries({"key": st.sampled_from(["a", "b", ""]), "amount": NUMBERS, "description": TEXTS}),
        max_size=3,
    ),
)


def verdict(read: Callable[[], Any]) -> Any:
    """What a body was read as, and what the caller has sent of it; or what is wrong with which field."""
    try:
        body = read()
    except ValidationError as error:
        return error.errors(include_url=False, include_input=False, include_context=False)
    return plain(body), body.model_fields_set


def plain(value: Any) -> Any:
    if isinstance(value, bodies.Body | requests.Body):
        return {name: plain(part) for name, part in vars(value).items()}
    return [plain(part) for part in value] if isinstance(value, list) else (type(value), value)


@pytest.mark.parametrize("name", MODELS)
@examples(150)
@given(data=st.data())
def test_bodies_are_read_as_pydantic_would_read_them(name: str, data: st.DataObject):
    """bodies.json is made from the models, and this compares what both say of any body."""
    model = MODELS[name]
    required = {field: VALUES for field, one in model.model_fields.items() if one.is_required()}
    optional = dict.fromkeys([*(model.model_fields.keys() - required.keys()), "another"], VALUES)
    document = data.draw(VALUES | st.fixed_dictionaries(required, optional=optional) | likely(model))

    expected = verdict(lambda: model.model_validate(document))

    assert verdict(lambda: requests.validator(name).validate_python(document)) == expected


def likely(model: type[bodies.Body]) -> st.SearchStrategy[dict[str, Any]]:
    """Bodies whose every field may be right."""
    right: dict[str, st.SearchStrategy[Any]] = {
        "amount": st.sampled_from([1, 5, 0, -3, Decimal("1.5"), "12.50", None, 10**10, 10**10 + 1]),
        "items": st.lists(
            st.fixed_dictionaries({"key": st.sampled_from("ab"), "amount": st.just(1), "description": st.just("d")}),
            min_size=1,
            max_size=3,
        ),
        "credits": st.just(5),
        "action": st.just("refund"),
        "ttl_seconds": st.integers(0, 3),
        "add": st.integers(-1, 1),
        "metadata": st.dictionaries(st.sampled_from(["a", ""]), st.just("b")),
        "force": st.booleans(),
        "final": st.booleans(),
        "overrun": st.sampled_from(["refuse", "x"]),
        "locale": st.sampled_from(["en", "xx", None]),
        "expires_at": st.sampled_from(["2027-01-31T00:00:00Z", "soon", None]),
        "quote_token": st.sampled_from(["0" * 64, "0", None]),
    }
    of = {field: right.get(field, st.just("x")) for field in model.model_fields}
    required = {field: of.pop(field) for field, one in model.model_fields.items() if one.is_required()}
    return st.fixed_dictionaries(required, optional=of)


@pytest.mark.parametrize("name", MODELS)
def test_the_examples_of_each_body_contain_both_verdicts(name: str):
    found: set[bool] = set()

    @examples(60)
    @given(likely(MODELS[name]))
    def look(document: dict[str, Any]) -> None:
        found.add(isinstance(verdict(lambda: requests.validator(name).validate_python(document)), tuple))

    look()
    assert True in found


def test_the_file_is_what_the_models_say():
    assert json.loads(requests.SCHEMAS.read_bytes()) == generated.schemas(), "run `make openapi`"


def test_a_check_that_the_file_cannot_name_is_refused():
    with pytest.raises(ValueError, match="no check of ours"):
        generated._as_json({"function": len})


@examples(150)
@given(st.binary(max_size=200), st.booleans())
def test_a_body_in_base64_is_the_bytes_that_were_sent(raw: bytes, is_broken: bool):
    text = base64.b64encode(raw).decode()
    request = a_request(f"{text}!" if is_broken else text, isBase64Encoded=True)

    if is_broken:
        with pytest.raises(InvalidJson):
            _ = request.body
    else:
        assert request.body == raw


@examples(150)
@given(st.one_of(st.integers(-5, 200).map(str), st.text(max_size=5), st.text("0123456789٣²", max_size=4)))
def test_a_limit_is_a_plain_number_from_1_to_100_or_refused(text: str):
    request = Request({"queryStringParameters": {"limit": text}})
    if re.fullmatch("[1-9][0-9]{,2}", text) and 1 <= int(text) <= LARGEST_PAGE:
        assert request.limit == int(text)
    else:
        with pytest.raises(ValidationFailed, match="limit"):
            _ = request.limit


@examples(150)
@given(st.text(max_size=10) | st.integers(250, 260).map("k".__mul__))
def test_an_idempotency_key_is_printable_ascii_without_a_comma_or_refused(key: str):
    request = Request({"headers": {"Idempotency-Key": key}})
    if 1 <= len(key) <= 255 and all(" " <= character <= "~" and character != "," for character in key):
        assert request.idempotency_key == key
    else:
        with pytest.raises(ValidationFailed, match="Idempotency-Key"):
            _ = request.idempotency_key


AMOUNTS = st.one_of(
    st.decimals(min_value=Decimal(0), max_value=Decimal(200), places=3).map(str),
    st.integers(-10, 10**9).map(str),
    st.builds(lambda digits, power: f"{digits}e{power}", st.integers(0, 99), st.integers(-(10**7), 10**7)),
    st.sampled_from(["NaN", "Infinity", "-Infinity", "true", '"1"', "[]"]),
)
Refund = Callable[[str], int]


@pytest.fixture
def refund(shop: Shop) -> Refund:
    """Repeat a refund of 1.00 with the same key and another amount, written as given; returns the status."""
    payment_id, _ = shop.buy()
    assert shop.refund(payment_id, 1, "one-key").status == 200

    def repeat(amount: str) -> int:
        body = f'{{"payment_id": "{payment_id}", "reason": "Customer request", "amount": {amount}}}'
        headers = as_admin() | {"idempotency-key": "one-key"}
        return shop.api.post("/api/payments/stripe/refund", headers=headers, raw=body.encode()).status

    return repeat


# A request with a used key changes nothing, so one purchase serves all examples.
@examples(60, reuses_fixtures=True)
@given(AMOUNTS)
@example("1.00")
@example("1e9999999")
@example("1e-9999999")
@example("1.0000000000000000000000000000000000000001")
def test_no_amount_of_a_refund_makes_a_server_error(refund: Refund, amount: str):
    status = refund(amount)

    if status == 200:
        assert Decimal(amount) == 1
    else:
        assert status in (400, 409, 422)
