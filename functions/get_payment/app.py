"""GET /api/payments/{payment_id}: the status of a payment, for its owner, administrators and support."""

from datetime import datetime
from typing import TYPE_CHECKING

from topup import payment_status, store
from topup.api import auth, queries, responses
from topup.api.endpoint import Request, Response, endpoint
from topup.api.staff_responses import StaffView
from topup.domain.errors import PaymentNotFound

if TYPE_CHECKING:
    from topup.api import schemas


@endpoint(query=("lang", "expand"))
def handler(request: Request) -> Response:
    caller = auth.authenticate(request)
    wanted = queries.expanded(request, queries.EXPANSIONS if caller.may_read_all else (queries.RECEIPT,))
    payment = payment_status.find(request.path_parameters["payment_id"])
    if payment.order.user_id != caller.user_id and not caller.may_read_all:
        raise PaymentNotFound
    payment = payment_status.sync_payment(payment, request.now)
    language = request.query.get("lang")
    staff = StaffView(store.load_own_lots([payment.order]), request.now) if caller.may_read_all else None
    body = responses.payment(payment.order, payment.reversals, staff=staff, language=language)
    if wanted == queries.RECEIPT:
        body["receipt"] = responses.documents(payment_status.documents(payment.order))
    if wanted == queries.RELEASE_QUOTE:
        body["release_quote"] = _release_quote(payment.order.payment_id, request.now)
    return Response(body)


def _release_quote(payment_id: str, now: datetime) -> "schemas.ReleaseQuote | None":
    # Imported here: staff ask for it before a decision, and other reads need not load what releases do.
    from topup import release_quotes  # noqa: PLC0415
    from topup.api import release_responses  # noqa: PLC0415

    return release_responses.quoted(release_quotes.quote(payment_id, now))
