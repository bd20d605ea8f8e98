"""What Lambda's bootstrap does, and no more: import app from the path, call its handler, hand out the answer.

    launcher.py EVENT [CALLS]

With CALLS the process stays: for each line that it reads it makes that many more, and says what CPU time they took.
"""

import json
import os
import sys
import time


class Context:
    function_name = "bench"

    def get_remaining_time_in_millis(self):  # type: ignore[no-untyped-def]  # typing is an import that Lambda's lacks
        return 300_000


def main() -> None:
    import app  # type: ignore[import-not-found]  # noqa: PLC0415 - whichever function is first on the path

    with open(sys.argv[1]) as file:  # noqa: PTH123 - pathlib is an import that would be measured
        event = json.load(file)
    answer = app.handler(event, Context())
    out = sys.stdout
    out.write(json.dumps({"answer": answer}) + "\n")
    out.flush()
    calls = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    if not calls:
        os._exit(0)  # Lambda keeps the process: taking it down is no part of its start
    for _ in sys.stdin if calls else ():
        begun = time.process_time()
        for _ in range(calls):
            app.handler(event, Context())
        out.write(json.dumps({"seconds": time.process_time() - begun}) + "\n")
        out.flush()


main()
