"""The lots that orders have granted."""

from collections.abc import Iterable

from topup.domain.credits import UserCredits
from topup.domain.errors import Busy
from topup.domain.lots import Lot
from topup.domain.orders import Order
from topup.store import attributes, credit_items, credits, user_credits
from topup.store.races import LostRace


def load_own_lots(orders: Iterable[Order]) -> dict[str, Lot]:
    """The lots that these orders granted, by the orders' ids; 1 request for 33 paid orders, else none. Raises Busy."""
    keys: dict[tuple[str, str], attributes.Item] = {}
    for order in orders:
        if order.is_settled:
            records = [credit_items.WALLET, *credits.lot_records({order.payment_id: order.credits_expire_at})]
            found = credit_items.keys(order.user_id, records)
            keys |= {(order.user_id, record): key for record, key in zip(records, found, strict=True)}
    try:
        items = credits.load_keys(list(keys.values()))
    except LostRace as error:
        raise Busy(user_credits.CHANGING) from error
    wallets = {item["user_id"]["S"]: item for item in items if item["record"]["S"] == credit_items.WALLET}
    lots = {}
    for item in items:
        if item["record"]["S"] != credit_items.WALLET:
            user_id = item["user_id"]["S"]
            lot = credits.finished(credit_items.wallet_from_item(user_id, wallets.get(user_id)), item)
            lots[lot.lot_id] = lot
    return lots


def find_own_lot(order: Order) -> Lot | None:
    """The lot that an order has granted, also where the order does not know of it; 1 to 3 requests. Raises Busy."""
    user = _load_user_of(order)
    lot = credits.lots_by_id(user, {order.payment_id}).get(order.payment_id)
    # It may have got credits while it was looked for among those that have none.
    return lot or next((one for one in _load_user_of(order).lots if one.lot_id == order.payment_id), None)


def _load_user_of(order: Order) -> UserCredits:
    return user_credits.load_credits(order.user_id, order.created_at)  # whenever its lot expires, that is later
