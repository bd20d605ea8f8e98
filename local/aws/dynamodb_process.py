"""The DynamoDB emulator in a process that ends with its parent.

Its standard input is a pipe that only the parent holds open. End of file means that the parent has ended, even if it
was killed. Unlike a parent-death signal, this works on every system.
"""

import os
import shutil
import sys
import tempfile
import threading

from local.own_pages import OwnPages, OwnPagesOnly


def _end_with_parent(folder: str) -> None:
    sys.stdin.buffer.read()
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)  # nothing needs an orderly shutdown


if __name__ == "__main__":
    folder = tempfile.mkdtemp(prefix="topup-dynamodb-")
    tempfile.tempdir = os.environ["TMPDIR"] = folder  # the emulator writes all its files there
    threading.Thread(target=_end_with_parent, args=(folder,), daemon=True).start()
    sys.argv = ["ministack"]
    from ministack import app as emulator  # here: it must find its folder

    # It allows every page of every origin to write to the tables. Programs send no Origin.
    emulator.app = OwnPagesOnly(emulator.app, OwnPages())
    try:
        emulator.main()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
