"""CORS as an HTTP API does it by its configuration, without the functions."""

from http import HTTPStatus

from local.aws.http_events import HttpResponse, IncomingRequest
from local.aws.template import Cors


def is_preflight(request: IncomingRequest) -> bool:
    return (
        request.method == "OPTIONS"
        and request.header("origin") is not None
        and request.header("access-control-request-method") is not None
    )


def preflight(request: IncomingRequest, cors: Cors) -> HttpResponse:
    """API Gateway responds to these itself, on any path; an origin that is not allowed gets a bare 204."""
    response = with_cors(HttpResponse(HTTPStatus.NO_CONTENT, (), b""), cors, request.header("origin"))
    if not response.headers:
        return response
    more = {
        "access-control-allow-methods": ",".join(cors.methods),
        "access-control-allow-headers": ",".join(cors.headers),
        "access-control-max-age": "" if cors.max_age is None else str(cors.max_age),
    }
    return HttpResponse(
        response.status, response.headers + tuple((name, value) for name, value in more.items() if value), b""
    )


def with_cors(response: HttpResponse, cors: Cors, origin: str | None) -> HttpResponse:
    """The template's CORS headers replace the function's."""
    if not cors.origins:
        return response
    kept = tuple(pair for pair in response.headers if not pair[0].startswith("access-control-"))
    if origin is None or not ({origin, "*"} & set(cors.origins)):
        return HttpResponse(response.status, kept, response.body)
    added = [("access-control-allow-origin", "*" if "*" in cors.origins else origin)]
    if cors.credentials:
        added.append(("access-control-allow-credentials", "true"))
    if cors.exposed_headers:
        added.append(("access-control-expose-headers", ",".join(cors.exposed_headers)))
    return HttpResponse(response.status, (*kept, *added), response.body)
