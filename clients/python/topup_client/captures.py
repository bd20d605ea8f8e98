"""Captures through the journal: noted before they are sent, forgotten when their outcome is known, else sent again."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from topup_client.answers import capture_address, hold_captured_by
from topup_client.errors import CapturePending, TopupError
from topup_client.generated.models import CaptureReceipt
from topup_client.journal import Capture, Journal, SetAside

logger = logging.getLogger("topup_client")


@dataclass
class Replayed:
    """The result of a replay of the journal."""

    taken: list[CaptureReceipt] = field(default_factory=list)
    """Late ones too: `late` says so, and `shortfall` what could not be taken."""
    set_aside: list[SetAside] = field(default_factory=list)
    """All that a person has to look at: what this replay and earlier ones have set aside."""
    waiting: int = 0
    """How many captures are still not known. Replay them later."""


class JournalingTransport(httpx.BaseTransport):
    """Keep each capture in the journal while its outcome is not known.

    If the journal cannot be written, captures are sent all the same. Raises CapturePending, without sending anything,
    for a capture that another process is sending.
    """

    def __init__(self, inner: httpx.BaseTransport, journal: Journal) -> None:
        self._inner = inner
        self._journal = journal

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        hold_id, key = hold_captured_by(request), request.headers.get("idempotency-key")
        if hold_id is None or key is None:
            return self._inner.handle_request(request)
        capture = Capture(hold_id, key, request.read())
        with _logged():
            if not self._journal.begin(capture):
                raise CapturePending(key)
        try:
            response = self._inner.handle_request(request)
        except TopupError as error:
            with _logged():
                settle(self._journal, capture, error)
            raise
        with _logged():
            self._journal.end(capture)
        return response

    def close(self) -> None:
        self._inner.close()


def replay(journal: Journal, http: httpx.Client, transport: httpx.BaseTransport) -> Replayed:
    """Send what is due, each capture once, with the key it had and the credentials of `http`.

    Ends when an answer is still not known: the service seems to be down, and what is behind keeps its turn.
    """
    result = Replayed()
    for capture in journal.take_due():
        headers = {"Idempotency-Key": capture.key, "Content-Type": "application/json"}
        request = http.build_request("POST", capture_address(capture.hold_id), content=capture.body, headers=headers)
        try:
            response = transport.handle_request(request)
        except TopupError as error:
            if not error.is_refusal:
                journal.postpone(capture, error.retry_after)
                break
            journal.set_aside(capture, f"the service refused it: {error}")
        else:
            journal.end(capture)
            result.taken.append(CaptureReceipt.from_dict(response.json()))
    result.set_aside = journal.all_set_aside()
    result.waiting = journal.waiting()
    return result


def settle(journal: Journal, capture: Capture, error: TopupError) -> None:
    """Forget a capture that was refused, of which the caller is told; keep any other."""
    if error.is_refusal:
        journal.end(capture)
    else:
        journal.postpone(capture, error.retry_after)


def is_pending(journal: Journal | None, hold_id: str, key: str) -> bool:
    """Whether the journal will send this capture again."""
    with _logged():
        return journal is not None and journal.has(hold_id, key)
    return False


@contextmanager
def _logged() -> Iterator[None]:
    """Log an error of the journal, and go on."""
    try:
        yield
    except sqlite3.Error:
        logger.exception("the journal of captures cannot be used")
