"""One open connection after its set-up: writes bytes, hands out checked replies, and ends for one stated reason.

The protocol object knows nothing of mails. It takes over a transport that another client opened and secured, reads the
answers in order and watches one deadline, so that waiting costs no timer per command.
"""

import asyncio
import socket
from collections import deque
from datetime import timedelta
from typing import cast

from typing_extensions import override

from digest.mail.outcome import Reply
from digest.mail.replies import MalformedReplyError, ReplyReader

SEND_BUFFER = 512 * 1024
"""Octets the kernel may hold: a whole mail leaves in one call."""


class LinkGoneError(Exception):
    """The connection ended: closed, timed out, or no longer to be trusted; the text says which."""


class Wire(asyncio.Protocol):
    """Replies in, commands out. After `gone` is set nothing is written any more."""

    def __init__(self, transport: asyncio.Transport, *, tick: timedelta = timedelta(seconds=1)) -> None:
        self.gone = ""
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._reader = ReplyReader()
        self._replies: deque[Reply] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._deadline = 0.0
        self._is_paused = False
        self._tick = tick.total_seconds()
        transport.set_write_buffer_limits(high=1, low=0)  # 0 would pause an empty TLS connection
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        transport.set_protocol(self)
        self._watch = self._loop.call_later(self._tick, self._look)

    @property
    def has_reply(self) -> bool:
        """Whether an answer is waiting to be read."""
        return bool(self._replies)

    def write(self, data: bytes) -> None:
        """Hand bytes to the connection. Raises LinkGoneError."""
        if self.gone:
            raise LinkGoneError(self.gone)
        self._transport.write(data)

    async def reply(self, within: timedelta) -> Reply:
        """The next answer, in order. Raises LinkGoneError when none comes."""
        while not self._replies:
            await self._wait(within)
        return self._replies.popleft()

    async def drained(self, within: timedelta) -> None:
        """Wait until all that was written has left the process, or an answer came. Raises LinkGoneError."""
        while self._is_paused and not self._replies:
            await self._wait(within)

    def end(self, reason: str) -> None:
        """Drop the connection at once; whatever waits for it learns the reason."""
        if not self.gone:
            self.gone = reason
            self._watch.cancel()
            self._transport.abort()
        self._wake()

    async def _wait(self, within: timedelta) -> None:
        if self.gone:
            raise LinkGoneError(self.gone)
        self._deadline = self._loop.time() + within.total_seconds()
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _look(self) -> None:
        if self._waiter is not None and self._loop.time() > self._deadline:
            self.end("timeout")
        else:
            self._watch = self._loop.call_later(self._tick, self._look)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    @override
    def data_received(self, data: bytes) -> None:
        try:
            self._reader.feed(data, self._replies)
        except MalformedReplyError as error:
            self.end(str(error))
        self._wake()

    @override
    def eof_received(self) -> bool:
        return False

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.end("closed" if exc is None else type(exc).__name__)

    @override
    def pause_writing(self) -> None:
        self._is_paused = True

    @override
    def resume_writing(self) -> None:
        self._is_paused = False
        self._wake()
