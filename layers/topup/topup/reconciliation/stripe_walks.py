"""Walk through one of Stripe's lists, from where the last run ended, and remember what cannot be applied.

Each object is handled once in a walk. One that fails is a failure once; from then on it is tried again in each run, and
listed, until it can be applied, Stripe forgets it, or a person says that it is settled.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from topup import store
from topup.domain import times
from topup.domain.errors import TopupError
from topup.reconciliation.reports import Part, Result
from topup.runtime import config
from topup.store.cursors import Cursor, Stuck
from topup.stripe_gateway import Listed, Page

LONGEST_WINDOW = timedelta(days=30)  # Stripe keeps events no longer
OVERLAP = timedelta(hours=1)  # an event may take a while to get into the list
BY_SCHEDULE = "schedule"
MOST_RECENT = 2000  # a record holds 400 KB; of more, some are looked at twice
MOST_RETRIES = 20  # of stuck objects in one run of a sweep: the walk needs time as well
KEPT_FOR = timedelta(days=31)  # what is settled; Stripe's lists go back for 30 days


@dataclass
class Walk:
    """How far a walk has come: up to the second `second`, and to the objects `handled` of that second.

    `until` is where the next stretch ends that it asks Stripe about, None where that is not known yet: so runs with
    little time get on where much happened. `started` is when its first run began. `request` is what a person asked for,
    None for the schedule. `recent` is what was handled, with the seconds of its creation: the next walk goes over the
    last hour again, for what is listed late.
    """

    cursor_name: str
    second: int  # epoch seconds
    started: datetime
    request: str | None
    until: int | None = None  # epoch seconds
    handled: set[str] = field(default_factory=set)
    recent: dict[str, int] = field(default_factory=dict)

    def has_handled(self, listed: Listed) -> bool:
        """Whether an earlier run of this walk has handled the object."""
        return listed.id in self.handled

    def note(self, listed: Listed) -> None:
        """The object is handled."""
        self.advance(listed.created)
        self.handled.add(listed.id)
        self.recent[listed.id] = listed.created

    def advance(self, second: int) -> None:
        """Everything before this second is handled."""
        if second > self.second:
            self.second, self.handled = second, set()

    def save(self) -> None:
        """Let the next run go on from here."""
        position = {"second": self.second, "until": self.until, "handled": dict.fromkeys(sorted(self.handled), True)}
        whose = {"started": times.to_sortable_text(self.started), "request": self.request or BY_SCHEDULE}
        store.save_cursor(self.cursor_name, position | whose)

    def complete(self) -> None:
        """Let the next run begin a new walk."""
        earliest = int((self.started - OVERLAP).timestamp())
        newest_first = sorted(self.recent.items(), key=lambda one: one[1], reverse=True)[:MOST_RECENT]
        recent = {object_id: created for object_id, created in newest_first if created >= earliest}
        completed = times.to_sortable_text(self.started)
        store.save_cursor(self.cursor_name, {"completed": completed, "recent": recent})


def begin(name: str, cursor: Cursor, now: datetime, window: timedelta, *, is_incremental: bool) -> Walk:
    """The walk that the cursor's last run has left unfinished, or a new one.

    A new one goes over the window; where it is incremental, only from a little before the last one's start. Where that
    is longer ago than the window, it goes back to there as well: since then no walk has come to its end.
    """
    if "second" in cursor:
        started = times.from_text(cursor["started"])
        return Walk(name, cursor["second"], started, cursor.get("request"), cursor.get("until"), set(cursor["handled"]))
    since = now - window
    if "completed" not in cursor:
        return Walk(name, int(since.timestamp()), now, None)
    last = max(times.from_text(cursor["completed"]) - OVERLAP, now - LONGEST_WINDOW)
    if is_incremental:
        return Walk(name, int(last.timestamp()), now, None, recent=dict(cursor["recent"]))
    return Walk(name, int(min(since, last).timestamp()), now, None)


def begin_by_hand(name: str, cursor: Cursor, now: datetime, window: timedelta, request: str) -> Walk:
    """The same for a person's request: repeated, it goes on; another one begins anew."""
    unfinished = cursor if cursor.get("request") == request else {}
    return replace(begin(name, unfinished, now, window, is_incremental=False), request=request)


@dataclass
class StripeSweep:
    """One of Stripe's lists: how to read it, and how to apply an object of it, just listed or asked for by its id."""

    part: Part
    pages: Callable[[int, int, int | None], Iterator[Page]]
    apply: Callable[[Listed], Result]
    apply_by_id: Callable[[str], Result]
    stuck: dict[str, Stuck]

    def run(self, walk: Walk) -> None:
        """Try again what is stuck, and walk on."""
        known = self.stuck.keys() | walk.recent.keys()
        self._retry_stuck()
        if self._walk(walk, known):
            walk.complete()
        for stuck in self.stuck.values():
            if not stuck.is_settled:
                self.part.report.list_stuck(stuck)

    def _walk(self, walk: Walk, known: set[str]) -> bool:
        """False where time ran out."""
        pages = self.pages(walk.second, int(self.part.begun_at.timestamp()), walk.until)
        while self.part.has_time():
            page = next(pages, None)
            if page is None:
                return True
            for listed in page.objects:
                if walk.has_handled(listed):
                    continue
                if not self.part.has_time():
                    walk.save()
                    return False
                if listed.id in known:
                    self.part.count(Result.NOTHING_TO_DO)
                else:
                    self._handle(listed.id, lambda listed=listed: self.apply(listed))  # type: ignore[misc]
                walk.note(listed)
            walk.advance(page.complete_until)
            walk.until = page.next_until
            if page.objects:
                walk.save()
        walk.save()
        return False

    def _retry_stuck(self) -> None:
        mode = config.is_livemode()  # with the other mode's key Stripe would say that it has forgotten the object
        waiting = [one for one in self.stuck.values() if not one.is_settled and one.livemode in (None, mode)]
        for stuck in sorted(waiting, key=lambda stuck: stuck.tried_at)[:MOST_RETRIES]:
            if not self.part.has_time():
                return
            object_id = stuck.object_id
            self._handle(object_id, lambda object_id=object_id: self.apply_by_id(object_id))  # type: ignore[misc]
        for stuck in [*self.stuck.values()]:
            if stuck.is_settled and self.part.now - stuck.first_seen > KEPT_FOR:
                self._forget(stuck)

    def _handle(self, object_id: str, apply: Callable[[], Result]) -> None:
        known = self.stuck.get(object_id)
        try:
            result = apply()
        except Exception as error:
            self.part.tally.found += 1
            if known is None:
                self.part.failed()
            self._remember(object_id, error)
        else:
            self.part.count(result)
            if known:
                self._forget(known)

    def _remember(self, object_id: str, error: Exception) -> None:
        now = self.part.now
        known = self.stuck.get(object_id)
        # The text of any other error may quote what is private.
        reason = f"{type(error).__name__}: {error}" if isinstance(error, TopupError) else type(error).__name__
        first_seen = known.first_seen if known else now
        stuck = Stuck(
            sweep=self.part.name,
            object_id=object_id,
            reason=reason,
            first_seen=first_seen,
            tried_at=now,
            livemode=config.is_livemode(),
        )
        store.remember_stuck(stuck)
        self.stuck[object_id] = stuck

    def _forget(self, stuck: Stuck) -> None:
        store.forget_stuck(stuck)
        del self.stuck[stuck.object_id]
