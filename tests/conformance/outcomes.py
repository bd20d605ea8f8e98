"""What came of a request, in what the store can see of it, and where two engines' outcomes differ."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.conformance.engines import Answer
from tests.conformance.requests import Item, Place

DONE = "done"


@dataclass(frozen=True)
class Outcome:
    """`error` is DONE or an error's name. Messages are left out: the store reads none."""

    error: str
    reasons: list[str] = field(default_factory=list)  # why a transaction was cancelled, member by member
    in_the_way: list[Item | None] = field(default_factory=list)  # the items that failed a condition, if asked for
    after: Mapping[Place, Item] = field(default_factory=dict)
    found: Any = None  # what a read answered
    pages: Sequence[int] = ()  # how many items each of its pages had


def outcome_of(answer: Answer, after: Mapping[Place, Item]) -> Outcome:
    status, body = answer
    reasons = body.get("CancellationReasons", [])
    return Outcome(
        error=DONE if status == 200 else str(body.get("__type", status)).rpartition("#")[2],
        reasons=[reason.get("Code", "None") for reason in reasons],
        in_the_way=[body.get("Item"), *(reason.get("Item") for reason in reasons)],
        after=after,
    )


def differences(expected: Outcome, got: Outcome) -> Iterator[str]:
    """Where they differ, in words that are the same for every case of one cause."""
    if expected.error != got.error:
        yield f"{got.error} for {expected.error}"
        return
    if len(expected.reasons) != len(got.reasons):
        yield "another number of reasons"
    elif expected.reasons != got.reasons:
        pairs = zip(expected.reasons, got.reasons, strict=True)
        yield from sorted({f"reason {mine} for {theirs}" for theirs, mine in pairs if theirs != mine})
    elif expected.in_the_way != got.in_the_way:
        yield "another item in the way"
    if expected.after != got.after:
        yield "other items afterwards"
    if expected.found != got.found:
        yield "other items found"
    elif expected.pages != got.pages:
        yield "other pages"
