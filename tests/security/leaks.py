"""Find secrets in a text, plain or encoded."""

import base64
import json
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

# How many leading characters of base64 depend on the preceding bytes, by the number of those bytes modulo 3.
DEPENDENT = (0, 2, 3)


def forms(secret: str) -> set[str]:
    """The secret itself, and as it appears in JSON, in a URL, in hexadecimal and inside a longer base64 text."""
    raw = secret.encode("utf-8", "surrogatepass")
    plain = {secret, quote(raw, safe=""), quote_plus(raw), raw.hex(), raw.hex().upper()}
    escaped = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    return plain | escaped | set(_within_base64(raw))


def _within_base64(raw: bytes) -> Iterator[str]:
    for before, dependent in enumerate(DEPENDENT):
        whole = raw[: len(raw) - (before + len(raw)) % 3]  # the remaining bytes are encoded together with what follows
        text = base64.b64encode(b"\0" * before + whole).decode()[dependent:]
        yield text
        yield text.replace("+", "-").replace("/", "_")


def found(secrets: Iterable[str], text: str) -> set[str]:
    """The secrets that the text contains, in any form."""
    return {secret for secret in secrets if any(form in text for form in forms(secret))}
