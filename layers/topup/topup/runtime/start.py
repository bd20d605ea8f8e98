"""What a function's process does while it starts, before its first request.

Lambda gives a start a whole processor, and a request only the share that the function's memory buys: 0.58 of one at
1,024 MB (AWS Lambda documentation, "Configure Lambda function memory"). docs/decisions/0045 says what belongs here.
"""

import os
from collections.abc import Callable


def is_on_lambda() -> bool:
    """Whether this process is a function's on Lambda, whose environment never changes, and not a tool's or a test's."""
    return "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ  # AWS Lambda documentation, "Defined runtime variables"


def prepare(make: Callable[[], object]) -> None:
    """Make something now that is otherwise made on first use; only on Lambda.

    It must hold no secret and open no connection: SnapStart may copy the process after its start.
    """
    if is_on_lambda():
        make()
