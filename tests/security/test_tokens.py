"""Tokens that an attacker would try, over HTTP: none is accepted, whatever user it names."""

import base64
import json
import time
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from local import ROOT
from local.client import CREDITS
from local.launcher import StackFailedError, running
from tests.security.conftest import SHARED, Provider
from tests.security.edge import Edge
from tests.security.forging import segment, token

FAR = 4_000_000_000
CLAIMS = {"sub": "victim", "exp": FAR}


def secret(edge: Edge) -> bytes:
    return edge.stack.values["JWT_SECRET"].encode()


def read_credits(edge: Edge, bearer: str | bytes) -> httpx.Response:
    value = b"Bearer " + (bearer if isinstance(bearer, bytes) else bearer.encode())
    return edge.get(CREDITS, {"authorization": value})


def is_refused(response: httpx.Response) -> bool:
    assert response.headers["www-authenticate"] in ("Bearer", 'Bearer error="invalid_token"')
    assert "victim" not in response.text
    return (response.status_code, response.json()["code"]) == (401, "unauthorized")


def test_a_valid_token_identifies_its_user(edge: Edge):
    assert read_credits(edge, token({"alg": "HS256"}, CLAIMS, secret(edge))).json()["user_id"] == "victim"


@pytest.mark.parametrize(
    "algorithm",
    ["none", "None", "nOnE", "NONE", "none ", "hs256", "HS384", "HS512", "RS256", "ES256", "", None, 0, ["HS256"], {}],
    ids=repr,
)
def test_any_algorithm_but_the_keys_own_is_refused(edge: Edge, algorithm: Any):
    assert is_refused(read_credits(edge, token({"alg": algorithm, "typ": "JWT"}, CLAIMS, secret(edge))))
    unsigned = token({"alg": algorithm, "typ": "JWT"}, CLAIMS, secret(edge)).rpartition(".")[0]
    assert is_refused(read_credits(edge, f"{unsigned}."))
    assert is_refused(read_credits(edge, unsigned))


@pytest.mark.parametrize("digest", ["sha384", "sha512", "sha1", "md5"])
def test_a_signature_by_another_digest_is_refused(edge: Edge, digest: str):
    assert is_refused(read_credits(edge, token({"alg": "HS256"}, CLAIMS, secret(edge), digest)))


def test_a_changed_claim_or_signature_is_refused(edge: Edge):
    header, claims, signature = token({"alg": "HS256"}, {"sub": "me", "exp": FAR}, secret(edge)).split(".")
    zeros = segment(bytes(32))

    for forged in (f"{header}.{segment(CLAIMS)}.{signature}", f"{header}.{claims}.", f"{header}.{claims}.{zeros}"):
        assert is_refused(read_credits(edge, forged))
    assert is_refused(read_credits(edge, f"{header}.{claims}.{signature[:-2]}"))
    assert is_refused(read_credits(edge, f"{header}.{claims}.{signature}.{signature}"))


@pytest.mark.parametrize(
    "key", [b"", b"secret", b"local-only-proxy-api-key", b"whsec_local_simulator", b"your-256-bit-secret"]
)
def test_a_signature_by_another_secret_is_refused(edge: Edge, key: bytes):
    assert is_refused(read_credits(edge, token({"alg": "HS256"}, CLAIMS, key)))


@pytest.mark.parametrize(
    "header",
    [
        {"kid": "../../../../dev/null"},
        {"kid": "/proc/sys/kernel/randomize_va_space"},
        {"kid": "' UNION SELECT 'secret' --"},
        {"kid": "key|id"},
        {"jku": "http://127.0.0.1:9/jwks.json"},
        {"x5u": "http://127.0.0.1:9/cert.pem"},
        {"jwk": {"kty": "oct", "k": segment(b"secret")}},
        {"x5c": ["MIIB"]},
    ],
    ids=lambda header: next(iter(header)),
)
def test_hints_at_other_keys_change_nothing(edge: Edge, header: dict[str, Any]):
    for key in (b"", b"secret", bytes(1)):
        assert is_refused(read_credits(edge, token({"alg": "HS256", **header}, CLAIMS, key)))
    assert read_credits(edge, token({"alg": "HS256", **header}, CLAIMS, secret(edge))).status_code == 200


def test_a_key_inside_a_token_is_not_trusted(edge: Edge, rotating_edge: Edge):
    own = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(own.public_key()))
    forged = jwt.encode(CLAIMS, own, "RS256", {"jwk": public, "kid": "rsa"})

    assert is_refused(read_credits(edge, forged))
    assert is_refused(read_credits(rotating_edge, forged))


