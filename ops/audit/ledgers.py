"""What the users' ledgers record about each payment, kept on disk: there may be more payments than memory holds."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import asdict

from topup.domain.audit import PaymentLedger


class Ledgers:
    """By payment and by user; what was taken is gone."""

    def __init__(self) -> None:
        # Without a name: a file of its own, which goes away with the connection.
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute(
            "CREATE TABLE ledgers (payment_id, user_id, ledger, PRIMARY KEY (payment_id, user_id)) WITHOUT ROWID"
        )
        self._database.execute("BEGIN")

    def close(self) -> None:
        self._database.close()

    def add(self, payment_id: str, user_id: str, ledger: PaymentLedger) -> None:
        row = (payment_id, user_id, json.dumps(asdict(ledger)))
        self._database.execute("INSERT INTO ledgers VALUES (?, ?, ?)", row)

    def take(self, payment_id: str) -> Mapping[str, PaymentLedger]:
        """What each user's ledger records about the payment."""
        rows = self._database.execute("SELECT user_id, ledger FROM ledgers WHERE payment_id = ?", (payment_id,))
        found = {user_id: PaymentLedger(**json.loads(ledger)) for user_id, ledger in rows}
        if found:
            self._database.execute("DELETE FROM ledgers WHERE payment_id = ?", (payment_id,))
        return found

    def left(self) -> Iterator[tuple[str, frozenset[str]]]:
        """The payments that were not taken, and the users who have entries of them."""
        grouped = "SELECT payment_id, json_group_array(user_id) FROM ledgers GROUP BY payment_id"
        for payment_id, users in self._database.execute(grouped):
            yield payment_id, frozenset(json.loads(users))
