"""An operation's errors: problem documents (RFC 9457), one schema for each class, and the gateway's own answers."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from tools.generate.openapi import examples
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
    errors.InsufficientCredits: {
        "balance": (WHOLE | {"description": "The credits that there are; negative where more is owed"}, True),
        "held": (WHOLE | {"description": "What open holds reserve"}, True),
        "available": (
            WHOLE | {"description": "What can be spent, or held until the hold is to end"},
            True,
        ),
    },
    errors.HoldEnded: {
        "state": (TEXT | {"description": "How it ended: captured, released or expired"}, True),
        "captured": (WHOLE | {"description": "What captures have taken"}, True),
        "shortfall": (WHOLE | {"description": "What captures could not take"}, True),
    },
    errors.SpendReversed: {"left": (WHOLE | {"description": "What has not been given back of the spend"}, True)},
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
                "description": "What was refused, one by one; at most 20",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "properties": {
                        "field": TEXT | {"description": "The name of a field, a parameter or a header, as it was sent"},
                        "message": TEXT | {"description": "What it must be, for people"},
                    },
                    "required": ["field", "message"],
                },
            },
            True,
        )
    },
}


# What API Gateway answers by itself, before or instead of a function; it never has another form.
GATEWAY_ERROR = {
    "type": "object",
    "description": "API Gateway's own answer, where no function has answered",
    "properties": {"message": TEXT},
    "required": ["message"],
    "examples": [{"message": "Service Unavailable"}],
}
OF_THE_GATEWAY: Mapping[int, str] = {
    404: "The domain leads to no API",
    413: "More than 10 MB, which API Gateway does not pass on",
    431: "Headers of more than 10,240 bytes",
    429: "Too many requests at once for this route, or for the AWS account; API Gateway does not say when to try again",
    500: "The function crashed",
    503: "The function did not answer within 30 seconds",
}
# The names of the responses that operations share.
SHARED = {
    404: "NotFound",
    405: "MethodNotAllowed",
    413: "TooLarge",
    429: "TooManyRequests",
    431: "HeadersTooLarge",
    500: "Failed",
    503: "Away",
}
REQUEST_ID = {"schema": TEXT, "description": "The id of this request in the logs"}


def responses(failures: Iterable[type[TopupError]], components: Components) -> dict[str, Any]:
    """One response for each status; several errors may share it, and those that all operations share are components."""
    by_status: dict[int, list[type[TopupError]]] = defaultdict(list)
    for failure in (*failures, *EVERYWHERE):
        by_status[status_of(failure)].append(failure)
    of_all = {status: [one for one in EVERYWHERE if status_of(one) == status] for status in SHARED}
    made: dict[str, Any] = {}
    for status in sorted({*by_status, *OF_THE_GATEWAY}):
        response = _response(status, by_status[status], components)
        is_shared = by_status[status] in ([], of_all.get(status))
        made[str(status)] = components.share(SHARED[status], response) if is_shared else response
    return made


def status_of(failure: type[TopupError]) -> int:
    return int(edge.status_of(failure))


def name_of(failure: type[TopupError]) -> str:
    """The schema's name: insufficient_credits → InsufficientCreditsProblem."""
    return "".join(word.capitalize() for word in failure.code.split("_")) + "Problem"


def _response(status: int, failures: list[type[TopupError]], components: Components) -> dict[str, Any]:
    content: dict[str, Any] = {}
    references = [components.add(name_of(failure), schema(failure)) for failure in failures]
    if status in OF_THE_GATEWAY:
        gateway_error = components.add("GatewayError", GATEWAY_ERROR)
        # Generated clients read a status by its first media type, whichever the answer has.
        references += [gateway_error] if references else []
        content["application/json"] = {"schema": gateway_error}
    if references:
        problem = {"schema": references[0] if len(references) == 1 else {"oneOf": references}}
        content = {PROBLEM: problem} | content
    words = [*(failure.title for failure in failures), *([OF_THE_GATEWAY[status]] if status in OF_THE_GATEWAY else [])]
    return {"description": "; ".join(words), "headers": _headers(status, failures), "content": content}


def _headers(status: int, failures: list[type[TopupError]]) -> dict[str, Any]:
    """The gateway's own answers have none of them."""
    if not failures:
        return {"Apigw-Requestid": REQUEST_ID}
    is_ours = status not in OF_THE_GATEWAY
    headers: dict[str, Any] = {
        "Cache-Control": {"required": is_ours, "schema": {"const": "no-store"}},
        "X-Request-Id": {"required": is_ours} | REQUEST_ID,
    }
    if status == HTTPStatus.UNAUTHORIZED:
        challenges = TEXT | {"enum": list(edge.CHALLENGES.values())}
        headers["WWW-Authenticate"] = {"required": True, "schema": challenges, "description": "What is missing"}
    if status == HTTPStatus.FORBIDDEN:
        headers["WWW-Authenticate"] = {"required": True, "schema": {"const": edge.NOT_ENOUGH}}
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = {"required": True, "schema": TEXT, "description": "The methods of this address"}
    if errors.Busy in failures:
        seconds = {"type": "integer", "minimum": 1}
        headers["Retry-After"] = {"schema": seconds, "description": "Seconds; not in the gateway's own answer"}
    return headers


def schema(failure: type[TopupError]) -> dict[str, Any]:
    """The schema of a problem document as `topup.api.problems` writes it; documents may gain fields."""
    extensions = EXTENSIONS.get(failure, {})
    properties = {
        "type": {"const": f"urn:topup:problem:{failure.code}"},
        "title": TEXT,
        "status": {"const": status_of(failure)},
        "detail": TEXT,
        "code": {"const": failure.code},
        "request_id": TEXT,
    }
    made = {
        "type": "object",
        "description": failure.title,
        "properties": properties | {name: dict(extension) for name, (extension, _) in extensions.items()},
        "required": [*properties, *(name for name, (_, is_required) in extensions.items() if is_required)],
    }
    example = examples.recorded().problems.get(failure.code)
    return made | ({"examples": [example]} if example else {})
