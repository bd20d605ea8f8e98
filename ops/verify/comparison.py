"""Compare two answers to the same request: their fields, types and classes of values, whatever the values are."""

from collections.abc import Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

from ops.verify.classes import ID, class_of, type_of
from ops.verify.exchanges import Exchange

# These depend on the moment, or on what else the account has: they say nothing about the simulator.
PASSING = frozenset({"has_more", "pending_webhooks"})
NOTHING = "nothing"


@dataclass(frozen=True)
class Difference:
    """`kind` is the simulator's fault: a field is missing or extra, or has another type or another class of value."""

    where: str
    kind: str  # missing, extra, type or value
    stripe: str
    simulator: str

    def __str__(self) -> str:
        return f"`{self.where}`: {self.kind}: Stripe has {self.stripe}, the simulator {self.simulator}"


class Comparison:
    """Compares answer after answer. `ids` says which id of the simulator's stands for one of Stripe's, and learns."""

    def __init__(self, ids: MutableMapping[str, str]) -> None:
        self._ids = ids

    def of(self, stripe: Exchange, simulator: Exchange) -> list[Difference]:
        """What differs in the answers to one request."""
        if stripe.status != simulator.status:
            says = (_status(exchange) for exchange in (stripe, simulator))
            return [Difference("(status)", "value", *says)]
        are_all = "delivery_success" not in stripe.form  # which events have arrived depends on the moment
        return list(self._any("", stripe.answer, simulator.answer, are_all=are_all))

    def _any(self, where: str, theirs: Any, ours: Any, *, are_all: bool = True) -> Iterator[Difference]:
        if isinstance(theirs, dict) and isinstance(ours, dict):
            yield from self._objects(where, theirs, ours, are_all=are_all)
        elif isinstance(theirs, list) and isinstance(ours, list):
            yield from self._lists(where, theirs, ours, are_all=are_all)
        elif type_of(theirs) != type_of(ours):
            yield Difference(where, "type", type_of(theirs), type_of(ours))
        elif not self._stands_for(theirs, ours):
            yield Difference(where, "value", f"{class_of(theirs)} that it named before", "another one")
        elif class_of(theirs) != class_of(ours):
            yield Difference(where, "value", class_of(theirs), class_of(ours))

    def _stands_for(self, theirs: Any, ours: Any) -> bool:
        """Whether what is ours may stand for what is theirs: the same id always stands for the same one."""
        if isinstance(theirs, str) and ID.fullmatch(theirs) and ID.fullmatch(ours):
            return bool(self._ids.setdefault(theirs, ours) == ours)
        return True

    def _objects(
        self, where: str, theirs: dict[str, Any], ours: dict[str, Any], *, are_all: bool
    ) -> Iterator[Difference]:
        for name in sorted(theirs.keys() | ours.keys()):
            inner = f"{where}.{name}" if where else name
            if name in PASSING:
                continue
            if name not in ours:
                yield Difference(inner, "missing", class_of(theirs[name]), NOTHING)
            elif name not in theirs:
                yield Difference(inner, "extra", NOTHING, class_of(ours[name]))
            else:
                yield from self._any(inner, theirs[name], ours[name], are_all=are_all)

    def _lists(self, where: str, theirs: list[Any], ours: list[Any], *, are_all: bool) -> Iterator[Difference]:
        if where == "data":  # the answer is a list of the account's objects, which may have others as well
            yield from self._account(theirs, ours, are_all=are_all)
        elif any(isinstance(one, dict | list) for one in (*theirs, *ours)):
            yield from self._in_order(where, theirs, ours)
        elif (their_classes := _classes(theirs)) != (our_classes := _classes(ours)):
            yield Difference(f"{where}[]", "value", their_classes, our_classes)

    def _in_order(self, where: str, theirs: Sequence[Any], ours: Sequence[Any]) -> Iterator[Difference]:
        for one, other in zip(theirs, ours, strict=False):
            yield from self._any(f"{where}[]", one, other)
        if len(theirs) != len(ours):
            kind = "missing" if len(theirs) > len(ours) else "extra"
            yield Difference(f"{where}[]", kind, f"{len(theirs)} of them", f"{len(ours)}")

    def _account(self, theirs: list[Any], ours: list[Any], *, are_all: bool) -> Iterator[Difference]:
        """Objects that speak of the same objects are the same; those that speak of none that is known are others'."""
        left = list(ours)
        for one in theirs:
            known = {self._ids[found] for found in ids_in(one) if found in self._ids}
            twin = _nearest(one, known, left)
            if twin is not None:
                left.remove(twin)
                yield from self._any(f"data[{_name(one)}]", one, twin)
            elif known and are_all:
                yield Difference(f"data[{_name(one)}]", "missing", "an object", NOTHING)
        for other in left if are_all else ():
            yield Difference(f"data[{_name(other)}]", "extra", NOTHING, "an object")


def ids_in(value: Any) -> set[str]:
    """All ids anywhere in the JSON."""
    if isinstance(value, dict):
        return set().union(*map(ids_in, value.values()))
    if isinstance(value, list):
        return set().union(*map(ids_in, value))
    return {value} if isinstance(value, str) and ID.fullmatch(value) else set()


def _nearest(one: Any, known: set[str], among: list[Any]) -> Any | None:
    """The object of the same name that speaks of the most of these ids, and of one at least."""
    shared = [(len(known & ids_in(other)), other) for other in among if _name(other) == _name(one)]
    most, found = max(shared, key=lambda pair: pair[0], default=(0, None))
    return found if most else None


def _name(listed: Any) -> str:
    """What an object in a list is; an event by its type."""
    return str(listed.get("type") if listed.get("object") == "event" else listed.get("object"))


def _classes(values: Sequence[Any]) -> str:
    return ", ".join(sorted({class_of(value) for value in values})) or "an empty list"


def _status(exchange: Exchange) -> str:
    error = exchange.answer.get("error") if isinstance(exchange.answer, dict) else None
    return f"{exchange.status}: {error.get('message')}" if error else str(exchange.status)
