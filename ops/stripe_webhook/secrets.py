"""The signing secrets below an SSM prefix, and the endpoint at Stripe that each belongs to.

Stripe shows a secret only once. So one request writes both: the secrets as the parameter's value, and in its
description the endpoint's id and the beginning of the secret's SHA-256 for each, which reveals nothing of the secret.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ops.secrets.place import Place

NAME = "STRIPE_WEBHOOK_SECRET"
LOOKS_LIKE = "whsec_"
FINGERPRINT = 8  # hexadecimal digits, enough to distinguish a few secrets


@dataclass(frozen=True)
class Secret:
    """A signing secret and the id of its endpoint, None where it is unknown."""

    value: str = field(repr=False)
    endpoint: str | None = None

    @property
    def is_placeholder(self) -> bool:
        return not self.value.startswith(LOOKS_LIKE)

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.value.encode()).hexdigest()[:FINGERPRINT]


@dataclass(frozen=True)
class Stored:
    """The secrets in the parameter, oldest first, and when it was written."""

    secrets: tuple[Secret, ...] = ()
    written_at: datetime | None = None


def read(prefix: str) -> Stored:
    """The stored secrets, none if there is no such parameter; raises botocore's errors."""
    found = Place(prefix).read([NAME]).get(NAME)
    return Stored(_secrets(found.value, _owners(found.description)), found.written_at) if found else Stored()


def write(place: Place, secrets: Iterable[Secret]) -> None:
    """Replace the parameter, in one request; raises botocore's errors."""
    kept = tuple(secrets)
    owners = " ".join(f"{secret.endpoint}:{secret.fingerprint}" for secret in kept if secret.endpoint)
    place.write(NAME, ",".join(secret.value for secret in kept), owners)


def _secrets(value: str, owners: Mapping[str, str]) -> tuple[Secret, ...]:
    listed = [Secret(part.strip()) for part in value.split(",") if part.strip()]
    return tuple(Secret(secret.value, owners.get(secret.fingerprint)) for secret in listed)


def _owners(description: str) -> dict[str, str]:
    """Endpoint ids by their secret's fingerprint; other text in the description is ignored."""
    pairs = [word.partition(":") for word in description.split()]
    return {fingerprint: endpoint for endpoint, _, fingerprint in pairs if endpoint.startswith("we_")}
