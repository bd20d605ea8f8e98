"""The intrinsic functions of CloudFormation that the template's functions, API and tables use."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

PLACEHOLDER = re.compile(r"\$\{(!?)([^}]+)\}")
REGION = "us-east-1"
ACCOUNT_ID = "123456789012"
PSEUDO_PARAMETERS = {
    "AWS::AccountId": ACCOUNT_ID,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackName": "local",
    "AWS::URLSuffix": "amazonaws.com",
}
NO_VALUE = object()


class TemplateError(Exception):
    """The local stack cannot use something in template.yaml; the message says what and where."""


class ParameterError(TemplateError):
    """The template does not allow this value for one of its parameters."""

    def __init__(self, parameter: str, problem: str) -> None:
        super().__init__(f"Parameters.{parameter}: {problem}")
        self.parameter = parameter
        self.problem = problem


# The loader in C, where PyYAML was built with it, is ten times as fast.
_SafeLoader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


class _Loader(_SafeLoader):  # type: ignore[misc, valid-type]  # one of two
    """A SafeLoader that turns short forms (!Ref, !Sub …) into long ones."""


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    match node:
        case yaml.ScalarNode():
            value = loader.construct_scalar(node)
        case yaml.SequenceNode():
            value = loader.construct_sequence(node, deep=True)
        case _:
            raise TemplateError(f"line {node.start_mark.line + 1}: expected text or a list after !{suffix}")
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short_form)


def read_yaml(path: Path) -> dict[str, Any]:
    """Raises TemplateError, with the line, if the file is not a YAML mapping."""
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a SafeLoader
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise TemplateError(f"{path.name} cannot be read: {error}") from error
    if not isinstance(document, dict):
        raise TemplateError(f"{path.name} must be a mapping")
    return document


def as_text(value: object) -> str:
    """As CloudFormation converts a value to text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


