"""Sends the deliveries that are due, concurrently, so that duplicates of an event race with each other."""

import asyncio
from datetime import timedelta

import httpx

from local.stripe_simulator.core.webhooks import Delivery
from local.stripe_simulator.simulator import Simulator

# The simulator's clock may jump, so the worker checks what is due at least this often.
MAX_WAIT = 1.0  # seconds
RESPONSE_TIMEOUT = 30.0  # seconds; about what Stripe allows
MAX_CONCURRENT = 200


class DeliveryWorker:
    """`async with DeliveryWorker(simulator):` delivers until the block ends."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._wake = asyncio.Event()
        self._sending: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> None:
        # trust_env=False: no proxy, so deliveries stay on this computer.
        limits = httpx.Limits(max_connections=MAX_CONCURRENT)
        self._client = httpx.AsyncClient(timeout=RESPONSE_TIMEOUT, trust_env=False, limits=limits)
        self._loop = asyncio.get_running_loop()
        self._unsubscribe = self._simulator.on_deliveries_planned(self._wake_up)
        self._running = asyncio.create_task(self._run())

    async def __aexit__(self, *_: object) -> None:
        self._unsubscribe()
        tasks = [self._running, *self._sending]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.aclose()

    def _wake_up(self) -> None:
        self._loop.call_soon_threadsafe(self._wake.set)

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            for delivery in self._simulator.due():
                task = asyncio.create_task(self._send(delivery))
                self._sending.add(task)
                task.add_done_callback(self._sending.discard)
            try:
                await asyncio.wait_for(self._wake.wait(), self._pause())
            except TimeoutError:
                continue

    def _pause(self) -> float:
        due = self._simulator.next_due()
        if due is None:
            return MAX_WAIT
        left = (due - self._simulator.now()) / timedelta(seconds=1)
        return min(max(left, 0.001), MAX_WAIT)

    async def _send(self, delivery: Delivery) -> None:
        try:
            response = await self._client.post(delivery.url, content=delivery.body, headers=dict(delivery.headers))
        except httpx.HTTPError as error:
            self._simulator.delivered(delivery, None, f"{type(error).__name__}: {error}".rstrip(": "))
        except asyncio.CancelledError:
            self._simulator.delivered(delivery, None, "the simulator stopped")
            raise
        else:
            self._simulator.delivered(delivery, response.status_code)
