"""Stripe's own errors, refused controls, and calls without a response."""

from typing import Any


class StripeError(Exception):
    """An error response of the API, in Stripe's format."""

    # Stripe stores only the responses of calls that began to run (API: idempotent requests).
    storable = True

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        error_type: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        **details: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.fields = {"type": error_type, "code": code, "message": message, "param": param, **details}

    def body(self) -> dict[str, Any]:
        fields = {name: value for name, value in self.fields.items() if value is not None}
        if code := self.fields["code"]:
            fields["doc_url"] = f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"
        return {"error": fields}


class InvalidParameter(StripeError):
    """The request was refused before it began to run, so its response is not stored."""

    storable = False


class Refused(Exception):
    """A refused control. status: 404 unknown object, 409 impossible in its state, 422 invalid value."""

    def __init__(self, status: int, message: str, field: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.field = field
        self.code = code


class NoResponse(Exception):
    """The call gets no response within the client's timeout. The client cannot tell whether it took effect."""


def resource_missing(kind: str, object_id: str, param: str = "id") -> StripeError:
    return StripeError(f"No such {kind}: '{object_id}'", status=404, code="resource_missing", param=param)
