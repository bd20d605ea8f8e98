"""A shadow of the tables: each user's account and each payment, parsed, after every commit.

Each commit is checked as it happens: by production's audit of the user and the payment that it changed, and by rules
about the change itself, which a single state cannot show.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.simulation import (
    offers,
    rules_of_erasures,
    rules_of_holds,
    rules_of_imports,
    rules_of_quotes,
    rules_of_reports,
)
from tests.simulation.database import Database
from tests.simulation.invocations import Invocation, Invocations
from tests.simulation.newer_version import NewerVersion
from tests.simulation.rules import (
    Violation,
    check_answer,
    check_bounds,
    check_campaign,
    check_draw_order,
    check_end,
    check_forward,
    check_taken_once,
    check_version,
    is_adjustment_down,
    name_of,
    open_lots,
)
from tests.simulation.rules_of_erasures import Erasures, Move
from tests.simulation.rules_of_lines import Lines
from tests.simulation.scheduler import Scheduler
from tests.simulation.walks import Walks
from topup.domain import audit
from topup.domain.audit import Account, PaymentLedger
from topup.domain.credits import CAPTURES, Entry, TransactionType, Wallet
from topup.domain.lots import Lot
from topup.domain.orders import Order, ReleaseAction
from topup.domain.payments import Payment
from topup.domain.reversals import Reversal, ReversalStatus
from topup.store import clawback_items, credit_items, cursors, hold_items, misplaced, order_items, reversed_spends

if TYPE_CHECKING:
    from datetime import datetime

TOO_MUCH = re.compile(r": refunded \d+ of \d+$")
CLAWS = (TransactionType.REFUNDED, TransactionType.DISPUTED)
NEW_CREDITS = {
    TransactionType.PURCHASED: "a purchase",
    TransactionType.GRANTED: "a grant",
    TransactionType.ADJUSTED: "an adjustment",
}
LONG_CHANGES = {
    TransactionType.SPENT: "a spend",
    TransactionType.ADJUSTED: "an adjustment",
    TransactionType.REFUNDED: "a claw-back",
    TransactionType.DISPUTED: "a claw-back",
}


@dataclass
class Versions:
    """One user's account, or one payment, after each commit that changed it.

    `begins` is the first state that counts: those before it are of a user who has been erased since.
    """

    numbers: list[int] = field(default_factory=list)
    states: list[Any] = field(default_factory=list)
    begins: int = 0

    def add(self, number: int, state: Any) -> None:
        self.numbers.append(number)
        self.states.append(state)

    @property
    def last(self) -> Any:
        return self.states[-1] if self.states else None

    @property
    def own(self) -> "Versions":
        """The states of this wallet alone, without those of one that was erased."""
        return Versions(self.numbers[self.begins :], self.states[self.begins :]) if self.begins else self

    def begin_anew(self, number: int, state: Any) -> None:
        """Let another wallet begin: the states until now are of one that stands under a pseudonym."""
        self.add(number, state)
        self.begins = len(self.states) - 1

    def between(self, first: int, last: int) -> Iterator[Any]:
        """Every state from commit `first` to commit `last`; None if it did not exist yet."""
        before = None
        for number, state in zip(self.numbers, self.states, strict=True):
            if number <= first:
                before = state
            elif number <= last:
                yield before
                before = state
        yield before


class Shadow:
    """The parsed tables, and their history by commit."""

    def __init__(self, database: Database, scheduler: Scheduler, invocations: Invocations) -> None:
        self._database, self._scheduler, self._invocations = database, scheduler, invocations
        self._parsed: dict[int, tuple[Any, Any]] = {}  # by identity; the item is kept so that its id is not reused
        self.commit = 0
        self.accounts: dict[str, Versions] = {}
        self.payments: dict[str, Versions] = {}
        self._long_changes: dict[str, Invocation | None] = {}  # by user: who made the last change of their credits
        self.latest = scheduler.now  # the latest time that an invocation has used as now: clocks differ a little
        self.hit: Callable[[str], None] = lambda _name: None
        self.setbacks: Callable[[Payment, Payment], Iterator[str]] = lambda _before, _after: iter(())
        self.newer, self.walks = NewerVersion(database), Walks()
        self.lines = Lines(scheduler, invocations)
        self.erasures = Erasures(database, invocations)
        self.times: dict[int, datetime] = {}  # of each commit
        self.on_sale: list[dict[str, Any]] = []  # the files of all catalogues of this run until now
        self.erased: Callable[[str, Account], None] = lambda _user, _account: (
            None
        )  # whose records are a pseudonym's now
        self.sessions: Mapping[str, Any] = {}  # at Stripe, by their ids
        self.lost_refunds: set[str] = set()  # payments of whose refunds a restored table knows less, and Stripe nothing
        self.lost_releases: set[str] = set()  # payments whose credits a person granted, as only a lost record knew
        self.is_restored = False  # the orders alone are older than the credits, until reconcile has repaired them

    def written(self, touched: set[tuple[str, str]]) -> None:
        """Check a commit; raises Violation."""
        self._next_commit()
        if (author := self._invocations.author) and author.function == "quote_refund":
            raise Violation(f"a quote has written {touched}")
        rules_of_reports.check_written(author, touched)
        touched = touched - self._moved(touched)
        for table, partition in sorted(touched):
            if table == self._database.credits:
                self._account(partition)
            elif partition == cursors.PARTITION:
                self.walks.check(self._database.items(table)[partition], self._scheduler.now)
            else:
                self._payment(partition)
        for table, partition in sorted(touched):
            self._audit(table, partition)
        self.newer.check(touched)

    def _next_commit(self) -> None:
        self.commit += 1
        self.times[self.commit] = self._scheduler.now

    def restored(self) -> None:
        """The table of orders has been replaced by an older copy."""
        self._next_commit()
        self.is_restored = True
        self.newer.forget(self._database.orders)
        self.walks.forget()
        for payment_id in self.payments:
            self._payment(payment_id, is_restored=True)

    def account(self, user_id: str) -> Account | None:
        versions = self.accounts.get(user_id)
        return versions.last if versions else None

    def payment(self, payment_id: str) -> Payment | None:
        versions = self.payments.get(payment_id)
        return versions.last if versions else None

    def lives(self, user_id: str) -> Iterator[Account]:
        """The user's account, and those that were the user's before they were erased."""
        names = (user_id, *self.erasures.pseudonyms_of(user_id))
        return (account for name in names if (account := self.account(name)))

    # ------------------------------------------------------------------------------------------------- erasing

    def _moved(self, touched: set[tuple[str, str]]) -> set[tuple[str, str]]:
        """What a commit has written of users whose records move: while these are in two places they are no account."""
        of_credits = {partition for table, partition in touched if table == self._database.credits}
        moved = self.erasures.written(of_credits)
        for move in self.erasures.ended(of_credits):
            self._erased(move)
        return {(self._database.credits, partition) for partition in moved}

    def _erased(self, move: Move) -> None:
        """The records of a user stand under a pseudonym: it has the user's history, and the user begins anew."""
        versions, account = self.accounts[move.user], self._read_account(move.pseudonym)
        payments = [one.last for one in self.payments.values() if one.last.order.user_id == move.pseudonym]
        self.erasures.check(move, account, self.payments.values())
        old = versions.own
        self.accounts[move.pseudonym] = Versions([*old.numbers, self.commit], [*old.states, account])
        versions.begin_anew(self.commit, Account(move.user, Wallet(user_id=move.user)))
        move.ended = self.commit
        self.lines.erased(move.user, self._database.items(self._database.credits).get(move.user, {}))
        self.newer.forget(self._database.credits, move.user)
        self.erased(move.user, account)
        self._audit(self._database.credits, move.pseudonym)
        for payment in payments:
            self._audit(self._database.orders, payment.order.payment_id)

    # ------------------------------------------------------------------------------------------------- parsing

    def _account(self, user_id: str) -> None:
        account = self._read_account(user_id)
        versions = self.accounts.setdefault(user_id, Versions())
        before = versions.last or Account(user_id, Wallet(user_id=user_id))
        versions.add(self.commit, account)
        check_version(before.wallet, account.wallet)
        if account.wallet.moves_to:
            self.erasures.begin(account, self.commit, self.payments.values())
        self._check_services(before, account)
        self.lines.check(user_id, self._database.items(self._database.credits).get(user_id, {}), before, account)
        self._note_long_changes(before.wallet, account.wallet)
        state = before
        for entry in account.entries[len(before.entries) :]:
            self._check_entry(state, entry, account)
            # A batch has several entries, each of which finds what the one before has left.
            moved = [replace(lot, remaining=lot.remaining + entry.moves.get(lot.lot_id, 0)) for lot in state.lots]
            state = replace(state, lots=moved, entries=[*state.entries, entry])

    def _read_account(self, user_id: str) -> Account:
        account, lots = Account(user_id, Wallet(user_id=user_id)), []
        for record, item in self._database.items(self._database.credits).get(user_id, {}).items():
            if record.startswith((credit_items.LOT, credit_items.EMPTY_LOT)):
                lots.append((record, self._parse(item, credit_items.lot_from_item, misplaced.lot)))
            else:
                self._add_record(account, record, item)
        # A change of many lots counts as a whole from its first transaction on.
        unfinished = account.wallet.unfinished
        if missing := unfinished.keys() - {record for record, _ in lots}:
            raise Violation(f"user {user_id}: these lots have still to be changed, and are not there: {missing}")
        account.lots = [replace(lot, remaining=unfinished.get(record, lot.remaining)) for record, lot in lots]
        account.timed_lots |= {record.rpartition("#")[2] for record in unfinished}
        account.entries.sort(key=lambda entry: entry.number)
        return account

    def _check_services(self, before: Account, after: Account) -> None:
        """Check holds, batches and spends given back, at the time of the request that wrote."""
        author = self._invocations.author
        about = author.about if author else {}
        new = after.entries[len(before.entries) :]
        is_free_to_take = any(rules_of_holds.may_take_held(entry, is_forced=about.get("force", True)) for entry in new)
        now = about.get("now", self._scheduler.now)
        if author and author.function == "spend_credits":
            # It may write the spends of requests that came later, too.
            now = max([now, *(entry.created_at for entry in new)])
        rules_of_holds.check_holds(before, after, now, takes_back=is_free_to_take)
        rules_of_holds.check_returned(before, after)
        if author and author.function == "spend_batch" and new:
            rules_of_holds.check_batch(after, about["items"])
        if rules_of_holds.uncovered(after, now) > rules_of_holds.uncovered(before, now):
            self.hit("a claw-back takes held credits")

    def _add_record(self, account: Account, record: str, item: Any) -> None:
        if record == credit_items.WALLET:
            parse = partial(credit_items.wallet_from_item, account.user_id)
            account.wallet = self._parse(item, parse, misplaced.other_credits)
        elif record.startswith(credit_items.ENTRY):
            account.entries.append(self._parse(item, credit_items.entry_from_item, misplaced.other_credits))
        elif record.startswith(credit_items.CLAWBACK):
            out = self._parse(item, clawback_items.clawback_from_item, misplaced.other_credits)
            account.clawbacks[out.payment_id] = out
        elif record.startswith((hold_items.OPEN_HOLD, hold_items.HOLD)):
            account.holds.append(self._parse(item, hold_items.hold_from_item, misplaced.hold))
        elif record.startswith(credit_items.REVERSED_SPEND):
            account.reversed_spends.append(self._parse(item, reversed_spends.from_item, misplaced.other_credits))
        elif record.startswith(credit_items.TIMER):
            account.timed_lots.add(record.removeprefix(credit_items.TIMER))

    def _payment(self, payment_id: str, *, is_restored: bool = False) -> None:
        payment = self._stored_payment(payment_id)
        versions = self.payments.setdefault(payment_id, Versions())
        before = versions.last
        versions.add(self.commit, payment)
        if not self.is_restored:
            check_bounds(payment.order)
        rules_of_erasures.check_buyer(self._invocations.author, payment.order)
        if before is None and (author := self._invocations.author):
            offers.check_order(payment.order, author.about, self.on_sale)
            self._note_sold(payment.order)
        if before is not None and is_restored:
            if _unknown_to_stripe(before) != _unknown_to_stripe(payment):
                self.lost_refunds.add(payment_id)
            if _fulfilled(before.order) - _fulfilled(payment.order):
                self.lost_releases.add(payment_id)
        elif before is not None:
            check_forward(self.erasures.renamed(before.order, payment.order), payment.order)
            check_end(before.order, payment.order, self.sessions)
            self._check_reversals(before, payment)
            self._note_begun(before, payment)
            if len(_in_flight(before)) > len(_in_flight(payment)):
                self._by("reconcile", "reconcile finishes a refund in flight")

    def _stored_payment(self, payment_id: str) -> Payment:
        order = None
        reversals: list[Reversal] = []
        for record, item in sorted(self._database.items(self._database.orders).get(payment_id, {}).items()):
            if record == order_items.ORDER:
                order = self._parse(item, order_items.order_from_item, misplaced.order)
            else:
                reversals.append(self._parse(item, order_items.reversal_from_item, misplaced.reversal))
        if order is None:
            raise Violation(f"payment {payment_id}: a record without its order")
        return Payment(order, sorted(reversals, key=lambda one: one.created_at))

    def _check_reversals(self, before: Payment, after: Payment) -> None:
        if found := [*self.setbacks(before, after)]:
            raise Violation("; ".join(found))
        if (account := self.account(after.order.user_id)) and not self.is_restored:
            check_taken_once(before.order, after.order, account)

    def _note_begun(self, before: Payment, after: Payment) -> None:
        """A refund whose request is told to try again would be made twice."""
        author = self._invocations.author
        known = {one.reversal_id for one in before.reversals}
        # Besides, the request may find refunds at Stripe that nobody has requested here.
        new = [one for one in after.reversals if one.request_fingerprint and one.reversal_id not in known]
        if author is None or author.function != "refund_payment" or not new:
            return
        [begun] = new
        author.about["begun"] = begun.reversal_id
        check_answer(author, after)
        if quoted := author.about["quoted"]:
            rules_of_quotes.check_begun(quoted, begun.amount_minor, before.order, after.order)
            self.hit("a refund does what its quote said")

    def _parse(self, item: Any, parse: Any, find_faults: Callable[[Any], Iterator[str]]) -> Any:
        """The value of a record; raises Violation where it is stored so that nothing would find it."""
        known = self._parsed.get(id(item))
        if known is None:
            if faults := "; ".join(find_faults(item)):
                raise Violation(faults)
            known = self._parsed[id(item)] = (item, parse(item))
        return known[1]

    # ------------------------------------------------------------------------------------------------- checking

    def _audit(self, table: str, partition: str) -> None:
        if partition == cursors.PARTITION:
            return
        now = max(self._scheduler.now, self.latest)
        if table == self._database.credits:
            findings = audit.audit_account(self.accounts[partition].last, now)
        else:
            payment: Payment = self.payments[partition].last
            if self.is_restored or self.erasures.is_moving(payment.order.user_id):
                return
            account = self.account(payment.order.user_id)
            ledgers = audit.payment_ledgers(account, now) if account else {}
            findings = audit.audit_payment(payment, ledgers.get(partition, PaymentLedger()))
            # If one refund fails and another replaces it, the updates may arrive in the other order. The end will show.
            if findings and all(TOO_MUCH.search(finding) for finding in findings):
                self.hit("a refund is reported before another's failure")
                return
        if findings:
            raise Violation("; ".join(findings))

    def _check_entry(self, before: Account, entry: Entry, after: Account) -> None:
        lots = {lot.lot_id: lot for lot in before.lots}
        moved = [lots[lot_id] for lot_id in entry.moves if lot_id in lots]
        if rules_of_holds.pays_debt(entry):
            self.hit(rules_of_holds.check_paid(entry, before, after))
        elif entry.transaction_type is TransactionType.SPENT or is_adjustment_down(entry):
            check_draw_order(entry, open_lots(before, entry.created_at))
            self._note_drawn(entry, moved, after)
        elif entry.transaction_type is TransactionType.EXPIRED:
            self._expired(entry, moved, after)
        elif entry.transaction_type in CLAWS:
            self._claw_back(entry, lots, before, after)
        elif entry.transaction_type in NEW_CREDITS:
            check_campaign(before, entry)
            rules_of_imports.check_once(before, entry, self._invocations.author)
            self._check_bought(entry, after)
            if entry.debt_change < 0:
                self.hit(f"{NEW_CREDITS[entry.transaction_type]} pays debt")
        else:
            self._returned(entry, moved)

    def _expired(self, entry: Entry, moved: list[Lot], after: Account) -> None:
        self._by("reconcile", "the sweep expires a lot that the stream has lost")
        if not all(lot.is_expired(entry.created_at) for lot in moved):
            raise Violation(f"{name_of(entry)}: a lot expired too early")
        if owed := after.wallet.debts.get(CAPTURES):
            raise Violation(f"{name_of(entry)}: credits expired that would have paid {owed} of what captures owe")

    def _check_bought(self, entry: Entry, after: Account) -> None:
        payment = self.payment(entry.payment_id) if entry.payment_id else None
        if entry.transaction_type is TransactionType.PURCHASED and payment:
            [lot] = [one for one in after.lots if one.lot_id in entry.moves]
            offers.check_lot(entry, lot, payment.order.valid_months)

    def _note_sold(self, order: Order) -> None:
        if order.package_id in ("any", "monthly", "forever"):
            self.hit(f"a purchase of a package: {order.package_id}")

    def _note_drawn(self, entry: Entry, moved: list[Lot], after: Account) -> None:
        if any(lot.expires_at is None for lot in moved):
            self.hit("credits that never expire are taken")
        if after.wallet.unfinished:
            self.hit(f"{LONG_CHANGES[entry.transaction_type]} takes more lots than one transaction holds")

    def _returned(self, entry: Entry, moved: list[Lot]) -> None:
        if any(lot.is_expired(entry.created_at) for lot in moved):
            raise Violation(f"{name_of(entry)}: credits came back to a lot that had expired")
        if len(moved) < len(entry.moves):
            self.hit("credits come back as a new lot, because theirs has lapsed")
        if any(lot.remaining == 0 for lot in moved):
            self.hit("credits come back to a lot that was used up")

    def _note_long_changes(self, before: Wallet, after: Wallet) -> None:
        """Note who finishes a change of many lots: often not the invocation that made it."""
        current, user = self._invocations.current, after.user_id
        if before.unfinished and self._long_changes.get(user) is not current:
            self.hit("a change of many lots is finished by another request")
        if after.last_entry > before.last_entry:
            self._long_changes[user] = current

    def _by(self, function: str, name: str) -> None:
        """Note the event if this function has just written."""
        invocation = self._invocations.current
        if invocation is not None and invocation.function == function:
            self.hit(name)

    def _claw_back(self, entry: Entry, lots: dict[str, Lot], before: Account, after: Account) -> None:
        own = lots.get(entry.payment_id or "")
        others = [lot_id for lot_id in entry.moves if lot_id != entry.payment_id]
        left_open = open_lots(after, entry.created_at)
        if others and own is not None and any(lot.lot_id == own.lot_id for lot in left_open):
            raise Violation(f"{name_of(entry)}: other lots were taken from while the payment's own had some left")
        if entry.debt_change > 0 and left_open:
            raise Violation(f"{name_of(entry)}: debt was made while {left_open[0].lot_id} had some left")
        if any(lots[lot_id].is_expired(entry.created_at) for lot_id in entry.moves):
            raise Violation(f"{name_of(entry)}: credits were clawed back from a lot that had expired")
        if others:
            self.hit("a claw-back takes from other lots")
            self._note_drawn(entry, [lots[lot_id] for lot_id in others], after)
        author = self._invocations.author
        is_begun_here = author is not None and entry.cause.actor.startswith("admin:")
        if is_begun_here and author and not author.about["force"]:
            there = sum(lot.remaining for lot in open_lots(before, entry.created_at)) - before.wallet.debt
            if -entry.amount > max(0, there - rules_of_holds.held_at(before, entry.created_at)):
                raise Violation(f"{name_of(entry)}: a refund without force took credits that are spent, held or owed")
        if is_begun_here and author and (quoted := author.about.get("quoted")):
            rules_of_quotes.check_taken(quoted, entry, lots)


def _unknown_to_stripe(payment: Payment) -> list[Reversal]:
    """Refunds that Stripe may never have heard of, so that nothing tells a restored table of them."""
    return [one for one in payment.reversals if one.stripe_id is None]


def _fulfilled(order: Order) -> set[str]:
    """Refused payments whose credits an administrator has granted: Stripe tells a restored table nothing of that."""
    return {one.intent for one in order.releases if one.action is ReleaseAction.FULFIL and one.is_done}


def _in_flight(payment: Payment) -> list[Reversal]:
    return [one for one in payment.reversals if one.status is ReversalStatus.IN_FLIGHT]
