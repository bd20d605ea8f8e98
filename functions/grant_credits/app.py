"""POST /api/admin/credits/grant: give a user credits that were not bought, as a trusted service or an administrator."""

from http import HTTPStatus

from topup import grants
from topup.api import actors, receipts, requests
from topup.api.endpoint import Request, Response, endpoint
from topup.runtime.secret_values import Scope

requests.grant.load()


@endpoint()
def handler(request: Request) -> Response:
    actor = actors.require(request, Scope.GRANT)
    body = requests.grant(request)
    grant_request = grants.GrantRequest(
        user_id=body.user_id,
        credits=body.credits,
        expires_at=requests.expiry_of(body),
        is_standard="expires_at" not in body.model_fields_set,
        reason=body.reason,
        campaign=body.campaign,
        idempotency_key=request.require_idempotency_key(),
        actor=actor,
    )
    receipt, is_new = grants.grant(grant_request, request.now)
    return Response(receipts.of_grant(receipt), HTTPStatus.CREATED, is_replay=not is_new)