@pytest.mark.parametrize("crit", [["exp2"], ["b64"], [], "exp", None, [1]], ids=repr)
def test_an_unknown_critical_extension_is_refused(edge: Edge, crit: Any):
    header = {"alg": "HS256", "crit": crit, "exp2": 1, "b64": False}

    assert is_refused(read_credits(edge, token(header, CLAIMS, secret(edge))))


@pytest.mark.parametrize(
    "claims",
    [
        '{"sub": "victim"}',
        '{"sub": "victim", "exp": 1}',
        '{"sub": "victim", "exp": null}',
        '{"sub": "victim", "exp": [4000000000]}',
        '{"sub": "victim", "exp": "4000000000"}',
        '{"sub": "victim", "exp": true}',
        '{"sub": "victim", "exp": {}}',
        '{"sub": "victim", "exp": 1e400}',
        '{"sub": "victim", "exp": -1e400}',
        '{"sub": "victim", "exp": NaN}',
        '{"sub": "victim", "exp": ' + "9" * 5000 + "}",
        '{"sub": "victim", "exp": -1}',
        '{"sub": "victim", "EXP": 4000000000}',
        '{"sub": "victim", "exp": 4000000000, "exp": 1}',
        '{"sub": "victim", "exp": 4000000000, "nbf": 3900000000}',
        '{"sub": "victim", "exp": 4000000000, "nbf": "soon"}',
        '{"sub": "victim", "exp": 4000000000, "nbf": 1e400}',
        '{"sub": "victim", "exp": 4000000000, "iat": 3900000000}',
        '{"sub": "victim", "exp": 4000000000, "iat": null}',
        '{"exp": 4000000000}',
        '{"sub": "", "exp": 4000000000}',
        '{"sub": 1, "exp": 4000000000}',
        '{"sub": null, "exp": 4000000000}',
        '{"sub": true, "exp": 4000000000}',
        '{"sub": ["victim"], "exp": 4000000000}',
        '{"sub": {"id": "victim"}, "exp": 4000000000}',
        '{"sub": "victim\\n", "exp": 4000000000}',
        '{"sub": "vic\\u0000tim", "exp": 4000000000}',
        '{"sub": "\\ud800", "exp": 4000000000}',
        '{"sub": "\\u202evictim", "exp": 4000000000}',
        '{"sub": "' + "v" * 256 + '", "exp": 4000000000}',
        "[]",
        "null",
        '"victim"',
        "{",
        "",
        "[" * 7000,
    ],
    ids=lambda claims: claims[:50],
)
def test_invalid_claims_are_refused(edge: Edge, claims: str):
    assert is_refused(read_credits(edge, token({"alg": "HS256"}, claims, secret(edge))))


def test_a_token_expires(edge: Edge):
    now = time.time()

    assert read_credits(edge, token({"alg": "HS256"}, CLAIMS | {"exp": now + 60}, secret(edge))).status_code == 200
    assert is_refused(read_credits(edge, token({"alg": "HS256"}, CLAIMS | {"exp": now - 60}, secret(edge))))


@pytest.mark.parametrize(
    "bearer",
    [b"a", b"a.b", b"a.b.c", b"..", b"a.b.c.d", b"\xff.\xfe.\xfd", b"%00", b"=" * 8000, b"a." * 4000],
    ids=lambda bearer: repr(bearer[:12]),
)
def test_text_that_is_not_a_token_is_refused(edge: Edge, bearer: bytes):
    assert is_refused(read_credits(edge, bearer))


@pytest.mark.parametrize(
    "header", ["", "Bearer", "token", "Basic dmljdGltOng=", "Token {}", "{}", "Bearer: {}", "Bearer {} x", "Digest {}"]
)
def test_a_header_without_a_bearer_token_is_refused(edge: Edge, header: str):
    valid = token({"alg": "HS256"}, CLAIMS, secret(edge))

    assert is_refused(edge.get(CREDITS, {"authorization": header.format(valid)}))


def test_two_authorization_headers_are_refused(edge: Edge):
    mine = token({"alg": "HS256"}, {"sub": "me", "exp": FAR}, secret(edge))
    forged = token({"alg": "HS256"}, CLAIMS, b"secret")
    for pair in ((mine, forged), (forged, mine), (mine, mine)):
        headers = [("authorization", f"Bearer {bearer}") for bearer in pair]
        assert is_refused(edge.get(CREDITS, headers))


