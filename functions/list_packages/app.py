"""GET /api/payments/packages: what is on sale. Anyone may ask; `?lang=en` names the packages in that language."""

from topup.api import responses
from topup.api.endpoint import Request, Response, endpoint
from topup.runtime import config


@endpoint
def handler(request: Request) -> Response:
    catalogue = responses.catalogue(config.catalogue(), request.query.get("lang"))
    return Response(catalogue, headers={"cache-control": "public, max-age=60"})
