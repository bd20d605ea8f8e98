"""GET /api/admin/payments: payments by an id of ours or of Stripe's, an e-mail address or a state, for staff."""

from topup import finding, store
from topup.api import auth, cursor, queries, responses
from topup.api.endpoint import Request, Response, endpoint
from topup.api.staff_responses import StaffView
from topup.domain.searches import DISPUTED, State


@endpoint(query=(*queries.SEARCHES, queries.MIN_AGE, "limit", "cursor", "lang"))
def handler(request: Request) -> Response:
    auth.authenticate_staff(request)
    found = _find(request)
    next_cursor = cursor.encode(*found.after) if found.after else None
    staff = StaffView(store.load_own_lots(one.order for one in found.payments), request.now)
    body = responses.payments(found.payments, next_cursor, request.query.get("lang"), staff=staff)
    return Response(body, headers=cursor.link(request.query, next_cursor))


def _find(request: Request) -> finding.Found:
    name, value = queries.search(request)
    placed_until = queries.placed_until(request)
    match name:
        case "payment_id":
            return finding.by_id(value)
        case "session":
            return finding.by_session(value)
        case "payment_intent":
            return finding.by_intent(value)
        case "charge":
            return finding.by_charge(value)
        case "email":
            return finding.by_email(value, request.limit, _after(request, parts=1))
        case _ if value == DISPUTED:
            return finding.by_open_dispute(request.limit, _after(request, parts=1))
        case _:
            return finding.by_state(State(value), request.limit, _after(request, parts=4), placed_until)


def _after(request: Request, parts: int) -> list[str] | None:
    return cursor.decode(request.query["cursor"], str, parts) if "cursor" in request.query else None
