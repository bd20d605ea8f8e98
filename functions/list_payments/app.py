"""GET /api/payments, GET /api/users/{user_id}/payments: a user's payments, newest first."""

from topup import store
from topup.api import cursor, readers, responses
from topup.api.endpoint import Request, Response, endpoint
from topup.api.staff_responses import StaffView


@endpoint(query=("limit", "cursor", "lang"))
def handler(request: Request) -> Response:
    reader = readers.of(request)
    after = cursor.decode_order_position(request.query["cursor"]) if "cursor" in request.query else None
    orders, last = store.list_orders(reader.user_id, request.limit, after)
    payments = store.with_reversals(orders)
    next_cursor = cursor.encode(*last) if last else None
    staff = StaffView(store.load_own_lots(one.order for one in payments), request.now) if reader.is_staff else None
    page = responses.payments(payments, next_cursor, request.query.get("lang"), staff=staff)
    return Response(page, headers=cursor.link(request.query, next_cursor))
