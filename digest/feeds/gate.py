"""The turns of one host inside this process: never crowded, never hurried."""

import asyncio
from datetime import timedelta


class Gate:
    """The turns of one host: at most `per_host` at once, starts at least `spacing` apart."""

    def __init__(self, *, per_host: int, spacing: timedelta) -> None:
        self._slots = asyncio.Semaphore(per_host)
        self._spacing = spacing.total_seconds()
        self._next_start = 0.0

    async def __aenter__(self) -> None:
        await self._slots.acquire()
        clock = asyncio.get_running_loop().time
        start = max(clock(), self._next_start)
        self._next_start = start + self._spacing
        try:
            await asyncio.sleep(start - clock())
        except asyncio.CancelledError:
            self._slots.release()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._slots.release()