class Resolver:
    """Replaces intrinsics by values. `attributes` has GetAtt's values; `parameters` may include pseudo parameters."""

    def __init__(
        self, document: Mapping[str, Any], parameters: Mapping[str, str], attributes: Mapping[str, str]
    ) -> None:
        self._resources: Mapping[str, Any] = document.get("Resources", {})
        self._conditions: Mapping[str, Any] = document.get("Conditions", {})
        self._attributes = attributes
        self._values: dict[str, Any] = {
            name: parameters.get(name, default) for name, default in PSEUDO_PARAMETERS.items()
        }
        for name, definition in document.get("Parameters", {}).items():
            self._values[name] = _parameter(name, definition, parameters)
        self._functions: dict[str, Callable[[Any, str], Any]] = {
            "Ref": self._ref,
            "Condition": self.condition,
            "Fn::Sub": self._sub,
            "Fn::GetAtt": self._get_att,
            "Fn::Join": self._join,
            "Fn::Select": self._select,
            "Fn::Split": self._split,
            "Fn::If": self._if,
            "Fn::Equals": self._equals,
            "Fn::Not": lambda value, place: not self._each(value, place)[0],
            "Fn::And": lambda value, place: all(self._each(value, place)),
            "Fn::Or": lambda value, place: any(self._each(value, place)),
        }

    def resolve(self, value: Any, place: str) -> Any:
        """`place` names the value in error messages. Raises TemplateError."""
        if isinstance(value, list):
            return [item for item in self._each(value, place) if item is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        name = next(iter(value), None)
        if len(value) == 1 and isinstance(name, str) and (name.startswith("Fn::") or name in ("Ref", "Condition")):
            if name not in self._functions:
                raise TemplateError(f"{place}: the local stack does not know {name}")
            return self._functions[name](value[name], place)
        resolved = {key: self.resolve(item, f"{place}.{key}") for key, item in value.items()}
        return {key: item for key, item in resolved.items() if item is not NO_VALUE}

    def condition(self, name: str, place: str) -> bool:
        if name not in self._conditions:
            raise TemplateError(f"{place}: no condition is called {name}")
        return bool(self.resolve(self._conditions[name], f"Conditions.{name}"))

    def physical_name(self, logical_id: str) -> str:
        """The name in the template, else one like those that CloudFormation makes up."""
        given = self._resources[logical_id].get("Properties", {}).get("TableName")
        return given if isinstance(given, str) else f"{self._values['AWS::StackName']}-{logical_id}"

    def _each(self, values: Any, place: str) -> list[Any]:
        if not isinstance(values, list):
            raise TemplateError(f"{place}: expected a list")
        return [self.resolve(item, f"{place}[{index}]") for index, item in enumerate(values)]

    def _arguments(self, value: Any, count: int, place: str) -> list[Any]:
        arguments = self._each(value, place)
        if len(arguments) != count:
            raise TemplateError(f"{place}: expected {count} arguments")
        return arguments

    def _ref(self, name: Any, place: str) -> Any:
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in self._values:
            return self._values[name]
        if name in self._resources:
            return self.physical_name(name)
        raise TemplateError(f"{place}: !Ref {name} names no parameter and no resource")

    def _get_att(self, value: Any, place: str) -> str:
        resource, attribute = value
        dotted = f"{resource}.{attribute}"
        if dotted in self._attributes:
            return self._attributes[dotted]
        if attribute == "Arn" and resource in self._resources:
            return f"arn:aws:local:{REGION}:{ACCOUNT_ID}:{self._ref(resource, place)}"
        raise TemplateError(f"{place}: the local stack does not know !GetAtt {dotted}")

    def _sub(self, value: Any, place: str) -> str:
        text, extra = (value, {}) if isinstance(value, str) else value
        own = self.resolve(extra, place)

        def replacement(match: re.Match[str]) -> str:
            literal, name = match.groups()
            if literal:
                return f"${{{name}}}"
            if name in own:
                return as_text(own[name])
            return str(self._get_att(name.split(".", 1), place) if "." in name else self._ref(name, place))

        return PLACEHOLDER.sub(replacement, text)

    def _join(self, value: Any, place: str) -> str:
        separator, items = self._arguments(value, 2, place)
        return str(separator).join(as_text(item) for item in items)

    def _select(self, value: Any, place: str) -> Any:
        index, items = self._arguments(value, 2, place)
        return items[int(index)]

    def _split(self, value: Any, place: str) -> list[str]:
        separator, text = self._arguments(value, 2, place)
        return str(text).split(separator)

    def _equals(self, value: Any, place: str) -> bool:
        left, right = self._arguments(value, 2, place)
        return str(left) == str(right)

    def _if(self, value: Any, place: str) -> Any:
        name, then, otherwise = value
        return self.resolve(then if self.condition(name, place) else otherwise, place)


def _parameter(name: str, definition: Mapping[str, Any], given: Mapping[str, str]) -> Any:
    if name not in given and "Default" not in definition:
        raise TemplateError(f"Parameters.{name}: no value is given and it has no default")
    value = str(given.get(name, definition.get("Default")))
    is_list = definition["Type"] == "CommaDelimitedList"
    values = [item.strip() for item in value.split(",")] if is_list else [value]
    for item in values:
        # An empty value means "none" here, even where a deployment must have one (SecretsPrefix).
        if item and (problem := _problem(item, definition)):
            raise ParameterError(name, f"{item!r} {problem}")
    return values if is_list else value


def _problem(value: str, definition: Mapping[str, Any]) -> str | None:
    """What is wrong with a parameter's value; None if CloudFormation would accept it."""
    allowed, pattern = definition.get("AllowedValues"), definition.get("AllowedPattern")
    if allowed and value not in map(str, allowed):
        return f"is none of {', '.join(map(str, allowed))}"
    if pattern and not re.fullmatch(pattern, value):
        return f"does not match {pattern}"
    if definition["Type"] == "Number":
        least, most = float(definition.get("MinValue", "-inf")), float(definition.get("MaxValue", "inf"))
        if not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value) or not least <= float(value) <= most:
            return f"is no number from {least:g} to {most:g}"
    return None
