"""Who may change credits under a name of their own: a service whose key has the scope, and administrators."""

from topup.api import api_keys, auth
from topup.api.endpoint import Request
from topup.runtime.secret_values import Scope


def require(request: Request, scope: Scope) -> str:
    """Who the ledger says has called: a service with the scope, else an administrator.

    Raises Unauthorized, Forbidden.
    """
    if api_keys.HEADER in request.headers:
        return api_keys.require(request, scope).actor
    return f"admin:{auth.authenticate_admin(request).user_id}"
