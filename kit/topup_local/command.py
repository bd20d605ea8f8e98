"""`topup-local`: the stack as a command, for services in any language."""

import argparse
import os
import sys
import tempfile
from typing import NoReturn

from topup_local.sources import PATHS, PROJECT


def main() -> NoReturn:
    options = arguments().parse_args()
    sys.path[:0] = PATHS
    from local import cli, launcher  # noqa: PLC0415 - found from here on

    with tempfile.TemporaryDirectory(prefix="topup-local-") as state:
        environment = launcher.environment_of(PROJECT, dict(options.set))
        os.environ.clear()
        os.environ.update(environment)
        code = cli.main(["--no-dotenv", "--state", state, "--listen", options.listen, *options.flags])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # as `python -m local` ends: a handler that hangs in its thread must not keep it running


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="topup-local", description="Start Topup on free ports of this machine, with a simulated Stripe."
    )
    for flag, meaning in (
        ("--json", "print one line of JSON, for programs, instead of the guide"),
        ("--until-stdin-ends", "stop when standard input is closed, too: with the program that started it"),
    ):
        parser.add_argument(flag, dest="flags", action="append_const", const=flag, default=[], help=meaning)
    parser.add_argument(
        "--listen", default="127.0.0.1", metavar="ADDRESS", help="0.0.0.0 lets other machines in, as a container must"
    )
    parser.add_argument(
        "--set",
        action="append",
        type=setting,
        default=[],
        metavar="NAME=VALUE",
        help="a setting of .env.example, such as API_PORT=8000, LOW_BALANCE_THRESHOLD=100 or CATALOGUE_FILE=/my.json",
    )
    return parser


def setting(text: str) -> tuple[str, str]:
    name, is_set, value = text.partition("=")
    if not is_set:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value
