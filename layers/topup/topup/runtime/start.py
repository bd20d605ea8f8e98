"""What a function's process does while it starts, before its first request.

Lambda gives a start a whole processor, and a request only the share that the function's memory buys: 0.58 of one at
1,024 MB (AWS Lambda documentation, "Configure Lambda function memory"). docs/decisions/0045 says what belongs here.
"""

import os
from collections.abc import Callable
from typing import Any

CHAOS = "TOPUP_CHAOS"  # the variable that asks for faults: never where real money moves


def is_on_lambda() -> bool:
    """Whether this process is a function's on Lambda, whose environment never changes, and not a tool's or a test's."""
    return "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ  # AWS Lambda documentation, "Defined runtime variables"


def prepare(make: Callable[[], object]) -> None:
    """Make something now that is otherwise made on first use; only on Lambda.

    It must hold no secret and open no connection: SnapStart may copy the process after its start.
    """
    if is_on_lambda():
        make()


def at_least_once(handler: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """A handler whose events may come more than once; in a drill some of them do."""
    if not os.environ.get(CHAOS):
        return handler
    from topup.runtime import chaos  # noqa: PLC0415 - no start pays for it, but a drill's

    return chaos.twice(handler)
