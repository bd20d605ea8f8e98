"""EventBridge's patterns, as far as the filters of Lambda's stream mappings use them.

A pattern is an object that looks like the event, with a list of what is allowed at each leaf: plain values, or an
object with one operator. Rules: Amazon EventBridge, "Comparison operators"; AWS Lambda, "Event filtering".
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from local.aws.intrinsics import TemplateError

ABSENT = object()

_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "=": lambda value, bound: value == bound,
    "<": lambda value, bound: value < bound,
    "<=": lambda value, bound: value <= bound,
    ">": lambda value, bound: value > bound,
    ">=": lambda value, bound: value >= bound,
}


def _prefix(value: Any, wanted: Any) -> bool:
    return isinstance(value, str) and value.startswith(wanted)


def _exists(value: Any, wanted: Any) -> bool:
    return (value is not ABSENT) is wanted


def _anything_but(value: Any, unwanted: Any) -> bool:
    if value is ABSENT:
        return False
    others = unwanted if isinstance(unwanted, list) else [unwanted]
    return not any(_allows(other, value) for other in others)


def _numeric(value: Any, bounds: Sequence[Any]) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    pairs = zip(bounds[::2], bounds[1::2], strict=True)
    return all(_COMPARISONS[name](value, bound) for name, bound in pairs)


_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "prefix": _prefix,
    "exists": _exists,
    "anything-but": _anything_but,
    "numeric": _numeric,
}


def matches(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Whether everything that the pattern names is in the event, with one of the values that it allows."""
    return all(_field_matches(wanted, event.get(name, ABSENT)) for name, wanted in pattern.items())


def check(pattern: Any, place: str) -> None:
    """Raise TemplateError for a pattern that `matches` would not follow, naming what it does not know."""
    if not isinstance(pattern, dict) or not pattern:
        raise TemplateError(f"{place}: a filter pattern must be an object that is not empty")
    for name, wanted in pattern.items():
        if isinstance(wanted, list):
            for rule in wanted:
                _check_rule(rule, f"{place}.{name}")
        else:
            check(wanted, f"{place}.{name}")


def _check_rule(rule: Any, place: str) -> None:
    if isinstance(rule, list):
        raise TemplateError(f"{place}: a list within a list allows nothing")
    if not isinstance(rule, dict):
        return
    if len(rule) != 1:
        raise TemplateError(f"{place}: expected one operator, not {', '.join(rule) or 'none'}")
    ((operator, operand),) = rule.items()
    if operator not in _OPERATORS:
        raise TemplateError(f"{place}: the local stack does not know the filter operator {operator!r}")
    if not _is_operand(operator, operand, place):
        raise TemplateError(f"{place}: {operator} cannot compare with {operand!r}")


def _is_operand(operator: str, operand: Any, place: str) -> bool:
    match operator:
        case "prefix":
            return isinstance(operand, str)
        case "exists":
            return isinstance(operand, bool)
        case "numeric":
            return (
                isinstance(operand, list)
                and len(operand) in (2, 4)
                and all(name in _COMPARISONS for name in operand[::2])
                and all(isinstance(bound, int | float) for bound in operand[1::2])
            )
        case _:
            for other in operand if isinstance(operand, list) else [operand]:
                _check_rule(other, place)
            return True


def _field_matches(wanted: Any, value: Any) -> bool:
    if isinstance(wanted, Mapping):
        return matches(wanted, value if isinstance(value, Mapping) else {})
    values = value if isinstance(value, list) and value else [value]
    return any(_allows(rule, one) for rule in wanted for one in values)


def _allows(rule: Any, value: Any) -> bool:
    if isinstance(rule, Mapping):
        ((operator, operand),) = rule.items()
        return _OPERATORS[operator](value, operand)
    return bool(type(rule) is type(value) and rule == value) or _is_same_number(rule, value)


def _is_same_number(rule: Any, value: Any) -> bool:
    numbers = (int, float)
    return type(rule) in numbers and type(value) in numbers and bool(rule == value)
