"""Open, extend, capture and release holds, each once per request however often it is sent."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from topup import store
from topup.domain import hold_changes, idempotency, receipts, times
from topup.domain.credits import Cause, CreditChange, TransactionType, UserCredits
from topup.domain.errors import HoldEnded, HoldNotFound, InsufficientCredits, TooManyHolds
from topup.domain.hold_changes import Capture
from topup.domain.holds import Hold, Overrun
from topup.domain.receipts import Receipt
from topup.runtime.telemetry import count, logger, pseudonym

REFUSALS = (InsufficientCredits, TooManyHolds, HoldEnded)


@dataclass(frozen=True, kw_only=True)
class HoldRequest:
    """Reserve `amount` credits of a user for `ttl`."""

    user_id: str
    amount: int
    ttl: timedelta
    overrun: Overrun
    description: str
    metadata: Mapping[str, str]
    idempotency_key: str
    actor: str

    @property
    def fingerprint(self) -> str:
        """What makes two requests the same."""
        asked = (self.user_id, self.amount, int(self.ttl.total_seconds()), self.overrun.value, self.description)
        return idempotency.fingerprint("hold", *asked, *idempotency.of_mapping(self.metadata))


@dataclass(frozen=True, kw_only=True)
class CaptureRequest:
    """Take credits that a hold of the user reserves; without a description and metadata the hold's own count."""

    user_id: str
    hold_id: str
    capture: Capture
    description: str | None
    metadata: Mapping[str, str]
    idempotency_key: str
    actor: str

    @property
    def fingerprint(self) -> str:
        """What makes two requests the same."""
        asked = (self.hold_id, self.capture.amount, self.capture.is_final, self.description)
        return idempotency.fingerprint("capture", *asked, *idempotency.of_mapping(self.metadata))


@dataclass(frozen=True, kw_only=True)
class ExtensionRequest:
    """Let a hold of the user last until `ttl` from now at least, and reserve `more` credits."""

    user_id: str
    hold_id: str
    ttl: timedelta
    more: int
    idempotency_key: str

    @property
    def fingerprint(self) -> str:
        """What makes two requests the same."""
        return idempotency.fingerprint("extend", self.hold_id, int(self.ttl.total_seconds()), self.more)


@store.retried
def open_hold(request: HoldRequest, now: datetime) -> tuple[Receipt, bool]:
    """Reserve credits; the same key reserves them once and returns the same receipt.

    Returns also whether it is new. Raises InsufficientCredits, TooManyHolds, IdempotencyConflict, Busy.
    """
    hold = Hold(
        # With the time: the key may be used again when its marker is gone.
        hold_id=idempotency.id_from_key(f"hold:{times.to_text(now)}:{request.user_id}", request.idempotency_key),
        user_id=request.user_id,
        amount=request.amount,
        ends_at=times.whole_second(now + request.ttl),
        overrun=request.overrun,
        actor=request.actor,
        description=request.description,
        metadata=request.metadata,
        created_at=now,
    )
    user = store.load_credits(request.user_id, now)
    once = _Once(user, request.idempotency_key, request.fingerprint, now)
    receipt, is_new = once.change(lambda: hold_changes.open_hold(user, hold, now))
    if is_new:
        count("HoldsOpened")
        logger.info("hold opened", user=pseudonym(hold.user_id), hold_id=hold.hold_id, credits=hold.amount)
    return receipt, is_new


@store.retried
def capture(request: CaptureRequest, now: datetime) -> tuple[Receipt, bool]:
    """Take credits that are held; the same key takes them once and returns the same receipt.

    Returns also whether it is new. Raises HoldNotFound, HoldEnded, InsufficientCredits, IdempotencyConflict, Busy.
    """
    user = store.load_credits(request.user_id, now)
    hold = _find(user, request.hold_id, now)
    cause = Cause(
        transaction_type=TransactionType.SPENT,
        actor=request.actor,
        description=request.description or hold.description,
        metadata=request.metadata or hold.metadata,
        hold_id=hold.hold_id,
    )
    once = _Once(user, request.idempotency_key, request.fingerprint, now)
    receipt, is_new = once.change(lambda: hold_changes.capture(user, hold, request.capture, cause, now))
    if is_new:
        count("CreditsSpent", receipt.amount)
        if receipt.shortfall:
            count("CaptureShortfall", receipt.shortfall)
            logger.warning("a capture found too few credits", hold_id=hold.hold_id, shortfall=receipt.shortfall)
    return receipt, is_new


