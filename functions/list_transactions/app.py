"""GET /api/users/credits/transactions: every change of the caller's credits, newest first."""

from topup import store
from topup.api import cursor, queries, readers, responses
from topup.api.endpoint import Request, Response, endpoint


@endpoint(query=("limit", "cursor", "explain", "lang"))
def handler(request: Request) -> Response:
    reader = readers.of(request)
    before = cursor.decode(request.query["cursor"], int, parts=1)[0] if "cursor" in request.query else None
    is_explained = queries.flag(request, "explain")
    entries = store.list_entries(reader.user_id, request.limit, before)
    # Numbers have no gaps, so a page that does not end at 1 has a next one.
    next_cursor = cursor.encode(entries[-1].number) if entries and entries[-1].number > 1 else None
    lots = store.load_lots_of(reader.user_id, entries) if is_explained else None
    language = request.query.get("lang")
    orders = store.load_orders_of(entries) if language else ()
    names = {order.payment_id: order.package_in(language) for order in orders} if language else None
    page = responses.transactions(
        entries, next_cursor, request.now, in_full=reader.sees_all, lots=lots, package_names=names
    )
    return Response(page, headers=cursor.link(request.query, next_cursor))
