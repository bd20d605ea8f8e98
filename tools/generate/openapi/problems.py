"""The problem documents (RFC 9457) that an operation answers with: one schema for each error, from its own class."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from tools.generate.openapi.schemas import Components
from topup.api import endpoint
from topup.domain import errors
from topup.domain.errors import TopupError

PROBLEM = "application/problem+json"
TEXT = {"type": "string"}
WHOLE = {"type": "integer"}

# What any function may answer, whoever asks.
OURS = (TopupError, errors.ConfigurationError)

# What a problem says besides: by error, a figure's schema and whether it is always there.
FIGURES: Mapping[type[TopupError], Mapping[str, tuple[Mapping[str, Any], bool]]] = {
    errors.InsufficientCredits: {"balance": (WHOLE | {"description": "The credits that can be spent"}, True)},
    errors.TooManyLots: {"largest": (WHOLE | {"description": "The credits that can be spent at once"}, True)},
    errors.CreditsSpent: {"largest_refundable": (TEXT | {"description": "Major units, without leaving debt"}, True)},
    errors.NotRefundable: {"largest_refundable": (TEXT | {"description": "Major units"}, False)},
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
    """A response for each status, of which several errors may have the same."""
    by_status: dict[int, list[type[TopupError]]] = defaultdict(list)
    for failure in (*failures, *OURS):
        by_status[status_of(failure)].append(failure)
    return {str(status): _response(status, by_status[status], components) for status in sorted(by_status)}


def status_of(failure: type[TopupError]) -> int:
    return int(endpoint.STATUS_OF.get(failure, HTTPStatus.INTERNAL_SERVER_ERROR))


def name_of(failure: type[TopupError]) -> str:
    """The schema's name: insufficient_credits → InsufficientCreditsProblem."""
    return "".join(word.capitalize() for word in failure.code.split("_")) + "Problem"


def _response(status: int, failures: list[type[TopupError]], components: Components) -> dict[str, Any]:
    references = [components.add(name_of(failure), schema(failure)) for failure in failures]
    content = references[0] if len(references) == 1 else {"oneOf": references}
    headers: dict[str, Any] = {"Cache-Control": {"required": True, "schema": {"const": "no-store"}}}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = {"required": True, "schema": {"const": "Bearer"}}
    if errors.Busy in failures:
        seconds = {"type": "integer", "minimum": 1}
        headers["Retry-After"] = {"required": failures == [errors.Busy], "schema": seconds, "description": "Seconds"}
    description = "; ".join(failure.title for failure in failures)
    return {"description": description, "headers": headers, "content": {PROBLEM: {"schema": content}}}


def schema(failure: type[TopupError]) -> dict[str, Any]:
    """A problem document: just what `topup.api.endpoint` writes."""
    figures = FIGURES.get(failure, {})
    properties = {
        "type": {"const": f"urn:topup:problem:{failure.code}"},
        "title": {"const": failure.title},
        "status": {"const": status_of(failure)},
        "detail": TEXT | {"description": "For people"},
        "code": {"const": failure.code},
        "request_id": TEXT | {"description": "What the logs have it under"},
    }
    return {
        "type": "object",
        "description": failure.title,
        "properties": properties | {name: dict(figure) for name, (figure, _) in figures.items()},
        "required": [*properties, *(name for name, (_, is_always_there) in figures.items() if is_always_there)],
        "additionalProperties": False,
    }