def test_a_token_outside_the_authorization_header_is_ignored(edge: Edge):
    valid = token({"alg": "HS256"}, CLAIMS, secret(edge))
    query = f"?access_token={valid}&token={valid}&authorization=Bearer%20{valid}"
    elsewhere = {"cookie": f"token={valid}; authorization=Bearer {valid}", "x-auth": valid}

    assert edge.get(CREDITS + query).status_code in (401, 422)
    assert is_refused(edge.get(CREDITS, elsewhere))


# ------------------------------------------------------------------------------------- an identity provider's keys


ISSUED = CLAIMS | {"iss": "https://issuer.example", "aud": "topup"}


@pytest.mark.parametrize(("kid", "algorithm"), [("rsa", "RS256"), ("ec", "ES256"), ("ed", "EdDSA")])
def test_a_published_key_is_accepted_with_its_own_algorithm(
    rotating_edge: Edge, provider: Provider, kid: str, algorithm: str
):
    valid = jwt.encode(ISSUED, provider.keys[kid], algorithm, {"kid": kid})

    assert read_credits(rotating_edge, valid).json()["user_id"] == "victim"


@pytest.mark.parametrize("kid", ["unknown", "", "../rsa", "RSA", None, "ec", "shared"])
def test_a_key_that_is_not_published_under_its_kid_is_refused(rotating_edge: Edge, provider: Provider, kid: str | None):
    header = {} if kid is None else {"kid": kid}

    assert is_refused(read_credits(rotating_edge, jwt.encode(ISSUED, provider.keys["rsa"], "RS256", header)))


@pytest.mark.parametrize("kid", ["rsa", "ec", "ed", "shared"])
def test_a_public_key_is_not_used_as_a_shared_secret(rotating_edge: Edge, provider: Provider, kid: str):
    """The classic confusion attack: the public key, in any of its forms, used as an HMAC secret."""
    keys = [SHARED.encode(), secret(rotating_edge)]
    if kid in provider.keys:
        public = provider.keys[kid].public_key()
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        keys += [pem, pem.strip(), public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)]
    for key in keys:
        for algorithm in ("HS256", "RS256", "none"):
            assert is_refused(read_credits(rotating_edge, token({"alg": algorithm, "kid": kid}, ISSUED, key)))


def test_the_right_key_with_another_algorithm_is_refused(rotating_edge: Edge, provider: Provider):
    for algorithm in ("PS256", "RS384", "RS512"):
        assert is_refused(
            read_credits(rotating_edge, jwt.encode(ISSUED, provider.keys["rsa"], algorithm, {"kid": "rsa"}))
        )


def test_a_signature_of_zeros_is_refused(rotating_edge: Edge):
    """The "psychic" signature of two zeros, which a careless implementation of ECDSA accepts."""
    signed_part = f"{segment({'alg': 'ES256', 'kid': 'ec'})}.{segment(ISSUED)}"

    for size in (0, 1, 63, 64, 65):
        assert is_refused(read_credits(rotating_edge, f"{signed_part}.{segment(bytes(size))}"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "https://issuer.example/"},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"iss": ["https://issuer.example"]},
        {"aud": "another"},
        {"aud": None},
        {"aud": ""},
        {"aud": "TOPUP"},
        {"aud": ["another"]},
        {"aud": {"topup": True}},
        {"aud": 1},
    ],
    ids=repr,
)
def test_a_token_of_another_issuer_or_for_another_audience_is_refused(
    rotating_edge: Edge, provider: Provider, wrong: dict[str, Any]
):
    claims = {name: value for name, value in (ISSUED | wrong).items() if value is not None}
    header = base64.urlsafe_b64decode(segment({"alg": "RS256", "kid": "rsa"}) + "==")
    signed_part = f"{segment(header)}.{segment(claims)}"
    signature = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256).sign(
        signed_part.encode(), provider.keys["rsa"]
    )

    assert is_refused(read_credits(rotating_edge, f"{signed_part}.{segment(signature)}"))


@pytest.mark.parametrize("weak", ["", "short", "x" * 31, "é" * 15])
def test_a_guessable_secret_is_refused_before_anything_starts(weak: str):
    with pytest.raises(StackFailedError) as refused, running(ROOT, JWT_SECRET=weak):
        pass

    assert "JWT_SECRET" in str(refused.value)
    assert not weak or weak not in str(refused.value)
