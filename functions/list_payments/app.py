"""GET /api/payments: the caller's payments, newest first."""

from topup import store
from topup.api import cursor, readers, responses
from topup.api.endpoint import Request, Response, endpoint


@endpoint(query=("limit", "cursor", "lang"))
def handler(request: Request) -> Response:
    reader = readers.of(request)
    after = cursor.decode_order_position(request.query["cursor"]) if "cursor" in request.query else None
    orders, last = store.list_orders(reader.user_id, request.limit, after)
    payments = store.with_reversals(orders)
    next_cursor = cursor.encode(*last) if last else None
    page = responses.payments(payments, next_cursor, request.query.get("lang"))
    return Response(page, headers=cursor.link(request.query, next_cursor))
