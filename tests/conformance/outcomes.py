"""The outcome of a request as far as the store can see it, and the differences between two engines' outcomes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.conformance.engines import Response
from tests.conformance.requests import Item, Place

DONE = "done"


@dataclass(frozen=True)
class Outcome:
    """`error` is DONE or an error's name. Messages are left out: the store reads none."""

    error: str
    reasons: list[str] = field(default_factory=list)  # why a transaction was cancelled, member by member
    blocking: list[Item | None] = field(default_factory=list)  # the items that failed a condition, if requested
    after: Mapping[Place, Item] = field(default_factory=dict)
    found: Any = None  # the result of a read
    pages: Sequence[int] = ()  # how many items each of its pages had


def outcome_of(response: Response, after: Mapping[Place, Item]) -> Outcome:
    status, body = response
    reasons = body.get("CancellationReasons", [])
    return Outcome(
        error=DONE if status == 200 else str(body.get("__type", status)).rpartition("#")[2],
        reasons=[reason.get("Code", "None") for reason in reasons],
        blocking=[body.get("Item"), *(reason.get("Item") for reason in reasons)],
        after=after,
    )


def differences(expected: Outcome, got: Outcome) -> Iterator[str]:
    """The differences, in the same words for every case with the same cause."""
    if expected.error != got.error:
        yield f"{got.error} for {expected.error}"
        return
    if len(expected.reasons) != len(got.reasons):
        yield "another number of reasons"
    elif expected.reasons != got.reasons:
        pairs = zip(expected.reasons, got.reasons, strict=True)
        yield from sorted({f"reason {mine} for {theirs}" for theirs, mine in pairs if theirs != mine})
    elif expected.blocking != got.blocking:
        yield "another blocking item"
    if expected.after != got.after:
        yield "other items afterwards"
    if expected.found != got.found:
        yield "other items found"
    elif expected.pages != got.pages:
        yield "other pages"
