"""The Region of a command, read from the environment as the AWS CLI reads it."""

import os
from collections.abc import MutableMapping


def as_the_cli_reads_it(environ: MutableMapping[str, str] = os.environ) -> None:
    """Let AWS_REGION count, and more than AWS_DEFAULT_REGION: botocore knows only the latter."""
    if region := environ.get("AWS_REGION"):
        environ["AWS_DEFAULT_REGION"] = region
