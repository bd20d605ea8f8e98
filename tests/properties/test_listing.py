"""A walk through one of Stripe's lists meets every object once, oldest first, wherever it stops and goes on."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.examples import examples
from topup.stripe_gateway import listing

SINCE, UNTIL = 1000, 1000 + 4000  # seconds


class Listed:
    """Stripe's list of these objects: newest first, with at most `page` of them at once."""

    def __init__(self, created: list[int], page: int) -> None:
        numbered: list[dict[str, Any]] = [
            {"id": f"evt_{number}", "created": at} for number, at in enumerate(sorted(created))
        ]
        self.newest_first, self.page, self.requests = numbered[::-1], page, 0

    def ask(self, params: dict[str, Any]) -> tuple[list[listing.Listed], bool]:
        self.requests += 1
        bounds = params["created"]
        found = [one for one in self.newest_first if bounds["gte"] <= one["created"] <= bounds["lte"]]
        if "starting_after" in params:
            ids = [one["id"] for one in found]
            found = found[ids.index(params["starting_after"]) + 1 :]
        page = [listing.Listed(one["id"], one["created"], one) for one in found[: self.page]]
        return page, len(found) > self.page


CLUMPS = st.lists(st.tuples(st.integers(SINCE, UNTIL), st.integers(1, 40), st.integers(0, 3)), max_size=8)


def created_in(clumps: list[tuple[int, int, int]]) -> list[int]:
    """Clumps of objects: from a second on, so many, each so many seconds after the one before."""
    return [min(UNTIL, start + number * gap) for start, size, gap in clumps for number in range(size)]


@pytest.fixture(autouse=True, scope="module")
def _small_pages() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listing, "PAGE", 10)
        patch.setattr(listing, "_ask", lambda ask, params: ask(params))
        yield


@examples(200)
@given(CLUMPS)
def test_a_walk_meets_every_object_once_and_oldest_second_first(clumps: list[tuple[int, int, int]]):
    stripe = Listed(created_in(clumps), 10)

    pages = list(listing._pages(stripe.ask, SINCE, UNTIL, None))

    met = [one for page in pages for one in page.objects]
    assert sorted(one.id for one in met) == sorted(one["id"] for one in stripe.newest_first)
    assert [one.created for one in met] == sorted(one.created for one in met)
    assert stripe.requests == len(pages)  # so the caller can look at the clock before each of them
    assert pages[-1].complete_until == UNTIL + 1


@examples(200)
@given(CLUMPS, st.data())
def test_a_walk_that_stops_after_any_page_goes_on_from_there(clumps: list[tuple[int, int, int]], data: st.DataObject):
    stripe = Listed(created_in(clumps), 10)
    met: set[str] = set()
    second, until = SINCE, None
    while second <= UNTIL:
        pages = listing._pages(stripe.ask, second, UNTIL, until)
        for _ in range(data.draw(st.integers(1, 40))):
            page = next(pages, None)
            if page is None:
                break
            assert page.complete_until >= second
            met |= {one.id for one in page.objects}
            second, until = page.complete_until, page.next_until

    assert met == {one["id"] for one in stripe.newest_first}


@examples(200)
@given(CLUMPS)
def test_a_walk_with_time_for_one_request_in_each_run_comes_to_its_end(clumps: list[tuple[int, int, int]]):
    # Within one second there is no more than a page: the requests that such a second needs are not told apart.
    created = created_in([(start, size, gap + 1) for start, size, gap in clumps])
    stripe = Listed([second for second in created if second < UNTIL], 10)
    at_once = len(list(listing._pages(stripe.ask, SINCE, UNTIL, None)))
    met, second, until, runs = set[str](), SINCE, None, 0
    while second <= UNTIL:
        page = next(listing._pages(stripe.ask, second, UNTIL, until))
        met |= {found.id for found in page.objects}
        second, until, runs = page.complete_until, page.next_until, runs + 1
        assert runs <= 12 * at_once  # each page may halve the whole time again

    assert met == {listed["id"] for listed in stripe.newest_first}


@examples(100)
@given(st.integers(0, 400), st.integers(1, 10))
def test_evenly_spread_objects_cost_a_few_requests_a_page(count: int, gap: int):
    stripe = Listed([SINCE + number * gap for number in range(count)], 10)

    assert len(list(listing._pages(stripe.ask, SINCE, UNTIL, None))) <= 14 + 4 * (count // 10)
