"""GET /api/users/{user_id}/holds: the holds that reserve a user's credits, the soonest to end first."""

from topup import store
from topup.api import hold_responses, readers
from topup.api.endpoint import Request, Response, endpoint


@endpoint()
def handler(request: Request) -> Response:
    reader = readers.of(request)
    user = store.load_credits(reader.user_id, request.now)
    return Response(hold_responses.listed(user.holds, request.now))
