"""A token of any kind gets 401, or 200 if an independent reading of the standards finds it valid."""

import base64
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from local.in_process.api import Api
from local.in_process.environment import JWT_SECRET
from tests.security.forging import segment
from tests.support.examples import examples
from topup.runtime import config

FAR = 4_000_000_000
CLAIMS = {"sub": "user-1", "exp": FAR}
BOUNDED = examples(400)
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())

Verify = Callable[[bytes, bytes], bool]


def json_values() -> st.SearchStrategy[Any]:
    odd = [None, True, False, 0, 1, -1, FAR, 10**400, 1e308, float("inf"), float("nan"), "", "admin", "\x00", "\ud800"]
    leaves = st.sampled_from(odd) | st.text(max_size=12) | st.integers() | st.floats()
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=6), inner, max_size=2),
        max_leaves=4,
    )


NAMES = ["alg", "typ", "kid", "jwk", "jku", "x5u", "crit", "b64", "zip", "cty"]
ALGORITHMS = st.sampled_from(
    ["none", "None", "HS256", "hs256", "HS384", "HS512", "RS256", "PS256", "ES256", "EdDSA", ""]
)
HEADERS = st.fixed_dictionaries({"alg": ALGORITHMS | json_values()}) | st.dictionaries(
    st.sampled_from(NAMES), json_values(), max_size=4
)
CLAIM_NAMES = ["sub", "exp", "nbf", "iat", "iss", "aud", "jti", "role"]
CLAIM_SETS = st.dictionaries(st.sampled_from(CLAIM_NAMES), json_values(), max_size=4)
SIGNATURES = st.sampled_from(["right", "none", "zeros", "confused", "other"]) | st.binary(max_size=80)


def credits_status(api: Api, bearer: str) -> int:
    response = api.get("/api/users/credits", {"authorization": f"Bearer {bearer}"})
    assert response.headers["content-type"] == (
        "application/json" if response.status == 200 else "application/problem+json"
    )
    return response.status


# ------------------------------------------------------------------------------------------ the independent reading


def decoded(part: str) -> bytes:
    """Base64url as in RFC 7515; raises ValueError."""
    return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)


