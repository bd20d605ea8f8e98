"""Operators' commands, killed at any call and run again: an import, the erasure of a person; and the daily report."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.client import session_of
from ops.errors import CannotRunError
from ops.imports import command as importing
from ops.imports import lots
from ops.imports.rows import Row
from ops.imports.staging import staged
from ops.person import erase
from tests.simulation import rules_of_imports, rules_of_reports
from tests.simulation.actions import DAY, USERS, Json, Purchase
from tests.simulation.database import ANY
from tests.simulation.faults import Fault
from tests.simulation.grants import NEVER
from tests.simulation.notices import Notices
from tests.simulation.operations import Operations
from tests.simulation.rules import Violation
from tests.simulation.rules_of_erasures import ERASE
from tests.simulation.rules_of_imports import IMPORT
from tests.simulation.rules_of_reports import REPORT
from topup.domain.errors import Busy
from topup.store import LostRace, UnknownWrite

MOST_RUNS = 6  # of a command; the last one has no faults
SOON = 3.0  # seconds until the operator runs it again
AN_HOUR = 3600.0
FAILURES = (CannotRunError, ClientError, BotoCoreError, LostRace, UnknownWrite)  # what the command tells the operator


class Commands(Operations):
    """All other actions, and the commands."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._rows = 0
        self._notices = Notices()
        self._is_reporting = False

    # ---------------------------------------------------------------------------------------------------- importing

    def import_credits(
        self,
        *,
        rows: list[list[Any]],
        later: int,
        kills: list[list[Any]],
        twice: float | None,
        spends: bool,
        differs: bool,
    ) -> None:
        """A file is imported, by two at once where `twice` says so; then the file with some more rows."""
        file = self._file(rows)
        first = file[: len(file) - later]

        def run() -> None:
            if twice is not None:
                self._begin(partial(self._import, first, []), twice)
                self._world.hit("two runs of an import at once")
            if spends:
                for after in (0.05, 0.15, 0.4):
                    self._spend(USERS[rows[0][0]], 0.5, 2, after=after)
            self._import(first, kills)
            if later:
                self._import(file, [])
            if differs:
                self._import_another(file)

        self._begin(run)

    def _file(self, rows: list[list[Any]]) -> list[Row]:
        return [self._row(number + 2, *row) for number, row in enumerate(rows)]

    def _row(self, line: int, user: int, credits: int, days: float | None, paid: int, currency: str | None) -> Row:
        """A row; its lot falls into one of the index's shards that a run reads."""
        name = USERS[user]
        expires_at = (self._world.scheduler.now + timedelta(days=days)).replace(microsecond=0) if days else None
        while True:
            self._rows += 1
            row = Row(
                line=line,
                user_id=name,
                credits=credits,
                expires_at=expires_at,
                paid_minor=paid,
                currency=currency,
                external_id=f"{name} {self._rows}",
            )
            if lots.lot_of(row).lot_id[0] in self._world.shards:
                return row

    def _import(self, file: Sequence[Row], kills: list[list[Any]]) -> None:
        """Run it until it is complete, and check what is there."""

        def take_over() -> importing.Result:
            begun = self._world.shadow.commit
            result = _taken_over(file, self._now)
            has_moved = any(self._world.shadow.erasures.has_moved_since(row.user_id, begun) for row in file)
            if result.is_well:
                rules_of_imports.check_done(self._world.shadow, file, result.lines, begun)
            elif not has_moved:
                raise Violation(f"an import that is run again says: {result.lines}")
            return result

        begun = self._world.shadow.commit
        result = self._run(IMPORT, take_over, kills)
        if result is None and not any(self._world.shadow.erasures.has_moved_since(row.user_id, begun) for row in file):
            raise Violation("an import without faults does not come to its end")
        if result and kills:
            self._world.hit("an import was killed, and is complete")

    def _now(self) -> datetime:
        return self._world.scheduler.now

    def _import_another(self, file: Sequence[Row]) -> None:
        """A file in which a row has other credits than were imported is refused as a whole."""
        other = [*file[:-1], Row(**{**vars(file[-1]), "credits": file[-1].credits + 1})]

        def take_over() -> importing.Result:
            commit = self._world.shadow.commit
            result = _taken_over(other, self._now)
            has_moved = self._world.shadow.erasures.has_moved_since(file[-1].user_id, 0)
            if not has_moved and (result.is_well or "imported before" not in result.lines[0]):
                raise Violation(f"after commit {commit} a file that contradicts the ledger was taken: {result.lines}")
            return result

        self._run(IMPORT, take_over, [])

    # ---------------------------------------------------------------------------------------------------- erasing

    def erase_person(
        self,
        *,
        user: int,
        days: float,
        kills: list[list[Any]],
        twice: float | None,
        beside: list[list[Any]],
        afterwards: list[str],
    ) -> None:
        """A user is erased while something is under way, and appears again."""
        name = USERS[user]
        if days:
            self._world.pass_time(days * DAY)

        def run() -> None:
            repeated = self._beforehand(name, [*afterwards, *(what for _, what in beside)])
            for after, what in beside:
                self._begin(partial(self._meanwhile, what, user, repeated), after)
            if twice is not None:
                self._begin(partial(self._run, ERASE, partial(self._erase, name), []), twice)
                self._world.hit("two runs of an erasure at once")
            if self._run(ERASE, partial(self._erase, name), kills) and kills:
                self._world.hit("an erasure was killed, and is complete")
            for number, what in enumerate(afterwards):
                self._begin(partial(self._meanwhile, what, user, repeated), 10.0 * (number + 1))

        self._begin(run)

    def _erase(self, name: str) -> bool:
        """What person-erase does once it is confirmed; False where there is nothing."""
        try:
            person = erase.load(name)
        except CannotRunError as error:
            if "nothing is stored" in str(error):
                return False
            raise
        pseudonym = person.account.wallet.moves_to
        if pseudonym is None:
            erase.check_ended(person, None)
            pseudonym = erase.lock(person)
        else:
            self._world.hit("an erasure goes on where it was interrupted")
        erase.erase(name, pseudonym)
        self._world.hit("a user is erased")
        return True

    def _beforehand(self, name: str, wanted: list[str]) -> dict[str, Callable[[], Any]]:
        """Requests that are sent again once the user's keys are forgotten."""
        repeated: dict[str, Callable[[], Any]] = {}
        if "spend again" in wanted:
            repeated["spend again"] = self._spending(name, 1, 2)
            repeated["spend again"]()
        if "create again" in wanted:
            repeated["create again"] = partial(self._create, name, "standard", self._key(name), 2)
            created = repeated["create again"]()
            if created and created.status == 200:
                self._cancel(Purchase(name, created.document["payment_id"], session_of(created.document)), 3)
        return repeated

    def _meanwhile(self, what: str, user: int, repeated: dict[str, Callable[[], Any]]) -> None:
        """One thing that happens while a user is erased, or after it; nothing where there is nothing to do it with."""
        name = USERS[user]
        rows: list[list[Any]] = [[user, 40, None, 0, None], [user, 3, 40.0, 250, "EUR"]]
        then: list[list[Any]] = [["capture", 0.1, 0.5]]
        bought = [number for number, one in enumerate(self.purchases) if one.user == name and one.intent]
        does: dict[str, Callable[[], Any]] = {
            **repeated,
            "spend": lambda: self._spend(name, 0.3, 3),
            "crowd": lambda: self.spend(user=user, share=0.1, tries=3, times=3, twice=False),
            "grant": lambda: self._give(name, 50, NEVER),
            "buy": lambda: self._buy_another(user),
            "hold": lambda: self._hold(name, 0.3, 40, "available", 3, twice=False, then=then),
            "read": lambda: self._read_credits(name),
            "report": lambda: self._report([], 900.0),
            "import": lambda: self._import(self._file(rows), []),
        }
        if bought:
            does["dispute"] = lambda: self.dispute(which=bought[0], share=None, inquiry=False)
            does["dashboard refund"] = lambda: self.dashboard_refund(which=bought[0], share=0.37, pending=False)
        if what in does:
            does[what]()

    # ---------------------------------------------------------------------------------------------------- reporting

    def daily_report(self, *, kills: list[list[Any]], seconds: float, busy: list[list[float]]) -> None:
        """The report is made while users spend, in several runs where one dies or has not enough time."""
        self._is_reporting = True
        for user in range(len(USERS)):
            for after, share in busy:
                self._spend(USERS[user], share, 2, after=after)
        self._begin(partial(self._report, kills, seconds))

    def _report(self, kills: list[list[Any]], seconds: float) -> Json | None:
        """Run it every hour until it is done."""
        report: Json | None = None
        with self._notices.taken():
            for number in range(MOST_RUNS):
                self._kill(REPORT, kills[number : number + 1])
                is_last = number == MOST_RUNS - 1
                with self._world.faults.suspended(is_last), suppress(Busy, ClientError, BotoCoreError):
                    report = self._world.clients.invoke(REPORT, {}, timeout=900.0 if is_last else seconds)
                if report and report["is_read"]:
                    break
                self._world.scheduler.pause(AN_HOUR)
        if report and self._may_audit:
            self._world.hit("a daily report is made")
            rules_of_reports.check_audit(report)
        rules_of_reports.check_notices(self._notices.told)
        return report

    @property
    def _may_audit(self) -> bool:
        """Not where the tables do not agree, and a person is to hear of it."""
        known = ("the table of orders is restored alone", "a refund is reported before another's failure")
        return not any(self._world.hits[name] for name in known)

    def report_at_the_end(self) -> None:
        """The report of a day on which nothing happens any more; raises Violation."""
        if not self._is_reporting:
            return
        now = self._world.scheduler.now
        report = self._world.run_now(lambda: self._report([], 900.0))
        if report is None or not report["is_read"]:
            raise Violation(f"the daily report does not come to its end: {report}")
        if report["began"] >= now.isoformat()[:19]:
            accounts = [versions.last for versions in self._world.shadow.accounts.values()]
            rules_of_reports.check_figures(report, accounts, now)
            self._world.hit("the figures of a daily report are those of the ledger")

    # ---------------------------------------------------------------------------------------------------- common

    def _run(self, name: str, run: Callable[[], Any], kills: list[list[Any]]) -> Any:
        """Run a command until it ends; each of the first runs dies as `kills` says."""
        for number in range(MOST_RUNS):
            if number:
                self._world.scheduler.pause(SOON if number < MOST_RUNS / 2 else AN_HOUR)
            self._kill(name, kills[number : number + 1])
            with self._world.faults.suspended(number == MOST_RUNS - 1):
                result = self._world.clients.command(name, partial(_tried, run), now=self._world.scheduler.now)
            if result is not None:
                return result
        return None

    def _kill(self, name: str, kills: Sequence[Sequence[Any]]) -> None:
        planned = self._world.database.planned
        planned[:] = [one for one in planned if one[0] != name]
        for calls, fault in kills:
            planned += [(name, ANY, None)] * calls
            planned.append((name, ANY, Fault(fault)))


def _taken_over(file: Sequence[Row], clock: Callable[[], datetime]) -> importing.Result:
    with staged() as rows:
        for row in file:
            rows.add(row)
        return importing.take_over(rows, clock, is_dry=False)


def _tried(run: Callable[[], Any]) -> Any:
    """The command's result; None where it tells the operator to run it again."""
    try:
        return run()
    except FAILURES:
        return None
