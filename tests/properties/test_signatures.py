"""Webhook signatures: whatever is sent, our verdict is that of Stripe's library."""

import string
import time
from datetime import UTC, datetime
from unittest import mock

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from stripe import SignatureVerificationError, WebhookSignature

from tests.support.examples import examples
from topup.stripe_gateway import signatures

NOW = 1_772_366_400  # epoch seconds
SECRET = "whsec_of_the_test_endpoint"

BODIES = st.one_of(
    st.binary(max_size=40),
    st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.just(b'{"object": "event", "type": "customer.created"}'),
)
SECRETS = st.text(string.ascii_letters + string.digits + "_-é", min_size=1, max_size=20)
# Dates as they should be, and everything that Python's int() and a careless sender make of them.
DATES = st.one_of(
    st.integers(NOW - 700, NOW + 700).map(str),
    st.integers().map(str),
    st.sampled_from(["", " ", "1_0", f" {NOW} ", f"+{NOW}", f"0{NOW}", "٣", "1.5", "x", "9" * 5000, "-0"]),
    st.text(max_size=8),
)
NAMES = st.sampled_from(["t", "v1", "v0", "V1", "v1 ", " t", "", "x"])


@st.composite
def headers(draw: st.DrawFn, body: bytes, secret: str) -> str:
    """A header of any parts, some of them right: dates, signatures of this body, and rubbish."""
    date = draw(DATES)
    text = body.decode("utf-8", "replace")
    right = WebhookSignature._compute_signature(f"{_number(date)}.{text}", secret)
    values = st.one_of(st.just(right), st.just(right.upper()), st.just(date), DATES, st.text(max_size=8))
    part = st.one_of(
        st.tuples(NAMES, values).map("=".join),
        st.just(f"v1={right}"),
        st.just(f"t={date}"),
        st.sampled_from(["t", "v1", "", "=", f"v1={right}=", f"v1={right}=x", "v1=é"]),
    )
    parts = draw(st.lists(part, max_size=5))
    return draw(st.sampled_from([f"t={date},v1={right}", ",".join(parts), ",".join([f"t={date}", *parts])]))


def _number(date: str) -> str:
    try:
        return str(int(date))
    except ValueError:
        return date


def librarys_verdict(body: bytes, header: str, secret: str, tolerance: int | None = None) -> bool:
    """Whether Stripe's library accepts it; what it expects to be text raises other errors than its own."""
    try:
        with mock.patch.object(time, "time", return_value=NOW):
            return bool(WebhookSignature.verify_header(body, header, secret, tolerance))
    except (SignatureVerificationError, UnicodeDecodeError, TypeError):
        return False


@examples(400)
@given(data=st.data(), body=BODIES, secret=SECRETS, other=SECRETS)
def test_the_verdict_is_that_of_stripes_library(data: st.DataObject, body: bytes, secret: str, other: str):
    header = data.draw(headers(body, data.draw(st.sampled_from([secret, other]))))

    assert signatures.is_signed(body, header, secret) is librarys_verdict(body, header, secret)


@examples(200)
@given(body=BODIES, age=st.integers(-700, 700), tolerance=st.integers(1, 600))
@example(body=b"{}", age=300, tolerance=300)
@example(body=b"{}", age=301, tolerance=300)
def test_what_is_too_old_for_stripes_library_is_too_old_for_us(body: bytes, age: int, tolerance: int):
    text = body.decode("utf-8", "replace")
    header = WebhookSignature.generate_signature_header(text, SECRET, NOW - age)
    with mock.patch.object(signatures, "SIGNATURE_TOLERANCE", tolerance):
        is_recent = signatures._is_recent(header, datetime.fromtimestamp(NOW, UTC))
    accepted = signatures.is_signed(body, header, SECRET) and is_recent

    # The library takes any date in the future.
    assert accepted is (librarys_verdict(body, header, SECRET, tolerance) and age >= -tolerance)


def test_the_examples_contain_both_verdicts():
    verdicts = set()
    for header in (f"t={NOW},v1=x", WebhookSignature.generate_signature_header("{}", SECRET, NOW)):
        assert signatures.is_signed(b"{}", header, SECRET) is librarys_verdict(b"{}", header, SECRET)
        verdicts.add(signatures.is_signed(b"{}", header, SECRET))
    assert verdicts == {True, False}


@pytest.mark.parametrize(
    "header",
    ["", "t", "v1", f"t={NOW}", "v1=x", f"t={NOW},v1=é", f"t={'9' * 5000},v1=x", f"t={NOW},t", f"t={NOW},v1=x,v1"],
    ids=lambda header: header[:20],
)
def test_a_header_that_says_nothing_is_no_signature(header: str):
    assert signatures.is_signed(b"{}", header, SECRET) is librarys_verdict(b"{}", header, SECRET) is False
