"""The machine's time, for what brings no time of its own. The local stack and the tests replace `now` by their own."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.fromtimestamp(time.time(), UTC)
