"""Where buyers return to: only pages of a configured origin, so that no link through us leads elsewhere."""

import re
from collections.abc import Sequence
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

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
    """The address with `payment_id` and `status` in its query. The status is a hint for the page, never a proof."""
    parts = urlsplit(return_url)
    query = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in ("payment_id", "status")]
    outcome = urlencode([*query, ("payment_id", payment_id), ("status", status)])
    return urlunsplit((parts.scheme, parts.netloc, parts.path or "/", outcome, parts.fragment))
