"""`make outputs STAGE=staging`: the stack's outputs as assignments, for people and for `eval`."""

import shlex
import sys

from ops import region, stages, target
from ops.errors import CannotRunError


def main(arguments: list[str]) -> int:
    try:
        [stage] = arguments
        outputs, _ = target.outputs_of(stages.find(stage).stack, {"ApiUrl"})
    except CannotRunError as error:
        print(f"cannot show the outputs: {error}", file=sys.stderr)
        return 2
    for name, value in sorted(outputs.items()):
        print(f"{name}={shlex.quote(value)}")
    return 0


if __name__ == "__main__":
    region.as_the_cli_reads_it()
    sys.exit(main(sys.argv[1:]))
