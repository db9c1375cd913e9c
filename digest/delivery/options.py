"""How a worker works, and what a run of it brought about: the values that its parts share."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a worker works; the durations are for tests to shorten."""

    connections: int = 8
    rate: float = 0.0
    """Mails a second for all workers together; 0 = no limit."""
    first_window: int = 2
    lease: timedelta = timedelta(seconds=120)
    beat: timedelta = timedelta(seconds=10)
    flush: timedelta = timedelta(milliseconds=250)
    """How often, while sending, everything so far is brought onto the disk (SQLite)."""
    idle_look: timedelta = timedelta(seconds=1)
    idle_link: timedelta = timedelta(seconds=20)
    throttled_look: timedelta = timedelta(milliseconds=100)
    patience: timedelta = timedelta(seconds=60)
    farewell: timedelta = timedelta(seconds=30)
    slow_dot: timedelta = timedelta(seconds=60)
    """After this long without an answer to its dot, a spare connection takes over a connection's work."""
    first_backoff: timedelta = timedelta(seconds=5)


@dataclass(slots=True)
class Counts:
    """What a run of the worker brought about."""

    sent: int = 0
    deferred: int = 0
    failed: int = 0
    unknown: int = 0
    route_error: str = ""


class News:
    """Something changed: whoever waits looks again."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def tell(self) -> None:
        """Wake everybody who waits now."""
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self, longest: timedelta) -> bool:
        """Wait until something changed; False when nothing did for that long."""
        try:
            async with asyncio.timeout(longest.total_seconds()):
                return await self._event.wait()
        except TimeoutError:
            return False
