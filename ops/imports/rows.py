"""The rows of a file of credits to import: CSV with a header, or a JSON object on each line."""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from itertools import chain
from typing import Any

from topup.api.endpoint import LONGEST_USER_ID
from topup.api.requests import LARGEST_CREDITS, MOST_DIGITS
from topup.domain import times
from topup.domain.currencies import CURRENCIES

FIELDS = ("user_id", "credits", "expires_at", "paid", "currency", "external_id")
LONGEST_EXTERNAL_ID = 100
HALF_A_CHARACTER = re.compile(r"[\ud800-\udfff]")  # JSON can name one, which no database takes


class BadRowError(ValueError):
    """Why a row cannot be imported."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """Credits of a user: what is left of them elsewhere, and what was paid for these, in minor units without tax.

    `expires_at` is None where they never expire; `currency` is None where nothing was paid. `external_id` names them in
    the other system. `line` is where the row is in its file.
    """

    line: int
    user_id: str
    credits: int
    expires_at: datetime | None
    paid_minor: int
    currency: str | None
    external_id: str


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be imported, and why."""

    line: int
    reason: str

    def __str__(self) -> str:
        shown = HALF_A_CHARACTER.sub("\N{REPLACEMENT CHARACTER}", self.reason)  # which no terminal takes, either
        return f"line {self.line}: {shown}"


def read(lines: Iterable[str]) -> Iterator[Row | BadRow]:
    """The rows of a file's lines, one after another; that an external id comes twice is not looked for here."""
    begin: list[str] = []  # until the first line with something in it, which says what the file is
    rest = iter(lines)
    for line in rest:
        begin.append(line)
        if line.strip():
            break
    is_json = bool(begin) and begin[-1].lstrip().startswith("{")
    raw_rows = (_json_lines if is_json else _csv_lines)(chain(begin, rest))
    for number, raw in raw_rows:
        try:
            yield BadRow(number, raw) if isinstance(raw, str) else _row(number, raw)
        except BadRowError as error:
            yield BadRow(number, str(error))


def _csv_lines(lines: Iterable[str]) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    reader = csv.DictReader(lines, strict=True)
    try:
        if wrong := _wrong_fields(reader.fieldnames or ()):
            yield 1, wrong
            return
        for raw in reader:
            is_whole = None not in raw and None not in raw.values()
            yield reader.line_num, raw if is_whole else f"must have {len(FIELDS)} columns"
    except csv.Error as error:
        yield reader.line_num, f"is not CSV: {error}"


def _json_lines(lines: Iterable[str]) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    for line, content in enumerate(lines, start=1):
        if not content.strip():
            continue
        try:
            raw = json.loads(content, parse_float=Decimal)
        except (ValueError, RecursionError) as error:
            yield line, f"is not JSON: {error}"
            continue
        if not isinstance(raw, dict):
            yield line, "is not a JSON object"
        else:
            yield line, _wrong_fields(raw) or raw


def _wrong_fields(found: Any) -> str:
    missing, unknown = [name for name in FIELDS if name not in found], [name for name in found if name not in FIELDS]
    wrong = [f"lacks {', '.join(missing)}"] if missing else []
    wrong += [f"has {name} twice" for name in FIELDS if list(found).count(name) > 1]
    return "; ".join([*wrong, *([f"has the unknown {', '.join(map(str, unknown))}"] if unknown else [])])


def _row(line: int, raw: Mapping[str, Any]) -> Row:
    paid_minor, currency = _paid(raw["paid"], raw["currency"])
    return Row(
        line=line,
        user_id=_text(raw, "user_id", LONGEST_USER_ID),
        credits=_credits(raw["credits"]),
        expires_at=_expiry(raw["expires_at"]),
        paid_minor=paid_minor,
        currency=currency,
        external_id=_text(raw, "external_id", LONGEST_EXTERNAL_ID),
    )


def _text(raw: Mapping[str, Any], name: str, longest: int) -> str:
    value = raw[name]
    if not isinstance(value, str) or not 0 < len(value) <= longest or HALF_A_CHARACTER.search(value):
        raise BadRowError(f"{name} must be text of 1 to {longest} characters")
    return value


def _credits(value: Any) -> int:
    number = _decimal(value, "credits")
    if number != int(number) or not 1 <= number <= LARGEST_CREDITS:
        raise BadRowError(f"credits must be a whole number from 1 to {LARGEST_CREDITS}, not {value}")
    return int(number)


def _expiry(value: Any) -> datetime | None:
    if value in (None, ""):
        return None
    try:
        moment = times.from_rfc_3339(str(value))
    except ValueError:
        raise BadRowError(f"expires_at must be a time such as 2027-01-31T00:00:00Z, or empty, not {value}") from None
    if moment.microsecond:
        raise BadRowError(f"expires_at must be a whole second, not {value}")
    return moment


def _paid(value: Any, currency: Any) -> tuple[int, str | None]:
    """Minor units, and their currency; nothing and None where nothing was paid."""
    if currency not in (None, "") and not (isinstance(currency, str) and currency in CURRENCIES):
        raise BadRowError(f"currency must be one that Stripe charges in, in capitals, not {currency}")
    paid = _decimal(value, "paid") if value not in (None, "") else Decimal(0)
    if paid == 0:
        return 0, None
    if not currency:
        raise BadRowError("currency is missing for what was paid")
    minor = paid.scaleb(CURRENCIES[currency].decimals)
    if paid < 0 or minor != int(minor):
        decimals = CURRENCIES[currency].decimals
        raise BadRowError(f"paid must be an amount of {currency} with at most {decimals} decimals, not {value}")
    return int(minor), currency


def _decimal(value: Any, name: str) -> Decimal:
    try:
        number = Decimal(value) if isinstance(value, str | int | Decimal) and not isinstance(value, bool) else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or not _is_exact(number):
        raise BadRowError(f"{name} must be a number, not {value}")
    return number


def _is_exact(number: Decimal) -> bool:
    """Whether arithmetic keeps all of its digits."""
    parts = number.as_tuple()
    return len(parts.digits) <= MOST_DIGITS and int(parts.exponent) >= -MOST_DIGITS and abs(number) < 10**18
