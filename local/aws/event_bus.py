"""EventBridge for the local stack: takes PutEvents, and shows what was published, newest first or as it comes.

Rules, targets and archives are EventBridge's own, and are not played here.
"""

import asyncio
import json
import uuid
from collections import deque
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from local.aws.intrinsics import ACCOUNT_ID, REGION

PATH = "/_local/event-bus"  # the endpoint of EventBridge's API, below the API's port
KEPT = 1000  # events; the oldest are dropped
EVENT_STREAM = "text/event-stream"

Json = dict[str, Any]


class EventBus:
    """The one bus of the stack, in memory."""

    def __init__(self) -> None:
        self._events: deque[Json] = deque(maxlen=KEPT)
        self._listeners: set[asyncio.Queue[Json]] = set()

    def routes(self) -> list[Route]:
        return [
            Route(PATH, self.call, methods=["POST"]),
            Route("/_local/events", self.show, methods=["GET"]),
        ]

    async def call(self, request: Request) -> Response:
        """EventBridge's API; the operation is in a header, as the SDK sends it."""
        operation = request.headers.get("x-amz-target", "").rpartition(".")[2]
        if operation != "PutEvents":
            message = f"the local stack has no {operation or 'operation without a name'}"
            return JSONResponse({"__type": "UnknownOperationException", "message": message}, 400)
        entries = json.loads(await request.body())["Entries"]
        return JSONResponse({"FailedEntryCount": 0, "Entries": [{"EventId": self._add(entry)} for entry in entries]})

    async def show(self, request: Request) -> Response:
        """The events, newest first; with `Accept: text/event-stream` those that come from now on, as they come."""
        if EVENT_STREAM in request.headers.get("accept", ""):
            return StreamingResponse(self._follow(), media_type=EVENT_STREAM, headers={"cache-control": "no-store"})
        return JSONResponse({"events": list(reversed(self._events))}, headers={"cache-control": "no-store"})

    def _add(self, entry: Json) -> str:
        event = as_targets_get_it(entry)
        self._events.append(event)
        for listener in self._listeners:
            listener.put_nowait(event)
        return str(event["id"])

    async def _follow(self) -> AsyncGenerator[str]:
        listener: asyncio.Queue[Json] = asyncio.Queue()
        self._listeners.add(listener)
        try:
            yield ": events follow as they are published\n\n"
            while True:
                event = await listener.get()
                yield f"id: {event['detail']['id']}\nevent: {event['detail-type']}\ndata: {json.dumps(event)}\n\n"
        finally:
            self._listeners.discard(listener)


def as_targets_get_it(entry: Json) -> Json:
    """The event that EventBridge makes of an entry of PutEvents. Source: EventBridge, "Events"."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": entry["DetailType"],
        "source": entry["Source"],
        "account": ACCOUNT_ID,
        "time": datetime.fromtimestamp(entry["Time"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": entry["Resources"],
        "detail": json.loads(entry["Detail"]),
    }
