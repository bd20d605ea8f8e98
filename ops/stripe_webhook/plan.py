"""Decide what to do about Stripe's webhook endpoint, from what is there, before anything is changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ops.stripe_webhook.endpoints import Endpoint, same
from ops.stripe_webhook.secrets import Secret, Stored
from topup.runtime.config import SECRET_MAX_AGE


class NotYetError(Exception):
    """The step would lose events if it ran now; the message says why and what to do."""


@dataclass(frozen=True)
class Create:
    """Create an endpoint, and store its secret beside those that are there."""

    def __str__(self) -> str:
        return "create a new endpoint and store its signing secret"


@dataclass(frozen=True)
class Enable:
    """Enable an endpoint, for exactly our event types."""

    endpoint: str
    why: str

    def __str__(self) -> str:
        return f"set the event types of {self.endpoint} and enable it ({self.why})"


@dataclass(frozen=True)
class Disable:
    """Stop sending events to an endpoint."""

    endpoint: str
    why: str

    def __str__(self) -> str:
        return f"disable {self.endpoint} ({self.why})"


@dataclass(frozen=True)
class Drop:
    """Remove some of the stored secrets: events that they sign are refused from then on."""

    secrets: tuple[Secret, ...]
    why: str

    def __str__(self) -> str:
        return f"drop {len(self.secrets)} stored secret{'' if len(self.secrets) == 1 else 's'} ({self.why})"


Step = Create | Enable | Disable | Drop


@dataclass(frozen=True)
class Situation:
    """All endpoints of the Stripe account and the secrets below a prefix; the properties are about one URL."""

    url: str
    prefix: str
    endpoints: Sequence[Endpoint]
    stored: Stored

    @property
    def current(self) -> Endpoint | None:
        """The endpoint in use: of those with our API version, the one whose secret was stored last."""
        here = {endpoint.id: endpoint for endpoint in self._here if endpoint.has_our_version}
        known = [here[secret.endpoint] for secret in self.stored.secrets if secret.endpoint in here]
        return known[-1] if known else None

    @property
    def lost(self) -> list[Endpoint]:
        """Endpoints of ours whose secret was never stored: every event from them is refused.

        There are none while a stored secret has an unknown endpoint: the secret may be theirs.
        """
        if any(secret.endpoint is None and not secret.is_placeholder for secret in self.stored.secrets):
            return []
        known = {secret.endpoint for secret in self.stored.secrets}
        return [one for one in self._enabled_here if one.owner == self.prefix and one.id not in known]

    @property
    def older(self) -> list[Endpoint]:
        """Other endpoints that still send: made by hand, before a rotation, or for another API version."""
        return [one for one in self._enabled_here if one != self.current and one not in self.lost]

    @property
    def leftover(self) -> tuple[Secret, ...]:
        """Secrets that belong neither to the current endpoint nor to one that sends to another URL."""
        elsewhere = {one.id for one in self.endpoints if one.is_enabled and not same(one.url, self.url)}
        needed = elsewhere | ({self.current.id} if self.current else set())
        return tuple(secret for secret in self.stored.secrets if secret.endpoint not in needed)

    @property
    def is_rotating(self) -> bool:
        return self.current is not None and bool(self.older or self.leftover)

    @property
    def _here(self) -> list[Endpoint]:
        return [one for one in self.endpoints if same(one.url, self.url)]

    @property
    def _enabled_here(self) -> list[Endpoint]:
        return [one for one in self._here if one.is_enabled]


def to_set_up(situation: Situation) -> list[Step]:
    """What is missing for Stripe's events to arrive and be accepted; keeps everything that works."""
    steps: list[Step] = []
    current = situation.current
    if current is None:
        steps.append(Create())
    elif not current.has_our_events:
        steps.append(Enable(current.id, f"its {len(current.events)} event types are not exactly ours"))
    elif not current.is_enabled:
        steps.append(Enable(current.id, "it is disabled"))
    return steps + _broken(situation)


def to_rotate(situation: Situation) -> list[Step]:
    """A new endpoint beside the old one; raises NotYetError while another rotation is under way."""
    if situation.is_rotating:
        raise NotYetError("a rotation is under way already: end it with --finish (make: FINISH=1)")
    return [Create(), *_broken(situation)]


def to_finish(situation: Situation, now: datetime) -> list[Step]:
    """The end of a rotation: only the newest endpoint and its secret stay. Raises NotYetError."""
    current = situation.current
    if current is None or not current.is_enabled:
        raise NotYetError("there is no newer endpoint to keep: first run it without --finish (make: without FINISH=1)")
    if not situation.is_rotating:
        return _broken(situation)
    _wait_for_functions(situation.stored, now)
    steps: list[Step] = [Disable(one.id, f"{current.id} replaces it") for one in situation.older]
    steps += [Disable(one.id, "its signing secret was lost") for one in situation.lost]
    if situation.leftover:
        steps.append(Drop(situation.leftover, f"only {current.id} is accepted from now on"))
    return steps


def _broken(situation: Situation) -> list[Step]:
    """Endpoints and secrets that cannot work; they can be removed at once."""
    steps: list[Step] = [Disable(one.id, "its signing secret was lost") for one in situation.lost]
    placeholders = tuple(secret for secret in situation.stored.secrets if secret.is_placeholder)
    return [*steps, Drop(placeholders, "not a signing secret of Stripe")] if placeholders else steps


def _wait_for_functions(stored: Stored, now: datetime) -> None:
    """Functions cache the secrets, so the old endpoint must work until all of them know the new secret."""
    known_at = (stored.written_at or now) + timedelta(seconds=SECRET_MAX_AGE)
    if now < known_at:
        seconds = int((known_at - now).total_seconds()) + 1
        raise NotYetError(f"some functions may not know the new secret yet: wait {seconds} s")
