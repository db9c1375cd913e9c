"""Event loops in threads of their own: gathering and sending never wait for the web, nor the web for them."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final

import structlog

from digest import stages
from digest.delivery.loop import new_loop
from digest.delivery.post import post_office
from digest.delivery.worker import Worker
from digest.runtime import Runtime

FAREWELL: Final = 45.0
"""Seconds a thread gets to end: mails past their dot wait up to 30 for the answer."""

_log = structlog.get_logger(__name__)


class Gathering:
    """Polls feeds in its own loop, whenever woken; connections and parse processes stay open between rounds."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._wake = asyncio.Event()

    async def live(self, stop: asyncio.Event) -> None:
        """Poll at each wake until told to stop; a round that fails is told and the next one runs."""
        stopping = asyncio.create_task(stop.wait())
        async with stages.gathering(self._runtime) as gatherer:
            while not stop.is_set():
                waking = asyncio.create_task(self._wake.wait())
                await asyncio.wait({waking, stopping}, return_when=asyncio.FIRST_COMPLETED)
                waking.cancel()
                self._wake.clear()
                if not stop.is_set():
                    await self._poll(gatherer, stopping)

    def wake(self) -> None:
        """Poll now; to be called in its own loop."""
        self._wake.set()

    async def _poll(self, gatherer: stages.Gatherer, stopping: "asyncio.Task[Any]") -> None:
        round_ = asyncio.create_task(gatherer.poll())
        await asyncio.wait({round_, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not round_.done():
            round_.cancel()
        try:
            await round_
        except asyncio.CancelledError:
            pass  # told to stop in the middle: the claims run out by themselves
        except Exception:  # noqa: BLE001 - the rim of a round
            _log.exception("stage_failed", stage="gather")


@contextmanager
def gathering(runtime: Runtime) -> Iterator[Callable[[], None]]:
    """Gather in a thread until the block ends; gives what wakes it."""
    with _thread(
        "gather", lambda: Gathering(runtime), lambda one, stop: one.live(stop), asyncio.new_event_loop
    ) as wake:
        yield wake


@contextmanager
def sending(runtime: Runtime) -> Iterator[Callable[[], None]]:
    """Send in a thread until the block ends; gives what wakes it. Mails past their dot land before it returns."""
    with _thread("send", lambda: post_office(runtime), _send, new_loop) as wake:
        yield wake


async def _send(worker: Worker, stop: asyncio.Event) -> None:
    await worker.run_forever(stop)


@contextmanager
def _thread(
    name: str,
    make: Callable[[], Any],
    live: Callable[[Any, asyncio.Event], Coroutine[Any, Any, None]],
    loop_factory: Callable[[], asyncio.AbstractEventLoop],
) -> Iterator[Callable[[], None]]:
    started: threading.Event = threading.Event()
    inside: dict[str, Any] = {}

    async def main() -> None:
        inside.update(loop=asyncio.get_running_loop(), stop=asyncio.Event(), one=make())
        started.set()
        await live(inside["one"], inside["stop"])

    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=loop_factory) as runner:
                runner.run(main())
        except BaseException:
            _log.exception("thread_failed", thread=name)
            raise
        finally:
            started.set()

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    started.wait()

    def call(what: Callable[[], None]) -> None:
        if thread.is_alive():
            inside["loop"].call_soon_threadsafe(what)

    try:
        yield lambda: call(inside["one"].wake)
    finally:
        call(inside["stop"].set)
        thread.join(FAREWELL)
