"""Keep foreign pages out of the local stack.

A page of any address may send a request to this machine, and one whose own name has been made to lead here (DNS
rebinding) may read the response as well. Both tell on themselves: the browser sends the page's Origin, or its Host.
"""

import ipaddress
import json
from collections.abc import Awaitable, Callable, Collection, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
Channel = Callable[..., Awaitable[Any]]
App = Callable[[Scope, Channel, Channel], Awaitable[None]]

FORBIDDEN = 403
# Names that nobody can make lead here from elsewhere; containers find this machine by the second one.
OWN_NAMES = ("localhost", "host.docker.internal")


@dataclass(frozen=True)
class OwnPages:
    """The origins of the developer's own pages and of the stack's, and the names that lead here on purpose."""

    origins: Collection[str] = ()
    hosts: Collection[str] = OWN_NAMES

    @classmethod
    def of(cls, addresses: Iterable[str], public: str) -> "OwnPages":
        """The pages at these addresses, and at the API's public one; localhost's are at 127.0.0.1 as well."""
        parts = [urlsplit(address) for address in (*addresses, public)]
        origins = {f"{part.scheme}://{part.netloc}" for part in parts}
        origins |= {origin.replace("://localhost", "://127.0.0.1", 1) for origin in origins}
        return cls(origins, {*OWN_NAMES, urlsplit(public).hostname or ""})

    def problem(self, host: str, origin: str | None) -> str | None:
        """Why a request with these headers is refused; None if it is not."""
        if host and not self._leads_here(host):
            return f"Host {host} is not this machine's; a tunnel's belongs into API_BASE_URL in .env"
        if origin is not None and origin not in self.origins:
            return (
                f"Origin {origin} is not one of this stack's pages; a page of yours belongs into FRONTEND_URL in .env"
            )
        return None

    def _leads_here(self, host: str) -> bool:
        """Also any IP address: it cannot be made to lead elsewhere, as a name can."""
        name = urlsplit(f"//{host}").hostname or ""
        if name in self.hosts:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


class OwnPagesOnly:
    """Middleware (ASGI): 403 for a request with a foreign Host or Origin. `tell` gets each reason."""

    def __init__(self, app: App, own: OwnPages, tell: Callable[[str], None] = lambda _reason: None) -> None:
        self._app = app
        self._own = own
        self._tell = tell

    async def __call__(self, scope: Scope, receive: Channel, send: Channel) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        reason = self._own.problem(headers.get(b"host", ""), headers.get(b"origin"))
        if reason is None:
            await self._app(scope, receive, send)
            return
        self._tell(reason)
        await _refuse(reason, send)


async def _refuse(reason: str, send: Channel) -> None:
    problem = {
        "type": "about:blank",
        "title": "Forbidden",
        "status": FORBIDDEN,
        "detail": reason,
        "code": "foreign_page",
    }
    body = json.dumps(problem).encode()
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"cache-control", b"no-store"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": FORBIDDEN, "headers": headers})
    await send({"type": "http.response.body", "body": body})
