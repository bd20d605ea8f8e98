"""Carry requests to Stripe by urllib3, which AWS's clients load anyway, instead of by requests.

Stripe's library takes any client of this shape (its README, "HTTP client"). Loading requests, and what it
guesses encodings with, took longer than Stripe's library itself (docs/decisions/0045). And it would read the bundle of
certificate authorities anew for every connection.
"""

import ssl
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import stripe
import urllib3
from urllib3 import exceptions

# Else the library tells Stripe how long requests took, and on what machine: it starts a process to ask for that, in the
# first request, and writes an id into the home directory.
stripe.enable_telemetry = False

CONNECTIONS = 8  # that are kept open, where so many were needed at once: as many as reconcile asks questions


class PooledClient(stripe.HTTPClient):
    """Keeps connections open. Its errors are those of the library's own clients, and are tried again like theirs."""

    name = "urllib3"

    def __init__(self, connect_timeout: float, read_timeout: float) -> None:
        super().__init__()
        self._timeout = urllib3.Timeout(connect=connect_timeout, read=read_timeout)  # seconds
        _pools(None)  # made now, because a function's start makes the client

    def request(  # type: ignore[override]  # the library never gives _usage
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        answer = None
        try:
            answer = _pools(_proxy_to(url)).request(
                method,
                url,
                body=post_data,
                headers=headers,
                timeout=self._timeout,
                retries=False,
                redirect=False,
                preload_content=False,
            )
            return answer.data, answer.status, answer.headers
        except exceptions.HTTPError as error:
            # Not after half an answer, nor where a certificate is wrong: another try would not be better.
            is_for_good = answer is not None or isinstance(error, exceptions.SSLError | exceptions.LocationParseError)
            should_retry = isinstance(error, exceptions.TimeoutError) or not is_for_good
            message = f"Stripe could not be reached ({type(error).__name__}: {error})"
            raise stripe.APIConnectionError(  # type: ignore[no-untyped-call]
                message, should_retry=should_retry
            ) from error

    def close(self) -> None:
        """Close the connections; the next request opens one."""
        _pools.cache_clear()


@cache
def _pools(proxy: str | None) -> urllib3.PoolManager:
    context = ssl.create_default_context(cafile=stripe.ca_bundle_path)
    kept: Any = {"maxsize": CONNECTIONS, "ssl_context": context}
    return urllib3.ProxyManager(proxy, **kept) if proxy else urllib3.PoolManager(**kept)


def _proxy_to(url: str) -> str | None:
    """What HTTPS_PROXY, HTTP_PROXY and NO_PROXY say of this address."""
    address = urlsplit(url)
    return None if proxy_bypass(address.netloc) else getproxies().get(address.scheme)
