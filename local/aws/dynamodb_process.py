"""The DynamoDB emulator as a process of its own, which ends when whoever started it does.

Its standard input is a pipe that only the parent holds open: end of file means that the parent is gone, however it
ended. That works on every system, unlike a parent-death signal.
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
    os._exit(0)  # a process without a parent has nobody to say goodbye to


if __name__ == "__main__":
    folder = tempfile.mkdtemp(prefix="topup-dynamodb-")
    tempfile.tempdir = os.environ["TMPDIR"] = folder  # all files that the emulator makes
    threading.Thread(target=_end_with_parent, args=(folder,), daemon=True).start()
    sys.argv = ["ministack"]
    try:
        runpy.run_module("ministack", run_name="__main__")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
