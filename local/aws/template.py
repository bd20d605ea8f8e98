"""Read template.yaml: functions, routes, CORS settings, tables and stream mappings, with intrinsics resolved."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from local.aws.intrinsics import NO_VALUE, Resolver, TemplateError, as_text, read_yaml

FUNCTION = "AWS::Serverless::Function"
TABLE = "AWS::DynamoDB::Table"
HTTP_API = "AWS::Serverless::HttpApi"
URL = "AWS::Lambda::Url"
# The arguments of create_table; the other properties (backups, protection) have no meaning on this machine.
TABLE_PROPERTIES = (
    "AttributeDefinitions",
    "KeySchema",
    "GlobalSecondaryIndexes",
    "LocalSecondaryIndexes",
    "BillingMode",
    "ProvisionedThroughput",
)

# Of EventBridge's patterns. AWS Lambda, "Event filtering"; Amazon EventBridge, "Comparison operators".
FILTER_OPERATORS = {"anything-but", "cidr", "equals-ignore-case", "exists", "numeric", "prefix", "suffix", "wildcard"}

# The secrets that a function reads from AWS. The lists differ, and here the secrets come from the environment.
NOT_SHARED = "SECRETS"

__all__ = ["Cors", "Function", "Route", "StreamMapping", "Table", "Template", "TemplateError", "read"]


@dataclass(frozen=True)
class Function:
    logical_id: str
    code: str  # the folder, relative to the project
    handler: str  # module.name
    timeout: int  # seconds
    memory: int  # MB
    environment: Mapping[str, str]
    has_url: bool

    @property
    def name(self) -> str:
        return Path(self.code).name


@dataclass(frozen=True)
class Route:
    method: str  # or ANY
    path: str  # a pattern such as /a/{b}, or $default
    function: Function

    @property
    def key(self) -> str:
        return self.path if self.path == "$default" else f"{self.method} {self.path}"


@dataclass(frozen=True)
class Cors:
    origins: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    exposed_headers: tuple[str, ...] = ()
    max_age: int | None = None  # seconds
    credentials: bool = False


@dataclass(frozen=True)
class Table:
    logical_id: str
    name: str
    definition: Mapping[str, Any]  # for create_table, without the name
    ttl_attribute: str | None
    is_given: bool = False  # it exists already, and a parameter names it


@dataclass(frozen=True)
class StreamMapping:
    table: str  # logical id
    function: Function
    filters: tuple[Mapping[str, Any], ...]  # EventBridge patterns; a record passes when one of them matches
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Template:
    functions: tuple[Function, ...]
    routes: tuple[Route, ...]
    cors: Cors
    tables: tuple[Table, ...]
    streams: tuple[StreamMapping, ...]

    @property
    def environment(self) -> dict[str, str]:
        """All functions' variables: their handlers share one process here, so each variable must have one value."""
        union: dict[str, str] = {}
        for function in self.functions:
            for name, value in function.environment.items():
                if name != NOT_SHARED and union.setdefault(name, value) != value:
                    raise TemplateError(f"{function.logical_id}: {name} has another value than in another function")
        return union


def read(path: Path, parameters: Mapping[str, str], attributes: Mapping[str, str] | None = None) -> Template:
    """`attributes` has the values of GetAtt by dotted name ("WebhookFunctionUrl.FunctionUrl"). Raises TemplateError."""
    return _Reader(read_yaml(path), parameters, attributes or {}).read()


