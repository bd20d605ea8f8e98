"""The command line of `python -m local`."""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from local import ROOT, banner, discovery, settings, stack
from local.aws.dynamodb import DynamoDBError
from local.aws.intrinsics import TemplateError
from local.banner import Access
from local.logs import Console, LogError
from local.servers import PortInUseError
from local.settings import Settings, SettingsError

START_ERRORS = (DynamoDBError, LogError, PortInUseError, SettingsError, TemplateError, stack.NotReadyError)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m local", description="Topup's local stack.")
    parser.add_argument("--json", action="store_true", help="print one line of JSON instead of the guide")
    parser.add_argument("--no-dotenv", action="store_true", help="ignore .env, as tests do: use .env.example's values")
    parser.add_argument("--until-stdin-ends", action="store_true", help="stop when standard input is closed, too")
    parser.add_argument("--state", type=Path, help="the folder that the stack writes to, such as its logs")
    parser.add_argument(
        "--listen",
        default=settings.THIS_MACHINE,
        help="not this machine alone, but this address: in a container, 0.0.0.0",
    )
    options = parser.parse_args(arguments)
    format_banner = banner.as_json if options.json else banner.as_text
    try:
        chosen = settings.load(ROOT, os.environ, dotenv=not options.no_dotenv)
        chosen = replace(chosen, state=options.state, listen=options.listen)
        if not options.json:
            _tell_of_others(chosen.state or ROOT)
        if chosen.unused:
            print(f"note: nothing here reads {', '.join(chosen.unused)}, which .env sets", file=sys.stderr)
        asyncio.run(
            _until_stopped(
                chosen,
                lambda access, seconds: print(format_banner(access, seconds), flush=True),
                watch_stdin=options.until_stdin_ends,
                # A program knows its own stacks, and may have several; in a folder of its own each can be found.
                discoverable=not options.json or options.state is not None,
            )
        )
    except START_ERRORS as error:
        print(f"cannot start: {error}", file=sys.stderr)
        return 1
    return 0


def _tell_of_others(root: Path) -> None:
    """Say which stacks run in this checkout already: their ports are taken, and the commands find the latest stack."""
    for other in discovery.find_all(root):
        since = other.started_at.astimezone().strftime("%H:%M:%S")
        print(
            f"note: a stack of this checkout runs since {since} at {other.api} (process {other.pid})", file=sys.stderr
        )


async def _until_stopped(
    chosen: Settings, announce: Callable[[Access, float], None], *, watch_stdin: bool, discoverable: bool
) -> None:
    task = asyncio.current_task()
    assert task is not None
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if not task.cancelling():  # a second Ctrl-C changes nothing: stopping takes less than two seconds
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    if watch_stdin:
        threading.Thread(target=_when_stdin_ends, args=(loop, stop), daemon=True).start()
    with contextlib.suppress(asyncio.CancelledError):
        await stack.run(chosen, Console(sys.stderr), announce, discoverable=discoverable)


def _when_stdin_ends(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    """Stop with the process that started the stack, even if that process is killed."""
    sys.stdin.buffer.read()
    with contextlib.suppress(RuntimeError):  # the loop has ended already
        loop.call_soon_threadsafe(stop)
