"""GET /api/payments/packages: what is on sale. Anyone may ask; `?lang=en` names the packages in that language."""

from topup import config, views
from topup.http import Request, Response, endpoint


@endpoint
def handler(request: Request) -> Response:
    catalogue = views.catalogue(config.catalogue(), request.query.get("lang"))
    return Response(catalogue, headers={"cache-control": "public, max-age=60"})
