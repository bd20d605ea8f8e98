"""A hold that lasts as long as the work, and frees what the work has not used."""

import logging
import threading
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self

from topup_client.captures import is_pending
from topup_client.errors import CapturePending, HoldEnded, HoldNotFound, TopupError
from topup_client.generated.api.holds import capture_hold, extend_hold, release_hold
from topup_client.generated.models import CaptureBody, CaptureReceipt, ExtensionBody, HoldReceipt

if TYPE_CHECKING:
    from topup_client.client import Topup

logger = logging.getLogger("topup_client")

LONGEST_KEY = 200  # characters; the API takes 255, and a capture's key is this one with its number
OVER = (HoldEnded, HoldNotFound)


class Hold:
    """Credits that are reserved. As a context manager it is extended while the block runs, and released at its end.

    `extension_error` says why it could not be extended, as long as that is so: from `ends_at` on nothing is reserved
    any more. A capture is then late, and takes what is available. One thread captures and releases.
    """

    def __init__(self, client: "Topup", receipt: HoldReceipt, *, key: str, ttl_seconds: int, is_new: bool) -> None:
        """`is_new`: whether all of `ttl_seconds` is ahead; a hold of an earlier try may end at any moment."""
        self.receipt = receipt
        self.extension_error: TopupError | None = None
        self._client = client
        self._key = key
        self._ttl_seconds = ttl_seconds
        self._is_new = is_new
        self._is_over = False
        self._captures = 0
        self._unknown: set[str] = set()  # the keys of captures that may have been taken
        self._repeatable: CaptureBody | None = None  # what the caller asked for in the one that he is to repeat
        self._sent: CaptureBody  # what was sent for it
        self._work_is_done = threading.Event()

    @property
    def id(self) -> str:
        return self.receipt.hold_id

    @property
    def ends_at(self) -> datetime:
        return self.receipt.ends_at

    def capture(
        self,
        amount: int,
        *,
        final: bool = True,
        description: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> CaptureReceipt:
        """Take what was used. A final capture frees the rest; with `final=False` more may follow.

        While the outcome of an earlier capture is not known, a final one leaves the hold as it is: it may have to be
        taken yet. Then the hold ends by itself.

        Raises HoldEnded, InsufficientCredits (of a hold that refuses an overrun), and NoAnswer: then the same call is
        the same request. With a journal it is CapturePending instead: do not call again.
        """
        if final:
            self._work_is_done.set()
        given = {"amount": amount, "final": final, "description": description, "metadata": metadata}
        body = CaptureBody.from_dict({name: value for name, value in given.items() if value is not None})
        if body != self._repeatable:
            self._captures += 1
            self._sent = CaptureBody.from_dict({**body.to_dict(), "final": final and not self._unknown})
        return self._capture(body, self._sent, f"{self._key}:capture-{self._captures}")

    def _capture(self, asked: CaptureBody, body: CaptureBody, key: str) -> CaptureReceipt:
        self._unknown.add(key)  # now: whatever ends the work while it is sent must not release the hold
        try:
            receipt = self._client.ask(CaptureReceipt, capture_hold, self.id, body=body, idempotency_key=key)
        except TopupError as error:
            # Pending, although the journal may have nothing of it any more: another process has sent it since.
            is_in_journal = isinstance(error, CapturePending) or is_pending(self._client.journal, self.id, key)
            is_unknown = is_in_journal or error.may_have_acted
            if not is_unknown:
                self._unknown.discard(key)
            self._repeatable = asked if is_unknown and not is_in_journal else None
            if is_in_journal:
                raise CapturePending(key) from error
            raise
        except (TypeError, ValueError):
            self._unknown.discard(key)  # it cannot be sent at all
            raise
        self._unknown.discard(key)
        self._repeatable = None
        self._is_over = body.final is not False
        return receipt

    def extend(self, ttl_seconds: int | None = None, *, add: int = 0) -> None:
        """Let it last so long from now, and reserve more; raises HoldEnded, InsufficientCredits."""
        body = ExtensionBody(ttl_seconds=ttl_seconds or self._ttl_seconds, add=add)
        self.receipt = self._client.ask(HoldReceipt, extend_hold, self.id, body=body, idempotency_key=str(uuid.uuid4()))

    def release(self) -> None:
        """Free what is left; a hold that has ended stays as it is."""
        with suppress(*OVER):
            self.receipt = self._client.ask(HoldReceipt, release_hold, self.id)
        self._is_over = True

    # ------------------------------------------------------------------------------------------- while the block runs

    def __enter__(self) -> Self:
        """Raises HoldEnded if an earlier try with the same key has released the hold: nothing could be captured."""
        if not self._is_new:
            self._find_again()
        threading.Thread(target=self.keep_open, args=(self._work_is_done.wait,), name="topup-hold", daemon=True).start()
        return self

    def _find_again(self) -> None:
        try:
            self.extend()
            self._is_new = True
        except HoldEnded as ended:
            if ended.state == "released":
                raise
            # Of one that was captured the same captures are answered again.
        except TopupError:
            pass  # the thread meets it again, and says so

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._work_is_done.set()
        # A capture that may still have to be sent again needs the hold: it then ends by itself.
        if self._is_over or self._unknown:
            return
        try:
            self.release()
        except TopupError as failure:
            logger.warning("hold %s was not released, it ends at %s: %s", self.id, self.ends_at, failure)

    def keep_open(self, wait: Callable[[float], bool]) -> None:
        """Extend the hold when half of its time is over. `wait` waits so many seconds, and says whether to stop."""
        pause = self._ttl_seconds / 2 if self._is_new else 0.0
        while not wait(pause):
            try:
                self.extend()
            except TopupError as error:
                if self._work_is_done.is_set():
                    return
                self.extension_error = error
                logger.warning("hold %s could not be extended, it ends at %s: %s", self.id, self.ends_at, error)
                if isinstance(error, OVER):
                    return
                pause = self._ttl_seconds / 10
            else:
                self.extension_error = None
                pause = self._ttl_seconds / 2
