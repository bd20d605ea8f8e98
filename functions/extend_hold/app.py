"""POST /api/users/credits/holds/{hold_id}/extend: a trusted service lets a hold last longer, or hold more."""

from datetime import timedelta

from topup import holding
from topup.api import api_keys, hold_ids, hold_responses, requests
from topup.api.endpoint import Request, Response, endpoint
from topup.runtime.secret_values import Scope

requests.extension.load()


@endpoint()
def handler(request: Request) -> Response:
    api_keys.require(request, Scope.SPEND)
    user_id, hold_id = hold_ids.parse(request.path_parameters["hold_id"])
    body = requests.extension(request)
    wanted = holding.ExtensionRequest(
        user_id=user_id,
        hold_id=hold_id,
        ttl=timedelta(seconds=body.ttl_seconds),
        more=body.add,
        idempotency_key=request.require_idempotency_key(),
    )
    receipt, is_new = holding.extend(wanted, request.now)
    return Response(hold_responses.receipt(receipt), is_replay=not is_new)
