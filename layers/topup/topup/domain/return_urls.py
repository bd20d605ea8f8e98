"""Where buyers return to: only pages of a configured origin, so that no link through us leads elsewhere."""

import re
from collections.abc import Sequence
from urllib.parse import urlencode

from topup.domain.errors import FieldError, ValidationFailed

# Visible ASCII but the backslash, which browsers read as a slash.
_CHARACTERS = re.compile(r"[!-\[\]-~]+")


def checked(return_url: str | None, origins: Sequence[str]) -> str:
    """The address to return to, the first origin by default; raises ValidationFailed for one that is not of an origin.

    Compared as text with each origin and what may follow it: the more a parser accepts, the more ways around it.
    """
    if return_url is None:
        return origins[0]
    for origin in origins:
        rest = return_url.removeprefix(origin)
        if rest != return_url and rest[:1] in ("", "/", "?", "#") and _CHARACTERS.fullmatch(return_url):
            return return_url
    raise ValidationFailed(FieldError("return_url", f"must be an address of {' or '.join(origins)}"))


def with_outcome(return_url: str, payment_id: str, status: str) -> str:
    """The address with `payment_id` and `status` at the end of its query. The status is a hint for the page, no proof.

    What stands there already stays as it is: Stripe's {CHECKOUT_SESSION_ID}, a flag without a value, bytes in any
    encoding.
    """
    address, mark, fragment = return_url.partition("#")
    outcome = urlencode({"payment_id": payment_id, "status": status})
    return f"{address}{_separator(address)}{outcome}{mark}{fragment}"


def _separator(address: str) -> str:
    """What has to stand between an address and more of its query."""
    before, mark, query = address.partition("?")
    if mark:
        return "&" if query and not query.endswith("&") else ""
    has_path = before.count("/") > 2  # the first two belong to the scheme
    return "?" if has_path else "/?"
