"""A request that is repeated during a deployment meets the version before or after: both make the same of it.

An id made from its key would be another payment or refund otherwise, and another fingerprint refuses the repetition.
"""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from local.in_process.environment import NOW, USER_ID
from tests.support.builders import PAYMENT_ID, an_order
from tests.unit.test_reversals import a_reversal
from topup import spending
from topup.adjustments import AdjustmentRequest
from topup.checkouts import CheckoutRequest
from topup.domain import idempotency
from topup.domain.hold_changes import Capture
from topup.domain.holds import Overrun
from topup.domain.refund_requests import RefundRequest
from topup.grants import GrantRequest
from topup.holding import CaptureRequest, ExtensionRequest, HoldRequest
from topup.spend_reversals import ReversalRequest
from topup.stripe_gateway import refunds, sessions

KEY: Any = {"idempotency_key": "k"}
BY: Any = KEY | {"actor": "service:default"}
ABOUT: Any = {"description": "a call", "metadata": {"model": "m", "job": "j"}}
PURCHASE: Any = KEY | {"user_id": USER_ID, "package_id": "standard", "email": None}
GRANT: Any = BY | {"user_id": USER_ID, "credits": 50, "reason": "a gift"}
HOLD_ID = "0b6a3c3e-8b0e-5c7e-9d43-111111111111"

REQUESTS = {
    "purchase": CheckoutRequest(**PURCHASE, return_url="https://shop.example", locale=None),
    "purchase in a language": CheckoutRequest(**PURCHASE, return_url=None, locale="de"),
    "purchase of an amount": CheckoutRequest(**PURCHASE, return_url=None, locale="de", amount="50.00"),
    "refund": RefundRequest(
        payment_id=PAYMENT_ID, amount=Decimal("25.50"), reason="asked for", force=True, admin_id="a"
    ),
    "refund of all": RefundRequest(payment_id=PAYMENT_ID, amount=None, admin_id="a"),
    "grant": GrantRequest(**GRANT, expires_at=NOW, is_standard=False, campaign="spring"),
    "grant for the usual time": GrantRequest(**GRANT, expires_at=None, is_standard=True, campaign=None),
    "grant for ever": GrantRequest(**GRANT, expires_at=None, is_standard=False, campaign=None),
    "adjustment": AdjustmentRequest(**BY, user_id=USER_ID, amount=-5, reason="a mistake"),
    "reversal": ReversalRequest(**BY, user_id=USER_ID, transaction_id=HOLD_ID, amount=5, reason="it failed"),
    "hold": HoldRequest(**BY, **ABOUT, user_id=USER_ID, amount=5, ttl=timedelta(minutes=15), overrun=Overrun.AVAILABLE),
    "capture": CaptureRequest(
        **BY, **ABOUT, user_id=USER_ID, hold_id=HOLD_ID, capture=Capture(amount=5, is_final=False)
    ),
    "extension": ExtensionRequest(**KEY, user_id=USER_ID, hold_id=HOLD_ID, ttl=timedelta(minutes=15), more=5),
}
FINGERPRINTS = {
    "purchase": "7d738474127097ed544f9f65a0f8092782c819b08d62f3ea74738dcbedc2e075",
    "purchase in a language": "5f837443232bb7c0493228358919e9b7a9279d3ad133572c71b3220b1f8633a9",
    "purchase of an amount": "62f02e7e21d358555aa5251421c750cbb1e926f82c0fd3a132d0cff72436e058",
    "refund": "826ac1e6be07ef352a4d48fba9e862421888335c43bcdc4659d8d94fc19d1ad6",
    "refund of all": "f480425e658a3449aac59a85e21c520d8427a42bd4979ca70fbdd58a5c72bd10",
    "grant": "b1a0fabeb6b67ef1a616d83401d6370b95676c333737163acf6e6784372cee59",
    "grant for the usual time": "372d7d78f2c2652557006bce0a1341061a042d3fb631c265f5f3ebfda891d84e",
    "grant for ever": "f5d7306fdad93944f886d9aec96c86ff87b8e90eedf00d39c4c21f6bd22bf8a9",
    "adjustment": "40cec82a21424de102454da9251886b33b4b9ca5650bf138a01cf5587da72656",
    "reversal": "02878bfd2364b0d71fc6d06346fb1e0aa79d6b288f16cfb25c77590760eccfcd",
    "hold": "4055e2aaa934c62d812f6a7b7910cdd088f7afdf4dd63acdd7a4b9fb5d073115",
    "capture": "4b88114201aab4bc6daf64d16960416f0005e15198f54f1716d613ab9c231c52",
    "extension": "a4a9923dac0c76b85108bf2a8e05b5da7961ab0e9248fe40cacadc649e6cc30d",
}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_has_the_fingerprint_that_every_version_gives_it(name: str):
    request: Any = REQUESTS[name]

    assert request.fingerprint == FINGERPRINTS[name]


def test_a_spend_has_the_fingerprint_that_every_version_gives_it_alone_or_in_a_batch():
    fingerprint = spending.fingerprint(USER_ID, 5, **ABOUT)

    assert fingerprint == "4fb860c995e93629fafc129ea7fe93fc9deaf1042a5115b828bd2d7f14db66c5"


def test_a_key_has_the_id_that_every_version_makes_from_it():
    assert idempotency.id_from_key(USER_ID, "k") == "3ba08f61-67b2-512e-aa79-9c92609b582d"


@pytest.mark.usefixtures("shop")
def test_stripe_gets_the_idempotency_keys_that_every_version_sends():
    """Else a version that carries on what another one has begun makes a second refund, or a second session."""
    first = a_reversal(reversal_id="refund-1", tried_at=NOW)

    keys = [refunds._idempotency_key(replace(first, attempt=attempt)) for attempt in (1, 2)]

    assert keys == ["topup-test/refund-1", "topup-test/refund-1-2"]
    assert sessions.session_key(an_order(attempt=3)) == f"topup-test/{PAYMENT_ID}-3"
