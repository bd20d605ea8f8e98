"""Relay connections from a container to this machine's loopback, the only place where the local stack listens.

Docker's bridge gives this machine an address that only containers can reach. A relay listens there while a function is
invoked, and forwards every connection.
"""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit


@contextlib.contextmanager
def relayed(gateway: str, url: str) -> Iterator[str]:
    """The address at which containers reach the loopback `url`; raises OSError if `gateway` is not this machine's."""
    loop = asyncio.new_event_loop()
    port = urlsplit(url).port
    server = loop.run_until_complete(asyncio.start_server(lambda *ends: _relay(port, *ends), gateway, 0))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{gateway}:{server.sockets[0].getsockname()[1]}"
    finally:
        asyncio.run_coroutine_threadsafe(_close(server), loop).result(timeout=10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=10)
        loop.close()


async def _relay(port: int | None, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        there, back = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(_pump(reader, back), _pump(there, writer))


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await source.read(65536):
            target.write(chunk)
            await target.drain()
    target.close()


async def _close(server: asyncio.Server) -> None:
    server.close()
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    await asyncio.sleep(0)  # let the cancelled tasks end
