"""A client of Topup: prepaid credits, spent once whatever happens on the way. README.md has an example."""

from topup_client.captures import Replayed
from topup_client.client import Topup
from topup_client.errors import (
    ApiError,
    Busy,
    CapturePending,
    GatewayError,
    HoldEnded,
    InsufficientCredits,
    NoAnswer,
    TooManyHolds,
    TopupError,
    UnexpectedAnswer,
)
from topup_client.holds import Hold
from topup_client.journal import Capture, Journal, SetAside
from topup_client.retries import Retries

__all__ = [
    "ApiError",
    "Busy",
    "Capture",
    "CapturePending",
    "GatewayError",
    "Hold",
    "HoldEnded",
    "InsufficientCredits",
    "Journal",
    "NoAnswer",
    "Replayed",
    "Retries",
    "SetAside",
    "TooManyHolds",
    "Topup",
    "TopupError",
    "UnexpectedAnswer",
]
