"""Make room in a record of what an order's reversals have out, before an item's 400 KB keep its user from buying.

Every payment of a debt adds to the record of the order that owes, without reading it. Some thousands of them fill it.
"""

from dataclasses import replace

from topup.domain.credits import CreditChange
from topup.domain.takings import Clawback, with_oldest_joined
from topup.runtime import failures
from topup.runtime.telemetry import logger
from topup.store import clawback_items, credits
from topup.store.attributes import to_item
from topup.store.client import client
from topup.store.races import detect_lost_race

# One write was not possible, most often because its item would be too large. Source: DynamoDB documentation,
# TransactWriteItems, "CancellationReasons".
REFUSED = "ValidationError"
WORTH_JOINING = 500  # takings, about 50 KB


def made_room(change: CreditChange, error: Exception) -> bool:
    """Whether the error may be due to a record that this change adds to, and there is room in it now.

    The oldest half of its takings become one, which are the same credits. Raises LostRace.
    """
    if REFUSED not in failures.cancellation_reasons(error):
        return False
    user_id = change.before.user_id
    found = [out for addition in change.additions for out in _load(user_id, addition.payment_id)]
    shorter = [_shortened(one) for one in found if len(one.takings) >= WORTH_JOINING]
    if not shorter:
        return False
    changed = replace(change.before, version=change.before.version + 1)
    with detect_lost_race():
        client().transact_write_items(
            TransactItems=[
                credits.wallet_write(change.before, changed),
                *(clawback_items.set_clawback(user_id, one) for one in shorter),
            ]
        )
    logger.warning("the record of a claw-back was full", payment_ids=[one.payment_id for one in shorter])
    return True


def _load(user_id: str, payment_id: str) -> list[Clawback]:
    # By a query, which every function that changes credits may make.
    found = credits.query_all(
        KeyConditionExpression="user_id = :user_id AND #record = :record",
        ExpressionAttributeNames={"#record": "record"},
        ExpressionAttributeValues=to_item({":user_id": user_id, ":record": clawback_items.clawback_record(payment_id)}),
        ConsistentRead=True,
    )
    return [clawback_items.clawback_from_item(item) for item in found]


def _shortened(out: Clawback) -> Clawback:
    return replace(out, takings=with_oldest_joined(out.takings, len(out.takings) // 2))
