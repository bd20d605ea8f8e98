"""CORS as an HTTP API does it by its configuration; the functions have no part in it."""

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
    """API Gateway answers this itself, on any path; to an origin that is not allowed it says nothing more than 204."""
    answer = with_cors(HttpResponse(HTTPStatus.NO_CONTENT, (), b""), cors, request.header("origin"))
    if not answer.headers:
        return answer
    more = {
        "access-control-allow-methods": ",".join(cors.methods),
        "access-control-allow-headers": ",".join(cors.headers),
        "access-control-max-age": "" if cors.max_age is None else str(cors.max_age),
    }
    return HttpResponse(
        answer.status, answer.headers + tuple((name, value) for name, value in more.items() if value), b""
    )


def with_cors(answer: HttpResponse, cors: Cors, origin: str | None) -> HttpResponse:
    """The template's CORS headers replace whatever the function said of CORS."""
    if not cors.origins:
        return answer
    kept = tuple(pair for pair in answer.headers if not pair[0].startswith("access-control-"))
    if origin is None or not ({origin, "*"} & set(cors.origins)):
        return HttpResponse(answer.status, kept, answer.body)
    added = [("access-control-allow-origin", "*" if "*" in cors.origins else origin)]
    if cors.credentials:
        added.append(("access-control-allow-credentials", "true"))
    if cors.exposed_headers:
        added.append(("access-control-expose-headers", ",".join(cors.exposed_headers)))
    return HttpResponse(answer.status, (*kept, *added), answer.body)
