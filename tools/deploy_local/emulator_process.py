"""The emulator's process: as local.aws.dynamodb_process runs it, and able to read SAM's templates.

It translates them with aws-sam-translator, which asks for another pydantic than the functions have. So that is taken
from the folder that the command line names, which is searched last: everything else is this environment's.

Functions run with `sys.executable`. The Python that this environment was made from has none of its packages, so that
a function finds its layers and no more: what a layer lacks is missed here as it would be on Lambda.
"""

import runpy
import sys

if __name__ == "__main__":
    sys.path += sys.argv[1:]
    sys.executable = getattr(sys, "_base_executable")  # noqa: B009 - nothing public names it
    runpy.run_module("local.aws.dynamodb_process", run_name="__main__")
