"""PyJWT, which verifies every token; on Lambda without cryptography where tokens are signed with a shared secret.

PyJWT imports cryptography wherever it is installed. HS256 uses nothing of it, and it takes longer to load than PyJWT
itself does (docs/decisions/0045). What verifies tokens imports PyJWT from here.
"""

import os
import sys

from topup.runtime import start

__all__ = ["jwt"]

_PUBLIC_KEYS = ("JWT_JWKS_URL", "JWT_PUBLIC_KEY")

if start.is_on_lambda() and not any(os.environ.get(name) for name in _PUBLIC_KEYS):
    # None stands for a module that does not exist (Python reference, "The module cache"): PyJWT then does without.
    sys.modules["cryptography"] = None  # type: ignore[assignment]
    try:
        import jwt
    finally:
        del sys.modules["cryptography"]
else:
    import jwt
