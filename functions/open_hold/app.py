"""POST /api/users/credits/holds: a trusted service reserves a user's credits until a time."""

from datetime import timedelta
from http import HTTPStatus

from topup import holding
from topup.api import api_keys, hold_responses, requests
from topup.api.endpoint import Request, Response, endpoint
from topup.domain.holds import Overrun
from topup.runtime.secret_values import Scope

requests.hold.load()


@endpoint()
def handler(request: Request) -> Response:
    service = api_keys.require(request, Scope.SPEND)
    body = requests.hold(request)
    wanted = holding.HoldRequest(
        user_id=body.user_id,
        amount=body.amount,
        ttl=timedelta(seconds=body.ttl_seconds),
        overrun=Overrun(body.overrun),
        description=body.description,
        metadata=body.metadata,
        idempotency_key=request.require_idempotency_key(),
        actor=service.actor,
    )
    receipt, is_new = holding.open_hold(wanted, request.now)
    return Response(hold_responses.receipt(receipt), HTTPStatus.CREATED, is_replay=not is_new)
