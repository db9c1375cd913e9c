"""The real web app behind a real uvicorn on a loopback port, and an ordinary HTTP client in front of it."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from random import Random
from typing import Any
from uuid import UUID

import httpx
import uvicorn
from fastapi import FastAPI
from sqlalchemy import select
from typing_extensions import override

from digest.db import Database
from digest.rendering import Templates, directories
from digest.runtime import Runtime, publisher
from digest.settings import Settings
from digest.web.app import create_app
from digest.web.server import config
from subscribers.tokens import LIFETIMES, Purpose
from subscribers.types import metadata


@dataclass(slots=True)
class Clock:
    """A clock that stands still until a test moves it."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now

    def move(self, **span: float) -> None:
        """Let time pass: `move(hours=24)`."""
        self.now += timedelta(**span)


@dataclass(slots=True)
class RunningSite:
    """A served app: its address, its parts, and the hands of a test."""

    url: str
    app: FastAPI
    runtime: Runtime
    clock: Clock
    client: httpx.Client

    @property
    def db(self) -> Database:
        return self.runtime.db

    def token(self, purpose: Purpose, subject: UUID, *, version: int = 0, is_test: bool = False) -> str:
        """A genuine token with the purpose's own life."""
        life = LIFETIMES[purpose]
        expires_at = self.clock.now + life if life else None
        return self.runtime.signer.sign(
            purpose, subject, version=version, expires_at=expires_at, is_test=is_test
        )

    def dump(self) -> dict[str, list[Any]]:
        """Every row of every table, to see that nothing changed."""
        with self.db.read() as session:
            return {
                table.name: sorted(map(repr, session.execute(select(table)).all()))
                for table in metadata.sorted_tables
            }


class _Server(uvicorn.Server):
    """Tells when it listens, and leaves the signals of the test process alone."""

    def __init__(self, configuration: uvicorn.Config) -> None:
        super().__init__(configuration)
        self.ready = threading.Event()

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


def listening() -> socket.socket:
    """A socket on a free loopback port; with its protocol named, asyncio sends without Nagle's delay."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    return listener


@contextmanager
def serving(app: FastAPI, listener: socket.socket) -> Iterator[None]:
    """Serve an app on a bound socket until the block ends."""
    server = _Server(config(app))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        assert server.ready.wait(20), "the server did not start"
        yield
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()
    assert not thread.is_alive(), "the server did not stop"


@cache
def _read(language: str, public: str) -> Templates:
    return Templates(directories(), publisher=json.loads(public), language=language)


def _templates(settings: Settings) -> Templates:
    return _read(settings.language, json.dumps(publisher(settings)))


@contextmanager
def running_site(db: Database, settings: Settings, clock: Clock, **client: Any) -> Iterator[RunningSite]:
    """The whole app on its own port, `base_url` included; `client` goes to httpx."""
    listener = listening()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    runtime = Runtime(settings.model_copy(update={"base_url": url}), db, clock, Random(1))
    runtime.__dict__["templates"] = _templates(settings)  # compiled once for all tests
    app = create_app(runtime)
    options = {"verify": False, "timeout": 60} | client  # a busy machine is no fault of ours
    with serving(app, listener), httpx.Client(base_url=url, **options) as http:
        yield RunningSite(url, app, runtime, clock, http)
