"""Do what Lambda's bootstrap does, and no more: import app from the path, call its handler, print the result.

    bootstrap.py EVENT [CALLS]

With CALLS the process keeps running: for each line on standard input it calls the handler CALLS times and prints the
CPU time.
"""

import json
import os
import sys
import time


class Context:
    function_name = "bench"

    def get_remaining_time_in_millis(self):  # type: ignore[no-untyped-def]  # Lambda's own does not import typing
        return 300_000


def main() -> None:
    import app  # type: ignore[import-not-found]  # noqa: PLC0415 - the function that is first on the path

    with open(sys.argv[1]) as file:  # noqa: PTH123 - importing pathlib would be measured
        event = json.load(file)
    result = app.handler(event, Context())
    out = sys.stdout
    out.write(json.dumps({"result": result}) + "\n")
    out.flush()
    calls = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    if not calls:
        os._exit(0)  # Lambda keeps the process: its end is not part of a cold start
    for _ in sys.stdin:
        began = time.process_time()
        for _ in range(calls):
            app.handler(event, Context())
        out.write(json.dumps({"seconds": time.process_time() - began}) + "\n")
        out.flush()


main()
