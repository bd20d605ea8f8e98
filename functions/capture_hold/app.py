"""POST /api/users/credits/holds/{hold_id}/capture: a trusted service takes credits that it holds."""

from topup import holding
from topup.api import api_keys, hold_ids, hold_responses, requests
from topup.api.endpoint import Request, Response, endpoint
from topup.domain.hold_changes import Capture
from topup.runtime.secret_values import Scope

requests.capture.load()


@endpoint()
def handler(request: Request) -> Response:
    service = api_keys.require(request, Scope.SPEND)
    user_id, hold_id = hold_ids.parse(request.path_parameters["hold_id"])
    body = requests.capture(request)
    wanted = holding.CaptureRequest(
        user_id=user_id,
        hold_id=hold_id,
        capture=Capture(amount=body.amount, is_final=body.final),
        description=body.description,
        metadata=body.metadata,
        idempotency_key=request.require_idempotency_key(),
        actor=service.actor,
    )
    receipt, is_new = holding.capture(wanted, request.now)
    return Response(hold_responses.capture_receipt(receipt), is_replay=not is_new)
