"""What the stack prints when it is ready: a guide for people, or a line of JSON for programs."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from local.environment import Addresses


@dataclass(frozen=True)
class Access:
    """The addresses and credentials that a client needs."""

    addresses: Addresses
    user_token: str
    admin_token: str
    api_key: str
    log: str = "logs/app.log"  # the file of what the handlers log


def as_json(access: Access, seconds: float) -> str:
    """One line for programs (`python -m local --json`); `seconds` is how long the start took."""
    values = asdict(access)
    addresses = {f"{name}_url": address or "" for name, address in values.pop("addresses").items()}
    return json.dumps(addresses | values | {"seconds": round(seconds, 2)})


def as_text(access: Access, seconds: float) -> str:
    """The guide for people; `seconds` is how long the start took."""
    return f"""
Topup is ready ({seconds:.1f} s).

  API            {access.addresses.api}
  webhook URL    {access.addresses.webhook}
  {_stripe(access.addresses)}
  storefront     {access.addresses.web}
  API reference  {access.addresses.web}/docs
  console        {access.addresses.api}/console#token={access.admin_token}
  events         {access.addresses.api}/_local/events
  handlers' log  {access.log} (its metrics: {Path(access.log).with_name("metrics.log")})

The requests below need a user's token (user-demo), an administrator's (admin-demo) and the key of trusted services:

  export JWT_TOKEN={access.user_token}
  export ADMIN_JWT_TOKEN={access.admin_token}
  export PROXY_API_KEY={access.api_key}

{curl_lines(access.addresses.api)}
Ctrl-C stops everything.
"""


def _stripe(addresses: Addresses) -> str:
    if addresses.stripe:
        return f"Stripe         {addresses.stripe} (simulator: what works with it may not work with Stripe)"
    api = addresses.api.removeprefix("http://")
    return f"""Stripe         Stripe's test mode. To receive its events, run this in another terminal, put the whsec_…
                 that it prints into .env as STRIPE_WEBHOOK_SECRET, and start the stack again:
                 stripe listen --all-snapshot --forward-to {api}/api/payments/webhook/stripe"""


def curl_lines(api: str) -> str:
    """The integration guide's requests, ready to paste after the `export` lines.

    Headings are commands that do nothing: zsh, the shell of a Mac, takes no comments where somebody types.
    """
    user = '-H "Authorization: Bearer $JWT_TOKEN"'
    admin = '-H "Authorization: Bearer $ADMIN_JWT_TOKEN"'
    key = '-H "X-API-Key: $PROXY_API_KEY"'
    json_body = '-H "Content-Type: application/json"'
    return f"""\
: 'What is for sale'
curl "{api}/api/payments/packages"

: 'Buy a package; then open the payment_url of the response, and: export PAYMENT_ID=<its payment_id>'
curl -X POST "{api}/api/payments/stripe/create" {user} {key} {json_body} -d '{{"package": "standard"}}'

: 'Has it been paid?'
curl "{api}/api/payments/$PAYMENT_ID" {user}

: 'The user’s credits and their history'
curl "{api}/api/users/credits" {user}
curl "{api}/api/users/credits/transactions" {user}

: 'Spend some of them, as a trusted service (a repeated Idempotency-Key spends nothing more)'
curl -X POST "{api}/api/users/credits/spend" {key} {json_body} -H "Idempotency-Key: job-1" \\
  -d '{{"user_id": "user-demo", "amount": 100, "description": "Translated 3 pages"}}'

: 'Hold 200 for work whose cost is not known yet; then: export HOLD_ID=<its hold_id>'
curl -X POST "{api}/api/users/credits/holds" {key} {json_body} -H "Idempotency-Key: call-1" \\
  -d '{{"user_id": "user-demo", "amount": 200, "description": "Summary of a report"}}'

: 'Take the 130 that it has cost, and release the rest'
curl -X POST "{api}/api/users/credits/holds/$HOLD_ID/capture" {key} {json_body} -H "Idempotency-Key: call-1-done" \\
  -d '{{"amount": 130}}'

: 'Give the user 50 credits, as an administrator (a user gets the credits of a campaign once)'
curl -X POST "{api}/api/admin/credits/grant" {admin} {json_body} -H "Idempotency-Key: grant-1" \\
  -d '{{"user_id": "user-demo", "credits": 50, "reason": "Sign-up bonus", "campaign": "welcome"}}'

: 'Refund the payment, as an administrator ("amount": null refunds all that is left)'
curl -X POST "{api}/api/payments/stripe/refund" {admin} {json_body} \\
  -d '{{"payment_id": "'$PAYMENT_ID'", "reason": "Customer request", "amount": null}}'
"""
