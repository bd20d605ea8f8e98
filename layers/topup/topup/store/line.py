"""The line of spends that wait for one wallet: an item for each, between the user's lots and the wallet.

So the read that every spend makes finds whoever waits. An item is a place in line and no promise: whoever finds neither
its place nor a receipt asks anew.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from topup.domain.line import Turn, WaitingSpend
from topup.domain.receipts import Receipt
from topup.runtime import config, failures
from topup.store import attributes, line_items, receipts
from topup.store.client import client
from topup.store.races import UnknownWrite, detect_lost_race

# The same request waits still: nobody has taken it out of the line, and none with another body has come in its place.
STILL_IN_LINE = "request_fingerprint = :fingerprint_read"


def join_line(spend: WaitingSpend) -> bool:
    """Wait in line; whether the place is known to be there.

    Else the request may have been lost, or an attempt of it may come late, after somebody has left the place again.
    Raises LostRace.
    """
    try:
        with detect_lost_race():
            joined = client().put_item(
                TableName=config.settings().credits_table, Item=line_items.waiting_to_item(spend)
            )
    except UnknownWrite:
        return False
    except Exception as error:
        # Of more than one attempt only the last one's answer is known.
        if failures.attempts_before(error.__cause__ or error) > 0:
            return False
        raise
    return bool(joined["ResponseMetadata"].get("RetryAttempts", 0) == 0)


def leave_line(spends: Iterable[WaitingSpend]) -> None:
    """Take these places out of the line, unless they have changed; raises LostRace."""
    with detect_lost_race():
        client().transact_write_items(TransactItems=[_leaves(spend) for spend in spends])


def record_turn(turn: Turn, now: datetime) -> Mapping[str, Receipt]:
    """Write what one turn pays, and let who had it leave the line, in one transaction.

    Or, where some of them were paid before, let these leave alone: then returns their receipts. Raises LostRace.
    """
    if turn.change is None:
        leave_line(turn.leaving)
        return {}
    leaving = [_leaves(spend) for spend in turn.leaving]
    paid_before = receipts.record_with_receipts(turn.change, turn.receipts, now, beside=leaving)
    if paid_before:
        leave_line(spend for spend in turn.leaving if spend.key in paid_before)
    return paid_before


def _leaves(spend: WaitingSpend) -> Any:
    return {
        "Delete": {
            "TableName": config.settings().credits_table,
            "Key": line_items.waiting_key(spend),
            "ConditionExpression": STILL_IN_LINE,
            "ExpressionAttributeValues": attributes.to_item({":fingerprint_read": spend.request_fingerprint}),
        }
    }
