"""POST /api/users/credits/spend: a trusted service spends a user's credits, once per Idempotency-Key."""

from topup import spending
from topup.api import api_keys, receipts, requests
from topup.api.endpoint import Request, Response, endpoint
from topup.runtime.secret_values import Scope

requests.spend.load()


@endpoint()
def handler(request: Request) -> Response:
    service = api_keys.require(request, Scope.SPEND)
    body = requests.spend(request)
    wanted = spending.SpendRequest(
        user_id=body.user_id,
        amount=body.amount,
        description=body.description,
        metadata=body.metadata,
        idempotency_key=request.require_idempotency_key(),
        actor=service.actor,
    )
    receipt, is_new = spending.spend(wanted, request.now)
    return Response(receipts.of_spend(receipt), is_replay=not is_new)
