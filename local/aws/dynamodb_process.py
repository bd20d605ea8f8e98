"""The DynamoDB emulator in a process that ends with its parent.

Its standard input is a pipe that only the parent holds open. End of file means that the parent has ended, even if it
was killed. Unlike a parent-death signal, this works on every system.
"""

import os
import runpy
import shutil
import sys
import tempfile
import threading


def _end_with_parent(folder: str) -> None:
    sys.stdin.buffer.read()
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)  # nothing needs an orderly shutdown


if __name__ == "__main__":
    folder = tempfile.mkdtemp(prefix="topup-dynamodb-")
    tempfile.tempdir = os.environ["TMPDIR"] = folder  # the emulator writes all its files there
    threading.Thread(target=_end_with_parent, args=(folder,), daemon=True).start()
    sys.argv = ["ministack"]
    try:
        runpy.run_module("ministack", run_name="__main__")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
