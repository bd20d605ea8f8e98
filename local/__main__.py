"""`python -m local`: starts the local stack and serves until Ctrl-C."""

import os
import signal
import sys

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a Ctrl-C during the imports ends it without a traceback
    from local.cli import main

    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # not sys.exit: a handler that hangs in its thread must not keep the stack alive
