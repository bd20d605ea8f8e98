"""GET /api/users/credits: what the caller may spend, and until when."""

from topup import store
from topup.api import queries, readers, responses
from topup.api.endpoint import Request, Response, endpoint


@endpoint(query=("as_of",))
def handler(request: Request) -> Response:
    reader = readers.of(request)
    moment = queries.moment(request, "as_of") or request.now
    if moment < request.now:
        past = store.load_credits_at(reader.user_id, moment)
        return Response(responses.user_credits(past.user, moment, knows_holds=past.knows_holds))
    # If nothing else happens, lots expire and holds end: each of them says when.
    user = store.load_credits(reader.user_id, request.now)
    return Response(responses.user_credits(user, moment))