def is_valid(bearer: str, algorithm: str, verify: Verify) -> bool:
    """True if RFC 7515 and RFC 7519 allow this token, signed by this key with this algorithm."""
    try:
        head, body, signature = bearer.split(".")
        header, claims = json.loads(decoded(head)), json.loads(decoded(body))
        return (
            header["alg"] == algorithm
            and "crit" not in header
            and header.get("b64", True) is True
            and verify(f"{head}.{body}".encode(), decoded(signature))
            and is_in_force(claims)
            and isinstance(claims["sub"], str)
            and claims["sub"] != ""
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False


def is_in_force(claims: Any) -> bool:
    """RFC 7519, 4.1.4 to 4.1.6: every date present is a number, and the token is in force now."""
    dates = [claims[name] for name in ("exp", "nbf", "iat") if name in claims]
    if any(isinstance(date, bool) or not isinstance(date, int | float) or abs(date) > 1e15 for date in dates):
        return False
    return bool(claims["exp"] > 1_800_000_000) and all(claims.get(name, 0) < FAR - 1 for name in ("nbf", "iat"))


def by_hmac(said: bytes, signature: bytes) -> bool:
    return hmac.compare_digest(hmac.digest(JWT_SECRET.encode(), said, "sha256"), signature)


def by_rsa(said: bytes, signature: bytes) -> bool:
    try:
        RSA_KEY.public_key().verify(signature, said, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def by_ec(said: bytes, signature: bytes) -> bool:
    if len(signature) != 64:
        return False
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    try:
        EC_KEY.public_key().verify(utils.encode_dss_signature(r, s), said, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


# ------------------------------------------------------------------------------------------------------ the attacks


def sign_ec(said: bytes) -> bytes:
    r, s = utils.decode_dss_signature(EC_KEY.sign(said, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32) + s.to_bytes(32)


def public_pem(key: Any) -> bytes:
    pem: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem


SIGNERS: dict[str, Callable[[bytes], bytes]] = {
    "HS256": lambda said: hmac.digest(JWT_SECRET.encode(), said, "sha256"),
    "RS256": lambda said: RSA_KEY.sign(said, padding.PKCS1v15(), hashes.SHA256()),
    "ES256": sign_ec,
}
VERIFIERS: dict[str, Verify] = {"HS256": by_hmac, "RS256": by_rsa, "ES256": by_ec}
PUBLIC_KEYS = {"HS256": b"", "RS256": public_pem(RSA_KEY), "ES256": public_pem(EC_KEY)}


def signature_of(said: bytes, kind: str | bytes, algorithm: str) -> bytes:
    if isinstance(kind, bytes):
        return kind
    made: dict[str, Callable[[bytes], bytes]] = {
        "right": SIGNERS[algorithm],
        "none": lambda _: b"",
        "zeros": lambda _: bytes(64),
        "confused": lambda said: hmac.digest(PUBLIC_KEYS[algorithm], said, "sha256"),
        "other": lambda said: hmac.digest(b"secret", said, "sha256"),
    }
    return made[kind](said)


@pytest.fixture(params=["HS256", "RS256", "ES256"])
def algorithm(request: pytest.FixtureRequest, environment: pytest.MonkeyPatch) -> str:
    """The algorithm that the configured key implies."""
    environment.setenv("JWT_PUBLIC_KEY", PUBLIC_KEYS[request.param].decode())
    config.settings.cache_clear()
    return str(request.param)


def test_a_valid_token_is_accepted_by_both_readings(api: Api, algorithm: str):
    said = f"{segment({'alg': algorithm})}.{segment(CLAIMS)}"
    bearer = f"{said}.{segment(SIGNERS[algorithm](said.encode()))}"

    assert is_valid(bearer, algorithm, VERIFIERS[algorithm])
    assert credits_status(api, bearer) == 200


def test_a_token_of_any_content_is_accepted_only_if_it_is_valid(api: Api, algorithm: str):
    accepted = 0

    @BOUNDED
    @given(HEADERS, CLAIM_SETS, SIGNATURES, st.booleans(), st.booleans())
    def attack(header: Any, claims: Any, kind: Any, has_right_algorithm: bool, has_valid_claims: bool) -> None:
        nonlocal accepted
        header = header | ({"alg": algorithm} if has_right_algorithm else {})
        claims = (CLAIMS if has_valid_claims else {}) | claims
        said = f"{segment(header)}.{segment(claims)}"
        bearer = f"{said}.{segment(signature_of(said.encode(), kind, algorithm))}"

        status = credits_status(api, bearer)

        assert status in (200, 401)
        assert status == 401 or is_valid(bearer, algorithm, VERIFIERS[algorithm])
        accepted += status == 200

    attack()
    assert accepted, "no attack came near a valid token"


def test_a_damaged_token_is_accepted_only_if_it_is_still_valid(api: Api, algorithm: str):
    said = f"{segment({'alg': algorithm, 'typ': 'JWT'})}.{segment(CLAIMS)}"
    valid = f"{said}.{segment(SIGNERS[algorithm](said.encode()))}"
    pieces = st.sampled_from(
        ["", ".", "..", "=", "==", "\x00", " ", "é", "\n", "A", "-", "_", "+", "/", "e30", "." * 5000]
    )

    @BOUNDED
    @given(st.integers(0, len(valid)), pieces | st.text(max_size=5), st.integers(0, 30), st.booleans())
    def attack(at: int, piece: str, skipped: int, is_split: bool) -> None:
        bearer = valid[:at] + piece + valid[at + skipped :] if not is_split else ".".join(valid.split(".")[: at % 4])

        status = credits_status(api, bearer)

        assert status in (200, 401)
        assert status == 401 or is_valid(bearer.strip(), algorithm, VERIFIERS[algorithm])

    attack()


def test_any_text_is_refused(api: Api, algorithm: str):
    @BOUNDED
    @given(st.text(max_size=200) | st.lists(st.text("abcXYZ019-_=+/", max_size=20), max_size=6).map(".".join))
    def attack(text: str) -> None:
        assert credits_status(api, text) == 401
        assert api.get("/api/users/credits", {"authorization": text}).status == 401

    attack()
