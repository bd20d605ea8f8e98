"""AWS clients from one session, so that its preparation is done once for all clients of a function.

botocore, not boto3: boto3 adds resources and S3 transfers, which nothing here uses and every cold start would import.
"""

# getaddrinfo encodes every host's name by this module, which the first request would import otherwise.
import encodings.idna  # noqa: F401
import os
from functools import cache, partialmethod
from typing import Any

import botocore.session
from botocore import __version__
from botocore.config import Config
from botocore.endpoint import EndpointCreator

from topup.runtime import start
from topup.runtime.connections import Connections
from topup.runtime.parsing import Parsers

# Without one, botocore makes it anew for every request, letter by letter: a tenth of a warm invocation's CPU time.
USER_AGENT = f"Topup Botocore/{__version__}"

# botocore has no other place to name it; so every client of this process has it, a tool's too.
_of_clients: Any = EndpointCreator
_of_clients.create_endpoint = partialmethod(EndpointCreator.create_endpoint, http_session_cls=Connections)


def client(service: str, limits: Config) -> Any:
    """A new client; `limits` has its timeouts and attempts. It opens no connection before its first request."""
    made = _session().create_client(service, config=limits.merge(Config(user_agent=USER_AGENT)))
    if os.environ.get(start.CHAOS):
        from topup.runtime import chaos  # noqa: PLC0415 - no start pays for it, but a drill's

        chaos.disturb(made, service, limits)
    return made


@cache
def _session() -> botocore.session.Session:
    made = botocore.session.get_session()
    made.register_component("response_parser_factory", Parsers())
    return made
