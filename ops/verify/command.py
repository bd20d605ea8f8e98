"""Run every step on a stack in Stripe's test mode, compare Stripe with its simulator, and write both down."""

import signal
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx

from ops import opened
from ops.verify import as_asked, place, report, steps
from ops.verify.at_stripe import AtStripe
from ops.verify.exchanges import Recorder
from ops.verify.place import Place
from ops.verify.scene import Scene
from ops.verify.steps import FAILED, Result
from ops.verify.twin import Compared, Twin, compare
from topup.stripe_gateway.http_client import PooledClient

CONNECT_TIMEOUT, READ_TIMEOUT = 5, 60  # seconds; nobody waits here


def run(options: Namespace) -> int:
    with httpx.Client(trust_env=bool(options.stack), timeout=60) as http, place.opened(options, http) as found:
        say = partial(print, file=sys.stdout, flush=True)  # what is logged below goes to the standard error
        say(f"{found.name}, {found.stripe}")
        with opened.logs_on_stderr(), _sigterm_as_ctrl_c():
            results, compared = verify(found, http, say)
        written = report.Run(found, results, compared)
    file = Path(options.out) if options.out else report.file_of(options.root, written)
    report.write(file, written.whole())
    if options.fidelity:
        report.record(options.root / report.PAGE, written)
    say(f"\n{written.summary()}\n{written.fidelity_summary()}\nwritten to {file}")
    return 1 if any(result.status == FAILED for result in results) else 0


@contextmanager
def _sigterm_as_ctrl_c() -> Iterator[None]:
    """Let SIGTERM unwind the block, so that a step that is cut off puts back what it has changed at Stripe."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def verify(found: Place, http: httpx.Client, say: steps.Say) -> tuple[list[Result], list[Compared]]:
    """All steps, and every exchange with Stripe compared with the simulator's answer."""
    recorder = Recorder(PooledClient(CONNECT_TIMEOUT, READ_TIMEOUT), found.clock.now)
    stripe = AtStripe(recorder)
    endpoints = stripe.endpoints(found.webhook_urls)
    recorder.exchanges.clear()
    with as_asked.carried_by(recorder):
        results = steps.run(Scene(found, http, stripe), recorder, say)
    return results, compare(recorder.exchanges, Twin(endpoints))
