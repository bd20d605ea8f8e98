"""The local stack's ports."""

import asyncio
import socket
from typing import Any

import pytest

from local import servers


class Accepted(asyncio.Protocol):
    """Reads TCP_NODELAY of a new connection, and closes it."""

    def __init__(self, result: asyncio.Future[bool]) -> None:
        self._result = result

    def connection_made(self, transport: Any) -> None:
        option = transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        self._result.set_result(bool(option))
        transport.close()


def test_a_response_does_not_wait_for_the_acknowledgement_of_the_one_before():
    """Nagle's algorithm and delayed acknowledgements together would cost 40 ms a request."""
    port = servers.reserve("test", 0, "TEST_PORT")

    async def has_no_delay() -> bool:
        loop = asyncio.get_running_loop()
        result: asyncio.Future[bool] = loop.create_future()
        async with await loop.create_server(lambda: Accepted(result), sock=port.socket):
            with socket.create_connection(("127.0.0.1", port.number)):
                return await result

    assert asyncio.run(has_no_delay())


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_a_port_is_this_machines_alone_unless_another_address_is_asked_for(address: str):
    given = [] if address == "127.0.0.1" else [address]
    port = servers.reserve("test", 0, "TEST_PORT", *given)
    with port.socket:
        assert port.socket.getsockname()[0] == address
