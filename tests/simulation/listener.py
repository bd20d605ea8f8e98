"""What other systems hear: the tables' streams through publish_events to a bus, and a listener that drops repeats.

The records of a whole history are delivered at its end, by a random stream of its own: some in another order, some
twice, to a bus that is down, refuses some events, or loses the answers to others. Lambda delivers again what failed.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from local.aws.streams import passes
from local.in_process.api import Context, load_handler, template
from local.in_process.dynamodb import a_response, body_of
from tests.simulation.determinism import stream
from tests.simulation.rules import Violation
from topup.domain import events
from topup.domain.events import EventType
from topup.domain.holds import HoldStatus
from topup.runtime import event_bus
from topup.store import credit_items, hold_items, order_items

if TYPE_CHECKING:
    from tests.simulation.world import World

FUNCTION = "publish_events"
BATCH = 12
OFTEN = 0.15  # how often each of the faults happens
MOST_CALLS = 400  # with faults
TOLD = (credit_items.ENTRY, hold_items.HOLD, hold_items.OPEN_HOLD)
OF_ENTRIES = {kind.value for kind in events.TYPE_OF_ENTRY.values()}

Json = dict[str, Any]


class Listener:
    """The records of both tables' streams, as they are written; and at the end what was heard of them."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._known: dict[tuple[str, str], dict[str, Json]] = defaultdict(dict)  # items by their partition
        self._records: list[Json] = []
        self._heard: list[Json] = []
        self._rng = stream(world.plan.seed, "listener")
        self._is_faulty = True
        self._is_down = False  # the bus, for a whole call of the function

    def written(self, touched: set[tuple[str, str]]) -> None:
        """Note the records that a commit has written into the streams."""
        for table, partition in sorted(touched):
            known = self._known[table, partition]
            for record, item in self._world.database.items(table).get(partition, {}).items():
                if known.get(record) is not item and self._is_told(table, record):
                    self._records.append(self._record(table, known.get(record), item))
                    known[record] = item

    def restored(self) -> None:
        """The table of orders has been replaced: a new stream begins, which says nothing of that."""
        orders = self._world.database.orders
        for partition, records in self._world.database.items(orders).items():
            self._known[orders, partition] = dict(records)

    def _is_told(self, table: str, record: str) -> bool:
        return record.startswith(TOLD) if table == self._world.database.credits else record == order_items.ORDER

    def _record(self, table: str, before: Json | None, item: Json) -> Json:
        is_of_orders = table == self._world.database.orders
        partition = "payment_id" if is_of_orders else "user_id"
        change: Json = {
            "ApproximateCreationDateTime": int(self._world.scheduler.seconds),
            "Keys": {partition: item[partition], "record": item["record"]},
            "SequenceNumber": str(len(self._records) + 1),
        }
        change |= {"OldImage": before} if before else {}
        change |= {"NewImage": item} if is_of_orders else {}
        return {"eventName": "MODIFY" if before else "INSERT", "dynamodb": change}

    # ---------------------------------------------------------------------------------------------------- delivery

    def check(self) -> None:
        """Deliver everything, and check what was heard; raises Violation."""
        client = event_bus.client()
        client.meta.events.register("before-send.eventbridge", self._put)
        try:
            self._world.run_now(self._deliver)
        finally:
            client.meta.events.unregister("before-send.eventbridge", self._put)
        if findings := [*self._of_entries(), *self._of_holds(), *self._of_payments()]:
            raise Violation("; ".join(findings))

    def _deliver(self) -> None:
        filters = {
            mapping.table: mapping.filters for mapping in template().streams if mapping.function.name == FUNCTION
        }
        waiting = [one for one in self._records if passes(filters[_table_of(one)], one)]
        calls = 0
        while waiting:
            calls += 1
            self._is_faulty = calls < MOST_CALLS
            if self._fails():
                self._rng.shuffle(waiting)  # of several shards, some are late
            self._is_down = self._fails()
            batch, waiting = waiting[:BATCH], waiting[BATCH:]
            answer = load_handler(FUNCTION)({"Records": batch}, Context(FUNCTION))
            failed = {one["itemIdentifier"] for one in answer["batchItemFailures"]}
            is_lost = self._fails()  # the function ended, and Lambda does not know it
            again = [one for one in batch if is_lost or one["dynamodb"]["SequenceNumber"] in failed]
            waiting = again + waiting

    def _fails(self) -> bool:
        return self._is_faulty and self._rng.random() < OFTEN

    def _put(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        if self._is_down:
            raise EndpointConnectionError(endpoint_url=request.url)
        results: list[Json] = []
        for entry in json.loads(body_of(request))["Entries"]:
            if self._fails():
                results.append({"ErrorCode": "ThrottlingException", "ErrorMessage": "Rate exceeded"})
            else:
                self._heard.append(json.loads(entry["Detail"]))
                results.append({"EventId": "1"})
        if self._fails():
            raise ReadTimeoutError(endpoint_url=request.url)
        refused = sum("ErrorCode" in one for one in results)
        return a_response({"FailedEntryCount": refused, "Entries": results})

    # ------------------------------------------------------------------------------------------------------ checks

    def _of_entries(self) -> Iterator[str]:
        """Sorted, and without repeats, each user's entries are 1, 2, 3 …, as the ledger has them."""
        heard: defaultdict[str, dict[str, Json]] = defaultdict(dict)
        for detail in self._heard:
            if detail["type"] in OF_ENTRIES:
                heard[detail["user_id"]][detail["id"]] = detail
        for user_id, versions in self._world.shadow.accounts.items():
            first = self._world.shadow.erasures.moved_entries(user_id)
            told = sorted(heard[user_id].values(), key=lambda detail: int(detail["sequence"]))
            found = [(one["sequence"], one["amount"], one["balance_after"]) for one in told]
            entries = [(one.number, one.amount, one.balance_after) for one in versions.last.entries[first:]]
            if found != entries:
                yield f"user {user_id}: listeners have heard {found}, the ledger has {entries}"

    def _of_holds(self) -> Iterator[str]:
        """Each hold that has ended is told of with its end, and all that captures could not take."""
        ended = {(one["hold_id"], one["status"]) for one in self._heard if one["type"] == EventType.HOLD_ENDED}
        most: defaultdict[str, int] = defaultdict(int)
        for one in self._heard:
            if one["type"] == EventType.HOLD_SHORTFALL:
                most[one["hold_id"].partition(".")[0]] = max(most[one["hold_id"].partition(".")[0]], one["shortfall"])
        known = {(hold_id.partition(".")[0], status) for hold_id, status in ended}
        for versions in self._world.shadow.accounts.values():
            if self._world.shadow.erasures.moved_entries(versions.last.user_id):
                continue  # its holds ended under another name, which nobody knows any more
            for hold in versions.last.holds:
                if hold.status is not HoldStatus.OPEN and (hold.hold_id, hold.status.value) not in known:
                    yield f"nobody has heard that the hold {hold.hold_id} ended: {hold.status}"
                if (told := most[hold.hold_id]) != hold.shortfall:
                    yield f"hold {hold.hold_id}: {told} credits were told as missing, not {hold.shortfall}"

    def _of_payments(self) -> Iterator[str]:
        """The state that each payment is in is told."""
        heard = {(one["payment_id"], one["type"]) for one in self._heard if one["type"].startswith("payment.")}
        for payment_id, versions in self._world.shadow.payments.items():
            order = versions.last.order
            kind = EventType.PAYMENT_QUARANTINED if order.is_under_review else events.TYPE_OF_STATUS[order.status]
            if (payment_id, kind.value) not in heard:
                yield f"nobody has heard of payment {payment_id}: {kind}"


def _table_of(record: Json) -> str:
    return "OrdersTable" if "payment_id" in record["dynamodb"]["Keys"] else "CreditsTable"
