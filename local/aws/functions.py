"""Run a handler as Lambda does: with a copy of the event, a context and a deadline; its result must be JSON."""

import json
import secrets
import time
import traceback
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from local.aws.intrinsics import ACCOUNT_ID, REGION
from local.aws.loader import Loader
from local.aws.template import Function
from local.logs import HandlerLog

MAX_PAYLOAD_BYTES = 6 * 1024 * 1024  # Lambda quota: synchronous invocation, request and response each
CONCURRENT_HANDLERS = 40


class FunctionError(Exception):
    """The handler raised, timed out, or returned a result that Lambda cannot return."""


class PayloadTooLargeError(Exception):
    """The event is over Lambda's 6 MB."""


@dataclass(frozen=True)
class LambdaContext:
    """The handler's second argument."""

    function_name: str
    memory_limit_in_mb: int
    deadline: float  # on time.monotonic()'s clock
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    log_stream_name: str = field(default_factory=lambda: secrets.token_hex(16))
    function_version: str = "$LATEST"
    identity: None = None
    client_context: None = None

    @property
    def invoked_function_arn(self) -> str:
        return f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{self.function_name}"

    @property
    def log_group_name(self) -> str:
        return f"/aws/lambda/{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self.deadline - time.monotonic()) * 1000))


class Functions:
    """Invokes handlers in worker threads."""

    def __init__(self, root: Path, loader: Loader, log: HandlerLog) -> None:
        self._root = root
        self._loader = loader
        self._log = log
        self._limiter = anyio.CapacityLimiter(CONCURRENT_HANDLERS)

    async def invoke(self, function: Function, event: dict[str, Any]) -> Any:
        """Raises FunctionError or PayloadTooLargeError. A handler runs on after its timeout: no thread can be ended."""
        payload = json.dumps(event)
        if len(payload) > MAX_PAYLOAD_BYTES:
            raise PayloadTooLargeError
        context = LambdaContext(function.name, function.memory, time.monotonic() + function.timeout)
        with anyio.move_on_after(function.timeout):
            return await anyio.to_thread.run_sync(
                self._run, function, payload, context, abandon_on_cancel=True, limiter=self._limiter
            )
        self._log.console.line(f"  {function.name}: timed out after {function.timeout} s")
        raise FunctionError

    def preload(self, functions: Iterable[Function]) -> None:
        """Import their code, so that the first calls are quick and errors are reported at the start."""
        for function in functions:
            try:
                self._loader.handler(function)
            except (Exception, SystemExit) as error:
                self._report(function, error)

    def _run(self, function: Function, payload: str, context: LambdaContext) -> Any:
        with self._log.of(function.name):
            try:
                result = self._loader.handler(function)(json.loads(payload), context)
                encoded = json.dumps(result, allow_nan=False)
            except (Exception, SystemExit) as error:
                self._report(function, error)
                raise FunctionError from error
        if len(encoded) > MAX_PAYLOAD_BYTES:
            self._log.console.line(f"  {function.name}: its result is over {MAX_PAYLOAD_BYTES} bytes")
            raise FunctionError
        return json.loads(encoded)

    def _report(self, function: Function, error: BaseException) -> None:
        self._log.failure(error)
        self._log.console.line(f"  {function.name}: {type(error).__name__}: {error} ({self._place(error)})")

    def _place(self, error: BaseException) -> str:
        """The innermost line of the project's own code in the traceback."""
        if isinstance(error, SyntaxError) and error.filename:
            return self._relative(error.filename, error.lineno)
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if self._is_ours(frame.filename)]
        return self._relative(frames[-1].filename, frames[-1].lineno) if frames else "see logs/app.log"

    def _is_ours(self, filename: str) -> bool:
        return any(Path(filename).is_relative_to(self._root / folder) for folder in ("functions", "layers"))

    def _relative(self, filename: str, line: int | None) -> str:
        path = Path(filename)
        return f"{path.relative_to(self._root) if path.is_relative_to(self._root) else path}:{line}"
