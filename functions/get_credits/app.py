"""GET /api/users/credits: what the caller may spend, and until when."""

from topup import store
from topup.api import readers, responses
from topup.api.endpoint import Request, Response, endpoint


@endpoint()
def handler(request: Request) -> Response:
    reader = readers.of(request)
    user = store.load_credits(reader.user_id, request.now)
    return Response(responses.user_credits(user, request.now))
