"""`person-erase`: let a user's records stand under a pseudonym, without the words that people wrote.

Money, credits and dates stay: the books need them. The user's wallet is locked first, so that nothing changes while the
records move; a command that was interrupted is run again, and goes on.
"""

import sys
import uuid
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ops import make, opened
from ops.errors import CannotRunError
from ops.person.documents import ELSEWHERE
from topup import store
from topup.domain.audit import Account
from topup.domain.holds import HoldStatus
from topup.domain.reversals import ReversalStatus
from topup.store import LostRace, UnknownWrite, order_items, persons, scans
from topup.store.attributes import Item

NO_ANSWER = "DynamoDB did not answer for minutes: run it again; if nothing is stored about the user then, it is done"


@dataclass(frozen=True)
class Person:
    """What is stored about a user; the records of each payment, by its id."""

    account: Account
    payments: Mapping[str, Sequence[Item]]

    @property
    def user_id(self) -> str:
        return self.account.user_id


def run(options: Namespace) -> int:
    if not options.user:
        raise CannotRunError("name the user: --user ID (make: USER=)")
    with opened.stack(options, with_stripe=False):
        person = load(options.user)
        pseudonym = person.account.wallet.moves_to
        if pseudonym is None:
            check_ended(person, options.stack)
            if not _is_confirmed(person, is_sure=options.yes):
                print("nothing was erased", file=sys.stderr)
                return 1
            pseudonym = lock(person)
        moved = erase(options.user, pseudonym)
    print(f"{options.user}: {moved} records and {len(person.payments)} payments stand under {pseudonym} now")
    print("not reached:", *(f"- {place}" for place in ELSEWHERE), sep="\n")
    print(f"next: {make.command('audit', options.stack)}")
    return 0


def load(user_id: str) -> Person:
    """All that is stored about a user; raises CannotRunError where nothing is, or where it changes all the time.

    Also for the pseudonym of somebody who is being erased.
    """
    if (user := persons.user_behind(user_id)) is not None:
        raise CannotRunError(f"{user_id} is the pseudonym of {user}, who is being erased: name {user}")
    account = store.load_account(user_id)
    if account is None:
        raise CannotRunError(f"the credits of {user_id} changed at every try to read them: run it again")
    payments = {payment_id: scans.payment_records(payment_id) for payment_id in persons.payments_of(user_id)}
    if not payments and account.wallet.version == 0 and not any(True for _ in persons.credits_of(user_id)):
        raise CannotRunError(f"nothing is stored about {user_id}: check the id, in capitals and small letters too")
    return Person(account, payments)


def check_ended(person: Person, stack: str | None) -> None:
    """Raise CannotRunError where something is under way; `stack`: for the commands that it names."""
    if obstacles := list(_obstacles(person, stack)):
        raise CannotRunError("\n".join([f"{person.user_id} cannot be erased yet:", *obstacles]))


def _obstacles(person: Person, stack: str | None) -> Iterator[str]:
    """What is under way, which must end first."""
    if person.account.wallet.unfinished:
        yield "- their last change is not written to all lots yet: any spend or grant finishes it"
    for hold in person.account.holds:
        if hold.status is HoldStatus.OPEN:
            yield f"- hold {hold.hold_id} is open until {hold.ends_at:%Y-%m-%dT%H:%M:%SZ}: release it, or wait"
    find = make.command("find", stack, WHAT="PAYMENT_ID")
    for payment_id in person.payments:
        stored = store.load_stored_payment(payment_id)
        payment = stored.payment if stored else None
        if payment is None or payment.order.user_id != person.user_id:
            continue
        if payment.order.is_unfinished or payment.order.quarantine_reason:
            yield f"- payment {payment_id} is {payment.order.status}: {find}"
        if any(one.status is ReversalStatus.IN_FLIGHT for one in payment.reversals):
            yield f"- a refund of payment {payment_id} is in flight: {make.command('reconcile', stack)}"


def _is_confirmed(person: Person, *, is_sure: bool) -> bool:
    balance, entries = person.account.wallet.balance, person.account.wallet.last_entry
    says = f"{person.user_id} has {len(person.payments)} payments, {entries} ledger entries and {balance} credits."
    print(says, file=sys.stderr)
    print("Their records will stand under a pseudonym. That cannot be undone, and credits are lost.", file=sys.stderr)
    if is_sure:
        return True
    print("Type the user's id to go on: ", end="", file=sys.stderr, flush=True)
    try:
        return input().strip() == person.user_id
    except EOFError:
        return False


def lock(person: Person) -> str:
    """Let nothing change any more; the pseudonym. Raises CannotRunError where something has changed since."""
    pseudonym = f"erased-{uuid.uuid4()}"
    try:
        proof = _proof_of(person)
        if proof is None:
            raise LostRace("nothing is stored any more")
        persons.lock(person.account.wallet, pseudonym, proof)
    except LostRace as error:
        raise CannotRunError(f"the credits of {person.user_id} have just changed: run it again") from error
    except UnknownWrite as error:
        raise CannotRunError(NO_ANSWER) from error
    return pseudonym


def _proof_of(person: Person) -> Item | None:
    """A record that the user has no more once they are erased."""
    records = (item for of_payment in person.payments.values() for item in of_payment)
    orders = (item for item in records if item["record"]["S"] == order_items.ORDER)
    own = (item for item in orders if item["user_id"]["S"] == person.user_id)
    return next(own, None) or next(persons.credits_of(person.user_id), None)


def erase(user_id: str, pseudonym: str) -> int:
    """Move the records of a user whose wallet is locked; how many. It may have been done in part.

    Raises CannotRunError where another run of the command has just finished it.
    """
    try:
        moved = persons.copy(user_id, pseudonym)
        for payment_id in persons.payments_of(user_id):
            _rename(payment_id, user_id, pseudonym)
        persons.forget(user_id, pseudonym)
        persons.unlock(user_id, pseudonym)
    except LostRace as error:
        raise CannotRunError(
            f"{user_id} has been erased meanwhile, by this run or by another one: the records stand under {pseudonym}"
        ) from error
    except UnknownWrite as error:
        raise CannotRunError(NO_ANSWER) from error
    return moved


def _rename(payment_id: str, user_id: str, pseudonym: str) -> None:
    """Rename a payment that has ended, as often as it changes meanwhile; raises LostRace where the user is erased."""
    while not _is_under_way(records := scans.payment_records(payment_id)):
        try:
            persons.rename_payment(records, user_id, pseudonym)
        except LostRace:
            if not persons.is_moving(user_id, pseudonym):
                raise
        else:
            break


def _is_under_way(records: Sequence[Any]) -> bool:
    """Whether it is a purchase that was begun after the wallet was locked: that one belongs to a new wallet."""
    orders = [order_items.order_from_item(item) for item in records if item["record"]["S"] == order_items.ORDER]
    return any(order.is_unfinished for order in orders)
