"""Which trusted service is calling, by its key. Apart from `auth`: who needs no tokens need not load cryptography."""

import hmac

from topup.api.endpoint import Request
from topup.domain.errors import Unauthorized
from topup.runtime import config


def require(request: Request) -> None:
    """Let a trusted service through; raises Unauthorized. The time it takes says nothing of any key."""
    given = request.headers.get("x-api-key", "").encode("utf-8", "surrogatepass")
    is_right = [hmac.compare_digest(given, key.encode()) for key in config.api_keys()]
    if not any(is_right):
        raise Unauthorized("X-API-Key is missing or wrong")
