"""Control every source of time and randomness that the code has: the same seed gives the same history."""

import os
import random
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from ministack.services import dynamodb as engine

from local.in_process import direct
from tests.simulation import fast_paths
from tests.simulation.scheduler import Scheduler
from topup.reconciliation import questions


def stream(seed: int, name: str) -> random.Random:
    """One of a seed's random streams: more or fewer draws from one do not change the others."""
    return random.Random(f"{seed}:{name}")


@contextmanager
def controlled(scheduler: Scheduler, seed: int) -> Iterator[None]:
    """Replace the clock, sleep, random, UUIDs and the operating system's random bytes; refuse the network."""
    ids = stream(seed, "ids")
    random.seed(f"{seed}:random")
    replaced: list[tuple[Any, str, Any]] = [
        (time, "time", lambda: scheduler.seconds),
        (time, "monotonic", lambda: scheduler.seconds),
        (time, "sleep", _sleep(scheduler, time.sleep)),
        (uuid, "uuid4", lambda: _uuid4(ids)),
        (os, "urandom", ids.randbytes),
        (socket.socket, "connect", _no_network),
        (socket, "getaddrinfo", _no_network),
        # The engine's background thread, which nothing here needs, keeps the real clock.
        (engine, "time", SimpleNamespace(time=lambda: scheduler.seconds, sleep=time.sleep)),
        (engine, "new_uuid", lambda: str(_uuid4(ids))),
        (questions, "opened", direct.questions),
        *fast_paths.ENGINE,
        *fast_paths.STRIPE,
    ]
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in replaced]
    for owner, name, value in replaced:
        setattr(owner, name, value)
    try:
        yield
    finally:
        for owner, name, value in before:
            setattr(owner, name, value)


def _sleep(scheduler: Scheduler, real_sleep: Callable[[float], None]) -> Callable[[float], None]:
    simulated = threading.get_ident()

    def sleep(seconds: float) -> None:
        if threading.get_ident() == simulated:
            scheduler.pause(seconds)
        else:
            real_sleep(seconds)

    return sleep


SHARDS = "0"  # the first digit of all ids in a run: reading all sixteen shards of the index would take long


def _uuid4(ids: random.Random) -> uuid.UUID:
    return uuid.UUID(int=ids.getrandbits(124), version=4)


def _no_network(*_: Any, **__: Any) -> None:
    raise AssertionError("Bug! the simulation tried to use the network")
