"""The keys that an identity provider publishes (JWKS). While it fails, the last good ones stay in use for a day.

Whatever goes wrong with the provider is never the fault of a token: no token is refused for it.
"""

import time
from collections.abc import Mapping
from typing import Any

from topup.api.token_library import jwt
from topup.domain.errors import Busy, Unauthorized
from topup.runtime.telemetry import count, logger

ALGORITHMS = ("RS256", "ES256", "EdDSA")
TIMEOUT = 3  # seconds
# Firewalls of several providers refuse Python's own name.
HEADERS = {"User-Agent": "Topup", "Accept": "application/json"}

FRESH = 300  # seconds; a key that the provider has withdrawn is refused after that
LONGEST_USE = 24 * 3600  # seconds that the last good keys are used for
# Seconds between two fetches, whether the first one failed or did not bring the wanted key. Anybody can send a token
# with an unknown key, and must not be able to make each request wait for the provider.
PAUSE = 15

Keys = Mapping[str, jwt.PyJWK]


class ProviderKeys:
    """The keys of one address."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._keys: Keys = {}
        self._published_at = self._tried_at = -float("inf")  # time.monotonic() seconds
        self._is_failing = False

    def find(self, key_id: Any) -> jwt.PyJWK:
        """The key with this id; raises Unauthorized if the provider has none, Busy if that cannot be known."""
        now = time.monotonic()
        is_fresh = key_id in self._keys and now - self._published_at < FRESH
        if not is_fresh and now - self._tried_at >= PAUSE:
            self._fetch(now)
        if key_id in self._keys and now - self._published_at < LONGEST_USE:
            return self._keys[key_id]
        if self._is_failing:
            raise Busy("The identity provider does not answer")
        raise Unauthorized("The token is invalid or has expired")

    def _fetch(self, now: float) -> None:
        self._tried_at = now
        try:
            self._keys = fetch(self._url)
        except Exception as error:  # whatever it is, the provider has not answered with keys
            self._is_failing = True
            logger.error("the identity provider's keys cannot be fetched", reason=in_words(error))
            count("IdentityProviderFailed")
        else:
            self._published_at, self._is_failing = now, False


def fetch(url: str) -> Keys:
    """The usable keys at this address by their ids, at least one; raises what PyJWT, json or the network raise."""
    client = jwt.PyJWKClient(url, cache_jwk_set=False, headers=HEADERS, timeout=TIMEOUT)
    usable = {str(key.key_id): key for key in client.get_signing_keys() if key.algorithm_name in ALGORITHMS}
    if not usable:
        raise ValueError(f"none of the keys is for {', '.join(ALGORITHMS)}")
    return usable


def in_words(error: Exception) -> str:
    """What is wrong with the provider's answer: for logs and for doctor."""
    return f"{type(error).__name__}: {error}"
