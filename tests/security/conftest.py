"""Stacks to attack from outside. After each module the audit finds nothing, and no secret has leaked."""

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from schemathesis.pytest.plugin import SchemathesisFunction

from local import ROOT
from local.launcher import Stack, running
from tests.e2e.conftest import PROJECT
from tests.security.edge import Edge

SHARED = "a-shared-secret-that-should-never-have-been-published"


def pytest_itemcollected(item: pytest.Item) -> None:
    """Give each operation's test the id that its name says.

    pytest 9.2 makes ids from the function's name and parameters, and Schemathesis 4.32 sets only the test's name.
    """
    if isinstance(item, SchemathesisFunction) and item.parent is not None:
        item._id = item.parent.id.child(item.name)


@dataclass(frozen=True)
class Running:
    """A stack, and the folder that it runs from, which holds its log."""

    stack: Stack
    root: Path


@dataclass(frozen=True)
class Provider:
    """An identity provider on loopback: its private keys, by the `kid` of the published key."""

    url: str
    keys: dict[str, Any]


@pytest.fixture(scope="session")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Configured like .env.example, but with its own log, at level DEBUG."""
    root = copied(tmp_path_factory.mktemp("usual"))
    with running(root, LOG_LEVEL="DEBUG") as stack:
        yield Running(stack, root)


@pytest.fixture(scope="session")
def rotating(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Iterator[Running]:
    """Tokens come from an identity provider, and every secret is being rotated: two are valid."""
    root = copied(tmp_path_factory.mktemp("rotating"))
    template = root / "template.yaml"
    # The template accepts only https; on loopback a certificate is not worth the trouble.
    changed = template.read_text(encoding="utf-8").replace(
        "JWT_JWKS_URL: !Ref JwtJwksUrl", f"JWT_JWKS_URL: {provider.url}"
    )
    template.write_text(changed, encoding="utf-8")
    settings = {
        "JWT_ISSUER": "https://issuer.example",
        "JWT_AUDIENCE": "topup",
        "ADMIN_CLAIM": "groups",
        "ADMIN_VALUE": "billing",
        "SUPPORT_VALUE": "helpdesk",
        "PROXY_API_KEY": "the-services-old-key, the-services-new-key",
        "STRIPE_WEBHOOK_SECRET": "whsec_of_the_old_endpoint, whsec_of_the_new_endpoint",
    }
    with running(root, LOG_LEVEL="DEBUG", **settings) as stack:
        yield Running(stack, root)


@pytest.fixture(scope="session")
def unconfigured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """No webhook secret and no service key: both lists are empty."""
    root = copied(tmp_path_factory.mktemp("unconfigured"))
    with running(root, STRIPE_WEBHOOK_SECRET=" , ", PROXY_API_KEY=" , ") as stack:
        yield Running(stack, root)


@pytest.fixture(scope="module")
def edge(usual: Running) -> Iterator[Edge]:
    yield from attacked(usual)


@pytest.fixture(scope="module")
def rotating_edge(rotating: Running) -> Iterator[Edge]:
    yield from attacked(rotating)


@pytest.fixture(scope="module")
def closed_edge(unconfigured: Running) -> Iterator[Edge]:
    yield from attacked(unconfigured, may_fail=True)


def attacked(one: Running, *, may_fail: bool = False) -> Iterator[Edge]:
    with httpx.Client(trust_env=False, timeout=40) as http:
        edge = Edge(one.stack, one.root, http, may_fail=may_fail)
        yield edge
        assert edge.violations() == []
        assert edge.leaked() == set()


def copied(root: Path) -> Path:
    """A copy of the project, so that its log is this stack's alone."""
    for name in PROJECT:
        source, target = ROOT / name, root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    return root


@pytest.fixture(scope="session")
def provider() -> Iterator[Provider]:
    keys: dict[str, Any] = {
        "rsa": rsa.generate_private_key(public_exponent=65537, key_size=2048),
        "ec": ec.generate_private_key(ec.SECP256R1()),
        "ed": ed25519.Ed25519PrivateKey.generate(),
    }
    published = [
        json.loads(RSAAlgorithm.to_jwk(keys["rsa"].public_key())) | {"kid": "rsa", "alg": "RS256", "use": "sig"},
        json.loads(ECAlgorithm.to_jwk(keys["ec"].public_key())) | {"kid": "ec", "alg": "ES256", "use": "sig"},
        json.loads(OKPAlgorithm.to_jwk(keys["ed"].public_key())) | {"kid": "ed", "alg": "EdDSA", "use": "sig"},
        {"kty": "oct", "k": "YS1zaGFyZWQtc2VjcmV0LXRoYXQtc2hvdWxkLW5ldmVyLWhhdmUtYmVlbi1wdWJsaXNoZWQ", "kid": "shared"},
    ]
    with ExitStack() as closing, serving(json.dumps({"keys": published}).encode()) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        closing.callback(thread.join)
        closing.callback(server.shutdown)
        yield Provider(f"http://127.0.0.1:{server.server_port}/jwks.json", keys)


def serving(body: bytes) -> ThreadingHTTPServer:
    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    return ThreadingHTTPServer(("127.0.0.1", 0), Keys)
