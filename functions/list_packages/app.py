"""GET /api/payments/packages: what is on sale. Anyone may ask; `?lang=en` names the packages in that language."""

from topup.api import package_responses
from topup.api.conditional import unless_known
from topup.api.endpoint import Request, Response, endpoint
from topup.runtime import config


@endpoint(query=("lang",))
def handler(request: Request) -> Response:
    packages = package_responses.listed(config.catalogue(), request.query.get("lang"))
    # The gateway's CORS headers name the caller's origin: what one page has got is not for a page of another origin.
    cached = Response(packages, headers={"cache-control": "public, max-age=60", "vary": "origin"})
    return unless_known(request, cached)
