"""Requests to AWS are signed as botocore itself signs them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore import auth
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from tests.support.examples import examples
from topup.runtime import aws, signing
from topup.runtime.signing import Signer

DAY = datetime(2026, 11, 28, 12, tzinfo=UTC)
# Few of each, so that what one request leaves behind meets the next one.
FEW = st.sampled_from(["one", "two"])
TIMES = st.sampled_from([DAY, DAY + timedelta(seconds=1), DAY + timedelta(days=1)])
SIGNATURES = st.tuples(FEW, st.none() | FEW, FEW, st.sampled_from(["us-east-1", "eu-west-1"]), TIMES, st.binary())
URL = "https://dynamodb.us-east-1.amazonaws.com/"


def signed(signer: type[SigV4Auth], request: AWSRequest, secret: str, token: str | None, scope: list[str]) -> Any:
    signer(Credentials("AKIAEXAMPLE", secret, token), *scope).add_auth(request)
    return dict(request.headers.items())


@examples(100)
@given(st.lists(SIGNATURES, min_size=1, max_size=6))
def test_a_signature_is_botocores_own(signatures: list[Any]):
    with pytest.MonkeyPatch.context() as patch:
        for secret, token, service, region, now, body in signatures:
            patch.setattr(auth, "get_current_datetime", lambda now=now: now)
            ours, theirs = (AWSRequest("POST", URL, {"X-Amz-Target": "PutItem"}, body) for _ in range(2))

            for _ in range(2):  # a request that is tried again is signed again
                assert signed(Signer, ours, secret, token, [service, region]) == signed(
                    SigV4Auth, theirs, secret, token, [service, region]
                )


def test_one_signer_signs_each_request_with_its_own_headers():
    signers = [one(Credentials("AKIAEXAMPLE", "secret"), "dynamodb", "us-east-1") for one in (Signer, SigV4Auth)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auth, "get_current_datetime", lambda: DAY)
        for target in ("PutItem", "GetItem"):
            ours, theirs = (AWSRequest("POST", URL, {"X-Amz-Target": target}, b"{}") for _ in signers)
            for signer, request in zip(signers, (ours, theirs), strict=True):
                signer.add_auth(request)

            assert dict(ours.headers.items()) == dict(theirs.headers.items())


def test_the_key_of_a_day_is_derived_once(environment: pytest.MonkeyPatch):
    signing._key.cache_clear()

    for _ in range(3):
        signed(Signer, AWSRequest("POST", URL), "secret", None, ["dynamodb", "us-east-1"])

    assert signing._key.cache_info().misses <= 2  # two where the day ends meanwhile


def test_our_clients_sign_by_it(environment: pytest.MonkeyPatch):
    made: Any = aws.client("dynamodb", Config())

    assert type(made._request_signer.get_auth("dynamodb", "us-east-1")) is Signer
