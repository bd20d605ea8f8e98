"""How a function's process starts on Lambda: what it loads, and what it must not touch. Each in a fresh interpreter."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jwt
import pytest
import stripe
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from local.in_process.environment import ENVIRONMENT, JWT_SECRET
from topup import store
from topup.stripe_gateway import client as stripe_client

ROOT = Path(__file__).parents[2]
CLAIMS = {"sub": "user-1", "exp": 4_000_000_000}
KEYS: dict[str, Any] = {
    "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}
AS_JWK: dict[str, Any] = {"RS256": RSAAlgorithm, "ES256": ECAlgorithm, "EdDSA": OKPAlgorithm}
LAMBDA = {
    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "PYTHONPATH": "layers/topup:.",
}
TABLES = {"ORDERS_TABLE": "orders", "CREDITS_TABLE": "credits"}
FUNCTIONS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/app.py"))
READING_BODIES = [name for name in FUNCTIONS if "requests" in (ROOT / "functions" / name / "app.py").read_text()]


def started(code: str, **variables: str) -> str:
    """What the code prints, run as a function of Lambda's would run it."""
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=ENVIRONMENT | TABLES | LAMBDA | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


# --------------------------------------------------------------------------------------------------------- tokens


def verified_by(token: str, more: str = "", **variables: str) -> dict[str, Any]:
    """The user of a token that the function accepts, and whether it has loaded cryptography."""
    code = f"""
import json, sys
from types import SimpleNamespace
from topup.api import auth, provider_keys, token_keys
{more}
caller = auth.authenticate(SimpleNamespace(headers={{"authorization": "Bearer {token}"}}))
print(json.dumps({{"user": caller.user_id, "has_cryptography": "cryptography" in sys.modules}}))
"""
    found: dict[str, Any] = json.loads(started(code, **variables))
    return found


def test_a_shared_secret_is_verified_without_cryptography():
    token = jwt.encode(CLAIMS, JWT_SECRET, "HS256")

    assert verified_by(token) == {"user": "user-1", "has_cryptography": False}


def test_after_that_cryptography_is_still_there_for_everybody_else():
    token = jwt.encode(CLAIMS, JWT_SECRET, "HS256")
    pem = public_pem("RS256")

    assert verified_by(token, f"assert token_keys.public_key({pem!r})[1] == 'RS256'")["has_cryptography"]


