"""AWS clients from one session, so that its preparation is done once for all clients of a function.

botocore, not boto3: boto3 adds resources and S3 transfers, which nothing here uses and every cold start would import.
"""

# getaddrinfo encodes every host's name by this module, which the first request would import otherwise.
import encodings.idna  # noqa: F401
import os
from collections.abc import Callable
from functools import cache, partialmethod
from typing import Any

import botocore.session
from botocore import __version__, auth, parsers, serialize
from botocore.config import Config
from botocore.endpoint import EndpointCreator

from topup.runtime import start
from topup.runtime.attribute_values import Parser, Serializer
from topup.runtime.connections import Connections
from topup.runtime.signing import Signer

# Without one, botocore makes it anew for every request, letter by letter: a tenth of a warm invocation's CPU time.
USER_AGENT = f"Topup Botocore/{__version__}"

# botocore names these in tables of its own, and connections nowhere: so every client of this process has ours, a tool's
# too.
_of_clients: Any = EndpointCreator
_of_clients.create_endpoint = partialmethod(EndpointCreator.create_endpoint, http_session_cls=Connections)
serialize.SERIALIZERS.update(json=Serializer)  # type: ignore[call-overload]  # they are classes
parsers.PROTOCOL_PARSERS.update(json=Parser)  # type: ignore[call-overload]
auth.AUTH_TYPE_MAPS.update(v4=Signer)


def client(service: str, limits: Config) -> Any:
    """A new client; `limits` has its timeouts and attempts. It opens no connection before its first request."""
    made: Any = _session().create_client(service, config=limits.merge(Config(user_agent=USER_AGENT)))
    # Every request of DynamoDB, EventBridge and Parameter Store that names no other account goes to the same address.
    resolver = made._ruleset_resolver  # noqa: SLF001
    resolver.construct_endpoint = _first_result(resolver.construct_endpoint)
    start.prepare(lambda: _find_address(made))
    if os.environ.get(start.CHAOS):
        from topup.runtime import chaos  # noqa: PLC0415 - no start pays for it, but a drill's

        chaos.disturb(made, service, limits)
    return made


def _find_address(made: Any) -> object:
    service = made.meta.service_model
    operation = service.operation_model(service.operation_names[0])
    return made._resolve_endpoint_ruleset(operation, {}, {})  # noqa: SLF001


@cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()


def _first_result(call: Callable[..., object]) -> Callable[..., object]:
    """The call's first result for every later one, whatever its arguments; a call that raises is made again."""
    found: list[object] = []

    def first(**arguments: object) -> object:
        if not found:
            found.append(call(**arguments))
        return found[0]

    return first
