"""Do what Lambda's bootstrap does, and no more: import app from the path, call its handler, print the result.

bootstrap.py EVENT               one cold start: the CPU seconds of its initialisation and of its first request
bootstrap.py EVENT reads FOLDER  one cold start: the files that it reads below FOLDER
bootstrap.py EVENT keep          keep running: for each line on standard input, a number, make so many calls and
                                 print their CPU seconds
"""

import json
import os
import sys
import time


class Context:
    function_name = "bench"
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:bench"
    aws_request_id = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"

    def get_remaining_time_in_millis(self):  # type: ignore[no-untyped-def]  # Lambda's own does not import typing
        return 300_000


def main() -> None:
    mode = sys.argv[2] if len(sys.argv) > 2 else ""
    with open(sys.argv[1]) as file:  # noqa: PTH123 - importing pathlib would be measured
        event = json.load(file)
    if mode == "reads":
        sys.path.append(os.path.dirname(__file__))  # noqa: PTH120
        import reads  # type: ignore[import-not-found]  # noqa: PLC0415 - a measured start must not import it

        files_read = reads.begin(sys.argv[3])
    import app  # type: ignore[import-not-found]  # noqa: PLC0415 - the function that is first on the path

    initialised = time.process_time()
    result = app.handler(event, Context())
    answered = time.process_time()
    line = {"result": result, "init": initialised, "first": answered - initialised}
    if mode == "reads":
        line["reads"] = files_read()
    write(line)
    if mode != "keep":
        os._exit(0)  # Lambda keeps the process: its end is not part of a cold start
    for calls in sys.stdin:
        began = time.process_time()
        for _ in range(int(calls)):
            app.handler(event, Context())
        write({"seconds": time.process_time() - began})


def write(line: object) -> None:
    sys.stdout.write(json.dumps({"bench": line}) + "\n")
    sys.stdout.flush()


main()
