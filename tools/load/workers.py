"""Many threads that take jobs off one list."""

import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from tools.load.actors import Job
from tools.load.client import NoResponseError
from tools.load.expected import Expected
from tools.load.workload import Size

PROGRESS_EVERY = 5.0  # seconds


def run(jobs: list[Job], size: Size, expected: Expected, say: Callable[[str], None]) -> None:
    """Take jobs off the list until it is empty or the time is up. Raises what a job has raised."""
    rng = random.Random(size.seed)  # noqa: S311 - no secret
    began = reported = time.monotonic()
    running_jobs: set[Future[Sequence[Job]]] = set()
    with ThreadPoolExecutor(size.concurrency) as pool:
        while True:
            while jobs and len(running_jobs) < size.concurrency and time.monotonic() - began < size.seconds:
                running_jobs.add(pool.submit(jobs.pop(0)))
            if not running_jobs:
                return
            done, running_jobs = wait(running_jobs, timeout=1, return_when=FIRST_COMPLETED)
            for job in done:
                try:
                    for following in job.result():
                        jobs.insert(rng.randint(0, len(jobs)), following)
                except NoResponseError as error:
                    expected.without_response.append(str(error))
            if time.monotonic() - reported > PROGRESS_EVERY:
                reported = time.monotonic()
                say(f"{len(jobs)} jobs left after {reported - began:.0f} s")
