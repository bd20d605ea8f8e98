"""GET /console: the page on which administrators and support staff look after users and payments, and its files.

The page is static and knows no secret: it calls the API with the token of the person who signs in. Anyone may load it.
"""

from pathlib import Path
from typing import Any

from topup.api.conditional import unless_known
from topup.api.endpoint import ANY, Request, Response, endpoint
from topup.domain.errors import NoSuchAddress
from topup.runtime import config

FILES = {path.name: path for path in Path(__file__).with_name("static").iterdir()}
PAGE, CONFIG = "index.html", "config.json"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
STRIPE_DASHBOARD = "https://dashboard.stripe.com"


@endpoint(query=ANY)  # the identity provider sends people back to the page with parameters of its own
def handler(request: Request) -> Response:
    name = request.path_parameters.get("file", PAGE)
    if name == CONFIG:
        return Response(_config(request))
    if name not in FILES:
        raise NoSuchAddress
    path = FILES[name]
    # no-cache: the browser asks each time whether a file has changed, so it never mixes the files of two versions.
    headers = {"content-type": TYPES[path.suffix], "cache-control": "no-cache", **_security_headers()}
    return unless_known(request, Response(path.read_text(encoding="utf-8"), headers=headers))


def _config(request: Request) -> dict[str, Any]:
    """What the page must know of this deployment. Nothing of it is secret."""
    settings, sign_in = config.settings(), config.console_sign_in()
    return {
        "sign_in": sign_in
        and {
            "issuer": sign_in.issuer,
            "client_id": sign_in.client_id,
            "scopes": sign_in.scopes,
            "audience": sign_in.audience or None,
        },
        # By which the page leaves out what somebody may not do; the API decides.
        "roles": {
            "claim": settings.admin_claim,
            "claim_is_list": settings.admin_claim_is_list,
            "admin": settings.admin_value,
            "support": settings.support_value,
        },
        "stripe_dashboard": None if settings.stripe_api_base else STRIPE_DASHBOARD,  # a simulator has none
        "now": request.now.isoformat(),
    }


def _security_headers() -> dict[str, str]:
    sign_in = config.console_sign_in()
    policy = [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        " ".join(["connect-src 'self'", *(sign_in.origins if sign_in else ())]),
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",  # no text can become markup or code
        "trusted-types 'none'",
    ]
    return {
        "content-security-policy": "; ".join(policy),
        "cross-origin-opener-policy": "same-origin",
        "referrer-policy": "no-referrer",  # the address names users and payments
    }
