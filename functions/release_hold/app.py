"""POST /api/users/credits/holds/{hold_id}/release: a trusted service frees what it holds. It takes no body."""

from topup import holding
from topup.api import api_keys, hold_ids, hold_responses
from topup.api.endpoint import Request, Response, endpoint
from topup.runtime.secret_values import Scope


@endpoint()
def handler(request: Request) -> Response:
    api_keys.require(request, Scope.SPEND)
    user_id, hold_id = hold_ids.parse(request.path_parameters["hold_id"])
    receipt, is_new = holding.release(user_id, hold_id, request.now)
    return Response(hold_responses.receipt(receipt), is_replay=not is_new)
