"""POST /api/users/credits/spend/reverse: a trusted service or an administrator gives a spend back."""

from topup import spend_reversals
from topup.api import actors, receipts, requests
from topup.api.endpoint import Request, Response, endpoint
from topup.runtime.secret_values import Scope

requests.reversal.load()


@endpoint()
def handler(request: Request) -> Response:
    actor = actors.require(request, Scope.SPEND)
    body = requests.reversal(request)
    wanted = spend_reversals.ReversalRequest(
        user_id=body.user_id,
        transaction_id=body.transaction_id,
        amount=body.amount,
        reason=body.reason,
        idempotency_key=request.require_idempotency_key(),
        actor=actor,
    )
    receipt, is_new = spend_reversals.reverse(wanted, request.now)
    return Response(receipts.of_reversal(receipt), is_replay=not is_new)
