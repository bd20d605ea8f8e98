"""POST /api/users/credits/spend/batch: a trusted service spends a user's credits many times, all or none."""

from topup import batch_spending
from topup.api import api_keys, receipts, requests
from topup.api.endpoint import Request, Response, endpoint
from topup.batch_spending import BatchItem
from topup.runtime.secret_values import Scope

requests.batch.load()


@endpoint()
def handler(request: Request) -> Response:
    service = api_keys.require(request, Scope.SPEND)
    body = requests.batch(request)
    items = [
        BatchItem(key=item.key, amount=item.amount, description=item.description, metadata=item.metadata)
        for item in body.items
    ]
    made, is_new = batch_spending.spend(body.user_id, items, service.actor, request.now)
    return Response(receipts.of_batch(made), is_replay=not is_new)
