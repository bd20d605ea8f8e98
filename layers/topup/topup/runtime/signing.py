"""Sign AWS's requests without collecting the headers of each one twice, or deriving the key of a day for each."""

import hmac
from functools import lru_cache
from typing import Any

from botocore import auth

_SigV4Auth: Any = auth.SigV4Auth


class Signer(_SigV4Auth):  # type: ignore[misc]
    """botocore's own."""

    _headers: Any = None

    def add_auth(self, request: Any) -> None:
        self._headers = None  # of the request that this one signed before
        super().add_auth(request)

    def headers_to_sign(self, request: Any) -> Any:
        """What is signed, and then named beside the signature."""
        if self._headers is None:
            self._headers = super().headers_to_sign(request)
        return self._headers

    def signature(self, string_to_sign: str, request: Any) -> str:
        day = request.context["timestamp"][:8]
        key = _key(self.credentials.secret_key, day, self._region_name, self._service_name)
        return hmac.digest(key, string_to_sign.encode(), "sha256").hex()


@lru_cache(maxsize=8)  # of a function's services, before and after midnight, and with credentials that rotate
def _key(secret: str, day: str, region: str, service: str) -> bytes:
    """The key of these credentials for a day (AWS IAM User Guide, "Create a signed AWS API request": step 4)."""
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
