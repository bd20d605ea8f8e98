"""An identity provider on loopback, as far as the console uses one: discovery, authorization with PKCE, and tokens."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

CLIENT_ID = "topup-console"


@dataclass
class Provider:
    """What it was asked, and what it answers."""

    issuer: str
    mint: Callable[[], str] = lambda: ""  # the access token of whoever signs in
    refuses: str = ""  # the error of the next authorizations
    asked: list[dict[str, str]] = field(default_factory=list)  # the parameters of each authorization
    named: str = ""  # as what it introduces itself, where that is not the issuer
    challenges: dict[str, str] = field(default_factory=dict)  # by code

    def metadata(self) -> dict[str, str]:
        return {
            "issuer": self.named or self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
        }

    def authorize(self, asked: dict[str, str]) -> str:
        """Where the browser goes next."""
        self.asked.append(asked)
        answer = {"state": asked["state"], "iss": self.issuer}
        if self.refuses:
            answer |= {"error": self.refuses, "error_description": "You are not in this group"}
        else:
            answer["code"] = f"code-{len(self.asked)}"
            self.challenges[answer["code"]] = asked["code_challenge"]
        return f"{asked['redirect_uri']}?{urlencode(answer)}"

    def token(self, asked: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Only for the verifier whose challenge came with the authorization, and once."""
        digest = hashlib.sha256(asked["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        is_right = asked["client_id"] == CLIENT_ID and self.challenges.pop(asked["code"], None) == challenge
        return (200, {"access_token": self.mint(), "token_type": "Bearer"}) if is_right else (400, {"error": "bad"})


@contextmanager
def serving() -> Iterator[Provider]:
    provider = Provider("")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            if address.path == "/authorize":
                self.send_response(302)
                self.send_header("location", provider.authorize(first(address.query)))
                self.end_headers()
            else:
                self.answer(200, provider.metadata())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            self.answer(*provider.token(first(body)))

        def answer(self, status: int, document: dict[str, Any]) -> None:
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("access-control-allow-origin", "*")
            self.end_headers()
            self.wfile.write(json.dumps(document).encode())

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        provider.issuer = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield provider
        finally:
            server.shutdown()
            thread.join()


def first(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}
