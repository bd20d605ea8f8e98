"""POST /api/users/credits/spend: a trusted service spends a user's credits, once per Idempotency-Key."""

from topup import api_keys, bodies, spending, views
from topup.domain.errors import FieldError, ValidationFailed
from topup.http import Request, Response, endpoint


@endpoint
def handler(request: Request) -> Response:
    api_keys.require(request)
    body = bodies.read(request, bodies.SpendBody)
    key = request.idempotency_key
    if key is None:
        raise ValidationFailed(FieldError("Idempotency-Key", "is required: a retry must not spend twice"))
    return Response(views.spent(spending.spend(body.user_id, body.amount, body.description, key, request.now)))
