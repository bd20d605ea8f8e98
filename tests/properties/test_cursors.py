"""Cursors: ours lead to the next page, others are refused, and none leads to another user's rows."""

import contextlib
import json
import string
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from local.in_process.api import Api, as_user
from local.in_process.environment import NOW
from tests.support.builders import PAYMENT_ID, a_payment, an_order
from tests.support.examples import examples
from topup import fulfilment, store
from topup.api import cursor
from topup.domain.errors import ValidationFailed

ALPHABET = string.ascii_letters + string.digits + "-_"
LISTS = {"/api/payments": "payments", "/api/users/credits/transactions": "transactions"}
OWNERS = {"/api/payments": "payment_id", "/api/users/credits/transactions": "payment_order_id"}
LONGEST_LEDGER = 9
SORTABLE = "%Y-%m-%dT%H:%M:%S.%fZ"

POSITIONS = st.one_of(
    st.tuples(st.just(int), st.lists(st.integers(), min_size=1, max_size=3)),
    st.tuples(st.just(str), st.lists(st.text(min_size=1, max_size=40), min_size=1, max_size=3)),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
ZONES = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
NEAR_POSITIONS = st.tuples(
    st.one_of(
        st.datetimes(timezones=ZONES).map(datetime.isoformat),
        st.datetimes(datetime(1970, 1, 1)).map(lambda time: time.strftime(SORTABLE)),  # noqa: DTZ001
        st.just("0001-01-01T00:00:00+14:00"),
    ),
    st.one_of(st.just(PAYMENT_ID), st.uuids().map(str), st.text(max_size=36), st.just("x" * 36)),
)


def text_of(document: Any) -> str:
    return urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A cursor of ours, cut short, or with characters changed, added or left out."""
    whole = draw(st.sampled_from([cursor.encode(7), cursor.encode("2026-03-01T12:00:00.000000Z", PAYMENT_ID)]))
    start = draw(st.integers(0, len(whole)))
    end = draw(st.integers(start, min(len(whole), start + 4)))
    return whole[:start] + draw(st.text(ALPHABET + "=+/ .%é", max_size=4)) + draw(st.sampled_from([whole[end:], ""]))


FORGED = st.one_of(mutated(), JSON.map(text_of), NEAR_POSITIONS.map(text_of), st.text(max_size=60))


@examples(200)
@given(POSITIONS)
def test_a_cursor_is_safe_in_a_url_and_decodes_to_its_position(position: tuple[type[Any], list[Any]]):
    kind, parts = position
    made = cursor.encode(*parts)

    assert set(made) <= set(ALPHABET)
    if len(made) <= cursor.LARGEST:
        assert cursor.decode(made, kind, len(parts)) == parts


@contextlib.contextmanager
def refusing() -> Iterator[None]:
    """Let nothing but a refusal of the field `cursor` happen inside."""
    try:
        yield
    except ValidationFailed as refused:
        if [error.field for error in refused.errors] != ["cursor"]:
            raise


@examples(400)
@given(FORGED)
@example(text_of(["0001-01-01T00:00:00+14:00", PAYMENT_ID]))  # a time that UTC cannot express
@example(text_of([True]))
@example(text_of([10**900]))
def test_a_forged_cursor_is_refused_by_name_or_has_the_shape_of_ours(forged: str):
    with refusing():
        [number] = cursor.decode(forged, int, parts=1)
        assert type(number) is int
    with refusing():
        created_at, payment_id = cursor.decode_order_position(forged)
        assert datetime.strptime(created_at, SORTABLE).strftime(SORTABLE) == created_at  # noqa: DTZ007
        assert str(UUID(payment_id)) == payment_id


def numbered(user: int, number: int) -> str:
    return f"{user:04}{number:04}{PAYMENT_ID[8:]}"


Buy = Callable[[int, int], None]


@pytest.fixture
def ledgers(api: Api) -> Api:
    """User n has n payments and n entries; three payments at a time have the same time."""
    for user in range(LONGEST_LEDGER + 1):
        for number in range(user):
            payment_id, now = numbered(user, number), NOW + timedelta(seconds=number // 3)
            named = {"payment_id": payment_id, "user_id": f"user-{user}"}
            store.place_order(an_order(**named, provider_order_id=f"cs_{payment_id}", created_at=now))
            fulfilment.apply(a_payment(**named, reference=payment_id, session_id=f"cs_{payment_id}"), now)
    return api


def listed(api: Api, path: str, user: int, limit: int, position: str | None) -> Any:
    query = f"limit={limit}" + (f"&cursor={position}" if position is not None else "")
    return api.get(f"{path}?{query}", as_user(f"user-{user}"))


# The tables are only read, so they are filled once for all examples.
@examples(60, reuses_fixtures=True)
@given(path=st.sampled_from(sorted(LISTS)), user=st.integers(0, LONGEST_LEDGER), data=st.data())
def test_pages_of_any_size_show_every_row_once_newest_first(ledgers: Api, path: str, user: int, data: st.DataObject):
    rows, position = [], None
    while True:
        limit = data.draw(st.integers(1, 4), label="limit")
        page = listed(ledgers, path, user, limit, position).json()
        assert len(page[LISTS[path]]) <= limit
        rows += page[LISTS[path]]
        position = page["next_cursor"]
        if position is None:
            break

    assert sorted(row[OWNERS[path]] for row in rows) == [numbered(user, number) for number in range(user)]
    times = [row["created_at"] for row in rows]
    assert times == sorted(times, reverse=True)
    if path.endswith("transactions"):
        assert [row["balance_after"] for row in rows] == [1100 * number for number in range(user, 0, -1)]


@examples(120, reuses_fixtures=True)
@given(
    path=st.sampled_from(sorted(LISTS)),
    user=st.integers(0, LONGEST_LEDGER),
    forged=st.one_of(
        mutated(),
        st.integers(-3, 12).map(cursor.encode),
        st.builds(
            lambda owner, number: cursor.encode("2026-03-01T12:00:00.000000Z", numbered(owner, number)),
            st.integers(0, LONGEST_LEDGER),
            st.integers(0, LONGEST_LEDGER),
        ),
        NEAR_POSITIONS.map(text_of),
    ).filter(lambda text: text.isascii() and not set(text) & set("&#+% ")),
)
@example("/api/payments", 3, text_of(["0001-01-01T00:00:00+14:00", PAYMENT_ID]))
@example("/api/users/credits/transactions", 3, text_of([10**700]))
def test_no_cursor_shows_another_users_rows(ledgers: Api, path: str, user: int, forged: str):
    response = listed(ledgers, path, user, 100, forged)

    if response.status == 422:
        assert [error["field"] for error in response.json()["errors"]] == ["cursor"]
    else:
        assert response.status == 200
        own = {numbered(user, number) for number in range(user)}
        assert {row[OWNERS[path]] for row in response.json()[LISTS[path]]} <= own
