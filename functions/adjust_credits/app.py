"""POST /api/admin/credits/adjust: correct a user's credits, up or down. For administrators."""

from topup import adjustments
from topup.api import auth, receipts, requests
from topup.api.endpoint import Request, Response, endpoint

requests.adjustment.load()


@endpoint()
def handler(request: Request) -> Response:
    admin = auth.authenticate_admin(request)
    body = requests.adjustment(request)
    adjustment = adjustments.AdjustmentRequest(
        user_id=body.user_id,
        amount=body.amount,
        reason=body.reason,
        idempotency_key=request.require_idempotency_key(),
        actor=f"admin:{admin.user_id}",
    )
    receipt, is_new = adjustments.adjust(adjustment, request.now)
    return Response(receipts.of_adjustment(receipt), is_replay=not is_new)
