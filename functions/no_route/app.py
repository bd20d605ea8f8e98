"""What no other route takes: 404, or 405 with the methods that the address has; OPTIONS asks for them."""

from http import HTTPStatus

from topup.api.endpoint import ANY, Request, Response, endpoint
from topup.domain.errors import MethodNotAllowed, NoSuchAddress

# The other routes of template.yaml, by path.
METHODS = {
    "/api/payments": ("GET", "HEAD"),
    "/api/payments/packages": ("GET", "HEAD"),
    "/api/payments/stripe/create": ("POST",),
    "/api/payments/stripe/refund": ("POST",),
    "/api/payments/stripe/refund/quote": ("POST",),
    "/api/payments/webhook/stripe": ("POST",),
    "/api/payments/{payment_id}": ("GET", "HEAD"),
    "/api/payments/{payment_id}/cancel": ("POST",),
    "/api/users/credits": ("GET", "HEAD"),
    "/api/users/credits/holds": ("POST",),
    "/api/users/credits/holds/{hold_id}/capture": ("POST",),
    "/api/users/credits/holds/{hold_id}/extend": ("POST",),
    "/api/users/credits/holds/{hold_id}/release": ("POST",),
    "/api/users/credits/spend": ("POST",),
    "/api/users/credits/spend/batch": ("POST",),
    "/api/users/credits/spend/reverse": ("POST",),
    "/api/users/credits/transactions": ("GET", "HEAD"),
    "/api/users/{user_id}/credits": ("GET", "HEAD"),
    "/api/users/{user_id}/credits/transactions": ("GET", "HEAD"),
    "/api/users/{user_id}/holds": ("GET", "HEAD"),
    "/api/users/{user_id}/payments": ("GET", "HEAD"),
    "/api/admin/credits/adjust": ("POST",),
    "/api/admin/credits/grant": ("POST",),
    "/api/admin/payments": ("GET", "HEAD"),
    "/api/admin/payments/{payment_id}/release": ("POST",),
    "/console": ("GET", "HEAD"),
    "/console/{file}": ("GET", "HEAD"),
}


@endpoint(query=ANY)
def handler(request: Request) -> Response:
    allowed = methods_at(request.path)
    is_preflight = "access-control-request-method" in request.headers  # the gateway adds what a browser waits for
    if request.method == "OPTIONS" and (allowed or is_preflight):
        return Response(None, HTTPStatus.NO_CONTENT, {"allow": ", ".join(allowed)})
    raise MethodNotAllowed(*allowed) if allowed else NoSuchAddress


def methods_at(path: str) -> list[str]:
    """The methods of all routes that the path fits, and OPTIONS; none for a path that fits no route."""
    methods = {method for pattern, methods in METHODS.items() if _fits(pattern, path) for method in methods}
    return sorted(methods | {"OPTIONS"}) if methods else []


def _fits(pattern: str, path: str) -> bool:
    wanted, given = pattern.split("/"), path.split("/")
    same_length = len(wanted) == len(given)
    return same_length and all(a == b or (b and a.startswith("{")) for a, b in zip(wanted, given, strict=True))
