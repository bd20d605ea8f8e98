"""What the stack says when it is ready: to people, and to programs."""

import json
from dataclasses import asdict, dataclass

from local.environment import Addresses


@dataclass(frozen=True)
class Access:
    """Everything that somebody needs to use the stack."""

    addresses: Addresses
    user_token: str
    admin_token: str
    api_key: str


def as_json(access: Access, seconds: float) -> str:
    """One line for programs (`python -m local --json`); `seconds` is what the start took."""
    values = asdict(access)
    addresses = {f"{name}_url": address or "" for name, address in values.pop("addresses").items()}
    return json.dumps(addresses | values | {"seconds": round(seconds, 2)})


def as_text(access: Access, seconds: float) -> str:
    """For people; `seconds` is what the start took."""
    return f"""
Topup is ready ({seconds:.1f} s).

  API            {access.addresses.api}
  webhook URL    {access.addresses.webhook}
  {_stripe(access.addresses)}
  storefront     {access.addresses.web}
  handlers' log  logs/app.log

A user's token (user-demo), an administrator's (admin-demo), and the key of trusted services:

  export JWT_TOKEN={access.user_token}
  export ADMIN_JWT_TOKEN={access.admin_token}
  export PROXY_API_KEY={access.api_key}

{_curl_lines(access)}
Ctrl-C stops everything.
"""


def _stripe(addresses: Addresses) -> str:
    if addresses.stripe:
        return f"Stripe         {addresses.stripe} (simulator; no proof against the real Stripe)"
    api = addresses.api.removeprefix("http://")
    return f"""Stripe         its own test mode. For its events, run this in another terminal, and put the whsec_…
                 that it prints into .env as STRIPE_WEBHOOK_SECRET:
                 stripe listen --all-snapshot --forward-to {api}/api/payments/webhook/stripe"""


def _curl_lines(access: Access) -> str:
    """The integration guide's, ready to paste once PAYMENT_ID is set from create's answer."""
    api = access.addresses.api
    user = f'-H "Authorization: Bearer {access.user_token}"'
    key = f'-H "X-API-Key: {access.api_key}"'
    admin = f'-H "Authorization: Bearer {access.admin_token}"'
    typed = '-H "Content-Type: application/json"'
    return f"""\
# What is for sale
curl "{api}/api/payments/packages"

# Buy a package; then open its payment_url, and: export PAYMENT_ID=<its payment_id>
curl -X POST "{api}/api/payments/stripe/create" {user} {key} {typed} -d '{{"package": "standard"}}'

# What became of it
curl "{api}/api/payments/$PAYMENT_ID" {user}

# The user's credits, and their history
curl "{api}/api/users/credits" {user}
curl "{api}/api/users/credits/transactions" {user}

# Spend some of them, as a trusted service (the same Idempotency-Key spends once)
curl -X POST "{api}/api/users/credits/spend" {key} {typed} -H "Idempotency-Key: job-1" \\
  -d '{{"user_id": "user-demo", "amount": 100, "description": "Translated 3 pages"}}'

# Refund the payment, as an administrator ("amount": null is all that is left)
curl -X POST "{api}/api/payments/stripe/refund" {admin} {typed} \\
  -d '{{"payment_id": "'$PAYMENT_ID'", "reason": "Customer request", "amount": null}}'
"""