def public_pem(algorithm: str) -> str:
    public = KEYS[algorithm].public_key()
    return str(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


@pytest.mark.parametrize("algorithm", KEYS)
def test_a_public_key_is_verified_after_the_setting_has_changed(algorithm: str):
    """Lambda starts a new process for it."""
    token = jwt.encode(CLAIMS, KEYS[algorithm], algorithm)

    found = verified_by(token, JWT_PUBLIC_KEY=public_pem(algorithm))

    assert found == {"user": "user-1", "has_cryptography": True}


@pytest.mark.parametrize("algorithm", KEYS)
def test_a_providers_key_is_verified(algorithm: str):
    token = jwt.encode(CLAIMS, KEYS[algorithm], algorithm, headers={"kid": "1"})
    jwk = AS_JWK[algorithm].to_jwk(KEYS[algorithm].public_key(), as_dict=True)
    key = {**jwk, "kid": "1", "alg": algorithm, "use": "sig"}
    published = f"provider_keys.jwt.PyJWKClient.fetch_data = lambda self: {{'keys': [{key!r}]}}"

    found = verified_by(token, published, JWT_JWKS_URL="https://provider.example/keys", JWT_AUDIENCE="*")

    assert found == {"user": "user-1", "has_cryptography": True}


# -------------------------------------------------------------------------------------------------------- clients


NO_NETWORK = """
import socket
def refuse(*_):
    raise AssertionError("a connection while the function starts")
socket.socket.connect = socket.getaddrinfo = refuse
"""


def test_a_start_opens_no_connection_and_needs_no_secret():
    """SnapStart may copy the process after it."""
    code = """
import pathlib, runpy
for app in sorted(pathlib.Path("functions").glob("*/app.py")):
    runpy.run_path(str(app))
    print(app.parent.name)
"""
    secrets = ("JWT_SECRET", "PROXY_API_KEY", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET")

    done = started(NO_NETWORK + code, SECRETS_PREFIX="/topup", SECRETS=",".join(secrets), **dict.fromkeys(secrets, ""))

    assert done.split() == FUNCTIONS


def test_clients_are_made_while_a_function_starts():
    code = """
from topup import store
from topup.store.client import client
from topup.runtime import config, parameter_store
print(client.cache_info().currsize, parameter_store._client.cache_info().currsize)
"""
    assert started(code, SECRETS="JWT_SECRET") == "1 1"


def test_without_secrets_nothing_that_reads_them_is_loaded():
    code = "import sys\nfrom topup.runtime import config\nprint('topup.runtime.parameter_store' in sys.modules)"

    assert started(code) == "False"


def test_elsewhere_clients_are_made_on_first_use():
    run = subprocess.run(
        [sys.executable, "-c", "from topup.store.client import client\nprint(client.cache_info().currsize)"],
        cwd=ROOT,
        env={"PYTHONPATH": LAMBDA["PYTHONPATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == "0"


def test_every_request_to_aws_names_topup():
    code = """
from topup.store.client import client
client().meta.events.register("before-send.dynamodb", lambda request, **_: print(request.headers["User-Agent"]))
client().meta.events.register("before-send.dynamodb", lambda **_: exit())
client().get_item(TableName="orders", Key={"payment_id": {"S": "1"}})
"""
    assert started(code).startswith("b'Topup Botocore/")


@pytest.mark.parametrize(
    ("function", "loaded"),
    [
        ("create_checkout", "stripe.checkout._session_service"),
        ("cancel_checkout", "stripe.checkout._session_service"),
        ("refund_payment", "stripe._refund_service"),
        ("release_payment", "stripe._refund_service"),
        ("release_payment", "stripe._payment_intent_service"),
        ("release_payment", "stripe._dispute_service"),
    ],
)
def test_a_function_that_always_asks_stripe_has_loaded_what_asks(function: str, loaded: str):
    code = f"import runpy, sys\nrunpy.run_path('functions/{function}/app.py')\nprint({loaded!r} in sys.modules)"

    assert started(code) == "True"


def test_the_first_answer_of_stripe_loads_nothing():
    code = """
import runpy, sys
runpy.run_path("functions/refund_payment/app.py")
print("stripe._object_classes" in sys.modules)
"""

    assert started(code) == "True"


def test_stripe_is_not_told_of_this_machine():
    """The library would start a process to ask for its name, in the first request, and write a file."""
    code = """
from topup.stripe_gateway import client
headers = client._made("sk_1", "", 0)._requestor.request_headers("get", "V1", {})
print(headers["X-Stripe-Client-User-Agent"])
"""
    assert set(json.loads(started(code))) == {"bindings_version", "lang", "lang_version", "httplib"}


@pytest.mark.parametrize("function", READING_BODIES)
def test_a_function_that_reads_a_body_has_made_its_validator(function: str):
    code = f"""
import runpy
from topup.api import requests
runpy.run_path("functions/{function}/app.py")
print(requests.validator.cache_info().currsize)
"""
    assert started(code) == "1"


def test_the_pause_before_a_retry_is_the_librarys_own():
    assert stripe.HTTPClient.INITIAL_DELAY == stripe_client.LONGEST_PAUSE


# ---------------------------------------------------------------------------------------------------- the store's front


def test_a_request_does_not_load_what_only_operators_read():
    code = """
import runpy, sys
runpy.run_path("functions/get_credits/app.py")
print(*(name for name in ("scans", "census", "ledgers", "imports", "written") if f"topup.store.{name}" in sys.modules))
"""
    assert started(code) == ""


def test_every_name_of_the_store_is_there_and_no_other():
    assert all(getattr(store, name) for name in store.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'load_nothing'"):
        _ = store.load_nothing
