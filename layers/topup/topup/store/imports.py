"""Find lots that were imported, by what remembers them for ever and by the lots themselves."""

from collections.abc import Mapping

from topup.domain.lots import Lot
from topup.store import credit_items, credits

AT_ONCE = credits.LARGEST_BATCH // 3  # lots of one request: each may be at two places, and has its mark


def load_imported(lots: Mapping[str, Lot]) -> dict[str, Lot | None]:
    """Of lots to import, by the marks that remember them, those that were imported before, as they are stored.

    None where a lot was imported before under this mark, and has another expiry or is not there. At most AT_ONCE lots,
    1 request. Raises LostRace where DynamoDB returns a part.
    """
    keys = [
        key
        for mark, lot in lots.items()
        for key in credit_items.keys(
            lot.user_id,
            [f"{credit_items.CAMPAIGN}{mark}", *credits.lot_records({lot.lot_id: lot.expires_at})],
        )
    ]
    found = {(item["user_id"]["S"], item["record"]["S"]): item for item in credits.load_keys(keys)}
    imported: dict[str, Lot | None] = {}
    for mark, lot in lots.items():
        if (lot.user_id, f"{credit_items.CAMPAIGN}{mark}") in found:
            records = credits.lot_records({lot.lot_id: lot.expires_at})
            items = [found[lot.user_id, record] for record in records if (lot.user_id, record) in found]
            imported[mark] = credit_items.lot_from_item(items[0]) if items else None
    return imported
