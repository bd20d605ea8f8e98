"""The emulator's process: local.aws.dynamodb_process, with the translator of SAM's templates.

aws-sam-translator needs another pydantic than the functions. It is imported from the folder on the command line, which
is searched last: everything else comes from this environment.

The emulator runs functions with `sys.executable`. That is set to the Python below this environment, which has no
packages: a function finds only its layers, and what a layer lacks is missing here as it would be on Lambda.
"""

import runpy
import sys

if __name__ == "__main__":
    sys.path += sys.argv[1:]
    sys.executable = getattr(sys, "_base_executable")  # noqa: B009 - there is no public name for it
    runpy.run_module("local.aws.dynamodb_process", run_name="__main__")
