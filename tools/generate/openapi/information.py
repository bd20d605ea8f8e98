"""What the document says of the API as a whole."""

from typing import Any

DESCRIPTION = """Prepaid credits sold through Stripe.

Errors are problem documents (RFC 9457, `application/problem+json`); let programs read their `code`. API Gateway itself
answers 413 to a body over 10 MB, 431 to headers over 10,240 bytes, 429 to too many requests, and 500, 503 or 404 where
no function could: each with `{"message": …}`, and no problem document.

Every answer has `X-Request-Id`, or `Apigw-Requestid` where it is the gateway's own. Answers and problem documents may
gain fields; none is renamed or removed. Requests have no other fields, parameters or keys than those named here:
anything else, or anything twice, is refused (422). An address answers HEAD as it answers GET, and any method that it
does not have with 405 and `Allow`."""

SERVERS = [
    {
        "url": "{base_url}",
        "description": "The output ApiUrl of a stack, or a domain of your own",
        "variables": {
            "base_url": {"default": "http://localhost:8000", "description": "By default the local stack (`make run`)"}
        },
    }
]
TAGS = [
    {"name": "Packages", "description": "What is on sale"},
    {"name": "Payments", "description": "Buying packages"},
    {"name": "Credits", "description": "What users have, and spend"},
    {"name": "Holds", "description": "Credits reserved for work whose cost is not known yet"},
    {"name": "Administration", "description": "What administrators do"},
    {"name": "Webhook", "description": "What Stripe calls"},
]
CLAIMS = "`sub` (the user's id) and `exp` are required"
SECURITY_SCHEMES: dict[str, Any] = {
    "user": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": f"A user's token; {CLAIMS}",
    },
    "administrator": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": f"A token with the claim of an administrator, by default `role` = `admin`; {CLAIMS}",
    },
    "support": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": f"A token with the claim of support staff, by default `role` = `support`; {CLAIMS}",
    },
    "service": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "A trusted service's key, with the scope that the operation needs; it has no place in a browser",
    },
    "stripe": {
        "type": "apiKey",
        "in": "header",
        "name": "Stripe-Signature",
        "description": "Stripe's signature of the body, byte for byte",
    },
}


def info(version: str) -> dict[str, Any]:
    """The document's own description."""
    return {
        "title": "Topup",
        "version": version,
        "description": DESCRIPTION,
        "contact": {"name": "The team that runs this API"},
        "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
    }
