"""The client: what a service does with its users' credits."""

import re
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Protocol, Self, TypeVar
from uuid import UUID

import httpx

from topup_client import captures
from topup_client.answers import UNREADABLE, AnswerTransport, check_json
from topup_client.errors import UnexpectedAnswer
from topup_client.generated import AuthenticatedClient
from topup_client.generated.api.credits_ import get_user_credits, reverse_spend, spend_credits
from topup_client.generated.api.holds import open_hold
from topup_client.generated.models import (
    Credits,
    HoldBody,
    HoldReceipt,
    ReversalBody,
    ReversalReceipt,
    SpendBody,
    SpendReceipt,
)
from topup_client.generated.types import Response
from topup_client.holds import LONGEST_KEY, Hold
from topup_client.journal import Journal
from topup_client.retries import Retries, RetryingTransport

TIMEOUT = 35.0  # seconds: the gateway answers within 30
CONNECT_TIMEOUT = 5.0
KEY = re.compile(r"[ -+\--~]{1,255}")  # printable ASCII without a comma: two headers arrive as one with a comma
CREDENTIAL = re.compile(r"[!-~]+")

Answer = TypeVar("Answer")


class Operation(Protocol):
    """A module of `topup_client.generated.api`."""

    @property
    def sync_detailed(self) -> Any: ...


class Topup:
    """Topup's API for a service. It may be used by several threads at once; close it, or use it as a context manager.

    Every method raises TopupError: an ApiError of the answer's `code`, a GatewayError, or NoAnswer.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        token: str | None = None,
        journal: str | Path | None = None,
        retries: Retries | None = None,
        timeout: float = TIMEOUT,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`api_key`: the service's; `token`: a user's or an administrator's; `journal`: the file of the journal.

        `timeout` is in seconds. A `transport` is for proxies and tests.
        """
        if httpx.URL(url).scheme not in ("http", "https"):
            raise ValueError("the url must begin with https://")
        self.journal = Journal(journal, lease=2 * timeout) if journal is not None else None
        self._once = AnswerTransport(transport or httpx.HTTPTransport())
        journaled = captures.JournalingTransport(self._once, self.journal) if self.journal is not None else self._once
        self.rest = AuthenticatedClient(
            base_url=url,
            **_credentials(api_key, token),
            timeout=httpx.Timeout(timeout, connect=CONNECT_TIMEOUT),
            httpx_args={"transport": RetryingTransport(journaled, retries or Retries())},
        )

    def credits(self, user_id: str) -> Credits:
        """What a user has: balance, held, available, debt, and when which credits expire."""
        return self.ask(Credits, get_user_credits, user_id)

    def spend(
        self, user_id: str, amount: int, description: str, *, key: str, metadata: Mapping[str, str] | None = None
    ) -> SpendReceipt:
        """Spend credits, once for each `key`: take the number of the job. Raises InsufficientCredits."""
        given = _given(user_id=user_id, amount=amount, description=description, metadata=metadata)
        return self.ask(SpendReceipt, spend_credits, body=SpendBody.from_dict(given), idempotency_key=key)

    def reverse(
        self, user_id: str, transaction_id: UUID | str, amount: int | None = None, *, reason: str, key: str
    ) -> ReversalReceipt:
        """Give a spend or a capture back, once for each `key`; all that is left of it without an amount.

        Raises SpendNotFound, SpendReversed.
        """
        given = _given(user_id=user_id, transaction_id=str(transaction_id), amount=amount, reason=reason)
        return self.ask(ReversalReceipt, reverse_spend, body=ReversalBody.from_dict(given), idempotency_key=key)

    def hold(
        self,
        user_id: str,
        amount: int,
        description: str,
        *,
        key: str | None = None,
        ttl_seconds: int = 900,
        overrun: Literal["available", "refuse", "debt"] = "available",
        metadata: Mapping[str, str] | None = None,
    ) -> Hold:
        """Reserve credits, once for each `key`: a job that begins again with its key finds the hold that it has.

        Raises InsufficientCredits, TooManyHolds.
        """
        key = key or str(uuid.uuid4())
        if len(key) > LONGEST_KEY:
            raise ValueError(f"the key of a hold has at most {LONGEST_KEY} characters")
        given = _given(
            user_id=user_id,
            amount=amount,
            description=description,
            ttl_seconds=ttl_seconds,
            overrun=overrun,
            metadata=metadata,
        )
        answer = self._answer(open_hold, body=HoldBody.from_dict(given), idempotency_key=key)
        is_new = "idempotent-replayed" not in answer.headers
        return Hold(self, _expect(HoldReceipt, answer.parsed), key=key, ttl_seconds=ttl_seconds, is_new=is_new)

    def replay_captures(self) -> captures.Replayed:
        """Send the journal's captures that are due: call it at the start, and every minute or so."""
        if self.journal is None:
            raise ValueError("this client has no journal")
        return captures.replay(self.journal, self.rest.get_httpx_client(), self._once)

    def ask(self, expected: type[Answer], operation: Operation, *args: Any, **kwargs: Any) -> Answer:
        """The answer to any operation of `topup_client.generated.api`, of which `expected` is the model."""
        return _expect(expected, self._answer(operation, *args, **kwargs).parsed)

    def _answer(self, operation: Operation, *args: Any, **kwargs: Any) -> Response[Any]:
        key = kwargs.get("idempotency_key")
        if isinstance(key, str) and not KEY.fullmatch(key):
            raise ValueError("a key has 1 to 255 printable ASCII characters, no comma among them")
        if (body := kwargs.get("body")) is not None:
            check_json(body)
        try:
            answer: Response[Any] = operation.sync_detailed(*args, client=self.rest, **kwargs)
        except UNREADABLE as error:
            raise UnexpectedAnswer(f"a field is missing or of another type: {error!r}") from error
        return answer

    def close(self) -> None:
        self.rest.get_httpx_client().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _credentials(api_key: str | None, token: str | None) -> dict[str, Any]:
    for given in (api_key, token):
        if given is not None and not CREDENTIAL.fullmatch(given):
            # Without the value: it is a secret, and the line break at its end is often all that is wrong.
            raise ValueError("the api_key or token has characters that cannot be sent in a header")
    if token is not None:
        return {"token": token, "headers": {"X-API-Key": api_key} if api_key is not None else {}}
    if api_key is None:
        raise ValueError("an api_key or a token is needed")
    return {"token": api_key, "prefix": "", "auth_header_name": "X-API-Key"}


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _expect(expected: type[Answer], document: object) -> Answer:
    if not isinstance(document, expected):
        raise UnexpectedAnswer(f"the answer is {type(document).__name__}, not {expected.__name__}")
    return document
