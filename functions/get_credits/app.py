"""GET /api/users/credits: what the caller may spend, and until when."""

from topup import auth, store, views
from topup.http import Request, Response, endpoint


@endpoint
def handler(request: Request) -> Response:
    caller = auth.authenticate(request)
    wallet, lots = store.load_credits(caller.user_id, request.now)
    return Response(views.user_credits(wallet, lots, request.now))
