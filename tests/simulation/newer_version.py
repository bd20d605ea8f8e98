"""Items that a newer version has written: they have attributes that this version does not know, and must keep."""

from collections.abc import Iterable

from tests.simulation.database import Database
from tests.simulation.rules import Violation
from topup.store import credit_items, order_items

ATTRIBUTE, VALUE = "of_a_newer_version", {"S": "kept"}
KEPT = (credit_items.WALLET, credit_items.LOT, credit_items.EMPTY_LOT, order_items.ORDER, "REFUND#", "DISPUTE#")


class NewerVersion:
    """The items that have such an attribute."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._marked: set[tuple[str, str, str]] = set()

    def mark(self) -> None:
        """Give every stored item one."""
        for table in (self._database.orders, self._database.credits):
            for partition in list(self._database.items(table)):
                for record in list(self._database.items(table)[partition]):
                    if record.startswith(KEPT):
                        self._database.add_attribute(table, partition, record, ATTRIBUTE, VALUE)
                        self._marked.add((table, partition, _name(record)))

    def forget(self, table: str, partition: str | None = None) -> None:
        """The table has been replaced by an older copy, or this part of it has gone."""
        forgotten = {(table, partition or one[1], one[2]) for one in self._marked}
        self._marked -= forgotten

    def check(self, touched: Iterable[tuple[str, str]]) -> None:
        """No commit drops the attribute; raises Violation."""
        if not self._marked:
            return
        for table, partition in touched:
            for record, item in self._database.items(table).get(partition, {}).items():
                if (table, partition, _name(record)) in self._marked and ATTRIBUTE not in item:
                    raise Violation(f"{record} of {partition}: what a newer version wrote is gone")


def _name(record: str) -> str:
    """A lot has one key while it has credits, and another one while it has none."""
    is_lot = record.startswith((credit_items.LOT, credit_items.EMPTY_LOT))
    return record.rpartition("#")[2] if is_lot else record
