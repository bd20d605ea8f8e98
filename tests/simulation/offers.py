"""What a purchase must bring: told from the file that the operator wrote, in other words than the product's."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tests.simulation.rules import Violation
from topup.domain.credits import Entry
from topup.domain.lots import Lot
from topup.domain.orders import Order

Json = dict[str, Any]
Offer = tuple[int, int, int]  # credits, the price in fen, and for how many months the credits are valid (0: for ever)

USUAL_MONTHS = 6  # where a package does not say how long: the template's


def check_order(order: Order, about: Mapping[str, Any], files: Sequence[Json]) -> None:
    """A new order is for what was on sale when it was asked for. `files`: all of this run until now."""
    offers = list(_offers(about["package"], about["amount"], files))
    has = (order.credits_purchased, order.amount_minor, order.valid_months)
    if has not in offers:
        raise Violation(f"payment {order.payment_id} is for {has}, on sale was {offers} ({about})")


def _offers(package: str, amount: str | None, files: Sequence[Json]) -> Iterator[Offer]:
    for file in files:
        if package not in file["packages"]:
            continue
        fields = file["packages"][package]
        months = (fields["valid_months"] or 0) if "valid_months" in fields else USUAL_MONTHS
        if "price" in fields and amount is None:
            yield fields["credits"], _fen(fields["price"]), months
        elif "tiers" in fields and amount is not None:
            yield _credits(fields, amount), _fen(amount), months


def _credits(fields: Json, amount: str) -> int:
    reached = [tier["bonus_percent"] for tier in fields["tiers"] if _fen(amount) >= _fen(tier["from"])]
    plain = Fraction(_fen(amount), 100) / Fraction(fields["unit_price"])
    return int(plain + plain * Fraction(reached[-1] if reached else 0) / 100)


def _fen(yuan: str) -> int:
    return int(Decimal(yuan) * 100)


def check_lot(entry: Entry, lot: Lot, months: int | None) -> None:
    """Bought credits live as long as their package said when it was ordered, whatever is on sale by now."""
    granted_at = entry.created_at.replace(microsecond=0)
    lives_until = _months_after(granted_at, months) if months else None
    if months is not None and lot.expires_at != lives_until:
        raise Violation(f"lot {lot.lot_id} lives until {lot.expires_at}, and was sold until {lives_until}")


def _months_after(moment: datetime, months: int) -> datetime:
    years, month = divmod(moment.month - 1 + months, 12)
    for day in range(moment.day, 0, -1):
        try:
            return moment.replace(year=moment.year + years, month=month + 1, day=day)
        except ValueError:
            continue  # the month has no such day
    raise AssertionError("Bug! every month has a first day")


def is_listed(response: Json, files: Sequence[Json]) -> bool:
    """Whether the list of packages is what one of the files says."""
    written = [json.loads(json.dumps(file["packages"], default=float)) for file in files]
    return response["packages"] in written