@store.retried
def extend(request: ExtensionRequest, now: datetime) -> tuple[Receipt, bool]:
    """Let a hold last longer, or reserve more; the same key does it once and returns the same receipt.

    Returns also whether it is new. Raises HoldNotFound, HoldEnded, InsufficientCredits, IdempotencyConflict, Busy.
    """
    user = store.load_credits(request.user_id, now)
    hold = _find(user, request.hold_id, now)
    ends_at = times.whole_second(now + request.ttl)
    once = _Once(user, request.idempotency_key, request.fingerprint, now)
    receipt, is_new = once.change(lambda: hold_changes.extend(user, hold, request.more, ends_at, now))
    if is_new:
        logger.info("hold extended", user=pseudonym(hold.user_id), hold_id=hold.hold_id, credits=request.more)
    return receipt, is_new


@store.retried
def release(user_id: str, hold_id: str, now: datetime) -> tuple[Receipt, bool]:
    """End a hold, so that what it holds is available again; a hold is released once, and returns the same receipt.

    Returns also whether it is new. Raises HoldNotFound, HoldEnded, Busy.
    """
    user = store.load_credits(user_id, now)
    hold = _find(user, hold_id, now)
    # The hold itself is what makes it happen once, so its request needs no key.
    once = _Once(user, f"release:{hold_id}", idempotency.fingerprint("release", hold_id), now)
    receipt, is_new = once.change(lambda: hold_changes.release(user, hold, now))
    if is_new:
        count("HoldsReleased")
        logger.info("hold released", user=pseudonym(user_id), hold_id=hold_id, credits=hold.left)
    return receipt, is_new


def _find(user: UserCredits, hold_id: str, now: datetime) -> Hold:
    """The user's hold, open or not; raises HoldNotFound, LostRace where it may have moved while it was looked for."""
    hold = next((one for one in user.holds if one.hold_id == hold_id), None)
    hold = hold or store.load_ended_hold(user.wallet.user_id, hold_id)
    if hold is None:
        # An extension moves a hold to a key that the read may have passed already. A capture that is told 404 is lost.
        if store.load_credits(user.wallet.user_id, now).wallet.version != user.wallet.version:
            raise store.LostRace("the user's holds changed while one was looked for")
        raise HoldNotFound
    return hold


@dataclass(frozen=True)
class _Once:
    """Change one hold of a user, as it was read, once for each key."""

    user: UserCredits
    idempotency_key: str
    fingerprint: str
    now: datetime

    def change(self, decide: Callable[[], CreditChange]) -> tuple[Receipt, bool]:
        """Decide and write; or the receipt of the key, where it was used. And whether it is new."""
        try:
            change = decide()
        except REFUSALS:
            # An earlier try of this request may have done it: then its response was lost.
            receipt, is_new = store.load_receipt(self.user.wallet.user_id, self.idempotency_key), False
            if receipt is None:
                raise
        else:
            new = receipts.receipt_of(self.user, change, self.fingerprint, self.now)
            receipt, is_new = store.record_with_receipt(change, self.idempotency_key, _of_one(new, change), self.now)
        idempotency.check_same_request(receipt.request_fingerprint, self.fingerprint)
        return receipt, is_new


def _of_one(receipt: Receipt, change: CreditChange) -> Receipt:
    """With what this request alone could not take."""
    [hold] = change.holds
    return replace(receipt, shortfall=hold.after.shortfall - (hold.before.shortfall if hold.before else 0))
