"""The controls under /_sim: JSON in, JSON out."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any, TypeVar

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from local.stripe_simulator import bodies
from local.stripe_simulator.api.faults import Fault
from local.stripe_simulator.core.errors import Refused
from local.stripe_simulator.core.webhooks import Behaviour
from local.stripe_simulator.simulator import Simulator

Handler = Callable[[Request], Awaitable[JSONResponse]]
BodyT = TypeVar("BodyT", bound=bodies.Body)


class InvalidBody(Exception):
    """The body is invalid. errors: one entry per field."""

    def __init__(self, errors: list[dict[str, str | None]]) -> None:
        super().__init__("invalid body")
        self.errors = errors


async def read(request: Request, shape: type[BodyT]) -> BodyT:
    """An empty body is an empty object; raises InvalidBody."""
    try:
        return shape.model_validate_json(await request.body() or b"{}")
    except ValidationError as error:
        raise InvalidBody(
            [{"field": ".".join(map(str, e["loc"])) or None, "message": e["msg"]} for e in error.errors()]
        ) from None


def routes(simulator: Simulator) -> list[Route]:
    controls = Controls(simulator)
    return [
        Route("/_sim/checkout/{id}/pay", json_endpoint(controls.pay), methods=["POST"]),
        Route("/_sim/checkout/{id}/settle", json_endpoint(controls.settle), methods=["POST"]),
        Route("/_sim/checkout/{id}/expire", json_endpoint(controls.expire), methods=["POST"]),
        Route("/_sim/payment_intents/{id}/refund", json_endpoint(controls.refund), methods=["POST"]),
        Route("/_sim/payment_intents/{id}/dispute", json_endpoint(controls.dispute), methods=["POST"]),
        Route(
            "/_sim/payment_intents/{id}/early_fraud_warning", json_endpoint(controls.warn_of_fraud), methods=["POST"]
        ),
        Route("/_sim/refunds", json_endpoint(controls.set_refunds), methods=["PUT"]),
        Route("/_sim/refunds/{id}/fail", json_endpoint(controls.fail_refund), methods=["POST"]),
        Route("/_sim/refunds/{id}/settle", json_endpoint(controls.settle_refund), methods=["POST"]),
        Route("/_sim/disputes/{id}/update", json_endpoint(controls.update_dispute), methods=["POST"]),
        Route("/_sim/event_fields", json_endpoint(controls.set_event_fields), methods=["PUT"]),
        Route("/_sim/disputes/{id}/close", json_endpoint(controls.close_dispute), methods=["POST"]),
        Route("/_sim/webhooks", json_endpoint(controls.webhooks), methods=["GET"]),
        Route("/_sim/webhooks", json_endpoint(controls.set_webhooks), methods=["PUT"]),
        Route("/_sim/deliveries", json_endpoint(controls.deliveries), methods=["GET"]),
        Route("/_sim/events/{id}/resend", json_endpoint(controls.resend), methods=["POST"]),
        Route("/_sim/faults", json_endpoint(controls.faults), methods=["GET"]),
        Route("/_sim/faults", json_endpoint(controls.set_faults), methods=["PUT"]),
        Route("/_sim/reset", json_endpoint(controls.reset), methods=["POST"]),
    ]


def json_endpoint(control: Callable[[Request], Awaitable[Any]]) -> Handler:
    async def respond(request: Request) -> JSONResponse:
        try:
            return JSONResponse(await control(request))
        except InvalidBody as invalid:
            return error_response(422, "The body is not valid for this control.", errors=invalid.errors)
        except Refused as refused:
            return error_response(refused.status, str(refused), field=refused.field, code=refused.code)

    return respond


def error_response(status: int, message: str, **details: Any) -> JSONResponse:
    given = {name: value for name, value in details.items() if value is not None}
    return JSONResponse({"error": {"message": message, **given}}, status)


class Controls:
    """The handlers. They return Stripe's object where there is one."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    async def pay(self, request: Request) -> Any:
        body = await read(request, bodies.Pay)
        return self._simulator.pay(request.path_params["id"], **body.model_dump())

    async def settle(self, request: Request) -> Any:
        body = await read(request, bodies.Settle)
        return self._simulator.settle(request.path_params["id"], body.outcome)

    async def expire(self, request: Request) -> Any:
        await read(request, bodies.Nothing)
        return self._simulator.expire(request.path_params["id"])

    async def refund(self, request: Request) -> Any:
        body = await read(request, bodies.Refund)
        return self._simulator.refund(request.path_params["id"], **body.model_dump())

    async def set_refunds(self, request: Request) -> Any:
        body = await read(request, bodies.Refunds)
        self._simulator.set_refunds(pending=body.pending)
        return body.model_dump()

    async def fail_refund(self, request: Request) -> Any:
        body = await read(request, bodies.FailRefund)
        return self._simulator.fail_refund(request.path_params["id"], body.reason)

    async def settle_refund(self, request: Request) -> Any:
        body = await read(request, bodies.Settle)
        return self._simulator.settle_refund(request.path_params["id"], body.outcome)

    async def dispute(self, request: Request) -> Any:
        body = await read(request, bodies.Dispute)
        return self._simulator.dispute(request.path_params["id"], **body.model_dump())

    async def warn_of_fraud(self, request: Request) -> Any:
        body = await read(request, bodies.FraudWarning)
        return self._simulator.warn_of_fraud(request.path_params["id"], body.fraud_type)

    async def close_dispute(self, request: Request) -> Any:
        body = await read(request, bodies.CloseDispute)
        return self._simulator.close_dispute(request.path_params["id"], **body.model_dump())

    async def update_dispute(self, request: Request) -> Any:
        body = await read(request, bodies.UpdateDispute)
        return self._simulator.update_dispute(request.path_params["id"], body.status, amount=body.amount)

    async def set_event_fields(self, request: Request) -> Any:
        fields = (await read(request, bodies.EventFields)).model_dump(exclude_none=True)
        self._simulator.set_event_fields(**fields)
        return fields

    async def webhooks(self, request: Request) -> Any:  # noqa: ARG002
        return asdict(self._simulator.behaviour)

    async def set_webhooks(self, request: Request) -> Any:
        body = await read(request, bodies.Webhooks)
        self._simulator.set_webhooks(Behaviour(**body.model_dump()))
        return asdict(self._simulator.behaviour)

    async def deliveries(self, request: Request) -> Any:  # noqa: ARG002
        return {"deliveries": self._simulator.deliveries()}

    async def resend(self, request: Request) -> Any:
        await read(request, bodies.Nothing)
        return {"event": request.path_params["id"], "endpoints": self._simulator.resend(request.path_params["id"])}

    async def faults(self, request: Request) -> Any:  # noqa: ARG002
        return {"next": [asdict(fault) for fault in self._simulator.faults]}

    async def set_faults(self, request: Request) -> Any:
        body = await read(request, bodies.NextFaults)
        self._simulator.set_faults(Fault(**fault.model_dump()) for fault in body.next)
        return await self.faults(request)

    async def reset(self, request: Request) -> Any:
        await read(request, bodies.Nothing)
        self._simulator.reset()
        return {"reset": True}
