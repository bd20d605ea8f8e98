"""The books at the end of a run: what the ledgers say of money is what the orders and the lots say."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ops.books.ledger import UnreadableLedger, UserBook
from topup.domain.audit import Account

if TYPE_CHECKING:
    from tests.simulation.world import World


def findings(world: "World") -> Iterator[str]:
    """What differs."""
    returned: dict[str, int] = {}
    for versions in world.shadow.accounts.values():
        book = UserBook(versions.last.user_id)
        try:
            yield from _of_lots(book, versions.last)
        except UnreadableLedger as error:
            yield str(error)
        returned |= {payment_id: payment.reversed_minor for payment_id, payment in book.payments.items()}
    for payment_id, versions in world.shadow.payments.items():
        order, booked = versions.last.order, returned.get(payment_id, 0)
        gone = order.refunded_minor + order.disputed_minor
        # What only a lost record knew is at Stripe, and in the ledger.
        if booked != gone and payment_id not in world.shadow.lost_refunds:
            yield f"payment {payment_id}: {gone} have gone back, the ledger says {booked}"


def _of_lots(book: UserBook, account: Account) -> Iterator[str]:
    for entry in account.entries:
        book.advance(entry)
        list(book.post(entry))
    for lot in account.lots:
        booked, owed = book.lots[lot.lot_id], lot.paid_minor - lot.money_gone_minor(lot.granted - lot.remaining)
        if booked.left != lot.remaining or (booked.money_minor == lot.paid_minor and booked.owed_minor() != owed):
            yield f"lot {lot.lot_id} has {lot.remaining} credits for {owed}, the books say {booked}"
