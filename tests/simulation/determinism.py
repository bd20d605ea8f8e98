"""Every source of time and chance that the code has, taken over: the same seed lives through the same history."""

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

from tests.simulation import fast_paths
from tests.simulation.scheduler import Scheduler


def stream(seed: int, name: str) -> random.Random:
    """One of a seed's streams of chance: what one draws more or less of leaves the others as they were."""
    return random.Random(f"{seed}:{name}")


@contextmanager
def owned(scheduler: Scheduler, seed: int) -> Iterator[None]:
    """Take over the clock, sleep, random, UUIDs and the operating system's bytes; refuse the network."""
    ids = stream(seed, "ids")
    random.seed(f"{seed}:random")
    taken: list[tuple[Any, str, Any]] = [
        (time, "time", lambda: scheduler.seconds),
        (time, "monotonic", lambda: scheduler.seconds),
        (time, "sleep", _sleep(scheduler, time.sleep)),
        (uuid, "uuid4", lambda: _uuid4(ids)),
        (os, "urandom", ids.randbytes),
        (socket.socket, "connect", _no_network),
        (socket, "getaddrinfo", _no_network),
        # The engine's background thread, which nothing here needs, goes on by the real clock.
        (engine, "time", SimpleNamespace(time=lambda: scheduler.seconds, sleep=time.sleep)),
        (engine, "new_uuid", lambda: str(_uuid4(ids))),
        *fast_paths.ENGINE,
    ]
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in taken]
    for owner, name, value in taken:
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


SHARDS = "0"  # the first digit of all ids in a run: to look through all sixteen parts of the index takes long


def _uuid4(ids: random.Random) -> uuid.UUID:
    return uuid.UUID(int=ids.getrandbits(124), version=4)


def _no_network(*_: Any, **__: Any) -> None:
    raise AssertionError("Bug! the simulation reached for the network")
