"""The problem documents (RFC 9457) of an operation's errors: one schema for each error class."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from tools.generate.openapi.schemas import Components
from topup.api import problems as edge
from topup.domain import errors
from topup.domain.errors import TopupError

PROBLEM = "application/problem+json"
TEXT = {"type": "string"}
WHOLE = {"type": "integer"}

# Every operation may end in these; the first two where the deployed version does not have the operation.
EVERYWHERE = (errors.NoSuchAddress, errors.MethodNotAllowed, TopupError, errors.ConfigurationError)

# The extension members of a problem: by error, the schema of each and whether it is always present.
EXTENSIONS: Mapping[type[TopupError], Mapping[str, tuple[Mapping[str, Any], bool]]] = {
    errors.InsufficientCredits: {"balance": (WHOLE | {"description": "The credits that the user can spend"}, True)},
    errors.CreditsSpent: {
        "largest_refundable": (
            TEXT | {"description": "The most that can be refunded without debt, in major units"},
            True,
        )
    },
    errors.NotRefundable: {
        "largest_refundable": (TEXT | {"description": "The most that can be refunded, in major units"}, False)
    },
    errors.ValidationFailed: {
        "errors": (
            {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "properties": {"field": TEXT, "message": TEXT},
                    "required": ["field", "message"],
                    "additionalProperties": False,
                },
            },
            True,
        )
    },
}


def responses(failures: Iterable[type[TopupError]], components: Components) -> dict[str, Any]:
    """One response for each status; several errors may share it."""
    by_status: dict[int, list[type[TopupError]]] = defaultdict(list)
    for failure in (*failures, *EVERYWHERE):
        by_status[status_of(failure)].append(failure)
    return {str(status): _response(status, by_status[status], components) for status in sorted(by_status)}


def status_of(failure: type[TopupError]) -> int:
    return int(edge.status_of(failure))


def name_of(failure: type[TopupError]) -> str:
    """The schema's name: insufficient_credits → InsufficientCreditsProblem."""
    return "".join(word.capitalize() for word in failure.code.split("_")) + "Problem"


def _response(status: int, failures: list[type[TopupError]], components: Components) -> dict[str, Any]:
    references = [components.add(name_of(failure), schema(failure)) for failure in failures]
    content = references[0] if len(references) == 1 else {"oneOf": references}
    headers: dict[str, Any] = {"Cache-Control": {"required": True, "schema": {"const": "no-store"}}}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = {"required": True, "schema": TEXT}
    if errors.Busy in failures:
        seconds = {"type": "integer", "minimum": 1}
        headers["Retry-After"] = {"required": failures == [errors.Busy], "schema": seconds, "description": "Seconds"}
    description = "; ".join(failure.title for failure in failures)
    return {"description": description, "headers": headers, "content": {PROBLEM: {"schema": content}}}


def schema(failure: type[TopupError]) -> dict[str, Any]:
    """The schema of a problem document as `topup.api.endpoint` writes it."""
    extensions = EXTENSIONS.get(failure, {})
    properties = {
        "type": {"const": f"urn:topup:problem:{failure.code}"},
        "title": {"const": failure.title},
        "status": {"const": status_of(failure)},
        "detail": TEXT | {"description": "An explanation for people"},
        "code": {"const": failure.code},
        "request_id": TEXT | {"description": "The id of this request in the logs"},
    }
    return {
        "type": "object",
        "description": failure.title,
        "properties": properties | {name: dict(extension) for name, (extension, _) in extensions.items()},
        "required": [*properties, *(name for name, (_, is_required) in extensions.items() if is_required)],
        "additionalProperties": False,
    }