class _Reader:
    def __init__(
        self, document: Mapping[str, Any], parameters: Mapping[str, str], attributes: Mapping[str, str]
    ) -> None:
        self._document = document
        self._resolver = Resolver(document, parameters, attributes)
        targets = [body["Properties"]["TargetFunctionArn"]["Ref"] for _, body in self._resources(URL)]
        self._with_url = {target.partition(".")[0] for target in targets}  # Function.Alias is SAM's name for its alias

    def read(self) -> Template:
        self._tables = tuple(self._all_tables())
        functions, routes, streams = [], [], []
        for logical_id, body in self._resources(FUNCTION):
            function = self._function(logical_id, body.get("Properties", {}))
            functions.append(function)
            for name, event in body.get("Properties", {}).get("Events", {}).items():
                place = f"{logical_id}.Events.{name}"
                if event["Type"] == "HttpApi":
                    routes.append(self._route(function, event.get("Properties", {}), place))
                elif event["Type"] == "DynamoDB":
                    streams.append(self._stream(function, event["Properties"], place))
        return Template(tuple(functions), tuple(routes), self._cors(), self._tables, tuple(streams))

    def _resources(self, kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for logical_id, body in self._document.get("Resources", {}).items():
            if body.get("Type") == kind and self._exists(logical_id, body):
                yield logical_id, body

    def _exists(self, logical_id: str, body: Mapping[str, Any]) -> bool:
        return "Condition" not in body or self._resolver.condition(body["Condition"], logical_id)

    def _function(self, logical_id: str, own: Mapping[str, Any]) -> Function:
        shared = self._document.get("Globals", {}).get("Function", {})

        def setting(name: str, default: Any = None) -> Any:
            value = self._resolver.resolve(own.get(name, shared.get(name, default)), f"{logical_id}.{name}")
            if value is None:
                raise TemplateError(f"{logical_id}: {name} is missing")
            return value

        variables = {
            **shared.get("Environment", {}).get("Variables", {}),
            **own.get("Environment", {}).get("Variables", {}),
        }
        return Function(
            logical_id=logical_id,
            code=str(setting("CodeUri")).strip("/"),
            handler=str(setting("Handler")),
            timeout=int(setting("Timeout", 3)),  # Lambda's own default
            memory=int(setting("MemorySize", 128)),
            environment=self._variables(variables, logical_id),
            has_url=logical_id in self._with_url,
        )

    def _variables(self, variables: Mapping[str, Any], logical_id: str) -> Mapping[str, str]:
        place = f"{logical_id}.Environment"
        resolved = {name: self._resolver.resolve(value, f"{place}.{name}") for name, value in variables.items()}
        return {name: as_text(value) for name, value in resolved.items() if value is not NO_VALUE}

    def _route(self, function: Function, event: Mapping[str, Any], place: str) -> Route:
        path = self._resolver.resolve(event.get("Path", "$default"), f"{place}.Path")
        method = self._resolver.resolve(event.get("Method", "ANY"), f"{place}.Method")
        return Route("ANY" if method in ("*", "any") else str(method).upper(), str(path), function)

    def _stream(self, function: Function, event: Mapping[str, Any], place: str) -> StreamMapping:
        table = self._table_of(self._chosen(event["Stream"], place), f"{place}.Stream")
        criteria = self._resolver.resolve(event.get("FilterCriteria", {}), f"{place}.FilterCriteria")
        patterns = tuple(_pattern(item["Pattern"], f"{place}.FilterCriteria") for item in criteria.get("Filters", ()))
        properties = {name: value for name, value in event.items() if name not in ("Stream", "FilterCriteria")}
        return StreamMapping(table, function, patterns, self._resolver.resolve(properties, place))

    def _table_of(self, stream: Mapping[str, Any], place: str) -> str:
        """The logical id of the table that a stream belongs to."""
        source = stream.get("Fn::GetAtt")
        if source and source[1] == "StreamArn":
            return str(source[0])
        name = _name_in(str(self._resolver.resolve(stream, place))) if "Ref" in stream else ""
        found = [table.logical_id for table in self._tables if table.is_given and table.name == name]
        if not found:
            raise TemplateError(f"{place}: expected !GetAtt <table>.StreamArn, or the stream of a table that is given")
        return found[0]

    def _chosen(self, value: Any, place: str) -> Any:
        """The branch of an !If that its condition chooses, unresolved; any other value as it is."""
        if "Fn::If" not in value:
            return value
        condition, then, otherwise = value["Fn::If"]
        return then if self._resolver.condition(condition, place) else otherwise

    def _cors(self) -> Cors:
        for logical_id, body in self._resources(HTTP_API):
            settings = body.get("Properties", {}).get("CorsConfiguration")
            if settings is None:
                continue
            place = f"{logical_id}.CorsConfiguration"
            if not isinstance(settings, dict):
                raise TemplateError(f"{place}: expected a mapping")
            resolved = self._resolver.resolve(settings, place)
            max_age = resolved.get("MaxAge")
            return Cors(
                origins=tuple(resolved.get("AllowOrigins", ())),
                methods=tuple(resolved.get("AllowMethods", ())),
                headers=tuple(resolved.get("AllowHeaders", ())),
                exposed_headers=tuple(resolved.get("ExposeHeaders", ())),
                max_age=None if max_age is None else int(max_age),
                credentials=bool(resolved.get("AllowCredentials", False)),
            )
        return Cors()

    def _all_tables(self) -> Iterator[Table]:
        """Those that the stack creates, and in place of the others the ones that their parameters name."""
        for logical_id, body in self._document.get("Resources", {}).items():
            if body.get("Type") != TABLE:
                continue
            if self._exists(logical_id, body):
                yield self._table(logical_id, body, self._resolver.physical_name(logical_id))
            elif f"{logical_id}Arn" in self._document.get("Parameters", {}):
                arn = str(self._resolver.resolve({"Ref": f"{logical_id}Arn"}, logical_id))
                yield replace(self._table(logical_id, body, _name_in(arn)), is_given=True)

    def _table(self, logical_id: str, body: Mapping[str, Any], name: str) -> Table:
        properties = body["Properties"]
        kept = {name: properties[name] for name in TABLE_PROPERTIES if name in properties}
        definition: dict[str, Any] = self._resolver.resolve(kept, logical_id)
        if view := properties.get("StreamSpecification", {}).get("StreamViewType"):
            definition["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": view}
        ttl = properties.get("TimeToLiveSpecification", {})
        attribute = ttl.get("AttributeName") if ttl.get("Enabled") else None
        return Table(logical_id, name, definition, attribute)


def _name_in(arn: str) -> str:
    """The table's name in its ARN, or in that of its stream: arn:aws:dynamodb:…:table/NAME/stream/…"""
    return arn.partition(":table/")[2].partition("/")[0]


def _pattern(text: str, place: str) -> Mapping[str, Any]:
    """An EventBridge pattern, as the filter of a stream mapping has it."""
    try:
        pattern = json.loads(text)
    except ValueError as error:
        raise TemplateError(f"{place}: a filter pattern must be JSON: {error}") from error
    _check_pattern(pattern, place)
    return cast("Mapping[str, Any]", pattern)


def _check_pattern(pattern: Any, place: str) -> None:
    """AWS refuses a mapping whose pattern is wrong; moto, which does the matching here, lets everything pass."""
    if not isinstance(pattern, dict) or not pattern:
        raise TemplateError(f"{place}: a filter pattern must be an object that is not empty")
    for name, allowed in pattern.items():
        if not isinstance(allowed, list):
            _check_pattern(allowed, f"{place}.{name}")
            continue
        for operator in (rule for rule in allowed if isinstance(rule, dict)):
            if len(operator) != 1 or not operator.keys() <= FILTER_OPERATORS:
                raise TemplateError(f"{place}.{name}: {json.dumps(operator)} is no filter operator")
