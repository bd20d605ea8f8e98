"""POST /api/users/credits/spend: a trusted service spends a user's credits, once per Idempotency-Key."""

from topup import spending
from topup.api import api_keys, requests, responses
from topup.api.endpoint import Request, Response, endpoint


@endpoint()
def handler(request: Request) -> Response:
    api_keys.require(request)
    body = requests.read(request, requests.SpendBody)
    key = request.require_idempotency_key()
    receipt, is_new = spending.spend(body.user_id, body.amount, body.description, key, api_keys.ACTOR, request.now)
    return Response(responses.spend_receipt(receipt), is_replay=not is_new)
