"""The ports that the local stack takes."""

import asyncio
import socket
from typing import Any

from local import servers


class Accepted(asyncio.Protocol):
    """Looks at a connection's delay as soon as it is there, and closes it."""

    def __init__(self, result: asyncio.Future[bool]) -> None:
        self._result = result

    def connection_made(self, transport: Any) -> None:
        option = transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        self._result.set_result(bool(option))
        transport.close()


def test_no_answer_waits_for_the_acknowledgement_of_the_one_before():
    """Nagle's algorithm and delayed acknowledgements together cost 40 ms a request."""
    claim = servers.claim("test", 0, "TEST_PORT")

    async def answers_at_once() -> bool:
        loop = asyncio.get_running_loop()
        result: asyncio.Future[bool] = loop.create_future()
        async with await loop.create_server(lambda: Accepted(result), sock=claim.socket):
            with socket.create_connection(("127.0.0.1", claim.port)):
                return await result

    assert asyncio.run(answers_at_once())
