"""The journal: captures whose outcome is not known, in an SQLite file that several processes may share.

A record has one time, `not_before`: until then nobody sends it. It is what `Retry-After` asks for, and also what keeps
two processes from sending the same record: whoever takes it moves the time into the future, in one statement.
"""

import hashlib
import logging
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

logger = logging.getLogger("topup_client")

SCHEMA = """
CREATE TABLE IF NOT EXISTS captures (
    hold_id TEXT NOT NULL, key TEXT NOT NULL, body BLOB NOT NULL, digest TEXT NOT NULL, not_before REAL NOT NULL,
    PRIMARY KEY (hold_id, key)
) STRICT;
CREATE TABLE IF NOT EXISTS set_aside (hold_id, key, body, reason TEXT NOT NULL, PRIMARY KEY (hold_id, key));
"""
BEGIN = """
INSERT INTO captures (hold_id, key, body, digest, not_before) VALUES (:hold_id, :key, :body, :digest, :until)
ON CONFLICT (hold_id, key) DO UPDATE SET (body, digest, not_before) = (:body, :digest, :until)
WHERE not_before <= :now
"""
TAKE = """
UPDATE captures SET not_before = :until
WHERE rowid = (SELECT rowid FROM captures WHERE not_before <= :now ORDER BY not_before LIMIT 1)
RETURNING rowid, hold_id, key, body, digest
"""
# By its place in the table, where it is known: of a corrupt record, what was read may not be what is stored.
SET_ASIDE = """
INSERT OR REPLACE INTO set_aside SELECT hold_id, key, body, :reason FROM captures
WHERE rowid = coalesce(:rowid, (SELECT rowid FROM captures WHERE hold_id = :hold_id AND key = :key))
"""
DELETE = """
DELETE FROM captures
WHERE rowid = coalesce(:rowid, (SELECT rowid FROM captures WHERE hold_id = :hold_id AND key = :key))
"""
POSTPONE = "UPDATE captures SET not_before = :not_before WHERE hold_id = :hold_id AND key = :key"
FIND = "SELECT 1 FROM captures WHERE hold_id = :hold_id AND key = :key"
LONGEST_PAUSE = 3600.0  # seconds; a capture is taken for a day after its hold's end, whatever a proxy asks for
OLDEST_SQLITE = (3, 37)  # it knows STRICT and RETURNING
LOCK_TIMEOUT = 10.0  # seconds; a statement takes milliseconds


@dataclass(frozen=True)
class Capture:
    """A capture as it is sent. The same key and body take once; a key is its user's, whom the hold's id names."""

    hold_id: str
    key: str
    body: bytes

    @property
    def digest(self) -> str:
        """Shows whether the record is still what was written."""
        return hashlib.sha256(ascii((self.hold_id, self.key, self.body)).encode()).hexdigest()


@dataclass(frozen=True)
class SetAside:
    """A capture that is not sent any more: its record was corrupt, or the service refused it. `reason` says which."""

    capture: Capture
    reason: str


class Journal:
    """Captures that may or may not have been taken. It has no credentials in it."""

    def __init__(self, path: str | Path, lease: float, clock: Callable[[], float] = time.time) -> None:
        """`lease`: seconds after which a request that was begun, and never ended, is no longer under way.

        Raises RuntimeError where Python comes with an SQLite that is too old.
        """
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            raise RuntimeError(f"the journal needs SQLite 3.37 or newer, and this Python has {sqlite3.sqlite_version}")
        self._path = Path(path)
        self._lease = lease
        self.clock = clock
        with closing(sqlite3.connect(self._path, timeout=LOCK_TIMEOUT)) as database:
            database.executescript(SCHEMA)

    def begin(self, capture: Capture) -> bool:
        """Note a capture before it is sent: if this process ends now, another one sends it again.

        False if it must not be sent now: another process is sending it, or was asked to wait.
        """
        with self._transaction() as database:
            row = {**vars(capture), "digest": capture.digest, **self._turn()}
            return database.execute(BEGIN, row).rowcount == 1

    def end(self, capture: Capture) -> None:
        """Forget a capture: its outcome is known, and somebody has been told."""
        with self._transaction() as database:
            database.execute(DELETE, {**vars(capture), "rowid": None})

    def postpone(self, capture: Capture, retry_after: float | None) -> None:
        """Keep a capture whose outcome is not known; nobody sends it before `retry_after` seconds, an hour at most."""
        pause = min(retry_after or 0, LONGEST_PAUSE)
        with self._transaction() as database:
            database.execute(POSTPONE, {**vars(capture), "not_before": self.clock() + pause})

    def set_aside(self, capture: Capture, reason: str, rowid: int | None = None) -> None:
        """Keep a capture for a person to look at; it is not sent again."""
        with self._transaction() as database:
            for statement in (SET_ASIDE, DELETE):
                database.execute(statement, {**vars(capture), "reason": reason, "rowid": rowid})
        logger.error("the capture %s was set aside: %s", capture.key, reason)

    def take_due(self) -> Iterator[Capture]:
        """Each capture that is due, for this process alone to send. Those whose record is corrupt are set aside."""
        while row := self._take():
            rowid, capture, digest = row
            if capture.digest == digest:
                yield capture
            else:
                self.set_aside(capture, "the record is corrupt: it is not what was written", rowid)

    def has(self, hold_id: str, key: str) -> bool:
        """Whether the outcome of this capture is not known."""
        with self._transaction() as database:
            return database.execute(FIND, {"hold_id": hold_id, "key": key}).fetchone() is not None

    def waiting(self) -> int:
        """How many captures it has whose outcome is not known."""
        with self._transaction() as database:
            return int(database.execute("SELECT count(*) FROM captures").fetchone()[0])

    def all_set_aside(self) -> list[SetAside]:
        """What a person has to look at."""
        with self._transaction() as database:
            rows = database.execute("SELECT hold_id, key, body, reason FROM set_aside ORDER BY rowid").fetchall()
        return [SetAside(Capture(hold_id, key, body), reason) for hold_id, key, body, reason in rows]

    def _take(self) -> tuple[int, Capture, str] | None:
        with self._transaction() as database:
            rows = database.execute(TAKE, self._turn()).fetchall()
        return next(((rowid, Capture(*fields), digest) for rowid, *fields, digest in rows), None)

    def _turn(self) -> dict[str, float]:
        """From now on, and how long, a capture is this process's own."""
        now = self.clock()
        return {"now": now, "until": now + self._lease}

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        # One connection for each: they may be used by one thread alone, and must not be taken over by a fork.
        with closing(sqlite3.connect(self._path, timeout=LOCK_TIMEOUT)) as database, database:
            database.text_factory = lambda text: text.decode(errors="replace")  # of a corrupt record: any bytes
            yield database
