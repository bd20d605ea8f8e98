"""What is changed in the code: most of mutmut's operators, and ours for what it leaves alone.

Texts are not mutated: they are for people. Nor is what is logged, nor the assertions of what is true anyway.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import libcst as cst
from libcst import matchers as m
from mutmut.mutation import mutators

# A condition of a write, as the store writes it; an expression that selects what is read begins with a key.
CONDITION = re.compile(r"attribute_(not_)?exists\(|(=|<=|>=|<|>|<>) :|IN \(")
NO_CONDITION = re.compile(r"SET |user_id = :user_id|payment_id = :p|.*BETWEEN|, ")
# Removing one of these leaves no function, or changes what nothing sees.
KEPT_DECORATORS = {"property", "staticmethod", "classmethod", "dataclass", "cache", "wraps", "contextmanager"}


def mutations(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """What to put in this node's place, one after the other."""
    for kind, operator in _OPERATORS:
        if isinstance(node, kind):
            yield from operator(node)


def _halves(node: cst.BooleanOperation) -> Iterator[cst.CSTNode]:
    """Of a condition with two parts, each alone."""
    yield from (_in_parentheses(node.left), _in_parentheses(node.right))


def _opposite(node: cst.If | cst.While | cst.CompIf) -> Iterator[cst.CSTNode]:
    yield node.with_changes(test=cst.UnaryOperation(operator=cst.Not(), expression=_in_parentheses(node.test)))


def _without_call(node: cst.Expr) -> Iterator[cst.CSTNode]:
    """Nothing in place of a call that is made for its effect."""
    if isinstance(node.value, cst.Call):
        yield cst.Pass()


def _passed_on(node: cst.ExceptHandler) -> Iterator[cst.CSTNode]:
    """The error, as if it were not handled."""
    if not m.matches(node.body, m.IndentedBlock(body=[m.SimpleStatementLine([m.Raise(exc=None)])])):
        yield node.with_changes(body=cst.SimpleStatementSuite([cst.Raise()]))


def _in_parentheses(node: cst.BaseExpression) -> cst.BaseExpression:
    if node.lpar:
        return node
    return node.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])


def _is_text(node: cst.BaseExpression) -> bool:
    return isinstance(node, cst.SimpleString | cst.ConcatenatedString | cst.FormattedString)


def _without_arguments(call: cst.Call) -> Iterator[cst.Call]:
    """The call with None for an argument that has a keyword, and without it; others are missed at once."""
    for place, argument in enumerate(call.args):
        if not argument.keyword:
            continue
        before, after = call.args[:place], call.args[place + 1 :]
        if not _is_text(argument.value) and not m.matches(argument.value, m.Name("None") | m.Name("False")):
            yield call.with_changes(args=[*before, argument.with_changes(value=cst.Name("None")), *after])
        yield call.with_changes(args=[*before, *after])


def _one_of_several(call: cst.Call) -> Iterator[cst.BaseExpression]:
    """For the smallest or the largest of several values, each of them."""
    if m.matches(call.func, m.Name("min") | m.Name("max")) and len(call.args) > 1:
        for argument in call.args:
            if not argument.keyword and not argument.star:
                yield _in_parentheses(argument.value)


def _without_decorators(function: cst.FunctionDef) -> Iterator[cst.FunctionDef]:
    for place, decorator in enumerate(function.decorators):
        named = decorator.decorator.func if isinstance(decorator.decorator, cst.Call) else decorator.decorator
        name = named.attr.value if isinstance(named, cst.Attribute) else getattr(named, "value", "")
        if name not in KEPT_DECORATORS:
            yield function.with_changes(decorators=[*function.decorators[:place], *function.decorators[place + 1 :]])


def _other_conditions(node: cst.SimpleString | cst.ConcatenatedString) -> Iterator[cst.CSTNode]:
    """The condition of a write with one of its parts always true, or with one of two alternatives never true.

    The part stays in the expression, because DynamoDB refuses names and values that no expression uses.
    """
    text = node.evaluated_value
    if not isinstance(text, str) or not CONDITION.search(text) or NO_CONDITION.match(text):
        return
    parts = _parts(text, " AND ")
    for place, part in enumerate(parts):
        yield _text_of(" AND ".join([*parts[:place], f"({part} OR NOT {part})", *parts[place + 1 :]]))
        inner = part[1:-1] if part.startswith("(") and _closes_at_end(part) else part
        alternatives = _parts(inner, " OR ")
        for chosen, alternative in enumerate(alternatives if len(alternatives) > 1 else []):
            never = f"({alternative} AND NOT {alternative})"
            changed = " OR ".join([*alternatives[:chosen], never, *alternatives[chosen + 1 :]])
            yield _text_of(" AND ".join([*parts[:place], f"({changed})", *parts[place + 1 :]]))


def _parts(text: str, word: str) -> list[str]:
    """The parts of a condition between words that are in no parentheses."""
    parts, depth, first = [], 0, 0
    for place, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and text.startswith(word, place):
            parts.append(text[first:place])
            first = place + len(word)
    return [part.strip() for part in (*parts, text[first:]) if part.strip()]


def _closes_at_end(text: str) -> bool:
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return place == len(text) - 1
    return False


def _text_of(value: str) -> cst.SimpleString:
    return cst.SimpleString('"' + value + '"')


_OPERATORS: tuple[tuple[Any, Callable[[Any], Iterable[cst.CSTNode]]], ...] = (
    (cst.BaseNumber, mutators.operator_number),
    (cst.Name, mutators.operator_name),
    (cst.AugAssign, mutators.operator_augmented_assignment),
    (cst.AugAssign | cst.BinaryOperation | cst.ComparisonTarget, mutators.operator_swap_op),
    (cst.UnaryOperation, mutators.operator_remove_unary_ops),
    (cst.Call, mutators.operator_symmetric_string_methods_swap),
    (cst.Call, mutators.operator_unsymmetrical_string_methods_swap),
    (cst.Lambda, mutators.operator_lambda),
    (cst.CSTNode, mutators.operator_keywords),
    (cst.Match, mutators.operator_match),
    (cst.IfExp, mutators.operator_if_exp),
    (cst.BooleanOperation, _halves),
    (cst.If | cst.While | cst.CompIf, _opposite),
    (cst.Call, _without_arguments),
    (cst.Call, _one_of_several),
    (cst.Expr, _without_call),
    (cst.ExceptHandler, _passed_on),
    (cst.FunctionDef, _without_decorators),
    (cst.SimpleString | cst.ConcatenatedString, _other_conditions),
)


def is_left_alone(node: cst.CSTNode, ancestors: Sequence[cst.CSTNode]) -> bool:
    """Whether neither this node nor anything in it is mutated."""
    match node:
        case cst.Annotation() | cst.Import() | cst.ImportFrom() | cst.Assert() | cst.Decorator():
            return True
        case cst.Expr(value=cst.SimpleString()):
            return True  # a docstring
        case cst.Call(func=cst.Attribute(value=cst.Name("logger"))):
            return True
        case cst.Expr(value=cst.Call(func=cst.Attribute(value=cst.Name("logger")))):
            return True
        case cst.Call(func=cst.Name("TypeVar" | "ParamSpec" | "cast")):
            return True
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Name("__all__"))]):
            return True
        case cst.Call(func=cst.Name("field")) if any(isinstance(one, cst.AnnAssign) for one in ancestors):
            return True
    return False
