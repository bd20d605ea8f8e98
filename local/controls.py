"""Controls of the local stack, under /_local: run reconcile now, pause TTL, lose TTL's stream records, deploy."""

import json
from collections.abc import Collection
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.aws.functions import FunctionError
from local.aws.project import Runtime
from local.aws.template import Function, TemplateError
from local.aws.ttl import Reaper

RECONCILE = "reconcile"
DAILY_REPORT = "daily_report"
LONGEST_WINDOW = 720  # hours; Stripe keeps events for 30 days
HOURS = ("window_hours", "sweep_after_hours")
RECONCILE_FIELDS = (*HOURS, "all", "settled")
SWITCHES = ("paused", "drop")


class InvalidBodyError(Exception):
    """A control does not accept this body; names the field and what it must be."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class Controls:
    """POST /_local/reconcile and /_local/daily-report run functions; /_local/reaper shows and sets the switches.

    PUT /_local/parameters changes parameters of the template, as `make deploy SET=…` does on AWS.
    """

    def __init__(self, runtime: Runtime, reaper: Reaper) -> None:
        self._runtime = runtime
        self._reaper = reaper

    def routes(self) -> list[Route]:
        return [
            Route("/_local/reconcile", self.reconcile, methods=["POST"]),
            Route("/_local/daily-report", self.report, methods=["POST"]),
            Route("/_local/reaper", self.show_reaper, methods=["GET"]),
            Route("/_local/reaper", self.set_reaper, methods=["PUT"]),
            Route("/_local/parameters", self.deploy, methods=["PUT"]),
        ]

    async def reconcile(self, request: Request) -> Response:
        """`{"window_hours": 72, "all": false, "sweep_after_hours": 48, "settled": []}`, each of them optional.

        The response is the function's report.
        """
        try:
            given = _reconcile_fields(await request.body())
            event = {"time": self._runtime.clock.now().isoformat(), **given}
            return JSONResponse(await self._runtime.functions.invoke(self._function(RECONCILE), event))
        except InvalidBodyError as error:
            return _unprocessable(error)
        except (FunctionError, TemplateError) as error:
            return _failed(error)

    async def report(self, _request: Request) -> Response:
        """Begin the daily report, or go on with it; the response is the report."""
        try:
            return JSONResponse(await self._runtime.functions.invoke(self._function(DAILY_REPORT), {}))
        except (FunctionError, TemplateError) as error:
            return _failed(error)

    async def show_reaper(self, _request: Request) -> Response:
        return JSONResponse(self._reaper.state())

    async def set_reaper(self, request: Request) -> Response:
        """`{"paused": true, "drop": false}`; a switch that is not named stays as it is."""
        try:
            self._reaper.switches = replace(self._reaper.switches, **_switches(await request.body()))
        except InvalidBodyError as error:
            return _unprocessable(error)
        return await self.show_reaper(request)

    async def deploy(self, request: Request) -> Response:
        """`{"OrdersTableArn": "arn:aws:…"}`; a parameter that is not named stays as it is."""
        try:
            parameters = _parameters(await request.body())
            await to_thread.run_sync(self._runtime.project.deploy, parameters)
        except InvalidBodyError as error:
            return _unprocessable(error)
        except TemplateError as error:
            return _unprocessable(InvalidBodyError("body", str(error)))
        return JSONResponse(parameters)

    def _function(self, name: str) -> Function:
        found = [function for function in self._runtime.project.template().functions if function.name == name]
        if not found:
            raise TemplateError(f"template.yaml has no function {name}")
        return found[0]


def _failed(error: Exception) -> Response:
    detail = str(error) or "the function failed: see the console, and logs/app.log"
    return JSONResponse({"title": "Bad Gateway", "status": 502, "detail": detail}, HTTPStatus.BAD_GATEWAY)


def _reconcile_fields(body: bytes) -> dict[str, Any]:
    given = _object(body, RECONCILE_FIELDS)
    for name, value in given.items():
        if name in HOURS and not (type(value) is int and 0 <= value <= LONGEST_WINDOW):
            raise InvalidBodyError(name, f"must be a whole number of hours from 0 to {LONGEST_WINDOW}")
        if name == "all" and type(value) is not bool:
            raise InvalidBodyError(name, "must be true or false")
        if name == "settled" and not (isinstance(value, list) and all(isinstance(one, str) for one in value)):
            raise InvalidBodyError(name, "must be a list of ids")
    return given


def _parameters(body: bytes) -> dict[str, str]:
    given = _object(body)
    for name, value in given.items():
        if not isinstance(value, str):
            raise InvalidBodyError(name, "must be text")
    return given


def _switches(body: bytes) -> dict[str, bool]:
    given = _object(body, SWITCHES)
    for name, value in given.items():
        if type(value) is not bool:
            raise InvalidBodyError(name, "must be true or false")
    return given


def _object(body: bytes, fields: Collection[str] | None = None) -> dict[str, Any]:
    """An empty body is an empty object."""
    try:
        document = json.loads(body or b"{}")
    except ValueError:
        raise InvalidBodyError("body", "must be JSON") from None
    if not isinstance(document, dict):
        raise InvalidBodyError("body", "must be a JSON object")
    for name in document:
        if fields is not None and name not in fields:
            raise InvalidBodyError(name, f"is unknown; the fields are {', '.join(fields)}")
    return document


def _unprocessable(error: InvalidBodyError) -> Response:
    problem = {"field": error.field, "message": str(error)}
    return JSONResponse({"title": "Unprocessable Content", "status": 422, "errors": [problem]}, 422)
