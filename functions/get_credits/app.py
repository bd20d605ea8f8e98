"""GET /api/users/credits: what the caller may spend, and until when."""

from topup import store
from topup.api import auth, responses
from topup.api.endpoint import Request, Response, endpoint


@endpoint()
def handler(request: Request) -> Response:
    caller = auth.authenticate(request)
    wallet, lots = store.load_credits(caller.user_id, request.now)
    return Response(responses.user_credits(wallet, lots, request.now))
