"""The store's writes, tried in many states of their items, and repeated with the same token."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from tests.conformance.engines import EngineUnderTest, Items
from tests.conformance.outcomes import Outcome, outcome_of
from tests.conformance.requests import Item, Json, Sample, key_of, parts_of
from tests.conformance.states import held_by, states_of

LONGEST_NUMBER = 18  # digits; ministack computes with 28, DynamoDB with 38

Types = Mapping[str, set[str]]


@dataclass(frozen=True)
class Case:
    """One write in one state; its `steps` run one after another with the same token."""

    sample: Sample
    state: Items
    token: str
    name: str = ""
    steps: Sequence[tuple[Items | None, Json]] = field(default_factory=list)  # items to arrange again, and the request

    @property
    def what(self) -> str:
        return f"{self.sample.operation} {self.name}".strip()

    def run(self, engine: EngineUnderTest) -> list[Outcome]:
        places = [part.place for part in parts_of(self.sample.operation, self.sample.request)]
        engine.arrange(self.state, places)
        outcomes = []
        for items, request in self.steps or [(None, self.sample.request)]:
            if items is not None:
                engine.arrange(items, places)
            tokened = {"ClientRequestToken": self.token} if "ClientRequestToken" in request else {}
            response = engine.send(self.sample.operation, {**request, **tokened})
            outcomes.append(outcome_of(response, engine.contents(places)))
        return outcomes


def cases_of(samples: Sequence[Sample]) -> Iterator[Case]:
    """The first sample of each shape in all its states; each transaction also repeated as a retry may repeat it."""
    for number, sample in enumerate(_one_per_shape(samples)):
        for place, state in enumerate(states_of(sample)):
            yield Case(sample, state, f"state-{number}-{place}")
        if sample.operation == "TransactWriteItems":
            yield from _repeated(sample, number)


def _repeated(sample: Sample, number: int) -> Iterator[Case]:
    held, request = held_by(sample), sample.request
    yield Case(sample, held, f"again-{number}", "again", [(None, request), (None, request)])
    # The change is undone first: only a second execution could make it again.
    yield Case(sample, held, f"back-{number}", "again after a change", [(None, request), (held, request)])
    if len(request["TransactItems"]) > 1:  # DynamoDB refuses a transaction of nothing whatever its token
        other = {**request, "TransactItems": request["TransactItems"][:-1]}
        yield Case(sample, held, f"other-{number}", "another with its token", [(None, request), (held, other)])
    # Every transaction wants something new, or something of the items that are there: empty ones refuse it.
    empty = {part.place: key_of(part.place) for part in parts_of(sample.operation, request)}
    yield Case(sample, empty, f"late-{number}", "again after a refusal", [(None, request), (held, request)])


def is_odd(state: Items, types: Types) -> bool:
    """True if an attribute has a value that the store never writes: of another type, no whole number, or a huge one."""
    return any(_is_odd(value, types.get(name, set())) for item in state.values() for name, value in item.items())


def types_of(samples: Sequence[Sample]) -> Types:
    """The types in which the store writes each attribute."""
    types: dict[str, set[str]] = {}
    for sample in samples:
        for item in [one for items in sample.before.values() for one in items]:
            for name, value in item.items():
                types.setdefault(name, set()).update(value)
    return types


def _is_odd(value: Item, types: set[str]) -> bool:
    [(kind, content)] = value.items()
    is_number_of_ours = kind != "N" or (content == str(int(Decimal(content))) and len(content) <= LONGEST_NUMBER)
    return kind not in types or not is_number_of_ours


def _one_per_shape(samples: Sequence[Sample]) -> list[Sample]:
    return list({sample.shape: sample for sample in reversed(samples) if sample.is_write}.values())[::-1]
