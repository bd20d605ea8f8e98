"""Who may read whose credits and payments: users their own; services, administrators and support staff anybody's."""

from dataclasses import dataclass

from topup.api import api_keys, auth
from topup.api.endpoint import LONGEST_USER_ID, Request
from topup.domain.errors import FieldError, Forbidden, ValidationFailed
from topup.runtime.secret_values import Scope


@dataclass(frozen=True)
class Reader:
    """Whose records are to be read, and whether the reader sees what is not for the user.

    `is_staff`: whether they are an administrator or support staff.
    """

    user_id: str
    sees_all: bool
    is_staff: bool


def of(request: Request) -> Reader:
    """The user of the path, if the caller may read anybody's records; without one the caller; raises Unauthorized.

    Raises Forbidden for a caller who may not, and ValidationFailed for an id that no user can have.
    """
    if "user_id" not in request.path_parameters:
        caller = auth.authenticate(request)
        return Reader(caller.user_id, caller.may_read_all, caller.may_read_all)
    require(request)
    user_id = request.path_parameters["user_id"]
    if not 0 < len(user_id) <= LONGEST_USER_ID:
        raise ValidationFailed(FieldError("user_id", f"must have 1 to {LONGEST_USER_ID} characters"))
    return Reader(user_id, sees_all=True, is_staff=api_keys.HEADER not in request.headers)


def require(request: Request) -> None:
    """Let a service with the scope `read`, an administrator or support staff through.

    Raises Unauthorized, Forbidden.
    """
    if api_keys.HEADER in request.headers:
        api_keys.require(request, Scope.READ)
    elif not auth.authenticate(request).may_read_all:
        raise Forbidden("Only a service, an administrator or support staff may do this")
