"""An application over real HTTP on loopback, for as long as a block runs; the port is known before it starts."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp
from typing_extensions import override

HOST = "127.0.0.1"


class _Server(uvicorn.Server):
    """A server that says when it listens, and leaves Ctrl-C to whoever runs the loop."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.tried = asyncio.Event()

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        finally:
            self.tried.set()

    @contextmanager
    @override
    def capture_signals(self) -> Iterator[None]:
        yield


def bound(port: int) -> socket.socket:
    """Take a port on loopback, 0 for any free one; raises `OSError` when it is taken."""
    # The protocol is named because asyncio turns off Nagle's delay, 40 ms an answer, only where it reads "TCP".
    taken = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((HOST, port))
    except OSError:
        taken.close()
        raise
    return taken


@asynccontextmanager
async def serving(app: ASGIApp, listener: socket.socket) -> AsyncIterator[None]:
    """Serve `app` on a bound socket while the block runs; its lifespan is run too. Raises `OSError` if it cannot start."""
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=3, ws="none"
    )
    server = _Server(config)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await server.tried.wait()
        if not server.started:
            raise OSError("the demo's web server did not start")
        yield
    finally:
        server.should_exit = True
        await running
